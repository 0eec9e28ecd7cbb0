//! `chips = N` in an experiment: every run on every chip, the same chips for all rules and seeds.

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
