//! Ensembles of independent replicas of one circuit: means, standard errors, verdicts at a family-wise error.
//!
//! Samples along one trajectory are correlated in a way that would have to be estimated; replicas are
//! independent by construction, so that the spread of their time averages is the standard error, whatever the
//! correlations are.

use crate::matrix::Matrix;

pub use crate::statistics::{Estimate, across, limit};

/// Sums over time of read-outs and their squares, replica by replica.
#[derive(Clone, Debug)]
pub struct Ensemble {
    /// Where deviations are counted from (V), so that squares lose no digits.
    centre: Vec<f64>,
    /// `[replicas × read-outs]`.
    sums: Matrix<f64>,
    squares: Matrix<f64>,
    times: usize,
}

impl Ensemble {
    /// For read-outs near `centre` (V).
    #[must_use]
    pub fn new(replicas: usize, centre: Vec<f64>) -> Self {
        let blank = Matrix::zeros(replicas, centre.len());
        Self { centre, sums: blank.clone(), squares: blank, times: 0 }
    }

    /// Adds the read-outs of all replicas at one time, the blocks of columns side by side (`[replicas × …]`
    /// each, V).
    ///
    /// # Panics
    ///
    /// If there are not as many columns as read-outs.
    pub fn add<'m>(&mut self, blocks: impl IntoIterator<Item = &'m Matrix<f64>>) {
        let mut column = 0;
        for block in blocks {
            for values in block.column_iter() {
                let centre = self.centre[column];
                let sums = self.sums.column_mut(column).into_iter();
                for ((sum, square), value) in
                    sums.zip(self.squares.column_mut(column).iter_mut()).zip(values.iter())
                {
                    *sum += value - centre;
                    *square += (value - centre).powi(2);
                }
                column += 1;
            }
        }
        assert_eq!(column, self.centre.len(), "read-outs differ in number");
        self.times += 1;
    }

    /// These replicas and others, at as many times.
    ///
    /// # Panics
    ///
    /// If the read-outs or the times differ in number.
    #[must_use]
    pub fn beside(&self, other: &Self) -> Self {
        assert_eq!(
            (self.times, self.centre.len()),
            (other.times, other.centre.len()),
            "other read-outs or times"
        );
        let stack = |one: &Matrix<f64>, other: &Matrix<f64>| {
            let mut both = Matrix::zeros(one.nrows() + other.nrows(), one.ncols());
            both.rows_mut(0, one.nrows()).copy_from(one);
            both.rows_mut(one.nrows(), other.nrows()).copy_from(other);
            both
        };
        let (sums, squares) = (stack(&self.sums, &other.sums), stack(&self.squares, &other.squares));
        Self { centre: self.centre.clone(), sums, squares, times: self.times }
    }

    /// Times that were added.
    #[must_use]
    pub fn times(&self) -> usize {
        self.times
    }

    /// Mean of a read-out (V).
    #[must_use]
    pub fn mean(&self, readout: usize) -> Estimate {
        let means: Vec<f64> = self.sums.column(readout).iter().map(|sum| sum / self.times as f64).collect();
        let Estimate { value, error } = across(&means);
        Estimate { value: value + self.centre[readout], error }
    }

    /// Variance (V²) of the sum of the variances of some read-outs, about the mean of all replicas and times.
    ///
    /// The error of that mean takes `1/(replicas · independent times)` of it away, far below its own standard
    /// error.
    #[must_use]
    pub fn variance(&self, readouts: &[usize]) -> Estimate {
        let times = self.times as f64;
        let mut values = vec![0.0; self.sums.nrows()];
        for &column in readouts {
            let mean = self.sums.column(column).mean() / times;
            let each = self.sums.column(column);
            for ((value, sum), square) in
                values.iter_mut().zip(each.iter()).zip(self.squares.column(column).iter())
            {
                *value += square / times - 2.0 * mean * sum / times + mean * mean;
            }
        }
        across(&values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variances_are_counted_about_the_common_mean() {
        let mut replicas = Ensemble::new(2, vec![1.0, 10.0]);
        for (a, b) in [(1.5, 2.5), (0.5, 1.5)] {
            replicas.add([&Matrix::from_column_slice(2, 1, &[a, b]), &Matrix::from_element(2, 1, 12.0)]);
        }
        // First read-out: replica 0 has 1.5, 0.5, replica 1 has 2.5, 1.5; mean 1.5; squares 0.5 and 0.5.
        assert_eq!(replicas.variance(&[0]), Estimate { value: 0.5, error: 0.0 });
        assert_eq!(replicas.mean(0), Estimate { value: 1.5, error: 0.5 });
        assert_eq!((replicas.variance(&[1]).value, replicas.mean(1).value), (0.0, 12.0));
        assert_eq!(replicas.variance(&[0, 1]).value, 0.5);
    }
}
