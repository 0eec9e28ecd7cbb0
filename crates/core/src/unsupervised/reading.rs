//! The devices between a unit's weighted sum and the rule: synapses that differ, an offset, the noise of a
//! reading.

use crate::chip::Chip;
use crate::matrix::Matrix;
use crate::matrix::product::{self, Onto};
use crate::noise::gaussian;
use crate::random::{Key, Kind};

/// How the potentials of units are read; in units of the rms of an input.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// What every synapse carries of its programmed weight, `[units × inputs]`; `None` if all carry all.
    pub synapses: Option<Matrix<f64>>,
    /// Offset that every unit's potential is read with.
    pub offsets: Vec<f64>,
    /// Standard deviation of the noise of a reading.
    pub noise: f64,
    /// Names the noise.
    pub seed: u64,
}

impl Reading {
    /// Exact devices.
    #[must_use]
    pub fn exact(units: usize) -> Self {
        Self { synapses: None, offsets: vec![0.0; units], noise: 0.0, seed: 0 }
    }

    /// Devices of the first layer of a chip, plus compartments alone, where the rms of an input is `signal`
    /// (V): offsets of its activation devices, factors of its synapses, `√(kT/C)` of its sample-and-hold.
    ///
    /// # Panics
    /// If the chip has no layer of neurons.
    #[must_use]
    pub fn of_chip(chip: &Chip<f64>, signal: f64, seed: u64) -> Self {
        Self {
            synapses: chip.synapses.as_ref().map(|synapses| synapses.forward[0].clone()),
            offsets: chip.layers[0].offset_plus.iter().map(|device| device.offset / signal).collect(),
            noise: chip.noise.sampled.unwrap_or(0.0) / signal,
            seed,
        }
    }

    /// Potentials `[samples × units]` as they are read: `Σᵢ κᵢ wᵢ xᵢ − offset + noise`. Noise is that of the
    /// stream `Noise` of the seed at `step`. What is zero is not added at all.
    #[must_use]
    pub fn potentials(&self, weights: &Matrix<f64>, batch: &Matrix<f64>, step: u32) -> Matrix<f64> {
        let mut read = Matrix::zeros(batch.nrows(), weights.nrows());
        let carried = self.synapses.as_ref().map(|factors| weights.component_mul(factors));
        let weights = carried.as_ref().unwrap_or(weights);
        product::forward(read.as_view_mut(), Onto::Nothing, batch.as_view(), weights.as_view());
        for (mut column, offset) in read.column_iter_mut().zip(&self.offsets) {
            if *offset != 0.0 {
                column.add_scalar_mut(-offset);
            }
        }
        if self.noise != 0.0 {
            let mut drawn = vec![0.0; read.len()];
            gaussian::fill(Key::new(self.seed, Kind::Noise).step(step), 0, &mut drawn);
            read.as_mut_slice().iter_mut().zip(&drawn).for_each(|(u, z)| *u += self.noise * z);
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{CircuitSpec, MismatchSpec, NoiseSpec, SampledNoiseSpec};

    fn noisy() -> CircuitSpec {
        let mismatch = MismatchSpec { offset_dtod: 0.01, synapse_dtod: 0.1, ..MismatchSpec::default() };
        let sampled = Some(SampledNoiseSpec { capacitance: 1e-15 });
        let noise = NoiseSpec { sampled, ..NoiseSpec::default() };
        CircuitSpec { noise, mismatch, ..CircuitSpec::default() }
    }

    fn read(spec: &CircuitSpec, weights: &Matrix<f64>, batch: &Matrix<f64>) -> Matrix<f64> {
        let chip = Chip::fabricate(spec, &[weights.ncols(), weights.nrows()]);
        Reading::of_chip(&chip, 0.1, 4).potentials(weights, batch, 2)
    }

    #[test]
    fn ideal_devices_read_the_weighted_sum_to_the_last_bit() {
        let (weights, batch) =
            (Matrix::from_element(3, 4, 0.3), Matrix::from_fn(5, 4, |i, j| (i + j) as f64));
        let mut sum = Matrix::zeros(5, 3);
        product::forward(sum.as_view_mut(), Onto::Nothing, batch.as_view(), weights.as_view());
        assert_eq!(read(&CircuitSpec::default(), &weights, &batch), sum);
        assert_eq!(Reading::exact(3).potentials(&weights, &batch, 2), sum);
    }

    #[test]
    fn offsets_are_the_chips_over_the_signal_and_the_noise_is_that_of_the_capacitor() {
        let (weights, batch) = (Matrix::from_element(2, 1, 0.0), Matrix::from_element(20_000, 1, 1.0));
        let spec = noisy();
        let found = read(&spec, &weights, &batch);
        let chip = Chip::<f64>::fabricate(&spec, &[1, 2]);
        // kT/C of 1 fF at the temperature of the circuit (V), by hand.
        let sigma = (1.380_649e-23 * spec.temperature / 1e-15_f64).sqrt() / 0.1;
        for (unit, column) in found.column_iter().enumerate() {
            let offset = chip.layers[0].offset_plus[unit].offset / 0.1;
            assert!(offset != 0.0);
            // Five standard errors of a mean and of a standard deviation of 20 000 numbers.
            assert!((column.mean() + offset).abs() < 5.0 * sigma / 20_000_f64.sqrt());
            assert!((column.variance().sqrt() / sigma - 1.0).abs() < 5.0 / 40_000_f64.sqrt());
        }
    }

    #[test]
    fn a_synapse_carries_its_own_part_of_the_programmed_weight() {
        let mut spec = noisy();
        (spec.mismatch.offset_dtod, spec.noise) = (0.0, NoiseSpec::default());
        let weights = Matrix::from_row_slice(1, 2, &[0.5, -2.0]);
        let factors = Chip::<f64>::fabricate(&spec, &[2, 1]).synapses.unwrap().forward.remove(0);
        let found = read(&spec, &weights, &Matrix::<f64>::identity(2, 2));
        assert!(factors.iter().all(|factor| *factor != 1.0));
        assert_eq!([found[(0, 0)], found[(1, 0)]], [0.5 * factors[(0, 0)], -2.0 * factors[(0, 1)]]);
    }
}
