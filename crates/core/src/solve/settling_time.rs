//! When a sample arrived: the time at which its residual fell to its tolerance, between two steps.
//!
//! An exponential integrator may step many `τ` at once, so the end of the step in which the residual was
//! first seen below its tolerance says more of the solver than of the circuit (up to 40 % late, measured).

/// Follows the residual of one sample towards its tolerance.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SettlingTime {
    /// Time of the last step (s).
    time: f64,
    /// `ln(residual/tolerance)` there.
    excess: f64,
    /// First step since which the sample is settled (s).
    since: Option<f64>,
    /// When the tolerance was reached (s).
    reached: f64,
}

impl SettlingTime {
    /// Takes in a step that ends at `time` (s); returns for how long the sample has been settled, if it is
    /// (s).
    ///
    /// The residual is taken to fall as an exponential within the step, at most by one e-fold per `tau` (s),
    /// the slowest time constant: what it is beyond that is rounding.
    pub(super) fn follow(&mut self, time: f64, excess: f64, settled: bool, tau: f64) -> Option<f64> {
        let before = std::mem::replace(self, Self { time, excess, ..*self });
        if !settled {
            self.since = None;
            return None;
        }
        if before.since.is_none() {
            let step = time - before.time;
            let fall = (before.excess - excess).min(step / tau);
            let within = before.excess > 0.0 && before.excess < fall;
            self.reached = if within { before.time + step * before.excess / fall } else { time };
            self.since = Some(time);
        }
        self.since.map(|since| time - since)
    }

    /// When the sample arrived (s), if it is settled.
    pub(super) fn reached(&self) -> f64 {
        self.reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arrival of `e^{-rate t}` at 1e-6 in steps of `step`, with `tau` = 1.
    fn settling_time(rate: f64, step: f64, floor: f64) -> f64 {
        let mut settling_time = SettlingTime::default();
        for i in 0.. {
            let time = step * f64::from(i);
            let residual = (-rate * time).exp().max(floor);
            if settling_time
                .follow(time, (residual / 1e-6).ln(), residual <= 1e-6, 1.0)
                .is_some_and(|held| held >= 1.0)
            {
                break;
            }
        }
        settling_time.reached()
    }

    #[test]
    fn an_exponential_arrives_at_its_time_whatever_the_steps() {
        let exact = 1e6_f64.ln();
        for step in [0.01, 0.3, 2.0, 7.0] {
            for rate in [1.0, 0.5, 0.1] {
                let found = settling_time(rate, step, 0.0);
                assert!((found * rate - exact).abs() < 1e-12 * exact, "{rate} {step}: {found}"); // logarithms alone
            }
        }
    }

    #[test]
    fn rounding_below_the_tolerance_does_not_move_the_arrival() {
        let exact = 1e6_f64.ln();
        for (step, floor) in [(3.0, 1e-7), (7.0, 5e-7), (20.0, 0.0)] {
            let found = settling_time(1.0, step, floor);
            assert!((found - exact).abs() < 1e-12 * exact, "{step}: {found}"); // logarithms alone
        }
    }

    #[test]
    fn a_sample_that_starts_settled_arrived_at_once() {
        let mut settling_time = SettlingTime::default();
        assert_eq!(settling_time.follow(0.0, f64::NEG_INFINITY, true, 1.0), Some(0.0));
        assert_eq!(settling_time.follow(1.5, f64::NEG_INFINITY, true, 1.0), Some(1.5));
        assert_eq!(settling_time.reached(), 0.0);
    }

    #[test]
    fn leaving_the_tolerance_starts_the_wait_anew() {
        let mut settling_time = SettlingTime::default();
        for (time, excess, held) in
            [(0.0, 2.0, None), (1.0, -1.0, Some(0.0)), (1.5, 0.5, None), (4.0, -0.5, Some(0.0))]
        {
            assert_eq!(settling_time.follow(time, excess, excess <= 0.0, 1.0), held);
        }
        assert!((settling_time.reached() - 2.75).abs() < 1e-15);
    }
}
