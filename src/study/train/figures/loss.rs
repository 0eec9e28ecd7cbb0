//! Training loss against the epoch, on a logarithmic axis.

use super::curves::Curves;
use super::tables::Tables;
use crate::figure::Figure;
use crate::figure::FigureError;
use crate::figure::axis::Kind;
use crate::figure::page::Page;

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
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
