//! Exported decks in ngspice, an independent simulator, against our own integration: equilibria, waveforms,
//! outcomes, noise.

use dyadsim_core::matrix::measure::larger;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use dyadsim::spice::{
    Analyses, Dialect, EQUILIBRIUM, Netlist, NoiseAnalysis, Report, WAVEFORM, Wiring, bench, check, map,
    version,
};
use dyadsim_core::analysis::small_signal::OperatingPoint;
use dyadsim_core::analysis::stationary::{Node, nodes};
use dyadsim_core::circuit::{Dynamics, Layered};
use dyadsim_core::solve::{Outcome, fixed_point};
use dyadsim_core::spec::*;
use rayon::prelude::*;

use crate::nets::{Net, activations, ideal, row};
use crate::traces::scatter;

/// Whether there is no ngspice, which is then told.
pub fn missing() -> bool {
    let missing = version().is_err();
    if missing {
        println!("SKIPPED: no ngspice here (apt-get install ngspice)");
    }
    missing
}

fn with_wiring<R>(net: &Net, work: impl FnOnce(&Wiring<'_>) -> R) -> R {
    let circuit = net.circuit();
    work(&Wiring {
        spec: &net.spec,
        chip: &net.chip,
        circuit: &circuit,
        input: net.batch.inputs.as_slice(),
        target: net.batch.targets.as_slice(),
    })
}

/// Both simulators on nets of one sample, in their order.
fn compare(cases: &[(String, Net)]) -> Vec<(&str, Report)> {
    let one = |(name, net): &'_ (String, Net)| {
        with_wiring(net, |wiring| check(wiring, &Netlist::new(wiring)))
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let reports: Vec<Report> = cases.par_iter().with_max_len(1).map(one).collect();
    cases.iter().map(|(name, _)| name.as_str()).zip(reports).collect()
}

/// Fails with every case that disagrees; prints the largest distances and gives the outcomes.
pub fn judge(found: &[(&str, Report)]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    let (mut equilibrium, mut waveform, mut least) = (0.0_f64, 0.0_f64, usize::MAX);
    let mut wrong = Vec::new();
    for (name, report) in found {
        *counts.entry(report.ours.name()).or_insert(0) += 1;
        equilibrium = equilibrium.max(report.equilibrium.unwrap_or(0.0));
        waveform = waveform.max(report.waveform);
        least = least.min(report.points);
        let near = report.equilibrium.is_none_or(|v| v <= EQUILIBRIUM) && report.waveform <= WAVEFORM;
        if !report.agrees() || !near {
            wrong.push(format!("{name}: {report:?}"));
        }
    }
    println!(
        "{} cases {counts:?}: equilibria within {equilibrium:.1e} V, waveforms within {waveform:.1e} V, at {least} points or more",
        found.len()
    );
    assert!(wrong.is_empty(), "{} of {} disagree\n{}", wrong.len(), found.len(), wrong.join("\n"));
    counts
}

/// A circuit with half the usual time limit: a check takes twice of it.
fn short(activation: ActivationSpec, variant: Variant, alpha: f64, beta: f64) -> CircuitSpec {
    let mut spec = ideal(ActivationKind::Linear, variant, alpha, beta);
    spec.neuron.activation = activation;
    spec.solver = SolverSpec { max_time: 50.0, ..SolverSpec::default() };
    spec
}

/// Variants, gains and activations on one net.
fn grid(seed: u64, network: &[usize], gain: f64, variants: &[Variant]) -> Vec<(String, Net)> {
    let mut cases = Vec::new();
    for &variant in variants {
        for alpha in [0.0, 0.25, 0.5, 0.75, 1.0] {
            if alpha == 0.5 && variant == Variant::DpTranspose {
                continue; // the same circuit as DP
            }
            for beta in [0.1, 0.5] {
                for kind in ActivationKind::ALL {
                    let spec = short(kind.into(), variant, alpha, beta);
                    let name = format!("{network:?} {gain} {kind:?} {variant:?} {alpha} {beta}");
                    cases.push((name, Net::random(seed, network, 1, gain, spec)));
                }
            }
        }
    }
    cases
}

const BOTH: [Variant; 2] = [Variant::Dp, Variant::DpTranspose];
const CUSTOM: Variant = Variant::Custom { plus: 0.9, minus: 0.2 };

#[test]
fn small_nets_with_all_gains_and_activations_do_the_same_in_ngspice() {
    if missing() {
        return;
    }
    let all = [BOTH[0], BOTH[1], CUSTOM];
    let mut cases = grid(1, &[4, 5, 3], 1.0, &all);
    cases.extend(grid(2, &[6, 5, 4, 3], 1.0, &all));
    // Gains at which circuits leave: by latch-up, and by ringing.
    cases.extend(grid(2, &[6, 5, 4, 3], 2.0, &BOTH));
    let counts = judge(&compare(&cases));
    let count = |outcome: Outcome| counts.get(outcome.name()).copied().unwrap_or(0);
    assert!(count(Outcome::Settled) >= 200 && count(Outcome::LatchUp) >= 10, "{counts:?}");
    assert!(count(Outcome::Oscillation) >= 2, "{counts:?}");
}

#[test]
fn a_64_32_10_net_with_all_gains_and_activations_does_the_same_in_ngspice() {
    if missing() {
        return;
    }
    let counts = judge(&compare(&grid(3, &[64, 32, 10], 1.0, &[BOTH[0], BOTH[1], CUSTOM])));
    assert!(counts["settled"] >= 60 && counts["latch-up"] >= 3, "{counts:?}");
}

#[test]
fn every_setting_that_is_exported_does_the_same_in_ngspice() {
    if missing() {
        return;
    }
    let mut cases = Vec::new();
    let mut add = |name: String, change: &dyn Fn(&mut CircuitSpec), scattered: bool| {
        let mut spec = short(ActivationKind::Tanh.into(), Variant::Dp, 0.6, 0.3);
        change(&mut spec);
        let mut net = Net::random(7, &[4, 5, 4, 3], 1, 1.2, spec);
        if scattered {
            scatter(&mut net, 8);
        }
        cases.push((name, net));
    };
    for at in [NudgePoint::Mean, NudgePoint::Own, NudgePoint::Free, NudgePoint::Drive] {
        for loss in [LossKind::Mse, LossKind::CrossEntropy] {
            for output in [ActivationKind::Linear, ActivationKind::Tanh] {
                for scattered in [false, true] {
                    let change = |spec: &mut CircuitSpec| {
                        (spec.nudge.at, spec.nudge.loss, spec.nudge.reference) = (at, loss, 0.7);
                        spec.neuron.output_activation = output.into();
                    };
                    add(format!("{at:?} {loss:?} {output:?} {scattered}"), &change, scattered);
                }
            }
        }
    }
    for activation in activations() {
        for start in [Start::Free, Start::Zero] {
            let change = |spec: &mut CircuitSpec| {
                (spec.neuron.activation, spec.solver.start) = (activation, start);
                spec.feedback = FeedbackSpec {
                    synapses: FeedbackSynapses::Separate,
                    init: FeedbackInit::Random,
                    ..FeedbackSpec::default()
                };
            };
            add(format!("{activation:?} {start:?} own feedback"), &change, true);
        }
    }
    for (low, high) in [(-0.05, 0.2), (-0.3, 0.5), (-2.0, 2.0)] {
        for beta in [0.0, 0.3, 3.0] {
            let change = |spec: &mut CircuitSpec| {
                (spec.supply, spec.nudge.beta) = (Some(SupplySpec { low, high }), beta);
                spec.solver.start = Start::Zero;
                if beta > 1.0 {
                    spec.nudge.alpha = 0.0; // DP latches up
                }
            };
            add(format!("rails {low} {high} {beta}"), &change, beta < 1.0);
        }
    }
    for distribution in [SpreadKind::Normal, SpreadKind::Lognormal] {
        for separate in [false, true] {
            let change = |spec: &mut CircuitSpec| {
                let wide = 0.2;
                spec.mismatch = MismatchSpec {
                    seed: Some(4),
                    distribution,
                    offset_dtod: 0.01,
                    time_constant_dtod: wide,
                    gain_dtod: wide,
                    mixing_dtod: wide,
                    scale_dtod: wide,
                    synapse_dtod: wide,
                    process: None,
                    faults: FaultSpec::default(),
                };
                if separate {
                    spec.feedback = FeedbackSpec {
                        synapses: FeedbackSynapses::Separate,
                        init: FeedbackInit::Random,
                        ..FeedbackSpec::default()
                    };
                }
            };
            add(format!("{distribution:?} spreads, own feedback {separate}"), &change, false);
        }
    }
    let counts = judge(&compare(&cases));
    assert!(counts["settled"] >= 40 && counts["latch-up"] >= 1, "{counts:?}");
}

#[test]
fn amplifiers_that_are_exported_do_the_same_in_ngspice() {
    if missing() {
        return;
    }
    let real = AmplifierSpec {
        gain: Some(300.0),
        gain_bandwidth: Some(1e8),
        offset: 2e-3,
        slew: None,
        pair_minimum: 1e-9,
    };
    let slewing = AmplifierSpec { slew: Some(1e5), ..AmplifierSpec::default() };
    let surroundings: [(&str, Option<f64>, Option<AmplifierSpec>, f64); 6] = [
        ("saturating", Some(0.065), None, 0.0),
        ("finite gain", None, Some(real), 0.0),
        ("slewing", None, Some(slewing), 0.0),
        ("leaking", None, None, 3e-9),
        ("all but slew", Some(0.1), Some(real), 1e-9),
        ("all", Some(0.2), Some(AmplifierSpec { slew: Some(1.5e5), ..real }), -1e-9),
    ];
    let mut cases = Vec::new();
    for (name, range, amplifier, current) in surroundings {
        for (variant, alpha) in [(Variant::Dp, 0.6), (Variant::DpTranspose, 0.25)] {
            for supply in [None, Some(SupplySpec { low: -0.4, high: 0.5 })] {
                for start in [Start::Free, Start::Zero] {
                    let mut spec = short(ActivationKind::Tanh.into(), variant, alpha, 0.3);
                    (spec.supply, spec.solver.start) = (supply, start);
                    spec.transconductor = range.map(|range| TransconductorSpec { range });
                    spec.leakage = Some(LeakageSpec { current, hold: 0.0 });
                    spec.amplifier = amplifier;
                    let net = Net::random(9, &[4, 5, 3], 1, 1.2, spec);
                    cases.push((format!("{name} {variant:?} {supply:?} {start:?}"), net));
                }
            }
        }
    }
    let counts = judge(&compare(&cases));
    assert!(counts["settled"] >= 25 && counts["latch-up"] >= 10, "{counts:?}");
}

/// Totals of `.noise` (V, rms) at some nodes of an exported deck.
pub fn totals(wiring: &Wiring<'_>, names: &[String]) -> Vec<f64> {
    let folder = tempfile::tempdir().unwrap();
    let Netlist { title, library, columns, network, noise } = Netlist::new(wiring);
    let noise_analyses = names.iter().map(|node| NoiseAnalysis { node: node.clone() }).collect();
    let analyses = Analyses { noise: noise_analyses, ..Analyses::default() };
    let bench = bench(wiring, &analyses, Dialect::Ngspice, "deck").unwrap();
    let deck = title + &library + &columns + &network + &noise + &bench;
    fs::write(folder.path().join("deck.cir"), deck).unwrap();
    let done =
        Command::new("ngspice").current_dir(folder.path()).args(["-n", "-b", "deck.cir"]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let found: Vec<f64> = said
        .lines()
        .filter_map(|line| line.trim().strip_prefix("onoise_total = ")?.trim().parse().ok())
        .collect();
    assert_eq!(found.len(), names.len(), "{said}\n{}", String::from_utf8_lossy(&done.stderr));
    found
}

/// Switches sources on, and parts around them.
type Change = fn(&mut CircuitSpec);

#[test]
fn noise_totals_of_every_additive_source_are_those_of_the_lyapunov_equation() {
    if missing() {
        return;
    }
    let sources: [(&str, Change); 8] = [
        ("thermal", |s| s.noise.thermal = Some(ThermalSpec { excess: 1.0 })),
        ("excess and shot", |s| {
            s.noise.thermal = Some(ThermalSpec { excess: 2.9 });
            s.noise.shot = Some(ShotSpec { current: 2e-9 });
        }),
        ("flicker", |s| {
            s.noise.flicker =
                Some(FlickerSpec { coefficient: Some(3e-24), low: 1e3, high: 1e6, ..FlickerSpec::default() });
        }),
        ("telegraph", |s| {
            s.noise.telegraph = Some(TelegraphSpec { amplitude: 1e-11, capture: 2e-6, emission: 5e-6 });
        }),
        ("supply", |s| {
            s.noise.supply = Some(SupplyNoiseSpec { psd: 1e-14, bandwidth: 3e5, coupling: 0.3 });
        }),
        ("input", |s| s.noise.input = Some(InputNoiseSpec { psd: 1e-14, bandwidth: 3e5 })),
        ("saturating amplifiers", |s| {
            s.noise.thermal = Some(ThermalSpec { excess: 1.0 });
            s.transconductor = Some(TransconductorSpec { range: 0.065 });
        }),
        ("amplifiers of finite gain", |s| {
            s.noise.thermal = Some(ThermalSpec { excess: 1.0 });
            s.amplifier = Some(AmplifierSpec {
                gain: Some(200.0),
                gain_bandwidth: Some(1e8),
                ..AmplifierSpec::default()
            });
        }),
    ];
    for (name, change) in sources {
        for (variant, alpha) in [(Variant::Dp, 0.6), (Variant::DpTranspose, 0.25)] {
            let mut spec = ideal(ActivationKind::Tanh, variant, alpha, 0.4);
            change(&mut spec);
            spec.solver.kind = SolverKind::ExponentialHeun;
            let net = Net::random(941, &[4, 5, 3], 1, 1.0, spec);
            let names: BTreeMap<String, String> =
                map(&net.chip.layout).into_iter().map(|(spice, name)| (name, spice)).collect();
            let all: Vec<Node> =
                nodes(&net.chip.layout).into_iter().filter(|n| n.name().starts_with("v_")).collect();
            let wanted: Vec<String> = all.iter().map(|node| names[&node.name()].clone()).collect();
            let circuit = net.circuit();
            let state = fixed_point(&circuit, 0, row(&circuit.free_state(), 0).as_slice(), 1e-12).state;
            let point = OperatingPoint::new(&circuit, &net.batch.inputs, 0, &state);
            let covariance = point.system().covariance().unwrap().total;
            let mut worst = 0.0_f64;
            for (node, found) in all.iter().zip(with_wiring(&net, |wiring| totals(wiring, &wanted))) {
                let place = node.place(circuit.layout());
                worst = larger(worst, (found / covariance[(place, place)].sqrt() - 1.0).abs());
            }
            println!("{name} {variant:?}: {} totals within {worst:.1e}", all.len());
            // The tolerance; the band leaves out 1.3e-5 of a white compartment's variance.
            assert!(worst < 1e-3, "{name} {variant:?}: {worst:.1e}");
        }
    }
}

#[test]
fn circuits_that_start_on_a_rail_are_followed_to_their_rest() {
    if missing() {
        return;
    }
    let mut cases = Vec::new();
    for network in [&[1, 1][..], &[1, 1, 1]] {
        // A linear chain: all potentials charge from the lower rail towards 0.505 and 0.495 V.
        let mut spec = short(ActivationKind::Linear.into(), Variant::DpTranspose, 0.5, 0.1);
        (spec.supply, spec.solver.start) = (Some(SupplySpec { low: 0.0, high: 1.0 }), Start::Zero);
        let mut net = Net::random(0, network, 1, 1.0, spec);
        net.weights.forward.iter_mut().for_each(|weights| weights.fill(1.0));
        net.weights.biases.iter_mut().for_each(|biases| biases.fill(0.0));
        (net.batch.inputs[(0, 0)], net.batch.targets[(0, 0)]) = (0.5, 0.6);
        cases.push((format!("{network:?}"), net));
    }
    let found = compare(&cases);
    for (name, report) in &found {
        // Some 14 τ until it is settled, in steps of 0.02 τ.
        assert!(report.points > 500 && report.largest > 0.5, "{name}: {report:?}");
    }
    assert_eq!(judge(&found)["settled"], 2);
}
