//! Counter-based named random streams: every draw is a pure function of its name.
//!
//! A name is (seed, trial, kind, layer, device, step). It is packed, without loss, into the key and the
//! 128-bit counter of Philox4x32-10 (Salmon et al., SC'11), so two names never share a word, and nothing
//! that is drawn elsewhere, earlier or on another thread can move a draw. This is the only room that names
//! `rand_philox`; its streams are `rand` generators, for use with `rand_distr`.
//!
//! Counter, from its lowest bit:
//!
//! | bits | field | meaning |
//! | --- | --- | --- |
//! | 0..8 | – | block within a device's stream: 256 blocks, 1024 words |
//! | 8..40 | device | index within the layer |
//! | 40..72 | step | epoch, time step, … |
//! | 72..104 | trial | Monte Carlo trial, chip |
//! | 104..120 | layer | as in docs/model.md, input 0 |
//! | 120..128 | kind | [`Kind`] |
//!
//! A kind draws either per device, at most 1024 words each (no rejection sampler comes near), or for a whole
//! layer in sequence from device 0, at most 2⁴² words; never both.

use rand::Rng;
use rand_philox::Philox;

/// What a stream is for. The codes are part of every result: add, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Initial forward weights, a layer in sequence.
    Weights = 0,
    /// Initial biases, a layer in sequence.
    Biases = 1,
    /// Initial feedback synapses, a layer in sequence.
    Feedback = 2,
    /// Order of the samples in an epoch (the step).
    BatchOrder = 3,
    /// Choice of a fixed probe batch.
    Probe = 4,
    /// Split of a data set into training and test parts.
    Split = 5,
    /// Samples that a data generator makes.
    Data = 6,
    /// Initial potentials, a layer in sequence; in layer 0 where attacks on inputs start.
    Start = 7,
    /// Static spread of devices.
    Mismatch = 8,
    /// Current noise along a time step.
    Noise = 9,
    /// Conductances as programmed.
    Programming = 10,
    /// Jumps of a compartment's trap, each a step.
    Trap = 11,
    /// Jumps of a synapse's trap, each a step.
    SynapseTrap = 12,
    /// Moves of a control's initial weights, a layer in sequence.
    Move = 13,
    /// Order of the layers in a round (the step) of sweeps.
    SweepOrder = 14,
    /// Noise of updates (the step), a layer in sequence; in trial 0 of forward synapses, in 1 of feedback
    /// ones.
    UpdateNoise = 15,
    /// Sign of the nudge of an update, by its first sample.
    NudgeSign = 16,
    /// Input spikes: which group is loud in a slot of time (the step), in layer 0, and trains, in layer 1.
    SpikeTrain = 17,
    /// Order in which the samples of an update are each other's partners, by its first sample.
    Partner = 18,
    /// Fixed matrices from the outputs to every hidden layer, a layer in sequence.
    Direct = 19,
    /// Initial lateral synapses.
    Lateral = 23,
    /// Noise of updates of lateral synapses.
    LateralNoise = 24,
    /// Probes of Jacobian homeostasis, by the first sample of an update.
    Homeostasis = 26,
    /// Static spread of synapse devices.
    DeviceSpread = 34,
    /// Noise of the pulses that a synapse device gets in an update (the step).
    DevicePulse = 35,
    /// What a synapse device is off after a write (the step).
    DeviceWrite = 36,
    /// Noise of a reading (the step) of a synapse device.
    DeviceRead = 37,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 27] = [
        Self::Weights,
        Self::Biases,
        Self::Feedback,
        Self::BatchOrder,
        Self::Probe,
        Self::Split,
        Self::Data,
        Self::Start,
        Self::Mismatch,
        Self::Noise,
        Self::Programming,
        Self::Trap,
        Self::SynapseTrap,
        Self::Move,
        Self::SweepOrder,
        Self::UpdateNoise,
        Self::NudgeSign,
        Self::SpikeTrain,
        Self::Partner,
        Self::Direct,
        Self::Lateral,
        Self::LateralNoise,
        Self::Homeostasis,
        Self::DeviceSpread,
        Self::DevicePulse,
        Self::DeviceWrite,
        Self::DeviceRead,
    ];

    /// The code that stands for it in every stream.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// Name of a stream. Fields that a kind has no use for stay 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Seed of the run.
    pub seed: u64,
    /// Monte Carlo trial.
    pub trial: u32,
    /// What is drawn.
    pub kind: Kind,
    /// Layer.
    pub layer: u16,
    /// Device within the layer.
    pub device: u32,
    /// Epoch, time step, …
    pub step: u32,
}

impl Key {
    /// The name with all but seed and kind 0; the rest by struct update.
    #[must_use]
    pub const fn new(seed: u64, kind: Kind) -> Self {
        Self { seed, trial: 0, kind, layer: 0, device: 0, step: 0 }
    }

    /// The same name in another layer.
    #[must_use]
    pub const fn layer(self, layer: u16) -> Self {
        Self { layer, ..self }
    }

    /// The same name for another device.
    #[must_use]
    pub const fn device(self, device: u32) -> Self {
        Self { device, ..self }
    }

    /// The same name at another step.
    #[must_use]
    pub const fn step(self, step: u32) -> Self {
        Self { step, ..self }
    }

    /// The same name in another trial.
    #[must_use]
    pub const fn trial(self, trial: u32) -> Self {
        Self { trial, ..self }
    }

    /// First block of the stream; see the module's table.
    #[must_use]
    pub fn counter(self) -> u128 {
        u128::from(self.kind.code()) << 120
            | u128::from(self.layer) << 104
            | u128::from(self.trial) << 72
            | u128::from(self.step) << 40
            | u128::from(self.device) << 8
    }

    /// The two key words of Philox: the seed, low word first.
    #[expect(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
    #[must_use]
    pub const fn words(self) -> [u32; 2] {
        [self.seed as u32, (self.seed >> 32) as u32]
    }
}

/// A stream of random words; a `rand` generator.
pub type Stream = Philox;

/// The stream of that name, at its beginning.
#[must_use]
pub fn stream(key: Key) -> Stream {
    Philox::new(key.words(), key.counter())
}

/// A stream that a data set is generated from: key `seed`, number `stream`, outside the names of [`Key`].
#[must_use]
pub fn generator(seed: u64, stream: u64) -> Stream {
    Philox::from_u64_seed_stream(seed, stream)
}

/// An unbiased integer in `[0, bound)`; 0 if `bound` is 0. Lemire, ACM TOMACS 29(1) (2019), algorithm 5.
#[expect(clippy::cast_possible_truncation, reason = "the low and high words of a product")]
pub fn below(bound: u64, stream: &mut impl Rng) -> u64 {
    let mut draw = || u128::from(stream.next_u64()) * u128::from(bound);
    let mut product = draw();
    if (product as u64) < bound {
        let threshold = bound.wrapping_neg() % bound;
        while (product as u64) < threshold {
            product = draw();
        }
    }
    (product >> 64) as u64
}

/// A uniform random order of `0..count` (Fisher–Yates, from the back).
pub fn permutation(count: usize, stream: &mut impl Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        #[expect(clippy::cast_possible_truncation, reason = "not above `last`, which is a usize")]
        let other = below(last as u64 + 1, stream) as usize;
        order.swap(last, other);
    }
    order
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use rand_distr::{Distribution, StandardNormal};

    use super::*;

    /// First block of a name.
    fn block(key: Key) -> [u32; 4] {
        let mut stream = stream(key);
        std::array::from_fn(|_| stream.next_u32())
    }

    #[test]
    fn the_name_of_all_zeros_is_the_zero_vector_of_random123() {
        // Random123 kat_vectors: philox4x32 10, counter 0, key 0.
        let expected = [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8];
        assert_eq!(block(Key::new(0, Kind::Weights)), expected);
    }

    #[test]
    fn the_generator_passes_the_other_vectors_of_random123() {
        // Random123 kat_vectors: all ones; digits of pi.
        let ones = rand_philox::philox4x32_10([u32::MAX; 4], [u32::MAX; 2]);
        assert_eq!(ones, [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let counter = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        let pi = rand_philox::philox4x32_10(counter, [0xa409_3822, 0x299f_31d0]);
        assert_eq!(pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }

    #[test]
    fn a_name_is_packed_as_the_table_says() {
        let key = Key {
            seed: 0x0123_4567_89ab_cdef,
            trial: 0x1111_1111,
            kind: Kind::Probe,
            layer: 0x2222,
            device: 0x3333_3333,
            step: 0x4444_4444,
        };
        let counter = [0x3333_3300, 0x4444_4433, 0x1111_1144, 0x0422_2211];
        assert_eq!(block(key), rand_philox::philox4x32_10(counter, [0x89ab_cdef, 0x0123_4567]));
    }

    #[test]
    fn codes_of_kinds_are_pinned_and_distinct() {
        for (code, kind) in Kind::ALL.into_iter().take(20).enumerate() {
            assert_eq!(usize::from(kind.code()), code, "{kind:?}");
        }
        let later = [Kind::Lateral, Kind::LateralNoise, Kind::Homeostasis].map(Kind::code);
        assert_eq!(later, [23, 24, 26]);
        let devices = [Kind::DeviceSpread, Kind::DevicePulse, Kind::DeviceWrite, Kind::DeviceRead];
        assert_eq!(devices.map(Kind::code), [34, 35, 36, 37]);
        assert!(Kind::ALL.windows(2).all(|pair| pair[0].code() < pair[1].code()));
    }

    #[test]
    fn names_that_differ_in_any_field_share_no_block() {
        let values = [0, 1, 2, 255, 256, u16::MAX];
        let mut seen = HashSet::new();
        for kind in Kind::ALL {
            for layer in values {
                for device in values.map(u32::from).into_iter().chain([u32::MAX]) {
                    for step in values.map(u32::from).into_iter().chain([u32::MAX]) {
                        for trial in [0, 1, u32::MAX] {
                            let key = Key { seed: 7, trial, kind, layer, device, step };
                            let first = key.counter();
                            assert!(seen.insert(first), "{key:?}");
                            assert_eq!(first % 256, 0, "{key:?}"); // 256 blocks are its own
                        }
                    }
                }
            }
        }
        assert_ne!(Key::new(1, Kind::Weights).words(), Key::new(1 << 32, Kind::Weights).words());
    }

    #[test]
    fn a_device_keeps_its_draw_whatever_else_is_drawn() {
        let key = Key::new(3, Kind::Mismatch).layer(2).trial(5);
        let alone: f64 = StandardNormal.sample(&mut stream(key.device(9)));
        let all: Vec<f64> = (0..20).map(|i| StandardNormal.sample(&mut stream(key.device(i)))).collect();
        assert_eq!(alone.to_bits(), all[9].to_bits());
    }

    #[test]
    fn permutations_are_pinned() {
        let order = permutation(10, &mut stream(Key::new(42, Kind::BatchOrder).step(3)));
        // Computed by a separate implementation of Philox and of the shuffle.
        assert_eq!(order, [0, 1, 8, 4, 2, 7, 6, 5, 3, 9]);
    }

    #[test]
    fn small_permutations_hold_no_surprise() {
        let mut stream = stream(Key::new(0, Kind::Split));
        assert_eq!(permutation(0, &mut stream), Vec::<usize>::new());
        assert_eq!(permutation(1, &mut stream), vec![0]);
        assert_eq!(below(1, &mut stream), 0);
        assert_eq!(below(0, &mut stream), 0);
    }

    #[test]
    fn all_orders_of_four_are_equally_frequent() {
        let mut stream = stream(Key::new(11, Kind::Split));
        let mut counts: HashMap<Vec<usize>, u32> = HashMap::new();
        for _ in 0..24_000 {
            *counts.entry(permutation(4, &mut stream)).or_default() += 1;
        }
        assert_eq!(counts.len(), 24);
        let chi: f64 = counts.values().map(|&n| (f64::from(n) - 1000.0).powi(2) / 1000.0).sum();
        assert!(chi < 58.6, "{chi}"); // 23 degrees of freedom: exceeded once in 15,000 seeds
    }

    #[test]
    fn bounded_integers_are_unbiased_where_modulo_would_not_be() {
        // For a bound of 3/4 of the range, modulo would hit the lower third twice as often.
        let bound = 3 << 62;
        let mut stream = stream(Key::new(12, Kind::Split));
        let low = (0..30_000).filter(|_| below(bound, &mut stream) < bound / 3).count();
        assert!(low.abs_diff(10_000) < 330, "{low}"); // four standard deviations of 82
    }
}
