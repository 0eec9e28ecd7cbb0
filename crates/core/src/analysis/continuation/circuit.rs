//! Equilibria of one sample's circuit as a family in one of its settings.

use nalgebra::{Complex, DMatrix};

use super::dynamics::{eigenvalues, force, inside, jacobian, slope};
use super::{Event, EventKind, Family, Kink, Vector};
use crate::chip::{Chip, Layout, Weights};
use crate::circuit::{DyadCircuit, Dynamics, Layered};
use crate::learn::{Batch, nudged};
use crate::matrix::Matrix;
use crate::solve::find_on_rails;
use crate::spec::CircuitSpec;

/// A circuit at one value of the parameter.
#[derive(Clone, Debug)]
pub struct CircuitSetting {
    /// The circuit.
    pub spec: CircuitSpec,
    /// Factor of all weights.
    pub gain: f64,
}

/// A compartment that passes a kink of its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Border {
    /// Layer, 1 to L.
    pub layer: usize,
    /// Neuron, from 0.
    pub neuron: usize,
    /// `plus` or `minus`.
    pub compartment: &'static str,
    /// True if it passes upwards.
    pub upwards: bool,
    /// True if the dyad straddles the kink from there on: its other compartment stays on the other side.
    pub straddles: bool,
}

/// Equilibria of one sample, `F = (u − v) τ₀/τ` (V), in units of the slowest time constant `τ₀` at the first
/// value.
///
/// Beyond its range the parameter is extrapolated in a straight line, so that no setting is ever asked for
/// that could not be.
pub struct CircuitFamily<'a> {
    setting: &'a (dyn Fn(f64) -> Option<CircuitSetting> + Sync),
    range: (f64, f64),
    weights: &'a Weights<f64>,
    batch: Batch<f64>,
    network: Vec<usize>,
    unit: f64,
    width: usize,
}

impl<'a> CircuitFamily<'a> {
    /// The sample of a batch that has one; `setting` gives the circuit for every value in `range`. `None` if
    /// it does not.
    #[must_use]
    pub fn new(
        setting: &'a (dyn Fn(f64) -> Option<CircuitSetting> + Sync),
        range: (f64, f64),
        weights: &'a Weights<f64>,
        batch: Batch<f64>,
    ) -> Option<Self> {
        let network = weights.network();
        let first = setting(range.0)?;
        setting(range.1)?;
        let chip = Chip::<f64>::fabricate(&first.spec, &network);
        let (unit, width) = (chip.slowest, chip.layout.width());
        Some(Self { setting, range, weights, batch, network, unit, width })
    }

    /// Unit of time (s).
    #[must_use]
    pub fn unit(&self) -> f64 {
        self.unit
    }

    /// The free state at the first value (V).
    #[must_use]
    pub fn free_state(&self) -> Vector {
        self.with(self.range.0, |circuit, _| Vector::from_column_slice(circuit.free_state().as_slice()))
            .unwrap_or_else(|| Vector::zeros(self.width))
    }

    /// Compartment that passes its kink at an event; `None` if it is no border.
    #[must_use]
    pub fn border(&self, event: &Event) -> Option<Border> {
        let EventKind::Border { kink, upwards, .. } = event.kind else { return None };
        let kinks = self.kinks(event.parameter);
        let coordinate = kinks.get(kink)?.coordinate;
        let layout = Layout::new(&self.network);
        let layer = (0..layout.depth()).find(|&layer| layout.layer(layer).contains(&coordinate))?;
        let (n, first) = (layout.neurons(layer), layout.plus(layer).start);
        let is_plus = layout.plus(layer).contains(&coordinate);
        let neuron = (coordinate - first) % n;
        // The same kink of the other compartment: kinks are listed layer by layer, plus before minus ones, as
        // many for each.
        let own = kinks.iter().filter(|other| other.coordinate == coordinate).count();
        let twin = kinks.get(if is_plus { kink + n * own } else { kink - n * own })?;
        let straddles = (event.state[twin.coordinate] > twin.position) != upwards;
        let compartment = if is_plus { "plus" } else { "minus" };
        Some(Border { layer: layer + 1, neuron, compartment, upwards, straddles })
    }

    /// Activity `s̄` and error `δ` of every output neuron at a state (V).
    #[must_use]
    pub fn outputs(&self, x: &Vector, p: f64) -> Vec<(f64, f64)> {
        let found = self.with(self.inside(p), |circuit, _| {
            let (means, differences) = circuit.mixed(&Matrix::from_row_slice(1, x.len(), x.as_slice()));
            let last = means.last().zip(differences.last());
            last.map_or_else(Vec::new, |(mean, difference)| {
                mean.iter().copied().zip(difference.iter().copied()).collect()
            })
        });
        found.unwrap_or_default()
    }

    /// Returns whether an equilibrium lies on a rail that the free one does not touch, by the tolerances of
    /// the circuit's solver.
    #[must_use]
    pub fn is_on_rail(&self, x: &Vector, p: f64) -> bool {
        let p = self.inside(p);
        let solver = (self.setting)(p).filter(|setting| setting.spec.supply.is_some()).map(|s| s.spec.solver);
        let found = solver.and_then(|solver| {
            self.with(p, |circuit, _| find_on_rails(circuit, &solver, &[Some(x.as_slice())]).contains(&true))
        });
        found.unwrap_or(false)
    }

    /// Builds the circuit at a value and hands it on; `None` where there is none.
    pub fn with<R>(&self, p: f64, then: impl FnOnce(&DyadCircuit<'_, f64>, &Chip<f64>) -> R) -> Option<R> {
        let CircuitSetting { spec, gain } = (self.setting)(p)?;
        let chip = Chip::fabricate(&spec, &self.network);
        if gain == 1.0 {
            return Some(then(&nudged(&chip, self.weights, &self.batch, &spec), &chip));
        }
        let weights = self.weights.scaled(gain);
        Some(then(&nudged(&chip, &weights, &self.batch, &spec), &chip))
    }

    /// The nearest value in the range.
    fn inside(&self, p: f64) -> f64 {
        inside(self.range, p)
    }

    fn nothing(&self) -> Vector {
        Vector::from_element(self.width, f64::NAN)
    }

    /// `F` at a value in the range.
    fn force(&self, x: &Vector, p: f64) -> Vector {
        self.with(p, |circuit, _| force(circuit, x, self.unit)).unwrap_or_else(|| self.nothing())
    }
}

impl Family for CircuitFamily<'_> {
    fn dimension(&self) -> usize {
        self.width
    }

    fn residual(&self, x: &Vector, p: f64) -> Vector {
        let inside = self.inside(p);
        let force = self.force(x, inside);
        if inside == p { force } else { force + self.slope(x, inside) * (p - inside) }
    }

    fn jacobian(&self, x: &Vector, p: f64) -> DMatrix<f64> {
        let found = self.with(self.inside(p), |circuit, _| jacobian(circuit, x, self.unit));
        found.unwrap_or_else(|| DMatrix::from_element(self.width, self.width, f64::NAN))
    }

    fn slope(&self, x: &Vector, p: f64) -> Vector {
        slope(self.range, p, |p| self.force(x, p))
    }

    fn eigenvalues(&self, x: &Vector, p: f64) -> Vec<Complex<f64>> {
        self.with(self.inside(p), |circuit, _| eigenvalues(circuit, x, self.unit)).unwrap_or_default()
    }

    fn kinks(&self, p: f64) -> Vec<Kink> {
        let found = self.with(self.inside(p), |circuit, chip| {
            let mut kinks = Vec::new();
            for (layer, devices) in chip.layers.iter().enumerate() {
                let (plus, minus) = (circuit.layout().plus(layer), circuit.layout().minus(layer));
                let offsets = devices.offset_plus.iter().chain(&devices.offset_minus);
                for (coordinate, &trim) in plus.chain(minus).zip(offsets) {
                    let own = devices.activation.offset_kinks(trim);
                    kinks.extend(own.map(|position| Kink { coordinate, position }));
                }
            }
            kinks
        });
        found.unwrap_or_default()
    }
}
