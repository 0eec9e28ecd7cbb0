//! What numbers are read from which state, and how they are shown.

use nalgebra::dmatrix;
use serde_json::Value;

use crate::bench::Bench;

const FILES: &str = "c.toml --weights w.safetensors --input x.safetensors --target y.safetensors";

/// A linear net of two outputs whose free circuit says (0.5, 0.4) V to an input that belongs to class 1.
fn wrong_class(bench: &Bench, beta: f64) {
    bench.linear("dp-transpose", 0.5, beta);
    bench.weights(&[(dmatrix![0.5; 0.4], vec![0.0, 0.0])]);
    bench.batch(&dmatrix![1.0], &dmatrix![0.0, 1.0]);
}

#[test]
fn predictions_and_losses_of_settle_are_those_of_the_free_circuit() {
    // ½(0.5² + 0.6²), whatever the nudge does to the outputs; at β = 2 it would pull them over to the label.
    let exact = 0.305;
    for beta in [0.0, 1e-3, 2.0] {
        let bench = Bench::new();
        wrong_class(&bench, beta);
        let json = bench.run(&format!("settle {FILES} --json --quiet")).json();
        assert_eq!(json["samples"][0]["prediction"], 0, "{beta}");
        let loss = json["samples"][0]["loss"].as_f64().unwrap();
        assert!((loss - exact).abs() < 1e-9, "{beta}: {loss}"); // states to 1e-9 V
        let graded = &json["graded"];
        assert_eq!((&graded["phase"], &graded["noisy"]), (&Value::from("free"), &Value::from(false)));
        assert_eq!((&graded["right"], &graded["predictions"]), (&Value::from(0), &Value::from(1)));
        let told = bench.run(&format!("settle {FILES}")).stdout;
        assert!(
            told.contains("the free circuit (no nudge)") && told.contains("0 of 1 predictions"),
            "{told}"
        );
    }
}

#[test]
fn targets_without_a_nudge_grade_and_are_refused_where_they_must_pull() {
    let bench = Bench::new();
    wrong_class(&bench, 0.0);
    bench.run(&format!("settle {FILES} --json --quiet --out state")).json();
    let state = bench.tensors("state/state.safetensors");
    assert!(!state.contains("grad.W.1"), "no gradient without a nudge");
    for command in ["stability", "noise", "spice --out d.cir", "gradient --vary nudge.alpha=0.2:0.4:2"] {
        bench.refuse(&format!("{command} {FILES}"), &["nudge.beta", "above 0"]);
    }
}

#[test]
fn a_noisy_inference_is_graded_with_its_noise() {
    // 1 aF at 300 K: √(kT/C) = 64 mV in every compartment.
    let bench = Bench::new();
    wrong_class(&bench, 0.0);
    let samples = 40;
    let ones = nalgebra::DMatrix::from_element(samples, 1, 1.0);
    let targets = nalgebra::DMatrix::from_fn(samples, 2, |_, j| if j == 0 { 1.0 } else { 0.0 });
    bench.batch(&ones, &targets);
    let noisy = "--set noise.thermal.excess=1.0 --set solver.kind=exponential-em --set solver.max_time=30 \
                 --set neuron.capacitance=1aF --set neuron.leak=1pS";
    let json = bench.run(&format!("settle {FILES} --json --quiet {noisy}")).json();
    assert_eq!(json["graded"]["noisy"], true);
    let losses: Vec<f64> =
        json["samples"].as_array().unwrap().iter().map(|s| s["loss"].as_f64().unwrap()).collect();
    assert!(losses.windows(2).any(|pair| pair[0] != pair[1]), "each sample has noise of its own");
    // Without noise the loss is ½(0.5² + 0.4²) = 0.205. Two means of two compartments bring ½ σ² = 2 mV²
    // more; a draw of it is spread by √(0.5² + 0.4²) σ/√2 = 29 mV, the mean of 40 by 5 mV: 0.05 is ten times
    // that.
    let mean = losses.iter().sum::<f64>() / samples as f64;
    assert!((mean - 0.205).abs() < 0.05, "{mean}");
}

/// A 1-1-1 chain whose feedback is so strong that its border is at some 1e-9.
fn steep(bench: &Bench) {
    bench.write(
        "c.toml",
        "[neuron]\nactivation = \"linear\"\n[nudge]\nvariant = \"dp\"\nalpha = 0.25\nbeta = 0.2\n",
    );
    bench.weights(&[(dmatrix![1.0], vec![0.0]), (dmatrix![30000.0], vec![0.0])]);
    bench.batch(&dmatrix![0.5], &dmatrix![1.0]);
}

#[test]
fn a_tiny_limit_is_found_to_its_promise_and_printed_with_its_digits() {
    let bench = Bench::new();
    steep(&bench);
    let exact = 1.0 / (0.5 * (1.0 + 9e8));
    let json = bench.run(&format!("stability {FILES} --limits --json --quiet")).json();
    let found = json["limit"].as_f64().unwrap();
    assert!((found / exact - 1.0).abs() < 1e-6, "{found:e} for {exact:e}");
    assert_eq!(json["confirmed"], true, "{json}");
    let told = bench.run(&format!("stability {FILES} --limits")).stdout;
    for words in
        ["largest safe β      2.22222e-9", "closed form of β*   2.22222e-9", "infinity at 2.22222e-9"]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(told.contains("NOT safe, 9e7 of the limit"), "{told}");
    let told = bench.run(&format!("stability {FILES}")).stdout;
    assert!(told.contains("threshold of β      2.22222e-9"), "{told}");
}

#[test]
fn the_end_of_a_branch_in_a_tiny_setting_is_printed_with_its_digits() {
    let bench = Bench::new();
    steep(&bench);
    let line = format!("stability {FILES} --set nudge.beta=1e-10 --follow neuron.capacitance=1e-15:1e-13");
    let told = bench.run(&line).stdout;
    assert!(told.contains("stable up to neuron.capacitance = 1e-13"), "{told}");
}
