//! Asks a study from code what the command line would answer: what the description of a circuit says of its
//! area, power and energy.
//!
//!     cargo run --release --example ask

use dyadsim::study::{Costs, Given, Receipt, Silent, Study};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let network = Some(vec![784, 128, 10]);
    let circuit = "opamp-memristor".into();
    let question = Costs { circuit, network, weights: None, input: None, target: None, chip: None };
    // What every question takes besides: `--set`, `--seed`, `--threads`, `--precision`.
    let given = Given { set: vec!["nudge.beta=0.1".parse()?], ..Given::default() };
    // Bad input is refused here, before any work, with the text of the command line.
    let subject = question.read(&given, &Silent)?;
    let answer = question.ask(&subject, &given, &Silent)?;
    println!("{} at {} V", answer.cost.technology, answer.cost.supply_v);
    println!("{}", question.words(&subject, &answer, &Receipt::default()));
    println!("{}", question.document(&subject, &answer, &Receipt::default()));
    Ok(())
}
