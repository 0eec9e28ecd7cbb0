//! `robustness`: what it promises to programs, and what it refuses.

use crate::bench::Bench;

const EXPERIMENT: &str = "name = \"robust\"\ndataset = { kind = \"two-moons\", train = 200, test = 120 }\nnetwork = [2, 6, 5, 2]\n\
    init = \"he\"\nepochs = 2\nbatch = 20\nseeds = [1, 2]\nrules = [\"bp\", \"dp-transpose\"]\n\
    optimizer = { kind = \"adam\", learning_rate = 0.01 }\n[grid]\n\"nudge.alpha\" = [0.0, 1.0]\n\"nudge.beta\" = [0.1]\n[circuit.neuron]\nactivation = \"tanh\"\n";

fn trained() -> Bench {
    let bench = Bench::new();
    bench.write("e.toml", EXPERIMENT);
    let done = bench.run("run e.toml --out res --quiet");
    assert_eq!(done.status, 0, "{}", done.stderr);
    bench
}

#[test]
fn means_agree_with_the_runs_and_bytes_do_not_depend_on_threads() {
    let bench = trained();
    let line = "robustness res --samples 120 --linf 0.2,0.1 --l2 0.2 --quiet --json";
    let json = bench.run(&format!("{line} --threads 1")).json();
    assert_eq!(json["summary"]["linf"], serde_json::json!([0.1, 0.2]));
    assert_eq!((&json["summary"]["climbed"], &json["summary"]["starts"]), (&"classes".into(), &2.into()));
    let (rows, runs) = (json["robustness"].as_array().unwrap(), json["runs"].as_array().unwrap());
    // 3 layers, the product, 3 quantiles, the accuracy, and 3 sizes under two attacks; 3 groups of two seeds.
    assert_eq!((rows.len(), runs.len()), (3 * 14, 6 * 14));
    for row in rows {
        let of = |run: &&serde_json::Value| {
            ["rule", "alpha", "measure", "layer", "ball", "epsilon"].iter().all(|key| run[key] == row[key])
        };
        let found: Vec<f64> = runs.iter().filter(of).map(|run| run["value"].as_f64().unwrap()).collect();
        let [a, b] = found[..] else { panic!("{row}: {found:?}") };
        // Of two values the standard error of the mean is half their distance; rounding.
        assert!((row["mean"].as_f64().unwrap() - f64::midpoint(a, b)).abs() < 1e-12 * (1.0 + a.abs()));
        assert!(
            (row["standard_error"].as_f64().unwrap() - (a - b).abs() / 2.0).abs() < 1e-12 * (1.0 + a.abs())
        );
        assert_eq!((row["n"].as_u64(), row["left_out"].as_u64()), (Some(2), Some(0)));
    }
    // What `run` wrote: the accuracy over the whole test set, and the norms.
    let summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(bench.path("res/summary.json")).unwrap()).unwrap();
    for (run, measure, column) in
        [(0, "accuracy", "test_accuracy"), (3, "product-norm", "product_spectral_norm")]
    {
        let told = &summary["runs"][run];
        let row = runs.iter().find(|row| row["run"] == told["run"] && row["measure"] == measure).unwrap();
        let (found, expected) = (row["value"].as_f64().unwrap(), told[column].as_f64().unwrap());
        assert!((found - expected).abs() < 1e-9 * expected, "{measure}"); // the norm's own accuracy is 1e-10
    }
    assert_eq!(bench.run(&format!("{line} --threads 2 --out two")).status, 0);
    for name in
        ["robustness.csv", "robustness_runs.parquet", "robustness.json", "figures/robustness-accuracy.svg"]
    {
        let bytes = |folder: &str| std::fs::read(bench.path(folder).join(name)).unwrap();
        assert_eq!(bytes("res/robustness"), bytes("two"), "{name}");
    }
    assert_eq!(bench.run("plot two --only robustness-alpha --out again").status, 0);
    assert!(bench.path("again/robustness-alpha.png").exists());
    let single = bench.run(&format!("{line} --precision f32 --climb margin --out single")).json();
    assert_eq!(single["summary"]["climbed"], "margin");
    // A tenth of a volt is far above what single precision loses.
    assert!((single["runs"][0]["value"].as_f64().unwrap() - runs[0]["value"].as_f64().unwrap()).abs() < 1e-5);
    bench.refuse(line, &["--force"]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bench = trained();
    bench.refuse("robustness nowhere", &["nowhere"]);
    bench.refuse("robustness res --linf 0.1,-1", &["--linf -1"]);
    bench.refuse("robustness res --set epochs=3", &["--set"]);
    bench.refuse("robustness res --seed 9", &["--seed"]);
    bench.refuse("robustness res --starts 0", &["--starts"]);
}
