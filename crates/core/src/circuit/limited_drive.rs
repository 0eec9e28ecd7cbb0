//! How a compartment moves towards its drive, where its amplifier saturates or slews.

use std::ops::Range;

use super::dyad::{DyadCircuit, columns, columns_mut};
use super::{Dynamics, Layered};
use crate::chip::Periphery;
use crate::device::{slew, transconductor};
use crate::matrix::{Matrix, Real};

/// What limits the drives of a circuit's compartments.
#[derive(Clone, Copy)]
pub(super) struct Limits<'a, T> {
    pub periphery: &'a Periphery<T>,
    /// `1/τ` of every state column (1/s).
    pub rates: &'a [T],
    /// Rails (V).
    pub supply: Option<(T, T)>,
}

impl<T: Real> Limits<'_, T> {
    /// Returns whether compartments follow a limited drive.
    pub fn act(&self) -> bool {
        self.periphery.range.is_some() || self.periphery.slew.is_some()
    }

    /// Limits the drives of consecutive state columns, the first of which is `first`; all slices
    /// `[batch × n]` (V).
    pub fn limit(&self, first: usize, batch: usize, potentials: &[T], drives: &mut [T]) {
        if let Some(range) = self.periphery.range {
            transconductor::saturate(range, potentials, drives);
        }
        let Some(rate) = self.periphery.slew else { return };
        let count = drives.len() / batch;
        let mut from = 0;
        for run in self.rates[first..first + count].chunk_by(|a, b| a == b) {
            let span = from * batch..(from + run.len()) * batch;
            slew::limit(rate / run[0], &potentials[span.clone()], &mut drives[span]);
            from += run.len();
        }
    }

    /// Adds numbers that jump at a slew limit or a rail to the slopes of the devices in `regime`: what
    /// [`Dynamics::regime`] asks for.
    pub fn add_to_regime(&self, state: &Matrix<T>, drive: &Matrix<T>, regime: &mut Matrix<T>) {
        self.add_rails(state, drive, regime);
        let Some(rate) = self.periphery.slew else { return };
        let batch = state.nrows();
        for (column, &leak) in self.rates.iter().enumerate() {
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
        let Some((low, high)) = self.supply else { return };
        let batch = state.nrows();
        let mut rails = [vec![low; batch], vec![high; batch]];
        // A limited drive is held against what the limit makes of the rail.
        let slack = T::of(64.0) * T::EPSILON * low.magnitude().larger(high.magnitude());
        for column in 0..state.ncols() {
            let one = column..column + 1;
            let potentials = columns(state, batch, one.clone());
            if self.act() {
                rails = [vec![low; batch], vec![high; batch]];
                rails.iter_mut().for_each(|rail| self.limit(column, batch, potentials, rail));
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

impl<T: Real> DyadCircuit<'_, T> {
    /// What limits its drives.
    pub(super) fn limits(&self) -> Limits<'_, T> {
        Limits { periphery: &self.chip.periphery, rates: self.rates(), supply: self.chip.supply }
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
        let (limits, batch) = (self.limits(), self.samples());
        limits.limit(plus + dyads.start, batch, potentials.0, drives.0);
        limits.limit(minus + dyads.start, batch, potentials.1, drives.1);
    }
}
