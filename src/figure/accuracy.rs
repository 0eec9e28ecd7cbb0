//! Test accuracy against the epoch.

use super::Figure;
use super::curves::Curves;
use super::error::FigureError;
use super::page::Page;
use super::tables::Tables;

/// The registry line.
pub const FIGURE: Figure = Figure {
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
