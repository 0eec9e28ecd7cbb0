//! Noise that a system gives as inputs ([`Dynamics::noise_inputs`]), taken where the state is at both ends of
//! a step.
//!
//! A source is integrated through the leak of the first compartment that its pattern names. Others get the
//! share of that which their own leak would have made of it: exact in variance (white) or for slow sources
//! (coloured), and for a source of one compartment exact altogether.

use crate::circuit::Dynamics;
use crate::matrix::{Matrix, Real, select_rows};
use crate::noise::{Colour, NoiseContext, NoiseInput, NoisePath, OuProcess, Sources};

/// The noise of a step, `[batch × width]` (V).
pub(super) struct Inputs<T: Real> {
    pub path: NoisePath<T>,
    /// What every compartment gets of every source, in units of what its first compartment gets,
    /// `[sources × width]`.
    shares: Matrix<f64>,
    /// Patterns of all sources, where they are the same for all samples and states.
    fixed: Option<Vec<Vec<(usize, f64)>>>,
    sum: Matrix<T>,
    /// The same at the other end of the step.
    other: Matrix<T>,
}

impl<T: Real> Inputs<T> {
    /// The inputs of a system at `state` in steps of `step` (s), integrated through the leaks if `leaky`;
    /// `None` if it has none.
    pub fn new(circuit: &dyn Dynamics<T>, state: &Matrix<T>, step: f64, leaky: bool) -> Option<Self> {
        let inputs = circuit.noise_inputs(0, &row(state, 0));
        let rates: Vec<f64> = circuit.rates().iter().map(|r| r.to_f64()).collect();
        let patterns = inputs.iter().flat_map(|input| &input.columns);
        let first = |pattern: &Vec<(usize, f64)>| pattern.first().map_or(0, |entry| entry.0);
        let homes: Vec<f64> = patterns.map(|pattern| rates[first(pattern)]).collect();
        if homes.is_empty() {
            return None;
        }
        let colours: Vec<Colour> =
            inputs.iter().flat_map(|input| input.columns.iter().map(|_| input.colour)).collect();
        let context =
            NoiseContext { rates: &homes, inputs: 0, synapses: 0, leaky, step, slowest: circuit.slowest() };
        let shares = Matrix::from_fn(homes.len(), rates.len(), |source, column| {
            let reach = |rate: f64| match colours[source] {
                Colour::White => context.deviation(rate),
                Colour::Pole(_) => context.reach(rate),
            };
            reach(rates[column]) / reach(homes[source])
        });
        let path = NoisePath::new(&sources(&inputs, &colours), &context, &circuit.sample_ids());
        let blank = || Matrix::zeros(state.nrows(), state.ncols());
        let fixed = circuit.noise_is_additive().then(|| inputs.into_iter().flat_map(|input| input.columns));
        Some(Self { path, shares, fixed: fixed.map(Iterator::collect), sum: blank(), other: blank() })
    }

    /// Noise increment of the step (V).
    pub fn increment(&self) -> &Matrix<T> {
        &self.sum
    }

    /// Takes in the noise at the beginning of the step.
    pub fn at_start(&mut self, circuit: &dyn Dynamics<T>, state: &Matrix<T>) {
        let Self { path, shares, fixed, sum, .. } = self;
        match fixed {
            Some(patterns) => collect_fixed(patterns, path.additive(), shares, sum),
            None => collect(circuit, state, path.additive(), shares, sum),
        }
    }

    /// Takes in the noise at the end of the step: from now on it is the mean of both.
    pub fn at_end(&mut self, circuit: &dyn Dynamics<T>, state: &Matrix<T>) {
        let Self { path, shares, fixed, sum, other } = self;
        if fixed.is_some() {
            return; // the same at both ends
        }
        collect(circuit, state, path.additive(), shares, other);
        sum.zip_apply(other, |one, other| *one = T::of(0.5) * (*one + other));
    }

    /// Keeps some of the samples.
    pub fn keep(&mut self, rows: &[usize]) {
        self.path.keep(rows);
        for matrix in [&mut self.sum, &mut self.other] {
            *matrix = select_rows(matrix, rows);
        }
    }
}

/// Sources of unit intensity, one in every column of a path.
fn sources(inputs: &[NoiseInput], colours: &[Colour]) -> Sources {
    // White of the two-sided PSD 1 has a one-sided one of 2.
    let white = |colour: &Colour| if *colour == Colour::White { 2.0 } else { 0.0 };
    let mut from = 0;
    let poles = inputs.iter().filter_map(|input| {
        let own = from..from + input.columns.len();
        from = own.end;
        let Colour::Pole(rate) = input.colour else { return None };
        let variance = (0..colours.len()).map(|source| f64::from(own.contains(&source))).collect();
        Some(OuProcess { rate, variance })
    });
    let poles = poles.collect();
    let white = if colours.contains(&Colour::White) { colours.iter().map(white).collect() } else { vec![] };
    Sources { white, poles, ..Sources::default() }
}

/// What the sources of a step (`[batch × sources]`) add to every compartment at `state`.
fn collect<T: Real>(
    circuit: &dyn Dynamics<T>,
    state: &Matrix<T>,
    step: &Matrix<T>,
    shares: &Matrix<f64>,
    sum: &mut Matrix<T>,
) {
    sum.fill(T::ZERO);
    for sample in 0..state.nrows() {
        let inputs = circuit.noise_inputs(sample, &row(state, sample));
        let patterns = inputs.iter().flat_map(|input| &input.columns);
        for (source, pattern) in patterns.enumerate() {
            for &(column, value) in pattern {
                sum[(sample, column)] += T::of(value * shares[(source, column)]) * step[(sample, source)];
            }
        }
    }
}

/// [`collect`] of sources with the same patterns for all samples and states.
fn collect_fixed<T: Real>(
    patterns: &[Vec<(usize, f64)>],
    step: &Matrix<T>,
    shares: &Matrix<f64>,
    sum: &mut Matrix<T>,
) {
    sum.fill(T::ZERO);
    for (source, pattern) in patterns.iter().enumerate() {
        for &(column, value) in pattern {
            sum.column_mut(column).axpy(
                T::of(value * shares[(source, column)]),
                &step.column(source),
                T::ONE,
            );
        }
    }
}

/// A row of a state, in double precision.
fn row<T: Real>(state: &Matrix<T>, sample: usize) -> Vec<f64> {
    state.row(sample).iter().map(|v| v.to_f64()).collect()
}
