//! Questions about circuits whose layers speak both ways, on two linear neurons in closed form.
//!
//! `v_1 = 0.5 + w v_2`, `v_2 = w v_1 + 0.2 − β (v_2 − y)` with `w = ½`: at rest at 0.8 and 0.6 V, eigenvalues
//! `−1 − β/2 ± √(β²/4 + w²)` in units of 1/τ, and with the noise of its leaks the covariance `(kT/C)(1 − J)⁻¹`.

use nalgebra::dmatrix;

use crate::bench::{Bench, TIGHT};

const FILES: &str = "--weights w.safetensors --input x.safetensors";

/// Two samples of the two neurons; the second one is the first again.
fn two(kind: &str, more: &str) -> Bench {
    let bench = Bench::new();
    bench.write(
        "c.toml",
        &format!(
            "name = \"two\"\nkind = \"{kind}\"\nneuron.activation = \"linear\"\n\
             [nudge]\nat = \"mean\"\nbeta = 0.4\n{more}\n[solver]\n{TIGHT}\n"
        ),
    );
    bench.weights(&[(dmatrix![0.8], vec![0.1]), (dmatrix![0.5], vec![0.2])]);
    bench.batch(&dmatrix![0.5; 0.5], &dmatrix![1.0; 1.0]);
    bench
}

/// `(v_1, v_2)` at a nudge.
fn at_rest(beta: f64) -> (f64, f64) {
    // v_2 (1 + β − w²) = w/2 + 0.2 + β.
    let output = (0.25 + 0.2 + beta) / (0.75 + beta);
    (0.5 + 0.5 * output, output)
}

#[test]
fn settle_finds_the_equilibrium_and_grades_the_free_one() {
    let bench = two("hopfield", "");
    for (target, beta) in [("", 0.0), ("--target y.safetensors", 0.4)] {
        let done = bench.run(&format!("settle c.toml {FILES} {target} --out out --force --trace 9"));
        assert_eq!(done.status, 0, "{}", done.stderr);
        assert!(done.stdout.contains("settled") && !done.stdout.contains("a⁺"), "{}", done.stdout);
        let state = bench.tensors("out/state.safetensors");
        let (hidden, output) = at_rest(beta);
        for (name, value) in [("v.1", hidden), ("v.2", output)] {
            let found = state.matrix::<f64>(name, (2, 1)).unwrap();
            assert!(found.iter().all(|v| (v - value).abs() < 1e-9), "{name}: {found} {value}");
        }
        assert_eq!(state.shape("trace.v.2").unwrap(), [9, 2, 1]);
        // A nudged circuit starts where the free one rests.
        let start = state.array::<f64>("trace.v.2").unwrap()[0];
        assert!((start - if beta > 0.0 { 0.6 } else { 0.0 }).abs() < 1e-9, "{start}");
        assert!(!state.names().any(|name| name.starts_with("grad") || name.starts_with("v_")));
    }
    let json = bench.run(&format!("settle c.toml {FILES} --target y.safetensors --json --quiet")).json();
    assert_eq!(json["counts"]["settled"], 2);
    // ½ (0.6 − 1)².
    assert!((json["graded"]["mean_loss"].as_f64().unwrap() - 0.08).abs() < 1e-9);
}

#[test]
fn recurrent_dyads_rest_with_equal_compartments_where_the_hopfield_circuit_does() {
    let bench = two("recurrent-dyad", "");
    let done = bench.run(&format!("settle c.toml {FILES} --out out"));
    assert!(done.stdout.contains("recurrent dyads"), "{}{}", done.stdout, done.stderr);
    let state = bench.tensors("out/state.safetensors");
    for (name, value) in [("v_plus.1", 0.8), ("v_minus.1", 0.8), ("v_plus.2", 0.6), ("v_minus.2", 0.6)] {
        let found = state.matrix::<f64>(name, (2, 1)).unwrap();
        assert!(found.iter().all(|v| (v - value).abs() < 1e-9), "{name}: {found}");
    }
}

#[test]
fn stability_has_the_eigenvalues_of_the_linearised_circuit_with_and_without_a_nudge() {
    let bench = two("hopfield", "");
    for (target, beta) in [("", 0.0_f64), ("--target y.safetensors", 0.4)] {
        let json = bench.run(&format!("stability c.toml {FILES} {target} --json --quiet")).json();
        let root = (beta * beta / 4.0 + 0.25).sqrt();
        for (k, exact) in [-1.0 - beta / 2.0 + root, -1.0 - beta / 2.0 - root].into_iter().enumerate() {
            let found = json["eigenvalues"][k][0].as_f64().unwrap() * 1e-6;
            assert!((found - exact).abs() < 1e-9, "{found} {exact}");
        }
        assert_eq!(json["verdict"], "stable");
        assert!(json["beta_threshold"].is_null());
    }
    // A coupling above 1 has no equilibrium that stays: −1 + w is above 0.
    bench.weights(&[(dmatrix![0.8], vec![0.1]), (dmatrix![1.5], vec![0.2])]);
    let json = bench.run(&format!("stability c.toml {FILES} --json --quiet")).json();
    assert_eq!(json["verdict"], "latch-up");
    assert!((json["spectral_abscissa_tau"].as_f64().unwrap() - 0.5).abs() < 1e-9);
}

#[test]
fn noise_has_the_covariance_of_boltzmann_and_simulations_agree() {
    let noisy = "[noise.thermal]\nexcess = 1.0\n";
    let bench = two("hopfield", noisy);
    let solver = "--set solver.kind=exponential-heun --set solver.step=0.05";
    let psd = "--psd v.2.0 --out out";
    let json = bench.run(&format!("noise c.toml {FILES} {solver} {psd} --time 400 --json --quiet")).json();
    assert_eq!(json["nodes"], serde_json::json!(["v.1.0", "v.2.0"]));
    // (1 − J)⁻¹ has 4/3 on its diagonal.
    let exact = (4.0 / 3.0 * 1.380649e-23 * 300.0 / 1e-13_f64).sqrt();
    for k in 0..2 {
        let found = json["predicted_rms_v"][k].as_f64().unwrap();
        assert!((found / exact - 1.0).abs() < 1e-9, "{found:e} {exact:e}");
    }
    assert_eq!(json["agreement"]["agrees"], true, "{json}");
    let figure = std::fs::read_to_string(bench.path("out/figures/noise-rms.svg")).unwrap();
    assert!(figure.contains("potential") && !figure.contains("v⁺"));
    assert_eq!(bench.run("plot out --out again").status, 0);
    for kind in ["hopfield", "recurrent-dyad"] {
        let bench = two(kind, noisy);
        let line = format!("noise c.toml {FILES} --target y.safetensors {solver} --time 200 --json --quiet");
        let json = bench.run(&line).json();
        assert_eq!(json["agreement"]["agrees"], true, "{json}");
        assert_eq!(json["angle"].as_array().unwrap().len(), 0);
    }
    bench.refuse(&format!("noise c.toml {FILES} {solver} --psd v_plus.1.0"), &["v.K.J", "activity.K.J"]);
}

#[test]
fn gradient_holds_a_rule_against_recurrent_backpropagation() {
    let line = |rule: &str, vary: &str| {
        format!("gradient c.toml {FILES} --target y.safetensors {rule} --vary {vary} --json --quiet")
    };
    // Dyads whose gains are those of `DPᵀ` have no bias at any nudge where devices are linear.
    let cases = [
        ("hopfield", "--rule recurrent-bp", 0.0),
        ("hopfield", "--rule ep", 1.0),
        ("hopfield", "", 2.0),
        ("hopfield", "--rule ep-asymmetric", 1.0),
        ("recurrent-dyad", "--set nudge.variant=dp-transpose --set nudge.alpha=0.3", 0.0),
    ];
    for (kind, rule, order) in cases {
        let bench = two(kind, "");
        let json = bench.run(&line(rule, "nudge.beta=0.002:0.02:2 --no-refine")).json();
        let rows = json["gradient"].as_array().unwrap();
        let error = |x: f64| {
            let row = rows.iter().find(|row| row["layer"].is_null() && row["x"] == x).unwrap();
            row["squared_error"].as_f64().unwrap()
        };
        if order == 0.0 {
            assert!(error(0.002) < 1e-10, "{kind} {rule}: {:e}", error(0.002));
            continue;
        }
        // Of the squared error twice the order of the bias.
        let found = (error(0.02) / error(0.002)).log10() / 2.0;
        assert!((found - order).abs() < 0.1, "{kind} {rule}: {found}");
        assert!(json["summary"]["settings"].as_str().unwrap().contains("rule ep"));
        assert!(json["summary"]["unpredicted"].as_str().is_some());
    }
    let bench = two("hopfield", "");
    let vary = "nudge.beta=0.01:0.1:2";
    bench.refuse(&line("--rule dp", vary), &["--rule dp", "ep-centred"]);
    bench.refuse(&line("--rule nothing", vary), &["--rule nothing", "ep-asymmetric"]);
    bench.refuse(&line("--rule ep --set feedback.synapses=separate", vary), &["feedback"]);
    let dyads = two("dyad", "");
    dyads.refuse(&line("--rule ep", vary), &["--rule ep", "nudge.variant"]);
}

#[test]
fn a_deck_of_one_compartment_names_its_nodes_and_other_questions_are_refused() {
    let bench = two("hopfield", "");
    let target = "--target y.safetensors";
    assert_eq!(bench.run(&format!("spice c.toml {FILES} {target} --out d.cir")).status, 0);
    let map = std::fs::read_to_string(bench.path("d.json")).unwrap();
    assert!(map.contains("\"p1_0\": \"v.1.0\"") && map.contains("\"s2_0\": \"activity.2.0\""), "{map}");
    let deck = std::fs::read_to_string(bench.path("d.cir")).unwrap();
    assert!(deck.contains(".subckt neuron1 u p s PARAMS: CP=1 VP=0\n"), "{deck}");
    for question in [
        "stability --limits",
        "stability --follow nudge.beta=0:1",
        "stability --attractors 10",
        "stability --map nudge.beta=0.1:1:3 --map nudge.alpha=0:1:3",
        "sensitivity",
    ] {
        let (name, form) = question.split_once(' ').unwrap_or((question, ""));
        bench.refuse(&format!("{name} c.toml {FILES} {target} {form}"), &["hopfield", "asked of dyads"]);
    }
}

#[test]
fn predictive_coding_is_trained_alone() {
    let bench = two("hopfield", "");
    for question in [
        "settle",
        "stability",
        "noise --time 1",
        "gradient --vary nudge.beta=0.01:0.1:2",
        "spice --out d.cir",
    ] {
        let (name, form) = question.split_once(' ').unwrap_or((question, ""));
        let line =
            format!("{name} c.toml {FILES} --target y.safetensors --set kind=predictive-coding {form}");
        bench.refuse(&line, &["predictive-coding", "\"hopfield\""]);
    }
}
