//! How fast the stochastic schemes approach what they solve.
//!
//! A linear circuit with additive noise has a known law: mean and covariance by matrix exponentials. Shorter
//! steps refine the same path, so differences between steps are those of the scheme and not of the draw.

use dyadsim_core::circuit::{Dynamics, Layered};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::solve::{drive_jacobian, run};
use dyadsim_core::spec::*;
use nalgebra::{DMatrix, DVector};

use crate::nets::{Net, ideal, row};

const SAMPLES: usize = 32768;
/// Those of a stiff circuit, whose steps are many.
const FEW: usize = 256;
/// How long the circuit moves (τ).
const TIME: f64 = 3.2;

/// A linear 2-2-1 net with a nudge; noise of 0.2 V, all samples on one input.
fn net(kind: SolverKind) -> Net {
    let mut spec = ideal(ActivationKind::Linear, Variant::Dp, 0.7, 0.8);
    spec.solver.kind = kind;
    let temperature = 0.04 * spec.neuron.capacitance / 1.380_649e-23;
    spec.noise.thermal = Some(ThermalSpec { excess: temperature / spec.temperature });
    let mut net = Net::random(1, &[2, 2, 1], SAMPLES, 1.0, spec);
    for matrix in [&mut net.batch.inputs, &mut net.batch.targets] {
        let first = matrix.row(0).into_owned();
        matrix.row_iter_mut().for_each(|mut row| row.copy_from(&first));
    }
    net
}

/// States after `TIME` from 0 V in steps of `step` (τ).
fn end(net: &Net, step: f64) -> Matrix<f64> {
    let circuit = net.circuit();
    let spec = SolverSpec { step, ..net.spec.solver.clone() };
    let start = Matrix::zeros(SAMPLES, circuit.layout().width());
    run(&spec, &circuit, start, (0.0, TIME * circuit.slowest()), &mut |_, _| {})
}

/// Second moments `E v vᵀ` over the samples.
fn moments(state: &Matrix<f64>) -> DMatrix<f64> {
    DMatrix::from_fn(state.ncols(), state.ncols(), |i, j| {
        state.column(i).dot(&state.column(j)) / SAMPLES as f64
    })
}

/// `E v vᵀ` of the circuit itself: mean `A⁻¹(e^{At} − 1) b`, covariance by Van Loan's block exponential.
fn exact(net: &Net) -> DMatrix<f64> {
    let circuit = net.circuit();
    let width = circuit.layout().width();
    let rest = row(&net.fixed_points().state, 0);
    let jacobian = drive_jacobian(&circuit, 0, rest.as_slice()) - DMatrix::identity(width, width); // per τ
    let moved = (&jacobian * TIME).exp();
    let mean: DVector<f64> = &rest - &moved * &rest;
    // Time in τ: dv = A v + … with intensity 2σ² for a stationary variance of σ² alone.
    let mut block = DMatrix::zeros(2 * width, 2 * width);
    block.view_mut((0, 0), (width, width)).copy_from(&(-&jacobian));
    block.view_mut((0, width), (width, width)).copy_from(&(DMatrix::identity(width, width) * 0.08));
    block.view_mut((width, width), (width, width)).copy_from(&jacobian.transpose());
    let powers = (block * TIME).exp();
    let covariance =
        powers.view((width, width), (width, width)).transpose() * powers.view((0, width), (width, width));
    &mean * mean.transpose() + covariance
}

/// Errors against the path in steps of 0.0125 τ: rms of the states, and of their second moments, at each
/// step.
fn errors(net: &Net, steps: &[f64]) -> Vec<(f64, f64)> {
    let reference = end(net, 0.0125);
    let wanted = moments(&reference);
    let each = steps.iter().map(|&step| {
        let state = end(net, step);
        let apart = (&state - &reference).norm() / (state.len() as f64).sqrt();
        (apart, (moments(&state) - &wanted).norm())
    });
    each.collect()
}

#[test]
fn the_finest_steps_have_the_law_of_the_circuit() {
    for kind in [SolverKind::Heun, SolverKind::ExponentialHeun] {
        let net = net(kind);
        let (found, exact) = (moments(&end(&net, 0.025)), exact(&net));
        for i in 0..found.nrows() {
            for j in 0..=i {
                // Of a Gaussian product with second moments m the variance is m_ii m_jj + m_ij² at most.
                let error = ((exact[(i, i)] * exact[(j, j)] + exact[(i, j)].powi(2)) / SAMPLES as f64).sqrt();
                let apart = (found[(i, j)] - exact[(i, j)]).abs();
                assert!(
                    apart < 3.5 * error,
                    "{kind:?} {i} {j}: {} ± {error} not {}",
                    found[(i, j)],
                    exact[(i, j)]
                );
            }
        }
    }
}

#[test]
fn schemes_converge_with_their_strong_and_weak_orders() {
    let steps = [0.8, 0.4, 0.2];
    let schemes = SolverKind::ALL.into_iter().filter_map(|kind| Some((kind, kind.orders()?)));
    for (kind, (strong, weak)) in schemes {
        let net = net(kind);
        let errors = errors(&net, &steps);
        let order = |a: f64, b: f64| (a / b).log2();
        for pair in errors.windows(2) {
            // The next order of the step is some tenths away at these; the draw a hundredth.
            let (s, w) = (order(pair[0].0, pair[1].0), order(pair[0].1, pair[1].1));
            println!("{kind:?}: strong {s:.2} weak {w:.2} ({pair:?})");
            assert!(s > strong - 0.25, "{kind:?}: strong order {s}");
            assert!(w > weak - 0.4, "{kind:?}: weak order {w}");
        }
    }
}

#[test]
fn a_stiff_circuit_is_stable_at_steps_of_many_of_its_fastest_time_constants() {
    let mut net = net(SolverKind::ExponentialHeun);
    // Four decades of time constants.
    let width = net.chip.layout.width();
    for column in 0..width {
        net.chip.rates[column] *= 10_f64.powf(4.0 * column as f64 / (width - 1) as f64);
    }
    net.chip.refresh_slowest();
    let exact = net.fixed_points().state.row(0).into_owned();
    for step in [0.05, 0.5] {
        let spec = SolverSpec { step, ..net.spec.solver.clone() };
        let whole = net.circuit();
        let circuit = whole.subset(&(0..FEW).collect::<Vec<_>>());
        // Two slowest time constants are 20,000 of the fastest, into whose parts the steps are divided. At
        // rest from the start, since what has to arrive first would take thirty.
        let start = Matrix::from_fn(FEW, width, |_, column| exact[column]);
        let state = run(&spec, &circuit, start, (0.0, 2.0 * circuit.slowest()), &mut |_, _| {});
        let mean = state.row_mean();
        for column in 0..width {
            let deviation = (state.column(column).variance() / FEW as f64).sqrt();
            assert!(
                (mean[column] - exact[column]).abs() < 4.0 * deviation + 1e-9,
                "{step} {column}: {mean}, {exact}"
            );
        }
    }
}
