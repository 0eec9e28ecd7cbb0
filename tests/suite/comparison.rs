//! Comparison of runs whose weights are made by hand, so that every number is known.

use std::fs;

use dyadsim::record::folder::{last_weights, snapshot};
use dyadsim::record::weights::write_weights;
use dyadsim::study::compare::{Comparator, CompareRow, Comparison, RulePair};
use dyadsim::study::train::{RunPlan, plan};
use dyadsim_core::chip::Weights;
use dyadsim_core::data::{Dataset, Request, load};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::spec::parse_experiment;
use nalgebra::dmatrix;
use tempfile::TempDir;

const EXPERIMENT: &str = r#"
name = "by-hand"
dataset = { kind = "two-moons", train = 20, test = 50 }
network = [2, 3, 2]
epochs = 2
batch = 10
seeds = [1, 2]
snapshots = true
rules = ["bp", "adversarial", "dp", "dp-transpose"]
optimizer = { kind = "sgd", learning_rate = 0.1 }
circuit = { name = "inline" }
[grid]
"nudge.alpha" = [0.0, 0.5]
"#;

/// A folder of runs with weights of our own.
struct Runs {
    folder: TempDir,
    plans: Vec<RunPlan>,
    dataset: Dataset,
}

/// Weights without biases: with `ReLU` the layers then scale with the weights.
fn weights(first: Matrix<f64>, second: Matrix<f64>) -> Weights<f64> {
    let biases = vec![vec![0.0; 3], vec![0.0; 2]];
    Weights { forward: vec![first, second], biases, feedback: None, lateral: None }
}

fn first() -> Matrix<f64> {
    dmatrix![1.0, 0.5; -0.5, 1.0; 0.25, -1.0]
}

fn second() -> Matrix<f64> {
    dmatrix![1.0, -0.5, 0.25; 0.5, 1.0, -1.0]
}

impl Runs {
    /// `learned` gives the weights of a run after so many epochs.
    fn new(experiment: &str, learned: impl Fn(&RunPlan, usize) -> Weights<f64>) -> Self {
        let loaded = parse_experiment("e.toml", experiment, &[]).unwrap();
        let plans = plan(&loaded).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for plan in &plans {
            let epochs = plan.resolved.experiment.epochs;
            let kept: Vec<_> = (0..=epochs).map(|k| (snapshot(folder.path(), &plan.name, k), k)).collect();
            fs::create_dir_all(kept[0].0.parent().unwrap()).unwrap();
            for (path, epoch) in kept.iter().chain([&(last_weights(folder.path(), &plan.name), epochs)]) {
                write_weights(path, &learned(plan, *epoch)).unwrap();
            }
        }
        let dataset = load(&Request::from(&plans[0].resolved.experiment.dataset)).unwrap();
        Self { folder, plans, dataset }
    }

    fn compare(&self) -> Comparison {
        let (plans, dataset) = (&self.plans, &self.dataset);
        let study = Comparator { folder: self.folder.path(), plans, dataset, threshold: 0.1, leading: 1 };
        study.compare(&|_| None, &|| {}).unwrap()
    }
}

fn pair<'c>(found: &'c Comparison, rules: (&str, &str), alpha: Option<f64>) -> (usize, &'c RulePair) {
    let mut pairs = found.summary.pairs.iter().enumerate();
    pairs.find(|(_, p)| (p.rule_a.as_str(), p.rule_b.as_str(), p.alpha) == (rules.0, rules.1, alpha)).unwrap()
}

fn row(found: &Comparison, pair: usize, seed: u64, epoch: usize, layer: usize) -> &CompareRow {
    let here = |row: &&CompareRow| (row.pair, row.seed, row.epoch, row.layer) == (pair, seed, epoch, layer);
    found.layers.iter().find(here).unwrap()
}

/// Rounding of a few operations on numbers of order one.
fn close(found: f64, exact: f64) {
    assert!((found - exact).abs() < 1e-13, "{found} {exact}");
}

#[test]
fn every_two_rules_are_compared_where_all_that_both_heed_agrees() {
    let found = Runs::new(EXPERIMENT, |_, _| weights(first(), second())).compare();
    let names: Vec<_> = found
        .summary
        .pairs
        .iter()
        .map(|p| format!("{} {} {:?} {}", p.rule_a, p.rule_b, p.alpha, p.of))
        .collect();
    let two = |a: &str, b: &str| [0.0, 0.5].map(|alpha| format!("{a} {b} {:?} 2", Some(alpha)));
    let mut expected = vec!["adversarial bp None 2".to_owned()];
    for (a, b) in [
        ("dp-transpose", "bp"),
        ("dp", "bp"),
        ("dp-transpose", "adversarial"),
        ("dp", "adversarial"),
        ("dp", "dp-transpose"),
    ] {
        expected.extend(two(a, b));
    }
    assert_eq!(names, expected);
    assert_eq!(found.layers.len(), 11 * 2 * 3 * 2, "pairs, seeds, epochs, layers");
    for row in &found.layers {
        assert_eq!(row.distance, 0.0);
        close(row.cosine, 1.0);
        close(row.cka.unwrap(), 1.0);
        assert_eq!(row.update_cosine, None, "nothing was learned: no direction");
        // Sines of rounding, 1e-16, in degrees.
        assert!(row.left_deg.unwrap() < 1e-13 && row.right_deg.unwrap() < 1e-13, "{row:?}");
    }
    assert!(found.predictions.iter().all(|row| row.agreement == 1.0));
    assert!(found.departures.iter().all(|row| row.epoch.is_none() && row.place.is_none()));
    assert!(
        found
            .summary
            .pairs
            .iter()
            .all(|p| p.farthest == [0, 0] && p.conclusion.contains("weights are the same"))
    );
    assert!(found.summary.pairs.iter().all(|p| p.parted == 0 && p.conclusion.contains("stay close")));
}

/// What rules other than backpropagation learn: the second layer grows by a fifth after one epoch, the first
/// by a half (seed 1) or its double (seed 2) after two. Backpropagation learns a known direction.
fn grown(plan: &RunPlan, epoch: usize) -> Weights<f64> {
    let is_bp = plan.reference.as_ref() == Some(&plan.name);
    if is_bp {
        let along = if epoch == 0 { 0.0 } else { 1.0 };
        let (one, two) = (dmatrix![0.01, 0.0; 0.0, 0.0; 0.0, 0.0], dmatrix![0.0, 0.01, 0.0; 0.0, 0.0, 0.0]);
        return weights(first() + one * along, second() + two * along);
    }
    let by = [1.0, 1.0, if plan.seed == 1 { 1.5 } else { 2.0 }][epoch];
    weights(first() * by, second() * [1.0, 1.2, 1.2][epoch])
}

#[test]
fn known_weights_give_known_distances_cosines_and_order_of_parting() {
    let found = Runs::new(EXPERIMENT, grown).compare();
    let (k, told) = pair(&found, ("dp-transpose", "bp"), Some(0.5));
    let w = first();
    for (seed, by) in [(1, 1.5), (2, 2.0)] {
        let r = row(&found, k, seed, 2, 1);
        // ‖w‖² = 3.5625; backpropagation's differs in one entry by 0.01.
        let norm: f64 = 3.5625 - 1.0 + 1.01 * 1.01;
        let apart = ((by - 1.0_f64).powi(2) * (3.5625 - 1.0) + (by - 1.01).powi(2)).sqrt();
        close(r.distance, apart / norm.sqrt());
        close(r.cosine, (3.5625 - 1.0 + 1.01) / (3.5625 * norm).sqrt());
        // Updates: (by − 1) w against one entry, where w has a 1.
        close(r.update_cosine.unwrap(), 1.0 / 3.5625_f64.sqrt());
        assert_eq!(row(&found, k, seed, 0, 1).update_cosine, None);
        assert_eq!(w[(0, 0)], 1.0);
    }
    let of = |layer: usize, seed: u64| {
        found.departures.iter().find(|r| (r.pair, r.layer, r.seed) == (k, layer, seed)).unwrap()
    };
    for seed in [1, 2] {
        assert_eq!((of(2, seed).epoch, of(2, seed).place), (Some(1), Some(1)), "the second layer first");
        assert_eq!((of(1, seed).epoch, of(1, seed).place), (Some(2), Some(2)));
        assert_eq!((of(1, seed).place_at_end, of(2, seed).place_at_end), (1, 2), "farther, if later");
    }
    assert_eq!((told.parted, &told.first[..], &told.farthest[..]), (2, &[0, 2][..], &[2, 0][..]));
    assert!(told.conclusion.contains("layer 2 first (2 of 2), at epoch 1 ± 0"), "{}", told.conclusion);
    // Mean over two seeds, and standard error: half their difference.
    let group = |quantity: &str| {
        let mut rows = found.groups.iter();
        let here = rows.find(|g| (g.pair, g.epoch, g.layer) == (k, 2, Some(1)) && g.quantity == quantity);
        here.unwrap()
    };
    let ends = [1, 2].map(|seed| row(&found, k, seed, 2, 1).distance);
    close(group("distance").mean, 0.5 * (ends[0] + ends[1]));
    close(group("distance").error.unwrap(), 0.5 * (ends[1] - ends[0]));
    assert_eq!((group("distance").n, group("distance").of), (2, 2));
}

#[test]
fn layers_that_differ_by_a_factor_are_far_but_say_the_same() {
    let found = Runs::new(EXPERIMENT, |plan, epoch| {
        let by = if plan.rule == dyadsim_core::spec::RuleKind::Dp { 1.0 + epoch as f64 } else { 1.0 };
        weights(first() * by, second())
    })
    .compare();
    let (k, _) = pair(&found, ("dp", "dp-transpose"), Some(0.0));
    for layer in [1, 2] {
        let r = row(&found, k, 1, 2, layer);
        close(r.distance, if layer == 1 { 2.0 } else { 0.0 });
        close(r.cka.unwrap(), 1.0);
        assert!(r.left_deg.unwrap() < 1e-13 && r.right_deg.unwrap() < 1e-13, "{r:?}");
    }
    assert!(found.predictions.iter().filter(|r| r.pair == k).all(|r| r.agreement == 1.0));
}

#[test]
fn a_run_that_left_the_numbers_is_counted_and_not_averaged() {
    let found = Runs::new(EXPERIMENT, |plan, epoch| {
        let gone = plan.rule == dyadsim_core::spec::RuleKind::Dp && plan.seed == 2 && epoch == 2;
        weights(first() * if gone { f64::NAN } else { 1.0 }, second())
    })
    .compare();
    let (k, told) = pair(&found, ("dp", "bp"), Some(0.0));
    let group = found
        .groups
        .iter()
        .find(|g| (g.pair, g.epoch, g.layer) == (k, 2, Some(1)) && g.quantity == "distance");
    let group = group.unwrap();
    assert_eq!((group.n, group.of, group.mean, group.error), (1, 2, 0.0, None));
    assert_eq!((told.parted, &told.first[..]), (1, &[1, 0][..]), "it has parted");
    assert_eq!(
        found.layers.iter().filter(|r| r.pair == k && r.cka.is_none()).count(),
        2,
        "both layers say nothing"
    );
}

#[test]
fn without_snapshots_only_the_end_is_compared() {
    let text = EXPERIMENT.replace("snapshots = true", "");
    let found = Runs::new(&text, grown).compare();
    assert!(found.layers.iter().all(|row| row.epoch == 2 && row.update_cosine.is_none()));
    assert!(found.departures.iter().all(|row| row.epoch.is_none() && row.place.is_none()));
    let (_, told) = pair(&found, ("dp", "bp"), Some(0.5));
    assert_eq!((told.parted, &told.farthest[..]), (2, &[2, 0][..]));
    assert!(told.conclusion.contains("they part: some layer beyond 0.1 in 2 of 2"), "{}", told.conclusion);
}
