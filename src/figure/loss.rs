//! Training loss against the epoch, on a logarithmic axis.

use super::Figure;
use super::axis::Kind;
use super::curves::Curves;
use super::error::FigureError;
use super::page::Page;
use super::tables::Tables;

/// The registry line.
pub const FIGURE: Figure = Figure {
    name: "loss",
    title: "Training loss",
    caption: "Mean loss of the free circuit on the training set, on a logarithmic axis. Straight falling lines are \
        healthy. A line that turns upwards while backpropagation’s goes on falling is being driven by a wrong \
        gradient: compare the angle and the outcomes at the same epoch.",
    draw,
};

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let curves = Curves::new(FIGURE.title, "training loss ℓ / V_ref²", |row| Some(row.train_loss));
    Curves { kind: Kind::Log, ..curves }.draw(tables, None)
}
