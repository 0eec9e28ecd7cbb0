//! Ornstein–Uhlenbeck processes and what leaks make of them over a step, drawn exactly, refined by bridges
//! ([`OuIntegral`]).

use super::Process;
use super::clock::{Channel, Clock, Lanes};
use super::draw::Numbers;
use super::ou_integral::{Move, OuIntegral, Travel};
use crate::matrix::dispatch::run;
use crate::matrix::{Real, rows_of};

/// One process per column, all of the same rate.
#[derive(Clone, Debug)]
pub(super) struct Coloured<T> {
    channel: Channel,
    rows: usize,
    /// Standard deviation of every column.
    deviations: Vec<T>,
    /// Runs of columns with equal leaks.
    runs: Vec<EqualLeaks<T>>,
    /// Processes and integrals at the ends of second halves that are still to come, by level from 1.
    pending: Vec<[Vec<T>; 2]>,
    /// Processes where the last step ended.
    now: Vec<T>,
    /// Processes at the end of the step, and integrals over it.
    next: [Vec<T>; 2],
    /// Processes at the end of the base interval under way.
    ends: Vec<T>,
    started: bool,
    numbers: Numbers<T>,
}

/// Columns with one leak.
#[derive(Clone, Debug)]
struct EqualLeaks<T> {
    columns: std::ops::Range<usize>,
    /// A base interval, and halves of every level from 1.
    moves: Vec<Move<T>>,
}

impl<T: Real> Coloured<T> {
    /// For columns with `(variance, r, ℓ)`, rates in 1/s.
    pub fn new(channel: Channel, clock: &Clock, rows: usize, rate: f64, columns: &[(f64, f64, f64)]) -> Self {
        let mut from = 0;
        let runs = columns.chunk_by(|a, b| (a.1, a.2) == (b.1, b.2)).map(|run| {
            let (start, (_, r, leak)) = (from, run[0]);
            from += run.len();
            let pair = OuIntegral { rate, r, leak };
            let halves = (1..=clock.level).map(|level| pair.half(clock.length(level)));
            let moves = std::iter::once(pair.base(clock.length(0))).chain(halves);
            EqualLeaks { columns: start..from, moves: moves.collect() }
        });
        let blank = || vec![T::ZERO; rows * columns.len()];
        Self {
            channel,
            rows,
            deviations: columns.iter().map(|c| T::of(c.0.sqrt())).collect(),
            runs: runs.collect(),
            pending: (1..=clock.level).map(|_| [blank(), blank()]).collect(),
            now: blank(),
            next: [blank(), blank()],
            ends: blank(),
            started: false,
            numbers: Numbers::new(),
        }
    }

    /// For processes like `process` in `count` columns that share `r` and `ℓ`.
    pub fn alike(
        channel: Channel,
        clock: &Clock,
        rows: usize,
        process: &Process,
        (count, r, leak): (usize, f64, f64),
    ) -> Self {
        Self::new(channel, clock, rows, process.rate, &vec![(process.variance, r, leak); count])
    }

    /// Processes at the end of the base interval that the last step is in.
    pub fn ends(&self) -> &[T] {
        &self.ends
    }

    /// Begins with these processes instead of drawing them.
    pub fn begin(&mut self, with: &[T]) {
        self.next[0].copy_from_slice(with);
        self.started = true;
    }

    /// Integrals `a` over the step.
    pub fn step(&self) -> &[T] {
        &self.next[1]
    }

    /// Processes at both ends of the step, and their integrals over it.
    pub fn interval(&self) -> [&[T]; 3] {
        [&self.now, &self.next[0], &self.next[1]]
    }

    /// Draws the integrals over the next step.
    pub fn advance(&mut self, clock: &Clock, lanes: &Lanes) {
        let count = self.deviations.len();
        if self.started {
            std::mem::swap(&mut self.now, &mut self.next[0]);
        } else {
            self.numbers.draw(lanes, self.channel, 0, count);
            for ((now, z), &deviation) in self
                .now
                .chunks_exact_mut(self.rows)
                .zip(self.numbers.values.chunks_exact(self.rows))
                .zip(&self.deviations)
            {
                now.iter_mut().zip(z).for_each(|(now, &z)| *now = deviation * z);
            }
            self.started = true;
        }
        let opens = clock.opens();
        if opens == 0 {
            self.travel(clock, lanes, 0);
            self.ends.copy_from_slice(&self.next[0]);
        } else {
            std::mem::swap(&mut self.next, &mut self.pending[opens as usize - 1]);
        }
        for level in opens + 1..=clock.level {
            self.travel(clock, lanes, level);
        }
    }

    /// Draws the end of a base interval, or the middle of the interval that ends in `next`.
    fn travel(&mut self, clock: &Clock, lanes: &Lanes, level: u32) {
        let count = self.deviations.len();
        self.numbers.draw(lanes, self.channel, clock.point(level), 2 * count);
        let (one, two) = self.numbers.values.split_at(self.rows * count);
        let [x, a] = &mut self.next;
        let mut none = [Vec::new(), Vec::new()];
        let later = if level == 0 { &mut none } else { &mut self.pending[level as usize - 1] };
        if level > 0 {
            later[0].copy_from_slice(x);
        }
        for run_of in &self.runs {
            let range = run_of.columns.start * self.rows..run_of.columns.end * self.rows;
            run(Travel {
                rows: self.rows,
                by: run_of.moves[level as usize],
                deviations: &self.deviations[run_of.columns.clone()],
                numbers: [&one[range.clone()], &two[range.clone()]],
                before: &self.now[range.clone()],
                end: [&mut x[range.clone()], &mut a[range.clone()]],
                later: if level == 0 { &mut [] } else { &mut later[1][range.clone()] },
            });
        }
    }

    /// Keeps some of the samples.
    pub fn keep(&mut self, rows: &[usize]) {
        let height = self.rows;
        let all =
            self.pending.iter_mut().flatten().chain(&mut self.next).chain([&mut self.now, &mut self.ends]);
        all.for_each(|buffer| *buffer = rows_of(buffer, height, rows));
        self.rows = rows.len();
    }
}

#[cfg(test)]
#[path = "coloured_tests.rs"]
mod tests;
