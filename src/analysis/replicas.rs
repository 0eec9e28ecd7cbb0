//! What independent replicas of one circuit tell: means over them, standard errors, and verdicts at a family-wise error.
//!
//! Samples along one trajectory are correlated in a way that would have to be estimated; replicas are independent by
//! construction, so that the spread of their time averages is the standard error, whatever the correlations are.

use crate::matrix::Matrix;

/// A mean over independent replicas and its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}

/// Mean and standard error of independent values, at least two.
#[must_use]
pub fn across(values: &[f64]) -> Estimate {
    let n = values.len() as f64;
    let value = values.iter().sum::<f64>() / n;
    let spread = values.iter().map(|x| (x - value).powi(2)).sum::<f64>() / (n - 1.0);
    Estimate { value, error: (spread / n).sqrt() }
}

/// Sums over time of read-outs and their squares, replica by replica.
#[derive(Clone, Debug)]
pub struct Replicas {
    /// Where deviations are counted from (V), so that squares lose no digits.
    centre: Vec<f64>,
    /// `[replicas × read-outs]`.
    sums: Matrix<f64>,
    squares: Matrix<f64>,
    times: usize,
}

impl Replicas {
    /// For read-outs near `centre` (V).
    #[must_use]
    pub fn new(replicas: usize, centre: Vec<f64>) -> Self {
        let blank = Matrix::zeros(replicas, centre.len());
        Self { centre, sums: blank.clone(), squares: blank, times: 0 }
    }

    /// Adds the read-outs of all replicas at one time, the blocks of columns side by side (`[replicas × …]` each, V).
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
    /// The error of that mean takes `1/(replicas · independent times)` of it away, far below its own standard error.
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

/// How far two numbers that should agree may lie apart, in standard errors of `replicas` independent values, if one of
/// `comparisons` is to fail with no more than the probability `family` although all agree (Bonferroni).
///
/// The quantile of Student's distribution, by integration of its density.
#[must_use]
pub fn limit(family: f64, comparisons: usize, replicas: usize) -> f64 {
    let wanted = 0.5 * family / comparisons.max(1) as f64;
    let freedom = replicas.saturating_sub(1).max(1) as f64;
    let (mut low, mut high) = (0.0, 1.0);
    while tail(high, freedom) > wanted && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if tail(middle, freedom) > wanted { low = middle } else { high = middle }
    }
    high
}

/// Probability that Student's variable exceeds `t ≥ 0`: with `t = √ν tan θ` its density is `cos^{ν−1} θ`.
fn tail(t: f64, freedom: f64) -> f64 {
    let half = std::f64::consts::FRAC_PI_2;
    // Simpson's rule over a smooth integrand, relative to the same over all angles.
    let integral = |from: f64| {
        let steps = 2000;
        let step = (half - from) / f64::from(steps);
        let term = |k: i32| {
            let weight = if k == 0 || k == steps { 1.0 } else { f64::from(2 + 2 * (k % 2)) };
            weight * (from + step * f64::from(k)).cos().max(0.0).powf(freedom - 1.0)
        };
        (0..=steps).map(term).sum::<f64>() * step / 3.0
    };
    0.5 * integral((t / freedom.sqrt()).atan()) / integral(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        // Student's t, upper 2.5 % and 0.5 % points (Abramowitz & Stegun, table 26.10), and the normal limit.
        for (family, replicas, exact) in
            [(0.05, 2, 12.706), (0.05, 11, 2.228), (0.01, 31, 2.750), (0.01, 100001, 2.5758)]
        {
            let found = limit(family, 1, replicas);
            assert!((found - exact).abs() < 1e-3 * exact, "{family} {replicas}: {found}");
        }
        assert_eq!(limit(0.05, 5, 20), limit(0.01, 1, 20));
    }

    #[test]
    fn variances_are_counted_about_the_common_mean() {
        let mut replicas = Replicas::new(2, vec![1.0, 10.0]);
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
