//! Whether a Hopf point gives birth to a stable cycle: the first Lyapunov coefficient.

use nalgebra::{Complex, DMatrix, DVector};

use super::{Family, Vector};

/// Steps of the second and third differences along a direction of length 1, as shares of `1 + ‖x‖∞`: where
/// rounding and the next term of the series are both small (`ε^{1/4}` and `ε^{1/5}`).
const SECOND: f64 = 1.2e-4;
const THIRD: f64 = 7e-4;

/// First Lyapunov coefficient of a Hopf point with angular frequency `omega`, eigenvector of length 1.
///
/// `ℓ₁ = Re[⟨p, C(q,q,q̄)⟩ − 2⟨p, B(q, A⁻¹B(q,q̄))⟩ + ⟨p, B(q̄, (2iω − A)⁻¹B(q,q))⟩] / 2ω` with `A q = iω q`,
/// `Aᵀ p = −iω p`, `⟨p, q⟩ = 1`, and `B`, `C` the second and third derivatives of `F` (Kuznetsov, *Elements
/// of Applied Bifurcation Theory*, 3rd ed., eq. 5.39), here by differences along real directions. `None` if a
/// linear system has no solution.
#[must_use]
pub fn first_lyapunov(family: &dyn Family, x: &Vector, parameter: f64, omega: f64) -> Option<f64> {
    let field = Field { family, x, parameter };
    let matrix = family.jacobian(x, parameter);
    let wide = matrix.map(Complex::from);
    let q = null_vector(&wide, Complex::new(0.0, omega))?;
    let p = null_vector(&wide.transpose(), Complex::new(0.0, -omega))?;
    let p = &p / p.dotc(&q).conj();
    let bar = q.conjugate();
    let first = field.third(&q);
    let steady = matrix.lu().solve(&field.second(&q, &bar).map(|z| z.re))?.map(Complex::from);
    let n = wide.nrows();
    let double = DMatrix::from_diagonal_element(n, n, Complex::new(0.0, 2.0 * omega)) - &wide;
    let double = double.lu().solve(&field.second(&q, &q))?;
    let sum =
        p.dotc(&first) - p.dotc(&field.second(&q, &steady)) * 2.0 + p.dotc(&field.second(&bar, &double));
    Some(sum.re / (2.0 * omega)).filter(|found| found.is_finite())
}

/// The vector of length 1 that `matrix` multiplies with `eigenvalue`, by inverse iteration.
fn null_vector(matrix: &DMatrix<Complex<f64>>, eigenvalue: Complex<f64>) -> Option<DVector<Complex<f64>>> {
    let n = matrix.nrows();
    // A little beside the eigenvalue, or there would be nothing to invert.
    let shift = eigenvalue * (1.0 + 1e-9);
    let inverse = (matrix - DMatrix::from_diagonal_element(n, n, shift)).lu();
    // No component of the start is special, so that none is missing.
    let mut vector = DVector::from_fn(n, |i, _| Complex::new(1.0, (1.0 + i as f64).sqrt().fract()));
    for _ in 0..4 {
        vector = inverse.solve(&vector)?;
        let length = vector.norm();
        vector /= Complex::from(length);
    }
    Some(vector)
}

/// A field around a point.
struct Field<'a> {
    family: &'a dyn Family,
    x: &'a Vector,
    parameter: f64,
}

type Wide = DVector<Complex<f64>>;

impl Field<'_> {
    fn at(&self, direction: &Vector, steps: f64) -> Vector {
        self.family.residual(&(self.x + direction * steps), self.parameter)
    }

    /// `B(v, v)`.
    fn twice(&self, v: &Vector) -> Vector {
        let length = v.norm();
        if length == 0.0 {
            return v.clone();
        }
        let step = SECOND * (1.0 + self.x.amax());
        let unit = v / length;
        let middle = self.at(&unit, 0.0) * 2.0;
        (self.at(&unit, step) + self.at(&unit, -step) - middle) * (length / step).powi(2)
    }

    /// `C(v, v, v)`.
    fn thrice(&self, v: &Vector) -> Vector {
        let length = v.norm();
        if length == 0.0 {
            return v.clone();
        }
        let step = THIRD * (1.0 + self.x.amax());
        let unit = v / length;
        let outer = self.at(&unit, 1.5 * step) - self.at(&unit, -1.5 * step);
        let inner = self.at(&unit, 0.5 * step) - self.at(&unit, -0.5 * step);
        (outer - inner * 3.0) * (length / step).powi(3)
    }

    /// `B(a, b)` of real vectors, by polarisation.
    fn mixed(&self, a: &Vector, b: &Vector) -> Vector {
        (self.twice(&(a + b)) - self.twice(&(a - b))) / 4.0
    }

    /// `B(a, b)`.
    fn second(&self, a: &Wide, b: &Wide) -> Wide {
        let (a, b) = (parts(a), parts(b));
        let re = self.mixed(&a.0, &b.0) - self.mixed(&a.1, &b.1);
        let im = self.mixed(&a.0, &b.1) + self.mixed(&a.1, &b.0);
        together(&re, &im)
    }

    /// `C(q, q, q̄)`, by polarisation: `C(a,a,a) + C(a,b,b) + i (C(a,a,b) + C(b,b,b))` for `q = a + ib`.
    fn third(&self, q: &Wide) -> Wide {
        let (a, b) = parts(q);
        let (sum, difference) = (self.thrice(&(&a + &b)), self.thrice(&(&a - &b)));
        let (first, second) = (self.thrice(&a), self.thrice(&b));
        let aab = (&sum - &difference - &second * 2.0) / 6.0;
        let abb = (&sum + &difference - &first * 2.0) / 6.0;
        together(&(first + abb), &(aab + second))
    }
}

fn parts(vector: &Wide) -> (Vector, Vector) {
    (vector.map(|z| z.re), vector.map(|z| z.im))
}

fn together(re: &Vector, im: &Vector) -> Wide {
    re.zip_map(im, Complex::new)
}
