//! `noise`: what it promises to programs, and what it refuses.

use nalgebra::{DMatrix, dmatrix};

use crate::bench::Bench;

const NOISE: &str =
    "noise c.toml --weights w.safetensors --input x.safetensors --target y.safetensors --quiet --json";

/// A linear 1-1-1 chain with thermal noise and two samples.
fn chain() -> Bench {
    let bench = Bench::new();
    bench.linear("dp-transpose", 0.5, 0.5);
    let circuit = std::fs::read_to_string(bench.path("c.toml")).unwrap();
    bench.write("c.toml", &format!("{circuit}kind = \"exponential-heun\"\n[noise.thermal]\nexcess = 1.0\n"));
    bench.weights(&[(dmatrix![0.8], vec![0.1]), (dmatrix![1.5], vec![0.2])]);
    bench.batch(&dmatrix![0.5; 0.25], &dmatrix![1.0; 0.0]);
    bench
}

#[test]
fn a_program_gets_predictions_measurements_and_a_spectrum() {
    let json = chain().run(&format!("{NOISE} --time 100 --psd v_plus.1.0 --sample 1")).json();
    assert_eq!(json["nodes"][0], "v_plus.1.0");
    for key in ["nodes", "predicted_rms_v", "measured_rms_v", "standard_error_v"] {
        assert_eq!(json[key].as_array().unwrap().len(), 4, "{key}");
    }
    assert!(json["measured_samples"].as_u64().unwrap() > 1000);
    assert_eq!(json["agreement"]["agrees"], true);
    let (frequency, psd) =
        (json["frequency_hz"].as_array().unwrap(), json["psd_v2_per_hz"].as_array().unwrap());
    assert_eq!(frequency.len(), psd.len());
    assert!(!json["measured_psd"]["psd_v2_per_hz"].as_array().unwrap().is_empty());
    // A linear circuit with transposed gains has no bias: the error falls up to the strongest nudge, which is
    // no best one.
    assert!(json["best_beta"].is_null() && json["best_place"] == "high", "{json}");
    assert!(json["largest_safe_beta"].is_null() && json["least_angle_deg"].as_f64().is_some());
}

#[test]
fn a_free_compartment_has_k_t_over_c_and_its_lorentzian() {
    // One layer: with a second, the noise of its error would come back even without a nudge.
    let bench = chain();
    bench.weights(&[(dmatrix![0.8], vec![0.1])]);
    let free = NOISE.replace("--target y.safetensors ", "");
    let json = bench.run(&format!("{free} --time 0 --psd v_plus.1.0")).json();
    // kT/C at 300 K and 100 fF; density 4kT/g over 1 + (ωτ)².
    let kt = 1.380649e-23 * 300.0;
    let rms = json["predicted_rms_v"][0].as_f64().unwrap();
    assert!((rms / (kt / 1e-13_f64).sqrt() - 1.0).abs() < 1e-12, "{rms:e}");
    assert!(json["measured_rms_v"][0].is_null() && json["agreement"]["agrees"].is_null());
    for (f, s) in
        json["frequency_hz"].as_array().unwrap().iter().zip(json["psd_v2_per_hz"].as_array().unwrap())
    {
        let exact = 4.0 * kt / 1e-7 / (1.0 + (std::f64::consts::TAU * f.as_f64().unwrap() * 1e-6).powi(2));
        assert!((s.as_f64().unwrap() / exact - 1.0).abs() < 1e-12);
    }
    assert_eq!(json["angle"].as_array().unwrap().len(), 0);
}

#[test]
fn tables_are_written_once_and_redrawn() {
    let bench = chain();
    assert_eq!(bench.run(&format!("{NOISE} --time 20 --psd error.1.0 --out res")).status, 0);
    for name in [
        "noise.csv",
        "noise.parquet",
        "noise_psd.csv",
        "noise_angle.csv",
        "noise.json",
        "figures/noise-rms.png",
    ] {
        assert!(bench.path("res").join(name).exists(), "{name}");
    }
    bench.refuse(&format!("{NOISE} --time 20 --out res"), &["res exists", "--force"]);
    assert_eq!(bench.run("plot res --out again").status, 0);
    let bytes = |folder: &str| std::fs::read(bench.path(folder).join("noise-psd.svg")).unwrap();
    assert_eq!(bytes("again"), bytes("res/figures"));
    bench.refuse("plot res --only loss --out other", &["no figure is called `loss`", "noise-rms"]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bench = chain();
    bench.refuse(&format!("{NOISE} --sample 2"), &["--sample 2", "2 samples", "0 to 1"]);
    bench.refuse(&format!("{NOISE} --psd v_plus.1.1"), &["v_plus.1.1", "no such node", "did you mean"]);
    bench.refuse(&format!("{NOISE} --time -3"), &["--time -3", "accepted"]);
    bench.refuse(&format!("{NOISE} --family-error 1"), &["--family-error 1", "accepted"]);
    bench.refuse(&format!("{NOISE} --set noise.thermal.excess=0"), &["no noise", "noise.thermal"]);
    bench.refuse(&format!("{NOISE} --set solver.kind=etd"), &["exponential-heun"]);
}

#[test]
fn an_unstable_circuit_is_told_and_not_computed() {
    let bench = chain();
    let done = bench.run(&format!("{NOISE} --set nudge.variant=dp --set nudge.alpha=0.1 --set nudge.beta=2"));
    assert_eq!(done.status, 1, "{}", done.stdout);
    assert!(done.stderr.contains("not stable") && done.stdout.is_empty(), "{}", done.stderr);
}

#[test]
fn outputs_of_a_large_circuit_are_those_of_the_chain_that_it_adds_up_to() {
    // Hidden neurons that all hear and pass the same are, for a linear output, one neuron with √n times the
    // weight.
    let bench = chain();
    let predicted = |line: &str| {
        let json = bench.run(line).json();
        let of = |name: &str| {
            let nodes = json["nodes"].as_array().unwrap();
            let place = nodes.iter().position(|node| node == name).unwrap();
            json["predicted_rms_v"][place].as_f64().unwrap()
        };
        (["v_plus.2.0", "v_minus.2.0"].map(of), json)
    };
    let line = format!("{NOISE} --set nudge.variant=dp --set nudge.alpha=0.3 --set nudge.beta=0.2");
    let (small, _) = predicted(&format!("{line} --time 0"));
    let n = 1300;
    let each = 1.5 / (n as f64).sqrt();
    bench.weights(&[
        (DMatrix::from_element(n, 1, 0.8), vec![0.1; n]),
        (DMatrix::from_element(1, n, each), vec![0.2]),
    ]);
    let (large, json) = predicted(&format!("{line} --time 10 --set solver.step=0.1 --psd error.1.7"));
    for (small, large) in small.into_iter().zip(large) {
        assert!((large / small - 1.0).abs() < 1e-6, "{large:e} {small:e}"); // ten times what a Krylov space may leave
    }
    assert_eq!(json["agreement"]["agrees"], true);
    assert_eq!((json["layers"].as_array().unwrap().len(), json["angle"].as_array().unwrap().len()), (2, 0));
    assert!(!json["psd_v2_per_hz"].as_array().unwrap().is_empty());
}

#[test]
fn noise_that_both_compartments_of_an_output_share_is_none_in_its_error() {
    let bench = Bench::new();
    bench.write(
        "c.toml",
        "network = [3, 4, 3]\nneuron.activation = \"tanh\"\n[nudge]\nvariant = \"dp\"\nalpha = 0.7\nbeta = 0.3\n\
         at = \"free\"\n[solver]\nkind = \"exponential-heun\"\n[noise.supply]\npsd = \"3e-15 V^2/Hz\"\n\
         bandwidth = \"200 kHz\"\n",
    );
    bench.weights(&[
        (
            dmatrix![0.13, -0.13, 0.64; 0.10, -0.54, 0.36; 1.3, 0.95, -0.7; -1.27, -0.62, 0.04],
            vec![-0.23, -0.02, -0.12, -0.07],
        ),
        (
            dmatrix![-0.54, -0.32, 0.41, 1.04; -0.13, 1.37, -0.67, 0.35; 0.9, 0.09, -0.74, -0.92],
            vec![-0.05, 0.02, -0.1],
        ),
    ]);
    bench.batch(&dmatrix![0.39, 0.14, 0.72], &dmatrix![1.0, 0.0, 0.0]);
    let json = bench.run(&format!("{NOISE} --time 100")).json();
    assert_eq!(json["agreement"]["agrees"], true, "{}", json["agreement"]);
    assert_eq!(json["agreement"]["comparisons"], 28);
    let layers = json["layers"].as_array().unwrap();
    let output = layers.iter().find(|row| row["layer"] == 2 && row["quantity"] == "error").unwrap();
    assert_eq!((&output["noise"], &output["measured_noise"]), (&0.0.into(), &0.0.into()), "{output}");
    let text = bench.run(&format!("{NOISE} --time 100").replace("--quiet --json", "")).stdout;
    assert!(!text.contains("NaN") && text.contains("agree (28 read-outs"), "{text}");
}

#[test]
fn steps_follow_the_fastest_compartment() {
    let bench = Bench::new();
    for (solver, time) in [("heun", 100), ("exponential-heun", 100), ("exponential-em\"\nstep = 0.02 #", 60)]
    {
        bench.write(
            "c.toml",
            &format!(
                "[neuron]\nactivation = \"tanh\"\ncapacitance = \"10 fF\"\n[nudge]\nvariant = \"dp\"\nalpha = 0.3\nbeta = 0.3\n\
                 [noise.thermal]\nexcess = 1.0\n[mismatch]\nseed = 1\ndistribution = \"lognormal\"\n\
                 time_constant_dtod = 0.8\n[solver]\nkind = \"{solver}\"\n"
            ),
        );
        bench.weights(&[
            (
                dmatrix![0.2, 0.47, 0.19; -0.75, 0.52, 0.26; -0.31, 0.34, 0.21; 0.17, 0.02, 0.32],
                vec![-0.07, -0.02, -0.05, 0.06],
            ),
            (dmatrix![0.02, -0.15, -0.39, -0.13; 0.0, -0.14, 0.65, 0.5], vec![-0.27, -0.19]),
        ]);
        bench.batch(&dmatrix![0.09, 0.24, 0.8], &dmatrix![1.0, 0.0]);
        let json = bench.run(&format!("{NOISE} --seed 1 --time {time}")).json();
        assert_eq!(json["agreement"]["agrees"], true, "{solver}: {}", json["agreement"]);
    }
}

#[test]
fn work_without_end_is_refused_with_its_sum_and_what_would_fit() {
    let bench = chain();
    for (option, words) in [
        ("--time 1e9", ["--time 1000000000", "2.0e10 steps", "accepted:"]),
        ("--time 1e7 --psd v_plus.1.0", ["--psd keeps", "1.3e10 numbers", "accepted:"]),
        ("--set solver.max_time=1e300", ["solver.max_time", "1e9 or less", "--set"]),
        (
            "--set solver.step=1e-5 --set solver.max_time=1e8",
            ["solver.max_time", "1.0e13 steps", "1.0e3 or less"],
        ),
        ("--set readout.time=1e9", ["readout.time", "2.0e16 steps", "5 s or less"]),
        ("--set neuron.capacitance=1e-300", ["neuron.capacitance", "C/g", "1.0e-293 s"]),
        (
            "--set noise.supply.psd=1e-9 --set noise.supply.bandwidth=1e308",
            ["noise.supply.bandwidth", "finite", "accepted"],
        ),
        (
            "--set noise.flicker.coefficient=1e-24 --set noise.flicker.low=1e-310",
            ["noise.flicker.low", "948 processes", "e-128 Hz or more"],
        ),
        (
            "--set noise.telegraph.amplitude=1e-9 --set noise.telegraph.capture=1e-12 --set noise.telegraph.emission=1e-12",
            ["noise.telegraph.capture", "1.0e6 times", "shot noise of 1.56 pA"],
        ),
        (
            "--set noise.synapse_telegraph.amplitude=1e-3 --set noise.synapse_telegraph.capture=1e-12 \
             --set noise.synapse_telegraph.emission=1e-12",
            ["noise.synapse_telegraph.capture", "1.0e6 times", "read noise"],
        ),
    ] {
        bench.refuse(&format!("{NOISE} {option}"), &words);
    }
    bench.write("clock.toml", "[clock]\nfrequency = 1e30\n[solver]\nkind = \"clocked\"\n");
    let settle = NOISE.replace("noise c.toml", "settle clock.toml").replace("--quiet ", "");
    bench.refuse(&settle, &["clock.frequency", "1.0e26 periods", "Hz or less"]);
}
