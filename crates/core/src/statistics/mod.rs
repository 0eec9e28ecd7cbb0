//! What is said of several values: groups, means with their errors, ranges, and intervals of shares.
//!
//! One definition each, so that a number on the screen, in a table and in a figure is the same number.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

mod jackknife;
mod shares;
mod student;

pub use jackknife::{Value, jackknife, mean_without};
pub use shares::{chips_needed, clopper_pearson, tolerance};
pub use student::{Estimate, across, limit};

/// Rows that belong together, in the order in which the first of each group stands.
pub fn grouped<'r, R, K: Eq + Hash + Clone>(
    rows: impl IntoIterator<Item = &'r R>,
    key: impl Fn(&R) -> K,
) -> Vec<(K, Vec<&'r R>)> {
    let mut groups: Vec<(K, Vec<&R>)> = Vec::new();
    let mut known: HashMap<K, usize> = HashMap::new();
    for row in rows {
        match known.entry(key(row)) {
            Entry::Occupied(at) => groups[*at.get()].1.push(row),
            Entry::Vacant(place) => {
                groups.push((place.key().clone(), vec![row]));
                place.insert(groups.len() - 1);
            }
        }
    }
    groups
}

/// Mean of some values, NaN of none. What is not a number makes the mean one, too.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    let (sum, count) = (values.iter().sum::<f64>(), values.len() as f64);
    // Sums of huge values overflow where their mean does not.
    if sum.is_finite() { sum / count } else { values.iter().map(|value| value / count).sum() }
}

/// Least and greatest of some values; of none, and of NaN alone, the empty range (∞, −∞).
pub fn range(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    values.into_iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
}

/// What the finite ones among independent values say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Standard error of the mean, `√(Σ(v − mean)²/(n − 1)/n)`; a single value has none.
    pub error: Option<f64>,
    /// Least.
    pub low: f64,
    /// Greatest.
    pub high: f64,
    /// How many there are.
    pub count: usize,
}

impl Spread {
    /// Of the finite ones among some values; `None` if there is none.
    ///
    /// ```
    /// # use dyadsim_core as dyadsim;
    /// use dyadsim::statistics::Spread;
    /// let spread = Spread::of([1.0, f64::NAN, 3.0]).unwrap();
    /// assert_eq!((spread.mean, spread.error, spread.count), (2.0, Some(1.0), 2));
    /// ```
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let finite: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        if finite.is_empty() {
            return None;
        }
        let error = (finite.len() > 1).then(|| across(&finite).error);
        let (low, high) = range(finite.iter().copied());
        Some(Self { mean: mean(&finite), error, low, high, count: finite.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_stand_in_the_order_of_their_first_rows() {
        let rows = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3];
        let groups = grouped(&rows, |row| row % 3);
        let kept: Vec<(i32, Vec<i32>)> =
            groups.into_iter().map(|(key, rows)| (key, rows.into_iter().copied().collect())).collect();
        assert_eq!(kept, [(0, vec![3, 9, 6, 3]), (1, vec![1, 4, 1]), (2, vec![5, 2, 5])]);
    }

    #[test]
    fn a_spread_is_of_what_is_finite() {
        let spread = Spread::of([1.0, f64::INFINITY, 2.0, 6.0, f64::NAN]).unwrap();
        // Deviations −2, −1, 3: s² = 14/2, and s/√3 is the error.
        assert_eq!((spread.mean, spread.low, spread.high, spread.count), (3.0, 1.0, 6.0, 3));
        assert!((spread.error.unwrap() - (7.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        let one = Spread::of([5.0]).unwrap();
        assert_eq!((one.mean, one.error, one.low, one.high), (5.0, None, 5.0, 5.0));
        assert_eq!((Spread::of([]), Spread::of([f64::NAN])), (None, None));
    }

    #[test]
    fn means_of_huge_values_do_not_overflow_and_nan_is_not_hidden() {
        assert_eq!(mean(&[1.5e308, 1.5e308]), 1.5e308);
        assert!(mean(&[1.0, f64::NAN]).is_nan() && mean(&[]).is_nan());
        assert_eq!(mean(&[1.0, f64::INFINITY]), f64::INFINITY);
        assert_eq!(range([]), (f64::INFINITY, f64::NEG_INFINITY));
    }
}
