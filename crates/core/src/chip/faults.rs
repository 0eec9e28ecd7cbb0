//! Devices that do not work: synapses that are stuck, neurons that are dead.
//!
//! Every device has a uniform number of its own, and is faulty where that is below the share: a larger share
//! adds faults to those of a smaller one and takes none away. A synapse that is stuck open carries nothing;
//! one whose conductance is stuck at its largest carries that weight, of either sign by a coin, as either
//! device of its pair may be the one. A dead neuron hears and tells nothing: its synapses and its bias are
//! zero.

use rand_distr::{Distribution, StandardUniform};

use super::{Synapses, Weights, lateral};
use crate::matrix::{Matrix, Real};
use crate::random::{Key, Kind, stream};
use crate::spec::{CircuitSpec, FaultSpec, FeedbackSynapses};

/// What of a chip is faulty, the step of its key. The codes are part of every chip: add, never renumber.
#[derive(Clone, Copy, Debug)]
enum FaultQuantity {
    Neuron = 32,
    Forward = 33,
    Feedback = 34,
    Lateral = 35,
}

/// What faulty devices do to weights and biases; what works is not told of here.
#[derive(Clone, Debug)]
pub struct Faults<T> {
    /// Weights that stuck synapses carry whatever is programmed, of `W_k`, `F_k`, `L_k`; zero for all others.
    stuck: Weights<T>,
}

/// One crossbar: what its synapses let through of what is programmed, 1 or 0, and what stuck ones carry.
struct Crossbar<T> {
    passes: Matrix<T>,
    stuck: Matrix<T>,
}

impl<T: Real> Faults<T> {
    /// Draws the faults of a chip and takes what is faulty out of `factors`; `None` if every device works.
    pub(super) fn fabricate(
        circuit: &CircuitSpec,
        network: &[usize],
        factors: &mut Synapses<T>,
    ) -> Option<Self> {
        let spec = &circuit.mismatch.faults;
        if spec.is_none() {
            return None;
        }
        let seed = circuit.mismatch.seed.unwrap_or(0);
        let name = |quantity: FaultQuantity, layer: usize| {
            Key::new(seed, Kind::Mismatch).layer(layer as u16 + 1).step(quantity as u32)
        };
        let dead: Vec<Vec<bool>> = (network[1..].iter().enumerate())
            .map(|(layer, &neurons)| {
                let mut source = stream(name(FaultQuantity::Neuron, layer));
                (0..neurons)
                    .map(|_| {
                        let fate: f64 = StandardUniform.sample(&mut source);
                        fate < spec.dead
                    })
                    .collect()
            })
            .collect();
        let among = |layer: usize, quantity, factors: &mut Matrix<T>| {
            let mut bar = Crossbar::draw(spec, name(quantity, layer), factors.shape());
            bar.disconnect(layer.checked_sub(1).map(|below| dead[below].as_slice()), &dead[layer]);
            bar.carry(factors)
        };
        let layers = |quantity, factors: &mut Vec<Matrix<T>>| {
            factors.iter_mut().enumerate().map(|(layer, one)| among(layer, quantity, one)).collect()
        };
        let forward = layers(FaultQuantity::Forward, &mut factors.forward);
        let feedback = factors.feedback.as_mut().map(|own| layers(FaultQuantity::Feedback, own));
        let symmetric = circuit.feedback.synapses == FeedbackSynapses::Shared;
        let lateral = factors.lateral.as_mut().map(|own| {
            let one = |(layer, factors): (usize, &mut Matrix<T>)| {
                let mut bar = Crossbar::draw(spec, name(FaultQuantity::Lateral, layer), factors.shape());
                bar.disconnect(Some(&dead[layer]), &dead[layer]);
                bar.close(symmetric).carry(factors)
            };
            own.iter_mut().enumerate().map(one).collect()
        });
        let works = |is_dead: &bool| if *is_dead { T::ZERO } else { T::ONE };
        let biases = dead.iter().map(|layer| layer.iter().map(works).collect()).collect();
        Some(Self { stuck: Weights { forward, biases, feedback, lateral } })
    }

    /// Adds what stuck synapses carry to the weights that others carry, and takes the biases of dead neurons.
    pub(super) fn impose(&self, weights: &mut Weights<T>) {
        let Weights { forward, biases, feedback, lateral } = &self.stuck;
        let onto = |carried: &mut [Matrix<T>], stuck: &[Matrix<T>]| {
            carried.iter_mut().zip(stuck).for_each(|(w, stuck)| *w += stuck);
        };
        onto(&mut weights.forward, forward);
        // The same crossbar, read the other way, where feedback has no devices of its own.
        onto(weights.feedback.as_deref_mut().unwrap_or_default(), feedback.as_deref().unwrap_or(forward));
        onto(weights.lateral.as_deref_mut().unwrap_or_default(), lateral.as_deref().unwrap_or_default());
        for (bias, works) in weights.biases.iter_mut().flatten().zip(biases.iter().flatten()) {
            *bias *= *works;
        }
    }
}

impl<T: Real> Crossbar<T> {
    /// Draws which synapses are stuck, row by row: a stream per row, so that a device keeps its fate however
    /// wide the layer above is.
    fn draw(spec: &FaultSpec, name: Key, (rows, columns): (usize, usize)) -> Self {
        let (mut passes, mut stuck) =
            (Matrix::from_element(rows, columns, T::ONE), Matrix::zeros(rows, columns));
        for row in 0..rows {
            let mut source = stream(name.device(row as u32));
            for column in 0..columns {
                let fate: f64 = StandardUniform.sample(&mut source);
                let coin: bool = StandardUniform.sample(&mut source);
                let on = 1.0 - fate <= spec.stuck_on;
                if on || fate < spec.stuck_off {
                    passes[(row, column)] = T::ZERO;
                }
                if on {
                    let sign = if coin { spec.stuck_weight } else { -spec.stuck_weight };
                    stuck[(row, column)] = T::of(sign);
                }
            }
        }
        Self { passes, stuck }
    }

    /// Makes it one of lateral synapses.
    fn close(mut self, symmetric: bool) -> Self {
        lateral::close_lateral(&mut self.passes, symmetric);
        lateral::close_lateral(&mut self.stuck, symmetric);
        self
    }

    /// Takes what is stuck out of `factors`, and gives what that carries.
    fn carry(self, factors: &mut Matrix<T>) -> Matrix<T> {
        factors.component_mul_assign(&self.passes);
        self.stuck
    }

    /// Disconnects dead neurons below (columns) and above (rows).
    fn disconnect(&mut self, below: Option<&[bool]>, above: &[bool]) {
        for matrix in [&mut self.passes, &mut self.stuck] {
            for (row, _) in above.iter().enumerate().filter(|(_, dead)| **dead) {
                matrix.row_mut(row).fill(T::ZERO);
            }
            for (column, _) in below.unwrap_or_default().iter().enumerate().filter(|(_, dead)| **dead) {
                matrix.column_mut(column).fill(T::ZERO);
            }
        }
    }
}
