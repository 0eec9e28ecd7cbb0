//! Traps along a path: jumps are drawn, not stepped, so that a trap's history does not depend on the step.
//!
//! Every jump has a name (trap, number of the jump), and costs one draw. What a leak makes of the levels over
//! a step is summed piece by piece, exactly.

use rand_distr::{Distribution, Exp1, StandardUniform};

use super::Trap;
use super::clock::{LANES, Lanes};
use crate::matrix::{Real, rows_of};
use crate::random::{Key, Kind, stream};

/// One trap per column and sample.
#[derive(Clone, Debug)]
pub(super) struct TelegraphPath<T> {
    kind: Kind,
    trap: Trap,
    /// `(amplitude, r, ℓ)` of every column.
    columns: Vec<(f64, f64, f64)>,
    states: Vec<State>,
    /// `(group, lane)` of every row.
    rows: Vec<(u32, usize)>,
    /// `r ∫ e^{−ℓ(h−s)} x ds` over the step.
    pub step: Vec<T>,
}

/// Where a trap is.
#[derive(Clone, Copy, Debug)]
struct State {
    full: bool,
    /// Time of its next jump (s).
    next: f64,
    /// Jumps drawn so far.
    count: u32,
}

impl<T: Real> TelegraphPath<T> {
    /// Traps in equilibrium at time 0.
    pub fn new(kind: Kind, trap: Trap, lanes: &Lanes, columns: Vec<(f64, f64, f64)>) -> Self {
        let mut rows = vec![(0, 0); lanes.rows];
        for (group, members) in &lanes.groups {
            members.iter().for_each(|&(lane, row)| rows[row] = (*group, lane));
        }
        let mut states = Vec::with_capacity(rows.len() * columns.len());
        for column in 0..columns.len() {
            for &place in &rows {
                let mut source = stream(name(kind, lanes.seed, column, place));
                let uniform: f64 = StandardUniform.sample(&mut source);
                let wait: f64 = Exp1.sample(&mut source);
                let full = uniform < trap.occupancy();
                states.push(State { full, next: wait * mean(&trap, full), count: 1 });
            }
        }
        let step = vec![T::ZERO; states.len()];
        Self { kind, trap, columns, states, rows, step }
    }

    /// Integrals over the step that begins at `time` (s) and lasts `step` (s).
    pub fn advance(&mut self, seed: u64, time: f64, step: f64) {
        let (end, levels) = (time + step, self.trap.levels());
        let height = self.rows.len();
        for (column, &(amplitude, r, leak)) in self.columns.iter().enumerate() {
            // What the leak makes of a level of 1 over the last so many seconds of the step.
            let reach = |s: f64| if leak == 0.0 { r * s } else { -r * (-leak * s).exp_m1() / leak };
            let whole = reach(step);
            for (row, &place) in self.rows.iter().enumerate() {
                let state = &mut self.states[column * height + row];
                let (mut sum, mut left) = (0.0, whole);
                while state.next < end {
                    let rest = reach(end - state.next);
                    sum += levels[usize::from(state.full)] * (left - rest);
                    left = rest;
                    let mut source = stream(name(self.kind, seed, column, place).step(state.count));
                    let wait: f64 = Exp1.sample(&mut source);
                    state.full = !state.full;
                    state.next += wait * mean(&self.trap, state.full);
                    // Names come again after 2³² jumps of one trap.
                    state.count = state.count.wrapping_add(1);
                }
                sum += levels[usize::from(state.full)] * left;
                self.step[column * height + row] = T::of(amplitude * sum);
            }
        }
    }

    /// Returns whether the traps are full.
    pub fn full(&self) -> impl Iterator<Item = bool> {
        self.states.iter().map(|state| state.full)
    }

    /// Begins with traps that are full or not as told: how long one waits does not depend on how long it has
    /// waited.
    pub fn begin(&mut self, with: &[bool]) {
        for (state, &full) in self.states.iter_mut().zip(with) {
            state.next *= mean(&self.trap, full) / mean(&self.trap, state.full);
            state.full = full;
        }
    }

    /// Keeps some of the samples.
    pub fn keep(&mut self, rows: &[usize]) {
        let height = self.rows.len();
        self.states = rows_of(&self.states, height, rows);
        self.step = rows_of(&self.step, height, rows);
        self.rows = rows.iter().map(|&row| self.rows[row]).collect();
    }
}

/// Mean time until a trap leaves its state (s).
fn mean(trap: &Trap, full: bool) -> f64 {
    if full { trap.emission } else { trap.capture }
}

/// The stream of a trap's first draw; later ones are its steps.
fn name(kind: Kind, seed: u64, column: usize, (group, lane): (u32, usize)) -> Key {
    Key::new(seed, kind).trial(group).device((column * LANES + lane) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::SampleIds;

    #[test]
    fn a_history_does_not_depend_on_the_step() {
        let lanes = Lanes::new(&SampleIds::first(64));
        let trap = Trap { capture: 1.0, emission: 0.3 };
        let make = || TelegraphPath::<f64>::new(Kind::Trap, trap, &lanes, vec![(2.0, 1.0, 0.5); 4]);
        let (mut coarse, mut fine) = (make(), make());
        for i in 0..50 {
            let time = 2.0 * f64::from(i);
            coarse.advance(0, time, 2.0);
            let mut sum = vec![0.0; coarse.step.len()];
            for part in 0..8 {
                fine.advance(0, time + 0.25 * f64::from(part), 0.25);
                sum.iter_mut().zip(&fine.step).for_each(|(sum, a)| *sum = (-0.125_f64).exp() * *sum + a);
            }
            for (whole, sum) in coarse.step.iter().zip(sum) {
                assert!((whole - sum).abs() < 1e-13, "{whole} {sum}"); // rounding
            }
        }
    }
}
