//! The functions `φ_k` of exponential integrators: `φ_0(z) = eᶻ`, `φ_{k+1}(z) = (φ_k(z) − 1/k!)/z`.

/// `[φ_0, φ_1, φ_2, φ_3](z)` for real `z ≤ 0`, to rounding.
///
/// The recursion loses digits near 0, where the Taylor series `φ_k(z) = Σ zⁱ/(i + k)!` is summed instead.
/// Hochbruck & Ostermann, Acta Numerica 19, 209 (2010), eq. 2.10.
#[must_use]
pub fn phi(z: f64) -> [f64; 4] {
    if z.abs() < 1.0 {
        let (p1, p2, p3) = (series(z, 1), series(z, 2), series(z, 3));
        return [z.exp(), p1, p2, p3];
    }
    let p1 = z.exp_m1() / z;
    let p2 = (p1 - 1.0) / z;
    let p3 = (p2 - 0.5) / z;
    [z.exp(), p1, p2, p3]
}

/// Weight of the drive's third derivative in the error of three points:
/// `∫₀¹ e^{(1−s)z} s (s − ½)(s − 1) ds = 6 φ_4 − 3 φ_3 + ½ φ_2`.
#[must_use]
pub fn cubic(z: f64) -> f64 {
    let [_, _, p2, p3] = phi(z);
    let p4 = if z.abs() < 1.0 { series(z, 4) } else { (p3 - 1.0 / 6.0) / z };
    6.0 * p4 - 3.0 * p3 + 0.5 * p2
}

/// `Σ_{i ≥ 0} zⁱ/(i + k)!`; 20 terms are exact to rounding for `|z| < 1`.
fn series(z: f64, k: u32) -> f64 {
    let first = 1.0 / f64::from((1..=k).product::<u32>());
    let mut term = first;
    let mut sum = first;
    for i in 1..20 {
        term *= z / f64::from(i + k);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cubic_has_the_moments_of_its_own_expansion() {
        for z in [-1e-3, -1.0, -10.0] {
            let panels = 20_000;
            let middle = |i: usize| (i as f64 + 0.5) / f64::from(panels);
            let of = |s: f64| ((1.0 - s) * z).exp() * s * (s - 0.5) * (s - 1.0);
            let sum: f64 = (0..panels as usize).map(|i| of(middle(i))).sum::<f64>() / f64::from(panels);
            // The midpoint rule errs by f″/24 panels⁻²: 1e-9 of derivatives of order 100.
            assert!((cubic(z) - sum).abs() < 1e-8, "{z}: {} {sum}", cubic(z));
        }
        assert!((cubic(-1e-3) * 120.0 / -1e-3 - 1.0).abs() < 1e-3); // z/120 to first order
    }

    #[test]
    fn phi_functions_are_moments_of_the_exponential() {
        // φ_k(z) = ∫₀¹ e^{(1−s)z} s^{k−1}/(k−1)! ds, by Gauss–Legendre on 200 panels of two points.
        for z in [-1e-9, -0.3, -0.999, -1.001, -4.0, -30.0] {
            let found = phi(z);
            for k in 1..4_u32 {
                let factorial = f64::from((1..k).product::<u32>().max(1));
                let panels = 2000;
                let integral: f64 = (0..2 * panels)
                    .map(|i| {
                        let offset = if i % 2 == 0 { -1.0 } else { 1.0 } / 3f64.sqrt();
                        let s = (f64::from(i / 2) + 0.5 + 0.5 * offset) / f64::from(panels);
                        ((1.0 - s) * z).exp() * s.powf(f64::from(k) - 1.0) / factorial / f64::from(2 * panels)
                    })
                    .sum();
                // Two-point Gauss errs by (h z)⁴/4320 relative to the integrand: 1e-11 here.
                assert!((found[k as usize] - integral).abs() < 1e-10, "φ_{k}({z})");
            }
        }
    }
}
