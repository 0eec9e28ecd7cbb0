//! The files in `tests/files`: the good ones load, each bad one is answered with its own message.
//!
//! A bad file's first lines, `# expect: …`, are fragments that its message must hold. A file whose
//! name begins with `circuit` is a circuit, one that begins with `experiment` an experiment.

use std::fs;
use std::path::{Path, PathBuf};

use dyadsim_core::spec::{CircuitSpec, SpecError, load_circuit, load_experiment, parse_experiment};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(folder);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    files
}

fn is_circuit(path: &Path) -> bool {
    path.file_name().unwrap().to_str().unwrap().starts_with("circuit")
}

fn load(path: &Path) -> Result<(), SpecError> {
    if is_circuit(path) { load_circuit(path, &[]).map(drop) } else { load_experiment(path, &[]).map(drop) }
}

#[test]
fn good_files_load() {
    let files = files("good");
    assert!(files.len() >= 8, "only {} files", files.len());
    for path in files {
        load(&path).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn every_bad_file_is_answered_with_its_message() {
    let files = files("bad");
    assert!(files.len() >= 25, "only {} files", files.len());
    let mut failures = String::new();
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let expected: Vec<_> = text.lines().map_while(|line| line.strip_prefix("# expect: ")).collect();
        assert!(!expected.is_empty(), "{} expects nothing", path.display());
        let message = load(&path).map_or_else(|error| error.to_string(), |()| "it loads".into());
        let name = path.file_name().unwrap().to_string_lossy();
        for fragment in expected.into_iter().filter(|fragment| !message.contains(fragment)) {
            failures += &format!("{name}: expected `{fragment}` in\n{message}\n\n");
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn a_resolved_good_experiment_loads_again_from_any_folder_and_is_the_same() {
    for path in files("good").into_iter().filter(|path| !is_circuit(path)) {
        let resolved = load_experiment(&path, &[]).unwrap().resolve(&[]).unwrap();
        let text = resolved.to_toml();
        let again = parse_experiment("elsewhere/experiment.toml", &text, &[]);
        let again = again.unwrap_or_else(|error| panic!("{error}\n{text}")).resolve(&[]).unwrap();
        assert_eq!(again, resolved, "{text}");
        assert_eq!(again.to_toml(), text);
    }
}

#[test]
fn the_ideal_circuit_is_the_default_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("circuits/ideal.toml");
    assert_eq!(load_circuit(&path, &[]).unwrap(), CircuitSpec::default());
}

/// Random experiments that the door must let in.
mod random {
    use dyadsim_core::curve::Curve;
    use dyadsim_core::spec::*;
    use proptest::prelude::*;
    use proptest::sample::select;

    /// A positive number of any size that a device might have.
    fn size() -> impl Strategy<Value = f64> {
        decades(-20, 0)
    }

    /// A positive number between two powers of ten.
    fn decades(low: i32, high: i32) -> impl Strategy<Value = f64> {
        (1.0..10.0_f64, low..high).prop_map(|(mantissa, exponent)| mantissa * 10_f64.powi(exponent))
    }

    /// A curve through points at any distances.
    fn curve() -> impl Strategy<Value = Curve> {
        prop::collection::vec((decades(-6, 0), -1.0..1.0_f64), 2..9).prop_map(|steps| {
            let mut at = -1.0;
            let next = |(step, y): (f64, f64)| {
                at += step;
                (at, y)
            };
            Curve::new(&steps.into_iter().map(next).collect::<Vec<_>>()).unwrap()
        })
    }

    fn activation() -> impl Strategy<Value = ActivationSpec> {
        let formula = select(ActivationKind::ALL.to_vec());
        let kind = prop_oneof![3 => formula, 1 => curve().prop_map(ActivationKind::Table)];
        (kind, -5.0..5.0, size(), -1.0..1.0).prop_map(|(kind, amplitude, scale, offset)| ActivationSpec {
            kind,
            amplitude,
            scale,
            offset,
        })
    }

    fn neuron() -> impl Strategy<Value = NeuronSpec> {
        // Time constants of a femtosecond to ten seconds.
        let devices = (decades(-15, -9), decades(-9, 0));
        (devices, activation(), activation()).prop_map(|((capacitance, leak), activation, output)| {
            NeuronSpec { capacitance, leak, activation, output_activation: output }
        })
    }

    fn nudge() -> impl Strategy<Value = NudgeSpec> {
        use NudgePoint::*;
        let gains = (-1.0..2.0, -1.0..2.0).prop_map(|(plus, minus)| Variant::Custom { plus, minus });
        let variant = prop_oneof![Just(Variant::Dp), Just(Variant::DpTranspose), gains];
        let loss = select(vec![LossKind::Mse, LossKind::CrossEntropy]);
        let otherwise = select(vec![Otherwise::Lower, Otherwise::Stop]);
        let kept = (0.001..0.999, otherwise)
            .prop_map(|(at_least, otherwise)| KeepMarginSpec { at_least, otherwise });
        let kept = prop::option::of(kept);
        let hidden = prop::option::of(0.0..=1.0);
        (variant, (0.0..=1.0, hidden), size(), select(vec![Mean, Own, Free, Drive]), loss, size(), kept)
            .prop_map(|(variant, (alpha, hidden_alpha), beta, at, loss, reference, keep_margin)| NudgeSpec {
                variant,
                alpha,
                hidden_alpha,
                beta,
                at,
                loss,
                reference,
                keep_margin,
            })
    }

    fn solver() -> impl Strategy<Value = SolverSpec> {
        use SweepOrder::*;
        let order = select(vec![Forward, ForwardBackward, OddEven, Parallel, Random]);
        let schedule = (order, prop::option::of(1..100_usize));
        let kinds = SolverKind::ALL.into_iter().filter(|kind| !kind.is_clocked());
        let kind = select(kinds.collect::<Vec<_>>());
        (kind, 0.0..1.0, size(), 0.0..1.0, 2.0..1e3, schedule, 1..500_usize).prop_map(
            |(kind, rtol, atol, hold, max_time, (order, rounds), passes)| SolverSpec {
                kind,
                rtol,
                atol,
                hold,
                max_time,
                passes,
                start: Start::Zero,
                schedule: Schedule { order, rounds },
                damping: Damping::Lipschitz,
                verify: if kind.can_verify() { Verify::Eigen } else { Verify::None },
                step: 0.1,
            },
        )
    }

    /// Every source, of any size; all that move the circuit are silent if it is `still`.
    fn noise(still: bool) -> impl Strategy<Value = NoiseSpec> {
        let sampled = size().prop_map(|capacitance| SampledNoiseSpec { capacitance });
        let sizes = (size(), size(), size(), 1e-3..1.0, 2..9_usize, any::<bool>());
        // Traps that do not jump too often in ten seconds to be followed.
        let trap = (decades(-2, 1), decades(-2, 1));
        let all = (sizes, trap, prop::option::of(sampled));
        all.prop_map(move |((a, b, c, d, per_decade, both), (capture, emission), sampled)| {
            if still {
                return NoiseSpec { sampled, ..NoiseSpec::default() };
            }
            NoiseSpec {
                thermal: both.then_some(ThermalSpec { excess: a }),
                shot: Some(ShotSpec { current: b }),
                flicker: Some(FlickerSpec {
                    corner: both.then_some(c),
                    coefficient: (!both).then_some(c),
                    low: d,
                    high: 1.0 + a,
                    per_decade,
                }),
                telegraph: Some(TelegraphSpec { amplitude: -a, capture, emission }),
                synapse_telegraph: Some(SynapseTelegraphSpec { amplitude: d, capture, emission }),
                read: Some(ReadNoiseSpec { relative_psd: a }),
                supply: Some(SupplyNoiseSpec { psd: a, bandwidth: b, coupling: -d }),
                input: Some(InputNoiseSpec { psd: c, bandwidth: a }),
                sampled,
            }
        })
    }

    /// A priced circuit, with and without what may be absent.
    fn cost(share: f64) -> CostSpec {
        let some = |value: f64| (share > 0.8).then_some(value);
        CostSpec {
            technology: "180nm".into(),
            supply: some(1.1),
            neuron_current: 1e-8,
            synapse_current: share,
            synapse_conductance: 1e-6,
            synapse_capacitance: 1e-15,
            clock: 1e6 * share,
            signal: 0.1,
            settling: 20.0 * share,
            conversion: some(1e-12),
            programming: some(share),
            programming_time: 1e-6,
            neuron_area: some(1e-10),
            synapse_area: some(1e-12),
        }
    }

    /// Amplifiers, leakage and, where the solver bears it, a clock.
    fn periphery(
        solver: &SolverSpec,
    ) -> impl Strategy<Value = (Option<TransconductorSpec>, AmplifierSpec, LeakageSpec, Option<ClockSpec>)> + use<>
    {
        let (timeless, range) = (solver.kind.is_timeless(), 20.0 * (solver.atol + solver.rtol) + 1e-9);
        let sizes = (size(), size(), -1.0..1.0, size(), size(), any::<bool>());
        sizes.prop_map(move |(gain, frequency, offset, minimum, hold, both)| {
            let clocked = both && timeless;
            let amplifier = AmplifierSpec {
                gain: both.then_some(gain),
                gain_bandwidth: (!clocked).then_some(frequency),
                offset,
                slew: None,
                pair_minimum: minimum,
            };
            let leakage = LeakageSpec { current: -offset, hold };
            let transconductor = (!clocked).then_some(TransconductorSpec { range });
            let clock = clocked.then_some(ClockSpec { frequency, injection: offset });
            (transconductor, amplifier, leakage, clock)
        })
    }

    fn circuit() -> impl Strategy<Value = CircuitSpec> {
        let solver = solver().prop_flat_map(|solver| {
            let still = !solver.kind.is_stochastic();
            let periphery = periphery(&solver);
            (Just(solver), noise(still), 0.0..1.0, periphery)
        });
        let supply = (-5.0..0.0, 0.0..5.0).prop_map(|(low, high)| SupplySpec { low, high: high + 1e-3 });
        ("\\PC{0,40}", decades(-3, 4), prop::option::of(supply), neuron(), nudge(), solver).prop_map(
            |(name, temperature, supply, neuron, nudge, (solver, noise, time, around))| CircuitSpec {
                // A reading of a time constant at most: longer ones may take more steps than anybody would
                // wait for.
                readout: ReadoutSpec {
                    time: time * neuron.capacitance / neuron.leak,
                    auto_zero: time > 0.5,
                    chopping: time > 0.7,
                },
                name,
                kind: (time > 0.4).then_some(CircuitKind::Dyad),
                lateral: false,
                crossbar: (time > 0.3).then(|| CrossbarSpec {
                    wire: time,
                    on_off: Some(1.0 + time),
                    ..CrossbarSpec::default()
                }),
                temperature,
                network: None,
                supply,
                neuron,
                nudge,
                solver,
                feedback: FeedbackSpec {
                    synapses: FeedbackSynapses::Separate,
                    init: FeedbackInit::Random,
                    ..FeedbackSpec::default()
                },
                noise,
                cost: (time > 0.6).then(|| {
                    let clock = around.3.map_or(1e6 * time, |clock| clock.frequency);
                    CostSpec { clock, ..cost(time) }
                }),
                mismatch: MismatchSpec {
                    seed: (time > 0.3).then_some(5),
                    distribution: if time > 0.5 { SpreadKind::Lognormal } else { SpreadKind::Normal },
                    offset_dtod: time,
                    gain_dtod: 0.3 * time,
                    time_constant_dtod: 0.1 * time,
                    faults: FaultSpec {
                        stuck_off: 0.5 * time,
                        stuck_weight: 1.0 + time,
                        ..FaultSpec::default()
                    },
                    ..MismatchSpec::default()
                },
                transconductor: around.0,
                amplifier: Some(around.1),
                leakage: Some(around.2),
                clock: around.3,
            },
        )
    }

    fn optimizer() -> impl Strategy<Value = OptimizerSpec> {
        use OptimizerKind::*;
        let step = (1..9_usize, 0.1..1.0).prop_map(|(every, factor)| RateSchedule::Step { every, factor });
        let schedule = prop_oneof![Just(RateSchedule::Constant), Just(RateSchedule::Cosine), step];
        (select(vec![Sgd, Momentum, Adam]), size(), 0.0..1.0, size(), schedule).prop_map(
            |(kind, learning_rate, momentum, epsilon, schedule)| OptimizerSpec {
                kind,
                learning_rate,
                momentum,
                beta1: momentum,
                beta2: momentum,
                epsilon,
                schedule,
                update_noise: 0.5 * momentum,
                feedback_update_noise: Some(momentum),
            },
        )
    }

    fn dataset() -> impl Strategy<Value = DatasetSpec> {
        let count = || prop::option::of(1..1000_usize);
        (any::<bool>(), count(), count(), 0..u64::MAX / 2).prop_map(|(idx, train, test, split_seed)| {
            let (kind, path) = if idx { ("idx", Some("/data \"x\"".to_owned())) } else { ("digits", None) };
            DatasetSpec { kind: kind.into(), path, train, test, split_seed }
        })
    }

    fn init() -> impl Strategy<Value = InitSpec> {
        let std = (size(), size()).prop_map(|(first, second)| InitSpec::Std(vec![first, second]));
        let weights = Just(InitSpec::Weights("/weights.safetensors".into()));
        prop_oneof![Just(InitSpec::He), Just(InitSpec::FanIn), std, weights]
    }

    fn grid() -> impl Strategy<Value = Vec<(String, Vec<toml::Value>)>> {
        let alphas = prop::collection::btree_set(0..=20_i32, 1..5);
        let alpha = alphas.prop_map(|set| {
            ("nudge.alpha".to_owned(), set.iter().map(|n| (f64::from(*n) / 20.0).into()).collect())
        });
        let shapes: Vec<toml::Value> =
            vec!["relu".into(), "{ kind = 'tanh', scale = '1 mV' }".parse().unwrap()];
        let shape = Just(("circuit.neuron.activation".to_owned(), shapes));
        prop_oneof![
            Just(vec![]),
            alpha.clone().prop_map(|a| vec![a]),
            (alpha, shape).prop_map(|(a, s)| vec![a, s])
        ]
    }

    /// A whole experiment whose circuit, network and paths are as the door leaves them.
    pub fn resolved() -> impl Strategy<Value = Resolved> {
        let counts = (1..99_usize, 1..99_usize, 1..99_usize, any::<bool>());
        let seeds = prop::collection::btree_set(0..u64::MAX / 2, 1..4);
        let network = prop::collection::vec(1..1000_usize, 3);
        let parts = (circuit(), dataset(), init(), optimizer(), grid(), network, seeds, counts);
        parts.prop_map(|(mut circuit, dataset, init, optimizer, grid, network, seeds, counts)| {
            circuit.network = Some(network.clone());
            let excluded = |(key, values): &(String, Vec<toml::Value>)| (key.clone(), values[0].clone());
            let exclude: Vec<Exclusion> =
                grid.first().map(excluded).map(|one| [one].into()).into_iter().collect();
            let control = ControlSpec { moved: 1e-5, rules: vec![RuleKind::Bp], seeds: Some(1) };
            let expect = ExpectSpec { at_least: Some(0.5), ..ExpectSpec::default() };
            let experiment = ExperimentSpec {
                name: "a name".into(),
                circuit: CircuitSource::Inline(Box::new(circuit.clone())),
                dataset,
                network,
                init,
                epochs: counts.0,
                batch: counts.1,
                seeds: seeds.into_iter().collect(),
                chips: counts.3.then_some(3),
                rules: vec![RuleKind::DpTranspose, RuleKind::Bp, RuleKind::Custom],
                optimizer,
                control: counts.3.then_some(control),
                keep_unsettled: counts.3,
                plasticity: None, // not of every circuit
                updates: counts.0,
                snapshots: counts.3,
                adversarial: AdversarialSpec { step: 0.25 },
                ep: EquilibriumSpec {
                    points: 2 + counts.0,
                    period: 12.5,
                    sign: NudgeSign::Random,
                    homeostasis: 0.5,
                },
                scff: ContrastSpec { positive: 3.0, negative: 2.5, penalty: 0.01 },
                probe: counts.2,
                grid: grid.into_iter().collect(),
                exclude,
                expect: [("dp-transpose.test_accuracy".to_owned(), expect)].into(),
            };
            Resolved { experiment, circuit }
        })
    }
}

proptest::proptest! {
    #[test]
    fn any_resolved_experiment_survives_being_written_and_loaded(resolved in random::resolved()) {
        let text = resolved.to_toml();
        let again = parse_experiment("elsewhere/experiment.toml", &text, &[]).and_then(|loaded| loaded.resolve(&[]));
        let again = again.unwrap_or_else(|error| panic!("{error}\n{text}"));
        proptest::prop_assert_eq!(again, resolved, "{}", text);
    }
}
