//! One gradient of equilibrium propagation of one batch, the optimiser left out: a free and two nudged equilibria
//! of a layered Hopfield net, against jax's map of a fixed number of steps, as published codes have it.
//!
//! Both are held against the same rule settled to rounding in double precision; beside it stands how far that is
//! from recurrent backpropagation, because the nudge is finite.

use anyhow::Result;
use dyadsim::record::weights::read_weights;
use dyadsim_core::learn::{Gradient, rule};
use dyadsim_core::matrix::Real;
use dyadsim_core::spec::{ActivationKind, ActivationSpec, CircuitSpec, NudgePoint, RuleKind, SolverKind};

use super::judge::gradients_apart;
use super::net::Net;
use super::peer::{DEFAULT, Peer};
use super::setup::Setup;
use super::timing::{in_turn, short};

/// Networks, the first for a quick run.
const NETS: [&[usize]; 2] = [&[784, 128, 10], &[784, 256, 256, 10]];
const SAMPLES: usize = 64;
const BETA: f64 = 0.2;
/// Steps of the peer in its free and in each of its nudged phases: of the published settings, fewer, and as many
/// as the larger net takes to be as exact as ours.
const STEPS: [(usize, usize); 6] = [(15, 15), (30, 20), (60, 30), (200, 50), (600, 300), (1500, 700)];

/// The case.
pub fn run(setup: &Setup) -> Result<String> {
    let root = tempfile::tempdir()?;
    let mut text = format!(
        "Centred EP at β = {BETA}, batch {SAMPLES}, `f(v) = sigmoid(4v − 2)` of all layers, single precision; ours by `dc` to 1e-5. \
         *Off*: largest difference of a layer from the gradient of the same nudges in double precision, in units of that layer's largest entry.\n\n\
         | network | peer's steps | theirs/ours | ours (ms) | theirs (ms) | ours off | theirs off | nudge off | peer compiles (s) |\n\
         |---|---|--:|---|---|--:|--:|--:|--:|\n"
    );
    for sizes in &NETS[..if setup.quick { 1 } else { NETS.len() }] {
        let net = Net::make(root.path(), sizes, SAMPLES)?;
        for steps in STEPS {
            eprintln!("ep {} {steps:?}", net.name());
            let cells = row(setup, &net, steps);
            let cells = cells.unwrap_or_else(|error| format!("failed: {error:#} ||||||"));
            text += &format!("| {} | {} + 2 × {} | {cells}\n", net.name(), steps.0, steps.1);
        }
    }
    Ok(text)
}

/// The circuit, settled to a tolerance.
fn circuit(rtol: f64) -> CircuitSpec {
    let mut spec = CircuitSpec::default();
    let sigmoid = ActivationSpec { scale: 0.25, offset: 0.5, ..ActivationKind::Sigmoid.into() };
    (spec.neuron.activation, spec.neuron.output_activation) = (sigmoid, sigmoid);
    (spec.nudge.beta, spec.nudge.at) = (BETA, NudgePoint::Own);
    (spec.solver.kind, spec.solver.rtol, spec.solver.atol) = (SolverKind::Dc, rtol, 1e-3 * rtol);
    spec
}

/// Estimates a gradient.
fn estimate<T: Real>(net: &Net, kind: RuleKind, rtol: f64) -> impl FnMut() -> Gradient<T> {
    let wired = net.wired::<T>(&circuit(rtol));
    let rule = rule::<T>(kind, &wired.spec, &net.sizes);
    let mut gradient = Gradient::zeros(&wired.weights);
    move || {
        rule.estimate(&wired.weights, &wired.batch, &mut gradient);
        gradient.clone()
    }
}

fn row(setup: &Setup, net: &Net, (free, nudged): (usize, usize)) -> Result<String> {
    let arguments =
        ["--beta", &BETA.to_string(), "--free", &free.to_string(), "--nudged", &nudged.to_string()];
    let arguments = arguments.map(str::to_owned);
    let Some(mut peer) = Peer::start(setup, "jax-ep", net, &arguments)? else {
        return Ok("no peer ||||||".to_owned());
    };
    let exact = estimate::<f64>(net, RuleKind::RecurrentBp, 1e-10)();
    let settled = estimate::<f64>(net, RuleKind::EpCentred, 1e-11)();
    let mut ours = estimate::<f32>(net, RuleKind::EpCentred, 1e-5);
    let own = ours();
    let mut run = || drop(ours());
    let pairs = in_turn(setup.repetitions(), &mut run, |calls| peer.run(calls, DEFAULT))?;
    let theirs = read_weights::<f64>(&peer.gradient()?, Some(&net.sizes))?;
    Ok(format!(
        "{} | {} | {:.1e} | {:.1e} | {:.1e} | {} |",
        pairs.ratio(),
        pairs.cells(),
        gradients_apart(&own.forward, &settled.forward),
        gradients_apart(&theirs.forward, &settled.forward),
        gradients_apart(&settled.forward, &exact.forward),
        short(peer.compile)
    ))
}
