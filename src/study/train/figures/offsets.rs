//! Offsets of the compartments: how far they turn the gradient, and what is learned in spite of them, against the nudge.

use super::super::identity::Settings;
use super::groups::{Grid, kept};
use super::tables::{Run, Tables};
use super::valley::{
    Quantity, Series, accuracy, angle_at, betas, drawn_in, measured, points, reference, reference_keys,
    values,
};
use super::words::settings_line;
use crate::figure::axis::Axis;
use crate::figure::legend::Key;
use crate::figure::page::{Ink, Page};
use crate::figure::palette::{BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION};
use crate::figure::sheet::{Axes, Layout, Sheet};
use crate::figure::{Figure, FigureError};
use crate::spec::RuleKind;

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
    let series = series(&grid);
    if series.is_empty() {
        return Err(FigureError::nothing("the experiment does not compare offsets"));
    }
    let quantities: [Quantity; 3] = [before, after, accuracy];
    let (series, shown) = drawn_in(tables, &grid, series, &quantities)
        .ok_or_else(|| FigureError::nothing("no run with a nudge has an accuracy or an angle"))?;
    let betas = betas(&grid);
    let x = Axis::log(betas.iter().copied());
    let above_zero =
        |quantity: Quantity| (x, Axis { low: 0.0, ..Axis::around(values(tables, quantity), 0.05) });
    let axes = [above_zero(before), above_zero(after), (x, Axis::around(values(tables, accuracy), 0.05))];
    let axes = kept(&axes, &shown.lines);
    let rows: Vec<String> =
        ["untrained: angle (degrees)", "trained: angle (degrees)", "test accuracy"].map(Into::into).into();
    let layout = Layout {
        title: FIGURE.title.into(),
        subtitle: settings_line(tables, "mean and range"),
        legend: legend(&series, tables),
        columns: kept(&grid.columns(), &shown.columns),
        rows: kept(&rows, &shown.lines),
        x_label: "nudge β".into(),
        y_label: String::new(),
        axes: Axes::Each(
            axes.iter().flat_map(|axes| std::iter::repeat_n(*axes, shown.columns.len())).collect(),
        ),
        names: Vec::new(),
        height: Some(210.0),
        notes: shown.note(&rows, &grid.columns()).into_iter().collect(),
    };
    Ok(Sheet::filled(&layout, |page, panel, (row, column)| {
        let (row, alpha) = (shown.lines[row], grid.alphas[shown.columns[column]]);
        if row == 2 {
            reference(page, panel, tables);
        }
        for one in &series {
            measured(page, panel, &points(tables, one, alpha, &betas, quantities[row]), one);
        }
    }))
}

fn before(run: &Run) -> Option<f64> {
    angle_at(run, run.layers.first()?.epoch)
}

fn after(run: &Run) -> Option<f64> {
    angle_at(run, run.layers.last()?.epoch)
}

/// Value of a setting whose path ends in `key`.
fn value<'a>(settings: &'a Settings, key: &str) -> Option<&'a serde_json::Value> {
    settings.iter().find(|(path, _)| path.ends_with(key)).map(|(_, value)| value)
}

/// A series for every rule and setting, coloured by offset; none if offsets are not varied.
fn series(grid: &Grid) -> Vec<Series> {
    const INKS: [Ink; 6] = [GREEN, ORANGE, VERMILLION, BLUE, PURPLE, SKY];
    let mut settings: Vec<Settings> = Vec::new();
    let mut sizes: Vec<String> = Vec::new();
    for row in &grid.rows {
        let Some(size) = value(&row.settings, SPREAD) else { return Vec::new() };
        if !settings.contains(&row.settings) {
            settings.push(row.settings.clone());
        }
        if !sizes.contains(&size.to_string()) {
            sizes.push(size.to_string());
        }
    }
    let ink = |settings: &Settings| {
        let size = value(settings, SPREAD).map(ToString::to_string);
        INKS[sizes.iter().position(|one| Some(one) == size.as_ref()).unwrap_or(0) % INKS.len()]
    };
    let quiet =
        |settings: &Settings| value(settings, AUTO_ZERO).and_then(serde_json::Value::as_bool) == Some(true);
    let rules = grid.rules.iter().copied().filter(|rule| rule.is_dyadic());
    let of = |rule: RuleKind, settings: &Settings| Series {
        rule,
        settings: settings.clone(),
        ink: ink(settings),
        quiet: quiet(settings),
    };
    rules.flat_map(|rule| settings.iter().map(move |settings| of(rule, settings))).collect()
}

fn legend(series: &[Series], tables: &Tables) -> Vec<Key> {
    let several = series.iter().any(|one| one.rule != series[0].rule);
    let words = |one: &Series| {
        let size = value(&one.settings, SPREAD).map_or(String::new(), |size| match size.as_f64() {
            Some(volts) => format!("{} mV", crate::figure::axis::setting(1e3 * volts)),
            None => size.as_str().unwrap_or_default().to_owned(),
        });
        let rule = if several { format!("{}, ", one.rule.label()) } else { String::new() };
        format!("{rule}{size}{}", if one.quiet { ", auto-zero" } else { "" })
    };
    let key = |one: &Series| {
        if one.quiet { Key::Dashed(one.ink, words(one)) } else { Key::Line(one.ink, words(one)) }
    };
    series.iter().map(key).chain(reference_keys(tables)).collect()
}
