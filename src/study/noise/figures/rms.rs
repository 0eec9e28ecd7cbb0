//! Noise of every neuron, predicted beside measured, one panel per layer and quantity.

use super::super::rows::NoiseRow;
use super::{Tables, unit};
use crate::figure::axis::{Axis, count, number};
use crate::figure::legend::Key;
use crate::figure::page::{Ink, Page};
use crate::figure::palette::{BLUE, GREEN, GREY, ORANGE, PURPLE};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::figure::{Figure, FigureError};

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "noise-rms",
    title: "Stationary noise, predicted and measured",
    caption: "Standard deviation of potentials, activity and, of dyads, error of every neuron: bars by the Lyapunov \
        equation, discs along the simulated trajectories with one standard error to both sides.",
    draw,
};

/// Quantities of a row of panels with their colours.
type Quantities = &'static [(&'static str, Ink)];

/// Rows of panels: label, and the quantities in it.
const ROWS: [(&str, Quantities); 4] = [
    ("potentials", &[("v_plus", ORANGE), ("v_minus", BLUE)]),
    ("potential", &[("v", BLUE)]),
    ("activity", &[("activity", GREEN)]),
    ("error", &[("error", PURPLE)]),
];
/// Neurons that a panel shows at most.
const MOST: usize = 48;

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let mut layers: Vec<usize> = tables.nodes.iter().map(|row| row.layer).collect();
    layers.sort_unstable();
    layers.dedup();
    if layers.is_empty() {
        return Err(FigureError::nothing("the tables have no neuron"));
    }
    let has_nodes = |row: &&(&'static str, Quantities)| {
        tables.nodes.iter().any(|node| row.1.iter().any(|quantity| quantity.0 == node.quantity))
    };
    let rows: Vec<(&str, Quantities)> = ROWS.iter().filter(has_nodes).copied().collect();
    let largest = tables.nodes.iter().map(|row| row.predicted_rms_v).fold(0.0, f64::max);
    let (factor, unit) = unit(largest);
    let shown = |row: usize, layer: usize| -> Vec<&NoiseRow> {
        let inside =
            |node: &&NoiseRow| node.layer == layer && rows[row].1.iter().any(|q| q.0 == node.quantity);
        let all: Vec<&NoiseRow> = tables.nodes.iter().filter(inside).collect();
        let neurons = all.iter().map(|node| node.neuron + 1).max().unwrap_or(0);
        let stride = neurons.div_ceil(MOST).max(1);
        all.into_iter().filter(|node| node.neuron.is_multiple_of(stride)).collect()
    };
    let panels: Vec<Vec<&NoiseRow>> = (0..rows.len())
        .flat_map(|row| layers.iter().map(move |&layer| (row, layer)))
        .map(|(r, l)| shown(r, l))
        .collect();
    let layout = Layout {
        title: "Stationary noise, predicted and measured".into(),
        subtitle: tables.summary.settings.clone(),
        legend: legend(tables),
        columns: layers.iter().map(|layer| format!("layer {layer}")).collect(),
        rows: rows.iter().map(|row| row.0.to_owned()).collect(),
        x_label: "neuron".into(),
        y_label: format!("noise ({unit}, rms)"),
        axes: Axes::Each(panels.iter().map(|panel| axes(panel, factor)).collect()),
        names: Vec::new(),
        height: Some(150.0),
        notes: vec![verdict(tables)],
    };
    Ok(Sheet::filled(&layout, |page: &mut Page, panel: &Panel, (row, column): (usize, usize)| {
        for (k, (quantity, ink)) in rows[row].1.iter().enumerate() {
            let side = 0.22 * (2.0 * count(k) - count(rows[row].1.len() - 1));
            let of = panels[row * layers.len() + column].iter().filter(|node| node.quantity == *quantity);
            of.for_each(|node| mark(page, panel, node, (side, factor), *ink));
        }
    }))
}

/// The bars, and the discs of what was measured.
fn legend(tables: &Tables) -> Vec<Key> {
    let words = [
        ("v_plus", ORANGE, "measured: v⁺"),
        ("v_minus", BLUE, "measured: v⁻"),
        ("v", BLUE, "measured: v"),
        ("activity", GREEN, "measured: activity"),
        ("error", PURPLE, "measured: error δ"),
    ];
    let measured = |quantity: &str| {
        tables.nodes.iter().any(|node| node.quantity == quantity && node.measured_rms_v.is_some())
    };
    let discs = words.into_iter().filter(|(quantity, ..)| measured(quantity));
    let discs = discs.map(|(_, ink, words)| Key::Disc(ink, words.into()));
    std::iter::once(Key::Line(GREY, "predicted (Lyapunov)".into())).chain(discs).collect()
}

fn axes(rows: &[&NoiseRow], factor: f64) -> (Axis, Axis) {
    let neurons = rows.iter().map(|row| row.neuron).max().unwrap_or(0);
    let ends = rows.iter().flat_map(|row| {
        let (measured, error) =
            (row.measured_rms_v.unwrap_or(row.predicted_rms_v), row.standard_error_v.unwrap_or(0.0));
        [row.predicted_rms_v, measured - error, measured + error].map(|v| v * factor)
    });
    let Axis { kind, low, high } = Axis::whole([0, neurons.max(1)].into_iter());
    (Axis { kind, low: low - 0.7, high: high + 0.7 }, Axis::around(ends, 0.08))
}

fn mark(page: &mut Page, panel: &Panel, row: &NoiseRow, (side, factor): (f64, f64), ink: Ink) {
    let x = count(row.neuron) + side;
    let value = row.predicted_rms_v * factor;
    if let (Some(from), Some(to)) = (panel.at(x - 0.2, value), panel.at(x + 0.2, value)) {
        page.line(&[(from.0 - 1.0, from.1), (to.0 + 1.0, to.1)], GREY, 2.0);
    }
    let Some((measured, error)) = row.measured_rms_v.zip(row.standard_error_v) else { return };
    panel.bar(page, x, ((measured - error) * factor, (measured + error) * factor), (ink, 1.0));
    if let Some(at) = panel.at(x, measured * factor) {
        page.disc(at, 1.9, ink);
    }
}

fn verdict(tables: &Tables) -> String {
    let s = &tables.summary;
    if s.replicas == 0 {
        return "not simulated".into();
    }
    let told = if s.failed == 0 { "agree".to_owned() } else { format!("differ in {} of them", s.failed) };
    format!(
        "{} read-outs: prediction and simulation {told} (limit {:.2} standard errors, family-wise error {} %); bars are one standard error",
        s.comparisons,
        s.limit,
        number(100.0 * s.family_error)
    )
}
