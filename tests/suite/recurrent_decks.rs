//! Exported decks of circuits whose layers speak both ways in ngspice, an independent simulator, against our own
//! integration: equilibria, free and nudged, waveforms, noise.

use std::collections::BTreeMap;

use dyadsim::spice::{Netlist, Report, Wiring, check, map};
use dyadsim_core::analysis::small_signal::OperatingPoint;
use dyadsim_core::analysis::stationary::nodes;
use dyadsim_core::learn::{rest, wired};
use dyadsim_core::matrix::measure::larger;
use dyadsim_core::solve::{Outcome, fixed_point};
use dyadsim_core::spec::*;
use rayon::prelude::*;

use crate::nets::{Net, activations, row};
use crate::spice_check::{judge, missing, totals};

/// Runs something on the wiring of a net of one sample.
fn with_wiring<R>(net: &Net, work: impl FnOnce(&Wiring<'_>) -> R) -> R {
    let circuit = wired(&net.chip, &net.weights, &net.batch, &net.spec);
    work(&Wiring {
        spec: &net.spec,
        chip: &net.chip,
        circuit: circuit.as_ref(),
        input: net.batch.inputs.as_slice(),
        target: net.batch.targets.as_slice(),
    })
}

fn compare(cases: &[(String, Net)]) -> Vec<(&str, Report)> {
    let one = |(name, net): &'_ (String, Net)| {
        with_wiring(net, |wiring| check(wiring, &Netlist::new(wiring)))
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let reports: Vec<Report> = cases.par_iter().with_max_len(1).map(one).collect();
    cases.iter().map(|(name, _)| name.as_str()).zip(reports).collect()
}

/// A net of a kind, some gain below that of several equilibria.
fn net(kind: CircuitKind, seed: u64, network: &[usize], change: impl Fn(&mut CircuitSpec)) -> Net {
    let mut spec = CircuitSpec { kind: Some(kind), ..CircuitSpec::default() };
    spec.neuron.activation = ActivationKind::Tanh.into();
    spec.nudge.at = NudgePoint::Mean;
    spec.nudge.beta = 0.3;
    spec.solver.max_time = 100.0;
    change(&mut spec);
    Net::random(seed, network, 1, 0.5, spec)
}

fn own_feedback() -> FeedbackSpec {
    FeedbackSpec {
        synapses: FeedbackSynapses::Separate,
        init: FeedbackInit::Random,
        ..FeedbackSpec::default()
    }
}

#[test]
fn hopfield_circuits_do_the_same_in_ngspice() {
    if missing() {
        return;
    }
    let mut cases = Vec::new();
    let mut add = |name: String, change: &dyn Fn(&mut CircuitSpec)| {
        cases.push((name, net(CircuitKind::Hopfield, 700, &[4, 6, 5, 3], change)));
    };
    for beta in [0.0, 0.3, 1.0] {
        for at in [NudgePoint::Own, NudgePoint::Mean, NudgePoint::Free] {
            for loss in [LossKind::Mse, LossKind::CrossEntropy] {
                add(format!("{beta} {at:?} {loss:?}"), &|spec| {
                    (spec.nudge.beta, spec.nudge.at, spec.nudge.loss) = (beta, at, loss);
                });
            }
        }
    }
    for activation in activations() {
        for start in [Start::Free, Start::Zero] {
            add(format!("{activation:?} {start:?}, own feedback"), &|spec| {
                (spec.neuron.activation, spec.solver.start, spec.feedback) =
                    (activation, start, own_feedback());
            });
        }
    }
    for separate in [false, true] {
        add(format!("lateral, own feedback {separate}"), &|spec| {
            spec.lateral = true;
            spec.feedback = if separate { own_feedback() } else { FeedbackSpec::default() };
        });
    }
    let wide = MismatchSpec {
        seed: Some(4),
        offset_dtod: 0.02,
        time_constant_dtod: 0.2,
        scale_dtod: 0.2,
        synapse_dtod: 0.2,
        ..MismatchSpec::default()
    };
    add("spreads".into(), &|spec| spec.mismatch = wide.clone());
    add("rails".into(), &|spec| spec.supply = Some(SupplySpec { low: -0.1, high: 0.3 }));
    let real = AmplifierSpec {
        gain: Some(300.0),
        gain_bandwidth: Some(1e8),
        offset: 2e-3,
        slew: Some(1.5e5),
        pair_minimum: 1e-9,
    };
    add("amplifiers".into(), &|spec| {
        spec.amplifier = Some(real);
        spec.transconductor = Some(TransconductorSpec { range: 0.1 });
        spec.leakage = Some(LeakageSpec { current: 1e-9, hold: 0.0 });
        spec.solver.start = Start::Zero;
    });
    let counts = judge(&compare(&cases));
    // A slow mode may want more time than there is; both simulators say so then.
    assert!(counts[Outcome::Settled.name()] >= 35, "{counts:?}");
}

#[test]
fn recurrent_dyads_do_the_same_in_ngspice() {
    if missing() {
        return;
    }
    let mut cases = Vec::new();
    for variant in [Variant::Dp, Variant::DpTranspose, Variant::Custom { plus: 0.9, minus: 0.2 }] {
        for alpha in [0.0, 0.3, 0.5] {
            for (beta, own) in [(0.0, false), (0.3, false), (0.3, true)] {
                let change = |spec: &mut CircuitSpec| {
                    spec.lateral = own;
                    (spec.nudge.variant, spec.nudge.alpha, spec.nudge.beta) = (variant, alpha, beta);
                    spec.feedback = if own { own_feedback() } else { FeedbackSpec::default() };
                };
                let name = format!("{variant:?} {alpha} {beta} {own}");
                cases.push((name, net(CircuitKind::RecurrentDyad, 701, &[4, 5, 4, 3], change)));
            }
        }
    }
    let counts = judge(&compare(&cases));
    assert!(counts[Outcome::Settled.name()] >= 20, "{counts:?}");
}

#[test]
fn noise_of_their_decks_is_that_of_the_lyapunov_equation() {
    if missing() {
        return;
    }
    let both = [CircuitKind::Hopfield, CircuitKind::RecurrentDyad];
    for (kind, coloured) in both.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        let net = net(kind, 702, &[4, 5, 3], |spec| {
            spec.noise.thermal = Some(ThermalSpec { excess: if coloured { 2.0 } else { 1.0 } });
            spec.noise.flicker = coloured.then(|| FlickerSpec {
                coefficient: Some(3e-24),
                low: 1e3,
                high: 1e6,
                ..FlickerSpec::default()
            });
            let band = 3e5;
            spec.noise.supply =
                coloured.then_some(SupplyNoiseSpec { psd: 1e-14, bandwidth: band, coupling: 0.3 });
            spec.noise.input = coloured.then_some(InputNoiseSpec { psd: 1e-14, bandwidth: band });
            spec.solver.kind = SolverKind::ExponentialHeun;
        });
        let names: BTreeMap<String, String> =
            map(&net.chip.layout).into_iter().map(|(spice, name)| (name, spice)).collect();
        let all: Vec<_> =
            nodes(&net.chip.layout).into_iter().filter(|node| node.quantity.is_potential()).collect();
        let wanted: Vec<String> = all.iter().map(|node| names[&node.name()].clone()).collect();
        let circuit = wired(&net.chip, &net.weights, &net.batch, &net.spec);
        let start = row(&rest(circuit.as_ref(), &net.spec), 0);
        let state = fixed_point(circuit.as_ref(), 0, start.as_slice(), 1e-12).state;
        let point = OperatingPoint::new(circuit.as_ref(), &net.batch.inputs, 0, &state);
        let covariance = point.system().covariance().unwrap().total;
        let mut worst = 0.0_f64;
        let found = with_wiring(&net, |wiring| totals(wiring, &wanted));
        for (node, found) in all.iter().zip(found) {
            let place = node.place(point.layout());
            worst = larger(worst, (found / covariance[(place, place)].sqrt() - 1.0).abs());
        }
        println!("{kind:?}: {} totals within {worst:.1e}", all.len());
        // The band leaves out 1.3e-5 of a white compartment's variance.
        assert!(worst < 1e-3, "{kind:?}: {worst:.1e}");
    }
}
