//! `nudge.keep_margin` of `run`, against the closed form of one linear layer.
//!
//! Its dyads do not hear each other: the mean of each follows `τ ṁ = −(1 − (1 − 2α) β) m + …` under DP, so
//! that the margin is `1 − (1 − 2α) β` in units of 1/τ (docs/model.md §3.3 with `K = 1`), whatever weights
//! and samples are.

use std::fs;

use serde_json::Value;

use crate::bench::Bench;

/// The bisection ends at a bracket of 1 %.
const WIDTH: f64 = 0.01;

/// Experiment `e.toml`: one linear layer, DP at α = ¼.
fn experiment(beta: f64, keep: &str, more: &str) -> Bench {
    let bench = Bench::new();
    bench.write(
        "e.toml",
        &format!(
            "name = \"kept\"\nnetwork = [2, 2]\nepochs = 3\nbatch = 30\nseeds = [1, 2]\nrules = [\"dp\"]\nprobe = 4\n\
             dataset = {{ kind = \"two-moons\", train = 60, test = 40 }}\n\
             optimizer = {{ kind = \"sgd\", learning_rate = 0.1 }}\n{more}\n\
             [circuit]\nname = \"linear\"\n[circuit.nudge]\nalpha = 0.25\nbeta = {beta:?}\n{keep}\n\
             [circuit.solver]\nmax_time = 400\n"
        ),
    );
    bench
}

/// Rows of a table, by column.
fn rows(bench: &Bench, table: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    let text = fs::read_to_string(bench.path(table)).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let header = lines.next().unwrap();
    lines.map(|cells| header.iter().cloned().zip(cells).collect()).collect()
}

fn summary(bench: &Bench) -> Value {
    serde_json::from_str(&fs::read_to_string(bench.path("out/summary.json")).unwrap()).unwrap()
}

#[test]
fn the_nudge_is_lowered_to_that_of_the_closed_form_and_no_further() {
    for (beta, margin, kept) in [(5.0, 0.5, 1.0), (1.9, 0.1, 1.8), (1.5, 0.1, 1.5)] {
        let bench = experiment(beta, &format!("keep_margin = {margin}"), "");
        let done = bench.run("run e.toml --out out --quiet");
        assert_eq!(done.status, 0, "{}", done.stderr);
        let rows = rows(&bench, "out/metrics.csv");
        assert_eq!(rows.len(), 8, "the start and three epochs of two seeds");
        for row in &rows {
            let found: f64 = row["kept_beta"].parse().unwrap();
            assert!(found <= kept * (1.0 + 1e-9) && found >= (1.0 - WIDTH) * kept, "{found} for {kept}");
            // The margin beside it is that of the nudge kept.
            let own: f64 = row["stability_margin_tau"].parse().unwrap();
            assert!((own - (1.0 - 0.5 * found)).abs() < 1e-6 && own >= margin - 1e-6, "{own} at {found}");
            if row["epoch"] != "0" {
                assert_eq!(row["settled"], "1.0", "{row:?}");
            }
        }
        let summary = summary(&bench);
        for run in summary["runs"].as_array().unwrap() {
            assert_eq!(run["status"], "complete");
            let last = rows.iter().rfind(|row| run["run"] == row["run"].as_str()).unwrap();
            assert_eq!(run["kept_beta"].as_f64().unwrap(), last["kept_beta"].parse::<f64>().unwrap());
        }
        assert!(bench.path("out/figures/kept-nudge.png").is_file());
    }
}

#[test]
fn the_next_epoch_is_trained_with_the_nudge_kept() {
    // The estimate of a linear layer depends on its nudge: training at the nudge kept is training at a nudge
    // set to it.
    let kept = experiment(5.0, "keep_margin = 0.4", "");
    kept.run("run e.toml --out out --quiet");
    let beta: f64 = rows(&kept, "out/metrics.csv")[0]["kept_beta"].parse().unwrap();
    let set = experiment(beta, "", "");
    set.run("run e.toml --out out --quiet");
    let losses = |bench: &Bench| -> Vec<f64> {
        rows(bench, "out/metrics.csv").iter().map(|row| row["train_loss"].parse().unwrap()).collect()
    };
    assert_eq!(losses(&kept), losses(&set));
    let strong = experiment(5.0, "", "");
    strong.run("run e.toml --out out --quiet");
    assert_ne!(losses(&kept), losses(&strong));
}

#[test]
fn a_run_that_may_not_lower_its_nudge_stops_with_a_diagnosis_and_others_go_on() {
    // β* = 2: at 2.5 a real eigenvalue of +0.25/τ; at 1.9 a margin of 0.05/τ.
    for (beta, margin) in [(2.5, "margin -0.25/τ"), (1.9, "margin 0.05/τ")] {
        let keep = "keep_margin = { at_least = 0.1, otherwise = \"stop\" }";
        let bench = experiment(beta, keep, "snapshots = true");
        let text = fs::read_to_string(bench.path("e.toml")).unwrap();
        bench.write("e.toml", &text.replace("[\"dp\"]", "[\"dp\", \"dp-transpose\"]"));
        let done = bench.run("run e.toml --out out");
        assert_eq!(done.status, 0, "{}", done.stderr);
        let summary = summary(&bench);
        for run in summary["runs"].as_array().unwrap() {
            let status = run["status"].as_str().unwrap();
            if run["rule"] == "dp-transpose" {
                assert_eq!(status, "complete", "its loop is open: a margin of 1/τ");
                assert_eq!(run["kept_beta"], beta);
                continue;
            }
            for words in
                ["stopped after epoch 0", "latch-up of training sample ", &format!("β = {beta}"), margin]
            {
                assert!(status.contains(words), "`{words}` is not in `{status}`");
            }
            assert!(done.stderr.contains(status), "{}", done.stderr);
            let name = run["run"].as_str().unwrap();
            let weights =
                |epoch: usize| fs::read(bench.path(&format!("out/weights/{name}/epoch-{epoch}.safetensors")));
            assert!(weights(0).unwrap() == weights(3).unwrap(), "it stays where it stopped");
        }
        let stopped: Vec<_> =
            rows(&bench, "out/metrics.csv").into_iter().filter(|row| row["rule"] == "dp").collect();
        assert!(stopped.iter().all(|row| row["epoch"] == "0" && row["kept_beta"].is_empty()), "{stopped:?}");
        let report = fs::read_to_string(bench.path("out/report.html")).unwrap();
        assert!(report.contains("stopped after epoch 0"));
        assert_eq!(bench.run("run e.toml --out out --resume --quiet").status, 0);
        assert_eq!(bench.run("compare out --quiet --out compared").status, 0);
    }
}

#[test]
fn with_and_without_stand_side_by_side_in_a_grid() {
    let bench = experiment(
        2.5,
        "",
        "[grid]\n\"nudge.keep_margin\" = [false, 0.1]\n[expect]\n\
         \"dp.settled\" = { at_least = 1.0, every_seed = true, only = { \"nudge.keep_margin\" = 0.1 } }",
    );
    let done = bench.run("run e.toml --out out --check");
    assert_eq!(done.status, 0, "{}", done.stderr);
    for row in rows(&bench, "out/metrics.csv") {
        let kept = !row["run"].contains("false");
        assert_eq!(row["kept_beta"].is_empty(), !kept, "{row:?}");
        if row["epoch"] != "0" {
            assert_eq!(row["settled"], if kept { "1.0" } else { "0.0" }, "{row:?}");
        }
    }
    assert!(fs::read_to_string(bench.path("out/report.html")).unwrap().contains("id=\"kept-nudge\""));
}

#[test]
fn margins_that_no_circuit_could_keep_are_refused() {
    for (keep, words) in [
        ("keep_margin = -0.1", ["nudge.keep_margin", "above 0 and below 1"]),
        ("keep_margin = 0", ["nudge.keep_margin", "false keeps none"]),
        ("keep_margin = 1.0", ["nudge.keep_margin", "a dyad has a margin of 1/τ"]),
        ("keep_margin = nan", ["nudge.keep_margin", "above 0 and below 1"]),
        ("keep_margin = true", ["nudge.keep_margin", "such as 0.1"]),
        ("keep_margin = \"yes\"", ["nudge.keep_margin", "such as 0.1"]),
        ("keep_margin = { at_least = 2.0, otherwise = \"stop\" }", ["nudge.keep_margin.at_least", "below 1"]),
        ("keep_margin = { otherwise = \"stop\" }", ["at_least", "missing"]),
        ("keep_margin = { at_least = 0.1, otherwise = \"halt\" }", ["`lower`", "`stop`"]),
        ("keep_margin = { atleast = 0.1 }", ["did you mean", "at_least"]),
    ] {
        experiment(0.5, keep, "").refuse("run e.toml --out out", &words);
    }
}

#[test]
fn what_nobody_heeds_is_refused() {
    let grid = "[grid]\n\"nudge.keep_margin\" = [false, 0.1]";
    let bench = experiment(0.5, "", grid);
    let text = fs::read_to_string(bench.path("e.toml")).unwrap();
    bench.write("e.toml", &text.replace("[\"dp\"]", "[\"bp\"]"));
    bench.refuse("run e.toml --out out", &["nudge.keep_margin", "nudge and settle nothing"]);
    for (only, meant) in [
        ("{ \"nudge.keep_margin\" = 0.2 }", "false, 0.1"),
        ("{ \"nudge.keepmargin\" = 0.1 }", "did you mean `nudge.keep_margin`"),
    ] {
        let expect = format!("{grid}\n[expect]\n\"dp.settled\" = {{ at_least = 1.0, only = {only} }}");
        experiment(0.5, "", &expect).refuse("run e.toml --out out", &["only", meant]);
    }
}
