//! The valley between bias and noise: the predicted angle to backpropagation against the nudge β.
//!
//! A weak nudge leaves the error below the noise, a strong one bends the gradient (docs/model.md §3.8). Both
//! sides are known without training: the bias from the fixed points, the noise from the Lyapunov equation
//! there, each at every β.

use rayon::prelude::*;

use super::point::OperatingPoint;
use super::signal::{Estimate, Reading};
use crate::chip::{Chip, Weights};
use crate::circuit::Dynamics;
use crate::learn::{Backprop, Batch, Gradient, Rule, nudged};
use crate::solve::homotopy;
use crate::spec::CircuitSpec;

/// Fixed points are found to this residual, in units of `1 V + ‖v_free‖∞`.
const TOLERANCE: f64 = 1e-9;

/// Prediction for one β.
#[derive(Clone, Debug)]
pub struct NudgeSweep {
    /// The nudge.
    pub beta: f64,
    /// The estimate of the batch; `None` if a sample has no stable fixed point there.
    pub estimate: Option<Estimate>,
    /// Samples without a stable fixed point: their circuits latch up or ring.
    pub unstable: usize,
}

impl NudgeSweep {
    /// Predictions for a batch at several nudges, every state read for `time` (s).
    ///
    /// The circuit is that of `spec` on the ideal chip or one like it; samples run on all threads.
    #[must_use]
    pub fn predict(
        spec: &CircuitSpec,
        chip: &Chip<f64>,
        weights: &Weights<f64>,
        batch: &Batch<f64>,
        betas: &[f64],
        time: f64,
    ) -> Vec<Self> {
        let one = |&beta: &f64| {
            let mut spec = spec.clone();
            spec.nudge.beta = beta;
            let circuit = nudged(chip, weights, batch, &spec);
            let free = circuit.free_state();
            let tolerance = TOLERANCE * (1.0 + free.amax());
            let estimates: Vec<Option<Estimate>> = (0..free.nrows())
                .into_par_iter()
                .map(|i| {
                    let start: Vec<f64> = free.row(i).iter().copied().collect();
                    let found = homotopy(&circuit, i, &start, tolerance);
                    let point = OperatingPoint::new(&circuit, &batch.inputs, i, &found.state);
                    let reading = found.converged.then(|| Reading::of(&point, time).ok()).flatten()?;
                    Some(reading.estimate(beta))
                })
                .collect();
            let unstable = estimates.iter().filter(|estimate| estimate.is_none()).count();
            let stable: Vec<Estimate> = estimates.into_iter().flatten().collect();
            let estimate = if unstable == 0 { Estimate::mean_of(&stable) } else { None };
            Self { beta, estimate, unstable }
        };
        betas.iter().map(one).collect()
    }
}

/// Exact gradient of the mean loss of a batch, by backpropagation.
#[must_use]
pub fn exact_gradient(
    spec: &CircuitSpec,
    chip: &Chip<f64>,
    weights: &Weights<f64>,
    batch: &Batch<f64>,
) -> Gradient<f64> {
    let mut gradient = Gradient::zeros(weights);
    Backprop::new(chip.clone(), &spec.nudge).estimate(weights, batch, &mut gradient);
    gradient
}

/// The β of the smallest total angle, for batches of `batch` samples: of the parabola in `ln β` through the
/// smallest value and its neighbours, or the smallest itself at an end. `None` without any value.
#[must_use]
pub fn best(valley: &[NudgeSweep], truth: &Gradient<f64>, batch: usize) -> Option<(f64, f64)> {
    let angle = |at: &NudgeSweep| Some((at.beta.ln(), at.estimate.as_ref()?.angle(truth, None, batch).total));
    let points: Vec<Option<(f64, f64)>> = valley.iter().map(angle).collect();
    let known = points.iter().enumerate().filter_map(|(k, point)| Some((k, (*point)?)));
    let (k, (at, least)) = known.min_by(|a, b| a.1.1.total_cmp(&b.1.1))?;
    let beside = |offset: usize| points.get(offset).copied().flatten();
    let (Some((x0, y0)), Some((x2, y2))) = (k.checked_sub(1).and_then(beside), beside(k + 1)) else {
        return Some((at.exp(), least));
    };
    let (left, right) = ((at - x0) * (least - y2), (at - x2) * (least - y0));
    let (square, linear) = ((at - x0) * left - (at - x2) * right, left - right);
    if linear == 0.0 {
        return Some((at.exp(), least));
    }
    let lowest = at - 0.5 * square / linear;
    // Lagrange's interpolation at the lowest point.
    let part = |x: f64, a: f64, b: f64, y: f64| y * (lowest - a) * (lowest - b) / ((x - a) * (x - b));
    let value = part(x0, at, x2, y0) + part(at, x0, x2, least) + part(x2, x0, at, y2);
    Some((lowest.exp(), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Matrix;

    /// A truth `(1, 0)`, estimates `(1, c β)` and noise of power `s²/β²`.
    fn invented(betas: &[f64], slope: f64, noise: f64) -> (Vec<NudgeSweep>, Gradient<f64>) {
        let gradient =
            |aside: f64| Gradient::new(vec![Matrix::from_row_slice(1, 2, &[1.0, aside])], vec![vec![0.0]]);
        let at = |&beta: &f64| {
            let mean = gradient(slope * beta);
            let estimate = Some(Estimate { mean, noise: vec![(noise / beta).powi(2)], samples: 1 });
            NudgeSweep { beta, estimate, unstable: 0 }
        };
        (betas.iter().map(at).collect(), gradient(0.0))
    }

    #[test]
    fn the_best_nudge_balances_bias_and_noise() {
        // 1/cos² = (1 + c²β²)(1 + s²β⁻²(1 + c²β²)⁻¹) = 1 + c²β² + s²/β²: least at β² = s/c.
        let betas: Vec<f64> = (0..19).map(|k| 10_f64.powf(-2.0 + f64::from(k) / 6.0)).collect();
        for (slope, noise) in [(0.1, 0.01), (0.05, 0.002), (0.2, 0.1)] {
            let (mut valley, truth) = invented(&betas, slope, noise);
            let (beta, angle) = best(&valley, &truth, 1).unwrap();
            let exact = (noise / slope).sqrt();
            let least = (1.0 + 2.0 * slope * noise).sqrt().recip().acos().to_degrees();
            // A parabola over two steps of ln 10/6 = 0.38: cubic terms vanish at the symmetric valley,
            // quartic ones leave 1 %.
            assert!((beta / exact - 1.0).abs() < 0.03, "{beta} {exact}");
            assert!((angle / least - 1.0).abs() < 0.03, "{angle} {least}");
            // A hundred samples have a tenth of the noise, and a valley at a smaller β.
            let (more, _) = best(&valley, &truth, 100).unwrap();
            assert!((more / (exact / 10.0_f64.sqrt()) - 1.0).abs() < 0.03 || more == betas[0], "{more}");
            // What is unstable is passed over.
            valley.iter_mut().filter(|at| at.beta > 0.02).for_each(|at| at.estimate = None);
            assert!(best(&valley, &truth, 1).unwrap().0 <= 0.02);
        }
        assert_eq!(best(&[], &invented(&betas, 1.0, 1.0).1, 1), None);
    }
}
