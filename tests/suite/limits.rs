//! Largest safe nudges against closed forms, and of trained nets against brute force.

use dyadsim_core::analysis::beta_threshold;
use dyadsim_core::analysis::limits::{ChipLimits, Failure, Search, find_limits};
use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::Layered;
use dyadsim_core::data::{Dataset, Request, load};
use dyadsim_core::learn::{Batch, FeedbackRule, Optimizer, nudged, rule};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::matrix::measure::larger;
use dyadsim_core::random::{Key, Kind, Stream, stream};
use dyadsim_core::solve::{Outcome, Settled, solver};
use dyadsim_core::spec::*;
use dyadsim_core::train::{Course, Learner, gather};
use rand_distr::{Distribution, StandardUniform};
use rayon::prelude::*;

use crate::nets::{Net, ideal};

fn of(net: &Net) -> ChipLimits {
    find_limits(&net.spec, &net.weights, &net.batch, &Search::default())
}

#[test]
fn linear_nets_have_the_limit_of_the_closed_form() {
    for (seed, network) in (600..).zip([&[3, 4, 2][..], &[5, 6, 4, 3], &[6, 8, 7, 5, 4]]) {
        for alpha in [0.0, 0.25, 0.45] {
            let spec = ideal(ActivationKind::Linear, Variant::Dp, alpha, 0.5);
            let net = Net::random(seed, network, 3, 1.0, spec);
            let threshold = beta_threshold(&net.spec, &net.weights).unwrap();
            let found = of(&net);
            for sample in &found.samples {
                // The simple eigenvalue is linear near 0: the secant leaves its rounding, ε ‖J‖ over its
                // sensitivity.
                assert!(
                    (sample.limit.unwrap() / threshold - 1.0).abs() < 1e-6,
                    "{network:?} {alpha} {sample:?}"
                );
                assert!(sample.confirmed, "{sample:?}");
                assert!(sample.failure == Some(Failure::Unsettled(Outcome::LatchUp)), "{sample:?}");
            }
        }
    }
}

#[test]
fn linear_transposed_nets_have_no_limit() {
    for alpha in [0.0, 0.3, 1.0] {
        let spec = ideal(ActivationKind::Linear, Variant::DpTranspose, alpha, 0.5);
        let found = of(&Net::random(610, &[4, 6, 5, 3], 3, 2.0, spec));
        assert_eq!(found.limit(), None, "{alpha}");
        assert!(found.samples.iter().all(|sample| sample.confirmed));
    }
}

#[test]
fn a_ringing_chain_is_limited_by_the_hopf_point_of_its_closed_form() {
    let mut spec = ideal(ActivationKind::Linear, Variant::Dp, 1.0, 1.0);
    spec.solver = SolverSpec::default();
    let mut net = Net::random(611, &[1, 1, 1], 2, 1.0, spec);
    let w2 = 6.0;
    net.weights.forward[1][0] = w2;
    // 2 K² + (8 − w₂²) K + 8 = 0, K = β here (tests/suite/continuation.rs).
    let half = w2 * w2 - 8.0;
    let beta = (half - (half * half - 64.0_f64).sqrt()) / 4.0;
    let found = of(&net);
    let worst = found.worst().unwrap();
    let foreseen = worst.foreseen.as_ref().unwrap();
    assert!((worst.limit.unwrap() / beta - 1.0).abs() < 1e-6 && worst.confirmed, "{worst:?}");
    let period = std::f64::consts::TAU / (3.0 + 2.0 * beta).sqrt() * 1e-6;
    assert!((foreseen.period.unwrap() / period - 1.0).abs() < 1e-6, "{foreseen:?}");
    assert_eq!((foreseen.event, worst.failure), ("hopf", Some(Failure::Unsettled(Outcome::Oscillation))));
}

#[test]
fn the_anti_nudge_of_the_lone_output_limits_nudge_own() {
    // docs/model.md §3.5: v⁻ runs away when a⁻β reaches 1; DPᵀ at α = 0.4 has a⁻ = 0.4.
    let mut spec = ideal(ActivationKind::Linear, Variant::DpTranspose, 0.4, 0.5);
    spec.nudge.at = NudgePoint::Own;
    let found = of(&Net::random(612, &[3, 2], 2, 1.0, spec));
    assert!((found.limit().unwrap() / 2.5 - 1.0).abs() < 1e-6, "{found:?}");
}

#[test]
fn transposed_circuits_lose_their_stability_once_dyads_straddle_their_kinks() {
    // docs/model.md §3.6: relu, weights of gain 2. In the middle the loop closes; at both ends there is none,
    // whatever the dyads do.
    for (alpha, limited) in [(0.0, false), (0.5, true), (1.0, false)] {
        let spec = ideal(ActivationKind::Relu, Variant::DpTranspose, alpha, 0.5);
        let mut net = Net::random(620, &[64, 48, 32, 10], 3, 2.0, spec);
        net.spec.solver = SolverSpec::default();
        let found =
            find_limits(&net.spec, &net.weights, &net.batch, &Search { highest: 1.0, ..Search::default() });
        assert_eq!(found.limit().is_some_and(|limit| limit < 0.5), limited, "α {alpha}: {found:?}");
    }
}

/// A trained net with a chip and nudge of its own, all drawn from `seed`.
struct Trained {
    spec: CircuitSpec,
    weights: Weights<f64>,
    batch: Batch<f64>,
    about: String,
}

const HIGHEST: f64 = 10.0;

fn uniform(source: &mut Stream, low: f64, high: f64) -> f64 {
    let share: f64 = StandardUniform.sample(source);
    low + (high - low) * share
}

impl Trained {
    fn new(seed: u64, dataset: &Dataset) -> Self {
        let mut source = stream(Key::new(seed, Kind::Data).trial(77));
        let source = &mut source;
        let kinds = [
            ActivationKind::Relu,
            ActivationKind::Tanh,
            ActivationKind::HardSigmoid,
            ActivationKind::Softplus,
        ];
        let kind = kinds[seed as usize % 4];
        let network: &[usize] = if (seed / 4).is_multiple_of(2) { &[64, 32, 10] } else { &[64, 24, 16, 10] };
        let mut spec = CircuitSpec::default();
        spec.neuron.activation = kind.into();
        if kind == ActivationKind::HardSigmoid {
            spec.neuron.activation.offset = -0.5;
        }
        spec.nudge.alpha = uniform(source, 0.0, 1.0);
        spec.nudge.variant = match seed / 8 % 3 {
            0 => Variant::Dp,
            1 => Variant::DpTranspose,
            _ => Variant::Custom { plus: uniform(source, 0.0, 1.0), minus: uniform(source, 0.0, 1.0) },
        };
        spec.nudge.at =
            [NudgePoint::Mean, NudgePoint::Mean, NudgePoint::Free, NudgePoint::Own][seed as usize / 3 % 4];
        spec.mismatch.seed = Some(seed);
        spec.mismatch.offset_dtod = if seed.is_multiple_of(5) { 0.01 } else { 0.0 };
        let mut weights = train(&spec, network, dataset, seed, 1 + seed as usize % 3);
        // Transposed circuits fail only at gains that a few epochs do not reach.
        let gain = if spec.nudge.variant == Variant::DpTranspose { uniform(source, 1.0, 2.5) } else { 1.0 };
        weights = weights.scaled(gain);
        let batch =
            gather(dataset, &(0..8).map(|i| (37 * seed as usize + 101 * i) % 1000).collect::<Vec<_>>());
        let about = format!(
            "{seed:3} {kind:?} {network:?} {:?} α {:.2} {:?} offset {} gain {gain:.2}",
            spec.nudge.variant, spec.nudge.alpha, spec.nudge.at, spec.mismatch.offset_dtod
        );
        Self { spec, weights, batch, about }
    }

    /// The batch integrated at a nudge from `start`, or from the free state.
    fn settle(&self, beta: f64, start: Option<&Matrix<f64>>) -> Settled<f64> {
        let mut spec = self.spec.clone();
        spec.nudge.beta = beta;
        spec.solver.max_time = 3000.0;
        let chip = Chip::fabricate(&spec, &self.weights.network());
        let circuit = nudged(&chip, &self.weights, &self.batch, &spec);
        solver(&spec.solver).settle(&circuit as &dyn Layered<f64>, start.cloned(), false)
    }

    /// Largest relative difference of the gradient estimates `δ/β` of two states, over layers, for every
    /// sample.
    fn apart(&self, one: (f64, &Matrix<f64>), other: (f64, &Matrix<f64>)) -> Vec<f64> {
        let chip = Chip::fabricate(&self.spec, &self.weights.network());
        let circuit = nudged(&chip, &self.weights, &self.batch, &self.spec);
        let (a, b) = (circuit.differences(one.1), circuit.differences(other.1));
        let layer = |k: usize, i: usize| {
            let (a, b) = (a[k].row(i) / one.0, b[k].row(i) / other.0);
            // Settled states carry the tolerance of their solver, over the margin: some 1e-5 V.
            (&a - &b).norm() / a.norm().max(b.norm()).max(3e-4 / one.0)
        };
        (0..one.1.nrows()).map(|i| (0..a.len()).map(|k| layer(k, i)).fold(0.0, larger)).collect()
    }

    /// Where a circuit would be whose nudge rose slowly from `before`, if the free start settles there
    /// everywhere.
    fn is_safe(&self, beta: f64, before: &Matrix<f64>) -> Option<Matrix<f64>> {
        let free = self.settle(beta, None);
        if !free.outcomes.iter().all(|outcome| outcome.is_settled()) {
            return None;
        }
        let slow = self.settle(beta, Some(before));
        let same = self.apart((beta, &free.state), (beta, &slow.state)).iter().all(|&apart| apart <= 0.1);
        (same && slow.outcomes.iter().all(|outcome| outcome.is_settled())).then_some(slow.state)
    }

    /// The nudge at which some sample's gradient jumps by more than a tenth between two nudges, if one does:
    /// its change does not shrink with the stride.
    fn jump(&self, low: (f64, &Matrix<f64>), high: (f64, &Matrix<f64>)) -> Option<f64> {
        let suspects = self.apart(low, high).into_iter().enumerate().filter(|(_, apart)| *apart > 0.1);
        suspects.filter_map(|(i, _)| self.jump_of(i, low, high)).min_by(f64::total_cmp)
    }

    fn jump_of(&self, i: usize, low: (f64, &Matrix<f64>), high: (f64, &Matrix<f64>)) -> Option<f64> {
        let ((mut low, from), (mut high, to)) = (low, high);
        let (mut from, mut to) = (from.clone(), to.clone());
        for _ in 0..10 {
            let middle = 0.5 * (low + high);
            let between = self.settle(middle, Some(&from)).state;
            let below = self.apart((low, &from), (middle, &between))[i];
            if below > self.apart((middle, &between), (high, &to))[i] {
                (high, to) = (middle, between);
            } else {
                (low, from) = (middle, between);
            }
        }
        (self.apart((low, &from), (high, &to))[i] > 0.1).then_some(high)
    }

    /// The first nudge that fails, by brute force: every 2 % from below, then bisection; independent of any
    /// branch, Newton's method or eigenvalue.
    fn truth(&self) -> Option<f64> {
        let (mut low, mut beta) = (1e-4 * HIGHEST, 1e-3 * HIGHEST);
        let mut last = self.settle(low, None).state;
        while let Some(state) = self.is_safe(beta, &last) {
            if let Some(at) = self.jump((low, &last), (beta, &state)) {
                return Some(at);
            }
            if beta >= HIGHEST {
                return None;
            }
            (low, last) = (beta, state);
            beta = (1.02 * beta).min(HIGHEST);
        }
        let mut high = beta;
        while high > 1.002 * low {
            let middle = (low * high).sqrt();
            let Some(state) = self.is_safe(middle, &last) else {
                high = middle;
                continue;
            };
            if let Some(at) = self.jump((low, &last), (middle, &state)) {
                return Some(at);
            }
            (low, last) = (middle, state);
        }
        Some(high)
    }
}

/// Weights after some epochs of backpropagation.
fn train(spec: &CircuitSpec, network: &[usize], dataset: &Dataset, seed: u64, epochs: usize) -> Weights<f64> {
    let weights = Weights::<f64>::draw(&InitSpec::He, spec, network, seed);
    let optimizer = Optimizer::new(&OptimizerSpec::adam(5e-3), epochs, &weights);
    let mut learner = Learner { weights, optimizer };
    let rule = rule::<f64>(RuleKind::Bp, spec, network);
    let feedback = FeedbackRule::default();
    let course = Course { dataset, rule: rule.as_ref(), feedback, batch: 50, seed };
    (0..epochs).for_each(|epoch| {
        course.epoch(&mut learner, epoch, &mut |_, _, _| {});
    });
    learner.weights
}

/// Limits of some nets against brute force: (unsafe nudges called safe, limits within 5 %, nets).
fn study(seeds: std::ops::Range<u64>) -> (usize, usize, usize) {
    let dataset = load(&Request::named("digits")).unwrap();
    let results: Vec<(bool, bool, String)> = seeds
        .into_par_iter()
        .map(|seed| {
            let net = Trained::new(seed, &dataset);
            let clock = std::time::Instant::now();
            let found = find_limits(&net.spec, &net.weights, &net.batch, &Search { highest: HIGHEST, ..Search::default() });
            let (took, clock) = (clock.elapsed(), std::time::Instant::now());
            let limit = found.limit();
            let at = 0.98 * limit.unwrap_or(HIGHEST);
            let wrong = !net.settle(at, None).outcomes.iter().all(|outcome| outcome.is_settled());
            let truth = net.truth();
            let near = match (limit, truth) {
                (Some(limit), Some(truth)) => (limit / truth - 1.0).abs() <= 0.05,
                (limit, truth) => limit.unwrap_or(HIGHEST) > 0.95 * HIGHEST && truth.unwrap_or(HIGHEST) > 0.95 * HIGHEST,
            };
            let worst = found.worst();
            let about = format!(
                "{} limit {limit:?} truth {truth:?} {}{}{} {:?} confirmed {:?} in {:.1} s, brute force {:.1} s",
                net.about,
                if wrong { "UNSAFE " } else { "" },
                if near { "" } else { "FAR " },
                worst.and_then(|w| w.foreseen.as_ref()).map_or("nothing foreseen", |f| f.event),
                worst.and_then(|w| w.failure).map(Failure::name),
                worst.map(|w| w.confirmed),
                took.as_secs_f64(),
                clock.elapsed().as_secs_f64()
            );
            println!("{about}");
            (wrong, near, about)
        })
        .collect();
    let wrong = results.iter().filter(|result| result.0).count();
    let near = results.iter().filter(|result| result.1).count();
    println!("{} nets: {wrong} unsafe nudges called safe, {near} limits within 5 %", results.len());
    (wrong, near, results.len())
}

/// `DYADSIM_LIMITS=100` asks for that many nets, others than those with which brute force and limits were
/// written (docs/stability.md).
#[test]
fn limits_of_trained_nets_are_those_of_brute_force() {
    let asked = std::env::var("DYADSIM_LIMITS").ok().map(|count| count.parse::<u64>().unwrap());
    let (wrong, near, nets) = asked.map_or_else(|| study(0..10), |count| study(400..400 + count));
    assert_eq!(wrong, 0);
    assert!(near + (nets / 20).max(1) >= nets, "{near} of {nets}");
}
