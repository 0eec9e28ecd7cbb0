//! How far a normal number may stray.

/// The magnitude that a standard normal number exceeds with `probability`, either way.
///
/// Abramowitz & Stegun 26.2.23: off by less than 4.5e-4.
pub(super) fn two_sided(probability: f64) -> f64 {
    let t = (-2.0 * (probability / 2.0).ln()).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    t - above / below
}

#[cfg(test)]
mod tests {
    use super::two_sided;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (probability, wanted) in
            [(0.317_310_5, 1.0), (0.05, 1.959_964), (0.002_699_796, 3.0), (1e-6, 4.891_638)]
        {
            assert!((two_sided(probability) - wanted).abs() < 4.5e-4, "{probability}");
        }
    }
}
