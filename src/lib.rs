//! dyadsim: dyadic neurons as continuous-time circuits, from a description to a trained network.
//!
//! ```
//! use dyadsim::prelude::*;
//!
//! let data = Dataset::named("digits")?;
//! let network = Network::new(CircuitSpec::default(), &[64, 32, 10])?.seed(1);
//! // Settle fifty digits under the nudge, and read the gradient that their synapses would see.
//! let (inputs, targets) = data.first(50);
//! let settled = network.settle(&inputs, Some(&targets))?;
//! println!("{:?}, loss {:?}", Outcome::tally(settled.outcomes()), settled.loss());
//! let gradient = settled.gradient().ok_or("no sample has settled")?;
//! // Train three epochs.
//! let training = Training::new(network, &data).rule(RuleKind::DpTranspose).epochs(3).batch(50);
//! let trained = training.optimizer(OptimizerSpec::adam(1e-2)).run()?;
//! assert!(trained.test_accuracy() > 0.7);
//! # assert_eq!(gradient.forward[1].shape(), (10, 32));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | to | see |
//! | --- | --- |
//! | settle, read and train a network | [`network`], [`prelude`]; `examples/` of the repository |
//! | describe a circuit or an experiment | [`spec`]: [`CircuitSpec`](spec::CircuitSpec), [`parse_circuit`](spec::parse_circuit) |
//! | choose a solver, know how it works and how a sample ends | [`solve`] |
//! | choose a learning rule, or write one | [`learn`] |
//! | add noise, spread devices | [`noise`], [`chip`] |
//! | know data sets, bring one | [`data`] |
//! | ask about stability, limits, quality of gradients, yield | [`analysis`], [`cost`] |
//! | carry out an experiment file and read its tables | [`study::train`], [`record`], [`figure`] |
//!
//! The equations and what is known of them: `docs/model.md`; the house and its invariants: `ARCHITECTURE.md`.
//!
//! Modules stand lowest first; each uses only those above it, and those of the crate `dyadsim-core`, which come first.

pub use dyadsim_core::{
    analysis, chip, circuit, cost, data, device, file, learn, machine, matrix, network, noise, prelude,
    random, solve, spec, statistics, train, units,
};

pub mod record;
pub mod spice;
pub mod figure;
pub mod study;
pub mod cli;
