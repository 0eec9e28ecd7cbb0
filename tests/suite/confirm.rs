//! What rings is told from what decays, whatever the integrator and however far out: no first impression is
//! an outcome.
//!
//! The two circuits of `data/` were found among random ones; LSODA at 1e-10 and 1e-11 gave the fates that are
//! asked for.

use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::learn::Batch;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::solve::{Outcome, Settled, settle_all};
use dyadsim_core::spec::*;

use crate::judge::fate;
use crate::nets::{Net, ideal, kinds_that};

/// A net of one sample from text: a name and a shape, then the numbers, row by row.
fn read(text: &str, network: &[usize], spec: CircuitSpec) -> Net {
    let lines: Vec<&str> = text.lines().collect();
    let find = |name: &str| {
        let at = lines.iter().step_by(2).position(|line| line.split(' ').next() == Some(name)).unwrap();
        lines[2 * at + 1].split(' ').map(|number| number.parse().unwrap()).collect::<Vec<f64>>()
    };
    let mut weights = Weights::zeros(network);
    for k in 1..network.len() {
        let (rows, columns) = (network[k], network[k - 1]);
        weights.forward[k - 1] = Matrix::from_row_slice(rows, columns, &find(&format!("W.{k}")));
        weights.biases[k - 1] = find(&format!("b.{k}"));
    }
    let row = |values: Vec<f64>| Matrix::from_row_slice(1, values.len(), &values);
    let chip = Chip::fabricate(&spec, network);
    Net { spec, network: network.to_vec(), weights, batch: Batch::new(row(find("x")), row(find("y"))), chip }
}

/// Nudge `drive`, cross-entropy, hard-sigmoid, custom gains: steps at the edge of stability.
fn chatter() -> Net {
    let variant = Variant::Custom { plus: 0.707, minus: 0.896 };
    let mut spec = ideal(ActivationKind::HardSigmoid, variant, 0.0, 0.1651);
    spec.neuron.activation =
        ActivationSpec { kind: ActivationKind::HardSigmoid, amplitude: 1.0, scale: 0.3, offset: 0.0 };
    (spec.nudge.at, spec.nudge.loss) = (NudgePoint::Drive, LossKind::CrossEntropy);
    read(include_str!("data/chatter.txt"), &[4, 9, 8, 8, 4], spec)
}

/// DP at α = 0.1: a spiral about 147 V, where the free state has 13.6 V, that loses an e-fold in some 160 τ.
fn spiral() -> Net {
    let mut spec = ideal(ActivationKind::Softplus, Variant::Dp, 0.1, 1.7227);
    spec.neuron.activation =
        ActivationSpec { kind: ActivationKind::Softplus, amplitude: 1.0, scale: 1.0, offset: 0.2 };
    (spec.nudge.at, spec.nudge.loss) = (NudgePoint::Drive, LossKind::CrossEntropy);
    read(include_str!("data/spiral.txt"), &[7, 11, 9, 5, 5], spec)
}

const TOLERANCES: [(f64, f64); 2] = [(1e-6, 1e-9), (1e-9, 1e-11)];

fn settle(net: &Net, kind: SolverKind, (rtol, atol): (f64, f64), max_time: f64) -> Settled<f64> {
    let spec = SolverSpec { kind, rtol, atol, max_time, ..SolverSpec::default() };
    settle_all(&spec, &net.circuit(), false)
}

#[test]
fn what_an_integrator_only_chatters_over_is_settled() {
    let net = chatter();
    for (rtol, atol) in TOLERANCES {
        let spec = SolverSpec { rtol, atol, max_time: 1500.0, ..SolverSpec::default() };
        assert_eq!(fate(&net.oracle(0), &spec, 1e-10).right, [Outcome::Settled]);
        for kind in kinds_that(|kind| kind.is_adaptive() && !kind.is_one_by_one()) {
            let settled = settle(&net, kind, (rtol, atol), 1500.0);
            assert_eq!(settled.outcomes, [Outcome::Settled], "{kind:?} {rtol:e}");
        }
    }
}

#[test]
fn a_slow_spiral_far_out_decays_as_it_would_nearby() {
    let net = spiral();
    for (tolerances, max_time, residual) in
        [(TOLERANCES[1], 400.0, 0.115), (TOLERANCES[0], 749.0, 0.0139), (TOLERANCES[1], 1499.0, 2.3e-4)]
    {
        for kind in kinds_that(|kind| kind.is_adaptive() && !kind.is_one_by_one()) {
            let found = settle(&net, kind, tolerances, max_time);
            assert_eq!(found.outcomes, [Outcome::Timeout], "{kind:?} {max_time} τ");
            // By LSODA; errors of 1e-9 of 147 V per step are small against it, those of 1e-6 are not.
            let share = found.residual[0] / residual;
            let close = (0.5..2.0).contains(&share) || tolerances.0 > 1e-9;
            assert!(close, "{kind:?} {max_time} τ: {} V", found.residual[0]);
        }
    }
}

/// The linear 1-1-1 chain under DP at α = 1, β = 1 whose complex pair decays at `rate` (1/τ): docs/model.md
/// §3.4, `λ = (μ − 1)/τ` with `μ³ + μ² + w² = 0`.
fn chain(rate: f64) -> Net {
    // With roots p and a ± bi: 2a + p = −1, a² + b² + 2ap = 0 and w² = −p (a² + b²) = 2ap².
    let a = 1.0 - rate;
    let p = -1.0 - 2.0 * a;
    let mut spec = ideal(ActivationKind::Linear, Variant::Dp, 1.0, 1.0);
    spec.solver = SolverSpec::default();
    let mut net = Net::random(7, &[1, 1, 1], 1, 1.0, spec);
    net.weights.forward[1][(0, 0)] = (2.0 * a * p * p).sqrt();
    net
}

#[test]
fn a_ringing_chain_is_called_what_its_eigenvalues_say() {
    // Per time limit: what loses half, a fifth or a twentieth decays; what keeps its swing or gains a fifth
    // does not.
    for (lost, outcome) in [
        (0.5, Outcome::Timeout),
        (0.2, Outcome::Timeout),
        (0.05, Outcome::Timeout),
        (0.0, Outcome::Oscillation),
        (-0.2, Outcome::Oscillation),
    ] {
        for max_time in [100.0, 400.0] {
            let net = chain(-f64::ln_1p(-lost) / max_time);
            for kind in kinds_that(SolverKind::is_adaptive) {
                for tolerances in TOLERANCES {
                    let found = settle(&net, kind, tolerances, max_time);
                    assert_eq!(found.outcomes, [outcome], "{kind:?} {lost} in {max_time} τ, {tolerances:?}");
                }
            }
        }
    }
}
