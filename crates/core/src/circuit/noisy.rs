//! What the circuit of a chip has beyond its layers: the noise of its devices, and how it is read.

use super::{Layered, Scratch};
use crate::matrix::{Matrix, Real};
use crate::noise::Sources;

/// A layered circuit on a chip, with the noise of its devices and of its readings.
///
/// The sources are given device by device, not as the [`noise_inputs`](super::Dynamics::noise_inputs) that
/// they amount to at one state, so that whole batches meet them in a few fused passes, synapses at the states
/// where they are.
pub trait Circuit<T: Real>: Layered<T> {
    /// Returns the noise sources.
    fn noise(&self) -> &Sources;

    /// Returns the integration time of a reading (s); 0 is an instant.
    fn readout(&self) -> f64;

    /// Returns the leakage loss of every compartment before it is read (V).
    fn leakage_loss(&self) -> T {
        T::ZERO
    }

    /// Returns the feedback gains `(a⁺, a⁻)` of the dyads of a layer.
    fn gains(&self, layer: usize) -> (&[T], &[T]);

    /// Computes the first layer's input from a deviation of the input drivers (`[batch × n_0]`, V),
    /// `[batch × n_1]`.
    fn weigh_input(&self, drivers: &Matrix<T>, weighted_input: &mut Matrix<T>);

    /// Computes the squared voltages over which the read noise of a layer spreads, from the scratch's means
    /// and differences: `Σ_j W_ij² s̄_j²` of what it hears from below and `Σ_j F_ji² δ_j²` of what comes
    /// back, `[batch × n]` each (V²).
    ///
    /// Times the relative PSD of conductances they are the PSDs of the drive's two parts.
    fn read_powers(
        &self,
        layer: usize,
        forward: &mut Matrix<T>,
        feedback: &mut Matrix<T>,
        scratch: &mut Scratch<T>,
    );

    /// Computes the inputs due to relative deviations of a layer's conductances, from the scratch's means and
    /// differences: `Σ_j W_ij z_ij s̄_j` into the first of `parts`, and `Σ_j F_ji z_ji δ_j` of the layer
    /// above into the second (V), `[batch × n]` each.
    ///
    /// `deviations` are those of all synapses, `[batch × synapses]`; the layer's begin at column `first`, row
    /// by row of `W`. Returns where those of the layer above begin.
    fn fluctuate(
        &self,
        layer: usize,
        first: usize,
        deviations: &[T],
        parts: (&mut Matrix<T>, &mut Matrix<T>),
        scratch: &Scratch<T>,
    ) -> usize;
}
