//! A figure by what it shows: series of points in a grid of panels. Panels, axes, legend, lines, bands, bars
//! and marks follow from them.
//!
//! A figure says where its series stand ([`Series::at`]), how they look, and which panels share an axis. What
//! lies under the series, as a line at a threshold, is drawn by hand. Bands lie below all lines; then come
//! the series one by one, each its line, then bar and mark of every point. Rows and columns of panels in
//! which nothing is told are left out, and a note says so.

use super::axis::{Axis, ascending};
use super::legend::{Key, is_same};
use super::page::Page;
pub use super::series::{Dot, Series, means};
use super::sheet::{Axes, Layout, Panel, Sheet};
use super::{FigureError, Shown, kept};

/// Gives the axis of the panel at a row and a column.
pub type AtPlace<'a> = &'a dyn Fn((usize, usize)) -> Axis;

/// How the axes of panels are found.
pub enum Scale<'a> {
    /// Given.
    Is(Axis),
    /// Given for the panel at a row and a column.
    At(AtPlace<'a>),
    /// Linear over all values and their ends, with a margin (share of the range).
    Around(f64),
    /// Found from the points that share it.
    By(&'a dyn Fn(&[Dot]) -> Axis),
}

impl Scale<'_> {
    /// The axis of the panel at a place, which has these points, of which `values` tells what stands along
    /// it.
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
                panel.annotate(page, self.empty);
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

/// Every value once, ascending; a missing one first.
#[must_use]
pub fn levels(values: impl Iterator<Item = Option<f64>>) -> Vec<Option<f64>> {
    let mut all: Vec<Option<f64>> = values.collect();
    all.sort_by(ascending);
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::page::{Ink, Mark};

    const RED: Ink = Ink::hex(0xFF_00_00);
    const BLUE: Ink = Ink::hex(0x00_00_FF);

    fn dots() -> [Dot; 3] {
        [
            Dot::new(0.0, 1.0).within(0.0, 2.0),
            Dot::new(1.0, None),
            Dot::new(2.0, 3.0).within(2.0, 4.0).open(true),
        ]
    }

    fn drawn(series: Vec<Series>) -> Result<Page, FigureError> {
        let chart = Chart::new("t", ("x", Scale::Around(0.1)), ("y", Scale::Around(0.1)));
        let rows = ["first", "second"].map(String::from).to_vec();
        Chart { rows, series, ..chart }.draw("nothing", |_, _, _| {})
    }

    fn texts(page: &Page) -> Vec<&str> {
        let text = |mark: &'_ Mark| matches!(mark, Mark::Text(_));
        let texts = page.marks.iter().filter(|mark| text(mark));
        texts.map(|mark| if let Mark::Text(text) = mark { text.text.as_str() } else { "" }).collect()
    }

    #[test]
    fn bands_lie_below_lines_and_every_point_has_its_bar_and_mark() {
        let one = |ink| Series::at((0, 0), ink, dots()).band(0.5).line(3.0).bars(2.0).marks(4.0);
        let page = drawn(vec![one(RED), one(BLUE)]).unwrap();
        let of = |ink: Ink| {
            page.marks.iter().enumerate().filter(move |(_, mark)| match mark {
                Mark::Line(_, own, _) | Mark::Area(_, own) | Mark::Disc(_, _, own) => own.rgb == ink.rgb,
                Mark::Text(_) => false,
            })
        };
        // A band, no line across the gap, two bars, a disc and a ring; white inside of the ring is no colour.
        for ink in [RED, BLUE] {
            let count = |wanted: fn(&Mark) -> bool| of(ink).filter(|(_, mark)| wanted(mark)).count();
            let marks = [
                count(|mark| matches!(mark, Mark::Area(..))),
                count(|mark| matches!(mark, Mark::Line(_, _, 2.0))),
                count(|mark| matches!(mark, Mark::Line(_, _, 3.0))),
                count(|mark| matches!(mark, Mark::Disc(..))),
            ];
            assert_eq!(marks, [1, 2, 0, 2]);
        }
        let last_band = of(BLUE).find(|(_, mark)| matches!(mark, Mark::Area(..))).unwrap().0;
        let first_line = of(RED).find(|(_, mark)| matches!(mark, Mark::Line(..))).unwrap().0;
        assert!(last_band < first_line);
    }

    #[test]
    fn rows_without_a_number_are_left_out_and_named_and_a_look_is_in_the_legend_once() {
        let key = || Key::Line(RED, "red".into());
        let one = |at, dots: Vec<Dot>| Series::at((at, 0), RED, dots).line(1.0).key(key());
        let page = drawn(vec![one(0, dots().to_vec()), one(0, dots().to_vec()), one(1, vec![])]).unwrap();
        let texts = texts(&page);
        assert_eq!(texts.iter().filter(|text| **text == "red").count(), 1);
        assert!(texts.contains(&"first") && !texts.contains(&"second"), "{texts:?}");
        assert!(texts.contains(&"No numbers, and so no panel: second."), "{texts:?}");
        let none = drawn(vec![one(1, vec![Dot::new(1.0, f64::NAN)])]);
        assert!(matches!(none, Err(FigureError::Nothing { .. })));
        // What others are held against makes a panel only where there is nothing else.
        let aside = || one(1, dots().to_vec()).aside();
        assert!(self::texts(&drawn(vec![aside()]).unwrap()).contains(&"second"));
        let both = drawn(vec![aside(), one(0, dots().to_vec())]).unwrap();
        assert!(!self::texts(&both).contains(&"second"));
    }
}
