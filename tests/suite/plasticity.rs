//! Continuous plasticity (docs/plasticity.md): synapses as slow states of the circuit, against the rule at its
//! equilibrium, against a Runge–Kutta method of the joint equations in plain loops, and its law of timing.

use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::Loss;
use dyadsim_core::data::{Dataset, Request, load};
use dyadsim_core::learn::{FeedbackRule, Gradient, Optimizer, rule};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::spec::*;
use dyadsim_core::train::{Continuous, Course, Learner, PlasticChip, evaluate};

use crate::nets::{Net, ideal, relative_error};

/// Times without pause and delay.
fn times(time_constant: f64, presentation: f64, step: f64) -> PlasticitySpec {
    PlasticitySpec { time_constant, presentation, blank: 0.0, delay: 0.0, wait: 0.0, step }
}

/// What a presentation to the chip at rest moves, in units of an update of rate `presentation/τ_w`.
fn moved(net: &Net, times: PlasticitySpec) -> Gradient<f64> {
    let mut plastic = PlasticChip::at_rest(&net.chip, &net.spec.nudge, times, net.weights.clone());
    plastic.present(&net.batch.inputs, &net.batch.targets);
    let scale = times.time_constant / times.presentation;
    let forward = plastic.weights.forward.iter().zip(&net.weights.forward).map(|(w, v)| (w - v) * scale);
    let biases = plastic.weights.biases.iter().zip(&net.weights.biases);
    let biases = biases.map(|(b, c)| b.iter().zip(c).map(|(b, c)| (b - c) * scale).collect());
    Gradient::new(forward.collect(), biases.collect())
}

#[test]
fn slow_synapses_move_as_one_update_at_the_equilibrium_but_for_a_transient() {
    for (seed, variant, alpha, at) in [
        (600, Variant::Dp, 0.5, NudgePoint::Mean),
        (601, Variant::DpTranspose, 0.0, NudgePoint::Mean),
        (602, Variant::DpTranspose, 0.5, NudgePoint::Own),
        (603, Variant::DpTranspose, 1.0, NudgePoint::Drive),
        (604, Variant::Custom { plus: 0.3, minus: 0.6 }, 0.4, NudgePoint::Mean),
    ] {
        let mut spec = ideal(ActivationKind::Tanh, variant, alpha, 0.3);
        spec.nudge.at = at;
        if seed == 602 {
            spec.feedback.synapses = FeedbackSynapses::Separate;
            spec.feedback.init = FeedbackInit::Random;
        }
        let net = Net::random(seed, &[5, 6, 5, 3], 1, 1.0, spec);
        let mut update = net.estimate_at_fixed_points();
        update.forward.iter_mut().for_each(|w| *w *= -1.0);
        update.biases.iter_mut().flatten().for_each(|b| *b *= -1.0);
        let [one, two, four] =
            [40.0, 80.0, 160.0].map(|time| relative_error(&moved(&net, times(1e9, time, 0.1)), &update));
        // The way to the equilibrium is over after 40 τ: its share is that of a constant. Weights of 0.5 V are
        // rounded 1e3 times by 1e-16, against moves of 1e-9; they move by 1e-7 of themselves.
        println!("{variant:?} {alpha} {at:?}: {one:.2e} {two:.2e} {four:.2e}");
        assert!((one / two - 2.0).abs() < 1e-3 && (two / four - 2.0).abs() < 1e-3, "{one} {two} {four}");
    }
}

/// The joint state of a 2-3-2 net: potentials of plus and minus compartments, synapses and biases.
type Joint = [f64; 27];

/// A 2-3-2 net of tanh dyads below linear ones, under `DPᵀ`.
struct Plain {
    alpha: f64,
    beta: f64,
    slow: f64,
}

impl Plain {
    /// `d/dt` in units of τ, with the places of the state: `v1⁺` 0, `v1⁻` 3, `v2⁺` 6, `v2⁻` 8, `W1` 10 (by rows), `b1`
    /// 16, `W2` 19 (by rows), `b2` 25.
    fn slope(&self, y: &Joint, x: [f64; 2], target: Option<[f64; 2]>) -> Joint {
        let (mut s1, mut d1, mut s2, mut d2) = ([0.0; 3], [0.0; 3], [0.0; 2], [0.0; 2]);
        for j in 0..3 {
            let (p, m) = (y[j].tanh(), y[3 + j].tanh());
            (s1[j], d1[j]) = (self.alpha * p + (1.0 - self.alpha) * m, p - m);
        }
        for i in 0..2 {
            let (p, m) = (y[6 + i], y[8 + i]);
            (s2[i], d2[i]) = (self.alpha * p + (1.0 - self.alpha) * m, p - m);
        }
        let mut slope = [0.0; 27];
        for j in 0..3 {
            let below = y[10 + 2 * j] * x[0] + y[11 + 2 * j] * x[1] + y[16 + j];
            let back = y[19 + j] * d2[0] + y[22 + j] * d2[1];
            slope[j] = below + (1.0 - self.alpha) * back - y[j];
            slope[3 + j] = below - self.alpha * back - y[3 + j];
            for k in 0..2 {
                slope[10 + 2 * j + k] = d1[j] * x[k] / (self.beta * self.slow);
            }
            slope[16 + j] = d1[j] / (self.beta * self.slow);
        }
        for i in 0..2 {
            let w = &y[19 + 3 * i..22 + 3 * i];
            let below = w[0] * s1[0] + w[1] * s1[1] + w[2] * s1[2] + y[25 + i];
            let back = target.map_or(0.0, |target| self.beta * (target[i] - s2[i]));
            slope[6 + i] = below + (1.0 - self.alpha) * back - y[6 + i];
            slope[8 + i] = below - self.alpha * back - y[8 + i];
            for j in 0..3 {
                slope[19 + 3 * i + j] = d2[i] * s1[j] / (self.beta * self.slow);
            }
            slope[25 + i] = d2[i] / (self.beta * self.slow);
        }
        slope
    }

    /// The classical method of order 4, in steps of 1/200 τ: of 1e-11 of what changes in a τ.
    fn follow(&self, y: &mut Joint, time: f64, x: [f64; 2], target: Option<[f64; 2]>) {
        let steps = (time * 200.0).round();
        let h = time / steps;
        for _ in 0..steps as usize {
            let ahead = |slope: &Joint, h: f64| -> Joint { std::array::from_fn(|i| y[i] + h * slope[i]) };
            let a = self.slope(y, x, target);
            let b = self.slope(&ahead(&a, h / 2.0), x, target);
            let c = self.slope(&ahead(&b, h / 2.0), x, target);
            let d = self.slope(&ahead(&c, h), x, target);
            *y = std::array::from_fn(|i| y[i] + h / 6.0 * (a[i] + 2.0 * b[i] + 2.0 * c[i] + d[i]));
        }
    }
}

/// A chip's joint state in the places of [`Plain::slope`].
fn joint(plastic: &PlasticChip<'_, f64>) -> Joint {
    let Weights { forward, biases, .. } = &plastic.weights;
    let rows = |w: &Matrix<f64>| w.transpose().as_slice().to_vec();
    let all = [
        plastic.state.as_slice().to_vec(),
        rows(&forward[0]),
        biases[0].clone(),
        rows(&forward[1]),
        biases[1].clone(),
    ];
    all.concat().try_into().unwrap()
}

#[test]
fn steps_follow_the_joint_equations_to_first_order() {
    let (alpha, beta, slow) = (0.3, 0.4, 15.0);
    let spec = ideal(ActivationKind::Tanh, Variant::DpTranspose, alpha, beta);
    let net = Net::random(610, &[2, 3, 2], 1, 1.0, spec);
    let shown = [([0.9, -0.4], [1.0, 0.0]), ([-0.2, 0.7], [0.0, 1.0])];
    let begin = |step: f64| {
        let (presentation, blank, delay, wait) = (4.0, 1.5, 1.0, 0.5);
        let times = PlasticitySpec { time_constant: slow, presentation, blank, delay, wait, step };
        PlasticChip::at_rest(&net.chip, &net.spec.nudge, times, net.weights.clone())
    };
    let plain = Plain { alpha, beta, slow };
    let mut exact = joint(&begin(0.1));
    for (x, target) in shown {
        plain.follow(&mut exact, 1.5, x, None);
        plain.follow(&mut exact, 2.5, x, Some(target));
        plain.follow(&mut exact, 1.0, [0.0; 2], Some(target));
        plain.follow(&mut exact, 1.5, [0.0; 2], None);
    }
    let errors = [0.02, 0.01, 0.005].map(|step| {
        let mut plastic = begin(step);
        for (x, target) in shown {
            plastic.present(&Matrix::from_row_slice(1, 2, &x), &Matrix::from_row_slice(1, 2, &target));
        }
        let found = joint(&plastic);
        let apart =
            |range: std::ops::Range<usize>| range.map(|i| (found[i] - exact[i]).abs()).fold(0.0, f64::max);
        [apart(0..10), apart(10..27)]
    });
    // What follows is of order h²: 0.01 of what is halved, and a few times that.
    for part in 0..2 {
        let [one, two, four] = errors.map(|error| error[part]);
        println!("part {part}: {one:.2e} {two:.2e} {four:.2e}");
        assert!((one / two - 2.0).abs() < 0.06 && (two / four - 2.0).abs() < 0.03, "{one} {two} {four}");
    }
    let learned = (10..27).map(|i| exact[i] - joint(&begin(0.1))[i]).fold(0.0, |a: f64, b| a.max(b.abs()));
    assert!(learned > 0.1, "synapses hardly move: {learned}");
}

#[test]
fn an_error_that_comes_late_teaches_what_is_left_of_its_stimulus() {
    // Without a stimulus the means of these dyads are zero: α = ½, odd activations, no biases.
    let spec = ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.5, 0.3);
    let mut net = Net::random(620, &[4, 6, 3], 1, 1.0, spec);
    net.weights.biases.iter_mut().flatten().for_each(|b| *b = 0.0);
    let learned = |presentation: f64, delay: f64| -> Vec<f64> {
        let times = PlasticitySpec { delay, ..times(1e7, presentation, 0.1) };
        moved(&net, times).forward.iter().flat_map(|w| w.as_slice().to_vec()).collect()
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for late in [0.25, 0.5, 0.75, 1.0, 1.5] {
        let law = f64::max(0.0, 1.0 - late);
        let off = [100.0, 200.0, 400.0].map(|time| {
            let (whole, part) = (learned(time, 0.0), learned(time, late * time));
            let along = dot(&part, &whole) / dot(&whole, &whole);
            let across = (dot(&part, &part) / dot(&whole, &whole) - along * along).max(0.0).sqrt();
            (along - law).abs() + across
        });
        println!("Δ/T {late}: {:?}", off.map(|off| format!("{off:.1e}")));
        // What is off are the few τ of switching, a share that is halved with every doubling of T, and what
        // synapses, biases among them, have moved by themselves: T/τ_w.
        let [one, two, four] = off;
        assert!(four < 0.03 && two < 0.52 * one + 2e-5 && four < 0.52 * two + 4e-5, "{late}: {off:?}");
    }
}

#[test]
fn what_needs_no_error_teaches_none_if_its_target_waits() {
    // Targets are what the network says of its inputs: no synapse has anything to learn.
    let net =
        Net::random(630, &[4, 6, 3], 1, 1.0, ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.5, 0.3));
    let say = |x: &Matrix<f64>| {
        let Weights { forward, biases, .. } = &net.weights;
        let hear = |s: &Matrix<f64>, k: usize| {
            let sums = s * forward[k].transpose();
            Matrix::from_fn(1, sums.ncols(), |_, j| sums[(0, j)] + biases[k][j])
        };
        hear(&hear(x, 0).map(f64::tanh), 1)
    };
    let inputs = [[0.9, -0.4, 0.3, 0.0], [-0.8, 0.5, 0.9, -0.7], [0.1, 0.8, -0.9, 0.6]];
    let inputs = inputs.map(|x| Matrix::from_row_slice(1, 4, &x));
    let [soon, later, late] = [0.0, 10.0, 20.0].map(|wait| {
        let times = PlasticitySpec { wait, ..times(1e6, 30.0, 0.05) };
        let mut plastic = PlasticChip::at_rest(&net.chip, &net.spec.nudge, times, net.weights.clone());
        inputs.iter().for_each(|x| plastic.present(x, &say(x)));
        let moves = plastic.weights.forward.iter().zip(&net.weights.forward).map(|(w, v)| (w - v).amax());
        moves.fold(0.0, f64::max) * times.time_constant // in units of V² τ
    });
    println!("{soon:.2e} {later:.2e} {late:.2e}");
    // Two layers pass on what is left of the way, (1 + t) e^{−t}: 11 e^{−10} = 5e-4, 21 e^{−20} = 4e-8, where 1e-16 of
    // synapses' 1 V, in 1800 steps, is 1e-7 of this unit.
    assert!(soon > 0.3 && later < 5e-4 * soon && late < 1e-6 * soon, "{soon} {later} {late}");
}

/// Digits, the first so many.
fn digits(train: usize) -> Dataset {
    load(&Request { train: Some(train), ..Request::named("digits") }).unwrap()
}

#[test]
fn digits_are_learned_as_by_updates_of_single_samples() {
    let (network, epochs) = (&[64, 16, 10][..], 6);
    let data = digits(300);
    for alpha in [0.0, 0.5] {
        let mut spec = ideal(ActivationKind::Relu, Variant::DpTranspose, alpha, 0.1);
        spec.solver = SolverSpec { kind: SolverKind::Layerwise, ..SolverSpec::default() };
        let start = Weights::<f64>::draw(&InitSpec::He, &spec, network, 7);
        let chip = Chip::fabricate(&spec, network);
        let loss = Loss { kind: LossKind::Mse, reference: 1.0 };
        let accuracy = |weights: &Weights<f64>| evaluate(&chip, weights, &loss, &data.test, 10).accuracy;
        // A rate of 0.05.
        let plasticity = times(400.0, 20.0, 0.2);
        let continuous = Continuous { dataset: &data, chip: &chip, nudge: &spec.nudge, plasticity, seed: 7 };
        let mut learned = start.clone();
        let mut steps = 0;
        for epoch in 0..epochs {
            let report = continuous.epoch(&mut learned, epoch);
            assert!(report.tally == [0; 6] && report.times.is_empty(), "nothing is asked to settle");
            steps += report.rhs_evals;
        }
        assert_eq!(steps, 300 * 100 * epochs as u64);
        let rule = rule(RuleKind::DpTranspose, &spec, network);
        let course = Course {
            dataset: &data,
            rule: rule.as_ref(),
            feedback: FeedbackRule::of(&spec),
            batch: 1,
            seed: 7,
        };
        let optimizer = Optimizer::new(&OptimizerSpec::sgd(0.05), epochs, &start);
        let mut learner = Learner { weights: start.clone(), optimizer };
        (0..epochs).for_each(|epoch| drop(course.epoch(&mut learner, epoch, &mut |_, _, _| ())));
        let found = [&start, &learned, &learner.weights].map(accuracy);
        println!("α {alpha}: {found:.3?} before, continuously, by updates");
        // Of 360 samples: three standard deviations of a share of 0.8.
        assert!(found[1] > 0.7 && (found[1] - found[2]).abs() < 0.065, "{alpha}: {found:?}");
    }
}
