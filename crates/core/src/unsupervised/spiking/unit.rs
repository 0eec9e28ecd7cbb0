//! A neuron with synapses that learn, followed from event to event.

use super::neuron::{Membrane, Neuron};
use super::plasticity::{Plasticity, Synapses};

/// What happens at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// An input spikes.
    Input(usize),
    /// The neuron is made to fire, by a current that is as short as it is strong.
    Fire,
    /// The potential is held at a value (V) from now on.
    Clamp(f64),
}

/// A neuron with its synapses.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Synapses.
    pub synapses: Synapses,
    /// Spikes so far.
    pub spikes: usize,
    /// What every synapse carries of its weight.
    pub carried: Vec<f64>,
    neuron: Neuron,
    membrane: Membrane,
    /// Longest piece that learning is integrated over at once (s).
    step: f64,
}

impl Unit {
    /// At rest, with exact synapses.
    #[must_use]
    pub fn new(neuron: Neuron, plasticity: Plasticity, weights: Vec<f64>, step: f64) -> Self {
        let carried = vec![1.0; weights.len()];
        let synapses = Synapses::new(weights, plasticity, neuron);
        Self { synapses, spikes: 0, carried, neuron, membrane: Membrane::REST, step }
    }

    /// Follows a stretch of time (s) with its events, in their order, at times from its beginning.
    pub fn follow(&mut self, duration: f64, events: impl IntoIterator<Item = (f64, Event)>) {
        let mut now = 0.0;
        for (at, event) in events {
            self.pass(at - now);
            now = at;
            match event {
                Event::Input(input) => {
                    let weight = self.synapses.hear(input);
                    self.membrane.hear(&self.neuron, weight * self.carried[input]);
                }
                Event::Fire => {
                    self.membrane.fire(&self.neuron);
                    self.synapses.fire();
                    self.spikes += 1;
                }
                Event::Clamp(potential) => self.membrane.clamp(potential),
            }
        }
        self.pass(duration - now);
    }

    /// Lets time pass without events.
    fn pass(&mut self, duration: f64) {
        let mut left = duration;
        while left > 0.0 {
            let piece = self.membrane.advance(&self.neuron, left.min(self.step));
            self.synapses.pass(&piece);
            self.spikes += usize::from(piece.fires);
            left -= piece.length;
        }
    }

    /// Potential (V).
    #[must_use]
    pub fn potential(&self) -> f64 {
        self.membrane.potential(&self.neuron)
    }
}
