//! Learned weights of DP against those of `DPᵀ`: distance and cosine per layer, against α.

use super::super::rows::PairSummary;
use super::groups::{Grid, Row};
use super::tables::Tables;
use super::words::settings_line;
use crate::figure::axis::{Axis, extent};
use crate::figure::chart::{Chart, Dot, Scale, Series, Share, means};
use crate::figure::legend::Key;
use crate::figure::page::Page;
use crate::figure::palette::{GREY, layer_ink};
use crate::figure::sheet::Panel;
use crate::figure::{Figure, FigureError};
use dyadsim_core::spec::RuleKind;
use dyadsim_core::units::significant;

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "weights",
    title: "Learned weights: DP against DPᵀ",
    caption: "Two networks that started from the same weights and saw the same samples, one trained by DP and one by \
        DPᵀ. At α = ½ the two are the same circuit, so distance 0 and cosine 1 are required there. Away from it the \
        layers part: the left column says how far, the right one how far in direction. \
        The grey band reaches as far as DPᵀ gets from itself (furthest layer and seed) when its initial weights are moved a little.",
    draw,
};

/// Gives a pair's values per layer.
type Measure = fn(&PairSummary) -> &[f64];
const MEASURES: [Measure; 2] = [|pair| &pair.relative_distance, |pair| &pair.cosine];
/// What equal weights have.
const EQUAL: [f64; 2] = [0.0, 1.0];

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let grid = Grid::of(tables);
    let rows: Vec<(&Row, Vec<&PairSummary>)> = grid
        .rows
        .iter()
        .map(|row| (row, pairs_at(tables, row)))
        .filter(|(_, pairs)| !pairs.is_empty())
        .collect();
    let all: Vec<&PairSummary> = rows.iter().flat_map(|(_, pairs)| pairs.iter().copied()).collect();
    let layers = all.iter().map(|pair| pair.cosine.len()).max().unwrap_or(0);
    let x = Axis::around(all.iter().filter_map(|pair| pair.alpha), 0.06);
    let values = |column: usize| all.iter().flat_map(move |pair| MEASURES[column](pair).iter().copied());
    let y = |(_, column): (usize, usize)| Axis::around(values(column).chain([EQUAL[column]]), 0.06);
    let lost = values(0).chain(values(1)).filter(|value| !value.is_finite()).count();
    let lost = (lost > 0).then(|| format!("{lost} values are not finite and are not drawn."));
    let mut chart = Chart {
        subtitle: settings_line(tables, "points, and their mean as a line"),
        columns: vec!["‖W(DP) − W(DPᵀ)‖ / ‖W(DPᵀ)‖".into(), "cosine of W(DP) and W(DPᵀ)".into()],
        rows: rows.iter().map(|(row, _)| row.label()).collect(),
        share: Share::Columns,
        keys: [Key::Disc(GREY, "one seed".into())].into_iter().chain(band(&all)).collect(),
        height: Some(210.0),
        notes: lost.into_iter().collect(),
        ..Chart::new(FIGURE.title, ("mixing α", Scale::Is(x)), ("", Scale::At(&y)))
    };
    for (row, (_, pairs)) in rows.iter().enumerate() {
        for column in 0..MEASURES.len() {
            chart.series.extend((1..=layers).flat_map(|layer| series((row, column), pairs, layer)));
        }
    }
    chart.draw(
        "no run of DP has a partner of DPᵀ at the same α, β and seed",
        |page, panel, (row, column)| {
            control(page, panel, &rows[row].1, column);
        },
    )
}

/// A layer's points, and a line through their means.
fn series(place: (usize, usize), pairs: &[&PairSummary], layer: usize) -> [Series; 2] {
    let points: Vec<(f64, f64)> = pairs
        .iter()
        .filter_map(|pair| Some((pair.alpha.unwrap_or(0.5), *MEASURES[place.1](pair).get(layer - 1)?)))
        .filter(|point| point.1.is_finite())
        .collect();
    let ink = layer_ink(layer);
    [
        Series::at(place, ink, means(&points)).line(1.6).key(Key::Line(ink, format!("layer {layer}"))),
        Series::at(place, ink.faded(0.75), points.iter().map(|(x, y)| Dot::new(*x, *y))).marks(2.4),
    ]
}

/// The pairs of DP and `DPᵀ` in a row of the grid.
fn pairs_at<'a>(tables: &'a Tables, row: &Row) -> Vec<&'a PairSummary> {
    let of_row = |name: &str| {
        let mut runs = tables.runs.iter().filter(|run| run.name == name);
        runs.next().is_none_or(|run| *run.settings() == row.settings)
    };
    let rules = |pair: &PairSummary| {
        let has = |rule: RuleKind| [&pair.rule_a, &pair.rule_b].iter().any(|name| *name == rule.name());
        has(RuleKind::Dp) && has(RuleKind::DpTranspose)
    };
    let here = |pair: &&PairSummary| rules(pair) && pair.beta == row.beta && of_row(&pair.run_a);
    tables.pairs.iter().filter(here).collect()
}

/// The legend's entry of the control, if there is one.
fn band(pairs: &[&PairSummary]) -> Option<Key> {
    let moved = pairs.iter().find_map(|pair| Some(pair.control.as_ref()?.moved))?;
    let label = format!("DPᵀ and itself, initial weights moved by {}", significant(moved, 2));
    Some(Key::Box(GREY.faded(0.3), label))
}

/// As far as the control gets from its rule: a band from where the two would be equal to the furthest of
/// layers and seeds.
fn control(page: &mut Page, panel: &Panel, pairs: &[&PairSummary], column: usize) {
    let furthest = |values: &mut dyn Iterator<Item = f64>| {
        let (low, high) = extent(values);
        if column == 0 { high } else { low }
    };
    let of_pair = |pair: &&PairSummary| {
        let control = pair.control.as_ref()?;
        let values = if column == 0 { &control.relative_distance } else { &control.cosine };
        let value = furthest(&mut values.iter().copied());
        value.is_finite().then_some((pair.alpha.unwrap_or(0.5), value))
    };
    let mut points: Vec<(f64, f64)> = pairs.iter().filter_map(of_pair).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let edge: Vec<(f64, f64)> = points
        .chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq())
        .map(|same| (same[0].0, furthest(&mut same.iter().map(|point| point.1))))
        .collect();
    let equal = edge.iter().rev().map(|(alpha, _)| (*alpha, EQUAL[column]));
    let outline: Vec<_> =
        edge.iter().copied().chain(equal).filter_map(|(alpha, value)| panel.at(alpha, value)).collect();
    if outline.len() > 2 {
        page.area(outline, GREY.faded(0.3));
    }
}
