//! Samples settled per second, by solver and gains, with what came of them; one thread.
//!
//! `cargo bench --bench settle`, or `cargo bench --bench settle -- etd layerwise` for some solvers.
//! Each line gives the median of a few runs of one batch from the free state, and the best of them.
//! Right-hand sides are counted as the solver counts them: per shard, or per sample (dopri5, dop853);
//! layerwise counts rounds, dc sweeps down or up as steps, and as right-hand sides only its checks of the
//! residual.

mod nets;

use std::time::Instant;

use dyadsim_core::circuit::{DyadCircuit, Dynamics};
use dyadsim_core::matrix::Real;
use dyadsim_core::solve::{Outcome, Settled, settle_all};
use dyadsim_core::spec::{CircuitSpec, NudgeSpec, SolverKind, SolverSpec, Variant};

use nets::Net;

/// Runs per line.
const REPETITIONS: usize = 9;

/// Gains: name, variant, `α`.
const GAINS: [(&str, Variant, f64); 3] = [
    ("DP 0", Variant::Dp, 0.0),
    ("DPT 0", Variant::DpTranspose, 0.0),
    ("DPT 1/2", Variant::DpTranspose, 0.5),
];

/// Solvers, and the share of the batch that they are given.
const SOLVERS: [(&str, SolverKind, usize); 5] = [
    ("etd", SolverKind::Etd, 1),
    ("layerwise", SolverKind::Layerwise, 1),
    ("dc", SolverKind::Dc, 1),
    ("dopri5", SolverKind::Dopri5, 8),
    ("dop853", SolverKind::Dop853, 8),
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    // One thread: the pool stands before anything uses it, so building it cannot fail.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("first use of the pool");
    for (network, batch, gain) in [(&[64, 48, 32, 10][..], 128, 1.0), (&[784, 128, 128, 10][..], 128, 0.7)] {
        table::<f64>(&wanted, network, batch, gain);
    }
    for network in [&[784, 128, 128, 10][..], &[784, 512, 512, 10]] {
        table::<f32>(&wanted, network, 128, 0.7);
    }
}

/// Every wanted solver with every choice of gains on one network.
fn table<T: Real>(wanted: &[String], network: &[usize], batch: usize, gain: f64) {
    println!("\nnetwork {network:?}, weights {gain} times He's, beta 0.05, {}", std::any::type_name::<T>());
    println!(
        "{:<11}{:<9}{:>8}{:>11}{:>9}{:>8}{:>9}{:>12}  outcomes",
        "solver", "gains", "samples", "settled/s", "best", "steps", "rhs", "residual/V"
    );
    for (gains, variant, alpha) in GAINS {
        let nudge = NudgeSpec { variant, alpha, beta: 0.05, ..NudgeSpec::default() };
        let spec = CircuitSpec { nudge, ..CircuitSpec::default() };
        for (name, kind, part) in SOLVERS {
            if !wanted.is_empty() && !wanted.iter().any(|w| w == name) {
                continue;
            }
            let net = Net::<T>::new(&spec, network, batch / part, gain);
            let solver = SolverSpec { kind, ..spec.solver.clone() };
            row(&format!("{name:<11}{gains:<9}"), &solver, &net.circuit());
        }
    }
}

/// Settles a few times and prints one line.
fn row<T: Real>(label: &str, spec: &SolverSpec, circuit: &DyadCircuit<'_, T>) {
    let mut times = Vec::new();
    let mut last = None;
    for _ in 0..REPETITIONS {
        let start = Instant::now();
        last = Some(settle_all(spec, circuit, false));
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let Some(settled) = last else { return };
    let number = settled.outcomes.iter().filter(|o| o.is_settled()).count();
    println!(
        "{label}{:>8}{:>11.0}{:>9.0}{:>8}{:>9}{:>12.1e}  {}",
        circuit.samples(),
        number as f64 / times[times.len() / 2],
        number as f64 / times[0],
        settled.counts.steps,
        settled.counts.rhs_evals,
        worst(&settled),
        outcomes(&settled)
    );
}

/// Largest residual of the settled samples (V).
fn worst<T>(settled: &Settled<T>) -> f64 {
    let those = settled.outcomes.iter().zip(&settled.residual).filter(|(o, _)| o.is_settled());
    those.map(|(_, &residual)| residual).fold(0.0, f64::max)
}

/// Every outcome that occurs, with its number.
fn outcomes<T>(settled: &Settled<T>) -> String {
    let tally = Outcome::tally(&settled.outcomes);
    tally.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}
