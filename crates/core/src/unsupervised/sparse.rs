//! White inputs with one sparse source in an unknown direction: what nonlinear Hebbian learning must find.

use rand::RngExt as _;
use rand_distr::{Distribution, StandardNormal};

use crate::matrix::Matrix;
use crate::random::{Key, Kind, Stream, stream};

/// White data and what is hidden in them.
#[derive(Clone, Debug)]
pub struct SparseSource {
    /// Inputs `[samples × inputs]`: mean 0, covariance the identity.
    pub inputs: Matrix<f64>,
    /// Unit vector along which the source lies.
    pub direction: Vec<f64>,
}

/// Draws `samples` of `inputs` numbers, at least one: `x = R s` with a random rotation `R`, where `s₁` is
/// Bernoulli–Gauss, `N(0, 1/p)` with probability `p` and else 0, and all others are standard normal.
///
/// Streams `Data` of `seed`: device 0 the rotation, device 1 and step `i` sample `i`.
#[must_use]
pub fn sparse(samples: usize, inputs: usize, p: f64, seed: u64) -> SparseSource {
    let normal = |source: &mut Stream| -> f64 { StandardNormal.sample(source) };
    let key = Key::new(seed, Kind::Data);
    let mut source = stream(key);
    let square = Matrix::from_fn(inputs, inputs, |_, _| normal(&mut source));
    // Q of a normal matrix, with the signs of R's diagonal, is uniform over all rotations (Mezzadri 2007).
    let (mut rotation, triangle) = square.qr().unpack();
    for (mut column, sign) in rotation.column_iter_mut().zip(triangle.diagonal().iter()) {
        column *= sign.signum();
    }
    let mut sources = Matrix::zeros(samples, inputs);
    for (sample, mut row) in sources.row_iter_mut().enumerate() {
        let mut source = stream(key.device(1).step(sample as u32));
        let is_active = source.random::<f64>() < p;
        for (i, s) in row.iter_mut().enumerate() {
            let z = normal(&mut source);
            *s = if i > 0 {
                z
            } else if is_active {
                z / p.sqrt()
            } else {
                0.0
            };
        }
    }
    let direction = rotation.column(0).iter().copied().collect();
    SparseSource { inputs: sources * rotation.transpose(), direction }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_white_and_the_source_lies_along_its_direction() {
        let (n, p) = (40_000, 0.1);
        let found = sparse(n, 6, p, 5);
        let covariance = found.inputs.tr_mul(&found.inputs) / n as f64;
        // A product of two inputs varies by its fourth moment, at most 3/p: five standard errors.
        let error = 5.0 * (3.0 / p / n as f64).sqrt();
        assert!((covariance - Matrix::identity(6, 6)).amax() < error);
        let source: Vec<f64> = (0..n)
            .map(|i| found.inputs.row(i).iter().zip(&found.direction).map(|(x, d)| x * d).sum::<f64>())
            .collect();
        // A rotation errs by some ε: what is silent is silent.
        let silent = source.iter().filter(|s| s.abs() < 1e-12).count() as f64 / n as f64;
        assert!((silent - (1.0 - p)).abs() < 5.0 * (p * (1.0 - p) / n as f64).sqrt(), "{silent}");
        let norm: f64 = found.direction.iter().map(|d| d * d).sum();
        assert!((norm - 1.0).abs() < 1e-14);
    }

    #[test]
    fn seeds_turn_the_source_elsewhere() {
        let (one, other) = (sparse(1, 6, 0.1, 1).direction, sparse(1, 6, 0.1, 2).direction);
        assert_ne!(one, other);
    }
}
