//! `spiking`: what it promises to people and programs, and what it refuses.

use crate::bench::Bench;

const SMALL: &str = "spiking --seeds 2 --duration 1 --members 3";

#[test]
fn rules_are_answered_in_words_tables_and_figures_for_any_number_of_threads() {
    let bench = Bench::new();
    assert!(bench.run("spiking --help").stdout.contains("Yger & Harris"));
    let done = bench.run(&format!("{SMALL} --threads 1 --out one"));
    assert_eq!(done.status, 0, "{}", done.stderr);
    for words in ["convallis", "pair-stdp", "triplet-stdp", "between groups", "behind"] {
        assert!(done.stdout.contains(words), "{words}: {}", done.stdout);
    }
    assert_eq!(bench.run(&format!("{SMALL} --threads 2 --out two")).status, 0);
    assert_eq!(bench.run("run one/study.toml --quiet --out three").status, 0);
    let bytes = |name: &str| std::fs::read(bench.path(name)).unwrap();
    for name in [
        "spiking.csv",
        "spiking_weights.csv",
        "spiking_protocols.parquet",
        "spiking.json",
        "figures/spiking-protocols.svg",
        "figures/spiking-weights.png",
        "figures/spiking-scores.svg",
    ] {
        assert_eq!(bytes(&format!("one/{name}")), bytes(&format!("two/{name}")), "{name}");
        assert_eq!(bytes(&format!("one/{name}")), bytes(&format!("three/{name}")), "{name}");
    }
}

#[test]
fn a_seed_is_a_neuron_and_devices_are_those_of_its_chip() {
    let bench = Bench::new();
    let rows = |more: &str| {
        let json = bench.run(&format!("{SMALL} --rule convallis --quiet --json {more}")).json();
        json["spiking"].as_array().unwrap().clone()
    };
    let both = rows("");
    assert_eq!(both.len(), 2);
    assert_eq!(rows("--seed 1"), both[1..]);
    assert_eq!(both[0]["offset_v"], 0.0);
    assert_eq!(rows("--set mismatch.offset_dtod=0 --set mismatch.synapse_dtod=0"), both);
    // Of the second neuron some 8 mV: its valley begins at twice the potential, where the first one never
    // comes in a second.
    let offset = rows("--set mismatch.offset_dtod=0.005");
    assert!(offset[0]["offset_v"] != offset[1]["offset_v"] && offset[1]["score"] != both[1]["score"]);
    assert!(rows("--set mismatch.synapse_dtod=0.1")[1]["score"] != both[1]["score"]);
    let told = bench.run("spiking chip-180nm --seeds 1 --duration 0.2 --members 1");
    assert!(told.stderr.contains("do not act here"), "{}", told.stderr);
}

#[test]
fn what_cannot_be_asked_is_refused_with_what_can() {
    let bench = Bench::new();
    for (line, words) in [
        ("spiking --rule hebb", &["hebb", "convallis", "pair-stdp", "triplet-stdp"][..]),
        ("spiking --rate 0", &["--rate 0", "above 0"]),
        ("spiking --target 1mV", &["--target", "frequency"]),
        ("spiking --capacitance 10nS", &["--capacitance", "capacitance"]),
        ("spiking --valley-high 5mV", &["--valley-high", "above --valley-low"]),
        ("spiking --duration 0.1", &["--duration 0.1", "2 to"]),
        ("spiking --high 1e5", &["--high 100000", "200 at most"]),
        ("spiking --capacitance 50pF", &["time constant C/g", "accepted"]),
        ("spiking --set mismatch.offset_dtod=0.1", &["mismatch.offset_dtod", "threshold"]),
        ("spiking --precision f32", &["--precision f32"]),
    ] {
        bench.refuse(&format!("{line} --quiet"), words);
    }
}
