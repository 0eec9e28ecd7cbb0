//! How alike two layers are: what they say (centred kernel alignment) and where their weights point
//! (principal angles).

use nalgebra::DMatrix;

use crate::matrix::measure::frobenius;

/// Singular values below this share of the largest are rounding: they span no subspace.
const NEGLIGIBLE: f64 = 1e-12;

/// Activities of a layer for many inputs, ready to be compared: `[samples × neurons]` without the means over
/// samples, and `‖XᵀX‖_F`.
#[derive(Clone, Debug)]
pub struct Centred {
    values: DMatrix<f64>,
    own: f64,
}

impl Centred {
    /// Takes the means over the samples off the activities, `[samples × neurons]` (V).
    #[must_use]
    pub fn new(mut activities: DMatrix<f64>) -> Self {
        for mut column in activities.column_iter_mut() {
            let (mean, largest) = (column.mean(), column.amax());
            column.add_scalar_mut(-mean);
            // A sum of n equal numbers is off by (n − 1) roundings of n times their size at most, the mean by
            // as many of their size, its division and the subtraction by one more each (Higham, Accuracy and
            // Stability, §4.2). A neuron that says the same to all is left with no more than that, and is
            // then nought.
            let rounding = (column.len() + 1) as f64 * 0.5 * f64::EPSILON * largest;
            if column.amax() <= rounding {
                column.fill(0.0);
            }
        }
        let own = frobenius(&(activities.transpose() * &activities));
        Self { values: activities, own }
    }

    /// Linear centred kernel alignment `‖YᵀX‖²_F / (‖XᵀX‖_F ‖YᵀY‖_F)`, in `[0, 1]`; NaN where a layer says
    /// the same to all.
    ///
    /// 1 for activities that differ by a rotation, a common factor and offsets; for single neurons the
    /// squared correlation. Kornblith et al., *Similarity of Neural Network Representations Revisited* (ICML
    /// 2019), equation 3.
    ///
    /// # Panics
    /// If the numbers of samples differ.
    #[must_use]
    pub fn alignment(&self, other: &Self) -> f64 {
        let across = frobenius(&(other.values.transpose() * &self.values));
        // Beyond one is rounding alone. `clamp` keeps a NaN, `min` would not.
        (across / self.own * (across / other.own)).clamp(0.0, 1.0)
    }
}

/// Leading singular subspaces of a matrix: orthonormal bases of what it answers with and of what it listens
/// to.
#[derive(Clone, Debug)]
pub struct Leading {
    /// Left singular vectors, `[rows × k]`.
    pub left: DMatrix<f64>,
    /// Right singular vectors, `[columns × k]`.
    pub right: DMatrix<f64>,
}

impl Leading {
    /// Of the `wanted` largest singular values, or as many as the matrix has; `None` if an entry is not
    /// finite or the matrix has fewer than that many above rounding.
    #[must_use]
    pub fn of(matrix: &DMatrix<f64>, wanted: usize) -> Option<Self> {
        let k = wanted.min(matrix.nrows()).min(matrix.ncols());
        if k == 0 || matrix.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let svd = matrix.clone().svd(true, true); // in descending order
        let values = &svd.singular_values;
        if values[k - 1] <= NEGLIGIBLE * values[0] {
            return None;
        }
        let (left, right) = (svd.u?, svd.v_t?);
        Some(Self { left: left.columns(0, k).into_owned(), right: right.rows(0, k).transpose() })
    }
}

/// Principal angles between the subspaces that two orthonormal bases (columns) span, in degrees, smallest
/// first; as many as the second has columns.
///
/// From cosines and sines both (Björck & Golub, Math. Comp. 27, 579 (1973)), so that small angles keep their
/// digits.
///
/// # Panics
/// If the bases are of different spaces, or the second has more columns than the first.
#[must_use]
pub fn principal_angles(one: &DMatrix<f64>, other: &DMatrix<f64>) -> Vec<f64> {
    assert!(one.ncols() >= other.ncols(), "the second subspace is larger");
    let along = one.transpose() * other;
    let beside = other - one * &along;
    let (cosines, sines) = (along.singular_values(), beside.singular_values());
    // Cosines descend with growing angles, sines ascend: the largest sine belongs to the smallest cosine.
    let sines = sines.iter().rev();
    sines.zip(cosines.iter()).map(|(sine, cosine)| sine.atan2(*cosine).to_degrees()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Kind, stream};
    use nalgebra::dmatrix;
    use rand_distr::{Distribution, StandardNormal};

    fn normal(rows: usize, columns: usize, seed: u64) -> DMatrix<f64> {
        let mut stream = stream(Key::new(seed, Kind::Weights));
        DMatrix::from_fn(rows, columns, |_, _| StandardNormal.sample(&mut stream))
    }

    fn rotation(size: usize, seed: u64) -> DMatrix<f64> {
        normal(size, size, seed).qr().q()
    }

    fn cka(one: &DMatrix<f64>, other: &DMatrix<f64>) -> f64 {
        Centred::new(one.clone()).alignment(&Centred::new(other.clone()))
    }

    #[test]
    fn alignment_is_blind_to_rotation_common_factor_and_offsets_and_to_nothing_else() {
        let (x, y) = (normal(60, 7, 1), normal(60, 4, 2) + normal(60, 7, 1).columns(0, 4));
        // Sums of some thousand products of order one: rounding of 1e-13 at most.
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        close(cka(&x, &x), 1.0);
        close(cka(&x, &y), cka(&y, &x));
        let turned = (&x * rotation(7, 3) * 2.5).add_scalar(4.0);
        close(cka(&x, &turned), 1.0);
        close(cka(&turned, &y), cka(&x, &y));
        let mut stretched = x.clone();
        stretched.column_mut(0).scale_mut(5.0);
        assert!(cka(&x, &stretched) < 0.9, "one neuron alone, louder");
    }

    #[test]
    fn alignment_of_hand_examples() {
        // Single neurons: the squared correlation, here (3/√(2·6))² = 3/4.
        let value = cka(&dmatrix![2.0; 1.0; 0.0], &dmatrix![2.0; 2.0; -1.0]);
        assert!((value - 0.75).abs() < 1e-14, "{value}");
        // Two neurons of which the other network has one: ‖YᵀX‖² = 4, ‖XᵀX‖ = 2√2, ‖YᵀY‖ = 2.
        let x = dmatrix![1.0, 0.0; -1.0, 0.0; 0.0, 1.0; 0.0, -1.0];
        let value = cka(&x, &x.columns(0, 1).into_owned());
        assert!((value - 0.5_f64.sqrt()).abs() < 1e-14, "{value}");
        assert_eq!(cka(&dmatrix![1.0; -1.0; 0.0], &dmatrix![1.0; 1.0; -2.0]), 0.0);
        assert!(cka(&x, &dmatrix![1.0; 1.0; 1.0; 1.0]).is_nan(), "a constant layer says nothing");
    }

    #[test]
    fn a_constant_layer_has_no_alignment_whatever_rounding_leaves_of_it() {
        // 0.1 and its like have no exact mean: 357 of them leave 1e-17, whose alignment with itself would be
        // one.
        for samples in [3, 7, 357, 1797] {
            for size in [0.1, -0.037, 1e-9, 1e9] {
                let constant = DMatrix::from_element(samples, 10, size);
                assert!(cka(&constant, &constant).is_nan(), "{samples} of {size}");
                assert!(cka(&normal(samples, 4, 8), &constant).is_nan(), "{samples} of {size}");
            }
        }
        // A neuron that moves by a millionth of what it says all the time does say something.
        let quiet = (normal(50, 3, 9) * 1e-6).add_scalar(1.0);
        assert!((cka(&quiet, &quiet) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn principal_angles_of_known_planes() {
        // Planes of ℝ⁵ that share a direction and open by a known angle in another; turned together they keep
        // it.
        for angle in [1e-9_f64, 1e-3, 30.0, 90.0] {
            let (sine, cosine) = angle.to_radians().sin_cos();
            let one = dmatrix![1.0, 0.0; 0.0, 1.0; 0.0, 0.0; 0.0, 0.0; 0.0, 0.0];
            let other = dmatrix![0.0, 1.0; cosine, 0.0; sine, 0.0; 0.0, 0.0; 0.0, 0.0];
            let turn = rotation(5, 4);
            let found = principal_angles(&(&turn * one), &(&turn * other));
            // Rounding of 2e-16 in a sine is 1e-14 of a degree; a few products add up.
            assert!(found[0].abs() < 1e-13 && (found[1] - angle).abs() < 1e-13 * (1.0 + angle), "{found:?}");
        }
    }

    #[test]
    fn leading_subspaces_are_those_of_the_largest_singular_values() {
        // A = U diag(5, 4, 3, 0.1) Vᵀ: the leading two are known, whatever the signs and the order within.
        let (u, v) = (rotation(6, 5), rotation(4, 6));
        let values = DMatrix::from_fn(6, 4, |i, j| if i == j { [5.0, 4.0, 3.0, 0.1][i] } else { 0.0 });
        let found = Leading::of(&(&u * values * v.transpose()), 2).unwrap();
        for (basis, known) in [(&found.left, &u), (&found.right, &v)] {
            assert_eq!(basis.ncols(), 2);
            let angles = principal_angles(basis, &known.columns(0, 2).into_owned());
            // Rounding over the gap of one between the singular values, in degrees.
            assert!(angles.iter().all(|angle| *angle < 1e-12), "{angles:?}");
        }
        assert_eq!(Leading::of(&normal(3, 8, 7), 5).unwrap().right.ncols(), 3, "as many as there are");
        assert!(Leading::of(&dmatrix![1.0, f64::NAN], 1).is_none());
        assert!(Leading::of(&dmatrix![1.0, 1.0; 1.0, 1.0], 2).is_none(), "rank one has no plane");
    }
}
