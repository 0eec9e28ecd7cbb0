//! The noise that a batch meets along a trajectory, step by step.
//!
//! A number is a function of seed, source, sample, compartment and point of time, so the path of a sample
//! depends neither on the batch that it stands in nor on threads, and a step that is halved refines the same
//! path.

use super::clock::{Channel, Clock, Lanes};
use super::coloured::Coloured;
use super::draw::{Numbers, add};
use super::ou_bank::OuBank;
use super::telegraph_path::TelegraphPath;
use super::white::{White, variance};
use super::{Memory, SampleIds, Sources};
use crate::matrix::{Matrix, Real, select_rows};
use crate::random::Kind;

/// Properties of the circuits that a noise path acts on.
#[derive(Clone, Copy, Debug)]
pub struct NoiseContext<'a> {
    /// `1/τ` of every state column (1/s).
    pub rates: &'a [f64],
    /// Input drivers.
    pub inputs: usize,
    /// Synapses of all layers.
    pub synapses: usize,
    /// True if noise is integrated through the leak, `r ∫ e^{−r(h−s)} n ds`, or as it comes, `r ∫ n ds`.
    pub leaky: bool,
    /// Length of a step (s).
    pub step: f64,
    /// Slowest time constant (s).
    pub slowest: f64,
}

/// The noise of a batch, a step at a time.
#[derive(Clone, Debug)]
pub struct NoisePath<T: Real> {
    clock: Clock,
    lanes: Lanes,
    sample_ids: SampleIds,
    white: Option<White<T>>,
    poles: Option<OuBank<T>>,
    traps: Option<TelegraphPath<T>>,
    /// With the share of it that every column gets.
    supply: Option<(Coloured<T>, Vec<T>)>,
    read: Option<White<T>>,
    drivers: Option<Coloured<T>>,
    synapses: Option<TelegraphPath<T>>,
    additive: Matrix<T>,
    driver_integrals: Matrix<T>,
    numbers: Matrix<T>,
    /// What 1 V in the drive adds to every column over a step (V).
    reaches: Vec<f64>,
    /// Deviation that white noise of a two-sided PSD of 1 V²/Hz leaves in every column over a step (V).
    deviations: Vec<f64>,
}

impl<T: Real> NoisePath<T> {
    /// The path of some samples, before its first step.
    #[must_use]
    pub fn new(sources: &Sources, context: &NoiseContext, sample_ids: &SampleIds) -> Self {
        let clock = Clock::new(context.step, context.slowest);
        let lanes = Lanes::new(sample_ids);
        let (rows, rates) = (lanes.rows, context.rates);
        let leak = |r: f64| if context.leaky { r } else { 0.0 };
        let first = rates.first().copied().unwrap_or(1.0);
        let white = |channel, psd: &dyn Fn(usize) -> f64| {
            let each = rates.iter().enumerate().map(|(j, &r)| (r * (psd(j) / 2.0).sqrt(), leak(r)));
            White::new(channel, &clock, rows, &each.collect::<Vec<_>>())
        };
        let poles = (!sources.poles.is_empty()).then(|| {
            let columns: Vec<_> = rates.iter().map(|&r| (r, leak(r))).collect();
            OuBank::new(&clock, rows, &sources.poles, &columns)
        });
        let traps = sources.traps.as_ref().map(|traps| {
            let each = traps.amplitude.iter().zip(rates).map(|(&a, &r)| (a, r, leak(r)));
            TelegraphPath::new(Kind::Trap, traps.trap, &lanes, each.collect())
        });
        let supply = sources.supply.map(|process| {
            let one = Coloured::alike(Channel::Supply, &clock, rows, &process, (1, first, leak(first)));
            (one, rates.iter().map(|&r| T::of(context.reach(r) / context.reach(first))).collect())
        });
        let drivers = sources.input.map(|process| {
            let columns = (context.inputs, first, leak(first));
            Coloured::alike(Channel::Input, &clock, rows, &process, columns)
        });
        let synapses = sources.synapse_traps.map(|traps| {
            // The mean level over the step.
            let each = vec![(traps.amplitude, 1.0 / context.step, 0.0); context.synapses];
            TelegraphPath::new(Kind::SynapseTrap, traps.trap, &lanes, each)
        });
        let blank = |columns| Matrix::zeros(rows, columns);
        Self {
            white: (!sources.white.is_empty()).then(|| white(Channel::White, &|j| sources.white[j])),
            poles,
            traps,
            supply,
            read: sources.read.map(|psd| white(Channel::Read, &|_| psd)),
            driver_integrals: blank(if drivers.is_some() { context.inputs } else { 0 }),
            numbers: blank(if sources.read.is_some() { rates.len() } else { 0 }),
            drivers,
            synapses,
            additive: blank(rates.len()),
            sample_ids: sample_ids.clone(),
            reaches: rates.iter().map(|&r| context.reach(r)).collect(),
            deviations: rates.iter().map(|&r| context.deviation(r)).collect(),
            clock,
            lanes,
        }
    }

    /// Draws the noise of the next step.
    pub fn advance(&mut self) {
        let Self { clock, lanes, additive, .. } = self;
        let time = clock.done as f64 * clock.step;
        let mut fresh = true;
        if let Some(white) = &mut self.white {
            white.advance(clock, lanes);
            put(&white.step, additive, &mut fresh);
        }
        if let Some(poles) = &mut self.poles {
            poles.advance(clock, lanes);
            put(poles.step(), additive, &mut fresh);
        }
        if let Some(traps) = &mut self.traps {
            traps.advance(lanes.seed, time, clock.step);
            put(&traps.step, additive, &mut fresh);
        }
        if let Some((supply, shares)) = &mut self.supply {
            supply.advance(clock, lanes);
            if fresh {
                additive.fill(T::ZERO);
            }
            for (mut column, &share) in additive.column_iter_mut().zip(&*shares) {
                column.iter_mut().zip(supply.step()).for_each(|(out, &x)| *out += share * x);
            }
        }
        if let Some(read) = &mut self.read {
            read.advance(clock, lanes);
            self.numbers.as_mut_slice().copy_from_slice(&read.step);
        }
        if let Some(drivers) = &mut self.drivers {
            drivers.advance(clock, lanes);
            self.driver_integrals.as_mut_slice().copy_from_slice(drivers.step());
        }
        if let Some(synapses) = &mut self.synapses {
            synapses.advance(lanes.seed, time, clock.step);
        }
        clock.done += 1;
    }

    /// Advances to the step that begins after `steps` steps from the start.
    pub fn skip_to(&mut self, steps: u64) {
        while self.clock.done < steps {
            self.advance();
        }
    }

    /// Steps drawn so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.clock.done
    }

    /// State-independent increments of every potential over the step (V), without the input drivers' part.
    #[must_use]
    pub fn additive(&self) -> &Matrix<T> {
        &self.additive
    }

    /// Change of a column's potential over a step for 1 V in its drive (V).
    #[must_use]
    pub fn reach(&self, column: usize) -> f64 {
        self.reaches[column]
    }

    /// Reach in units of that of the first column, through whose leak the input drivers' noise is integrated.
    #[must_use]
    pub fn share(&self, column: usize) -> f64 {
        self.reaches[column] / self.reaches[0]
    }

    /// White noise of a step in the column `of`, made that of the same noise in the column `to`, where `of`
    /// has taken it in.
    ///
    /// Its variance there is exact. Its correlation with that of `of` is taken for whole, which is right to
    /// second order in how far the leaks part over a step.
    #[must_use]
    pub fn taken_over(&self, of: usize, to: usize) -> f64 {
        self.deviations[to] / self.deviations[of]
    }

    /// The integrals of the input drivers through the leak of the first layer (V), `[rows × n_0]`.
    #[must_use]
    pub fn drivers(&self) -> Option<&Matrix<T>> {
        self.drivers.as_ref().map(|_| &self.driver_integrals)
    }

    /// White increments for read noise, to be multiplied by the root of its power (V): those of what a layer
    /// hears in the columns of its plus compartments, those of what comes back in those of the minus ones.
    #[must_use]
    pub fn read(&self) -> Option<&Matrix<T>> {
        self.read.as_ref().map(|_| &self.numbers)
    }

    /// Mean relative deviations of the conductances over the step, `[rows × synapses]`, column-major.
    #[must_use]
    pub fn synapses(&self) -> Option<&[T]> {
        self.synapses.as_ref().map(|jumps| jumps.step.as_slice())
    }

    /// Goes on, before its first step, from where the slow sources of the same samples are.
    pub fn go_on(&mut self, from: &Memory<T>) {
        let poles = self.poles.iter_mut().flat_map(OuBank::each_mut);
        let supply = self.supply.as_mut().map(|(one, _)| one);
        let processes = poles.chain(supply).chain(&mut self.drivers);
        processes.zip(&from.processes).for_each(|(process, states)| process.begin(states));
        let traps = self.traps.iter_mut().chain(&mut self.synapses);
        traps.zip(&from.traps).for_each(|(traps, full)| traps.begin(full));
    }

    /// Writes down where the slow sources of the sample in `row` are, as those of the sample `sample` of
    /// `memory`.
    pub fn remember(&self, row: usize, memory: &mut Memory<T>, sample: usize) {
        let (height, rows) = (self.lanes.rows, memory.rows());
        let poles = self.poles.iter().flat_map(OuBank::each);
        let processes = poles.chain(self.supply.as_ref().map(|(one, _)| one)).chain(&self.drivers);
        for (process, to) in processes.zip(&mut memory.processes) {
            let column = process.ends().iter().skip(row).step_by(height);
            to.iter_mut().skip(sample).step_by(rows).zip(column).for_each(|(to, &x)| *to = x);
        }
        for (traps, to) in self.traps.iter().chain(&self.synapses).zip(&mut memory.traps) {
            let column = traps.full().skip(row).step_by(height);
            to.iter_mut().skip(sample).step_by(rows).zip(column).for_each(|(to, full)| *to = full);
        }
    }

    /// Keeps some of the samples.
    pub fn keep(&mut self, rows: &[usize]) {
        self.sample_ids = self.sample_ids.subset(rows);
        self.lanes = Lanes::new(&self.sample_ids);
        self.white.iter_mut().chain(&mut self.read).for_each(|white| white.keep(rows));
        self.poles.iter_mut().for_each(|poles| poles.keep(rows));
        let supply = self.supply.as_mut().map(|(one, _)| one);
        self.drivers.iter_mut().chain(supply).for_each(|process| process.keep(rows));
        self.traps.iter_mut().chain(&mut self.synapses).for_each(|jumps| jumps.keep(rows));
        for matrix in [&mut self.additive, &mut self.driver_integrals, &mut self.numbers] {
            *matrix = select_rows(matrix, rows);
        }
    }
}

impl NoiseContext<'_> {
    /// Change of a potential over a step for a constant 1 V in its drive (V).
    #[must_use]
    pub fn reach(&self, rate: f64) -> f64 {
        if self.leaky { -(-rate * self.step).exp_m1() } else { rate * self.step }
    }

    /// Deviation that white noise of a two-sided PSD of 1 V²/Hz in the drive of a column leaves in it over a
    /// step (V).
    #[must_use]
    pub fn deviation(&self, rate: f64) -> f64 {
        rate * variance(if self.leaky { rate } else { 0.0 }, self.step).sqrt()
    }
}

/// Adds what a sample-and-hold of deviation `sigma` (V) leaves in a reading.
///
/// The reading has the number `occasion` among those of the samples.
pub fn hold<T: Real>(sigma: f64, sample_ids: &SampleIds, occasion: u64, reading: &mut Matrix<T>) {
    let mut numbers = Numbers::new();
    numbers.draw(&Lanes::new(sample_ids), Channel::Sampled, occasion, reading.ncols());
    for (value, &z) in reading.iter_mut().zip(&numbers.values) {
        *value += T::of(sigma) * z;
    }
}

/// The first one is copied, the others are added.
fn put<T: Real>(from: &[T], to: &mut Matrix<T>, fresh: &mut bool) {
    if std::mem::take(fresh) {
        to.as_mut_slice().copy_from_slice(from);
    } else {
        add(from, to.as_mut_slice());
    }
}
