//! A split: samples one after another, and the class of each.
//!
//! Images stay as their codes (a byte per input) and become volts only as they are gathered
//! into a batch: MNIST is 55 MB so, and would be 440 MB as `f64`.

use nalgebra::{DMatrix, RealField, convert};
use sha2::{Digest, Sha256};

use super::error::DataError;

/// The training or the test half of a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    features: usize,
    values: Values,
    labels: Vec<u16>,
}

/// Inputs, sample after sample.
#[derive(Clone, Debug, PartialEq)]
enum Values {
    /// `code / full_scale` (V).
    Codes { codes: Vec<u8>, full_scale: f64 },
    /// The inputs themselves (V).
    Reals(Vec<f64>),
}

impl Split {
    /// Samples of `features` inputs each, `code / full_scale` (V), one label per sample.
    ///
    /// # Errors
    /// [`DataError::Shape`] unless there are `features` codes per label and some of both.
    pub fn from_codes(
        features: usize,
        codes: Vec<u8>,
        full_scale: f64,
        labels: Vec<u16>,
    ) -> Result<Self, DataError> {
        Self::checked(features, codes.len(), Values::Codes { codes, full_scale }, labels)
    }

    /// Samples of `features` inputs each (V), one label per sample.
    ///
    /// # Errors
    /// [`DataError::Shape`] unless there are `features` values per label and some of both.
    pub fn from_reals(features: usize, values: Vec<f64>, labels: Vec<u16>) -> Result<Self, DataError> {
        Self::checked(features, values.len(), Values::Reals(values), labels)
    }

    fn checked(features: usize, count: usize, values: Values, labels: Vec<u16>) -> Result<Self, DataError> {
        if count == 0 || labels.len().checked_mul(features) != Some(count) {
            return Err(DataError::Shape { values: count, samples: labels.len(), features });
        }
        Ok(Self { features, values, labels })
    }

    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True when there is no sample: only after `truncate(0)`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Inputs per sample.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features
    }

    /// Class of each sample.
    #[must_use]
    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// Keeps only the first `n` samples; more than there are changes nothing.
    pub fn truncate(&mut self, n: usize) {
        self.labels.truncate(n);
        let count = self.labels.len() * self.features;
        match &mut self.values {
            Values::Codes { codes, .. } => codes.truncate(count),
            Values::Reals(values) => values.truncate(count),
        }
    }

    /// Writes the inputs (V) of `samples` into `inputs`, a row per sample: each input's samples lie together.
    ///
    /// # Panics
    /// If `inputs` is not `[samples.len() × features]`, or a sample does not exist: bugs of the caller.
    pub fn gather<T: RealField + Copy>(&self, samples: &[usize], inputs: &mut DMatrix<T>) {
        assert_eq!(inputs.shape(), (samples.len(), self.features), "shape of a gathered batch");
        match &self.values {
            Values::Codes { codes, full_scale } => {
                // A table of all codes: one division per code, not one per input.
                let volts: [T; 256] = std::array::from_fn(|code| convert(code as f64 / full_scale));
                self.fill(samples, inputs, |at| volts[usize::from(codes[at])]);
            }
            Values::Reals(values) => self.fill(samples, inputs, |at| convert(values[at])),
        }
    }

    fn fill<T: RealField + Copy>(
        &self,
        samples: &[usize],
        inputs: &mut DMatrix<T>,
        value: impl Fn(usize) -> T,
    ) {
        for (feature, mut column) in inputs.column_iter_mut().enumerate() {
            for (cell, &sample) in column.iter_mut().zip(samples) {
                *cell = value(sample * self.features + feature);
            }
        }
    }

    /// Writes the targets of `samples` into `targets`, a row per sample: 1 V at its class, 0 V elsewhere.
    ///
    /// # Panics
    /// If `targets` is not `[samples.len() × classes]`, a sample does not exist, or its label is not below
    /// `classes`: bugs of the caller.
    pub fn one_hot<T: RealField + Copy>(&self, samples: &[usize], classes: usize, targets: &mut DMatrix<T>) {
        assert_eq!(targets.shape(), (samples.len(), classes), "shape of a batch of targets");
        targets.fill(T::zero());
        for (row, &sample) in samples.iter().enumerate() {
            targets[(row, usize::from(self.labels[sample]))] = T::one();
        }
    }

    /// All inputs (V), sample after sample.
    pub(super) fn volts(&self) -> impl Iterator<Item = f64> + '_ {
        let count = self.labels.len() * self.features;
        (0..count).map(|at| match &self.values {
            Values::Codes { codes, full_scale } => f64::from(codes[at]) / full_scale,
            Values::Reals(values) => values[at],
        })
    }

    /// Adds samples, values and labels to a hash, as [`super::Dataset::sha256`] says.
    pub(super) fn hash_into(&self, hasher: &mut Sha256) {
        hasher.update((self.len() as u64).to_le_bytes());
        match &self.values {
            Values::Codes { codes, full_scale } => {
                hasher.update(full_scale.to_le_bytes());
                hasher.update(codes);
            }
            Values::Reals(values) => values.iter().for_each(|value| hasher.update(value.to_le_bytes())),
        }
        self.labels.iter().for_each(|label| hasher.update(label.to_le_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sample s, input j has code 10·s + j.
    fn split() -> Split {
        let codes = (0..4u8).flat_map(|s| (0..3u8).map(move |j| 10 * s + j)).collect();
        Split::from_codes(3, codes, 64.0, vec![2, 0, 1, 2]).unwrap()
    }

    #[test]
    fn a_batch_has_a_row_per_sample_in_the_order_asked_for_with_repeats() {
        let mut inputs = DMatrix::<f64>::from_element(3, 3, f64::NAN);
        split().gather(&[3, 0, 3], &mut inputs);
        let expected = DMatrix::from_row_slice(3, 3, &[30., 31., 32., 0., 1., 2., 30., 31., 32.]) / 64.0;
        assert_eq!(inputs, expected); // powers of two divide exactly
    }

    #[test]
    fn each_input_lies_batch_contiguous() {
        let mut inputs = DMatrix::<f32>::zeros(2, 3);
        split().gather(&[1, 2], &mut inputs);
        assert_eq!(inputs.as_slice()[..2], [10.0 / 64.0, 20.0 / 64.0]);
    }

    #[test]
    fn codes_become_the_nearest_number_to_code_over_full_scale_in_both_precisions() {
        let codes: Vec<u8> = (0..=255).collect();
        let split = Split::from_codes(256, codes, 255.0, vec![0]).unwrap();
        let (mut double, mut single) = (DMatrix::<f64>::zeros(1, 256), DMatrix::<f32>::zeros(1, 256));
        split.gather(&[0], &mut double);
        split.gather(&[0], &mut single);
        for code in 0..256u16 {
            assert_eq!(double[usize::from(code)], f64::from(code) / 255.0);
            assert_eq!(single[usize::from(code)], f32::from(code) / 255.0);
        }
    }

    #[test]
    fn reals_are_gathered_as_they_are() {
        let split = Split::from_reals(2, vec![0.1, 0.2, 0.3, 0.4], vec![0, 1]).unwrap();
        let mut inputs = DMatrix::<f64>::zeros(1, 2);
        split.gather(&[1], &mut inputs);
        assert_eq!(inputs.as_slice(), [0.3, 0.4]);
    }

    #[test]
    fn targets_are_one_volt_at_the_class_and_forget_the_last_batch() {
        let mut targets = DMatrix::<f64>::from_element(2, 3, 7.0);
        split().one_hot(&[0, 2], 3, &mut targets);
        assert_eq!(targets, DMatrix::from_row_slice(2, 3, &[0., 0., 1., 0., 1., 0.]));
    }

    #[test]
    fn truncation_keeps_the_first_samples_and_never_adds_any() {
        let mut short = split();
        short.truncate(2);
        assert_eq!((short.len(), short.labels(), short.volts().count()), (2, &[2, 0][..], 6));
        short.truncate(9);
        assert_eq!(short.len(), 2);
    }

    #[test]
    fn values_that_do_not_fill_the_samples_are_refused() {
        for (features, values, samples) in [(3, 5, 2), (2, 0, 0), (0, 0, 1), (0, 3, 1), (usize::MAX, 6, 6)] {
            let built = Split::from_reals(features, vec![0.0; values], vec![0; samples]);
            assert!(matches!(built, Err(DataError::Shape { .. })), "{features} {values} {samples}");
        }
    }
}
