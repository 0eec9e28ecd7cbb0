//! Feedback synapses of their own: what comes back through them, and how they learn, against plain loops,
//! finite differences and fixed points in closed form (Kunin et al. 2020).

use dyadsim::prelude::{Network, Training};
use dyadsim_core::chip::Weights;
use dyadsim_core::data::{Dataset, Request, load};
use dyadsim_core::learn::{FeedbackRule, Gradient, Measurement, Optimizer, programmed, rule};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::random::{Key, Kind, stream};
use dyadsim_core::spec::*;
use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal};

use crate::backward::{LINEAR, TANH, through};
use crate::nets::{Net, ideal, largest_angle, relative_error};
use crate::traces::slope;

/// What a rule estimates on the weights and samples of a net.
fn estimate(net: &Net, kind: RuleKind) -> Gradient<f64> {
    let mut gradient = Gradient::zeros(&net.weights);
    let report = rule(kind, &net.spec, &net.network).estimate(&net.weights, &net.batch, &mut gradient);
    assert_eq!(report.used, net.batch.inputs.nrows(), "{kind:?}: not all settle");
    gradient
}

/// A net with random feedback synapses, found at its fixed point by Newton's method.
fn net(seed: u64, activation: ActivationKind, alpha: f64, beta: f64) -> Net {
    let mut spec = ideal(activation, Variant::DpTranspose, alpha, beta);
    spec.feedback.synapses = FeedbackSynapses::Separate;
    spec.feedback.init = FeedbackInit::Random;
    spec.solver = SolverSpec { kind: SolverKind::Dc, rtol: 1e-13, atol: 1e-15, ..spec.solver };
    Net::random(seed, &[6, 12, 10, 8, 4], 3, 1.0, spec)
}

fn back(net: &Net) -> &[Matrix<f64>] {
    net.weights.feedback.as_deref().unwrap()
}

#[test]
fn a_small_nudge_gives_backpropagation_through_any_feedback_synapses() {
    for (alpha, beta) in [(0.0, 1e-6), (0.3, 1e-6), (0.5, 1e-4), (1.0, 1e-6)] {
        let net = net(700, ActivationKind::Tanh, alpha, beta);
        let (found, expected) = (estimate(&net, RuleKind::DpTranspose), through(&net, back(&net), TANH));
        // Bias of order β, or β² at the middle; states to some 1e-15 V, over β.
        let error = relative_error(&found, &expected);
        println!("α {alpha}: {error:.1e}, from BP {:.1} degrees", largest_angle(&found, &net.backprop()));
        assert!(error < 1e-6, "α {alpha}: {error:.1e}");
        assert!(largest_angle(&found, &net.backprop()) > 10.0, "α {alpha}: it is backpropagation");
        // Behind the last synapses there is no difference.
        let top = (&found.forward[3] - &net.backprop().forward[3]).norm() / found.forward[3].norm();
        assert!(top < 1e-6, "α {alpha}: {top:.1e}");
    }
}

#[test]
fn its_bias_is_linear_in_the_nudge_and_quadratic_at_the_middle() {
    for (alpha, order) in [(0.0, 1.0), (0.25, 1.0), (0.5, 2.0), (1.0, 1.0)] {
        let error = |beta: f64| {
            let net = net(701, ActivationKind::Tanh, alpha, beta);
            relative_error(&estimate(&net, RuleKind::DpTranspose), &through(&net, back(&net), TANH))
        };
        let logs: Vec<(f64, f64)> =
            [1e-3, 3e-3, 1e-2].into_iter().map(|beta: f64| (beta.ln(), error(beta).ln())).collect();
        let fitted = slope(&logs);
        println!("α {alpha}: slope {fitted:.4}");
        assert!((fitted - order).abs() < 0.05, "α {alpha}: {fitted}");
    }
}

#[test]
fn linear_nets_have_no_bias_at_any_nudge() {
    for (seed, alpha) in (702..).zip([0.0, 0.2, 0.5, 1.0]) {
        for beta in [0.01, 1.0, 30.0] {
            let net = net(seed, ActivationKind::Linear, alpha, beta);
            // Rounding of potentials of up to 100 V against differences of at least β times an error of 1 V.
            let error =
                relative_error(&estimate(&net, RuleKind::DpTranspose), &through(&net, back(&net), LINEAR));
            assert!(error < 1e-9, "α {alpha}, β {beta}: {error:.1e}");
        }
    }
}

#[test]
fn backpropagation_through_feedback_synapses_is_the_limit_itself() {
    let mut net = net(703, ActivationKind::Tanh, 0.5, 0.1);
    let expected = through(&net, back(&net), TANH);
    // Sums of at most 12 products in another order, four layers of them.
    assert!(relative_error(&estimate(&net, RuleKind::BpFeedback), &expected) < 1e-13);
    assert!(
        relative_error(&estimate(&net, RuleKind::Bp), &through(&net, &net.weights.forward, TANH)) < 1e-13
    );
    net.weights.feedback = Some(net.weights.forward.clone());
    assert_eq!(estimate(&net, RuleKind::BpFeedback), estimate(&net, RuleKind::Bp));
}

/// `mean |W| · sign(W)`, entry by entry.
fn signs(weights: &Matrix<f64>) -> Matrix<f64> {
    let (rows, columns) = weights.shape();
    let mut mean = 0.0;
    for i in 0..rows {
        for j in 0..columns {
            mean += weights[(i, j)].abs() / (rows * columns) as f64;
        }
    }
    Matrix::from_fn(rows, columns, |i, j| if weights[(i, j)] < 0.0 { -mean } else { mean })
}

#[test]
fn feedback_synapses_are_programmed_to_signs_or_copies_whatever_they_were() {
    let mut net = net(704, ActivationKind::Tanh, 0.5, 0.1);
    for learning in [FeedbackLearning::SignSymmetry, FeedbackLearning::Transport] {
        net.spec.feedback.learning = learning;
        let made = programmed(RuleKind::Dp, &net.spec, net.weights.clone());
        for (w, f) in net.weights.forward.iter().zip(made.feedback.as_ref().unwrap()) {
            let expected = if learning == FeedbackLearning::Transport { w.clone() } else { signs(w) };
            assert!((f - expected).norm() < 1e-14 * f.norm());
        }
        // Backpropagation has no use for them.
        assert_eq!(programmed(RuleKind::Bp, &net.spec, net.weights.clone()), net.weights);
    }
}

#[test]
fn signs_of_weights_of_one_size_are_the_transposes_to_the_bit() {
    for alpha in [0.2, 0.5] {
        let mut spec = ideal(ActivationKind::Tanh, Variant::Dp, alpha, 0.3);
        spec.readout.auto_zero = true;
        spec.mismatch = MismatchSpec { gain_dtod: 0.05, offset_dtod: 0.01, ..spec.mismatch };
        let mut net = Net::random(706, &[6, 12, 10, 4], 70, 1.0, spec);
        for (weights, size) in net.weights.forward.iter_mut().zip([0.5, 0.25, 0.125]) {
            weights.apply(|w| *w = size * w.signum()); // sums of these are exact
        }
        let transposed = estimate(&net, RuleKind::DpTranspose);
        net.spec.feedback.synapses = FeedbackSynapses::Separate;
        net.spec.feedback.learning = FeedbackLearning::SignSymmetry;
        net.weights = programmed(RuleKind::DpTranspose, &net.spec, net.weights);
        assert_eq!(estimate(&net, RuleKind::DpTranspose), transposed, "α {alpha}");
    }
}

/// A standard normal matrix.
fn normal(rows: usize, columns: usize, seed: u64) -> Matrix<f64> {
    let mut source = stream(Key::new(seed, Kind::Data));
    Matrix::from_fn(rows, columns, |_, _| StandardNormal.sample(&mut source))
}

/// What a layer of 12×8 synapses reads: 60 samples of no mean and second moments `I`, to rounding.
fn white() -> Matrix<f64> {
    let mut x = normal(60, 8, 3);
    for mut column in x.column_iter_mut() {
        let mean = column.mean();
        column.add_scalar_mut(-mean);
    }
    // Columns of `Q` are orthonormal and lie in the space of those of `x`.
    x.qr().q() * 60_f64.sqrt()
}

/// The same with a mean and with second moments of a condition of some tens.
fn correlated() -> Matrix<f64> {
    let mixed = white() * (Matrix::<f64>::identity(8, 8) + normal(8, 8, 4) * 0.25);
    mixed.add_scalar(0.3)
}

/// Synapses of which the second layer is 12×8, its feedback synapses drawn independently.
fn synapses() -> Weights<f64> {
    let mut weights = Weights::<f64>::zeros(&[5, 8, 12]);
    weights.forward[1] = normal(12, 8, 1) / 8_f64.sqrt();
    weights.feedback = Some(vec![Matrix::zeros(8, 5), normal(12, 8, 2) / 8_f64.sqrt()]);
    weights
}

/// How a rule of feedback synapses is told of some terms.
fn learning(terms: FeedbackTerms) -> FeedbackRule {
    let mut circuit = CircuitSpec::default();
    circuit.feedback.learning = FeedbackLearning::Terms(terms);
    FeedbackRule::of(&circuit)
}

/// Slope of the terms at these synapses, where the layer reads `x`.
fn slopes(terms: FeedbackTerms, weights: &Weights<f64>, x: &Matrix<f64>) -> Matrix<f64> {
    let mut gradient = Gradient::zeros(weights);
    learning(terms).prepare(weights, &mut gradient);
    gradient.inputs = gradient.inputs.map(|_| vec![x.clone()]);
    learning(terms).complete(weights, x.nrows(), &mut gradient);
    gradient.feedback.unwrap().remove(1)
}

/// The loss of terms, one product after the other; `B = Fᵀ` as in the paper.
fn loss(terms: FeedbackTerms, w: &Matrix<f64>, f: &Matrix<f64>, x: &Matrix<f64>) -> f64 {
    let (n, m) = w.shape();
    let mut total = 0.0;
    for i in 0..n {
        for j in 0..m {
            total += terms.decay * f[(i, j)] * f[(i, j)] - terms.own * f[(i, j)] * w[(i, j)];
        }
    }
    let mut x = x.clone();
    if terms.centred {
        for mut column in x.column_iter_mut() {
            let mean = column.mean();
            column.add_scalar_mut(-mean);
        }
    }
    for sample in 0..x.nrows() {
        let (mut up, mut sent) = (vec![0.0; n], vec![0.0; n]);
        for i in 0..n {
            for j in 0..m {
                up[i] += w[(i, j)] * x[(sample, j)];
                sent[i] += f[(i, j)] * x[(sample, j)];
            }
        }
        let mut one = 0.0;
        for i in 0..n {
            one += terms.sparse * sent[i] * sent[i] - terms.amp * sent[i] * up[i];
        }
        for j in 0..m {
            let mut back = 0.0;
            for i in 0..n {
                back += f[(i, j)] * up[i];
            }
            one += terms.null * back * back;
        }
        total += one / x.nrows() as f64;
    }
    total
}

/// Every term alone.
fn terms() -> [FeedbackTerms; 5] {
    let none = FeedbackTerms::default();
    [
        FeedbackTerms { decay: 0.7, ..none },
        FeedbackTerms { amp: 0.8, ..none },
        FeedbackTerms { null: 0.3, ..none },
        FeedbackTerms { sparse: 0.6, ..none },
        FeedbackTerms { own: 0.9, ..none },
    ]
}

#[test]
fn every_term_has_the_slope_of_its_loss() {
    let (weights, x) = (synapses(), correlated());
    let (w, f) = (&weights.forward[1], &weights.feedback.as_ref().unwrap()[1]);
    let all = terms().into_iter().reduce(|sum, one| FeedbackTerms {
        decay: sum.decay + one.decay,
        amp: sum.amp + one.amp,
        null: sum.null + one.null,
        sparse: sum.sparse + one.sparse,
        own: sum.own + one.own,
        ..sum
    });
    let centred = all.map(|all| FeedbackTerms { centred: true, ..all });
    for terms in terms().into_iter().chain(all).chain(centred) {
        let slopes = slopes(terms, &weights, &x);
        for i in 0..12 {
            for j in 0..8 {
                let at = |step: f64| {
                    let mut moved = f.clone();
                    moved[(i, j)] += step;
                    loss(terms, w, &moved, &x)
                };
                // Quadratic in F: a central difference is exact but for rounding of some 20 over the step.
                let central = (at(0.5) - at(-0.5)) / 1.0;
                assert!((slopes[(i, j)] - central).abs() < 1e-12, "{terms:?} {i} {j}");
            }
        }
    }
}

/// Feedback synapses after `updates` plain steps under some terms, the forward ones held.
fn rest(terms: FeedbackTerms, x: &Matrix<f64>, updates: usize) -> (Matrix<f64>, Matrix<f64>) {
    let mut weights = synapses();
    let rule = learning(terms);
    let mut gradient = Gradient::zeros(&weights);
    rule.prepare(&weights, &mut gradient);
    gradient.inputs = gradient.inputs.map(|_| vec![x.clone()]);
    let mut optimizer = Optimizer::new(&OptimizerSpec::sgd(0.1), 1, &weights).with_feedback(rule, &weights);
    for _ in 0..updates {
        rule.complete(&weights, x.nrows(), &mut gradient);
        optimizer.update(&mut weights, &gradient, 0);
    }
    assert_eq!(weights.feedback.as_ref().unwrap()[0], Matrix::zeros(8, 5), "no error goes below it");
    (weights.feedback.unwrap().remove(1), weights.forward.remove(1))
}

fn apart(found: &Matrix<f64>, expected: &Matrix<f64>) -> f64 {
    (found - expected).norm() / expected.norm()
}

fn cosine(one: &Matrix<f64>, other: &Matrix<f64>) -> f64 {
    one.dot(other) / (one.norm() * other.norm())
}

#[test]
fn symmetric_alignment_comes_to_rest_at_the_weights_times_half_a_ratio() {
    let (f, w) = rest(FeedbackTerms { decay: 0.6, own: 0.9, ..FeedbackTerms::default() }, &white(), 200);
    // (1 − 2·0.1·0.6)²⁰⁰ = 8e-12 of the start is left.
    assert!(apart(&f, &(w * (0.9 / 1.2))) < 1e-6);
}

#[test]
fn activation_alignment_comes_to_rest_along_the_weights_whatever_layers_read() {
    let terms = FeedbackTerms { sparse: 0.6, amp: 0.9, ..FeedbackTerms::default() };
    let (f, w) = rest(terms, &correlated(), 20_000);
    assert!(cosine(&f, &w) > 0.9999, "{}", cosine(&f, &w));
    assert!(apart(&f, &(w * (0.9 / 1.2))) < 1e-3);
}

#[test]
fn a_weight_mirror_comes_to_rest_along_the_weights_if_what_it_reads_is_white() {
    let terms = FeedbackTerms { decay: 0.6, amp: 0.9, ..FeedbackTerms::default() };
    let (f, w) = rest(terms, &white(), 300);
    assert!(cosine(&f, &w) > 0.999, "{}", cosine(&f, &w));
    // What it mirrors otherwise is the weights times the second moments.
    let x = correlated();
    let (f, w) = rest(terms, &x, 300);
    assert!(apart(&f, &(&w * (x.transpose() * &x) * (0.9 / 1.2 / 60.0))) < 1e-6);
    assert!(cosine(&f, &w) < 0.95, "{}", cosine(&f, &w));
}

#[test]
fn information_alignment_comes_to_rest_at_a_damped_pseudo_inverse() {
    let (null, decay) = (0.8, 0.1);
    let terms = FeedbackTerms { amp: 1.0, null, decay, ..FeedbackTerms::default() };
    let (f, w) = rest(terms, &white(), 2000);
    // ½ Wᵀ (b W Wᵀ + g I)⁻¹, here its transpose.
    let damped: DMatrix<f64> = &w * w.transpose() * null + DMatrix::identity(12, 12) * decay;
    let expected = damped.try_inverse().unwrap() * &w * 0.5;
    assert!(apart(&f, &expected) < 1e-6, "{}", apart(&f, &expected));
    let along = cosine(&f, &w);
    println!("cosine to the weights {along:.3}");
    assert!(along < 0.9, "{along}");
}

fn digits() -> Dataset {
    load(&Request { train: Some(300), test: Some(200), ..Request::named("digits") }).unwrap()
}

/// A network of 64-16-12-10 with feedback synapses that learn.
fn learner(learning: FeedbackLearning) -> Network {
    let feedback =
        FeedbackSpec { synapses: FeedbackSynapses::Separate, init: FeedbackInit::Random, learning };
    let circuit = CircuitSpec { feedback, ..CircuitSpec::default() };
    Network::new(circuit, &[64, 16, 12, 10]).unwrap().seed(1)
}

#[test]
fn transported_weights_are_the_shared_circuit_to_the_bit() {
    let data = digits();
    let adam = OptimizerSpec::adam(1e-2);
    let shared = Network::new(CircuitSpec::default(), &[64, 16, 12, 10]).unwrap().seed(1);
    let own = learner(FeedbackLearning::Transport);
    for (separate, alike) in [
        (RuleKind::Dp, RuleKind::Dp),
        (RuleKind::DpTranspose, RuleKind::DpTranspose),
        (RuleKind::BpFeedback, RuleKind::Bp),
    ] {
        let train = |network: &Network, kind: RuleKind| {
            let training = Training::new(network.clone(), &data).rule(kind).epochs(2).batch(30);
            training.optimizer(adam.clone()).run().unwrap().network.weights().clone()
        };
        let (with, without) = (train(&own, separate), train(&shared, alike));
        assert_eq!(with.forward, without.forward, "{separate:?}");
        assert_eq!(with.feedback.unwrap(), with.forward, "{separate:?}");
    }
}

#[test]
fn the_difference_of_tied_synapses_decays_at_every_update() {
    let data = digits();
    let decay = 0.3;
    let terms = FeedbackTerms { decay, tie: true, ..FeedbackTerms::default() };
    for kind in [RuleKind::DpTranspose, RuleKind::BpFeedback] {
        let network = learner(FeedbackLearning::Terms(terms));
        let apart =
            |weights: &Weights<f64>, k: usize| &weights.feedback.as_ref().unwrap()[k] - &weights.forward[k];
        let start: Vec<_> = (1..3).map(|k| apart(network.weights(), k)).collect();
        let training = Training::new(network, &data).rule(kind).epochs(2).batch(30);
        let end = training.optimizer(OptimizerSpec::sgd(0.05)).run().unwrap().network.weights().clone();
        // 20 updates, whatever the gradients were.
        let left = (1.0 - 2.0 * 0.05 * decay).powi(20);
        for (k, start) in (1..3).zip(&start) {
            assert!((apart(&end, k) - start * left).norm() < 1e-13 * start.norm(), "{kind:?}");
        }
    }
}

#[test]
fn samples_that_are_left_out_move_no_feedback_synapse() {
    let mut net = net(707, ActivationKind::Tanh, 0.5, 0.1);
    let rule = learning(FeedbackLearning::ActivationAlignment.terms().unwrap());
    let read = |net: &Net, keep: &[bool]| {
        let mut gradient = Gradient::zeros(&net.weights);
        rule.prepare(&net.weights, &mut gradient);
        let used =
            Measurement::read(&net.circuit(), net.fixed_points()).gradient(&net.batch, keep, &mut gradient);
        rule.complete(&net.weights, used, &mut gradient);
        gradient.feedback.unwrap()
    };
    let some = read(&net, &[true, false, true]);
    for matrix in [&mut net.batch.inputs, &mut net.batch.targets] {
        *matrix = matrix.clone().remove_row(1);
    }
    net.batch.sample_ids.ids.pop();
    let alone = read(&net, &[true, true]);
    for (some, alone) in some.iter().zip(&alone).skip(1) {
        assert!(apart(some, alone) < 1e-12);
    }
}

#[test]
#[should_panic(expected = "which the rule has not kept")]
fn a_rule_that_keeps_nothing_is_told_so() {
    let weights = synapses();
    let rule = learning(FeedbackLearning::WeightMirror.terms().unwrap());
    let mut gradient = Gradient::zeros(&weights);
    rule.prepare(&weights, &mut gradient);
    rule.complete(&weights, 3, &mut gradient);
}

#[test]
fn update_noise_has_its_variance_and_its_absence_changes_nothing() {
    let mut weights = synapses();
    let rule = learning(FeedbackLearning::SymmetricAlignment.terms().unwrap());
    let wide = Weights::<f64>::zeros(&[5, 300, 200]);
    let rate = 0.02;
    let noisy = |own: f64, feedback: Option<f64>, seed: u64, start: &Weights<f64>| {
        let spec =
            OptimizerSpec { update_noise: own, feedback_update_noise: feedback, ..OptimizerSpec::sgd(rate) };
        let mut moved = start.clone();
        moved.feedback.get_or_insert_with(|| start.forward.clone());
        Optimizer::new(&spec, 1, &moved).with_feedback(rule, &moved).disturb(&mut moved, seed, 0);
        moved
    };
    let still = noisy(0.0, None, 1, &weights);
    assert_eq!(still, weights);
    weights = noisy(0.25, None, 1, &wide);
    for (moved, variance) in [(&weights, 0.25), (&noisy(0.0, Some(0.04), 1, &wide), 0.04)] {
        // Of 60,000 squares of normal numbers the mean is within 4 √(2/60,000) of 1, once in 16,000.
        let f = &moved.feedback.as_ref().unwrap()[1];
        let found = f.norm_squared() / (f.len() as f64 * rate * rate * variance);
        assert!((found - 1.0).abs() < 0.023, "{found}");
    }
    let forward = &weights.forward[1];
    let found = forward.norm_squared() / (forward.len() as f64 * rate * rate * 0.25);
    assert!((found - 1.0).abs() < 0.023, "{found}");
    // Forward and feedback synapses, layers and seeds have numbers of their own; biases have none.
    let product = |a: &Matrix<f64>, b: &Matrix<f64>| cosine(a, b).abs();
    assert!(product(forward, &weights.feedback.as_ref().unwrap()[1]) < 0.02);
    assert!(product(forward, &noisy(0.25, None, 2, &wide).forward[1]) < 0.02);
    assert!(weights.biases.iter().flatten().all(|b| *b == 0.0));
    assert_eq!(noisy(0.25, None, 1, &wide), weights);
    assert!(noisy(0.0, Some(0.04), 1, &wide).forward == wide.forward);
}

#[test]
fn feedback_synapses_that_know_their_weights_follow_them_in_training() {
    use FeedbackLearning::{SignSymmetry, SymmetricAlignment};
    let data = digits();
    for (learning, least) in [(SignSymmetry, 0.7), (SymmetricAlignment, 0.95)] {
        let training =
            Training::new(learner(learning), &data).rule(RuleKind::BpFeedback).epochs(20).batch(10);
        let result = training.optimizer(OptimizerSpec::adam(3e-3)).run().unwrap();
        let weights = result.network.weights();
        let along = cosine(&weights.feedback.as_ref().unwrap()[2], &weights.forward[2]);
        println!("{learning:?}: cosine {along:.3}, accuracy {}", result.test_accuracy());
        // Normal weights have √(2/π) = 0.80 to their signs; of 120 entries independent ones have 0 ± 0.09.
        assert!(along > least, "{learning:?}: {along}");
    }
}
