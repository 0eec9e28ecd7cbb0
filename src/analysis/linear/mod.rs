//! Linear noise: covariances, spectra and what they mean for learning, without a single random number.

mod dense;
mod lyapunov;
mod phi;
mod reduced;
mod system;

pub use lyapunov::{LinearError, Solutions, lyapunov};
pub use phi::Averages;
pub use reduced::Reduced;
pub use system::{Cause, Colour, Covariance, Disturbance, Share, System};
