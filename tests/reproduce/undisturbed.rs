//! Runs that nobody interrupts.

use dyadsim::record::tensors;

use crate::bench::{Bench, undisturbed};
use crate::output::{assert_same, assert_whole, snapshot};

#[test]
fn threads_and_repetition_change_no_byte() {
    let (expected, _) = undisturbed();
    for name in ["experiment.toml", "metrics.csv", "trajectories.parquet", "figures/angle.svg"] {
        assert!(expected.contains_key(name), "{name} is not compared");
    }
    let kept =
        |epoch: &str| expected.keys().filter(|name| name.ends_with(&format!("{epoch}.safetensors"))).count();
    assert_eq!(kept(""), 10 * (1 + 4), "a file per run, and one for the start and each of three epochs");
    assert_eq!((0..4).map(|k| kept(&format!("/epoch-{k}"))).collect::<Vec<_>>(), [10; 4]);
    let [start, last, end] =
        ["/epoch-0", "/epoch-3", ""].map(|e| &expected[&format!("weights/bp-s1{e}.safetensors")]);
    assert!(last == end && start != end, "the last snapshot is what the run has learned");
    let kept = kept_nudges(&expected["metrics.csv"]);
    assert!(kept.iter().any(|beta| *beta < 0.5), "no nudge was lowered: {kept:?}");
    let bench = Bench::new();
    for (out, threads) in [("one", 1), ("again", 2), ("three", 3)] {
        bench.run(&format!("run e.toml --out {out} --threads {threads}"));
        assert_whole(&bench.path(out));
        assert_same(&bench.content(out), expected, &format!("{threads} threads"));
    }
}

#[test]
fn the_experiment_that_a_folder_holds_gives_the_same_folder() {
    let (expected, _) = undisturbed();
    let bench = Bench::new();
    std::fs::write(bench.path("own.toml"), &expected["experiment.toml"]).unwrap();
    bench.run("run own.toml --out d --threads 2");
    assert_same(&bench.content("d"), expected, "its own experiment.toml");
}

#[test]
fn single_precision_reproduces_across_threads() {
    let bench = Bench::new();
    for threads in [1, 2] {
        bench.run(&format!("run e.toml --precision f32 --out t{threads} --threads {threads}"));
    }
    assert_same(&bench.content("t1"), &bench.content("t2"), "f32, 1 and 2 threads");
    let weights = tensors::read(&bench.path("t1/weights/bp-s1.safetensors")).unwrap();
    let bytes = std::fs::metadata(weights.path()).unwrap().len();
    let double = undisturbed().0["weights/bp-s1.safetensors"].len() as u64;
    assert!(bytes < double * 2 / 3, "{bytes} bytes, {double} in f64"); // half, and a header
}

#[test]
fn resuming_what_is_complete_changes_nothing() {
    let bench = Bench::new();
    bench.run("run e.toml --out d --threads 2 --set epochs=1 --set grid={}");
    let before = snapshot(&bench.path("d"));
    bench.run("run e.toml --out d --resume --threads 1 --set epochs=1 --set grid={}");
    assert!(snapshot(&bench.path("d")) == before, "a file was touched");
}

#[test]
fn a_run_that_leaves_the_numbers_is_a_result_not_a_failure() {
    let bench = Bench::new();
    // No margin is kept: at the nudges that keep one, relaxations under such weights neither settle nor run
    // away, and take all the steps there are.
    let settings = "--set epochs=8 --set grid={} --set keep_unsettled=true --set nudge.keep_margin=false \
                    --set optimizer={kind=\"sgd\",learning_rate=1e6}";
    bench.run(&format!("run e.toml --out d --threads 2 {settings}"));
    let summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(bench.path("d/summary.json")).unwrap()).unwrap();
    let runs = summary["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 6, "two seeds, three rules");
    assert!(runs.iter().any(|run| run["status"] == "diverged"), "{runs:?}");
}

/// The nudges that kept the margin, over all runs and epochs.
fn kept_nudges(metrics: &[u8]) -> Vec<f64> {
    let text = String::from_utf8_lossy(metrics);
    let mut lines = text.lines();
    let column = lines.next().unwrap().split(',').position(|name| name == "kept_beta").unwrap();
    lines.filter_map(|line| line.split(',').nth(column)?.parse().ok()).collect()
}
