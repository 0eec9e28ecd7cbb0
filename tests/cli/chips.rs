//! `chips = N` in an experiment: every run on every chip, the same chips for all rules and seeds; and weights
//! that meet their chip again.

use crate::bench::Bench;

const EXPERIMENT: &str = "name = \"chips\"\nnetwork = [64, 6, 10]\nepochs = 1\nbatch = 20\nseeds = [1, 2]\nchips = 2\n\
    init = \"he\"\ndataset = { kind = \"digits\", train = 40, test = 40 }\nrules = [\"bp\", \"dp-transpose\"]\n\
    optimizer = { kind = \"sgd\", learning_rate = 0.1 }\n[circuit.mismatch]\ngain_dtod = 0.1\nsynapse_dtod = 0.1\n";

#[test]
fn every_run_is_made_on_every_chip_and_compared_with_backpropagation_there() {
    let bench = Bench::new();
    bench.write("e.toml", EXPERIMENT);
    let done = bench.run("run e.toml --out out");
    assert_eq!(done.status, 0, "{}", done.stderr);
    let summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(bench.path("out/summary.json")).unwrap()).unwrap();
    let runs = summary["runs"].as_array().unwrap();
    let names: Vec<&str> = runs.iter().map(|run| run["run"].as_str().unwrap()).collect();
    let bp = ["bp-s1-c1", "bp-s1-c2", "bp-s2-c1", "bp-s2-c2"];
    assert_eq!(names[..4], bp);
    assert_eq!(names.len(), 8);
    assert_eq!(runs[5]["chip"], 2);
    // Chips differ: so do losses, of one seed and one rule.
    assert_ne!(runs[0]["test_loss"], runs[1]["test_loss"]);
    for pair in summary["pairs"].as_array().unwrap() {
        let chip = |key: &str| pair[key].as_str().unwrap().rsplit_once("-c").unwrap().1.to_owned();
        assert_eq!(chip("run_a"), chip("run_b"), "{pair}");
    }
    // A chip is its number: chip 2 alone, named by its seed, is chip 2 of the two.
    let alone =
        EXPERIMENT.replace("chips = 2\n", "").replace("[circuit.mismatch]", "[circuit.mismatch]\nseed = 2");
    bench.write("alone.toml", &alone);
    assert_eq!(bench.run("run alone.toml --out alone").status, 0);
    for run in ["bp-s1", "bp-s2"] {
        let weights = |path: String| std::fs::read(bench.path(&path)).unwrap();
        assert!(
            weights(format!("out/weights/{run}-c2.safetensors"))
                == weights(format!("alone/weights/{run}.safetensors"))
        );
    }
}

/// Weights of two chips, the circuit that they were trained on, and three samples.
fn trained() -> Bench {
    let bench = Bench::new();
    bench.write(
        "e.toml",
        &EXPERIMENT.replace("[1, 2]", "[1]").replace("[\"bp\", \"dp-transpose\"]", "[\"bp\"]"),
    );
    assert_eq!(bench.run("run e.toml --out out --quiet").status, 0);
    bench.write("c.toml", "[mismatch]\ngain_dtod = 0.1\nsynapse_dtod = 0.1\n");
    assert_eq!(bench.run("data export digits --split train --samples 1 --out probe --quiet").status, 0);
    bench
}

const FILES: &str = "c.toml --weights out/weights/bp-s1-c1.safetensors --input probe/x.safetensors --target probe/y.safetensors";

#[test]
fn weights_meet_the_chip_that_they_were_trained_on_or_it_is_said() {
    let bench = trained();
    let limits = format!(
        "stability {FILES} --set nudge.variant=dp --set nudge.alpha=0.25 --limits --up-to 4 --json --quiet"
    );
    let limit = |more: &str| {
        let done = bench.run(&format!("{limits} {more}"));
        let json = done.json();
        (json["limit"].as_f64().unwrap(), json["chip"].as_u64(), done.stderr)
    };
    let (own, chip, said) = limit("");
    assert_eq!((chip, said.contains("warning")), (Some(1), false), "{said}");
    let (same, chip, said) = limit("--chip 1");
    assert_eq!((same, chip, said.contains("warning")), (own, Some(1), false), "{said}");
    let (other, chip, said) = limit("--chip 0");
    assert_eq!(chip, Some(0));
    assert!((other / own - 1.0).abs() > 1e-3, "{other} {own}");
    assert!(said.contains("was trained on chip 1; this is chip 0"), "{said}");
    let settle = |more: &str| {
        let done = bench.run(&format!("settle {FILES} --json --quiet {more}"));
        (done.json()["chip"].as_u64(), done.stderr)
    };
    let (chip, said) = settle("--set mismatch.seed=0");
    assert!(chip == Some(0) && said.contains("this is chip 0"), "{said}");
    // A seed of the noise is no chip, where the weights name one.
    assert_eq!(settle("--seed 5").0, Some(1));
    // Other devices than those that were trained.
    let (chip, said) = settle("--set mismatch.gain_dtod=0.05");
    assert!(chip == Some(1) && said.contains("whose devices are not those of this circuit"), "{said}");
}

#[test]
fn every_command_that_reads_weights_names_the_chip() {
    let bench = trained();
    let noise = "--set noise.thermal.excess=1 --set solver.kind=exponential-heun";
    for line in [
        format!("settle {FILES}"),
        format!("stability {FILES}"),
        format!("stability {FILES} --attractors 2"),
        format!("stability {FILES} --follow nudge.beta=0.1:0.2"),
        format!("stability {FILES} --map nudge.alpha=0.4:0.6:2 --map nudge.beta=0.1:0.2:2"),
        format!("gradient {FILES} --vary nudge.alpha=0.4:0.6:2 --one-chip"),
        format!("noise {FILES} {noise} --time 0"),
        format!("spice {FILES} --out deck.cir --force"),
        format!("yield {FILES} --margin 0.1 --chips 2"),
    ] {
        let json = bench.run(&format!("{line} --json --quiet")).json();
        assert_eq!(json["chip"], 1, "{line}");
        let text = bench.run(&line).stdout;
        assert!(
            text.contains("chip      1 (that of the weights)") || text.contains("chips from 1 on"),
            "{line}: {text}"
        );
        let help = bench.run(&format!("{} --help", line.split(' ').next().unwrap())).stdout;
        let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            help.contains("--chip <N>") && words.contains("one that the weights were trained on"),
            "{help}"
        );
    }
}

#[test]
fn weights_without_a_word_on_chips_are_those_of_the_seed() {
    let bench = Bench::new();
    bench.linear("dp-transpose", 0.5, 0.5);
    bench.weights(&[(nalgebra::dmatrix![0.8], vec![0.1])]);
    bench.batch(&nalgebra::dmatrix![0.5], &nalgebra::dmatrix![1.0]);
    let line =
        "settle c.toml --weights w.safetensors --input x.safetensors --target y.safetensors --json --quiet";
    assert!(bench.run(line).json()["chip"].is_null());
    let spread = format!("{line} --set mismatch.gain_dtod=0.1");
    assert_eq!(bench.run(&spread).json()["chip"], 0);
    assert_eq!(bench.run(&format!("{spread} --seed 4")).json()["chip"], 4);
    assert_eq!(bench.run(&format!("{spread} --seed 4 --chip 2")).json()["chip"], 2);
    bench.refuse(&format!("{spread} --set mismatch.seed=3 --chip 2"), &["set twice"]);
}

#[test]
fn faults_and_processes_are_refused_with_what_would_be_right() {
    let bench = Bench::new();
    bench.write("c.toml", "");
    let files = "c.toml --weights w.safetensors --input x.safetensors";
    for (set, words) in [
        ("mismatch.faults.stuck_off=1.5", &["stuck_off", "from 0 to 1"][..]),
        ("mismatch.faults.stuck=0.1", &["stuck_o"]),
        ("mismatch.faults={stuck_off=0.6,stuck_on=0.5}", &["stuck_on", "both together are 1 at most"]),
        ("mismatch.faults.stuck_weight=-1", &["stuck_weight", "above 0"]),
        ("mismatch.process={technology=\"180mm\",leak=\"4um^2\"}", &["technology", "did you mean \"180nm\""]),
        ("mismatch.process.leak=\"4um^2\"", &["technology", "`leak` says a size", "180nm"]),
        ("mismatch.process={technology=\"180nm\",leak=\"4mm\"}", &["leak", "area"]),
        ("mismatch.process={technology=\"180nm\",synapse=4}", &["synapse", "0.01 um^2"]),
        ("mismatch.process.corner=\"sss\"", &["corner", "did you mean `ss`"]),
        ("mismatch.process.time_constant_spread=\"50%\"", &["time_constant_spread", "0.3"]),
        ("mismatch.process.kappa=8", &["kappa", "0.3 to 1"]),
    ] {
        bench.refuse(&format!("settle {files} --set {set}"), words);
    }
    // What has no effect in any run is no grid.
    for (key, told) in [("faults.stuck_weight", "stuck at its largest"), ("process.corner", "as wholes")] {
        let values = if key.contains("corner") { "[\"ss\", \"ff\"]" } else { "[0.5, 1.0]" };
        bench.write("e.toml", &format!("{EXPERIMENT}[grid]\n\"circuit.mismatch.{key}\" = {values}\n"));
        bench.refuse("run e.toml --dry-run", &[key, told]);
    }
}

#[test]
fn faulty_chips_learn_around_their_faults() {
    let bench = Bench::new();
    let none = EXPERIMENT.replace("gain_dtod = 0.1\nsynapse_dtod = 0.1\n", "");
    bench.write("e.toml", &format!("{none}[grid]\n\"circuit.mismatch.faults.stuck_off\" = [0.0, 0.2]\n"));
    let done = bench.run("run e.toml --out out");
    assert_eq!(done.status, 0, "{}", done.stderr);
    let weights = |name: &str| std::fs::read(bench.path(&format!("out/weights/{name}.safetensors"))).unwrap();
    // Without faults every chip is the same; with them none is as another.
    assert_eq!(weights("bp-stuck_off0.0-s1-c1"), weights("bp-stuck_off0.0-s1-c2"));
    assert_ne!(weights("bp-stuck_off0.2-s1-c1"), weights("bp-stuck_off0.2-s1-c2"));
}
