//! Why a network cannot do what it is asked to.

use thiserror::Error;

use crate::circuit::TargetFault;
use crate::spec::{MOST_PARTS, SpecError};

/// A request that a network cannot follow; found before any work.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// The description, or how it is to be trained, is refused.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// Numbers of a shape that does not fit.
    #[error("{what}: found {found:?}\n  accepted: {accepted}")]
    Shape {
        /// What has the wrong shape.
        what: String,
        /// Its shape.
        found: Vec<usize>,
        /// The right one.
        accepted: String,
    },
    /// Targets of a cross-entropy that are no distribution.
    #[error(
        "targets: {0}, but `nudge.loss` is \"cross-entropy\"\n  accepted: targets of 0 or more that add up to 1 in every sample, such as one-hot ones"
    )]
    Target(#[from] TargetFault),
    /// A stochastic solver would follow the fastest compartment of the chip for ever.
    #[error(
        "`solver.max_time`: {parts:.1e} steps, which follow the fastest compartment, are more than {MOST_PARTS:e}\n  accepted: a shorter time, a longer `solver.step`, or a smaller `mismatch.time_constant_dtod`"
    )]
    Endless {
        /// The steps.
        parts: f64,
    },
    /// Several updates in a relaxation that has no parts.
    #[error(
        "`updates`: found {0}\n  accepted: 1; more with `solver.kind` = \"layerwise\" and a `solver.schedule` of fixed rounds, such as \"fwbw1\""
    )]
    Updates(usize),
    /// Training that would have to lower its nudge, which experiments alone do.
    #[error(
        "`nudge.keep_margin`: found a margin to be kept\n  accepted: none; experiments alone keep one while they train"
    )]
    KeepMargin,
    /// A question of dyads, asked of neurons with one compartment.
    #[error(
        "`kind`: found \"hopfield\"\n  accepted: \"dyad\"; means and differences are those of dyads (`solve::settle_any_from` settles a `HopfieldCircuit`)"
    )]
    Kind,
}

impl NetworkError {
    pub(super) fn shape(what: &str, found: &[usize], accepted: String) -> Self {
        Self::Shape { what: what.to_owned(), found: found.to_vec(), accepted }
    }
}
