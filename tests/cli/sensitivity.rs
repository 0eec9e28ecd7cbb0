//! `sensitivity`: what it promises to people and programs, and what it refuses.

use nalgebra::dmatrix;

use crate::bench::Bench;

const FILES: &str = "c.toml --weights w.safetensors --input x.safetensors --target y.safetensors";

/// A linear 1-1-1 chain of DP with spreads of offsets and gains, two samples.
fn chain() -> Bench {
    let bench = Bench::new();
    bench.linear("dp", 0.25, 0.5);
    let circuit = std::fs::read_to_string(bench.path("c.toml")).unwrap();
    bench.write("c.toml", &format!("{circuit}[mismatch]\noffset_dtod = \"5 mV\"\ngain_dtod = 0.02\n"));
    bench.weights(&[(dmatrix![0.8], vec![0.1]), (dmatrix![1.0], vec![0.2])]);
    bench.batch(&dmatrix![0.5; 0.25], &dmatrix![1.0; 0.0]);
    bench
}

#[test]
fn the_example_of_its_help_is_answered_in_words_tables_and_a_figure() {
    let bench = chain();
    let help = bench.run("sensitivity --help").stdout;
    // The page is as wide as a terminal: the example may be broken.
    let example = help.split_once("Example:").unwrap().1.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        help.contains("--nominal") && example.starts_with("dyadsim sensitivity circuits/chip-180nm.toml"),
        "{help}"
    );
    let line = example.replace("dyadsim ", "").replace("circuits/chip-180nm.toml", "chip-180nm");
    let done = bench.run(&line);
    assert_eq!(done.status, 0, "{}", done.stderr);
    for words in [
        "used      2 of 2 samples",
        "what moves the gradient most: ",
        "margin    ",
        "the nominal ones",
        "[mismatch]",
    ] {
        assert!(done.stdout.contains(words), "{words}: {}", done.stdout);
    }
    for name in [
        "sensitivity.csv",
        "sensitivity_layers.parquet",
        "sensitivity.json",
        "study.toml",
        "figures/sensitivity.svg",
    ] {
        assert!(bench.path("results/sensitivity").join(name).is_file(), "{name}");
    }
}

#[test]
fn groups_are_ranked_and_totals_are_those_of_the_groups() {
    let bench = chain();
    let json = bench.run(&format!("sensitivity {FILES} --nominal --quiet --json")).json();
    let rows = json["sensitivity"].as_array().unwrap();
    // Offset, scale, gain and time constant of both sides, mixing, bias and synapse, of two layers.
    assert_eq!(rows.len(), 2 * 11);
    let row = |parameter: &str, layer: u64| {
        rows.iter().find(|row| row["parameter"] == parameter && row["layer"] == layer).unwrap()
    };
    let number = |row: &serde_json::Value, key: &str| row[key].as_f64().unwrap();
    // docs/model.md §3.3: dμ/dw₂ of μ³ − 0.25 μ² − 0.25 w₂² = 0, and what moves no loop moves no margin.
    let mu = (0..60)
        .fold(0.7_f64, |mu, _| mu - (mu.powi(3) - 0.25 * mu.powi(2) - 0.25) / (3.0 * mu.powi(2) - 0.5 * mu));
    let exact = -0.5 / (3.0 * mu.powi(2) - 0.5 * mu);
    assert!((number(row("synapse", 2), "margin_largest") - exact).abs() < 1e-9);
    assert!((number(&json["summary"], "margin") - (1.0 - mu)).abs() < 1e-9);
    assert!(
        number(row("offset_plus", 1), "margin").abs() < 1e-12
            && number(row("bias", 2), "margin").abs() < 1e-12
    );
    assert!(row("time_constant_plus", 1)["gradient"].is_null());
    assert_eq!(row("synapse", 2)["margin_device"], "synapse.2.0.0");
    // The spread of a compartment is 1/√2 of that of the pair; what has no spread has no movement by it.
    let offset = row("offset_minus", 2);
    assert!((number(offset, "spread") - 5e-3 / 2.0_f64.sqrt()).abs() < 1e-12);
    assert!(
        (number(offset, "gradient_spread") - number(offset, "gradient") * number(offset, "spread")).abs()
            < 1e-12
    );
    assert!(row("scale_plus", 1)["gradient_spread"].is_null());
    for key in ["gradient_spread", "margin_spread"] {
        let sum: f64 = rows.iter().filter_map(|row| row[key].as_f64()).map(|x| x * x).sum();
        assert!((number(&json["summary"], key) - sum.sqrt()).abs() < 1e-12, "{key}");
    }
    let ranking = json["ranking"]["gradient"].as_array().unwrap();
    assert_eq!((json["ranking"]["by"].as_str(), ranking.len()), (Some("spread"), 8));
    // The nominal devices are those of the circuit without spreads.
    let plain =
        format!("sensitivity {FILES} --set mismatch.offset_dtod=0 --set mismatch.gain_dtod=0 --quiet --json");
    let plain = bench.run(&plain).json();
    assert_eq!(plain["sensitivity"][0]["gradient"], rows[0]["gradient"]);
    assert_eq!(
        (plain["ranking"]["by"].as_str(), plain["summary"]["gradient_spread"].is_null()),
        (Some("step"), true)
    );
    assert_ne!(
        bench.run(&format!("sensitivity {FILES} --quiet --json")).json()["sensitivity"],
        json["sensitivity"]
    );
}

#[test]
fn the_answer_is_asked_again_and_drawn_again_with_the_same_bytes() {
    let bench = chain();
    let line = format!("sensitivity {FILES} --nominal --set nudge.alpha=0.3 --quiet");
    assert_eq!(bench.run(&format!("{line} --threads 1 --out one")).status, 0);
    assert_eq!(bench.run(&format!("{line} --threads 2 --out two")).status, 0);
    assert_eq!(bench.run("run one/study.toml --quiet --out again").status, 0);
    assert_eq!(bench.run("plot one --out drawn").status, 0);
    let bytes = |path: &str| std::fs::read(bench.path(path)).unwrap();
    for name in ["sensitivity.csv", "sensitivity_layers.csv", "sensitivity.json", "figures/sensitivity.svg"] {
        assert_eq!(bytes(&format!("one/{name}")), bytes(&format!("two/{name}")), "{name}");
        assert_eq!(bytes(&format!("one/{name}")), bytes(&format!("again/{name}")), "{name}");
    }
    assert_eq!(bytes("one/figures/sensitivity.png"), bytes("drawn/sensitivity.png"));
    bench.refuse(&format!("{line} --out one"), &["one exists", "--force"]);
}

#[test]
fn a_circuit_without_loops_says_that_its_margin_has_no_derivative() {
    let bench = chain();
    let line = format!("sensitivity {FILES} --nominal --set nudge.variant=dp-transpose");
    let done = bench.run(&format!("{line} --out one"));
    assert_eq!(done.status, 0, "{}", done.stderr);
    assert!(done.stdout.contains("multiple"), "{}", done.stdout);
    assert!(bench.run(&format!("{line} --json --quiet")).json()["sensitivity"][0]["margin"].is_null());
    assert!(bench.path("one/figures/sensitivity.svg").is_file());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bench = chain();
    let free = FILES.replace(" --target y.safetensors", "");
    bench.refuse(&format!("sensitivity {free}"), &["needs --target"]);
    bench.refuse(&format!("sensitivity {FILES} --set nudge.beta=0"), &["nudge.beta"]);
    bench.refuse(&format!("sensitivity {FILES} --set nudge.at=free"), &["`nudge.at` = \"free\"", "mean"]);
    bench.refuse(
        &format!("sensitivity {FILES} --set readout.chopping=true"),
        &["readout.chopping", "auto_zero"],
    );
    bench.refuse(
        &format!("sensitivity {FILES} --set amplifier.gain=1000"),
        &["[amplifier]", "accepted: an ideal amplifier"],
    );
    let clocked = FILES.replace("c.toml", "switched-capacitor-65nm");
    bench.refuse(&format!("sensitivity {clocked}"), &["[clock]"]);
    bench.refuse(&format!("sensitivity {FILES} --precision f32"), &["--precision f32"]);
    // Beyond its threshold the chain has no stable equilibrium.
    let done = bench.run(&format!("sensitivity {FILES} --nominal --set nudge.beta=3 --quiet"));
    assert_eq!(done.status, 1, "{}", done.stdout);
    assert!(done.stderr.contains("no sample has a stable equilibrium"), "{}", done.stderr);
}
