//! Many Ornstein–Uhlenbeck processes that act together, such as those of flicker noise: what is slow is drawn
//! for all of them at once.
//!
//! Within an interval of two halves `h` a process with `λh` ≪ 1 is all but Brownian motion between known
//! ends. So every process is drawn for itself down to the last halves with `λh` ≥ [`SLOW`]; below that it
//! joins a pool of which only the sum is known, and which is halved by the law of one process of the same
//! intensity `2 Σ λσ²` and of the rate `λ_e`, `λ_e² = Σ λ³σ²/Σ λσ²`. The pool's bridge then has its
//! covariance up to `(λh)⁴` of itself, and its mean up to what a parabola through ends and integral leaves of
//! a hyperbolic cosine: less than a thousandth of a process' variance, most of it at frequencies where faster
//! processes outweigh it (tested). The ends, and all that is slower, are exact.

use super::clock::{Channel, Clock, Lanes};
use super::coloured::Coloured;
use super::draw::{Numbers, add};
use super::ou_integral::{Move, OuIntegral, Share, Travel};
use super::sources::OuProcess;
use crate::matrix::dispatch::run;
use crate::matrix::{Real, rows_of};

/// Halves with `λh` below it are drawn for the pool.
const SLOW: f64 = 0.25;

/// The sum of all processes in every column.
#[derive(Clone, Debug)]
pub(super) struct OuBank<T> {
    rows: usize,
    /// With the level of the shortest halves that each draws for itself.
    own: Vec<(u32, Coloured<T>)>,
    /// By level from 1: the processes that draw no halves of that level for themselves.
    pools: Vec<Pool<T>>,
    /// Integrals over the step.
    step: Vec<T>,
    numbers: Numbers<T>,
}

/// The sum of some processes.
#[derive(Clone, Debug)]
struct Pool<T> {
    /// Columns with one leak, and how an interval is halved there.
    runs: Vec<(std::ops::Range<usize>, Move<T>)>,
    /// Root of the variance of a process of the pool's rate and intensity, per column; none of a pool without
    /// members.
    deviations: Vec<T>,
    /// Sum at the beginning of the half under way and at its end, and the integral over it.
    half: [Vec<T>; 3],
    /// Sum at the end of the second half, and the integral over that.
    later: [Vec<T>; 2],
}

impl<T: Real> OuBank<T> {
    /// For columns with `(r, ℓ)`, rates in 1/s.
    pub fn new(clock: &Clock, rows: usize, poles: &[OuProcess], columns: &[(f64, f64)]) -> Self {
        let depth = |pole: &OuProcess| {
            let own = |level: &u32| pole.rate * clock.length(*level) >= SLOW;
            (1..=clock.level).take_while(own).last().unwrap_or(0)
        };
        let own = poles.iter().enumerate().map(|(number, pole)| {
            let each = pole.variance.iter().zip(columns).map(|(&variance, &(r, leak))| (variance, r, leak));
            let (each, clock) = (each.collect::<Vec<_>>(), clock.coarser(depth(pole)));
            (depth(pole), Coloured::new(Channel::Pole(number), &clock, rows, pole.rate, &each))
        });
        let pools = (1..=clock.level).map(|level| {
            let members: Vec<&OuProcess> = poles.iter().filter(|pole| depth(pole) < level).collect();
            Pool::new(&members, clock.length(level), rows, columns)
        });
        Self {
            rows,
            own: own.collect(),
            pools: pools.collect(),
            step: vec![T::ZERO; rows * columns.len()],
            numbers: Numbers::new(),
        }
    }

    /// Integrals over the step.
    pub fn step(&self) -> &[T] {
        &self.step
    }

    /// The processes, each for itself.
    pub fn each(&self) -> impl Iterator<Item = &Coloured<T>> {
        self.own.iter().map(|(_, process)| process)
    }

    /// Mutable [`Self::each`].
    pub fn each_mut(&mut self) -> impl Iterator<Item = &mut Coloured<T>> {
        self.own.iter_mut().map(|(_, process)| process)
    }

    /// Draws the integrals over the next step.
    pub fn advance(&mut self, clock: &Clock, lanes: &Lanes) {
        let opens = clock.opens();
        for (depth, process) in self.own.iter_mut().filter(|(depth, _)| opens <= *depth) {
            process.advance(&clock.coarser(*depth), lanes);
        }
        if let Some(above) = opens.checked_sub(1) {
            self.pools[above as usize].go_on();
        }
        for level in opens + 1..=clock.level {
            let (above, below) = self.pools.split_at_mut(level as usize - 1);
            let pool = &mut below[0];
            if pool.deviations.is_empty() {
                continue;
            }
            let joining = self.own.iter().filter(|(depth, _)| depth + 1 == level).map(|(_, process)| process);
            pool.take(above.last(), joining);
            let last = level == clock.level;
            let count = pool.deviations.len() * if last { 1 } else { 2 };
            self.numbers.draw(lanes, Channel::Pool, clock.point(level), count);
            pool.halve(self.rows, &self.numbers.values, last);
        }
        self.sum_up(clock.level);
    }

    /// The step's integrals: those of the last pool and of the processes that have points at every step.
    fn sum_up(&mut self, level: u32) {
        let pool = self.pools.last().filter(|pool| !pool.deviations.is_empty()).map(|pool| &*pool.half[2]);
        let own = self.own.iter().filter(|(depth, _)| *depth == level).map(|(_, process)| process.step());
        let mut parts = pool.into_iter().chain(own);
        match parts.next() {
            Some(first) => self.step.copy_from_slice(first),
            None => self.step.fill(T::ZERO),
        }
        parts.for_each(|part| add(part, &mut self.step));
    }

    /// Keeps some of the samples.
    pub fn keep(&mut self, rows: &[usize]) {
        self.own.iter_mut().for_each(|(_, process)| process.keep(rows));
        let pools = self.pools.iter_mut().flat_map(|pool| pool.half.iter_mut().chain(&mut pool.later));
        pools.chain([&mut self.step]).for_each(|buffer| *buffer = rows_of(buffer, self.rows, rows));
        self.rows = rows.len();
    }
}

impl<T: Real> Pool<T> {
    /// For halves of `length` (s).
    fn new(members: &[&OuProcess], length: f64, rows: usize, columns: &[(f64, f64)]) -> Self {
        let moment = |power: i32, column: usize| {
            members.iter().map(|pole| pole.rate.powi(power) * pole.variance[column]).sum::<f64>()
        };
        let all = |power: i32| (0..columns.len()).map(|column| moment(power, column)).sum::<f64>();
        let (intensity, third) = (all(1), all(3));
        let rate = (third / intensity).sqrt();
        let width = if intensity > 0.0 { columns.len() } else { 0 };
        let mut from = 0;
        let runs = columns[..width].chunk_by(|a, b| a == b).map(|run| {
            let (start, (r, leak)) = (from, run[0]);
            from += run.len();
            (start..from, OuIntegral { rate, r, leak }.half(length))
        });
        let blank = || vec![T::ZERO; rows * width];
        Self {
            runs: runs.collect(),
            deviations: (0..width).map(|column| T::of((moment(1, column) / rate).sqrt())).collect(),
            half: [blank(), blank(), blank()],
            later: [blank(), blank()],
        }
    }

    /// The second half begins.
    fn go_on(&mut self) {
        let ([start, end, integral], [last, rest]) = (&mut self.half, &mut self.later);
        std::mem::swap(start, end);
        std::mem::swap(end, last);
        std::mem::swap(integral, rest);
    }

    /// Takes over the interval under way of the pool above, and of the processes that join at its ends.
    fn take<'a>(&mut self, above: Option<&'a Self>, joining: impl Iterator<Item = &'a Coloured<T>>)
    where
        T: 'a,
    {
        let mut fresh = true;
        let above = above.filter(|pool| !pool.deviations.is_empty()).map(|pool| pool.half.each_ref());
        let parts = above.map(|half| half.map(|part| &**part));
        for part in parts.into_iter().chain(joining.map(Coloured::interval)) {
            for (to, from) in self.half.iter_mut().zip(part) {
                if fresh {
                    to.copy_from_slice(from);
                } else {
                    add(from, to);
                }
            }
            fresh = false;
        }
    }

    /// Halves the interval; where that is `last`, the sum in its middle is not asked for.
    fn halve(&mut self, rows: usize, numbers: &[T], last: bool) {
        let ([start, end, integral], [then, rest]) = (&mut self.half, &mut self.later);
        if !last {
            then.copy_from_slice(end);
        }
        for (columns, by) in &self.runs {
            let range = columns.start * rows..columns.end * rows;
            let deviations = &self.deviations[columns.clone()];
            let (first, second) = (&mut integral[range.clone()], &mut rest[range.clone()]);
            if last {
                let (numbers, ends) = (&numbers[range.clone()], [&start[range.clone()], &end[range]]);
                run(Share { rows, by: *by, deviations, numbers, ends, first, second });
            } else {
                let (one, two) = numbers.split_at(numbers.len() / 2);
                run(Travel {
                    rows,
                    by: *by,
                    deviations,
                    numbers: [&one[range.clone()], &two[range.clone()]],
                    before: &start[range.clone()],
                    end: [&mut end[range], first],
                    later: second,
                });
            }
        }
    }
}

#[cfg(test)]
#[path = "ou_bank_tests.rs"]
mod tests;
