//! Right-hand sides: a chip with inputs and a nudge, as a borrowed view that has no state and cannot fail.
//!
//! A compartment obeys `dv/dt = (u(v) − v)/τ`, where the *drive* `u` is everything that reaches it through
//! synapses, bias and nudge. Solvers need only `u`, `1/τ`, and products with the Jacobian. Where its amplifier saturates or
//! slews, it follows a limited drive, `dv/dt = (U − v)/τ`, which is `u` itself wherever `u = v`: what integrates motion asks for
//! `U`, what looks for equilibria or linearises at one asks for `u`.

mod adjoint;
mod dyad;
mod motion;
mod node;
mod nudge;
mod passes;
mod scratch;
mod squares;
mod tangent;
mod target;

pub use dyad::DyadCircuit;
pub use nudge::{Loss, Nudge};
pub use scratch::Scratch;
pub use target::{TargetFault, check_targets};

use std::ops::Range;

use crate::chip::Layout;
use crate::matrix::{Matrix, Real};
use crate::noise::{Presentations, Sources};

/// A batch of identical circuits with different inputs.
///
/// States are `[batch × width]` with the columns of [`Layout`].
pub trait Circuit<T: Real>: Sync {
    /// Columns of a state.
    fn layout(&self) -> &Layout;

    /// Samples in the batch.
    fn samples(&self) -> usize;

    /// `1/τ` of every column (1/s).
    fn rates(&self) -> &[T];

    /// Slowest time constant (s).
    fn slowest(&self) -> f64;

    /// Rails `(low, high)` (V).
    fn supply(&self) -> Option<(T, T)>;

    /// Mixing `α` of the dyads of a layer.
    fn mixing(&self, layer: usize) -> &[T];

    /// Whether something has kinks, at which a slope jumps: a device, a rail, or a slew limit.
    fn is_kinked(&self) -> bool;

    /// Frequency of the clock (Hz): potentials then move once a period, each by its leak over that period, its drive held.
    fn clock(&self) -> Option<f64> {
        None
    }

    /// What every compartment loses before it is read (V).
    fn droop(&self) -> T {
        T::ZERO
    }

    /// Whether a nudge acts or differences are read (then a steady δ is part of being settled).
    fn nudged(&self) -> bool;

    /// The same circuits with the nudge switched off; `None` if none acts.
    fn unnudged<'a>(&'a self) -> Option<Box<dyn Circuit<T> + 'a>>;

    /// Means `s̄` and differences `δ` of some dyads of a layer, into the scratch, from the potentials (V) of their plus and
    /// minus compartments, column after column.
    ///
    /// For passes over a few dyads at a time, whose numbers stay at hand; the order of the dyads does not matter.
    fn mix_dyads(
        &self,
        layer: usize,
        dyads: Range<usize>,
        potentials: (&[T], &[T]),
        scratch: &mut Scratch<T>,
    );

    /// Means `s̄` and differences `δ` of one layer at `state`, into the scratch.
    fn mix(&self, layer: usize, state: &Matrix<T>, scratch: &mut Scratch<T>) {
        let dyads = 0..self.layout().neurons(layer);
        self.mix_dyads(layer, dyads.clone(), self.layout().dyads(layer, dyads, state), scratch);
    }

    /// What one layer hears from below, `W_k s̄_{k−1}`, from the scratch's means into the scratch.
    fn push(&self, layer: usize, scratch: &mut Scratch<T>);

    /// The same after the means below have moved from `before`, at which the scratch has what the layer hears.
    ///
    /// For sweeps in which few neurons move; what they change may be added instead of computed anew.
    fn push_moved(&self, layer: usize, _before: &Matrix<T>, scratch: &mut Scratch<T>) {
        self.push(layer, scratch);
    }

    /// What comes back to one layer from above, from the scratch's differences into the scratch: `F_{k+1}ᵀ δ_{k+1}`,
    /// or the nudge at the output.
    fn pull(&self, layer: usize, scratch: &mut Scratch<T>);

    /// Adds the scratch's two halves of some dyads of a layer up to the drives (V) of their plus and minus compartments,
    /// column after column.
    fn assemble_dyads(
        &self,
        layer: usize,
        dyads: Range<usize>,
        drives: (&mut [T], &mut [T]),
        scratch: &Scratch<T>,
    );

    /// Adds the scratch's two halves of one layer up to its drive (V): the layer's columns, one after the other.
    fn assemble(&self, layer: usize, drive: &mut [T], scratch: &Scratch<T>) {
        let half = drive.len() / 2;
        self.assemble_dyads(layer, 0..self.layout().neurons(layer), drive.split_at_mut(half), scratch);
    }

    /// The drive `u(v)` of every compartment (V).
    fn drive(&self, state: &Matrix<T>, drive: &mut Matrix<T>, scratch: &mut Scratch<T>) {
        let depth = self.layout().depth();
        for layer in 0..depth {
            self.mix(layer, state, scratch);
            self.push(layer, scratch);
        }
        for layer in (0..depth).rev() {
            self.pull(layer, scratch);
            self.assemble(layer, self.layout().columns_mut(layer, drive), scratch);
        }
    }

    /// The drive at the free state, right after [`Self::free_pass`]: what comes back from dyads without a difference is
    /// zero, as the pass has left it.
    fn free_drive(&self, drive: &mut Matrix<T>, scratch: &mut Scratch<T>) {
        let depth = self.layout().depth();
        for layer in (0..depth).rev() {
            if layer + 1 == depth || scratch.difference(layer + 1).iter().any(|&d| d != T::ZERO) {
                self.pull(layer, scratch);
            }
            self.assemble(layer, self.layout().columns_mut(layer, drive), scratch);
        }
    }

    /// The drive of one layer alone, the other columns of `drive` untouched.
    fn drive_layer(&self, layer: usize, state: &Matrix<T>, drive: &mut Matrix<T>, scratch: &mut Scratch<T>) {
        let depth = self.layout().depth();
        // What it hears: the mean below, the difference above, and at the top its own, through the nudge.
        for near in layer.saturating_sub(1)..(layer + 2).min(depth) {
            if near != layer || layer + 1 == depth {
                self.mix(near, state, scratch);
            }
        }
        self.push(layer, scratch);
        self.pull(layer, scratch);
        self.assemble(layer, self.layout().columns_mut(layer, drive), scratch);
    }

    /// Whether compartments follow a limited drive.
    fn is_limited(&self) -> bool {
        false
    }

    /// Limits drives `u` (V) of some dyads of a layer to what their amplifiers at `potentials` (V) deliver; plus and minus
    /// compartments, column after column.
    fn limit_dyads(
        &self,
        _layer: usize,
        _dyads: Range<usize>,
        _potentials: (&[T], &[T]),
        _drives: (&mut [T], &mut [T]),
    ) {
    }

    /// Limits the drive `u` at `state` to `U`, with `dv/dt = (U − v)/τ`.
    fn limit(&self, state: &Matrix<T>, drive: &mut Matrix<T>) {
        if !self.is_limited() {
            return;
        }
        let layout = self.layout();
        for layer in 0..layout.depth() {
            let dyads = || 0..layout.neurons(layer);
            let potentials = layout.dyads(layer, dyads(), state);
            self.limit_dyads(layer, dyads(), potentials, layout.dyads_mut(layer, dyads(), drive));
        }
    }

    /// The limited drive `U(v)` of every compartment (V).
    fn motion(&self, state: &Matrix<T>, drive: &mut Matrix<T>, scratch: &mut Scratch<T>) {
        self.drive(state, drive, scratch);
        self.limit(state, drive);
    }

    /// Numbers that jump where a compartment passes a kink, from potentials and limited drives.
    fn pieces(&self, state: &Matrix<T>, _drive: &Matrix<T>, pieces: &mut Matrix<T>) {
        self.slopes(state, pieces);
    }

    /// Slopes `f'(v)` of the activation devices.
    fn slopes(&self, state: &Matrix<T>, slopes: &mut Matrix<T>);

    /// Outputs `s = f(v)`.
    fn outputs(&self, state: &Matrix<T>, outputs: &mut Matrix<T>);

    /// `du` for a direction `dv`: the Jacobian of the drive at `state`, times `direction`.
    fn tangent(
        &self,
        state: &Matrix<T>,
        direction: &Matrix<T>,
        image: &mut Matrix<T>,
        scratch: &mut Scratch<T>,
    );

    /// The transpose of the Jacobian of the drive at `state`, times `direction`: `⟨a, J b⟩ = ⟨Jᵀ a, b⟩` sample by sample.
    fn adjoint(
        &self,
        state: &Matrix<T>,
        direction: &Matrix<T>,
        image: &mut Matrix<T>,
        scratch: &mut Scratch<T>,
    );

    /// The free equilibrium: the feed-forward state, both compartments alike (ideal devices).
    fn free_state(&self) -> Matrix<T> {
        self.free_pass(&mut Scratch::new(self.layout(), self.samples()))
    }

    /// The free equilibrium; its means, differences and what each layer hears from below stay in the scratch.
    fn free_pass(&self, scratch: &mut Scratch<T>) -> Matrix<T>;

    /// Noise sources.
    fn noise(&self) -> &Sources;

    /// Which noise the samples meet.
    fn presentations(&self) -> &Presentations;

    /// Integration time of a reading (s); 0 is an instant.
    fn readout(&self) -> f64;

    /// Feedback gains `(a⁺, a⁻)` of the dyads of a layer.
    fn gains(&self, layer: usize) -> (&[T], &[T]);

    /// What the first layer hears of a deviation of its input drivers (`[batch × n_0]`, V), `[batch × n_1]`.
    fn hear(&self, drivers: &Matrix<T>, heard: &mut Matrix<T>);

    /// Squared voltages over which the read noise of a layer spreads, from the scratch's means and differences:
    /// `Σ_j W_ij² s̄_j²` of what it hears from below and `Σ_j F_ji² δ_j²` of what comes back, `[batch × n]` each (V²).
    ///
    /// Times the relative PSD of conductances they are the PSDs of the drive's two parts.
    fn read_powers(
        &self,
        layer: usize,
        forward: &mut Matrix<T>,
        feedback: &mut Matrix<T>,
        scratch: &mut Scratch<T>,
    );

    /// What relative deviations of a layer's conductances pass on, from the scratch's means and differences:
    /// `Σ_j W_ij z_ij s̄_j` into the first of `parts`, and `Σ_j F_ji z_ji δ_j` of the layer above into the second
    /// (V), `[batch × n]` each.
    ///
    /// `deviations` are those of all synapses, `[batch × synapses]`; the layer's begin at column `first`, row by row
    /// of `W`. Returns where those of the layer above begin.
    fn fluctuate(
        &self,
        layer: usize,
        first: usize,
        deviations: &[T],
        parts: (&mut Matrix<T>, &mut Matrix<T>),
        scratch: &Scratch<T>,
    ) -> usize;

    /// Damping coefficient `L_k` of a layer for damped sweeps (Høier & Zach 2024).
    fn damping(&self, layer: usize) -> f64;

    /// The same circuits for some of the samples.
    fn subset<'a>(&'a self, samples: &[usize]) -> Box<dyn Circuit<T> + 'a>;
}
