//! The study itself: draws at every point, what is predicted there, and the best nudge.

use rayon::prelude::*;

use super::super::inputs::Setup;
use super::super::{Global, progress};
use super::{Arguments, Point};
use crate::analysis::linear::{Valley, truth};
use crate::analysis::quality::{Best, Draw, Value, best, draw, predicted, quality};
use crate::figure::gradient::Tables;
use crate::record::gradient_rows::{BestRow, GradientRow, GradientSummary};

/// Compartments up to which predictions are made; the work grows with the third power.
const SMALL: usize = 400;
/// The key whose best value is told.
const BETA: &str = "nudge.beta";

/// What a point gave: rows of all layers together and of each, and the squared errors behind them.
struct Found {
    values: Vec<f64>,
    rows: Vec<GradientRow>,
    errors: Vec<Vec<f64>>,
}

/// Draws, predicts, compares.
pub fn carry_out(global: &Global, arguments: &Arguments, points: &[Point]) -> Tables {
    let random = |p: &Point| is_random(&p.setup, arguments);
    // What draws nothing is the same in every draw.
    let draws = if points.iter().any(random) { arguments.draws as usize } else { 1 };
    let bar = progress::bar(global, draws * points.len(), "draws");
    let seed = u64::from(global.seed.unwrap_or(0));
    let found: Vec<Found> = points
        .iter()
        .map(|point| {
            let one = |number: u64| {
                let Setup { spec, weights, batch, .. } = &point.setup;
                let drawn = draw(spec, weights, batch, (seed, number), spreads(&point.setup, arguments));
                bar.inc(1);
                drawn
            };
            let drawn: Vec<Draw> = (0..draws as u64).into_par_iter().map(one).collect();
            look(point, &drawn, arguments)
        })
        .collect();
    bar.finish_and_clear();
    let setup = &points[0].setup;
    let keys: Vec<String> = arguments.vary.iter().map(|axis| axis.key.clone()).collect();
    let best = keys.iter().position(|key| key == BETA).map(|place| nudges(&found, place)).unwrap_or_default();
    let summary = GradientSummary {
        circuit: setup.spec.name.clone(),
        settings: format!("{}, {draws} draws", setup.words(&keys)),
        keys,
        seed,
        draws,
        chips: points.iter().any(|p| spreads(&p.setup, arguments)),
        samples: setup.batch.inputs.nrows(),
        layers: setup.chip.layout.depth(),
        unpredicted: unpredicted(setup, arguments).map(str::to_owned),
    };
    Tables { summary, rows: found.into_iter().flat_map(|f| f.rows).collect(), best }
}

/// Whether every draw is another chip.
fn spreads(setup: &Setup, arguments: &Arguments) -> bool {
    !arguments.one_chip && !setup.spec.mismatch.is_none()
}

/// Whether draws differ.
fn is_random(setup: &Setup, arguments: &Arguments) -> bool {
    spreads(setup, arguments) || !setup.chip.noise.is_still() || setup.chip.periphery.clock.is_some()
}

/// Why nothing is predicted, if so.
fn unpredicted(setup: &Setup, arguments: &Arguments) -> Option<&'static str> {
    let readout = &setup.spec.readout;
    match () {
        () if spreads(setup, arguments) => {
            Some("predictions are those of one chip, and every draw is another")
        }
        () if setup.chip.periphery.clock.is_some() => Some("noise is predicted for continuous time"),
        () if readout.auto_zero || readout.chopping => {
            Some("auto-zero and chopping are not in the predictions")
        }
        () if setup.chip.layout.width() > SMALL => Some("predictions are made for up to 400 compartments"),
        () => None,
    }
}

/// Rows of a point.
fn look(point: &Point, drawn: &[Draw], arguments: &Arguments) -> Found {
    let Setup { spec, weights, batch, chip, .. } = &point.setup;
    let kept: Vec<&Draw> = drawn.iter().filter(|draw| draw.used > 0).collect();
    let estimate = unpredicted(&point.setup, arguments).is_none().then(|| {
        let valley = Valley::predict(spec, chip, weights, batch, &[spec.nudge.beta], chip.readout);
        valley.into_iter().next().and_then(|at| at.estimate)
    });
    let estimate = estimate.flatten().map(|estimate| (estimate, truth(spec, chip, weights, batch)));
    let mut found = Found { values: point.values.clone(), rows: Vec::new(), errors: Vec::new() };
    for layer in std::iter::once(None).chain((0..chip.layout.depth()).map(Some)) {
        let quality = quality(&kept, layer);
        let theory = estimate.as_ref().map(|(estimate, truth)| predicted(estimate, truth, layer));
        let value = |of: Option<Value>| of.map(|v| v.value).filter(|v| v.is_finite());
        let error = |of: Option<Value>| of.and_then(|v| v.error).filter(|v| v.is_finite());
        let (angle, ratio) = (quality.as_ref().map(|q| q.angle), quality.as_ref().map(|q| q.ratio));
        let (bias, squared) = (quality.as_ref().map(|q| q.bias), quality.as_ref().map(|q| q.error));
        let variance = quality.as_ref().and_then(|q| q.variance);
        let snr = quality.as_ref().and_then(|q| q.snr);
        found.rows.push(GradientRow {
            x: point.values[0],
            y: point.values.get(1).copied(),
            layer: layer.map(|layer| layer + 1),
            draws: kept.len(),
            lost_draws: drawn.len() - kept.len(),
            unsettled: drawn.iter().map(|draw| draw.unsettled).sum(),
            angle_deg: value(angle),
            angle_error_deg: error(angle),
            norm_ratio: value(ratio),
            norm_ratio_error: error(ratio),
            bias_squared: value(bias),
            bias_squared_error: error(bias),
            variance: value(variance),
            variance_error: error(variance),
            squared_error: value(squared),
            squared_error_error: error(squared),
            snr: value(snr),
            snr_error: error(snr),
            predicted_bias_squared: theory.map(|t| t.0),
            predicted_variance: theory.map(|t| t.1),
        });
        found.errors.push(quality.map(|q| q.errors).unwrap_or_default());
    }
    found
}

/// The best nudge for every value of the other axis and every layer; `place` is that of the nudge among the axes.
fn nudges(found: &[Found], place: usize) -> Vec<BestRow> {
    let other = |f: &Found| f.values.get(1 - place).copied();
    let mut others: Vec<Option<f64>> = found.iter().map(other).collect();
    others.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    others.dedup();
    let mut rows = Vec::new();
    for y in others {
        let line: Vec<&Found> = found.iter().filter(|f| other(f) == y).collect();
        for k in 0..line[0].rows.len() {
            let betas: Vec<f64> = line.iter().map(|f| f.values[place]).collect();
            let errors: Vec<Vec<f64>> = line.iter().map(|f| f.errors[k].clone()).collect();
            let theory = |f: &&Found| {
                let row = &f.rows[k];
                row.predicted_bias_squared.zip(row.predicted_variance).map(|(b, v)| vec![b + v])
            };
            let theory: Vec<Vec<f64>> = line.iter().map(|f| theory(f).unwrap_or_default()).collect();
            let (measured, predicted): (Option<Best>, Option<Best>) =
                (best(&betas, &errors), best(&betas, &theory));
            rows.push(BestRow {
                y,
                layer: line[0].rows[k].layer,
                best_beta: measured.map(|b| b.beta.value),
                best_beta_error: measured.and_then(|b| b.beta.error),
                place: measured.map(stands),
                predicted_best_beta: predicted.map(|b| b.beta.value),
                predicted_place: predicted.map(stands),
            });
        }
    }
    rows
}

/// Where in the range a best nudge stands.
fn stands(best: Best) -> String {
    if best.at_end { "end" } else { "inside" }.to_owned()
}
