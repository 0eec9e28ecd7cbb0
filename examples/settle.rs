//! Settles fifty digits on an untrained network and reads what a chip would read: outcomes, activities, a
//! gradient.
//!
//!     cargo run --release --example settle

use dyadsim::analysis::layer_angles;
use dyadsim::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A description as a file would hold it: whatever a file would be refused for is refused here.
    let mut circuit = CircuitSpec::default();
    (circuit.nudge.alpha, circuit.nudge.beta) = (0.25, 0.1);
    let network = Network::new(circuit, &[64, 32, 10])?.seed(1);

    // Inputs [samples × 64] and targets [samples × 10], in volts.
    let data = Dataset::named("digits")?;
    let (inputs, targets) = data.first(50);
    let settled = network.settle(&inputs, Some(&targets))?;

    println!("outcomes      {:?}", Outcome::tally(settled.outcomes()));
    let slowest = settled.times().iter().copied().fold(0.0, f64::max);
    println!("slowest       {:.1} τ", slowest / network.chip().slowest);
    println!("loss          {:.4} without the nudge", settled.loss().unwrap_or(f64::NAN));
    let right = settled.predictions().iter().zip(data.train.labels());
    let right = right.filter(|(class, label)| **class == Some(usize::from(**label))).count();
    println!("predictions   {right} of {} are right", inputs.nrows());

    // The estimate needs no β: the settled batch knows under which one it settled.
    let Some(estimate) = settled.gradient() else { return Err("no sample has settled".into()) };
    let exact = network.backprop(&inputs, &targets)?;
    for (layer, angle) in (1..).zip(layer_angles(&estimate, &exact)) {
        println!("layer {layer}       {angle:.2}° between the estimate and backpropagation");
    }
    Ok(())
}
