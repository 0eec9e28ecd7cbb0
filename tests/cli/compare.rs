//! `compare`: what it promises to programs, and what it refuses.

use std::fs;

use serde_json::Value;

use crate::bench::Bench;

const EXPERIMENT: &str = "name = \"small\"\ndataset = { kind = \"two-moons\", train = 60, test = 40 }\nnetwork = [2, 6, 4, 2]\n\
    epochs = 2\nbatch = 20\nseeds = [1, 2]\nrules = [\"bp\", \"dp\", \"dp-transpose\"]\nsnapshots = true\n\
    optimizer = { kind = \"adam\", learning_rate = 0.05 }\ncircuit = { name = \"inline\" }\n\
    [grid]\n\"nudge.alpha\" = [0.25, 0.5]\n\"nudge.beta\" = [0.1]\n";

fn trained(settings: &str) -> Bench {
    let bench = Bench::new();
    bench.write("e.toml", EXPERIMENT);
    let done = bench.run(&format!("run e.toml --out res --quiet {settings}"));
    assert_eq!(done.status, 0, "{}", done.stderr);
    bench
}

#[test]
fn it_agrees_with_the_summary_of_run_and_gives_the_same_bytes_for_any_threads() {
    let bench = trained("");
    let json = bench.run("compare res --quiet --json --threads 1").json();
    let pairs = json["summary"]["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 6, "two rules with bp and with each other, at two α");
    let summary: Value = serde_json::from_slice(&fs::read(bench.path("res/summary.json")).unwrap()).unwrap();
    let rows = fs::read_to_string(bench.path("res/compare/compare_predictions.csv")).unwrap();
    for known in summary["pairs"].as_array().unwrap() {
        let runs = ["run_a", "run_b"].map(|key| known[key].as_str().unwrap());
        let line = rows.lines().find(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            cells[1..3] == runs && cells[5] == "2"
        });
        let agreement: f64 = line.unwrap().split(',').nth(6).unwrap().parse().unwrap();
        assert_eq!(Some(agreement), known["prediction_agreement"].as_f64(), "{runs:?}");
    }
    assert_eq!(bench.run("compare res --quiet --threads 2 --out two").status, 0);
    let names = ["compare.csv", "compare_groups.parquet", "compare_departure.csv", "compare.json"];
    let figures = ["distance", "cka", "update", "end"].map(|name| format!("figures/compare-{name}.svg"));
    for name in names.into_iter().map(str::to_owned).chain(figures) {
        let bytes = |folder: &str| fs::read(bench.path(folder).join(&name)).unwrap();
        assert_eq!(bytes("res/compare"), bytes("two"), "{name}");
    }
    assert_eq!(bench.run("plot two --out again").status, 0);
    let drawn = |folder: &str| fs::read(bench.path(folder).join("compare-end.svg")).unwrap();
    assert_eq!(drawn("two/figures"), drawn("again"));
}

#[test]
fn people_get_a_sentence_for_every_pair() {
    let bench = trained("--set snapshots=false --seed 1");
    let told = bench.run("compare res");
    assert_eq!(told.status, 0, "{}", told.stderr);
    assert!(told.stdout.contains("dp and bp, α = 0.25, β = 0.1: they "), "{}", told.stdout);
    assert!(told.stdout.contains("were not kept"), "{}", told.stdout);
    assert!(bench.path("res/compare/figures/compare-end.png").exists());
    assert!(!bench.path("res/compare/figures/compare-cka.png").exists(), "no course without epochs");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bench = trained("--set epochs=1 --seed 1");
    bench.refuse("compare nowhere", &["nowhere is no folder"]);
    bench.refuse("compare res --threshold 0", &["--threshold 0", "above 0"]);
    bench.refuse("compare res --set epochs=2", &["--set"]);
    assert_eq!(bench.run("compare res --quiet").status, 0);
    bench.refuse("compare res", &["--force"]);
    assert_eq!(bench.run("compare res --quiet --force").status, 0);
    fs::remove_file(bench.path("res/weights/bp-s1/epoch-0.safetensors")).unwrap();
    bench.refuse("compare res --force", &["epoch-0.safetensors"]);
    let alone = trained("--set rules=[\"bp\"] --seed 1");
    alone.refuse("compare res", &["rule", "two rules or more"]);
}
