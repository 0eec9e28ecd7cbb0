//! The circuit of a batch whatever its neurons are, and what is measured of one whose layers speak both ways.

use super::{Batch, Measurement, nudged};
use crate::chip::{Chip, Weights};
use crate::circuit::{HopfieldCircuit, Loss, Nudge, PredictiveCircuit, RecurrentDyads, Said, Wired};
use crate::matrix::{Matrix, Real};
use crate::solve::{Progress, settle_any_from};
use crate::spec::{CircuitKind, CircuitSpec, SolverKind, SolverSpec, Start};

/// The circuit of a description on a batch, nudged if `nudge.beta` is above 0.
///
/// Where layers speak both ways a nudged circuit starts where the free one comes to rest from 0 V without
/// noise, as phases of a learning rule follow each other.
#[must_use]
pub fn wired<'a, T: Real>(
    chip: &'a Chip<T>,
    weights: &'a Weights<T>,
    batch: &Batch<T>,
    spec: &CircuitSpec,
) -> Box<dyn Wired<T> + 'a> {
    let loss = Loss { kind: spec.nudge.loss, reference: T::of(spec.nudge.reference) };
    let (beta, at) = (spec.nudge.beta, spec.nudge.at);
    let nudge = || Nudge { target: batch.targets.clone(), beta, at, loss };
    let ids = batch.sample_ids.clone();
    match chip.layout.kind() {
        CircuitKind::Dyad => Box::new(nudged(chip, weights, batch, spec)),
        CircuitKind::Hopfield => {
            let free = HopfieldCircuit::free(chip, weights, &batch.inputs).with_sample_ids(ids);
            if beta == 0.0 {
                return Box::new(free);
            }
            let rest = rest(&free, spec);
            let held = free.outputs(&rest).pop().unwrap_or_else(|| Matrix::zeros(0, 0));
            Box::new(free.nudged(nudge(), &held).starting_at(rest))
        }
        CircuitKind::RecurrentDyad => {
            let free = RecurrentDyads::free(chip, weights, &batch.inputs).with_sample_ids(ids);
            if beta == 0.0 {
                return Box::new(free);
            }
            let rest = rest(&free, spec);
            Box::new(free.nudged(nudge()).starting_at(rest))
        }
        CircuitKind::PredictiveCoding => {
            let free = PredictiveCircuit::free(chip, weights, &batch.inputs).with_sample_ids(ids);
            Box::new(free.nudged(nudge()))
        }
    }
}

/// Where circuits come to rest without noise, `[samples × width]` (V): the free state where dyads are fed
/// forward; else the equilibrium at which the trajectory from the start ends, or where it is when time is up.
#[must_use]
pub fn rest<T: Real>(circuit: &dyn Wired<T>, spec: &CircuitSpec) -> Matrix<T> {
    if circuit.layered().is_some() {
        return circuit.free_state();
    }
    let SolverSpec { rtol, atol, max_time, .. } = spec.solver;
    let default = SolverSpec::default();
    let solver = SolverSpec {
        kind: SolverKind::Etd,
        rtol: rtol.min(1e-11),
        atol: atol.min(1e-14),
        max_time: max_time.max(default.max_time),
        ..default
    };
    let settled = settle_any_from(&solver, circuit, None, (false, &|_| {}));
    settled.map_or_else(|| circuit.free_state(), |settled| settled.state)
}

/// [`super::measure`] of a circuit whose layers speak both ways: one relaxation is read as it is.
pub(super) fn measure_recurrent<T: Real>(
    chip: &Chip<T>,
    weights: &Weights<T>,
    batch: &Batch<T>,
    spec: &CircuitSpec,
    options: (bool, Progress<'_>),
) -> Measurement<T> {
    read(wired(chip, weights, batch, spec).as_ref(), spec, options)
}

/// [`super::inference`] by a circuit whose layers speak both ways.
pub(super) fn infer_recurrent<T: Real>(
    chip: &Chip<T>,
    weights: &Weights<T>,
    batch: &Batch<T>,
    spec: &CircuitSpec,
    progress: Progress<'_>,
) -> Measurement<T> {
    let again = Batch { sample_ids: batch.sample_ids.again(1), ..batch.clone() };
    let free = spec.nudged(Some(0.0));
    read(wired(chip, weights, &again, &free).as_ref(), &free, (false, progress))
}

/// Settles a circuit and reads it.
fn read<T: Real>(
    circuit: &dyn Wired<T>,
    spec: &CircuitSpec,
    (traced, progress): (bool, Progress<'_>),
) -> Measurement<T> {
    let zero = Matrix::zeros(circuit.samples(), circuit.width());
    let start = (spec.solver.start == Start::Zero).then_some(&zero);
    let settled = settle_any_from(&spec.solver, circuit, start, (traced, progress));
    // The door lets no solver in that needs layers.
    let settled = settled.expect("a solver of any system");
    let (mut means, mut differences) = (Vec::new(), Vec::new());
    for Said { activity, difference } in circuit.all_said(&settled.state) {
        means.push(activity);
        differences.extend(difference);
    }
    Measurement { settled, means, differences, relaxations: 1, beta: spec.nudge.beta }
}
