//! `stability` against the closed forms of docs/model.md §3.

use dyadsim_core::chip::Weights;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::spec::{CircuitSpec, InitSpec};
use nalgebra::dmatrix;

use crate::bench::Bench;

const STABILITY: &str =
    "stability c.toml --weights w.safetensors --input x.safetensors --target y.safetensors --json --quiet";
const TAU: f64 = 1e-6;

/// A linear 1-1-1 chain with two samples.
fn chain(variant: &str, alpha: f64, beta: f64, w2: f64) -> Bench {
    let bench = Bench::new();
    bench.linear(variant, alpha, beta);
    bench.weights(&[(dmatrix![0.8], vec![0.1]), (dmatrix![w2], vec![0.2])]);
    bench.batch(&dmatrix![0.5; 0.25], &dmatrix![1.0; 0.0]);
    bench
}

#[test]
fn dp_below_one_half_latches_up_beyond_the_threshold_of_the_closed_form() {
    let (alpha, w2) = (0.2, 1.5);
    let threshold = 1.0 / ((1.0 - 2.0 * alpha) * (1.0 + w2 * w2)); // docs/model.md §3.3
    for (factor, verdict) in [(0.98, "stable"), (1.02, "latch-up")] {
        let json = chain("dp", alpha, factor * threshold, w2).run(STABILITY).json();
        let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "spectral_abscissa_per_s",
                "spectral_abscissa_tau",
                "eigenvalues",
                "verdict",
                "on_rails",
                "beta_threshold",
                "worst_sample",
                "worst_eigenvalues",
                "not_found",
                "chip"
            ]
        );
        assert_eq!(json["verdict"], verdict);
        assert!((json["beta_threshold"].as_f64().unwrap() / threshold - 1.0).abs() < 1e-12);
        let abscissa = json["spectral_abscissa_per_s"].as_f64().unwrap();
        assert_eq!(abscissa > 0.0, factor > 1.0);
        assert!((abscissa * TAU - json["spectral_abscissa_tau"].as_f64().unwrap()).abs() < 1e-12);
        assert_eq!(json["not_found"].as_array().unwrap().len(), 0);
    }
}

#[test]
fn the_eigenvalues_solve_the_cubic_of_the_chain() {
    let (alpha, beta, w2) = (0.9, 0.7, 3.0);
    let json = chain("dp", alpha, beta, w2).run(STABILITY).json();
    let c = 2.0 * alpha - 1.0;
    let eigenvalues = json["eigenvalues"].as_array().unwrap();
    assert_eq!(eigenvalues.len(), 4, "one per compartment");
    assert_eq!(eigenvalues[0][0], json["spectral_abscissa_per_s"]);
    // λ = (μ − 1)/τ with μ³ + cβ μ² + cβ w₂² = 0, or μ = 0 (docs/model.md §3.4).
    let mut at_zero = 0;
    for pair in eigenvalues {
        let (re, im) = (pair[0].as_f64().unwrap(), pair[1].as_f64().unwrap());
        let mu = nalgebra::Complex::new(1.0 + re * TAU, im * TAU);
        let cubic = mu * mu * mu + mu * mu * c * beta + c * beta * w2 * w2;
        at_zero += usize::from(mu.norm() < 1e-9);
        assert!(mu.norm() < 1e-9 || cubic.norm() < 1e-9, "{mu} is no root: {cubic}");
    }
    assert_eq!(at_zero, 1);
}

#[test]
fn dp_above_one_half_oscillates_with_enough_gain_and_has_no_threshold() {
    for (w2, verdict) in [(1.5, "stable"), (10.0, "oscillation")] {
        let json = chain("dp", 1.0, 1.0, w2).run(STABILITY).json();
        assert_eq!(json["verdict"], verdict);
        assert!(json["beta_threshold"].is_null());
    }
}

#[test]
fn linear_dp_transposed_keeps_its_leak_as_the_only_eigenvalue() {
    let json = chain("dp-transpose", 0.1, 5.0, 20.0).run(STABILITY).json();
    assert_eq!(json["verdict"], "stable");
    assert!((json["spectral_abscissa_tau"].as_f64().unwrap() + 1.0).abs() < 1e-9);
}

#[test]
fn the_verdict_is_that_of_the_worst_sample() {
    // A relu neuron that is off opens the loop: sample 0 is stable, sample 1 is not.
    let bench = chain("dp", 0.2, 1.0, 1.5);
    let circuit = std::fs::read_to_string(bench.path("c.toml")).unwrap();
    bench.write("c.toml", &circuit.replace("\"linear\"\n[nudge]", "\"relu\"\n[nudge]"));
    bench.batch(&dmatrix![-2.0; 2.0], &dmatrix![0.2; 2.75]);
    let json = bench.run(STABILITY).json();
    assert_eq!((json["verdict"].as_str(), json["worst_sample"].as_u64()), (Some("latch-up"), Some(1)));
    assert!(json["eigenvalues"][0][0].as_f64() < Some(0.0), "those of the first sample");
    assert_eq!(json["worst_eigenvalues"][0][0], json["spectral_abscissa_per_s"]);
    let told = bench.run(&STABILITY.replace(" --json --quiet", "")).stdout;
    assert!(told.contains("rightmost eigenvalues of sample 1"), "{told}");
}

#[test]
fn whatever_settles_has_its_fixed_point_found() {
    // Kinks trap Newton's method on a few of these samples; the circuit itself finds the way.
    let bench = Bench::new();
    bench.linear("dp", 0.1, 0.05);
    let circuit = std::fs::read_to_string(bench.path("c.toml")).unwrap();
    bench.write("c.toml", &circuit.replace("\"linear\"\n[nudge]", "\"relu\"\n[nudge]"));
    let network = [16, 30, 20, 10];
    let weights = Weights::<f64>::draw(&InitSpec::He, &CircuitSpec::default(), &network, 1);
    bench.weights(&weights.forward.into_iter().zip(weights.biases).collect::<Vec<_>>());
    let samples = 40;
    bench.batch(
        &Matrix::from_fn(samples, 16, |i, j| (1.7 * (16 * i + j) as f64).sin().abs()),
        &Matrix::from_fn(samples, 10, |i, j| f64::from(u8::from(i % 10 == j))),
    );
    let settled = bench.run(&STABILITY.replace("stability", "settle")).json();
    assert_eq!(settled["counts"]["settled"], samples);
    let json = bench.run(STABILITY).json();
    assert_eq!(
        (json["not_found"].as_array().map(Vec::len), json["verdict"].as_str()),
        (Some(0), Some("stable"))
    );
}

#[test]
fn people_read_verdict_and_threshold() {
    let done = chain("dp", 0.2, 0.3, 1.5).run(&STABILITY.replace(" --json --quiet", ""));
    assert_eq!(done.status, 0);
    for words in ["verdict", "stable", "threshold of β      0.512821", "eigenvalues of sample"] {
        assert!(done.stdout.contains(words), "{words}: {}", done.stdout);
    }
}

#[test]
fn limits_are_told_in_one_line_with_the_failure_that_comes_first() {
    let threshold = 1.0 / (0.6 * (1.0 + 1.5 * 1.5));
    let bench = chain("dp", 0.2, 0.3, 1.5);
    let json = bench.run(&format!("{STABILITY} --limits --up-to 3")).json();
    assert!((json["limit"].as_f64().unwrap() / threshold - 1.0).abs() < 1e-6, "{json}");
    assert_eq!((json["failure"].as_str(), json["safe"].as_bool()), (Some("latch-up"), Some(true)));
    assert_eq!((&json["confirmed"], &json["foreseen"]["event"]), (&true.into(), &"infinity".into()));
    assert_eq!(json["samples"].as_array().map(Vec::len), Some(2));
    let told = bench.run(&STABILITY.replace("--json --quiet", "--limits --up-to 3")).stdout;
    for words in ["largest safe β      0.512821", "β = 0.3 is safe", "closed form of β*   0.512821"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let none = chain("dp-transpose", 0.2, 0.3, 1.5).run(&format!("{STABILITY} --limits --up-to 3")).json();
    assert!(none["limit"].is_null() && none["safe"] == true, "{none}");
}

#[test]
fn limits_of_chips_come_with_their_confidence() {
    let bench = chain("dp", 0.2, 0.3, 1.5);
    let json = bench
        .run(&format!("{STABILITY} --limits --up-to 1 --chips 3 --set mismatch.offset_dtod=0.01"))
        .json();
    let chips = json["chips"].as_array().unwrap();
    assert_eq!(chips.iter().map(|chip| chip["seed"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1, 2]);
    let share = json["lowest_is_reached_by"]["share"].as_f64().unwrap();
    assert!((share.powi(3) - 0.05).abs() < 1e-12, "all three above it with the probability left over");
    assert_eq!(json["bounds"].as_array().map(Vec::len), Some(0), "three chips bound no 90 %");
}

#[test]
fn a_branch_is_followed_written_and_drawn_again() {
    let bench = chain("dp", 1.0, 0.3, 10.0);
    let json = bench.run(&format!("{STABILITY} --follow nudge.beta=0:1 --sample 1 --out branch")).json();
    // 2 K² + (8 − w₂²) K + 8 = 0 with K = β here, ω² = 3 + 2 K: docs/model.md §3.4 at μ = 1 + iω.
    let k = (92.0 - (92.0_f64 * 92.0 - 64.0).sqrt()) / 4.0;
    let event = &json["events"][0];
    assert_eq!(
        (event["event"].as_str(), json["end"].as_str()),
        (Some("hopf"), Some("reached the end of the range"))
    );
    assert!((event["parameter"].as_f64().unwrap() / k - 1.0).abs() < 1e-8, "{event}");
    let period = std::f64::consts::TAU * TAU / (3.0 + 2.0 * k).sqrt();
    assert!((event["period_s"].as_f64().unwrap() / period - 1.0).abs() < 1e-8, "{event}");
    for file in
        ["branch.csv", "branch.parquet", "branch_outputs.csv", "branch_events.csv", "figures/branch.png"]
    {
        assert!(bench.path("branch").join(file).exists(), "{file}");
    }
    let drawn = bench.run("plot branch --out again --json --quiet").json();
    assert_eq!(drawn["figures"][0]["name"], "branch");
    let again = bench.run(&format!("{STABILITY} --follow nudge.beta=0:1 --out branch"));
    again.refused(&["branch", "--force"]);
}

#[test]
fn the_gain_of_all_weights_may_be_followed() {
    // 1-1-1 chain, DP at α = 0.2: β* = 1/(0.6 (1 + g² w₂²)), so that g = √(1/(0.6 β) − 1)/w₂ where β = 0.3.
    let gain = (1.0_f64 / (0.6 * 0.3) - 1.0).sqrt() / 1.5;
    let json = chain("dp", 0.2, 0.3, 1.5).run(&format!("{STABILITY} --follow weights.gain=0.1:5")).json();
    assert_eq!(json["stable_until_event"], "infinity");
    assert!((json["stable_until"].as_f64().unwrap() / gain - 1.0).abs() < 1e-8, "{json}");
}

#[test]
fn attractors_are_counted_and_the_linear_chain_has_one() {
    let bench = chain("dp", 0.2, 0.3, 1.5);
    let json = bench.run(&format!("{STABILITY} --attractors 20")).json();
    assert_eq!((json["multistable_samples"].as_u64(), json["starts"].as_u64()), (Some(0), Some(20)));
    assert_eq!(json["samples"][0]["attractors"][0]["starts"], 20);
    // A chain of saturating devices beyond its threshold has two, and both are found.
    bench.batch(&dmatrix![0.0; 0.0], &dmatrix![0.0; 0.0]);
    bench.weights(&[(dmatrix![0.8], vec![0.0]), (dmatrix![1.5], vec![0.0])]);
    let json = bench
        .run(&format!(
            "{STABILITY} --attractors 20 --set nudge.beta=3 \
         --set neuron.activation=tanh --set neuron.output_activation=tanh"
        ))
        .json();
    let found = json["samples"][0]["attractors"].as_array().unwrap();
    // The free start rests at 0 V, which repels, so that it leads nowhere or stays there by symmetry.
    let starts: u64 = found.iter().map(|attractor| attractor["starts"].as_u64().unwrap()).sum();
    let reached = found.iter().filter(|attractor| attractor["starts"].as_u64() > Some(0)).count();
    assert_eq!((starts, reached), (20, 2), "{json}");
}

#[test]
fn what_the_modes_cannot_take_is_refused() {
    let bench = chain("dp", 0.2, 0.3, 1.5);
    let run = |more: &str| bench.run(&format!("{} {more}", STABILITY.replace("--json --quiet", "")));
    run("--follow nudge.beta").refused(&["KEY=FROM:TO", "nudge.beta=0:2"]);
    run("--follow nudge.bet=0:1").refused(&["nudge.bet", "did you mean `beta`"]);
    run("--follow nudge.alpha=0:2").refused(&["nudge.alpha"]);
    run("--follow nudge.beta=0:1 --sample 2").refused(&["--sample 2", "0 to 1"]);
    run("--limits --up-to 0").refused(&["--up-to 0", "above 0"]);
    run("--limits --attractors 3").refused(&["--limits", "--attractors"]);
    run("--attractors 3 --spread=-1").refused(&["--spread", "above 0"]);
}
