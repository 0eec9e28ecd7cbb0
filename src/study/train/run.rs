//! One run: train, probe after every epoch, keep a checkpoint, go on from one.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::plan::RunPlan;
use super::probe::{Probe, ProbeResult};
use super::rows::{LayersRow, MetricsRow};
use super::run_summary::outcome_fractions;
use super::stored::{Record, history, leaves_history, moments, restore, stored};
use super::{ExperimentError, keep, trajectory};
use crate::record::checkpoint;
use crate::record::folder::Folder;
use crate::record::tensors::TensorWriter;
use crate::record::trained::Trained;
use crate::record::weights::{add_weights, read_weights, read_weights_unchecked, write_trained};
use crate::study::Observer;
use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::Loss;
use dyadsim_core::data::Dataset;
use dyadsim_core::learn::{FeedbackRule, Gradient, Optimizer, Report, circuit_of, programmed, rule};
use dyadsim_core::matrix::Real;
use dyadsim_core::matrix::measure::{angle_degrees, frobenius, spectral_norm};
use dyadsim_core::solve::Outcome;
use dyadsim_core::spec::{InitSpec, NudgeSpec, RuleSpec};
use dyadsim_core::train::{Continuous, Course, EpochReport, Learner, evaluate};

/// What every run of an experiment shares.
pub(super) struct Setting<'a> {
    pub folder: &'a Folder,
    pub dataset: &'a Dataset,
    pub stop: &'a AtomicBool,
    pub observer: &'a dyn Observer,
}

impl Setting<'_> {
    /// Tells that so many more epochs of a run are done.
    fn tell(&self, plan: &RunPlan, epochs: usize) {
        self.observer.say(&plan.name);
        self.observer.done(epochs);
    }
}

/// Trains a run to its end, or until it is told to stop.
pub(super) fn train<T: Real>(setting: &Setting<'_>, plan: &RunPlan) -> Result<(), ExperimentError> {
    let mut run = TrainingRun::<T>::open(setting, plan)?;
    let epochs = plan.resolved.experiment.epochs;
    setting.tell(plan, run.record.epochs);
    if run.record.metrics.is_empty() {
        run.close_epoch(&EpochReport::default(), Instant::now())?;
    }
    while run.record.epochs < epochs && run.record.stopped.is_none() {
        if setting.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        run.epoch()?;
        setting.tell(plan, 1);
    }
    if let Some(reason) = &run.record.stopped {
        setting.observer.warn(&format!("{}: {reason}", plan.name));
        setting.tell(plan, epochs - run.record.epochs);
        run.stay(epochs)?;
    }
    write_trained(&setting.folder.weights(&plan.name), &run.learner.weights, &trained(plan))?;
    Ok(())
}

/// What the weights of a run are trained on.
fn trained(plan: &RunPlan) -> Trained {
    let circuit = circuit_of(plan.rule, &plan.resolved.circuit);
    Trained::on(&circuit, &plan.resolved.experiment.network, plan.seed)
}

/// A run in memory.
struct TrainingRun<'a, T: Real> {
    setting: &'a Setting<'a>,
    plan: &'a RunPlan,
    chip: Chip<T>,
    loss: Loss<T>,
    probe: Probe<T>,
    learner: Learner<T>,
    record: Record,
}

impl<'a, T: Real> TrainingRun<'a, T> {
    /// From the checkpoint, or from the start.
    fn open(setting: &'a Setting<'a>, plan: &'a RunPlan) -> Result<Self, ExperimentError> {
        let (experiment, circuit) = (&plan.resolved.experiment, &plan.resolved.circuit);
        let network = &experiment.network;
        let mut weights = match &experiment.init {
            InitSpec::Weights(file) => read_weights(file.as_ref(), Some(network))?,
            init => Weights::draw(init, circuit, network, plan.seed),
        };
        if let Some(size) = plan.moved {
            weights = weights.moved(size, plan.seed);
        }
        weights = programmed(plan.rule, circuit, weights);
        let feedback = FeedbackRule::of(&circuit_of(plan.rule, circuit));
        let optimizer = Optimizer::new(&experiment.optimizer, experiment.epochs, &weights);
        let mut optimizer = optimizer.with_feedback(feedback, &weights);
        let mut record = Record::default();
        if experiment.snapshots {
            setting.folder.keep_epochs(&plan.name)?;
        }
        if let Some((file, found)) = stored(setting, plan)? {
            weights = restore(&file, "", &weights)?;
            optimizer.moments = moments(&file, &optimizer.moments, found.updates)?;
            record = found;
        }
        let sizes = (experiment.batch, experiment.probe);
        let probe = Probe::new(
            setting.dataset,
            (RuleSpec::of(experiment, plan.rule), plan.seed),
            circuit,
            network,
            sizes,
        );
        let loss = Loss { kind: circuit.nudge.loss, reference: T::of(circuit.nudge.reference) };
        let learner = Learner { weights, optimizer };
        let chip = Chip::fabricate(&circuit_of(plan.rule, circuit), network);
        Ok(Self { setting, plan, chip, loss, probe, learner, record })
    }

    /// One epoch of training with its rows and checkpoint.
    fn epoch(&mut self) -> Result<(), ExperimentError> {
        let started = Instant::now();
        let experiment = &self.plan.resolved.experiment;
        let beta = self.record.kept_beta();
        let circuit = self.plan.resolved.circuit.nudged(beta);
        let rule = rule::<T>(RuleSpec::of(experiment, self.plan.rule), &circuit, &experiment.network);
        let course = Course {
            dataset: self.setting.dataset,
            rule: rule.as_ref(),
            feedback: FeedbackRule::of(&circuit_of(self.plan.rule, &circuit)),
            batch: experiment.batch,
            seed: self.plan.seed,
        };
        let (plan, dataset, epoch) = (self.plan, self.setting.dataset, self.record.epochs);
        let mut examples = Vec::new();
        let met: Vec<String> = self.record.trajectories.iter().map(|row| row.outcome.clone()).collect();
        let mut seen: Vec<Outcome> =
            Outcome::ALL.into_iter().filter(|o| met.iter().any(|name| name == o.name())).collect();
        let mut observe = |weights: &Weights<T>, samples: &[usize], report: &Report| {
            for (&sample, &outcome) in samples.iter().zip(&report.outcomes) {
                if !seen.contains(&outcome) {
                    seen.push(outcome);
                    examples.extend(trajectory::example((plan, beta), dataset, weights, sample, epoch + 1));
                }
            }
        };
        let report = match continuous(plan, dataset, &self.chip, &circuit.nudge) {
            Some(continuous) => continuous.epoch(&mut self.learner.weights, epoch),
            None => course.epoch(&mut self.learner, epoch, &mut observe),
        };
        self.record.trajectories.extend(examples);
        self.record.epochs += 1;
        self.record.updates = self.learner.optimizer.moments.updates;
        for (total, count) in self.record.tally.iter_mut().zip(report.tally) {
            *total += count;
        }
        self.close_epoch(&report, started)
    }

    /// Rows of the epoch just trained (or of the start), then the checkpoint.
    fn close_epoch(&mut self, report: &EpochReport, started: Instant) -> Result<(), ExperimentError> {
        let kept_beta = self.keep_margin();
        let seen = self.probe.look(&self.learner.weights, kept_beta);
        self.layer_rows(&seen)?;
        let row = MetricsRow { kept_beta, ..self.metrics_row(report, &seen, started) };
        self.record.metrics.push(row);
        if leaves_history(self.plan) {
            write_trained(&self.history(&self.plan.name), &self.learner.weights, &trained(self.plan))?;
        }
        self.save()
    }

    /// Leaves the weights of epochs that are not trained any more as they are, where those of every epoch are
    /// kept.
    fn stay(&self, epochs: usize) -> Result<(), ExperimentError> {
        if leaves_history(self.plan) {
            for epoch in self.record.epochs + 1..=epochs {
                let path = history(self.setting.folder, self.plan, &self.plan.name, epoch);
                write_trained(&path, &self.learner.weights, &trained(self.plan))?;
            }
        }
        Ok(())
    }

    /// The nudge of the next epoch, where a margin is kept; a run that cannot keep it is stopped, unless it
    /// is at its end.
    fn keep_margin(&mut self) -> Option<f64> {
        let asked = keep::asked(self.plan)?;
        let found = keep::next_nudge(&asked, &self.probe, &self.learner.weights);
        let at_end = self.record.epochs == self.plan.resolved.experiment.epochs;
        if let Err(reason) = &found
            && !at_end
        {
            self.record.stopped = Some(format!("stopped after epoch {}: {reason}", self.record.epochs));
        }
        found.ok()
    }

    fn metrics_row(&self, report: &EpochReport, seen: &ProbeResult, started: Instant) -> MetricsRow {
        let data = self.setting.dataset;
        let on = |split| evaluate(&self.chip, &self.learner.weights, &self.loss, split, data.classes);
        let (train, test) = (on(&data.train), on(&data.test));
        let fractions = outcome_fractions(report.tally);
        MetricsRow {
            run: self.plan.name.clone(),
            rule: self.plan.rule.name().into(),
            alpha: self.plan.alpha(),
            beta: self.plan.beta(),
            kept_beta: None,
            seed: self.plan.seed,
            epoch: self.record.epochs,
            train_loss: train.loss,
            train_accuracy: train.accuracy,
            test_loss: test.loss,
            test_accuracy: test.accuracy,
            settled: fractions[0],
            noisy_settled: fractions[1],
            oscillation: fractions[2],
            latch_up: fractions[3],
            timeout: fractions[4],
            not_finite: fractions[5],
            settle_time_s: report.median_time(),
            stability_margin_tau: seen.margin,
            rhs_evals: report.rhs_evals,
            wall_s: started.elapsed().as_secs_f64(),
        }
    }

    fn layer_rows(&mut self, seen: &ProbeResult) -> Result<(), ExperimentError> {
        let reference = self.reference()?;
        for (k, w) in self.learner.weights.forward.iter().enumerate() {
            let distance = reference.as_ref().map(|r| frobenius(&(w - &r.forward[k])));
            self.record.layers.push(LayersRow {
                run: self.plan.name.clone(),
                epoch: self.record.epochs,
                layer: k + 1,
                angle_to_bp_deg: seen.angles[k],
                weight_norm: frobenius(w),
                spectral_norm: spectral_norm(w),
                distance_to_bp_weights: distance,
                feedback_angle_deg: self.feedback_angle(k),
            });
        }
        Ok(())
    }

    /// Angle between the feedback and the forward synapses of a layer (degrees), if errors come back through
    /// synapses of their own.
    fn feedback_angle(&self, layer: usize) -> Option<f64> {
        let weights = &self.learner.weights;
        let feedback = weights.feedback.as_ref().filter(|_| layer > 0 && self.plan.rule.has_feedback())?;
        Some(angle_degrees(&feedback[layer], &weights.forward[layer])).filter(|angle| angle.is_finite())
    }

    /// Weights of the backpropagation run at this epoch.
    fn reference(&self) -> Result<Option<Weights<T>>, ExperimentError> {
        match &self.plan.reference {
            Some(name) if *name == self.plan.name => Ok(Some(self.learner.weights.clone())),
            Some(name) => {
                let file = self.history(name);
                Ok(Some(read_weights_unchecked(&file, Some(&self.plan.resolved.experiment.network))?))
            }
            None => Ok(None),
        }
    }

    /// Where a run keeps its weights after as many epochs as this one has.
    fn history(&self, run: &str) -> PathBuf {
        history(self.setting.folder, self.plan, run, self.record.epochs)
    }

    fn save(&self) -> Result<(), ExperimentError> {
        let mut tensors = TensorWriter::new();
        add_weights(&mut tensors, &self.learner.weights);
        for (prefix, gradient) in
            [("m.", &self.learner.optimizer.moments.first), ("v.", &self.learner.optimizer.moments.second)]
        {
            for (k, (w, b)) in gradient.arrays().enumerate() {
                tensors.matrix(&format!("{prefix}W.{}", k + 1), w);
                tensors.vector(&format!("{prefix}b.{}", k + 1), b);
            }
            for (k, l) in gradient.lateral.iter().flatten().enumerate() {
                tensors.matrix(&format!("{prefix}L.{}", k + 1), l);
            }
            for (k, f) in gradient.feedback.iter().flatten().enumerate().skip(1) {
                tensors.matrix(&format!("{prefix}F.{}", k + 1), f);
            }
        }
        Ok(checkpoint::save(&self.setting.folder.checkpoint(&self.plan.name), tensors, &self.record)?)
    }
}

/// How a run learns continuously, if it does.
fn continuous<'a, T: Real>(
    plan: &RunPlan,
    dataset: &'a Dataset,
    chip: &'a Chip<T>,
    nudge: &'a NudgeSpec,
) -> Option<Continuous<'a, T>> {
    let plasticity = plan.plasticity()?;
    Some(Continuous { dataset, chip, nudge, plasticity, seed: plan.seed })
}

/// Time (s) of one batch with the initial weights of a run.
pub(super) fn time_batch<T: Real>(plan: &RunPlan, dataset: &Dataset) -> f64 {
    let (experiment, circuit) = (&plan.resolved.experiment, &plan.resolved.circuit);
    let weights = Weights::<T>::draw(&experiment.init, circuit, &experiment.network, plan.seed);
    let mut weights = programmed(plan.rule, circuit, weights);
    let rule = rule::<T>(RuleSpec::of(experiment, plan.rule), circuit, &experiment.network);
    let samples: Vec<usize> = (0..experiment.batch.min(dataset.train.len())).collect();
    let batch = dyadsim_core::train::gather(dataset, &samples);
    let mut gradient = Gradient::zeros(&weights);
    let chip = Chip::fabricate(&circuit_of(plan.rule, circuit), &experiment.network);
    let started = Instant::now();
    match continuous(plan, dataset, &chip, &circuit.nudge) {
        Some(continuous) => drop(continuous.present(&mut weights, &samples)),
        None => drop(rule.estimate(&weights, &batch, &mut gradient)),
    }
    started.elapsed().as_secs_f64()
}
