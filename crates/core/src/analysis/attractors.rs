//! Equilibria that a circuit settles at from many random starts: how many, how often, how far from that of
//! the free start.

use std::collections::BTreeMap;

use rand_distr::{Distribution, StandardUniform};
use rayon::prelude::*;

use super::limits::noiseless;
use crate::circuit::{Dynamics, Layered};
use crate::matrix::Matrix;
use crate::matrix::measure::larger;
use crate::random::{Key, Kind, stream};
use crate::solve::{Outcome, Settled, solver};
use crate::spec::SolverSpec;

/// Settled states within so many tolerances of the solver are one equilibrium: a state is off by the
/// tolerance over the distance of the rightmost eigenvalue from the axis, and different equilibria lie kinks
/// or saturations apart.
const SAME: f64 = 1e3;

/// Random starts.
#[derive(Clone, Copy, Debug)]
pub struct Starts {
    /// Number of starts.
    pub count: usize,
    /// Potentials are uniform within `±spread (1 V + ‖v_free‖∞)`, and within the rails.
    pub spread: f64,
    /// Names the draws.
    pub seed: u64,
}

/// An equilibrium.
#[derive(Clone, Debug, PartialEq)]
pub struct Attractor {
    /// Random starts that settled there.
    pub starts: usize,
    /// Largest distance of any potential from where the free start settles (V); `None` if that does not
    /// settle.
    pub distance: Option<f64>,
    /// True if the free start settles there.
    pub of_free: bool,
    /// Potentials (V).
    pub state: Vec<f64>,
}

/// Outcomes of the starts of one sample and the equilibria that were found.
#[derive(Clone, Debug)]
pub struct Multistart {
    /// The sample.
    pub sample: usize,
    /// Outcome of the free start.
    pub free: Outcome,
    /// Outcomes of the random starts, by name.
    pub outcomes: BTreeMap<&'static str, usize>,
    /// Equilibria: that of the free start first, the others by falling number of starts.
    pub attractors: Vec<Attractor>,
}

impl Multistart {
    /// Returns whether more than one equilibrium was found.
    #[must_use]
    pub fn is_multistable(&self) -> bool {
        self.attractors.len() > 1
    }
}

/// Settles every sample from random starts; noise is left out. `tick` is called after every sample.
#[must_use]
pub fn multistart(
    spec: &SolverSpec,
    circuit: &dyn Layered<f64>,
    starts: &Starts,
    tick: &(dyn Fn() + Sync),
) -> Vec<Multistart> {
    let spec = noiseless(spec, spec.max_time);
    let one = |sample| {
        let found = of_sample(&spec, circuit, sample, starts);
        tick();
        found
    };
    (0..circuit.samples()).into_par_iter().map(one).collect()
}

fn of_sample(spec: &SolverSpec, circuit: &dyn Layered<f64>, sample: usize, starts: &Starts) -> Multistart {
    let solver = solver::<f64>(spec);
    let one = circuit.layered_subset(&[sample]);
    let free = solver.settle(one.as_ref(), None, false);
    let drawn = draw(one.as_ref(), sample, starts);
    let rows: Vec<usize> = (0..starts.count).collect();
    let parts: Vec<Settled<f64>> = rows
        .chunks(solver.shard())
        .map(|rows| {
            let copies = circuit.layered_subset(&vec![sample; rows.len()]);
            solver.settle(copies.as_ref(), Some(crate::matrix::select_rows(&drawn, rows)), false)
        })
        .collect();
    let mut outcomes = Vec::with_capacity(starts.count);
    let reference = free.outcomes[0].is_settled().then(|| row(&free.state, 0));
    let mut attractors: Vec<Attractor> = reference
        .iter()
        .map(|state| Attractor { starts: 0, distance: Some(0.0), of_free: true, state: state.clone() })
        .collect();
    for part in &parts {
        for (i, &outcome) in part.outcomes.iter().enumerate() {
            outcomes.push(outcome);
            if outcome.is_settled() {
                put(&mut attractors, row(&part.state, i), spec, reference.as_deref());
            }
        }
    }
    attractors.sort_by_key(|attractor| (!attractor.of_free, std::cmp::Reverse(attractor.starts)));
    Multistart { sample, free: free.outcomes[0], outcomes: Outcome::tally(&outcomes), attractors }
}

/// Random potentials, `[starts × width]` (V): a start is the same whatever the number of starts.
fn draw(one: &dyn Dynamics<f64>, sample: usize, starts: &Starts) -> Matrix<f64> {
    let reach = starts.spread * (1.0 + one.free_state().amax());
    let (low, high) = one.supply().unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
    let layers = one.layers();
    let mut drawn = Matrix::zeros(starts.count, one.width());
    for start in 0..starts.count {
        for (layer, columns) in layers.iter().enumerate() {
            let key = Key::new(starts.seed, Kind::Start).layer(layer as u16 + 1);
            let mut source = stream(key.trial(start as u32).step(sample as u32));
            for column in columns.clone() {
                let share: f64 = StandardUniform.sample(&mut source);
                drawn[(start, column)] = (reach * (2.0 * share - 1.0)).clamp(low, high);
            }
        }
    }
    drawn
}

/// Counts a settled state to its equilibrium.
fn put(attractors: &mut Vec<Attractor>, state: Vec<f64>, spec: &SolverSpec, reference: Option<&[f64]>) {
    let size = state.iter().fold(0.0_f64, |size, v| size.max(v.abs()));
    let tolerance = SAME * (spec.atol + spec.rtol * size);
    if let Some(known) = attractors.iter_mut().find(|known| apart(&known.state, &state) <= tolerance) {
        known.starts += 1;
        return;
    }
    let distance = reference.map(|reference| apart(reference, &state));
    attractors.push(Attractor { starts: 1, distance, of_free: false, state });
}

fn apart(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, larger)
}

fn row(matrix: &Matrix<f64>, index: usize) -> Vec<f64> {
    matrix.row(index).iter().copied().collect()
}
