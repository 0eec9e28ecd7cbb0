//! Which rails a sample must not reach: those that its free equilibrium does not touch (docs/model.md §5).
//!
//! A compartment *touches* a rail when it is within the tolerance of it, and *reaches* it when it comes to
//! touch it from inside. What touches a rail in the start was not driven there: it may move inward, also
//! after the rest of the circuit has pressed it outward for a while. It reaches that rail if it has left it
//! and comes back, or if it is still there, not moving inward, when the sample's fate is decided.
//!
//! What rests is where its drive is, so of a sample at rest the drives are asked: where another potential is
//! far larger, a sample may count as settled before the last compartment is within the tolerance of its rail.

use super::criteria::Criteria;
use super::operating_point;
use super::outcome::{Outcome, Settled};
use crate::circuit::{Dynamics, Layered};
use crate::matrix::{Matrix, Real};
use crate::spec::SolverSpec;

/// A compartment has left a rail when it is farther inside than this share of the supply's range: no
/// rounding, and no error of a step, carries it so far.
const LEFT: f64 = 1e-3;

/// One of the two rails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Low,
    High,
}

/// A compartment, by its column, and a rail.
type RailContact = (usize, Side);

/// Both rails and how near counts as touching (V).
#[derive(Clone, Copy, Debug)]
struct Supply {
    low: f64,
    high: f64,
    slack: [f64; 2],
}

impl Supply {
    fn new<T: Real>(circuit: &dyn Dynamics<T>, criteria: &Criteria) -> Option<Self> {
        let (low, high) = circuit.supply().map(|(low, high)| (low.to_f64(), high.to_f64()))?;
        Some(Self { low, high, slack: [low, high].map(|rail| criteria.settled::<T>(rail.abs())) })
    }

    /// How far a potential is inside a rail, beyond the tolerance (V).
    fn inside(&self, v: f64, side: Side) -> f64 {
        match side {
            Side::Low => v - self.low - self.slack[0],
            Side::High => self.high - v - self.slack[1],
        }
    }

    /// What some potentials of a row touch.
    fn touched<T: Real>(&self, row: usize, potentials: &Matrix<T>) -> impl Iterator<Item = RailContact> {
        (0..potentials.ncols()).flat_map(move |column| {
            let v = potentials[(row, column)].to_f64();
            [Side::Low, Side::High]
                .into_iter()
                .filter(move |&side| self.inside(v, side) <= 0.0)
                .map(move |side| (column, side))
        })
    }
}

/// Watches the rails for a batch.
#[derive(Clone, Debug)]
pub(super) struct Rails {
    /// `None` where no rail can be reached: without a supply or a nudge.
    supply: Option<Supply>,
    samples: Vec<Sample>,
}

/// What is known of one sample.
#[derive(Clone, Debug, Default)]
struct Sample {
    /// What the free equilibrium touches.
    free: Vec<RailContact>,
    /// What the start touched beside that and has not left since; `None` before the start was seen.
    start: Option<Vec<RailContact>>,
    /// True if some of that does not move inward.
    pressed: bool,
}

impl Rails {
    /// For the samples of `circuit`, by the tolerances of `criteria`.
    pub fn new<T: Real>(circuit: &dyn Dynamics<T>, criteria: &Criteria) -> Self {
        let mut samples = vec![Sample::default(); circuit.samples()];
        let supply = Supply::new(circuit, criteria).filter(|_| criteria.rails);
        let Some((supply, unnudged)) = supply.zip(circuit.layered().and_then(Layered::unnudged)) else {
            return Self { supply: None, samples };
        };
        // Unequal compartments send errors back without a nudge: their free equilibrium is not the
        // feed-forward state.
        let free = operating_point(unnudged.as_ref());
        for (row, sample) in samples.iter_mut().enumerate() {
            sample.free = supply.touched(row, &free).collect();
        }
        Self { supply: Some(supply), samples }
    }

    /// Takes in a step of a sample, by its number: whether it has reached a rail.
    pub fn observe<T: Real>(
        &mut self,
        (row, sample): (usize, usize),
        state: &Matrix<T>,
        drive: &Matrix<T>,
    ) -> bool {
        let Some(supply) = &self.supply else { return false };
        let Sample { free, start, pressed } = &mut self.samples[sample];
        let mut touched = supply.touched(row, state).filter(|place| !free.contains(place));
        let Some(start) = start else {
            *start = Some(touched.collect());
            return false;
        };
        let reached = touched.any(|place| !start.contains(&place));
        let left = LEFT * (supply.high - supply.low);
        start.retain(|&(column, side)| {
            let inside = supply.inside(state[(row, column)].to_f64(), side);
            inside.is_nan() || inside <= left
        });
        let at = |potentials: &Matrix<T>, (column, side): RailContact| {
            supply.inside(potentials[(row, column)].to_f64(), side) <= 0.0
        };
        *pressed = start.iter().any(|&place| at(state, place) && at(drive, place));
        reached
    }

    /// Returns whether a sample at rest, with this drive, lies on a rail that its free equilibrium does not
    /// touch.
    pub fn holds<T: Real>(&self, (row, sample): (usize, usize), drive: &Matrix<T>) -> bool {
        let Some(supply) = &self.supply else { return false };
        let free = &self.samples[sample].free;
        supply.touched(row, drive).any(|place| !free.contains(&place))
    }

    /// Returns whether something has not moved inward from a rail that it lay on in the start.
    pub fn pressed(&self, sample: usize) -> bool {
        self.samples[sample].pressed
    }

    /// Latch-up where an equilibrium that was found without time lies on such a rail.
    pub fn judge<T: Real>(circuit: &dyn Dynamics<T>, spec: &SolverSpec, settled: &mut Settled<T>) {
        // Equilibria know no time constant.
        let rails = Self::new(circuit, &Criteria::new(spec, f64::NAN));
        if rails.supply.is_none() {
            return;
        }
        let drive = drive_at(circuit, &settled.state);
        for (i, outcome) in settled.outcomes.iter_mut().enumerate() {
            if outcome.is_settled() && rails.holds((i, i), &drive) {
                *outcome = Outcome::LatchUp;
            }
        }
    }
}

/// For every sample with an equilibrium (V): whether that lies on a rail which the free equilibrium does not
/// touch, by the tolerances of `spec`. That is latch-up, however stable (docs/model.md §5).
#[must_use]
pub fn find_on_rails(
    circuit: &dyn Dynamics<f64>,
    spec: &SolverSpec,
    equilibria: &[Option<&[f64]>],
) -> Vec<bool> {
    let rails = Rails::new(circuit, &Criteria::new(spec, f64::NAN));
    if rails.supply.is_none() {
        return vec![false; equilibria.len()];
    }
    let mut state = circuit.free_state();
    for (mut row, equilibrium) in state.row_iter_mut().zip(equilibria) {
        if let Some(equilibrium) = equilibrium {
            row.copy_from_slice(equilibrium);
        }
    }
    let drive = drive_at(circuit, &state);
    let found = equilibria.iter().enumerate();
    found.map(|(i, equilibrium)| equilibrium.is_some() && rails.holds((i, i), &drive)).collect()
}

fn drive_at<T: Real>(circuit: &dyn Dynamics<T>, state: &Matrix<T>) -> Matrix<T> {
    let mut drive = Matrix::zeros(state.nrows(), state.ncols());
    circuit.drive(state, &mut drive, &mut circuit.scratch(circuit.samples()));
    drive
}
