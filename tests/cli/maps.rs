//! `stability --map`: tables and figure, their bytes, and what is refused.

use dyadsim_core::matrix::Matrix;
use serde_json::Value;

use crate::bench::Bench;

const FILES: &str = "stability c.toml --weights w.safetensors --input x.safetensors --target y.safetensors";
const AXES: &str = "--map nudge.alpha=0:0.45:28 --map nudge.beta=0.2:8:40:log";

/// The linear 1-1-1 chain with weights 1 and 2: DP latches up at `β = 1/((1 − 2α) 5)`.
fn chain() -> Bench {
    let bench = Bench::new();
    bench.linear("dp", 0.0, 0.1);
    bench.weights(&[
        (Matrix::from_element(1, 1, 1.0), vec![0.0]),
        (Matrix::from_element(1, 1, 2.0), vec![0.0]),
    ]);
    bench.batch(&Matrix::from_element(2, 1, 0.4), &Matrix::from_element(2, 1, 1.0));
    bench
}

fn rows(bench: &Bench, name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(bench.path(name)).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn a_map_of_the_linear_chain_is_that_of_the_closed_form() {
    let bench = chain();
    let document = bench.run(&format!("{FILES} {AXES} --verify 0.05 --out m --json")).json();
    let map = &document["map"];
    assert_eq!((map["points"].as_u64(), map["verified"]["points"].as_u64()), (Some(1120), Some(56)));
    assert_eq!(map["verified"]["outcome_agrees"], map["verified"]["away"]);
    assert!(map["looked_at"].as_u64().unwrap() < 700);
    let points = rows(&bench, "m/map.csv");
    assert_eq!(points.len(), 1120);
    for row in points {
        let (alpha, beta): (f64, f64) = (row[0].parse().unwrap(), row[1].parse().unwrap());
        let ratio = beta * (1.0 - 2.0 * alpha) * 5.0;
        // Points are a factor of 1.1 apart in β.
        if (ratio - 1.0).abs() > 0.15 {
            assert_eq!(row[4], if ratio < 1.0 { "stable" } else { "latch-up" }, "{row:?}");
            assert_eq!(row[2] == "settled", ratio < 1.0, "{row:?}");
        }
    }
    let lines = rows(&bench, "m/map_lines.csv");
    let exact: Vec<_> = lines.iter().filter(|row| row[0] == "closed-form").collect();
    assert!(exact.len() >= 20);
    for row in exact {
        let (alpha, beta): (f64, f64) = (row[3].parse().unwrap(), row[4].parse().unwrap());
        assert!((beta * (1.0 - 2.0 * alpha) * 5.0 - 1.0).abs() < 1e-9, "{row:?}");
    }
    assert!(lines.iter().any(|row| row[0] == "threshold") && lines.iter().any(|row| row[0] == "margin"));
}

#[test]
fn tables_and_figures_are_the_same_bytes_on_any_number_of_threads_and_drawn_again() {
    let bench = chain();
    for (threads, out) in [(1, "one"), (2, "two")] {
        assert_eq!(bench.run(&format!("{FILES} {AXES} --threads {threads} --out {out}")).status, 0);
    }
    assert_eq!(bench.run("plot two --out again").status, 0);
    let read = |path: &str| std::fs::read(bench.path(path)).unwrap();
    for name in ["map.csv", "map.parquet", "map_lines.csv", "map.json", "figures/map.svg", "figures/map.png"]
    {
        assert!(read(&format!("one/{name}")) == read(&format!("two/{name}")), "{name}");
    }
    assert!(read("again/map.svg") == read("two/figures/map.svg"));
    bench.refuse(&format!("{FILES} {AXES} --out two"), &["two exists", "--force", "a map"]);
}

#[test]
fn weights_can_be_an_axis_and_eigenvalues_alone_integrate_nothing() {
    let bench = chain();
    let line =
        format!("{FILES} --map weights.gain=0.5:2:6 --map nudge.beta=0.1:2:6:log --by eigenvalues --json");
    let map: Value = bench.run(&line).json()["map"].clone();
    assert_eq!((map["integrations"].as_u64(), map["outcomes"].as_object().unwrap().len()), (Some(0), 0));
    assert!(map["verdicts"]["latch-up"].as_u64().unwrap() > 0);
}

#[test]
fn depth_can_be_an_axis() {
    // Weights 1, …, 1, 2 at α = 0: the latch is at β (1 + 2² (D − 1)) = 1, as every layer below the outputs
    // adds the square of the product of the weights above it.
    let bench = chain();
    let line = format!(
        "{FILES} --map weights.depth=2:9:8 --map nudge.beta=0.02:0.4:60:log --verify 0.1 --out m --json"
    );
    let map: Value = bench.run(&line).json()["map"].clone();
    assert_eq!(map["verified"]["outcome_agrees"], map["verified"]["away"]);
    let lines = rows(&bench, "m/map_lines.csv");
    for kind in ["closed-form", "threshold"] {
        let along: Vec<_> = lines.iter().filter(|row| row[0] == kind).collect();
        for depth in 2..=9 {
            let at: Vec<f64> = along
                .iter()
                .filter(|row| (row[3].parse::<f64>().unwrap() - f64::from(depth)).abs() < 1e-9)
                .map(|row| row[4].parse().unwrap())
                .collect();
            assert!(!at.is_empty(), "{kind} at depth {depth}");
            for beta in at {
                // The line is interpolated between points 5.2 % apart in β, where the abscissa is all but
                // linear.
                assert!((beta * f64::from(4 * depth - 3) - 1.0).abs() < 2e-3, "{kind} {depth} {beta}");
            }
        }
    }
}

#[test]
fn what_is_no_map_is_refused() {
    let bench = chain();
    bench.refuse(
        &format!("{FILES} --map weights.depth=2:4:4 --map nudge.beta=0.1:1:5"),
        &["weights.depth", "whole numbers from 2"],
    );
    bench.refuse(&format!("{FILES} --map weights.depth=1:4:4 --map nudge.beta=0.1:1:5"), &["found 1"]);
    bench.refuse(&format!("{FILES} --map nudge.beta=0.1:1:5"), &["two axes"]);
    bench.refuse(
        &format!("{FILES} --map nudge.beta=0.1:1:5 --map nudge.beta=0.1:1:5"),
        &["both axes are `nudge.beta`"],
    );
    bench.refuse(
        &format!("{FILES} --map nudge.beta=1:0.1:5 --map nudge.alpha=0:1:5"),
        &["1 is not below 0.1"],
    );
    bench.refuse(
        &format!("{FILES} --map nudge.bta=0.1:1:5 --map nudge.alpha=0:1:5"),
        &["did you mean `beta`"],
    );
    bench.refuse(
        &format!("{FILES} --map nudge.beta=0.1:1:5 --map nudge.alpha=0:1.5:5"),
        &["nudge.alpha", "found 1.5"],
    );
    bench.refuse(&format!("{FILES} --out m"), &["--map and --follow alone"]);
}
