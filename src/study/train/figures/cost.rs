//! Accuracy against the energy and the time of an update: a line for every nudge, along it longer and longer
//! readings.

use super::super::rows::CostRow;
use super::tables::Tables;
use super::words::settings_line;
use crate::figure::axis::{Axis, ascending, count, setting};
use crate::figure::chart::{Chart, Dot, Scale, Series, Share, levels};
use crate::figure::legend::Key;
use crate::figure::page::{Anchor, Page, Text, text};
use crate::figure::palette::{GREY, ordered};
use crate::figure::sheet::Panel;
use crate::figure::{Figure, FigureError};
use dyadsim_core::spec::RuleKind;
use dyadsim_core::statistics::{grouped, mean, range};
use dyadsim_core::units::engineering;

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "cost",
    title: "What accuracy costs: energy and time of an update",
    caption: "Test accuracy after the last epoch against the energy (left) and the time (right) of one update, a colour for every nudge. \
        Along a line the readings are averaged longer and longer, as the labels of the weakest nudge's points say. Energy and time are those of \
        simulated relaxations of the trained network from 0 V, priced by the numbers of [cost]. Means over seeds and, for points, their range of accuracy.",
    draw,
};

/// What an accuracy costs: one of the quantities across.
type CostOf = fn(&CostRow) -> f64;
const QUANTITIES: [CostOf; 2] = [|row| row.energy_update_j, |row| row.latency_update_s];

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let lines = lines(tables);
    let x = |(_, column): (usize, usize)| Axis::log(tables.cost.iter().map(QUANTITIES[column]));
    let y = Axis::around(tables.cost.iter().map(|row| row.test_accuracy), 0.1);
    let mut chart = Chart {
        subtitle: settings_line(tables, "mean and range"),
        columns: vec!["energy of an update (J)".into(), "time of an update (s)".into()],
        rows: vec!["test accuracy".into()],
        share: Share::Columns,
        height: Some(260.0),
        ..Chart::new(FIGURE.title, ("", Scale::At(&x)), ("", Scale::Is(y)))
    };
    for (column, quantity) in QUANTITIES.into_iter().enumerate() {
        for (k, (label, rows)) in lines.iter().enumerate() {
            let ink = ordered(count(k) / count(lines.len().max(2) - 1));
            let dots = readings(rows).into_iter().filter_map(|(_, here)| {
                let x = mean(&here.iter().map(|row| quantity(row)).collect::<Vec<_>>());
                Dot::of(x, here.iter().map(|row| row.test_accuracy))
            });
            let line = Series::at((0, column), ink, dots).line(1.6).bars(1.0).marks(3.0);
            chart.series.push(line.key(Key::Line(ink, label.clone())));
        }
    }
    chart.draw("the circuit of this experiment has no [cost]", |page, panel, (_, column)| {
        lines.first().into_iter().for_each(|(_, rows)| labels(page, panel, rows, QUANTITIES[column]));
    })
}

/// Rows that differ in reading and seed only, with their label; by nudge.
fn lines(tables: &Tables) -> Vec<(String, Vec<&CostRow>)> {
    let mut rows: Vec<&CostRow> = tables.cost.iter().collect();
    rows.sort_by(|a, b| {
        ascending(&a.beta, &b.beta).then(a.rule.cmp(&b.rule)).then(ascending(&a.alpha, &b.alpha))
    });
    let several = |differ: &dyn Fn(&CostRow) -> bool| rows.iter().any(|row| differ(row));
    let (rules, alphas) =
        (several(&|row| row.rule != rows[0].rule), several(&|row| row.alpha != rows[0].alpha));
    let relaxed = several(&|row| row.relaxations != rows[0].relaxations);
    let label = |row: &CostRow| {
        let rule = rules.then(|| RuleKind::printed(&row.rule));
        let alpha = row.alpha.filter(|_| alphas).map(|alpha| format!("α = {}", setting(alpha)));
        let beta = row.beta.map(|beta| format!("β = {}", setting(beta)));
        let times = relaxed.then(|| format!("{} relaxations", row.relaxations));
        [rule, alpha, beta, times].into_iter().flatten().collect::<Vec<_>>().join(", ")
    };
    grouped(rows.iter().copied(), label)
}

/// The rows of every time of a reading, ascending.
fn readings<'r>(rows: &[&'r CostRow]) -> Vec<(f64, Vec<&'r CostRow>)> {
    let times = levels(rows.iter().map(|row| Some(row.readout_time_s))).into_iter().flatten();
    let here = |time: f64| rows.iter().copied().filter(|row| row.readout_time_s == time).collect();
    times.map(|time| (time, here(time))).collect()
}

/// The time of a reading below every point; the lines have nearly the same ones.
fn labels(page: &mut Page, panel: &Panel, rows: &[&CostRow], quantity: CostOf) {
    for (time, here) in readings(rows) {
        let x = mean(&here.iter().map(|row| quantity(row)).collect::<Vec<_>>());
        let Some(at) = panel.at(x, range(here.iter().map(|row| row.test_accuracy)).0) else { continue };
        let words = if time == 0.0 { "instant".to_owned() } else { engineering(time, "s") };
        page.text(Text { ink: GREY, anchor: Anchor::Middle, ..text(words, (at.0, at.1 + 13.0), 8.0) });
    }
}
