//! A framed panel: where values stand on the page, and marks that belong to a panel as a whole.

use super::axis::{Axis, count};
use super::page::{Anchor, Ink, Page, Point, Text, text};
use super::palette::GREY;
use super::sheet::wrap;

/// Size of words in a panel (points).
const SMALL: f64 = 9.0;

/// A framed panel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Panel {
    /// Left edge (points).
    pub left: f64,
    /// Upper edge (points).
    pub top: f64,
    /// Width (points).
    pub width: f64,
    /// Height (points).
    pub height: f64,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
}

impl Panel {
    /// Where a value pair stands; beyond the panel it is moved to its edge, without a place it is `None`.
    #[must_use]
    pub fn at(&self, x: f64, y: f64) -> Option<Point> {
        let (across, up) = (self.x.place(x)?.clamp(0.0, 1.0), self.y.place(y)?.clamp(0.0, 1.0));
        Some((self.left + across * self.width, self.top + (1.0 - up) * self.height))
    }

    /// Draws a bar from one value to another: a range, or an error to both sides. One that has no place on a
    /// logarithmic axis, as the lower end of a large error, begins at the panel's edge.
    pub fn bar(&self, page: &mut Page, x: f64, (low, high): (f64, f64), (ink, width): (Ink, f64)) {
        let low = self.at(x, low).or_else(|| self.at(x, self.y.low));
        if let (Some(low), Some(high)) = (low, self.at(x, high)) {
            page.line(&[low, high], ink, width);
        }
    }

    /// Writes a sentence in the middle of the panel, in as many lines as it takes.
    pub fn annotate(&self, page: &mut Page, sentence: &str) {
        let lines = wrap(sentence, SMALL, self.width - 10.0);
        let first = self.top + 0.5 * self.height - 6.0 * (count(lines.len()) - 1.0) + 3.0;
        for (k, line) in lines.iter().enumerate() {
            let at = (self.left + 0.5 * self.width, first + 12.0 * count(k));
            page.text(Text { ink: GREY, anchor: Anchor::Middle, ..text(line, at, SMALL) });
        }
    }

    /// The ends of a level line across the panel.
    #[must_use]
    pub fn level(&self, y: f64) -> Option<[Point; 2]> {
        Some([self.at(self.x.low, y)?, self.at(self.x.high, y)?])
    }

    /// Draws a dashed line across the panel.
    pub fn threshold(&self, page: &mut Page, y: f64, (ink, width): (Ink, f64), dash: (f64, f64)) {
        if let Some(ends) = self.level(y) {
            page.dashed(&ends, ink, width, dash);
        }
    }

    /// Shades everything below a value.
    pub fn shade_below(&self, page: &mut Page, y: f64, ink: Ink) {
        if let Some([left, right]) = self.level(y) {
            page.block(left, (right.0, self.top + self.height), ink);
        }
    }

    /// Draws a dashed upright line with words beside its foot.
    pub fn flag(&self, page: &mut Page, x: f64, words: impl Into<String>) {
        let ends = (self.at(x, self.y.low), self.at(x, self.y.high));
        let (Some(low), Some(high)) = ends else { return };
        page.dashed(&[low, high], GREY, 1.0, (4.0, 3.0));
        page.text(Text { ink: GREY, ..text(words, (low.0 + 4.0, low.1 - 6.0), SMALL) });
    }
}
