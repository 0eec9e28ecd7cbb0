//! Small images as inputs: an eye that adapts to light, patches without their mean and without the flat ones,
//! and noise that has their spectrum and nothing else.

use rand_distr::{Distribution, StandardNormal};

use super::whitening::{covariance, means};
use crate::matrix::product::{self, Onto};
use crate::matrix::{Matrix, select_rows};
use crate::random::{Key, Kind, stream};

/// Levels of a grey pixel at 1 V.
const LEVELS: f64 = 255.0;

/// Logarithm of the intensity, `ln(1 + 255 v)` of pixels in `[0, 1]` V: responses to contrast, not to light.
#[must_use]
pub fn light_adapted(pixels: &Matrix<f64>) -> Matrix<f64> {
    pixels.map(|v| (LEVELS * v).ln_1p())
}

/// Takes from every row, a patch, its mean.
pub fn centre(patches: &mut Matrix<f64>) {
    for mut row in patches.row_iter_mut() {
        let mean = row.mean();
        row.add_scalar_mut(-mean);
    }
}

/// Leaves out the share of rows, patches without their mean, of the lowest contrast; others keep their order.
#[must_use]
pub fn drop_flat(patches: &Matrix<f64>, share: f64) -> Matrix<f64> {
    let contrast: Vec<f64> = patches.row_iter().map(|row| row.norm_squared()).collect();
    let mut order: Vec<usize> = (0..contrast.len()).collect();
    order.sort_by(|&a, &b| contrast[a].total_cmp(&contrast[b]));
    let mut kept = order.split_off((share * contrast.len() as f64) as usize);
    kept.sort_unstable();
    select_rows(patches, &kept)
}

/// Scales every row that is not zero to the norm that white inputs of as many dimensions have, `√n`.
pub fn scale_rows(inputs: &mut Matrix<f64>) {
    let wanted = (inputs.ncols() as f64).sqrt();
    for mut row in inputs.row_iter_mut() {
        let norm = row.norm();
        if norm > 0.0 {
            row *= wanted / norm;
        }
    }
}

/// As many normal samples with the mean and the covariance of `data`, and so with its power spectrum: what is
/// the same in both cannot come from higher moments. Stream `Data` of `seed`, device 2, step the sample.
#[must_use]
pub fn gaussian_twin(data: &Matrix<f64>, seed: u64) -> Matrix<f64> {
    let means = means(data);
    let eigen = covariance(data, &means).symmetric_eigen();
    let mut root = eigen.eigenvectors;
    for (mut column, value) in root.column_iter_mut().zip(&eigen.eigenvalues) {
        column *= value.max(0.0).sqrt();
    }
    let mut white = Matrix::zeros(data.nrows(), data.ncols());
    for (sample, mut row) in white.row_iter_mut().enumerate() {
        let mut source = stream(Key::new(seed, Kind::Data).device(2).step(sample as u32));
        row.iter_mut().for_each(|z| *z = StandardNormal.sample(&mut source));
    }
    let mut twin = Matrix::zeros(data.nrows(), data.ncols());
    product::forward(twin.as_view_mut(), Onto::Nothing, white.as_view(), root.as_view());
    for (mut column, mean) in twin.column_iter_mut().zip(&means) {
        column.add_scalar_mut(*mean);
    }
    twin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_has_no_mean_and_the_flattest_are_left_out() {
        let mut patches = Matrix::from_row_slice(5, 2, &[1.0, 3.0, 5.0, 5.0, 0.0, -4.0, 2.0, 2.5, 7.0, 1.0]);
        centre(&mut patches);
        let expected = [-1.0, 1.0, 0.0, 0.0, 2.0, -2.0, -0.25, 0.25, 3.0, -3.0];
        assert_eq!(patches, Matrix::from_row_slice(5, 2, &expected));
        let kept = [-1.0, 1.0, 2.0, -2.0, 3.0, -3.0];
        assert_eq!(drop_flat(&patches, 0.4), Matrix::from_row_slice(3, 2, &kept));
        assert_eq!(drop_flat(&patches, 0.0), patches);
    }

    #[test]
    fn rows_are_scaled_to_the_norm_of_white_inputs_and_black_pixels_stay_dark() {
        let mut rows = Matrix::from_row_slice(2, 4, &[3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        scale_rows(&mut rows);
        let expected = Matrix::from_row_slice(2, 4, &[1.2, 1.6, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert!((rows - expected).amax() < 1e-15);
        let seen = light_adapted(&Matrix::from_row_slice(1, 2, &[0.0, 1.0]));
        assert_eq!((seen[0], seen[1]), (0.0, 255f64.ln_1p()));
    }

    #[test]
    fn the_twin_has_mean_and_covariance_of_the_data_and_no_higher_order() {
        let n = 40_000;
        // Two uniform numbers mixed: kurtosis below that of a normal one.
        let mut source = stream(Key::new(1, Kind::Data));
        let mut uniform = || 2.0 * rand::RngExt::random::<f64>(&mut source) - 1.0;
        let mut data = Matrix::zeros(n, 2);
        for mut row in data.row_iter_mut() {
            let (a, b) = (uniform(), uniform());
            (row[0], row[1]) = (a + 3.0, 0.5 * a + b);
        }
        let twin = gaussian_twin(&data, 7);
        let moments = |x: &Matrix<f64>| {
            let means = means(x);
            (means.clone(), covariance(x, &means))
        };
        let ((m, c), (tm, tc)) = (moments(&data), moments(&twin));
        // Five standard errors of means and of products of normal numbers.
        for i in 0..2 {
            assert!((m[i] - tm[i]).abs() < 5.0 * (c[(i, i)] / n as f64).sqrt());
            for j in 0..2 {
                let error = ((c[(i, i)] * c[(j, j)] + c[(i, j)].powi(2)) / n as f64).sqrt();
                assert!((c[(i, j)] - tc[(i, j)]).abs() < 5.0 * error);
            }
        }
        let fourth = twin.column(0).iter().map(|x| (x - tm[0]).powi(4)).sum::<f64>() / n as f64;
        // 3 for normal numbers, 1.8 for uniform ones; the standard error is √(96/n).
        assert!((fourth / tc[(0, 0)].powi(2) - 3.0).abs() < 5.0 * (96.0 / n as f64).sqrt());
    }
}
