//! A learning rule of one's own: dual propagation whose comparators tell only the sign of a neuron's
//! difference.
//!
//!     cargo run --release --example own_rule

use dyadsim::learn::measure;
use dyadsim::prelude::*;

/// Reads `sign(δ)` where it is above a threshold, 0 elsewhere: a ternary error, as two comparators per neuron
/// would give it.
struct Ternary {
    /// The circuit that it reads.
    network: Network,
    /// Threshold of the comparators (V).
    threshold: f64,
}

impl Rule<f64> for Ternary {
    fn estimate(&self, weights: &Weights<f64>, batch: &Batch<f64>, gradient: &mut Gradient<f64>) -> Report {
        // One nudged relaxation with the weights as they are now.
        let mut read = measure(self.network.chip(), weights, batch, self.network.circuit(), false);
        for difference in &mut read.differences {
            let ternary = |delta: f64| if delta.abs() < self.threshold { 0.0 } else { delta.signum() };
            difference.apply(|delta| *delta = read.beta * ternary(*delta));
        }
        // Hebbian as before, −(1/β) δ s̄ᵀ over the samples that settled, but with the signs for the
        // differences.
        let used = read.gradient(batch, &read.kept(false), gradient);
        let settled = read.settled;
        Report {
            outcomes: settled.outcomes,
            times: settled.time,
            relaxations: read.relaxations,
            used,
            counts: settled.counts,
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = Dataset::named("digits")?;
    let mut circuit = CircuitSpec::default();
    circuit.nudge.beta = 0.1;
    let network = Network::new(circuit, &[64, 32, 10])?.seed(1);
    println!("{:>14}{:>12}{:>14}", "threshold", "accuracy", "DPᵀ as it is");
    let adam = OptimizerSpec::adam(1e-2);
    let plain = Training::new(network.clone(), &data).epochs(3).optimizer(adam.clone()).run()?;
    for threshold in [0.0, 1e-3, 1e-2] {
        let rule = Ternary { network: network.clone(), threshold };
        let training = Training::new(network.clone(), &data).own_rule(rule).epochs(3);
        let result = training.optimizer(adam.clone()).run()?;
        println!(
            "{:>11} mV{:>10.1} %{:>12.1} %",
            1e3 * threshold,
            100.0 * result.test_accuracy(),
            100.0 * plain.test_accuracy()
        );
    }
    Ok(())
}
