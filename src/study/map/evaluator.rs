//! A circuit file with two settings left open: what is looked at, point by point.

use anyhow::anyhow;

use super::super::axis::Axis;
use super::super::builtin::find;
use super::super::inputs::{Files, Setup};
use super::super::{Failure, Given, Observer};
use super::Map;
use dyadsim_core::analysis::beta_threshold;
use dyadsim_core::analysis::map::{Criterion, Evaluate, GridIndex, Node};
use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::learn::nudged;
use dyadsim_core::spec::{CIRCUITS, CircuitSpec, Override};

/// Settings that are no keys of a circuit: a factor of all weights, and the number of layers.
pub const GAIN: &str = "weights.gain";
/// See [`GAIN`].
const DEPTH: &str = "weights.depth";

/// A circuit file with two settings left open.
pub struct MapEvaluator<'a> {
    given: &'a Given,
    files: &'a Files,
    /// What is common to all points.
    pub setup: &'a Setup,
    /// First axis.
    pub x: &'a Axis,
    /// Second axis.
    pub y: &'a Axis,
    /// Values along the first.
    pub xs: Vec<f64>,
    /// Values along the second.
    pub ys: Vec<f64>,
    /// What points are judged by.
    pub by: Criterion,
    watch: &'a dyn Observer,
}

impl<'a> MapEvaluator<'a> {
    /// Nothing is looked at yet.
    pub fn new(
        settings: &'a Map,
        (x, y): (&'a Axis, &'a Axis),
        setup: &'a Setup,
        (given, watch): (&'a Given, &'a dyn Observer),
    ) -> Self {
        let (files, by) = (&settings.files, settings.by.into());
        Self { given, files, setup, x, y, xs: x.values(), ys: y.values(), by, watch }
    }

    /// Tries every value of each axis, the other at its ends: what is refused there is refused before any
    /// work.
    ///
    /// # Errors
    /// A value that a key does not take.
    pub fn check(&self) -> Result<(), Failure> {
        // Weights depend on each axis alone but for their product, which cannot fail.
        for &x in &self.xs {
            self.weights(x, self.ys[0])?;
        }
        for &y in &self.ys {
            self.weights(self.xs[0], y)?;
        }
        for (xs, ys) in [
            (&self.xs[..], [self.ys[0], self.ys[self.ys.len() - 1]]),
            (&[self.xs[0], self.xs[self.xs.len() - 1]], [self.ys[0]; 2]),
        ] {
            for &x in xs {
                for y in ys {
                    self.circuit(x, y)?;
                }
            }
        }
        for &y in &self.ys {
            self.circuit(self.xs[0], y)?;
        }
        Ok(())
    }

    /// The description at a point.
    fn circuit(&self, x: f64, y: f64) -> Result<CircuitSpec, Failure> {
        let mut settings = self.files.settings(self.given);
        for (axis, value) in [(self.x, x), (self.y, y)] {
            if ![GAIN, DEPTH].contains(&axis.key.as_str()) {
                settings.push(Override::new(&axis.key, value).by("--map"));
            }
        }
        let mut spec = find(CIRCUITS, &self.files.circuit)?.circuit(&settings)?;
        spec.mismatch.seed = spec.mismatch.seed.or(self.setup.spec.mismatch.seed);
        Ok(spec)
    }

    /// The weights at a point.
    fn weights(&self, x: f64, y: f64) -> Result<Weights<f64>, Failure> {
        let mut weights = self.setup.weights.clone();
        for (axis, value) in [(self.x, x), (self.y, y)] {
            match axis.key.as_str() {
                GAIN => weights = weights.scaled(value),
                DEPTH => weights = deepened(&weights, value)?,
                _ => (),
            }
        }
        Ok(weights)
    }

    /// Values at a place.
    fn values(&self, (i, j): GridIndex) -> (f64, f64) {
        (self.xs[i], self.ys[j])
    }

    /// Looks at a point.
    ///
    /// # Errors
    /// What [`Self::check`] has not tried.
    pub fn evaluate_by(&self, place: GridIndex, by: Criterion, near: Option<&Node>) -> Result<Node, Failure> {
        let (x, y) = self.values(place);
        let (spec, weights) = (self.circuit(x, y)?, self.weights(x, y)?);
        let chip = Chip::fabricate(&spec, &weights.network());
        let circuit = nudged(&chip, &weights, &self.setup.batch, &spec);
        self.watch.done(1);
        Ok(Node::evaluate(&circuit, &spec.solver, by, near))
    }

    /// The nudge at which a linear circuit loses its equilibrium, in closed form, at every value of the
    /// other axis; in fractional indices. Nothing if no axis is the nudge.
    pub fn closed_form(&self) -> Vec<(f64, f64)> {
        let beta = |axis: &Axis| axis.key.trim_start_matches("circuit.") == "nudge.beta";
        let along_y = beta(self.y);
        if !along_y && !beta(self.x) {
            return Vec::new();
        }
        let (others, own) = if along_y { (&self.xs, self.y) } else { (&self.ys, self.x) };
        let point = |(n, &value): (usize, &f64)| {
            let (x, y) = if along_y { (value, self.ys[0]) } else { (self.xs[0], value) };
            let spec = self.circuit(x, y).ok()?;
            let at = own.index(beta_threshold(&spec, &self.weights(x, y).ok()?)?)?;
            Some(if along_y { (n as f64, at) } else { (at, n as f64) })
        };
        others.iter().enumerate().filter_map(point).collect()
    }
}

impl Evaluate<Node, Failure> for MapEvaluator<'_> {
    fn evaluate(&self, place: GridIndex, near: Option<&Node>) -> Result<Node, Failure> {
        self.evaluate_by(place, self.by, near)
    }

    fn differs(&self, one: &Node, other: &Node) -> bool {
        one.outcome() != other.outcome()
            || (self.by != Criterion::Integration && one.is_stable() != other.is_stable())
    }
}

/// Weights of so many layers.
fn deepened(weights: &Weights<f64>, depth: f64) -> Result<Weights<f64>, Failure> {
    let least = weights.forward.len();
    let whole = (depth.fract() == 0.0 && depth >= least as f64).then_some(depth as usize);
    let Some(depth) = whole else {
        return Err(Failure::input(anyhow!(
            "`{DEPTH}`: found {depth}\n  accepted: whole numbers from {least}"
        )));
    };
    weights.deepened(depth).ok_or_else(|| {
        let network = weights.network().iter().map(ToString::to_string).collect::<Vec<_>>().join("-");
        Failure::input(anyhow!(
            "`{DEPTH}`: {network} has no square layer below its outputs that could be repeated"
        ))
    })
}
