//! The predicted angle to backpropagation against β, and the best β.

use super::super::inputs::Setup;
use super::super::safe::{largest_safe, unlimited};
use super::rows::{NoiseAngleRow, NoiseBest};
use dyadsim_core::analysis::gradient_error::predicted;
use dyadsim_core::analysis::nudge::{Best, Location, Observation, best};
use dyadsim_core::analysis::small_signal::{Angle, Estimate, NudgeSweep, exact_gradient};
use dyadsim_core::learn::{Batch, Gradient};

/// Nudges, per decade, from the weakest to the strongest.
const PER_DECADE: i32 = 6;
const WEAKEST: i32 = -2;
const STRONGEST: i32 = 1;
/// Most samples whose fixed points and covariances are computed at every β: the first ones, fewer of a large
/// circuit.
const SAMPLES: usize = 16;
/// Compartments up to which it is so many; the work grows with the third power.
const SMALL: f64 = 400.0;
/// Said where not even one sample is affordable.
pub const TOO_LARGE: &str = "angles against the nudge are predicted for up to 1270 compartments";

/// Rows of all nudges, and the best β.
pub type Angles = (Vec<NoiseAngleRow>, Option<NoiseBest>);

/// Predictions at every nudge; none for a circuit that is too large.
pub fn rows(setup: &Setup) -> Option<Angles> {
    let work = (setup.chip.layout.width() as f64 / SMALL).powi(3).max(1.0);
    let affordable = (SAMPLES as f64 / work).round() as usize;
    let samples = setup.batch.inputs.nrows().min(affordable);
    if samples == 0 {
        return None;
    }
    let first = |matrix: &dyadsim_core::matrix::Matrix<f64>| matrix.rows(0, samples).into_owned();
    let batch = Batch::new(first(&setup.batch.inputs), first(&setup.batch.targets));
    let steps = PER_DECADE * WEAKEST..=PER_DECADE * STRONGEST;
    let betas: Vec<f64> = steps.map(|k| 10_f64.powf(f64::from(k) / f64::from(PER_DECADE))).collect();
    let (spec, chip, weights) = (&setup.spec, &setup.chip, &setup.weights);
    let predict = |betas: &[f64]| NudgeSweep::predict(spec, chip, weights, &batch, betas, chip.readout);
    let (valley, truth) = (predict(&betas), exact_gradient(spec, chip, weights, &batch));
    let mut rows = Vec::new();
    for at in &valley {
        for layer in std::iter::once(None).chain((0..chip.layout.depth()).map(Some)) {
            rows.push(row(setup, at, &truth, (layer, samples)));
        }
    }
    let best = best_of(setup, &batch, (&valley, &predict), &truth);
    Some((rows, Some(best)))
}

fn row(
    setup: &Setup,
    at: &NudgeSweep,
    truth: &Gradient<f64>,
    (layer, samples): (Option<usize>, usize),
) -> NoiseAngleRow {
    let angle = at.estimate.as_ref().map(|estimate| estimate.angle(truth, layer, samples));
    let part = |of: fn(&Angle) -> f64| angle.as_ref().map(of).filter(|a| a.is_finite());
    let squared = at.estimate.as_ref().map(|estimate| predicted(estimate, truth, layer));
    NoiseAngleRow {
        beta: at.beta,
        readout_time_s: setup.chip.readout,
        batch: samples,
        layer: layer.map(|layer| layer + 1),
        bias_deg: part(|a| a.bias),
        noise_deg: part(|a| a.noise),
        total_deg: part(|a| a.total),
        unstable: at.unstable,
        squared_error: squared.map(|(bias, variance)| bias + variance).filter(|e| e.is_finite()),
    }
}

/// Predictions at some nudges, and what predicts more of them.
type Predicted<'a> = (&'a [NudgeSweep], &'a dyn Fn(&[f64]) -> Vec<NudgeSweep>);

/// The nudges of the least squared error and of the least angle, up to the largest safe one.
fn best_of(
    setup: &Setup,
    batch: &Batch<f64>,
    (valley, predict): Predicted<'_>,
    truth: &Gradient<f64>,
) -> NoiseBest {
    let samples = batch.inputs.nrows();
    let squared = |estimate: &Estimate| {
        let (bias, variance) = predicted(estimate, truth, None);
        bias + variance
    };
    let angle = |estimate: &Estimate| estimate.angle(truth, None, samples).total;
    let highest = valley.iter().map(|at| at.beta).fold(0.0, f64::max);
    let unlimited = unlimited(&setup.chip.layout);
    let searched = unlimited.is_none();
    let safe = searched.then(|| largest_safe(&setup.spec, &setup.weights, batch, highest, 1)).flatten();
    let of = |value: &dyn Fn(&Estimate) -> f64| {
        let seen = |at: &NudgeSweep| {
            let values = at.estimate.iter().map(value).collect();
            Observation { beta: at.beta, values, settled: 1.0 }
        };
        let mut look = |betas: &[f64]| predict(betas).iter().map(seen).collect::<Vec<_>>();
        best(&valley.iter().map(seen).collect::<Vec<_>>(), safe, Some(&mut look))
    };
    let (error, turn) = (of(&squared), of(&angle));
    let inside = |found: Option<Best>| found.filter(|b| b.place == Location::Inside).map(|b| b.beta);
    let place = |found: Option<Best>| found.map(|b| b.place.name().to_owned());
    let there = turn.and_then(|b| predict(&[b.beta]).first()?.estimate.as_ref().map(angle));
    NoiseBest {
        best_beta: inside(error),
        place: place(error),
        least_angle_beta: inside(turn),
        least_angle_place: place(turn),
        least_angle_deg: there,
        largest_safe_beta: safe,
        highest,
        unlimited: unlimited.map(str::to_owned),
    }
}
