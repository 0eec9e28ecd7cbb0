//! Steps along a branch: tangent, plane across, kinks.

use super::branch::{Branch, BranchPoint, End, Plan, TOLERANCE};
use super::events::{Node, between};
use super::solve::{Condition, CurvePoint, Equations, Metric, Tangent};
use super::{Event, EventKind, Family, Vector, unstable};

/// Longest step at first, as a share of the range and of the state's size.
const FIRST: f64 = 0.25;
/// Shortest step (same units).
const SHORTEST: f64 = 1e-9;
/// Tangents at both ends of a step may differ by so much: cosine of the angle.
const STRAIGHT: f64 = 0.9;
/// So close to a kink the Jacobian is that of the side (relative).
const BESIDE: f64 = 1e-12;
/// Kinks on which a step may land instead of the one it aimed at.
const DETOURS: usize = 6;
/// Growth of a state beyond which its equilibrium is on its way to infinity.
const RUNAWAY: f64 = 1e3;

/// The equilibrium at a value of the parameter by Newton's method from a state near it.
#[must_use]
pub fn equilibrium(family: &dyn Family, near: Vector, parameter: f64) -> Option<Vector> {
    let metric = Metric { range: 1.0 + parameter.abs(), size: 1.0 + near.amax() };
    let equations = Equations { family, metric, tolerance: TOLERANCE };
    let guess = CurvePoint { x: near, p: parameter };
    equations.place(guess, &Condition::Parameter(parameter)).map(|place| place.x)
}

/// Follows the branch through `plan.start`; `None` if there is no equilibrium near it.
#[must_use]
pub fn follow(family: &dyn Family, plan: &Plan) -> Option<Branch> {
    let size = 1.0 + plan.start.amax();
    let metric = Metric { range: (plan.range.1 - plan.range.0).abs(), size };
    let equations = Equations { family, metric, tolerance: plan.tolerance };
    let guess = CurvePoint { x: plan.start.clone(), p: plan.range.0 };
    let place = equations.place(guess, &Condition::Parameter(plan.range.0))?;
    let along = Tangent { x: Vector::zeros(place.x.len()), p: plan.range.1 - plan.range.0 };
    let mut tangent = equations.tangent(&place, &along)?;
    if tangent.p * along.p < 0.0 {
        tangent = tangent.turned();
    }
    let sides = family.kinks(place.p).iter().map(|kink| place.x[kink.coordinate] > kink.position).collect();
    let eigenvalues = family.eigenvalues(&place.x, place.p);
    let node = Node { place, tangent, eigenvalues, arc: 0.0 };
    let branch = Branch { points: Vec::new(), events: Vec::new(), end: End::Steps };
    let step = FIRST * plan.longest;
    let mut walker = Walker { equations, plan, node, sides, step, branch };
    walker.walk();
    Some(walker.branch)
}

impl Tangent {
    fn turned(self) -> Self {
        Self { x: -self.x, p: -self.p }
    }
}

/// What a step aims at.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Aim {
    Ahead,
    Kink(usize),
    Edge(f64),
}

/// What became of a step.
enum Arrival {
    /// The branch goes on.
    On,
    /// The step was too long.
    Back,
    /// The branch ends.
    End(End),
}

struct Walker<'a> {
    equations: Equations<'a>,
    plan: &'a Plan,
    /// Where the branch is, seen from the side on which it goes on.
    node: Node,
    /// True if the state is above each kink.
    sides: Vec<bool>,
    step: f64,
    branch: Branch,
}

impl Walker<'_> {
    fn walk(&mut self) {
        self.record();
        let bound = RUNAWAY * self.equations.metric.size;
        for _ in 0..self.plan.steps {
            if self.plan.while_stable && self.branch.points.last().is_some_and(|point| point.unstable > 0) {
                self.branch.end = End::Unstable;
                return;
            }
            let Some((place, aim)) = self.advance() else {
                self.branch.end = End::Lost;
                return;
            };
            let done = match self.arrive(place, aim) {
                Arrival::On => None,
                Arrival::End(end) => Some(end),
                Arrival::Back => continue,
            };
            self.record();
            if let Some(end) = done {
                self.branch.end = end;
                return;
            }
            if self.node.place.x.amax() > bound {
                self.branch.end = End::Infinity;
                self.branch.events.extend(self.at_infinity());
                return;
            }
        }
    }

    fn record(&mut self) {
        let Node { place, eigenvalues, arc, .. } = &self.node;
        self.branch.points.push(BranchPoint {
            state: place.x.clone(),
            parameter: place.p,
            arc: *arc,
            rightmost: eigenvalues.first().copied().unwrap_or_default(),
            unstable: unstable(eigenvalues),
        });
    }

    /// The next place; `None` if steps shrink to nothing.
    fn advance(&mut self) -> Option<(CurvePoint, Aim)> {
        let stretch = (self.node.place.x.amax() / self.equations.metric.size).max(1.0);
        self.step = self.step.min(self.plan.longest * stretch);
        while self.step > SHORTEST {
            let (aim, length) = self.aim();
            if let Some((place, aim)) = self.attempt(aim, length) {
                if aim == Aim::Ahead {
                    self.step *= 1.5;
                }
                return Some((place, aim));
            }
            self.step = 0.5 * length.min(self.step);
        }
        None
    }

    /// What lies within the next step on the tangent, and how far.
    fn aim(&self) -> (Aim, f64) {
        let Node { place, tangent, .. } = &self.node;
        let mut best = (Aim::Ahead, self.step);
        for (index, (gap, rate)) in self.gaps().into_iter().enumerate() {
            let closing = if self.sides[index] { rate < 0.0 } else { rate > 0.0 };
            let distance = if closing { (-gap / rate).max(0.0) } else { f64::INFINITY };
            if distance <= best.1 {
                best = (Aim::Kink(index), distance);
            }
        }
        let (first, last) = self.plan.range;
        for edge in [first, last] {
            let distance = (edge - place.p) / tangent.p;
            if distance > 0.0 && distance <= best.1 {
                best = (Aim::Edge(edge), distance);
            }
        }
        best
    }

    /// Distance of the state from each kink, and how fast the branch changes it.
    fn gaps(&self) -> Vec<(f64, f64)> {
        let Node { place, tangent, .. } = &self.node;
        let h = 1e-6 * self.equations.metric.range;
        let family = self.equations.family;
        let kinks = family.kinks(place.p);
        if kinks.is_empty() {
            return Vec::new();
        }
        let moved = (family.kinks(place.p - h), family.kinks(place.p + h));
        let each = kinks.iter().zip(moved.0.iter().zip(&moved.1));
        each.map(|(kink, (a, b))| {
            let drift = (b.position - a.position) / (2.0 * h);
            (place.x[kink.coordinate] - kink.position, tangent.x[kink.coordinate] - drift * tangent.p)
        })
        .collect()
    }

    /// Tries to get to an aim, or to whatever kink turns out to lie before it.
    fn attempt(&self, aim: Aim, length: f64) -> Option<(CurvePoint, Aim)> {
        let Node { place, tangent, .. } = &self.node;
        let mut guess = CurvePoint { x: &place.x + &tangent.x * length, p: place.p + tangent.p * length };
        let mut aim = aim;
        for _ in 0..DETOURS {
            let condition = match aim {
                Aim::Ahead => Condition::Ahead(place, tangent, length),
                Aim::Kink(index) => Condition::Kink(index),
                Aim::Edge(value) => Condition::Parameter(value),
            };
            let found = self.equations.place(guess, &condition)?;
            if !self.is_near(&found, length) {
                return None;
            }
            let Some((index, share)) = self.trespass(&found, aim) else {
                return self.is_straight(&found, aim).then_some((found, aim));
            };
            if aim == Aim::Kink(index) {
                return None;
            }
            guess = CurvePoint {
                x: &place.x + (&found.x - &place.x) * share,
                p: place.p + (found.p - place.p) * share,
            };
            aim = Aim::Kink(index);
        }
        None
    }

    /// Returns whether a place lies ahead, and not further than a step can lead.
    fn is_near(&self, found: &CurvePoint, length: f64) -> bool {
        let Node { place, tangent, .. } = &self.node;
        let (state, parameter) = (&found.x - &place.x, found.p - place.p);
        let metric = self.equations.metric;
        let gone = metric.dot((&state, parameter), (&state, parameter)).sqrt();
        let ahead = metric.dot((&state, parameter), (&tangent.x, tangent.p));
        let (first, last) = self.plan.range;
        let slack = 1e-12 * metric.range;
        let inside = found.p >= first.min(last) - slack && found.p <= first.max(last) + slack;
        ahead >= -SHORTEST && gone <= 2.0 * length + 10.0 * SHORTEST && inside
    }

    /// The first kink passed on the way to a place but the one aimed at, and the share of the way up to it.
    fn trespass(&self, found: &CurvePoint, aim: Aim) -> Option<(usize, f64)> {
        let before = self.equations.family.kinks(self.node.place.p);
        let after = self.equations.family.kinks(found.p);
        let mut first: Option<(usize, f64)> = None;
        for (index, (a, b)) in before.iter().zip(&after).enumerate() {
            let gap = found.x[b.coordinate] - b.position;
            let within = gap.abs() <= BESIDE * (1.0 + b.position.abs());
            if Aim::Kink(index) == aim || within || (gap > 0.0) == self.sides[index] {
                continue;
            }
            let start = self.node.place.x[a.coordinate] - a.position;
            let share = (start / (start - gap)).clamp(0.0, 1.0);
            if first.is_none_or(|(_, least)| share < least) {
                first = Some((index, share));
            }
        }
        first
    }

    /// Returns whether the branch turns little between here and a place on the same piece.
    fn is_straight(&self, found: &CurvePoint, aim: Aim) -> bool {
        if aim != Aim::Ahead || self.step < 1e3 * SHORTEST {
            return true;
        }
        let tangent = &self.node.tangent;
        self.equations.tangent(found, tangent).is_some_and(|next| {
            self.equations.metric.dot((&next.x, next.p), (&tangent.x, tangent.p)) > STRAIGHT
        })
    }

    /// Moves to a place that was found.
    fn arrive(&mut self, place: CurvePoint, aim: Aim) -> Arrival {
        let kink = match aim {
            Aim::Kink(index) => Some(index),
            _ => None,
        };
        // On a kink the piece that ends there is seen from just before it.
        let before =
            kink.map_or_else(|| place.clone(), |index| self.beside(&place, index, self.sides[index]));
        let Some(end) = self.reach(before) else { return Arrival::End(End::Lost) };
        let smooth = self.sides.is_empty();
        let found = match between(&self.equations, smooth, &self.node, &end) {
            Some(found) => found,
            // What cannot be located is looked at with shorter steps.
            None if self.step > 1e3 * SHORTEST => {
                self.step *= 0.25;
                return Arrival::Back;
            }
            None => return Arrival::End(End::Lost),
        };
        let lost = self.plan.while_stable && found.iter().any(Event::loses_stability);
        self.branch.events.extend(found);
        self.node = end;
        if lost {
            return Arrival::End(End::Unstable);
        }
        match aim {
            Aim::Ahead => Arrival::On,
            Aim::Edge(value) if value == self.plan.range.1 => Arrival::End(End::Reached),
            Aim::Edge(_) => Arrival::End(End::Returned),
            Aim::Kink(index) => {
                // Both sides are points: eigenvalues jump between them.
                self.record();
                self.pass(&place, index).map_or(Arrival::On, Arrival::End)
            }
        }
    }

    /// Tangent and eigenvalues of a place of the present piece.
    fn reach(&self, place: CurvePoint) -> Option<Node> {
        let tangent = self.equations.tangent(&place, &self.node.tangent)?;
        let eigenvalues = self.equations.family.eigenvalues(&place.x, place.p);
        let (state, parameter) = (&place.x - &self.node.place.x, place.p - self.node.place.p);
        let gone = self.equations.metric.dot((&state, parameter), (&state, parameter)).sqrt();
        Some(Node { place, tangent, eigenvalues, arc: self.node.arc + gone })
    }

    /// A place on a kink, moved by next to nothing to one of its sides.
    fn beside(&self, place: &CurvePoint, index: usize, above: bool) -> CurvePoint {
        let kink = self.equations.family.kinks(place.p)[index];
        let aside = BESIDE * (1.0 + kink.position.abs());
        let mut place = place.clone();
        place.x[kink.coordinate] = kink.position + if above { aside } else { -aside };
        place
    }

    /// Passes a kink: the state's component goes on as it came, so the tangent on the other side does too.
    /// Whether the branch ends there.
    fn pass(&mut self, place: &CurvePoint, index: usize) -> Option<End> {
        let upwards = !self.sides[index];
        let beyond = self.beside(place, index, upwards);
        let Some(tangent) = self.equations.tangent_across(&beyond, index, upwards) else {
            return Some(End::Lost);
        };
        let eigenvalues = self.equations.family.eigenvalues(&beyond.x, beyond.p);
        let folds = tangent.p * self.node.tangent.p < 0.0;
        let counts = (unstable(&self.node.eigenvalues), unstable(&eigenvalues));
        let event = Event {
            kind: EventKind::Border { kink: index, upwards, folds },
            state: place.x.clone(),
            parameter: place.p,
            arc: self.node.arc,
            unstable: counts,
        };
        let lost = self.plan.while_stable && (event.loses_stability() || folds);
        self.branch.events.push(event);
        self.sides[index] = upwards;
        self.node = Node { place: beyond, tangent, eigenvalues, arc: self.node.arc };
        lost.then_some(End::Unstable)
    }

    /// Where the rightmost eigenvalue is zero, the state being far out where nothing changes its slopes any
    /// more.
    fn at_infinity(&self) -> Option<Event> {
        let Node { place, tangent, .. } = &self.node;
        let family = self.equations.family;
        // Where a real eigenvalue passes zero the determinant does. It keeps digits that eigenvalues lose
        // where weights of 10⁴ stand beside a nudge of 10⁻⁹.
        let determinant = |p: f64| family.jacobian(&place.x, p).determinant();
        let rightmost = |p: f64| family.eigenvalues(&place.x, p).first().map_or(f64::NAN, |e| e.re);
        let reach = 0.1 * (place.p - self.plan.range.0).abs().max(1e-6 * self.equations.metric.range);
        let ahead = place.p + reach * tangent.p.signum();
        let (here, there) = (determinant(place.p), determinant(ahead));
        let changes = (here < 0.0 && there > 0.0 || here > 0.0 && there < 0.0) && (here * there).is_finite();
        let value = |p: f64| if changes { -here.signum() * determinant(p) } else { rightmost(p) };
        let (mut a, mut b) = ((place.p, value(place.p)), (ahead, value(ahead)));
        if !(a.1 < 0.0 && b.1 > 0.0) {
            return None;
        }
        for _ in 0..60 {
            let secant = b.0 - b.1 * (b.0 - a.0) / (b.1 - a.1);
            let found = (secant, value(secant));
            if found.1 == 0.0 || (secant - a.0).abs().min((secant - b.0).abs()) <= 1e-14 * secant.abs() {
                a = found;
                break;
            }
            if found.1 > 0.0 { (b, a.1) = (found, 0.5 * a.1) } else { (a, b.1) = (found, 0.5 * b.1) }
        }
        let (state, parameter) = (place.x.clone(), a.0);
        Some(Event { kind: EventKind::Infinity, state, parameter, arc: self.node.arc, unstable: (0, 1) })
    }
}
