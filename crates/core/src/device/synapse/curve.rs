//! The value of a curve of a description.

use crate::spec::devices::{Curve, Error, Segment};

impl Curve {
    /// Its value at a conductance (µS).
    pub fn at(&self, conductance: f64) -> f64 {
        let x = conductance / self.per;
        let here = self.pieces.iter().find(|piece| piece.below.is_none_or(|end| x < end));
        here.map_or(0.0, |piece| piece.at(x))
    }
}

impl Segment {
    fn at(&self, x: f64) -> f64 {
        let polynomial = self.polynomial.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient);
        let logarithm = self.logarithm.map_or(0.0, |[a, b]| a * x.ln() + b);
        let power = self.power.map_or(0.0, |[a, p]| a * x.powf(p));
        let saturating = self.saturating.map_or(0.0, |[a, s]| -a * (-x / s).exp_m1());
        let value = polynomial + logarithm + power + saturating;
        self.within.map_or(value, |[low, high]| value.max(low).min(high))
    }
}

/// The deviation (µS) at a time (s) after programming: that of the first time before, that of the last
/// behind, straight in the logarithm of time in between.
pub fn deviation(errors: &[Error], time: f64, target: f64) -> f64 {
    let behind = errors.partition_point(|error| error.time <= time);
    let of = |k: usize| errors.get(k).map(|error| error.deviation.at(target));
    match (behind.checked_sub(1).and_then(of), of(behind)) {
        (Some(before), Some(after)) => {
            // Times of 0 have no logarithm; a second is far below the times that are told.
            let log = |k: usize| errors[k].time.max(1.0).ln();
            let (from, to) = (log(behind - 1), log(behind));
            let share =
                if to > from { ((time.max(1.0).ln() - from) / (to - from)).clamp(0.0, 1.0) } else { 1.0 };
            before + share * (after - before)
        }
        (one, other) => one.or(other).unwrap_or(0.0),
    }
}
