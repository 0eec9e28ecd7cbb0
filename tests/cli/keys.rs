//! Names and keys are not taken for identity: no run is dropped, no two settings share a name, and what does
//! nothing is refused.

use std::collections::BTreeSet;
use std::fs;

use dyadsim_core::matrix::Matrix;
use nalgebra::dmatrix;

use crate::bench::Bench;

const FILES: &str = "c.toml --weights w.safetensors --input x.safetensors --target y.safetensors";

/// A 2-2 circuit with what every command needs.
fn good() -> Bench {
    let bench = Bench::new();
    bench.linear("dp", 0.5, 0.5);
    bench.weights(&[(Matrix::identity(2, 2), vec![0.0; 2])]);
    bench.batch(&dmatrix![0.1, 0.2], &dmatrix![1.0, 0.0]);
    bench
}

/// An experiment `e.toml` with these rules, this circuit and this grid.
fn experiment(rules: &str, circuit: &str, grid: &str) -> Bench {
    let bench = Bench::new();
    let text = format!(
        "name = \"keys\"\ncircuit = {{ {circuit} }}\ndataset = {{ kind = \"digits\", train = 20, test = 10 }}\n\
         network = [64, 4, 10]\nepochs = 1\nbatch = 10\nseeds = [1]\nrules = {rules}\nprobe = 2\n\
         optimizer = {{ kind = \"sgd\", learning_rate = 0.1 }}\n\n[grid]\n{grid}\n"
    );
    bench.write("e.toml", &text);
    bench
}

/// The names of an experiment's runs.
fn runs(bench: &Bench) -> Vec<String> {
    let document = bench.run("experiments check e.toml --json").json();
    document["runs"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn settings_whose_letters_and_digits_are_the_same_have_runs_and_names_of_their_own() {
    let noisy = "solver.kind = \"heun\"";
    let trap = "noise.telegraph = { amplitude = 1e-12, capture = 1e-6, emission = 1e-6 }";
    for (circuit, grid) in [
        (String::new(), "network = [[64, 32, 10], [64, 3, 2, 10]]".to_owned()),
        (format!("{noisy}, {trap}"), "\"noise.telegraph.capture\" = [\"1 s\", \"1 µs\"]".to_owned()),
        (String::new(), "init = [{ std = [0.1, 10.1] }, { std = [0.11, 0.1] }]".to_owned()),
        (String::new(), "circuit = [\"A.toml\", \"a.toml\"]".to_owned()),
    ] {
        let bench = experiment("[\"bp\", \"dp\"]", &circuit, &grid);
        bench.write("A.toml", "supply = { low = -1, high = 1 }");
        bench.write("a.toml", "supply = { low = -2, high = 2 }");
        let names = runs(&bench);
        // A telegraph signal is a matter of rules that nudge alone.
        let expected = if circuit.is_empty() { 4 } else { 3 };
        assert_eq!(names.len(), expected, "{grid}: {names:?}");
        let told_apart: BTreeSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
        assert_eq!(told_apart.len(), names.len(), "{names:?}");
        let planned = bench.run("run e.toml --dry-run");
        assert!(planned.stdout.contains(&format!("runs      {expected}")), "{}", planned.stdout);
    }
}

#[test]
fn names_of_ordinary_grids_are_what_they_were() {
    let grid = "\"nudge.alpha\" = [0.0, 0.5]\n\"nudge.beta\" = [0.1]\n\"solver.rtol\" = [1e-5, 1e-4]";
    let expected = [
        "bp-s1",
        "dp-a0-b0.1-rtol0.00001-s1",
        "dp-a0-b0.1-rtol0.0001-s1",
        "dp-a0.5-b0.1-rtol0.00001-s1",
        "dp-a0.5-b0.1-rtol0.0001-s1",
    ];
    assert_eq!(runs(&experiment("[\"dp\", \"bp\"]", "", grid)), expected);
}

#[test]
fn runs_that_share_letters_are_trained_under_their_own_names_and_compared_with_their_own_reference() {
    let bench = experiment("[\"bp\", \"dp\"]", "", "network = [[64, 11, 10], [64, 1, 1, 10]]");
    let summary = bench.run("run e.toml --out out --quiet --json").json();
    let weights: BTreeSet<_> =
        fs::read_dir(bench.path("out/weights")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(weights.len(), 4, "{weights:?}");
    let pairs = summary["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 2, "{pairs:?}");
    for pair in pairs {
        let tail = |key: &str| pair[key].as_str().unwrap().split_once("-network").unwrap().1.to_owned();
        assert_eq!(tail("run_a"), tail("run_b"));
    }
}

#[test]
fn a_name_too_long_for_a_file_is_shortened_and_still_its_own() {
    let layers = |last: usize| format!("[64{}, {last}, 10]", ", 4".repeat(150));
    let bench = experiment("[\"bp\"]", "", &format!("network = [{}, {}]", layers(2), layers(3)));
    let names = runs(&bench);
    assert!(names.len() == 2 && names[0] != names[1], "{names:?}");
    assert!(names.iter().all(|name| name.len() < 200), "{names:?}");
}

#[test]
fn a_grid_key_that_no_run_heeds_is_refused_with_the_reason() {
    for (rules, circuit, grid, words) in [
        (
            "[\"bp\", \"dp\"]",
            "",
            "\"nudge.variant\" = [\"dp\", { plus = 0.3, minus = 0.9 }]",
            &["nudge.variant", "rules `dp`", "set it themselves", "`custom`"][..],
        ),
        ("[\"dp-transpose\"]", "", "\"circuit.nudge.variant\" = [\"dp\"]", &["nudge.variant", "themselves"]),
        (
            "[\"bp\"]",
            "",
            "\"nudge.alpha\" = [0.1, 0.5]",
            &["nudge.alpha", "`bp`, `adversarial`, `bp-feedback`, `bp-direct` and `scff` nudge"],
        ),
        ("[\"bp\"]", "", "\"solver.rtol\" = [1e-4]", &["solver.rtol", "settle nothing"]),
        (
            "[\"bp\", \"dp\"]",
            "",
            "\"adversarial.step\" = [0.1, 0.5]",
            &["adversarial.step", "rule `adversarial` alone"],
        ),
        ("[\"dp\"]", "", "\"solver.step\" = [0.1, 0.05]", &["solver.step", "stochastic solvers"]),
        ("[\"dp\"]", "", "\"solver.schedule\" = [\"fw\", \"bw\"]", &["solver.schedule", "layerwise"]),
        ("[\"dp\"]", "", "\"readout.time\" = [0, 1e-6]", &["readout.time", "stochastic"]),
        ("[\"dp\"]", "", "\"feedback.init\" = [\"copy\", \"random\"]", &["feedback.init", "shared"]),
        ("[\"dp\"]", "", "\"nudge.reference\" = [1, 2]", &["nudge.reference", "cross-entropy"]),
        ("[\"dp\"]", "", "\"mismatch.distribution\" = [\"normal\", \"lognormal\"]", &["mismatch", "spread"]),
        ("[\"dp\"]", "", "temperature = [300, 77]", &["temperature", "noise"]),
        ("[\"dp\"]", "", "\"optimizer.beta1\" = [0.9, 0.8]", &["optimizer.beta1", "adam"]),
        ("[\"dp\"]", "", "\"circuit.name\" = [\"a\", \"b\"]", &["circuit.name", "a name"]),
    ] {
        let bench = experiment(rules, circuit, grid);
        for line in ["experiments check e.toml", "run e.toml --out out"] {
            bench.refuse(line, &[&["e.toml:13", "accepted: no such key"], words].concat());
        }
    }
}

#[test]
fn rules_that_ignore_a_key_run_once_beside_rules_that_heed_it() {
    let variants = "\"nudge.variant\" = [\"dp\", { plus = 0.3, minus = 0.9 }]";
    let names = runs(&experiment("[\"bp\", \"dp\", \"custom\"]", "", variants));
    let of = |rule: &str| names.iter().filter(|name| name.starts_with(&format!("{rule}-"))).count();
    assert_eq!((of("bp"), of("dp"), of("custom")), (1, 1, 2), "{names:?}");
    // What `--set` has left over of the rules is no fault of the grid.
    let bench = experiment("[\"bp\", \"dp\"]", "", "\"nudge.alpha\" = [0.1, 0.5]");
    let done = bench.run("experiments check e.toml --set rules=[\"bp\"]");
    assert!(done.status == 0 && done.stdout.contains("runs: 1"), "{}{}", done.stdout, done.stderr);
}

#[test]
fn a_value_that_is_another_in_other_words_is_refused() {
    for (grid, place, twin) in [
        ("\"neuron.capacitance\" = [\"100 fF\", 2e-13, \"0.1 pF\"]", "[2]", "\"100 fF\""),
        ("\"nudge.alpha\" = [0, 0.5, 0.0]", "[2]", "found 0.0"),
        ("\"neuron.activation\" = [\"tanh\", { kind = \"tanh\", scale = 1 }]", "[1]", "\"tanh\""),
        ("\"nudge.alpha\" = [0.5, 0.5]", "", "different values"),
        ("nudge = [{ variant = \"dp\" }, { variant = \"dp-transpose\" }]", "[1]", "to every run"),
    ] {
        let bench = experiment("[\"dp\"]", "", grid);
        bench.refuse("experiments check e.toml", &["e.toml:13", place, twin]);
    }
}

#[test]
fn the_same_key_twice_is_refused_by_every_command_however_it_is_spelt() {
    let bench = good();
    let beta = ["nudge.beta", "circuit.nudge.beta", "nudge.\"beta\""];
    for other in beta {
        for command in
            ["gradient FILES --vary", "yield FILES --margin 0 --chips 2 --vary", "stability FILES --map"]
        {
            let option = command.rsplit(' ').next().unwrap();
            let line =
                format!("{command} nudge.beta=0.05:0.5:2 {option} {other}=1:3:2").replace("FILES", FILES);
            bench.refuse(&line, &[option, "both axes are `nudge.beta`"]);
        }
        for command in ["settle", "stability", "noise"] {
            let line = format!("{command} {FILES} --set nudge.beta=0.5 --set {other}=0.25");
            bench.refuse(
                &line,
                &[&format!("--set {other}=0.25"), "`nudge.beta` is set twice", "--set nudge.beta=0.5"],
            );
        }
    }
    let done = bench.run(&format!("settle {FILES} --set nudge.beta=0.5 --set circuit.nudge.beta=0.5"));
    assert_eq!(done.status, 0, "the same value twice is one: {}", done.stderr);
    let twice =
        format!("yield {FILES} --margin 0 --chips 2 --tolerance gain_dtod --tolerance mismatch.gain_dtod");
    bench.refuse(&twice, &["--tolerance gain_dtod", "twice"]);
    bench.refuse(
        &format!("gradient {FILES} --vary nudge.beta=1:1.0000000000000002:3"),
        &["3 points", "different"],
    );
    let bench = experiment("[\"dp\"]", "", "\"nudge.alpha\" = [0.1]\n\"circuit.nudge.alpha\" = [0.2]");
    bench.refuse("run e.toml", &["e.toml:1", "nudge.alpha", "set the same thing"]);
    let bench = experiment("[\"dp\"]", "", "\"nudge.alpha\" = [0.1, 0.2]");
    bench.refuse("run e.toml --set epochs=1 --set epochs=2", &["--set epochs=2", "twice", "--set epochs=1"]);
    bench.refuse("run e.toml --set seeds=[3] --seed 4", &["--seed", "twice", "--set seeds"]);
}

#[test]
fn a_name_that_no_folder_can_have_is_refused() {
    let bench = experiment("[\"dp\"]", "", "\"nudge.alpha\" = [0.1]");
    let text = fs::read_to_string(bench.path("e.toml")).unwrap();
    let long = "x".repeat(300);
    for (name, word) in [
        ("", "folder"),
        ("..", "folder"),
        ("a/b", "folder"),
        ("a\\\\b", "folder"),
        ("a\\u001b[31m", "control characters"),
        ("a\\nb", "control characters"),
        ("con", "device"),
        ("ends.", "folder"),
        (&long, "at most 200 bytes (it has 300)"),
    ] {
        bench.write("e.toml", &text.replace("\"keys\"", &format!("\"{name}\"")));
        bench.refuse("run e.toml", &["e.toml:1", "`name`", word]);
    }
    bench.write("c.toml", "name = \"a\\u0007b\"");
    bench.refuse("circuits check c.toml", &["c.toml:1", "`name`", "control characters"]);
}
