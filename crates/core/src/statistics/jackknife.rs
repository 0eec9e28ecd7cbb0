//! The jackknife (Efron & Stein 1981): the error of a statistic from its values with one draw left out after
//! the other.

/// A number with its standard error, which one draw alone does not give.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    /// The number.
    pub value: f64,
    /// Its standard error.
    pub error: Option<f64>,
}

/// Mean of some numbers, one of them perhaps left out.
#[must_use]
pub fn mean_without(values: &[f64], without: Option<usize>) -> f64 {
    let own = without.map_or(0.0, |r| values[r]);
    (values.iter().sum::<f64>() - own) / (values.len() - usize::from(without.is_some())) as f64
}

/// A statistic of `n` draws and its jackknife error, which needs at least `least` draws.
pub fn jackknife(n: usize, least: usize, statistic: impl Fn(Option<usize>) -> f64) -> Value {
    let value = statistic(None);
    if n < least {
        return Value { value, error: None };
    }
    let without: Vec<f64> = (0..n).map(|r| statistic(Some(r))).collect();
    let centre = mean_without(&without, None);
    let apart: f64 = without.iter().map(|x| (x - centre).powi(2)).sum();
    Value { value, error: Some(((n as f64 - 1.0) / n as f64 * apart).sqrt()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jackknife_error_of_a_mean_is_its_standard_error() {
        let values = [1.0, 2.0, 4.0, 8.0];
        let found = jackknife(4, 2, |without| mean_without(&values, without));
        let variance = values.iter().map(|v| (v - 3.75_f64).powi(2)).sum::<f64>() / 3.0;
        assert!((found.error.unwrap() - (variance / 4.0).sqrt()).abs() < 1e-12);
    }
}
