//! The page of a report: one HTML file with what came out in sentences, every figure inline, and what a study
//! adds.
//!
//! All text goes through the template's HTML escaping; only the SVG documents, made here, are
//! inserted as they are. Nothing is loaded from anywhere.

use minijinja::{Environment, Value, context};
use rayon::prelude::*;
use serde::Serialize;

use super::{Figure, FigureError};

/// The page of every report, with blocks that a study fills.
pub(crate) const PAGE: &str = include_str!("page.html");

/// A figure with something to show.
#[derive(Serialize)]
pub struct Inlined {
    name: &'static str,
    title: &'static str,
    caption: &'static str,
    svg: String,
}

/// The figures that the tables have something for.
///
/// # Errors
/// [`FigureError`] names what cannot be drawn.
pub fn inlined<T: Sync>(figures: &[Figure<T>], tables: &T) -> Result<Vec<Inlined>, FigureError> {
    let shown = |figure: &Figure<T>| -> Result<Option<Inlined>, FigureError> {
        let Figure { name, title, caption, .. } = *figure;
        Ok(figure.svg(tables)?.map(|svg| Inlined { name, title, caption, svg }))
    };
    figures.par_iter().filter_map(|figure| shown(figure).transpose()).collect()
}

/// The page of a report by its name, its findings and its figures, in which the `template` fills the blocks
/// `lead`, `links` and `parts` with `values`.
///
/// # Errors
/// [`FigureError::Template`].
pub fn filled(
    template: &str,
    (name, findings, figures): (&str, &[String], &[Inlined]),
    values: &impl Serialize,
) -> Result<String, FigureError> {
    let mut environment = Environment::new();
    environment.add_template("page.html", PAGE)?;
    environment.add_template("report.html", template)?;
    let version = env!("CARGO_PKG_VERSION");
    let own = Value::from_serialize(values);
    Ok(environment
        .get_template("report.html")?
        .render(context! { name, findings, figures, version, ..own })?)
}
