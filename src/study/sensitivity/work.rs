//! The study itself: equilibria, the derivatives there, and how much of them every group of devices has.

use anyhow::anyhow;
use rayon::prelude::*;

use super::super::{Extent, Failure, Observer};
use super::gradient::{Estimate, Sample};
use super::margin::Margin;
use super::parameters::Group;
use super::point::{EquilibriumPoint, Model};
use super::rows::{SensitivityLayerRow, SensitivityRow, SensitivitySummary};
use super::{Answer, Subject};
use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::{DyadCircuit, Dynamics};
use dyadsim_core::learn::{Batch, nudged};
use dyadsim_core::solve::{DENSE, Stability, Verdict, stability};
use dyadsim_core::spec::{CircuitSpec, NudgePoint};

/// Fixed points are found to this residual, in units of `1 V + ‖v_free‖∞`; a last step of Newton's method
/// goes far below.
const TOLERANCE: f64 = 1e-9;
/// A sample is near a kink or a rail if a potential or a drive is so near to it (V).
const NEAR: f64 = 1e-6;
/// Most products of two numbers that are done for the pairs of samples.
const MOST_WORK: f64 = 1e14;

/// Derivatives at the equilibria of a batch.
pub struct Sensitivities {
    /// Squared norm of the estimate of every layer (V⁴).
    pub estimate: Vec<f64>,
    /// Every group of devices.
    pub groups: Vec<Moved>,
    /// The margin of the least stable sample and which one it is, in units of one over the slowest time
    /// constant.
    pub margin: (f64, usize),
    /// Why the margin has no derivative, if so.
    pub unmoved: Option<&'static str>,
    /// Samples without an equilibrium that was found.
    pub lost: usize,
    /// Samples whose equilibrium is not stable, or on a rail that the free one does not touch.
    pub unstable: usize,
    /// Samples near a kink or a rail.
    pub near: usize,
    /// Smallest distance of any used sample from a kink or a rail (V).
    pub clearance: f64,
}

/// What the devices of a group move.
pub struct Moved {
    /// The group.
    pub group: Group,
    /// Of every device, by layer: squared norm of the derivative of the estimate (V⁴ over the square of the
    /// parameter's unit).
    pub gradient: Vec<Vec<f64>>,
    /// Of every device: the derivative of the margin; empty if it has none.
    pub margin: Vec<f64>,
}

/// Finds the derivatives of the gradient estimate and of the margin by the parameters of all devices.
///
/// # Errors
/// Circuits that have no such derivatives here, with the reason; no sample with a stable equilibrium.
pub fn sensitivities(
    spec: &CircuitSpec,
    chip: &Chip<f64>,
    weights: &Weights<f64>,
    batch: &Batch<f64>,
    watch: &dyn Observer,
) -> Result<Sensitivities, Failure> {
    check(spec, chip, batch)?;
    watch.begin(Extent::Unknown("fixed points and their spectra"));
    let circuit = nudged(chip, weights, batch, spec);
    let free = DyadCircuit::free(chip, weights, &batch.inputs);
    let circuits = if spec.readout.auto_zero { vec![&circuit, &free] } else { vec![&circuit] };
    let found: Vec<Stability> = circuits.iter().map(|circuit| settled(circuit, spec)).collect();
    let (worst, spectrum) = found[0].worst().ok_or_else(nothing)?;
    let is_stable = |i: &usize| found.iter().all(|f| f.verdict(*i) == Some(Verdict::Stable));
    let stable: Vec<usize> = (0..batch.inputs.nrows()).filter(is_stable).collect();
    let lost = found[0].spectra.iter().filter(|spectrum| spectrum.is_none()).count();

    let model = Model::new(spec, chip, weights);
    watch.begin(Extent::Unknown("derivatives at the fixed points"));
    let samples: Vec<Sample> = stable
        .par_iter()
        .filter_map(|&i| {
            let states: Vec<_> =
                circuits.iter().zip(&found).map(|(c, f)| (*c, &f.points[i].state[..])).collect();
            Sample::new(&model, batch, i, &states)
        })
        .collect();
    if samples.is_empty() {
        return Err(nothing());
    }
    let unit = circuit.slowest();
    let point = EquilibriumPoint::new(&model, &circuit, batch, (worst, &found[0].points[worst].state), true);
    let margin = Margin::new(&model, point, circuit.rates(), spectrum, unit);

    let estimate = Estimate::new(&model, &samples);
    let unmoved = margin.as_ref().err().copied();
    let groups = moves(&estimate, margin.ok().as_ref(), Group::all(chip, weights), (weights, watch));
    Ok(Sensitivities {
        estimate: estimate.squares(),
        groups,
        margin: (-spectrum.abscissa() * unit, worst),
        unmoved,
        lost,
        unstable: batch.inputs.nrows() - samples.len() - lost,
        near: samples.iter().filter(|sample| sample.clearance() < NEAR).count(),
        clearance: samples.iter().map(Sample::clearance).fold(f64::INFINITY, f64::min),
    })
}

/// What the devices of all groups move.
fn moves(
    estimate: &Estimate<'_>,
    margin: Option<&Margin<'_>>,
    groups: Vec<Group>,
    (weights, watch): (&Weights<f64>, &dyn Observer),
) -> Vec<Moved> {
    watch.begin(Extent::Of(groups.len(), "groups of devices"));
    let moved = |group: Group| {
        let devices = 0..group.devices(weights);
        let gradient = estimate.moved(&group);
        let margin = margin.map(|m| devices.map(|device| m.moved(&group, device)).collect());
        watch.done(1);
        Moved { group, gradient, margin: margin.unwrap_or_default() }
    };
    groups.into_iter().map(moved).collect()
}

/// Fixed points and spectra from the free states.
fn settled(circuit: &DyadCircuit<'_, f64>, spec: &CircuitSpec) -> Stability {
    let free = circuit.free_state();
    stability(circuit, &spec.solver, &free, TOLERANCE * (1.0 + free.amax()))
}

fn nothing() -> Failure {
    Failure::running(anyhow!(
        "no sample has a stable equilibrium; try a smaller nudge.beta or another nudge.alpha"
    ))
}

/// Refuses what has no such derivatives, or asks for more than there is.
pub(super) fn check(spec: &CircuitSpec, chip: &Chip<f64>, batch: &Batch<f64>) -> Result<(), Failure> {
    let periphery = &chip.periphery;
    let lack = match () {
        () if spec.nudge.at == NudgePoint::Free => Some((
            "`nudge.at` = \"free\": the held output is another relaxation, whose derivative is not taken",
            "\"mean\", \"own\" or \"drive\"",
        )),
        () if periphery.clock.is_some() => {
            Some(("`[clock]`: derivatives are those of continuous time", "a circuit without `[clock]`"))
        }
        () if periphery.amplifier.is_some() => Some((
            "`[amplifier]` with a finite gain, a bandwidth or an offset: its load depends on every device",
            "an ideal amplifier",
        )),
        () if periphery.leakage_loss != 0.0 => {
            Some(("`[leakage]` with a hold time: what is read is not the equilibrium", "leakage.hold = 0"))
        }
        () if spec.readout.chopping => Some((
            "`readout.chopping`: the derivatives are those of one relaxation",
            "readout.auto_zero, or neither",
        )),
        () => None,
    };
    if let Some((why, accepted)) = lack {
        return Err(Failure::input(anyhow!("{why}\n  accepted: {accepted}")));
    }
    let (width, samples) = (chip.layout.width(), batch.inputs.nrows() as f64);
    if width > DENSE {
        return Err(Failure::input(anyhow!(
            "{width} compartments: the Jacobian is formed\n  accepted: circuits of up to {DENSE} compartments"
        )));
    }
    let sides = if spec.readout.auto_zero { 2.0 } else { 1.0 };
    let each = 8.0 * 5.0 * sides * (width as f64).powi(2);
    if let Some(told) = dyadsim_core::machine::beyond(&[("derivatives of the samples", samples * each)]) {
        return Err(Failure::input(anyhow!("{samples} samples: {told}\n  accepted: fewer samples")));
    }
    let network = chip.layout.network();
    let above: f64 = network[1..].windows(2).map(|n| (n[0] * n[1]) as f64).sum();
    let work = above * samples.powi(2) * 4.0 * width as f64;
    if work > MOST_WORK {
        let fits = (samples * (MOST_WORK / work).sqrt()).floor();
        return Err(Failure::input(anyhow!(
            "{samples} samples: {work:.1e} products for their pairs are more than {MOST_WORK:e}\n  \
             accepted: {fits} samples or fewer"
        )));
    }
    Ok(())
}

/// Answers the question.
pub fn carry_out(subject: &Subject, watch: &dyn Observer) -> Result<Answer, Failure> {
    let setup = &subject.setup;
    let (spec, chip, weights, batch) = (&setup.spec, &setup.chip, &setup.weights, &setup.batch);
    let found = sensitivities(spec, chip, weights, batch, watch)?;
    let rows: Vec<SensitivityRow> = found.groups.iter().map(|moved| row(subject, &found, moved)).collect();
    let layers = found.groups.iter().flat_map(|moved| layer_rows(&found, moved)).collect();
    let total = |of: fn(&SensitivityRow) -> Option<f64>| {
        let squares: Vec<f64> = rows.iter().filter_map(of).map(|x| x * x).collect();
        (!squares.is_empty()).then(|| squares.iter().sum::<f64>().sqrt())
    };
    let noise =
        (!chip.noise.is_noiseless()).then_some("noise is left out: these are the equilibria without it");
    let summary = SensitivitySummary {
        circuit: spec.name.clone(),
        settings: setup.words(&[]) + if subject.nominal { ", nominal devices" } else { "" },
        nominal: subject.nominal,
        layers: chip.layout.depth(),
        samples: batch.inputs.nrows(),
        used: batch.inputs.nrows() - found.lost - found.unstable,
        lost: found.lost,
        unstable: found.unstable,
        near: found.near,
        clearance_v: Some(found.clearance).filter(|gap| gap.is_finite()),
        margin: found.margin.0,
        worst_sample: found.margin.1,
        unmoved: found.unmoved.map(str::to_owned),
        gradient_spread: total(|row| row.gradient_spread),
        margin_spread: total(|row| row.margin_spread),
        remark: noise.map(str::to_owned),
    };
    Ok(Answer { summary, rows, layers })
}

/// Root of the sum of squares.
fn root(squares: impl Iterator<Item = f64>) -> f64 {
    squares.sum::<f64>().sqrt()
}

/// The device with the largest number, and that number; none if all are zero.
fn largest(values: impl Iterator<Item = f64>) -> Option<(usize, f64)> {
    values
        .enumerate()
        .filter(|(_, x)| *x != 0.0)
        .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()).then(b.0.cmp(&a.0)))
}

fn row(subject: &Subject, found: &Sensitivities, moved: &Moved) -> SensitivityRow {
    let Subject { setup, mismatch, .. } = subject;
    let (group, weights) = (&moved.group, &setup.weights);
    let size = root(found.estimate.iter().copied());
    let each: Vec<f64> = moved.gradient.iter().map(|layers| root(layers.iter().copied()) / size).collect();
    let spreads: Vec<f64> =
        (0..each.len()).map(|device| group.spread(mismatch, &setup.chip, device)).collect();
    let gradient = Some(each).filter(|_| group.moves_equilibria());
    let margin = Some(&moved.margin).filter(|margin| !margin.is_empty());
    let all = |values: &Vec<f64>| root(values.iter().map(|x| x * x));
    let spread = |values: &Vec<f64>| root(values.iter().zip(&spreads).map(|(x, s)| (x * s).powi(2)));
    let is_spread = spreads.iter().any(|s| *s != 0.0);
    let first = |values: &Vec<f64>| largest(values.iter().copied());
    let name = |values: &Vec<f64>| first(values).map(|(device, _)| group.device_name(device, weights));
    SensitivityRow {
        parameter: group.name().to_owned(),
        layer: group.layer + 1,
        devices: moved.gradient.len(),
        gradient: gradient.as_ref().map(all),
        gradient_largest: gradient.as_ref().and_then(first).map(|(_, value)| value),
        gradient_device: gradient.as_ref().and_then(name),
        margin: margin.map(all),
        margin_largest: margin.and_then(first).map(|(_, value)| value),
        margin_device: margin.and_then(name),
        spread: is_spread.then(|| root(spreads.iter().map(|s| s * s)) / (spreads.len() as f64).sqrt()),
        gradient_spread: gradient.as_ref().filter(|_| is_spread).map(spread),
        margin_spread: margin.filter(|_| is_spread).map(spread),
    }
}

/// What a group moves of the estimate of every layer.
fn layer_rows(found: &Sensitivities, moved: &Moved) -> Vec<SensitivityLayerRow> {
    if !moved.group.moves_equilibria() {
        return Vec::new();
    }
    let of = |(k, square): (usize, &f64)| SensitivityLayerRow {
        parameter: moved.group.name().to_owned(),
        layer: moved.group.layer + 1,
        gradient_layer: k + 1,
        gradient: (root(moved.gradient.iter().map(|layers| layers[k])) / square.sqrt()).max(0.0),
    };
    found.estimate.iter().enumerate().map(of).collect()
}
