//! Interpolation in time by the functions that circuits relax with, and what a leak makes of them.
//!
//! A cascade of `m` equal leaks answers a step with `e_m(x) = 1 − e⁻ˣ Σ_{k<m} xᵏ/k!` (`x` in time constants,
//! `e_0 = 1`): a regularised incomplete gamma function. Under `DPᵀ` the differences are such a cascade, so in
//! the linear regime these functions follow the drives exactly; where they do not, they are as good as powers
//! of time on short steps (`e_m ≈ xᵐ/m!`) and, unlike powers, remain bounded on long ones. Adams methods on
//! them need no other functions: a compartment with the same leak turns `e_m` into `e_{m+1}`.

/// Most drives that are interpolated: three behind and the new one.
pub(super) const POINTS: usize = 3;
/// Functions kept for the series of [`Passed::moments`].
const SERIES: usize = 24;

/// `[e_0, …, e_{n−1}](x)`; to rounding for `x ≥ 0`, and to some digits less for `x < 0`.
fn gammas<const N: usize>(x: f64) -> [f64; N] {
    let decay = (-x).exp();
    let mut terms = [decay; N]; // e⁻ˣ xᵏ/k!
    for k in 1..N {
        terms[k] = terms[k - 1] * x / k as f64;
    }
    let mut values = [1.0; N];
    if x.abs() < N as f64 {
        // The tail of the series, then downwards: e_{m−1} = e_m + e⁻ˣ xᵐ⁻¹/(m−1)!.
        let mut term = terms[N - 1];
        let mut tail = 0.0;
        let mut k = (N - 1) as f64;
        while term.abs() > 1e-18 * f64::abs(tail) {
            tail += term;
            k += 1.0;
            term *= x / k;
        }
        values[N - 1] = tail;
        (1..N - 1).rev().for_each(|m| values[m] = values[m + 1] + terms[m]);
        return values;
    }
    (1..N).for_each(|m| values[m] = values[m - 1] - terms[m - 1]);
    values
}

/// Time that has passed, and what it makes of the functions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passed {
    /// In slowest time constants.
    length: f64,
    /// `e_0, e_1, …` at the end.
    gammas: [f64; SERIES],
}

impl Passed {
    /// After `length ≥ 0` slowest time constants.
    pub(super) fn new(length: f64) -> Self {
        Self { length, gammas: gammas(length) }
    }

    /// `[e_0, e_1, e_2, e_3]`.
    pub(super) fn values(&self) -> [f64; POINTS + 1] {
        std::array::from_fn(|m| self.gammas[m])
    }

    /// What a compartment with `ratio ≥ 1` times the slowest leak makes of each `e_m`, from 0 V.
    ///
    /// `V + V'/r = e_m` and `e_m' = e_{m−1} − e_m` give `V_m = Σ_i r (1 − r)ⁱ e_{m+1+i}`, which loses digits
    /// when `(r − 1) x` is large, and `V_m = (r e_m − V_{m−1})/(r − 1)`, which does when it is small.
    pub(super) fn moments(&self, ratio: f64) -> [f64; POINTS + 1] {
        let mut moments = [0.0; POINTS + 1];
        if (ratio - 1.0) * self.length < 1.0 {
            for (m, moment) in moments.iter_mut().enumerate() {
                let terms = self.gammas[m + 1..].iter().rev();
                *moment = ratio * terms.fold(0.0, |sum, e| e + (1.0 - ratio) * sum);
            }
            return moments;
        }
        moments[0] = -(-ratio * self.length).exp_m1();
        for m in 1..=POINTS {
            moments[m] = (ratio * self.gammas[m] - moments[m - 1]) / (ratio - 1.0);
        }
        moments
    }

    /// What it leaves of a potential in such a compartment.
    pub(super) fn decay(&self, ratio: f64) -> f64 {
        (-ratio * self.length).exp()
    }
}

/// Generalised Newton interpolation through the last drives and the new one.
///
/// `N_k = e_k −` (what interpolates `e_k` at the first `k` points): it vanishes at all earlier points.
#[derive(Clone, Debug)]
pub(super) struct Basis {
    /// The step.
    step: Passed,
    /// Points behind, 1 to [`POINTS`].
    points: usize,
    /// `N_k = e_k − Σ_j shares[k][j] N_j`.
    shares: [[f64; POINTS + 1]; POINTS + 1],
    /// Divided differences as weights of the drives behind.
    differences: [[f64; POINTS]; POINTS],
    /// `N_k` at the end of the step.
    ends: [f64; POINTS + 1],
}

/// What one step does to compartments of one time constant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    /// Weights of the potential and of the drives behind in the prediction.
    pub(super) predict: [f64; POINTS + 1],
    /// The same in the correction, whose weight of the new drive is `gain`.
    pub(super) correct: [f64; POINTS + 1],
    /// Weight of the new drive.
    pub(super) gain: f64,
    /// The error of the correction that leaves the oldest drive out, per distance of correction and
    /// prediction (Shampine & Gordon 1975, ch. 4).
    pub(super) error: f64,
}

impl Basis {
    /// For a step of `length`, with drives known at `behind`: the first 0, the others negative (slowest time
    /// constants).
    pub(super) fn new(length: f64, behind: &[f64]) -> Self {
        let points = behind.len().min(POINTS);
        let mut basis = Self {
            step: Passed::new(length),
            points,
            shares: [[0.0; POINTS + 1]; POINTS + 1],
            differences: [[0.0; POINTS]; POINTS],
            ends: [0.0; POINTS + 1],
        };
        let mut at = [[0.0; POINTS + 1]; POINTS];
        for (values, &x) in at.iter_mut().zip(behind) {
            *values = gammas(x);
        }
        for k in 1..=points {
            // All e_k but e_0 vanish at the first point.
            for (j, values) in at.iter().enumerate().take(k) {
                let known: f64 = (0..j).map(|i| basis.shares[k][i] * values[i]).sum();
                basis.shares[k][j] = (values[k] - known) / values[j];
            }
            at[..points].iter_mut().skip(k).for_each(|values| values[k] = basis.newton(k, values));
        }
        basis.ends = basis.step.values();
        (1..=points).for_each(|k| basis.ends[k] = basis.newton(k, &basis.ends));
        basis.differ(&at);
        basis
    }

    /// Sets the divided differences, from the values of every `N_k` at the points behind.
    fn differ(&mut self, at: &[[f64; POINTS + 1]; POINTS]) {
        for (k, values) in at.iter().enumerate().take(self.points) {
            self.differences[k][k] = 1.0 / values[k];
            for i in 0..k {
                let known: f64 = (i..k).map(|j| values[j] * self.differences[j][i]).sum();
                self.differences[k][i] = -known / values[k];
            }
        }
    }

    /// A functional of `N_k` from that of `e_k` in `values[k]` and those of the earlier `N_j`.
    fn newton(&self, k: usize, values: &[f64; POINTS + 1]) -> f64 {
        values[k] - (0..k).map(|j| self.shares[k][j] * values[j]).sum::<f64>()
    }

    /// Weights for compartments with `ratio ≥ 1` times the slowest leak.
    pub(super) fn weights(&self, ratio: f64) -> Weights {
        let mut moments = self.step.moments(ratio);
        (1..=self.points).for_each(|k| moments[k] = self.newton(k, &moments));
        let gains: [f64; POINTS + 1] = std::array::from_fn(|k| moments[k] / self.ends[k]);
        let gain = gains[self.points];
        let decay = self.step.decay(ratio);
        let (mut predict, mut correct) = ([0.0; POINTS + 1], [0.0; POINTS + 1]);
        (predict[0], correct[0]) = (decay, decay);
        for i in 0..self.points {
            for (k, moment) in moments.iter().enumerate().take(self.points).skip(i) {
                predict[i + 1] += moment * self.differences[k][i];
                correct[i + 1] += (moment - gain * self.ends[k]) * self.differences[k][i];
            }
        }
        Weights { predict, correct, gain, error: (gain - gains[self.points - 1]).abs() / gain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `∫₀ˣ r e^{−r(x−s)} f(s) ds` by two-point Gauss on 4000 panels.
    fn leak(ratio: f64, x: f64, f: impl Fn(f64) -> f64) -> f64 {
        let panel = x / 4000.0;
        let points =
            (0..4000).flat_map(|i| [-1.0, 1.0].map(|side| f64::from(i) + 0.5 + 0.5 * side / 3f64.sqrt()));
        points.map(|i| 0.5 * panel * ratio * (-ratio * (x - i * panel)).exp() * f(i * panel)).sum()
    }

    #[test]
    fn moments_are_what_leaks_make_of_the_functions() {
        for (ratio, x) in
            [(1.0, 1e-3), (1.0, 0.7), (1.0, 20.0), (1.3, 0.2), (1.3, 9.0), (4.0, 0.3), (4.0, 5.0)]
        {
            for (m, found) in Passed::new(x).moments(ratio).into_iter().enumerate() {
                let exact = leak(ratio, x, |s| gammas::<4>(s)[m]);
                // Two-point Gauss errs by (r h)⁴/4320 of the integral: 1e-13 here at most.
                assert!((found - exact).abs() < 1e-12, "{m} {ratio} {x}: {found} {exact}");
            }
        }
    }

    #[test]
    fn drives_made_of_the_functions_are_followed_exactly_by_steps_of_any_length() {
        let drive = |x: f64| 0.3 + (-x).exp() * (0.5 - 0.2 * x);
        for behind in [&[0.0][..], &[0.0, -0.4], &[0.0, -0.4, -1.5], &[0.0, -1e-3, -3e-3], &[0.0, -4.0, -6.0]]
        {
            for (ratio, length) in [(1.0, 1e-3), (1.0, 8.0), (2.5, 0.3), (2.5, 30.0)] {
                let weights = Basis::new(length, behind).weights(ratio);
                let terms = |weights: [f64; POINTS + 1]| -> Vec<f64> {
                    let known = behind.iter().zip(&weights[1..]).map(|(x, w)| w * drive(*x));
                    std::iter::once(0.7 * weights[0]).chain(known).collect()
                };
                let exact = 0.7 * (-ratio * length).exp() + leak(ratio, length, drive);
                // The panels of `leak` err by (r h)⁴/4320 at most: 3e-11. Extrapolating a thousand spacings
                // makes terms of 1e6 cancel: each carries the roundings of its weight and drive, two of
                // either.
                let check = |terms: Vec<f64>| {
                    let size: f64 = terms.iter().map(|term| term.abs()).sum();
                    let error = (terms.iter().sum::<f64>() - exact).abs();
                    assert!(
                        error < 3e-11 + 4.0 * f64::EPSILON * size,
                        "{behind:?} {ratio} {length} {error:e}"
                    );
                };
                if behind.len() == 3 {
                    check(terms(weights.predict));
                }
                if behind.len() >= 2 {
                    let mut all = terms(weights.correct);
                    all.push(weights.gain * drive(length));
                    check(all);
                }
            }
        }
    }
}
