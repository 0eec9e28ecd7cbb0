//! What experimenters do to one synapse: its input and its neuron spike in pairs, or the potential is held.

use super::neuron::Neuron;
use super::plasticity::Plasticity;
use super::unit::{Event, Unit};

/// A protocol, repeated `times` times at a rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Protocol {
    /// What is done each time.
    pub stimulus: Stimulus,
    /// How often in a second (Hz).
    pub rate: f64,
    /// How often at all.
    pub times: usize,
}

/// What is done to a synapse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stimulus {
    /// Its input spikes, and after a delay (s), before it if that is negative, the neuron is made to.
    Pair(f64),
    /// Its input spikes while the potential is held at a value (V).
    Hold(f64),
}

impl Protocol {
    /// How much the weight of the synapse has moved at the end (V), from a value (V).
    #[must_use]
    pub fn change(&self, neuron: Neuron, plasticity: Plasticity, weight: f64, step: f64) -> f64 {
        let mut unit = Unit::new(neuron, plasticity, vec![weight], step);
        let period = self.rate.recip();
        let events = match self.stimulus {
            Stimulus::Pair(delay) => {
                let (input, own) = (0.5 * (period - delay), 0.5 * (period + delay));
                let mut pair = vec![(input, Event::Input(0)), (own, Event::Fire)];
                pair.sort_by(|one, other| one.0.total_cmp(&other.0));
                pair
            }
            Stimulus::Hold(potential) => {
                vec![(0.0, Event::Clamp(potential)), (0.5 * period, Event::Input(0))]
            }
        };
        for _ in 0..self.times {
            unit.follow(period, events.iter().copied());
        }
        // What the last of them has left decays unseen.
        unit.follow(1.0, []);
        unit.synapses.weights[0] - weight
    }
}
