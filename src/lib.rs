//! dyadsim: dyadic neurons as continuous-time circuits, from a description to a trained network.
//!
//! ```
//! use dyadsim::prelude::*;
//!
//! let data = Dataset::named("digits")?;
//! let network = Network::new(CircuitSpec::default(), &[64, 32, 10])?.seed(1);
//! // Settle fifty digits under the nudge, and read the gradient that their synapses would see.
//! let (inputs, targets) = data.first(50);
//! let settled = network.settle(&inputs, Some(&targets))?;
//! println!("{:?}, loss {:?}", Outcome::tally(settled.outcomes()), settled.loss());
//! let gradient = settled.gradient().ok_or("no sample has settled")?;
//! // Train three epochs.
//! let training = Training::new(network, &data).rule(RuleKind::DpTranspose).epochs(3).batch(50);
//! let trained = training.optimizer(OptimizerSpec::adam(1e-2)).run()?;
//! assert!(trained.test_accuracy() > 0.7);
//! # assert_eq!(gradient.forward[1].shape(), (10, 32));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | to | see |
//! | --- | --- |
//! | settle, read and train a network | [`network`], [`prelude`]; `examples/` of the repository |
//! | describe a circuit or an experiment | [`spec`] |
//! | choose a solver, know how it works and how a sample ends | [`solve`] |
//! | choose a learning rule, or write one | [`learn`] |
//! | add noise | [`NoiseSpec`](spec::NoiseSpec), with a solver of [`stochastic`](solve::stochastic) |
//! | spread devices | [`MismatchSpec`](spec::MismatchSpec) |
//! | settle a system of one's own | [`circuit::Dynamics`], [`solve::settle_any`]; its noise: [`noise`] |
//! | know data sets, bring one | [`data`] |
//! | ask about stability, noise, gradients, yield, cost | [`study`]; spectra: [`solve::stability`] |
//! | compare gradients, weights and predictions | [`analysis`] |
//! | read and write weights and tensors | [`record`] |
//!
//! The equations and what is known of them: `docs/model.md`; the house and its invariants: `ARCHITECTURE.md`.
//!
//! What stands on these pages is what the crate promises. The rest of it is there for its own program and
//! tests alone: modules not shown, and all of the crate `dyadsim-core`, of which these pages show the part
//! meant for programs.
//!
//! In the source, this crate's own modules stand last, lowest first: `record`, `spice`, `figure`, `study`,
//! `cli`. Each uses only those before it, and the crate `dyadsim-core`.

/// The names that a program needs to settle, read and train a network: `use dyadsim::prelude::*`.
pub mod prelude {
    #[doc(no_inline)]
    pub use dyadsim_core::prelude::*;
}

/// A network and its training: the door for programs.
pub mod network {
    #[doc(inline)]
    pub use dyadsim_core::network::{
        EpochResult, Network, NetworkError, SettledBatch, Training, TrainingResult,
    };
}

/// Descriptions: circuits and experiments, in code as in files, checked alike.
pub mod spec {
    #[doc(inline)]
    pub use dyadsim_core::spec::{
        ActivationKind, ActivationSpec, AdversarialSpec, AmplifierSpec, CircuitKind, CircuitSpec, ClockSpec,
        CostSpec, Damping, DatasetSpec, EquilibriumSpec, ExpectSpec, ExperimentSpec, FeedbackInit,
        FeedbackLearning, FeedbackSpec, FeedbackSynapses, FeedbackTerms, FlickerSpec, InitSpec,
        InputNoiseSpec, KeepMarginSpec, LeakageSpec, LossKind, MismatchSpec, NeuronSpec, NoiseKind,
        NoiseSpec, NudgePoint, NudgeSign, NudgeSpec, OptimizerKind, OptimizerSpec, Otherwise, Override,
        PlasticitySpec, RateSchedule, ReadNoiseSpec, ReadoutSpec, RuleKind, RuleSpec, SampledNoiseSpec,
        Schedule, ShotSpec, SolverKind, SolverSpec, SpecError, SpreadKind, Start, SupplyNoiseSpec,
        SupplySpec, SweepOrder, SynapseTelegraphSpec, TelegraphSpec, ThermalSpec, TransconductorSpec,
        Variant, Verify, load_circuit, load_experiment, parse_circuit, parse_experiment,
    };
}

/// Data sets.
pub mod data {
    #[doc(inline)]
    pub use dyadsim_core::data::{DataError, Dataset, Request, Split, load};
}

/// Matrices: a sample in a row.
pub mod matrix {
    #[doc(inline)]
    pub use dyadsim_core::matrix::{Matrix, Real, select_rows};
}

/// Weights of the synapses.
pub mod chip {
    #[doc(inline)]
    pub use dyadsim_core::chip::Weights;
}

/// Noise that circuits have, as power spectral densities.
pub mod noise {
    #[doc(inline)]
    pub use dyadsim_core::noise::{Cause, Colour, NoiseInput};
}

/// Dynamical systems that solvers settle: dyads, or a circuit of one's own.
pub mod circuit {
    #[doc(inline)]
    pub use dyadsim_core::circuit::{Circuit, DyadCircuit, Dynamics, Layered, Scratch};
}

/// Solvers: how each works, what it needs, and how a sample ends.
pub mod solve {
    #[doc(inline)]
    pub use dyadsim_core::solve::{
        Counts, Outcome, Settled, Solver, Spectrum, Stability, Trace, Universal, Verdict, dc, etd, explicit,
        exponential_adams, layerwise, operating_point, settle_any, solver, spectrum, stability, stochastic,
    };
}

/// Learning rules, and how to write one.
pub mod learn {
    #[doc(inline)]
    pub use dyadsim_core::learn::{Batch, Gradient, Measurement, Report, Rule, measure};
}

/// Comparisons of gradients, weights and predictions, and the threshold of the nudge in closed form.
pub mod analysis {
    #[doc(inline)]
    pub use dyadsim_core::analysis::{
        agreement, beta_threshold, layer_angles, product_norm, relative_distance,
    };
}

pub mod record;
#[doc(hidden)]
pub mod spice;
#[doc(hidden)]
pub mod figure;
pub mod study;
#[doc(hidden)]
pub mod cli;
