//! docs/model.md §5 at the rails: one table of circuits with known fates, for every solver and for all that
//! looks at equilibria.
//!
//! A linear neuron at `α = ½` has `v± = clip(x ± ½ β (y − ŷ))` with `ŷ = ½ (v⁺ + v⁻)`, a hidden one of a
//! 1-1-1 chain `x ± ½ w₂ δ₂`: every fate in the table is worked out by hand. The free equilibrium is
//! `clip(x)`.

use dyadsim_core::analysis::attractors::{Starts, multistart};
use dyadsim_core::analysis::limits::{Failure, Search, find_limits};
use dyadsim_core::analysis::map::{Criterion, Node};
use dyadsim_core::analysis::{Verdict, stability};
use dyadsim_core::chip::Chip;
use dyadsim_core::circuit::Dynamics;
use dyadsim_core::device::DeviceOffset;
use dyadsim_core::learn::Batch;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::solve::{Outcome, Trace, classify_trace, settle_all};
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal, kinds_that};

/// A chain of neurons with weights and biases.
struct Case {
    name: &'static str,
    rails: (f64, f64),
    /// Input, target (V) and nudge.
    drive: (f64, f64, f64),
    start: Start,
    /// Weight and bias of each layer.
    layers: &'static [(f64, f64)],
    /// Offset of the output's plus compartment (V).
    offset: f64,
    latches: bool,
}

const PLAIN: Case = Case {
    name: "",
    rails: (-1.0, 1.0),
    drive: (0.5, 0.6, 0.1),
    start: Start::Free,
    layers: &[(1.0, 0.0)],
    offset: 0.0,
    latches: false,
};
const CHAIN: &[(f64, f64)] = &[(1.0, 0.0), (1.0, 0.0)];

fn cases() -> Vec<Case> {
    let zero = Case { start: Start::Zero, ..PLAIN };
    vec![
        Case { name: "inside", ..PLAIN },
        Case { name: "starts on the lower rail and moves inward", rails: (0.0, 1.0), ..zero },
        Case {
            name: "starts on the upper rail and moves inward",
            rails: (-1.0, 0.0),
            drive: (-0.5, -0.6, 0.1),
            ..zero
        },
        Case { name: "starts below the lower rail", rails: (0.1, 1.0), ..zero },
        // v⁻ = 0.1 − ½ (2 − ŷ) < 0.
        Case {
            name: "starts on a rail and is pressed for good",
            rails: (0.0, 5.0),
            drive: (0.1, 2.0, 1.0),
            latches: true,
            ..zero
        },
        // v⁻ is driven to −0.25 V at first, and to 0.125 V in the end.
        Case {
            name: "starts on a rail, is pressed, and is released",
            rails: (0.0, 2.0),
            drive: (0.5, 1.0, 1.5),
            ..zero
        },
        // v⁺ is driven to 0.65 V at first; in the end v⁻ = 1.4 V, ŷ = 0.7 V and v⁺ to −0.4 V.
        Case {
            name: "starts on a rail, leaves it and comes back",
            rails: (0.0, 2.0),
            drive: (0.5, 0.1, 3.0),
            latches: true,
            ..zero
        },
        Case {
            name: "rests on the upper rail",
            rails: (-0.6, 0.6),
            drive: (0.5, 1.0, 1.0),
            latches: true,
            ..PLAIN
        },
        Case {
            name: "rests on the lower rail",
            rails: (-0.6, 0.6),
            drive: (-0.5, -1.0, 1.0),
            latches: true,
            ..PLAIN
        },
        Case { name: "rests on the rail of the free circuit", drive: (2.0, 2.0, 0.1), ..PLAIN },
        Case {
            name: "rests on the rail of the free circuit and of the start",
            rails: (0.0, 1.0),
            drive: (-1.0, -1.0, 0.1),
            ..zero
        },
        // The free circuit lies on the upper rail; v⁺ is driven to −3.5 V.
        Case { name: "goes from one rail to the other", drive: (1.5, -10.0, 1.0), latches: true, ..PLAIN },
        // v⁻ = −6.6 V, beside which the tolerance of v⁺ is small.
        Case {
            name: "rests on the nearer of two rails",
            rails: (-10.0, 0.1),
            drive: (0.05, 10.0, 1.0),
            latches: true,
            ..PLAIN
        },
        // The second layer is idle in the start, its minus compartment pressed.
        Case { name: "two layers start on the rail", rails: (0.0, 1.0), layers: CHAIN, ..zero },
        // δ₂ = ½ V: outputs at 0.75 V, were it not for the rail.
        Case {
            name: "two layers rest on the rail",
            rails: (-0.6, 0.6),
            drive: (0.5, 1.0, 1.0),
            layers: CHAIN,
            latches: true,
            ..PLAIN
        },
        // Free: δ₂ = 0.2 V, so that v⁺₁ is driven to 0.7 V; the feed-forward state is 0.5 V.
        Case {
            name: "unequal compartments: the free circuit rests on the rail, the feed-forward state does not",
            rails: (-2.0, 0.65),
            drive: (0.5, 0.3, 0.1),
            layers: &[(1.0, 0.0), (2.0, -1.0)],
            offset: -0.2,
            ..PLAIN
        },
        // Free: v⁻₁ = 0.7 − 0.2 = 0.5 V, on the rail in the feed-forward state; nudged: δ₂ = 0.02 V, so that
        // both stay.
        Case {
            name: "unequal compartments: the feed-forward state is on the rail, the free circuit is not",
            rails: (-2.0, 0.65),
            drive: (0.7, -0.08, 1.0),
            layers: &[(1.0, 0.0), (2.0, -1.3)],
            offset: -0.2,
            latches: true,
            ..PLAIN
        },
    ]
}

impl Case {
    fn net(&self) -> Net {
        let (input, target, beta) = self.drive;
        let mut spec = ideal(ActivationKind::Linear, Variant::DpTranspose, 0.5, beta);
        spec.solver = SolverSpec { start: self.start, ..SolverSpec::default() };
        spec.supply = Some(SupplySpec { low: self.rails.0, high: self.rails.1 });
        self.with(spec, Matrix::from_element(1, 1, input), Matrix::from_element(1, 1, target))
    }

    fn with(&self, spec: CircuitSpec, inputs: Matrix<f64>, targets: Matrix<f64>) -> Net {
        let network = vec![1; self.layers.len() + 1];
        let mut net = Net::random(0, &network, 1, 1.0, spec);
        net.batch = Batch::new(inputs, targets);
        for (k, &(weight, bias)) in self.layers.iter().enumerate() {
            net.weights.forward[k].fill(weight);
            net.weights.biases[k][0] = bias;
        }
        self.shift(&mut net.chip);
        net
    }

    fn shift(&self, chip: &mut Chip<f64>) {
        if self.offset != 0.0 {
            chip.layers.last_mut().unwrap().offset_plus[0] = DeviceOffset { offset: self.offset, scale: 1.0 };
        }
    }

    fn outcome(&self) -> Outcome {
        if self.latches { Outcome::LatchUp } else { Outcome::Settled }
    }
}

/// Every solver, and how fixed points are verified.
fn solvers() -> Vec<(SolverKind, Verify)> {
    let verified = kinds_that(SolverKind::can_verify).into_iter();
    let verified = verified.flat_map(|kind| [Verify::Eigen, Verify::Transient].map(|verify| (kind, verify)));
    SolverKind::ALL.map(|kind| (kind, Verify::None)).into_iter().chain(verified).collect()
}

#[test]
fn every_solver_says_the_same_of_every_circuit_at_a_rail() {
    for case in cases() {
        for (kind, verify) in solvers() {
            let mut net = case.net();
            if kind.is_clocked() {
                // A tenth of the charge is shared in every period.
                let frequency = 10.0 * net.spec.neuron.leak / net.spec.neuron.capacitance;
                net.spec.clock = Some(ClockSpec { frequency, injection: 0.0 });
                net.chip = Chip::fabricate(&net.spec, &net.network);
                case.shift(&mut net.chip);
            }
            (net.spec.solver.kind, net.spec.solver.verify) = (kind, verify);
            let settled = net.settle();
            let v: Vec<f64> = settled.state.iter().copied().collect();
            assert_eq!(settled.outcomes, [case.outcome()], "{} by {kind:?} {verify:?}: {v:?}", case.name);
        }
    }
}

#[test]
fn equilibria_on_rails_are_latch_up_to_all_that_looks_at_them() {
    for case in cases() {
        let net = case.net();
        let circuit = net.circuit();
        let mut found = stability(&circuit, &net.spec.solver, &circuit.free_state(), 1e-9);
        if found.verdict(0).is_none() {
            // Newton's method may get stuck between the pieces; it is asked again from where the circuit
            // goes, as the command does.
            found = stability(&circuit, &net.spec.solver, &net.settle().state, 1e-9);
        }
        let verdict = if case.latches { Verdict::LatchUp } else { Verdict::Stable };
        assert_eq!(found.verdict(0), Some(verdict), "{}", case.name);
        assert_eq!(found.on_rails, [case.latches], "{}", case.name);
        for by in [Criterion::Eigenvalues, Criterion::Both] {
            let node = Node::evaluate(&circuit, &net.spec.solver, by, None);
            assert_eq!(
                (node.verdict(), node.is_stable()),
                (Some(verdict), !case.latches),
                "{} {by:?}",
                case.name
            );
        }
        let node = Node::evaluate(&circuit, &net.spec.solver, Criterion::Integration, None);
        assert_eq!(node.outcome(), Some(case.outcome()), "{}", case.name);
    }
}

#[test]
fn random_starts_clamped_into_the_rails_find_the_only_equilibrium() {
    for case in cases().into_iter().filter(|case| !case.latches) {
        let net = case.net();
        let starts = Starts { count: 60, spread: 2.0, seed: 1 };
        let found = multistart(&net.spec.solver, &net.circuit(), &starts, &|| {}).remove(0);
        assert_eq!(found.outcomes.get("settled"), Some(&60), "{}: {:?}", case.name, found.outcomes);
        assert_eq!(found.attractors.len(), 1, "{}", case.name);
    }
}

#[test]
fn the_limit_of_a_neuron_between_rails_is_where_it_reaches_one() {
    // v⁺ = x + ½ β (y − x) = high.
    for (x, y, high) in [(0.5, 1.0, 0.6), (0.2, 1.0, 0.9), (-0.5, 2.0, 0.0)] {
        let case = Case { rails: (-5.0, high), drive: (x, y, 0.1), ..PLAIN };
        let net = case.net();
        let exact = 2.0 * (high - x) / (y - x);
        let found = find_limits(&net.spec, &net.weights, &net.batch, &Search::default());
        let [sample] = &found.samples[..] else { panic!("one sample") };
        let foreseen = sample.foreseen.as_ref().expect("the rail");
        assert_eq!((foreseen.event, sample.confirmed), ("rail", true), "{sample:?}");
        assert_eq!(sample.failure, Some(Failure::Unsettled(Outcome::LatchUp)), "{sample:?}");
        // The tolerance of the rail, 1e-6 of it and 1 nV, over the slope of v⁺.
        let error = (1e-6 * high.abs() + 1e-9) * 2.0 / (y - x);
        assert!((foreseen.beta - exact).abs() < 1.01 * error, "{} {exact}", foreseen.beta);
    }
}

/// `v(t) = u + (v_0 − u) e^{−t/τ}` towards a constant drive, up to `stop` (τ).
fn charging(net: &Net, start: &[f64], drive: &[f64], stop: f64) -> Trace {
    let times: Vec<f64> = (0..1000).map(|n| stop * f64::from(n) / 1000.0).collect();
    let at = |t: f64| start.iter().zip(drive).map(|(v, u)| u + (v - u) * (-t).exp()).collect();
    Trace {
        states: times.iter().map(|&t| at(t)).collect(),
        drives: times.iter().map(|_| drive.to_vec()).collect(),
        times: times.iter().map(|t| t * net.chip.slowest).collect(),
        leaks: net.circuit().rates().to_vec(),
        bends: Vec::new(),
    }
}

#[test]
fn a_trajectory_of_another_simulator_is_judged_alike() {
    let find = |name: &str| cases().into_iter().find(|case| case.name == name).unwrap();
    let net = find("starts on the lower rail and moves inward").net();
    let says = |start: &[f64], drive: &[f64], stop: f64| {
        classify_trace(&net.spec.solver, &net.circuit(), &charging(&net, start, drive, stop))
    };
    assert_eq!(says(&[0.0, 0.0], &[0.505, 0.495], 40.0), Some(Outcome::Settled));
    assert_eq!(says(&[0.0, 0.0], &[0.505, 0.495], 5.0), None, "not yet decided");
    assert_eq!(says(&[0.0, 0.0], &[1.0, 0.495], 40.0), Some(Outcome::LatchUp), "v⁺ comes to the upper rail");
    assert_eq!(says(&[0.0, 0.0], &[0.505, 0.0], 40.0), Some(Outcome::LatchUp), "v⁻ stays on the lower rail");
}

#[test]
fn noise_latches_up_only_what_rests_on_a_rail_without_it() {
    // 64 µV rms on 1 pF. Within 1 % of the supply's range from a rail, but off it.
    let near = Case { rails: (-0.6, 0.753), drive: (0.5, 1.0, 1.0), start: Start::Zero, ..PLAIN };
    let on = Case { rails: (-0.6, 0.6), latches: true, ..near };
    let zero = Case { rails: (0.0, 1.0), drive: (0.5, 0.6, 0.1), ..near };
    for (case, outcome) in
        [(near, Outcome::NoisySettled), (on, Outcome::LatchUp), (zero, Outcome::NoisySettled)]
    {
        for kind in kinds_that(SolverKind::follows_continuous_noise) {
            let mut net = case.net();
            net.spec.neuron.leak *= 1e-12 / net.spec.neuron.capacitance;
            net.spec.neuron.capacitance = 1e-12;
            net.spec.noise.thermal = Some(ThermalSpec { excess: 1.0 });
            net.spec.solver.kind = kind;
            net.chip = Chip::fabricate(&net.spec, &net.network);
            let settled = settle_all(&net.spec.solver, &net.circuit(), false);
            assert_eq!(settled.outcomes, [outcome], "{kind:?} {:?}", case.rails);
        }
    }
}

#[test]
fn sweeps_are_not_called_settled_while_a_small_difference_moves() {
    // Tolerances of 1e-4 V and differences of about as much: a share of 1e-3 of each may still move in a
    // round.
    for seed in 0..5 {
        let mut spec = ideal(ActivationKind::Tanh, Variant::Dp, 0.7, 1e-3);
        spec.solver = SolverSpec {
            kind: SolverKind::Layerwise,
            rtol: 1e-4,
            atol: 1e-12,
            start: Start::Zero,
            ..SolverSpec::default()
        };
        let net = Net::random(seed, &[4, 5, 4, 3], 4, 1.0, spec);
        let (settled, exact) = (net.settle(), net.fixed_points());
        assert_eq!(settled.outcomes, [Outcome::Settled; 4], "seed {seed}");
        let circuit = net.circuit();
        let (found, exact) = (circuit.differences(&settled.state), circuit.differences(&exact.state));
        for (found, exact) in found.iter().zip(&exact) {
            // 1e-3 in the last round, times what rounds to come would add.
            let error = (found - exact).amax() / exact.amax();
            assert!(error < 1e-2, "seed {seed}: {error:.1e}");
        }
    }
}
