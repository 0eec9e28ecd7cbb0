//! Controls beside distances of learned weights, and combinations of a grid that are not run.

use crate::bench::Bench;

const TINY: &str = r#"
name = "tiny"
circuit = "ideal"
dataset = { kind = "yin-yang", train = 40, test = 20, split_seed = 0 }
network = [4, 6, 3]
epochs = 2
batch = 20
seeds = [1, 2]
rules = ["bp", "dp", "dp-transpose"]
probe = 1
optimizer = { kind = "sgd", learning_rate = 0.1 }
"#;

use std::fs;

use serde_json::Value;

fn summary(bench: &Bench) -> Value {
    serde_json::from_slice(&fs::read(bench.path("d/summary.json")).unwrap()).unwrap()
}

fn runs(bench: &Bench) -> Vec<String> {
    let document = bench.run("experiments check e.toml --json").json();
    document["runs"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// Weights of a layer of a run.
fn layer(bench: &Bench, run: &str, layer: usize) -> nalgebra::DMatrix<f64> {
    let file = bench.tensors(&format!("d/weights/{run}.safetensors"));
    let shape = [(6, 4), (3, 6)][layer - 1];
    let read: dyadsim_core::matrix::Matrix<f64> = file.matrix(&format!("W.{layer}"), shape).unwrap();
    nalgebra::DMatrix::from_fn(shape.0, shape.1, |row, column| read[(row, column)])
}

#[test]
fn a_distance_has_its_control_beside_it_and_the_control_is_no_run_of_the_tables() {
    let bench = Bench::new();
    bench.write(
        "e.toml",
        &format!(
            "{TINY}control = {{ rules = [\"bp\", \"dp-transpose\"] }}\n[grid]\n\"nudge.beta\" = [0.1]\n"
        ),
    );
    let done = bench.run("run e.toml --out d --threads 1 --precision f64");
    assert_eq!(done.status, 0, "{}", done.stderr);
    let summary = summary(&bench);
    assert_eq!(summary["runs"].as_array().unwrap().len(), 6, "three rules, two seeds");
    let metrics = fs::read_to_string(bench.path("d/metrics.csv")).unwrap();
    assert!(!metrics.contains("moved"), "{metrics}");
    for pair in summary["pairs"].as_array().unwrap() {
        let control = &pair["control"];
        let run = control["run"].as_str().unwrap();
        assert!(pair["run_b"] == *run || pair["run_a"] == *run, "{pair}");
        for k in 1..=2 {
            let (own, moved) = (layer(&bench, run, k), layer(&bench, &format!("{run}.moved"), k));
            let expected = (&moved - &own).norm() / own.norm();
            let found = control["relative_distance"][k - 1].as_f64().unwrap();
            // Norms of at most 24 numbers, each rounded a few times.
            assert!((found - expected).abs() <= 1e-12 * expected, "{found} {expected}");
            // Two epochs of four small steps take a move of a millionth no further than a hundred of them.
            assert!(found > 1e-8 && found < 1e-4, "{run}: {found}");
        }
    }
    let compared = bench.run("compare d --json --threads 1");
    assert_eq!(compared.status, 0, "{}", compared.stderr);
    let rows = fs::read_to_string(bench.path("d/compare/compare.csv")).unwrap();
    let mut lines = rows.lines();
    let place = lines.next().unwrap().split(',').position(|name| name == "control_distance").unwrap();
    assert!(lines.all(|line| line.split(',').nth(place).unwrap().parse::<f64>().unwrap() > 0.0), "{rows}");
}

#[test]
fn a_control_is_asked_of_rules_that_run_and_moves_weights_a_little() {
    let bench = Bench::new();
    for (control, words) in [
        ("{ rules = [\"adversarial\"] }", ["control.rules", "bp, dp, dp-transpose"]),
        ("{ seeds = 0 }", ["control.seeds", "1 or more"]),
        ("{ moved = 0 }", ["control.moved", "above 0"]),
        ("{ moved = 0.5 }", ["control.moved", "at most 0.1"]),
        ("{ move = 1e-6 }", ["move", "moved"]),
    ] {
        bench.write("e.toml", &format!("{TINY}control = {control}\n"));
        bench.refuse("experiments check e.toml", &words);
    }
}

const GRID: &str = "[grid]\n\"nudge.alpha\" = [0.0, 0.5]\n\"nudge.beta\" = [0.1, 0.5]\n";

#[test]
fn what_is_excluded_is_not_run_and_the_rest_is() {
    let bench = Bench::new();
    bench.write(
        "e.toml",
        &format!("{TINY}{GRID}[[exclude]]\n\"nudge.alpha\" = 0.0\n\"nudge.beta\" = [0.5]\n"),
    );
    let names = runs(&bench);
    assert_eq!(names.len(), 2 * (1 + 3 + 3), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("-a0-b0.5")), "{names:?}");
    assert!(names.contains(&"dp-a0-b0.1-s1".to_owned()) && names.contains(&"bp-s2".to_owned()), "{names:?}");
    // A key that is set leaves the grid; the exclusion holds for the rest if it spoke of that value.
    for (set, count) in [("nudge.beta=0.5", 2 * 3), ("nudge.beta=0.1", 2 * 5), ("nudge.beta=0.3", 2 * 5)] {
        let planned = bench.run(&format!("run e.toml --dry-run --set {set}"));
        assert!(planned.stdout.contains(&format!("runs      {count} ")), "{set}: {}", planned.stdout);
    }
}

#[test]
fn controls_follow_rules_that_are_set_and_are_of_the_first_seeds() {
    let bench = Bench::new();
    let control = "control = { rules = [\"bp\", \"dp-transpose\"], seeds = 1 }\n";
    bench.write("e.toml", &format!("{TINY}{control}[grid]\n\"nudge.beta\" = [0.1]\n"));
    for (set, runs) in [("epochs=1", 6 + 2), ("rules=[\"dp-transpose\"]", 2 + 1), ("rules=[\"dp\"]", 2)] {
        let planned = bench.run(&format!("run e.toml --dry-run --set {set}"));
        assert!(planned.stdout.contains(&format!("runs      {runs} ")), "{set}: {}", planned.stdout);
    }
}

#[test]
fn an_exclusion_speaks_of_the_grid() {
    let bench = Bench::new();
    for (exclude, words) in [
        ("\"nudge.at\" = \"own\"", ["exclude[0]", "nudge.alpha"]),
        ("\"nudge.alpha\" = 0.25", ["exclude[0]", "0.5"]),
        ("\"nudge.alpha\" = []", ["exclude[0]", "values of this key"]),
    ] {
        bench.write("e.toml", &format!("{TINY}{GRID}[[exclude]]\n{exclude}\n"));
        bench.refuse("experiments check e.toml", &words);
    }
}
