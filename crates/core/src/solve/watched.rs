//! Steps of an explicit method whose trajectory is kept: each is bent as the method's stages say and held
//! against the equations.
//!
//! What a curve `P` that is wrong by less than the tolerance within a step `h` may not exceed is its defect,
//! `h |P′ − f(P)|`. It sees what an error estimate at the end does not: a curve too plain for the step, and
//! kinks, rails and slew limits passed on the way, whatever they come from. Enright, *J. Comput. Appl. Math.*
//! 125, 159 (2000). A step that fails is not taken: before a kink, whose defect goes as the step, the time is
//! halved until the step across it passes; elsewhere steps are made shorter by the order of the curve.

use ode_solvers::DVector;

use super::extension::{Bend, Order, curve};

/// Shares of a step at which its curve is held against the equations; it meets them at both ends.
const SHARES: [f64; 3] = [0.2, 0.5, 0.85];
/// Shortest step that is refused (τ).
const SHORTEST: f64 = 1e-10;
/// Safety factor and limit of shorter steps.
const SAFETY: f64 = 0.8;
const SHRINK: f64 = 0.2;
/// Growth of the longest step from segment to segment.
const GROW: f64 = 2.0;

/// A step that was not taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused {
    /// Its length (τ).
    length: f64,
    /// Its defect over what is allowed.
    excess: f64,
    /// True if a device passed a kink.
    kinked: bool,
}

/// Watches the steps of one segment.
#[derive(Debug)]
pub(super) struct Watch {
    order: Order,
    /// Tolerance (V) of a step by the largest potential (V): absolute and relative.
    tolerance: [f64; 2],
    /// Where the last step ended: time (τ), state, rate (V/τ), and the pieces that devices were on.
    time: f64,
    state: DVector<f64>,
    rate: DVector<f64>,
    regime: Vec<f64>,
    /// Rates at the last stages, the latest at the end.
    stages: Vec<DVector<f64>>,
    /// Bends of the steps so far.
    pub bends: Vec<Bend>,
    pub refused: Option<Refused>,
    /// Evaluations beside the method's own.
    pub evaluations: u64,
}

impl Watch {
    /// From a state and the rate there (V/τ).
    pub(super) fn new(
        order: Order,
        tolerance: [f64; 2],
        state: DVector<f64>,
        rate: DVector<f64>,
        regime: Vec<f64>,
    ) -> Self {
        Self {
            order,
            tolerance,
            time: 0.0,
            state,
            rate,
            regime,
            stages: Vec::new(),
            bends: Vec::new(),
            refused: None,
            evaluations: 1,
        }
    }

    /// Takes in the rate at one more stage.
    pub(super) fn record_stage(&mut self, rate: &DVector<f64>) {
        if self.stages.len() == self.order.stages() {
            self.stages.rotate_left(1);
            self.stages.pop();
        }
        self.stages.push(rate.clone());
    }

    /// Returns whether the step that ends at `time` (τ) in `state`, with devices on `regime`, is to be
    /// refused; `rate` evaluates rates.
    pub(super) fn refuses(
        &mut self,
        time: f64,
        state: &DVector<f64>,
        regime: Vec<f64>,
        mut rate: impl FnMut(&DVector<f64>) -> DVector<f64>,
    ) -> bool {
        let length = time - self.time;
        let Some(end) = self.stages.last().cloned() else { return false };
        let rates: Vec<_> = std::iter::once(self.rate.clone()).chain(self.stages.drain(..)).collect();
        self.evaluations += (self.order.further() + SHARES.len()) as u64;
        let bend = self.order.bend(length, &self.state, rates, &mut rate);
        let size = self.state.amax().max(state.amax());
        let allowed = self.tolerance[0] + self.tolerance[1] * size;
        let excess = self.defect(length, (state, &end), &bend, rate) / allowed;
        if excess > 1.0 && length > SHORTEST {
            let kinked = regime != self.regime;
            self.refused = Some(Refused { length, excess, kinked });
            return true;
        }
        self.bends.push(bend);
        (self.time, self.state, self.rate, self.regime) = (time, state.clone(), end, regime);
        false
    }

    /// Largest defect over the step (V).
    fn defect(
        &self,
        length: f64,
        (state, end): (&DVector<f64>, &DVector<f64>),
        bend: &Bend,
        mut rate: impl FnMut(&DVector<f64>) -> DVector<f64>,
    ) -> f64 {
        let mut worst = 0.0_f64;
        for share in SHARES {
            let curve = |j: usize| {
                let moves = [length * self.rate[j], length * end[j]];
                curve([self.state[j], state[j]], moves, &bend[j], share)
            };
            let points: Vec<[f64; 2]> = (0..state.len()).map(curve).collect();
            let there = rate(&DVector::from_iterator(points.len(), points.iter().map(|point| point[0])));
            let apart = points.iter().zip(there.iter()).map(|(point, rate)| (point[1] - length * rate).abs());
            worst = apart.fold(worst, f64::max);
        }
        worst
    }
}

/// How far the next steps may go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    order: Order,
    /// Longest step (τ).
    pub longest: f64,
    /// A time (τ) by which a kink is passed, and the length of a step that may pass it.
    kink: Option<[f64; 2]>,
}

impl Reach {
    pub(super) fn new(order: Order) -> Self {
        Self { order, longest: f64::INFINITY, kink: None }
    }

    /// When a segment from `time` has to end for a kink ahead (τ), if there is one.
    pub(super) fn end(&self, time: f64) -> Option<f64> {
        let [by, across] = self.kink?;
        let left = by - time;
        Some(if left > across { time + 0.5 * left } else { by })
    }

    /// Learns from a segment that reached `time` (τ), and from the step that was refused there.
    pub(super) fn learn(&mut self, time: f64, refused: Option<Refused>) {
        match refused {
            Some(Refused { length, excess, kinked: true }) => {
                let across = (SAFETY * length / excess.sqrt()).min(0.5 * length);
                self.kink = Some([time + length, across]);
            }
            Some(Refused { length, excess, kinked: false }) => {
                let power = match self.order {
                    Order::Five => 0.2,
                    Order::Eight => 0.125,
                };
                let factor = (SAFETY * excess.powf(-power)).max(SHRINK);
                self.longest = factor * length;
            }
            None => {
                self.longest *= GROW;
                self.kink = self.kink.filter(|[by, _]| time < *by);
            }
        }
    }
}
