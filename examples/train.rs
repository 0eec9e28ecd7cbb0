//! Trains the same network by backpropagation, DP and `DPᵀ` where the nudge of the two compartments is
//! unequal (α = 0).
//!
//!     cargo run --release --example train

use dyadsim::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = Dataset::named("digits")?;
    let mut circuit = CircuitSpec::default();
    (circuit.nudge.alpha, circuit.nudge.beta) = (0.0, 0.5);
    circuit.solver.max_time = 30.0; // in units of τ; samples that take longer count as not settled
    let network = Network::new(circuit, &[64, 32, 10])?.seed(1);

    println!("{:<14}{:>6}{:>12}{:>10}", "rule", "epoch", "accuracy", "at rest");
    for rule in [RuleKind::Bp, RuleKind::Dp, RuleKind::DpTranspose] {
        // The same initial synapses and the same batches for every rule.
        Training::new(network.clone(), &data)
            .rule(rule)
            .epochs(3)
            .batch(50)
            .optimizer(OptimizerSpec::adam(1e-2))
            .observe(|epoch, _| {
                let rest =
                    epoch.at_rest().map_or("–".to_owned(), |share| format!("{:.1} %", 100.0 * share));
                let accuracy = 100.0 * epoch.test.accuracy;
                println!("{:<14}{:>6}{accuracy:>10.1} %{rest:>10}", rule.name(), epoch.epoch);
            })
            .run()?;
    }
    Ok(())
}
