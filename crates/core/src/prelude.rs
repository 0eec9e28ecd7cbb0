//! The names that a program needs to settle, read and train a network: `use dyadsim::prelude::*`.

pub use crate::chip::Weights;
pub use crate::data::Dataset;
pub use crate::learn::{Batch, Gradient, Report, Rule};
pub use crate::matrix::Matrix;
pub use crate::network::{EpochResult, Network, NetworkError, SettledBatch, Training, TrainingResult};
pub use crate::solve::Outcome;
pub use crate::spec::{
    ActivationKind, CircuitSpec, NudgeSpec, OptimizerSpec, RuleKind, RuleSpec, SolverKind, SolverSpec,
    SpecError, Variant,
};
