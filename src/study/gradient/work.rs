//! The study itself: draws at every point, what is predicted there, and the best nudge.

use super::super::grid::Point;
use super::super::inputs::Setup;
use super::super::safe::{largest_safe, still, unlimited};
use super::super::{Extent, Observer};
use super::Answer;
use super::Gradient;
use super::line::{Line, Measure};
use super::rows::{BestRow, GradientRow, GradientSummary};
use super::rule;
use dyadsim_core::analysis::nudge::{Best, Location};
use dyadsim_core::spec::CircuitSpec;

/// Compartments up to which predictions are made; the work grows with the third power.
const SMALL: usize = 400;
/// The key whose best value is told.
const BETA: &str = "nudge.beta";

/// Draws, predicts, compares.
pub fn carry_out(settings: &Gradient, seed: u64, points: &[Point], watch: &dyn Observer) -> Answer {
    let random = |p: &Point| is_random(&p.setup, settings);
    let draws = if points.iter().any(random) { settings.draws as usize } else { 1 };
    watch.begin(Extent::Of(draws * points.len(), "draws"));
    let setup = &points[0].setup;
    let keys: Vec<String> = settings.vary.iter().map(|axis| axis.key.clone()).collect();
    let place = keys.iter().position(|key| key == BETA);
    let mut known: Vec<(CircuitSpec, u64, Option<f64>)> = Vec::new();
    let (mut rows, mut best): (Vec<GradientRow>, Vec<BestRow>) = (Vec::new(), Vec::new());
    for points in lines(points, place) {
        let mut line = Line::new(&points, place, settings, (seed, watch));
        if let Some(place) = place {
            let highest = points.iter().map(|point| point.values[place]).fold(0.0, f64::max);
            line.safe = safe(line.setup, settings, highest, &mut known);
            let other = points[0].values.get(1 - place).copied();
            best.extend(nudges(&mut line, other, !settings.no_refine));
            line.judge();
        }
        rows.extend(line.found.into_iter().flat_map(|found| found.rows));
    }
    // As the axes run, whatever was added.
    rows.sort_by(|a, b| {
        (a.y.unwrap_or(0.0), a.x).partial_cmp(&(b.y.unwrap_or(0.0), b.x)).unwrap_or(std::cmp::Ordering::Equal)
    });
    let chips = points.iter().any(|p| spreads(&p.setup, settings));
    let words = if chips { setup.words_from(&keys) } else { setup.words(&keys) };
    let by =
        rule::asked(settings, setup).map(|rule| format!(", rule {}", rule.kind.name())).unwrap_or_default();
    let summary = GradientSummary {
        circuit: setup.spec.name.clone(),
        settings: format!("{words}{by}, {draws} draws"),
        keys,
        seed,
        draws,
        chips,
        samples: setup.batch.inputs.nrows(),
        layers: setup.chip.layout.depth(),
        unpredicted: unpredicted(setup, settings).map(str::to_owned),
        unlimited: place.and_then(|_| unlimited(&setup.chip.layout)).map(str::to_owned),
    };
    Answer { summary, rows, best }
}

/// Points with the same values of all axes but the nudge, in rising order of the other one.
fn lines(points: &[Point], place: Option<usize>) -> Vec<Vec<&Point>> {
    let Some(place) = place else { return points.iter().map(|point| vec![point]).collect() };
    let other = |point: &Point| point.values.get(1 - place).copied();
    let mut others: Vec<Option<f64>> = points.iter().map(other).collect();
    others.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    others.dedup();
    others.into_iter().map(|y| points.iter().filter(|point| other(point) == y).collect()).collect()
}

/// The largest safe nudge on every chip that is drawn; looked for once where noise or reading alone vary.
fn safe(
    setup: &Setup,
    settings: &Gradient,
    highest: f64,
    known: &mut Vec<(CircuitSpec, u64, Option<f64>)>,
) -> Option<f64> {
    if unlimited(&setup.chip.layout).is_some() {
        return None;
    }
    let (spec, chips) =
        (still(&setup.spec), if spreads(setup, settings) { settings.draws.into() } else { 1 });
    if let Some(found) = known.iter().find(|other| (&other.0, other.1) == (&spec, chips)) {
        return found.2;
    }
    let found = largest_safe(&setup.spec, &setup.weights, &setup.batch, highest, chips);
    known.push((spec, chips, found));
    found
}

/// Whether every draw is another chip.
pub fn spreads(setup: &Setup, settings: &Gradient) -> bool {
    !settings.one_chip && !setup.spec.mismatch.is_none()
}

/// Whether draws differ.
pub fn is_random(setup: &Setup, settings: &Gradient) -> bool {
    spreads(setup, settings) || !setup.chip.noise.is_noiseless() || setup.chip.periphery.clock.is_some()
}

/// Why nothing is predicted, if so.
pub fn unpredicted(setup: &Setup, settings: &Gradient) -> Option<&'static str> {
    let readout = &setup.spec.readout;
    match () {
        () if setup.spec.kind().is_recurrent() => {
            Some("predictions are those of one reading where dyads are fed forward")
        }
        () if spreads(setup, settings) => {
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

/// The best nudges of a line: of all layers together, looked for with more points, and of each, from the
/// points that are then there.
fn nudges(line: &mut Line<'_>, y: Option<f64>, refine: bool) -> Vec<BestRow> {
    let inside = |best: Option<Best>| best.filter(|best| best.place == Location::Inside);
    let beta = |best: Option<Best>| inside(best).map(|best| best.beta);
    let place = |best: Option<Best>| best.map(|best| best.place.name().to_owned());
    let count = line.setup.chip.layout.depth() + 1;
    let mut rows = Vec::new();
    for k in 0..count {
        let more = refine && k == 0;
        let (squared, angle) = (line.best(k, Measure::Squared, more), line.best(k, Measure::Angle, more));
        let predicted = line.predicted(k, Measure::Squared, more);
        let predicted_angle = line.predicted(k, Measure::Angle, more);
        rows.push(BestRow {
            y,
            layer: (k > 0).then_some(k),
            best_beta: beta(squared),
            best_beta_error: inside(squared).and_then(|best| best.error()),
            draws_error: inside(squared).and_then(|best| best.draws),
            fit_error: inside(squared).and_then(|best| best.fit),
            place: place(squared),
            predicted_best_beta: beta(predicted),
            predicted_place: place(predicted),
            least_angle_beta: beta(angle),
            least_angle_beta_error: inside(angle).and_then(|best| best.error()),
            least_angle_place: place(angle),
            predicted_least_angle_beta: beta(predicted_angle),
            largest_safe_beta: line.safe,
        });
    }
    rows
}
