//! Figures of a comparison of rules: what they learn and what it takes, against noise and against mismatch.

use super::{RuleRow, Tables};
use crate::figure::axis::{Axis, setting};
use crate::figure::chart::{Chart, Dot, Scale, Series, Share, levels};
use crate::figure::legend::Key;
use crate::figure::page::Page;
use crate::figure::palette::rule_ink;
use crate::figure::{Figure, FigureError};
use dyadsim_core::spec::RuleKind;
use dyadsim_core::statistics::grouped;

/// Every figure.
pub const FIGURES: &[Figure<Tables>] = &[
    Figure {
        name: "rules-noise",
        title: NOISE.title,
        caption: "Test accuracy, angle of the estimate to the exact gradient of the rule's circuit, samples at rest, time and energy up \
            to the target accuracy, against the noise of a compartment on its own. Means over seeds; bars of the accuracy are their \
            range. Rules that settle nothing know no noise and stand as lines across.",
        draw: |tables| against(tables, &NOISE),
    },
    Figure {
        name: "rules-mismatch",
        title: MISMATCH.title,
        caption: "The same against the mismatch of devices: the largest of their relative spreads.",
        draw: |tables| against(tables, &MISMATCH),
    },
    Figure {
        name: "rules-target",
        title: TARGET,
        caption: "Energy against time on the chip up to the target accuracy, presentations one after the other. A mark is the mean over \
            the seeds that reached it; a ring says that some did not.",
        draw: target,
    },
];

/// Title of the figure of time and energy.
const TARGET: &str = "Time and energy to the target accuracy";

/// What stands across a figure, and what its columns are.
struct Across {
    title: &'static str,
    label: &'static str,
    of: fn(&RuleRow) -> Option<f64>,
    column: fn(&RuleRow) -> Option<f64>,
    column_name: &'static str,
    nothing: &'static str,
}

const NOISE: Across = Across {
    title: "Rules against noise",
    label: "noise of a compartment on its own (V, rms)",
    of: |row| row.noise_v,
    column: |row| Some(row.mismatch),
    column_name: "mismatch",
    nothing: "it takes two levels of noise or more",
};

const MISMATCH: Across = Across {
    title: "Rules against mismatch",
    label: "largest relative spread of devices",
    of: |row| Some(row.mismatch),
    column: |row| row.noise_v,
    column_name: "noise (V)",
    nothing: "it takes two levels of mismatch or more",
};

/// A row of panels.
struct Quantity {
    label: &'static str,
    of: fn(&RuleRow) -> Option<f64>,
    axis: fn(&[f64]) -> Axis,
}

const QUANTITIES: [Quantity; 5] = [
    Quantity {
        label: "test accuracy",
        of: |row| row.test_accuracy,
        axis: |values| Axis::around(values.iter().copied(), 0.1),
    },
    Quantity {
        label: "angle (degrees)",
        of: |row| row.angle_deg,
        axis: |values| Axis::around(values.iter().copied().chain([0.0]), 0.05),
    },
    Quantity { label: "samples at rest", of: |row| row.at_rest, axis: |_| Axis::shares() },
    Quantity {
        label: "time to target (s)",
        of: |row| row.time_to_target_s,
        axis: |values| Axis::log(values.iter().copied()),
    },
    Quantity {
        label: "energy to target (J)",
        of: |row| row.energy_to_target_j,
        axis: |values| Axis::log(values.iter().copied()),
    },
];

/// The first row of panels of what takes a target to be reached.
const PRICED: usize = 3;

/// Rows of a rule and its gains, with the label of their line and how many lines of the rule stand before it.
struct Line<'t> {
    rule: &'t str,
    label: String,
    before: usize,
    rows: Vec<&'t RuleRow>,
}

fn against(tables: &Tables, across: &Across) -> Result<Page, FigureError> {
    let at = levels(tables.rows.iter().map(across.of)).into_iter().flatten().collect::<Vec<_>>();
    if at.len() < 2 {
        return Err(FigureError::nothing(across.nothing));
    }
    let x = Axis::around(at.into_iter(), 0.06);
    let places = places(tables, across);
    let y = |(row, _): (usize, usize)| {
        let bars = |row: &RuleRow| [row.least_accuracy, row.greatest_accuracy];
        let ends = tables.rows.iter().filter(|_| row == 0).flat_map(bars).flatten();
        let values = tables.rows.iter().filter_map(QUANTITIES[row].of).chain(ends);
        (QUANTITIES[row].axis)(&values.collect::<Vec<_>>())
    };
    let mut chart = Chart {
        subtitle: tables.summary.settings.clone(),
        columns: places.iter().map(|place| words(place, across, &places)).collect(),
        rows: QUANTITIES.iter().map(|quantity| quantity.label.to_owned()).collect(),
        share: Share::Rows,
        height: Some(150.0),
        notes: vec![format!("target: a test accuracy of {}", setting(tables.summary.target))],
        ..Chart::new(across.title, (across.label, Scale::Is(x)), ("", Scale::At(&y)))
    };
    let lines = lines(tables);
    for (row, quantity) in QUANTITIES.iter().enumerate() {
        for (column, place) in places.iter().enumerate() {
            let one = |line: &Line| series(line, ((row, column), place), (across, quantity, x));
            chart.series.extend(lines.iter().map(one));
        }
    }
    chart.draw("no run has a number", |_, _, _| {})
}

/// A column: its level, and other settings.
type Place = (Option<f64>, Option<String>);

/// Every column; rules that do not know its level or settings stand in all of them.
fn places(tables: &Tables, across: &Across) -> Vec<Place> {
    let columns = levels(tables.rows.iter().map(across.column));
    let columns: Vec<f64> = columns.into_iter().flatten().collect();
    let mut settings: Vec<Option<String>> = tables.rows.iter().map(|row| row.settings.clone()).collect();
    settings.sort();
    settings.dedup();
    if settings.len() > 1 {
        settings.retain(Option::is_some);
    }
    let of = |settings: &Option<String>| {
        columns.iter().map(|level| (Some(*level), settings.clone())).collect::<Vec<_>>()
    };
    settings.iter().flat_map(of).collect()
}

fn words(place: &Place, across: &Across, all: &[Place]) -> String {
    let several = all.iter().any(|other| other.0 != place.0);
    let level =
        place.0.filter(|_| several).map(|level| format!("{} = {}", across.column_name, setting(level)));
    level.into_iter().chain(place.1.clone()).collect::<Vec<_>>().join(", ")
}

/// Lines of the figures, in the order of the runs.
fn lines(tables: &Tables) -> Vec<Line<'_>> {
    let bits = |gain: Option<f64>| gain.map(f64::to_bits);
    let groups = grouped(&tables.rows, |row| (row.rule.clone(), bits(row.alpha), bits(row.beta)));
    let differ = |of: fn(&RuleRow) -> Option<f64>| {
        levels(tables.rows.iter().map(of)).into_iter().flatten().count() > 1
    };
    let (alphas, betas) = (differ(|row| row.alpha), differ(|row| row.beta));
    let mut lines: Vec<Line> = Vec::new();
    for (_, rows) in groups {
        let first = rows[0];
        let gain = |name: &str, value: Option<f64>| value.map(|value| format!("{name} = {}", setting(value)));
        let gains = [gain("α", first.alpha.filter(|_| alphas)), gain("β", first.beta.filter(|_| betas))];
        let parts = std::iter::once(RuleKind::printed(&first.rule)).chain(gains.into_iter().flatten());
        let before = lines.iter().filter(|line| line.rule == first.rule).count();
        lines.push(Line { rule: &first.rule, label: parts.collect::<Vec<_>>().join(", "), before, rows });
    }
    lines
}

/// A line in a panel: solid the first of its rule, dashed the others.
fn series(
    line: &Line,
    (at, place): ((usize, usize), &Place),
    (across, quantity, x): (&Across, &Quantity, Axis),
) -> Series {
    let here = |row: &&&RuleRow| {
        let level = (across.column)(row);
        let fits = row.settings.is_none() || row.settings == place.1;
        fits && (level.is_none() || level == place.0)
    };
    // Times and energies are of the runs that reached the target.
    let priced = at.0 >= PRICED;
    let dot = |x: f64, row: &RuleRow| {
        let dot = Dot::new(x, (quantity.of)(row)).open(row.left_out > 0 || (priced && row.reached < row.n));
        let bar = row.least_accuracy.zip(row.greatest_accuracy).filter(|_| at.0 == 0);
        bar.map_or(dot, |(low, high)| dot.within(low, high))
    };
    let mut rows: Vec<&RuleRow> = line.rows.iter().filter(here).copied().collect();
    rows.sort_by(|a, b| crate::figure::axis::ascending(&(across.of)(a), &(across.of)(b)));
    let ink = rule_ink(line.rule);
    let known = rows.iter().any(|row| (across.of)(row).is_some());
    if !known {
        let ends = rows.first().into_iter().flat_map(|row| [x.low, x.high].map(|x| dot(x, row)));
        let key = Key::Line(ink, line.label.clone());
        return Series::at(at, ink, ends.collect::<Vec<_>>()).band(0.12).line(1.2).key(key).aside();
    }
    let dots = rows.iter().filter_map(|row| Some(dot((across.of)(row)?, row)));
    let one = Series::at(at, ink, dots).bars(1.0).marks(2.4);
    let dashes = [(4.0, 3.0), (1.5, 2.5), (7.0, 2.5)];
    match line.before {
        0 => one.line(1.5).key(Key::Line(ink, line.label.clone())),
        more => one.dashed(1.4, dashes[(more - 1) % 3]).key(Key::Dashed(ink, line.label.clone())),
    }
}

/// Energy against time, a panel for every level of noise (columns) and mismatch (rows).
fn target(tables: &Tables) -> Result<Page, FigureError> {
    let priced = || tables.rows.iter().filter(|row| row.time_to_target_s.is_some());
    if priced().next().is_none() {
        let why = "no run reached the target with a price: the circuit needs [cost], the solver a time";
        return Err(FigureError::nothing(why));
    }
    let noises = levels(priced().map(|row| row.noise_v));
    let spreads = levels(priced().map(|row| Some(row.mismatch)));
    let level = |name: &str, all: &[Option<f64>]| -> Vec<String> {
        let one = |level: &Option<f64>| level.map(|level| format!("{name} = {}", setting(level)));
        all.iter().map(|level| one(level).filter(|_| all.len() > 1).unwrap_or_default()).collect()
    };
    let mut chart = Chart {
        subtitle: format!(
            "{}; target: a test accuracy of {}",
            tables.summary.settings,
            setting(tables.summary.target)
        ),
        columns: level("noise (V)", &noises),
        rows: level("mismatch", &spreads),
        height: Some(190.0),
        ..Chart::new(
            TARGET,
            ("time to target (s)", Scale::Is(Axis::log(priced().filter_map(|row| row.time_to_target_s)))),
            ("energy (J)", Scale::Is(Axis::log(priced().filter_map(|row| row.energy_to_target_j)))),
        )
    };
    for line in lines(tables) {
        for row in line.rows.iter().filter(|row| row.time_to_target_s.is_some()) {
            let place = |all: &[Option<f64>], level: Option<f64>| all.iter().position(|one| *one == level);
            let at = place(&spreads, Some(row.mismatch)).zip(place(&noises, row.noise_v)).unwrap_or((0, 0));
            let part = row.reached < row.n + row.left_out;
            let dot = row.time_to_target_s.map(|x| Dot::new(x, row.energy_to_target_j).open(part));
            let ink = rule_ink(line.rule);
            let key = Key::Disc(ink, line.label.clone());
            chart.series.push(Series::at(at, ink, dot).marks(3.4 - 0.5 * line.before.min(4) as f64).key(key));
        }
    }
    chart.draw("no run reached the target", |_, _, _| {})
}
