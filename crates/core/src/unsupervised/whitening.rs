//! Whitening by principal components: inputs without correlations, of variance 1.

use crate::matrix::Matrix;
use crate::matrix::product::{self, Onto};

/// Components whose variance is less than this part of the largest are rounding, not data.
const NOTHING: f64 = 1e-12;

/// A whitening transform.
#[derive(Clone, Debug)]
pub struct Whitening {
    /// Means of the data.
    pub means: Vec<f64>,
    /// `K = D^{−½} Eᵀ`, `[components × inputs]`: white inputs are `K (x − mean)`.
    pub transform: Matrix<f64>,
    /// Share of the data's variance that the components have.
    pub kept: f64,
}

impl Whitening {
    /// The principal components of `data` `[samples × inputs]`, the largest `components` of them, or fewer if
    /// the data have fewer.
    #[must_use]
    pub fn new(data: &Matrix<f64>, components: usize) -> Self {
        let means = means(data);
        let eigen = covariance(data, &means).symmetric_eigen();
        let values = &eigen.eigenvalues;
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        let largest = order.first().map_or(0.0, |&first| values[first]);
        order.retain(|&k| values[k] > NOTHING * largest);
        order.truncate(components);
        let mut transform = Matrix::zeros(order.len(), data.ncols());
        for (mut row, &k) in transform.row_iter_mut().zip(&order) {
            let column = eigen.eigenvectors.column(k);
            // An eigenvector's sign is nobody's: the largest entry is made positive.
            let sign = column[column.iamax()].signum();
            row.tr_copy_from(&(column * (sign / values[k].sqrt())));
        }
        let kept = order.iter().map(|&k| values[k]).sum::<f64>() / values.sum();
        Self { means, transform, kept }
    }

    /// White inputs `[samples × components]` of `data`.
    #[must_use]
    pub fn apply(&self, data: &Matrix<f64>) -> Matrix<f64> {
        let mut centred = data.clone();
        for (mut column, mean) in centred.column_iter_mut().zip(&self.means) {
            column.add_scalar_mut(-mean);
        }
        let mut white = Matrix::zeros(data.nrows(), self.transform.nrows());
        product::forward(white.as_view_mut(), Onto::Nothing, centred.as_view(), self.transform.as_view());
        white
    }

    /// Receptive fields `[units × inputs]` of units with `weights` `[units × components]`: `W K`, by which
    /// they hear the data themselves.
    #[must_use]
    pub fn fields(&self, weights: &Matrix<f64>) -> Matrix<f64> {
        let mut fields = Matrix::zeros(weights.nrows(), self.transform.ncols());
        product::backward(fields.as_view_mut(), Onto::Nothing, weights.as_view(), self.transform.as_view());
        fields
    }
}

/// Means of the columns.
pub(super) fn means(data: &Matrix<f64>) -> Vec<f64> {
    data.column_iter().map(|column| column.mean()).collect()
}

/// Covariance of the columns, over the number of samples.
pub(super) fn covariance(data: &Matrix<f64>, means: &[f64]) -> Matrix<f64> {
    let mut centred = data.clone();
    for (mut column, mean) in centred.column_iter_mut().zip(means) {
        column.add_scalar_mut(-mean);
    }
    let mut out = Matrix::zeros(data.ncols(), data.ncols());
    let (view, scale) = (centred.as_view(), 1.0 / data.nrows() as f64);
    product::correlate(out.as_view_mut(), Onto::Nothing, scale, view, view);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitened_data_are_white_and_a_field_hears_the_data_as_the_unit_does() {
        // Six samples of three correlated inputs, one of them the sum of the others: two components.
        let mut data = Matrix::from_fn(6, 3, |i, j| ((3 * i + 5 * j + i * i * j) % 7) as f64);
        for mut row in data.row_iter_mut() {
            row[2] = row[0] + row[1];
        }
        let whitening = Whitening::new(&data, 3);
        assert_eq!(whitening.transform.shape(), (2, 3));
        assert!((whitening.kept - 1.0).abs() < 1e-14);
        let white = whitening.apply(&data);
        let covariance = white.tr_mul(&white) / 6.0;
        assert!((covariance - Matrix::identity(2, 2)).amax() < 1e-12);
        let weights = Matrix::from_row_slice(1, 2, &[0.6, -0.8]);
        let field = whitening.fields(&weights);
        for (row, white) in data.row_iter().zip(white.row_iter()) {
            let heard: f64 = (0..3).map(|i| field[(0, i)] * (row[i] - whitening.means[i])).sum();
            assert!((heard - white.dot(&weights.row(0))).abs() < 1e-12);
        }
    }

    #[test]
    fn the_first_component_lies_along_the_largest_variance() {
        // Variances 9 and 1 along the diagonals.
        let data = Matrix::from_row_slice(4, 2, &[3.0, 3.0, -3.0, -3.0, 1.0, -1.0, -1.0, 1.0]);
        let whitening = Whitening::new(&data, 1);
        // Variance along (1, 1)/√2: 2 · 18/4 = 9; the other: 2 · 2/4 = 1.
        let expected = 0.5f64.sqrt() / 3.0;
        assert!(whitening.transform.iter().all(|k| (k.abs() - expected).abs() < 1e-14));
        assert!((whitening.kept - 0.9).abs() < 1e-14);
    }
}
