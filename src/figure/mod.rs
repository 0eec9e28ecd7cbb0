//! The kit of figures: pages, panels, axes, legends and files, whatever they show.
//!
//! Figures read tables and never compute physics, so any of them can be drawn again from a folder alone. A
//! [`Figure`] turns the tables of a folder into a [`Page`], which `render` writes as SVG and as PNG.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::record::{RecordError, atomic};

pub(crate) mod axis;
pub(crate) mod chart;
mod error;
pub(crate) mod legend;
pub(crate) mod page;
pub(crate) mod palette;
mod panel;
pub(crate) mod render;
pub(crate) mod report;
pub(crate) mod sheet;
mod series;
mod shown;

pub use error::FigureError;
pub(crate) use error::fits;
pub use page::Page;
pub(crate) use shown::{Shown, kept};

/// A kind of figure of tables `T`.
#[derive(Clone, Copy, Debug)]
pub struct Figure<T> {
    /// Name of its files.
    pub name: &'static str,
    /// Title.
    pub title: &'static str,
    /// What to look for, a paragraph.
    pub caption: &'static str,
    /// Draws it; [`FigureError::Nothing`] if the tables have nothing for it.
    pub draw: fn(&T) -> Result<Page, FigureError>,
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

impl<T> Figure<T> {
    /// The figure as an SVG document; `None` if the tables have nothing for it.
    ///
    /// # Errors
    /// [`FigureError`] if a weight file is malformed or the plotting library refuses.
    pub fn svg(&self, tables: &T) -> Result<Option<String>, FigureError> {
        if_any((self.draw)(tables))?.map(|page| render::svg(&page)).transpose()
    }
}

/// Writes `folder/NAME.svg` and `.png` of the figures of these names (of all without any) that the tables
/// have something for.
///
/// A file is complete or absent: it is written under a temporary name first.
///
/// # Errors
/// [`FigureError`] names the file that cannot be read or written.
pub fn draw_figures<T: Sync>(
    figures: &[Figure<T>],
    folder: &Path,
    tables: &T,
    only: &[&str],
) -> Result<Vec<Drawn>, FigureError> {
    let chosen: Vec<&Figure<T>> =
        figures.iter().filter(|figure| only.is_empty() || only.contains(&figure.name)).collect();
    let pages = chosen.par_iter().map(|figure| (figure.name, (figure.draw)(tables))).collect();
    write_pages(folder, pages)
}

/// Takes away files of those figures of a folder, by an earlier version, that have nothing to show.
///
/// # Errors
/// [`FigureError::Write`] names the file that does not go.
pub fn forget(
    folder: &Path,
    names: impl Iterator<Item = &'static str>,
    drawn: &[Drawn],
) -> Result<(), FigureError> {
    let gone = |name: &&str| drawn.iter().all(|one| one.name != *name);
    for path in
        names.filter(gone).flat_map(|name| ["svg", "png"].map(|end| folder.join(format!("{name}.{end}"))))
    {
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                return Err(FigureError::Write { path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

/// A page, or none if there is nothing to draw.
fn if_any(page: Result<Page, FigureError>) -> Result<Option<Page>, FigureError> {
    match page {
        Ok(page) => Ok(Some(page)),
        Err(FigureError::Nothing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Holds figures that are asked for by name against what the tables have for them.
///
/// # Errors
/// [`FigureError::Empty`] says why one has nothing to show; others are those of drawing it.
pub fn want<T>(
    figures: impl Iterator<Item = (&'static str, fn(&T) -> Result<Page, FigureError>)>,
    tables: &T,
    names: &[&str],
) -> Result<(), FigureError> {
    let mut chosen = figures.filter(|(name, _)| names.contains(name));
    chosen.try_for_each(|(name, draw)| match draw(tables) {
        Err(FigureError::Nothing { why }) => Err(FigureError::Empty { name, why }),
        other => other.map(|_| ()),
    })
}

/// Writes the pages into a folder, those with nothing on them not at all.
fn write_pages(
    folder: &Path,
    pages: Vec<(&'static str, Result<Page, FigureError>)>,
) -> Result<Vec<Drawn>, FigureError> {
    let there = |(name, page)| Ok(if_any(page)?.map(|page| (name, page)));
    let pages: Result<Vec<(&'static str, Page)>, FigureError> =
        pages.into_iter().filter_map(|page| there(page).transpose()).collect();
    std::fs::create_dir_all(folder)
        .map_err(|source| FigureError::Write { path: folder.to_path_buf(), source })?;
    pages?.par_iter().map(|(name, page)| write_page(folder, name, page)).collect()
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
pub(crate) fn write_whole(path: &Path, content: &str) -> Result<(), FigureError> {
    atomic::write(path, content.as_bytes()).map_err(|error| match error {
        RecordError::Io { path, reason, .. } => FigureError::Write { path, source: reason },
        other => other.into(),
    })
}
