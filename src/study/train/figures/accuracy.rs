//! Test accuracy against the epoch.

use super::curves::Curves;
use super::tables::Tables;
use crate::figure::Figure;
use crate::figure::FigureError;
use crate::figure::page::Page;

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "accuracy",
    title: "Test accuracy during training",
    caption: "Each panel is one mixing α and one nudge β; backpropagation, which knows neither, stands in all of \
        them as the reference. A rule that follows backpropagation’s line learns as well as it; a line that falls \
        away or turns dashed has lost equilibria: its gradient is no longer that of the free network.",
    draw,
};

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    Curves::new(FIGURE.title, "test accuracy", |row| Some(row.test_accuracy)).draw(tables, None)
}
