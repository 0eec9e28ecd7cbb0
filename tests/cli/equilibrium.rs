//! Rules of circuits with one compartment a neuron, from the command line: their runs, and what they are refused
//! for.

use std::fs;

use crate::bench::Bench;

/// One hidden layer of smooth neurons, coupled weakly enough to have one equilibrium.
fn experiment(rules: &str, more: &str) -> String {
    format!(
        "name = 'e'\nnetwork = [64, 6, 10]\nepochs = 2\nbatch = 20\nseeds = [1]\ninit = {{ std = [0.1, 0.2] }}\n\
         dataset = {{ kind = 'digits', train = 60, test = 40 }}\nrules = [{rules}]\n\
         optimizer = {{ kind = 'adam', learning_rate = 0.002 }}\nprobe = 2\n{more}\n\
         [circuit]\nname = 'own'\n[circuit.neuron]\nactivation = 'tanh'\n[circuit.nudge]\nat = 'mean'\nbeta = 0.02\n"
    )
}

const ALL: &str = "'recurrent-bp', 'ep', 'ep-centred', 'ep-holomorphic', 'ep-oscillating', 'predictive-coding', 'chl', 'coupled', 'dp', 'bp'";

#[test]
fn every_rule_runs_beside_dyads_and_the_exact_gradient() {
    let bench = Bench::new();
    // A difference of two equilibria is known to the tolerance of the solver over β.
    let solver = "[circuit.solver]\nkind = 'dc'\nrtol = 1e-8\n";
    bench.write("e.toml", &(experiment(ALL, "ep = { points = 4, period = 8.0 }") + solver));
    let ran = bench.run("run e.toml --out out --quiet --precision f64");
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let metrics = fs::read_to_string(bench.path("out/metrics.csv")).unwrap();
    for name in [
        "recurrent-bp-s1",
        "ep-b0.02-s1",
        "ep-holomorphic-b0.02-s1",
        "predictive-coding-b0.02-s1",
        "chl-s1",
        "dp-a0.5-b0.02-s1",
    ] {
        assert_eq!(metrics.lines().filter(|line| line.starts_with(&format!("{name},"))).count(), 3, "{name}");
    }
    // What is asked of networks that are fed forward alone is refused with the run that is none.
    bench.refuse("robustness out", &["recurrent-bp-s1", "speak both ways"]);
    // The exact gradient has no angle to itself.
    let layers = fs::read_to_string(bench.path("out/layers.csv")).unwrap();
    let head: Vec<&str> = layers.lines().next().unwrap().split(',').collect();
    let column = head.iter().position(|name| *name == "angle_to_bp_deg").unwrap();
    let angles = |run: &str| -> Vec<f64> {
        let rows = layers.lines().filter(|line| line.starts_with(&format!("{run},")));
        rows.map(|row| row.split(',').nth(column).unwrap().parse().unwrap()).collect()
    };
    assert!(angles("recurrent-bp-s1").iter().all(|angle| *angle < 1e-3));
    let predictive = angles("predictive-coding-b0.02-s1");
    assert!(predictive.len() == 6 && predictive.iter().all(|angle| *angle < 10.0), "{predictive:?}");
    let centred = angles("ep-centred-b0.02-s1");
    assert!(centred.len() == 6 && centred.iter().all(|angle| (0.0..20.0).contains(angle)), "{centred:?}");
}

#[test]
fn a_run_with_noise_and_random_signs_has_the_same_bytes_for_any_number_of_threads() {
    let bench = Bench::new();
    let noisy = "ep = { sign = 'random' }";
    let text = experiment("'ep'", noisy)
        + "[circuit.noise.thermal]\nexcess = 1.0\n[circuit.solver]\nkind = 'exponential-em'\nstep = 0.2\nmax_time = 20.0\n";
    bench.write("e.toml", &text);
    assert_eq!(bench.run("run e.toml --out whole --quiet --threads 1").status, 0);
    let again = bench.run("run e.toml --out again --quiet --threads 2");
    assert_eq!(again.status, 0);
    let weights = "weights/ep-b0.02-s1.safetensors";
    let bytes = |folder: &str| fs::read(bench.path(&format!("{folder}/{weights}"))).unwrap();
    assert_eq!(bytes("whole"), bytes("again"));
}

#[test]
fn what_a_rule_is_not_defined_for_is_refused_with_what_would_be_right() {
    let bench = Bench::new();
    let refused = |rules: &str, more: &str, set: &str, words: &[&str]| {
        bench.write("e.toml", &experiment(rules, more));
        bench.refuse(&format!("run e.toml --out out {set}"), words);
    };
    refused(
        "'dp'",
        "",
        "--set circuit.kind=hopfield",
        &["circuit.kind", "\"dyad\", or no kind", "\"ep-centred\""],
    );
    refused("'ep'", "", "--set circuit.kind=dyad", &["circuit.kind", "\"hopfield\""]);
    refused("'ep'", "", "--set nudge.beta=-0.1", &["nudge.beta", "0 or more"]);
    refused("'ep'", "", "--set nudge.beta=0", &["nudge.beta", "divides by it"]);
    refused("'coupled'", "", "--set nudge.beta=1.5", &["nudge.beta", "at most 1"]);
    refused("'ep-holomorphic'", "ep = { points = 1 }", "", &["ep.points", "from 2"]);
    refused("'ep-oscillating'", "ep = { period = 0.0 }", "", &["ep.period", "above 0"]);
    refused(
        "'ep-holomorphic'",
        "",
        "--set neuron.activation=relu",
        &["neuron.activation", "complex", "\"tanh\""],
    );
    refused("'ep-holomorphic'", "", "--set nudge.loss=cross-entropy", &["nudge.loss", "mse"]);
    refused("'ep'", "", "--set feedback.synapses=separate", &["feedback.synapses", "symmetric"]);
    refused("'ep'", "", "--set solver.kind=layerwise", &["solver.kind", "speak both ways", "\"dc\""]);
    refused("'ep'", "", "--set nudge.at=drive", &["nudge.at", "\"own\""]);
    refused("'ep'", "", "--set readout.auto_zero=true", &["readout.auto_zero", "false"]);
    let predictive = "'predictive-coding'";
    refused(predictive, "", "--set neuron.activation=relu", &["neuron.activation", "slope", "\"tanh\""]);
    refused(predictive, "", "--set supply.low=0 --set supply.high=1", &["supply", "none"]);
    refused(predictive, "", "--set feedback.synapses=separate", &["feedback.synapses", "shared"]);
    refused(predictive, "", "--set circuit.kind=hopfield", &["circuit.kind", "\"predictive-coding\""]);
    refused("'ep-vector-field'", "ep = { homeostasis = 1.0 }", "", &["ep.homeostasis", "\"separate\""]);
    let separate = "--set feedback.synapses=separate";
    refused("'ep-vector-field'", "ep = { homeostasis = -1.0 }", separate, &["ep.homeostasis", "0 or more"]);
    let varied = "grid = { 'ep.homeostasis' = [0.0, 1.0] }";
    refused("'recurrent-bp'", varied, separate, &["ep.homeostasis", "`ep-vector-field`"]);
}
