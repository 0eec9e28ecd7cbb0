//! The study itself: operating point, prediction, simulation, and their comparison as rows.

use anyhow::anyhow;
use nalgebra::DVector;

use super::super::inputs::Setup;
use super::super::{Extent, Failure, Observer};
use super::Tables;
use super::rows::{NoiseBest, NoiseCauseRow, NoiseLayerRow, NoiseRow, NoiseSummary};
use super::{Noise, angle, large, settings_line, spectrum, work};
use dyadsim_core::analysis::ensemble::{Estimate, limit};
use dyadsim_core::analysis::small_signal::{
    Covariance, LayerSignal, Level, LinearError, OperatingPoint, Reading, System, variances,
};
use dyadsim_core::analysis::stationary::{
    Measured, Node, ReadQuantity, compute_floors, nodes, predicted, simulate_told, values,
};
use dyadsim_core::chip::Layout;
use dyadsim_core::circuit::Wired;
use dyadsim_core::learn::{Batch, rest, wired};
use dyadsim_core::matrix::{Matrix, select_rows};
use dyadsim_core::solve::{DENSE, SHARD, homotopy};

/// Fixed points are found to this residual, in units of `1 V + ‖v_free‖∞`.
const TOLERANCE: f64 = 1e-10;
/// What is asked for beside the settings.
pub struct Asked<'a> {
    /// Node whose spectrum is measured.
    pub traced: Option<Node>,
    /// Seed of the noise.
    pub seed: u32,
    /// Hears how far the simulation is.
    pub watch: &'a dyn Observer,
}

/// What is said where an estimate takes more than one reading of one circuit.
const NO_GRADIENT: &str =
    "no gradient is predicted: where layers speak both ways it takes a learning rule (`gradient`)";

/// No noise, for sure.
const NOTHING: Estimate = Estimate { value: 0.0, error: 0.0 };

/// Everything that was found.
pub struct Answer {
    /// What is written and drawn.
    pub tables: Tables,
    /// Warnings.
    pub remarks: Vec<String>,
}

/// Predicts, simulates, compares.
///
/// # Errors
/// No operating point, or none that is stable; a simulation that leaves the numbers.
pub fn carry_out(setup: &Setup, settings: &Noise, asked: &Asked<'_>) -> Result<Answer, Failure> {
    let &Asked { traced, seed, .. } = asked;
    let circuit = wired(&setup.chip, &setup.weights, &setup.batch, &setup.spec);
    let point = operating_point(setup, circuit.as_ref(), settings.sample)?;
    let layout = point.layout();
    if layout.width() > DENSE {
        return large::carry_out(setup, settings, &point, asked);
    }
    let system = point.system();
    let stationary = system.covariance().map_err(|error| unstable(settings.sample, &error))?;
    let measured = match settings.time {
        0.0 => None,
        _ => Some(run(setup, settings, &point, asked)?),
    };
    let (rows, verdict) = compare(&point, &stationary, measured.as_ref(), settings);
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
    let foreseen = setup.nudged && !layout.kind().is_recurrent();
    remarks.extend((setup.nudged && !foreseen).then(|| NO_GRADIENT.to_owned()));
    let (angles, best) = match foreseen.then(|| angle::rows(setup)) {
        None => (vec![], None),
        Some(Some(found)) => found,
        Some(None) => {
            remarks.push(angle::TOO_LARGE.to_owned());
            (vec![], None)
        }
    };
    let summary = summary(setup, settings, seed, (&verdict, measured.is_some()), best);
    let tables = Tables {
        summary,
        layers: layers(setup, &point, &stationary, &system, &reading, measured.as_ref()),
        causes: causes(&point, &stationary, layout),
        nodes: rows,
        psd,
        angles,
    };
    Ok(Answer { tables, remarks })
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
    settings: &Noise,
    seed: u32,
    (verdict, measured): (&Verdict, bool),
    nudge: Option<NoiseBest>,
) -> NoiseSummary {
    NoiseSummary {
        circuit: setup.spec.name.clone(),
        settings: settings_line::line(setup, settings),
        seed: u64::from(seed),
        replicas: if measured { settings.replicas as usize } else { 0 },
        time_s: settings.time * setup.chip.slowest,
        tau_s: setup.chip.slowest,
        family_error: settings.family_error,
        limit: verdict.limit,
        comparisons: verdict.comparisons,
        failed: verdict.failed,
        nudge,
    }
}

/// A warning if some compartments are at a rail.
pub(super) fn at_rails(point: &OperatingPoint<'_>) -> Vec<String> {
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
    setup: &Setup,
    circuit: &'a dyn Wired<f64>,
    sample: usize,
) -> Result<OperatingPoint<'a>, Failure> {
    let rest = rest(circuit, &setup.spec);
    let tolerance = TOLERANCE * (1.0 + rest.amax());
    let start: Vec<f64> = rest.row(sample).iter().copied().collect();
    let found = homotopy(circuit, sample, &start, tolerance);
    if !found.converged {
        return Err(Failure::running(anyhow!(
            "Newton's method found no fixed point of sample {sample} (residual {:.1e} V); try a smaller nudge.beta",
            found.residual
        )));
    }
    Ok(OperatingPoint::new(circuit, &setup.batch.inputs, sample, &found.state))
}

/// Simulates replicas of the sample.
pub(super) fn run(
    setup: &Setup,
    settings: &Noise,
    point: &OperatingPoint<'_>,
    &Asked { traced, seed, watch }: &Asked<'_>,
) -> Result<Measured, Failure> {
    let replicas = settings.replicas as usize;
    let rows = vec![settings.sample; replicas];
    let some = |matrix| select_rows(matrix, &rows);
    let mut batch = Batch::new(some(&setup.batch.inputs), some(&setup.batch.targets));
    batch.sample_ids.seed = u64::from(seed);
    let circuit = wired(&setup.chip, &setup.weights, &batch, &setup.spec);
    let circuit = circuit.as_ref();
    let plan = work::plan(setup, settings, circuit, traced)?;
    watch.begin(Extent::Of(plan.steps() * replicas.div_ceil(SHARD), "steps"));
    let about = values(point);
    let told = |steps: u64| watch.done(steps as usize);
    let found = simulate_told(&setup.spec.solver, circuit, (point.state(), &about), &plan, &told);
    watch.end();
    found.ok_or_else(|| {
        let step = setup.spec.solver.step;
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
    point: &OperatingPoint<'_>,
    stationary: &Covariance,
    measured: Option<&Measured>,
    settings: &Noise,
) -> (Vec<NoiseRow>, Verdict) {
    let layout = point.layout();
    let (variances, floors, operating) =
        (predicted(point, stationary), compute_floors(point, stationary), values(point));
    let all = nodes(layout);
    let found = all.iter().map(|node| {
        let place = node.place(layout);
        Found { node: *node, place, variance: variances[place], floor: floors[place] }
    });
    judged(found, &operating, measured, settings)
}

/// A read-out, its place among all, and what is predicted of it.
pub(super) struct Found {
    pub node: Node,
    pub place: usize,
    /// Its variance (V²).
    pub variance: f64,
    /// The variance below which there is nothing but rounding (V²).
    pub floor: f64,
}

/// Rows of read-outs, and how they compare. Where neither side has anything but rounding, both are 0 and
/// agree.
pub(super) fn judged(
    found: impl Iterator<Item = Found>,
    operating: &[f64],
    measured: Option<&Measured>,
    settings: &Noise,
) -> (Vec<NoiseRow>, Verdict) {
    let row = |Found { node, place, variance, floor }: Found| {
        let found = measured
            .map(|measured| measured.replicas.variance(&[place]))
            .map(|found| if variance == 0.0 && found.value <= floor { NOTHING } else { found });
        let some = found.filter(|found| found.value != 0.0);
        NoiseRow {
            node: node.name(),
            quantity: node.quantity.name().to_owned(),
            layer: node.layer + 1,
            neuron: node.neuron,
            value_v: operating[place],
            predicted_rms_v: variance.sqrt(),
            measured_rms_v: found.map(|f| f.value.max(0.0).sqrt()),
            standard_error_v: found.map(|f| half_error(f, f.value.max(0.0).sqrt())),
            effective_samples: some.map(|f| 2.0 * (f.value / f.error).powi(2)),
            deviation: found.map(|f| if f.value == variance { 0.0 } else { (f.value - variance) / f.error }),
        }
    };
    let rows: Vec<NoiseRow> = found.map(row).collect();
    let compared: Vec<f64> = rows.iter().filter_map(|row| row.deviation).collect();
    let limit = limit(settings.family_error, compared.len(), settings.replicas as usize);
    // Counted so that NaN fails.
    let agreeing = compared.iter().filter(|deviation| deviation.abs() <= limit).count();
    let failed = compared.len() - agreeing;
    (rows, Verdict { limit, comparisons: compared.len(), failed })
}

/// Standard error of the root `rms` of a power.
pub(super) fn half_error(power: Estimate, rms: f64) -> f64 {
    if power.error == 0.0 { 0.0 } else { 0.5 * rms * power.error / power.value }
}

/// The read-out of a node as a vector over the compartments.
pub(super) fn dual(point: &OperatingPoint<'_>, node: Node) -> DVector<f64> {
    let layout = point.layout();
    let row = |readout: Matrix<f64>| readout.row(node.neuron).transpose();
    match node.quantity {
        ReadQuantity::Plus | ReadQuantity::Minus | ReadQuantity::Potential => {
            let mut unit = DVector::zeros(layout.width());
            unit[node.place(layout)] = 1.0;
            unit
        }
        ReadQuantity::Activity => row(point.reads_mean(node.layer)),
        ReadQuantity::Error => row(point.reads_difference(node.layer)),
    }
}

/// Signal and noise per layer, and of the gradient estimate of this sample.
fn layers(
    setup: &Setup,
    point: &OperatingPoint<'_>,
    stationary: &Covariance,
    system: &System,
    reading: &Reading<'_, '_>,
    measured: Option<&Measured>,
) -> Vec<NoiseLayerRow> {
    let layout = point.layout();
    let instant = Reading::new(point, system, stationary, 0.0);
    let beta = setup.spec.nudge.beta;
    let foreseen = setup.nudged && !layout.kind().is_recurrent();
    let estimates = foreseen.then(|| (instant.estimate(beta), reading.estimate(beta)));
    let time = setup.chip.readout;
    let floors = compute_floors(point, stationary);
    let mut rows = Vec::new();
    for layer in 0..layout.depth() {
        let (now, read) = (instant.layer(layer), reading.layer(layer));
        for quantity in read_of(layout) {
            let of = |signal: &LayerSignal| match quantity {
                ReadQuantity::Error => signal.error,
                _ => signal.activity,
            };
            let (now, read) = (of(&now), of(&read));
            let places: Vec<usize> = (0..layout.neurons(layer))
                .map(|neuron| Node { quantity, layer, neuron }.place(layout))
                .collect();
            let found = measured.map(|m| m.replicas.variance(&places));
            let floor: f64 = places.iter().map(|&place| floors[place]).sum();
            let found = found.map(|f| if now.noise == 0.0 && f.value <= floor { NOTHING } else { f });
            let rms = |power: f64| (power / places.len() as f64).sqrt();
            rows.push(NoiseLayerRow {
                layer: layer + 1,
                quantity: quantity.name().to_owned(),
                signal: now.signal,
                noise: now.noise,
                measured_noise: found.map(|f| rms(f.value)),
                standard_error: found.map(|f| half_error(f, rms(f.value))),
                readout_time_s: time,
                readout_noise: read.noise,
                snr: Some(read.ratio()).filter(|ratio| ratio.is_finite()),
            });
        }
        if let Some((now, read)) = &estimates {
            rows.push(gradient_row(layer, now.level(layer), (time, read.level(layer))));
        }
    }
    rows
}

/// What is read of neurons beside their potentials.
pub(super) fn read_of(layout: &Layout) -> Vec<ReadQuantity> {
    ReadQuantity::of(layout).iter().copied().filter(|quantity| !quantity.is_potential()).collect()
}

/// The gradient estimate of a layer at an instant, and as read for a time (s).
fn gradient_row(layer: usize, now: Level, (time, read): (f64, Level)) -> NoiseLayerRow {
    NoiseLayerRow {
        layer: layer + 1,
        quantity: "gradient".to_owned(),
        signal: read.signal,
        noise: now.noise,
        measured_noise: None,
        standard_error: None,
        readout_time_s: time,
        readout_noise: read.noise,
        snr: Some(read.ratio()).filter(|ratio| ratio.is_finite()),
    }
}

/// What every source adds to every layer.
fn causes(point: &OperatingPoint<'_>, stationary: &Covariance, layout: &Layout) -> Vec<NoiseCauseRow> {
    let mut rows = Vec::new();
    for layer in 0..layout.depth() {
        for quantity in read_of(layout) {
            let readout = match quantity {
                ReadQuantity::Error => point.reads_difference(layer),
                _ => point.reads_mean(layer),
            };
            let power = |covariance| variances(&readout, covariance).iter().sum::<f64>();
            let all = power(&stationary.total);
            rows.extend(stationary.shares.iter().map(|share| {
                let power = power(&share.covariance);
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
