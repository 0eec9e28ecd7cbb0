//! The three products of a layer: forward, backward, and the correlation that is the gradient.
//!
//! No allocation. Operands and outputs may be any blocks of rows and columns of
//! larger matrices. Every element is summed along the inner index in one order, so a sample's result does not
//! depend on the batch it sits in, to the last bit, nor on threads: a large product is cut by columns among
//! those of the pool.

use super::kernel::{Read, multiply};
use super::{Real, View, ViewMut};

/// Multiply-adds worth a thread of their own: some 40 µs, where handing over work costs a few.
const WORTH: usize = 1 << 21;

/// What happens to the values already in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onto {
    /// They are overwritten, never read.
    Nothing,
    /// The product is added to them.
    Sum,
}

/// `states · weightsᵀ`: `[B × m]`, `[n × m]` to `[B × n]`; what layer `n` hears from layer `m`.
///
/// # Panics
///
/// If the shapes do not fit.
pub fn forward<T: Real>(out: ViewMut<'_, T>, onto: Onto, states: View<'_, T>, weights: View<'_, T>) {
    assert_eq!(states.ncols(), weights.ncols(), "inner sizes of a product differ");
    assert_eq!(out.shape(), (states.nrows(), weights.nrows()), "the product does not fit where it goes");
    let pieces = count_pieces(&out, states.ncols());
    spread(out, onto, T::ONE, (states, Read::Plain), (weights, Read::Transposed), pieces);
}

/// `errors · weights`: `[B × n]`, `[n × m]` to `[B × m]`; what layer `m` hears back from layer `n`.
///
/// # Panics
///
/// If the shapes do not fit.
pub fn backward<T: Real>(out: ViewMut<'_, T>, onto: Onto, errors: View<'_, T>, weights: View<'_, T>) {
    assert_eq!(errors.ncols(), weights.nrows(), "inner sizes of a product differ");
    assert_eq!(out.shape(), (errors.nrows(), weights.ncols()), "the product does not fit where it goes");
    let pieces = count_pieces(&out, errors.ncols());
    spread(out, onto, T::ONE, (errors, Read::Plain), (weights, Read::Plain), pieces);
}

/// `scale · errorsᵀ · states`: `[B × n]`, `[B × m]` to `[n × m]`; the sum over a batch of outer products.
///
/// # Panics
///
/// If the shapes do not fit.
pub fn correlate<T: Real>(
    out: ViewMut<'_, T>,
    onto: Onto,
    scale: T,
    errors: View<'_, T>,
    states: View<'_, T>,
) {
    assert_eq!(errors.nrows(), states.nrows(), "inner sizes of a product differ");
    assert_eq!(out.shape(), (errors.ncols(), states.ncols()), "the product does not fit where it goes");
    let pieces = count_pieces(&out, states.nrows());
    spread(out, onto, scale, (errors, Read::Transposed), (states, Read::Plain), pieces);
}

/// Threads that a product is worth.
fn count_pieces<T: Real>(out: &ViewMut<'_, T>, depth: usize) -> usize {
    (out.len() * depth / WORTH).min(rayon::current_num_threads()).min(out.ncols())
}

/// The product in pieces of columns, no more than there are threads: each packs the left operand for itself.
fn spread<T: Real>(
    mut out: ViewMut<'_, T>,
    onto: Onto,
    scale: T,
    left: (View<'_, T>, Read),
    (right, read): (View<'_, T>, Read),
    pieces: usize,
) {
    if pieces <= 1 {
        multiply(out, onto == Onto::Sum, scale, left, (right, read));
        return;
    }
    let (some, cut) = (pieces / 2, out.ncols() * (pieces / 2) / pieces);
    let (low, high) = match read {
        Read::Plain => right.columns_range_pair(..cut, cut..),
        Read::Transposed => (right.rows(0, cut), right.rows(cut, right.nrows() - cut)),
    };
    let (one, other) = out.columns_range_pair_mut(..cut, cut..);
    rayon::join(
        || spread(one, onto, scale, left, (low, read), some),
        || spread(other, onto, scale, left, (high, read), pieces - some),
    );
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, StandardUniform};

    use super::*;
    use crate::matrix::Matrix;
    use crate::random::{Key, Kind, stream};

    const SIZES: [usize; 10] = [1, 2, 3, 5, 8, 10, 17, 64, 65, 130];
    const DEPTHS: [usize; 9] = [1, 2, 3, 9, 64, 512, 513, 784, 1025];

    /// Uniform numbers in [−1, 1).
    fn random<T: Real>(rows: usize, columns: usize, seed: u64) -> Matrix<T> {
        let mut stream = stream(Key::new(seed, Kind::Data));
        Matrix::from_fn(rows, columns, |_, _| {
            let uniform: f64 = StandardUniform.sample(&mut stream);
            T::of(2.0 * uniform - 1.0)
        })
    }

    /// Σₖ a(k) b(k) in double precision, within the error bound of a sum of so many terms.
    fn assert_sum<T: Real>(value: T, terms: impl Iterator<Item = (T, T)>, what: &str) {
        let products: Vec<f64> = terms.map(|(a, b)| a.to_f64() * b.to_f64()).collect();
        let exact: f64 = products.iter().sum();
        let size: f64 = products.iter().map(|p| p.abs()).sum();
        let bound = (products.len() + 2) as f64 * T::EPSILON.to_f64() * size; // Higham, (3.5)
        assert!((value.to_f64() - exact).abs() <= bound, "{what}: {value} {exact}");
    }

    fn check_values<T: Real>() {
        for (b, n, m) in
            [(1, 1, 1), (1, 5, 7), (50, 10, 32), (3, 1, 600), (600, 40, 3), (33, 70, 1), (9, 17, 130)]
        {
            let what = format!("{b} {n} {m}");
            let (errors, states, weights) =
                (random::<T>(b, n, 1), random::<T>(b, m, 2), random::<T>(n, m, 3));
            let blank = |rows, columns| Matrix::from_element(rows, columns, T::of(f64::NAN));
            let (mut to, mut from, mut sum) = (blank(b, n), blank(b, m), blank(n, m));
            forward(to.as_view_mut(), Onto::Nothing, states.as_view(), weights.as_view());
            backward(from.as_view_mut(), Onto::Nothing, errors.as_view(), weights.as_view());
            let (e, s) = (errors.as_view(), states.as_view());
            correlate(sum.as_view_mut(), Onto::Nothing, T::of(0.5), e, s);
            for j in 0..n {
                for i in 0..b {
                    assert_sum(to[(i, j)], (0..m).map(|k| (states[(i, k)], weights[(j, k)])), &what);
                }
                for i in 0..m {
                    let halves = (0..b).map(|k| (errors[(k, j)] * T::of(0.5), states[(k, i)]));
                    assert_sum(sum[(j, i)], halves, &what);
                }
            }
            for (i, j) in (0..b).flat_map(|i| (0..m).map(move |j| (i, j))) {
                assert_sum(from[(i, j)], (0..n).map(|k| (errors[(i, k)], weights[(k, j)])), &what);
            }
            let before = sum.clone();
            correlate(sum.as_view_mut(), Onto::Sum, T::of(0.5), e, s);
            let gap = (sum - before.clone() - before).amax().to_f64();
            assert!(gap <= 4.0 * T::EPSILON.to_f64() * b as f64, "{what}: {gap}"); // one rounding per block
        }
    }

    #[test]
    fn products_are_the_sums_they_stand_for() {
        check_values::<f32>();
        check_values::<f64>();
    }

    type Product<T> = fn(ViewMut<'_, T>, Onto, View<'_, T>, View<'_, T>);

    /// The rows of a product computed in batches of `part` carry the bits of the whole.
    fn check_split<T: Real>(
        product: Product<T>,
        whole: &Matrix<T>,
        parts: &[usize],
        rows: &Matrix<T>,
        w: &Matrix<T>,
    ) {
        for &part in parts {
            let mut split = Matrix::from_element(whole.nrows(), whole.ncols(), T::of(0.25));
            for start in (0..rows.nrows()).step_by(part) {
                let length = part.min(rows.nrows() - start);
                product(split.rows_mut(start, length), Onto::Sum, rows.rows(start, length), w.as_view());
            }
            assert_eq!(split, *whole, "{:?} {:?} by {part}", rows.shape(), w.shape());
        }
    }

    fn check_splits<T: Real>() {
        for &batch in &SIZES {
            for &n in &SIZES {
                for &m in &DEPTHS {
                    let (rows, weights) = (random::<T>(batch, m, 1), random::<T>(n, m, 2));
                    let mut whole = Matrix::from_element(batch, n, T::of(0.25));
                    forward(whole.as_view_mut(), Onto::Sum, rows.as_view(), weights.as_view());
                    check_split(forward, &whole, &[1, 2, 3, 50, 64], &rows, &weights);
                    let weights = weights.transpose();
                    let mut whole = Matrix::from_element(batch, n, T::of(0.25));
                    backward(whole.as_view_mut(), Onto::Sum, rows.as_view(), weights.as_view());
                    check_split(backward, &whole, &[1, 2, 3, 50, 64], &rows, &weights);
                }
            }
        }
    }

    #[test]
    fn a_sample_keeps_its_bits_in_any_batch() {
        check_splits::<f32>();
        check_splits::<f64>();
    }

    #[test]
    fn blocks_of_larger_matrices_are_read_and_written_in_place() {
        let (states, weights) = (random::<f64>(12, 20, 1), random::<f64>(9, 20, 2));
        let mut out = Matrix::from_element(14, 11, 5.0);
        let (s, w) = (states.view((2, 3), (6, 13)), weights.view((1, 7), (4, 13)));
        forward(out.view_mut((3, 2), (6, 4)), Onto::Nothing, s, w);
        let copied = s.into_owned() * w.transpose();
        for (i, j) in (0..14).flat_map(|i| (0..11).map(move |j| (i, j))) {
            let inside = (3..9).contains(&i) && (2..6).contains(&j);
            let expected = if inside { copied[(i - 3, j - 2)] } else { 5.0 };
            assert!((out[(i, j)] - expected).abs() < 1e-14, "{i} {j}"); // 13 terms below 1
        }
    }

    #[test]
    fn an_empty_sum_is_zero() {
        let (states, weights) = (Matrix::<f64>::zeros(3, 0), Matrix::<f64>::zeros(2, 0));
        let mut out = Matrix::from_element(3, 2, 1.0);
        forward(out.as_view_mut(), Onto::Sum, states.as_view(), weights.as_view());
        assert_eq!(out, Matrix::from_element(3, 2, 1.0));
        forward(out.as_view_mut(), Onto::Nothing, states.as_view(), weights.as_view());
        assert_eq!(out, Matrix::zeros(3, 2));
        let mut none = Matrix::<f64>::zeros(0, 2);
        forward(
            none.as_view_mut(),
            Onto::Nothing,
            Matrix::zeros(0, 4).as_view(),
            Matrix::zeros(2, 4).as_view(),
        );
    }

    #[test]
    #[should_panic(expected = "inner sizes")]
    fn operands_that_do_not_fit_are_refused() {
        let mut out = Matrix::<f64>::zeros(3, 2);
        let (states, weights) = (Matrix::zeros(3, 4), Matrix::zeros(2, 5));
        forward(out.as_view_mut(), Onto::Nothing, states.as_view(), weights.as_view());
    }
}
