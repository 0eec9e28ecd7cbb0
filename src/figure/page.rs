//! A page: a list of marks (lines, areas, dots, text) on a sheet of paper, before it is a file.
//!
//! Lengths are in points, from the top left corner, y down. A figure builds a page out of
//! tables; `render` turns the same page into SVG and PNG, so the two cannot differ.

/// A place on the page (points).
pub type Point = (f64, f64);

/// A colour with its opacity in `0..=1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ink {
    /// Red, green, blue.
    pub rgb: [u8; 3],
    /// Opacity.
    pub opacity: f64,
}

impl Ink {
    /// An opaque colour from `0xRRGGBB`.
    #[must_use]
    pub const fn hex(code: u32) -> Self {
        let [_, red, green, blue] = code.to_be_bytes();
        Self { rgb: [red, green, blue], opacity: 1.0 }
    }

    /// The same colour, partly transparent.
    #[must_use]
    pub const fn faded(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }
}

/// Which point of a text stands at the given place; the height is always that of the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its start.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// Direction in which a text reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Left to right.
    None,
    /// Bottom to top.
    Up,
    /// Top to bottom.
    Down,
}

/// A line of text.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// The characters.
    pub text: String,
    /// Where its anchor stands.
    pub at: Point,
    /// Size of the em square (points).
    pub size: f64,
    /// Bold.
    pub bold: bool,
    /// Colour.
    pub ink: Ink,
    /// Which part of it stands at `at`.
    pub anchor: Anchor,
    /// Direction.
    pub turn: Turn,
}

/// One mark.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A line through points, of a width (points).
    Line(Vec<Point>, Ink, f64),
    /// A filled polygon.
    Area(Vec<Point>, Ink),
    /// A filled disc of a radius (points).
    Disc(Point, f64, Ink),
    /// Text.
    Text(Text),
}

/// A sheet with marks, drawn in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Width (points).
    pub width: f64,
    /// Height (points).
    pub height: f64,
    /// The marks, first at the bottom.
    pub marks: Vec<Mark>,
}

impl Page {
    /// An empty page of a width and a height (points).
    #[must_use]
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, marks: Vec::new() }
    }

    /// Draws a line.
    pub fn line(&mut self, points: &[Point], ink: Ink, width: f64) {
        if points.len() > 1 {
            self.marks.push(Mark::Line(points.to_vec(), ink, width));
        }
    }

    /// Draws a dashed line: `on` points of ink, `off` points of paper, along the whole path.
    pub fn dashed(&mut self, points: &[Point], ink: Ink, width: f64, (on, off): (f64, f64)) {
        let mut travelled = 0.0;
        for pair in points.windows(2) {
            let length = (pair[1].0 - pair[0].0).hypot(pair[1].1 - pair[0].1);
            let along = |s: f64| {
                let part = (s / length).clamp(0.0, 1.0);
                (pair[0].0 + part * (pair[1].0 - pair[0].0), pair[0].1 + part * (pair[1].1 - pair[0].1))
            };
            let mut start = -(travelled % (on + off));
            while start < length && length > 0.0 {
                if start + on > 0.0 {
                    self.line(&[along(start), along(start + on)], ink, width);
                }
                start += on + off;
            }
            travelled += length;
        }
    }

    /// Fills a polygon.
    pub fn area(&mut self, points: Vec<Point>, ink: Ink) {
        self.marks.push(Mark::Area(points, ink));
    }

    /// Fills a rectangle between two corners.
    pub fn block(&mut self, (left, top): Point, (right, bottom): Point, ink: Ink) {
        self.area(vec![(left, top), (right, top), (right, bottom), (left, bottom)], ink);
    }

    /// Draws a filled disc.
    pub fn disc(&mut self, at: Point, radius: f64, ink: Ink) {
        self.marks.push(Mark::Disc(at, radius, ink));
    }

    /// Draws an open circle, white inside.
    pub fn ring(&mut self, at: Point, radius: f64, ink: Ink) {
        self.disc(at, radius, ink);
        self.disc(at, radius * 0.58, Ink::hex(0xFF_FF_FF));
    }

    /// Writes text.
    pub fn text(&mut self, text: Text) {
        self.marks.push(Mark::Text(text));
    }
}

/// Dark text of a size (points), starting at a place; change fields with struct update syntax.
#[must_use]
pub fn text(text: impl Into<String>, at: Point, size: f64) -> Text {
    let ink = Ink::hex(0x22_22_22);
    Text { text: text.into(), at, size, bold: false, ink, anchor: Anchor::Start, turn: Turn::None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_cover_the_stated_share_of_a_bent_path() {
        let mut page = Page::new(100.0, 100.0);
        page.dashed(&[(0.0, 0.0), (35.0, 0.0), (35.0, 65.0)], Ink::hex(0), 1.0, (3.0, 2.0));
        let mut inked = 0.0;
        for mark in &page.marks {
            let Mark::Line(points, ..) = mark else { continue };
            inked += (points[1].0 - points[0].0).hypot(points[1].1 - points[0].1);
        }
        // 100 points of path hold exactly twenty periods of 3 + 2.
        assert!((inked - 60.0_f64).abs() < 1e-9, "{inked}");
    }
}
