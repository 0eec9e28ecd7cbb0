//! Rules that compare equilibria, against implicit differentiation of one dense matrix written out here, and in
//! the orders that they claim.

use dyadsim::prelude::{Network, Training};
use dyadsim_core::data::{Request, load};
use dyadsim_core::learn::{Gradient, Limit, needs, rule};
use dyadsim_core::noise::SampleIds;
use dyadsim_core::spec::*;
use nalgebra::{DMatrix, DVector};

use crate::hopfield::{Hopfield, entries, log_cosh};
use crate::nets::relative_error;
use crate::traces::slope;

/// What a rule estimates with a nudge.
fn estimate(net: &Hopfield, settings: impl Into<RuleSpec>, beta: f64) -> Gradient<f64> {
    let mut spec = net.spec.clone();
    spec.nudge.beta = beta;
    let mut gradient = Gradient::zeros(&net.weights);
    // What an earlier batch has left.
    gradient.forward.iter_mut().for_each(|w| w.fill(7.0));
    gradient.biases.iter_mut().for_each(|b| b.fill(7.0));
    let report = rule(settings, &spec, &net.network).estimate(&net.weights, &net.batch, &mut gradient);
    assert_eq!(report.used, net.batch.inputs.nrows(), "not all settle");
    gradient
}

/// `dℓ/dθ` of a loss with the slope `force` along the outputs, at the free equilibria: `λ = (1 − J D)⁻ᵀ D g`,
/// every synapse by what it does forward and back.
fn implicit(
    net: &Hopfield,
    force: impl Fn(usize, &DVector<f64>, &DMatrix<f64>) -> DVector<f64>,
) -> Gradient<f64> {
    let samples = net.batch.inputs.nrows();
    let (coupling, neurons) = (net.coupling(), net.neurons());
    let mut gradient = Gradient::zeros(&net.weights);
    for sample in 0..samples {
        let v = net.equilibrium(sample, 0.0);
        let (s, slopes) = net.outputs(&v);
        // Hessian of the energy along the outputs of all neurons.
        let hessian = DMatrix::from_diagonal(&slopes.map(|d| 1.0 / d)) - &coupling;
        let top = net.start(net.network.len() - 2);
        let mut forces = DVector::zeros(neurons);
        forces.rows_mut(top, neurons - top).copy_from(&force(
            sample,
            &s.rows(top, neurons - top).into_owned(),
            &hessian,
        ));
        let duals = hessian.lu().solve(&forces).unwrap() / samples as f64;
        for (layer, weights) in gradient.forward.iter_mut().enumerate() {
            let start = net.start(layer);
            for i in 0..weights.nrows() {
                gradient.biases[layer][i] += duals[start + i];
                for j in 0..weights.ncols() {
                    weights[(i, j)] += if layer == 0 {
                        duals[start + i] * net.batch.inputs[(sample, j)]
                    } else {
                        let below = net.start(layer - 1) + j;
                        duals[start + i] * s[below] + duals[below] * s[start + i]
                    };
                }
            }
        }
    }
    gradient
}

fn error_of_outputs(net: &Hopfield, sample: usize, outputs: &DVector<f64>) -> DVector<f64> {
    DVector::from_fn(outputs.len(), |i, _| outputs[i] - net.batch.targets[(sample, i)])
}

/// The gradient of the mean squared error at the free equilibria.
fn exact(net: &Hopfield) -> Gradient<f64> {
    implicit(net, |sample, outputs, _| error_of_outputs(net, sample, outputs))
}

/// Twenty random symmetric nets of one to three hidden layers.
fn nets() -> impl Iterator<Item = Hopfield> {
    let shapes: [&[usize]; 3] = [&[5, 8, 3], &[4, 7, 6, 3], &[4, 6, 5, 5, 2]];
    (0..20).map(move |seed| Hopfield::random(400 + seed, shapes[seed as usize % 3], 4, 0.35))
}

#[test]
fn recurrent_backpropagation_is_implicit_differentiation() {
    for (net, seed) in nets().zip(0..) {
        let error = relative_error(&estimate(&net, RuleKind::RecurrentBp, 0.1), &exact(&net));
        // Duals to 1e-10 of themselves.
        assert!(error < 1e-8, "net {seed}: {error:.1e}");
    }
}

#[test]
fn recurrent_backpropagation_is_the_slope_of_the_loss_with_offsets_spreads_and_rails_too() {
    let mut net = Hopfield::random(440, &[4, 6, 5, 3], 3, 0.4);
    net.spec.mismatch = MismatchSpec {
        offset_dtod: 0.05,
        scale_dtod: 0.1,
        synapse_dtod: 0.2,
        seed: Some(1),
        ..net.spec.mismatch
    };
    net.spec.supply = Some(SupplySpec { low: -0.3, high: 0.45 });
    let found = estimate(&net, RuleKind::RecurrentBp, 0.1);
    let chip = net.chip();
    let loss = |weights: &dyadsim_core::chip::Weights<f64>| {
        let circuit = dyadsim_core::circuit::HopfieldCircuit::free(&chip, weights, &net.batch.inputs);
        let spec = SolverSpec { rtol: 1e-13, atol: 1e-15, kind: SolverKind::Dc, ..SolverSpec::default() };
        let settled = dyadsim_core::solve::settle_any_from(&spec, &circuit, None, (false, &|_| {})).unwrap();
        let outputs = circuit.outputs(&settled.state).pop().unwrap();
        0.5 * (outputs - &net.batch.targets).norm_squared() / 3.0
    };
    let mut clipped = 0;
    for layer in 0..3 {
        for (i, j) in [(0, 0), (1, 2), (2, 1)] {
            let at = |shift: f64| {
                let mut weights = net.weights.clone();
                weights.forward[layer][(i, j)] += shift;
                loss(&weights)
            };
            let central = (at(1e-5) - at(-1e-5)) / 2e-5;
            let own = found.forward[layer][(i, j)];
            clipped += usize::from(own == 0.0);
            // Third derivatives of order 10: h² of them is 1e-9; states to 1e-14, over h.
            assert!((own - central).abs() < 1e-8, "{layer} {i} {j}: {own} {central}");
        }
    }
    assert!(clipped < 9, "rails hold everything");
}

#[test]
fn small_nudges_give_the_exact_gradient_on_twenty_symmetric_nets() {
    for (net, seed) in nets().zip(0..) {
        let exact = exact(&net);
        // One-sided: bias of order β, states to some 1e-14 over β; centred and holomorphic: of order β² and β⁶.
        for (kind, beta) in
            [(RuleKind::Ep, 2e-7), (RuleKind::EpCentred, 1e-4), (RuleKind::EpHolomorphic, 0.01)]
        {
            let error = relative_error(&estimate(&net, kind, beta), &exact);
            println!("net {seed}, {kind:?}: {error:.1e}");
            assert!(error < 1e-6, "net {seed}, {kind:?}: {error:.1e}");
        }
    }
}

#[test]
fn the_bias_is_of_order_one_with_one_nudge_and_two_with_two() {
    let net = Hopfield::random(441, &[5, 9, 7, 3], 6, 0.35);
    let exact = exact(&net);
    for (kind, order) in [(RuleKind::Ep, 1.0), (RuleKind::EpCentred, 2.0)] {
        let error = |beta: f64| relative_error(&estimate(&net, kind, beta), &exact);
        let logs: Vec<(f64, f64)> =
            [1e-3, 3e-3, 1e-2].map(|beta: f64| (beta.ln(), error(beta).ln())).to_vec();
        let fitted = slope(&logs);
        println!("{kind:?}: slope {fitted:.4}");
        assert!((fitted - order).abs() < 0.05, "{kind:?}: {fitted}");
    }
}

#[test]
fn rules_say_what_their_estimates_become_and_whether_outputs_are_clamped() {
    let net = Hopfield::random(448, &[5, 9, 7, 3], 6, 0.3);
    let exact = exact(&net);
    for kind in RuleKind::ALL.into_iter().filter(|kind| kind.circuit_kind() == CircuitKind::Hopfield) {
        let stated = needs(kind);
        let error = |beta: f64| relative_error(&estimate(&net, kind, beta), &exact);
        match stated.limit {
            Limit::Exact => assert!(error(0.1) < 1e-8, "{kind:?}"),
            Limit::Other if kind == RuleKind::EpOscillating => {} // it falls with the period alone
            Limit::Other => assert!(error(1e-5) > 0.02, "{kind:?}"),
            Limit::Gradient { order, .. } => {
                let betas = if order > 2 { [0.05, 0.07, 0.1] } else { [1e-3, 3e-3, 1e-2] };
                let logs: Vec<(f64, f64)> = betas.map(|beta: f64| (beta.ln(), error(beta).ln())).to_vec();
                let fitted = slope(&logs);
                // The next order is β², times some tens at most, of the nudges of the circle.
                assert!((fitted - f64::from(order)).abs() < 0.3, "{kind:?}: {fitted}");
            }
        }
        assert_eq!(stated.clamps_outputs, matches!(kind, RuleKind::Chl | RuleKind::Coupled), "{kind:?}");
    }
}

#[test]
fn the_bias_of_a_circle_falls_tenfold_with_every_two_points_until_rounding() {
    let net = Hopfield::random(442, &[5, 9, 7, 3], 6, 0.35);
    let exact = exact(&net);
    let beta = 0.1;
    let of = |points: usize| {
        let ep = EquilibriumSpec { points, ..EquilibriumSpec::default() };
        estimate(&net, RuleSpec { ep, ..RuleKind::EpHolomorphic.into() }, beta)
    };
    let errors: Vec<f64> = [2, 4, 6, 8, 10].map(|points| relative_error(&of(points), &exact)).to_vec();
    println!("errors of 2 to 10 points: {errors:?}");
    for pair in errors.windows(2) {
        assert!(pair[1] < 0.1 * pair[0] || pair[1] < 1e-11, "{errors:?}");
    }
    // Two points are the centred rule.
    let centred = estimate(&net, RuleKind::EpCentred, beta);
    assert!(relative_error(&of(2), &centred) < 1e-11);
    // An odd number, too, has its Fourier coefficient.
    assert!(relative_error(&of(5), &exact) < errors[1]);
}

#[test]
fn a_slow_turn_of_the_nudge_reads_the_gradient_short_by_the_share_of_a_time_constant() {
    let mut net = Hopfield::random(443, &[4, 6, 3], 3, 0.35);
    let exact = exact(&net);
    net.spec.solver = SolverSpec { step: 0.1, ..SolverSpec::default() };
    let error = |period: f64| {
        let ep = EquilibriumSpec { points: (period / 2.0) as usize, period, ..EquilibriumSpec::default() };
        relative_error(&estimate(&net, RuleSpec { ep, ..RuleKind::EpOscillating.into() }, 0.2), &exact)
    };
    let logs: Vec<(f64, f64)> = [200.0, 400.0, 800.0].map(|t: f64| (t.ln(), error(t).ln())).to_vec();
    println!("{:?}", logs.iter().map(|(t, e)| (t.exp(), e.exp())).collect::<Vec<_>>());
    // Late by a constant time: the coefficient turns by an angle, whose cosine costs the square of its size,
    // and the mean over a held part costs its share of the turn.
    let fitted = slope(&logs);
    assert!(fitted < -0.9, "{fitted}");
    assert!(logs[2].1.exp() < 0.02, "{}", logs[2].1.exp());
}

#[test]
fn the_sign_of_a_nudge_turns_its_bias_and_a_random_one_is_either() {
    let mut net = Hopfield::random(444, &[5, 7, 3], 4, 0.35);
    let of = |net: &Hopfield, sign: NudgeSign| {
        let ep = EquilibriumSpec { sign, ..EquilibriumSpec::default() };
        estimate(net, RuleSpec { ep, ..RuleKind::Ep.into() }, 0.1)
    };
    let (pulled, pushed) = (of(&net, NudgeSign::Positive), of(&net, NudgeSign::Negative));
    let centred = estimate(&net, RuleKind::EpCentred, 0.1);
    for (k, both) in centred.forward.iter().enumerate() {
        // The free products cancel.
        assert!(((&pulled.forward[k] + &pushed.forward[k]) * 0.5 - both).amax() < 1e-12);
    }
    let (mut up, mut down) = (0, 0);
    for first in 0..40 {
        net.batch.sample_ids = SampleIds { seed: 9, ids: (first..first + 4).collect() };
        match of(&net, NudgeSign::Random) {
            random if random == pulled => up += 1,
            random if random == pushed => down += 1,
            _ => panic!("neither"),
        }
    }
    // Fair draws stay within 4 standard deviations of 20.
    assert!((8..=32).contains(&up) && up + down == 40, "{up}");
}

/// Energy of a circuit at rest, outputs free or forced, by Newton's method on the neurons that move.
fn energy_at_rest(net: &Hopfield, sample: usize, forced: Option<&DVector<f64>>) -> f64 {
    let coupling = net.coupling();
    let (neurons, top) = (net.neurons(), net.start(net.network.len() - 2));
    let heard = net.heard(sample);
    let mut v = DVector::zeros(neurons);
    let said = |v: &DVector<f64>| {
        let (mut s, mut slopes) = net.outputs(v);
        if let Some(forced) = forced {
            s.rows_mut(top, neurons - top).copy_from(forced);
            slopes.rows_mut(top, neurons - top).fill(0.0);
        }
        (s, slopes)
    };
    for _ in 0..60 {
        let (s, slopes) = said(&v);
        let rest = &coupling * &s + &heard - &v;
        let matrix = DMatrix::identity(neurons, neurons) - &coupling * DMatrix::from_diagonal(&slopes);
        v += matrix.lu().solve(&rest).unwrap();
    }
    let (s, _) = said(&v);
    let own = |i: usize| {
        if i < top { s[i] * v[i] - log_cosh(v[i]) } else { 0.5 * s[i] * s[i] }
    };
    let own: f64 = (0..neurons).map(own).sum();
    own - 0.5 * s.dot(&(&coupling * &s)) - s.dot(&heard)
}

#[test]
fn contrastive_hebbian_learning_is_the_slope_of_a_difference_of_energies() {
    let net = Hopfield::random(445, &[4, 6, 5, 3], 3, 0.4);
    let found = estimate(&net, RuleKind::Chl, 0.1);
    let contrast = |net: &Hopfield| {
        let one = |sample: usize| {
            let target = net.batch.targets.row(sample).transpose();
            energy_at_rest(net, sample, Some(&target)) - energy_at_rest(net, sample, None)
        };
        (0..3).map(one).sum::<f64>() / 3.0
    };
    for layer in 0..3 {
        for ((i, j), _) in entries(&net.weights.forward[layer]).take(5) {
            let at = |shift: f64| {
                let mut moved = Hopfield::random(445, &[4, 6, 5, 3], 3, 0.4);
                moved.weights.forward[layer][(i, j)] += shift;
                contrast(&moved)
            };
            let central = (at(1e-4) - at(-1e-4)) / 2e-4;
            let own = found.forward[layer][(i, j)];
            // Third derivatives of order 10: h²/6 of them is 2e-8; rounding 1e-15/h.
            assert!((own - central).abs() < 5e-8, "{layer} {i} {j}: {own} {central}");
        }
    }
    // At a share of 1 coupled learning is this rule.
    assert_eq!(estimate(&net, RuleKind::Coupled, 1.0), found);
}

#[test]
fn coupled_learning_descends_a_squared_error_in_the_metric_of_the_energy() {
    for (net, seed) in nets().take(6).zip(0..) {
        let found = estimate(&net, RuleKind::Coupled, 1e-6);
        let metric = implicit(&net, |sample, outputs, hessian| {
            let n = outputs.len();
            let start = hessian.nrows() - n;
            let inverse = hessian.clone().try_inverse().unwrap();
            let own = inverse.view((start, start), (n, n)).into_owned().try_inverse().unwrap();
            own * error_of_outputs(&net, sample, outputs)
        });
        let error = relative_error(&found, &metric);
        assert!(error < 1e-5, "net {seed}: {error:.1e}"); // of order η, and states to 1e-14 over η
        assert!(relative_error(&found, &exact(&net)) > 0.02, "net {seed}: the metric does nothing");
    }
    // Without hidden neurons the metric is that of the linear outputs: the loss itself.
    let plain = Hopfield::random(446, &[5, 3], 4, 0.35);
    assert!(relative_error(&estimate(&plain, RuleKind::Coupled, 0.3), &exact(&plain)) < 1e-11);
}

#[test]
fn a_nudge_at_the_free_outputs_is_linear_in_its_strength_where_the_circuit_is() {
    let mut net = Hopfield::random(447, &[4, 6, 3], 3, 0.35);
    net.spec.neuron.activation = ActivationKind::Linear.into();
    net.spec.nudge.at = NudgePoint::Free;
    // Products of two outputs are of second order; their even part cancels between the two signs.
    let (small, large) =
        (estimate(&net, RuleKind::EpCentred, 1e-3), estimate(&net, RuleKind::EpCentred, 0.5));
    assert!(relative_error(&large, &small) < 1e-10);
}

#[test]
fn equilibrium_propagation_learns_yin_yang_with_its_hidden_weights() {
    let data = load(&Request::named("yin-yang")).unwrap();
    let mut spec = CircuitSpec::default();
    spec.neuron.activation =
        ActivationSpec { amplitude: 1.0, scale: 0.25, offset: 0.5, ..ActivationKind::Sigmoid.into() };
    spec.nudge.beta = 0.3;
    spec.solver.kind = SolverKind::Dc;
    (spec.solver.rtol, spec.solver.atol) = (1e-5, 1e-7);
    let network = Network::new(spec, &[4, 30, 3]).unwrap().seed(1);
    let trained = Training::new(network, &data).rule(RuleKind::EpCentred).epochs(12).batch(20);
    let result = trained.optimizer(OptimizerSpec::adam(0.02)).run().unwrap();
    // A net with frozen hidden weights learns 85 % at most.
    assert!(result.test_accuracy() > 0.88, "{}", result.test_accuracy());
    assert!(result.epochs[11].at_rest().unwrap() > 0.999);
    assert_eq!(result.network.circuit().kind(), CircuitKind::Hopfield);
}

mod any_coupling {
    //! Rules for couplings of any symmetry, against implicit differentiation of one dense matrix.

    use dyadsim_core::chip::Chip;
    use dyadsim_core::circuit::{Dynamics, Loss, Nudge, RecurrentDyads};
    use dyadsim_core::learn::FeedbackRule;
    use dyadsim_core::matrix::Matrix;
    use dyadsim_core::solve::settle_any_from;

    use super::*;

    /// A net with feedback synapses of their own, `turn` of the way from `W` to others.
    fn asymmetric(seed: u64, network: &[usize], turn: f64) -> Hopfield {
        let mut net = Hopfield::random(seed, network, 4, 0.35);
        net.spec.feedback.synapses = FeedbackSynapses::Separate;
        let other = Hopfield::random(seed + 1000, network, 1, 0.35).weights.forward;
        let both = net.weights.forward.iter().zip(&other);
        net.weights.feedback = Some(both.map(|(w, other)| w * turn.cos() + other * turn.sin()).collect());
        net
    }

    /// `J`: `W_k` below the diagonal, `F_kᵀ` above it.
    fn coupling(net: &Hopfield) -> DMatrix<f64> {
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
    fn exact(net: &Hopfield) -> Gradient<f64> {
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

    fn estimate(net: &Hopfield, kind: RuleKind, (alpha, beta): (f64, f64)) -> Gradient<f64> {
        let mut spec = net.spec.clone();
        spec.kind = None;
        (spec.nudge.alpha, spec.nudge.beta, spec.nudge.at) = (alpha, beta, NudgePoint::Mean);
        let mut gradient = prepared(net);
        let report = rule(kind, &spec, &net.network).estimate(&net.weights, &net.batch, &mut gradient);
        assert_eq!(report.used, net.batch.inputs.nrows(), "{kind:?}: not all settle");
        gradient
    }

    /// Of all synapses, forward and back.
    fn apart(one: &Gradient<f64>, other: &Gradient<f64>) -> f64 {
        let whole = |gradient: &Gradient<f64>| {
            let feedback = gradient.feedback.iter().flatten().filter(|f| !f.is_empty());
            let forward: Vec<_> = gradient.forward.iter().chain(feedback).cloned().collect();
            Gradient::new(forward, gradient.biases.clone())
        };
        relative_error(&whole(one), &whole(other))
    }

    fn nets() -> impl Iterator<Item = Hopfield> {
        let shapes: [&[usize]; 3] = [&[5, 8, 3], &[4, 7, 6, 3], &[4, 6, 5, 5, 2]];
        (0..20)
            .map(move |seed| asymmetric(500 + seed, shapes[seed as usize % 3], 0.3 * (1 + seed % 5) as f64))
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
            let logs: Vec<(f64, f64)> = [0.01, 0.03, 0.1]
                .map(|beta: f64| (beta.ln(), moved(&net, variant, alpha, beta).ln()))
                .to_vec();
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
        let wave =
            |k: f64| Matrix::from_fn(4, width, |i, j| (k * (1.3 * i as f64 + 0.7 * j as f64 + 1.0)).sin());
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
}
