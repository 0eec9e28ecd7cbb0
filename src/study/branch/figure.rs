//! The figure of a branch of equilibria, drawn from the tables of `dyadsim stability --follow … --out DIR`.

use std::collections::BTreeSet;
use std::path::Path;

use super::rows::{BranchEventRow, BranchOutputRow, BranchRow, BranchSummary};
use super::{STEMS, SUMMARY};
use crate::figure::axis::Axis;
use crate::figure::legend::Key;
use crate::figure::page::{Ink, Page};
use crate::figure::palette::{BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::figure::{Figure, FigureError};
use crate::record::json::read_json;
use crate::record::table::{read_csv, read_rows};

/// Every figure.
pub const FIGURES: &[Figure<Tables>] = &[Figure {
    name: "branch",
    title: "A branch of equilibria",
    caption: "Activities of the output neurons and the rightmost eigenvalue against the setting, dashed \
        where not stable.",
    draw: |tables| Ok(draw(tables)),
}];

/// The tables of a branch.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Settings.
    pub summary: BranchSummary,
    /// Points.
    pub points: Vec<BranchRow>,
    /// Output neurons.
    pub outputs: Vec<BranchOutputRow>,
    /// Events.
    pub events: Vec<BranchEventRow>,
}

impl Tables {
    /// Reads the tables of a folder.
    ///
    /// # Errors
    /// [`FigureError`] names the file that is missing or malformed.
    pub(super) fn open(folder: &Path) -> Result<Self, FigureError> {
        let table = |stem: &str| folder.join(format!("{stem}.csv"));
        Ok(Self {
            summary: read_json(&folder.join(SUMMARY))?,
            points: read_rows(&table(STEMS[0]))?,
            outputs: read_rows(&table(STEMS[1]))?,
            events: read_csv(&table(STEMS[2]))?,
        })
    }
}

/// Activities beyond so many times the largest potential at the start are left out: a branch that goes to
/// infinity would leave nothing else to be seen.
const FAR: f64 = 5.0;

/// Events with a mark of their own: name, colour and words.
const MARKS: [(&str, Ink, &str); 5] = [
    ("fold", VERMILLION, "fold"),
    ("border-fold", VERMILLION, "fold at a kink"),
    ("hopf", BLUE, "Hopf point"),
    ("crossing", PURPLE, "real eigenvalue crosses 0"),
    ("infinity", PURPLE, "goes to infinity"),
];

/// The page.
fn draw(tables: &Tables) -> Page {
    let seen = |name: &str| tables.events.iter().any(|event| event.event == name);
    let met = |stable: bool| tables.points.iter().any(|point| (point.unstable == 0) == stable);
    let stable = met(true).then(|| Key::Line(BLACK, "stable".into()));
    let mut legend: Vec<Key> =
        stable.into_iter().chain(met(false).then(|| Key::Dashed(GREY, "not stable".into()))).collect();
    let marks = MARKS.iter().filter(|mark| seen(mark.0));
    legend.extend(marks.map(|(_, ink, words)| Key::Disc(*ink, (*words).into())));
    if seen("border") {
        legend.push(Key::Ring(GREEN, "kink passed".into()));
        legend.push(Key::Ring(ORANGE, "dyad straddles its kink from there on".into()));
    }
    let x = Axis::around(tables.points.iter().map(|row| row.parameter), 0.03);
    let near = FAR * (1.0 + tables.points.first().map_or(0.0, |row| row.largest_v));
    let shown = tables.outputs.iter().map(|row| row.activity_v).filter(|v| v.abs() <= near);
    let activity = Axis::around(shown, 0.05);
    let abscissa = Axis::around(tables.points.iter().map(|row| row.abscissa_tau).chain([0.0]), 0.08);
    let layout = Layout {
        title: format!("Equilibria in {}", tables.summary.key),
        subtitle: format!("{}; sample {}", tables.summary.settings, tables.summary.sample),
        legend,
        columns: vec![
            "activity of the output neurons (V)".into(),
            "rightmost eigenvalue (real part, 1/τ)".into(),
        ],
        rows: vec![String::new()],
        x_label: tables.summary.key.clone(),
        y_label: String::new(),
        axes: Axes::Each(vec![(x, activity), (x, abscissa)]),
        names: Vec::new(),
        height: Some(300.0),
        notes: vec![format!("The branch {}.", tables.summary.end)],
    };
    Sheet::filled(&layout, |page: &mut Page, panel: &Panel, (_, column): (usize, usize)| {
        if column == 0 { outputs(page, panel, tables) } else { eigenvalue(page, panel, tables) }
    })
}

/// Stretches of points between which stability does not change, each with the first point of the next.
fn stretches(points: &[BranchRow]) -> Vec<(bool, &[BranchRow])> {
    let mut found = Vec::new();
    let mut from = 0;
    for run in points.chunk_by(|a, b| (a.unstable == 0) == (b.unstable == 0)) {
        let to = (from + run.len() + 1).min(points.len());
        found.push((run[0].unstable == 0, &points[from..to]));
        from += run.len();
    }
    found
}

fn path(page: &mut Page, places: &[(f64, f64)], stable: bool, ink: Ink) {
    if stable { page.line(places, ink, 1.6) } else { page.dashed(places, ink, 1.3, (4.0, 3.0)) }
}

fn outputs(page: &mut Page, panel: &Panel, tables: &Tables) {
    let neurons: BTreeSet<usize> = tables.outputs.iter().map(|row| row.neuron).collect();
    for neuron in neurons {
        let ink = [BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, GREY][neuron % 7];
        let of: Vec<&BranchOutputRow> = tables.outputs.iter().filter(|row| row.neuron == neuron).collect();
        let mut from = 0;
        for (stable, stretch) in stretches(&tables.points) {
            let rows = &of[from.min(of.len())..(from + stretch.len()).min(of.len())];
            let inside =
                |row: &&&BranchOutputRow| panel.y.low <= row.activity_v && row.activity_v <= panel.y.high;
            let shown = rows.iter().take_while(inside);
            let places: Vec<_> = shown.filter_map(|r| panel.at(r.parameter, r.activity_v)).collect();
            path(page, &places, stable, ink);
            from += stretch.len() - 1;
        }
        for event in &tables.events {
            let near = |row: &&&BranchOutputRow| (row.arc - event.arc).abs();
            let row = of.iter().min_by(|a, b| near(a).total_cmp(&near(b)));
            let row = row.filter(|row| panel.y.low <= row.activity_v && row.activity_v <= panel.y.high);
            if let Some(at) = row.and_then(|row| panel.at(event.parameter, row.activity_v))
                && event.event != "border"
            {
                mark(page, at, event);
            }
        }
    }
}

fn eigenvalue(page: &mut Page, panel: &Panel, tables: &Tables) {
    if let (Some(left), Some(right)) = (panel.at(panel.x.low, 0.0), panel.at(panel.x.high, 0.0)) {
        page.line(&[left, right], GREY, 0.8);
    }
    for (stable, stretch) in stretches(&tables.points) {
        let places: Vec<_> =
            stretch.iter().filter_map(|row| panel.at(row.parameter, row.abscissa_tau)).collect();
        path(page, &places, stable, BLACK);
    }
    for event in &tables.events {
        let near = |row: &&BranchRow| (row.arc - event.arc).abs();
        let row = tables.points.iter().min_by(|a, b| near(a).total_cmp(&near(b)));
        let height =
            if event.event.starts_with("border") { row.map_or(0.0, |row| row.abscissa_tau) } else { 0.0 };
        if let Some(at) = panel.at(event.parameter, height) {
            mark(page, at, event);
        }
    }
}

fn mark(page: &mut Page, at: (f64, f64), event: &BranchEventRow) {
    match MARKS.iter().find(|mark| mark.0 == event.event) {
        Some((_, ink, _)) => page.disc(at, 3.4, *ink),
        None if event.straddles == Some(1) => page.ring(at, 2.6, ORANGE),
        None => page.ring(at, 2.6, GREEN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::render;

    #[test]
    fn a_branch_is_drawn_and_a_branch_of_nothing_does_no_harm() {
        let point = |arc: f64, parameter: f64, unstable| BranchRow {
            arc,
            parameter,
            abscissa_tau: f64::NAN,
            frequency_hz: 0.0,
            unstable,
            largest_v: 1.0,
        };
        let output = |arc: f64, parameter: f64| BranchOutputRow {
            arc,
            parameter,
            neuron: 0,
            activity_v: arc,
            error_v: 0.0,
        };
        let event = BranchEventRow {
            event: "fold".into(),
            arc: 1.0,
            parameter: 1.0,
            unstable_before: 0,
            unstable_after: 1,
            period_s: None,
            lyapunov: None,
            layer: None,
            neuron: None,
            compartment: None,
            direction: None,
            straddles: None,
        };
        let summary = BranchSummary {
            circuit: "c".into(),
            settings: "s".into(),
            key: "nudge.beta".into(),
            range: (0.0, 1.0),
            sample: 0,
            end: "was lost".into(),
        };
        let mut tables = Tables {
            summary,
            points: vec![point(0.0, 0.0, 0), point(1.0, 1.0, 1), point(2.0, 0.5, 1)],
            outputs: vec![output(0.0, 0.0), output(1.0, 1.0), output(2.0, 0.5)],
            events: vec![event],
        };
        assert!(render::svg(&draw(&tables)).unwrap().contains("nudge.beta"));
        (tables.points, tables.outputs, tables.events) = (Vec::new(), Vec::new(), Vec::new());
        assert!(render::svg(&draw(&tables)).is_ok());
    }
}
