//! Final weights of DP against those of `DPᵀ`, one dot per synapse.

use super::super::rows::PairSummary;
use super::groups::{Grid, runs_at};
use super::tables::{Run, Tables, Weights};
use super::words::settings_line;
use crate::figure::Figure;
use crate::figure::FigureError;
use crate::figure::axis::{Axis, count, extent};
use crate::figure::chart::{Chart, Dot, Scale, Series};
use crate::figure::legend::Key;
use crate::figure::page::{Page, text};
use crate::figure::palette::{GREY, layer_ink};
use crate::figure::sheet::Panel;
use dyadsim_core::spec::RuleKind;
use dyadsim_core::units::fraction;

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
    let pairs: Vec<_> = grid.alphas.iter().map(|alpha| COMPARED.map(|rule| pick(rule, *alpha))).collect();
    let weights = pairs.iter().map(|pair| both(tables, *pair)).collect::<Result<Vec<Option<Both>>, _>>()?;
    let axis = axis(weights.iter().flatten());
    let sampled = weights.iter().flatten().any(|(a, _)| stride(a) > 1);
    let there = weights.iter().filter(|both| both.is_some()).count();
    let seed = pairs.iter().zip(&weights).find_map(|(pair, both)| pair[0].filter(|_| both.is_some()));
    let mut chart = Chart {
        subtitle: settings_line(tables, &format!("only seed {} here", seed.map_or(0, |run| run.seed))),
        columns: grid.columns(),
        rows: vec![row.label()],
        height: (there > 2).then(|| square(there)),
        notes: sampled
            .then(|| "Not every synapse is drawn: evenly spaced ones of each layer.".into())
            .into_iter()
            .collect(),
        ..Chart::new(
            FIGURE.title,
            ("weight under DPᵀ", Scale::Is(axis)),
            ("weight under DP", Scale::Is(axis)),
        )
    };
    for (column, both) in weights.iter().enumerate() {
        chart.series.extend(both.iter().flat_map(|both| cloud(column, both)));
    }
    let why_not = "no run of DP and DPᵀ at the same α has its weight file";
    chart.draw(why_not, |page, panel, (_, column)| {
        let ends = [panel.x.low, panel.x.high].map(|end| panel.at(end, end));
        page.dashed(&ends.into_iter().flatten().collect::<Vec<_>>(), GREY, 0.9, (4.0, 3.0));
        cosines(page, panel, cosine(tables, pairs[column]));
    })
}

fn square(columns: usize) -> f64 {
    880.0 / count(columns.min(6)) - 12.0
}

/// `None` if one of the files is missing.
fn both(tables: &Tables, [dp, transpose]: [Option<&Run>; 2]) -> Result<Option<Both>, FigureError> {
    let (Some(dp), Some(transpose)) = (dp, transpose) else { return Ok(None) };
    Ok(tables.weights(&dp.name)?.zip(tables.weights(&transpose.name)?))
}

fn axis<'a>(weights: impl Iterator<Item = &'a Both>) -> Axis {
    let layers = weights.flat_map(|(a, b)| a.iter().chain(b));
    let (low, high) = extent(layers.flat_map(|layer| layer.values.iter().copied()).filter(|w| w.is_finite()));
    Axis::around([low, high].into_iter(), 0.04)
}

fn stride(layers: &[Weights]) -> usize {
    layers.iter().map(|layer| layer.values.len()).sum::<usize>().div_ceil(MOST_DOTS).max(1)
}

/// Cosines of the layers, as `summary.json` has them.
fn cosine<'a>(tables: &'a Tables, [dp, transpose]: [Option<&Run>; 2]) -> Option<&'a PairSummary> {
    let (dp, transpose) = (dp?, transpose?);
    let same = |pair: &&PairSummary| {
        let names = [pair.run_a.as_str(), pair.run_b.as_str()];
        names.contains(&dp.name.as_str()) && names.contains(&transpose.name.as_str())
    };
    tables.pairs.iter().find(same)
}

/// The synapses of every layer, evenly spaced ones of many.
fn cloud(column: usize, (dp, transpose): &Both) -> Vec<Series> {
    let stride = stride(dp);
    let layer = |(a, b): (&Weights, &Weights)| {
        let ink = layer_ink(a.layer);
        let dots = a.values.iter().zip(&b.values).step_by(stride).map(|(up, across)| Dot::new(*across, *up));
        let key = Key::Disc(ink, format!("layer {}", a.layer));
        Series::at((0, column), ink.faded(0.6), dots).marks(1.3).key(key)
    };
    dp.iter().zip(transpose).map(layer).collect()
}

/// The cosines of all layers in words.
fn cosines(page: &mut Page, panel: &Panel, pair: Option<&PairSummary>) {
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
