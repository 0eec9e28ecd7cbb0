//! Points along at most two axes of settings.

use anyhow::anyhow;
use toml::Value;

use super::axis::{self, Axis};
use super::inputs::{Files, Setup};
use super::{Failure, Given};
use dyadsim_core::spec::Override;

/// A point of a grid.
pub struct Point {
    /// Values along the axes.
    pub values: Vec<f64>,
    /// Everything that is settled there.
    pub setup: Setup,
}

/// All points of at most two axes, the first running fastest, of circuits of any kind; every one is read and
/// checked before any work.
///
/// # Errors
/// Bad input at any point.
pub fn expand_grid(given: &Given, files: &Files, axes: &[Axis]) -> Result<Vec<Point>, Failure> {
    if let Some(third) = axes.get(2) {
        return Err(Failure::input(anyhow!(
            "--vary {}: a grid has at most two axes\n  accepted: one or two --vary",
            third.key
        )));
    }
    axis::refuse_same("--vary", axes)?;
    let lists: Vec<Vec<f64>> = axes.iter().map(Axis::values).collect();
    let mut grid: Vec<Vec<f64>> = vec![vec![]];
    for list in lists.iter().rev() {
        grid = grid.iter().flat_map(|rest| list.iter().map(|v| [vec![*v], rest.clone()].concat())).collect();
    }
    let one = |values: Vec<f64>| {
        let mut given = given.clone();
        let keys = axes.iter().zip(&values);
        given.set.extend(keys.map(|(axis, v)| Override::new(&axis.key, Value::Float(*v)).by("--vary")));
        Ok(Point { setup: files.read_any_silently(&given)?, values })
    };
    grid.into_iter().map(one).collect()
}
