//! The equilibria that the free state leads to: stable stretches of a branch, and small jumps between them.

use super::super::continuation::{
    Border, Branch, CircuitFamily, End, EventKind, Plan, Vector, equilibrium, first_on_rail, follow,
};
use crate::circuit::DyadCircuit;
use crate::matrix::Matrix;

/// Gradient estimates that differ by less than this share in every layer count as those of one equilibrium: a
/// convention. At a kink a branch may fold and fold back within a thousandth of β, which no chip would
/// notice.
const SAME: f64 = 0.1;
/// Norms of `δ` (V) below which nothing is compared: a settled state carries the tolerance of its solver,
/// 1e-6 of a volt or two, over the distance of the rightmost eigenvalue from the axis.
const FLOOR: f64 = 3e-5;
/// How much shorter the steps are with which a branch that was lost is tried again.
const FINER: f64 = 0.1;

/// Predicted end of the branch of stable equilibria that the free state leads to.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Nudge of the end.
    pub beta: f64,
    /// `fold`, `crossing`, `infinity`, `hopf`, `border`, `border-fold`, `rail` where a compartment comes to
    /// lie on one that the free equilibrium does not touch, or `lost` where no next equilibrium was found.
    pub event: &'static str,
    /// The compartment at a border.
    pub border: Option<Border>,
    /// Period of the cycle at a Hopf point (s).
    pub period: Option<f64>,
    /// Its first Lyapunov coefficient, where the field is smooth.
    pub lyapunov: Option<f64>,
}

/// Stable stretches, in rising order of β.
pub(super) struct StableBranch<'a> {
    family: &'a CircuitFamily<'a>,
    stretches: Vec<Branch>,
}

impl<'a> StableBranch<'a> {
    /// The first stretch, from the free state.
    pub fn follow(family: &'a CircuitFamily<'a>, end: f64) -> Option<Self> {
        let first = stretch(family, (0.0, end), family.free_state())?;
        Some(Self { family, stretches: vec![first] })
    }

    /// Jumps between the stretches.
    pub fn small_jumps(&self) -> usize {
        self.stretches.len() - 1
    }

    /// Goes on from a settled state beyond the end of the last stretch; whether that is a small jump.
    pub fn go_on(&mut self, beta: f64, end: f64, state: &[f64]) -> bool {
        let Some(last) = self.stretches.last() else { return false };
        let (until, event) = last.stable_until();
        let before = event.map(|event| &event.state).or(last.points.last().map(|point| &point.state));
        let state = Vector::from_column_slice(state);
        if !before.is_some_and(|before| self.is_same((until, before), (beta, &state))) {
            return false;
        }
        let next = stretch(self.family, (beta, end), state);
        let stable = next.filter(|next| next.points.first().is_some_and(|point| point.unstable == 0));
        let found = stable.is_some();
        self.stretches.extend(stable);
        found
    }

    /// Predicts the event that ends the last stretch before `end`.
    pub fn predicted_end(&self, end: f64) -> Option<Prediction> {
        let branch = self.stretches.last()?;
        let (beta, event) = branch.stable_until();
        let plain = |beta, event| Prediction { beta, event, border: None, period: None, lyapunov: None };
        if let Some(rail) = first_on_rail(self.family, branch).filter(|&rail| rail <= beta) {
            return Some(plain(rail, "rail"));
        }
        let Some(event) = event else {
            let whole = branch.end == End::Reached || beta >= end;
            return (!whole).then(|| plain(beta, "lost"));
        };
        let (period, lyapunov) = match event.kind {
            EventKind::Hopf { omega, lyapunov } => {
                (Some(std::f64::consts::TAU / omega * self.family.unit()), lyapunov)
            }
            _ => (None, None),
        };
        let border = self.family.border(event);
        Some(Prediction { beta, event: event.kind.name(), border, period, lyapunov })
    }

    /// Returns whether a settled state is one of these equilibria; false where the last stretch has ended.
    pub fn holds(&self, beta: f64, state: &[f64]) -> bool {
        let state = Vector::from_column_slice(state);
        let stretch = |branch: &Branch| {
            let near = branch.near(beta).filter(|_| beta <= branch.stable_until().0)?;
            Some((beta, equilibrium(self.family, near.clone(), beta).unwrap_or(near)))
        };
        // Between two stretches, within the width of a small jump, the end of the lower one is near enough.
        let ended = || {
            let (last, others) = self.stretches.split_last()?;
            let below = others.iter().rfind(|branch| branch.stable_until().0 < beta)?;
            (beta < last.points.first()?.parameter).then_some(())?;
            below.points.last().map(|point| (point.parameter, point.state.clone()))
        };
        let there = self.stretches.iter().find_map(stretch).or_else(ended);
        there.is_some_and(|(at, point)| self.is_same((at, &point), (beta, &state)))
    }

    /// Returns whether two states at their nudges give nearly the same gradient, `δ/β` in every layer.
    fn is_same(&self, one: (f64, &Vector), other: (f64, &Vector)) -> bool {
        let errors = |(beta, state): (f64, &Vector)| {
            let state = Matrix::from_row_slice(1, state.len(), state.as_slice());
            let of = |circuit: &DyadCircuit<'_, f64>| circuit.differences(&state);
            self.family.with(beta, |circuit, _| of(circuit)).unwrap_or_default()
        };
        alike((&errors(one), one.0), (&errors(other), other.0))
    }
}

/// Returns whether differences `δ` of every layer (V), each at its nudge, make nearly the same gradient; not
/// if there are none.
pub(super) fn alike(one: (&[Matrix<f64>], f64), other: (&[Matrix<f64>], f64)) -> bool {
    let near = |a: &Matrix<f64>, b: &Matrix<f64>| {
        let (a, b) = (a / one.1, b / other.1);
        (&a - &b).norm() <= SAME * a.norm().max(b.norm()) + FLOOR / one.1
    };
    !one.0.is_empty() && one.0.iter().zip(other.0).all(|(a, b)| near(a, b))
}

/// A stable stretch; one that is lost is tried again with shorter steps.
fn stretch(family: &CircuitFamily<'_>, range: (f64, f64), start: Vector) -> Option<Branch> {
    let plan = Plan { while_stable: true, ..Plan::new(range, start) };
    let branch = follow(family, &plan)?;
    if branch.end != End::Lost {
        return Some(branch);
    }
    let finer = Plan { longest: FINER * plan.longest, ..plan };
    Some(follow(family, &finer).filter(|again| again.end != End::Lost).unwrap_or(branch))
}
