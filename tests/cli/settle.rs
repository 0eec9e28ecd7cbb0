//! `settle` against closed forms: linear chains by hand, gradients against backpropagation.

use dyadsim_core::matrix::measure::{Largest, larger};
use std::fs;

use dyadsim_core::matrix::Matrix;
use dyadsim_core::spec::SolverKind;
use nalgebra::dmatrix;
use serde_json::Value;

use crate::bench::Bench;

const SETTLE: &str = "settle c.toml --weights w.safetensors --input x.safetensors";
const NUDGED: &str = "settle c.toml --weights w.safetensors --input x.safetensors --target y.safetensors";
/// States are settled to 1e-13 V + 1e-11 of themselves; a factor of 1000 for the loop's gain.
const CLOSE: f64 = 1e-9;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// A 1-1-1 chain with two samples.
fn chain(bench: &Bench, variant: &str, alpha: f64, beta: f64) {
    bench.linear(variant, alpha, beta);
    bench.weights(&[(dmatrix![0.8], vec![0.1]), (dmatrix![-1.5], vec![0.2])]);
    bench.batch(&dmatrix![0.5; 0.25], &dmatrix![1.0; -0.5]);
}

/// `v⁺_1, v⁻_1, v⁺_2, v⁻_2` of that chain (docs/model.md §2 solved by hand): with `c = α a⁺ − ᾱ a⁻` the
/// output error is `e = (free output − y)/(1 + cβ (1 + w₂²))`, then `δ₂ = −β e` since `a⁺ + a⁻ = 1`, and
/// `s̄₁` feels `c w₂ δ₂`.
fn by_hand(variant: &str, alpha: f64, beta: f64, x: f64, y: f64) -> [f64; 4] {
    let (w1, b1, w2, b2) = (0.8, 0.1, -1.5, 0.2);
    let (plus, minus) = if variant == "dp" { (alpha, 1.0 - alpha) } else { (1.0 - alpha, alpha) };
    let c = alpha * plus - (1.0 - alpha) * minus;
    let free = w2 * (w1 * x + b1) + b2;
    let error = (free - y) / (1.0 + c * beta * (1.0 + w2 * w2));
    let back = -w2 * beta * error;
    let output = w2 * (w1 * x + b1 + c * back) + b2;
    [
        w1 * x + b1 + plus * back,
        w1 * x + b1 - minus * back,
        output - plus * beta * error,
        output + minus * beta * error,
    ]
}

#[test]
fn a_free_chain_settles_at_its_feed_forward_state() {
    let bench = Bench::new();
    chain(&bench, "dp", 0.7, 0.0); // β = 0 is fine without a target
    let json = bench.run(&format!("{SETTLE} --json --quiet --out state --set solver.start=zero")).json();
    assert_eq!(keys(&json), ["samples", "counts", "solver", "chip"]);
    assert_eq!(keys(&json["samples"][0]), ["outcome", "residual", "time_s", "loss"]);
    assert_eq!(json["samples"].as_array().unwrap().len(), 2);
    assert_eq!(json["samples"][1]["outcome"], "settled");
    assert!(json["samples"][0]["loss"].is_null());
    assert!(json["samples"][0]["residual"].as_f64().unwrap() < 1e-10);
    assert_eq!((json["counts"]["settled"].as_u64(), json["counts"]["latch-up"].as_u64()), (Some(2), Some(0)));
    assert!(json["solver"]["steps"].as_u64() > Some(0) && json["solver"]["rhs_evals"].as_u64() > Some(0));
    let state = bench.tensors("state/state.safetensors");
    let names: Vec<_> = state.names().collect();
    assert_eq!(names, ["v_minus.1", "v_minus.2", "v_plus.1", "v_plus.2"], "no gradient without a target");
    for side in ["v_plus", "v_minus"] {
        let hidden = state.matrix::<f64>(&format!("{side}.1"), (2, 1)).unwrap();
        assert!((hidden - dmatrix![0.5; 0.3]).largest() < CLOSE); // 0.8 x + 0.1
        let output = state.matrix::<f64>(&format!("{side}.2"), (2, 1)).unwrap();
        assert!((output - dmatrix![-0.55; -0.25]).largest() < CLOSE); // −1.5 hidden + 0.2
    }
}

#[test]
fn nudged_chains_settle_where_the_equations_are_solved_by_hand() {
    for (variant, alpha, beta) in [("dp", 0.75, 0.4), ("dp", 0.3, 0.2), ("dp-transpose", 0.2, 0.7)] {
        let bench = Bench::new();
        chain(&bench, variant, alpha, beta);
        let json = bench.run(&format!("{NUDGED} --json --out state")).json();
        let state = bench.tensors("state/state.safetensors");
        for (sample, (x, y)) in [(0.5, 1.0), (0.25, -0.5)].into_iter().enumerate() {
            let hand = by_hand(variant, alpha, beta, x, y);
            for (name, wanted) in ["v_plus.1", "v_minus.1", "v_plus.2", "v_minus.2"].iter().zip(hand) {
                let found = state.matrix::<f64>(name, (2, 1)).unwrap()[sample];
                assert!((found - wanted).abs() < CLOSE, "{variant} {alpha} {name}: {found} for {wanted}");
            }
            let free = -1.5 * (0.8 * x + 0.1) + 0.2;
            let loss = json["samples"][sample]["loss"].as_f64().unwrap();
            assert!((loss - 0.5 * (free - y).powi(2)).abs() < CLOSE, "loss is that of the free output");
        }
    }
}

#[test]
fn a_single_neuron_is_moved_by_the_nudge_and_its_trace_decays_with_tau() {
    let (alpha, beta, x, y) = (0.25, 0.6, 0.5, 1.0);
    let bench = Bench::new();
    bench.linear("dp-transpose", alpha, beta);
    bench.weights(&[(dmatrix![2.0], vec![-0.3])]);
    bench.batch(&dmatrix![x], &dmatrix![y]);
    bench.run(&format!("{NUDGED} --json --out state --trace 50")).json();
    let state = bench.tensors("state/state.safetensors");
    let mean = 2.0 * x - 0.3;
    // DPᵀ leaves the mean alone, so each compartment relaxes exponentially from the free state.
    let (up, down) = (-(1.0 - alpha) * beta * (mean - y), alpha * beta * (mean - y));
    let end = |name: &str| state.matrix::<f64>(name, (1, 1)).unwrap()[0];
    assert!((end("v_plus.1") - mean - up).abs() < CLOSE && (end("v_minus.1") - mean - down).abs() < CLOSE);
    let times = state.vector::<f64>("t", 50).unwrap();
    assert!(times[0] == 0.0 && times.as_slice().windows(2).all(|t| t[1] > t[0]));
    let tau = 1e-6;
    for (name, moved) in [("trace.v_plus.1", up), ("trace.v_minus.1", down)] {
        assert_eq!(state.shape(name).unwrap(), [50, 1, 1]);
        let trace = state.array::<f64>(name).unwrap();
        for (time, found) in times.iter().zip(trace) {
            let wanted = mean + moved * (1.0 - (-time / tau).exp());
            assert!((found - wanted).abs() < CLOSE, "{name} at {time}: {found} for {wanted}");
        }
    }
}

#[test]
fn a_trace_has_common_times_and_a_sample_that_ended_keeps_its_last_state() {
    let bench = Bench::new();
    bench.linear("dp-transpose", 0.5, 0.5);
    bench.weights(&[(dmatrix![1.0, 0.0; 0.0, 1.0], vec![0.0, 0.0])]);
    // The second sample is at its target: nothing moves it.
    bench.batch(&dmatrix![0.1, 0.9; 0.5, 0.5], &dmatrix![1.0, 0.0; 0.5, 0.5]);
    bench.run(&format!("{NUDGED} --json --out state --trace 9")).json();
    let state = bench.tensors("state/state.safetensors");
    assert_eq!(state.shape("trace.v_plus.1").unwrap(), [9, 2, 2]);
    let trace = state.array::<f64>("trace.v_plus.1").unwrap();
    let last = state.matrix::<f64>("v_plus.1", (2, 2)).unwrap();
    for (i, &value) in trace[8 * 4..].iter().enumerate() {
        assert!((value - last[(i / 2, i % 2)]).abs() < CLOSE, "the last point is the final state");
    }
    assert!((0..9).all(|t| (trace[4 * t + 2] - 0.5).abs() < CLOSE && (trace[4 * t + 3] - 0.5).abs() < CLOSE));
}

#[test]
fn a_ringing_chain_is_traced_along_the_exponential_of_its_jacobian() {
    let (alpha, beta, w2) = (1.0, 1.0, -4.0); // DP at α = 1: a⁺ = 1, a⁻ = 0; rings, and settles
    for solver in SolverKind::ALL.into_iter().filter(|kind| kind.is_adaptive()).map(SolverKind::name) {
        let bench = Bench::new();
        bench.linear("dp", alpha, beta);
        bench.weights(&[(dmatrix![0.8], vec![0.1]), (dmatrix![w2], vec![0.2])]);
        bench.batch(&dmatrix![0.5], &dmatrix![1.0]);
        let line = format!("{NUDGED} --json --quiet --out state --trace 200 --set solver.kind={solver}");
        assert_eq!(bench.run(&line).json()["counts"]["settled"], 1);
        let state = bench.tensors("state/state.safetensors");
        // τ dv/dt = A v + u for v = (v⁺_1, v⁻_1, v⁺_2, v⁻_2); means are v⁺ since α = 1 (docs/model.md §2).
        let a = dmatrix![
            -1.0, 0.0, w2, -w2;
            0.0, -1.0, 0.0, 0.0;
            w2, 0.0, -1.0 - beta, 0.0;
            w2, 0.0, 0.0, -1.0
        ];
        let u = dmatrix![0.5; 0.5; 0.2 + beta; 0.2];
        let end = -(a.clone().try_inverse().unwrap() * u);
        let start = dmatrix![0.5; 0.5; 0.5 * w2 + 0.2; 0.5 * w2 + 0.2];
        let times = state.vector::<f64>("t", 200).unwrap();
        let mut worst = 0.0_f64;
        for (name, row) in [("v_plus.1", 0), ("v_minus.1", 1), ("v_plus.2", 2), ("v_minus.2", 3)] {
            let trace = state.array::<f64>(&format!("trace.{name}")).unwrap();
            for (time, found) in times.iter().zip(trace) {
                let wanted = (&end + (&a * (time / 1e-6)).exp() * (&start - &end))[row];
                worst = larger(worst, (found - wanted).abs());
            }
        }
        // The steps are exact to 1e-9 V; between the long ones of dop853 5e-6 V were measured.
        assert!(worst < 2e-5, "{solver}: {worst:.1e} V");
    }
}

#[test]
fn the_gradient_of_linear_dp_transposed_is_that_of_backpropagation() {
    let bench = Bench::new();
    bench.linear("dp-transpose", 0.3, 0.9);
    let (w1, w2) = (dmatrix![0.5, -1.0; 1.5, 0.25; -0.75, 2.0], dmatrix![1.0, -0.5, 0.5; 0.25, 1.0, -2.0]);
    let (b1, b2) = (vec![0.1, -0.2, 0.3], vec![0.0, 0.5]);
    let (x, y) = (dmatrix![0.2, 0.4; 0.9, 0.1; 0.5, 0.5; 0.0, 1.0], dmatrix![1., 0.; 0., 1.; 1., 0.; 0., 1.]);
    bench.weights(&[(w1.clone(), b1.clone()), (w2.clone(), b2.clone())]);
    bench.batch(&x, &y);
    let json = bench.run(&format!("{NUDGED} --json --out state")).json();

    let add = |m: Matrix<f64>, b: &[f64]| Matrix::from_fn(m.nrows(), m.ncols(), |i, j| m[(i, j)] + b[j]);
    let hidden = add(&x * w1.transpose(), &b1);
    let output = add(&hidden * w2.transpose(), &b2);
    let (up, samples) = (&output - &y, 4.0);
    let down = &up * &w2;
    let state = bench.tensors("state/state.safetensors");
    let far = |name: &str, wanted: Matrix<f64>| {
        (state.matrix::<f64>(name, wanted.shape()).unwrap() - wanted).largest()
    };
    assert!(far("grad.W.2", up.transpose() * &hidden / samples) < CLOSE);
    assert!(far("grad.W.1", down.transpose() * &x / samples) < CLOSE);
    for (name, error) in [("grad.b.1", &down), ("grad.b.2", &up)] {
        let found = state.vector::<f64>(name, error.ncols()).unwrap();
        let wanted = error.row_sum().transpose() / samples;
        assert!((found - wanted).largest() < CLOSE, "{name}");
    }
    for (i, sample) in json["samples"].as_array().unwrap().iter().enumerate() {
        let class = usize::from(output[(i, 1)] > output[(i, 0)]);
        assert_eq!(sample["prediction"].as_u64(), Some(class as u64), "one-hot targets make a classifier");
    }
}

#[test]
fn a_circuit_that_latches_up_is_a_result_without_a_gradient() {
    let bench = Bench::new();
    chain(&bench, "dp", 0.0, 2.0); // β* = 1/(1 + 1.5²) = 0.31
    let done = bench.run(&format!("{NUDGED} --json --out state --set solver.max_time=200"));
    let json = done.json();
    assert_eq!(json["counts"]["latch-up"], 2);
    assert_eq!(json["samples"][0]["outcome"], "latch-up");
    assert!(done.stderr.contains("no gradient estimate"), "{}", done.stderr);
    assert!(!bench.tensors("state/state.safetensors").contains("grad.W.1"));
}

#[test]
fn every_solver_gives_the_same_state_and_sweeps_have_no_time() {
    let bench = Bench::new();
    chain(&bench, "dp", 0.75, 0.4);
    for kind in SolverKind::ALL.into_iter().filter(|kind| !kind.is_stochastic()) {
        let solver = kind.name();
        let json =
            bench.run(&format!("{NUDGED} --json --quiet --out {solver} --set solver.kind={solver}")).json();
        assert_eq!(json["counts"]["settled"], 2, "{solver}");
        assert_eq!(json["samples"][0]["time_s"].is_null(), kind.is_timeless());
        let found = bench.tensors(&format!("{solver}/state.safetensors")).matrix::<f64>("v_plus.1", (2, 1));
        let wanted = by_hand("dp", 0.75, 0.4, 0.5, 1.0)[0];
        assert!((found.unwrap()[0] - wanted).abs() < CLOSE, "{solver}");
    }
}

#[test]
fn the_bytes_of_a_state_do_not_depend_on_the_threads() {
    let bench = Bench::new();
    bench.linear("dp", 0.6, 0.3);
    let wave = |i: usize| (i as f64 * 0.7).sin();
    bench.weights(&[
        (Matrix::from_fn(7, 3, |i, j| wave(3 * i + j)), vec![0.1; 7]),
        (Matrix::from_fn(2, 7, |i, j| 0.5 * wave(7 * i + j)), vec![0.0; 2]),
    ]);
    // More than one shard of 64 samples.
    let samples = 150;
    bench.batch(
        &Matrix::from_fn(samples, 3, |i, j| wave(3 * i + j).abs()),
        &Matrix::from_fn(samples, 2, |i, j| f64::from(u8::from(i % 2 == j))),
    );
    for threads in ["1", "2"] {
        bench.run(&format!("{NUDGED} --json --out {threads} --trace 5 --threads {threads}")).json();
    }
    let bytes = |folder: &str| fs::read(bench.path(folder).join("state.safetensors")).unwrap();
    assert!(bytes("1") == bytes("2"));
}

#[test]
fn people_get_a_table_and_programs_get_nothing_else() {
    let bench = Bench::new();
    chain(&bench, "dp", 0.75, 0.4);
    let human = bench.run(NUDGED);
    assert_eq!((human.status, human.stderr.as_str()), (0, ""));
    for words in ["linear: a⁺ 0.75", "1-1-1", "settled", "worst residual"] {
        assert!(human.stdout.contains(words), "{words}: {}", human.stdout);
    }
    assert_eq!(bench.run(&format!("{NUDGED} --quiet")).stdout, "");
    // The summary used to be on standard error then: a script that keeps both streams got it between its
    // numbers.
    for line in [format!("{NUDGED} --json"), format!("{NUDGED} --json --quiet")] {
        let done = bench.run(&line);
        assert!(done.json().is_object() && done.stderr.is_empty(), "{}", done.stderr);
    }
}

#[test]
fn a_state_is_replaced_only_with_force_and_never_with_other_files() {
    let bench = Bench::new();
    chain(&bench, "dp", 0.75, 0.4);
    assert_eq!(bench.run(&format!("{NUDGED} --out state")).status, 0);
    bench.refuse(&format!("{NUDGED} --out state"), &["state exists", "--force"]);
    let before = fs::read(bench.path("state/state.safetensors")).unwrap();
    assert_eq!(bench.run(&format!("{SETTLE} --out state --force")).status, 0);
    assert_ne!(fs::read(bench.path("state/state.safetensors")).unwrap(), before);
    bench.write("state/notes.txt", "mine");
    bench.refuse(&format!("{SETTLE} --out state --force"), &["other files", "another --out"]);
}

#[test]
fn separate_feedback_synapses_are_read_and_must_be_asked_for() {
    let bench = Bench::new();
    chain(&bench, "dp-transpose", 0.5, 0.5);
    let separate = format!("{NUDGED} --set feedback.synapses=separate");
    bench.refuse(&separate, &["w.safetensors", "`F.2`", "separate"]);
    let mut writer = dyadsim::record::tensors::TensorWriter::new();
    for (name, value) in [("W.1", 0.8), ("W.2", -1.5), ("F.2", 0.0)] {
        writer.matrix(name, &dmatrix![value]);
    }
    writer.vector("b.1", &[0.1]);
    writer.vector("b.2", &[0.2]);
    writer.write(&bench.path("w.safetensors")).unwrap();
    bench.refuse(NUDGED, &["`F.k`", "shared", "--set feedback.synapses=separate"]);
    bench.run(&format!("{separate} --json --out state")).json();
    let state = bench.tensors("state/state.safetensors");
    let at = |name: &str| state.matrix::<f64>(name, (2, 1)).unwrap();
    assert!((at("v_plus.1") - at("v_minus.1")).largest() < CLOSE, "no error comes back through F = 0");
}

#[test]
fn auto_zero_takes_offsets_out_of_the_gradient_estimate_at_the_price_of_a_second_relaxation() {
    let (alpha, beta, x, y) = (0.3, 0.05, 0.5, 1.0);
    let bench = Bench::new();
    bench.linear("dp-transpose", alpha, beta);
    bench.weights(&[(dmatrix![0.8], vec![0.1]), (dmatrix![-1.5], vec![0.2])]);
    bench.batch(&dmatrix![x], &dmatrix![y]);
    let gradient = |name: &str, settings: &str| {
        let json = bench.run(&format!("{NUDGED} --json --out {name} {settings}")).json();
        let state = bench.tensors(&format!("{name}/state.safetensors"));
        let all = ["grad.W.1", "grad.W.2"].map(|k| state.matrix::<f64>(k, (1, 1)).unwrap()[0]);
        (all, json["solver"]["rhs_evals"].as_u64().unwrap())
    };
    let offset = "--set mismatch.offset_dtod=10mV --seed 4";
    let (plain, once) = gradient("plain", offset);
    let (zeroed, twice) = gradient("zeroed", &format!("{offset} --set readout.auto_zero=true"));
    let (ideal, _) = gradient("ideal", "");
    // The chain by hand: ∂ℓ/∂w of ½(s̄₂ − y)². Offsets move s̄ by some 10 mV and with it the true gradient,
    // no more.
    let output: f64 = -1.5 * (0.8 * x + 0.1) + 0.2;
    let exact = [-1.5 * (output - y) * x, (output - y) * (0.8 * x + 0.1)];
    for k in 0..2 {
        assert!((ideal[k] - exact[k]).abs() < 1e-7, "{ideal:?} {exact:?}"); // states to 1e-9 V, over β
        assert!((zeroed[k] - exact[k]).abs() < 0.06, "{zeroed:?} {exact:?}");
    }
    // Without it the output alone brings some 10 mV / β = 0.2 V.
    let worst = plain.iter().zip(exact).map(|(a, b)| (a - b).abs()).fold(0.0, larger);
    assert!(worst > 0.06, "{plain:?} {exact:?}");
    assert!(twice > once);
}
