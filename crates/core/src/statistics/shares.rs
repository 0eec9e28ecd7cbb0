//! Shares of what was counted, and quantiles of what was measured, with their confidence intervals.

/// Halvings by which a probability is found, to the last digit.
const HALVINGS: usize = 60;

/// The confidence interval of a share of which `k` of `n` were found (Clopper & Pearson 1934): exact, so
/// never too narrow.
#[must_use]
pub fn clopper_pearson(k: usize, n: usize, confidence: f64) -> (f64, f64) {
    let tail = 0.5 * (1.0 - confidence);
    let low = if k == 0 { 0.0 } else { rising(|p| upper_tail(k, n, p), tail) };
    let high = if k == n { 1.0 } else { rising(|p| upper_tail(k + 1, n, p), 1.0 - tail) };
    (low, high)
}

/// Chips that must all pass before a yield can be claimed with a (one-sided) confidence: `ln(1 − c)/ln y`,
/// the rule of three.
#[must_use]
pub fn chips_needed(wanted: f64, confidence: f64) -> usize {
    ((1.0 - confidence).ln() / wanted.ln()).ceil() as usize
}

/// The largest spread at which a share `wanted` of chips still holds, and its confidence interval.
///
/// It is the quantile `1 − wanted` of the chips' limits; the ends are order statistics, whose confidence is
/// binomial whatever the distribution (Clopper–Pearson turned round). An end that so few chips cannot give is
/// `None`.
#[must_use]
pub fn tolerance(limits: &[f64], wanted: f64, confidence: f64) -> (f64, Option<f64>, Option<f64>) {
    let mut sorted = limits.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (n, part) = (sorted.len(), 1.0 - wanted);
    let tail = 0.5 * (1.0 - confidence);
    // As many chips may fail, counted below a true quantile, as leave the wanted share whole.
    let allowed = (part * n as f64 + 1e-9).floor() as usize;
    let value = sorted[allowed.min(n - 1)];
    // At most r chips below the quantile: probability of X ≤ r, X binomial (n, part).
    let below = |r: usize| 1.0 - upper_tail(r + 1, n, part);
    let low = (0..n).rev().find(|&r| below(r) <= tail).map(|r| sorted[r]);
    let high = (0..n).find(|&r| 1.0 - below(r) <= tail).map(|r| sorted[r]);
    (value, low, high)
}

/// Where a rising function of a probability has a value.
fn rising(function: impl Fn(f64) -> f64, value: f64) -> f64 {
    let mut ends = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(ends.0, ends.1);
        if function(middle) < value { ends.0 = middle } else { ends.1 = middle }
    }
    f64::midpoint(ends.0, ends.1)
}

/// Probability of at least `k` of `n`, each with probability `p`: the sum of the terms.
fn upper_tail(k: usize, n: usize, p: f64) -> f64 {
    if p <= 0.0 || p >= 1.0 || k == 0 || k > n {
        return f64::from(u8::from(k == 0 || (p >= 1.0 && k <= n)));
    }
    let (mut term, mut sum) = (n as f64 * (-p).ln_1p(), 0.0);
    for i in 0..=n {
        if i >= k {
            sum += term.exp();
        }
        term += ((n - i) as f64 / (i + 1) as f64).ln() + p.ln() - (-p).ln_1p();
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_the_published_ones() {
        // No failure: 1 − (α/2)^{1/n} in closed form; 5 of 10 and 1 of 20 from tables of the exact interval
        // at 95 %.
        for (k, n, low, high) in [
            (0, 10, 0.0, 1.0 - 0.025_f64.powf(0.1)),
            (10, 10, 0.025_f64.powf(0.1), 1.0),
            (5, 10, 0.187086, 0.812914),
            (1, 20, 0.001265, 0.248733),
        ] {
            let found = clopper_pearson(k, n, 0.95);
            assert!((found.0 - low).abs() < 1e-6 && (found.1 - high).abs() < 1e-6, "{k} of {n}: {found:?}");
        }
        assert_eq!(chips_needed(0.99, 0.95), 299);
    }

    #[test]
    fn the_interval_of_a_quantile_is_made_of_order_statistics() {
        let limits: Vec<f64> = (1..=100).map(f64::from).collect();
        // Median of 100: the order statistics 40 and 61 (Hahn & Meeker 1991, table A.15a).
        let (value, low, high) = tolerance(&limits, 0.5, 0.95);
        assert_eq!((value, low, high), (51.0, Some(40.0), Some(61.0)));
        // 0.99¹⁰⁰ = 0.37: a hundred chips give no lower end for 99 %.
        assert_eq!(tolerance(&limits, 0.99, 0.95).1, None);
    }
}
