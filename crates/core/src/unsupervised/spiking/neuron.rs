//! A leaky integrate-and-fire neuron with exponential synapses, followed in closed form between events.

/// Devices of a neuron. Potentials are relative to rest.
///
/// `C dV/dt = −g V + I`, and every input spike leaves a charge `w C` through a current that decays with
/// `τ_s`, so that `V` answers with `w K(t)`, `K = τ/(τ − τ_s) (e^{−t/τ} − e^{−t/τ_s})`, whose integral is
/// `τ = C/g` (Gerstner et al., *Neuronal Dynamics*, Cambridge 2014, §1.3). Where `V` reaches the threshold
/// the neuron fires: `V` is at the peak for the width of a spike, then goes on from the reset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neuron {
    /// Capacitance of the membrane (F).
    pub capacitance: f64,
    /// Its leak (S).
    pub leak: f64,
    /// Time constant `τ_s` of the synapses' currents (s), not `C/g`.
    pub synapse_time: f64,
    /// Potential at which it fires (V).
    pub threshold: f64,
    /// Potential of a spike (V).
    pub peak: f64,
    /// Duration of a spike (s); no other begins meanwhile.
    pub width: f64,
    /// Potential after a spike (V), below the threshold.
    pub reset: f64,
}

impl Default for Neuron {
    /// About a cell of cortex, and so slow: 200 pF and 10 nS, `τ` = 20 ms; synapses 5 ms; it fires 20 mV
    /// above rest, for 2 ms at 40 mV, and goes on from 16 mV, depolarised by its own spike.
    fn default() -> Self {
        Self {
            capacitance: 200e-12,
            leak: 10e-9,
            synapse_time: 5e-3,
            threshold: 20e-3,
            peak: 40e-3,
            width: 2e-3,
            reset: 16e-3,
        }
    }
}

/// What a neuron's potential does until the next event.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Course {
    /// It follows its currents.
    Free,
    /// It is in a spike for so long yet (s).
    Spiking(f64),
    /// It is held from outside.
    Clamped,
}

/// State of a neuron.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Membrane {
    /// Potential (V).
    potential: f64,
    /// What the synapses' current comes to across the leak, `I/g` (V).
    drive: f64,
    course: Course,
}

/// A piece of time without events.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// Its length (s).
    pub length: f64,
    /// Whether a spike begins at its end.
    pub fires: bool,
    neuron: Neuron,
    begin: Membrane,
}

/// Nodes and weights of the quadrature of Gauss and Legendre with three points, on `[0, 1]`.
const GAUSS: [(f64, f64); 3] =
    [(0.112_701_665_379_258_3, 5.0 / 18.0), (0.5, 4.0 / 9.0), (0.887_298_334_620_741_7, 5.0 / 18.0)];
/// Halvings of an interval that a crossing lies in, until rounding.
const HALVINGS: usize = 60;

impl Neuron {
    /// `τ = C/g` (s).
    #[must_use]
    pub fn time_constant(&self) -> f64 {
        self.capacitance / self.leak
    }

    /// What turns traces of the two time constants into `K`: `τ/(τ − τ_s)`.
    #[must_use]
    pub fn kernel_scale(&self) -> f64 {
        let time = self.time_constant();
        time / (time - self.synapse_time)
    }

    /// Potential of a free membrane after a time.
    fn potential(&self, from: &Membrane, after: f64) -> f64 {
        let fast = self.fast_part(from);
        (from.potential - fast) * (-after / self.time_constant()).exp()
            + fast * (-after / self.synapse_time).exp()
    }

    /// The part of a free potential that decays with `τ_s`.
    fn fast_part(&self, from: &Membrane) -> f64 {
        -from.drive * self.synapse_time / (self.time_constant() - self.synapse_time)
    }

    /// When a free membrane first reaches the threshold within a time, if it does.
    ///
    /// Two exponentials have one extremum at most, so that none is overlooked.
    fn crossing(&self, from: &Membrane, within: f64) -> Option<f64> {
        let (slow, fast) = (from.potential - self.fast_part(from), self.fast_part(from));
        let (time, synapse) = (self.time_constant(), self.synapse_time);
        let ratio = -fast * time / (slow * synapse);
        let extremum = ratio.ln() / (1.0 / synapse - 1.0 / time);
        let ends = [extremum, within].into_iter().filter(|end| *end > 0.0 && *end <= within);
        let reaches = |at: &f64| self.potential(from, *at) >= self.threshold;
        let mut high = ends.into_iter().find(reaches)?;
        let mut low = 0.0;
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if reaches(&middle) { high = middle } else { low = middle }
        }
        Some(high)
    }
}

impl Membrane {
    /// At rest.
    pub const REST: Self = Self { potential: 0.0, drive: 0.0, course: Course::Free };

    /// Hears an input spike of a weight (V).
    pub fn hear(&mut self, neuron: &Neuron, weight: f64) {
        self.drive += weight * neuron.time_constant() / neuron.synapse_time;
    }

    /// Begins a spike.
    pub fn fire(&mut self, neuron: &Neuron) {
        self.course = Course::Spiking(neuron.width);
    }

    /// Holds the potential at a value (V) from now on; nothing fires.
    pub fn clamp(&mut self, potential: f64) {
        (self.potential, self.course) = (potential, Course::Clamped);
    }

    /// Potential (V).
    #[must_use]
    pub fn potential(&self, neuron: &Neuron) -> f64 {
        if matches!(self.course, Course::Spiking(_)) { neuron.peak } else { self.potential }
    }

    /// Goes on by a time at most, until a spike begins or ends, and returns what has passed.
    pub fn advance(&mut self, neuron: &Neuron, most: f64) -> Piece {
        let begin = *self;
        let (length, fires) = match begin.course {
            Course::Clamped => (most, false),
            Course::Spiking(left) => {
                let length = left.min(most);
                self.course = Course::Spiking(left - length);
                if length == left {
                    (self.potential, self.course) = (neuron.reset, Course::Free);
                }
                (length, false)
            }
            Course::Free => {
                let crossing = neuron.crossing(&begin, most);
                let length = crossing.unwrap_or(most);
                self.potential = neuron.potential(&begin, length);
                (length, crossing.is_some())
            }
        };
        self.drive *= (-length / neuron.synapse_time).exp();
        if fires {
            self.fire(neuron);
        }
        Piece { length, fires, neuron: *neuron, begin }
    }
}

impl Piece {
    /// Potential a time after its beginning (V).
    #[must_use]
    pub fn potential(&self, after: f64) -> f64 {
        match self.begin.course {
            Course::Free => self.neuron.potential(&self.begin, after),
            Course::Clamped => self.begin.potential,
            Course::Spiking(_) => self.neuron.peak,
        }
    }

    /// `∫ f(t, V(t)) (e^{−t/τ}, e^{−t/τ_s}) dt` over the piece, `t` from its beginning (s); by three points.
    #[must_use]
    pub fn correlate(&self, f: impl Fn(f64, f64) -> f64) -> [f64; 2] {
        let times = [self.neuron.time_constant(), self.neuron.synapse_time];
        let mut sums = [0.0; 2];
        for (place, weight) in GAUSS {
            let at = place * self.length;
            let value = weight * self.length * f(at, self.potential(at));
            sums.iter_mut().zip(times).for_each(|(sum, time)| *sum += value * (-at / time).exp());
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets time pass in pieces of at most `step`; returns when spikes began.
    fn spikes(membrane: &mut Membrane, neuron: &Neuron, duration: f64, step: f64) -> Vec<f64> {
        let (mut now, mut found) = (0.0, Vec::new());
        while now < duration {
            let piece = membrane.advance(neuron, step.min(duration - now));
            now += piece.length;
            found.extend(piece.fires.then_some(now));
        }
        found
    }

    #[test]
    fn an_input_spike_is_answered_with_the_kernel_whatever_the_pieces() {
        let neuron = Neuron::default();
        let (time, synapse) = (neuron.time_constant(), neuron.synapse_time);
        for step in [1e-4, 3e-3, 1.0] {
            let mut membrane = Membrane::REST;
            membrane.hear(&neuron, 2e-3);
            spikes(&mut membrane, &neuron, 12e-3, step);
            let kernel = time / (time - synapse) * ((-12e-3 / time).exp() - (-12e-3 / synapse).exp());
            assert!((membrane.potential(&neuron) - 2e-3 * kernel).abs() < 1e-15, "{step}"); // roundings
        }
    }

    #[test]
    fn a_steady_current_makes_spikes_at_intervals_of_the_closed_form() {
        // Synapses that never decay are a steady current: T = width + τ ln((u − reset)/(u − threshold)).
        let neuron = Neuron { synapse_time: 1e9, reset: 5e-3, ..Neuron::default() };
        let (drive, time) = (25e-3, neuron.time_constant());
        for step in [1e-4, 7e-3] {
            let mut membrane = Membrane { drive, ..Membrane::REST };
            let found = spikes(&mut membrane, &neuron, 0.5, step);
            let wanted = neuron.width + time * ((drive - neuron.reset) / (drive - neuron.threshold)).ln();
            assert!(found.len() > 10, "{step}");
            for two in found.windows(2) {
                // The drive has lost a share of 5e-10 within half a second.
                assert!((two[1] - two[0] - wanted).abs() < 1e-10, "{step}: {two:?} {wanted}");
            }
        }
    }

    #[test]
    fn a_peak_between_the_ends_of_a_piece_is_not_overlooked() {
        // The answer to one spike reaches its largest value and is below the threshold again at 60 ms.
        let neuron = Neuron { threshold: 10e-3, ..Neuron::default() };
        let (time, synapse) = (neuron.time_constant(), neuron.synapse_time);
        let at = (time / synapse).ln() / (1.0 / synapse - 1.0 / time);
        let largest = neuron.kernel_scale() * ((-at / time).exp() - (-at / synapse).exp());
        for (share, fires) in [(0.999, false), (1.001, true)] {
            let mut membrane = Membrane::REST;
            membrane.hear(&neuron, share * neuron.threshold / largest);
            let piece = membrane.advance(&neuron, 60e-3);
            assert_eq!(piece.fires, fires);
            assert!(!fires || (piece.potential(piece.length) - neuron.threshold).abs() < 1e-15);
        }
    }

    #[test]
    fn integrals_over_a_piece_are_those_of_the_exponentials() {
        // ∫ V e^{−t/τ} of a membrane without a drive is V₀ τ/2 (1 − e^{−2h/τ}); three points err by
        // (h/τ_s)⁷/2016000 of h V₀.
        let neuron = Neuron::default();
        let mut membrane = Membrane { potential: 10e-3, ..Membrane::REST };
        let piece = membrane.advance(&neuron, 0.5e-3);
        let time = neuron.time_constant();
        let exact = 10e-3 * time / 2.0 * (1.0 - (-1e-3 / time).exp());
        assert!((piece.correlate(|_, potential| potential)[0] - exact).abs() < 1e-13 * exact);
    }
}
