//! Sign symmetry, against a backward pass written out in plain loops, and against `DPᵀ`.

use dyadsim::prelude::{Network, Training};
use dyadsim_core::data::{Request, load};
use dyadsim_core::learn::{DualPropagation, Gradient, Rule, programmed, rule};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal, largest_angle, relative_error};
use crate::traces::slope;

/// What a rule estimates on the weights and samples of a net.
fn estimate(net: &Net, kind: RuleKind) -> Gradient<f64> {
    let mut gradient = Gradient::zeros(&net.weights);
    let report = rule(kind, &net.spec, &net.network).estimate(&net.weights, &net.batch, &mut gradient);
    assert_eq!(report.used, net.batch.inputs.nrows(), "{kind:?}: not all settle");
    gradient
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

/// A shape with its slope.
type Shape = (fn(f64) -> f64, fn(f64) -> f64);

/// Gradient of the mean squared error of a feed-forward net with hidden neurons of a shape and linear
/// outputs, but with errors sent back through `signs(W)`: one sample, one neuron, one synapse after the
/// other.
fn written_out(net: &Net, (value, slope): Shape) -> Gradient<f64> {
    let mut gradient = Gradient::zeros(&net.weights);
    let (depth, samples) = (net.weights.forward.len(), net.batch.inputs.nrows());
    for sample in 0..samples {
        let mut states: Vec<Vec<f64>> = vec![net.batch.inputs.row(sample).iter().copied().collect()];
        let mut slopes: Vec<Vec<f64>> = Vec::new();
        for k in 0..depth {
            let (mut state, mut steep) = (Vec::new(), Vec::new());
            for i in 0..net.network[k + 1] {
                let mut v = net.weights.biases[k][i];
                for (j, below) in states[k].iter().enumerate() {
                    v += net.weights.forward[k][(i, j)] * below;
                }
                let top = k + 1 == depth;
                state.push(if top { v } else { value(v) });
                steep.push(if top { 1.0 } else { slope(v) });
            }
            states.push(state);
            slopes.push(steep);
        }
        let mut error: Vec<f64> =
            (0..net.network[depth]).map(|i| states[depth][i] - net.batch.targets[(sample, i)]).collect();
        for k in (0..depth).rev() {
            let back = signs(&net.weights.forward[k]);
            let mut below = vec![0.0; net.network[k]];
            for i in 0..net.network[k + 1] {
                let own = error[i] * slopes[k][i];
                gradient.biases[k][i] += own / samples as f64;
                for j in 0..net.network[k] {
                    gradient.forward[k][(i, j)] += own * states[k][j] / samples as f64;
                    below[j] += back[(i, j)] * own;
                }
            }
            error = below;
        }
    }
    gradient
}

/// A net of some shape, found at its fixed point by Newton's method.
fn net(seed: u64, activation: ActivationKind, alpha: f64, beta: f64) -> Net {
    // The gains are the rule's: what the description says of them is for nobody.
    let mut spec = ideal(activation, Variant::Custom { plus: 0.1, minus: 0.7 }, alpha, beta);
    spec.solver = SolverSpec { kind: SolverKind::Dc, rtol: 1e-13, atol: 1e-15, ..spec.solver };
    Net::random(seed, &[6, 12, 10, 8, 4], 3, 1.0, spec)
}

const TANH: Shape = (f64::tanh, |v| 1.0 - v.tanh().powi(2));

#[test]
fn a_small_nudge_gives_backpropagation_through_the_signs() {
    for (alpha, beta) in [(0.0, 1e-6), (0.3, 1e-6), (0.5, 1e-4), (1.0, 1e-6)] {
        let net = net(700, ActivationKind::Tanh, alpha, beta);
        let (found, expected) = (estimate(&net, RuleKind::SignSymmetry), written_out(&net, TANH));
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
            relative_error(&estimate(&net, RuleKind::SignSymmetry), &written_out(&net, TANH))
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
            let expected = written_out(&net, (|v| v, |_| 1.0));
            // Rounding of potentials of up to 100 V against differences of at least β times an error of 1 V.
            let error = relative_error(&estimate(&net, RuleKind::SignSymmetry), &expected);
            assert!(error < 1e-9, "α {alpha}, β {beta}: {error:.1e}");
        }
    }
}

#[test]
fn weights_of_one_size_in_a_layer_make_it_the_transposed_rule_to_the_bit() {
    for alpha in [0.2, 0.5] {
        let mut spec = ideal(ActivationKind::Tanh, Variant::Dp, alpha, 0.3);
        spec.readout.auto_zero = true;
        spec.mismatch = MismatchSpec { gain_dtod: 0.05, offset_dtod: 0.01, ..spec.mismatch };
        let mut net = Net::random(706, &[6, 12, 10, 4], 70, 1.0, spec);
        for (weights, size) in net.weights.forward.iter_mut().zip([0.5, 0.25, 0.125]) {
            weights.apply(|w| *w = size * w.signum()); // sums of these are exact
        }
        let [sign, transposed] =
            [RuleKind::SignSymmetry, RuleKind::DpTranspose].map(|kind| estimate(&net, kind));
        assert_eq!(sign, transposed, "α {alpha}");
    }
}

#[test]
fn it_is_the_transposed_rule_on_a_chip_with_these_feedback_synapses() {
    let mut spec = ideal(ActivationKind::Relu, Variant::DpTranspose, 0.4, 0.1);
    spec.mismatch = MismatchSpec { synapse_dtod: 0.1, gain_dtod: 0.05, seed: Some(3), ..spec.mismatch };
    (spec.noise.thermal, spec.solver.kind) = (Some(ThermalSpec { excess: 1.0 }), SolverKind::ExponentialHeun);
    (spec.solver.rtol, spec.solver.max_time, spec.readout.time) = (1e-3, 30.0, 2e-6);
    let net = Net::random(707, &[6, 12, 10, 4], 5, 1.0, spec.clone());
    let read = |rule: &dyn Rule<f64>, weights| {
        let mut gradient = Gradient::zeros(weights);
        rule.estimate(weights, &net.batch, &mut gradient);
        gradient
    };
    let registered =
        rule::<f64>(RuleSpec { keep_unsettled: true, ..RuleKind::SignSymmetry.into() }, &spec, &net.network);
    let mut wired = net.weights.clone();
    wired.feedback = Some(wired.forward.iter().map(signs).collect());
    spec.feedback.synapses = FeedbackSynapses::Separate;
    let plain = DualPropagation::<f64>::new(spec.clone(), &net.network, true);
    let (found, expected) = (read(registered.as_ref(), &net.weights), read(&plain, &wired));
    // The means of sizes are added up in another order.
    assert!(relative_error(&found, &expected) < 1e-9, "{:.1e}", relative_error(&found, &expected));
    // The feedback that came along is not asked: random one gives the same, to the bit.
    let random = FeedbackSpec { synapses: FeedbackSynapses::Separate, init: FeedbackInit::Random };
    let drawn = dyadsim_core::chip::Weights::draw(
        &InitSpec::He,
        &CircuitSpec { feedback: random, ..spec.clone() },
        &net.network,
        9,
    );
    let stale = dyadsim_core::chip::Weights { feedback: drawn.feedback, ..net.weights.clone() };
    assert_eq!(read(registered.as_ref(), &stale), found);
    assert!(relative_error(&read(&plain, &stale), &found) > 0.1);
    // What is stored with the weights is the same.
    let stored = programmed(RuleKind::SignSymmetry, &spec, net.weights.clone());
    assert_eq!(read(&plain, &stored), found);
    assert_eq!(programmed(RuleKind::DpTranspose, &spec, net.weights.clone()), net.weights);
}

#[test]
fn training_programs_the_feedback_after_every_update() {
    let data = load(&Request { train: Some(300), test: Some(200), ..Request::named("digits") }).unwrap();
    let network = Network::new(CircuitSpec::default(), &[64, 16, 10]).unwrap().seed(1);
    let optimizer = OptimizerSpec::adam(1e-2);
    let mut seen = 0;
    let training = Training::new(network.clone(), &data).rule(RuleKind::SignSymmetry).epochs(10).batch(10);
    let training = training.optimizer(optimizer).observe(|_, weights| {
        for (w, f) in weights.forward.iter().zip(weights.feedback.as_ref().unwrap()) {
            assert!((f - signs(w)).norm() < 1e-13 * f.norm());
            seen += 1;
        }
    });
    let result = training.run().unwrap();
    assert_eq!(seen, 20);
    assert_eq!(result.network.circuit().feedback.synapses, FeedbackSynapses::Separate);
    assert!(result.network.weights().forward[0] != network.weights().forward[0]);
    assert!(result.test_accuracy() > 0.75, "{}", result.test_accuracy());
}
