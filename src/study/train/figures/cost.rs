//! Accuracy against the energy and the time of an update: a line for every nudge, along it longer and longer readings.

use super::super::rows::CostRow;
use super::tables::Tables;
use super::words::settings_line;
use crate::figure::axis::{Axis, count, setting};
use crate::figure::legend::Key;
use crate::figure::page::{Anchor, Ink, Page, Text, text};
use crate::figure::palette::{GREY, ordered};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::figure::{Figure, FigureError};
use crate::statistics::{grouped, mean, range};

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "cost",
    title: "What accuracy costs: energy and time of an update",
    caption: "Test accuracy after the last epoch against the energy (left) and the time (right) of one update, a colour for every nudge. \
        Along a line the readings are averaged longer and longer, as the labels of the weakest nudge's points say. Energy and time are those of \
        simulated relaxations of the trained network from 0 V, priced by the numbers of [cost]. Means over seeds and, for points, their range of accuracy.",
    draw,
};

/// A quantity of a row.
type Quantity = fn(&CostRow) -> f64;

/// A point: x, mean accuracy, its range, the time of a reading.
struct Spot {
    x: f64,
    mean: f64,
    range: (f64, f64),
    reading: f64,
}

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    if tables.cost.is_empty() {
        return Err(FigureError::nothing("the circuit of this experiment has no [cost]"));
    }
    let lines = lines(tables);
    let inks: Vec<Ink> =
        (0..lines.len()).map(|k| ordered(count(k) / count(lines.len().max(2) - 1))).collect();
    let y = Axis::around(tables.cost.iter().map(|row| row.test_accuracy), 0.1);
    let quantities: [Quantity; 2] = [|row| row.energy_update_j, |row| row.latency_update_s];
    let x = quantities.map(|of| Axis::log(tables.cost.iter().map(of)));
    let layout = Layout {
        title: FIGURE.title.into(),
        subtitle: settings_line(tables, "mean and range"),
        legend: lines.iter().zip(&inks).map(|((label, _), ink)| Key::Line(*ink, label.clone())).collect(),
        columns: vec!["energy of an update (J)".into(), "time of an update (s)".into()],
        rows: vec!["test accuracy".into()],
        x_label: String::new(),
        y_label: String::new(),
        axes: Axes::Each(x.iter().map(|x| (*x, y)).collect()),
        names: Vec::new(),
        height: Some(260.0),
        notes: Vec::new(),
    };
    Ok(Sheet::filled(&layout, |page, panel, (_, column)| {
        for ((_, rows), ink) in lines.iter().zip(&inks) {
            line(page, panel, &spots(rows, quantities[column]), *ink);
        }
        if let Some((_, rows)) = lines.first() {
            labels(page, panel, &spots(rows, quantities[column]));
        }
    }))
}

/// Rows that differ in reading and seed only, with their label; by nudge.
fn lines(tables: &Tables) -> Vec<(String, Vec<&CostRow>)> {
    let mut rows: Vec<&CostRow> = tables.cost.iter().collect();
    rows.sort_by(|a, b| {
        a.beta.total_cmp(&b.beta).then(a.rule.cmp(&b.rule)).then(a.alpha.total_cmp(&b.alpha))
    });
    let several = |differ: &dyn Fn(&CostRow) -> bool| rows.iter().any(|row| differ(row));
    let (rules, alphas) =
        (several(&|row| row.rule != rows[0].rule), several(&|row| row.alpha != rows[0].alpha));
    let relaxed = several(&|row| row.relaxations != rows[0].relaxations);
    let label = |row: &CostRow| {
        let rule =
            if rules { format!("{}, ", crate::figure::palette::rule_name(&row.rule)) } else { String::new() };
        let alpha = if alphas { format!("α = {}, ", setting(row.alpha)) } else { String::new() };
        let times = if relaxed { format!(", {} relaxations", row.relaxations) } else { String::new() };
        format!("{rule}{alpha}β = {}{times}", setting(row.beta))
    };
    grouped(rows.iter().copied(), label)
}

/// Means over the seeds, by time of reading.
fn spots(rows: &[&CostRow], of: Quantity) -> Vec<Spot> {
    let mut readings: Vec<f64> = rows.iter().map(|row| row.readout_time_s).collect();
    readings.sort_by(f64::total_cmp);
    readings.dedup();
    let spot = |&reading: &f64| {
        let here: Vec<&&CostRow> = rows.iter().filter(|row| row.readout_time_s == reading).collect();
        let mean = |of: Quantity| mean(&here.iter().map(|row| of(row)).collect::<Vec<_>>());
        let range = range(here.iter().map(|row| row.test_accuracy));
        Spot { x: mean(of), mean: mean(|row| row.test_accuracy), range, reading }
    };
    readings.iter().map(spot).collect()
}

fn line(page: &mut Page, panel: &Panel, spots: &[Spot], ink: Ink) {
    let path: Vec<_> = spots.iter().filter_map(|spot| panel.at(spot.x, spot.mean)).collect();
    page.line(&path, ink, 1.6);
    for spot in spots {
        panel.bar(page, spot.x, spot.range, (ink, 1.0));
        panel.at(spot.x, spot.mean).into_iter().for_each(|at| page.disc(at, 3.0, ink));
    }
}

/// The time of a reading below every point; the lines have nearly the same ones.
fn labels(page: &mut Page, panel: &Panel, spots: &[Spot]) {
    for spot in spots {
        let Some(at) = panel.at(spot.x, spot.range.0) else { continue };
        let words = if spot.reading == 0.0 {
            "instant".to_owned()
        } else {
            crate::units::engineering(spot.reading, "s")
        };
        page.text(Text { ink: GREY, anchor: Anchor::Middle, ..text(words, (at.0, at.1 + 13.0), 8.0) });
    }
}
