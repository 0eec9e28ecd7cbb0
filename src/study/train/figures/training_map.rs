//! What is learned over any two settings of a grid: test accuracy as colours, a panel for every rule.

use super::super::rows::RunSummary;
use super::groups::Grid;
use super::tables::{Run, Tables};
use super::words::settings_line;
use crate::figure::axis::{Axis, Kind};
use crate::figure::legend::{Key, hatched};
use crate::figure::page::{Anchor, Page, Point, Text, text};
use crate::figure::palette::{DARK, LIGHT, heat};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::figure::{Figure, FigureError};
use dyadsim_core::spec::RuleKind;
use dyadsim_core::statistics::{Spread, range};
use dyadsim_core::units::percent;

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "training-map",
    title: "What is learned over two settings",
    caption: "Test accuracy of the free circuit after the last epoch, mean over seeds and chips, over the two settings that the grid \
        varies: the map of stability by its consequence. Runs that differ in anything else have rows of their own. A stroke across a cell marks runs in which more than 1 % of the nudged \
        samples did not come to rest; they were left out of the gradient.",
    draw,
};

/// Gives a run's value of a setting.
type SettingValue = Box<dyn Fn(&Run) -> Option<f64>>;

/// A setting that the grid varies.
struct Varied {
    label: String,
    of: SettingValue,
    values: Vec<f64>,
}

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let varied = find_varied(tables);
    let [x, y] = &varied[..] else {
        let why = "the grid does not vary two numbers, one of them over three values or more";
        return Err(FigureError::nothing(why));
    };
    let rules: Vec<RuleKind> =
        Grid::of(tables).rules.into_iter().filter(|rule| has_cells(tables, *rule, x, y)).collect();
    if rules.is_empty() {
        return Err(FigureError::nothing("no run at these settings has a finite accuracy"));
    }
    let accuracies = tables.runs.iter().filter(|run| rules.contains(&run.rule)).filter_map(accuracy);
    let (low, high) = range(accuracies);
    let (low, high) = (low.min(1.0), high.max(0.0));
    let ends = (low, if high > low { high } else { low + 1e-3 });
    let others = others(tables, &rules, [x, y]);
    let cells: Vec<Vec<Cell>> =
        others.iter().flat_map(|other| cells(tables, &rules, (x, y), other)).collect();
    let layout = Layout {
        title: FIGURE.title.into(),
        subtitle: settings_line(tables, "mean"),
        legend: legend(&cells, ends),
        columns: rules.iter().map(|rule| rule.label().into()).collect(),
        rows: others.clone(),
        x_label: x.label.clone(),
        y_label: y.label.clone(),
        axes: Axes::Shared(axis(&x.values), axis(&y.values)),
        names: Vec::new(),
        height: Some(300.0),
        notes: Vec::new(),
    };
    let columns = rules.len();
    Ok(Sheet::filled(&layout, |page: &mut Page, panel: &Panel, (row, column): (usize, usize)| {
        for (i, j, runs) in &cells[row * columns + column] {
            cell(page, panel, (edges(&x.values, *i), edges(&y.values, *j)), runs, ends);
        }
    }))
}

/// A cell: its places along both axes, and the runs there.
type Cell<'a> = (usize, usize, Vec<&'a Run>);

/// The settings of a run that are on no axis, in words.
fn other(run: &Run, axes: [&Varied; 2]) -> String {
    let settings = run.settings();
    let rest = settings.iter().filter(|(key, _)| axes.iter().all(|axis| axis.label != **key));
    let told = rest.map(|(key, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{} = {value}", key.rsplit('.').next().unwrap_or(key))
    });
    told.collect::<Vec<_>>().join(", ")
}

/// What the runs on the map differ in besides its axes.
fn others(tables: &Tables, rules: &[RuleKind], axes: [&Varied; 2]) -> Vec<String> {
    let on_map = |run: &&Run| rules.contains(&run.rule) && axes.iter().all(|axis| (axis.of)(run).is_some());
    let mut all: Vec<String> = Vec::new();
    for told in tables.runs.iter().filter(on_map).map(|run| other(run, axes)) {
        if !all.contains(&told) {
            all.push(told);
        }
    }
    all
}

/// The cells of every rule, of runs with the same other settings.
fn cells<'a>(
    tables: &'a Tables,
    rules: &[RuleKind],
    (x, y): (&Varied, &Varied),
    rest: &str,
) -> Vec<Vec<Cell<'a>>> {
    let places = || (0..x.values.len()).flat_map(|i| (0..y.values.len()).map(move |j| (i, j)));
    let at = |rule: RuleKind, (i, j): (usize, usize)| {
        let runs = runs_at(tables, rule, (x, x.values[i]), (y, y.values[j]));
        (i, j, runs.into_iter().filter(|run| other(run, [x, y]) == rest).collect())
    };
    rules.iter().map(|rule| places().map(|place| at(*rule, place)).collect()).collect()
}

/// The colours, and the marks that some cell has.
fn legend(cells: &[Vec<Cell>], (low, high): (f64, f64)) -> Vec<Key> {
    let percent = |share: f64| percent(share, 1);
    let colours = Key::Colours(percent(low), format!("{} test accuracy", percent(high)));
    let met = |what: fn(&[&Run]) -> bool| cells.iter().flatten().any(|(.., runs)| what(runs));
    let struck = met(|runs| is_coloured(runs) && is_struck(runs));
    let struck = struck.then(|| Key::Struck("more than 1 % did not come to rest".into()));
    let hatched = met(|runs| !is_coloured(runs)).then(|| Key::Hatched("no run".into()));
    std::iter::once(colours).chain(struck).chain(hatched).collect()
}

fn is_coloured(runs: &[&Run]) -> bool {
    runs.iter().any(|run| accuracy(run).is_some())
}

/// Whether some run has left more than 1 % of its nudged samples out.
fn is_struck(runs: &[&Run]) -> bool {
    let at_rest = |run: &&Run| run.summary.as_ref().and_then(RunSummary::at_rest);
    runs.iter().filter_map(at_rest).any(|share| share < 0.99)
}

/// The numbers that the grid varies, if they are two: α across and β up where they are among them.
fn find_varied(tables: &Tables) -> Vec<Varied> {
    let mut all: Vec<(String, SettingValue)> = vec![
        ("mixing α".into(), Box::new(|run: &Run| run.place.alpha)),
        ("nudge β".into(), Box::new(|run: &Run| run.place.beta)),
    ];
    let mut keys: Vec<String> = tables.runs.iter().flat_map(|run| run.settings().keys().cloned()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let path = key.clone();
        all.push((key, Box::new(move |run: &Run| run.settings().get(&path)?.as_f64())));
    }
    let with_values = |(label, of): (String, SettingValue)| {
        let mut values: Vec<f64> = tables.runs.iter().filter_map(&of).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        Varied { label, of, values }
    };
    let found: Vec<Varied> = all.into_iter().map(with_values).filter(|one| one.values.len() > 1).collect();
    let wide = found.iter().any(|one| one.values.len() > 2);
    if found.len() == 2 && wide { found } else { Vec::new() }
}

fn has_cells(tables: &Tables, rule: RuleKind, x: &Varied, y: &Varied) -> bool {
    let both = |run: &Run| (x.of)(run).is_some() && (y.of)(run).is_some();
    tables.runs.iter().any(|run| run.rule == rule && both(run) && accuracy(run).is_some())
}

fn runs_at<'a>(
    tables: &'a Tables,
    rule: RuleKind,
    (x, at_x): (&Varied, f64),
    (y, at_y): (&Varied, f64),
) -> Vec<&'a Run> {
    let here = |run: &&Run| run.rule == rule && (x.of)(run) == Some(at_x) && (y.of)(run) == Some(at_y);
    tables.runs.iter().filter(here).collect()
}

fn accuracy(run: &Run) -> Option<f64> {
    run.summary.as_ref().map(|summary| summary.test_accuracy).filter(|accuracy| accuracy.is_finite())
}

/// Whether values are better laid by their logarithm: all positive and over more than a decade.
fn is_wide(values: &[f64]) -> bool {
    values[0] > 0.0 && values[values.len() - 1] >= 10.0 * values[0]
}

fn axis(values: &[f64]) -> Axis {
    let (low, high) = (edges(values, 0).0, edges(values, values.len() - 1).1);
    Axis { kind: if is_wide(values) { Kind::Log } else { Kind::Linear }, low, high }
}

/// Where the cell of a value begins and ends: half-way to its neighbours.
fn edges(values: &[f64], at: usize) -> (f64, f64) {
    let wide = is_wide(values);
    let place = |n: usize| if wide { values[n].ln() } else { values[n] };
    let back = |v: f64| if wide { v.exp() } else { v };
    let middle = |n: usize| 0.5 * (place(n) + place(n + 1));
    let last = values.len() - 1;
    let low = if at > 0 { middle(at - 1) } else { place(0) - 0.5 * (place(1) - place(0)) };
    let high = if at < last { middle(at) } else { place(last) + 0.5 * (place(last) - place(last - 1)) };
    (back(low), back(high))
}

/// One cell: colour, stroke, and its number if there is room.
fn cell(
    page: &mut Page,
    panel: &Panel,
    (x, y): ((f64, f64), (f64, f64)),
    runs: &[&Run],
    (low, high): (f64, f64),
) {
    let corners = (panel.at(x.0, y.1), panel.at(x.1, y.0));
    let (Some(from), Some(to)): (Option<Point>, Option<Point>) = corners else { return };
    let Some(Spread { mean, .. }) = Spread::of(runs.iter().filter_map(|run| accuracy(run))) else {
        hatched(page, from, to);
        return;
    };
    let share = (mean - low) / (high - low);
    // Cells overlap by a hair, or viewers leave seams between them.
    page.block(from, ((to.0 + 0.3).min(panel.left + panel.width), to.1), heat(share));
    if is_struck(runs) {
        page.line(&[(from.0, to.1), (to.0, from.1)], LIGHT, 1.0);
    }
    if to.0 - from.0 > 26.0 && to.1 - from.1 > 11.0 {
        let at = (0.5 * (from.0 + to.0), 0.5 * (from.1 + to.1) + 3.0);
        let ink = if share > 0.6 { DARK } else { LIGHT };
        page.text(Text { ink, anchor: Anchor::Middle, ..text(percent(mean, 1).replace(" %", ""), at, 8.5) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_share_their_edges_and_wide_ranges_are_logarithmic() {
        for values in [vec![0.0, 0.25, 0.5, 1.0], vec![0.01, 0.1, 1.0]] {
            for n in 1..values.len() {
                assert!((edges(&values, n).0 - edges(&values, n - 1).1).abs() < 1e-15);
                assert!(edges(&values, n).0 < values[n] && values[n] < edges(&values, n).1);
            }
        }
        assert!((edges(&[0.01, 0.1, 1.0], 0).1 / 0.01 - 10.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(axis(&[0.0, 0.5, 1.0]).kind, Kind::Linear);
    }
}
