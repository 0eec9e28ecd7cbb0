//! Where relaxations begin: at the free state, at zero, or where those before have left the compartments.

use super::judgement::compute_bounds;
use crate::circuit::Dynamics;
use crate::matrix::{Matrix, Real};
use crate::spec::Start;

/// Where the samples of a batch begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begin<'a, T: Real> {
    /// As the description says.
    pub start: Start,
    /// What relaxations before have left, a row for every place of the batch (V); it comes before `start`.
    pub left: Option<&'a Matrix<T>>,
}

impl<T: Real> Begin<'_, T> {
    /// The states at which the samples of `part` begin, which are those of the batch from `first` on; none is
    /// the free state.
    pub fn states(&self, first: usize, part: &dyn Dynamics<T>) -> Option<Matrix<T>> {
        match (self.left, self.start) {
            (Some(left), _) => Some(go_on(left, first, part)),
            (None, Start::Zero) => Some(Matrix::zeros(part.samples(), part.width())),
            (None, Start::Free | Start::Stale) => None,
        }
    }
}

/// What was left in the places of some samples. The free state where there was none, or where a sample before
/// had left the numbers or run away beyond the bounds of this one, which would be far out from the start.
fn go_on<T: Real>(left: &Matrix<T>, first: usize, part: &dyn Dynamics<T>) -> Matrix<T> {
    let mut states = part.free_state();
    let bounds = compute_bounds(&states);
    for (here, bound) in bounds.into_iter().enumerate() {
        let place = first + here;
        // Not so of what is no number.
        let within = |v: &T| v.to_f64().abs() <= bound;
        if place < left.nrows() && left.row(place).iter().all(within) {
            states.row_mut(here).copy_from(&left.row(place));
        }
    }
    states
}
