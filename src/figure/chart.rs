//! A figure by what it shows: series of points in a grid of panels. Panels, axes, legend, lines, bands, bars and marks follow from them.
//!
//! A figure says where its series stand ([`Series::at`]), how they look, and which panels share an axis. What lies
//! under the series, as a line at a threshold, is drawn by hand. Bands lie below all lines; then come the series one by one, each its
//! line, then bar and mark of every point. Rows and columns of panels in which nothing is told are left out, and a note says so.

use super::axis::{Axis, ascending};
use super::legend::{Key, is_same};
use super::page::{Ink, Page, Point};
use super::sheet::{Axes, Layout, Panel, Sheet};
use super::{FigureError, Shown, kept};
use crate::statistics::Spread;

/// A point of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dot {
    x: f64,
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
    place: (usize, usize),
    ink: Ink,
    dots: Vec<Dot>,
    key: Option<Key>,
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
    aside: bool,
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

    fn tells(&self) -> bool {
        self.dots.iter().any(|dot| dot.y.is_some_and(f64::is_finite))
    }

    fn draw_band(&self, page: &mut Page, panel: &Panel) {
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

    fn draw(&self, page: &mut Page, panel: &Panel) {
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

/// Cuts a line where it turns from loose points to others or back; says which parts are dashed. Parts share their ends.
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

/// How the axes of panels are found.
pub enum Scale<'a> {
    /// Given.
    Is(Axis),
    /// Given for the panel at a row and a column.
    At(&'a dyn Fn((usize, usize)) -> Axis),
    /// Linear over all values and their ends, with a margin (share of the range).
    Around(f64),
    /// Found from the points that share it.
    By(&'a dyn Fn(&[Dot]) -> Axis),
}

impl Scale<'_> {
    /// The axis of the panel at a place, which has these points, of which `values` tells what stands along it.
    fn axis(&self, place: (usize, usize), dots: &[Dot], values: fn(&Dot) -> Vec<f64>) -> Axis {
        match self {
            Self::Is(axis) => *axis,
            Self::At(given) => given(place),
            Self::Around(margin) => Axis::around(dots.iter().flat_map(values), *margin),
            Self::By(found) => found(dots),
        }
    }
}

/// Which panels have the same axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// All of them, and the ticks are written once.
    All,
    /// Those of a row.
    Rows,
    /// Those of a column.
    Columns,
    /// None.
    None,
}

/// A figure before it is laid out.
pub struct Chart<'a> {
    /// Title.
    pub title: String,
    /// Settings and seeds.
    pub subtitle: String,
    /// Label of every row of panels.
    pub rows: Vec<String>,
    /// Title of every column of panels.
    pub columns: Vec<String>,
    /// The horizontal axis, with its label.
    pub x: (&'a str, Scale<'a>),
    /// The vertical axis, with its label.
    pub y: (&'a str, Scale<'a>),
    /// Which panels share them.
    pub share: Share,
    /// Height of a panel (points); `None` follows its width.
    pub height: Option<f64>,
    /// What is shown.
    pub series: Vec<Series>,
    /// Entries of the legend behind those of the series.
    pub keys: Vec<Key>,
    /// Remarks below the panels.
    pub notes: Vec<String>,
    /// What a panel without a number says.
    pub empty: &'static str,
}

impl<'a> Chart<'a> {
    /// A chart of one panel without a series; change fields with struct update syntax.
    #[must_use]
    pub fn new(title: impl Into<String>, x: (&'a str, Scale<'a>), y: (&'a str, Scale<'a>)) -> Self {
        Self {
            title: title.into(),
            subtitle: String::new(),
            rows: vec![String::new()],
            columns: vec![String::new()],
            x,
            y,
            share: Share::All,
            height: None,
            series: Vec::new(),
            keys: Vec::new(),
            notes: Vec::new(),
            empty: "",
        }
    }

    /// Draws it; `under` draws what lies under the series of the panel at a row and a column.
    ///
    /// # Errors
    /// [`FigureError::Nothing`], with the reason, if no series has a number.
    pub fn draw(
        self,
        why_not: &str,
        under: impl Fn(&mut Page, &Panel, (usize, usize)),
    ) -> Result<Page, FigureError> {
        // What the others are held against makes panels where there is nothing else.
        let alone = !self.series.iter().any(|one| !one.aside && one.tells());
        let told =
            |place| self.series.iter().any(|one| one.place == place && one.tells() && (alone || !one.aside));
        let size = (self.rows.len(), self.columns.len());
        let shown = Shown::of(size, |row, column| told((row, column)));
        let shown = shown.ok_or_else(|| FigureError::nothing(why_not))?;
        let layout = Layout {
            title: self.title.clone(),
            subtitle: self.subtitle.clone(),
            legend: self.legend(&shown),
            columns: kept(&self.columns, &shown.columns),
            rows: kept(&self.rows, &shown.lines),
            x_label: self.x.0.to_owned(),
            y_label: self.y.0.to_owned(),
            axes: self.axes(&shown),
            names: Vec::new(),
            height: self.height,
            notes: self.notes.iter().cloned().chain(shown.note(&self.rows, &self.columns)).collect(),
        };
        Ok(Sheet::filled(&layout, |page, panel, (row, column)| {
            let place = (shown.lines[row], shown.columns[column]);
            under(page, panel, place);
            let here = || self.series.iter().filter(|one| one.place == place);
            if !self.empty.is_empty() && !here().any(Series::tells) {
                panel.say(page, self.empty);
            }
            here().for_each(|one| one.draw_band(page, panel));
            here().for_each(|one| one.draw(page, panel));
        }))
    }

    /// The points of the panels that are shown and that `wanted` picks.
    fn dots(&self, shown: &Shown, wanted: impl Fn((usize, usize)) -> bool) -> Vec<Dot> {
        let here = |one: &&Series| shown.has(one.place) && wanted(one.place);
        self.series.iter().filter(here).flat_map(|one| one.dots.iter().copied()).collect()
    }

    fn axes(&self, shown: &Shown) -> Axes {
        let of = |row: usize, column: usize| {
            let dots = self.dots(shown, |place| match self.share {
                Share::All => true,
                Share::Rows => place.0 == row,
                Share::Columns => place.1 == column,
                Share::None => place == (row, column),
            });
            let across = self.x.1.axis((row, column), &dots, |dot| vec![dot.x]);
            (across, self.y.1.axis((row, column), &dots, |dot| dot.values().collect()))
        };
        if self.share == Share::All {
            let (x, y) = of(shown.lines[0], shown.columns[0]);
            return Axes::Shared(x, y);
        }
        let places =
            shown.lines.iter().flat_map(|row| shown.columns.iter().map(move |column| (*row, *column)));
        Axes::Each(places.map(|(row, column)| of(row, column)).collect())
    }

    /// An entry for every look that some panel shows, in the order of the series.
    fn legend(&self, shown: &Shown) -> Vec<Key> {
        let mut keys: Vec<Key> = Vec::new();
        let told = self.series.iter().filter(|one| shown.has(one.place) && one.tells());
        for key in told.filter_map(|one| one.key.as_ref()).chain(&self.keys) {
            if !keys.iter().any(|known| is_same(known, key)) {
                keys.push(key.clone());
            }
        }
        keys
    }
}

/// The mean and range of the values at every `x`, ascending.
#[must_use]
pub fn means(points: &[(f64, f64)]) -> Vec<Dot> {
    let mut points = points.to_vec();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let same = points.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq());
    same.filter_map(|same| Dot::of(same[0].0, same.iter().map(|point| point.1))).collect()
}

/// Every value once, ascending; a missing one first.
#[must_use]
pub fn levels(values: impl Iterator<Item = Option<f64>>) -> Vec<Option<f64>> {
    let mut all: Vec<Option<f64>> = values.collect();
    all.sort_by(ascending);
    all.dedup();
    all
}
