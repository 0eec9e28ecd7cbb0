//! `gradient`: what it promises to programs, and what it refuses.

use nalgebra::dmatrix;

use crate::bench::Bench;

const GRADIENT: &str =
    "gradient c.toml --weights w.safetensors --input x.safetensors --target y.safetensors --quiet --json";

/// A linear 1-1-1 chain with thermal noise and two samples.
fn chain() -> Bench {
    let bench = Bench::new();
    bench.linear("dp-transpose", 0.5, 0.5);
    let circuit = std::fs::read_to_string(bench.path("c.toml")).unwrap();
    bench.write("c.toml", &format!("{circuit}kind = \"exponential-heun\"\n[noise.thermal]\nexcess = 1.0\n"));
    bench.weights(&[(dmatrix![0.8], vec![0.1]), (dmatrix![1.5], vec![0.2])]);
    bench.batch(&dmatrix![0.5; 0.25], &dmatrix![1.0; 0.0]);
    bench
}

#[test]
fn a_grid_is_measured_and_predicted_with_the_same_bytes_for_any_threads() {
    let bench = chain();
    let grid = "--vary nudge.beta=0.01:1:3:log --vary nudge.alpha=0.2:0.8:2 --draws 8 --out";
    let json = bench.run(&format!("{GRADIENT} {grid} one --threads 1")).json();
    let rows = json["gradient"].as_array().unwrap();
    // Points × (all, layers 1 and 2); around the least error more are looked at, and said to be.
    assert_eq!(rows.iter().filter(|row| row["origin"] == "asked").count(), 3 * 2 * 3);
    let all: Vec<_> = rows.iter().filter(|row| row["layer"].is_null() && row["y"] == 0.2).collect();
    for row in &all {
        let (found, error) = (row["variance"].as_f64().unwrap(), row["variance_error"].as_f64().unwrap());
        let predicted = row["predicted_variance"].as_f64().unwrap();
        // Eight draws: the jackknife error is itself uncertain by a quarter.
        assert!((found - predicted).abs() < 5.0 * error, "{row}");
    }
    assert_eq!(json["best"].as_array().unwrap().len(), 2 * 3);
    assert_eq!(bench.run(&format!("{GRADIENT} {grid} two --threads 2")).status, 0);
    for name in ["gradient.csv", "gradient_best.parquet", "figures/gradient-power.svg"] {
        let bytes = |folder: &str| std::fs::read(bench.path(folder).join(name)).unwrap();
        assert_eq!(bytes("one"), bytes("two"), "{name}");
    }
    assert_eq!(bench.run("plot one --out again").status, 0);
    let bytes = |path: &str| std::fs::read(bench.path(path)).unwrap();
    assert_eq!(bytes("again/gradient-angle.svg"), bytes("one/figures/gradient-angle.svg"));
    bench.refuse(&format!("{GRADIENT} {grid} one"), &["one exists", "--force"]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bench = chain();
    let free = GRADIENT.replace("--target y.safetensors ", "");
    bench.refuse(&format!("{free} --vary nudge.beta=0.1:1:2"), &["needs --target"]);
    bench.refuse(&format!("{GRADIENT} --vary nudge.bta=0.1:1:2"), &["nudge.bta"]);
    bench.refuse(&format!("{GRADIENT} --vary nudge.alpha=0:2:3"), &["alpha"]);
    let axis = "--vary nudge.beta=0.1:1:2";
    bench.refuse(&format!("{GRADIENT} {axis} {axis} {axis}"), &["at most two axes"]);
}

#[test]
fn one_draw_is_said_not_to_part_noise_from_bias() {
    let bench = Bench::new();
    bench.linear("dp-transpose", 0.5, 0.5);
    bench.weights(&[(nalgebra::dmatrix![0.8], vec![0.1])]);
    bench.batch(&nalgebra::dmatrix![0.5], &nalgebra::dmatrix![1.0]);
    let line = "gradient c.toml --weights w.safetensors --input x.safetensors --target y.safetensors \
                --set mismatch.offset_dtod=10mV --vary nudge.beta=0.1:0.3:2 --draws 1";
    let json = bench.run(&format!("{line} --json --quiet")).json();
    assert!(json["gradient"][0]["variance"].is_null(), "{json}");
    assert!(json["remark"].as_str().is_some_and(|remark| remark.contains("one draw")), "{json}");
    assert!(bench.run(line).stdout.contains("one draw"));
    let several = line.replace("--draws 1", "--draws 3");
    assert!(bench.run(&format!("{several} --json --quiet")).json()["remark"].is_null());
}
