//! States that are left to the next presentation, and several updates in one relaxation (docs/model.md §2.1).

use dyadsim_core::data::{Dataset, Request, load};
use dyadsim_core::learn::{Batch, FeedbackRule, Gradient, Optimizer, Report, Rule, rule};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::random::{Key, Kind, permutation, stream};
use dyadsim_core::solve::{Outcome, settle_all, settle_from};
use dyadsim_core::spec::*;
use dyadsim_core::train::{Course, Learner, gather};

use crate::nets::{Net, ideal, kinds_that, relative_error};
use crate::schedules::Plain;

const NETWORK: &[usize] = &[6, 9, 8, 4];

fn net(seed: u64, samples: usize, start: Start, kind: SolverKind) -> Net {
    let mut spec = ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.5, 0.1);
    (spec.solver.start, spec.solver.kind, spec.nudge.at) = (start, kind, NudgePoint::Drive);
    Net { ..Net::random(seed, NETWORK, samples, 1.0, spec) }
}

/// Shows a rule some batches, one after the other, the first of them the first of an epoch; what it makes of
/// the last.
fn shown(rule: &dyn Rule<f64>, net: &Net, batches: &[&Batch<f64>]) -> (Gradient<f64>, Report) {
    let mut gradient = Gradient::zeros(&net.weights);
    let mut report = Report::default();
    for (i, batch) in batches.iter().enumerate() {
        rule.present(i == 0);
        report = rule.estimate(&net.weights, batch, &mut gradient);
    }
    (gradient, report)
}

fn of(net: &Net) -> Box<dyn Rule<f64>> {
    rule(RuleSpec { keep_unsettled: true, ..RuleSpec::default() }, &net.spec, &net.network)
}

#[test]
fn where_there_is_one_equilibrium_a_state_that_was_left_leads_to_the_same_gradient() {
    for kind in kinds_that(|kind| !kind.is_stochastic()) {
        for readout in [false, true] {
            let [fresh, stale] = [Start::Free, Start::Stale].map(|start| {
                let mut net = net(500, 70, start, kind);
                (net.spec.readout.auto_zero, net.spec.readout.chopping) = (readout, readout);
                net.spec.mismatch.offset_dtod = if readout { 0.01 } else { 0.0 };
                net
            });
            let before = Net::random(501, NETWORK, 70, 1.0, stale.spec.clone()).batch;
            let (expected, new) = shown(of(&fresh).as_ref(), &fresh, &[&fresh.batch]);
            let (found, old) = shown(of(&stale).as_ref(), &stale, &[&before, &stale.batch]);
            assert!(old.outcomes.iter().all(|outcome| *outcome == Outcome::Settled), "{kind:?}");
            // Potentials to 1e-10 of some volts, amplified by up to 10, over β = 0.1 and gradients of 0.1.
            let error = relative_error(&found, &expected);
            assert!(error < 1e-6, "{kind:?} {readout}: {error:.1e}");
            println!(
                "{kind:?} {readout}: {:?} from the free state, {:?} from what was left",
                new.counts, old.counts
            );
            assert_ne!(found, expected, "{kind:?}: it started from the free state");
        }
    }
}

#[test]
fn a_presentation_starts_where_the_one_before_has_left_its_place() {
    let mut first = net(502, 3, Start::Stale, SolverKind::Layerwise);
    first.spec.solver.schedule = "parallel2".parse().unwrap();
    let mut second = Net::random(502, NETWORK, 3, 1.0, first.spec.clone());
    second.batch = Net::random(503, NETWORK, 3, 1.0, first.spec.clone()).batch;
    let (found, _) = shown(of(&first).as_ref(), &first, &[&first.batch, &second.batch]);
    let mut expected = Gradient::zeros(&first.weights);
    let layers = [0, 1, 2];
    for sample in 0..3 {
        let mut before = Plain::free(&first, sample);
        (0..2).for_each(|_| before.update(&layers));
        let mut after = Plain { net: &second, sample, state: before.state };
        (0..2).for_each(|_| after.update(&layers));
        after.add_to(&mut expected);
    }
    let error = relative_error(&found, &expected);
    assert!(error < 1e-13, "{error:.1e}"); // sums in another order
    // The first of an epoch knows nothing of what was before.
    let rule = of(&first);
    let fresh = shown(rule.as_ref(), &first, &[&first.batch]).0;
    assert_eq!(shown(rule.as_ref(), &first, &[&first.batch]).0, fresh);
}

#[test]
fn a_place_that_has_nothing_to_go_on_from_starts_free() {
    let mut net = net(504, 4, Start::Stale, SolverKind::Layerwise);
    net.spec.solver.schedule = "parallel1".parse().unwrap();
    let circuit = net.circuit();
    let free = settle_all(&net.spec.solver, &circuit, false).state;
    let mut left = Matrix::from_element(3, net.chip.layout.width(), 0.3); // none for the last
    (left[(1, 5)], left[(2, 0)]) = (f64::NAN, 1e5);
    let found = settle_from(&net.spec.solver, &circuit, (false, &|_| {}), Some(&left)).state;
    assert_ne!(found.row(0), free.row(0));
    for row in 1..4 {
        assert_eq!(found.row(row), free.row(row), "{row}");
    }
}

fn digits() -> Dataset {
    load(&Request { train: Some(400), test: Some(10), ..Request::named("digits") }).unwrap()
}

/// A net for digits in training.
fn learner(spec: CircuitSpec) -> Net {
    Net::random(505, &[64, 7, 6, 10], 1, 1.0, spec)
}

/// Weights after some epochs, by one rule for all or by a new one for each, as after a run went on.
fn trained(net: &Net, settings: RuleSpec, batch: usize, again: bool) -> Gradient<f64> {
    let data = digits();
    let mut learner = Learner {
        weights: net.weights.clone(),
        optimizer: Optimizer::new(&OptimizerSpec::sgd(0.05), 3, &net.weights),
    };
    let mut known = rule::<f64>(settings, &net.spec, &net.network);
    for epoch in 0..3 {
        if again {
            known = rule(settings, &net.spec, &net.network);
        }
        let course = Course {
            dataset: &data,
            rule: known.as_ref(),
            feedback: FeedbackRule::default(),
            batch,
            seed: 3,
        };
        course.epoch(&mut learner, epoch, &mut |_, _, _| {});
    }
    Gradient::new(learner.weights.forward, learner.weights.biases)
}

#[test]
fn what_is_left_survives_no_epoch_and_knows_no_threads() {
    for kind in [SolverKind::Etd, SolverKind::Layerwise] {
        let net = learner(CircuitSpec {
            solver: SolverSpec { rtol: 1e-4, ..net(0, 1, Start::Stale, kind).spec.solver },
            ..CircuitSpec::default()
        });
        let on = |threads: usize, again| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| trained(&net, RuleKind::DpTranspose.into(), 150, again))
        };
        let one = on(1, false);
        assert_eq!(one, on(1, true), "{kind:?}");
        assert_eq!(one, on(3, false), "{kind:?}");
        let mut fresh = net.spec.clone();
        fresh.solver.start = Start::Free;
        let fresh = trained(&learner(fresh), RuleKind::DpTranspose.into(), 150, false);
        assert_ne!(one, fresh, "{kind:?}: nothing was left");
    }
}

#[test]
fn updates_in_a_relaxation_are_those_of_plain_loops() {
    let mut net = learner(net(0, 1, Start::Free, SolverKind::Layerwise).spec);
    net.spec.solver.schedule = "fwbw1".parse().unwrap();
    let settings = RuleSpec { keep_unsettled: true, updates: 3, ..RuleSpec::default() };
    let data = digits();
    let (rate, batch) = (0.05, 200);
    let known = rule::<f64>(settings, &net.spec, &net.network);
    let optimizer = Optimizer::new(&OptimizerSpec::sgd(rate), 1, &net.weights);
    let mut learner = Learner { weights: net.weights.clone(), optimizer };
    let course =
        Course { dataset: &data, rule: known.as_ref(), feedback: FeedbackRule::default(), batch, seed: 3 };
    let mut seen = 0;
    course.epoch(&mut learner, 0, &mut |_, _, _| seen += 1);
    assert_eq!(seen, 6);
    // Every batch from its free state; a round down and up, an update, and on with the state as it is.
    let order = permutation(400, &mut stream(Key::new(3, Kind::BatchOrder)));
    for samples in order.chunks(batch) {
        net.batch = gather(&data, samples);
        let mut states: Vec<_> = (0..batch).map(|sample| Plain::free(&net, sample).state).collect();
        for _ in 0..3 {
            let mut gradient = Gradient::zeros(&net.weights);
            for (sample, state) in states.iter_mut().enumerate() {
                let mut plain = Plain { net: &net, sample, state: std::mem::take(state) };
                [2, 1, 0, 1, 2].iter().for_each(|&layer| plain.update(&[layer]));
                plain.add_to(&mut gradient);
                *state = plain.state;
            }
            for (w, g) in net.weights.forward.iter_mut().zip(&gradient.forward) {
                *w -= g * rate;
            }
            for (b, g) in net.weights.biases.iter_mut().zip(&gradient.biases) {
                b.iter_mut().zip(g).for_each(|(b, g)| *b -= rate * g);
            }
        }
    }
    let as_gradient =
        |weights: dyadsim_core::chip::Weights<f64>| Gradient::new(weights.forward, weights.biases);
    let error = relative_error(&as_gradient(learner.weights), &as_gradient(net.weights.clone()));
    assert!(error < 1e-13, "{error:.1e}"); // six updates, sums in another order
}
