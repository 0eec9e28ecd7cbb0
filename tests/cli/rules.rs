//! `dyadsim rules`: every rule and what it needs.

use dyadsim_core::spec::RuleKind;

use crate::bench::Bench;

#[test]
fn every_rule_is_listed_with_what_it_needs() {
    let bench = Bench::new();
    let (words, rows) = (bench.run("rules").stdout, bench.run("rules --json").json());
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), RuleKind::ALL.len());
    for (kind, row) in RuleKind::ALL.into_iter().zip(rows) {
        assert_eq!(row["rule"], kind.name());
        assert!(words.lines().any(|line| line == kind.name()), "{words}");
        for key in ["label", "synapse_knows", "transport"] {
            assert!(row[key].is_string(), "{key}: {row}");
        }
        for key in ["relaxations", "compartments", "neuron_memories", "synapse_memories"] {
            assert!(row[key].is_u64(), "{key}: {row}");
        }
        assert!(row["clamps_outputs"].is_boolean() && !row["limit"].is_null(), "{row}");
    }
    assert!(words.contains("of order β in β, β² at α = ½"), "{words}");
    bench.refuse("rules --set nudge.beta=1", &["rules"]);
}

/// Two moons, small and quickly learned; phases are read after 20 τ, settled or not.
const EXPERIMENT: &str = "name = 'small'\ndataset = { kind = 'two-moons', train = 30, test = 20 }\nnetwork = [2, 4, 2]\n\
    init = { std = [0.4, 0.4] }\nepochs = 2\nbatch = 10\nprobe = 4\nseeds = [1, 2]\nkeep_unsettled = true\n\
    rules = ['bp', 'dp-transpose', 'recurrent-bp', 'ep', 'chl']\n\
    optimizer = { kind = 'adam', learning_rate = 0.02 }\n[circuit]\nname = 'own'\n\
    neuron = { capacitance = '1 fF', leak = '1 nS', activation = 'tanh' }\nnudge = { alpha = 0.5, beta = 0.2 }\n\
    solver = { kind = 'exponential-em', step = 0.2, max_time = 40.0 }\n\
    [circuit.cost]\ntechnology = '180nm'\nneuron_current = '100 nA'\n";

const LEVELS: &str = "--noise 0.01,0 --mismatch 0,5% --target 0.4 --quiet";

#[test]
fn rules_are_compared_over_levels_of_noise_and_mismatch() {
    let bench = Bench::new();
    bench.write("e.toml", EXPERIMENT);
    let json = bench.run(&format!("rules compare e.toml {LEVELS} --json")).json();
    let (rows, runs) = (json["rules"].as_array().unwrap(), json["runs"].as_array().unwrap());
    // Backpropagation knows mismatch alone.
    assert_eq!((rows.len(), runs.len()), (2 + 4 * 4, 2 * (2 + 4 * 4)));
    let summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(bench.path("results/small-levels/summary.json")).unwrap())
            .unwrap();
    for (run, told) in runs.iter().zip(summary["runs"].as_array().unwrap()) {
        assert_eq!((&run["run"], &run["test_accuracy"]), (&told["run"], &told["test_accuracy"]));
    }
    for row in rows {
        let rule = row["rule"].as_str().unwrap();
        let noise = row["noise_v"].as_f64();
        assert_eq!(noise.is_none(), rule == "bp");
        assert!(noise.is_none_or(|noise| noise == 0.0 || (noise - 0.01).abs() < 1e-12), "{row}");
        assert!([0.0, 0.05].contains(&row["mismatch"].as_f64().unwrap()), "{row}");
        let mean = row["test_accuracy"].as_f64().unwrap();
        assert!(
            row["least_accuracy"].as_f64() <= Some(mean) && Some(mean) <= row["greatest_accuracy"].as_f64()
        );
        let priced = row["time_to_target_s"].as_f64().zip(row["energy_to_target_j"].as_f64());
        match rule {
            "bp" => assert_eq!(row["remark"], "settles no circuit"),
            "recurrent-bp" => assert_eq!(row["remark"], "no chip could run it"),
            _ if row["reached"].as_u64() > Some(0) => {
                assert!(priced.is_some_and(|(time, energy)| time > 0.0 && energy > 0.0), "{row}");
            }
            _ => assert_eq!(row["remark"], "target not reached"),
        }
    }
    let reached =
        |rule: &str| rows.iter().any(|row| row["rule"] == rule && row["time_to_target_s"].is_number());
    assert!(["dp-transpose", "ep", "chl"].into_iter().all(reached), "{json}");
    for name in ["rules.csv", "rules_runs.parquet", "rules.json", "figures/rules-noise.svg", "study.toml"] {
        assert!(bench.path("results/small-levels-rules").join(name).exists(), "{name}");
    }
    // From the folder of the runs, and once more from the experiment: nothing is trained again.
    let again = bench.run("rules compare results/small-levels --target 0.4 --out two --quiet");
    assert_eq!(again.status, 0, "{}", again.stderr);
    let same = bench.run(&format!("rules compare e.toml {LEVELS} --force --threads 1"));
    assert_eq!(same.status, 0, "{}", same.stderr);
    let bytes = |path: &str| std::fs::read(bench.path(path)).unwrap();
    for name in ["rules.csv", "rules_runs.csv", "figures/rules-target.svg"] {
        assert_eq!(
            bytes(&format!("results/small-levels-rules/{name}")),
            bytes(&format!("two/{name}")),
            "{name}"
        );
    }
    assert_eq!(bench.run("plot two --only rules-mismatch --out drawn").status, 0);
    // The weights are those of `run`.
    let grid = "--set grid.\"noise.thermal.excess\"=[0.0]";
    assert_eq!(bench.run(&format!("run e.toml --out plain --quiet {grid}")).status, 0);
    let weights = |folder: &str, name: &str| bytes(&format!("{folder}/weights/{name}.safetensors"));
    let levelled = std::fs::read_dir(bench.path("results/small-levels/weights")).unwrap();
    let names = levelled.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let same = names.filter(|name| {
        name.starts_with("ep-") && name.contains("excess0.0") && name.ends_with("-s1.safetensors")
    });
    let plain = weights("plain", "ep-b0.2-s1");
    let equal = same.filter(|name| bytes(&format!("results/small-levels/weights/{name}")) == plain).count();
    assert_eq!(equal, 1, "the one without mismatch");
}

#[test]
fn a_comparison_that_makes_no_sense_is_refused() {
    let bench = Bench::new();
    bench.write("e.toml", EXPERIMENT);
    bench.refuse("rules compare nowhere", &["nowhere", "neither a file nor built in"]);
    bench.refuse("rules compare e.toml --noise -0.1", &["--noise -0.1", "from 0 on"]);
    bench.refuse("rules compare e.toml --mismatch 0.5", &["mismatch", "0.3"]);
    bench.refuse("rules compare e.toml --target 0", &["--target 0", "above 0"]);
    let varied = format!("{EXPERIMENT}[grid]\n'circuit.noise.thermal.excess' = [0.0, 1.0]\n");
    bench.write("v.toml", &varied);
    bench
        .refuse("rules compare v.toml --noise 0.1", &["--noise", "circuit.noise.thermal.excess", "accepted"]);
    let done = bench.run("run e.toml --out res --quiet --set epochs=1 --set seeds=[1]");
    assert_eq!(done.status, 0, "{}", done.stderr);
    bench.refuse("rules compare res --noise 0.1", &["--noise", "folder of runs"]);
    bench.refuse("rules compare res --set epochs=2", &["--set epochs=2", "folder of runs"]);
    bench.refuse("rules compare res --seed 9", &["--seed"]);
    bench.refuse("rules compare e.toml --runs res", &["res", "other settings"]);
}

/// A run of two epochs on the smallest data set.
fn small(bench: &Bench, rules: &str, network: &str, more: &str) {
    bench.write(
        "e.toml",
        &format!(
            "name = 'e'\ncircuit = 'ideal'\ndataset = {{ kind = 'two-moons', train = 20, test = 10 }}\n\
             network = {network}\nepochs = 2\nseeds = [1]\nrules = [{rules}]\n\
             optimizer = {{ kind = 'adam', learning_rate = 0.02 }}\n{more}\n"
        ),
    );
}

#[test]
fn rules_without_a_way_back_run_and_have_angles_to_backpropagation() {
    let bench = Bench::new();
    small(&bench, "'bp', 'bp-direct', 'scff'", "[2, 6, 6, 2]", "batch = 5\nscff = { positive = 0.5 }");
    let done = bench.run("run e.toml --out out --quiet");
    assert_eq!(done.status, 0, "{}", done.stderr);
    let layers = std::fs::read_to_string(bench.path("out/layers.csv")).unwrap();
    let mut lines = layers.lines();
    let place = |header: &str, name: &str| header.split(',').position(|column| column == name).unwrap();
    let header = lines.next().unwrap();
    let (rule, layer, angle) =
        (place(header, "rule"), place(header, "layer"), place(header, "angle_to_bp_deg"));
    for line in lines.map(|line| line.split(',').collect::<Vec<_>>()) {
        let found: Option<f64> = line[angle].parse().ok();
        match (line[rule], line[layer]) {
            ("bp", _) => assert_eq!(found, None),
            // The last layer has no error to wait for.
            (_, "3") => assert!(found.unwrap() < 1e-3, "{line:?}"),
            _ => assert!(found.unwrap() > 1.0, "{line:?}"),
        }
    }
}

#[test]
fn contrasts_that_cannot_be_are_refused_with_what_can() {
    let bench = Bench::new();
    let deep = "[2, 6, 2]";
    for (rules, network, more, words) in [
        ("'scff'", deep, "batch = 1", &["`batch`", "2 or more with rule `scff`"][..]),
        ("'scff'", "[2, 2]", "batch = 5", &["`network`", "three layers or more with rule `scff`", "`bp`"]),
        ("'scff'", deep, "batch = 5\nscff = { positive = nan }", &["`scff.positive`", "finite"]),
        ("'scff'", deep, "batch = 5\nscff = { penalty = -1.0 }", &["`scff.penalty`", "0 or more"]),
        ("'scff'", deep, "batch = 5\nscff = { theta = 1.0 }", &["theta", "positive"]),
        (
            "'bp'",
            deep,
            "batch = 5\ngrid = { 'scff.positive' = [1.0, 2.0] }",
            &["scff.positive", "`scff` alone"],
        ),
    ] {
        small(&bench, rules, network, more);
        bench.refuse("run e.toml --out out --quiet", words);
    }
}
