//! The predicted angle to backpropagation against β, and the best β.

use super::super::inputs::Setup;
use crate::analysis::linear::{Angle, Valley, best, truth};
use crate::learn::Batch;
use crate::record::noise_rows::NoiseAngleRow;

/// Nudges, per decade, from the weakest to the strongest.
const PER_DECADE: i32 = 6;
const WEAKEST: i32 = -2;
const STRONGEST: i32 = 1;
/// Most samples whose fixed points and covariances are computed at every β: the first ones, fewer of a large circuit.
const SAMPLES: usize = 16;
/// Compartments up to which it is so many; the work grows with the third power.
const SMALL: f64 = 400.0;
/// Said where not even one sample is affordable.
pub const TOO_LARGE: &str = "angles against the nudge are predicted for up to 1270 compartments";

/// Rows of all nudges, and the best β with its angle (degrees).
pub type Angles = (Vec<NoiseAngleRow>, Option<(f64, f64)>);

/// Predictions at every nudge; none for a circuit that is too large.
pub fn rows(setup: &Setup) -> Option<Angles> {
    let work = (setup.chip.layout.width() as f64 / SMALL).powi(3).max(1.0);
    let affordable = (SAMPLES as f64 / work).round() as usize;
    let samples = setup.batch.inputs.nrows().min(affordable);
    if samples == 0 {
        return None;
    }
    let first = |matrix: &crate::matrix::Matrix<f64>| matrix.rows(0, samples).into_owned();
    let batch = Batch::new(first(&setup.batch.inputs), first(&setup.batch.targets));
    let steps = PER_DECADE * WEAKEST..=PER_DECADE * STRONGEST;
    let betas: Vec<f64> = steps.map(|k| 10_f64.powf(f64::from(k) / f64::from(PER_DECADE))).collect();
    let time = setup.chip.readout;
    let valley = Valley::predict(&setup.spec, &setup.chip, &setup.weights, &batch, &betas, time);
    let truth = truth(&setup.spec, &setup.chip, &setup.weights, &batch);
    let depth = setup.chip.layout.depth();
    let mut rows = Vec::new();
    for at in &valley {
        for layer in std::iter::once(None).chain((0..depth).map(Some)) {
            let angle = at.estimate.as_ref().map(|estimate| estimate.angle(&truth, layer, samples));
            let part = |of: fn(&Angle) -> f64| angle.as_ref().map(of).filter(|a| a.is_finite());
            rows.push(NoiseAngleRow {
                beta: at.beta,
                readout_time_s: time,
                batch: samples,
                layer: layer.map(|layer| layer + 1),
                bias_deg: part(|a| a.bias),
                noise_deg: part(|a| a.noise),
                total_deg: part(|a| a.total),
                unstable: at.unstable,
            });
        }
    }
    Some((rows, best(&valley, &truth, samples)))
}
