//! `KEY=FROM:TO:N[:log]`: an axis of a study, as it is asked for.

use std::fmt::{Display, Formatter};
use std::str::FromStr;

use anyhow::anyhow;
use serde::{Serialize, Serializer};

use super::Failure;
use dyadsim_core::spec::same_setting;

/// Most points along an axis.
const MOST: usize = 2000;

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The setting.
    pub key: String,
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) count: usize,
    pub(super) log: bool,
}

impl FromStr for Axis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "accepted: KEY=FROM:TO:N, or KEY=FROM:TO:N:log, such as nudge.beta=0.05:5:200:log";
        let (key, range) = text.split_once('=').ok_or(form)?;
        let parts: Vec<&str> = range.split(':').collect();
        let (ends, log) = match parts[..] {
            [from, to, count] => ([from, to, count], false),
            [from, to, count, "log"] => ([from, to, count], true),
            _ => return Err(form.into()),
        };
        let number = |text: &str| {
            let value = text.trim().parse::<f64>().ok().filter(|value| value.is_finite());
            value.ok_or_else(|| format!("`{text}` is no number; {form}"))
        };
        let (from, to) = (number(ends[0])?, number(ends[1])?);
        let count = ends[2].trim().parse().ok().filter(|n| (2..=MOST).contains(n));
        let count = count.ok_or_else(|| format!("`{}` points; accepted: 2 to {MOST}", ends[2]))?;
        if from >= to {
            return Err(format!("{from} is not below {to}; {form}"));
        }
        if log && from <= 0.0 {
            return Err(format!("a logarithmic axis begins above 0, not at {from}"));
        }
        if log && !(to / from).is_finite() {
            return Err(format!("{to:e} over {from:e} is beyond all numbers; {form}"));
        }
        let axis = Self { key: key.trim().to_owned(), from, to, count, log };
        if axis.values().windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(format!(
                "{count} points from {from} to {to} are not all different numbers; accepted: fewer"
            ));
        }
        Ok(axis)
    }
}

impl Display for Axis {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let log = if self.log { ":log" } else { "" };
        write!(f, "{}={}:{}:{}{log}", self.key, self.from, self.to, self.count)
    }
}

impl Serialize for Axis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Refuses two axes of `option` that are the same setting, however it is spelt.
///
/// # Errors
/// The key of both.
pub fn refuse_same(option: &str, axes: &[Axis]) -> Result<(), Failure> {
    for (at, axis) in axes.iter().enumerate() {
        if let Some(twin) = axes[..at].iter().find(|twin| same_setting(&twin.key, &axis.key)) {
            return Err(Failure::input(anyhow!(
                "{option} {} and {option} {}: both axes are `{}`\n  accepted: axes of different settings",
                twin.key,
                axis.key,
                twin.key
            )));
        }
    }
    Ok(())
}

impl Axis {
    /// Values of all points.
    #[must_use]
    pub fn values(&self) -> Vec<f64> {
        (0..self.count).map(|n| self.at(n as f64)).collect()
    }

    /// Value at a fractional index.
    #[must_use]
    pub fn at(&self, index: f64) -> f64 {
        let last = self.count as f64 - 1.0;
        if index == last {
            return self.to;
        }
        let part = index / last;
        if self.log {
            self.from * (self.to / self.from).powf(part)
        } else {
            self.from + part * (self.to - self.from)
        }
    }

    /// The fractional index of a value, if it is on the axis.
    #[must_use]
    pub fn index(&self, value: f64) -> Option<f64> {
        let part = if self.log {
            (value / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        };
        (0.0..=1.0).contains(&part).then_some(part * (self.count as f64 - 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_its_ends_and_knows_where_values_stand() {
        for text in ["a.b=0.1:10:201:log", "a.b=-1:3:9"] {
            let axis: Axis = text.parse().unwrap();
            assert_eq!(axis.to_string().parse(), Ok(axis.clone()));
            let values = axis.values();
            assert_eq!((values[0], values.last().copied()), (axis.from, Some(axis.to)));
            for (n, value) in values.into_iter().enumerate() {
                assert!((axis.index(value).unwrap() - n as f64).abs() < 1e-9);
            }
        }
        assert_eq!("b=0.1:10:3:log".parse::<Axis>().unwrap().values()[1], 1.0);
    }

    #[test]
    fn what_is_no_axis_is_told() {
        for (text, why) in [
            ("nudge.beta", "KEY=FROM:TO:N"),
            ("nudge.beta=1:2", "KEY=FROM:TO:N"),
            ("nudge.beta=1:x:5", "`x` is no number"),
            ("nudge.beta=2:1:5", "2 is not below 1"),
            ("nudge.beta=0:1:5:log", "above 0"),
            ("nudge.beta=0:1:1", "2 to 2000"),
        ] {
            assert!(text.parse::<Axis>().unwrap_err().contains(why), "{text}");
        }
    }
}
