//! What a circuit whose layers speak both ways does for one inference and for one update of its rule.

use super::Work;
use super::work::{signals, times};
use crate::chip::{Chip, Weights};
use crate::circuit::{Dynamics, HopfieldCircuit, PredictiveCircuit, RecurrentDyads};
use crate::learn::{Batch, Gradient, Measurement, rule};
use crate::matrix::Matrix;
use crate::solve::settle_any_from;
use crate::spec::{
    CircuitKind, CircuitSpec, FeedbackSynapses, NoiseSpec, RuleSpec, SolverKind, SolverSpec, Start,
};

impl Work {
    /// On a batch, as the rule settles it. Of dyads that are fed forward it is [`Work::simulated`]; of other
    /// circuits an update takes the time of all phases of a sample together, of which the first starts at 0 V
    /// and each other one where an earlier one has ended.
    ///
    /// Noise is off, `dopri5` stands in for `etd` and the stochastic solvers, and there is time enough to
    /// rest. Signals of all phases are taken to be those of the free equilibrium, from which a nudge moves
    /// them little. `None` if no sample comes to rest, the solver has no time, or no chip could run the rule.
    #[must_use]
    pub fn of_rule(
        settings: &RuleSpec,
        spec: &CircuitSpec,
        weights: &Weights<f64>,
        batch: &Batch<f64>,
    ) -> Option<Self> {
        if !settings.kind.is_for_chips() {
            return None;
        }
        if settings.kind.is_feed_forward_dyadic() {
            return Self::simulated(spec, weights, batch);
        }
        let mut spec = spec.clone();
        if spec.solver.kind == SolverKind::Etd || spec.solver.kind.follows_continuous_noise() {
            spec.solver.kind = SolverKind::Dopri5;
        }
        (spec.noise, spec.solver.start) = (NoiseSpec::default(), Start::Zero);
        // Phases may be cut short when they are read; what is asked for is the time to rest.
        spec.solver.max_time = spec.solver.max_time.max(SolverSpec::default().max_time);
        let network = weights.network();
        let chip = Chip::fabricate(&spec, &network);
        let free = settle_free(&chip, &spec, weights, batch)?;
        let (inference, slowest, settled) = times(&free.settled.outcomes, &free.settled.time)?;
        let mut gradient = Gradient::zeros(weights);
        let report = rule(*settings, &spec, &network).estimate(weights, batch, &mut gradient);
        let (update, longest, at_rest) = times(&report.outcomes, &report.times)?;
        let signals = signals(&free, weights, batch, true);
        Some(Self {
            simulated: true,
            inference,
            update,
            longest: [slowest, longest],
            relaxations: report.relaxations,
            charged: 1,
            at_rest: [settled, at_rest],
            free: signals,
            nudged: signals,
            conductance: Some(spec.neuron.leak * super::work::mean_size(weights)),
            // Feedback synapses of their own learn by the rule, as the others do.
            programs_feedback: spec.feedback.synapses == FeedbackSynapses::Separate,
            ..Self::default_of(&spec, network)
        })
    }
}

/// The free relaxation of a batch from 0 V. What crosses a synapse on the way back is what crosses it on the
/// way up, outputs or means of dyads; of predictive coding nothing, as errors are small.
fn settle_free(
    chip: &Chip<f64>,
    spec: &CircuitSpec,
    weights: &Weights<f64>,
    batch: &Batch<f64>,
) -> Option<Measurement<f64>> {
    let settle = |circuit: &dyn Dynamics<f64>| {
        let zero = Matrix::zeros(circuit.samples(), circuit.width());
        settle_any_from(&spec.solver, circuit, Some(&zero), (false, &|_| {}))
    };
    let inputs = &batch.inputs;
    let (settled, means) = match spec.kind() {
        CircuitKind::RecurrentDyad => {
            let circuit = RecurrentDyads::free(chip, weights, inputs);
            let settled = settle(&circuit)?;
            let means = circuit.mixed(&settled.state).0;
            (settled, means)
        }
        CircuitKind::PredictiveCoding => {
            let circuit = PredictiveCircuit::free(chip, weights, inputs);
            let settled = settle(&circuit)?;
            let activities = circuit.activities(&settled.state);
            (settled, activities)
        }
        CircuitKind::Dyad | CircuitKind::Hopfield => {
            let circuit = HopfieldCircuit::free(chip, weights, inputs);
            let settled = settle(&circuit)?;
            let outputs = circuit.outputs(&settled.state);
            (settled, outputs)
        }
    };
    let share = if spec.kind() == CircuitKind::PredictiveCoding { 0.0 } else { 1.0 };
    let differences = means.iter().map(|layer| layer * share).collect();
    Some(Measurement { differences, means, settled, relaxations: 1, beta: 0.0 })
}
