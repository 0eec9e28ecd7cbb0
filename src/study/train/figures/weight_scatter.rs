//! Final weights of DP against those of `DPᵀ`, one dot per synapse.

use super::super::rows::PairSummary;
use super::groups::{Grid, Shown, kept, runs_at};
use super::tables::{Run, Tables, Weights};
use super::words::settings_line;
use crate::figure::Figure;
use crate::figure::FigureError;
use crate::figure::axis::{Axis, count, extent};
use crate::figure::legend::Key;
use crate::figure::page::{Page, text};
use crate::figure::palette::{GREY, layer_ink};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::spec::RuleKind;
use crate::units::fraction;

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "weight-scatter",
    title: "Final weights, synapse by synapse",
    caption: "Every dot is a synapse: its weight after training with DPᵀ (across) and with DP (up), for the first \
        seed and the first β; “cos k” is the cosine of layer k’s weights, all of them. On the diagonal both rules wrote the same number. A cloud around it is the scatter of \
        different learning paths; a cloud tilted away from it means that one rule grows the weights.",
    draw,
};

/// The rules whose weights are compared.
const COMPARED: [RuleKind; 2] = [RuleKind::Dp, RuleKind::DpTranspose];

/// Most dots in a panel: the files stay small and the cloud keeps its shape.
const MOST_DOTS: usize = 900;

/// The two weight files of a panel.
type Both = (Vec<Weights>, Vec<Weights>);

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let grid = Grid::of(tables);
    let (Some(row), true) = (grid.rows.first(), COMPARED.iter().all(|rule| grid.rules.contains(rule))) else {
        return Err(FigureError::nothing("it takes runs of DP and of DPᵀ to compare their weights"));
    };
    let pick =
        |rule: RuleKind, alpha| runs_at(tables, rule, alpha, row).into_iter().min_by_key(|run| run.seed);
    let [dp, transpose] = COMPARED;
    let pairs: Vec<_> = grid.alphas.iter().map(|a| (pick(dp, *a), pick(transpose, *a))).collect();
    let weights = pairs.iter().map(|pair| both(tables, *pair)).collect::<Result<Vec<Option<Both>>, _>>()?;
    let shown = Shown::of((1, weights.len()), |_, column| weights[column].is_some())
        .ok_or_else(|| FigureError::nothing("no run of DP and DPᵀ at the same α has its weight file"))?;
    let weights: Vec<_> = kept(&weights, &shown.columns).into_iter().flatten().collect();
    let pairs = kept(&pairs, &shown.columns);
    let axis = axis(&weights);
    let sampled = weights.iter().any(|(a, _)| stride(a) > 1);
    let layers = weights.iter().map(|(a, _)| a.len()).max().unwrap_or(0);
    let seed = pairs.iter().find_map(|pair| pair.0).map_or(0, |run| run.seed);
    let layout = Layout {
        title: FIGURE.title.into(),
        subtitle: settings_line(tables, &format!("only seed {seed} here")),
        legend: (1..=layers).map(|k| Key::Disc(layer_ink(k), format!("layer {k}"))).collect(),
        columns: kept(&grid.columns(), &shown.columns),
        rows: vec![row.label()],
        x_label: "weight under DPᵀ".into(),
        y_label: "weight under DP".into(),
        axes: Axes::Shared(axis, axis),
        names: Vec::new(),
        height: (weights.len() > 2).then(|| square(weights.len())),
        notes: sampled
            .then(|| "Not every synapse is drawn: evenly spaced ones of each layer.".into())
            .into_iter()
            .chain(shown.note(&[], &grid.columns()))
            .collect(),
    };
    let fill = |page: &mut Page, panel: &Panel, (_, column): (usize, usize)| {
        cloud(page, panel, &weights[column], cosine(tables, pairs[column]));
    };
    Ok(Sheet::filled(&layout, fill))
}

fn square(columns: usize) -> f64 {
    880.0 / count(columns.min(6)) - 12.0
}

/// `None` if one of the files is missing.
fn both(tables: &Tables, pair: (Option<&Run>, Option<&Run>)) -> Result<Option<Both>, FigureError> {
    let (Some(dp), Some(transpose)) = pair else { return Ok(None) };
    Ok(tables.weights(&dp.name)?.zip(tables.weights(&transpose.name)?))
}

fn axis(weights: &[Both]) -> Axis {
    let layers = weights.iter().flat_map(|(a, b)| a.iter().chain(b));
    let (low, high) = extent(layers.flat_map(|layer| layer.values.iter().copied()).filter(|w| w.is_finite()));
    Axis::around([low, high].into_iter(), 0.04)
}

fn stride(layers: &[Weights]) -> usize {
    layers.iter().map(|layer| layer.values.len()).sum::<usize>().div_ceil(MOST_DOTS).max(1)
}

/// Cosines of the layers, as `summary.json` has them.
fn cosine<'a>(tables: &'a Tables, pair: (Option<&Run>, Option<&Run>)) -> Option<&'a PairSummary> {
    let (dp, transpose) = (pair.0?, pair.1?);
    let same = |pair: &&PairSummary| {
        let names = [pair.run_a.as_str(), pair.run_b.as_str()];
        names.contains(&dp.name.as_str()) && names.contains(&transpose.name.as_str())
    };
    tables.pairs.iter().find(same)
}

fn cloud(page: &mut Page, panel: &Panel, (dp, transpose): &Both, pair: Option<&PairSummary>) {
    let ends = [panel.at(panel.x.low, panel.x.low), panel.at(panel.x.high, panel.x.high)];
    page.dashed(&ends.into_iter().flatten().collect::<Vec<_>>(), GREY, 0.9, (4.0, 3.0));
    let stride = stride(dp);
    for (a, b) in dp.iter().zip(transpose) {
        for (up, across) in a.values.iter().zip(&b.values).step_by(stride) {
            if let Some(at) = panel.at(*across, *up) {
                page.disc(at, 1.3, layer_ink(a.layer).faded(0.6));
            }
        }
    }
    let written = |(k, value): (usize, &f64)| {
        if value.is_finite() {
            format!("cos {} = {}", k + 1, fraction(*value, 3))
        } else {
            format!("cos {}: none", k + 1)
        }
    };
    let lines = pair.map(|pair| pair.cosine.iter().enumerate().map(written).collect::<Vec<_>>());
    for (k, line) in lines.unwrap_or_default().into_iter().take(6).enumerate() {
        page.text(text(line, (panel.left + 6.0, panel.top + 13.0 + 11.5 * count(k)), 9.0));
    }
}
