//! Figures and the report of an output folder.
//!
//! Figures read tables and never compute physics, so any of them can be drawn again from the
//! folder alone. A figure is a file with a [`Figure`] and a line in [`catalogue`]; it turns
//! [`Tables`] into a [`page::Page`], which `render` writes as SVG and as PNG.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::record::{RecordError, atomic};

mod accuracy;
mod angle;
mod axis;
pub mod branch;
pub mod comparison;
mod cost;
mod curves;
mod error;
mod findings;
pub mod gradient;
mod groups;
mod kept_nudge;
mod legend;
mod loss;
pub mod map;
mod margin;
pub mod noise;
mod offsets;
mod outcomes;
mod page;
mod palette;
mod render;
mod report;
pub mod robustness;
mod settle_time;
mod sheet;
mod summary;
#[cfg(test)]
mod synthetic;
mod tables;
mod training_map;
mod trajectories;
mod valley;
mod weight_scatter;
mod weights;
mod words;
pub mod yields;

pub use error::FigureError;
pub use findings::findings;
pub use page::Page;
pub use report::report;
pub use tables::{Run, Settings, Tables, Weights, summary_of};

/// A kind of figure.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Name of its files.
    pub name: &'static str,
    /// Title.
    pub title: &'static str,
    /// What to look for, a paragraph.
    pub caption: &'static str,
    /// Draws it.
    pub draw: fn(&Tables) -> Result<Page, FigureError>,
}

/// Files of a figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Its name.
    pub name: &'static str,
    /// The vector file.
    pub svg: PathBuf,
    /// The pixel file.
    pub png: PathBuf,
}

/// Every figure, in the order of the report.
#[must_use]
pub fn catalogue() -> &'static [Figure] {
    &[
        summary::FIGURE,
        accuracy::FIGURE,
        loss::FIGURE,
        outcomes::FIGURE,
        margin::FIGURE,
        kept_nudge::FIGURE,
        settle_time::FIGURE,
        trajectories::FIGURE,
        angle::FIGURE,
        valley::FIGURE,
        offsets::FIGURE,
        training_map::FIGURE,
        cost::FIGURE,
        weights::FIGURE,
        weight_scatter::FIGURE,
    ]
}

/// The figures that some tables have something for, in the order of the report.
pub fn drawn_from(tables: &Tables) -> impl Iterator<Item = &'static Figure> {
    let keeps = kept_nudge::is_kept(tables);
    catalogue().iter().filter(move |figure| figure.name != kept_nudge::FIGURE.name || keeps)
}

impl Figure {
    /// The figure as an SVG document.
    ///
    /// # Errors
    /// [`FigureError`] if a weight file is malformed or the plotting library refuses.
    pub fn svg(&self, tables: &Tables) -> Result<String, FigureError> {
        render::svg(&(self.draw)(tables)?)
    }
}

/// Writes `folder/figures/NAME.svg` and `.png` of every figure that the tables have something for.
///
/// A file is complete or absent: it is written under a temporary name first.
///
/// # Errors
/// [`FigureError`] names the file that cannot be read or written.
pub fn draw_all(folder: &Path, tables: &Tables) -> Result<Vec<Drawn>, FigureError> {
    let folder = folder.join("figures");
    std::fs::create_dir_all(&folder).map_err(|source| FigureError::Write { path: folder.clone(), source })?;
    let figures: Vec<_> = drawn_from(tables).collect();
    figures.into_par_iter().map(|figure| draw_into(&folder, figure, tables)).collect()
}

/// Writes `folder/NAME.svg` and `.png` of one figure; the folder must exist.
///
/// # Errors
/// Those of [`draw_all`].
pub fn draw_into(folder: &Path, figure: &Figure, tables: &Tables) -> Result<Drawn, FigureError> {
    write_page(folder, figure.name, &(figure.draw)(tables)?)
}

/// Writes `folder/NAME.svg` and `.png` of a page.
fn write_page(folder: &Path, name: &'static str, page: &Page) -> Result<Drawn, FigureError> {
    let svg = folder.join(format!("{name}.svg"));
    write_whole(&svg, &render::svg(page)?)?;
    let png = folder.join(format!("{name}.png"));
    // The ending tells the plotting library which format to write.
    let unfinished = folder.join(format!(".{name}.unfinished.png"));
    // Whatever a killed process, or somebody else, left under that name: a link would be followed.
    let _ = std::fs::remove_file(&unfinished);
    render::png(page, &unfinished)?;
    std::fs::rename(&unfinished, &png).map_err(|source| FigureError::Write { path: png.clone(), source })?;
    Ok(Drawn { name, svg, png })
}

/// Writes a file under a temporary name beside it and renames it.
fn write_whole(path: &Path, content: &str) -> Result<(), FigureError> {
    atomic::write(path, content.as_bytes()).map_err(|error| match error {
        RecordError::Io { path, reason, .. } => FigureError::Write { path, source: reason },
        other => other.into(),
    })
}

/// A page that says why there is nothing to draw.
fn apology(title: &str, tables: &Tables, why: &str) -> Page {
    let mut page = Page::new(640.0, 110.0);
    page.text(page::Text { bold: true, ..page::text(title, (16.0, 28.0), 15.0) });
    let subtitle = words::settings_line(tables, "all");
    page.text(page::Text { ink: palette::GREY, ..page::text(subtitle, (16.0, 44.0), 10.5) });
    page.text(page::text(why, (16.0, 78.0), 10.5));
    page
}
