//! What noise costs, and how stochastic solvers converge.
//!
//! `cargo bench --bench noise` prints both tables and draws `docs/figures/noise_orders.png`; one thread.
//!
//! Convergence is measured on a linear circuit with additive noise along one path: its shorter steps refine
//! it, so errors are those of the scheme. *Strong* is the rms distance of potentials from the path in steps
//! of τ/80, *weak* the distance of their second moments, of 32768 samples.

#[path = "noise/figure.rs"]
mod figure;
mod nets;

use std::time::Instant;

use dyadsim_core::circuit::{Dynamics, Layered};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::noise::thermal::BOLTZMANN;
use dyadsim_core::solve::{run, settle_all};
use dyadsim_core::spec::{
    ActivationKind, CircuitSpec, FlickerSpec, NudgeSpec, SolverKind, SolverSpec, ThermalSpec, Variant,
};

use nets::Net;

/// Stochastic solvers with their names.
const SOLVERS: [(&str, SolverKind); 3] = [
    ("exponential-em", SolverKind::ExponentialEm),
    ("heun", SolverKind::Heun),
    ("exponential-heun", SolverKind::ExponentialHeun),
];
/// Steps (τ), and that of the reference.
const STEPS: [f64; 5] = [0.8, 0.4, 0.2, 0.1, 0.05];
const FINEST: f64 = 0.0125;
const SAMPLES: usize = 32_768;
/// How long the circuit moves (τ).
const TIME: f64 = 3.2;
/// Network and samples of the speeds, and pairs of measurements.
const LARGE: ([usize; 4], usize) = ([784, 512, 512, 10], 128);
const PAIRS: usize = 9;

/// Errors of a solver at one step (τ).
struct Point {
    solver: &'static str,
    step: f64,
    strong: f64,
    weak: f64,
}

fn main() {
    // One thread: the pool stands before anything uses it, so building it cannot fail.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("first use of the pool");
    let points = convergence();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/figures/noise_orders.png");
    figure::draw(&points, &SOLVERS.map(|(name, _)| name), file).expect("the figure is drawn");
    speed();
}

fn convergence() -> Vec<Point> {
    println!(
        "{:<18}{:>8}{:>12}{:>8}{:>12}{:>8}",
        "solver", "step/τ", "strong/V", "order", "weak/V²", "order"
    );
    let mut points: Vec<Point> = Vec::new();
    for (solver, kind) in SOLVERS {
        let net = linear(kind);
        let reference = end(&net, FINEST);
        let wanted = moments(&reference);
        for step in STEPS {
            let state = end(&net, step);
            let strong = (&state - &reference).norm() / (state.len() as f64).sqrt();
            let weak = (moments(&state) - &wanted).norm();
            let order = |now: f64, of: fn(&Point) -> f64| {
                let last = points.last().filter(|last| last.solver == solver);
                last.map_or("–".into(), |last| format!("{:.2}", (of(last) / now).log2()))
            };
            let orders = (order(strong, |p| p.strong), order(weak, |p| p.weak));
            println!("{solver:<18}{step:>8}{strong:>12.2e}{:>8}{weak:>12.2e}{:>8}", orders.0, orders.1);
            points.push(Point { solver, step, strong, weak });
        }
    }
    points
}

/// A linear 2-2-1 net under DP with noise of 0.2 V, all samples alike but for their noise.
fn linear(kind: SolverKind) -> Net<f64> {
    let nudge = NudgeSpec { variant: Variant::Dp, alpha: 0.7, beta: 0.8, ..NudgeSpec::default() };
    let mut spec = CircuitSpec { nudge, ..CircuitSpec::default() };
    spec.neuron.activation = ActivationKind::Linear.into();
    spec.solver.kind = kind;
    let kelvin = 0.04 * spec.neuron.capacitance / BOLTZMANN;
    spec.noise.thermal = Some(ThermalSpec { excess: kelvin / spec.temperature });
    let mut net = Net::new(&spec, &[2, 2, 1], SAMPLES, 1.0);
    for matrix in [&mut net.inputs, &mut net.targets] {
        let first = matrix.row(0).into_owned();
        matrix.row_iter_mut().for_each(|mut row| row.copy_from(&first));
    }
    net
}

/// States after [`TIME`] from 0 V.
fn end(net: &Net<f64>, step: f64) -> Matrix<f64> {
    let circuit = net.circuit();
    let spec = SolverSpec { step, ..net.spec.solver.clone() };
    let start = Matrix::zeros(SAMPLES, circuit.layout().width());
    run(&spec, &circuit, start, (0.0, TIME * circuit.slowest()), &mut |_, _| {})
}

/// `E v vᵀ` over the samples.
fn moments(state: &Matrix<f64>) -> Matrix<f64> {
    let width = state.ncols();
    Matrix::from_fn(width, width, |i, j| state.column(i).dot(&state.column(j)) / SAMPLES as f64)
}

/// Noise whose costs are measured: its name, and whether there is flicker noise, from how many hertz to how
/// many.
const NOISES: [(&str, Option<(f64, f64)>); 3] = [
    ("thermal", None),
    ("and flicker, 8 processes", Some((1e2, 1e6))),
    ("and flicker, 18", Some((1e-1, 1e8))),
];

/// Time of a step with noise beside that of a step of `etd` without, in turn.
fn speed() {
    let (network, batch) = (&LARGE.0, LARGE.1);
    println!(
        "\n{:<18}{:<26}{:>10}{:>10}{:>13}{:>20}",
        "784-512-512-10", "noise", "us/step", "least", "etd step/us", "over a step of etd"
    );
    let nudge = NudgeSpec { alpha: 0.5, beta: 0.1, ..NudgeSpec::default() };
    let quiet = CircuitSpec { nudge, ..CircuitSpec::default() };
    let still = Net::<f32>::new(&quiet, network, batch, 0.7);
    let etd = SolverSpec { kind: SolverKind::Etd, rtol: 1e-5, atol: 1e-8, ..SolverSpec::default() };
    for (name, kind) in SOLVERS {
        for (noise, band) in NOISES {
            let mut spec = quiet.clone();
            spec.solver.kind = kind;
            spec.noise.thermal = Some(ThermalSpec { excess: 1.0 });
            spec.noise.flicker = band.map(|(low, high)| FlickerSpec {
                corner: Some(2e4),
                coefficient: None,
                low,
                high,
                per_decade: 2,
            });
            let net = Net::<f32>::new(&spec, network, batch, 0.7);
            let pairs: Vec<_> = (0..PAIRS).map(|_| (noisy_step(&net), etd_step(&still, &etd))).collect();
            let sorted = |of: fn(&(f64, f64)) -> f64| {
                let mut list: Vec<f64> = pairs.iter().map(of).collect();
                list.sort_by(f64::total_cmp);
                list
            };
            let (noisy, deterministic, ratios) = (sorted(|p| p.0), sorted(|p| p.1), sorted(|p| p.0 / p.1));
            let middle = PAIRS / 2;
            println!(
                "{name:<18}{noise:<26}{:>10.0}{:>10.0}{:>13.0}{:>20.2}",
                noisy[middle], noisy[0], deterministic[middle], ratios[middle]
            );
        }
    }
}

/// Time of a step of the whole batch (µs), from a hundred of them.
fn noisy_step(net: &Net<f32>) -> f64 {
    let circuit = net.circuit();
    let start = circuit.free_state();
    let mut steps = 0;
    let length = 100.0 * net.spec.solver.step * circuit.slowest();
    let began = Instant::now();
    run(&net.spec.solver, &circuit, start, (0.0, length), &mut |_, _| steps += 1);
    began.elapsed().as_secs_f64() * 1e6 / f64::from(steps)
}

/// The same of a relaxation, which steps shards of 64 samples.
fn etd_step(net: &Net<f32>, spec: &SolverSpec) -> f64 {
    let circuit = net.circuit();
    let began = Instant::now();
    let settled = settle_all(spec, &circuit, false);
    let shards = LARGE.1.div_ceil(dyadsim_core::solve::SHARD) as f64;
    began.elapsed().as_secs_f64() * 1e6 * shards / (settled.counts.steps + settled.counts.rejected) as f64
}
