//! Inference schedules of the papers, against sweeps written out in plain loops (docs/model.md §2.1).

use dyadsim_core::learn::{Gradient, rule};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::matrix::measure::Largest;
use dyadsim_core::noise::SampleIds;
use dyadsim_core::random::{Key, Kind, permutation, stream};
use dyadsim_core::solve::Outcome;
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal, relative_error};

const VARIANTS: [Variant; 2] = [Variant::Dp, Variant::DpTranspose];
const NETWORK: &[usize] = &[7, 9, 8, 6, 4];

/// A net whose inference is so many rounds of sweeps.
fn net(activation: ActivationKind, (variant, alpha, beta): (Variant, f64, f64), schedule: &str) -> Net {
    let mut spec = ideal(activation, variant, alpha, beta);
    spec.nudge.at = NudgePoint::Drive;
    spec.solver.kind = SolverKind::Layerwise;
    spec.solver.schedule = schedule.parse().unwrap();
    Net::random(400, NETWORK, 3, 1.0, spec)
}

/// What the circuit's rule makes of the states that its sweeps leave, settled or not.
fn estimate(net: &Net) -> Gradient<f64> {
    let settings = RuleSpec { keep_unsettled: true, ..RuleSpec::default() };
    let mut gradient = Gradient::zeros(&net.weights);
    let report = rule(settings, &net.spec, &net.network).estimate(&net.weights, &net.batch, &mut gradient);
    assert_eq!(report.used, net.batch.inputs.nrows());
    gradient
}

/// One sample of a net in plain loops, with tanh or linear hidden neurons, linear outputs, the squared error
/// and nudge `drive`.
pub struct Plain<'a> {
    pub net: &'a Net,
    pub sample: usize,
    /// `v⁺` and `v⁻` of every layer.
    pub state: Vec<[Vec<f64>; 2]>,
}

impl<'a> Plain<'a> {
    /// All potentials at 0 V.
    fn zero(net: &'a Net, sample: usize) -> Self {
        let state = net.network[1..].iter().map(|&n| [vec![0.0; n], vec![0.0; n]]).collect();
        Self { net, sample, state }
    }

    /// The feed-forward state.
    pub fn free(net: &'a Net, sample: usize) -> Self {
        let mut plain = Self::zero(net, sample);
        for k in 0..plain.state.len() {
            let v = plain.weighted_below(k);
            plain.state[k] = [v.clone(), v];
        }
        plain
    }

    fn gains(&self) -> [f64; 2] {
        let alpha = self.net.spec.nudge.alpha;
        if self.net.spec.nudge.variant == Variant::Dp { [alpha, 1.0 - alpha] } else { [1.0 - alpha, alpha] }
    }

    fn output(&self, k: usize, side: usize, i: usize) -> f64 {
        let v = self.state[k][side][i];
        let linear = self.net.spec.neuron.activation.kind == ActivationKind::Linear;
        if linear || k + 1 == self.state.len() { v } else { v.tanh() }
    }

    fn mean(&self, k: usize, i: usize) -> f64 {
        let alpha = self.net.spec.nudge.alpha;
        alpha * self.output(k, 0, i) + (1.0 - alpha) * self.output(k, 1, i)
    }

    fn difference(&self, k: usize, i: usize) -> f64 {
        self.output(k, 0, i) - self.output(k, 1, i)
    }

    /// What is below layer `k`: the input, or the means.
    fn below(&self, k: usize, j: usize) -> f64 {
        if k == 0 { self.net.batch.inputs[(self.sample, j)] } else { self.mean(k - 1, j) }
    }

    /// `W_k s̄_{k−1} + b_k`.
    fn weighted_below(&self, k: usize) -> Vec<f64> {
        let (w, b) = (&self.net.weights.forward[k], &self.net.weights.biases[k]);
        (0..b.len())
            .map(|i| b[i] + (0..w.ncols()).map(|j| w[(i, j)] * self.below(k, j)).sum::<f64>())
            .collect()
    }

    /// `W_{k+1}ᵀ δ_{k+1}`, or the nudge.
    fn fed_back(&self, k: usize) -> Vec<f64> {
        if k + 1 == self.state.len() {
            let outputs = self.weighted_below(k).into_iter().enumerate();
            return outputs
                .map(|(i, u)| -self.net.spec.nudge.beta * (u - self.net.batch.targets[(self.sample, i)]))
                .collect();
        }
        let w = &self.net.weights.forward[k + 1];
        (0..w.ncols()).map(|j| (0..w.nrows()).map(|i| w[(i, j)] * self.difference(k + 1, i)).sum()).collect()
    }

    /// Sets some layers to their drives, all taken from one state.
    pub fn update(&mut self, layers: &[usize]) {
        let [plus, minus] = self.gains();
        let drives: Vec<[Vec<f64>; 2]> = layers
            .iter()
            .map(|&k| {
                let (u, e) = (self.weighted_below(k), self.fed_back(k));
                let side = |gain: f64| u.iter().zip(&e).map(|(u, e)| u + gain * e).collect();
                [side(plus), side(-minus)]
            })
            .collect();
        for (&k, drive) in layers.iter().zip(drives) {
            self.state[k] = drive;
        }
    }

    /// Adds this sample's share of the estimate.
    pub fn add_to(&self, gradient: &mut Gradient<f64>) {
        let share = -1.0 / (self.net.spec.nudge.beta * self.net.batch.inputs.nrows() as f64);
        for k in 0..self.state.len() {
            for i in 0..self.net.network[k + 1] {
                gradient.biases[k][i] += share * self.difference(k, i);
                for j in 0..self.net.network[k] {
                    gradient.forward[k][(i, j)] += share * self.difference(k, i) * self.below(k, j);
                }
            }
        }
    }
}

/// The estimate after layers were updated group after group.
fn swept<'a>(net: &'a Net, start: fn(&'a Net, usize) -> Plain<'a>, groups: &[Vec<usize>]) -> Gradient<f64> {
    let mut gradient = Gradient::zeros(&net.weights);
    for sample in 0..net.batch.inputs.nrows() {
        let mut plain = start(net, sample);
        groups.iter().for_each(|layers| plain.update(layers));
        plain.add_to(&mut gradient);
    }
    gradient
}

/// The layers that a round updates, group after group.
fn round(order: SweepOrder, depth: usize, ids: &SampleIds, round: u32) -> Vec<Vec<usize>> {
    let up = || (0..depth).map(|k| vec![k]);
    match order {
        SweepOrder::Forward => up().collect(),
        SweepOrder::Backward => up().rev().collect(),
        SweepOrder::ForwardBackward => up().rev().chain(up().skip(1)).collect(),
        SweepOrder::OddEven => {
            vec![(0..depth).step_by(2).collect(), (1..depth).step_by(2).collect()]
        }
        SweepOrder::Parallel => vec![(0..depth).collect()],
        SweepOrder::Random => {
            let trial = u32::try_from(ids.ids[0]).unwrap();
            let name = Key { trial, ..Key::new(ids.seed, Kind::SweepOrder).step(round) };
            permutation(depth, &mut stream(name)).into_iter().map(|k| vec![k]).collect()
        }
    }
}

#[test]
fn every_schedule_does_what_plain_loops_do() {
    for name in ["fw", "bw", "fwbw", "oddeven", "parallel", "random"] {
        for rounds in 1..=4 {
            for (variant, alpha) in [(Variant::Dp, 0.2), (Variant::DpTranspose, 0.9)] {
                let mut net = net(ActivationKind::Tanh, (variant, alpha, 0.3), &format!("{name}{rounds}"));
                net.batch.sample_ids = SampleIds { seed: 5, ids: vec![70, 71, 72] };
                let order = net.spec.solver.schedule.order;
                let groups: Vec<Vec<usize>> =
                    (1..=rounds).flat_map(|n| round(order, 4, &net.batch.sample_ids, n)).collect();
                for start in [Start::Free, Start::Zero] {
                    net.spec.solver.start = start;
                    let from = if start == Start::Free { Plain::free } else { Plain::zero };
                    let error = relative_error(&estimate(&net), &swept(&net, from, &groups));
                    // Sums of ten products in another order, of differences of 0.3 and potentials of 1 V.
                    assert!(error < 1e-13, "{name}{rounds} {variant:?} {start:?}: {error:.1e}");
                }
            }
        }
    }
}

/// Backpropagation with divided differences: `δ_k = f(u_k + a⁺e_k) − f(u_k − a⁻e_k)` about the feed-forward
/// `u_k`, with `e_L = −β(u_L − y)`, `e_k = W_{k+1}ᵀ δ_{k+1}`, and below each synapse the mean of the same two.
fn divided_differences(net: &Net) -> Gradient<f64> {
    let mut gradient = Gradient::zeros(&net.weights);
    let (depth, samples) = (net.weights.forward.len(), net.batch.inputs.nrows());
    let (alpha, beta) = (net.spec.nudge.alpha, net.spec.nudge.beta);
    let linear = net.spec.neuron.activation.kind == ActivationKind::Linear;
    for sample in 0..samples {
        let free = Plain::free(net, sample);
        let [plus, minus] = free.gains();
        let f = |k: usize, v: f64| if linear || k + 1 == depth { v } else { v.tanh() };
        let mut error: Vec<f64> = free.fed_back(depth - 1);
        let (mut means, mut differences) = (vec![Vec::new(); depth], vec![Vec::new(); depth]);
        for k in (0..depth).rev() {
            for (u, e) in free.state[k][0].iter().zip(&error) {
                let (up, down) = (f(k, u + plus * e), f(k, u - minus * e));
                differences[k].push(up - down);
                means[k].push(alpha * up + (1.0 - alpha) * down);
            }
            let w = &net.weights.forward[k];
            error =
                (0..w.ncols()).map(|j| (0..w.nrows()).map(|i| w[(i, j)] * differences[k][i]).sum()).collect();
        }
        for k in 0..depth {
            for (i, d) in differences[k].iter().enumerate() {
                let share = -d / (beta * samples as f64);
                gradient.biases[k][i] += share;
                let inputs = || net.batch.inputs.row(sample).iter().copied().collect();
                let below: Vec<f64> = if k == 0 { inputs() } else { means[k - 1].clone() };
                for (j, below) in below.iter().enumerate() {
                    gradient.forward[k][(i, j)] += share * below;
                }
            }
        }
    }
    gradient
}

#[test]
fn one_sweep_down_is_backpropagation_with_divided_differences() {
    for variant in VARIANTS {
        for alpha in [0.0, 0.3, 0.5, 1.0] {
            for activation in [ActivationKind::Tanh, ActivationKind::Linear] {
                for at in [NudgePoint::Drive, NudgePoint::Free, NudgePoint::Mean] {
                    // All three are the free output before anything has moved.
                    let mut net = net(activation, (variant, alpha, 0.5), "bw1");
                    net.spec.nudge.at = at;
                    let error = relative_error(&estimate(&net), &divided_differences(&net));
                    assert!(error < 1e-13, "{variant:?} {alpha} {activation:?} {at:?}: {error:.1e}");
                }
            }
        }
    }
}

#[test]
fn one_sweep_of_a_linear_net_at_the_middle_is_backpropagation_at_any_nudge() {
    for schedule in ["bw1", "fwbw1"] {
        for beta in [1e-2, 1.0, 30.0] {
            let net = net(ActivationKind::Linear, (Variant::Dp, 0.5, beta), schedule);
            let error = relative_error(&estimate(&net), &net.backprop());
            // Means are what they were, to the rounding of differences of β times 1 V.
            assert!(error < 1e-12, "{schedule} β {beta}: {error:.1e}");
        }
    }
}

#[test]
fn one_sweep_is_off_by_the_square_of_the_nudge_at_the_middle() {
    for schedule in ["bw1", "fwbw1"] {
        let [coarse, fine] = [1e-2, 1e-3].map(|beta| {
            let net = net(ActivationKind::Tanh, (Variant::Dp, 0.5, beta), schedule);
            relative_error(&estimate(&net), &net.backprop())
        });
        // The next order is β² times some tens.
        assert!((coarse / fine / 100.0 - 1.0).abs() < 0.02, "{schedule}: {coarse:.2e} {fine:.2e}");
    }
}

/// Error of the gradient after unit Euler steps (all layers at once) of a net of `depth` layers.
fn after_steps(depth: usize, steps: usize, start: Start, beta: f64) -> f64 {
    let mut spec = ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.5, beta);
    (spec.nudge.at, spec.solver.kind, spec.solver.start) = (NudgePoint::Drive, SolverKind::Layerwise, start);
    spec.solver.schedule = Schedule { order: SweepOrder::Parallel, rounds: Some(steps) };
    let network: Vec<usize> = [5, 8, 7, 6, 3][4 - depth..].to_vec();
    let net = Net::random(401, &network, 4, 1.5, spec);
    relative_error(&estimate(&net), &net.backprop())
}

#[test]
fn unit_steps_from_zero_reach_backpropagation_after_2l_minus_1_of_them_and_not_before() {
    for depth in [2, 3, 4] {
        let enough = 2 * depth - 1;
        // A step up carries the input through a layer, a step down an error: L up, the outputs' error among
        // them, and L − 1 down to the first layer.
        let [coarse, fine] = [1e-2, 1e-3].map(|beta| after_steps(depth, enough, Start::Zero, beta));
        assert!((coarse / fine / 100.0 - 1.0).abs() < 0.02, "L = {depth}: {coarse:.2e} {fine:.2e}");
        // One step less leaves an error that no nudge makes small.
        let [coarse, fine] = [1e-2, 1e-3].map(|beta| after_steps(depth, enough - 1, Start::Zero, beta));
        assert!(fine > 0.05 && (coarse / fine - 1.0).abs() < 0.1, "L = {depth}: {coarse:.2e} {fine:.2e}");
    }
}

#[test]
fn unit_steps_from_the_free_state_reach_backpropagation_after_l_of_them_and_not_before() {
    for depth in [2, 3, 4] {
        let [coarse, fine] = [1e-2, 1e-3].map(|beta| after_steps(depth, depth, Start::Free, beta));
        assert!((coarse / fine / 100.0 - 1.0).abs() < 0.02, "L = {depth}: {coarse:.2e} {fine:.2e}");
        let [coarse, fine] = [1e-2, 1e-3].map(|beta| after_steps(depth, depth - 1, Start::Free, beta));
        assert!(fine > 0.05 && (coarse / fine - 1.0).abs() < 0.1, "L = {depth}: {coarse:.2e} {fine:.2e}");
    }
}

#[test]
fn layers_in_random_order_come_to_the_same_rest() {
    let random = net(ActivationKind::Tanh, (Variant::DpTranspose, 0.3, 0.4), "random");
    let settled = random.settle();
    assert!(settled.outcomes.iter().all(|outcome| *outcome == Outcome::Settled));
    let error = (settled.state - random.fixed_points().state).largest();
    assert!(error < 1e-8, "{error:.1e} V"); // a residual of 1e-10 V and less
}

/// A batch of several shards whose first sample has a number.
fn many(first: u64, rounds: usize) -> Net {
    let mut net = net(ActivationKind::Tanh, (Variant::DpTranspose, 0.5, 0.3), &format!("random{rounds}"));
    net.batch.inputs = Matrix::from_fn(600, NETWORK[0], |i, j| ((i * 7 + j) as f64).sin());
    net.batch.targets = Matrix::zeros(600, NETWORK[4]);
    net.batch.sample_ids = SampleIds { seed: 9, ids: (first..first + 600).collect() };
    net
}

#[test]
fn random_orders_are_of_their_batch_and_of_no_thread() {
    let within = |threads: usize, first: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| many(first, 1).settle().state)
    };
    let one = within(1, 0);
    assert_eq!(one, within(3, 0));
    assert_eq!(one, within(1, 0));
    // A round leaves what its order says: four layers have 24 orders, and three shards of another batch have
    // others than these (fixed names, so this holds or not once and for all).
    assert_ne!(one, within(1, 600));
}
