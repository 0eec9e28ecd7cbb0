//! The lowest point of a polynomial through some points, and how far it can be trusted.

use nalgebra::{DMatrix, DVector};

/// Degree of the polynomial whose vertex is told: the first that is not symmetric, as no valley is whose
/// sides rise by different powers.
const DEGREE: usize = 3;

/// A vertex.
#[derive(Clone, Debug)]
pub(super) struct Fit {
    /// Position of the minimum.
    pub vertex: f64,
    /// Error by polynomials of another degree and by the scatter of the points.
    pub error: f64,
    /// Its degree; 0 if there was none.
    pub degree: usize,
}

/// Coefficients in `(x − centre)/scale`.
struct Polynomial {
    centre: f64,
    scale: f64,
    coefficients: Vec<f64>,
}

impl Fit {
    /// The fit of as many degrees as the points allow, its vertex between `ends`; `None` if there is none.
    pub fn of(points: &[(f64, f64)], ends: (f64, f64)) -> Option<Self> {
        let n = points.len();
        // With a point to spare for each degree but the lowest, which three points have.
        let (degree, other) = match n {
            0..3 => return None,
            3 | 4 => (2, None),
            5 => (DEGREE, Some(2)),
            _ => (DEGREE, Some(DEGREE + 1)),
        };
        let inside = |x: &f64| (ends.0..=ends.1).contains(x);
        let (vertex, scatter, bottom) = Self::of_degree(points, degree).filter(|(x, ..)| inside(x))?;
        // Three or four points cannot tell what their parabola is worth: half their distance.
        let spacing = (points[n - 1].0 - points[0].0) / (n - 1) as f64;
        let model = match other {
            None => 0.5 * spacing,
            Some(other) => Self::vertex(points, other).map_or(0.5 * spacing, |x| (x - vertex).abs()),
        };
        Some(Self { vertex, error: model.hypot(scatter.max(bottom)), degree })
    }

    /// The parabola through points that are random about it, its vertex between `ends`.
    pub fn random(points: &[(f64, f64)], ends: (f64, f64)) -> Option<Self> {
        if points.len() < 6 {
            return None;
        }
        let (vertex, scatter, _) =
            Self::of_degree(points, 2).filter(|(x, ..)| (ends.0..=ends.1).contains(x))?;
        let other = Self::vertex(points, DEGREE).map_or(0.0, |x| (x - vertex).abs());
        Some(Self { vertex, error: scatter.hypot(other), degree: 2 })
    }

    /// The vertex of a polynomial of some degree; of degree 0, the lowest point.
    pub fn vertex(points: &[(f64, f64)], degree: usize) -> Option<f64> {
        Self::of_degree(points, degree).map(|found| found.0)
    }

    /// The same with what the points' distances from the polynomial leave open: its standard error if they
    /// are random, and the half width of the bottom that lies no higher than they do, if they are not.
    fn of_degree(points: &[(f64, f64)], degree: usize) -> Option<(f64, f64, f64)> {
        if degree == 0 {
            let lowest = points.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
            return Some((lowest.0, 0.0, 0.0));
        }
        if points.len() <= degree {
            return None;
        }
        let (first, last) = (points.first()?.0, points.last()?.0);
        let (centre, scale) = (0.5 * (first + last), 0.5 * (last - first));
        let powers = |x: f64| (0..=degree).map(move |k| power((x - centre) / scale, k));
        let rows: Vec<f64> = points.iter().flat_map(|(x, _)| powers(*x)).collect();
        let matrix = DMatrix::from_row_slice(points.len(), degree + 1, &rows);
        let heights = DVector::from_iterator(points.len(), points.iter().map(|p| p.1));
        let normal = (matrix.transpose() * &matrix).try_inverse()?;
        let coefficients = &normal * matrix.transpose() * &heights;
        let left = (&matrix * &coefficients - heights).norm_squared();
        let polynomial = Polynomial { centre, scale, coefficients: coefficients.as_slice().to_vec() };
        let (vertex, curvature) = polynomial.lowest()?;
        let spare = points.len() - degree - 1;
        let variance = if spare > 0 { left / spare as f64 } else { 0.0 };
        // p′(v) = 0 moves by −δp′(v)/p″(v).
        let slope = DVector::from_fn(degree + 1, |k, _| match k {
            0 => 0.0,
            k => k as f64 * power(vertex, k - 1),
        });
        let scatter = (variance * slope.dot(&(&normal * &slope))).sqrt() / curvature;
        let bottom = (2.0 * variance.sqrt() / curvature).sqrt();
        Some((
            polynomial.centre + polynomial.scale * vertex,
            polynomial.scale * scatter,
            polynomial.scale * bottom,
        ))
    }
}

/// Points at which the derivative is looked at for a change of sign.
const PARTS: i32 = 64;

impl Polynomial {
    fn derivative(&self, x: f64, order: usize) -> f64 {
        let falling = |k: usize| (0..order).map(|j| (k - j) as f64).product::<f64>();
        let term = |(k, c): (usize, &f64)| c * falling(k) * power(x, k - order);
        self.coefficients.iter().enumerate().skip(order).map(term).sum()
    }

    /// The lowest minimum between the outermost points, in scaled units, with the curvature there.
    fn lowest(&self) -> Option<(f64, f64)> {
        let at = |k: i32| f64::from(k) / f64::from(PARTS);
        let rises = |k: &i32| self.derivative(at(*k), 1) < 0.0 && self.derivative(at(k + 1), 1) >= 0.0;
        let roots = (-PARTS..PARTS).filter(rises).map(|k| {
            let (mut low, mut high) = (at(k), at(k + 1));
            for _ in 0..50 {
                let middle = 0.5 * (low + high);
                if self.derivative(middle, 1) < 0.0 { low = middle } else { high = middle }
            }
            high
        });
        let lowest = roots.min_by(|a, b| self.derivative(*a, 0).total_cmp(&self.derivative(*b, 0)))?;
        let curvature = self.derivative(lowest, 2);
        (curvature > 0.0).then_some((lowest, curvature))
    }
}

/// `xᵏ` for the few `k` of a fit.
fn power(x: f64, k: usize) -> f64 {
    (0..k).fold(1.0, |product, _| product * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vertex_of_a_polynomial_is_found_from_uneven_points() {
        let at = |x: f64| (x, 3.0 + 0.7 * (x - 0.4).powi(2) + 0.1 * (x - 0.4).powi(3));
        let found = Fit::of(&[-1.0, 0.0, 0.3, 1.1, 1.6, 2.5].map(at), (-1.0, 2.5)).unwrap();
        assert!((found.vertex - 0.4).abs() < 1e-9 && found.error < 1e-6, "{found:?}");
        assert!(Fit::of(&[(0.0, 0.0), (1.0, 1.0), (2.0, 0.0)], (0.0, 2.0)).is_none());
    }
}
