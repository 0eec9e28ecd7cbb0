//! `yield`: what it promises to programs, and what it refuses.

use nalgebra::dmatrix;

use crate::bench::Bench;

const YIELD: &str =
    "yield c.toml --weights w.safetensors --input x.safetensors --target y.safetensors --quiet --json";

fn chain() -> Bench {
    let bench = Bench::new();
    bench.linear("dp", 0.25, 0.5);
    bench.weights(&[(dmatrix![0.8], vec![0.1]), (dmatrix![1.0], vec![0.2])]);
    bench.batch(&dmatrix![0.5; 0.25], &dmatrix![1.0; 0.0]);
    bench
}

#[test]
fn yields_and_tolerances_come_with_intervals_and_the_same_bytes_for_any_threads() {
    let bench = chain();
    let line = format!(
        "{YIELD} --margin 0.25 --chips 60 --yield 0.9 --vary mismatch.gain_dtod=0:0.3:3 --tolerance gain_dtod --out"
    );
    let json = bench.run(&format!("{line} one --threads 1")).json();
    let rows = json["yield"].as_array().unwrap();
    assert_eq!((rows[0]["passed"].as_u64(), rows[0]["high"].as_f64()), (Some(60), Some(1.0)));
    assert!(rows[2]["passed"].as_u64().unwrap() < 60);
    let found = &json["tolerance"][0];
    assert_eq!(found["key"], "mismatch.gain_dtod");
    assert!(found["low"].as_f64().unwrap() <= found["tolerance"].as_f64().unwrap());
    assert_eq!(json["summary"]["chips_needed"], 29); // 0.9²⁹ = 0.047
    // The tolerance is that of the circuit as it is, not of a point of the grid, and none that a circuit file
    // could not say.
    let alone = format!(
        "{YIELD} --margin 0.25 --chips 60 --yield 0.9 --tolerance gain_dtod --vary nudge.beta=0.1:0.2:2"
    );
    assert_eq!(bench.run(&alone).json()["tolerance"][0], *found);
    assert_eq!(found["most"], 0.3);
    assert_eq!(bench.run(&format!("{line} two --threads 2")).status, 0);
    for name in ["yield.csv", "yield_tolerance.parquet", "figures/yield.svg", "figures/yield-tolerance.svg"] {
        let bytes = |folder: &str| std::fs::read(bench.path(folder).join(name)).unwrap();
        assert_eq!(bytes("one"), bytes("two"), "{name}");
    }
    assert_eq!(bench.run("plot one --out again").status, 0);
}

#[test]
fn trained_chips_are_counted() {
    let bench = Bench::new();
    bench.write(
        "e.toml",
        "name = \"chips\"\ndataset = { kind = \"two-moons\", train = 60, test = 40 }\nnetwork = [2, 4, 2]\ninit = \"he\"\n\
         epochs = 1\nbatch = 20\nseeds = [1]\nchips = 3\nrules = [\"bp\"]\n\
         optimizer = { kind = \"sgd\", learning_rate = 0.1 }\n[circuit.mismatch]\ngain_dtod = 0.1\n",
    );
    let done = bench.run("run e.toml --out res --quiet");
    assert_eq!(done.status, 0, "{}", done.stderr);
    let json = bench.run("yield res --accuracy 0.0 --quiet --json").json();
    assert_eq!((json["yield"][0]["passed"].as_u64(), json["yield"][0]["chips"].as_u64()), (Some(3), Some(3)));
    let json = bench.run("yield res --accuracy 1.0 --quiet --json").json();
    assert_eq!(json["yield"][0]["passed"], 0);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bench = chain();
    bench.refuse(YIELD, &["no target", "--margin"]);
    let wide = format!("{YIELD} --margin 0.1 --tolerance gain_dtod --most 0.5");
    bench.refuse(&wide, &["--most 0.5 for gain_dtod", "at most 0.3", "lognormal"]);
    bench.refuse(&format!("{YIELD} --margin 0.1 --tolerance gian_dtod"), &["gain_dtod"]);
    bench.refuse(&format!("{YIELD} --margin 0.1 --yield 1"), &["--yield 1"]);
    bench.refuse("yield c.toml --margin 0.1", &["--weights"]);
}
