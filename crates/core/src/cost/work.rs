//! What a circuit does for one inference and for one update.

use crate::chip::{Chip, Weights};
use crate::circuit::DyadCircuit;
use crate::learn::{Batch, Measurement, measure};
use crate::matrix::Matrix;
use crate::solve::{Outcome, settle_all};
use crate::spec::{CircuitSpec, CostSpec, FeedbackSynapses, NoiseSpec, SolverKind, Start};

/// Signals that synapses and capacitors see, means over samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signals {
    /// Mean square of what crosses a synapse, weighted by its share of all conductance (V²).
    pub square: f64,
    /// Mean size of what charges a synapse (V).
    pub size: f64,
    /// Mean size of a membrane's excursion from 0 V (V).
    pub membrane: f64,
}

/// Time, relaxations and signals of one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// Neurons per layer, input first.
    pub network: Vec<usize>,
    /// What carries errors back (`feedback.synapses`).
    pub feedback: FeedbackSynapses,
    /// Whether an update programs the feedback synapses, too (`feedback.learning`).
    pub programs_feedback: bool,
    /// Whether it was simulated.
    pub simulated: bool,
    /// Time of a free relaxation (s), without its reading.
    pub inference: f64,
    /// Time of all relaxations of an update (s), without their readings.
    pub update: f64,
    /// Longest of each over the samples (s).
    pub longest: [f64; 2],
    /// Compartments of a neuron, each with a capacitor.
    pub compartments: usize,
    /// Nodes of a neuron that take a bias and are read: its compartments, and that of an error.
    pub nodes: usize,
    /// Relaxations of an update.
    pub relaxations: usize,
    /// How many of them start at 0 V, so that all membranes are charged.
    pub charged: usize,
    /// Time of a reading (s).
    pub reading: f64,
    /// Share of the samples that came to rest, free and nudged.
    pub at_rest: [f64; 2],
    /// Signals of a free relaxation.
    pub free: Signals,
    /// Signals of a nudged one.
    pub nudged: Signals,
    /// Mean conductance of a resistive synapse with these weights (S), `g ⟨|W_ij|⟩`; `None` without weights.
    pub conductance: Option<f64>,
    /// Whether an update was taken to be free relaxations, for want of targets.
    pub without_nudge: bool,
}

impl Work {
    /// By the description alone: relaxations of `cost.settling` slowest time constants at signals of
    /// `cost.signal`.
    #[must_use]
    pub fn estimated(spec: &CircuitSpec, cost: &CostSpec, network: &[usize]) -> Self {
        let relaxation = cost.settling * Chip::<f64>::fabricate(spec, network).slowest;
        let relaxations = count_relaxations(spec);
        let signals = Signals { square: cost.signal.powi(2), size: cost.signal, membrane: cost.signal };
        Self {
            inference: relaxation,
            update: relaxation * relaxations as f64,
            longest: [relaxation, relaxation * relaxations as f64],
            at_rest: [1.0; 2],
            free: signals,
            nudged: signals,
            ..Self::default_of(spec, network.to_vec())
        }
    }

    /// On a batch, every relaxation from all potentials at 0 V: medians over the samples that come to rest.
    /// Noise is off, and `eam` stands in for solvers that tell times coarsely.
    ///
    /// Without targets (`spec.nudge.beta` 0) an update is taken to be free relaxations, and `without_nudge`
    /// says so. `None` if no sample comes to rest, or the solver has no time.
    #[must_use]
    pub fn simulated(spec: &CircuitSpec, weights: &Weights<f64>, batch: &Batch<f64>) -> Option<Self> {
        let mut spec = spec.clone();
        spec.solver.start = Start::Zero;
        resolve_times(&mut spec);
        let network = weights.network();
        let chip = Chip::fabricate(&spec, &network);
        let circuit =
            DyadCircuit::free(&chip, weights, &batch.inputs).with_sample_ids(batch.sample_ids.clone());
        let free = Measurement::read(&circuit, settle_all(&spec.solver, &circuit, false));
        let (inference, slowest, settled) = times(&free.settled.outcomes, &free.settled.time)?;
        let mut work = Self {
            simulated: true,
            inference,
            longest: [slowest, slowest],
            at_rest: [settled; 2],
            free: signals(&free, weights, batch, false),
            conductance: Some(spec.neuron.leak * mean_size(weights)),
            without_nudge: spec.nudge.beta == 0.0,
            ..Self::default_of(&spec, network)
        };
        let factor = work.relaxations as f64;
        (work.update, work.longest[1], work.nudged) = (factor * inference, factor * slowest, work.free);
        if spec.nudge.beta > 0.0 {
            let nudged = measure(&chip, weights, batch, &spec, false);
            (work.update, work.longest[1], work.at_rest[1]) =
                times(&nudged.settled.outcomes, &nudged.settled.time)?;
            work.nudged = signals(&nudged, weights, batch, true);
        }
        Some(work)
    }

    /// No time and no signal.
    pub(super) fn default_of(spec: &CircuitSpec, network: Vec<usize>) -> Self {
        let none = Signals { square: 0.0, size: 0.0, membrane: 0.0 };
        Self {
            network,
            feedback: spec.feedback.synapses,
            programs_feedback: !spec.feedback.learning.is_none(),
            simulated: false,
            inference: 0.0,
            update: 0.0,
            longest: [0.0; 2],
            compartments: spec.kind().compartments(),
            nodes: spec.kind().nodes(),
            relaxations: count_relaxations(spec),
            charged: count_relaxations(spec),
            reading: spec.readout.time,
            at_rest: [0.0; 2],
            free: none,
            nudged: none,
            conductance: None,
            without_nudge: false,
        }
    }

    /// Neurons.
    #[must_use]
    pub fn neurons(&self) -> f64 {
        self.network[1..].iter().sum::<usize>() as f64
    }

    /// Synapses; those read both ways count once, feedback synapses that are devices of their own count, too.
    #[must_use]
    pub fn synapses(&self) -> f64 {
        pairs(&self.network) + self.own_feedback()
    }

    /// Synapses that an update programs: the forward ones, and feedback synapses where the rule does.
    #[must_use]
    pub fn updated(&self) -> f64 {
        pairs(&self.network) + if self.programs_feedback { self.own_feedback() } else { 0.0 }
    }

    /// Feedback synapses that are devices of their own.
    fn own_feedback(&self) -> f64 {
        if self.feedback == FeedbackSynapses::Separate { pairs(&self.network[1..]) } else { 0.0 }
    }

    /// Compartments of all neurons.
    #[must_use]
    pub fn all_compartments(&self) -> f64 {
        self.compartments as f64 * self.neurons()
    }

    /// Nodes of all neurons.
    #[must_use]
    pub fn all_nodes(&self) -> f64 {
        self.nodes as f64 * self.neurons()
    }

    /// Neurons of the output layer.
    #[must_use]
    pub fn outputs(&self) -> f64 {
        self.network[self.network.len() - 1] as f64
    }
}

/// Takes a solver that tells when a sample arrives.
///
/// Under noise that is known to a window of many τ only, so the times are those of the circuit without its
/// noise. Steps of `etd` may end many τ later in a residual of rounding alone (2.4 times too late, measured
/// on a linear 3-4-2 net).
fn resolve_times(spec: &mut CircuitSpec) {
    if spec.solver.kind == SolverKind::Etd || spec.solver.kind.is_stochastic() {
        spec.solver.kind = SolverKind::Eam;
    }
    spec.noise = NoiseSpec::default();
}

/// Synapses between neighbouring layers of so many neurons.
fn pairs(layers: &[usize]) -> f64 {
    layers.windows(2).map(|n| n[0] * n[1]).sum::<usize>() as f64
}

/// Feedback synapses that are devices of their own: none below the first layer, to which nothing comes back.
fn own_feedback(weights: &Weights<f64>) -> &[Matrix<f64>] {
    weights.feedback.as_deref().and_then(|matrices| matrices.get(1..)).unwrap_or_default()
}

/// Relaxations of an update (docs/model.md §2, `[readout]`).
fn count_relaxations(spec: &CircuitSpec) -> usize {
    (1 + usize::from(spec.readout.auto_zero)) * (1 + usize::from(spec.readout.chopping))
}

/// Median and largest time of the samples at rest (s), and their share.
pub(super) fn times(outcomes: &[Outcome], times: &[f64]) -> Option<(f64, f64, f64)> {
    let pairs = outcomes.iter().zip(times);
    let mut times: Vec<f64> =
        pairs.filter(|(o, t)| o.is_settled() && t.is_finite()).map(|(_, &t)| t).collect();
    times.sort_by(f64::total_cmp);
    let (low, high) = (times.get(times.len().checked_sub(1)? / 2)?, times.get(times.len() / 2)?);
    let share = times.len() as f64 / outcomes.len() as f64;
    Some((f64::midpoint(*low, *high), times[times.len() - 1], share))
}

/// `⟨|W_ij|⟩` over all synapses: a pair whose other device is off has this conductance, in units of the leak.
pub(super) fn mean_size(weights: &Weights<f64>) -> f64 {
    let all = || weights.forward.iter().chain(own_feedback(weights));
    all().flat_map(Matrix::iter).map(|w| w.abs()).sum::<f64>() / all().map(Matrix::len).sum::<usize>() as f64
}

/// Signals over the samples at rest; differences cross the synapses, too, where they are `fed_back`.
pub(super) fn signals(
    measured: &Measurement<f64>,
    weights: &Weights<f64>,
    batch: &Batch<f64>,
    fed_back: bool,
) -> Signals {
    let keep = measured.kept(false);
    let rows = keep.iter().filter(|&&k| k).count().max(1) as f64;
    // Mean over the samples of some function of every column.
    let mean = |matrix: &Matrix<f64>, of: fn(f64) -> f64| -> Vec<f64> {
        let kept = |column: nalgebra::DVectorView<'_, f64>| {
            column.iter().zip(&keep).filter(|(_, k)| **k).map(|(&v, _)| of(v)).sum::<f64>() / rows
        };
        matrix.column_iter().map(kept).collect()
    };
    let square: fn(f64) -> f64 = |v| v * v;
    let (mut conductance, mut crossed, mut synapses, mut charged) = (0.0, 0.0, 0.0, 0.0);
    for (layer, w) in weights.forward.iter().enumerate() {
        let below = if layer == 0 { &batch.inputs } else { &measured.means[layer - 1] };
        let (squares, sizes) = (mean(below, square), mean(below, f64::abs));
        let errors = mean(&measured.differences[layer], square);
        let shared = weights.feedback.is_none();
        for (j, column) in w.column_iter().enumerate() {
            for (i, weight) in column.iter().enumerate() {
                let back = if fed_back && shared && layer > 0 { errors[i] } else { 0.0 };
                conductance += weight.abs();
                crossed += weight.abs() * (squares[j] + back);
            }
            synapses += w.nrows() as f64;
            charged += w.nrows() as f64 * sizes[j];
        }
    }
    for (matrix, differences) in own_feedback(weights).iter().zip(&measured.differences[1..]) {
        let (errors, sizes) = (mean(differences, square), mean(differences, f64::abs));
        for (i, row) in matrix.row_iter().enumerate() {
            let back = if fed_back { (errors[i], sizes[i]) } else { (0.0, 0.0) };
            let size: f64 = row.iter().map(|w| w.abs()).sum();
            (conductance, crossed) = (conductance + size, crossed + size * back.0);
            (synapses, charged) = (synapses + row.len() as f64, charged + row.len() as f64 * back.1);
        }
    }
    let membranes = mean(&measured.settled.state, f64::abs);
    Signals {
        square: if conductance > 0.0 { crossed / conductance } else { 0.0 },
        size: charged / synapses,
        membrane: membranes.iter().sum::<f64>() / membranes.len() as f64,
    }
}
