//! What every system of this kind has, layered or not: states that relax towards a drive.

use std::borrow::Cow;
use std::ops::Range;

use super::{Circuit, Layered, Scratch};
use crate::matrix::{Matrix, Real};
use crate::noise::{NoiseInput, SampleIds};

/// A batch of dynamical systems `τ dv/dt = u(v) − v`, alike but for their inputs.
///
/// A state is a matrix `[samples × width]` of potentials (V), a column for every compartment; drives,
/// directions and images have the same shape. Samples do not act on each other. The view has no state of its
/// own and cannot fail: what is not finite comes back so.
///
/// Eight methods make a system; the others have defaults for one that is smooth, autonomous in continuous
/// time, without rails, and not built of layers. A system that is one of those things says so by overriding
/// them.
pub trait Dynamics<T: Real>: Sync {
    /// Returns the number of compartments, the columns of a state.
    fn width(&self) -> usize;

    /// Returns the number of samples, the rows of a state.
    fn samples(&self) -> usize;

    /// Returns `1/τ` of every compartment (1/s).
    fn rates(&self) -> &[T];

    /// Computes the drive `u(v)` of every compartment (V) at `state`.
    fn drive(&self, state: &Matrix<T>, drive: &mut Matrix<T>, scratch: &mut Scratch<T>);

    /// Multiplies the Jacobian of the drive at `state` with `direction`: `du` for a direction `dv`.
    fn tangent(
        &self,
        state: &Matrix<T>,
        direction: &Matrix<T>,
        image: &mut Matrix<T>,
        scratch: &mut Scratch<T>,
    );

    /// Multiplies the transpose of the Jacobian of the drive at `state` with `direction`:
    /// `⟨a, J b⟩ = ⟨Jᵀ a, b⟩` sample by sample.
    fn adjoint(
        &self,
        state: &Matrix<T>,
        direction: &Matrix<T>,
        image: &mut Matrix<T>,
        scratch: &mut Scratch<T>,
    );

    /// Returns the state from which a relaxation starts that is given no other (V).
    ///
    /// Its size tells what is far out: a sample runs away beyond a thousand times `1 V + ‖v_free‖∞`.
    fn free_state(&self) -> Matrix<T>;

    /// Returns the same systems for some of the samples, which may be named several times.
    fn subset<'a>(&'a self, samples: &[usize]) -> Box<dyn Dynamics<T> + 'a>;

    /// Returns the slowest time constant (s).
    fn slowest(&self) -> f64 {
        self.rates().iter().map(|rate| 1.0 / rate.to_f64()).fold(0.0, f64::max)
    }

    /// Returns work space for `samples` samples.
    fn scratch(&self, samples: usize) -> Scratch<T> {
        Scratch::flat(samples, self.width())
    }

    /// Returns the columns of every layer; a system that is not built of layers is one.
    fn layers(&self) -> Vec<Range<usize>> {
        let whole = 0..self.width();
        vec![whole]
    }

    /// Returns whether layers hear but the layers next to them, and the last one itself, so that every second
    /// one follows from the others: [`Self::drive_half`].
    fn is_layered(&self) -> bool {
        false
    }

    /// Computes the drives (V) of every second of [`Self::layers`]: of the last one and those of its parity,
    /// or of the others, whose drives follow from the former. Those of the rest of the columns stay.
    ///
    /// Only asked of systems that [`Self::is_layered`] tells to be so; others compute all.
    fn drive_half(
        &self,
        _with_last: bool,
        state: &Matrix<T>,
        drive: &mut Matrix<T>,
        scratch: &mut Scratch<T>,
    ) {
        self.drive(state, drive, scratch);
    }

    /// Returns the rails `(low, high)` (V) between which potentials stay.
    fn supply(&self) -> Option<(T, T)> {
        None
    }

    /// Returns the frequency of the clock (Hz): potentials then move once a period, each by its leak over
    /// that period, its drive held.
    fn clock(&self) -> Option<f64> {
        None
    }

    /// Returns whether a slope may jump: at a kink of a device, at a rail, or at a slew limit.
    fn is_kinked(&self) -> bool {
        false
    }

    /// Computes one number per compartment that changes by a jump when the compartment passes a kink.
    fn regime(&self, _state: &Matrix<T>, _drive: &Matrix<T>, regime: &mut Matrix<T>) {
        regime.fill(T::ZERO);
    }

    /// Computes the factor by which a small deviation of every potential enters the drives: 0 where a column
    /// of the Jacobian is known to be zero.
    fn slopes(&self, _state: &Matrix<T>, slopes: &mut Matrix<T>) {
        slopes.fill(T::ONE);
    }

    /// Returns whether compartments follow a limited drive.
    fn is_limited(&self) -> bool {
        false
    }

    /// Limits the drive `u` at `state` to `U`, with `dv/dt = (U − v)/τ`.
    fn limit(&self, _state: &Matrix<T>, _drive: &mut Matrix<T>) {}

    /// Computes the limited drive `U(v)` of every compartment (V).
    fn limited_drive(&self, state: &Matrix<T>, drive: &mut Matrix<T>, scratch: &mut Scratch<T>) {
        self.drive(state, drive, scratch);
        self.limit(state, drive);
    }

    /// Returns the noise that acts on one sample at `state` (`width` potentials, V), linear in each source.
    ///
    /// Linear analysis takes it at a fixed point. Stochastic solvers, where the circuit is not
    /// [`Self::noisy`], take it at both ends of every step: then there must be as many sources everywhere, in
    /// the same order.
    fn noise_inputs(&self, _sample: usize, _state: &[f64]) -> Vec<NoiseInput> {
        Vec::new()
    }

    /// Returns whether [`Self::noise_inputs`] are the same for all samples and states.
    fn noise_is_additive(&self) -> bool {
        false
    }

    /// Returns the numbers of the samples, which name their noise; the default is `SampleIds::first`.
    ///
    /// A system whose noise is simulated keeps track of it: the samples of a [`Self::subset`] meet their own
    /// noise.
    fn sample_ids(&self) -> Cow<'_, SampleIds> {
        Cow::Owned(SampleIds::first(self.samples()))
    }

    /// Returns the same circuits as layered ones, if they are: what can be swept layer by layer often need
    /// not be integrated.
    fn layered(&self) -> Option<&dyn Layered<T>> {
        None
    }

    /// Returns the same circuits with the noise of their devices, if they are of that kind.
    fn noisy(&self) -> Option<&dyn Circuit<T>> {
        None
    }
}
