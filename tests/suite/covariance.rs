//! Linear noise analysis against the circuit itself: dense against matrix-free, predictions against
//! stochastic runs.

use dyadsim_core::analysis::ensemble::{across, limit};
use dyadsim_core::analysis::small_signal::{Estimate, OperatingPoint, Reading, Reduced, System};
use dyadsim_core::analysis::stationary::{Plan, nodes, predicted, simulate, values};
use dyadsim_core::circuit::{DyadCircuit, Dynamics, Layered, Scratch};
use dyadsim_core::learn::{Batch, Gradient, nudged};
use dyadsim_core::matrix::measure::larger;
use dyadsim_core::matrix::{Matrix, select_rows};
use dyadsim_core::noise::SampleIds;
use dyadsim_core::random::{Key, Kind, stream};
use dyadsim_core::solve::{fixed_point, run};
use dyadsim_core::spec::*;
use nalgebra::DVector;
use rand_distr::{Distribution, StandardNormal};

use crate::nets::{Net, ideal, row};

/// Replicas of a circuit, whose spread is the standard error.
const REPLICAS: usize = 64;

/// A net with thermal noise under the exponential Heun method.
fn noisy(seed: u64, network: &[usize], activation: ActivationKind, variant: Variant, alpha: f64) -> Net {
    let mut spec = ideal(activation, variant, alpha, 0.5);
    spec.noise.thermal = Some(ThermalSpec::default());
    spec.solver.kind = SolverKind::ExponentialHeun;
    Net::random(seed, network, 1, 1.0, spec)
}

/// Every source at once, sizes such that each adds some per cent at least.
fn all_sources() -> NoiseSpec {
    NoiseSpec {
        thermal: Some(ThermalSpec { excess: 1.5 }),
        shot: Some(ShotSpec { current: 1e-9 }),
        flicker: Some(FlickerSpec { corner: Some(2e5), low: 1e4, high: 1e6, ..FlickerSpec::default() }),
        telegraph: Some(TelegraphSpec { amplitude: 3e-11, capture: 1e-6, emission: 3e-6 }),
        synapse_telegraph: Some(SynapseTelegraphSpec { amplitude: 1e-3, capture: 2e-6, emission: 1e-6 }),
        read: Some(ReadNoiseSpec { relative_psd: 1e-12 }),
        supply: Some(SupplyNoiseSpec { psd: 1e-13, bandwidth: 3e5, coupling: 0.5 }),
        input: Some(InputNoiseSpec { psd: 1e-13, bandwidth: 1e6 }),
        sampled: None,
    }
}

/// The fixed point of the only sample.
fn settled(circuit: &DyadCircuit<'_, f64>) -> Vec<f64> {
    let start = row(&circuit.free_state(), 0);
    let point = fixed_point(circuit, 0, start.as_slice(), 1e-12);
    assert!(point.converged, "{:.1e}", point.residual);
    point.state
}

/// The net's only sample `count` times, each with a noise of its own.
fn replicas(net: &Net, count: usize, seed: u64) -> Batch<f64> {
    let rows = vec![0; count];
    let (inputs, targets) = (select_rows(&net.batch.inputs, &rows), select_rows(&net.batch.targets, &rows));
    let batch = Batch::new(inputs, targets);
    Batch { sample_ids: SampleIds { seed, ..batch.sample_ids }, ..batch }
}

#[test]
fn the_adjoint_of_a_point_is_the_transpose_of_its_matrix() {
    let net = noisy(900, &[5, 7, 6, 3], ActivationKind::Tanh, Variant::Dp, 0.3);
    let circuit = net.circuit();
    let point = OperatingPoint::new(&circuit, &net.batch.inputs, 0, &settled(&circuit));
    let System { drift, .. } = point.system();
    for j in 0..drift.nrows() {
        let unit = DVector::from_fn(drift.nrows(), |i, _| f64::from(u8::from(i == j)));
        let gap = (point.adjoint(&unit) - drift.row(j).transpose()).norm();
        assert!(gap < 1e-14 * drift.norm(), "{j}: {gap:.1e}"); // some ten terms of a product
    }
}

#[test]
fn a_chosen_output_is_read_without_the_matrix() {
    let mut net = noisy(901, &[8, 40, 30, 5], ActivationKind::Softplus, Variant::DpTranspose, 0.3);
    net.spec.noise = all_sources();
    net.chip = dyadsim_core::chip::Chip::fabricate(&net.spec, &net.network);
    let circuit = net.circuit();
    let point = OperatingPoint::new(&circuit, &net.batch.inputs, 0, &settled(&circuit));
    let system = point.system();
    let whole = system.covariance().unwrap();
    for layer in 0..3 {
        let readout = point.reads_difference(layer).rows(0, 1).into_owned();
        let dual = DVector::from_column_slice(readout.as_slice());
        let reduced = Reduced::new(&mut |v| point.adjoint(v), &system.forcings, &dual).unwrap();
        for time in [0.0, 5e-6] {
            let exact = whole.averaged(&system.drift, time).read(&readout);
            let found = reduced.variance(time).unwrap();
            for (one, other) in found.shares.iter().zip(&exact.shares) {
                assert_eq!(one.cause, other.cause);
                let (one, other) = (one.covariance[0], other.covariance[0]);
                // Relative to all noise: a cause that cancels in δ has nothing but rounding.
                let gap = (one - other).abs() / exact.total[0];
                assert!(gap < 1e-6, "{layer} {time}: {one} {other}, {:.1e}", reduced.error); // ten times what may be left
            }
        }
    }
}

/// Second moments of read-outs of every replica, in lower triangles.
struct Moments {
    centre: Vec<f64>,
    sums: Vec<Vec<f64>>,
    products: Vec<Vec<f64>>,
    times: f64,
}

impl Moments {
    fn new(centre: Vec<f64>) -> Self {
        let n = centre.len();
        let blank = |n| vec![vec![0.0; n]; REPLICAS];
        Self { sums: blank(n), products: blank(n * (n + 1) / 2), centre, times: 0.0 }
    }

    fn add(&mut self, values: &Matrix<f64>) {
        for r in 0..REPLICAS {
            let x: Vec<f64> = values.row(r).iter().zip(&self.centre).map(|(v, c)| v - c).collect();
            self.sums[r].iter_mut().zip(&x).for_each(|(sum, x)| *sum += x);
            let mut products = self.products[r].iter_mut();
            for i in 0..x.len() {
                (0..=i).for_each(|j| *products.next().unwrap() += x[i] * x[j]);
            }
        }
        self.times += 1.0;
    }

    /// Covariances of every replica about the mean of all.
    fn covariances(&self) -> Vec<Vec<f64>> {
        let n = self.centre.len();
        let all = self.times * REPLICAS as f64;
        let mean: Vec<f64> = (0..n).map(|i| self.sums.iter().map(|s| s[i]).sum::<f64>() / all).collect();
        let of = |(products, sums): (&Vec<f64>, &Vec<f64>)| {
            let pairs = (0..n).flat_map(|i| (0..=i).map(move |j| (i, j)));
            let centred = |(product, (i, j)): (&f64, (usize, usize))| {
                (product - mean[i] * sums[j] - mean[j] * sums[i]) / self.times + mean[i] * mean[j]
            };
            products.iter().zip(pairs).map(centred).collect()
        };
        self.products.iter().zip(&self.sums).map(of).collect()
    }
}

/// Output activities and all errors, `[replicas × read-outs]`.
fn read(circuit: &dyn Layered<f64>, state: &Matrix<f64>, scratch: &mut Scratch<f64>) -> Matrix<f64> {
    let depth = circuit.layout().depth();
    (0..depth).for_each(|layer| circuit.mean_and_difference(layer, state, scratch));
    let mut columns: Vec<_> = scratch.mean(depth - 1).column_iter().collect();
    (0..depth).for_each(|layer| columns.extend(scratch.difference(layer).column_iter()));
    Matrix::from_columns(&columns)
}

/// Covariances of every replica at a step (τ) over `time` (τ), read every half τ after 15 τ.
fn simulated(net: &Net, state: &[f64], step: f64, time: f64) -> Vec<Vec<f64>> {
    let batch = replicas(net, REPLICAS, 77);
    let circuit = nudged(&net.chip, &net.weights, &batch, &net.spec);
    let solver = SolverSpec { step, ..net.spec.solver.clone() };
    let start = Matrix::from_fn(REPLICAS, state.len(), |_, j| state[j]);
    let mut scratch = Scratch::new(circuit.layout(), REPLICAS);
    let mut moments = Moments::new(read(&circuit, &start, &mut scratch).row(0).iter().copied().collect());
    let (every, before) = ((0.5 / step).round() as usize, (15.0 / step).round() as usize);
    let mut steps = 0_usize;
    run(&solver, &circuit, start, (0.0, time * net.chip.slowest), &mut |_, state| {
        steps += 1;
        if steps > before && steps.is_multiple_of(every) {
            moments.add(&read(&circuit, state, &mut scratch));
        }
    });
    moments.covariances()
}

/// Predicted covariances of the same read-outs, in the same order.
fn lyapunov(net: &Net, state: &[f64]) -> Vec<f64> {
    let circuit = net.circuit();
    let point = OperatingPoint::new(&circuit, &net.batch.inputs, 0, state);
    let depth = circuit.layout().depth();
    let blocks: Vec<Matrix<f64>> = std::iter::once(point.reads_mean(depth - 1))
        .chain((0..depth).map(|k| point.reads_difference(k)))
        .collect();
    let rows: Vec<_> = blocks.iter().flat_map(|block| block.row_iter()).collect();
    let p = point.system().covariance().unwrap().read(&Matrix::from_rows(&rows)).total;
    (0..p.nrows()).flat_map(|i| (0..=i).map(|j| p[(i, j)]).collect::<Vec<_>>()).collect()
}

/// Largest deviation from the prediction (standard errors) and the step's bias: the root mean square of what
/// halving the step changes, relative to the variances.
fn check_net(activation: ActivationKind, variant: Variant, alpha: f64) {
    let net = noisy(910, &[64, 32, 10], activation, variant, alpha);
    let state = settled(&net.circuit());
    let exact = lyapunov(&net, &state);
    let [coarse, fine] = [0.1, 0.05].map(|step| simulated(&net, &state, step, 150.0));
    let allowed = limit(0.01, exact.len(), REPLICAS);
    let (mut worst, mut bias, mut size, mut error) = (0.0_f64, 0.0, 0.0, 0.0);
    for (k, exact) in exact.iter().enumerate() {
        // The paths are the same, so what halving changes is bias alone; of a method of second order, three
        // quarters of it.
        let corrected: Vec<f64> = fine.iter().zip(&coarse).map(|(f, c)| f[k] + (f[k] - c[k]) / 3.0).collect();
        let halved: Vec<f64> = fine.iter().zip(&coarse).map(|(f, c)| (f[k] - c[k]) / 3.0).collect();
        let (found, change) = (across(&corrected), across(&halved));
        let off = (found.value - exact) / found.error;
        worst = larger(worst, off.abs());
        assert!(off.abs() < allowed, "{activation:?} {variant:?} {alpha}, entry {k}: {found:?} {exact:e}");
        bias += change.value.powi(2);
        size += exact.powi(2);
        error += found.error.powi(2);
    }
    let (bias, error) = ((bias / size).sqrt(), (error / size).sqrt());
    println!(
        "{activation:?} {variant:?} α {alpha}: {} entries, largest deviation {worst:.2} of {allowed:.2} s.e., \
         bias of a step of τ/20 {:.3} %, standard error {:.2} %",
        exact.len(),
        100.0 * bias,
        100.0 * error
    );
    // The bias must be a correction: well below what the run can tell.
    assert!(bias < error, "{bias} {error}");
}

#[test]
fn whole_tanh_nets_have_the_covariance_of_the_lyapunov_equation() {
    for (variant, alpha) in [(Variant::Dp, 0.5), (Variant::DpTranspose, 0.0), (Variant::DpTranspose, 1.0)] {
        check_net(ActivationKind::Tanh, variant, alpha);
    }
}

#[test]
fn whole_softplus_nets_have_the_covariance_of_the_lyapunov_equation() {
    for (variant, alpha) in [(Variant::Dp, 0.5), (Variant::DpTranspose, 0.0), (Variant::DpTranspose, 1.0)] {
        check_net(ActivationKind::Softplus, variant, alpha);
    }
}

#[test]
fn every_source_alone_and_all_together_are_predicted() {
    // Two independent accounts of every source: patterns of a linear system, increments of a stochastic path.
    let all = all_sources();
    let one = |keep: &dyn Fn(&mut NoiseSpec)| {
        let mut alone = NoiseSpec::default();
        keep(&mut alone);
        alone
    };
    let specs = [
        ("shot", one(&|n| n.shot = all.shot)),
        ("flicker", one(&|n| (n.flicker, n.thermal) = (all.flicker, all.thermal))),
        ("telegraph", one(&|n| n.telegraph = all.telegraph)),
        ("synapse_telegraph", one(&|n| n.synapse_telegraph = all.synapse_telegraph)),
        ("read", one(&|n| n.read = all.read)),
        ("supply", one(&|n| n.supply = all.supply)),
        ("input", one(&|n| n.input = all.input)),
        ("all", all.clone()),
    ];
    for (name, noise) in specs {
        let mut net = noisy(920, &[4, 5, 3], ActivationKind::Tanh, Variant::Dp, 0.3);
        net.spec.noise = noise;
        net.spec.solver.step = 0.025;
        net.chip = dyadsim_core::chip::Chip::fabricate(&net.spec, &net.network);
        let state = settled(&net.circuit());
        let single = net.circuit();
        let point = OperatingPoint::new(&single, &net.batch.inputs, 0, &state);
        let variances = predicted(&point, &point.system().covariance().unwrap());
        let batch = replicas(&net, REPLICAS, 5);
        let circuit = nudged(&net.chip, &net.weights, &batch, &net.spec);
        let plan = Plan { before: 2000, readings: 1000, every: 20, traced: None };
        let measured = simulate(&net.spec.solver, &circuit, &state, &values(&point), &plan).unwrap();
        let layout = circuit.layout();
        let largest = variances.iter().copied().fold(0.0, larger);
        // A read-out that a source cancels in has rounding alone.
        let seen: Vec<_> =
            nodes(layout).into_iter().filter(|node| variances[node.place(layout)] > 1e-9 * largest).collect();
        let allowed = limit(0.01, 8 * seen.len(), REPLICAS);
        let mut worst = 0.0_f64;
        for node in &seen {
            let place = node.place(layout);
            let found = measured.replicas.variance(&[place]);
            let off = (found.value - variances[place]) / found.error;
            worst = larger(worst, off.abs());
            assert!(off.abs() < allowed, "{name} {}: {found:?} {:e}", node.name(), variances[place]);
        }
        println!("{name}: {} read-outs, largest deviation {worst:.2} of {allowed:.2} s.e.", seen.len());
    }
}

/// One draw of every compartment's reading and the gradient estimate that it gives, linearised.
fn drawn(
    point: &OperatingPoint<'_>,
    root: &Matrix<f64>,
    beta: f64,
    source: &mut impl rand::Rng,
) -> Gradient<f64> {
    let z = Matrix::from_fn(root.nrows(), 1, |_, _| StandardNormal.sample(source));
    let v = root * z;
    let depth = point.layout().depth();
    let column = |values: &[f64]| Matrix::from_column_slice(values.len(), 1, values);
    let (mut forward, mut biases) = (vec![], vec![]);
    for k in 0..depth {
        let error = column(point.difference(k)) + point.reads_difference(k) * &v;
        let mut below = column(&point.below(k));
        if k > 0 {
            below += point.reads_mean(k - 1) * &v;
        }
        forward.push(&error * below.transpose() * (-1.0 / beta));
        biases.push(error.iter().map(|e| -e / beta).collect());
    }
    Gradient::new(forward, biases)
}

fn flat(gradient: &Gradient<f64>, k: usize) -> DVector<f64> {
    let all: Vec<f64> = gradient.forward[k].iter().chain(&gradient.biases[k]).copied().collect();
    DVector::from_vec(all)
}

#[test]
fn the_gradients_noise_and_angle_are_those_of_gaussian_readings() {
    // Noise as large as the error itself, so that every term counts, the correlation of δ and s̄ included.
    let mut net = noisy(930, &[8, 24, 6], ActivationKind::Tanh, Variant::Dp, 0.2);
    net.spec.noise.thermal = Some(ThermalSpec { excess: 1e5 });
    net.spec.nudge.beta = 0.2;
    net.chip = dyadsim_core::chip::Chip::fabricate(&net.spec, &net.network);
    let circuit = net.circuit();
    let point = OperatingPoint::new(&circuit, &net.batch.inputs, 0, &settled(&circuit));
    let reading = Reading::of(&point, 0.0).unwrap();
    let estimate: Estimate = reading.estimate(0.2);
    let root = reading.covariance().total.clone().cholesky().unwrap().l();
    let truth = net.backprop();
    let mut source = stream(Key::new(931, Kind::Data));
    let draws = 4000;
    let mut powers = [Vec::with_capacity(draws), Vec::with_capacity(draws)];
    let mut sums: Vec<DVector<f64>> = (0..2).map(|k| flat(&estimate.mean, k) * 0.0).collect();
    let mut cosines = Vec::with_capacity(draws);
    for _ in 0..draws {
        let found = drawn(&point, &root, 0.2, &mut source);
        let (mut along, mut own, mut other) = (0.0, 0.0, 0.0);
        for k in 0..2 {
            let (one, exact) = (flat(&found, k), flat(&truth, k));
            powers[k].push((&one - flat(&estimate.mean, k)).norm_squared());
            sums[k] += &one;
            along += one.dot(&exact);
            own += one.norm_squared();
            other += exact.norm_squared();
        }
        cosines.push(along / (own * other).sqrt());
    }
    for k in 0..2 {
        let power = across(&powers[k]);
        let off = (power.value - estimate.noise[k]) / power.error;
        assert!(off.abs() < 4.0, "layer {k}: {power:?} {}", estimate.noise[k]); // 1 seed in 16,000, each
        // The mean over draws strays by N²/draws in all; the rectified part C is well above that in layer 1.
        let apart = (&sums[k] / draws as f64 - flat(&estimate.mean, k)).norm_squared();
        assert!(apart < 2.0 * estimate.noise[k] / draws as f64, "layer {k}: {apart:e}");
    }
    let angle = estimate.angle(&truth, None, 1);
    let cosine = across(&cosines).value;
    println!("mean cosine {cosine:.4}, predicted {:.4}", angle.total.to_radians().cos());
    // The noise fills some ten directions at least: corrections of a tenth of 1 − cos² at most.
    assert!((cosine - angle.total.to_radians().cos()).abs() < 0.03, "{cosine} {angle:?}");
    let split = angle.bias.to_radians().cos() * angle.noise.to_radians().cos();
    assert!((split - angle.total.to_radians().cos()).abs() < 1e-12);
    let more = estimate.angle(&truth, None, 100);
    assert!((more.noise.to_radians().tan() * 10.0 / angle.noise.to_radians().tan() - 1.0).abs() < 1e-12);
}
