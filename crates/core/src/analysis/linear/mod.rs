//! Linear noise: covariances, spectra and what they mean for learning, without a single random number.

mod dense;
mod lyapunov;
mod phi;
mod point;
mod reduced;
mod rounding;
mod signal;
mod system;
mod valley;

pub use lyapunov::{LinearError, Solutions, lyapunov};
pub use phi::Averages;
pub use point::Point;
pub use reduced::Reduced;
pub use rounding::{rounding, variances};
pub use signal::{Angle, Estimate, LayerSignal, Level, Reading};
pub use system::{Covariance, Disturbance, Share, System, disturbances};
pub use valley::{Valley, best, truth};
