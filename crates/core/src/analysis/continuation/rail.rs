//! Where a branch first lies on a rail that the free equilibrium does not touch: latch-up from there on,
//! however stable (docs/model.md §5).

use super::{Branch, BranchPoint, CircuitFamily, equilibrium};

/// Halvings of the step within which that begins, to the last digit.
const HALVINGS: usize = 50;

/// The value of the parameter there; `None` if the branch keeps off such rails.
#[must_use]
pub fn first_on_rail(family: &CircuitFamily<'_>, branch: &Branch) -> Option<f64> {
    let is_on = |point: &BranchPoint| family.is_on_rail(&point.state, point.parameter);
    let first = branch.points.iter().position(is_on)?;
    let Some(before) = first.checked_sub(1) else { return Some(branch.points[0].parameter) };
    let (a, b) = (&branch.points[before], &branch.points[first]);
    let at = |share: f64| a.parameter * (1.0 - share) + b.parameter * share;
    let (mut off, mut on) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let share = f64::midpoint(off, on);
        let near = &a.state * (1.0 - share) + &b.state * share;
        let found = equilibrium(family, near, at(share));
        if found.is_some_and(|state| family.is_on_rail(&state, at(share))) { on = share } else { off = share }
    }
    Some(at(on))
}
