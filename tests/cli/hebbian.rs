//! `hebbian`: what it promises to people and programs, and what it refuses.

use crate::bench::Bench;

const SMALL: &str = "hebbian --data digits --units 4 --batches 3 --batch 100";

#[test]
fn pictures_are_answered_in_words_tables_and_figures_for_any_number_of_threads() {
    let bench = Bench::new();
    assert!(bench.run("hebbian --help").stdout.contains("Brito & Gerstner"));
    let done = bench.run(&format!("{SMALL} --control --threads 1 --out one"));
    assert_eq!(done.status, 0, "{}", done.stderr);
    for words in ["localised and oriented", "gaussian", "of 4 units", "decorrelated"] {
        assert!(done.stdout.contains(words), "{words}: {}", done.stdout);
    }
    assert_eq!(bench.run(&format!("{SMALL} --control --threads 2 --out two")).status, 0);
    assert_eq!(bench.run("run one/study.toml --quiet --out three").status, 0);
    let bytes = |name: &str| std::fs::read(bench.path(name)).unwrap();
    for name in [
        "hebbian.csv",
        "hebbian_fields.csv",
        "hebbian_course.parquet",
        "hebbian.json",
        "figures/hebbian-fields.svg",
        "figures/hebbian-fits.png",
        "figures/hebbian-course.svg",
    ] {
        assert_eq!(bytes(&format!("one/{name}")), bytes(&format!("two/{name}")), "{name}");
        assert_eq!(bytes(&format!("one/{name}")), bytes(&format!("three/{name}")), "{name}");
    }
}

#[test]
fn the_sparse_source_is_found_and_has_no_fields() {
    let bench = Bench::new();
    let line = "hebbian --data sparse --rate 3 --batch 300 --batches 1500";
    let json = bench.run(&format!("{line} --quiet --json --out out")).json();
    let rows = json["hebbian"].as_array().unwrap();
    assert_eq!(rows.len(), 8);
    assert!(rows.iter().all(|row| row["cosine"].as_f64().unwrap().abs() > 0.95 && row["r2"].is_null()));
    assert!(bench.path("out/figures/hebbian-course.svg").is_file());
    assert!(!bench.path("out/figures/hebbian-fields.svg").is_file());
}

#[test]
fn devices_of_the_circuit_read_the_units_and_exact_ones_change_nothing() {
    let bench = Bench::new();
    let objective = |more: &str| {
        let json = bench.run(&format!("{SMALL} --quiet --json {more}")).json();
        let last = json["course"].as_array().unwrap().last().unwrap()["objective"].as_f64().unwrap();
        (last, json["summary"]["noise_v"].as_f64().unwrap())
    };
    let (ideal, silent) = objective("");
    assert_eq!((ideal, silent), objective("--set mismatch.offset_dtod=0 --set mismatch.synapse_dtod=0"));
    // kT/C of 1 fF at 300 K: 2.035 mV.
    let (noisy, volts) = objective("--set noise.sampled.capacitance=1e-15");
    assert!(noisy != ideal && (volts - 2.0352e-3).abs() < 1e-6, "{volts}");
    assert!(objective("--set mismatch.offset_dtod=0.01").0 != ideal);
    assert!(objective("--set mismatch.synapse_dtod=0.1").0 != ideal);
    let told = bench.run("hebbian chip-180nm --data digits --units 4 --batches 1 --batch 100");
    assert!(told.stderr.contains("do not act here"), "{}", told.stderr);
}

#[test]
fn what_cannot_be_asked_is_refused_with_what_can() {
    let bench = Bench::new();
    for (line, words) in [
        ("hebbian --data two-moons", &["2 inputs", "dead-leaves"][..]),
        ("hebbian --data digit", &["did you mean `digits`"]),
        ("hebbian --data sparse --control", &["--control", "accepted"]),
        ("hebbian --data digits --units 65", &["65 units", "--units up to"]),
        ("hebbian --rate 0", &["--rate 0", "above 0"]),
        ("hebbian --signal 1kHz", &["--signal", "voltage"]),
        ("hebbian --threshold nan", &["--threshold", "finite"]),
        ("hebbian --precision f32", &["--precision f32"]),
    ] {
        bench.refuse(&format!("{line} --quiet"), words);
    }
}
