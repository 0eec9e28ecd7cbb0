//! The Hopfield circuit, against one dense matrix and Newton's method written out here.

use dyadsim_core::analysis::small_signal::System;
use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::{Dynamics, HolomorphicCircuit, HopfieldCircuit, Loss, Nudge};
use dyadsim_core::learn::Batch;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::random::{Key, Kind, stream};
use dyadsim_core::solve::{Outcome, Settled, fixed_point, run, settle_any_from};
use dyadsim_core::spec::*;
use nalgebra::{Complex, DMatrix, DVector};
use proptest::prelude::*;
use rand_distr::{Distribution, Normal, StandardUniform};

/// A layered network with hidden neurons of one shape and linear outputs.
pub struct Hopfield {
    pub spec: CircuitSpec,
    pub network: Vec<usize>,
    pub weights: Weights<f64>,
    pub batch: Batch<f64>,
}

impl Hopfield {
    /// Weights of standard deviation `gain/√fan-in`, inputs in [0, 1] V, targets of 0 or 1 V.
    pub fn random(seed: u64, network: &[usize], samples: usize, gain: f64) -> Self {
        let mut spec = CircuitSpec { kind: Some(CircuitKind::Hopfield), ..CircuitSpec::default() };
        spec.neuron.activation = ActivationKind::Tanh.into();
        spec.nudge.at = NudgePoint::Own;
        spec.solver = SolverSpec { kind: SolverKind::Dc, rtol: 1e-15, atol: 1e-16, ..spec.solver };
        let std = network[..network.len() - 1].iter().map(|n| gain / (*n as f64).sqrt()).collect();
        let mut weights = Weights::draw(&InitSpec::Std(std), &spec, network, seed);
        for (k, biases) in weights.biases.iter_mut().enumerate() {
            let mut source = stream(Key::new(seed, Kind::Biases).layer(k as u16));
            let normal = Normal::new(0.0, 0.1).unwrap();
            biases.iter_mut().for_each(|b| *b = normal.sample(&mut source));
        }
        let mut source = stream(Key::new(seed, Kind::Data));
        let mut uniform = || -> f64 { StandardUniform.sample(&mut source) };
        let inputs = Matrix::from_fn(samples, network[0], |_, _| uniform());
        let targets = Matrix::from_fn(samples, network[network.len() - 1], |_, _| uniform().round());
        Self { spec, network: network.to_vec(), weights, batch: Batch::new(inputs, targets) }
    }

    pub fn chip(&self) -> Chip<f64> {
        Chip::fabricate(&self.spec, &self.network)
    }

    /// Neurons behind the inputs.
    pub fn neurons(&self) -> usize {
        self.network[1..].iter().sum()
    }

    /// First neuron of a layer, counted from 0.
    pub fn start(&self, layer: usize) -> usize {
        self.network[1..=layer].iter().sum()
    }

    /// Synapses between all neurons as one matrix: `W_k` below the diagonal, `W_kᵀ` above it, `L_k` about it.
    pub fn coupling(&self) -> DMatrix<f64> {
        let mut all = DMatrix::zeros(self.neurons(), self.neurons());
        for layer in 1..self.network.len() - 1 {
            let (row, column) = (self.start(layer), self.start(layer - 1));
            for ((i, j), w) in entries(&self.weights.forward[layer]) {
                all[(row + i, column + j)] = w;
                all[(column + j, row + i)] = w;
            }
        }
        for (layer, lateral) in self.weights.lateral.iter().flatten().enumerate() {
            let start = self.start(layer);
            entries(lateral).for_each(|((i, j), l)| all[(start + i, start + j)] = l);
        }
        all
    }

    /// What every neuron hears besides, of a sample.
    pub fn heard(&self, sample: usize) -> DVector<f64> {
        let biases: Vec<f64> = self.weights.biases.concat();
        let mut heard = DVector::from_vec(biases);
        for ((i, j), w) in entries(&self.weights.forward[0]) {
            heard[i] += w * self.batch.inputs[(sample, j)];
        }
        heard
    }

    /// `f(v)` and `f′(v)`: hidden neurons, then linear outputs.
    pub fn outputs(&self, v: &DVector<f64>) -> (DVector<f64>, DVector<f64>) {
        let hidden = self.start(self.network.len() - 2);
        let each = |f: &dyn Fn(f64) -> f64, top: &dyn Fn(f64) -> f64| {
            DVector::from_fn(v.len(), |i, _| if i < hidden { f(v[i]) } else { top(v[i]) })
        };
        (each(&f64::tanh, &|v| v), each(&|v: f64| 1.0 - v.tanh().powi(2), &|_| 1.0))
    }

    /// The equilibrium of a sample under a nudge of a squared error, by Newton's method from 0 V.
    pub fn equilibrium(&self, sample: usize, beta: f64) -> DVector<f64> {
        let (coupling, heard) = (self.coupling(), self.heard(sample));
        let top = self.start(self.network.len() - 2);
        let mut v = DVector::zeros(self.neurons());
        for _ in 0..60 {
            let (s, slope) = self.outputs(&v);
            let mut rest = &coupling * &s + &heard - &v;
            let mut jacobian = &coupling * DMatrix::from_diagonal(&slope);
            for i in top..v.len() {
                rest[i] -= beta * (s[i] - self.batch.targets[(sample, i - top)]);
                jacobian[(i, i)] -= beta * slope[i];
            }
            let matrix = DMatrix::identity(v.len(), v.len()) - jacobian;
            v += matrix.lu().solve(&rest).unwrap();
        }
        v
    }
}

pub fn entries(matrix: &Matrix<f64>) -> impl Iterator<Item = ((usize, usize), f64)> + '_ {
    (0..matrix.nrows()).flat_map(move |i| (0..matrix.ncols()).map(move |j| ((i, j), matrix[(i, j)])))
}

fn settle(circuit: &dyn Dynamics<f64>, kind: SolverKind) -> Settled<f64> {
    let spec = SolverSpec { kind, rtol: 1e-10, atol: 1e-13, step: 0.1, ..SolverSpec::default() };
    settle_any_from(&spec, circuit, None, (false, &|_| {})).expect("it asks for no layers")
}

fn nudge(net: &Hopfield, beta: f64) -> Nudge<f64> {
    let loss = Loss { kind: LossKind::Mse, reference: 1.0 };
    Nudge { target: net.batch.targets.clone(), beta, at: NudgePoint::Own, loss }
}

#[test]
fn every_solver_of_any_system_finds_the_equilibrium_of_one_dense_matrix() {
    let net = Hopfield::random(300, &[4, 9, 7, 3], 70, 0.35);
    let chip = net.chip();
    for beta in [0.0, 0.3, -0.2] {
        let free = HopfieldCircuit::free(&chip, &net.weights, &net.batch.inputs);
        let circuit = free.nudged(nudge(&net, beta), &Matrix::zeros(0, 0));
        for kind in SolverKind::ALL.into_iter().filter(|kind| !kind.needs_layers() && !kind.is_clocked()) {
            let settled = settle(&circuit, kind);
            for sample in [0, 1, 66] {
                assert_eq!(settled.outcomes[sample], Outcome::Settled, "{kind:?}");
                let apart = settled.state.row(sample).transpose() - net.equilibrium(sample, beta);
                // A residual of 1e-10 V and the slowest mode, which is no slower than some 10 τ here.
                assert!(apart.amax() < 1e-8, "{kind:?}, β {beta}, sample {sample}: {:.1e}", apart.amax());
            }
        }
    }
}

#[test]
fn a_clamped_circuit_is_at_rest_with_the_wires_where_they_are_forced_to() {
    let net = Hopfield::random(301, &[4, 8, 6, 3], 5, 0.35);
    let chip = net.chip();
    let free = HopfieldCircuit::free(&chip, &net.weights, &net.batch.inputs);
    let circuit = free.clamped(net.batch.targets.clone());
    let settled = settle(&circuit, SolverKind::Etd);
    let outputs = circuit.outputs(&settled.state);
    assert_eq!(outputs[2], net.batch.targets);
    let coupling = net.coupling();
    for sample in 0..5 {
        let said: Vec<f64> =
            outputs.iter().flat_map(|s| s.row(sample).iter().copied().collect::<Vec<_>>()).collect();
        let rest = &coupling * DVector::from_vec(said) + net.heard(sample);
        let apart = (rest - settled.state.row(sample).transpose()).amax();
        assert!(apart < 1e-8, "{apart:.1e}");
    }
}

/// `ln cosh v`, also where `tanh v` rounds to 1.
pub fn log_cosh(v: f64) -> f64 {
    v.abs() + (-2.0 * v.abs()).exp().ln_1p() - std::f64::consts::LN_2
}

/// Hopfield's energy of hidden `tanh` neurons and linear outputs.
fn energy(net: &Hopfield, sample: usize, v: &DVector<f64>) -> f64 {
    let (s, _) = net.outputs(v);
    let top = net.start(net.network.len() - 2);
    // ∫ f⁻¹: s v − ln cosh v with s = tanh v; and s²/2.
    let own = |i: usize| {
        if i < top { s[i] * v[i] - log_cosh(v[i]) } else { 0.5 * s[i] * s[i] }
    };
    let own: f64 = (0..s.len()).map(own).sum();
    own - 0.5 * s.dot(&(net.coupling() * &s)) - s.dot(&net.heard(sample))
}

#[test]
fn trajectories_descend_the_energy() {
    // Strong enough to have several equilibria.
    let net = Hopfield::random(302, &[4, 9, 7, 3], 3, 2.0);
    let chip = net.chip();
    let circuit = HopfieldCircuit::free(&chip, &net.weights, &net.batch.inputs);
    let spec = SolverSpec { rtol: 1e-9, atol: 1e-12, ..SolverSpec::default() };
    let settled = settle_any_from(&spec, &circuit, None, (true, &|_| {})).unwrap();
    for (sample, trace) in settled.traces.iter().enumerate() {
        let energies: Vec<f64> =
            trace.states.iter().map(|v| energy(&net, sample, &DVector::from_column_slice(v))).collect();
        assert!(energies.len() > 20);
        for pair in energies.windows(2) {
            // Rounding of a sum of some 20 terms of order 1.
            assert!(pair[1] <= pair[0] + 1e-13, "sample {sample}: it rises by {:.1e}", pair[1] - pair[0]);
        }
        let fell = energies[0] - energies[energies.len() - 1];
        assert!(fell > 0.1, "sample {sample}: {fell}");
    }
}

#[test]
fn a_state_in_which_no_neuron_has_a_slope_is_left_by_one_round() {
    let mut net = Hopfield::random(304, &[3, 5, 2], 1, 0.5);
    net.spec.neuron.output_activation = ActivationKind::Tanh.into();
    let chip = net.chip();
    let circuit = HopfieldCircuit::free(&chip, &net.weights, &net.batch.inputs);
    let far = vec![1000.0; circuit.width()];
    let found = fixed_point(&circuit, 0, &far, 1e-12);
    let rest = fixed_point(&circuit, 0, &vec![0.0; circuit.width()], 1e-12);
    assert!(found.converged && rest.converged);
    for (a, b) in found.state.iter().zip(&rest.state) {
        assert!((a - b).abs() < 1e-11, "{a} {b}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn tangents_and_adjoints_are_those_of_the_drive(seed in 0_u64..1000, beta in -0.5..0.5, turn in 0.0..6.3) {
        let net = Hopfield::random(seed, &[3, 5, 4, 2], 2, 1.2);
        let mut spec = net.spec.clone();
        spec.mismatch = MismatchSpec { offset_dtod: 0.05, scale_dtod: 0.1, seed: Some(seed), ..spec.mismatch };
        let chip = Chip::fabricate(&spec, &net.network);
        let free = HopfieldCircuit::free(&chip, &net.weights, &net.batch.inputs);
        let complex = Complex::from_polar(0.4, turn);
        let whole = HolomorphicCircuit::new(free.clone(), net.batch.targets.clone(), complex);
        let real = free.nudged(nudge(&net, beta), &Matrix::zeros(0, 0));
        let circuits: [&dyn Dynamics<f64>; 2] = [&real, &whole];
        for circuit in circuits {
            let width = circuit.width();
            let wave = |k: f64| Matrix::from_fn(2, width, |i, j| 0.5 * (k * (1.3 * i as f64 + 0.7 * j as f64 + 1.0)).sin());
            let (state, direction, dual) = (wave(1.0), wave(2.1), wave(3.7));
            let mut scratch = circuit.scratch(2);
            let blank = || Matrix::zeros(2, width);
            let (mut image, mut pulled, mut up, mut down) = (blank(), blank(), blank(), blank());
            circuit.tangent(&state, &direction, &mut image, &mut scratch);
            circuit.adjoint(&state, &dual, &mut pulled, &mut scratch);
            let h = 1e-5;
            circuit.drive(&(&state + &direction * h), &mut up, &mut scratch);
            circuit.drive(&(&state - &direction * h), &mut down, &mut scratch);
            let central = (up - down) / (2.0 * h);
            // Third derivatives of order 10: h²/6 of them is 2e-10; rounding 1e-15/h.
            prop_assert!((&image - central).amax() < 1e-8);
            for i in 0..2 {
                let (there, back) = (dual.row(i).dot(&image.row(i)), pulled.row(i).dot(&direction.row(i)));
                prop_assert!((there - back).abs() < 1e-12 * (1.0 + there.abs()));
            }
        }
    }
}

#[test]
fn thermal_noise_of_a_linear_symmetric_circuit_has_the_covariance_of_boltzmann() {
    let mut net = Hopfield::random(303, &[3, 5, 4, 2], 1, 0.5);
    net.spec.neuron.activation = ActivationKind::Linear.into();
    net.spec.noise.thermal = Some(ThermalSpec { excess: 2.5 });
    net.spec.solver = SolverSpec { kind: SolverKind::ExponentialHeun, step: 0.05, ..SolverSpec::default() };
    let chip = net.chip();
    let copies = 400;
    let inputs = Matrix::from_fn(copies, 3, |_, j| net.batch.inputs[(0, j)]);
    let circuit = HopfieldCircuit::free(&chip, &net.weights, &inputs);
    // kT/C of a leak alone; the coupling makes it stiffer or softer along its modes.
    let share = 2.5 * 1.380_649e-23 * net.spec.temperature / net.spec.neuron.capacitance;
    let neurons = net.neurons();
    let expected = (DMatrix::identity(neurons, neurons) - net.coupling()).try_inverse().unwrap() * share;
    let state = settle(&circuit, SolverKind::Dc).state;
    let point: Vec<f64> = state.row(0).iter().copied().collect();
    let found = System::at(&circuit, 0, &point).covariance().unwrap().total;
    let apart = (&found - &expected).amax() / expected.amax();
    assert!(apart < 1e-9, "{apart:.1e}");
    // And as it is simulated: 400 copies, 30 readings each, 10 τ apart.
    let mut sums = DMatrix::zeros(neurons, neurons);
    let (tau, mut now, readings) = (circuit.slowest(), state.clone(), 30);
    for k in 0..readings {
        let from = 10.0 * tau * k as f64;
        now = run(&net.spec.solver, &circuit, now, (from, 10.0 * tau), &mut |_, _| {});
        let apart = &now - &state;
        sums += apart.transpose() * &apart / (readings * copies) as f64;
    }
    let worst = (0..neurons).map(|i| (sums[(i, i)] / expected[(i, i)] - 1.0).abs()).fold(0.0, f64::max);
    // Of 12000 independent numbers a variance is known to √(2/12000) = 1.3 %; Heun at 0.05 τ adds some 0.1 %.
    assert!(worst < 0.055, "{worst}");
}

#[test]
fn of_several_fixed_points_dc_finds_the_one_that_the_circuit_comes_to() {
    // Coupling of gain 3 and neurons that switch: many of these nets have several fixed points. Rounds alone
    // end elsewhere than the trajectory in one sample of ten.
    let (mut apart, mut elsewhere) = (0, 0);
    for seed in 0..15 {
        let mut net = Hopfield::random(seed, &[4, 30, 3], 20, 3.0);
        let sigmoid = ActivationSpec { scale: 0.25, offset: 0.5, ..ActivationKind::Sigmoid.into() };
        (net.spec.neuron.activation, net.spec.neuron.output_activation) = (sigmoid, sigmoid);
        let chip = net.chip();
        let circuit = HopfieldCircuit::free(&chip, &net.weights, &net.batch.inputs);
        let solve = |kind, start: Option<&Matrix<f64>>| {
            let spec = SolverSpec { kind, rtol: 1e-8, max_time: 1e4, ..SolverSpec::default() };
            settle_any_from(&spec, &circuit, start, (false, &|_| ())).unwrap().state
        };
        let (found, reached) = (solve(SolverKind::Dc, None), solve(SolverKind::Etd, None));
        let high = Matrix::from_element(20, 33, 3.0);
        let other = solve(SolverKind::Etd, Some(&high));
        let differ = |a: &Matrix<f64>, b: &Matrix<f64>| {
            (0..20).filter(|&i| (a.row(i) - b.row(i)).amax() > 1e-2).count()
        };
        apart += differ(&found, &reached);
        elsewhere += differ(&reached, &other);
    }
    // No law says that a rough trajectory decides as the exact one does where it passes a saddle: one in
    // twenty.
    assert!(elsewhere > 30, "{elsewhere} of 300 have another fixed point");
    assert!(apart <= 15, "{apart} of 300");
}
