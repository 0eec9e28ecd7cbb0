//! The front door for programs: a network that settles, and its training.
//!
//! A [`Network`] owns what belongs together: a description that was checked, the chip that was fabricated
//! from it and the synapses on that chip. What it [settles](Network::settle) carries the nudge under which it
//! settled, so that nothing that depends on the description has to be handed over twice. [`Training`] trains
//! one on a data set, with the bytes that an experiment of the same settings writes.
//!
//! Everything here is in double precision and built from the rooms above ([`crate::learn`],
//! [`crate::train`]), which work in single precision, too, and take their parts one by one.

mod error;
mod settled;
mod training;

pub use error::NetworkError;
pub use settled::SettledBatch;
pub use training::{EpochResult, Training, TrainingResult};

use crate::chip::{Chip, Weights};
use crate::circuit::{Loss, check_targets};
use crate::data::Split;
use crate::learn::{Backprop, Batch, Gradient, Rule, circuit_of, inference, measure, rule};
use crate::matrix::Matrix;
use crate::noise::SampleIds;
use crate::solve::steps;
use crate::spec::{CircuitKind, CircuitSpec, FeedbackSynapses, InitSpec, MOST_PARTS, RuleKind, SpecError};
use crate::train::{Evaluation, evaluate};

/// A network on a chip: its description, which was checked, the chip and the synapses.
///
/// ```
/// # use dyadsim_core as dyadsim;
/// use dyadsim::prelude::*;
///
/// let network = Network::new(CircuitSpec::default(), &[2, 3, 1])?.seed(7);
/// let inputs = Matrix::from_row_slice(2, 2, &[0.0, 1.0, 1.0, 1.0]); // two samples of two inputs (V)
/// let settled = network.settle(&inputs, None)?;
/// assert_eq!(settled.outcomes(), [Outcome::Settled; 2]);
/// # Ok::<(), NetworkError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Network {
    circuit: CircuitSpec,
    /// True if the description names its chip; else the seed of the network does.
    names_chip: bool,
    chip: Chip<f64>,
    weights: Weights<f64>,
    seed: u64,
}

impl Network {
    /// Fabricates the chip of a description for `neurons` per layer, input first, and draws the synapses of
    /// seed 0: `N(0, 2/n_{k−1})`, in the output layer `N(0, 1/n_{k−1})`, no biases.
    ///
    /// # Errors
    /// Every key of the description that the door would refuse in a file; fewer than two layers, or an empty
    /// one.
    pub fn new(circuit: CircuitSpec, neurons: &[usize]) -> Result<Self, SpecError> {
        let circuit = CircuitSpec { network: Some(neurons.to_vec()), ..circuit }.checked()?;
        let names_chip = circuit.mismatch.seed.is_some();
        Ok(Self::drawn(circuit, names_chip, neurons, 0))
    }

    /// The network of another seed: synapses drawn anew, another chip unless `mismatch.seed` names one, other
    /// noise.
    ///
    /// An experiment makes the same network of its seed.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self::drawn(self.circuit, self.names_chip, &self.weights.network(), seed)
    }

    fn drawn(mut circuit: CircuitSpec, names_chip: bool, neurons: &[usize], seed: u64) -> Self {
        if !names_chip {
            circuit.mismatch.seed = Some(seed);
        }
        let chip = Chip::fabricate(&circuit, neurons);
        let weights = Weights::draw(&InitSpec::He, &circuit, neurons, seed);
        Self { circuit, names_chip, chip, weights, seed }
    }

    /// Replaces the synapses; the chip stays.
    ///
    /// # Errors
    /// [`NetworkError::Shape`] unless they fit: a matrix and biases for every layer, feedback synapses where
    /// the description has separate ones and only there.
    pub fn with_weights(self, weights: Weights<f64>) -> Result<Self, NetworkError> {
        fit(&weights, &self.circuit, &self.weights.network())?;
        Ok(Self { weights, ..self })
    }

    /// Moves the synapses to the chip of a description that `change` has changed.
    ///
    /// # Errors
    /// What the door refuses; synapses that do not fit the new description.
    ///
    /// ```
    /// # use dyadsim_core as dyadsim;
    /// # use dyadsim::prelude::*;
    /// let network = Network::new(CircuitSpec::default(), &[2, 3, 1])?;
    /// let gentle = network.with(|circuit| circuit.nudge.beta = 0.01)?;
    /// assert_eq!(gentle.circuit().nudge.beta, 0.01);
    /// assert!(gentle.with(|circuit| circuit.nudge.beta = -0.01).is_err());
    /// # Ok::<(), NetworkError>(())
    /// ```
    pub fn with(self, change: impl FnOnce(&mut CircuitSpec)) -> Result<Self, NetworkError> {
        let Self { mut circuit, names_chip, weights, seed, .. } = self;
        if !names_chip {
            circuit.mismatch.seed = None;
        }
        change(&mut circuit);
        let neurons = weights.network();
        circuit.network = Some(neurons.clone());
        let mut circuit = circuit.checked()?;
        fit(&weights, &circuit, &neurons)?;
        let names_chip = circuit.mismatch.seed.is_some();
        circuit.mismatch.seed.get_or_insert(seed);
        let chip = Chip::fabricate(&circuit, &neurons);
        Ok(Self { circuit, names_chip, chip, weights, seed })
    }

    /// Settles samples and reads them by the description's `[readout]`, with the noise of the network's seed.
    ///
    /// `inputs` are `[samples × n_0]`, `targets` `[samples × n_L]` (V). Without targets the circuit is free.
    /// With them it is nudged, and settled once more without the nudge, which is what predictions and losses
    /// are of. Samples that do not settle are data, no error ([`SettledBatch::outcomes`]).
    ///
    /// # Errors
    /// Shapes that do not fit; targets that the loss cannot take; a fast compartment that a stochastic solver
    /// would follow for ever; neurons with one compartment.
    pub fn settle(
        &self,
        inputs: &Matrix<f64>,
        targets: Option<&Matrix<f64>>,
    ) -> Result<SettledBatch, NetworkError> {
        let batch = self.batch(inputs, targets)?;
        self.refuse_endless()?;
        if self.circuit.kind() != CircuitKind::Dyad {
            return Err(NetworkError::Kind);
        }
        let Self { circuit, chip, weights, .. } = self;
        if targets.is_none() {
            let free = measure(chip, weights, &batch, &circuit.nudged(Some(0.0)), false);
            return Ok(SettledBatch::free(batch, free));
        }
        let measured = measure(chip, weights, &batch, circuit, false);
        let free = (measured.beta != 0.0).then(|| inference(chip, weights, &batch, circuit));
        Ok(SettledBatch::graded(batch, measured, free.as_ref(), &self.loss()))
    }

    /// The exact gradient of the mean loss of the free circuit on this chip: what [`SettledBatch::gradient`]
    /// estimates.
    ///
    /// # Errors
    /// As [`Network::settle`].
    pub fn backprop(
        &self,
        inputs: &Matrix<f64>,
        targets: &Matrix<f64>,
    ) -> Result<Gradient<f64>, NetworkError> {
        let batch = self.batch(inputs, Some(targets))?;
        let mut gradient = Gradient::zeros(&self.weights);
        let exact: Box<dyn Rule<f64>> = match self.circuit.kind() {
            CircuitKind::Dyad | CircuitKind::PredictiveCoding => {
                Box::new(Backprop::new(self.chip.clone(), &self.circuit.nudge))
            }
            CircuitKind::Hopfield | CircuitKind::RecurrentDyad => {
                rule(RuleKind::RecurrentBp, &self.circuit, &self.neurons())
            }
        };
        exact.estimate(&self.weights, &batch, &mut gradient);
        Ok(gradient)
    }

    /// Mean loss (`loss`, `ℓ/V_ref²`) and share of right answers (`accuracy`) of the free circuit at rest,
    /// without noise, over samples.
    ///
    /// # Errors
    /// [`NetworkError::Shape`] unless a sample has as many features as the network has inputs.
    pub fn evaluate(&self, split: &Split) -> Result<Evaluation, NetworkError> {
        let (features, inputs) = (split.features(), self.chip.layout.inputs());
        if features != inputs {
            return Err(NetworkError::shape(
                "samples",
                &[split.len(), features],
                format!("{inputs} features"),
            ));
        }
        Ok(self.evaluated(split))
    }

    fn evaluated(&self, split: &Split) -> Evaluation {
        evaluate(&self.chip, &self.weights, &self.loss(), split, self.chip.layout.outputs())
    }

    /// The network whose circuit has the gains of a rule.
    fn with_gains_of(self, rule: RuleKind) -> Self {
        let circuit = circuit_of(rule, &self.circuit);
        let chip = Chip::fabricate(&circuit, &self.neurons());
        Self { circuit, chip, ..self }
    }

    /// The description, checked; its `mismatch.seed` is that of the chip.
    #[must_use]
    pub fn circuit(&self) -> &CircuitSpec {
        &self.circuit
    }

    /// The chip.
    #[must_use]
    pub fn chip(&self) -> &Chip<f64> {
        &self.chip
    }

    /// The synapses.
    #[must_use]
    pub fn weights(&self) -> &Weights<f64> {
        &self.weights
    }

    /// Neurons per layer, input first.
    #[must_use]
    pub fn neurons(&self) -> Vec<usize> {
        self.weights.network()
    }

    fn loss(&self) -> Loss<f64> {
        Loss { kind: self.circuit.nudge.loss, reference: self.circuit.nudge.reference }
    }

    /// Samples that fit the network, with the noise of its seed; without targets these are zeros.
    fn batch(&self, inputs: &Matrix<f64>, targets: Option<&Matrix<f64>>) -> Result<Batch<f64>, NetworkError> {
        let (samples, layout) = (inputs.nrows(), &self.chip.layout);
        if samples == 0 || inputs.ncols() != layout.inputs() {
            let accepted = format!("[samples, {}], at least one sample", layout.inputs());
            return Err(NetworkError::shape("inputs", &[samples, inputs.ncols()], accepted));
        }
        if let Some(targets) = targets {
            if targets.shape() != (samples, layout.outputs()) {
                let accepted = format!("[{samples}, {}]", layout.outputs());
                return Err(NetworkError::shape("targets", &[targets.nrows(), targets.ncols()], accepted));
            }
            check_targets(self.circuit.nudge.loss, targets)?;
        }
        let targets = targets.cloned().unwrap_or_else(|| Matrix::zeros(samples, layout.outputs()));
        let sample_ids = SampleIds { seed: self.seed, ..SampleIds::first(samples) };
        Ok(Batch { sample_ids, ..Batch::new(inputs.clone(), targets) })
    }

    /// Refuses a chip whose fastest compartment divides the steps of a stochastic solver into more parts than
    /// anybody waits for.
    fn refuse_endless(&self) -> Result<(), NetworkError> {
        let solver = &self.circuit.solver;
        if !solver.kind.is_stochastic() || self.circuit.clock.is_some() {
            return Ok(());
        }
        let parts = steps(solver, &self.chip.rates, solver.max_time);
        if parts <= MOST_PARTS { Ok(()) } else { Err(NetworkError::Endless { parts }) }
    }
}

/// Refuses synapses that are not those of a circuit with so many neurons per layer.
fn fit(weights: &Weights<f64>, circuit: &CircuitSpec, neurons: &[usize]) -> Result<(), NetworkError> {
    let depth = neurons.len() - 1;
    let separate = circuit.feedback.synapses == FeedbackSynapses::Separate;
    if weights.feedback.is_some() != separate {
        let accepted = match circuit.feedback.synapses {
            FeedbackSynapses::Separate => "`F.k` for every layer: `feedback.synapses` is \"separate\"",
            FeedbackSynapses::Shared => "none: `feedback.synapses` is \"shared\"",
        };
        return Err(NetworkError::shape("feedback synapses", &[], accepted.to_owned()));
    }
    let stacks = [("W", Some(&weights.forward)), ("F", weights.feedback.as_ref())];
    for (name, stack) in stacks.into_iter().filter_map(|(name, stack)| Some((name, stack?))) {
        if stack.len() != depth {
            return Err(NetworkError::shape(name, &[stack.len()], format!("{depth} layers of synapses")));
        }
        for (k, (matrix, n)) in (1..).zip(stack.iter().zip(neurons.windows(2))) {
            if matrix.shape() != (n[1], n[0]) {
                let found = [matrix.nrows(), matrix.ncols()];
                return Err(NetworkError::shape(
                    &format!("{name}.{k}"),
                    &found,
                    format!("{:?}", [n[1], n[0]]),
                ));
            }
        }
    }
    let among: Vec<usize> = weights.lateral.iter().flatten().map(Matrix::nrows).collect();
    let squares = weights.lateral.iter().flatten().all(|l| l.nrows() == l.ncols());
    let wanted: &[usize] = if circuit.lateral { &neurons[1..] } else { &[] };
    if !squares || among != wanted {
        let accepted =
            if circuit.lateral { "`L.k`, [n_k, n_k], of every layer" } else { "none: `lateral` is false" };
        return Err(NetworkError::shape("lateral synapses", &among, accepted.to_owned()));
    }
    let biases: Vec<usize> = weights.biases.iter().map(Vec::len).collect();
    if biases != neurons[1..] {
        return Err(NetworkError::shape("biases", &biases, format!("{:?}", &neurons[1..])));
    }
    Ok(())
}
