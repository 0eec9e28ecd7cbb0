//! Summing nodes that are not ideal: what a real amplifier, loaded by the synapses of this very network,
//! makes of a drive.
//!
//! Loads follow the weights, so they are summed up whenever a circuit is wired: once per batch, at the cost
//! of reading every weight once. Synapses load as conductances; biases and the nudge are taken to be
//! currents, which do not.

use std::ops::Range;

use super::DyadCircuit;
use crate::chip::{Chip, Layout, Weights};
use crate::matrix::{Matrix, Real};

/// Per state column: what becomes of a drive, and how fast.
#[derive(Clone, Debug)]
pub(super) struct SummingNodes<T> {
    /// Factor of the drive.
    gain: Vec<T>,
    /// What is added to it then (V).
    offset: Vec<T>,
    /// `1/τ` (1/s).
    pub rates: Vec<T>,
    /// Slowest time constant (s).
    pub slowest: f64,
}

impl<T: Real> SummingNodes<T> {
    /// Summing nodes of a chip with these synapses; `None` if they are ideal.
    pub fn wire(chip: &Chip<T>, weights: &Weights<T>) -> Option<Self> {
        Self::loaded(chip, || compute_loads(chip, weights))
    }

    /// Summing nodes of a chip with synapses that load them so much, in units of the leak; `None` if they are
    /// ideal.
    pub fn loaded(chip: &Chip<T>, loads: impl FnOnce() -> Vec<f64>) -> Option<Self> {
        let periphery = &chip.periphery;
        if periphery.amplifier.is_none() && periphery.shift == 0.0 {
            return None;
        }
        let width = chip.layout.width();
        let (mut gain, mut offset) = (vec![T::ONE; width], vec![T::of(periphery.shift); width]);
        let (mut rates, mut slowest) = (chip.rates.clone(), chip.slowest);
        if let Some(amplifier) = &periphery.amplifier {
            let loads = loads();
            let noise_gains = || loads.iter().map(|load| 1.0 + load);
            for ((gain, offset), noise_gain) in gain.iter_mut().zip(&mut offset).zip(noise_gains()) {
                *gain = T::of(amplifier.share(noise_gain));
                *offset = T::of(periphery.shift * amplifier.share(noise_gain) + amplifier.shift(noise_gain));
            }
            // Switched capacitors have until the next clock.
            if periphery.clock.is_none() {
                for (rate, noise_gain) in rates.iter_mut().zip(noise_gains()) {
                    *rate = T::of(1.0 / amplifier.time_constant(1.0 / rate.to_f64(), noise_gain));
                }
                slowest = rates.iter().map(|rate| 1.0 / rate.to_f64()).fold(0.0, f64::max);
            }
        }
        Some(Self { gain, offset, rates, slowest })
    }

    /// Gain of a column's drive and the output offset (V).
    pub fn of(&self, column: usize) -> (T, T) {
        (self.gain[column], self.offset[column])
    }

    /// Applies gain and offset to ideal drives (V) of some dyads, plus and minus.
    pub fn apply(
        &self,
        layout: &Layout,
        layer: usize,
        dyads: &Range<usize>,
        batch: usize,
        drives: (&mut [T], &mut [T]),
    ) {
        let starts = (layout.plus(layer).start, layout.minus(layer).start);
        for (start, drives) in [(starts.0, drives.0), (starts.1, drives.1)] {
            self.drive(start + dyads.start, batch, drives);
        }
    }

    /// Applies gain and offset to the drives (V) of columns from `first` on.
    pub fn drive(&self, first: usize, batch: usize, drives: &mut [T]) {
        for (column, drives) in (first..).zip(drives.chunks_exact_mut(batch)) {
            let (gain, offset) = (self.gain[column], self.offset[column]);
            drives.iter_mut().for_each(|drive| *drive = gain * *drive + offset);
        }
    }

    /// Scales tangents or duals, `[batch × n]` columns from `first` on, by the gains; offsets do not enter.
    pub fn scale(&self, first: usize, batch: usize, values: &mut [T]) {
        for (column, values) in (first..).zip(values.chunks_exact_mut(batch)) {
            values.iter_mut().for_each(|value| *value *= self.gain[column]);
        }
    }
}

impl<T: Real> DyadCircuit<'_, T> {
    /// The effective weights of this chip's devices.
    #[must_use]
    pub fn weights(&self) -> &Weights<T> {
        &self.weights
    }

    /// Gain and output offset (V) of the summing node of a state column.
    #[must_use]
    pub fn node(&self, column: usize) -> (T, T) {
        self.nodes.as_ref().map_or((T::ONE, T::ZERO), |nodes| nodes.of(column))
    }
}

/// Conductances of synapses on the summing node of every state column, in units of the leak.
///
/// A pair of devices makes `G⁺ − G⁻ = g W` and loads with `G⁺ + G⁻`, its smaller device being at its minimum.
/// Feedback synapses count times the gain of their compartment.
fn compute_loads<T: Real>(chip: &Chip<T>, weights: &Weights<T>) -> Vec<f64> {
    let (layout, pair) = (&chip.layout, chip.periphery.pair_load);
    let mut loads = vec![0.0; layout.width()];
    for (layer, devices) in chip.layers.iter().enumerate() {
        let forward = &weights.forward[layer];
        let below = row_sums(forward).into_iter().map(|sum| sum + pair * forward.ncols() as f64);
        let above = match weights.forward.get(layer + 1) {
            Some(_) => {
                let feedback = weights.feedback(layer + 1);
                let rows = pair * feedback.nrows() as f64;
                feedback
                    .column_iter()
                    .map(|w| w.iter().map(|w| w.to_f64().abs()).sum::<f64>() + rows)
                    .collect()
            }
            None => vec![0.0; layout.neurons(layer)],
        };
        let (plus, minus) = (layout.plus(layer).start, layout.minus(layer).start);
        for (j, (below, above)) in below.zip(above).enumerate() {
            loads[plus + j] = below + devices.gain_plus[j].to_f64().abs() * above;
            loads[minus + j] = below + devices.gain_minus[j].to_f64().abs() * above;
        }
    }
    loads
}

/// Sums of the magnitudes in every row.
pub(super) fn row_sums<T: Real>(matrix: &Matrix<T>) -> Vec<f64> {
    let mut sums = vec![0.0; matrix.nrows()];
    for column in matrix.column_iter() {
        sums.iter_mut().zip(column.iter()).for_each(|(sum, w)| *sum += w.to_f64().abs());
    }
    sums
}
