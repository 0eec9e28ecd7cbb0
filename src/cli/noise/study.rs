//! The study itself: operating point, prediction, simulation, and their comparison as rows.

use anyhow::anyhow;
use nalgebra::DVector;

use super::super::Failure;
use super::super::inputs::Setup;
use super::super::output::rounded;
use super::{Arguments, angle, large, spectrum};
use crate::analysis::linear::{Covariance, LinearError, Point, Reading, System};
use crate::analysis::replicas::limit;
use crate::analysis::stationary::{Measured, Node, Plan, Quantity, nodes, predicted, simulate, values};
use crate::chip::Layout;
use crate::circuit::{Circuit, DyadCircuit};
use crate::figure::noise::Tables;
use crate::learn::{Batch, nudged};
use crate::matrix::{Matrix, select_rows};
use crate::record::noise_rows::{NoiseCauseRow, NoiseLayerRow, NoiseRow, NoiseSummary};
use crate::solve::{DENSE, followed_point};

/// Fixed points are found to this residual, in units of `1 V + ‖v_free‖∞`.
const TOLERANCE: f64 = 1e-10;
/// Relaxation times of the slowest mode that a replica gets to forget its start.
const BEFORE: f64 = 20.0;
/// Steps of the solver between readings, at most; readings a tenth of a time constant apart tell little more.
const EVERY: f64 = 0.25;

/// Everything that was found.
pub struct Study {
    /// What is written and drawn.
    pub tables: Tables,
    /// Warnings.
    pub remarks: Vec<String>,
}

/// Predicts, simulates, compares.
///
/// # Errors
/// No operating point, or none that is stable; a simulation that leaves the numbers.
pub fn carry_out(
    setup: &Setup,
    arguments: &Arguments,
    traced: Option<Node>,
    seed: u32,
) -> Result<Study, Failure> {
    let circuit = nudged(&setup.chip, &setup.weights, &setup.batch, &setup.spec);
    let point = operating_point(setup, &circuit, arguments.sample)?;
    if circuit.layout().width() > DENSE {
        return large::carry_out(setup, arguments, &point, traced, seed);
    }
    let system = point.system();
    let stationary = system.covariance().map_err(|error| unstable(arguments.sample, &error))?;
    let measured = match arguments.time {
        0.0 => None,
        _ => Some(run(setup, arguments, &point, traced, seed)?),
    };
    let layout = circuit.layout();
    let (rows, verdict) = compare(&point, &stationary, measured.as_ref(), arguments);
    let reading = Reading::new(&point, &system, &stationary, setup.chip.readout);
    let psd = traced
        .map(|node| {
            let readout = dual(&point, node);
            let density = |f| system.density(&readout, f);
            spectrum::rows(setup, (&system.causes(), &density), node, measured.as_ref())
        })
        .unwrap_or_default();
    let mut remarks = at_rails(&point);
    remarks.extend(one_relaxation(setup));
    let (angles, best) = match setup.nudged.then(|| angle::rows(setup)) {
        None => (vec![], None),
        Some(Some(found)) => found,
        Some(None) => {
            remarks.push(angle::TOO_LARGE.to_owned());
            (vec![], None)
        }
    };
    let summary = summary(setup, arguments, seed, (&verdict, measured.is_some()), best);
    let tables = Tables {
        summary,
        layers: layers(setup, &point, &stationary, &system, &reading, measured.as_ref()),
        causes: causes(&point, &stationary, layout),
        nodes: rows,
        psd,
        angles,
    };
    Ok(Study { tables, remarks })
}

/// A warning if the estimate of a gradient takes more than the relaxation that is predicted.
fn one_relaxation(setup: &Setup) -> Option<String> {
    let several = setup.spec.readout.auto_zero || setup.spec.readout.chopping;
    (setup.nudged && several)
        .then(|| "one relaxation is read: auto-zero and chopping are not in the predictions".to_owned())
}

/// The settings of a study and how it ended.
pub(super) fn summary(
    setup: &Setup,
    arguments: &Arguments,
    seed: u32,
    (verdict, measured): (&Verdict, bool),
    best: Option<(f64, f64)>,
) -> NoiseSummary {
    NoiseSummary {
        circuit: setup.spec.name.clone(),
        settings: settings(setup, arguments),
        seed: u64::from(seed),
        replicas: if measured { arguments.replicas as usize } else { 0 },
        time_s: arguments.time * setup.chip.slowest,
        tau_s: setup.chip.slowest,
        family_error: arguments.family_error,
        limit: verdict.limit,
        comparisons: verdict.comparisons,
        failed: verdict.failed,
        best,
    }
}

/// A warning if some compartments are at a rail.
pub(super) fn at_rails(point: &Point<'_>) -> Vec<String> {
    let some = Some(point.at_rails()).filter(|&some| some > 0);
    some.map(|some| format!("{some} compartments are at a rail, where no linear theory holds"))
        .into_iter()
        .collect()
}

/// No stationary state.
pub(super) fn unstable(sample: usize, error: &LinearError) -> Failure {
    Failure::running(anyhow!("sample {sample}: {error}\n  `dyadsim stability` tells how it leaves"))
}

/// The fixed point of a sample, stable or not.
fn operating_point<'a>(
    setup: &'a Setup,
    circuit: &'a DyadCircuit<'a, f64>,
    sample: usize,
) -> Result<Point<'a>, Failure> {
    let free = circuit.free_state();
    let tolerance = TOLERANCE * (1.0 + free.amax());
    let start: Vec<f64> = free.row(sample).iter().copied().collect();
    let found = followed_point(circuit, sample, &start, tolerance);
    if !found.converged {
        return Err(Failure::running(anyhow!(
            "Newton's method found no fixed point of sample {sample} (residual {:.1e} V); try a smaller nudge.beta",
            found.residual
        )));
    }
    Ok(Point::new(circuit, circuit.weights(), &setup.batch.inputs, sample, &found.state))
}

/// Simulates replicas of the sample.
pub(super) fn run(
    setup: &Setup,
    arguments: &Arguments,
    point: &Point<'_>,
    traced: Option<Node>,
    seed: u32,
) -> Result<Measured, Failure> {
    let replicas = arguments.replicas as usize;
    let rows = vec![arguments.sample; replicas];
    let some = |matrix| select_rows(matrix, &rows);
    let mut batch = Batch::new(some(&setup.batch.inputs), some(&setup.batch.targets));
    batch.presentations.seed = u64::from(seed);
    let circuit = nudged(&setup.chip, &setup.weights, &batch, &setup.spec);
    let step = setup.spec.solver.step;
    let every = (EVERY / step).round().max(1.0);
    let plan = Plan {
        before: (BEFORE / step).ceil() as usize,
        readings: (arguments.time / (step * every)).ceil() as usize,
        every: every as usize,
        traced,
    };
    simulate(&setup.spec.solver, &circuit, point.state(), &values(point), &plan).ok_or_else(|| {
        Failure::running(anyhow!("the simulation left the numbers; try a smaller solver.step than {step}"))
    })
}

/// How predictions and measurements compare.
pub(super) struct Verdict {
    limit: f64,
    comparisons: usize,
    failed: usize,
}

/// Every read-out as predicted and as measured.
fn compare(
    point: &Point<'_>,
    stationary: &Covariance,
    measured: Option<&Measured>,
    arguments: &Arguments,
) -> (Vec<NoiseRow>, Verdict) {
    let layout = point.circuit().layout();
    let (variances, operating) = (predicted(point, stationary), values(point));
    let all = nodes(layout);
    let found = all.iter().map(|node| {
        let place = node.place(layout);
        (*node, place, variances[place])
    });
    judged(found, &operating, measured, arguments)
}

/// Rows of read-outs with their places and predicted variances (V²), and how they compare.
pub(super) fn judged(
    found: impl Iterator<Item = (Node, usize, f64)>,
    operating: &[f64],
    measured: Option<&Measured>,
    arguments: &Arguments,
) -> (Vec<NoiseRow>, Verdict) {
    let row = |(node, place, variance): (Node, usize, f64)| {
        let found = measured.map(|measured| measured.replicas.variance(&[place])).filter(|_| variance > 0.0);
        NoiseRow {
            node: node.name(),
            quantity: node.quantity.name().to_owned(),
            layer: node.layer + 1,
            neuron: node.neuron,
            value_v: operating[place],
            predicted_rms_v: variance.sqrt(),
            measured_rms_v: found.map(|f| f.value.max(0.0).sqrt()),
            standard_error_v: found.map(|f| f.error / (2.0 * f.value.sqrt())),
            effective_samples: found.map(|f| 2.0 * (f.value / f.error).powi(2)),
            deviation: found.map(|f| (f.value - variance) / f.error),
        }
    };
    let rows: Vec<NoiseRow> = found.map(row).collect();
    let compared: Vec<f64> = rows.iter().filter_map(|row| row.deviation).collect();
    let limit = limit(arguments.family_error, compared.len(), arguments.replicas as usize);
    // Counted so that NaN fails.
    let agreeing = compared.iter().filter(|deviation| deviation.abs() <= limit).count();
    let failed = compared.len() - agreeing;
    (rows, Verdict { limit, comparisons: compared.len(), failed })
}

/// The read-out of a node as a vector over the compartments.
pub(super) fn dual(point: &Point<'_>, node: Node) -> DVector<f64> {
    let layout = point.circuit().layout();
    let row = |readout: Matrix<f64>| readout.row(node.neuron).transpose();
    match node.quantity {
        Quantity::Plus | Quantity::Minus => {
            let mut unit = DVector::zeros(layout.width());
            unit[node.place(layout)] = 1.0;
            unit
        }
        Quantity::Activity => row(point.reads_mean(node.layer)),
        Quantity::Error => row(point.reads_difference(node.layer)),
    }
}

/// Signal and noise per layer, and of the gradient estimate of this sample.
fn layers(
    setup: &Setup,
    point: &Point<'_>,
    stationary: &Covariance,
    system: &System,
    reading: &Reading<'_, '_>,
    measured: Option<&Measured>,
) -> Vec<NoiseLayerRow> {
    let layout = point.circuit().layout();
    let instant = Reading::new(point, system, stationary, 0.0);
    let beta = setup.spec.nudge.beta;
    let estimates = setup.nudged.then(|| (instant.estimate(beta), reading.estimate(beta)));
    let time = setup.chip.readout;
    let mut rows = Vec::new();
    for layer in 0..layout.depth() {
        let (now, read) = (instant.layer(layer), reading.layer(layer));
        for (quantity, now, read) in
            [(Quantity::Activity, now.activity, read.activity), (Quantity::Error, now.error, read.error)]
        {
            let places: Vec<usize> = (0..layout.neurons(layer))
                .map(|neuron| Node { quantity, layer, neuron }.place(layout))
                .collect();
            let found = measured.map(|m| m.replicas.variance(&places)).filter(|f| f.value > 0.0);
            let rms = |power: f64| (power / places.len() as f64).sqrt();
            rows.push(NoiseLayerRow {
                layer: layer + 1,
                quantity: quantity.name().to_owned(),
                signal: now.signal,
                noise: now.noise,
                measured_noise: found.map(|f| rms(f.value)),
                standard_error: found.map(|f| rms(f.value) * 0.5 * f.error / f.value),
                readout_time_s: time,
                readout_noise: read.noise,
                snr: Some(read.ratio()).filter(|ratio| ratio.is_finite()),
            });
        }
        if let Some((now, read)) = &estimates {
            let (now, read) = (now.level(layer), read.level(layer));
            rows.push(NoiseLayerRow {
                layer: layer + 1,
                quantity: "gradient".to_owned(),
                signal: read.signal,
                noise: now.noise,
                measured_noise: None,
                standard_error: None,
                readout_time_s: time,
                readout_noise: read.noise,
                snr: Some(read.ratio()).filter(|ratio| ratio.is_finite()),
            });
        }
    }
    rows
}

/// What every source adds to every layer.
fn causes(point: &Point<'_>, stationary: &Covariance, layout: &Layout) -> Vec<NoiseCauseRow> {
    let mut rows = Vec::new();
    for layer in 0..layout.depth() {
        let readouts =
            [(Quantity::Activity, point.reads_mean(layer)), (Quantity::Error, point.reads_difference(layer))];
        for (quantity, readout) in readouts {
            let read = stationary.read(&readout);
            let all = read.total.trace();
            rows.extend(read.shares.iter().map(|share| {
                let power = share.covariance.trace().max(0.0);
                NoiseCauseRow {
                    layer: layer + 1,
                    quantity: quantity.name().to_owned(),
                    cause: share.cause.to_owned(),
                    noise_v: (power / layout.neurons(layer) as f64).sqrt(),
                    share: if all > 0.0 { power / all } else { 0.0 },
                }
            }));
        }
    }
    rows
}

/// The settings in a line.
fn settings(setup: &Setup, arguments: &Arguments) -> String {
    let network: Vec<String> = setup.weights.network().iter().map(ToString::to_string).collect();
    let nudge = &setup.spec.nudge;
    let (plus, minus) = crate::chip::gains(nudge);
    let nudged = if setup.nudged {
        format!("a⁺ {plus}, a⁻ {minus}, α {}, β {}", nudge.alpha, nudge.beta)
    } else {
        "free circuit".to_owned()
    };
    let solver = setup.spec.solver.kind.name();
    let simulated = if arguments.time == 0.0 {
        "not simulated".to_owned()
    } else {
        format!(
            "{solver} at steps of {} τ, {} replicas of {} τ",
            setup.spec.solver.step, arguments.replicas, arguments.time
        )
    };
    let network = network.join("-");
    format!(
        "{}: {network}, {nudged}, sample {}, τ = {}; {simulated}",
        setup.spec.name,
        arguments.sample,
        rounded(setup.chip.slowest, "s")
    )
}
