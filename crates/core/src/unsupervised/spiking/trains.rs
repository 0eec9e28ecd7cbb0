//! Input spikes: Poisson trains of groups of inputs, one group at a time louder than the others.

use rand_distr::{Distribution, Exp1, StandardUniform};

use crate::random::{Key, Kind, below, stream};

/// Inputs in groups whose rates move together: for a slot of time one of the groups, any with equal
/// probability, has a high rate and the others a low one.
///
/// Given the rates all trains are Poisson processes of their own. All inputs have the same mean rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Groups {
    /// How many there are.
    pub groups: usize,
    /// Inputs of a group.
    pub members: usize,
    /// Duration of a slot (s).
    pub slot: f64,
    /// Rate of the inputs of the loud group (Hz).
    pub high: f64,
    /// Rate of the others (Hz).
    pub low: f64,
}

impl Groups {
    /// Inputs.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.groups * self.members
    }

    /// Group of an input.
    #[must_use]
    pub fn group(&self, input: usize) -> usize {
        input / self.members
    }

    /// The group that is loud in a slot of a seed.
    #[must_use]
    pub fn loud(&self, seed: u64, slot: u32) -> usize {
        below(self.groups as u64, &mut stream(Key::new(seed, Kind::SpikeTrain).step(slot))) as usize
    }

    /// Spikes of a slot in their order: times from its beginning (s), and inputs.
    ///
    /// Stream `SpikeTrain` of the seed, the slot its step; layer 1, an input its device.
    #[must_use]
    pub fn spikes(&self, seed: u64, slot: u32) -> Vec<(f64, usize)> {
        let loud = self.loud(seed, slot);
        let key = Key::new(seed, Kind::SpikeTrain).layer(1).step(slot);
        let mut all = Vec::new();
        for input in 0..self.inputs() {
            let rate = if self.group(input) == loud { self.high } else { self.low };
            let mut source = stream(key.device(input as u32));
            let mut next = || -> f64 {
                let wait: f64 = Exp1.sample(&mut source);
                wait / rate
            };
            let mut at = next();
            while at < self.slot {
                all.push((at, input));
                at += next();
            }
        }
        all.sort_by(|one, other| one.0.total_cmp(&other.0));
        all
    }
}

/// Initial weights, uniform between 3/4 and 5/4 of a mean (V): the stream `Weights` of a seed, in sequence.
#[must_use]
pub fn initial_weights(inputs: usize, about: f64, seed: u64) -> Vec<f64> {
    let mut source = stream(Key::new(seed, Kind::Weights));
    let mut share = || -> f64 { StandardUniform.sample(&mut source) };
    (0..inputs).map(|_| about * (0.75 + 0.5 * share())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: Groups = Groups { groups: 4, members: 5, slot: 0.1, high: 60.0, low: 3.0 };

    #[test]
    fn trains_have_the_mean_and_variance_of_poisson_processes() {
        // Counts of slots, loud and quiet: mean and variance are both rate times slot. Of n slots the mean
        // errs by √(λ/n), the variance by √((λ + 2λ²)/n); four of these.
        let slots = 4000;
        let (mut loud, mut quiet) = (Vec::new(), Vec::new());
        for slot in 0..slots {
            let mut counts = [0.0; 20];
            let spikes = GROUPS.spikes(3, slot);
            assert!(spikes.windows(2).all(|two| two[0].0 <= two[1].0));
            spikes.iter().for_each(|(_, input)| counts[*input] += 1.0);
            let own = GROUPS.loud(3, slot);
            for (input, count) in counts.into_iter().enumerate() {
                if GROUPS.group(input) == own { loud.push(count) } else { quiet.push(count) }
            }
        }
        for (counts, rate) in [(loud, 6.0), (quiet, 0.3)] {
            let n = counts.len() as f64;
            let mean = counts.iter().sum::<f64>() / n;
            let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / n;
            assert!((mean - rate).abs() < 4.0 * (rate / n).sqrt(), "{mean} {rate}");
            assert!((variance - rate).abs() < 4.0 * ((rate + 2.0 * rate * rate) / n).sqrt(), "{variance}");
        }
    }

    #[test]
    fn groups_are_loud_equally_often_and_an_input_keeps_its_train_whatever_the_others_are() {
        let mut often = [0_i32; 4];
        (0..4000).for_each(|slot| often[GROUPS.loud(1, slot)] += 1);
        // Four standard deviations of √(4000 · 3/16) = 27.
        assert!(often.iter().all(|count| (count - 1000).abs() < 110), "{often:?}");
        let of_first = |groups: Groups| -> Vec<f64> {
            groups.spikes(5, 7).into_iter().filter(|spike| spike.1 == 0).map(|spike| spike.0).collect()
        };
        let alone = Groups { members: 1, low: 60.0, ..GROUPS };
        assert_eq!(of_first(Groups { low: 60.0, ..GROUPS }), of_first(alone));
    }
}
