//! What circuits cost, against worked examples and by hand.

use dyadsim_core::cost::{Cost, Work};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::spec::*;

use crate::nets::Net;

/// 784-128-10: 138 dyads, 101 632 synapses.
const NETWORK: [usize; 3] = [784, 128, 10];

fn priced(text: &str) -> Cost {
    let spec = parse_circuit("worked.toml", text, &[]).unwrap();
    let prices = spec.cost.clone().unwrap();
    Cost::new(&spec, &prices, &Work::estimated(&spec, &prices, &NETWORK)).unwrap()
}

/// Holds a number against one that was rounded to a unit in its last place.
fn is(found: f64, rounded: f64, unit: f64) {
    assert!((found - rounded).abs() <= 0.5 * unit, "{found:e} is not {rounded:e} to {unit:e}");
}

#[test]
fn a_subthreshold_chip_takes_what_was_worked_out_for_it() {
    let cost = priced(
        r#"
        [neuron]
        capacitance = "200 fF"
        leak = "155 nS"
        [cost]
        technology = "180nm"
        neuron_current = "100 nA"
        synapse_current = "2 nA"
        signal = "100 mV"
        "#,
    );
    is(cost.supply_v, 1.8, 1e-9);
    is(cost.power_w.total(), 0.39e-3, 0.01e-3);
    is(cost.inference_j.time_s, 26e-6, 1e-6);
    is(cost.inference_j.total(), 10e-9, 1e-9);
    is(cost.inference_j.total() / 101_632.0, 0.1e-12, 0.1e-12);
    // Per dyad 200 um² of capacitors (2 × 200 fF at 2 fF/um²) and 250 um² of transistors, two cells of 1.5
    // um² a synapse.
    is(cost.area_m2.capacitors.unwrap(), 138.0 * 200e-12, 1e-15);
    is(cost.area_m2.neurons.unwrap(), 138.0 * 250e-12, 1e-15);
    is(cost.area_m2.synapses.unwrap(), 101_632.0 * 3e-12, 1e-15);
    assert_eq!(cost.missing(), ["cost.conversion", "cost.programming"]);
}

#[test]
fn a_memristor_chip_takes_what_was_worked_out_for_it() {
    let cost = priced(
        r#"
        [neuron]
        capacitance = "1 pF"
        leak = "10 uS"                   # 100 kOhm
        [cost]
        technology = "130nm"
        supply = "1.2 V"
        neuron_current = "200 uA"        # two amplifiers
        synapse_conductance = "10 uS"    # of a pair; 1 to 40 uS
        signal = "100 mV"
        "#,
    );
    is(cost.power_w.resistive, 10e-3, 1e-3);
    is(cost.power_w.neurons, 33e-3, 1e-3);
    is(cost.inference_j.time_s, 2e-6, 1e-12);
    is(cost.inference_j.total(), 87e-9, 1e-9);
    is(cost.inference_j.total() / 101_632.0, 0.85e-12, 0.01e-12);
    assert!(cost.area_m2.total().is_none(), "no source for the area of its cells");
}

#[test]
fn a_switched_capacitor_chip_takes_what_was_worked_out_for_it() {
    // A row of 784 fF at 10 MHz is 7.84 uS; three times that capacitance on the membrane, 20 τ are 60 cycles.
    let cost = priced(
        r#"
        [neuron]
        capacitance = "2.352 pF"
        leak = "7.84 uS"
        [cost]
        technology = "65nm"
        supply = "1 V"
        neuron_current = "7.25 uA"       # 6 nJ in 6 us
        synapse_capacitance = "1 fF"
        clock = "10 MHz"
        signal = "1 V"
        "#,
    );
    let cycles = cost.inference_j.time_s * 10e6;
    is(cycles, 60.0, 1e-6);
    is(cost.inference_j.synapses / cycles, 0.10e-9, 0.01e-9);
    is(cost.inference_j.neurons, 6e-9, 1e-9);
    is(cost.inference_j.total(), 12e-9, 1e-9);
}

/// A linear circuit with prices.
fn circuit() -> CircuitSpec {
    let text = r#"
        neuron.activation = "linear"
        [nudge]
        beta = 0.25
        [readout]
        time = "3 us"
        auto_zero = true
        [cost]
        technology = "180nm"
        supply = "2 V"
        neuron_current = "10 nA"
        synapse_conductance = "1 uS"
        conversion = "2 pJ"
        programming = "5 pJ"
        programming_time = "1 ms"
    "#;
    parse_circuit("c.toml", text, &[]).unwrap()
}

#[test]
fn time_and_signals_of_a_simulated_batch_are_those_of_the_circuit_by_hand() {
    let spec = CircuitSpec { readout: ReadoutSpec::default(), ..circuit() };
    let mut net = Net::random(600, &[2, 1], 2, 1.0, spec.clone());
    net.weights.forward[0] = Matrix::from_row_slice(1, 2, &[0.5, -1.5]);
    net.weights.biases[0] = vec![0.0];
    net.batch.inputs = Matrix::from_row_slice(2, 2, &[0.8, 0.2, 0.8, 0.2]);
    net.batch.targets = Matrix::from_row_slice(2, 1, &[1.0, 1.0]);
    let work = Work::simulated(&spec, &net.weights, &net.batch).unwrap();
    // v = u (1 − e^{−t/τ}) with u = 0.1 V has a residual of u e^{−t/τ}, which meets 1e-9 V + 1e-6 |v|.
    let expected = (0.1_f64 / (1e-9 + 1e-6 * 0.1)).ln() * 1e-6;
    assert!((work.inference / expected - 1.0).abs() < 0.02, "{} {expected}", work.inference);
    assert_eq!((work.relaxations, work.at_rest), (1, [1.0, 1.0]));
    let mut noisy = spec.clone();
    noisy.noise.thermal = Some(ThermalSpec { excess: 1.0 });
    noisy.solver.kind = SolverKind::ExponentialEm;
    assert_eq!(Work::simulated(&noisy, &net.weights, &net.batch).unwrap(), work, "as long as without noise");
    // Squares by conductance: (0.5 · 0.64 + 1.5 · 0.04)/2; sizes (0.8 + 0.2)/2; both compartments at 0.1 V.
    assert!((work.free.square - 0.19).abs() < 1e-12 && (work.free.size - 0.5).abs() < 1e-12);
    assert!((work.free.membrane - 0.1).abs() < 1e-5);
    // Under the nudge of DPᵀ at ½ the compartments stand at 0.1 V ± ½ β (1 − 0.1) V.
    let nudged: f64 = (0.1 + 0.1125 + (0.1_f64 - 0.1125).abs()) / 2.0;
    assert!((work.nudged.membrane - nudged).abs() < 1e-5, "{} {nudged}", work.nudged.membrane);
    let cost = Cost::new(&spec, spec.cost.as_ref().unwrap(), &work).unwrap();
    // The weights' own conductance, 100 nS times the mean of 0.5 and 1.5, and not the 1 µS of the
    // description.
    let by_hand =
        work.inference * (2.0 * 10e-9 + 2.0 * 100e-9 * 0.19) + 2.0 * 100e-15 * 2.0 * 0.1 + 2.0 * 2e-12;
    assert!((cost.inference_j.total() / by_hand - 1.0).abs() < 1e-4, "{:?} {by_hand:e}", cost.inference_j);
}

#[test]
fn an_update_pays_for_every_relaxation_reading_and_conversion_and_programs_once() {
    let mut spec = circuit();
    let prices = spec.cost.clone().unwrap();
    let update = |spec: &CircuitSpec| {
        let work = Work::estimated(spec, &prices, &[4, 3, 2]);
        (work.relaxations, Cost::new(spec, &prices, &work).unwrap().update_j)
    };
    for (auto_zero, chopping, relaxations) in
        [(false, false, 1), (true, false, 2), (false, true, 2), (true, true, 4)]
    {
        (spec.readout.auto_zero, spec.readout.chopping) = (auto_zero, chopping);
        let (made, energy) = update(&spec);
        assert_eq!(made, relaxations);
        let count = relaxations as f64;
        // 20 τ of 1 us and a reading of 3 us each; 10 compartments converted each time; 18 synapses
        // programmed once.
        assert!((energy.time_s - (count * 23e-6 + 1e-3)).abs() < 1e-15);
        assert!((energy.neurons / (count * 23e-6 * 2.0 * 5.0 * 10e-9) - 1.0).abs() < 1e-12);
        assert!((energy.conversion.unwrap() / (count * 10.0 * 2e-12) - 1.0).abs() < 1e-12);
        assert!((energy.programming.unwrap() / (18.0 * 5e-12) - 1.0).abs() < 1e-12);
    }
    // The relaxations that were made, not those planned, are what a simulated update takes.
    let net = Net::random(601, &[3, 4, 2], 5, 0.5, spec.clone());
    let work = Work::simulated(&spec, &net.weights, &net.batch).unwrap();
    assert!(work.update > 3.0 * work.inference, "{work:?}");
}

#[test]
fn feedback_synapses_of_their_own_take_bias_conductance_and_area_and_are_what_errors_cross() {
    let mut spec = circuit();
    spec.readout = ReadoutSpec::default();
    spec.feedback = FeedbackSpec {
        synapses: FeedbackSynapses::Separate,
        init: FeedbackInit::Random,
        ..FeedbackSpec::default()
    };
    let mut net = Net::random(602, &[2, 1, 1], 1, 1.0, spec.clone());
    net.weights.forward = vec![Matrix::from_row_slice(1, 2, &[0.5, -1.5]), Matrix::from_element(1, 1, 2.0)];
    net.weights.feedback = Some(vec![Matrix::zeros(1, 2), Matrix::from_element(1, 1, -4.0)]);
    net.weights.biases = vec![vec![0.0]; 2];
    net.batch.inputs = Matrix::from_row_slice(1, 2, &[0.8, 0.2]);
    net.batch.targets = Matrix::from_element(1, 1, 1.2);
    let work = Work::simulated(&spec, &net.weights, &net.batch).unwrap();
    assert_eq!((work.synapses(), work.updated()), (4.0, 3.0));
    // Sizes 0.5, 1.5, 2 forward and 4 back; the hidden neuron stands at 0.1 V, the output at 0.2 V, 1 V below
    // its target.
    is(work.conductance.unwrap(), 100e-9 * 8.0 / 4.0, 1e-15);
    let forward = 0.5 * 0.64 + 1.5 * 0.04 + 2.0 * 0.01;
    is(work.free.square, forward / 8.0, 1e-5);
    // Linear and transposed gains: δ = β · 1 V at the output.
    is(work.nudged.square, (forward + 4.0 * 0.25_f64.powi(2)) / 8.0, 1e-5);
    is(work.nudged.size, (0.8 + 0.2 + 0.1 + 0.25) / 4.0, 1e-5);
    let prices = spec.cost.clone().unwrap();
    let cost = Cost::new(&spec, &prices, &work).unwrap();
    is(cost.update_j.programming.unwrap(), 3.0 * 5e-12, 1e-20);
    is(cost.area_m2.synapses.unwrap(), 4.0 * 3e-12, 1e-18);
    // Where they learn, they are paid for at every update.
    spec.feedback.learning = FeedbackLearning::WeightMirror;
    let work =
        Work { programs_feedback: Work::estimated(&spec, &prices, &[2, 1, 1]).programs_feedback, ..work };
    is(Cost::new(&spec, &prices, &work).unwrap().update_j.programming.unwrap(), 4.0 * 5e-12, 1e-20);
    assert_eq!(Work::estimated(&spec, &prices, &[2, 1, 1]).synapses(), 4.0);
    spec.feedback = FeedbackSpec::default();
    assert_eq!(Work::estimated(&spec, &prices, &[2, 1, 1]).synapses(), 3.0);
}

#[test]
fn a_rule_of_phases_pays_for_all_of_them_in_neurons_of_one_compartment() {
    let mut spec = CircuitSpec { readout: ReadoutSpec::default(), ..circuit() };
    spec.kind = Some(CircuitKind::Hopfield);
    let mut net = Net::random(600, &[2, 1], 2, 1.0, spec.clone());
    net.weights.forward[0] = Matrix::from_row_slice(1, 2, &[0.5, -1.5]);
    net.weights.biases[0] = vec![0.0];
    net.batch.inputs = Matrix::from_row_slice(2, 2, &[0.8, 0.2, 0.8, 0.2]);
    net.batch.targets = Matrix::from_row_slice(2, 1, &[1.0, 1.0]);
    let of = |kind: RuleKind| {
        let mut spec = spec.clone();
        spec.kind = Some(kind.circuit_kind());
        let work = Work::of_rule(&kind.into(), &spec, &net.weights, &net.batch)?;
        Some((work.clone(), Cost::new(&spec, spec.cost.as_ref().unwrap(), &work).unwrap()))
    };
    let (work, cost) = of(RuleKind::Ep).unwrap();
    // As in dyads' closed form: residuals of 0.1 V e^{−t/τ} from rest, and of β (1 − v) e^{−(1 + β) t/τ} from
    // there, at the tolerance of where they end.
    let (free, beta) = (0.1_f64, 0.25_f64);
    let nudged = (free + beta) / (1.0 + beta);
    let first = (free / (1e-9 + 1e-6 * free)).ln() * 1e-6;
    let second = (beta * (1.0 - free) / (1e-9 + 1e-6 * nudged)).ln() * 1e-6 / (1.0 + beta);
    assert!((work.inference / first - 1.0).abs() < 0.02, "{} {first}", work.inference);
    assert!((work.update / (first + second) - 1.0).abs() < 0.02, "{} {}", work.update, first + second);
    assert_eq!((work.relaxations, work.charged, work.compartments, work.at_rest), (2, 1, 1, [1.0; 2]));
    // One neuron: half the bias of a dyad, one membrane charged once to 0.1 V at 2 V, a reading of every phase.
    is(cost.update_j.neurons / (2.0 * 5e-9 * work.update), 1.0, 1e-9);
    is(cost.update_j.membranes, 100e-15 * 2.0 * 0.1, 1e-18);
    is(cost.update_j.conversion.unwrap(), 2.0 * 2e-12, 1e-20);
    is(cost.area_m2.neurons.unwrap(), 125e-12, 1e-18);
    is(work.free.square, 0.19, 1e-5);
    // A phase more; outputs that are held; dyads; and rules that no chip could run.
    let (centred, _) = of(RuleKind::EpCentred).unwrap();
    assert!(centred.relaxations == 3 && centred.update > work.update);
    assert_eq!(of(RuleKind::Chl).unwrap().0.relaxations, 2);
    let (dyads, _) = of(RuleKind::DyadicEp).unwrap();
    assert_eq!((dyads.relaxations, dyads.compartments), (1, 2));
    let (predictive, priced) = of(RuleKind::PredictiveCoding).unwrap();
    assert_eq!((predictive.relaxations, predictive.compartments, predictive.nodes), (1, 1, 2));
    // An error node more than a neuron of phases has: the bias of a dyad, with one membrane.
    is(priced.update_j.neurons / (2.0 * 10e-9 * predictive.update), 1.0, 1e-9);
    for kind in RuleKind::ALL.into_iter().filter(|kind| !kind.is_for_chips()) {
        assert!(of(kind).is_none(), "{kind:?}");
    }
}

#[test]
fn a_compartment_alone_has_the_noise_of_its_capacitor() {
    let spec = parse_circuit("c.toml", "[neuron]\ncapacitance = \"1 fF\"\n", &[]).unwrap();
    let noisy = |excess: f64| {
        let noise = NoiseSpec { thermal: Some(ThermalSpec { excess }), ..NoiseSpec::default() };
        let spec = CircuitSpec { noise, ..spec.clone() };
        dyadsim_core::chip::Chip::<f64>::fabricate(&spec, &[3, 2]).noise_alone()
    };
    let expected = (1.380_649e-23_f64 * spec.temperature / 1e-15).sqrt();
    assert!((noisy(1.0) / expected - 1.0).abs() < 1e-12 && (noisy(4.0) / expected - 2.0).abs() < 1e-12);
    assert!(noisy(0.0) == 0.0);
}
