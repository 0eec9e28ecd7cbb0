//! How much of a right-hand side is its matrix products: the two are timed in turn, so that noise hits both.
//!
//! `cargo bench --bench rhs_floor`; one thread. Medians, and the least times: what is left when nothing else
//! ran. Then the same of whole relaxations: their right-hand sides' products over all the time they take,
//! start included.

#[path = "nets/floor.rs"]
mod floor;
mod nets;

use std::time::Instant;

use dyadsim_core::matrix::Real;
use dyadsim_core::solve::solver;
use dyadsim_core::spec::{SolverKind, SolverSpec};

use floor::{Drive, LARGE, MIDDLE, Products, SMALL, net};

/// Pairs of measurements per network.
const REPETITIONS: usize = 301;

/// Floating-point operations per measurement; fewer, and the clock would be measured, more, and the
/// scheduler.
const OPERATIONS: usize = 10_000_000;

fn main() {
    println!(
        "{:<18}{:>6}{:>5}{:>13}{:>9}{:>10}{:>14}{:>9}{:>10}",
        "network", "batch", "", "products/us", "rhs/us", "fraction", "least: prod.", "rhs", "fraction"
    );
    row::<f32>("f32", LARGE);
    row::<f64>("f64", LARGE);
    row::<f32>("f32", MIDDLE);
    row::<f64>("f64", MIDDLE);
    row::<f64>("f64", SMALL);
    println!(
        "\n{:<18}{:>6}{:>5}{:>7}{:>18}{:>20}{:>10}{:>16}",
        "network",
        "batch",
        "",
        "solver",
        "right-hand sides",
        "per one of them/us",
        "fraction",
        "least: fraction"
    );
    for kind in [SolverKind::Eam, SolverKind::Etd] {
        relaxation::<f32>("f32", LARGE.0, kind);
        relaxation::<f64>("f64", LARGE.0, kind);
        relaxation::<f32>("f32", MIDDLE.0, kind);
    }
}

/// Measures the relaxation of one shard and prints its line.
fn relaxation<T: Real>(precision: &str, network: &[usize], kind: SolverKind) {
    let spec = SolverSpec { kind, rtol: 1e-5, atol: 1e-8, ..SolverSpec::default() };
    let solver = solver::<T>(&spec);
    let batch = solver.shard();
    let net = net::<T>((network, batch));
    let circuit = net.circuit();
    let mut products = Products::new(&net, batch);
    let evaluations = solver.settle(&circuit, None, false).counts.rhs_evals;
    let (mut floors, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..REPETITIONS / 10 {
        floors.push(microseconds(evaluations as usize, || products.run()));
        let all = microseconds(1, || drop(solver.settle(&circuit, None, false)));
        whole.push(all / evaluations as f64);
    }
    floors.sort_by(f64::total_cmp);
    whole.sort_by(f64::total_cmp);
    let middle = floors.len() / 2;
    println!(
        "{:<18}{batch:>6}{precision:>5}{:>7}{evaluations:>18}{:>20.1}{:>8.0} %{:>14.0} %",
        name(network),
        format!("{kind:?}").to_lowercase(),
        whole[middle],
        100.0 * floors[middle] / whole[middle],
        100.0 * floors[0] / whole[0]
    );
}

/// A network as people write it.
fn name(network: &[usize]) -> String {
    network.iter().map(ToString::to_string).collect::<Vec<_>>().join("-")
}

/// Measures one network and prints its line.
fn row<T: Real>(precision: &str, shape: (&[usize], usize)) {
    let (network, batch) = shape;
    let net = net::<T>(shape);
    let circuit = net.circuit();
    let (mut drive, mut products) = (Drive::new(&circuit), Products::new(&net, batch));
    let per_call: usize = network[1..].windows(2).map(|n| 4 * batch * n[0] * n[1]).sum();
    let calls = OPERATIONS.div_ceil(per_call);
    let (mut floors, mut sides) = (Vec::new(), Vec::new());
    for _ in 0..REPETITIONS {
        floors.push(microseconds(calls, || products.run()));
        sides.push(microseconds(calls, || drive.run(&circuit)));
    }
    floors.sort_by(f64::total_cmp);
    sides.sort_by(f64::total_cmp);
    let (floor, side) = (floors[REPETITIONS / 2], sides[REPETITIONS / 2]);
    let (least_floor, least_side) = (floors[0], sides[0]);
    let name = name(network);
    println!(
        "{name:<18}{batch:>6}{precision:>5}{floor:>13.1}{side:>9.1}{:>8.0} %{least_floor:>14.1}{least_side:>9.1}{:>8.0} %",
        100.0 * floor / side,
        100.0 * least_floor / least_side
    );
}

/// Time of one of `calls` calls (µs).
fn microseconds(calls: usize, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..calls).for_each(|_| work());
    1e6 * start.elapsed().as_secs_f64() / calls as f64
}
