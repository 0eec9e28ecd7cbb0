//! A recurrent circuit of neurons with one compartment each, which no solver has heard of: what they ask of a
//! system is its dynamics.

use std::borrow::Cow;

use dyadsim_core::analysis::continuation::{DynamicsFamily, End, EventKind, Plan, follow};
use dyadsim_core::analysis::small_signal::{Reduced, System, forcings};
use dyadsim_core::circuit::{Dynamics, Scratch};
use dyadsim_core::matrix::{Matrix, select_rows};
use dyadsim_core::noise::{Colour, NoiseInput, SampleIds};
use dyadsim_core::solve::{
    Outcome, Settled, Verdict, fixed_point, leading, run, settle_any, spectrum, stability, universal,
};
use dyadsim_core::spec::{SolverKind, SolverSpec, Verify};
use nalgebra::{Complex, DMatrix, DVector, dmatrix, dvector};

/// Neurons `τ_i dv_i/dt = b_i + Σ_j W_ij f(v_j) − v_i` with `f = tanh`, or linear ones.
#[derive(Clone)]
struct Recurrent {
    weights: Matrix<f64>,
    /// Of every sample, `[samples × neurons]` (V).
    biases: Matrix<f64>,
    rates: Vec<f64>,
    saturates: bool,
    clock: Option<f64>,
    noise: Vec<NoiseInput>,
    ids: SampleIds,
}

impl Recurrent {
    fn slope(&self, v: f64) -> f64 {
        if self.saturates { 1.0 - v.tanh().powi(2) } else { 1.0 }
    }
}

impl Dynamics<f64> for Recurrent {
    fn width(&self) -> usize {
        self.weights.nrows()
    }
    fn samples(&self) -> usize {
        self.biases.nrows()
    }
    fn rates(&self) -> &[f64] {
        &self.rates
    }
    fn drive(&self, state: &Matrix<f64>, drive: &mut Matrix<f64>, scratch: &mut Scratch<f64>) {
        scratch.outputs_mut().zip_apply(state, |s, v| *s = if self.saturates { v.tanh() } else { v });
        drive.copy_from(&self.biases);
        drive.gemm(1.0, scratch.outputs_mut(), &self.weights.transpose(), 1.0);
    }
    fn tangent(&self, at: &Matrix<f64>, dv: &Matrix<f64>, du: &mut Matrix<f64>, scratch: &mut Scratch<f64>) {
        scratch.outputs_mut().zip_zip_apply(at, dv, |s, v, d| *s = self.slope(v) * d);
        du.gemm(1.0, scratch.outputs_mut(), &self.weights.transpose(), 0.0);
    }
    fn adjoint(&self, at: &Matrix<f64>, du: &Matrix<f64>, dv: &mut Matrix<f64>, _: &mut Scratch<f64>) {
        dv.gemm(1.0, du, &self.weights, 0.0);
        dv.zip_apply(at, |d, v| *d *= self.slope(v));
    }
    fn free_state(&self) -> Matrix<f64> {
        Matrix::zeros(self.samples(), self.width())
    }
    fn subset<'a>(&'a self, samples: &[usize]) -> Box<dyn Dynamics<f64> + 'a> {
        let (biases, ids) = (select_rows(&self.biases, samples), self.ids.subset(samples));
        Box::new(Self { biases, ids, ..self.clone() })
    }
    fn sample_ids(&self) -> Cow<'_, SampleIds> {
        Cow::Borrowed(&self.ids)
    }
    fn clock(&self) -> Option<f64> {
        self.clock
    }
    fn noise_inputs(&self, _sample: usize, _state: &[f64]) -> Vec<NoiseInput> {
        self.noise.clone()
    }
}

/// Neurons of a network.
const NEURONS: usize = 6;
/// Time constant of the fastest neuron (s); that of the slowest is 2.5 times this.
const TAU: f64 = 1e-6;
/// Solvers that ask for no layers.
const UNIVERSAL: [SolverKind; 8] = [
    SolverKind::Etd,
    SolverKind::Dopri5,
    SolverKind::Dop853,
    SolverKind::Dc,
    SolverKind::ExponentialEm,
    SolverKind::Heun,
    SolverKind::ExponentialHeun,
    SolverKind::Clocked,
];

/// A network whose weights have the spectral norm `norm`: below 1 its equilibrium is the limit of
/// `v ← b + W f(v)`.
fn network(norm: f64, saturates: bool, samples: usize) -> Recurrent {
    let some = |i: usize, j: usize| (1.7 * i as f64 + 2.9 * j as f64 + 0.8 * (i * j) as f64).sin();
    let weights = Matrix::from_fn(NEURONS, NEURONS, some);
    let weights = &weights * (norm / weights.singular_values()[0]);
    let biases = Matrix::from_fn(samples, NEURONS, |i, j| 0.7 * some(i + 3, 2 * j + 1));
    let rates = (0..NEURONS).map(|i| 1.0 / (TAU * (1.0 + 0.3 * i as f64))).collect();
    let ids = SampleIds::first(samples);
    Recurrent { weights, biases, rates, saturates, clock: None, noise: Vec::new(), ids }
}

/// Two neurons with the weights `gain ((1, −turn), (turn, 1))` and a small bias: eigenvalues
/// `gain (1 ± i turn) − 1` at 0, in `1/τ`.
fn pair(gain: f64, turn: f64, saturates: bool) -> Recurrent {
    let weights = dmatrix![1.0, -turn; turn, 1.0] * gain;
    let rates = vec![1.0 / TAU; 2];
    let (biases, ids) = (dmatrix![0.1, 0.0], SampleIds::first(1));
    Recurrent { weights, biases, rates, saturates, clock: None, noise: Vec::new(), ids }
}

/// Where every sample of a network of norm below 1 rests, by the iteration that such a norm lets converge.
fn equilibria(net: &Recurrent) -> Matrix<f64> {
    let mut state = net.free_state();
    for _ in 0..2000 {
        let outputs = state.map(|v| if net.saturates { v.tanh() } else { v });
        state = &net.biases + outputs * net.weights.transpose();
    }
    state
}

/// `∂(dv/dt)/∂v` (1/s), written out.
fn jacobian(net: &Recurrent, state: &[f64]) -> DMatrix<f64> {
    DMatrix::from_fn(net.width(), net.width(), |i, j| {
        net.rates[i] * (net.weights[(i, j)] * net.slope(state[j]) - f64::from(i == j))
    })
}

fn spec(kind: SolverKind) -> SolverSpec {
    SolverSpec { kind, rtol: 1e-9, atol: 1e-12, max_time: 2000.0, step: 0.1, ..SolverSpec::default() }
}

fn settle(net: &Recurrent, kind: SolverKind, traced: bool) -> Settled<f64> {
    let clock = (kind == SolverKind::Clocked).then_some(3.0 / TAU);
    settle_any(&spec(kind), &Recurrent { clock, ..net.clone() }, traced).expect("it asks for no layers")
}

#[test]
fn every_solver_that_asks_for_no_layers_finds_the_equilibrium_of_a_recurrent_circuit() {
    let linear = network(0.9, false, 70);
    let inverse = (DMatrix::identity(NEURONS, NEURONS) - &linear.weights).try_inverse().unwrap();
    let closed = &linear.biases * inverse.transpose();
    let tanh = network(0.9, true, 70);
    for (net, rest) in [(&linear, closed), (&tanh, equilibria(&tanh))] {
        for kind in UNIVERSAL {
            let settled = settle(net, kind, false);
            for i in 0..net.samples() {
                assert_eq!(settled.outcomes[i], Outcome::Settled, "{kind:?}, sample {i}");
                // Slopes are at most 1: what the residual leaves is at most ‖(1 − |W|)⁻¹‖ ≤ 1/(1 − 0.9) of it
                // in the 2-norm.
                let apart = (settled.state.row(i) - rest.row(i)).norm();
                let bound = 10.0 * (NEURONS as f64).sqrt() * settled.residual[i] + 1e-13;
                assert!(apart <= bound, "{kind:?}, sample {i}: {apart:.1e} above {bound:.1e}");
            }
        }
    }
}

#[test]
fn solvers_that_correct_layer_by_layer_are_not_to_be_had_for_it() {
    for kind in UNIVERSAL {
        assert!(universal::<f64>(&spec(kind)).is_some(), "{kind:?}");
    }
    for kind in [SolverKind::Eam, SolverKind::Layerwise] {
        assert!(universal::<f64>(&spec(kind)).is_none(), "{kind:?}");
        assert!(settle_any(&spec(kind), &network(0.9, true, 1), false).is_none(), "{kind:?}");
    }
}

/// `v(t)` of the only sample of a network from the origin, by the classical Runge–Kutta method in steps of at
/// most `TAU/200`.
fn integrated(net: &Recurrent, times: &[f64]) -> Vec<DVector<f64>> {
    let bias = net.biases.row(0).transpose();
    let rate = |v: &DVector<f64>| {
        let outputs = v.map(|v| if net.saturates { v.tanh() } else { v });
        (&bias + &net.weights * outputs - v).component_mul(&DVector::from_column_slice(&net.rates))
    };
    let (mut v, mut now, mut found) = (DVector::zeros(net.width()), 0.0, Vec::new());
    for &time in times {
        let steps = ((time - now) / TAU * 200.0).ceil().max(1.0);
        let h = (time - now) / steps;
        for _ in 0..steps as usize {
            let a = rate(&v);
            let b = rate(&(&v + &a * (h / 2.0)));
            let c = rate(&(&v + &b * (h / 2.0)));
            let d = rate(&(&v + &c * h));
            v += (a + (b + c) * 2.0 + d) * (h / 6.0);
        }
        now = time;
        found.push(v.clone());
    }
    found
}

#[test]
fn trajectories_are_those_of_the_matrix_exponential_and_of_a_fine_runge_kutta() {
    for saturates in [false, true] {
        let net = network(0.9, saturates, 1);
        for kind in [SolverKind::Etd, SolverKind::Dopri5, SolverKind::Dop853] {
            let trace = &settle(&net, kind, true).traces[0];
            assert!(trace.times.len() > 10, "{kind:?}");
            let expected: Vec<DVector<f64>> = if saturates {
                integrated(&net, &trace.times)
            } else {
                let drift = jacobian(&net, &[0.0; NEURONS]);
                let rest = equilibria(&net).row(0).transpose();
                trace.times.iter().map(|&t| &rest - (&drift * t).exp() * &rest).collect()
            };
            for (state, expected) in trace.states.iter().zip(&expected) {
                let error = (DVector::from_column_slice(state) - expected).amax();
                // Some hundred steps, each allowed 10⁻⁹ of 1 V, contracted by no more than a tenth in their
                // time.
                assert!(error < 1e-6, "{kind:?}, saturates {saturates}: {error:.1e}");
            }
        }
    }
}

#[test]
fn schemes_of_fixed_step_have_their_order_on_it() {
    let net = network(0.9, true, 1);
    let time = 4.0 * TAU;
    let exact = &integrated(&net, &[time])[0];
    for (kind, order) in
        [(SolverKind::ExponentialEm, 1), (SolverKind::Heun, 2), (SolverKind::ExponentialHeun, 2)]
    {
        let error = |parts: f64| {
            let spec = SolverSpec { step: time / parts / net.slowest(), ..spec(kind) };
            let end = run(&spec, &net, net.free_state(), (0.0, time), &mut |_, _| ());
            (end.row(0).transpose() - exact).amax()
        };
        let ratio = error(160.0) / error(320.0);
        let expected = 2_f64.powi(order);
        assert!((ratio / expected - 1.0).abs() < 0.05, "{kind:?}: {ratio}");
    }
}

#[test]
fn operating_points_are_found_where_the_circuit_would_not_stay_and_are_told_apart() {
    for (net, outcome) in
        [(pair(2.0, 0.0, false), Outcome::LatchUp), (pair(2.0, 3.0, false), Outcome::Oscillation)]
    {
        let identity = DMatrix::identity(2, 2);
        let rest = (identity - &net.weights).try_inverse().unwrap() * net.biases.row(0).transpose();
        let at = |verify| SolverSpec { verify, ..spec(SolverKind::Dc) };
        let found = settle_any(&at(Verify::None), &net, false).unwrap();
        assert_eq!(found.outcomes, [Outcome::Settled]);
        assert!((found.state.row(0).transpose() - &rest).amax() < 1e-11);
        assert_eq!(settle_any(&at(Verify::Eigen), &net, false).unwrap().outcomes, [outcome]);
        assert_eq!(settle_any(&at(Verify::Transient), &net, false).unwrap().outcomes, [outcome]);
        for kind in [SolverKind::Etd, SolverKind::Dopri5, SolverKind::Dop853, SolverKind::ExponentialHeun] {
            assert_eq!(settle(&net, kind, false).outcomes, [outcome], "{kind:?}");
        }
    }
    // Saturated, the pair that turns goes round for ever.
    for kind in [SolverKind::Etd, SolverKind::Dopri5, SolverKind::ExponentialHeun] {
        assert_eq!(settle(&pair(2.0, 3.0, true), kind, false).outcomes, [Outcome::Oscillation], "{kind:?}");
    }
}

/// Rightmost first.
fn sorted(mut values: Vec<Complex<f64>>) -> Vec<Complex<f64>> {
    values.sort_by(|a, b| b.re.total_cmp(&a.re).then(b.im.total_cmp(&a.im)));
    values
}

#[test]
fn spectra_are_those_of_the_jacobian_written_out() {
    for saturates in [false, true] {
        let net = network(0.9, saturates, 3);
        let found = stability(&net, &spec(SolverKind::Etd), &net.free_state(), 1e-12);
        for (i, point) in found.points.iter().enumerate() {
            assert!(point.converged);
            assert!(
                (DVector::from_column_slice(&point.state) - equilibria(&net).row(i).transpose()).amax()
                    < 1e-11
            );
            assert_eq!(found.verdict(i), Some(Verdict::Stable));
            let written = jacobian(&net, &point.state);
            let expected = sorted(written.complex_eigenvalues().iter().copied().collect());
            let all = spectrum(&net, i, &point.state).eigenvalues;
            assert_eq!(all.len(), NEURONS);
            for (a, b) in all.iter().zip(&expected) {
                // They are apart by tenths of 1/τ, so that rounding moves them by little more than itself.
                assert!((a - b).norm() * TAU < 1e-11, "{a} {b}");
            }
            assert!((leading(&net, i, &point.state).eigenvalues[0] - expected[0]).norm() * TAU < 1e-8);
            // From clock to clock: v ← v + r (u − v) with the share r of a period.
            let frequency = 3.0 / TAU;
            let clocked = Recurrent { clock: Some(frequency), ..net.clone() };
            let share = |rate: &f64| -(-rate / frequency).exp_m1() / rate;
            let shares = DVector::from_iterator(NEURONS, net.rates.iter().map(share));
            let map = DMatrix::from_diagonal(&shares) * &written + DMatrix::identity(NEURONS, NEURONS);
            let rates = map.complex_eigenvalues().map(|mu| mu.ln() * frequency);
            let expected = sorted(rates.iter().copied().collect());
            for (a, b) in spectrum(&clocked, i, &point.state).eigenvalues.iter().zip(&expected) {
                assert!((a - b).norm() * TAU < 1e-10, "{a} {b}");
            }
        }
    }
}

#[test]
fn a_branch_of_one_neuron_has_the_two_folds_of_its_closed_form() {
    // v = p + w tanh v turns where tanh' = 1/w.
    let w = 2.0_f64;
    let one = |p: f64| -> Box<dyn Dynamics<f64>> {
        let net = pair(1.0, 0.0, true);
        Box::new(Recurrent { weights: dmatrix![w], biases: dmatrix![p], rates: vec![1.0 / TAU], ..net })
    };
    let range = (-2.0, 2.0);
    let family = DynamicsFamily::new(&one, range);
    let branch = follow(&family, &Plan::new(range, dvector![-4.0])).unwrap();
    assert_eq!(branch.end, End::Reached);
    let turn = (1.0 - 1.0 / w).sqrt().atanh();
    let fold = w * turn.tanh() - turn;
    assert_eq!(branch.events.len(), 2);
    for (event, side) in branch.events.iter().zip([1.0, -1.0]) {
        assert_eq!(event.kind, EventKind::Fold);
        // At a fold the state is known to the root of the parameter's error.
        assert!((event.parameter - side * fold).abs() < 1e-9, "{}", event.parameter);
        assert!((event.state[0] + side * turn).abs() < 1e-5, "{}", event.state[0]);
    }
}

#[test]
fn a_branch_of_two_neurons_has_the_hopf_point_of_its_closed_form() {
    let turn = 1.5;
    let two = |gain: f64| -> Box<dyn Dynamics<f64>> {
        Box::new(Recurrent { biases: dmatrix![0.0, 0.0], ..pair(gain, turn, true) })
    };
    let range = (0.5, 1.5);
    let family = DynamicsFamily::new(&two, range);
    let branch = follow(&family, &Plan::new(range, dvector![0.0, 0.0])).unwrap();
    assert_eq!((branch.end, branch.events.len()), (End::Reached, 1));
    let event = &branch.events[0];
    assert!((event.parameter - 1.0).abs() < 1e-9, "{}", event.parameter);
    let EventKind::Hopf { omega, lyapunov: Some(lyapunov) } = event.kind else { panic!("{:?}", event.kind) };
    assert!((omega - turn).abs() < 1e-8, "{omega}");
    // With z = v₁ + i v₂ the cubic terms are −(1 + i c)(¾ |z|² z + ¼ z̄³)/3: an eigenvector of length 1 makes
    // ℓ₁ = −1/(2c) of them.
    assert!((lyapunov + 0.5 / turn).abs() < 1e-4, "{lyapunov}");
}

/// `P` with `A P + P Aᵀ + Q = 0`, all entries at once: `(1 ⊗ A + A ⊗ 1) vec P = −vec Q`.
fn kronecker(a: &DMatrix<f64>, q: &DMatrix<f64>) -> DMatrix<f64> {
    let n = a.nrows();
    let one = DMatrix::identity(n, n);
    let whole = one.kronecker(a) + a.kronecker(&one);
    let found = whole.lu().solve(&-DVector::from_column_slice(q.as_slice())).unwrap();
    DMatrix::from_column_slice(n, n, found.as_slice())
}

/// White noise of one neuron, white noise common to all, and a slow noise of two.
fn noisy(net: Recurrent) -> Recurrent {
    let white = |cause, pattern| NoiseInput { cause, colour: Colour::White, columns: vec![pattern] };
    let own = white("white", vec![(1, 2e-6)]);
    let common = white("supply", (0..NEURONS).map(|j| (j, 1e-6)).collect());
    let slow = NoiseInput {
        cause: "flicker",
        colour: Colour::Pole(0.2 / TAU),
        columns: vec![vec![(0, 1e-3), (4, -2e-3)]],
    };
    Recurrent { noise: vec![own, common, slow], ..net }
}

/// The stationary covariance by Kronecker products, the slow noise as a state of its own, in units of `TAU`.
fn expected_covariance(net: &Recurrent, state: &[f64]) -> DMatrix<f64> {
    let n = NEURONS;
    let (mut a, mut q) = (DMatrix::zeros(n + 1, n + 1), DMatrix::zeros(n + 1, n + 1));
    a.view_mut((0, 0), (n, n)).copy_from(&(jacobian(net, state) * TAU));
    for input in &net.noise {
        let mut b = DVector::zeros(n + 1);
        input.columns[0].iter().for_each(|&(j, value)| b[j] = value * net.rates[j] * TAU);
        match input.colour {
            Colour::White => q += &b * b.transpose() / TAU,
            Colour::Pole(rate) => {
                a.set_column(n, &b);
                (a[(n, n)], q[(n, n)]) = (-rate * TAU, 2.0 * rate * TAU);
            }
        }
    }
    kronecker(&a, &q).view((0, 0), (n, n)).into_owned()
}

#[test]
fn its_covariance_solves_the_lyapunov_equation_written_out_by_kronecker_products() {
    for saturates in [false, true] {
        let net = noisy(network(0.9, saturates, 1));
        let state = fixed_point(&net, 0, &[0.0; NEURONS], 1e-13).state;
        let expected = expected_covariance(&net, &state);
        let system = System::at(&net, 0, &state);
        assert_eq!(system.causes(), ["white", "supply", "flicker"]);
        let found = system.covariance().unwrap().total;
        assert!((&found - &expected).amax() < 1e-11 * expected.amax(), "saturates {saturates}");
        // The same of one read-out, by products with the transpose alone.
        let readout = DVector::from_fn(NEURONS, |j, _| 1.0 + j as f64);
        let at = Matrix::from_row_slice(1, NEURONS, &state);
        let mut adjoint = |dual: &DVector<f64>| {
            let scaled = DVector::from_fn(NEURONS, |j, _| dual[j] * net.rates[j]);
            let (mut image, mut scratch) = (at.clone(), net.scratch(1));
            let direction = Matrix::from_row_slice(1, NEURONS, scaled.as_slice());
            net.adjoint(&at, &direction, &mut image, &mut scratch);
            DVector::from_column_slice(image.as_slice()) - scaled
        };
        let reduced = Reduced::new(&mut adjoint, &forcings(&net, 0, &state), &readout).unwrap();
        let variance = reduced.variance(0.0).unwrap().total[0];
        let expected = (readout.transpose() * expected * &readout)[0];
        assert!((variance / expected - 1.0).abs() < 1e-9, "{variance} {expected}");
    }
}

#[test]
fn its_simulated_noise_has_that_covariance() {
    const REPLICAS: usize = 1024;
    const READINGS: usize = 10;
    let biases = Matrix::zeros(REPLICAS, NEURONS);
    let net = Recurrent { biases, ..noisy(network(0.9, false, REPLICAS)) };
    let expected = expected_covariance(&net, &[0.0; NEURONS]);
    for kind in [SolverKind::ExponentialEm, SolverKind::Heun, SolverKind::ExponentialHeun] {
        let step = if kind == SolverKind::ExponentialHeun { 0.2 } else { 0.05 };
        let spec = SolverSpec { step, ..spec(kind) };
        // Readings are four times of the slow noise apart.
        let apart = 20.0 * TAU;
        let (mut found, mut next) = (DMatrix::<f64>::zeros(NEURONS, NEURONS), 3.0 * apart);
        let time = apart * (READINGS as f64 + 2.5);
        run(&spec, &net, net.free_state(), (0.0, time), &mut |time, state: &Matrix<f64>| {
            if time >= next {
                found += state.transpose() * state / (REPLICAS * READINGS) as f64;
                next += apart;
            }
        });
        for i in 0..NEURONS {
            for j in 0..NEURONS {
                // The error of a product's mean is at most √(2/N) of the deviations; five of those.
                let size = (expected[(i, i)] * expected[(j, j)]).sqrt();
                let bound = 5.0 * (2.0 / (REPLICAS * READINGS) as f64).sqrt() * size;
                let apart = found[(i, j)] - expected[(i, j)];
                assert!(apart.abs() < bound, "{kind:?} {i} {j}: {apart:.1e} above {bound:.1e}");
            }
        }
    }
}

#[test]
fn its_samples_meet_noise_of_their_own_whatever_batch_they_are_in() {
    let net = noisy(network(0.9, true, 70));
    let spec = spec(SolverKind::ExponentialHeun);
    let end = |net: &dyn Dynamics<f64>| run(&spec, net, net.free_state(), (0.0, 10.0 * TAU), &mut |_, _| ());
    let whole = end(&net);
    let part = end(net.subset(&[69, 3]).as_ref());
    // Products of other sizes round otherwise.
    assert!((part.row(0) - whole.row(69)).amax() < 1e-12);
    assert!((part.row(1) - whole.row(3)).amax() < 1e-12);
    let same = Recurrent { biases: Matrix::zeros(70, NEURONS), ..net.clone() };
    let same = end(&same);
    assert!((same.row(0) - same.row(64)).amax() > 1e-4, "shards do not repeat each other's noise");
    let settled = settle(&net, SolverKind::ExponentialHeun, false);
    // A test of stationarity that errs in 1 % of samples, window by window, comes to its end for all.
    assert_eq!(settled.outcomes, vec![Outcome::NoisySettled; 70]);
}
