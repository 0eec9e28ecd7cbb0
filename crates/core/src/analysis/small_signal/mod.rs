//! Linear noise: covariances, spectra and what they mean for learning, without a single random number.

mod dense;
mod lyapunov;
mod phi;
mod point;
mod reduced;
mod rounding;
mod signal;
mod system;
mod nudge_sweep;

pub use lyapunov::{LinearError, Solutions, lyapunov};
pub use nudge_sweep::{NudgeSweep, best, exact_gradient};
pub use phi::Averages;
pub use point::OperatingPoint;
pub use reduced::Reduced;
pub use rounding::{rounding, variances};
pub use signal::{Angle, Estimate, LayerSignal, Level, Reading};
pub use system::{Covariance, NoiseForcing, Share, System, forcings};
