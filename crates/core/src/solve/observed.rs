//! Outcomes of trajectories that another program has integrated, by the same definitions.

use super::criteria::Criteria;
use super::judgement::{LEAVING, bound};
use super::monitor::Monitor;
use super::outcome::{Counts, Outcome, Trace};
use crate::circuit::Dynamics;
use crate::matrix::Matrix;
use crate::spec::SolverSpec;

/// Bound (V) beyond which integrators track only the outcome of a sample, a multiple of `1 V + ‖v_free‖∞`.
#[must_use]
pub fn followed(circuit: &dyn Dynamics<f64>) -> f64 {
    LEAVING * bound(circuit.free_state().amax())
}

/// Outcome of the only sample of `circuit` along `trace`; `None` if the trace ends before that is decided.
///
/// States and drives are those of the trace; the circuit gives rails, activation devices and time constants.
#[must_use]
pub fn classify_trace(spec: &SolverSpec, circuit: &dyn Dynamics<f64>, trace: &Trace) -> Option<Outcome> {
    let criteria = Criteria::new(spec, circuit.slowest());
    let mut monitor = Monitor::new(circuit, criteria, &circuit.free_state(), false);
    for ((&time, state), drive) in trace.times.iter().zip(&trace.states).zip(&trace.drives) {
        let row = |values: &[f64]| Matrix::from_row_slice(1, values.len(), values);
        monitor.observe(circuit, &[0], time, (&row(state), &row(drive)), None);
        if monitor.is_done() {
            return monitor.finish(Counts::default()).outcomes.pop();
        }
    }
    None
}
