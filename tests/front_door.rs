//! The front door for programs: a network and its training, held against what the program does with files of
//! the same settings.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use dyadsim::analysis::layer_angles;
use dyadsim::data::{Request, load};
use dyadsim::prelude::*;
use dyadsim::record::tensors::{TensorWriter, read};
use dyadsim::record::trained::Trained;
use dyadsim::record::weights::{write_trained, write_weights};
use dyadsim::spec::{
    AdversarialSpec, EquilibriumSpec, FeedbackSynapses, KeepMarginSpec, LossKind, Otherwise, RateSchedule,
    SupplySpec, parse_circuit,
};
use serde_json::Value;

/// Output of a command in a folder.
fn run(folder: &Path, line: &str) -> String {
    let mut command = Command::cargo_bin("dyadsim").unwrap();
    let output = command.current_dir(folder).args(line.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Two circuits: an ideal one, and one with noise, spread devices, rails and auto-zero.
fn circuits() -> [(&'static str, String); 2] {
    let real = "name = 'real'\ntemperature = 310\nsupply = { low = -2, high = 2 }\n[nudge]\nalpha = 0.4\nbeta = 0.3\n\
                [noise.thermal]\nexcess = 2\n[mismatch]\noffset_dtod = 0.002\nsynapse_dtod = 0.05\ntime_constant_dtod = 0.01\n\
                [readout]\nauto_zero = true\n[solver]\nkind = 'exponential-em'\nstep = 0.1\n";
    [("ideal", "name = 'ideal'\n[nudge]\nalpha = 0.75\nbeta = 0.1\n".to_owned()), ("real", real.to_owned())]
}

/// Numbers between −1 and 1 that follow no line.
fn waves(rows: usize, columns: usize) -> Matrix<f64> {
    Matrix::from_fn(rows, columns, |i, j| ((7 * i + 3 * j) as f64).sin())
}

/// Targets of class `i mod columns`.
fn one_hot(rows: usize, columns: usize) -> Matrix<f64> {
    Matrix::from_fn(rows, columns, |i, j| f64::from(u8::from(i % columns == j)))
}

#[test]
fn a_network_settles_to_the_bits_of_the_command() {
    for (name, text) in circuits() {
        let folder = tempfile::tempdir().unwrap();
        let at = |file: &str| folder.path().join(file);
        let network = Network::new(parse_circuit("c.toml", &text, &[]).unwrap(), &[4, 5, 3]).unwrap().seed(6);
        let (inputs, targets) = (waves(7, 4), one_hot(7, 3));
        fs::write(at("c.toml"), &text).unwrap();
        write_weights(&at("w.safetensors"), network.weights()).unwrap();
        for (key, values) in [("x", &inputs), ("y", &targets)] {
            let mut writer = TensorWriter::new();
            writer.matrix(key, values);
            writer.write(&at(&format!("{key}.safetensors"))).unwrap();
        }
        let settled = network.settle(&inputs, Some(&targets)).unwrap();
        let line = "settle c.toml --weights w.safetensors --input x.safetensors --seed 6 --json";
        let told: Value =
            serde_json::from_str(&run(folder.path(), &format!("{line} --target y.safetensors --out state")))
                .unwrap();

        let samples = told["samples"].as_array().unwrap();
        for (i, sample) in samples.iter().enumerate() {
            assert_eq!(sample["outcome"], settled.outcomes()[i].name(), "{name}");
            assert_eq!(sample["time_s"].as_f64(), Some(settled.times()[i]), "{name}");
            assert_eq!(sample["loss"].as_f64(), Some(settled.losses().unwrap()[i]), "{name}");
            assert_eq!(sample["prediction"].as_u64(), settled.predictions()[i].map(|c| c as u64), "{name}");
        }
        assert_eq!((samples.len(), settled.outcomes().len()), (7, 7));
        assert_eq!(told["graded"]["mean_loss"].as_f64(), settled.loss());
        assert_eq!(settled.beta(), network.circuit().nudge.beta);
        let state = read(&at("state/state.safetensors")).unwrap();
        let gradient = settled.gradient().unwrap();
        let (layout, whole) = (&network.chip().layout, &settled.measurement().settled.state);
        for (k, n) in [(1, 5), (2, 3)] {
            let plus = whole.columns_range(layout.plus(k - 1)).into_owned();
            let minus = whole.columns_range(layout.minus(k - 1)).into_owned();
            assert_eq!(state.matrix::<f64>(&format!("v_plus.{k}"), (7, n)).unwrap(), plus, "{name}");
            assert_eq!(state.matrix::<f64>(&format!("v_minus.{k}"), (7, n)).unwrap(), minus, "{name}");
            let (w, b) = (&gradient.forward[k - 1], &gradient.biases[k - 1]);
            assert_eq!(state.matrix::<f64>(&format!("grad.W.{k}"), w.shape()).unwrap(), *w, "{name}");
            assert_eq!(state.vector::<f64>(&format!("grad.b.{k}"), n).unwrap().as_slice(), b, "{name}");
            assert!(w.iter().any(|g| *g != 0.0));
        }

        let free = network.settle(&inputs, None).unwrap();
        let told: Value = serde_json::from_str(&run(folder.path(), line)).unwrap();
        for (i, time) in free.times().iter().enumerate() {
            assert_eq!(told["samples"][i]["time_s"].as_f64(), Some(*time), "{name}");
        }
        assert_eq!((free.beta(), free.loss()), (0.0, None));
        assert!(free.gradient().is_none());
        assert_eq!(free.predictions(), settled.predictions(), "{name}: predictions are the free circuit's");
    }
}

/// The rows of a run after its epochs, by column.
fn metrics(folder: &Path, run: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    let text = fs::read_to_string(folder.join("out/metrics.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let rows = lines.map(|cells| header.iter().cloned().zip(cells).collect());
    let rows = rows.filter(|row: &std::collections::BTreeMap<_, _>| row["run"] == run && row["epoch"] != "0");
    rows.collect()
}

#[test]
fn training_leaves_the_bytes_and_the_numbers_of_an_experiment() {
    // Some samples do not settle in so little time; a rule asks for feedback synapses of their own.
    let [ideal, real] = circuits().map(|(_, text)| text);
    let separate = "\n[feedback]\nsynapses = 'separate'\n";
    let smooth = "name = 'smooth'\n[neuron]\nactivation = 'tanh'\n[nudge]\nalpha = 0.75\nbeta = 0.1\n\
                  [solver]\nkind = 'dc'\n";
    for (name, text, recurrent) in [
        ("ideal", ideal + "[solver]\nmax_time = 4\n" + separate, false),
        ("real", real + separate, false),
        ("smooth", smooth.to_owned(), true),
    ] {
        let of_kind = |kind: &RuleKind| kind.circuit_kind().is_recurrent() == recurrent;
        let kinds: Vec<RuleKind> = RuleKind::ALL.into_iter().filter(of_kind).collect();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("c.toml"), &text).unwrap();
        let rules: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        let experiment = format!(
            "name = 'e'\ncircuit = 'c.toml'\nnetwork = [2, 6, 2]\nepochs = 3\nbatch = 25\nseeds = [3]\n\
             rules = {rules:?}\nkeep_unsettled = true\nprobe = 2\nep = {{ points = 2, period = 5.0 }}\n\
             dataset = {{ kind = 'two-moons', train = 60, test = 40 }}\nadversarial = {{ step = 0.1 }}\n\
             optimizer = {{ kind = 'adam', learning_rate = 0.02, schedule = 'cosine' }}\n"
        );
        fs::write(folder.path().join("e.toml"), experiment).unwrap();
        run(folder.path(), "run e.toml --out out --quiet");

        let data = load(&Request { train: Some(60), test: Some(40), ..Request::named("two-moons") }).unwrap();
        let network = Network::new(parse_circuit("c.toml", &text, &[]).unwrap(), &[2, 6, 2]).unwrap().seed(3);
        let optimizer = OptimizerSpec { schedule: RateSchedule::Cosine, ..OptimizerSpec::adam(0.02) };
        let (alpha, beta) = (network.circuit().nudge.alpha, network.circuit().nudge.beta);
        for kind in kinds {
            let adversarial = AdversarialSpec { step: 0.1 };
            let ep = EquilibriumSpec { points: 2, period: 5.0, ..EquilibriumSpec::default() };
            let rule = RuleSpec { keep_unsettled: true, adversarial, ep, ..kind.into() };
            let mut seen = 0;
            let training = Training::new(network.clone(), &data).rule(rule).epochs(3).batch(25);
            let result = training.optimizer(optimizer.clone()).observe(|_, _| seen += 1).run().unwrap();
            let told = serde_json::to_value(kind).unwrap();
            let gains = match kind {
                _ if kind.is_dyadic() => format!("-a{alpha}-b{beta}"),
                _ if kind.has_nudge() => format!("-b{beta}"),
                _ => String::new(),
            };
            let id = format!("{}{gains}-s3", told.as_str().unwrap());

            let own = folder.path().join("own.safetensors");
            let trained = Trained::on(result.network.circuit(), &[2, 6, 2], 3);
            write_trained(&own, result.network.weights(), &trained).unwrap();
            let theirs = fs::read(folder.path().join(format!("out/weights/{id}.safetensors"))).unwrap();
            assert!(fs::read(own).unwrap() == theirs, "{name}, {id}: other bytes");

            let rows = metrics(folder.path(), &id);
            assert_eq!((rows.len(), result.epochs.len(), seen), (3, 3, 3));
            for (row, epoch) in rows.iter().zip(&result.epochs) {
                let number = |column: &str| row[column].parse::<f64>().ok();
                assert_eq!(number("epoch"), Some(epoch.epoch as f64));
                assert_eq!(number("train_loss"), Some(epoch.train.loss), "{name}, {id}");
                assert_eq!(number("train_accuracy"), Some(epoch.train.accuracy), "{name}, {id}");
                assert_eq!(number("test_loss"), Some(epoch.test.loss), "{name}, {id}");
                assert_eq!(number("test_accuracy"), Some(epoch.test.accuracy), "{name}, {id}");
                assert_eq!(number("settle_time_s"), epoch.settle_time, "{name}, {id}");
                assert_eq!(number("rhs_evals"), Some(epoch.rhs_evals as f64), "{name}, {id}");
                let share = |count: u64| kind.settles().then_some(count as f64 / 60.0);
                assert_eq!(number("settled"), share(epoch.outcomes[0]), "{name}, {id}");
                assert_eq!(number("noisy_settled"), share(epoch.outcomes[1]), "{name}, {id}");
                assert_eq!(number("timeout"), share(epoch.outcomes[4]), "{name}, {id}");
                let resting = number("settled").zip(number("noisy_settled")).map(|(one, other)| one + other);
                let apart = epoch.at_rest().zip(resting).map(|(own, theirs)| (own - theirs).abs());
                assert_eq!(apart.is_some(), kind.settles(), "{name}, {id}");
                assert!(apart.is_none_or(|apart| apart < 1e-15), "{name}, {id}: {apart:?}");
            }
            let last = &result.epochs[2];
            assert_eq!(result.test_accuracy(), last.test.accuracy);
            if name == "ideal" && kind.is_dyadic() {
                assert!(last.at_rest().unwrap() < 1.0, "all settle: `keep_unsettled` is not tested");
                assert_eq!(result.network.evaluate(&data.test).unwrap(), last.test);
            }
        }
    }
}

/// The message of a refusal.
fn refusal<T: std::fmt::Debug, E: std::fmt::Display>(result: Result<T, E>) -> String {
    match result {
        Ok(value) => panic!("not refused: {value:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn no_description_goes_in_that_no_file_could_bring() {
    let new = |change: fn(&mut CircuitSpec), neurons: &[usize]| {
        let mut circuit = CircuitSpec::default();
        change(&mut circuit);
        refusal(Network::new(circuit, neurons))
    };
    let told = new(|circuit| circuit.nudge.alpha = 3.0, &[2, 2]);
    assert_eq!(told, "in code: `nudge.alpha`: found 3.0\n  accepted: a number from 0 to 1");
    for neurons in [&[][..], &[64], &[64, 0, 10]] {
        let told = new(|_| (), neurons);
        assert!(told.starts_with(&format!("in code: `network`: found {neurons:?}")), "{told}");
    }
    let told = new(|circuit| circuit.supply = Some(SupplySpec { low: 1.0, high: 0.0 }), &[2, 2]);
    assert!(told.contains("`supply.high`: found 0.0"), "{told}");
    let network = Network::new(CircuitSpec::default(), &[2, 2]).unwrap();
    let told = refusal(network.with(|circuit| circuit.neuron.leak = -1.0));
    assert!(told.contains("`neuron.leak`: found -1.0"), "{told}");
}

#[test]
fn what_does_not_fit_a_network_is_refused_with_what_would() {
    let network = Network::new(CircuitSpec::default(), &[4, 5, 3]).unwrap();
    let settle = |inputs: &Matrix<f64>, targets| refusal(network.settle(inputs, targets));
    assert_eq!(
        settle(&waves(2, 3), None),
        "inputs: found [2, 3]\n  accepted: [samples, 4], at least one sample"
    );
    assert!(settle(&waves(0, 4), None).starts_with("inputs: found [0, 4]"));
    assert_eq!(settle(&waves(2, 4), Some(&waves(3, 3))), "targets: found [3, 3]\n  accepted: [2, 3]");
    let entropy = network.clone().with(|circuit| circuit.nudge.loss = LossKind::CrossEntropy).unwrap();
    assert!(refusal(entropy.settle(&waves(2, 4), Some(&waves(2, 3)))).contains("cross-entropy"));
    assert!(entropy.settle(&waves(2, 4), Some(&one_hot(2, 3))).is_ok());

    let weights = |neurons: &[usize]| Weights::<f64>::zeros(neurons);
    let fit = |weights| refusal(network.clone().with_weights(weights));
    assert_eq!(fit(weights(&[4, 6, 3])), "W.1: found [6, 4]\n  accepted: [5, 4]");
    assert_eq!(fit(weights(&[4, 3])), "W: found [1]\n  accepted: 2 layers of synapses");
    let short = Weights { biases: vec![vec![0.0; 5], vec![0.0; 2]], ..weights(&[4, 5, 3]) };
    assert_eq!(fit(short), "biases: found [5, 2]\n  accepted: [5, 3]");
    let own = Weights { feedback: Some(weights(&[4, 5, 3]).forward), ..weights(&[4, 5, 3]) };
    assert!(fit(own).contains("`feedback.synapses` is \"shared\""));
    let separate = |circuit: &mut CircuitSpec| circuit.feedback.synapses = FeedbackSynapses::Separate;
    assert!(refusal(network.clone().with(separate)).contains("`F.k` for every layer"));
    assert!(network.clone().with_weights(weights(&[4, 5, 3])).is_ok());

    let data = Dataset::named("two-moons").unwrap();
    let told = refusal(Training::new(network.clone(), &data).run());
    assert_eq!(told, "network: found [4, 5, 3]\n  accepted: [2, …, 2] for data set `two-moons`");
    assert!(refusal(network.evaluate(&data.test)).contains("accepted: 4 features"));
    let network = Network::new(CircuitSpec::default(), &[2, 2]).unwrap();
    let training = || Training::new(network.clone(), &data);
    assert!(refusal(training().epochs(0).run()).contains("`epochs`: found 0"));
    assert!(refusal(training().batch(0).run()).contains("`batch`: found 0"));
    let rate = OptimizerSpec::sgd(f64::NAN);
    assert!(refusal(training().optimizer(rate).run()).contains("`optimizer.learning_rate`: found nan"));
    let still = network.clone().with(|circuit| circuit.nudge.beta = 0.0).unwrap();
    assert!(refusal(Training::new(still.clone(), &data).run()).contains("rule `custom` divides by it"));
    assert!(Training::new(still, &data).rule(RuleKind::Bp).run().is_ok());
    let kept = KeepMarginSpec { at_least: 0.1, otherwise: Otherwise::Lower };
    let kept = network.with(|circuit| circuit.nudge.keep_margin = Some(kept)).unwrap();
    assert!(refusal(Training::new(kept, &data).run()).starts_with("`nudge.keep_margin`"));
}

#[test]
fn the_gradient_of_a_gentle_nudge_is_that_of_backpropagation() {
    let mut circuit = CircuitSpec::default();
    circuit.neuron.activation = ActivationKind::Tanh.into();
    circuit.solver = SolverSpec { rtol: 1e-10, atol: 1e-13, max_time: 1000.0, ..circuit.solver };
    let network = Network::new(circuit, &[4, 5, 3]).unwrap().seed(2);
    let (inputs, targets) = (waves(6, 4), one_hot(6, 3));
    let exact = network.backprop(&inputs, &targets).unwrap();
    let angle = |beta: f64| {
        let network = network.clone().with(|circuit| circuit.nudge.beta = beta).unwrap();
        let estimate = network.settle(&inputs, Some(&targets)).unwrap().gradient().unwrap();
        layer_angles(&estimate, &exact).into_iter().fold(0.0, f64::max)
    };
    // At α = ½ the error of the estimate is of the second order of β (docs/model.md §3.1): a tenth of β, a
    // hundredth of it.
    let (coarse, fine) = (angle(0.1), angle(0.01));
    assert!(coarse < 1.0 && fine < coarse / 50.0 && coarse > 0.0, "{coarse}° {fine}°");
}

#[test]
fn a_seed_draws_synapses_and_chip_unless_the_description_names_its_chip() {
    let mut circuit = CircuitSpec::default();
    circuit.mismatch.offset_dtod = 0.01;
    let of = |circuit: &CircuitSpec, seed| Network::new(circuit.clone(), &[4, 5, 3]).unwrap().seed(seed);
    let offsets = |network: &Network| network.chip().layers[0].offset_plus.clone();
    let (one, two) = (of(&circuit, 1), of(&circuit, 2));
    assert!(one.weights() != two.weights() && offsets(&one) != offsets(&two));
    assert_eq!(one.circuit().mismatch.seed, Some(1));
    // A changed description stays on the chip of the seed, and another seed is still heeded.
    let changed = two.clone().with(|circuit| circuit.nudge.beta = 0.2).unwrap();
    assert_eq!((offsets(&changed), changed.weights()), (offsets(&two), two.weights()));
    assert_eq!(offsets(&changed.seed(1)), offsets(&one));
    circuit.mismatch.seed = Some(9);
    let (one, two) = (of(&circuit, 1), of(&circuit, 2));
    assert!(one.weights() != two.weights());
    assert_eq!(offsets(&one), offsets(&two));
}

#[test]
fn a_rule_of_ones_own_trains_as_the_same_rule_of_the_registry() {
    struct Twin(Box<dyn Rule<f64>>);
    impl Rule<f64> for Twin {
        fn estimate(
            &self,
            weights: &Weights<f64>,
            batch: &Batch<f64>,
            gradient: &mut Gradient<f64>,
        ) -> Report {
            self.0.estimate(weights, batch, gradient)
        }
    }
    let data = load(&Request { train: Some(60), test: Some(40), ..Request::named("two-moons") }).unwrap();
    let network = Network::new(CircuitSpec::default(), &[2, 6, 2]).unwrap().seed(3);
    let twin = Twin(dyadsim_core::learn::rule(RuleKind::DpTranspose, network.circuit(), &network.neurons()));
    let own = Training::new(network.clone(), &data).own_rule(twin).run().unwrap();
    let known = Training::new(network.clone(), &data).rule(RuleKind::DpTranspose).run().unwrap();
    assert_eq!(own.network.weights(), known.network.weights());
    assert_ne!(own.network.weights(), network.weights());
    // Another seed orders the samples otherwise, which a batch of all of them does not show but one of 50
    // does.
    let other = Training::new(network, &data).seed(4).run().unwrap();
    assert_ne!(other.network.weights(), known.network.weights());
}
