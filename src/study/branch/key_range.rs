//! `KEY=FROM:TO`: a setting that moves, as it is asked for.

use std::fmt::{Display, Formatter};
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// Key of the factor of all weights, which no circuit file has.
pub(super) const GAIN: &str = "weights.gain";

/// A setting and its range.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyRange {
    /// The setting.
    pub(super) key: String,
    /// Where it begins and ends.
    pub(super) range: (f64, f64),
}

impl FromStr for KeyRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "accepted: KEY=FROM:TO with two different numbers, such as nudge.beta=0:2".to_owned();
        let (key, range) = text.split_once('=').ok_or_else(wrong)?;
        let (from, to) = range.split_once(':').ok_or_else(wrong)?;
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(wrong);
        let range = (number(from)?, number(to)?);
        if range.0 == range.1 {
            return Err(wrong());
        }
        if key.trim() == GAIN && range.0.min(range.1) < 0.0 {
            return Err(format!("`{GAIN}` is a factor of all weights; accepted: 0 or more"));
        }
        Ok(Self { key: key.trim().to_owned(), range })
    }
}

impl Display for KeyRange {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}:{}", self.key, self.range.0, self.range.1)
    }
}

impl Serialize for KeyRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_is_written_as_it_is_asked_for() {
        for text in ["nudge.beta=0:2", "weights.gain=0.1:5", " nudge.alpha = 1:-0.1 ", "a.b=1e-300:0.1"] {
            let way: KeyRange = text.parse().unwrap();
            assert_eq!(way.to_string().parse(), Ok(way));
        }
        for (text, why) in [
            ("nudge.beta", "KEY=FROM:TO"),
            ("nudge.beta=1:1", "two different numbers"),
            ("nudge.beta=1:x", "two different numbers"),
            ("weights.gain=-1:1", "0 or more"),
        ] {
            assert!(text.parse::<KeyRange>().unwrap_err().contains(why), "{text}");
        }
    }
}
