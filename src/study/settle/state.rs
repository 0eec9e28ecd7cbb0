//! `state.safetensors` of `settle`: final states, gradient estimate, trajectories.

use std::ops::Range;

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
/// Without a target or a settled sample there is no estimate, nor where layers speak both ways.
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
    for (layer, name, range) in compartments(layout) {
        writer.matrix(&format!("{name}.{}", layer + 1), &settled.state.columns_range(range).into_owned());
    }
    let keep = measured.kept(false);
    if has_estimate(setup) && keep.contains(&true) {
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

/// Whether a settled state is an estimate of a gradient: where layers speak both ways it takes a learning
/// rule, and most of those several phases.
pub fn has_estimate(setup: &Setup) -> bool {
    setup.nudged && !setup.chip.layout.kind().is_recurrent()
}

/// Every layer's compartments: the layer, their name, and their columns of a state.
fn compartments(layout: &Layout) -> Vec<(usize, &'static str, Range<usize>)> {
    let of = |layer: usize| {
        let (plus, minus) = (layout.plus(layer), layout.minus(layer));
        if minus.is_empty() {
            return vec![(layer, "v", plus)];
        }
        vec![(layer, "v_plus", plus), (layer, "v_minus", minus)]
    };
    (0..layout.depth()).flat_map(of).collect()
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
    let sides = compartments(layout);
    let mut arrays: Vec<Vec<f64>> = sides
        .iter()
        .map(|(.., range)| Vec::with_capacity(times.len() * traces.len() * range.len()))
        .collect();
    for &time in &times {
        for trace in traces {
            let state = trace.at(time);
            for (array, (.., range)) in arrays.iter_mut().zip(&sides) {
                array.extend_from_slice(&state[range.clone()]);
            }
        }
    }
    writer.vector("t", &times);
    for (array, (layer, name, range)) in arrays.iter().zip(&sides) {
        let shape = [times.len(), traces.len(), range.len()];
        writer.array(&format!("trace.{name}.{}", layer + 1), &shape, array)?;
    }
    Ok(())
}
