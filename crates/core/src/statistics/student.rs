//! Means of independent values, and how far apart such means may lie.

use super::mean;

/// A mean over independent replicas and its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}

/// Mean and standard error of independent values, at least two.
#[must_use]
pub fn across(values: &[f64]) -> Estimate {
    let (n, value) = (values.len() as f64, mean(values));
    let spread = values.iter().map(|x| (x - value).powi(2)).sum::<f64>() / (n - 1.0);
    Estimate { value, error: (spread / n).sqrt() }
}

/// How far two numbers that should agree may lie apart, in standard errors of `replicas` independent values,
/// if one of `comparisons` is to fail with no more than the probability `family` although all agree
/// (Bonferroni).
///
/// The quantile of Student's distribution, by integration of its density.
#[must_use]
pub fn limit(family: f64, comparisons: usize, replicas: usize) -> f64 {
    let wanted = 0.5 * family / comparisons.max(1) as f64;
    let freedom = replicas.saturating_sub(1).max(1) as f64;
    let (mut low, mut high) = (0.0, 1.0);
    while tail(high, freedom) > wanted && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if tail(middle, freedom) > wanted { low = middle } else { high = middle }
    }
    high
}

/// Probability that Student's variable exceeds `t ≥ 0`: with `t = √ν tan θ` its density is `cos^{ν−1} θ`.
fn tail(t: f64, freedom: f64) -> f64 {
    let half = std::f64::consts::FRAC_PI_2;
    // Simpson's rule over a smooth integrand, relative to the same over all angles.
    let integral = |from: f64| {
        let steps = 2000;
        let step = (half - from) / f64::from(steps);
        let term = |k: i32| {
            let weight = if k == 0 || k == steps { 1.0 } else { f64::from(2 + 2 * (k % 2)) };
            weight * (from + step * f64::from(k)).cos().max(0.0).powf(freedom - 1.0)
        };
        (0..=steps).map(term).sum::<f64>() * step / 3.0
    };
    0.5 * integral((t / freedom.sqrt()).atan()) / integral(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        // Student's t, upper 2.5 % and 0.5 % points (Abramowitz & Stegun, table 26.10), and the normal limit.
        for (family, replicas, exact) in
            [(0.05, 2, 12.706), (0.05, 11, 2.228), (0.01, 31, 2.750), (0.01, 100001, 2.5758)]
        {
            let found = limit(family, 1, replicas);
            assert!((found - exact).abs() < 1e-3 * exact, "{family} {replicas}: {found}");
        }
        assert_eq!(limit(0.05, 5, 20), limit(0.01, 1, 20));
    }
}
