//! Figures of a study of the gradient estimate, drawn from the tables of `dyadsim gradient --out DIR`.

mod angle;
mod power;

use std::path::Path;

use super::{Answer, GradientRow};
use crate::figure::axis::{Axis, ascending, extent};
use crate::figure::page::{Ink, Page};
use crate::figure::sheet::Panel;
use crate::figure::{Figure, FigureError, fits};
use crate::record::json::read_json;
use crate::record::table::{read_csv, read_rows};

/// Every figure.
pub const FIGURES: &[Figure<Answer>] = &[power::FIGURE, angle::FIGURE];

impl Answer {
    /// Reads the tables of a folder.
    ///
    /// # Errors
    /// [`FigureError`] names the file that is missing or malformed.
    pub(super) fn open(folder: &Path) -> Result<Self, FigureError> {
        let tables = Self {
            summary: read_json(&folder.join("gradient.json"))?,
            rows: read_rows(&folder.join("gradient.csv"))?,
            best: read_csv(&folder.join("gradient_best.csv"))?,
        };
        let path = folder.join("gradient.json");
        let (keys, layers) = (&tables.summary.keys, tables.summary.layers);
        fits((1..=2).contains(&keys.len()), &path, "keys", keys, "one key or two")?;
        let last = tables.rows.iter().filter_map(|row| row.layer).max().unwrap_or(0);
        let accepted = format!("{last}, the last layer of gradient.csv");
        fits(layers == last, &path, "layers", layers, &accepted)?;
        fits(
            last <= tables.rows.len(),
            &folder.join("gradient.csv"),
            "layer",
            last,
            "layers from 1, one by one",
        )?;
        Ok(tables)
    }

    /// Values of the second axis, at most `most` of them evenly chosen; `[None]` if there is one axis.
    fn families(&self, most: usize) -> Vec<Option<f64>> {
        // Nudges that were added to find the best one are no lines of their own.
        let asked = self.rows.iter().filter(|row| row.origin != "added");
        let mut all: Vec<Option<f64>> = asked.map(|row| row.y).collect();
        all.sort_by(ascending);
        all.dedup();
        let last = all.len().saturating_sub(1);
        if all.len() > most { (0..most).map(|k| all[k * last / (most - 1)]).collect() } else { all }
    }

    /// The layers, all together first.
    fn panels(&self) -> Vec<Option<usize>> {
        std::iter::once(None).chain((1..=self.summary.layers).map(Some)).collect()
    }

    /// The horizontal axis: logarithmic where it spans more than a decade above zero.
    fn across(&self) -> Axis {
        let values = || self.rows.iter().map(|row| row.x);
        let (low, high) = extent(values());
        if low > 0.0 && high > 10.0 * low { Axis::log(values()) } else { Axis::around(values(), 0.05) }
    }
}

/// A disc with one standard error to both sides; an open one where the point has no part in the best nudge.
fn mark(page: &mut Page, panel: &Panel, row: &GradientRow, (value, error): (f64, Option<f64>), ink: Ink) {
    let x = row.x;
    // Beyond the panel there is nothing to show: a disc at its edge would be another number.
    if !(panel.y.low..=panel.y.high).contains(&value) {
        return;
    }
    let Some(at) = panel.at(x, value) else { return };
    if let Some(error) = error {
        let low = panel.at(x, value - error).or_else(|| panel.at(x, panel.y.low));
        if let (Some(low), Some(high)) = (low, panel.at(x, value + error)) {
            page.line(&[low, high], ink, 1.0);
        }
    }
    match row.left_out {
        None => page.disc(at, 2.2, ink),
        Some(_) => page.ring(at, 2.2, ink),
    }
}

/// A key as an axis is labelled.
fn label(key: &str) -> String {
    match key {
        "nudge.beta" => "nudge β".into(),
        "nudge.alpha" => "mixing α".into(),
        other => other.into(),
    }
}
