//! What may not matter: how a batch is split, on how many threads it runs, what else is in it, and (but for
//! rounding) the precision.

use dyadsim_core::chip::Chip;
use dyadsim_core::learn::{Batch, nudged};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::matrix::measure::Largest;
use dyadsim_core::solve::{Outcome, SHARD, Settled, settle_all};
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal, kinds_that, row};

/// Solvers without noise.
fn kinds() -> Vec<SolverKind> {
    kinds_that(|kind| !kind.is_stochastic())
}

/// A net of `samples` samples; the first ones do not depend on how many there are.
fn net(samples: usize, kind: SolverKind) -> Net {
    let mut spec = ideal(ActivationKind::Relu, Variant::DpTranspose, 0.25, 0.3);
    spec.solver = SolverSpec { kind, rtol: 1e-6, atol: 1e-9, ..spec.solver };
    let whole = Net::random(21, &[5, 7, 6, 3], SHARD + 17, 1.0, spec);
    let rows: Vec<usize> = (0..samples).collect();
    let (inputs, targets) = (whole.batch.inputs.select_rows(&rows), whole.batch.targets.select_rows(&rows));
    Net { batch: Batch::new(inputs, targets), ..whole }
}

/// Whether the first samples of two results carry the same bits.
fn same_bits(one: &Settled<f64>, other: &Settled<f64>, samples: usize) -> bool {
    (0..samples).all(|i| {
        let bits = |s: &Settled<f64>| {
            let state: Vec<u64> = s.state.row(i).iter().map(|v| v.to_bits()).collect();
            (state, s.outcomes[i], s.time[i].to_bits(), s.residual[i].to_bits())
        };
        bits(one) == bits(other)
    })
}

#[test]
fn a_full_shard_does_not_notice_what_comes_after_it() {
    for kind in kinds_that(SolverKind::is_adaptive) {
        let (alone, longer) = (net(SHARD, kind).settle(), net(SHARD + 17, kind).settle());
        assert!(same_bits(&alone, &longer, SHARD), "{kind:?}");
    }
}

#[test]
fn samples_of_the_one_by_one_integrators_do_not_notice_each_other() {
    for kind in kinds_that(SolverKind::is_one_by_one) {
        assert!(same_bits(&net(3, kind).settle(), &net(11, kind).settle(), 3), "{kind:?}");
    }
}

#[test]
fn one_thread_and_two_give_the_same_bits() {
    for kind in kinds() {
        let net = net(SHARD + 17, kind);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| net.settle())
        };
        let (one, two) = (on(1), on(2));
        assert!(same_bits(&one, &two, SHARD + 17) && one.counts == two.counts, "{kind:?}");
    }
}

#[test]
fn a_sample_that_is_not_a_number_ends_as_such_and_leaves_its_neighbours_their_bits() {
    for kind in kinds() {
        let healthy = net(8, kind);
        let mut ill = net(9, kind);
        ill.batch.inputs[(8, 2)] = f64::NAN;
        let (alone, beside) = (healthy.settle(), ill.settle());
        assert_eq!(beside.outcomes[8], Outcome::NotFinite, "{kind:?}");
        assert!(same_bits(&alone, &beside, 8), "{kind:?}");
        assert!(alone.outcomes.iter().all(|o| *o == Outcome::Settled), "{kind:?}");
    }
}

/// Settles a net in single precision.
fn settle_single(net: &Net, kind: SolverKind) -> Settled<f32> {
    let chip = Chip::<f32>::fabricate(&net.spec, &net.network);
    let single = |m: &Matrix<f64>| m.map(|x| x as f32);
    let batch = Batch::new(single(&net.batch.inputs), single(&net.batch.targets));
    let solver = SolverSpec { kind, ..net.spec.solver.clone() };
    settle_all(&solver, &nudged(&chip, &net.weights.cast::<f32>(), &batch, &net.spec), false)
}

#[test]
fn single_precision_differs_from_double_by_its_rounding_alone() {
    for (seed, activation) in
        (31..).zip([ActivationKind::Tanh, ActivationKind::Relu, ActivationKind::Softplus])
    {
        for kind in kinds() {
            let mut spec = ideal(activation, Variant::DpTranspose, 0.25, 0.3);
            // The tolerance is half a dozen roundings of potentials near 1 V.
            spec.solver = SolverSpec { kind, rtol: 1e-6, atol: 1e-6, ..spec.solver };
            let net = Net::random(seed, &[8, 10, 9, 4], 5, 1.0, spec);
            let settled = settle_single(&net, kind);
            for i in 0..5 {
                let what = format!("{activation:?} {kind:?} sample {i}");
                assert_eq!(settled.outcomes[i], Outcome::Settled, "{what}");
                let oracle = net.oracle(i);
                let fixed = oracle.fixed_point();
                let state = row(&settled.state.map(f64::from), i);
                // A drive sums at most 10 products of factors near 1, each factor and sum rounded: 30 halves
                // of ε.
                let rounding = 15.0 * f64::from(f32::EPSILON) * (1.0 + state.largest());
                let bound = oracle.condition(&fixed) * (2e-6 * (1.0 + state.largest()) + rounding);
                let error = (state - fixed).largest();
                assert!(error < bound && bound < 2e-4, "{what}: {error:.1e} V, bound {bound:.1e} V");
            }
        }
    }
}
#[test]
fn single_precision_settles_also_where_the_error_is_small() {
    // The differences of a task that is almost learned, 1e-3 to 1e-5 V here, move by roundings of potentials
    // near 1 V for ever; the default tolerance of the rate of a difference lies far below that.
    for distance in [1.0, 1e-3, 1e-4, 1e-5] {
        let spec = CircuitSpec::default();
        let mut net = Net::random(41, &[64, 32, 10], 16, 1.0, spec);
        for i in 0..16 {
            let output = net.oracle(i).forward().pop().unwrap();
            for j in 0..10 {
                net.batch.targets[(i, j)] = output[j] + distance * (net.batch.targets[(i, j)] - 0.5);
            }
        }
        for (kind, outcomes) in kinds().into_iter().map(|kind| (kind, settle_single(&net, kind).outcomes)) {
            assert!(
                outcomes.iter().all(|o| *o == Outcome::Settled),
                "{distance:e} V, {kind:?}: {outcomes:?}"
            );
        }
    }
}
