//! What is looked at on a fixed batch of training samples after every epoch: angles and margins.

use dyadsim_core::analysis::{layer_angles, spectrum};
use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::Dynamics;
use dyadsim_core::data::Dataset;
use dyadsim_core::learn::{Backprop, Batch, Gradient, Rule, circuit_of, measure, nudged, rule};
use dyadsim_core::matrix::{Matrix, Real};
use dyadsim_core::random::{Key, Kind, permutation, stream};
use dyadsim_core::solve::fixed_point;
use dyadsim_core::spec::{CircuitKind, CircuitSpec, EquilibriumSpec, RuleSpec, SolverSpec};
use dyadsim_core::train::gather;

/// The probe of a run.
pub(super) struct Probe<T: Real> {
    batch: Batch<T>,
    /// Training samples of the batch.
    samples: Vec<usize>,
    /// Samples whose margin is taken, the first of the batch.
    margins: usize,
    /// The circuit with the rule's own gains; `None` for rules that nudge none.
    circuit: Option<(CircuitSpec, Chip<T>)>,
    exact: Box<dyn Rule<T>>,
    /// The rule itself, where no dyads are settled and yet it is not the exact gradient of the network.
    single: Option<Box<dyn Rule<T>>>,
    keep_unsettled: bool,
}

/// What the probe saw.
#[derive(Clone, Debug, Default)]
pub(super) struct ProbeResult {
    /// Angle to the exact gradient of the rule's circuit per layer (degrees).
    pub angles: Vec<Option<f64>>,
    /// Worst −(spectral abscissa) τ over the probed samples whose fixed point was found.
    pub margin: Option<f64>,
}

impl<T: Real> Probe<T> {
    /// The same samples for every run of an experiment, and the same noise for every run of a seed, at every
    /// look.
    pub fn new(
        dataset: &Dataset,
        (settings, seed): (RuleSpec, u64),
        circuit: &CircuitSpec,
        network: &[usize],
        sizes: (usize, usize),
    ) -> Self {
        let RuleSpec { kind, keep_unsettled, .. } = settings;
        let order = permutation(dataset.train.len(), &mut stream(Key::new(0, Kind::Probe)));
        let (batch, margins) = sizes;
        let samples = &order[..batch.max(margins).min(order.len())];
        let chip = Chip::fabricate(circuit, network);
        let spec = circuit_of(kind, circuit);
        let own = (kind.is_dyadic() && !kind.circuit_kind().is_recurrent()).then(|| {
            let chip = Chip::fabricate(&spec, network);
            (spec, chip)
        });
        let own_way = (kind.settles() && kind.circuit_kind().is_recurrent()) || kind.estimates_alone();
        // Homeostasis is no part of what it says of the loss.
        let bare = RuleSpec { ep: EquilibriumSpec { homeostasis: 0.0, ..settings.ep }, ..settings };
        let single = own_way.then(|| rule::<T>(bare, circuit, network));
        // Phases may be cut short; what they are held against must come to rest.
        let mut lasting = circuit.clone();
        lasting.solver.max_time = lasting.solver.max_time.max(SolverSpec::default().max_time);
        let exact: Box<dyn Rule<T>> = match kind.circuit_kind() {
            CircuitKind::Dyad => Box::new(Backprop::new(chip, &circuit.nudge)),
            CircuitKind::PredictiveCoding => {
                Box::new(Backprop::new(Chip::fabricate(&circuit_of(kind, circuit), network), &circuit.nudge))
            }
            CircuitKind::Hopfield | CircuitKind::RecurrentDyad => rule(kind.reference(), &lasting, network),
        };
        let mut batch = gather(dataset, samples);
        batch.sample_ids.seed = seed;
        let margins = margins.min(samples.len());
        Self { batch, samples: samples.to_vec(), margins, circuit: own, exact, single, keep_unsettled }
    }

    /// The circuit with the rule's own gains.
    pub fn spec(&self) -> Option<&CircuitSpec> {
        self.circuit.as_ref().map(|(spec, _)| spec)
    }

    /// The samples whose margin is taken, without noise.
    pub fn margin_batch(&self) -> Batch<f64> {
        let wide = |m: &Matrix<T>| m.rows(0, self.margins).map(Real::to_f64);
        Batch::new(wide(&self.batch.inputs), wide(&self.batch.targets))
    }

    /// Training sample at a place of the batch.
    pub fn sample(&self, place: usize) -> usize {
        self.samples[place]
    }

    /// Looks at the weights, under this nudge or that of the circuit.
    pub fn look(&self, weights: &Weights<T>, beta: Option<f64>) -> ProbeResult {
        if let Some(rule) = &self.single {
            let mut estimate = Gradient::zeros(weights);
            rule.estimate(weights, &self.batch, &mut estimate);
            return ProbeResult { angles: self.angles(weights, &estimate), margin: None };
        }
        let Some((spec, chip)) = &self.circuit else {
            return ProbeResult { angles: vec![None; weights.forward.len()], margin: None };
        };
        let spec = &spec.nudged(beta);
        let measured = measure(chip, weights, &self.batch, spec, false);
        let states: Vec<Vec<f64>> = (0..self.margins)
            .map(|i| measured.settled.state.row(i).iter().map(|v| v.to_f64()).collect())
            .collect();
        let keep = measured.kept(self.keep_unsettled);
        let mut estimate = Gradient::zeros(weights);
        measured.gradient(&self.batch, &keep, &mut estimate);
        ProbeResult { angles: self.angles(weights, &estimate), margin: self.margin(spec, weights, &states) }
    }

    /// Angles of an estimate to the exact gradient of its circuit, layer by layer (degrees).
    fn angles(&self, weights: &Weights<T>, estimate: &Gradient<T>) -> Vec<Option<f64>> {
        let mut exact = Gradient::zeros(weights);
        self.exact.estimate(weights, &self.batch, &mut exact);
        layer_angles(estimate, &exact).into_iter().map(|a| a.is_finite().then_some(a)).collect()
    }

    /// Worst margin (τ) over the samples whose fixed point Newton finds from their last state or the free
    /// one.
    fn margin(&self, spec: &CircuitSpec, weights: &Weights<T>, states: &[Vec<f64>]) -> Option<f64> {
        let weights = weights.cast::<f64>();
        let chip = Chip::fabricate(spec, &weights.network());
        let batch = self.margin_batch();
        let circuit = nudged(&chip, &weights, &batch, spec);
        let free = circuit.free_state();
        let tolerance = 1e-9 * (1.0 + free.amax());
        let margins = states.iter().enumerate().filter_map(|(i, state)| {
            let start: Vec<f64> = if state.iter().all(|v| v.is_finite() && v.abs() < 1e6) {
                state.clone()
            } else {
                free.row(i).iter().copied().collect()
            };
            let point = fixed_point(&circuit, i, &start, tolerance);
            let found =
                point.converged.then(|| -spectrum(&circuit, i, &point.state).abscissa() * circuit.slowest());
            found.filter(|margin| margin.is_finite())
        });
        margins.reduce(f64::min)
    }
}
