//! Branches of equilibria: followed in one parameter through folds, with what happens on the way.
//!
//! Pseudo-arclength continuation (Keller, in *Applications of Bifurcation Theory*, 1977): a predictor along
//! the tangent and Newton's method on a plane across it. Where devices have kinks a step never runs over one:
//! it lands on it, and goes on from the other side with the tangent of the piece there, so that corners of
//! the branch, and folds at corners, are no trouble. Between kinks all is smooth, and folds and Hopf points
//! are sign changes of smooth functions along the arc.

mod branch;
mod circuit;
mod criticality;
mod dynamics;
mod events;
mod follow;
mod rail;
mod solve;

use nalgebra::{Complex, DMatrix, DVector};

pub use branch::{Branch, BranchPoint, End, Plan};
pub use circuit::{Border, CircuitFamily, CircuitSetting};
pub use criticality::first_lyapunov;
pub use dynamics::DynamicsFamily;
pub use follow::{equilibrium, follow};
pub use rail::first_on_rail;

/// States, residuals and tangents.
pub type Vector = DVector<f64>;

/// Equations `F(x, p) = 0` with one parameter, that are also a motion `dx/dt = F`.
///
/// The unit of time is the family's own.
pub trait Family: Sync {
    /// Numbers in `x`.
    fn dimension(&self) -> usize;

    /// `F(x, p)`.
    fn residual(&self, x: &Vector, p: f64) -> Vector;

    /// `∂F/∂x`.
    fn jacobian(&self, x: &Vector, p: f64) -> DMatrix<f64>;

    /// `∂F/∂p`.
    fn slope(&self, x: &Vector, p: f64) -> Vector;

    /// Eigenvalues of `∂F/∂x`, the rightmost first; at least all with a positive real part and one more.
    fn eigenvalues(&self, x: &Vector, p: f64) -> Vec<Complex<f64>> {
        let mut found: Vec<_> = self.jacobian(x, p).complex_eigenvalues().iter().copied().collect();
        found.sort_by(|a, b| b.re.total_cmp(&a.re).then(b.im.total_cmp(&a.im)));
        found
    }

    /// Where `∂F/∂x` jumps; always as many, in the same order.
    fn kinks(&self, _p: f64) -> Vec<Kink> {
        Vec::new()
    }
}

/// A plane `x_j = position` on which the Jacobian jumps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kink {
    /// `j`.
    pub coordinate: usize,
    /// Position.
    pub position: f64,
}

/// Something that happens on a branch.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// State there.
    pub state: Vector,
    /// Parameter there.
    pub parameter: f64,
    /// Length of the branch up to there, as the step measures it.
    pub arc: f64,
    /// Eigenvalues with a positive real part, before and after.
    pub unstable: (usize, usize),
}

/// Kinds of events.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EventKind {
    /// The branch turns back: a real eigenvalue is zero, two equilibria meet and vanish.
    Fold,
    /// A real eigenvalue passes zero though the branch goes on: another branch crosses (pitchfork,
    /// transcritical).
    Crossing,
    /// The equilibrium goes to infinity: where nothing bends any more, a real eigenvalue passes zero there,
    /// as in linear circuits.
    Infinity,
    /// A complex pair passes the imaginary axis: a cycle is born.
    Hopf {
        /// Angular frequency `ω` (1/unit of time of the family).
        omega: f64,
        /// First Lyapunov coefficient: below zero the cycle is stable and grows out of the point, above zero
        /// it is not, and the state jumps away. `None` where the field is not smooth.
        lyapunov: Option<f64>,
    },
    /// A compartment passes a kink of its device.
    Border {
        /// Index among the family's kinks.
        kink: usize,
        /// True if it passes upwards.
        upwards: bool,
        /// True if the branch turns back there.
        folds: bool,
    },
}

impl EventKind {
    /// Returns whether the branch turns back.
    #[must_use]
    pub fn turns(&self) -> bool {
        matches!(self, Self::Fold | Self::Border { folds: true, .. })
    }

    /// Name in tables and on screen.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fold => "fold",
            Self::Crossing => "crossing",
            Self::Infinity => "infinity",
            Self::Hopf { .. } => "hopf",
            Self::Border { folds: true, .. } => "border-fold",
            Self::Border { folds: false, .. } => "border",
        }
    }
}

impl Event {
    /// Returns whether a stable branch ends here.
    #[must_use]
    pub fn loses_stability(&self) -> bool {
        self.unstable.0 == 0 && self.unstable.1 > 0
    }
}

/// Eigenvalues with a positive real part.
#[must_use]
pub fn unstable(eigenvalues: &[Complex<f64>]) -> usize {
    eigenvalues.iter().filter(|eigenvalue| eigenvalue.re > 0.0).count()
}
