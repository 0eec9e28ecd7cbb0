//! Ringing: what the peaks of a sample's residual, window of time by window, and the turns of one of its
//! compartments say of what does not settle.
//!
//! The compartment watched is the one that moved most when a window opened or, of a runaway, when it entered
//! its last two decades. A first look takes the largest residual of the steps and suspects much; a strict one
//! takes peaks between steps, by a parabola, and says so where it cannot tell a slow decay from none (see
//! [`super::confirm`]).

use super::outcome::Outcome;

/// Windows into which the time limit is divided.
pub(super) const WINDOWS: usize = 40;
/// A residual decays if the median of its window maxima falls below this factor from quarter to quarter.
const DECAY: f64 = 0.95;
/// Window maxima that agree within this are a closed cycle to a first look, and to a strict one.
const CYCLE: [f64; 2] = [0.01, 2e-3];
/// To a strict look the last four windows of a closed cycle are no lower or higher than the four before by
/// more than this share: over a time limit and a half that leaves 3 %.
const DRIFT: f64 = 5e-4;
/// A rate counts as having changed sign once it reaches this share of the residual's last peak: neither the
/// last ripples of a sample that drifts nor the rounding of a bystander of a runaway are oscillations.
const SWING: f64 = 0.1;
/// Most by which a peak between steps rises above the largest of them.
const RISE: f64 = 1.25;
/// Logarithm of what peaks lose over three quarters of the time, and its error: below the first pair they
/// stay, a fall above the last is a decay; what else falls may come to rest on a cycle, and what grows may
/// find an equilibrium: both have to be followed for longer.
const STAY: [f64; 2] = [0.005, 0.003];
const FALL: f64 = 0.3;
/// Errors of the fall that are enough to trust it: peaks of neighbouring windows are not independent.
const TRUST: f64 = 6.0;
/// Shares of the bound of runaways at which their last two tenfold growths begin.
const DECADES: [f64; 2] = [0.01, 0.1];
/// After the longer look: the fall that is a decay all the same.
const LAST_FALL: f64 = 0.05;

/// What peaks do in the long run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trend {
    /// They fall.
    Decays,
    /// They do not.
    Stays,
    /// A longer look is needed.
    Unclear,
}

/// Peaks and turns of one sample.
#[derive(Clone, Debug)]
pub(super) struct Ringing {
    strict: bool,
    /// Column of the compartment whose turns count.
    pub watched: usize,
    sign: f64,
    flips_in_window: u32,
    peak: f64,
    peaks: Vec<f64>,
    flips: Vec<u32>,
    /// Largest potential of this window, as a share of the bound of runaways.
    share: f64,
    /// How many of the last two decades below that bound have been entered, and the sign changes since the
    /// first was.
    decades: usize,
    flips_in_decades: u32,
    /// Times (s) and residuals (V) of the last two steps.
    last: [(f64, f64); 2],
}

impl Ringing {
    pub fn new(strict: bool) -> Self {
        Self {
            strict,
            watched: 0,
            sign: 0.0,
            flips_in_window: 0,
            peak: 0.0,
            peaks: Vec::with_capacity(WINDOWS + 2),
            flips: Vec::with_capacity(WINDOWS + 2),
            share: 0.0,
            decades: 0,
            flips_in_decades: 0,
            last: [(f64::NEG_INFINITY, f64::INFINITY); 2],
        }
    }

    /// Takes in the residual, the rate of the watched compartment (V) and the largest potential as a share of
    /// the bound of runaways at `time` (s); whether another compartment is to be watched now.
    pub fn follow(&mut self, time: f64, [residual, rate, share]: [f64; 3], close: bool) -> bool {
        self.raise(time, residual);
        let recent = self.peaks.last().map_or(self.peak, |last| last.max(self.peak));
        if rate.abs() > SWING * recent && rate.signum() != self.sign {
            let counts = self.sign != 0.0;
            self.sign = rate.signum();
            self.flips_in_window += u32::from(counts);
            self.flips_in_decades += u32::from(counts && self.decades > 0);
        }
        self.share = self.share.max(share);
        let entered = DECADES.iter().filter(|&&decade| share > decade).count();
        let grown = entered > self.decades;
        self.decades = self.decades.max(entered);
        let opens = close || time == 0.0;
        if opens {
            if time > 0.0 {
                self.peaks.push(self.peak);
                self.flips.push(self.flips_in_window);
            }
            // What has come back from far out begins anew: its turns are none of a later growth.
            if self.share <= DECADES[0] {
                (self.decades, self.flips_in_decades) = (0, 0);
            }
            (self.peak, self.share) = (0.0, 0.0);
            self.flips_in_window = 0;
        }
        grown || (opens && self.peaks.len().is_multiple_of(4))
    }

    /// Raises the window's peak to a residual and, in a strict look, to the top of the parabola through the
    /// last three.
    fn raise(&mut self, time: f64, residual: f64) {
        self.peak = self.peak.max(residual);
        let [(t, a), (u, b)] = self.last;
        self.last = [(u, b), (time, residual)];
        if !self.strict || b < a || b <= residual || u <= t {
            return;
        }
        let (before, after) = ((b - a) / (u - t), (residual - b) / (time - u));
        let curvature = (after - before) / (time - t);
        let slope = (before * (time - u) + after * (u - t)) / (time - t);
        let top = b - slope * slope / (4.0 * curvature);
        if top.is_finite() {
            self.peak = self.peak.max(top.min(RISE * b));
        }
    }

    /// Watches another compartment.
    pub fn watch(&mut self, column: usize) {
        (self.watched, self.sign) = (column, 0.0);
    }

    /// Returns whether the last two tenfold growths of the potentials up to the bound of runaways were
    /// without turns.
    pub fn grows_without_turns(&self) -> bool {
        self.flips_in_decades == 0
    }

    /// A closed cycle, long before the limit: eight windows with equal peaks and several sign changes.
    pub fn cycles(&self) -> bool {
        let n = self.peaks.len();
        if n < 12 {
            return false;
        }
        let last = &self.peaks[n - 8..];
        let (low, high) = last.iter().fold((f64::MAX, 0.0_f64), |(l, h), &p| (l.min(p), h.max(p)));
        let halves = [&last[..4], &last[4..]].map(|half| half.iter().sum::<f64>());
        let drifts = self.strict && (halves[0] - halves[1]).abs() > DRIFT * halves[0];
        high - low <= CYCLE[usize::from(self.strict)] * high
            && !drifts
            && self.flips[n - 8..].iter().sum::<u32>() >= 6
    }

    /// Outcome of an unsettled sample at the time limit, unless it is integrated for longer.
    pub fn unsettled(&self) -> Outcome {
        let rings = if self.strict {
            self.trend() == Trend::Stays || (self.trend() == Trend::Unclear && self.rings_on())
        } else {
            self.seems_to_ring()
        };
        if rings { Outcome::Oscillation } else { Outcome::Timeout }
    }

    /// A first look: it decays if its peaks fell in every quarter of the time. Medians, because an irregular
    /// ringing has high and low peaks without decaying.
    fn seems_to_ring(&self) -> bool {
        let quarter = self.peaks.len() / 4;
        if quarter < 2 {
            return false;
        }
        let medians: Vec<f64> = self.peaks.rchunks(quarter).take(4).map(median).collect();
        let decays = medians.windows(2).all(|later| later[0] < DECAY * later[1]);
        !decays && self.late_flips() >= 2
    }

    /// Sign changes in the second half of the time.
    fn late_flips(&self) -> u32 {
        self.flips.iter().rev().take(self.flips.len() / 2).sum()
    }

    /// Returns whether peaks decay at a time limit that was reached without a closed cycle.
    pub fn trend(&self) -> Trend {
        if self.late_flips() < 2 {
            let turned = self.flips.iter().sum::<u32>() > 0;
            return if turned { Trend::Unclear } else { Trend::Decays };
        }
        match self.fall() {
            (fall, error) if fall.abs() < STAY[0] && error < STAY[1] => Trend::Stays,
            (fall, error) if fall > FALL && fall > TRUST * error => Trend::Decays,
            _ => Trend::Unclear,
        }
    }

    /// After the longer look: whether it turns and does not fall.
    fn rings_on(&self) -> bool {
        let (fall, error) = self.fall();
        self.late_flips() >= 2 && !(fall > LAST_FALL && fall > 2.0 * error)
    }

    /// Logarithm of what peaks lose over the last three quarters of the time, by a straight line, and its
    /// standard error.
    fn fall(&self) -> (f64, f64) {
        let late = &self.peaks[self.peaks.len() / 4..];
        let points: Vec<(f64, f64)> = (0..).map(f64::from).zip(late).map(|(x, p)| (x, p.ln())).collect();
        let n = points.len() as f64;
        let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n));
        let (xx, xy) = points
            .iter()
            .fold((0.0, 0.0), |(xx, xy), p| (xx + (p.0 - x).powi(2), xy + (p.0 - x) * (p.1 - y)));
        let slope = xy / xx;
        let rest: f64 = points.iter().map(|p| (p.1 - y - slope * (p.0 - x)).powi(2)).sum();
        let error = (rest / (n - 2.0) / xx).sqrt();
        if error.is_finite() { (-slope * (n - 1.0), error * (n - 1.0)) } else { (0.0, f64::INFINITY) }
    }
}

/// The upper median.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A strict look at `|amplitude(t) cos(ωt)|`, a step every 0.13 s, over 40 windows of `window` (s);
    /// whether a cycle was seen.
    fn look(window: f64, omega: f64, amplitude: impl Fn(f64) -> f64) -> (Ringing, bool) {
        let mut ringing = Ringing::new(true);
        let (mut closed, mut cycles) = (0, false);
        for step in 0.. {
            let time = 0.13 * f64::from(step);
            let close = (time / window) as usize > closed;
            let rate = amplitude(time) * (omega * time).cos();
            if ringing.follow(time, [rate.abs(), rate, amplitude(time).abs() / 1e3], close) {
                ringing.watch(0);
            }
            cycles |= ringing.cycles();
            closed = (time / window) as usize;
            if closed == WINDOWS {
                return (ringing, cycles);
            }
        }
        unreachable!("the loop has no other end")
    }

    #[test]
    fn a_slow_decay_is_no_cycle_and_an_undamped_swing_is_one() {
        for window in [2.5, 10.0, 37.5] {
            let limit = window * WINDOWS as f64;
            for omega in [1.0, 1.7, 2.9] {
                let (ringing, cycles) = look(window, omega, |_| 1.0);
                assert!(cycles || ringing.trend() != Trend::Decays, "{window} {omega}");
                assert_eq!(ringing.unsettled(), Outcome::Oscillation, "{window} {omega}");
                // A tenth is lost within the limit, or nearly all.
                for loss in [0.1, 5.0] {
                    let (ringing, cycles) = look(window, omega, |t| (-loss * t / limit).exp());
                    assert!(!cycles && ringing.trend() != Trend::Stays, "{window} {omega} {loss}");
                    assert_eq!(ringing.unsettled(), Outcome::Timeout, "{window} {omega} {loss}");
                }
                let (ringing, cycles) = look(window, omega, |t| (0.5 * t / limit).exp());
                // Where growth leads is seen later.
                assert!(!cycles && ringing.trend() == Trend::Unclear, "{window} {omega}");
                assert_eq!(ringing.unsettled(), Outcome::Oscillation, "{window} {omega}");
            }
        }
    }

    #[test]
    fn a_beat_does_not_decay() {
        // Two incommensurate tones: windows of four periods differ by half of themselves.
        let (ringing, _) = look(10.0, 2.3, |t| 1.0 + 0.5 * (0.141 * t).sin());
        assert_ne!(ringing.trend(), Trend::Decays);
        assert_eq!(ringing.unsettled(), Outcome::Oscillation);
    }

    #[test]
    fn turns_of_what_has_decayed_are_none_of_a_later_growth() {
        // A swing that dies out, and beneath it one way out: whether it passes a hundred times the first
        // swing without a turn.
        let runs_away = |omega: f64, swing: f64, growth: f64| {
            let mut ringing = Ringing::new(true);
            let mut closed = 0;
            for step in 0.. {
                let time = 0.13 * f64::from(step);
                let close = (time / 10.0) as usize > closed;
                closed = (time / 10.0) as usize;
                let (decaying, growing) = (swing * (-0.5 * time).exp(), (growth * time).exp());
                let share = (decaying + growing) / 1e3;
                let rate = decaying * (2.0 * time).cos() + growing * (omega * time).cos();
                if ringing.follow(time, [rate.abs(), rate, share], close) {
                    ringing.watch(0);
                }
                if share > 1.0 && time > 20.0 {
                    return ringing.grows_without_turns();
                }
            }
            unreachable!("it grows")
        };
        for swing in [0.0, 5.0, 100.0, 500.0] {
            for growth in [0.01, 0.02, 0.1] {
                assert!(runs_away(0.0, swing, growth), "{swing} {growth}");
                assert!(!runs_away(1.0, swing, growth), "{swing} {growth} swings");
            }
        }
    }

    #[test]
    fn a_drift_without_turns_is_no_oscillation() {
        let (ringing, cycles) = look(2.5, 0.0, |t| (-1e-3 * t).exp());
        assert!(!cycles);
        assert_eq!((ringing.trend(), ringing.unsettled()), (Trend::Decays, Outcome::Timeout));
    }
}
