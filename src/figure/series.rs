//! Points of one colour in one panel: a line, a band, bars and marks.

use super::legend::Key;
use super::page::{Ink, Page, Point};
use super::sheet::Panel;
use dyadsim_core::statistics::Spread;

/// A point of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dot {
    pub(super) x: f64,
    /// A point without one interrupts the line.
    y: Option<f64>,
    /// Ends of its bar, or of the band there.
    ends: Option<(f64, f64)>,
    /// Whether its mark is a ring.
    open: bool,
    /// Whether the line to it is dashed.
    loose: bool,
}

impl Dot {
    /// A point; one without `y` interrupts the line.
    #[must_use]
    pub fn new(x: f64, y: impl Into<Option<f64>>) -> Self {
        Self { x, y: y.into(), ends: None, open: false, loose: false }
    }

    /// The mean of values and their range; `None` if no value is finite.
    #[must_use]
    pub fn of(x: f64, values: impl Iterator<Item = f64>) -> Option<Self> {
        let Spread { mean, low, high, .. } = Spread::of(values)?;
        Some(Self::new(x, mean).within(low, high))
    }

    /// With the ends of a range.
    #[must_use]
    pub fn within(self, low: f64, high: f64) -> Self {
        Self { ends: Some((low, high)), ..self }
    }

    /// With an error to both sides, if there is one.
    #[must_use]
    pub fn give_or_take(self, error: Option<f64>) -> Self {
        let ends = self.y.zip(error).map(|(y, error)| (y - error, y + error));
        Self { ends, ..self }
    }

    /// With an open mark, if so.
    #[must_use]
    pub fn open(self, open: bool) -> Self {
        Self { open, ..self }
    }

    /// With a dashed line to it, if so.
    #[must_use]
    pub fn loose(self, loose: bool) -> Self {
        Self { loose, ..self }
    }

    /// Whether it has a place.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.x.is_finite() && self.y.is_some_and(f64::is_finite)
    }

    /// Where it stands along the axis.
    #[must_use]
    pub fn x(&self) -> f64 {
        self.x
    }

    /// Its value, if it has one.
    #[must_use]
    pub fn y(&self) -> Option<f64> {
        self.y
    }

    /// Its value and both ends.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        self.y.into_iter().chain(self.ends.into_iter().flat_map(|(low, high)| [low, high]))
    }
}

/// Points of one colour in one panel, and how they look.
#[derive(Clone, Debug)]
pub struct Series {
    pub(super) place: (usize, usize),
    ink: Ink,
    pub(super) dots: Vec<Dot>,
    pub(super) key: Option<Key>,
    /// Width of the line, and its dashes.
    line: Option<(f64, Option<(f64, f64)>)>,
    /// Opacity of the band.
    band: Option<f64>,
    /// Width of the bars.
    bars: Option<f64>,
    /// Radius of the marks.
    marks: Option<f64>,
    /// Whether what lies above or below the panel is not drawn; else it stands at the edge.
    cut: bool,
    /// Whether it is what others are held against, which alone makes no panel.
    pub(super) aside: bool,
}

impl Series {
    /// Points in the panel at a row and a column.
    #[must_use]
    pub fn at(place: (usize, usize), ink: Ink, dots: impl IntoIterator<Item = Dot>) -> Self {
        let dots = dots.into_iter().collect();
        let (key, line, band, bars, marks) = (None, None, None, None, None);
        Self { place, ink, dots, key, line, band, bars, marks, cut: false, aside: false }
    }

    /// With an entry in the legend, which series of one entry share.
    #[must_use]
    pub fn key(self, key: impl Into<Option<Key>>) -> Self {
        Self { key: key.into(), ..self }
    }

    /// With a line of a width through the points.
    #[must_use]
    pub fn line(self, width: f64) -> Self {
        Self { line: Some((width, None)), ..self }
    }

    /// With a dashed line: so many points of ink, so many of paper.
    #[must_use]
    pub fn dashed(self, width: f64, dash: (f64, f64)) -> Self {
        Self { line: Some((width, Some(dash))), ..self }
    }

    /// With the ends of its points as a band of an opacity.
    #[must_use]
    pub fn band(self, opacity: f64) -> Self {
        Self { band: Some(opacity), ..self }
    }

    /// With the ends of its points as bars of a width.
    #[must_use]
    pub fn bars(self, width: f64) -> Self {
        Self { bars: Some(width), ..self }
    }

    /// With a mark of a radius at every point: a disc, or a ring where it is open.
    #[must_use]
    pub fn marks(self, radius: f64) -> Self {
        Self { marks: Some(radius), ..self }
    }

    /// What lies above or below the panel is not drawn; else it stands at the panel's edge.
    #[must_use]
    pub fn cut(self) -> Self {
        Self { cut: true, ..self }
    }

    /// What others are held against: it alone makes no panel.
    #[must_use]
    pub fn aside(self) -> Self {
        Self { aside: true, ..self }
    }

    /// Whether some point has a place.
    pub(super) fn tells(&self) -> bool {
        self.dots.iter().any(|dot| dot.y.is_some_and(f64::is_finite))
    }

    /// Draws the band.
    pub(super) fn draw_band(&self, page: &mut Page, panel: &Panel) {
        let wide = self.dots.iter().filter_map(|dot| dot.ends).any(|(low, high)| low < high);
        let Some(opacity) = self.band.filter(|_| wide) else { return };
        let edge = |pick: fn((f64, f64)) -> f64| {
            self.dots.iter().filter_map(move |dot| panel.at(dot.x, dot.ends.map(pick)?))
        };
        let lower: Vec<Point> = edge(|ends| ends.0).collect();
        let outline: Vec<Point> = edge(|ends| ends.1).chain(lower.into_iter().rev()).collect();
        if outline.len() > 2 {
            page.area(outline, self.ink.faded(opacity));
        }
    }

    /// Where a point stands; nowhere if it is beyond the panel and such points are cut.
    fn place(&self, panel: &Panel, dot: &Dot) -> Option<Point> {
        let here = |y: &f64| !self.cut || (panel.y.low..=panel.y.high).contains(y);
        panel.at(dot.x, dot.y.filter(here)?)
    }

    /// Draws the line, then bar and mark of every point.
    pub(super) fn draw(&self, page: &mut Page, panel: &Panel) {
        self.draw_line(page, panel);
        for dot in &self.dots {
            let Some(at) = self.place(panel, dot) else { continue };
            if let Some((width, ends)) = self.bars.zip(dot.ends) {
                panel.bar(page, dot.x, ends, (self.ink, width));
            }
            match self.marks {
                Some(radius) if dot.open => page.ring(at, radius, self.ink),
                Some(radius) => page.disc(at, radius, self.ink),
                None => {}
            }
        }
    }

    fn draw_line(&self, page: &mut Page, panel: &Panel) {
        let Some((width, dash)) = self.line else { return };
        let places: Vec<_> = self.dots.iter().map(|dot| Some((self.place(panel, dot)?, dot.loose))).collect();
        for piece in places.split(Option::is_none) {
            let piece: Vec<(Point, bool)> = piece.iter().flatten().copied().collect();
            for (part, loose) in stretches(&piece) {
                match dash.or(loose.then_some(LOOSE)) {
                    Some(dash) => page.dashed(&part, self.ink, width, dash),
                    None => page.line(&part, self.ink, width),
                }
            }
        }
    }
}

/// Dashes of a line to a loose point.
const LOOSE: (f64, f64) = (4.0, 3.0);

/// Cuts a line where it turns from loose points to others or back; says which parts are dashed. Parts share
/// their ends.
fn stretches(points: &[(Point, bool)]) -> Vec<(Vec<Point>, bool)> {
    let mut parts = Vec::new();
    let mut start = 0;
    while start + 1 < points.len() {
        let loose = points[start + 1].1;
        let same = points[start + 1..].iter().take_while(|point| point.1 == loose).count();
        parts.push((points[start..=start + same].iter().map(|point| point.0).collect(), loose));
        start += same;
    }
    parts
}

/// The mean and range of the values at every `x`, ascending.
#[must_use]
pub fn means(points: &[(f64, f64)]) -> Vec<Dot> {
    let mut points = points.to_vec();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let same = points.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq());
    same.filter_map(|same| Dot::of(same[0].0, same.iter().map(|point| point.1))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_share_their_ends_and_leave_no_segment_out() {
        let loose = [false, false, true, true, false, true];
        let points: Vec<_> =
            loose.into_iter().enumerate().map(|(k, loose)| ((k as f64, 0.0), loose)).collect();
        let ends: Vec<_> = stretches(&points)
            .iter()
            .map(|(part, loose)| (part[0].0, part[part.len() - 1].0, *loose))
            .collect();
        assert_eq!(ends, [(0.0, 1.0, false), (1.0, 3.0, true), (3.0, 4.0, false), (4.0, 5.0, true)]);
    }

    #[test]
    fn values_at_one_place_are_one_point_with_their_range() {
        let found = means(&[(2.0, 5.0), (1.0, 1.0), (1.0, 4.0), (3.0, f64::NAN)]);
        assert_eq!(found, [Dot::new(1.0, 2.5).within(1.0, 4.0), Dot::new(2.0, 5.0).within(5.0, 5.0)]);
    }
}
