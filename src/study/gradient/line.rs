//! Points of a study along the nudge, all else equal: what was found at each, and more of them on demand.

use rayon::prelude::*;

use super::super::Observer;
use super::super::grid::Point;
use super::super::inputs::Setup;
use super::Gradient as Settings;
use super::rows::GradientRow;
use super::rule;
use super::work::{is_random, spreads, unpredicted};
use dyadsim_core::analysis::gradient_error::{
    Draw, GradientError, Value, draw, draw_by, gradient_error, predicted,
};
use dyadsim_core::analysis::nudge::{Best, Observation, best, left_out};
use dyadsim_core::analysis::small_signal::{Estimate, NudgeSweep, exact_gradient};
use dyadsim_core::learn::Gradient;

/// An error of the gradient that has a least value.
#[derive(Clone, Copy, Debug)]
pub enum Measure {
    /// Mean squared error.
    Squared,
    /// Angle to backpropagation.
    Angle,
}

/// What a point gave, all layers together first, then each: rows, and the numbers of draws behind them.
pub struct Found {
    pub values: Vec<f64>,
    pub rows: Vec<GradientRow>,
    errors: Vec<Vec<f64>>,
    angles: Vec<Vec<f64>>,
    settled: f64,
}

/// Predicted squared error and angle of all layers and of each, where there is a prediction.
type Theory = Vec<Option<(f64, f64)>>;

/// A line of points; without a nudge among the axes, one point.
pub struct Line<'a> {
    pub setup: &'a Setup,
    values: Vec<f64>,
    /// Which of the values is the nudge.
    place: Option<usize>,
    pub found: Vec<Found>,
    theories: Vec<(f64, Theory)>,
    /// The largest safe nudge, if there is one.
    pub safe: Option<f64>,
    settings: &'a Settings,
    seed: u64,
    watch: &'a dyn Observer,
}

impl<'a> Line<'a> {
    /// Everything at some points of one line.
    pub fn new(
        points: &[&'a Point],
        place: Option<usize>,
        settings: &'a Settings,
        (seed, watch): (u64, &'a dyn Observer),
    ) -> Self {
        let (setup, values) = (&points[0].setup, points[0].values.clone());
        let (found, theories) = (Vec::new(), Vec::new());
        let mut line = Self { setup, values, place, found, theories, safe: None, settings, seed, watch };
        points.iter().for_each(|point| line.look(&point.setup, point.values.clone(), "asked"));
        line
    }

    /// Draws per point: what draws nothing is the same in every draw.
    fn draws(&self, setup: &Setup) -> u64 {
        if is_random(setup, self.settings) { u64::from(self.settings.draws) } else { 1 }
    }

    /// Looks at a point.
    fn look(&mut self, setup: &Setup, values: Vec<f64>, origin: &str) {
        let Setup { spec, weights, batch, .. } = setup;
        let rule = rule::asked(self.settings, setup);
        let one = |number: u64| {
            let (place, chips) = ((self.seed, number), spreads(setup, self.settings));
            let drawn = match rule {
                Some(rule) => draw_by(rule, spec, weights, batch, place, chips),
                None => draw(spec, weights, batch, place, chips),
            };
            self.watch.done(1);
            drawn
        };
        let drawn: Vec<Draw> = (0..self.draws(setup)).into_par_iter().map(one).collect();
        let estimate = predict_estimate(setup, self.settings);
        self.theories.push((spec.nudge.beta, theory(setup, estimate.as_ref())));
        self.found.push(rows(setup, &values, origin, &drawn, estimate.as_ref()));
    }

    /// The circuit at another nudge.
    fn at(&self, beta: f64) -> (Setup, Vec<f64>) {
        let (mut setup, mut values) = (self.setup.clone(), self.values.clone());
        setup.spec.nudge.beta = beta;
        self.place.iter().for_each(|place| values[*place] = beta);
        (setup, values)
    }

    fn beta(&self, found: &Found) -> f64 {
        self.place.map_or(self.setup.spec.nudge.beta, |place| found.values[place])
    }

    /// What was seen of a layer.
    fn seen(&self, found: &Found, k: usize, measure: Measure) -> Observation {
        let values = match measure {
            Measure::Squared => found.errors[k].clone(),
            Measure::Angle => found.angles[k].clone(),
        };
        Observation { beta: self.beta(found), values, settled: found.settled }
    }

    fn foreseen((beta, theory): &(f64, Theory), k: usize, measure: Measure) -> Observation {
        let value = |(error, angle): (f64, f64)| match measure {
            Measure::Squared => error,
            Measure::Angle => angle,
        };
        Observation { beta: *beta, values: theory[k].map(value).into_iter().collect(), settled: 1.0 }
    }

    /// The best nudge of all layers together (`k` = 0) or of one; more points are looked at for all together.
    pub fn best(&mut self, k: usize, measure: Measure, refine: bool) -> Option<Best> {
        let seen: Vec<Observation> = self.found.iter().map(|found| self.seen(found, k, measure)).collect();
        let safe = self.safe;
        if !refine {
            return best(&seen, safe, None);
        }
        let mut more = |betas: &[f64]| {
            let start = self.found.len();
            for &beta in betas {
                let (setup, values) = self.at(beta);
                self.watch.more(self.draws(&setup) as usize);
                self.look(&setup, values, "added");
            }
            self.found[start..].iter().map(|found| self.seen(found, k, measure)).collect()
        };
        best(&seen, safe, Some(&mut more))
    }

    /// The same of the prediction, which costs no draws.
    pub fn predicted(&mut self, k: usize, measure: Measure, refine: bool) -> Option<Best> {
        let seen: Vec<Observation> = self.theories.iter().map(|at| Self::foreseen(at, k, measure)).collect();
        let safe = self.safe;
        if !refine || seen.iter().all(|at| at.values.is_empty()) {
            return best(&seen, safe, None);
        }
        let mut more = |betas: &[f64]| {
            let start = self.theories.len();
            for &beta in betas {
                let (setup, _) = self.at(beta);
                let estimate = predict_estimate(&setup, self.settings);
                self.theories.push((beta, theory(&setup, estimate.as_ref())));
            }
            self.theories[start..].iter().map(|at| Self::foreseen(at, k, measure)).collect()
        };
        best(&seen, safe, Some(&mut more))
    }

    /// Says of every point whether it had a part in the best nudge.
    pub fn judge(&mut self) {
        let seen: Vec<Observation> =
            self.found.iter().map(|found| self.seen(found, 0, Measure::Squared)).collect();
        for (found, why) in self.found.iter_mut().zip(left_out(&seen, self.safe)) {
            found.rows.iter_mut().for_each(|row| row.left_out = why.map(|why| why.name().to_owned()));
        }
    }
}

/// What is predicted of a point.
type Predicted = (Estimate, Gradient<f64>);

fn predict_estimate(setup: &Setup, settings: &Settings) -> Option<Predicted> {
    let Setup { spec, weights, batch, chip, .. } = setup;
    if unpredicted(setup, settings).is_some() {
        return None;
    }
    let valley = NudgeSweep::predict(spec, chip, weights, batch, &[spec.nudge.beta], chip.readout);
    let estimate = valley.into_iter().next().and_then(|at| at.estimate)?;
    Some((estimate, exact_gradient(spec, chip, weights, batch)))
}

/// All layers together, and each.
fn layers(setup: &Setup) -> impl Iterator<Item = Option<usize>> {
    std::iter::once(None).chain((0..setup.chip.layout.depth()).map(Some))
}

fn theory(setup: &Setup, found: Option<&Predicted>) -> Theory {
    let samples = setup.batch.inputs.nrows();
    let of = |layer| {
        let (estimate, truth) = found?;
        let (bias, variance) = predicted(estimate, truth, layer);
        Some((bias + variance, estimate.angle(truth, layer, samples).total))
    };
    layers(setup).map(of).collect()
}

/// Rows of a point.
fn rows(setup: &Setup, values: &[f64], origin: &str, drawn: &[Draw], found: Option<&Predicted>) -> Found {
    let kept: Vec<&Draw> = drawn.iter().filter(|draw| draw.used > 0).collect();
    let unsettled: usize = drawn.iter().map(|draw| draw.unsettled).sum();
    let samples = (drawn.len() * setup.batch.inputs.nrows()) as f64;
    let settled = 1.0 - unsettled as f64 / samples;
    let (errors, angles) = (Vec::new(), Vec::new());
    let mut point = Found { values: values.to_vec(), rows: Vec::new(), errors, angles, settled };
    for layer in layers(setup) {
        let quality = gradient_error(&kept, layer);
        let theory = found.map(|(estimate, truth)| predicted(estimate, truth, layer));
        let mut row = make_row(quality.as_ref(), theory);
        (row.x, row.y, row.layer) = (values[0], values.get(1).copied(), layer.map(|layer| layer + 1));
        (row.draws, row.lost_draws, row.unsettled) = (kept.len(), drawn.len() - kept.len(), unsettled);
        origin.clone_into(&mut row.origin);
        point.rows.push(row);
        let (errors, angles) = quality.map(|q| (q.errors, q.angles)).unwrap_or_default();
        point.errors.push(errors);
        point.angles.push(angles);
    }
    point
}

/// The measured and predicted numbers of a row, its place left open.
fn make_row(quality: Option<&GradientError>, theory: Option<(f64, f64)>) -> GradientRow {
    let value = |of: Option<Value>| of.map(|v| v.value).filter(|v| v.is_finite());
    let error = |of: Option<Value>| of.and_then(|v| v.error).filter(|v| v.is_finite());
    let (angle, ratio) = (quality.map(|q| q.angle), quality.map(|q| q.ratio));
    let (bias, squared) = (quality.map(|q| q.bias), quality.map(|q| q.error));
    let (variance, snr) = (quality.and_then(|q| q.variance), quality.and_then(|q| q.snr));
    GradientRow {
        x: 0.0,
        y: None,
        layer: None,
        draws: 0,
        lost_draws: 0,
        unsettled: 0,
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
        origin: String::new(),
        left_out: None,
    }
}
