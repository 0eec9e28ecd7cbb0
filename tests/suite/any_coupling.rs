//! Rules for couplings of any symmetry, against implicit differentiation of one dense matrix.

use dyadsim_core::chip::Chip;
use dyadsim_core::circuit::{Dynamics, Loss, Nudge, RecurrentDyads};
use dyadsim_core::learn::{FeedbackRule, Gradient, rule};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::solve::settle_any_from;
use dyadsim_core::spec::*;
use nalgebra::{DMatrix, DVector};

use crate::hopfield::{Hopfield, entries};
use crate::nets::relative_error;
use crate::traces::slope;

/// A net with feedback synapses of their own, `turn` of the way from `W` to others.
pub fn asymmetric(seed: u64, network: &[usize], turn: f64) -> Hopfield {
    let mut net = Hopfield::random(seed, network, 4, 0.35);
    net.spec.feedback.synapses = FeedbackSynapses::Separate;
    let other = Hopfield::random(seed + 1000, network, 1, 0.35).weights.forward;
    let both = net.weights.forward.iter().zip(&other);
    net.weights.feedback = Some(both.map(|(w, other)| w * turn.cos() + other * turn.sin()).collect());
    net
}

/// `J`: `W_k` below the diagonal, `F_kᵀ` above it.
pub fn coupling(net: &Hopfield) -> DMatrix<f64> {
    let mut all = net.coupling();
    for layer in 1..net.network.len() - 1 {
        let (row, column) = (net.start(layer), net.start(layer - 1));
        for ((i, j), f) in entries(net.weights.feedback(layer)) {
            all[(column + j, row + i)] = f;
        }
    }
    all
}

/// The free equilibrium of a sample, by Newton's method.
fn rest(net: &Hopfield, sample: usize) -> DVector<f64> {
    let (coupling, heard) = (coupling(net), net.heard(sample));
    let mut v = DVector::zeros(net.neurons());
    for _ in 0..60 {
        let (s, slopes) = net.outputs(&v);
        let matrix = DMatrix::identity(v.len(), v.len()) - &coupling * DMatrix::from_diagonal(&slopes);
        v += matrix.lu().solve(&(&coupling * &s + &heard - &v)).unwrap();
    }
    v
}

/// Gradient of the mean squared error by `W`, `b` and `F`: with `λ = D (1 − Jᵀ D)⁻¹ g` every synapse from `j` to
/// `i` has `λ_i s_j`.
pub fn exact(net: &Hopfield) -> Gradient<f64> {
    let (coupling, neurons, samples) = (coupling(net), net.neurons(), net.batch.inputs.nrows());
    let mut gradient = prepared(net);
    for sample in 0..samples {
        let (s, slopes) = net.outputs(&rest(net, sample));
        let top = net.start(net.network.len() - 2);
        let mut force = DVector::zeros(neurons);
        for i in top..neurons {
            force[i] = (s[i] - net.batch.targets[(sample, i - top)]) / samples as f64;
        }
        let matrix =
            DMatrix::identity(neurons, neurons) - coupling.transpose() * DMatrix::from_diagonal(&slopes);
        let duals = slopes.component_mul(&matrix.lu().solve(&force).unwrap());
        for (layer, lateral) in gradient.lateral.iter_mut().flatten().enumerate() {
            let start = net.start(layer);
            let n = lateral.nrows();
            for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
                lateral[(i, j)] += if i == j { 0.0 } else { duals[start + i] * s[start + j] };
            }
        }
        for layer in 0..gradient.forward.len() {
            let start = net.start(layer);
            for i in 0..net.network[layer + 1] {
                gradient.biases[layer][i] += duals[start + i];
                for j in 0..net.network[layer] {
                    if layer == 0 {
                        gradient.forward[0][(i, j)] += duals[start + i] * net.batch.inputs[(sample, j)];
                        continue;
                    }
                    let below = net.start(layer - 1) + j;
                    gradient.forward[layer][(i, j)] += duals[start + i] * s[below];
                    gradient.feedback.as_mut().unwrap()[layer][(i, j)] += duals[below] * s[start + i];
                }
            }
        }
    }
    gradient
}

/// Zeros, with a place for feedback synapses.
fn prepared(net: &Hopfield) -> Gradient<f64> {
    let mut gradient = Gradient::zeros(&net.weights);
    FeedbackRule::of(&net.spec).prepare(&net.weights, &mut gradient);
    gradient
}

pub fn estimate(net: &Hopfield, kind: RuleKind, (alpha, beta): (f64, f64)) -> Gradient<f64> {
    let mut spec = net.spec.clone();
    spec.kind = None;
    (spec.nudge.alpha, spec.nudge.beta, spec.nudge.at) = (alpha, beta, NudgePoint::Mean);
    let mut gradient = prepared(net);
    let report = rule(kind, &spec, &net.network).estimate(&net.weights, &net.batch, &mut gradient);
    assert_eq!(report.used, net.batch.inputs.nrows(), "{kind:?}: not all settle");
    gradient
}

/// Of all synapses, forward and back.
pub fn apart(one: &Gradient<f64>, other: &Gradient<f64>) -> f64 {
    let whole = |gradient: &Gradient<f64>| {
        let feedback = gradient.feedback.iter().flatten().filter(|f| !f.is_empty());
        let forward: Vec<_> = gradient.forward.iter().chain(feedback).cloned().collect();
        Gradient { lateral: gradient.lateral.clone(), ..Gradient::new(forward, gradient.biases.clone()) }
    };
    relative_error(&whole(one), &whole(other))
}

fn nets() -> impl Iterator<Item = Hopfield> {
    let shapes: [&[usize]; 3] = [&[5, 8, 3], &[4, 7, 6, 3], &[4, 6, 5, 5, 2]];
    (0..20).map(move |seed| asymmetric(500 + seed, shapes[seed as usize % 3], 0.3 * (1 + seed % 5) as f64))
}

#[test]
fn three_rules_give_the_exact_gradient_on_twenty_asymmetric_nets_and_the_vector_field_does_not() {
    for (net, seed) in nets().zip(0..) {
        let exact = exact(&net);
        for (kind, alpha, beta, bound) in [
            (RuleKind::RecurrentBp, 0.5, 0.1, 1e-8),
            (RuleKind::EpAsymmetric, 0.5, 3e-7, 1e-6),
            (RuleKind::DyadicEp, 0.0, 3e-7, 1e-6),
            (RuleKind::DyadicEp, 0.5, 1e-4, 1e-6),
        ] {
            let error = apart(&estimate(&net, kind, (alpha, beta)), &exact);
            assert!(error < bound, "net {seed}, {kind:?} at α {alpha}: {error:.1e}");
        }
        let biased = apart(&estimate(&net, RuleKind::EpVectorField, (0.5, 1e-6)), &exact);
        assert!(biased > 1e-2, "net {seed}: {biased:.1e}");
    }
    // On a symmetric coupling it has no bias.
    let even = asymmetric(530, &[4, 7, 6, 3], 0.0);
    assert!(apart(&estimate(&even, RuleKind::EpVectorField, (0.5, 3e-7)), &exact(&even)) < 1e-6);
}

/// Angle of all feedback synapses to the forward ones (degrees), and the error of the vector field's gradient.
fn asymmetry(net: &Hopfield) -> (f64, f64) {
    let layers = 1..net.weights.forward.len();
    let stack = |of: &dyn Fn(usize) -> Matrix<f64>| -> Vec<f64> {
        layers.clone().flat_map(|k| of(k).as_slice().to_vec()).collect()
    };
    let forward = DVector::from_vec(stack(&|k| net.weights.forward[k].clone()));
    let back = DVector::from_vec(stack(&|k| net.weights.feedback(k).clone()));
    let biased = apart(&estimate(net, RuleKind::EpVectorField, (0.5, 1e-6)), &exact(net));
    (forward.angle(&back).to_degrees(), biased)
}

#[test]
fn homeostasis_turns_feedback_synapses_to_the_forward_ones_and_the_vector_field_gets_right() {
    let trained = |homeostasis: f64| {
        let mut net = asymmetric(540, &[4, 7, 6, 3], 0.9);
        let mut spec = net.spec.clone();
        (spec.kind, spec.nudge.beta) = (None, 0.05);
        let ep = EquilibriumSpec { homeostasis, ..EquilibriumSpec::default() };
        let settings = RuleSpec { ep, ..RuleKind::EpVectorField.into() };
        let rule = rule(settings, &spec, &net.network);
        for step in 0..600 {
            net.batch.sample_ids.seed = step;
            let mut gradient = prepared(&net);
            rule.estimate(&net.weights, &net.batch, &mut gradient);
            let own = net.weights.forward.iter_mut().zip(&gradient.forward);
            own.for_each(|(w, slope)| *w -= slope * 0.01);
            let back = net.weights.feedback.iter_mut().flatten().zip(gradient.feedback.iter().flatten());
            back.skip(1).for_each(|(f, slope)| *f -= slope * 0.01);
        }
        // On samples that it has not learned: of others there is no gradient left to be right about.
        net.batch = Hopfield::random(541, &[4, 7, 6, 3], 4, 0.35).batch;
        asymmetry(&net)
    };
    let start = asymmetry(&asymmetric(540, &[4, 7, 6, 3], 0.9));
    // A weight of the number of neurons: W − F shrinks by 4 % a step, and probes shake it by 1 %.
    let (without, with) = (trained(0.0), trained(16.0));
    println!("{start:?}, without {without:?}, with {with:?}");
    assert!(start.0 > 40.0 && without.0 > 0.5 * start.0, "{start:?} {without:?}");
    assert!(with.0 < 10.0 && with.1 < 0.3 * without.1, "{without:?} {with:?}");
}

#[test]
fn the_bias_of_dyads_that_speak_both_ways_is_of_order_one_and_two_at_the_middle() {
    let net = asymmetric(531, &[5, 9, 7, 3], 0.9);
    let exact = exact(&net);
    for (alpha, order) in [(0.0, 1.0), (0.25, 1.0), (0.5, 2.0)] {
        let error = |beta: f64| apart(&estimate(&net, RuleKind::DyadicEp, (alpha, beta)), &exact);
        let logs: Vec<(f64, f64)> =
            [1e-3, 3e-3, 1e-2].map(|beta: f64| (beta.ln(), error(beta).ln())).to_vec();
        let fitted = slope(&logs);
        println!("α {alpha}: slope {fitted:.4}");
        assert!((fitted - order).abs() < 0.05, "α {alpha}: {fitted}");
    }
}

#[test]
fn linear_dyads_with_transposed_gains_have_no_bias_at_any_nudge_and_means_without_feedback() {
    let mut net = asymmetric(532, &[4, 7, 5, 3], 1.2);
    net.spec.neuron.activation = ActivationKind::Linear.into();
    let small = estimate(&net, RuleKind::DyadicEp, (0.3, 1e-3));
    assert!(apart(&estimate(&net, RuleKind::DyadicEp, (0.3, 0.7)), &small) < 1e-9);
    // The gains of dual propagation let differences into the means.
    net.spec.nudge.variant = Variant::Dp;
    assert!(apart(&estimate(&net, RuleKind::DyadicEp, (0.3, 0.2)), &small) > 1e-3);
}

/// How far nudged means are from the free outputs, the farthest of all (V).
fn moved(net: &Hopfield, variant: Variant, alpha: f64, beta: f64) -> f64 {
    let mut spec = net.spec.clone();
    spec.kind = Some(CircuitKind::RecurrentDyad);
    (spec.nudge.variant, spec.nudge.alpha) = (variant, alpha);
    let chip = Chip::fabricate(&spec, &net.network);
    let loss = Loss { kind: LossKind::Mse, reference: 1.0 };
    let nudge = Nudge { target: net.batch.targets.clone(), beta, at: NudgePoint::Mean, loss };
    let circuit = RecurrentDyads::free(&chip, &net.weights, &net.batch.inputs).nudged(nudge);
    let settled = settle_any_from(&spec.solver, &circuit, None, (false, &|_| {})).unwrap();
    assert!(settled.outcomes.iter().all(|outcome| outcome.is_settled()), "{variant:?} {alpha} {beta}");
    let (means, _) = circuit.mixed(&settled.state);
    let mut most = 0.0_f64;
    for sample in 0..net.batch.inputs.nrows() {
        let free = net.outputs(&rest(net, sample)).0;
        for (layer, means) in means.iter().enumerate() {
            for (i, mean) in means.row(sample).iter().enumerate() {
                most = most.max((mean - free[net.start(layer) + i]).abs());
            }
        }
    }
    most
}

#[test]
fn means_are_free_of_differences_at_the_ends_of_the_mixing_and_to_first_order_between() {
    let net = asymmetric(535, &[5, 9, 7, 3], 1.1);
    for alpha in [0.0, 1.0] {
        // One compartment hears no differences, and it is the mean: at any nudge, whatever the coupling.
        let apart = moved(&net, Variant::DpTranspose, alpha, 0.8);
        assert!(apart < 1e-12, "α {alpha}: {apart:.1e} V");
    }
    for (variant, alpha, order) in [(Variant::DpTranspose, 0.5, 2.0), (Variant::Dp, 0.25, 1.0)] {
        let logs: Vec<(f64, f64)> =
            [0.01, 0.03, 0.1].map(|beta: f64| (beta.ln(), moved(&net, variant, alpha, beta).ln())).to_vec();
        let fitted = slope(&logs);
        println!("{variant:?}, α {alpha}: slope {fitted:.3}, {:.1e} V at β = 0.1", logs[2].1.exp());
        assert!((fitted - order).abs() < 0.1, "{variant:?} {alpha}: {fitted}");
    }
}

#[test]
fn without_a_way_back_of_means_they_are_the_dyads_of_dual_propagation() {
    let mut net = asymmetric(533, &[4, 7, 5, 3], 0.0);
    for feedback in net.weights.feedback.iter_mut().flatten() {
        feedback.fill(0.0);
    }
    for (alpha, variant) in [(0.0, Variant::Dp), (0.3, Variant::DpTranspose)] {
        net.spec.nudge.variant = variant;
        let both_ways = estimate(&net, RuleKind::DyadicEp, (alpha, 0.3));
        let mut forward = net.spec.clone();
        forward.feedback = FeedbackSpec::default();
        forward.kind = None;
        (forward.nudge.alpha, forward.nudge.beta, forward.nudge.at) = (alpha, 0.3, NudgePoint::Mean);
        let weights = dyadsim_core::chip::Weights { feedback: None, ..net.weights.clone() };
        let mut found = Gradient::zeros(&weights);
        rule(RuleKind::Custom, &forward, &net.network).estimate(&weights, &net.batch, &mut found);
        assert!(relative_error(&both_ways, &found) < 1e-10, "{variant:?}");
    }
}

#[test]
fn tangents_and_adjoints_of_recurrent_dyads_are_those_of_the_drive() {
    let net = asymmetric(534, &[3, 5, 4, 2], 0.8);
    let mut spec = net.spec.clone();
    spec.kind = Some(CircuitKind::RecurrentDyad);
    spec.nudge.alpha = 0.3;
    spec.mismatch = MismatchSpec {
        offset_dtod: 0.05,
        scale_dtod: 0.1,
        gain_dtod: 0.1,
        mixing_dtod: 0.1,
        seed: Some(3),
        ..spec.mismatch
    };
    let chip = Chip::fabricate(&spec, &net.network);
    let loss = Loss { kind: LossKind::CrossEntropy, reference: 0.7 };
    let target = Matrix::from_row_slice(4, 2, &[1.0, 0.0, 0.5, 0.5, 0.0, 1.0, 0.2, 0.8]);
    let nudge = Nudge { target, beta: 0.4, at: NudgePoint::Mean, loss };
    let circuit = RecurrentDyads::free(&chip, &net.weights, &net.batch.inputs).nudged(nudge);
    let width = circuit.width();
    let wave = |k: f64| Matrix::from_fn(4, width, |i, j| (k * (1.3 * i as f64 + 0.7 * j as f64 + 1.0)).sin());
    let (state, direction, dual) = (wave(1.0), wave(2.1), wave(3.7));
    let mut scratch = circuit.scratch(4);
    let blank = || Matrix::zeros(4, width);
    let (mut image, mut pulled, mut up, mut down) = (blank(), blank(), blank(), blank());
    circuit.tangent(&state, &direction, &mut image, &mut scratch);
    circuit.adjoint(&state, &dual, &mut pulled, &mut scratch);
    let h = 1e-5;
    circuit.drive(&(&state + &direction * h), &mut up, &mut scratch);
    circuit.drive(&(&state - &direction * h), &mut down, &mut scratch);
    // Third derivatives of order 10: h²/6 of them is 2e-10; rounding 1e-15/h.
    assert!((&image - (up - down) / (2.0 * h)).amax() < 1e-8);
    for i in 0..4 {
        let (there, back) = (dual.row(i).dot(&image.row(i)), pulled.row(i).dot(&direction.row(i)));
        assert!((there - back).abs() < 1e-12 * (1.0 + there.abs()));
    }
}
