//! Two works timed in turn, so that what else the machine does hits both.

use std::time::Instant;

use anyhow::Result;

/// Least duration of a measurement (s); shorter works are repeated within it.
const LONG_ENOUGH: f64 = 0.05;

/// Times of both sides (s), pair by pair; ours went first in the even ones.
#[derive(Default)]
pub struct Pairs {
    pub ours: Vec<f64>,
    pub theirs: Vec<f64>,
}

/// Times `pairs` pairs in the orders A B, B A, A B, …; each side is given its number of calls by a trial of
/// its own.
pub fn in_turn(
    pairs: usize,
    mut ours: impl FnMut(),
    mut theirs: impl FnMut(usize) -> Result<f64>,
) -> Result<Pairs> {
    ours(); // buffers and caches
    let our_calls = calls(seconds(1, &mut ours));
    let their_calls = calls(theirs(1)?);
    let mut found = Pairs::default();
    for pair in 0..pairs {
        if pair % 2 == 0 {
            found.ours.push(seconds(our_calls, &mut ours));
            found.theirs.push(theirs(their_calls)?);
        } else {
            found.theirs.push(theirs(their_calls)?);
            found.ours.push(seconds(our_calls, &mut ours));
        }
    }
    Ok(found)
}

/// Times ours alone: the median and the least of some repetitions (s).
pub fn alone(repetitions: usize, mut work: impl FnMut()) -> (f64, f64) {
    work();
    let calls = calls(seconds(1, &mut work));
    let times: Vec<f64> = (0..repetitions).map(|_| seconds(calls, &mut work)).collect();
    (median(&times), least(&times))
}

/// Time of one of `calls` calls (s).
pub fn seconds(calls: usize, work: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..calls).for_each(|_| work());
    start.elapsed().as_secs_f64() / calls as f64
}

/// Calls that make a measurement long enough.
fn calls(once: f64) -> usize {
    (LONG_ENOUGH / once.max(1e-7)).ceil().clamp(1.0, 1e5) as usize
}

impl Pairs {
    /// `theirs / ours` of every pair.
    fn ratios(&self) -> Vec<f64> {
        self.theirs.iter().zip(&self.ours).map(|(theirs, ours)| theirs / ours).collect()
    }

    /// Median ratio, and behind it those of the pairs in which ours and theirs went first.
    pub fn ratio(&self) -> String {
        let ratios = self.ratios();
        let half = |first: usize| median(&ratios.iter().skip(first).step_by(2).copied().collect::<Vec<_>>());
        format!("**{}** ({}, {})", short(median(&ratios)), short(half(0)), short(half(1)))
    }

    /// Times of both sides as cells of a table (ms).
    pub fn cells(&self) -> String {
        format!("{} | {}", milliseconds(&self.ours), milliseconds(&self.theirs))
    }
}

/// Median and, in brackets, the least (ms).
pub fn milliseconds(times: &[f64]) -> String {
    format!("{} ({})", short(1e3 * median(times)), short(1e3 * least(times)))
}

/// Three digits.
pub fn short(value: f64) -> String {
    let digits = (2.0 - value.abs().max(1e-3).log10().floor()).clamp(0.0, 5.0);
    format!("{value:.*}", digits as usize)
}

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 0 => f64::midpoint(sorted[half - 1], sorted[half]),
        _ => sorted[half],
    }
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}
