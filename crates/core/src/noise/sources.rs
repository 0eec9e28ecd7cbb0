//! The noise sources of one chip, device by device, and who is exposed to them.
//!
//! What acts on a compartment is referred to its drive: `dv/dt = (u + n − v)/τ` with `n = i/g` (V). A white
//! `n` of one-sided PSD `S` gives an isolated compartment the variance `S/(4τ)`.

use super::{Process, Trap};

/// The sources of one chip; the default is a silent one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sources {
    /// One-sided PSD of the white noise of every state column (V²/Hz); empty when there is none.
    pub white: Vec<f64>,
    /// Ornstein–Uhlenbeck processes of every compartment, each independent.
    pub poles: Vec<OuProcess>,
    /// A trap in every compartment.
    pub traps: Option<Traps>,
    /// A trap in every synapse.
    pub synapse_traps: Option<SynapseTraps>,
    /// White noise of every conductance, relative to its square (1/Hz).
    pub read: Option<f64>,
    /// Voltage common to the drives of all compartments (V).
    pub supply: Option<Process>,
    /// Voltage of every input driver (V), each independent.
    pub input: Option<Process>,
    /// Standard deviation that a reading adds to every state column (V).
    pub sampled: Option<f64>,
}

/// Ornstein–Uhlenbeck processes of one rate, one in every state column.
#[derive(Clone, Debug, PartialEq)]
pub struct OuProcess {
    /// Rate (1/s).
    pub rate: f64,
    /// Stationary variance of every state column (V²).
    pub variance: Vec<f64>,
}

/// A trap in every compartment.
#[derive(Clone, Debug, PartialEq)]
pub struct Traps {
    /// Times of the traps.
    pub trap: Trap,
    /// Difference of the two levels of every state column (V).
    pub amplitude: Vec<f64>,
}

/// A trap in every synapse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SynapseTraps {
    /// Times of the traps.
    pub trap: Trap,
    /// Difference of the two conductances relative to their mean.
    pub amplitude: f64,
}

impl Sources {
    /// Returns whether nothing acts on the circuit as it moves; readings may still be noisy.
    #[must_use]
    pub fn is_noiseless(&self) -> bool {
        *self == Self { sampled: self.sampled, ..Self::default() }
    }

    /// Returns whether some source lasts longer than a moment.
    #[must_use]
    pub fn has_memory(&self) -> bool {
        let traps = self.traps.is_some() || self.synapse_traps.is_some();
        traps || !self.poles.is_empty() || self.supply.is_some() || self.input.is_some()
    }

    /// Lets two state columns change places.
    pub fn swap(&mut self, one: usize, other: usize) {
        if !self.white.is_empty() {
            self.white.swap(one, other);
        }
        self.poles.iter_mut().for_each(|pole| pole.variance.swap(one, other));
        self.traps.iter_mut().for_each(|traps| traps.amplitude.swap(one, other));
    }
}

/// Bits of a sample's number within a reading; a group of 64 has 24 bits in the names of noise, so four
/// readings fit.
const READING: u32 = 28;

/// Numbers of a batch's samples, which name their noise: a draw is a function of seed and number.
///
/// Neither rule nor gains enter, so that circuits that differ in them meet the same noise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleIds {
    /// Seed of the noise.
    pub seed: u64,
    /// Number of every sample: its row in a file, or its place in the whole of a training.
    pub ids: Vec<u64>,
}

impl SampleIds {
    /// The numbers `0..count` with seed 0.
    #[must_use]
    pub fn first(count: usize) -> Self {
        Self { seed: 0, ids: (0..count as u64).collect() }
    }

    /// Numbers of the same samples for another reading, counted from 0, with noise of its own.
    ///
    /// A reading has `2²⁸` numbers; presentations beyond meet noise that others have met.
    #[must_use]
    pub fn again(&self, reading: u64) -> Self {
        Self { seed: self.seed, ids: self.ids.iter().map(|id| id + (reading << READING)).collect() }
    }

    /// Numbers of some samples.
    #[must_use]
    pub fn subset(&self, rows: &[usize]) -> Self {
        Self { seed: self.seed, ids: rows.iter().map(|&row| self.ids[row]).collect() }
    }
}
