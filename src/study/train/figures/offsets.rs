//! Gradient angle and accuracy of chips with offsets, with and without the reading that subtracts them,
//! against the nudge.

use serde_json::Value;

use super::super::identity::Settings;
use super::groups::Grid;
use super::nudges::{Line, Quantity, accuracy, angle_at, chart, values};
use super::tables::{Run, Tables};
use crate::figure::axis::{Axis, setting};
use crate::figure::page::{Ink, Page};
use crate::figure::palette::{BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION};
use crate::figure::{Figure, FigureError};
use dyadsim_core::spec::RuleKind;
use dyadsim_core::statistics::grouped;

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "offsets",
    title: "Offsets: gradient angle and accuracy against the nudge",
    caption: "A difference between the two compartments of a dyad reads as an error that is not there, and the weaker the nudge, the more it \
        counts. Above: angle between the gradient estimate and backpropagation on the same chip before training; in the middle the same after \
        it, when errors are smaller and offsets are not; below: test accuracy after the last epoch. Mean over layers, mean and range over \
        seeds, each a chip of its own. Dashed with auto-zero, which subtracts the difference that is read without a nudge.",
    draw,
};

const SPREAD: &str = "mismatch.offset_dtod";
const AUTO_ZERO: &str = "readout.auto_zero";

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let grid = Grid::of(tables);
    let lines = lines(&grid);
    if lines.is_empty() {
        return Err(FigureError::nothing("the experiment does not compare offsets"));
    }
    let angle = |label, of: fn(&Run) -> Option<f64>| {
        let axis = Axis { low: 0.0, ..Axis::around(values(tables, of), 0.05) };
        Quantity { label, of, axis, reference: false }
    };
    let quantities = [
        angle("untrained: angle (degrees)", before),
        angle("trained: angle (degrees)", after),
        Quantity {
            label: "test accuracy",
            of: accuracy,
            axis: Axis::around(values(tables, accuracy), 0.05),
            reference: true,
        },
    ];
    let axis = |(row, _): (usize, usize)| quantities[row].axis;
    let mut chart = chart(tables, FIGURE.title, (&grid, &lines), (&quantities, &axis));
    chart.height = Some(210.0);
    chart.draw("no run with a nudge has an accuracy or an angle", |_, _, _| {})
}

fn before(run: &Run) -> Option<f64> {
    angle_at(run, run.layers.first()?.epoch)
}

fn after(run: &Run) -> Option<f64> {
    angle_at(run, run.layers.last()?.epoch)
}

/// Value of a setting whose path ends in `key`.
fn value<'a>(settings: &'a Settings, key: &str) -> Option<&'a Value> {
    settings.iter().find(|(path, _)| path.ends_with(key)).map(|(_, value)| value)
}

/// A line for every rule and setting, coloured by offset; none if offsets are not varied.
fn lines(grid: &Grid) -> Vec<Line> {
    const INKS: [Ink; 6] = [GREEN, ORANGE, VERMILLION, BLUE, PURPLE, SKY];
    let size = |settings: &Settings| value(settings, SPREAD).map(ToString::to_string);
    if grid.rows.iter().any(|row| size(&row.settings).is_none()) {
        return Vec::new();
    }
    let settings = grouped(&grid.rows, |row| row.settings.clone());
    let sizes = grouped(&grid.rows, |row| size(&row.settings));
    let ink = |settings: &Settings| {
        let at = sizes.iter().position(|(one, _)| *one == size(settings)).unwrap_or(0);
        INKS[at % INKS.len()]
    };
    let rules: Vec<RuleKind> = grid.rules.iter().copied().filter(|rule| rule.is_dyadic()).collect();
    let line = |rule: RuleKind, settings: &Settings| {
        let quiet = value(settings, AUTO_ZERO).and_then(Value::as_bool) == Some(true);
        let rule_too = if rules.len() > 1 { format!("{}, ", rule.label()) } else { String::new() };
        let label = format!("{rule_too}{}{}", describe(settings), if quiet { ", auto-zero" } else { "" });
        Line { rule, settings: settings.clone(), ink: ink(settings), quiet, label }
    };
    rules.iter().flat_map(|rule| settings.iter().map(|(settings, _)| line(*rule, settings))).collect()
}

/// The offset in words.
fn describe(settings: &Settings) -> String {
    value(settings, SPREAD).map_or(String::new(), |size| match size.as_f64() {
        Some(volts) => format!("{} mV", setting(1e3 * volts)),
        None => size.as_str().unwrap_or_default().to_owned(),
    })
}
