//! Potentials of one dyad on the way to equilibrium, or to something else, one panel per outcome.

use super::super::rows::TrajectoryRow;
use super::tables::Tables;
use super::words::settings_line;
use crate::figure::axis::{Axis, extent};
use crate::figure::chart::{Chart, Dot, Scale, Series, Share};
use crate::figure::legend::Key;
use crate::figure::page::{Ink, Page, Text, text};
use crate::figure::palette::{BLUE, GREY, ORANGE};
use crate::figure::{Figure, FigureError};

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

/// One of the two potentials.
type Potential = fn(&TrajectoryRow) -> f64;
const POTENTIALS: [(&str, Ink, Potential); 2] =
    [("v⁺", ORANGE, |row| row.v_plus), ("v⁻", BLUE, |row| row.v_minus)];

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let all = KINDS.map(|(name, title, _)| (title, dyad(tables, name)));
    let shown: Vec<_> = all.into_iter().filter(|(_, rows)| !rows.is_empty()).collect();
    let absent = KINDS.iter().filter(|(_, title, told)| *told && shown.iter().all(|one| one.0 != *title));
    let absent: Vec<&str> = absent.map(|(_, title, _)| *title).collect();
    let absent = (!absent.is_empty()).then(|| format!("No recorded sample was {}.", absent.join(" or ")));
    let notes = shown.iter().filter_map(|(title, rows)| Some(note(title, rows.first()?)));
    let x = |(_, column): (usize, usize)| {
        let times = shown[column].1.iter().map(|row| row.t_tau);
        let (start, end) = extent(times.filter(|time| time.is_finite()));
        Axis::linear(start, end)
    };
    let mut chart = Chart {
        subtitle: settings_line(tables, "one sample of one run in each panel"),
        columns: shown.iter().map(|(title, _)| (*title).to_owned()).collect(),
        share: Share::None,
        height: Some(220.0),
        notes: notes.chain(absent).collect(),
        ..Chart::new(
            FIGURE.title,
            ("time (τ of the slowest compartment)", Scale::At(&x)),
            ("potential (V)", Scale::Around(0.06)),
        )
    };
    for (column, (_, rows)) in shown.iter().enumerate() {
        for (words, ink, potential) in POTENTIALS {
            let dots = rows.iter().map(|row| Dot::new(row.t_tau, potential(row)));
            let line = Series::at((0, column), ink, dots.filter(Dot::is_finite)).line(1.5);
            chart.series.push(line.key(Key::Line(ink, words.into())));
        }
    }
    chart.draw("no trajectory was recorded", |page, panel, (_, column)| {
        if shown[column].1.iter().any(|row| !(row.v_plus - row.v_minus).is_finite()) {
            let at = (panel.left + 6.0, panel.top + 13.0);
            page.text(Text { ink: GREY, ..text("ends where the numbers do", at, 9.0) });
        }
    })
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

fn note(title: &str, row: &TrajectoryRow) -> String {
    format!(
        "{title}: run {}, epoch {}, training sample {}, layer {}, neuron {}",
        row.run, row.epoch, row.sample, row.layer, row.neuron
    )
}
