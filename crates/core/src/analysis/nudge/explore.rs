//! Points of a curve over `x = ln β`, and where its least value can still hide.
//!
//! Noise falls as `1/β²` and nothing falls faster; upwards there is no such bound, since bias begins at once
//! where a dyad comes to straddle a kink. A value that far above the least one therefore says something of
//! what is above it, and only gaps in which the curve can be below the least value seen are divided (after
//! Piyavskii 1972).

use super::super::gradient_error::mean;
use super::{Location, Observation, left_out};

/// Steepest fall of `ln` error over `ln β` that is reckoned with.
const FALL: f64 = 2.0;
/// Most points that are added: a curve of rounding alone would ask for all that there are.
const MOST: usize = 150;
/// Widths to which the neighbourhood of an end is divided before it is believed.
pub(super) const CLOSE: f64 = 0.02;

/// Points by `x`.
pub(super) struct Curve {
    seen: Vec<Observation>,
    /// The usable points, in rising order of `x`, with `ln` of their mean.
    usable: Vec<(f64, f64, usize)>,
    safe: Option<f64>,
    /// The range, which the largest safe nudge may cut off.
    range: (f64, f64),
    cut: bool,
    added: usize,
}

impl Curve {
    /// A curve of what was seen; `None` of nothing.
    pub fn new(seen: &[Observation], safe: Option<f64>) -> Option<Self> {
        let betas = || seen.iter().map(|at| at.beta).filter(|beta| *beta > 0.0);
        let (low, high) = (betas().min_by(f64::total_cmp)?, betas().max_by(f64::total_cmp)?);
        let cut = safe.is_some_and(|safe| safe < high);
        let range = (low.ln(), safe.map_or(high, |safe| safe.min(high)).ln());
        let mut curve = Self { seen: seen.to_vec(), usable: Vec::new(), safe, range, cut, added: 0 };
        curve.sort();
        Some(curve)
    }

    /// Finds the usable points again.
    fn sort(&mut self) {
        let most = self.seen.iter().map(|at| at.values.len()).max().unwrap_or(0);
        let left = left_out(&self.seen, self.safe);
        // Points some of whose draws failed have no common draws with the others.
        let whole = |k: &usize| left[*k].is_none() && self.seen[*k].values.len() == most && most > 0;
        let points = (0..self.seen.len()).filter(whole);
        let height = |k: usize| (self.seen[k].beta.ln(), mean(&self.seen[k].values, None).ln(), k);
        self.usable = points.map(height).filter(|at| at.0.is_finite() && at.1.is_finite()).collect();
        self.usable.sort_by(|a, b| a.0.total_cmp(&b.0));
    }

    /// Looks at some more nudges; whether there were any.
    pub fn add(&mut self, look: &mut dyn FnMut(&[f64]) -> Vec<Observation>, wanted: &[f64]) -> bool {
        if !wanted.is_empty() {
            self.added += wanted.len();
            self.seen.extend(look(&wanted.iter().map(|x| x.exp()).collect::<Vec<f64>>()));
            self.sort();
        }
        !wanted.is_empty()
    }

    /// The lowest point `(x, y)`.
    pub fn lowest(&self) -> Option<(f64, f64)> {
        let least = self.usable.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        Some((least.0, least.1))
    }

    fn place_of_lowest(&self) -> Option<usize> {
        let x = self.lowest()?.0;
        self.usable.iter().position(|at| at.0 == x)
    }

    /// Location of the lowest point.
    pub fn place(&self) -> Option<Location> {
        let k = self.place_of_lowest()?;
        Some(match () {
            () if k > 0 && k + 1 < self.usable.len() => Location::Inside,
            // What is above is cut off by the largest safe nudge, or by samples that do not come to rest.
            () if k + 1 == self.usable.len() && (self.cut || self.usable[k].0 < self.range.1 - CLOSE) => {
                Location::Limit
            }
            () if k == 0 => Location::Low,
            () => Location::High,
        })
    }

    /// The end of the range within `reach` of a place, if one is.
    pub fn end_near(&self, x: f64, reach: f64) -> Option<Location> {
        if x - self.range.0 <= reach {
            return Some(Location::Low);
        }
        let high = if self.cut { Location::Limit } else { Location::High };
        (self.range.1 - x <= reach).then_some(high)
    }

    /// The range.
    pub fn ends(&self) -> (f64, f64) {
        self.range
    }

    /// All borders of gaps in rising order: points, usable or not, and the ends of the range.
    fn borders(&self) -> Vec<f64> {
        let points = self.seen.iter().map(|at| at.beta.ln());
        let mut all: Vec<f64> =
            points.filter(|x| *x <= self.range.1).chain([self.range.0, self.range.1]).collect();
        all.sort_by(f64::total_cmp);
        all.dedup();
        all
    }

    /// Middles of the gaps wider than `mesh` in which the curve can be below the lowest point.
    pub fn hiding(&self, mesh: f64) -> Vec<f64> {
        let Some((_, least)) = self.lowest() else { return Vec::new() };
        if self.added >= MOST {
            return Vec::new();
        }
        let borders = self.borders();
        let wide = borders.windows(2).filter(|gap| gap[1] - gap[0] > mesh);
        wide.filter(|gap| self.bound(gap[0], gap[1]) < least).map(|gap| 0.5 * (gap[0] + gap[1])).collect()
    }

    /// What the curve cannot be below between two borders.
    fn bound(&self, a: f64, b: f64) -> f64 {
        let left = self.usable.iter().rfind(|at| at.0 <= a);
        left.map_or(f64::NEG_INFINITY, |at| at.1 - FALL * (b - at.0))
    }

    /// While the lowest point is the last on a side: middles of the gaps beside it.
    pub fn towards_an_end(&self) -> Vec<f64> {
        let Some(k) = self.place_of_lowest().filter(|&k| k == 0 || k + 1 == self.usable.len()) else {
            return Vec::new();
        };
        let (x, borders) = (self.usable[k].0, self.borders());
        let gaps = borders.windows(2).filter(|gap| gap[0] == x || gap[1] == x);
        gaps.filter(|gap| gap[1] - gap[0] > CLOSE).map(|gap| 0.5 * (gap[0] + gap[1])).collect()
    }

    /// The largest jump down within some distance of the lowest point: how far the curve falls from one point
    /// to the next beyond twice what noise explains. Upwards nothing can be said: where a dyad comes to
    /// straddle a kink, bias may rise as steeply.
    pub fn jump(&self, reach: f64) -> f64 {
        let centre = self.lowest().map_or(0.0, |at| at.0);
        let near: Vec<(f64, f64)> = self.within(centre, reach);
        let jump = |pair: &[(f64, f64)]| {
            let (along, up) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
            -up - 2.0 * FALL * along
        };
        near.windows(2).map(jump).fold(0.0, f64::max)
    }

    /// Usable points of a window.
    pub fn within(&self, centre: f64, half: f64) -> Vec<(f64, f64)> {
        self.inside(centre, half).map(|at| (at.0, at.1)).collect()
    }

    /// Points within a window, with the values of all draws.
    pub fn drawn(&self, centre: f64, half: f64) -> Vec<(f64, &[f64])> {
        self.inside(centre, half).map(|at| (at.0, &self.seen[at.2].values[..])).collect()
    }

    fn inside(&self, centre: f64, half: f64) -> impl Iterator<Item = &(f64, f64, usize)> {
        self.usable.iter().filter(move |at| (at.0 - centre).abs() <= half * (1.0 + 1e-9))
    }

    /// Distance of the lowest point from the farther of its neighbours.
    pub fn bracket(&self) -> Option<f64> {
        self.reach(1)
    }

    /// Distance of the lowest point from the farther of its `count`-th neighbours.
    pub fn reach(&self, count: usize) -> Option<f64> {
        let (k, last) = (self.place_of_lowest()?, self.usable.len() - 1);
        let x = |k: usize| self.usable[k].0;
        Some((x(k) - x(k.saturating_sub(count))).max(x((k + count).min(last)) - x(k)))
    }
}
