//! Random circuits of every kind, and what each solver says of them, against an independent integration.
//!
//! `DYADSIM_RELIABILITY=1000` asks for that many circuits, `DYADSIM_RELIABILITY_FROM` for others than the
//! first (docs/reliability.md).

use std::collections::BTreeMap;

use dyadsim_core::random::{Key, Kind, stream};
use dyadsim_core::solve::{Outcome, settle_all};
use dyadsim_core::spec::*;
use rand_distr::{Distribution, StandardUniform};
use rayon::prelude::*;

use crate::judge::{Fate, fate};
use crate::nets::Net;

/// Circuits that are tried unless another number is asked for.
const CIRCUITS: u64 = 60;
/// Share of the potentials to which the reference is integrated, and once more where a solver disagrees.
const REFERENCE: f64 = 1e-10;
const COARSER: f64 = 1e-8;

const SOLVERS: [(SolverKind, Verify); 3] =
    [(SolverKind::Etd, Verify::None), (SolverKind::Eam, Verify::None), (SolverKind::Dc, Verify::Transient)];

/// Draws of one circuit's settings.
struct Draw(Box<dyn FnMut() -> f64>);

impl Draw {
    fn new(seed: u64) -> Self {
        let mut source = stream(Key::new(seed, Kind::Probe));
        Self(Box::new(move || StandardUniform.sample(&mut source)))
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.0)()
    }

    /// Evenly in its logarithm.
    fn log(&mut self, low: f64, high: f64) -> f64 {
        self.between(low.ln(), high.ln()).exp()
    }

    fn of<T: Clone>(&mut self, values: &[T]) -> T {
        values[((self.0)() * values.len() as f64) as usize % values.len()].clone()
    }

    fn count(&mut self, low: usize, high: usize) -> usize {
        low + ((self.0)() * (high + 1 - low) as f64) as usize
    }

    fn activation(&mut self) -> ActivationSpec {
        let kind = self.of(&ActivationKind::ALL);
        if (self.0)() < 0.3 {
            return kind.into();
        }
        let amplitude = self.between(0.5, 1.5);
        ActivationSpec { kind, amplitude, scale: self.between(0.2, 1.2), offset: self.between(-0.2, 0.4) }
    }

    fn nudge(&mut self) -> NudgeSpec {
        let custom = Variant::Custom { plus: self.between(0.0, 1.2), minus: self.between(0.0, 1.2) };
        let variant = self.of(&[Variant::Dp, Variant::DpTranspose, custom]);
        let alpha = self.of(&[0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0]);
        let at = self.of(&[NudgePoint::Mean, NudgePoint::Own, NudgePoint::Free, NudgePoint::Drive]);
        let loss = self.of(&[LossKind::Mse, LossKind::CrossEntropy]);
        NudgeSpec { variant, alpha, beta: self.log(0.02, 4.0), at, loss, ..NudgeSpec::default() }
    }
}

/// The circuit of a number.
fn circuit(seed: u64) -> Net {
    let mut draw = Draw::new(seed);
    let mut spec = CircuitSpec::default();
    let depth = draw.count(2, 5);
    let network: Vec<usize> = (0..=depth).map(|_| draw.count(3, 11)).collect();
    spec.neuron.activation = draw.activation();
    spec.neuron.output_activation =
        if (draw.0)() < 0.3 { draw.activation() } else { ActivationKind::Linear.into() };
    spec.nudge = draw.nudge();
    if (draw.0)() < 0.25 {
        let (low, high) = (draw.between(-6.0, -0.5), draw.between(0.5, 6.0));
        spec.supply = Some(SupplySpec { low, high });
    }
    let (rtol, atol) = draw.of(&[(1e-6, 1e-9), (1e-9, 1e-11)]);
    let max_time = draw.of(&[100.0, 400.0]);
    spec.solver = SolverSpec { rtol, atol, max_time, ..SolverSpec::default() };
    let gain = draw.between(0.4, 2.5);
    let one_hot = draw.count(0, network[depth] - 1);
    let mut net = Net::random(seed, &network, 1, gain, spec);
    for (j, y) in net.batch.targets.iter_mut().enumerate() {
        *y = f64::from(u8::from(j == one_hot));
    }
    net
}

/// What each solver says of a circuit, and what is right.
fn trial(seed: u64) -> (Fate, Vec<Outcome>, bool) {
    let net = circuit(seed);
    let found: Vec<Outcome> = SOLVERS
        .iter()
        .map(|&(kind, verify)| {
            let solver = SolverSpec { kind, verify, ..net.spec.solver.clone() };
            settle_all(&solver, &net.circuit(), false).outcomes[0]
        })
        .collect();
    let oracle = net.oracle(0);
    let right = fate(&oracle, &net.spec.solver, REFERENCE);
    let apart = found.iter().any(|outcome| !right.right.contains(outcome));
    // Where the reference itself depends on its step, nobody is wrong.
    let unsure = apart && fate(&oracle, &net.spec.solver, COARSER).right[0] != right.right[0];
    (right, found, unsure)
}

pub fn asked(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn random_circuits_end_as_an_independent_integration_says() {
    let wrong = survey(asked("DYADSIM_RELIABILITY_FROM", 0), asked("DYADSIM_RELIABILITY", CIRCUITS));
    assert_eq!(wrong, 0, "wrong outcomes");
}

/// Tries circuits from number `from` on, prints the confusion matrices, returns how many outcomes are wrong.
pub fn survey(from: u64, count: u64) -> usize {
    let trials: Vec<_> = (from..from + count).into_par_iter().map(|seed| (seed, trial(seed))).collect();
    let mut matrices: [BTreeMap<(&str, &str), usize>; 3] = Default::default();
    let (mut wrong, mut border, mut unsure) = (0, 0, 0);
    for (seed, (fate, found, doubtful)) in &trials {
        border += usize::from(fate.right.len() > 1);
        unsure += usize::from(*doubtful);
        for ((outcome, matrix), solver) in found.iter().zip(&mut matrices).zip(&SOLVERS) {
            let right = fate.right.contains(outcome);
            let truth = if right { outcome.name() } else { fate.right[0].name() };
            *matrix.entry((truth, outcome.name())).or_default() += 1;
            if !right {
                wrong += usize::from(!doubtful);
                let note = if *doubtful { " (the reference depends on its step)" } else { "" };
                println!("{seed} {:?}: {}, not {fate:?}{note}", solver.0, outcome.name());
            }
        }
    }
    println!("{count} circuits; {border} near a border, {unsure} of which the reference is not sure");
    for (matrix, solver) in matrices.iter().zip(&SOLVERS) {
        println!("{:?} {:?}: right, found: {matrix:?}", solver.0, solver.1);
    }
    wrong
}
