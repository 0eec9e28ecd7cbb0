//! Training of a network on a data set, epoch by epoch.

use super::{Network, NetworkError};
use crate::chip::Weights;
use crate::data::Dataset;
use crate::learn::{FeedbackRule, Optimizer, Rule, rule};
use crate::solve::Outcome;
use crate::spec::{CircuitSpec, OptimizerSpec, RuleKind, RuleSpec, check_training};
use crate::train::{Course, EpochReport, Evaluation, Learner};

/// Is shown every epoch as it ends, and the synapses after it.
type Observer<'a> = Box<dyn FnMut(&EpochResult, &Weights<f64>) + 'a>;

/// Builder of a training.
///
/// Unless told otherwise: the rule of the circuit's own gains, one epoch, 50 samples per update, Adam at its
/// default rate, the seed of the network. The synapses come out with the bytes that an experiment of the same
/// settings writes.
///
/// ```
/// # use dyadsim_core as dyadsim;
/// use dyadsim::prelude::*;
///
/// let data = Dataset::named("yin-yang")?;
/// let network = Network::new(CircuitSpec::default(), &[4, 30, 3])?.seed(1);
/// let training = Training::new(network, &data).rule(RuleKind::Bp).epochs(2);
/// let training = training.optimizer(OptimizerSpec::sgd(0.1));
/// let result = training.observe(|epoch, _| println!("{}: {}", epoch.epoch, epoch.test.accuracy)).run()?;
/// assert_eq!(result.epochs.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Training<'a> {
    network: Network,
    data: &'a Dataset,
    rule: Chosen<'a>,
    epochs: usize,
    batch: usize,
    optimizer: OptimizerSpec,
    seed: u64,
    observer: Option<Observer<'a>>,
}

/// The rule.
enum Chosen<'a> {
    /// One of the registry.
    Known(RuleSpec),
    /// The caller's.
    Own(Box<dyn Rule<f64> + 'a>),
}

/// Results of an epoch, and the network after it.
#[derive(Clone, Debug)]
pub struct EpochResult {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// The free circuit on the training samples ([`Network::evaluate`]).
    pub train: Evaluation,
    /// The free circuit on the test samples ([`Network::evaluate`]).
    pub test: Evaluation,
    /// Samples per outcome of their nudged relaxation, in the order of [`Outcome::ALL`]; all zero for rules
    /// without a circuit.
    pub outcomes: [u64; 6],
    /// Median simulated time to equilibrium of the samples that settled (s).
    pub settle_time: Option<f64>,
    /// Evaluations of the right-hand side; one of many samples at once counts once.
    pub rhs_evals: u64,
}

/// A network that was trained, and how it came to be.
#[derive(Clone, Debug)]
pub struct TrainingResult {
    /// The network with what it learned; its gains are those of a dyadic rule.
    pub network: Network,
    /// Its epochs.
    pub epochs: Vec<EpochResult>,
}

impl<'a> Training<'a> {
    /// Training of a network on the training samples of a data set.
    #[must_use]
    pub fn new(network: Network, data: &'a Dataset) -> Self {
        Self {
            seed: network.seed,
            network,
            data,
            rule: Chosen::Known(RuleSpec::default()),
            epochs: 1,
            batch: 50,
            optimizer: OptimizerSpec::default(),
            observer: None,
        }
    }

    /// Sets the rule, or rule with its settings. The gains of the circuit are the rule's.
    #[must_use]
    pub fn rule(self, rule: impl Into<RuleSpec>) -> Self {
        Self { rule: Chosen::Known(rule.into()), ..self }
    }

    /// Sets a rule implemented by the caller.
    #[must_use]
    pub fn own_rule(self, rule: impl Rule<f64> + 'a) -> Self {
        Self { rule: Chosen::Own(Box::new(rule)), ..self }
    }

    /// Sets the number of passes over the training samples.
    #[must_use]
    pub fn epochs(self, epochs: usize) -> Self {
        Self { epochs, ..self }
    }

    /// Sets the number of samples per update.
    #[must_use]
    pub fn batch(self, batch: usize) -> Self {
        Self { batch, ..self }
    }

    /// Sets the optimiser.
    #[must_use]
    pub fn optimizer(self, optimizer: OptimizerSpec) -> Self {
        Self { optimizer, ..self }
    }

    /// Sets the seed of batch order and noise.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Shows `observer` every epoch as it ends, and the synapses after it.
    #[must_use]
    pub fn observe(self, observer: impl FnMut(&EpochResult, &Weights<f64>) + 'a) -> Self {
        Self { observer: Some(Box::new(observer)), ..self }
    }

    /// Trains.
    ///
    /// # Errors
    /// Before any work: numbers that no experiment could have, a data set that does not fit the network.
    pub fn run(self) -> Result<TrainingResult, NetworkError> {
        self.check()?;
        let Self { network, data, rule: chosen, epochs, batch, optimizer, seed, mut observer } = self;
        let described = network.clone();
        let (mut network, settles, rule) = match chosen {
            Chosen::Known(spec) => {
                let rule: Box<dyn Rule<f64> + 'a> = rule(spec, &network.circuit, &network.neurons());
                (network.with_gains_of(spec.kind), spec.kind.settles(), rule)
            }
            Chosen::Own(rule) => (network, true, rule),
        };
        let feedback = FeedbackRule::of(&network.circuit);
        feedback.program(&mut network.weights);
        let weights = network.weights.clone();
        let optimizer = Optimizer::new(&optimizer, epochs, &weights).with_feedback(feedback, &weights);
        let mut learner = Learner { weights, optimizer };
        let course = Course { dataset: data, rule: rule.as_ref(), feedback, batch, seed };
        let mut results = Vec::with_capacity(epochs);
        for epoch in 0..epochs {
            let report = course.epoch(&mut learner, epoch, &mut |_, _, _| {});
            network.weights.clone_from(&learner.weights);
            let result = EpochResult::new(epoch + 1, &report, &network, data);
            if let Some(observer) = &mut observer {
                observer(&result, &learner.weights);
            }
            results.push(result);
        }
        // Rules without a circuit send nothing back through it: its gains are the caller's again.
        let network = if settles { network } else { Network { weights: learner.weights, ..described } };
        Ok(TrainingResult { network, epochs: results })
    }

    /// Refuses what an experiment would be refused for, and a network that does not fit the data.
    fn check(&self) -> Result<(), NetworkError> {
        let circuit = &self.network.circuit;
        // A rule of one's own divides by β or not, and sends errors back or not: that is its own business.
        let (spec, asked) = match self.rule {
            Chosen::Known(spec) => (spec, circuit.clone()),
            Chosen::Own(_) => (RuleKind::Bp.into(), CircuitSpec::default()),
        };
        check_training(&spec, &self.optimizer, (self.epochs, self.batch), &asked)?;
        if spec.kind.settles() {
            if circuit.nudge.keep_margin.is_some() {
                return Err(NetworkError::KeepMargin);
            }
            if spec.updates != 1 && (spec.updates == 0 || !circuit.solver.fixes_rounds()) {
                return Err(NetworkError::Updates(spec.updates));
            }
            self.network.refuse_endless()?;
        }
        let (neurons, data) = (self.network.neurons(), self.data);
        let (features, classes) = (data.train.features(), data.classes);
        if (neurons[0], neurons[neurons.len() - 1]) == (features, classes) {
            return Ok(());
        }
        let accepted = format!("[{features}, …, {classes}] for data set `{}`", data.name);
        Err(NetworkError::shape("network", &neurons, accepted))
    }
}

impl EpochResult {
    fn new(epoch: usize, report: &EpochReport, network: &Network, data: &Dataset) -> Self {
        Self {
            epoch,
            train: network.evaluated(&data.train),
            test: network.evaluated(&data.test),
            outcomes: report.tally,
            settle_time: report.median_time(),
            rhs_evals: report.rhs_evals,
        }
    }

    /// Share of the samples that came to rest, with noise or without; none for rules without a circuit.
    #[must_use]
    pub fn at_rest(&self) -> Option<f64> {
        let of: u64 = self.outcomes.iter().sum();
        let ends = Outcome::ALL.iter().zip(self.outcomes);
        let rest: u64 = ends.filter(|(outcome, _)| outcome.is_settled()).map(|(_, count)| count).sum();
        (of > 0).then(|| rest as f64 / of as f64)
    }
}

impl TrainingResult {
    /// Accuracy on the test samples after the last epoch.
    #[must_use]
    pub fn test_accuracy(&self) -> f64 {
        self.epochs.last().map_or(f64::NAN, |epoch| epoch.test.accuracy)
    }
}
