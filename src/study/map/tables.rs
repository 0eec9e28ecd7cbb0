//! The tables of a map, from what was found.

use std::collections::BTreeMap;

use super::evaluator::MapEvaluator;
use super::figure::Tables;
use super::rows::{MapAxis, MapCheck, MapLineRow, MapRow, MapSummary};
use dyadsim_core::analysis::map::{Criterion, Node, RefinedGrid, contour};
use dyadsim_core::solve::Verdict;

/// Margins that are drawn, in units of 1/τ.
const MARGINS: [f64; 4] = [0.1, 0.25, 0.5, 0.75];
/// Tables of what was found.
pub fn tables(evaluator: &MapEvaluator<'_>, plane: &RefinedGrid<Node>, verified: Option<MapCheck>) -> Tables {
    let points = list_points(evaluator, plane);
    let count = |of: &dyn Fn(&MapRow) -> Option<String>| {
        let mut counts = BTreeMap::new();
        points.iter().filter_map(of).for_each(|name| *counts.entry(name).or_insert(0) += 1);
        counts
    };
    let spec = &evaluator.setup.spec;
    let samples = evaluator.setup.batch.inputs.nrows();
    let looked_at = plane.looked_at();
    let places = || (0..points.len()).map(|n| (n % plane.shape.0, n / plane.shape.0));
    let summary = MapSummary {
        settings: settings(evaluator),
        x: MapAxis::of(evaluator.x),
        y: MapAxis::of(evaluator.y),
        by: match evaluator.by {
            Criterion::Eigenvalues => "eigenvalues",
            Criterion::Integration => "integration",
            Criterion::Both => "both",
        }
        .into(),
        solver: format!("{}, at most {} τ", spec.solver.kind.name(), spec.solver.max_time),
        samples,
        points: points.len(),
        looked_at,
        integrations: places().filter_map(|place| plane.at(place)).map(|node| node.integrations).sum(),
        integrations_of_all: points.len() * samples,
        searches: places().filter_map(|place| plane.at(place)).map(|node| node.searches).sum(),
        outcomes: count(&|row| row.outcome.clone()),
        verdicts: count(&|row| row.verdict.clone()),
        verified,
    };
    Tables { summary, lines: lines(evaluator, plane), points }
}

/// Circuit, network and gains in a line.
fn settings(evaluator: &MapEvaluator<'_>) -> String {
    let spec = &evaluator.setup.spec;
    let network: Vec<String> = evaluator.setup.weights.network().iter().map(ToString::to_string).collect();
    let nudge = &spec.nudge;
    let open = |key: &str| {
        [evaluator.x, evaluator.y].iter().any(|axis| axis.key.trim_start_matches("circuit.") == key)
    };
    let mut text = format!("{}, {}, {}", spec.name, network.join("-"), word(&nudge.variant));
    for (key, symbol, value) in [("nudge.alpha", "α", nudge.alpha), ("nudge.beta", "β", nudge.beta)] {
        if !open(key) {
            text += &format!(", {symbol} = {value}");
        }
    }
    text + &format!(", nudge at {}", word(&nudge.at))
}

/// A setting as a file writes it.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list_points(evaluator: &MapEvaluator<'_>, plane: &RefinedGrid<Node>) -> Vec<MapRow> {
    let (representatives, abscissae) = (plane.representatives(), plane.field(Node::abscissa));
    let judged = evaluator.by != Criterion::Integration;
    let row = |(n, &speaker): (usize, &(usize, usize))| {
        let place = (n % plane.shape.0, n / plane.shape.0);
        let node = plane.at(speaker);
        let own = plane.at(place).filter(|_| judged);
        MapRow {
            x: evaluator.xs[place.0],
            y: evaluator.ys[place.1],
            outcome: node.and_then(Node::outcome).map(|fate| fate.name().into()),
            at_rest: node.and_then(Node::at_rest),
            verdict: node.filter(|_| judged).map(|node| verdict(node).into()),
            abscissa_tau: Some(abscissae[n]).filter(|a| judged && a.is_finite()),
            worst_sample: own.and_then(|node| node.worst.map(|(sample, ..)| sample)),
            lost: own.map(|node| node.lost),
            looked_at: u8::from(place == speaker),
        }
    };
    representatives.iter().enumerate().map(row).collect()
}

fn verdict(node: &Node) -> &'static str {
    node.verdict().map_or("lost", Verdict::name)
}

fn lines(evaluator: &MapEvaluator<'_>, plane: &RefinedGrid<Node>) -> Vec<MapLineRow> {
    let mut rows: Vec<MapLineRow> = Vec::new();
    let mut line = 0;
    let mut add = |kind: &str, level: f64, path: &[(f64, f64)]| {
        let point = |&(i, j): &(f64, f64)| MapLineRow {
            kind: kind.into(),
            level,
            line,
            x: evaluator.x.at(i),
            y: evaluator.y.at(j),
        };
        rows.extend(path.iter().map(point));
        line += 1;
    };
    if evaluator.by != Criterion::Integration {
        // Where an equilibrium is lost the border lies half-way between points.
        let height = |node: &Node| if node.lost > 0 { Some(f64::INFINITY) } else { node.abscissa() };
        contour(&plane.field(height), plane.shape, 0.0).iter().for_each(|path| add("threshold", 0.0, path));
        let field = plane.field(|node| node.abscissa().filter(|_| node.lost == 0));
        for margin in MARGINS {
            contour(&field, plane.shape, -margin).iter().for_each(|path| add("margin", margin, path));
        }
    }
    let known = evaluator.closed_form();
    // A step aside of more than one point is a gap.
    for piece in known.chunk_by(|a, b| (a.0 - b.0).abs() <= 1.0 || (a.1 - b.1).abs() <= 1.0) {
        add("closed-form", 0.0, piece);
    }
    rows
}
