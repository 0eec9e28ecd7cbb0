//! From compared layers to means over seeds, to which layer parts first, and to a sentence for every pair.

use super::super::rows::{CompareRow, DepartureRow, GroupRow, PredictionRow, RulePair};
use super::{Comparator, Pair};
use dyadsim_core::units::{fraction, percent, significant, with_error};

/// A number of a layer's row.
type Layered = fn(&CompareRow) -> Option<f64>;
/// A number of a network's row.
type Whole = fn(&PredictionRow) -> f64;

/// Numbers of layers that are averaged, by the names of their columns.
const LAYERED: [(&str, Layered); 9] = [
    ("distance", |row| Some(row.distance)),
    ("control_distance", |row| row.control_distance),
    ("cosine", |row| Some(row.cosine)),
    ("update_cosine", |row| row.update_cosine),
    ("cka", |row| row.cka),
    ("left_deg", |row| row.left_deg),
    ("left_mean_deg", |row| row.left_mean_deg),
    ("right_deg", |row| row.right_deg),
    ("right_mean_deg", |row| row.right_mean_deg),
];

/// Numbers of networks that are averaged.
const WHOLE: [(&str, Whole); 3] = [
    ("agreement", |row| row.agreement),
    ("accuracy_a", |row| row.accuracy_a),
    ("accuracy_b", |row| row.accuracy_b),
];

/// Mean with its standard error (of a single value there is none) of what is finite, and how much that is.
pub fn spread(values: &[f64]) -> (f64, Option<f64>, usize) {
    let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    let n = finite.len() as f64;
    let mean = finite.iter().sum::<f64>() / n;
    let squares: f64 = finite.iter().map(|v| (v - mean).powi(2)).sum();
    let error = (finite.len() > 1).then(|| (squares / (n - 1.0) / n).sqrt());
    (mean, error, finite.len())
}

/// Rows that belong together, in the order in which the first of each kind stands.
fn gathered<R, K: PartialEq>(rows: &[R], key: impl Fn(&R) -> K) -> Vec<(K, Vec<&R>)> {
    let mut all: Vec<(K, Vec<&R>)> = Vec::new();
    for row in rows {
        let key = key(row);
        match all.iter_mut().find(|(known, _)| *known == key) {
            Some((_, members)) => members.push(row),
            None => all.push((key, vec![row])),
        }
    }
    all
}

/// Every number over seeds and chips.
pub fn average_groups(layers: &[CompareRow], networks: &[PredictionRow]) -> Vec<GroupRow> {
    let mut found = Vec::new();
    let mut add = |(pair, epoch, layer), quantity: &str, (values, of): (Vec<f64>, usize)| {
        let (mean, error, n) = spread(&values);
        if n > 0 {
            found.push(GroupRow { pair, epoch, layer, quantity: quantity.to_owned(), mean, error, n, of });
        }
    };
    for ((pair, epoch, layer), rows) in gathered(layers, |row| (row.pair, row.epoch, row.layer)) {
        for (name, number) in LAYERED {
            let values = rows.iter().filter_map(|row| number(row)).collect();
            add((pair, epoch, Some(layer)), name, (values, rows.len()));
        }
    }
    for ((pair, epoch), rows) in gathered(networks, |row| (row.pair, row.epoch)) {
        for (name, number) in WHOLE {
            add((pair, epoch, None), name, (rows.iter().map(|row| number(row)).collect(), rows.len()));
        }
    }
    found
}

/// When the layers of every two runs part. A distance that is no number is beyond any threshold.
pub fn find_departures(layers: &[CompareRow], threshold: f64, snapshots: bool) -> Vec<DepartureRow> {
    let mut found = Vec::new();
    for ((pair, ..), rows) in gathered(layers, |row| (row.pair, row.run_a.clone(), row.run_b.clone())) {
        let last = rows.iter().map(|row| row.epoch).max().unwrap_or(0);
        let ends: Vec<&CompareRow> = rows.iter().copied().filter(|row| row.epoch == last).collect();
        let beyond = |row: &&&CompareRow| row.distance > threshold || !row.distance.is_finite();
        let first = |layer: usize| rows.iter().filter(|row| row.layer == layer).find(beyond).copied();
        let order = |row: &CompareRow| -> Option<(usize, f64)> {
            first(row.layer).filter(|_| snapshots).map(|at| (at.epoch, at.distance))
        };
        let before = |one: (usize, f64), other: (usize, f64)| {
            one.0 < other.0 || one.0 == other.0 && farther(one.1, other.1)
        };
        for row in &ends {
            let mine = order(row);
            let earlier = |mine| ends.iter().filter_map(|o| order(o)).filter(|o| before(*o, mine)).count();
            found.push(DepartureRow {
                pair,
                run_a: row.run_a.clone(),
                run_b: row.run_b.clone(),
                seed: row.seed,
                chip: row.chip,
                layer: row.layer,
                epoch: mine.map(|(epoch, _)| epoch),
                place: mine.map(|mine| 1 + earlier(mine)),
                distance: row.distance,
                place_at_end: 1 + ends.iter().filter(|o| farther(o.distance, row.distance)).count(),
            });
        }
    }
    found
}

/// Whether one distance is beyond another; what is no number is beyond all that are.
fn farther(one: f64, other: f64) -> bool {
    one > other || one.is_nan() && !other.is_nan()
}

/// The pairs with what came out.
pub fn conclusions(
    study: &Comparator<'_>,
    pairs: &[Pair],
    (layers, departures, groups): (&[CompareRow], &[DepartureRow], &[GroupRow]),
    at_rest: &dyn Fn(&str) -> Option<f64>,
) -> Vec<RulePair> {
    let depth = layers.iter().map(|row| row.layer).max().unwrap_or(0);
    let tell = |(k, pair): (usize, &Pair)| {
        let mine: Vec<&DepartureRow> = departures.iter().filter(|row| row.pair == k).collect();
        let count = |test: &dyn Fn(&DepartureRow) -> bool| -> Vec<usize> {
            let of = |layer: usize| mine.iter().filter(|row| row.layer == layer && test(row)).count();
            (1..=depth).map(of).collect()
        };
        let beyond = |(a, b): &(usize, usize)| {
            let (a, b) = (&study.plans[*a].name, &study.plans[*b].name);
            let mut rows = layers.iter().filter(|row| row.pair == k && row.run_a == *a && row.run_b == *b);
            rows.any(|row| row.distance > study.threshold || !row.distance.is_finite())
        };
        let runs = pair.members.iter().flat_map(|(a, b)| [*a, *b]);
        let settings = pair.settings.iter().map(|(key, value)| format!("{key} = {value}"));
        let mut told = RulePair {
            rule_a: pair.rules.0.name().into(),
            rule_b: pair.rules.1.name().into(),
            alpha: pair.alpha,
            beta: pair.beta,
            settings: settings.collect::<Vec<_>>().join(", "),
            of: pair.members.len(),
            at_rest: runs.filter_map(|run| at_rest(&study.plans[run].name)).reduce(f64::min),
            parted: pair.members.iter().filter(|member| beyond(member)).count(),
            first: count(&|row| row.place == Some(1)),
            farthest: count(&|row| row.place_at_end == 1 && row.distance != 0.0),
            conclusion: String::new(),
        };
        let epochs = mine.iter().filter(|row| row.place == Some(1)).filter_map(|row| row.epoch);
        let epochs: Vec<f64> = epochs.map(|epoch| epoch as f64).collect();
        told.conclusion = sentence(study, &told, &epochs, &ends(groups, k));
        told
    };
    pairs.iter().enumerate().map(tell).collect()
}

/// What a pair's rows over seeds say after its last epoch.
fn ends(groups: &[GroupRow], pair: usize) -> Vec<&GroupRow> {
    let mine = || groups.iter().filter(|row| row.pair == pair);
    let last = mine().map(|row| row.epoch).max();
    mine().filter(|row| Some(row.epoch) == last).collect()
}

/// A pair in a sentence.
fn sentence(study: &Comparator<'_>, pair: &RulePair, epochs: &[f64], ends: &[&GroupRow]) -> String {
    let of = pair.of;
    let (farthest, times) = most(&pair.farthest);
    let mut text = parting(study.threshold, pair, epochs);
    let apart = ends.iter().any(|row| row.quantity == "distance" && row.mean > 0.0);
    text += &if apart || pair.parted > 0 {
        format!("; at the end layer {farthest} is farthest ({times} of {of})")
    } else {
        "; their weights are the same".to_owned()
    };
    text += &numbers_of_layers(pair, ends);
    if let Some(row) = ends.iter().find(|row| row.quantity == "agreement") {
        let share = written(100.0 * row.mean, row.error.map(|e| 100.0 * e));
        text += &format!(", predictions agree in {share} %");
    }
    if let Some(rest) = pair.at_rest.filter(|rest| *rest < 1.0) {
        let share = percent(1.0 - rest, 1);
        text += &format!("; in the worst run {share} of the nudged samples did not come to rest");
    }
    text + "."
}

/// Whether and when the runs of a pair part, and in which layer first.
fn parting(threshold: f64, pair: &RulePair, epochs: &[f64]) -> String {
    let of = pair.of;
    if pair.parted == 0 {
        format!("they stay close: no layer beyond {threshold} in {of} of {of}")
    } else if epochs.is_empty() {
        format!("they part: some layer beyond {threshold} in {} of {of}", pair.parted)
    } else {
        let (layer, first) = most(&pair.first);
        let (mean, error, _) = spread(epochs);
        let when = written(mean, error);
        format!(
            "they part in {} of {of}: layer {layer} first ({first} of {of}), at epoch {when}",
            pair.parted
        )
    }
}

/// The layers that are counted most often, and how often.
fn most(counts: &[usize]) -> (String, usize) {
    let best = counts.iter().copied().max().unwrap_or(0);
    let names =
        (1..).zip(counts).filter(|(_, n)| **n == best).map(|(layer, _): (usize, _)| layer.to_string());
    (names.collect::<Vec<_>>().join(" or "), best)
}

/// What is averaged of the layers, each quantity with a number for every layer.
fn numbers_of_layers(pair: &RulePair, ends: &[&GroupRow]) -> String {
    let cells = [
        ("distance", "distance"),
        ("control_distance", "control"),
        ("update_cosine", "cosine of the updates"),
        ("cka", "CKA"),
    ];
    let mut text = String::new();
    for (quantity, words) in cells {
        let of_layers: Vec<_> = ends.iter().filter(|row| row.quantity == quantity).collect();
        // A place for every layer, so that each number says by its place which one it speaks of.
        let place = |layer: usize| {
            let row = of_layers.iter().find(|row| row.layer == Some(layer));
            row.map_or_else(|| "–".to_owned(), |row| written(row.mean, row.error))
        };
        if !of_layers.is_empty() {
            let values: Vec<String> = (1..=pair.first.len()).map(place).collect();
            text += &format!(", {words} {}", values.join(" | "));
        }
    }
    text
}

/// A mean with its standard error, to two digits of that.
fn written(mean: f64, error: Option<f64>) -> String {
    match error {
        Some(error) => with_error(mean, error),
        None if mean.abs() <= 1.0 => fraction(mean, 4),
        None => significant(mean, 5),
    }
}
