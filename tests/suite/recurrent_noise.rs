//! Small signals of circuits whose layers speak both ways, against dense matrices written out here.

use dyadsim_core::analysis::small_signal::OperatingPoint;
use dyadsim_core::analysis::spectrum;
use dyadsim_core::analysis::stationary::{ReadQuantity, nodes, predicted};
use dyadsim_core::chip::Chip;
use dyadsim_core::circuit::Wired;
use dyadsim_core::learn::{rest, wired};
use dyadsim_core::noise::thermal::BOLTZMANN;
use dyadsim_core::solve::fixed_point;
use dyadsim_core::spec::*;
use nalgebra::{Complex, DMatrix, DVector};

use crate::any_coupling::{asymmetric, coupling};
use crate::hopfield::Hopfield;

const BETA: f64 = 0.3;
/// Noise over that of the leak.
const EXCESS: f64 = 2.5;

/// A net with noise, on the circuit of a kind.
fn noisy(kind: CircuitKind, seed: u64) -> Hopfield {
    let mut net = asymmetric(seed, &[4, 5, 4, 3], 0.8);
    net.spec.kind = Some(kind);
    net.spec.noise.thermal = Some(ThermalSpec { excess: EXCESS });
    (net.spec.nudge.at, net.spec.nudge.beta, net.spec.nudge.alpha) = (NudgePoint::Mean, BETA, 0.3);
    net.spec.solver = SolverSpec { kind: SolverKind::ExponentialHeun, ..SolverSpec::default() };
    net
}

/// The equilibrium of the first sample.
fn equilibrium(circuit: &dyn Wired<f64>, net: &Hopfield) -> Vec<f64> {
    let start = rest(circuit, &net.spec);
    let start: Vec<f64> = start.row(0).iter().copied().collect();
    let found = fixed_point(circuit, 0, &start, 1e-13);
    assert!(found.converged);
    found.state
}

/// Slopes of neurons at potentials, hidden ones `tanh`, outputs linear.
fn slopes(net: &Hopfield, v: &[f64]) -> DVector<f64> {
    net.outputs(&DVector::from_column_slice(v)).1
}

/// `∂u/∂s − β` at the outputs, of all neurons.
fn pulled(net: &Hopfield, mut coupling: DMatrix<f64>, beta: f64) -> DMatrix<f64> {
    for i in net.start(net.network.len() - 2)..net.neurons() {
        coupling[(i, i)] -= beta;
    }
    coupling
}

/// `P` of `A P + P Aᵀ + q = 0` with `q` times the unit matrix, by Kronecker products.
fn covariance(drift: &DMatrix<f64>, q: f64) -> DMatrix<f64> {
    let n = drift.nrows();
    let one = DMatrix::<f64>::identity(n, n);
    let whole = one.kronecker(drift) + drift.kronecker(&one);
    let right = DVector::from_column_slice((one * -q).as_slice());
    DMatrix::from_column_slice(n, n, whole.lu().solve(&right).unwrap().as_slice())
}

/// `2 kT/(C τ)` times the excess, in units of `1/τ`: `⟨dv²⟩ = q dt`.
fn intensity(spec: &CircuitSpec) -> f64 {
    EXCESS * 2.0 * BOLTZMANN * spec.temperature / spec.neuron.capacitance
}

/// Holds eigenvalues, covariance and read-outs of a circuit against those of `drift` (1/τ) and of `activity`, the
/// derivative of what neurons say.
fn compare(net: &Hopfield, chip: &Chip<f64>, written: &dyn Fn(&[f64]) -> [DMatrix<f64>; 2]) {
    let circuit = wired(chip, &net.weights, &net.batch, &net.spec);
    let state = equilibrium(circuit.as_ref(), net);
    let [drift, activity] = written(&state);
    let tau = chip.slowest;
    // Power sums of eigenvalues, which a defective spectrum has, too: the traces of powers of the matrix.
    let found = spectrum(circuit.as_ref(), 0, &state).eigenvalues;
    assert_eq!(found.len(), drift.nrows());
    let mut power = drift.clone();
    for k in 1..=6 {
        let sum: Complex<f64> = found.iter().map(|e| (e * tau).powi(k)).sum();
        assert!((sum - power.trace()).norm() < 1e-9 * power.norm(), "power {k}: {sum} {}", power.trace());
        power = &power * &drift;
    }
    let point = OperatingPoint::new(circuit.as_ref(), &net.batch.inputs, 0, &state);
    let stationary = point.system().covariance().unwrap();
    let by_hand = covariance(&drift, intensity(&net.spec));
    let apart = (&stationary.total - &by_hand).amax() / by_hand.amax();
    assert!(apart < 1e-9, "{apart:.1e}");
    let variances = predicted(&point, &stationary);
    let read = (&activity * &by_hand * activity.transpose()).diagonal();
    let said = nodes(point.layout()).into_iter().filter(|node| node.quantity == ReadQuantity::Activity);
    for (node, exact) in said.zip(read.iter()) {
        let found = variances[node.place(point.layout())];
        assert!((found / exact - 1.0).abs() < 1e-9, "{}: {found:e} {exact:e}", node.name());
    }
}

#[test]
fn covariances_are_those_of_a_dense_matrix_written_out() {
    for seed in [710, 711, 712] {
        let net = noisy(CircuitKind::Hopfield, seed);
        compare(&net, &net.chip(), &|state| {
            let said = DMatrix::from_diagonal(&slopes(&net, state));
            let drift = pulled(&net, coupling(&net), BETA) * &said;
            [drift - DMatrix::identity(net.neurons(), net.neurons()), said]
        });
    }
}

#[test]
fn covariances_of_recurrent_dyads_are_those_of_a_dense_matrix_written_out() {
    for (seed, variant) in [(713, Variant::Dp), (714, Variant::DpTranspose), (715, Variant::Dp)] {
        let mut net = noisy(CircuitKind::RecurrentDyad, seed);
        net.spec.nudge.variant = variant;
        let chip = net.chip();
        let (plus, minus) = dyadsim_core::chip::gains(&net.spec.nudge);
        let alpha = net.spec.nudge.alpha;
        compare(&net, &chip, &|state| {
            let (n, layout) = (net.neurons(), &chip.layout);
            // Columns of the two compartments of all neurons.
            let side = |of: &dyn Fn(usize) -> std::ops::Range<usize>| -> Vec<usize> {
                (0..layout.depth()).flat_map(of).collect()
            };
            let sides = [side(&|layer| layout.plus(layer)), side(&|layer| layout.minus(layer))];
            let (mut mean, mut difference) = (DMatrix::zeros(n, 2 * n), DMatrix::zeros(n, 2 * n));
            for (columns, (share, sign)) in sides.iter().zip([(alpha, 1.0), (1.0 - alpha, -1.0)]) {
                let own: Vec<f64> = columns.iter().map(|&column| state[column]).collect();
                for (neuron, (&column, slope)) in columns.iter().zip(slopes(&net, &own).iter()).enumerate() {
                    mean[(neuron, column)] = share * slope;
                    difference[(neuron, column)] = sign * slope;
                }
            }
            let coupling = coupling(&net);
            let heard = &coupling * &mean;
            // The nudge is taken at the means.
            let back = coupling.transpose() * &difference + pulled(&net, DMatrix::zeros(n, n), BETA) * &mean;
            let mut drift = -DMatrix::<f64>::identity(2 * n, 2 * n);
            for (columns, gain) in sides.iter().zip([plus, -minus]) {
                for (neuron, &column) in columns.iter().enumerate() {
                    let row = heard.row(neuron) + back.row(neuron) * gain;
                    let whole = drift.row(column) + row;
                    drift.set_row(column, &whole);
                }
            }
            [drift, mean]
        });
    }
}
