//! What is read of a circuit in its stationary state, predicted and measured, in one order of read-outs.
//!
//! The potentials of all compartments come first, in the columns of the layout, then the activities `s̄` of
//! all neurons, layer by layer, then, of dyads, their errors `δ`. Measured are the read-outs themselves,
//! through the activation devices as they are; predicted is their linearisation.

use rayon::prelude::*;

use super::ensemble::Ensemble;
use super::small_signal::{Covariance, OperatingPoint, rounding, variances};
use crate::chip::Layout;
use crate::circuit::{Said, Wired};
use crate::matrix::Matrix;
use crate::solve::{SHARD, run};
use crate::spec::SolverSpec;

/// Steps between two words on how far a simulation is.
const TELLING: u64 = 16;

/// Roundings of the largest potential that a read-out carries.
const ROUNDINGS: f64 = 16.0;

/// Quantity of a read-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadQuantity {
    /// `v⁺`.
    Plus,
    /// `v⁻`.
    Minus,
    /// `v` of a neuron of one compartment.
    Potential,
    /// `s̄`; `s` of a neuron of one compartment.
    Activity,
    /// `δ`.
    Error,
}

impl ReadQuantity {
    /// Quantities of dyads, in the order of a table.
    const DYADS: [Self; 4] = [Self::Plus, Self::Minus, Self::Activity, Self::Error];
    /// Those of neurons of one compartment.
    const SINGLE: [Self; 2] = [Self::Potential, Self::Activity];

    /// Every quantity of a layout's neurons, in the order of a table.
    #[must_use]
    pub fn of(layout: &Layout) -> &'static [Self] {
        if layout.kind().compartments() == 1 { &Self::SINGLE } else { &Self::DYADS }
    }

    /// Whether it is the potential of a compartment.
    #[must_use]
    pub fn is_potential(self) -> bool {
        matches!(self, Self::Plus | Self::Minus | Self::Potential)
    }

    /// Name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plus => "v_plus",
            Self::Minus => "v_minus",
            Self::Potential => "v",
            Self::Activity => "activity",
            Self::Error => "error",
        }
    }
}

/// One read-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Quantity.
    pub quantity: ReadQuantity,
    /// Layer, from 0.
    pub layer: usize,
    /// Neuron, from 0.
    pub neuron: usize,
}

impl Node {
    /// Name in files: layers count from 1, neurons from 0.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}.{}", self.quantity.name(), self.layer + 1, self.neuron)
    }

    /// The read-out's place in the order of all.
    #[must_use]
    pub fn place(&self, layout: &Layout) -> usize {
        let before: usize = (0..self.layer).map(|layer| layout.neurons(layer)).sum();
        match self.quantity {
            ReadQuantity::Plus | ReadQuantity::Potential => layout.plus(self.layer).start + self.neuron,
            ReadQuantity::Minus => layout.minus(self.layer).start + self.neuron,
            ReadQuantity::Activity => layout.width() + before + self.neuron,
            ReadQuantity::Error => layout.width() + layout.width() / 2 + before + self.neuron,
        }
    }
}

/// Every read-out, quantity by quantity.
#[must_use]
pub fn nodes(layout: &Layout) -> Vec<Node> {
    let layers = |quantity| {
        (0..layout.depth()).flat_map(move |layer| {
            (0..layout.neurons(layer)).map(move |neuron| Node { quantity, layer, neuron })
        })
    };
    ReadQuantity::of(layout).iter().copied().flat_map(layers).collect()
}

/// Read-outs of the linear system at a point, `[read-outs × width]`.
#[must_use]
pub fn readouts(point: &OperatingPoint<'_>) -> Matrix<f64> {
    let layout = point.layout();
    let width = layout.width();
    let mut all = Matrix::zeros(2 * width, width);
    all.view_mut((0, 0), (width, width)).fill_with_identity();
    let mut row = width;
    let blocks = (0..layout.depth()).map(|k| point.reads_mean(k));
    // Where there are no differences their blocks have no rows, and there are as many neurons as
    // compartments.
    for block in blocks.chain((0..layout.depth()).map(|k| point.reads_difference(k))) {
        all.rows_mut(row, block.nrows()).copy_from(&block);
        row += block.nrows();
    }
    all
}

/// Predicted variance of every read-out (V²); 0 where noise cancels but for rounding.
#[must_use]
pub fn predicted(point: &OperatingPoint<'_>, covariance: &Covariance) -> Vec<f64> {
    variances(&readouts(point), &covariance.total)
}

/// Variances (V²) below which a read-out, predicted or measured, has nothing but rounding.
#[must_use]
pub fn compute_floors(point: &OperatingPoint<'_>, covariance: &Covariance) -> Vec<f64> {
    let all = readouts(point);
    let held = ROUNDINGS * f64::EPSILON * largest(point);
    rounding(&all, &covariance.total).into_iter().map(|floor| floor.max(held * held)).collect()
}

/// Largest potential at the point (V): potentials and their differences are rounded as it is.
fn largest(point: &OperatingPoint<'_>) -> f64 {
    values(point).iter().fold(0.0, |most, v| v.abs().max(most))
}

/// The value of every read-out at the point (V).
#[must_use]
pub fn values(point: &OperatingPoint<'_>) -> Vec<f64> {
    let depth = point.layout().depth();
    let layers = (0..depth).flat_map(|k| point.mean(k)).chain((0..depth).flat_map(|k| point.difference(k)));
    point.state().iter().chain(layers).copied().collect()
}

/// Number of replicas and lengths of the simulation (in steps).
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Steps before anything is read.
    pub before: usize,
    /// Readings of every replica.
    pub readings: usize,
    /// Steps between readings.
    pub every: usize,
    /// Read-out that is kept at every step.
    pub traced: Option<Node>,
}

impl Plan {
    /// Steps in all.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.before + self.readings * self.every
    }
}

/// Statistics of the simulated read-outs.
#[derive(Clone, Debug)]
pub struct Measured {
    /// All read-outs.
    pub replicas: Ensemble,
    /// The traced read-out of every replica at every step (V).
    pub series: Vec<Vec<f64>>,
}

/// Lets every sample of a circuit run from `state` (`width` potentials, V), as replicas of each other, and
/// reads them.
///
/// Samples run in shards on all threads. `None` if a potential leaves the numbers.
#[must_use]
pub fn simulate(
    spec: &SolverSpec,
    circuit: &dyn Wired<f64>,
    state: &[f64],
    centre: &[f64],
    plan: &Plan,
) -> Option<Measured> {
    simulate_told(spec, circuit, (state, centre), plan, &|_| ())
}

/// [`simulate`] from a state, about a centre, that tells now and then how many steps of a shard were done
/// since it last told.
#[must_use]
pub fn simulate_told(
    spec: &SolverSpec,
    circuit: &dyn Wired<f64>,
    (state, centre): (&[f64], &[f64]),
    plan: &Plan,
    told: &(dyn Fn(u64) + Sync),
) -> Option<Measured> {
    let rows: Vec<usize> = (0..circuit.samples()).collect();
    let parts: Option<Vec<Measured>> = rows
        .par_chunks(SHARD)
        .map(|rows| {
            let part = circuit.wired_subset(rows);
            let start = Matrix::from_fn(rows.len(), state.len(), |_, j| state[j]);
            let mut reader = Reader::new(part.as_ref(), centre, *plan);
            let step = spec.step * circuit.slowest();
            let time = plan.steps() as f64 * step;
            let mut steps = 0;
            let end = run(spec, part.as_ref(), start, (0.0, time), &mut |_, state| {
                reader.see(state);
                steps += 1;
                if steps == TELLING {
                    told(std::mem::take(&mut steps));
                }
            });
            end.iter().all(|v| v.is_finite()).then_some(reader.measured)
        })
        .collect();
    parts?.into_iter().reduce(Measured::beside)
}

impl Measured {
    /// The replicas of both.
    fn beside(self, mut other: Self) -> Self {
        let mut series = self.series;
        series.append(&mut other.series);
        Self { replicas: self.replicas.beside(&other.replicas), series }
    }
}

/// Reads a batch as it goes by.
struct Reader<'c> {
    circuit: &'c dyn Wired<f64>,
    plan: Plan,
    steps: usize,
    measured: Measured,
}

impl<'c> Reader<'c> {
    fn new(circuit: &'c dyn Wired<f64>, centre: &[f64], plan: Plan) -> Self {
        let rows = circuit.samples();
        let series = vec![Vec::new(); if plan.traced.is_some() { rows } else { 0 }];
        let measured = Measured { replicas: Ensemble::new(rows, centre.to_vec()), series };
        Self { circuit, plan, steps: 0, measured }
    }

    /// The states at the end of a step.
    fn see(&mut self, state: &Matrix<f64>) {
        self.steps += 1;
        let Some(since) = self.steps.checked_sub(self.plan.before).filter(|&since| since > 0) else { return };
        if let Some(node) = self.plan.traced {
            let values = self.read(node, state);
            self.measured.series.iter_mut().zip(values).for_each(|(one, value)| one.push(value));
        }
        if since.is_multiple_of(self.plan.every) {
            let said = self.circuit.all_said(state);
            let means = said.iter().map(|said| &said.activity);
            let differences = said.iter().filter_map(|said| said.difference.as_ref());
            self.measured.replicas.add(std::iter::once(state).chain(means).chain(differences));
        }
    }

    /// One read-out of all replicas.
    fn read(&self, node: Node, state: &Matrix<f64>) -> Vec<f64> {
        let column = |matrix: &Matrix<f64>, j: usize| matrix.column(j).iter().copied().collect();
        if node.quantity.is_potential() {
            return column(state, node.place(&self.circuit.chip().layout));
        }
        let Said { activity, difference } = self.circuit.said(node.layer, state);
        let wanted = if node.quantity == ReadQuantity::Error { difference.as_ref() } else { Some(&activity) };
        wanted.map_or_else(Vec::new, |matrix| column(matrix, node.neuron))
    }
}
