//! What limits of some chips say of all chips, whatever their distribution.
//!
//! Of `n` independent chips the `r`-th lowest limit lies below that of a share `q` of all chips with
//! probability `1 − Σ_{i<r} C(n, i) (1 − q)^i q^{n−i}` (Wilks, Ann. Math. Stat. 12, 91 (1941)).

/// A bound on the limits of most chips.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Confidence {
    /// Share of all chips whose limit is at least `bound`.
    pub share: f64,
    /// Probability with which this is true.
    pub confidence: f64,
    /// Rank of the limit, 1 for the lowest.
    pub rank: usize,
    /// The bound.
    pub bound: f64,
}

/// The highest of these limits that a `share` of all chips reaches, with `confidence`; `None` if so few chips
/// tell nothing.
#[must_use]
pub fn confidence(limits: &[f64], share: f64, confidence: f64) -> Option<Confidence> {
    let mut sorted = limits.to_vec();
    sorted.sort_by(f64::total_cmp);
    let found = (1..=sorted.len()).map_while(|rank| {
        let reached = certainty(sorted.len(), rank, share);
        (reached >= confidence).then(|| Confidence {
            share,
            confidence: reached,
            rank,
            bound: sorted[rank - 1],
        })
    });
    found.last()
}

/// Probability that a share `share` of all chips lies above the `rank`-th lowest of `count`.
fn certainty(count: usize, rank: usize, share: f64) -> f64 {
    let (miss, n) = (1.0 - share, count as f64);
    let mut term = share.powi(i32::try_from(count).unwrap_or(i32::MAX));
    let mut sum = 0.0;
    for i in 0..rank {
        sum += term;
        let i = i as f64;
        term *= (n - i) / (i + 1.0) * miss / share;
    }
    1.0 - sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_nine_chips_bound_ninety_five_per_cent_with_as_much_confidence() {
        // The textbook number: 1 − 0.95⁵⁹ = 0.9515, and 58 are too few.
        let limits: Vec<f64> = (0..59).map(|i| f64::from((i * 37) % 59)).collect();
        let found = confidence(&limits, 0.95, 0.95).unwrap();
        assert_eq!((found.rank, found.bound), (1, 0.0));
        assert!((found.confidence - (1.0 - 0.95_f64.powi(59))).abs() < 1e-12);
        assert_eq!(confidence(&limits[..58], 0.95, 0.95), None);
        // 93 are enough for the second lowest (Wilks' table).
        let limits: Vec<f64> = (0..93).map(f64::from).collect();
        assert_eq!(confidence(&limits, 0.95, 0.95).unwrap().rank, 2);
        assert_eq!(confidence(&limits[..92], 0.95, 0.95).unwrap().rank, 1);
    }
}
