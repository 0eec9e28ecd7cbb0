//! What a circuit file says: the resolved, fully defaulted description of a dyadic circuit.
//!
//! Plain data in SI units; no physics. The door (`spec::door`) turns a file into these types and
//! refuses everything that they could not mean.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cost::CostSpec;
use super::crossbar::CrossbarSpec;
use super::feedback::FeedbackLearning;
use super::keep_margin::{self, KeepMarginSpec};
use super::kinds::{ActivationKind, CircuitKind, SolverKind};
use super::mismatch::MismatchSpec;
use super::noise::NoiseSpec;
use super::periphery::{AmplifierSpec, ClockSpec, LeakageSpec, TransconductorSpec};
use super::schedule::{Schedule, SweepOrder};
use super::written::WrittenVariant;
use super::written_activation::WrittenActivation;
use crate::units;

/// A circuit: everything of docs/model.md §2 except the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CircuitSpec {
    /// Name, used in reports and as the default output name.
    pub name: String,
    /// Kind of its neurons; absent means what the learning rule needs, and dyads where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<CircuitKind>,
    /// Whether neurons of a layer speak to each other, too, where layers speak both ways.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lateral: bool,
    /// Temperature (K).
    #[serde(deserialize_with = "units::temperature")]
    #[schemars(with = "units::Quantity")]
    pub temperature: f64,
    /// Neurons per layer, input first; an experiment or a weight file may give it instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Vec<usize>>,
    /// Rails; absent means that nothing clips.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supply: Option<SupplySpec>,
    /// The neuron's two compartments.
    pub neuron: NeuronSpec,
    /// How the output is nudged and how the error comes back.
    pub nudge: NudgeSpec,
    /// How the circuit is integrated.
    pub solver: SolverSpec,
    /// Feedback synapses.
    pub feedback: FeedbackSpec,
    /// Arrays of conductances that are the synapses; absent means weights without a limit and perfect wires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crossbar: Option<CrossbarSpec>,
    /// Noise sources.
    pub noise: NoiseSpec,
    /// Static spread of devices.
    pub mismatch: MismatchSpec,
    /// How states are read.
    pub readout: ReadoutSpec,
    /// What its parts take: currents, conductances, areas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostSpec>,
    /// Saturating transconductor that drives every compartment; absent means a linear one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transconductor: Option<TransconductorSpec>,
    /// Operational amplifier behind every compartment; absent means an ideal one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amplifier: Option<AmplifierSpec>,
    /// Leakage of every compartment's capacitor; absent means none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leakage: Option<LeakageSpec>,
    /// Clock of a switched-capacitor circuit; absent means continuous time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockSpec>,
}

/// Supply rails: drives are clipped to `[low, high]`, and a compartment at a rail moves no further out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SupplySpec {
    /// Lower rail (V).
    #[serde(deserialize_with = "units::voltage")]
    #[schemars(with = "units::Quantity")]
    pub low: f64,
    /// Upper rail (V).
    #[serde(deserialize_with = "units::voltage")]
    #[schemars(with = "units::Quantity")]
    pub high: f64,
}

/// One compartment's capacitor, leak and activation device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NeuronSpec {
    /// Membrane capacitance `C` (F).
    #[serde(deserialize_with = "units::capacitance")]
    #[schemars(with = "units::Quantity")]
    pub capacitance: f64,
    /// Leak conductance `g` (S); the time constant is `τ = C/g`.
    #[serde(deserialize_with = "units::conductance")]
    #[schemars(with = "units::Quantity")]
    pub leak: f64,
    /// Activation of the hidden layers.
    pub activation: ActivationSpec,
    /// Activation of the output layer.
    pub output_activation: ActivationSpec,
}

/// An activation device `f(v) = A φ((v − o)/u)` (docs/model.md §1).
///
/// In a file either a bare kind (`"relu"`) or a table (`{ kind = "tanh", amplitude = 0.5 }`,
/// `{ kind = "table", file = "ota.csv" }`).
#[derive(Clone, Copy, Debug, PartialEq, JsonSchema)]
#[schemars(with = "WrittenActivation")]
pub struct ActivationSpec {
    /// The shape `φ`.
    pub kind: ActivationKind,
    /// Amplitude `A` (V).
    pub amplitude: f64,
    /// Scale `u` (V).
    pub scale: f64,
    /// Offset `o` (V).
    pub offset: f64,
}

/// Nudge and feedback gains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NudgeSpec {
    /// Which feedback gains the two compartments get.
    pub variant: Variant,
    /// Mixing `α ∈ [0, 1]`: the mean is `α s⁺ + (1 − α) s⁻`.
    #[serde(deserialize_with = "units::share")]
    #[schemars(with = "units::Share")]
    pub alpha: f64,
    /// Mixing of the hidden layers, whose gains follow it, where it is not that of the output layer.
    #[serde(deserialize_with = "units::some_share", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<units::Share>")]
    pub hidden_alpha: Option<f64>,
    /// Nudging strength `β ≥ 0`; 0 is the free circuit.
    pub beta: f64,
    /// Where the loss gradient is taken.
    pub at: NudgePoint,
    /// The loss.
    pub loss: LossKind,
    /// Reference voltage of the cross-entropy (V).
    #[serde(deserialize_with = "units::voltage")]
    #[schemars(with = "units::Quantity")]
    pub reference: f64,
    /// Least stability margin (1/τ) that training keeps by lowering `beta`; a number is enough, false or none
    /// keeps none.
    #[serde(deserialize_with = "keep_margin::read", skip_serializing_if = "Option::is_none")]
    pub keep_margin: Option<KeepMarginSpec>,
}

/// Feedback gains `a⁺, a⁻` (docs/model.md §2).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(with = "WrittenVariant")]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// `a⁺ = α`, `a⁻ = 1 − α`: the saddle-point objective.
    Dp,
    /// `a⁺ = 1 − α`, `a⁻ = α`: the adjoint-stable method.
    DpTranspose,
    /// Any gains.
    #[serde(untagged)]
    Custom {
        /// `a⁺`.
        plus: f64,
        /// `a⁻`.
        minus: f64,
    },
}

/// Where the loss gradient is taken (docs/model.md §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NudgePoint {
    /// `s̄_L`, the wire that the next chip reads.
    Mean,
    /// Each compartment's own output.
    Own,
    /// The output before the nudge, held.
    Free,
    /// `W_L s̄_{L−1} + b_L`: for discrete inference.
    Drive,
}

/// The loss `ℓ(ŷ, y)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LossKind {
    /// `½‖ŷ − y‖²`.
    Mse,
    /// `V_ref² CE(softmax(ŷ/V_ref), y)`.
    CrossEntropy,
}

/// How the circuit is brought to equilibrium.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SolverSpec {
    /// The method.
    pub kind: SolverKind,
    /// Relative tolerance, of the step and of the residual.
    pub rtol: f64,
    /// Absolute tolerance (V).
    #[serde(deserialize_with = "units::voltage")]
    #[schemars(with = "units::Quantity")]
    pub atol: f64,
    /// Longest simulated time, in units of the slowest `τ`.
    pub max_time: f64,
    /// The residual must hold for so many of the slowest `τ`.
    pub hold: f64,
    /// Where the integration starts.
    pub start: Start,
    /// Layerwise only: order of the sweeps (`fw`, `bw`, `fwbw`, `oddeven`, `parallel`, `random`), a number
    /// behind it fixes the rounds (`fwbw5`).
    pub schedule: Schedule,
    /// Layerwise only: most rounds when the schedule names no number.
    pub passes: usize,
    /// Layerwise only: damped sweeps.
    pub damping: Damping,
    /// Operating points (`dc`) only: whether the circuit would reach them.
    pub verify: Verify,
    /// Stochastic solvers only: step, in units of the slowest `τ`; where compartments are faster, it is
    /// divided into parts.
    pub step: f64,
}

/// How an operating point is made sure of: a fixed point need not be one that the circuit reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verify {
    /// Not at all.
    None,
    /// By the rightmost eigenvalue of the Jacobian there.
    Eigen,
    /// By integrating the circuit from its start with `etd`, or clock by clock.
    Transient,
}

/// Where an integration starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// The feed-forward state of the free circuit.
    Free,
    /// All potentials at 0 V.
    Zero,
    /// In training: the state that the presentation before, of the sample in the same place of its batch,
    /// has left. The first of an epoch, and a batch that is settled alone, start from the free state.
    Stale,
}

/// Damping of the layerwise sweeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Damping {
    /// None.
    None,
    /// `L_k = |1 − 2α| max(0, ‖W_k‖² − 1)/2` (Høier & Zach 2024).
    Lipschitz,
}

/// Feedback synapses: one crossbar read both ways, or their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FeedbackSpec {
    /// Shared with the forward synapses, or separate devices (`F.k` in weight files).
    pub synapses: FeedbackSynapses,
    /// How separate synapses start in an experiment.
    pub init: FeedbackInit,
    /// How separate synapses learn: a rule, or terms `{ decay = …, amp = …, null = …, sparse = …, self = …,
    /// tie = …, centred = …, rate = … }`.
    #[serde(skip_serializing_if = "FeedbackLearning::is_none")]
    #[schemars(extend("default" = "none"))]
    pub learning: FeedbackLearning,
}

/// Whether feedback has devices of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FeedbackSynapses {
    /// `F_k = W_k`: one crossbar read both ways.
    Shared,
    /// Devices of their own.
    Separate,
}

/// Initial values of separate feedback synapses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FeedbackInit {
    /// A copy of the forward synapses at the start; they part as the forward ones learn.
    Copy,
    /// Drawn like the forward ones, independently (feedback alignment).
    Random,
}

/// How states are read, before anything is computed from them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReadoutSpec {
    /// Stochastic solvers only: integration time of a reading (s); at 0 it is an instant.
    #[serde(deserialize_with = "units::time")]
    #[schemars(with = "units::Quantity")]
    pub time: f64,
    /// Settle every sample once more without the nudge and subtract the difference that is read there.
    pub auto_zero: bool,
    /// Settle every sample once more with the roles of the two compartments exchanged and average both
    /// readings.
    pub chopping: bool,
}

impl Default for CircuitSpec {
    fn default() -> Self {
        Self {
            name: "ideal".into(),
            kind: None,
            lateral: false,
            crossbar: None,
            temperature: 300.0,
            network: None,
            supply: None,
            neuron: NeuronSpec::default(),
            nudge: NudgeSpec::default(),
            solver: SolverSpec::default(),
            feedback: FeedbackSpec::default(),
            noise: NoiseSpec::default(),
            mismatch: MismatchSpec::default(),
            readout: ReadoutSpec::default(),
            cost: None,
            transconductor: None,
            amplifier: None,
            leakage: None,
            clock: None,
        }
    }
}

impl Default for NeuronSpec {
    fn default() -> Self {
        Self {
            capacitance: 100e-15,
            leak: 100e-9,
            activation: ActivationKind::Relu.into(),
            output_activation: ActivationKind::Linear.into(),
        }
    }
}

impl Default for NudgeSpec {
    fn default() -> Self {
        Self {
            variant: Variant::DpTranspose,
            alpha: 0.5,
            hidden_alpha: None,
            beta: 0.5,
            at: NudgePoint::Mean,
            loss: LossKind::Mse,
            reference: 1.0,
            keep_margin: None,
        }
    }
}

impl Default for SolverSpec {
    fn default() -> Self {
        Self {
            kind: SolverKind::Etd,
            rtol: 1e-6,
            atol: 1e-9,
            max_time: 100.0,
            hold: 1.0,
            start: Start::Free,
            schedule: Schedule { order: SweepOrder::ForwardBackward, rounds: None },
            passes: 200,
            damping: Damping::None,
            verify: Verify::None,
            step: 0.05,
        }
    }
}

impl Default for FeedbackSpec {
    fn default() -> Self {
        Self {
            synapses: FeedbackSynapses::Shared,
            init: FeedbackInit::Copy,
            learning: FeedbackLearning::None,
        }
    }
}
