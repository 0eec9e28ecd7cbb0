//! `state.safetensors` of `settle`: final states, gradient estimate, trajectories.

use super::super::inputs::Setup;
use crate::record::RecordError;
use crate::record::tensors::TensorWriter;
use dyadsim_core::chip::Layout;
use dyadsim_core::learn::{Gradient, Measurement};
use dyadsim_core::solve::Trace;

/// Name of the file.
pub const NAME: &str = "state.safetensors";

/// Final states, the gradient estimate of the settled samples, and `points` of every trajectory.
///
/// Without a target or a settled sample there is no estimate.
///
/// # Errors
/// Arrays of shapes that do not fit.
pub fn tensors(
    setup: &Setup,
    measured: &Measurement<f64>,
    points: Option<u32>,
) -> Result<TensorWriter, RecordError> {
    let mut writer = TensorWriter::new();
    let (layout, settled) = (&setup.chip.layout, &measured.settled);
    for layer in 0..layout.depth() {
        let columns = |range| settled.state.columns_range(range).into_owned();
        writer.matrix(&format!("v_plus.{}", layer + 1), &columns(layout.plus(layer)));
        writer.matrix(&format!("v_minus.{}", layer + 1), &columns(layout.minus(layer)));
    }
    let keep = measured.kept(false);
    if setup.nudged && keep.contains(&true) {
        let mut gradient = Gradient::zeros(&setup.weights);
        measured.gradient(&setup.batch, &keep, &mut gradient);
        for (layer, (weights, biases)) in (1..).zip(gradient.forward.iter().zip(&gradient.biases)) {
            writer.matrix(&format!("grad.W.{layer}"), weights);
            writer.vector(&format!("grad.b.{layer}"), biases);
        }
    }
    if let Some(points) = points {
        add_traces(&mut writer, layout, &settled.traces, points)?;
    }
    Ok(writer)
}

/// Adds `t` and every compartment at those times; a sample that ended earlier keeps its last state.
fn add_traces(
    writer: &mut TensorWriter,
    layout: &Layout,
    traces: &[Trace],
    points: u32,
) -> Result<(), RecordError> {
    let end = traces.iter().map(Trace::end).fold(0.0, f64::max);
    let times: Vec<f64> = (0..points).map(|i| end * f64::from(i) / f64::from(points - 1)).collect();
    let sides = || (0..layout.depth()).flat_map(|layer| [(layer, "plus"), (layer, "minus")]);
    let columns = |(layer, side)| if side == "plus" { layout.plus(layer) } else { layout.minus(layer) };
    let mut arrays: Vec<Vec<f64>> =
        sides().map(|side| Vec::with_capacity(times.len() * traces.len() * columns(side).len())).collect();
    for &time in &times {
        for trace in traces {
            let state = trace.at(time);
            for (array, side) in arrays.iter_mut().zip(sides()) {
                array.extend_from_slice(&state[columns(side)]);
            }
        }
    }
    writer.vector("t", &times);
    for (array, (layer, side)) in arrays.iter().zip(sides()) {
        let shape = [times.len(), traces.len(), layout.neurons(layer)];
        writer.array(&format!("trace.v_{side}.{}", layer + 1), &shape, array)?;
    }
    Ok(())
}
