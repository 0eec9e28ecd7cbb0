//! What a relaxation leaves in the compartments, for the next one to start from.

use std::sync::{Mutex, PoisonError};

use crate::chip::Layout;
use crate::matrix::{Matrix, Real};

/// Potentials that a relaxation has left in the compartments, `[batch × width]` (V), for the next one of the
/// same places.
///
/// Nothing is carried on unless that is asked for; a copy has no past.
#[derive(Debug)]
pub struct Left<T: Real> {
    carried: bool,
    state: Mutex<Option<Matrix<T>>>,
}

impl<T: Real> Left<T> {
    /// Carries nothing on: every relaxation starts as its description says.
    #[must_use]
    pub fn nothing() -> Self {
        Self::carried_if(false)
    }

    /// Carries states on, if `carried`.
    #[must_use]
    pub fn carried_if(carried: bool) -> Self {
        Self { carried, state: Mutex::new(None) }
    }

    /// Forgets what was left.
    pub fn forget(&self) {
        self.taken();
    }

    /// Takes what was left.
    pub(super) fn taken(&self) -> Option<Matrix<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Leaves a state, if states are carried on.
    pub(super) fn keep(&self, state: &Matrix<T>) {
        if self.carried {
            *self.state.lock().unwrap_or_else(PoisonError::into_inner) = Some(state.clone());
        }
    }

    /// The compartments of every dyad change roles, and take their potentials with them.
    pub(super) fn exchange(&self, layout: &Layout) {
        let Some(mut state) = self.taken() else { return };
        for layer in 0..layout.depth() {
            layout.plus(layer).zip(layout.minus(layer)).for_each(|(plus, minus)| {
                state.swap_columns(plus, minus);
            });
        }
        self.keep(&state);
    }
}

impl<T: Real> Clone for Left<T> {
    fn clone(&self) -> Self {
        Self::carried_if(self.carried)
    }
}
