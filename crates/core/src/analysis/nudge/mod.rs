//! The best nudge: where the error of the gradient estimate is least, among the nudges at which it is an
//! estimate of one thing.
//!
//! A weak nudge leaves the error below the noise, a strong one bends the gradient. Between them the mean
//! squared error has a valley in `x = ln β`, which a few given nudges need not show: a coarse grid steps over
//! it, and beyond the largest safe β the circuit sits at another equilibrium, whose error belongs to another
//! curve. So points there, and points at which samples do not come to rest, take no part; between the others
//! more nudges are looked at wherever the least value can hide ([`explore`]); and around the least one
//! polynomials are fitted, with ever more points until those of different degree agree with each other and
//! with the points ([`fit`]). The error that is told holds what they still differ by, and the jackknife over
//! draws. The same draws (noise, chips) are met at every nudge, so that a curve is smooth in β although each
//! of its values is random.

mod explore;
mod fit;

use super::gradient_error::{jackknife, mean};

use explore::{CLOSE, Curve};
use fit::Fit;

/// Samples that do not come to rest, beyond the share at the quietest point, from which on a point is left
/// out: an estimate from the other samples would be one of another gradient.
const UNSETTLED: f64 = 0.01;
/// Widths in `ln β` down to which gaps are divided in which the least value can hide, one after the other
/// until the fit is good enough.
const MESHES: [f64; 5] = [0.25, 0.1, 0.05, 0.025, 0.0125];
/// Half widths of the windows that are fitted, in `ln β`.
const WINDOWS: [f64; 4] = [0.4, 0.2, 0.1, 0.05];
/// Times that the window of a curve that jumps is moved.
const MOVES: usize = 6;
/// Error of a fit, in `ln β`, that is small enough: below what draws leave.
const ENOUGH: f64 = 0.01;

/// Errors from a nudge within which the least value may be.
const REACH: f64 = 2.0;
/// Jump of `ln` error that is one: by more than a curve can fall or rise between two points. Draws are read
/// when they come to rest, and where noise decides when that is, a draw changes at once as the nudge moves.
const JUMP: f64 = 0.1;

/// Observation at one nudge.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The nudge.
    pub beta: f64,
    /// The error of every draw there, above 0 in the mean; the same draws at every nudge.
    pub values: Vec<f64>,
    /// Share of samples that came to rest.
    pub settled: f64,
}

/// Why a point takes no part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// The nudge is beyond the largest safe one.
    Beyond,
    /// Samples did not come to rest.
    Unsettled,
}

impl Left {
    /// Name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Beyond => "beyond",
            Self::Unsettled => "unsettled",
        }
    }
}

/// Location of the least value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// Between nudges at which the error is larger.
    Inside,
    /// At the lower end of the range: the best nudge may lie below.
    Low,
    /// At the upper end of the range: the best nudge may lie above.
    High,
    /// At the upper end of what is safe: the error falls as far as the circuit can be trusted.
    Limit,
}

impl Location {
    /// Name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Low => "low",
            Self::High => "high",
            Self::Limit => "limit",
        }
    }
}

/// The nudge of the least error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    /// The nudge; at an end that end.
    pub beta: f64,
    /// Its standard error over draws; `None` from one draw and at an end.
    pub draws: Option<f64>,
    /// Error of the fit; `None` at an end.
    pub fit: Option<f64>,
    /// Location within the range.
    pub place: Location,
}

impl Best {
    /// How far from it (in `ln β`) the least value of the curve may be: [`REACH`] errors of the fit, and no
    /// less than what an end is looked at with. The error over draws has no part in it: the curve is that of
    /// these draws.
    fn reach(&self) -> f64 {
        (REACH * self.fit.unwrap_or(0.0) / self.beta).max(CLOSE)
    }

    /// Both errors together.
    #[must_use]
    pub fn error(&self) -> Option<f64> {
        self.fit.map(|fit| fit.hypot(self.draws.unwrap_or(0.0)))
    }
}

/// Looks at more nudges.
pub type Look<'a> = &'a mut dyn FnMut(&[f64]) -> Vec<Observation>;

/// Why each of these points takes no part, if it does not; `safe` is the largest safe nudge, if there is one.
#[must_use]
pub fn left_out(seen: &[Observation], safe: Option<f64>) -> Vec<Option<Left>> {
    let beyond = |at: &Observation| safe.is_some_and(|safe| at.beta > safe);
    let most = seen.iter().filter(|at| !beyond(at)).map(|at| at.settled).fold(0.0, f64::max);
    let why = |at: &Observation| match () {
        () if beyond(at) => Some(Left::Beyond),
        () if at.settled < most - UNSETTLED => Some(Left::Unsettled),
        () => None,
    };
    seen.iter().map(why).collect()
}

/// The best nudge between the first and the last of some that were seen, which stay as they are; with `look`
/// at as many more as it takes, without it from these alone. `None` where nothing can be compared.
#[must_use]
pub fn best(seen: &[Observation], safe: Option<f64>, look: Option<Look<'_>>) -> Option<Best> {
    let mut curve = Curve::new(seen, safe)?;
    let Some(look) = look else {
        let place = curve.place()?;
        return if place == Location::Inside { given(&curve) } else { Some(at_end(&curve, place)?) };
    };
    let mut found = None;
    for mesh in MESHES {
        while curve.add(look, &curve.hiding(mesh)) {}
        while curve.add(look, &curve.towards_an_end()) {}
        found = if curve.place()? == Location::Inside { Some(refined(&curve)?) } else { None };
        // Where the curve jumps, closer points tell nothing more.
        let jumps = mesh <= MESHES[1] && curve.jump(WINDOWS[0]) > JUMP;
        if jumps || found.as_ref().is_none_or(|found| found.fit.error <= ENOUGH) {
            break;
        }
    }
    let found = found.map(|found| best_of(&curve, &found));
    // So near to an end the least value may as well be beyond it: a bump of the curve is enough.
    let place =
        found.as_ref().map_or_else(|| curve.place(), |found| curve.end_near(found.beta.ln(), found.reach()));
    match (found, place) {
        (Some(found), None) => Some(found),
        (_, place) => at_end(&curve, place?),
    }
}

/// An end.
fn at_end(curve: &Curve, place: Location) -> Option<Best> {
    Some(Best { beta: curve.lowest()?.0.exp(), draws: None, fit: None, place })
}

/// A fit, and the points that it was made of.
struct Found {
    /// Half width and centre of the window.
    window: (f64, f64),
    fit: Fit,
}

/// The fit of the window around the lowest point that leaves least open; where none is better, the lowest
/// point itself, known to the distance of its neighbours: a valley may end in a kink.
fn refined(curve: &Curve) -> Option<Found> {
    let lowest = curve.lowest()?.0;
    if curve.jump(WINDOWS[0]) > JUMP {
        return rough(curve);
    }
    let of = |half: f64| {
        let fit = Fit::of(&curve.within(lowest, half), curve.ends());
        let near = fit.filter(|fit| (fit.vertex - lowest).abs() <= 0.5 * half);
        near.map(|fit| Found { window: (lowest, half), fit })
    };
    let point = Fit { vertex: lowest, error: curve.bracket()?, degree: 0 };
    let point = Found { window: (lowest, WINDOWS[0]), fit: point };
    WINDOWS
        .iter()
        .filter_map(|half| of(*half))
        .chain([point])
        .min_by(|a, b| a.fit.error.total_cmp(&b.fit.error))
}

/// The fit of a curve that jumps: a parabola through the widest window, its points random about it.
fn rough(curve: &Curve) -> Option<Found> {
    let (mut centre, half) = (curve.lowest()?.0, WINDOWS[0]);
    let mut found = None;
    // The lowest point of a rough curve is lowest by chance: the window moves to the vertex.
    for _ in 0..MOVES {
        let points = curve.within(centre, half);
        let Some(fit) = Fit::random(&points, curve.ends()) else { break };
        let near = (fit.vertex - centre).abs() <= 0.25 * half;
        centre = fit.vertex;
        found = Some(Found { window: (centre, half), fit });
        if near {
            break;
        }
    }
    let (lowest, error) = (curve.lowest()?.0, half);
    Some(found.unwrap_or(Found { window: (lowest, half), fit: Fit { vertex: lowest, error, degree: 0 } }))
}

/// The best nudge from given points alone: of the lowest and up to two on either side.
fn given(curve: &Curve) -> Option<Best> {
    let (lowest, bracket) = (curve.lowest()?.0, curve.bracket()?);
    let half = curve.reach(2)?;
    let fit = Fit::of(&curve.within(lowest, half), curve.ends());
    let fit = fit.filter(|fit| (fit.vertex - lowest).abs() <= bracket);
    let fit = fit.unwrap_or(Fit { vertex: lowest, error: bracket, degree: 0 });
    Some(best_of(curve, &Found { window: (lowest, half), fit }))
}

/// Its nudge, with the errors of draws and of the fit.
fn best_of(curve: &Curve, found: &Found) -> Best {
    let Found { window: (centre, half), fit } = found;
    let points = curve.drawn(*centre, *half);
    let draws = points.first().map_or(0, |point| point.1.len());
    let vertex = |without: Option<usize>| {
        let of: Vec<(f64, f64)> = points.iter().map(|(x, v)| (*x, mean(v, without).ln())).collect();
        Fit::vertex(&of, fit.degree).unwrap_or(fit.vertex)
    };
    let spread = jackknife(draws, 2, vertex).error;
    let beta = fit.vertex.exp();
    Best { beta, draws: spread.map(|e| e * beta), fit: Some(fit.error * beta), place: Location::Inside }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(from: f64, to: f64, count: u32) -> Vec<f64> {
        let part = |k: u32| f64::from(k) / f64::from(count - 1);
        (0..count).map(|k| from * (to / from).powf(part(k))).collect()
    }

    /// The best nudge of a curve from a grid, and how many nudges were looked at.
    fn of(curve: &dyn Fn(f64) -> f64, betas: &[f64], safe: Option<f64>) -> (Best, usize) {
        let at = |beta: &f64| Observation { beta: *beta, values: vec![curve(*beta)], settled: 1.0 };
        let seen: Vec<Observation> = betas.iter().map(at).collect();
        let mut looks = 0;
        let mut look = |more: &[f64]| {
            looks += more.len();
            more.iter().map(at).collect::<Vec<_>>()
        };
        let found = best(&seen, safe, Some(&mut look)).unwrap();
        (found, looks)
    }

    #[test]
    fn a_valley_just_beyond_the_range_is_not_told_as_one_inside_because_of_a_bump() {
        // Least at exp(−0.03) of the lower end, with bumps of two thousandths such as the moment of reading
        // makes: at x = 0.0157 the curve is at 0.0457² − 0.002, below 0.03² at the end.
        for (centre, inside) in [((-0.03_f64).exp(), false), (2.0, true)] {
            let bump = |x: f64| -0.002 * (100.0 * x).sin();
            let curve = |beta: f64| ((beta / centre).ln().powi(2) + bump(beta.ln())).exp();
            let found = of(&curve, &grid(1.0, 10.0, 15), None).0;
            assert_eq!(found.place, if inside { Location::Inside } else { Location::Low }, "{found:?}");
            if inside {
                assert!(
                    (found.beta / centre).ln().abs() < 3.0 * found.error().unwrap() / centre,
                    "{found:?}"
                );
            }
        }
    }

    #[test]
    fn a_known_valley_is_found_from_any_range_that_holds_it() {
        // s/β² + b β^p is least at β^{p+2} = 2 s/(p b), whatever the grid.
        for power in [1.0, 2.0, 4.0] {
            let curve = |beta: f64| 1e-4 / beta.powi(2) + 0.3 * beta.powf(power);
            let exact = (2e-4 / (power * 0.3)).powf(1.0 / (power + 2.0));
            for (from, to, count) in
                [(0.01, 1.0, 2), (0.001, 20.0, 5), (0.9 * exact, 1.5 * exact, 4), (0.02, 0.98, 40)]
            {
                let (found, looks) = of(&curve, &grid(from, to, count), None);
                assert_eq!(found.place, Location::Inside);
                assert!((found.beta / exact - 1.0).abs() < 0.01, "{power} {from}: {found:?} {exact}");
                assert!((found.beta - exact).abs() <= found.fit.unwrap() + 1e-3 * exact, "{found:?} {exact}");
                assert!(looks < 50, "{looks}");
            }
        }
    }

    #[test]
    fn a_kink_is_found_too() {
        // Falls as noise does and rises from a kink on at once.
        let curve = |beta: f64| 1e-3 / beta.powi(2) + 0.5 * (beta - 0.2_f64).max(0.0);
        for (from, to, count) in [(0.01, 1.0, 3), (0.15, 0.3, 4), (0.05, 2.0, 9)] {
            let (found, _) = of(&curve, &grid(from, to, count), None);
            assert!((found.beta / 0.2 - 1.0).abs() < 0.03, "{found:?}");
        }
    }

    #[test]
    fn another_equilibrium_is_no_part_of_the_valley() {
        // Beyond 0.8 the error is a tenth: by the given points alone the best nudge would be there.
        let curve = |beta: f64| if beta > 0.8 { 1e-3 } else { 1e-2 / beta + beta.powi(2) };
        let exact = 0.005_f64.powf(1.0 / 3.0);
        let (found, _) = of(&curve, &grid(0.02, 2.0, 7), Some(0.8));
        assert!((found.beta / exact - 1.0).abs() < 0.01 && found.place == Location::Inside, "{found:?}");
        // A valley that the limit cuts off has no best nudge, nor has one outside the range.
        let (found, _) = of(&curve, &grid(0.02, 2.0, 7), Some(0.9 * exact));
        assert_eq!(found.place, Location::Limit);
        let (found, _) = of(&curve, &grid(0.02, 0.9 * exact, 7), Some(0.8));
        assert_eq!(found.place, Location::High);
        let (found, _) = of(&curve, &grid(1.1 * exact, 2.0, 7), Some(0.8));
        assert_eq!(found.place, Location::Low);
    }

    #[test]
    fn points_where_samples_do_not_settle_are_left_out() {
        let at = |beta: f64, value: f64, settled: f64| Observation { beta, values: vec![value], settled };
        let seen = [
            at(0.1, 1.0, 0.995),
            at(0.2, 0.1, 0.9),
            at(0.4, 0.6, 0.99),
            at(0.8, 0.7, 1.0),
            at(1.6, 0.1, 1.0),
        ];
        let why = left_out(&seen, Some(1.0));
        assert_eq!(why, [None, Some(Left::Unsettled), None, None, Some(Left::Beyond)]);
        let found = best(&seen, Some(1.0), None).unwrap();
        assert_eq!(found.place, Location::Inside);
        assert!(
            found.beta > 0.3 && found.beta < 0.8 && found.error().unwrap() > 0.05 * found.beta,
            "{found:?}"
        );
    }

    #[test]
    fn the_error_over_draws_is_that_of_their_noise() {
        // s/β² + β², least at s^¼: a spread of s by a part q moves it by q/4, the mean of n draws by q/(4
        // √n).
        let draws: Vec<f64> = (0..64).map(|k| 1e-4 * (1.0 + 0.2 * (f64::from(k) * 2.399).sin())).collect();
        let at = |beta: &f64| {
            let values = draws.iter().map(|s| s / (beta * beta) + beta * beta).collect();
            Observation { beta: *beta, values, settled: 1.0 }
        };
        let seen: Vec<Observation> = grid(0.01, 1.0, 7).iter().map(at).collect();
        let found = best(&seen, None, Some(&mut |more: &[f64]| more.iter().map(at).collect())).unwrap();
        let spread = 0.2 / 2.0_f64.sqrt() / 4.0 / 8.0;
        assert!((found.draws.unwrap() / found.beta / spread - 1.0).abs() < 0.1, "{found:?} {spread}");
    }
}
