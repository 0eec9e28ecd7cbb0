//! When numbers are drawn: points of time that halving a step does not move.
//!
//! Time is divided into base intervals, and these by halving. A point keeps its numbers whether it ends a
//! step or lies between two, so that a shorter step refines the same path. A base interval is the step
//! doubled until it is longer than four of the slowest time constants: steps that are halves of each other
//! have it in common.

use super::SampleIds;
use crate::random::{Key, Kind};

/// Halvings of a base interval that have names.
const DEEPEST: u32 = 20;
/// Samples whose numbers lie together in a stream.
pub(super) const LANES: usize = 64;

/// What a number is for, the layer of its key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Channel {
    White,
    Read,
    Supply,
    Input,
    Sampled,
    Pool,
    Pole(usize),
}

impl Channel {
    fn code(self) -> u16 {
        match self {
            Self::White => 0,
            Self::Read => 1,
            Self::Supply => 2,
            Self::Input => 3,
            Self::Sampled => 4,
            Self::Pool => 5,
            Self::Pole(number) => 16 + number as u16,
        }
    }
}

/// Steps of equal length along the points of time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// Length of a step (s).
    pub step: f64,
    /// Halvings from a base interval to a step.
    pub level: u32,
    /// Steps done.
    pub done: u64,
}

impl Clock {
    /// Steps of `step` (s) for circuits whose slowest time constant is `tau` (s).
    pub fn new(step: f64, tau: f64) -> Self {
        let level = (4.0 * tau / step).log2().floor() + 1.0;
        Self { step, level: level.clamp(0.0, f64::from(DEEPEST)) as u32, done: 0 }
    }

    /// Clock whose steps are intervals of `level`, one of which the next step begins or is part of.
    pub fn coarser(&self, level: u32) -> Self {
        Self { step: self.length(level), level, done: self.done >> (self.level - level) }
    }

    /// Length of an interval after `level` halvings of the base (s).
    pub fn length(&self, level: u32) -> f64 {
        self.step * 2_f64.powi(self.level.cast_signed() - level.cast_signed())
    }

    /// Level of the interval that begins with the next step and whose numbers are drawn, if not a new base.
    pub fn opens(&self) -> u32 {
        let place = self.done % (1 << self.level);
        if place == 0 { 0 } else { self.level - place.trailing_zeros() }
    }

    /// The point that lies `length(level)` after the beginning of the next step.
    pub fn point(&self, level: u32) -> u64 {
        (self.done << (DEEPEST - self.level)) + (1 << (DEEPEST - level))
    }
}

/// Name of the numbers of a group of samples at a point.
///
/// The point takes 40 bits: 32 of the step and 8 of the trial, whose others name the group.
pub(super) fn key(seed: u64, channel: Channel, group: u32, point: u64) -> Key {
    let trial = group & 0x00ff_ffff | ((point >> 32) as u32) << 24;
    Key::new(seed, Kind::Noise).layer(channel.code()).trial(trial).step(point as u32)
}

/// Which numbers of a stream are whose: the samples of a batch, group by group.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    pub seed: u64,
    pub rows: usize,
    /// Group, and `(lane, row)` of its samples in the batch.
    pub groups: Vec<(u32, Vec<(usize, usize)>)>,
}

impl Lanes {
    pub fn new(sample_ids: &SampleIds) -> Self {
        let ids = &sample_ids.ids;
        let mut groups: Vec<(u32, Vec<(usize, usize)>)> = Vec::new();
        for (row, id) in ids.iter().enumerate() {
            let (group, lane) = ((id / LANES as u64) as u32, (id % LANES as u64) as usize);
            match groups.iter_mut().find(|(known, _)| *known == group) {
                Some((_, members)) => members.push((lane, row)),
                None => groups.push((group, vec![(lane, row)])),
            }
        }
        Self { seed: sample_ids.seed, rows: ids.len(), groups }
    }

    /// Returns whether the batch is one whole group in order, so that its numbers need not be sorted.
    pub fn is_whole(&self) -> bool {
        self.rows == LANES
            && matches!(self.groups.as_slice(), [(_, members)] if members.iter().all(|(l, r)| l == r))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_a_step_keeps_its_points() {
        let (mut coarse, mut fine) = (Clock::new(0.2, 1.0), Clock::new(0.1, 1.0));
        assert_eq!((coarse.length(0), fine.length(0)), (6.4, 6.4));
        for _ in 0..100 {
            assert_eq!(coarse.point(coarse.level), fine.point(fine.level - 1));
            assert!(fine.done % 2 == 0 && fine.opens() < fine.level);
            coarse.done += 1;
            fine.done += 2;
        }
    }

    #[test]
    fn every_point_is_drawn_once() {
        let mut clock = Clock::new(1.0, 1.0);
        let mut points = Vec::new();
        for _ in 0..64 {
            let opens = clock.opens();
            points.extend((opens == 0).then(|| clock.point(0)));
            points.extend((opens + 1..=clock.level).map(|level| clock.point(level)));
            clock.done += 1;
        }
        points.sort_unstable();
        let unit = 1 << (DEEPEST - clock.level);
        assert_eq!(points, (1..=64).map(|i| i * unit).collect::<Vec<u64>>());
    }

    #[test]
    fn samples_know_their_lanes_in_any_order() {
        let lanes = Lanes::new(&SampleIds { seed: 1, ids: vec![130, 0, 65, 2] });
        assert_eq!(lanes.groups, [(2, vec![(2, 0)]), (0, vec![(0, 1), (2, 3)]), (1, vec![(1, 2)])]);
        assert!(Lanes::new(&SampleIds { seed: 1, ids: (64..128).collect() }).is_whole());
    }
}
