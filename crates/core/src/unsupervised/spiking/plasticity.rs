//! How the synapses of a neuron that spikes move: the Convallis rule, and the timing of spikes in pairs and
//! triplets, each with the same constraint on the neuron's rate.

use super::neuron::{Neuron, Piece};

/// What moves synapses. `x_i` are input spikes, `K` the answer of a potential to one of unit weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Learning {
    /// `dw_i/dt = η f(V) (K ∗ x_i)`, which ascends `⟨F(V)⟩`, `F′ = f`: see [`Valley`].
    Convallis(Valley),
    /// By pairs and triplets of spikes: see [`Timing`].
    Timing(Timing),
}

/// `f(V) = max(V − θ₋, 0) (V − θ₊)/(θ₊ − θ₋)²`: zero about rest, negative between the thresholds, positive
/// above.
///
/// Its integral `F` is flat, falls into a valley (*convallis*) and rises: a synapse that is active while the
/// potential is high grows, one that is active while it is neither low nor high shrinks. Yger & Harris,
/// `PLoS` Comput. Biol. 9, e1003272 (2013); this function is the simplest of that shape, not theirs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Valley {
    /// `θ₋` (V).
    pub low: f64,
    /// `θ₊` (V), above `θ₋`.
    pub high: f64,
}

/// Traces of spikes: at a spike of the neuron `Δw_i = η T x_i (A₂⁺ + A₃⁺ y₂)`, at one of the input
/// `Δw_i = −η T A₂⁻ y₁`.
///
/// A trace grows by 1 at every spike, after it was read, and decays: `x_i` of input `i` with `τ₊`, `y₁` and
/// `y₂` of the neuron with `τ₋` and `τ_y`. Without `A₃⁺` these are pairs (Song, Miller & Abbott, Nat.
/// Neurosci. 3, 919 (2000)), with it the minimal triplet model (Pfister & Gerstner, J. Neurosci. 26, 9673
/// (2006)). With `T` = 8 ms a pair at a delay of 10 ms moves a synapse about as far as by the Convallis rule
/// with the default neuron, so that `η` means a like speed for every rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// `T` (s).
    pub unit_time: f64,
    /// `A₂⁺`.
    pub pair: f64,
    /// `A₃⁺`.
    pub triplet: f64,
    /// `A₂⁻`.
    pub depression: f64,
    /// `τ₊` (s).
    pub plus_time: f64,
    /// `τ₋` (s).
    pub minus_time: f64,
    /// `τ_y` (s).
    pub triplet_time: f64,
}

/// A constraint on the neuron's rate, for every rule: `dw_i/dt = −η κ (r̄/r₀ − 1) (K ∗ x_i)`, where `r̄` is
/// its rate, averaged over the past with an exponential.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateConstraint {
    /// `κ`; 0 for none.
    pub strength: f64,
    /// `r₀` (Hz).
    pub target: f64,
    /// Time constant of the average (s).
    pub time: f64,
}

/// Everything by which synapses move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plasticity {
    /// The rule.
    pub learning: Learning,
    /// The constraint.
    pub constraint: RateConstraint,
    /// `η` (V/s).
    pub rate: f64,
    /// Largest weight (V); the least is 0.
    pub bound: f64,
}

impl Valley {
    /// `f(V)`.
    #[must_use]
    pub fn slope(&self, potential: f64) -> f64 {
        (potential - self.low).max(0.0) * (potential - self.high) / (self.high - self.low).powi(2)
    }
}

impl Timing {
    /// Pairs: depression outweighs potentiation by 5 % in their integrals.
    pub const PAIRS: Self = Self {
        unit_time: 8e-3,
        pair: 1.0,
        triplet: 0.0,
        depression: 1.05 * 16.8 / 33.7,
        plus_time: 16.8e-3,
        minus_time: 33.7e-3,
        triplet_time: 114e-3,
    };

    /// The minimal model of all triplets that fits visual cortex (their table 4), in units of its `A₃⁺`.
    pub const TRIPLETS: Self = Self { pair: 0.0, triplet: 1.0, depression: 7.1 / 6.5, ..Self::PAIRS };
}

/// The synapses of a neuron, and the traces by which they learn.
#[derive(Clone, Debug)]
pub struct Synapses {
    /// Weights (V), as they are programmed.
    pub weights: Vec<f64>,
    plasticity: Plasticity,
    neuron: Neuron,
    inputs: Vec<Traces>,
    /// `y₁`, `y₂`.
    own: [f64; 2],
    /// `r̄` (Hz).
    rate: f64,
}

/// Traces of an input, each 1 higher after a spike.
#[derive(Clone, Copy, Debug, Default)]
struct Traces {
    /// With `τ` and `τ_s`, which make `K ∗ x_i`.
    answer: [f64; 2],
    /// With `τ₊`.
    timing: f64,
}

impl Synapses {
    /// Without a past; the average rate begins at its target.
    #[must_use]
    pub fn new(weights: Vec<f64>, plasticity: Plasticity, neuron: Neuron) -> Self {
        let inputs = vec![Traces::default(); weights.len()];
        Self { weights, plasticity, neuron, inputs, own: [0.0; 2], rate: plasticity.constraint.target }
    }

    /// A piece of time has passed, and maybe a spike has begun at its end.
    pub fn pass(&mut self, piece: &Piece) {
        let Plasticity { learning, constraint, rate: eta, bound } = self.plasticity;
        let pull = |after: f64| {
            let seen = self.rate * (-after / constraint.time).exp();
            constraint.strength * (seen / constraint.target - 1.0)
        };
        let sums = piece.correlate(|after, potential| match learning {
            Learning::Convallis(valley) => valley.slope(potential) - pull(after),
            Learning::Timing(_) => -pull(after),
        });
        let scale = eta * self.neuron.kernel_scale();
        let decay = |time: f64| (-piece.length / time).exp();
        let decays = [decay(self.neuron.time_constant()), decay(self.neuron.synapse_time)];
        let timed = self.timing().map_or(0.0, |timing| decay(timing.plus_time));
        for (weight, traces) in self.weights.iter_mut().zip(&mut self.inputs) {
            let [slow, fast] = &mut traces.answer;
            let moved = *weight + scale * (*slow * sums[0] - *fast * sums[1]);
            *weight = moved.clamp(0.0, bound);
            (*slow, *fast) = (*slow * decays[0], *fast * decays[1]);
            traces.timing *= timed;
        }
        self.rate *= decay(constraint.time);
        if let Some(timing) = self.timing() {
            self.own[0] *= decay(timing.minus_time);
            self.own[1] *= decay(timing.triplet_time);
        }
        if piece.fires {
            self.fire();
        }
    }

    /// The neuron fires.
    pub fn fire(&mut self) {
        if let Some(timing) = self.timing() {
            let all = self.plasticity.rate * timing.unit_time * (timing.pair + timing.triplet * self.own[1]);
            for (weight, traces) in self.weights.iter_mut().zip(&self.inputs) {
                *weight = (*weight + all * traces.timing).clamp(0.0, self.plasticity.bound);
            }
        }
        self.own.iter_mut().for_each(|trace| *trace += 1.0);
        self.rate += self.plasticity.constraint.time.recip();
    }

    /// An input spikes; returns its weight as it was.
    pub fn hear(&mut self, input: usize) -> f64 {
        let before = self.weights[input];
        if let Some(timing) = self.timing() {
            let lost = self.plasticity.rate * timing.unit_time * timing.depression * self.own[0];
            self.weights[input] = (before - lost).clamp(0.0, self.plasticity.bound);
        }
        let traces = &mut self.inputs[input];
        traces.answer.iter_mut().for_each(|trace| *trace += 1.0);
        traces.timing += 1.0;
        before
    }

    fn timing(&self) -> Option<Timing> {
        match self.plasticity.learning {
            Learning::Timing(timing) => Some(timing),
            Learning::Convallis(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unsupervised::spiking::{Event, Protocol, Stimulus, Unit};

    const FREE: RateConstraint = RateConstraint { strength: 0.0, target: 10.0, time: 1.0 };
    /// So slow that no weight is brought to 0 (V/s).
    const RATE: f64 = 1e-4;
    const VALLEY: Valley = Valley { low: 8e-3, high: 20e-3 };

    fn plasticity(learning: Learning) -> Plasticity {
        Plasticity { learning, constraint: FREE, rate: RATE, bound: 1.0 }
    }

    /// Change by 60 repetitions.
    fn change(learning: Learning, stimulus: Stimulus, rate: f64) -> f64 {
        let protocol = Protocol { stimulus, rate, times: 60 };
        protocol.change(Neuron::default(), plasticity(learning), 1e-3, 0.5e-3)
    }

    #[test]
    fn a_held_potential_moves_a_synapse_by_the_function_times_the_integral_of_the_kernel() {
        // ∫ K = τ; what the cut at the end of a period leaves out is e^{−50}, and the last spike's trace
        // has a second and a half.
        for potential in [0.0, 9e-3, 15e-3, 25e-3] {
            let found = change(Learning::Convallis(VALLEY), Stimulus::Hold(potential), 1.0);
            let wanted = 60.0 * RATE * VALLEY.slope(potential) * Neuron::default().time_constant();
            // Three points err by (h/τ_s)⁶ of the kernel, 1e-6 times 1e-5.
            assert!((found - wanted).abs() <= 1e-9 * wanted.abs(), "{potential}: {found} {wanted}");
        }
    }

    #[test]
    fn pairs_that_are_far_apart_move_a_synapse_by_one_exponential_each() {
        let all = 60.0 * RATE * Timing::PAIRS.unit_time;
        for delay in [2e-3, 10e-3, 40e-3] {
            let pair = |delay| change(Learning::Timing(Timing::PAIRS), Stimulus::Pair(delay), 1.0);
            // Spikes of the next pair are a second away: e^{−0.96/0.0337} = 4e-13.
            let plus = all * (-delay / Timing::PAIRS.plus_time).exp();
            assert!((pair(delay) - plus).abs() < 1e-11 * plus, "{delay}");
            let minus = -all * Timing::PAIRS.depression * (-delay / Timing::PAIRS.minus_time).exp();
            assert!((pair(-delay) - minus).abs() < 1e-11 * minus.abs(), "{delay}");
        }
    }

    #[test]
    fn triplets_at_a_rate_are_geometric_series() {
        // At the n-th pair, +Δ: potentiation e^{−Δ/τ₊}-like sums of all inputs before, times y₂ of all own
        // spikes before; depression at each input by y₁ of all own spikes before.
        let (period, delay, timing) = (0.05_f64, 10e-3, Timing::TRIPLETS);
        let found = change(Learning::Timing(timing), Stimulus::Pair(delay), period.recip());
        let (mut sum, trace) = (0.0, |from: f64, time: f64| (-from / time).exp());
        for n in 0..60 {
            let inputs: f64 = (0..=n).map(|k| trace(delay + period * f64::from(k), timing.plus_time)).sum();
            let own = |time: f64, less: f64| -> f64 {
                (1..=n).map(|k| trace(period * f64::from(k) - less, time)).sum()
            };
            sum += inputs * timing.triplet * own(timing.triplet_time, 0.0);
            sum -= timing.depression * own(timing.minus_time, delay);
        }
        let wanted = RATE * timing.unit_time * sum;
        assert!((found - wanted).abs() < 1e-10 * wanted.abs(), "{found} {wanted}");
    }

    /// `∫ F(V) dt` of a neuron that cannot fire, by fine steps of the trapezoidal rule.
    fn objective(neuron: Neuron, weights: &[f64], events: &[(f64, Event)], duration: f64) -> f64 {
        let fixed = Plasticity { rate: 0.0, ..plasticity(Learning::Convallis(VALLEY)) };
        let integral = |potential: f64| {
            let (above, width) = ((potential - VALLEY.low).max(0.0), VALLEY.high - VALLEY.low);
            (above.powi(3) / 3.0 - above.powi(2) * width / 2.0) / width.powi(2)
        };
        let mut unit = Unit::new(neuron, fixed, weights.to_vec(), 1.0);
        let (steps, mut sum) = (40_000_u32, 0.0);
        let step = duration / f64::from(steps);
        for k in 0..steps {
            let (from, to) = (f64::from(k) * step, f64::from(k + 1) * step);
            let here = events.iter().filter(|(at, _)| (from..to).contains(at));
            sum += 0.5 * step * integral(unit.potential());
            unit.follow(step, here.map(|(at, event)| (at - from, *event)));
            sum += 0.5 * step * integral(unit.potential());
        }
        sum
    }

    #[test]
    fn without_spikes_convallis_ascends_its_objective() {
        let neuron = Neuron { threshold: 1.0, ..Neuron::default() };
        let events: Vec<(f64, Event)> = (0..30)
            .map(|k| (0.1 * (0.5 + 0.5 * f64::from(k).sin()), k as usize % 3))
            .fold(Vec::new(), |mut all, (at, input)| {
                all.push((at, Event::Input(input)));
                all.sort_by(|one: &(f64, Event), other| one.0.total_cmp(&other.0));
                all
            });
        let weights = [3e-3, 4e-3, 2e-3];
        let slow = Plasticity { rate: 1e-9, ..plasticity(Learning::Convallis(VALLEY)) };
        let mut unit = Unit::new(neuron, slow, weights.to_vec(), 0.25e-3);
        unit.follow(0.2, events.iter().copied());
        for (input, (after, before)) in unit.synapses.weights.iter().zip(weights).enumerate() {
            let at = |shift: f64| {
                let mut moved = weights;
                moved[input] += shift;
                objective(neuron, &moved, &events, 0.2)
            };
            let h = 1e-5;
            let slope = (at(h) - at(-h)) / (2.0 * h);
            let found = (after - before) / 1e-9;
            // The step of 5 µs errs by its square over that of 5 ms, 1e-6; h by its square over that of
            // 12 mV, 1e-6; the kink of f by a few times that.
            assert!((found - slope).abs() < 1e-4 * slope.abs(), "{input}: {found} {slope}");
        }
    }

    #[test]
    fn a_finer_step_changes_little() {
        let learned = |step: f64| {
            let slow = plasticity(Learning::Convallis(VALLEY));
            let mut unit = Unit::new(Neuron::default(), slow, vec![4e-3; 8], step);
            let events = (0..400).map(|k| (2.5e-3 * f64::from(k), Event::Input(k as usize * 5 % 8)));
            unit.follow(1.0, events);
            assert!(unit.spikes > 5, "{}", unit.spikes);
            unit.synapses.weights
        };
        let (coarse, fine) = (learned(0.5e-3), learned(0.05e-3));
        for (one, other) in coarse.iter().zip(&fine) {
            assert!((one - other).abs() < 1e-4 * (other - 4e-3).abs(), "{one} {other}");
        }
    }

    #[test]
    fn the_constraint_pulls_along_the_kernel_by_how_far_the_rate_is_off() {
        // Nothing fires: r̄ = r₀ e^{−t/T}, and the synapse moves by ηκ ∫ (1 − e^{−t/T}) K.
        let constraint = RateConstraint { strength: 2.0, target: 10.0, time: 0.5 };
        for learning in [Learning::Convallis(Valley { low: 1.0, high: 2.0 }), Learning::Timing(Timing::PAIRS)]
        {
            let rule = Plasticity { constraint, ..plasticity(learning) };
            let neuron = Neuron { threshold: 1.0, ..Neuron::default() };
            let mut unit = Unit::new(neuron, rule, vec![1e-3], 0.5e-3);
            unit.follow(1.0, [(0.0, Event::Input(0))]);
            let (time, synapse) = (neuron.time_constant(), neuron.synapse_time);
            let part = |decay: f64| decay - 1.0 / (1.0 / decay + 2.0);
            let wanted = RATE * 2.0 * neuron.kernel_scale() * (part(time) - part(synapse));
            let found = unit.synapses.weights[0] - 1e-3;
            assert!((found - wanted).abs() < 1e-9 * wanted, "{found} {wanted}");
        }
    }
}
