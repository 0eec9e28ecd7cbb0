//! How a compartment moves towards its drive, where its amplifier saturates or slews.

use std::ops::Range;

use super::dyad::{DyadCircuit, columns, columns_mut};
use super::{Dynamics, Layered};
use crate::device::{slew, transconductor};
use crate::matrix::{Matrix, Real};

impl<T: Real> DyadCircuit<'_, T> {
    /// Limits the drives of consecutive state columns, the first of which is `first`; all slices
    /// `[batch × n]` (V).
    fn limit_columns(&self, first: usize, potentials: &[T], drives: &mut [T]) {
        let periphery = &self.chip.periphery;
        if let Some(range) = periphery.range {
            transconductor::saturate(range, potentials, drives);
        }
        let Some(rate) = periphery.slew else { return };
        let batch = self.samples();
        let count = drives.len() / batch;
        let mut from = 0;
        for run in self.rates()[first..first + count].chunk_by(|a, b| a == b) {
            let span = from * batch..(from + run.len()) * batch;
            slew::limit(rate / run[0], &potentials[span.clone()], &mut drives[span]);
            from += run.len();
        }
    }

    /// See [`Layered::limit_dyads`].
    pub(super) fn limit_some(
        &self,
        layer: usize,
        dyads: &Range<usize>,
        potentials: (&[T], &[T]),
        drives: (&mut [T], &mut [T]),
    ) {
        let layout = self.layout();
        let (plus, minus) = (layout.plus(layer).start, layout.minus(layer).start);
        self.limit_columns(plus + dyads.start, potentials.0, drives.0);
        self.limit_columns(minus + dyads.start, potentials.1, drives.1);
    }

    /// See [`Dynamics::regime`].
    pub(super) fn regime_of(&self, state: &Matrix<T>, drive: &Matrix<T>, regime: &mut Matrix<T>) {
        self.slopes(state, regime);
        self.add_rails(state, drive, regime);
        let Some(rate) = self.chip.periphery.slew else { return };
        let batch = state.nrows();
        for (column, &leak) in self.rates().iter().enumerate() {
            let one = column..column + 1;
            let pulls = columns(drive, batch, one.clone()).iter().zip(columns(state, batch, one.clone()));
            for (piece, (&u, &v)) in columns_mut(regime, batch, one).iter_mut().zip(pulls) {
                // No slope jumps by just this much.
                *piece += T::of(std::f64::consts::E) * slew::side(rate, leak, u - v);
            }
        }
    }

    /// Adds a number that jumps where a drive meets a rail.
    fn add_rails(&self, state: &Matrix<T>, drive: &Matrix<T>, regime: &mut Matrix<T>) {
        let Some((low, high)) = self.chip.supply else { return };
        let batch = state.nrows();
        let mut rails = [vec![low; batch], vec![high; batch]];
        // A limited drive is held against what the limit makes of the rail.
        let slack = T::of(64.0) * T::EPSILON * low.magnitude().larger(high.magnitude());
        for column in 0..state.ncols() {
            let one = column..column + 1;
            let potentials = columns(state, batch, one.clone());
            if self.is_limited() {
                rails = [vec![low; batch], vec![high; batch]];
                rails.iter_mut().for_each(|rail| self.limit_columns(column, potentials, rail));
            }
            let drives = columns(drive, batch, one.clone()).iter().zip(rails[0].iter().zip(&rails[1]));
            for (piece, (&u, (&low, &high))) in columns_mut(regime, batch, one).iter_mut().zip(drives) {
                let side = if u >= high - slack {
                    1.0
                } else if u <= low + slack {
                    -1.0
                } else {
                    0.0
                };
                // No slope jumps by just this much.
                *piece += T::of(std::f64::consts::PI * side);
            }
        }
    }
}
