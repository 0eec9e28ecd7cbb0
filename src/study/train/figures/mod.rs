//! Figures and the report of the runs of an experiment, drawn from the tables of `dyadsim run`.

mod accuracy;
mod angle;
mod cost;
#[cfg(test)]
mod counts;
mod curves;
mod findings;
mod groups;
mod kept_nudge;
#[cfg(test)]
mod looks;
mod loss;
mod margin;
mod nudge;
mod nudges;
mod offsets;
mod outcomes;
mod report;
mod settle_time;
mod summary;
#[cfg(test)]
mod synthetic;
#[cfg(test)]
mod synthetic_plans;
mod tables;
mod training_map;
mod trajectories;
mod valley;
mod weight_scatter;
mod weights;
mod words;

use std::path::Path;

pub use findings::findings;
pub use report::report;
pub use tables::{Run, Tables, Weights, summary_of};

use crate::figure::{Drawn, Figure, FigureError, draw_figures, forget};

/// Every figure, in the order of the report.
pub const FIGURES: &[Figure<Tables>] = &[
    summary::FIGURE,
    nudge::FIGURE,
    accuracy::FIGURE,
    loss::FIGURE,
    outcomes::FIGURE,
    margin::FIGURE,
    kept_nudge::FIGURE,
    settle_time::FIGURE,
    trajectories::FIGURE,
    angle::FIGURE,
    angle::FEEDBACK,
    valley::FIGURE,
    offsets::FIGURE,
    training_map::FIGURE,
    cost::FIGURE,
    weights::FIGURE,
    weight_scatter::FIGURE,
];

/// Writes `folder/figures/NAME.svg` and `.png` of every figure that has something to show, and takes away
/// those of the others.
///
/// # Errors
/// [`FigureError`] names the file that cannot be read or written.
pub fn draw_all(folder: &Path, tables: &Tables) -> Result<Vec<Drawn>, FigureError> {
    let folder = folder.join("figures");
    let drawn = draw_figures(FIGURES, &folder, tables, &[])?;
    forget(&folder, FIGURES.iter().map(|figure| figure.name), &drawn)?;
    Ok(drawn)
}
