//! Folds, crossings and Hopf points between two places of a smooth piece of a branch: zeros along the arc.

use nalgebra::Complex;

use super::criticality::first_lyapunov;
use super::solve::{Condition, CurvePoint, Equations, Tangent};
use super::{Event, EventKind, unstable};

/// Length of the bracket in which an event is left, as a share of the step it was found in.
const BRACKET: f64 = 1e-12;
/// Most evaluations of a search.
const SEARCH: usize = 80;
/// An imaginary part below this share of the matrix's largest eigenvalue is none: two real ones split by the
/// square root of rounding.
const REAL: f64 = 1e-6;
/// A Lyapunov coefficient below this is that of a field without curvature, where differences show nothing but
/// rounding.
const FLAT: f64 = 1e-5;

/// A place with its tangent and eigenvalues.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub place: CurvePoint,
    pub tangent: Tangent,
    pub eigenvalues: Vec<Complex<f64>>,
    pub arc: f64,
}

/// Events of a smooth piece, in their order; `None` if one of them cannot be located: the ends are not of one
/// piece then.
pub(super) fn between(
    equations: &Equations<'_>,
    smooth: bool,
    start: &Node,
    end: &Node,
) -> Option<Vec<Event>> {
    let piece = Piece { equations, start, end, length: length(equations, start, end) };
    let counts = (unstable(&start.eigenvalues), unstable(&end.eigenvalues));
    let turns = start.tangent.p * end.tangent.p < 0.0;
    let mut found: Vec<(f64, EventKind)> = Vec::new();
    if turns {
        found.push((piece.zero(&|node| node.tangent.p)?, EventKind::Fold));
    }
    let (few, many) = (counts.0.min(counts.1), counts.0.max(counts.1));
    let mut index = few;
    while index < many {
        let at = piece.zero(&|node| node.eigenvalues.get(index).map_or(f64::NAN, |e| e.re))?;
        let (kind, passed) = piece.classify(at, index, smooth);
        index += passed;
        // A fold is known by its turn, to more digits.
        if !(turns && kind == EventKind::Crossing) {
            found.push((at, kind));
        }
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    Some(piece.count(found, counts))
}

fn length(equations: &Equations<'_>, start: &Node, end: &Node) -> f64 {
    let gone = (&(&end.place.x - &start.place.x), end.place.p - start.place.p);
    equations.metric.dot(gone, (&start.tangent.x, start.tangent.p))
}

struct Piece<'a> {
    equations: &'a Equations<'a>,
    start: &'a Node,
    end: &'a Node,
    length: f64,
}

impl Piece<'_> {
    /// The branch at a distance from the start.
    fn node(&self, at: f64) -> Option<Node> {
        if at == 0.0 || at == self.length {
            return Some(if at == 0.0 { self.start.clone() } else { self.end.clone() });
        }
        let share = at / self.length;
        let (a, b) = (&self.start.place, &self.end.place);
        let guess =
            CurvePoint { x: &a.x * (1.0 - share) + &b.x * share, p: a.p * (1.0 - share) + b.p * share };
        let place = self.equations.place(guess, &Condition::Ahead(a, &self.start.tangent, at))?;
        let tangent = self.equations.tangent(&place, &self.start.tangent)?;
        let eigenvalues = self.equations.family.eigenvalues(&place.x, place.p);
        Some(Node { place, tangent, eigenvalues, arc: self.start.arc + at })
    }

    /// Where a function changes its sign, by regula falsi (Illinois) that halves where it is slow.
    fn zero(&self, value: &dyn Fn(&Node) -> f64) -> Option<f64> {
        let (mut a, mut b) = ((0.0, value(self.start)), (self.length, value(self.end)));
        if (a.1 > 0.0) == (b.1 > 0.0) {
            return None;
        }
        let mut slow = 0;
        for _ in 0..SEARCH {
            let width = b.0 - a.0;
            if width <= BRACKET * self.length {
                break;
            }
            let secant = b.0 - b.1 * width / (b.1 - a.1);
            let inside = secant > a.0 && secant < b.0 && slow < 3;
            let middle = if inside { secant } else { a.0 + 0.5 * width };
            let found = value(&self.node(middle)?);
            if found.is_nan() {
                return None;
            }
            if found == 0.0 {
                return Some(middle);
            }
            let upper = (found > 0.0) == (b.1 > 0.0);
            if upper {
                (b, a.1) = ((middle, found), 0.5 * a.1);
            } else {
                (a, b.1) = ((middle, found), 0.5 * b.1);
            }
            slow = if b.0 - a.0 > 0.5 * width { slow + 1 } else { 0 };
            // The secant has arrived, though one side of the bracket stays behind.
            let next = b.0 - b.1 * (b.0 - a.0) / (b.1 - a.1);
            if (next - middle).abs() < BRACKET * self.length && inside {
                return Some(next.clamp(a.0, b.0));
            }
        }
        Some(0.5 * (a.0 + b.0))
    }

    /// What the eigenvalue of this index does at a place where its real part is zero; how many eigenvalues
    /// pass with it.
    fn classify(&self, at: f64, index: usize, smooth: bool) -> (EventKind, usize) {
        let Some(node) = self.node(at) else { return (EventKind::Crossing, 1) };
        let scale = node.eigenvalues.iter().map(|e| e.norm()).fold(0.0, f64::max);
        // At a zero the order of eigenvalues may have changed by rounding: the nearest to the axis is meant.
        let near = node.eigenvalues.iter().skip(index.saturating_sub(1)).take(3);
        let Some(found) = near.min_by(|a, b| a.re.abs().total_cmp(&b.re.abs())) else {
            return (EventKind::Crossing, 1);
        };
        let omega = found.im.abs();
        if omega <= REAL * scale {
            return (EventKind::Crossing, 1);
        }
        let lyapunov = smooth
            .then(|| first_lyapunov(self.equations.family, &node.place.x, node.place.p, omega))
            .flatten()
            .filter(|l| l.abs() > FLAT);
        (EventKind::Hopf { omega, lyapunov }, 2)
    }

    /// Puts states, parameters and counts of unstable eigenvalues to events.
    fn count(&self, found: Vec<(f64, EventKind)>, (first, last): (usize, usize)) -> Vec<Event> {
        let mut count = first;
        let total = found.len();
        let mut events = Vec::with_capacity(total);
        for (k, (at, kind)) in found.into_iter().enumerate() {
            let Some(node) = self.node(at) else { continue };
            let passing = if matches!(kind, EventKind::Hopf { .. }) { 2 } else { 1 };
            let after = if k + 1 == total {
                last
            } else if last > first {
                count + passing
            } else {
                count.saturating_sub(passing)
            };
            let (state, parameter) = (node.place.x, node.place.p);
            events.push(Event { kind, state, parameter, arc: node.arc, unstable: (count, after) });
            count = after;
        }
        events
    }
}
