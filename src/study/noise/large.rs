//! The study of a circuit that is too large for matrices of its size: what its outputs read, each through a
//! Krylov space.

use rayon::prelude::*;

use super::super::Failure;
use super::super::inputs::Setup;
use super::Tables;
use super::course::{
    Answer, Asked, Found, at_rails, dual, half_error, judged, read_of, run, summary, unstable,
};
use super::rows::{NoiseCauseRow, NoiseLayerRow};
use super::{Noise, angle, spectrum};
use dyadsim_core::analysis::small_signal::{Covariance, OperatingPoint, Reduced};
use dyadsim_core::analysis::stationary::{Measured, Node, ReadQuantity, values};
use dyadsim_core::chip::Layout;
use dyadsim_core::noise::Cause;

/// Roundings of the largest potential that a read-out carries.
const ROUNDINGS: f64 = 16.0;

/// A read-out of the output layer.
struct Output {
    node: Node,
    place: usize,
    /// At any time, and as read (V²).
    stationary: Covariance,
    read: Covariance,
}

/// Predicts, simulates, compares the read-outs of the output layer, and the spectrum of any node.
///
/// # Errors
/// Those of [`super::course::carry_out`].
pub fn carry_out(
    setup: &Setup,
    settings: &Noise,
    point: &OperatingPoint<'_>,
    asked: &Asked<'_>,
) -> Result<Answer, Failure> {
    let &Asked { traced, seed, .. } = asked;
    let layout = point.layout();
    let forcings = point.forcings();
    let reduced = |node: Node| {
        let readout = dual(point, node);
        let found = Reduced::new(&mut |v| point.adjoint(v), &forcings, &readout);
        found.map(|found| (found, readout.norm_squared())).map_err(|error| unstable(settings.sample, &error))
    };
    let outputs = predict_outputs(setup, settings, point, &reduced)?;
    let psd = traced.map(&reduced).transpose()?;
    let measured = match settings.time {
        0.0 => None,
        _ => Some(run(setup, settings, point, asked)?),
    };
    let operating = values(point);
    let size = operating.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
    let floor = (ROUNDINGS * f64::EPSILON * size).powi(2);
    let found = outputs.iter().map(|output| {
        let variance = Some(output.stationary.total[0]).filter(|&v| v > floor).unwrap_or(0.0);
        Found { node: output.node, place: output.place, variance, floor }
    });
    let (nodes, verdict) = judged(found, &operating, measured.as_ref(), settings);
    let psd = psd.zip(traced).map(|((small, _), node)| {
        let density = |f| small.density(f);
        spectrum::rows(setup, (&small.system.causes(), &density), node, measured.as_ref())
    });
    let mut remarks = at_rails(point);
    remarks.push(format!("{} compartments: the outputs alone are predicted", layout.width()));
    if setup.nudged && !setup.spec.kind().is_recurrent() {
        remarks.push(angle::TOO_LARGE.to_owned());
    }
    let tables = Tables {
        summary: summary(setup, settings, seed, (&verdict, measured.is_some()), None),
        layers: layers(setup, &outputs, &operating, measured.as_ref()),
        causes: causes(&outputs, layout),
        nodes,
        psd: psd.unwrap_or_default(),
        angles: vec![],
    };
    Ok(Answer { tables, remarks })
}

/// What the outputs read, each by its small system and the squared length of its read-out.
fn predict_outputs(
    setup: &Setup,
    settings: &Noise,
    point: &OperatingPoint<'_>,
    reduced: &(impl Fn(Node) -> Result<(Reduced, f64), Failure> + Sync),
) -> Result<Vec<Output>, Failure> {
    let (layout, held) = (point.layout(), point.held().powi(2));
    let output = |node: Node| {
        let (small, weight) = reduced(node)?;
        let variance = |time| small.variance(time).map_err(|error| unstable(settings.sample, &error));
        let (stationary, mut read) = (variance(0.0)?, variance(setup.chip.readout)?);
        read.total.add_scalar_mut(held * weight);
        Ok(Output { node, place: node.place(layout), stationary, read })
    };
    output_nodes(layout).into_par_iter().map(output).collect()
}

/// Read-outs of the output layer.
fn output_nodes(layout: &Layout) -> Vec<Node> {
    let layer = layout.depth() - 1;
    let of = |quantity| (0..layout.neurons(layer)).map(move |neuron| Node { quantity, layer, neuron });
    ReadQuantity::of(layout).iter().copied().flat_map(of).collect()
}

/// Those of one quantity.
fn of(outputs: &[Output], quantity: ReadQuantity) -> impl Iterator<Item = &Output> + Clone {
    outputs.iter().filter(move |output| output.node.quantity == quantity)
}

/// Root of a power per neuron (V).
fn rms(powers: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = powers.clone().count() as f64;
    (powers.map(|power| power.max(0.0)).sum::<f64>() / count).sqrt()
}

/// Signal and noise of the output layer.
fn layers(
    setup: &Setup,
    outputs: &[Output],
    operating: &[f64],
    measured: Option<&Measured>,
) -> Vec<NoiseLayerRow> {
    let row = |quantity: ReadQuantity| {
        let these = || of(outputs, quantity);
        let places: Vec<usize> = these().map(|output| output.place).collect();
        let found = measured.map(|m| m.replicas.variance(&places)).filter(|f| f.value > 0.0);
        let per_neuron = |power: f64| (power / places.len() as f64).sqrt();
        let signal = rms(places.iter().map(|&place| operating[place].powi(2)));
        let read = rms(these().map(|output| output.read.total[0]));
        NoiseLayerRow {
            layer: setup.chip.layout.depth(),
            quantity: quantity.name().to_owned(),
            signal,
            noise: rms(these().map(|output| output.stationary.total[0])),
            measured_noise: found.map(|f| per_neuron(f.value)),
            standard_error: found.map(|f| half_error(f, per_neuron(f.value))),
            readout_time_s: setup.chip.readout,
            readout_noise: read,
            snr: Some(signal / read).filter(|ratio| ratio.is_finite()),
        }
    };
    read_of(&setup.chip.layout).into_iter().map(row).collect()
}

/// What every source adds to the output layer.
fn causes(outputs: &[Output], layout: &Layout) -> Vec<NoiseCauseRow> {
    let mut rows = Vec::new();
    for quantity in read_of(layout) {
        let names: Vec<Cause> = of(outputs, quantity)
            .next()
            .map(|output| output.stationary.shares.iter().map(|share| share.cause).collect())
            .unwrap_or_default();
        let all = rms(of(outputs, quantity).map(|output| output.stationary.total[0]));
        for (k, cause) in names.iter().enumerate() {
            let noise = rms(of(outputs, quantity).map(|output| output.stationary.shares[k].covariance[0]));
            rows.push(NoiseCauseRow {
                layer: outputs[0].node.layer + 1,
                quantity: quantity.name().to_owned(),
                cause: (*cause).to_owned(),
                noise_v: noise,
                share: if all > 0.0 { (noise / all).powi(2) } else { 0.0 },
            });
        }
    }
    rows
}
