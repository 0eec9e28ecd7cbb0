//! The reference circuits that are built in: every command takes each of them.

use dyadsim_core::matrix::Matrix;

use crate::bench::Bench;

/// Name, and how its samples end.
const CIRCUITS: [(&str, &str); 3] = [
    ("ota-subthreshold-180nm", "noisy-settled"),
    ("opamp-memristor", "settled"),
    ("switched-capacitor-65nm", "noisy-settled"),
];

/// A 3-4-2 net with two samples.
fn bench() -> Bench {
    let bench = Bench::new();
    let weight = |i: usize, j: usize| 0.5 * ((3 * i + 7 * j) as f64).sin();
    bench.weights(&[
        (Matrix::from_fn(4, 3, weight), vec![0.1; 4]),
        (Matrix::from_fn(2, 4, |i, j| weight(i + 1, j)), vec![0.0; 2]),
    ]);
    bench.batch(
        &Matrix::from_row_slice(2, 3, &[0.2, 0.9, 0.5, 0.7, 0.1, 0.4]),
        &Matrix::from_row_slice(2, 2, &[1.0, 0.0, 0.0, 1.0]),
    );
    bench
}

#[test]
fn reference_circuits_settle_and_are_stable() {
    let bench = bench();
    for (circuit, outcome) in CIRCUITS {
        let files = "--weights w.safetensors --input x.safetensors --target y.safetensors --json --quiet";
        let settled = bench.run(&format!("settle {circuit} {files}")).json();
        assert_eq!(settled["counts"][outcome], 2, "{circuit}: {settled}");
        let stability = bench.run(&format!("stability {circuit} {files}")).json();
        assert_eq!(stability["verdict"], "stable", "{circuit}");
        // DPᵀ at α = ½ with differences that are small: near −1/τ.
        let abscissa = stability["spectral_abscissa_tau"].as_f64().unwrap();
        assert!((-1.2..-0.7).contains(&abscissa), "{circuit}: {abscissa}");
        let multiplier = stability.get("multiplier").map(|value| value.as_f64().unwrap());
        assert_eq!(multiplier.is_some(), circuit.starts_with("switched"), "{circuit}");
        assert!(multiplier.is_none_or(|multiplier| (0.75..0.85).contains(&multiplier)), "{multiplier:?}"); // 1 − r = 0.8
    }
}

#[test]
fn reference_circuits_train() {
    for (circuit, outcome) in CIRCUITS {
        let bench = Bench::new();
        let file = format!("{}/circuits/{circuit}.toml", env!("CARGO_MANIFEST_DIR"));
        bench.write(
            "e.toml",
            &format!(
                "name = \"short\"\ncircuit = {file:?}\nnetwork = [64, 8, 10]\nepochs = 1\nbatch = 20\nseeds = [1]\n\
                 dataset = {{ kind = \"digits\", train = 60, test = 40 }}\nrules = [\"dp-transpose\"]\ninit = \"he\"\n\
                 optimizer = {{ kind = \"sgd\", learning_rate = 0.1 }}\n"
            ),
        );
        let done = bench.run("run e.toml --out out --quiet");
        assert_eq!(done.status, 0, "{circuit}: {}", done.stderr);
        let metrics = std::fs::read_to_string(bench.path("out/metrics.csv")).unwrap();
        let (head, last) = (metrics.lines().next().unwrap(), metrics.lines().last().unwrap());
        let column = head.split(',').position(|name| name == outcome.replace('-', "_")).unwrap();
        let share: f64 = last.split(',').nth(column).unwrap().parse().unwrap();
        assert!(share > 0.9, "{circuit}: {share} {outcome}");
    }
}

#[test]
fn what_knows_no_clock_refuses_a_circuit_with_one() {
    let bench = bench();
    let files = "--weights w.safetensors --input x.safetensors --target y.safetensors";
    bench.refuse(
        &format!("noise switched-capacitor-65nm {files}"),
        &["has a clock (10 MHz)", "accepted: a circuit without `[clock]`"],
    );
    bench.refuse(
        &format!("settle switched-capacitor-65nm {files} --set solver.kind=etd"),
        &["solver.kind", "\"clocked\", as the circuit has a `[clock]`"],
    );
    bench.refuse(
        &format!("settle ideal {files} --set solver.kind=clocked"),
        &["solver.kind", "a section `[clock]` with `frequency` beside it"],
    );
}
