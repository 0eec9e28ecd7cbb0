//! Settings of relatives of dual propagation, as a user meets them: what is refused, told and named.

use dyadsim_core::matrix::Matrix;
use nalgebra::dmatrix;

use crate::bench::Bench;

const FILES: &str = "c.toml --weights w.safetensors --input x.safetensors --target y.safetensors";

/// A 2-2-2 circuit with what every command needs.
fn good() -> Bench {
    let bench = Bench::new();
    bench.linear("dp", 0.5, 0.5);
    let layer = || (Matrix::identity(2, 2), vec![0.0; 2]);
    bench.weights(&[layer(), layer()]);
    bench.batch(&dmatrix![0.1, 0.2], &dmatrix![1.0, 0.0]);
    bench
}

/// An experiment `e.toml` with these lines and this grid.
fn experiment(lines: &str, grid: &str) -> Bench {
    let bench = Bench::new();
    let text = format!(
        "name = \"e\"\ncircuit = \"ideal\"\ndataset = {{ kind = \"digits\", train = 40, test = 10 }}\n\
         network = [64, 4, 10]\nepochs = 2\nbatch = 10\nseeds = [1]\nrules = [\"bp\", \"dp\"]\nprobe = 2\n\
         optimizer = {{ kind = \"sgd\", learning_rate = 0.1 }}\n{lines}\n[grid]\n{grid}\n"
    );
    bench.write("e.toml", &text);
    bench
}

#[test]
fn questions_about_one_batch_refuse_to_start_from_one_before() {
    let bench = good();
    for command in ["settle", "gradient", "noise --time 0", "stability", "sensitivity", "yield --angle 60"] {
        let (command, more) = command.split_once(' ').unwrap_or((command, ""));
        let vary = if command == "gradient" { "--vary nudge.beta=0.1:1:3" } else { "" };
        let line = format!("{command} {FILES} {more} {vary} --set solver.start=stale");
        bench.refuse(&line, &["`solver.start`", "found \"stale\"", "accepted: \"free\" or \"zero\""]);
    }
}

#[test]
fn the_mixing_of_hidden_layers_is_told_beside_that_of_the_outputs() {
    let bench = good();
    let done = bench.run(&format!("settle {FILES} --set nudge.hidden_alpha=0.25"));
    assert!(done.stdout.contains("α 0.5, hidden layers α 0.25, β 0.5"), "{}", done.stdout);
    bench.refuse(
        &format!("settle {FILES} --set nudge.hidden_alpha=1.5"),
        &["`nudge.hidden_alpha`", "found 1.5", "a number from 0 to 1"],
    );
}

#[test]
fn a_grid_over_the_hidden_mixing_has_a_run_for_each_and_none_that_does_nothing() {
    let bench = experiment("", "\"nudge.alpha\" = [0.0]\n\"nudge.hidden_alpha\" = [0.0, 0.5]");
    let document = bench.run("experiments check e.toml --json").json();
    assert_eq!(document["runs"].as_array().unwrap().len(), 3, "{document}"); // and backpropagation once
    let bench = experiment("", "\"nudge.alpha\" = [0.5]\n\"nudge.hidden_alpha\" = [0.5]");
    bench.refuse("experiments check e.toml", &["nudge.hidden_alpha", "it is `nudge.alpha`"]);
}

#[test]
fn several_updates_want_rounds_that_are_fixed() {
    let told = ["`updates`", "`solver.kind` = \"layerwise\"", "fixed rounds"];
    experiment("updates = 3", "").refuse("experiments check e.toml", &told);
    let swept = "\"solver.kind\" = [\"layerwise\"]\n\"solver.schedule\" = [\"SCHEDULE\"]";
    experiment("updates = 3", &swept.replace("SCHEDULE", "fwbw")).refuse("experiments check e.toml", &told);
    let bench = experiment("updates = 3\nkeep_unsettled = true", &swept.replace("SCHEDULE", "fwbw1"));
    let done = bench.run("run e.toml --out out --quiet");
    assert_eq!(done.status, 0, "{}", done.stderr);
    experiment("updates = 0", "").refuse("experiments check e.toml", &["`updates`", "1 or more"]);
}
