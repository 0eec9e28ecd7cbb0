//! The largest safe nudge of a chip: foreseen on the branch of equilibria that the free state leads to, and
//! tried by integration.
//!
//! A nudge is *safe* for a sample if the circuit, started in its free state, settles on that branch, and does
//! so at every lower nudge that was tried; folds at which the gradient estimate changes by less than a tenth
//! are passed. Eigenvalues alone do not tell: a start may lie outside the basin of a stable equilibrium.
//! Integration alone does not either: a saturating circuit that has latched up settles, too, somewhere else.
//! So both are asked, and where they differ the integration is believed and the limit found by bisection.

mod chips;
mod stable_branch;
mod margin;
mod sample;
mod simulation;

use rayon::prelude::*;

pub use chips::{Confidence, confidence};
pub use margin::{Kept, Lack, Shortfall, keep, shortfall};
pub use sample::SampleLimit;
pub use simulation::Failure;
pub use stable_branch::Prediction;

use crate::chip::Weights;
use crate::learn::Batch;
use crate::solve::Verdict;
use crate::spec::CircuitSpec;

use simulation::Simulation;
pub(super) use simulation::noiseless;

/// Range and resolution of the search.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// Highest nudge examined.
    pub highest: f64,
    /// Longest simulated time of a trial, in units of the slowest `τ`: near a border everything is slow.
    pub time: f64,
    /// Relative width to which a bracket is halved where integration decides.
    pub width: f64,
}

impl Default for Search {
    fn default() -> Self {
        Self { highest: 10.0, time: 3000.0, width: 0.01 }
    }
}

/// Limits of all samples of a batch on one chip.
#[derive(Clone, Debug)]
pub struct ChipLimits {
    /// Limit of each sample, in their order.
    pub samples: Vec<SampleLimit>,
    /// Trials by integration, each of one sample.
    pub trials: usize,
}

impl ChipLimits {
    /// The sample with the lowest limit, if any has one.
    #[must_use]
    pub fn worst(&self) -> Option<&SampleLimit> {
        let limited = self.samples.iter().filter(|sample| sample.limit.is_some());
        limited.min_by(|a, b| a.limit.unwrap_or(f64::NAN).total_cmp(&b.limit.unwrap_or(f64::NAN)))
    }

    /// The largest nudge that is safe for every sample; `None` if none fails up to the highest.
    #[must_use]
    pub fn limit(&self) -> Option<f64> {
        self.worst().and_then(|sample| sample.limit)
    }
}

/// Finds the largest safe nudge of every sample; the nudge of `spec` itself does not matter.
#[must_use]
pub fn find_limits(
    spec: &CircuitSpec,
    weights: &Weights<f64>,
    batch: &Batch<f64>,
    search: &Search,
) -> ChipLimits {
    let simulation = Simulation::new(spec, weights, batch, search);
    let ramp = simulation.ramp();
    let found: Vec<(SampleLimit, usize)> = (0..batch.inputs.nrows())
        .into_par_iter()
        .map(|sample| sample::limit(&simulation, &ramp, sample, search))
        .collect();
    let trials = ramp.trials() + found.iter().map(|(_, trials)| trials).sum::<usize>();
    ChipLimits { samples: found.into_iter().map(|(limit, _)| limit).collect(), trials }
}
