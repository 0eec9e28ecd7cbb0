//! Thermal noise against bias: a weak nudge drowns in noise, a strong one is no longer a gradient.
//!
//!     cargo run --release --example noise

use dyadsim::analysis::layer_angles;
use dyadsim::prelude::*;
use dyadsim::spec::ThermalSpec;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut circuit = CircuitSpec::default();
    circuit.nudge.alpha = 0.25;
    // Noise of the conductances on 100 fF: kT/C, 0.2 mV rms in a compartment of its own. It needs a
    // stochastic solver.
    circuit.noise.thermal = Some(ThermalSpec { excess: 1.0 });
    (circuit.solver.kind, circuit.solver.step) = (SolverKind::ExponentialHeun, 0.1);
    let mut network = Network::new(circuit, &[64, 32, 10])?.seed(1);

    let (inputs, targets) = Dataset::named("digits")?.first(50);
    let exact = network.backprop(&inputs, &targets)?;
    println!("angle between the estimate from 50 digits and backpropagation");
    println!("{:>8}{:>12}{:>12}", "β", "layer 1", "layer 2");
    for beta in [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0] {
        network = network.with(|circuit| circuit.nudge.beta = beta)?;
        let settled = network.settle(&inputs, Some(&targets))?;
        let Some(estimate) = settled.gradient() else { return Err("no sample has settled".into()) };
        let angles = layer_angles(&estimate, &exact);
        println!("{:>8}{:>11.2}°{:>11.2}°", settled.beta(), angles[0], angles[1]);
    }
    Ok(())
}
