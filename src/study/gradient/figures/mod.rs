//! Figures of a study of the gradient estimate, drawn from the tables of `dyadsim gradient --out DIR`.

mod angle;
mod power;

use std::path::Path;

use super::{Answer, GradientRow};
use crate::figure::axis::Axis;
use crate::figure::chart::{Dot, levels};
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
        let all = levels(asked.map(|row| row.y));
        let last = all.len().saturating_sub(1);
        if all.len() > most { (0..most).map(|k| all[k * last / (most - 1)]).collect() } else { all }
    }

    /// The layers, all together first.
    fn panels(&self) -> Vec<Option<usize>> {
        std::iter::once(None).chain((1..=self.summary.layers).map(Some)).collect()
    }

    /// The horizontal axis.
    fn across(&self) -> Axis {
        Axis::of_setting(self.rows.iter().map(|row| row.x))
    }

    /// Titles of the columns.
    fn columns(&self) -> Vec<String> {
        let title = |layer: Option<usize>| layer.map_or("all layers".into(), |k| format!("layer {k}"));
        self.panels().into_iter().map(title).collect()
    }

    /// The points of a value of the second axis and of a layer.
    fn at(&self, y: Option<f64>, layer: Option<usize>) -> impl Iterator<Item = &GradientRow> {
        self.rows.iter().filter(move |row| row.y == y && row.layer == layer)
    }
}

/// A value with one standard error; open where the point has no part in the best nudge.
fn dot(row: &GradientRow, value: Option<f64>, error: Option<f64>) -> Dot {
    Dot::new(row.x, value).give_or_take(error).open(row.left_out.is_some())
}

/// A key as an axis is labelled.
fn label(key: &str) -> String {
    match key {
        "nudge.beta" => "nudge β".into(),
        "nudge.alpha" => "mixing α".into(),
        other => other.into(),
    }
}
