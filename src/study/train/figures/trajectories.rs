//! Potentials of one dyad on the way to equilibrium, or to something else, one panel per outcome.

use super::super::rows::TrajectoryRow;
use super::tables::Tables;
use super::words::settings_line;
use crate::figure::Figure;
use crate::figure::FigureError;
use crate::figure::axis::{Axis, extent};
use crate::figure::legend::Key;
use crate::figure::page::{Ink, Page, text};
use crate::figure::palette::{BLUE, GREY, ORANGE};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet, wrap};

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "trajectories",
    title: "How a dyad moves once it is nudged",
    caption: "Potentials of the two compartments of one neuron against time, from the moment at which the nudge is \
        switched on: the neuron of the recorded sample whose compartments part the furthest. Settling ends in two \
        level lines, whose distance is the error signal. Latch-up runs away to one side; ringing never comes to rest.",
    draw,
};

/// Outcomes in the order of panels, their titles, and whether it is worth a word that no sample had it.
const KINDS: [(&str, &str, bool); 6] = [
    ("settled", "settling", true),
    ("latch-up", "latching up", true),
    ("oscillation", "ringing", true),
    ("noisy-settled", "settled with noise", false),
    ("timeout", "still moving at the time limit", false),
    ("not-finite", "leaving the numbers", false),
];

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let all = KINDS.map(|(name, title, _)| (title, dyad(tables, name)));
    let shown: Vec<_> = all.into_iter().filter(|(_, rows)| !rows.is_empty()).collect();
    if shown.is_empty() {
        return Err(FigureError::nothing("no trajectory was recorded"));
    }
    let absent = KINDS.iter().filter(|(_, title, told)| *told && shown.iter().all(|one| one.0 != *title));
    let absent: Vec<&str> = absent.map(|(_, title, _)| *title).collect();
    let absent = (!absent.is_empty()).then(|| format!("No recorded sample was {}.", absent.join(" or ")));
    let layout = Layout {
        title: FIGURE.title.into(),
        subtitle: settings_line(tables, "one sample of one run in each panel"),
        legend: vec![Key::Line(ORANGE, "v⁺".into()), Key::Line(BLUE, "v⁻".into())],
        columns: shown.iter().map(|(title, _)| (*title).to_owned()).collect(),
        rows: vec![String::new()],
        x_label: "time (τ of the slowest compartment)".into(),
        y_label: "potential (V)".into(),
        axes: Axes::Each(shown.iter().map(|(_, rows)| axes(rows)).collect()),
        names: Vec::new(),
        height: Some(220.0),
        notes: shown
            .iter()
            .filter_map(|(title, rows)| Some(note(title, rows.first()?)))
            .chain(absent)
            .collect(),
    };
    let fill = |page: &mut Page, panel: &Panel, (_, column): (usize, usize)| {
        fill(page, panel, &shown[column].1);
    };
    Ok(Sheet::filled(&layout, fill))
}

/// The rows of the first sample with an outcome, of its dyad whose compartments part the furthest.
fn dyad<'a>(tables: &'a Tables, outcome: &str) -> Vec<&'a TrajectoryRow> {
    let of_kind = |row: &&TrajectoryRow| row.outcome.replace('_', "-") == outcome;
    let rows: Vec<&TrajectoryRow> = tables.trajectories.iter().filter(of_kind).collect();
    let Some(first) = rows.first() else { return Vec::new() };
    let sample = rows.iter().filter(|row| row.run == first.run && row.sample == first.sample);
    let mut widest = (f64::NEG_INFINITY, first.layer, first.neuron);
    for row in sample.clone() {
        let gap = (row.v_plus - row.v_minus).abs();
        if gap.is_finite() && gap > widest.0 {
            widest = (gap, row.layer, row.neuron);
        }
    }
    sample.filter(|row| (row.layer, row.neuron) == (widest.1, widest.2)).copied().collect()
}

fn axes(rows: &[&TrajectoryRow]) -> (Axis, Axis) {
    let (start, end) = extent(rows.iter().map(|row| row.t_tau).filter(|time| time.is_finite()));
    let potentials = rows.iter().flat_map(|row| [row.v_plus, row.v_minus]);
    (Axis::linear(start, end), Axis::around(potentials, 0.06))
}

fn note(title: &str, row: &TrajectoryRow) -> String {
    format!(
        "{title}: run {}, epoch {}, training sample {}, layer {}, neuron {}",
        row.run, row.epoch, row.sample, row.layer, row.neuron
    )
}

fn fill(page: &mut Page, panel: &Panel, rows: &[&TrajectoryRow]) {
    let path = |value: fn(&TrajectoryRow) -> f64| -> Vec<_> {
        rows.iter().filter_map(|row| panel.at(row.t_tau, value(row))).collect()
    };
    let draw = |page: &mut Page, value, ink: Ink| page.line(&path(value), ink, 1.5);
    draw(page, |row| row.v_plus, ORANGE);
    draw(page, |row| row.v_minus, BLUE);
    if rows.iter().any(|row| !(row.v_plus - row.v_minus).is_finite()) {
        let words = "ends where the numbers do";
        for line in wrap(words, 9.0, panel.width) {
            page.text(crate::figure::page::Text {
                ink: GREY,
                ..text(line, (panel.left + 6.0, panel.top + 13.0), 9.0)
            });
        }
    }
}
