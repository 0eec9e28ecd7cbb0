//! A data set in numbers, for `dyadsim data show NAME`.

use serde::Serialize;

use super::{Dataset, Split};

/// A data set in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// Name in the catalogue.
    pub name: String,
    /// Inputs per sample.
    pub features: usize,
    /// Number of classes.
    pub classes: usize,
    /// The training half.
    pub train: SplitNumbers,
    /// The test half.
    pub test: SplitNumbers,
    /// [`Dataset::sha256`].
    pub sha256: String,
    /// Source and licence.
    pub about: &'static str,
}

/// Half of a data set in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitNumbers {
    /// Number of samples.
    pub samples: usize,
    /// Samples of each class.
    pub class_counts: Vec<usize>,
    /// Mean over all inputs of all samples (V).
    pub mean_v: f64,
    /// Standard deviation of the same, of the population (V).
    pub std_v: f64,
    /// Least input (V).
    pub lowest_v: f64,
    /// Greatest input (V).
    pub highest_v: f64,
}

/// Counts and measures a data set.
#[must_use]
pub fn describe(set: &Dataset) -> Description {
    Description {
        name: set.name.clone(),
        features: set.train.features(),
        classes: set.classes,
        train: numbers(&set.train, set.classes),
        test: numbers(&set.test, set.classes),
        sha256: set.sha256.clone(),
        about: set.about,
    }
}

fn numbers(split: &Split, classes: usize) -> SplitNumbers {
    let mut class_counts = vec![0; classes];
    for &label in split.labels() {
        class_counts[usize::from(label)] += 1; // `load` has checked every label
    }
    let count = (split.len() * split.features()) as f64;
    let mean = split.volts().sum::<f64>() / count;
    let variance = split.volts().map(|volt| (volt - mean) * (volt - mean)).sum::<f64>() / count;
    SplitNumbers {
        samples: split.len(),
        class_counts,
        mean_v: mean,
        std_v: variance.sqrt(),
        lowest_v: split.volts().fold(f64::INFINITY, f64::min),
        highest_v: split.volts().fold(f64::NEG_INFINITY, f64::max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_inputs_have_the_mean_and_deviation_of_hand_arithmetic() {
        let train = Split::from_reals(2, vec![0.0, 0.25, 0.75, 1.0], vec![1, 1]).unwrap();
        let numbers = numbers(&train, 3);
        assert_eq!(numbers.class_counts, [0, 2, 0]);
        assert_eq!(numbers.mean_v, 0.5);
        assert!((numbers.std_v - (0.625f64 / 4.0).sqrt()).abs() < 1e-15); // (2·0.25 + 2·0.0625)/4
        assert_eq!((numbers.lowest_v, numbers.highest_v), (0.0, 1.0));
    }
}
