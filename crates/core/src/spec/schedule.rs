//! Sweep schedules, and how they are written: an order (`fw`, `bw`, `fwbw`, `oddeven`, `parallel`, `random`)
//! and perhaps a number of rounds behind it (`fwbw5`).

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::{self, Deserialize, Deserializer, Unexpected};
use serde::ser::{Serialize, Serializer};

/// The orders and their names.
const ORDERS: [(&str, SweepOrder); 6] = [
    ("fw", SweepOrder::Forward),
    ("bw", SweepOrder::Backward),
    ("fwbw", SweepOrder::ForwardBackward),
    ("oddeven", SweepOrder::OddEven),
    ("parallel", SweepOrder::Parallel),
    ("random", SweepOrder::Random),
];

/// What a schedule may be.
const ACCEPTED: &str = "`fw`, `bw`, `fwbw`, `oddeven`, `parallel` or `random`, with a number of rounds (1 or more) behind it or none, such as `fwbw5`";

/// Sweep order and, optionally, a fixed number of rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct Schedule {
    /// The order.
    pub order: SweepOrder,
    /// Exactly so many rounds; `None` sweeps until settled or `passes` is spent.
    pub rounds: Option<usize>,
}

/// Order in which layers are updated in one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SweepOrder {
    /// Layers 1 to L.
    Forward,
    /// Layers L to 1.
    Backward,
    /// Layers L to 1, then 2 to L.
    ForwardBackward,
    /// Odd layers together, then even layers together.
    OddEven,
    /// All layers at once.
    Parallel,
    /// All layers, one after the other, in an order that is drawn anew for every round.
    Random,
}

/// A text that is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no schedule; accepted are {ACCEPTED}")]
pub struct ScheduleError {
    /// The text.
    pub text: String,
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let bad = || ScheduleError { text: text.into() };
        let name = text.trim_end_matches(|c: char| c.is_ascii_digit());
        let order =
            ORDERS.iter().find(|(known, _)| *known == name).map(|(_, order)| *order).ok_or_else(bad)?;
        let rounds = match &text[name.len()..] {
            "" => None,
            digits => Some(digits.parse().ok().filter(|rounds| *rounds >= 1).ok_or_else(bad)?),
        };
        Ok(Self { order, rounds })
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(match self.order {
            SweepOrder::Forward => "fw",
            SweepOrder::Backward => "bw",
            SweepOrder::ForwardBackward => "fwbw",
            SweepOrder::OddEven => "oddeven",
            SweepOrder::Parallel => "parallel",
            SweepOrder::Random => "random",
        })?;
        self.rounds.map_or(Ok(()), |rounds| write!(out, "{rounds}"))
    }
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|_| de::Error::invalid_value(Unexpected::Str(&text), &ACCEPTED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_an_order_and_perhaps_rounds() {
        for (text, order, rounds) in [
            ("fw", SweepOrder::Forward, None),
            ("fw3", SweepOrder::Forward, Some(3)),
            ("fwbw5", SweepOrder::ForwardBackward, Some(5)),
            ("oddeven", SweepOrder::OddEven, None),
            ("parallel12", SweepOrder::Parallel, Some(12)),
            ("random4", SweepOrder::Random, Some(4)),
        ] {
            let schedule = Schedule { order, rounds };
            assert_eq!(text.parse(), Ok(schedule));
            assert_eq!(schedule.to_string(), text);
        }
    }

    #[test]
    fn a_bad_schedule_is_answered_with_the_good_ones() {
        for text in ["", "up", "fw0", "5", "fw-1", "FW", "fwbw5x", "fw99999999999999999999"] {
            let error = text.parse::<Schedule>().unwrap_err().to_string();
            assert!(error.contains("`oddeven`") && error.contains("`fwbw5`"), "{error}");
        }
    }
}
