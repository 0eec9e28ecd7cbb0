//! Pools against the processes that they stand for.

use nalgebra::{Matrix3, RowVector3};

use super::*;
use crate::noise::{SampleIds, flicker};

/// `(X, X, A)` of two processes at the ends of `2h` and over it, with the integral over the first half:
/// covariances of all four, exact.
fn exact(members: &[(f64, f64)], leak: f64, h: f64) -> (Matrix3<f64>, RowVector3<f64>, f64) {
    let mut found = (Matrix3::zeros(), RowVector3::zeros(), 0.0);
    for &(rate, variance) in members {
        let pair = OuIntegral { rate, r: 1.0, leak };
        // Rows: x(0), x(h), x(2h), a₁, a₂ as loads of x(0) and of the two halves' kicks.
        let (step, kicks) = (pair.transition(h), pair.covariance(h));
        let (e, f, decay) = (step[(0, 0)], step[(1, 0)], (-leak * h).exp());
        let loads = [
            ("start", 1.0, [0.0, 0.0], [0.0, 0.0]),
            ("end", e * e, [e, 0.0], [1.0, 0.0]),
            ("whole", decay * f + f * e, [f, decay], [0.0, 1.0]),
            ("first", f, [0.0, 1.0], [0.0, 0.0]),
        ];
        let product = |i: usize, j: usize| {
            let both = |one: [f64; 2], other: [f64; 2]| {
                (0..4).map(|k| one[k / 2] * kicks[(k / 2, k % 2)] * other[k % 2]).sum::<f64>()
            };
            variance * (loads[i].1 * loads[j].1 + both(loads[i].2, loads[j].2) + both(loads[i].3, loads[j].3))
        };
        found.0 += Matrix3::from_fn(product);
        found.1 += RowVector3::from_fn(|_, j| product(3, j));
        found.2 += product(3, 3);
    }
    found
}

#[test]
fn a_pool_halves_as_its_members_would() {
    let h = 1.0;
    let band = |top: f64| (0..8).map(|k| (top * 10_f64.powf(-0.5 * f64::from(k)), 1.0)).collect::<Vec<_>>();
    for members in
        [vec![(0.249, 1.0)], vec![(0.249, 1.0), (0.05, 1.0)], vec![(0.2, 0.1), (0.001, 20.0)], band(0.249)]
    {
        for leak in [0.0, 0.05, 1.0] {
            let poles: Vec<OuProcess> = members
                .iter()
                .map(|&(rate, variance)| OuProcess { rate, variance: vec![variance] })
                .collect();
            let pool = Pool::<f64>::new(&poles.iter().collect::<Vec<_>>(), h, 1, &[(1.0, leak)]);
            let (by, deviation) = (pool.runs[0].1, pool.deviations[0]);
            let (known, with, own) = exact(&members, leak, h);
            // The scheme's first half from what is known of the whole.
            let loads = RowVector3::new(by.before[1], by.end[1][0], by.end[1][1]);
            let made = (loads * known * loads.transpose())[0] + (deviation * by.noise[0]).powi(2);
            // Contrast of the two halves, which is what is new at this level: `a₁ − (A − d a₁)`.
            let contrast = |own: f64, with: f64| {
                let d = 1.0 + by.decay;
                d * d * own - 2.0 * d * with + known[(2, 2)]
            };
            let (wanted, found) = (contrast(own, with[2]), contrast(made, (loads * known)[2]));
            assert!((found / wanted - 1.0).abs() < 1e-3, "{members:?} {leak}: {found} {wanted}");
        }
    }
}

/// Integrals of flicker noise over `count` steps of `step` τ with τ = 1, and its processes.
fn integrals(step: f64, count: usize, leak: f64) -> (Vec<Vec<f64>>, Vec<OuProcess>) {
    let mut clock = Clock::new(step, 1.0);
    let lanes = Lanes::new(&SampleIds::first(64));
    let processes = flicker::processes(1.0, 1e-3, 10.0, 2);
    let poles: Vec<OuProcess> =
        processes.iter().map(|p| OuProcess { rate: p.rate, variance: vec![p.variance; 32] }).collect();
    let mut sum = OuBank::new(&clock, 64, &poles, &[(1.0, leak); 32]);
    let each = (0..count).map(|_| {
        sum.advance(&clock, &lanes);
        clock.done += 1;
        sum.step().to_vec()
    });
    (each.collect(), poles)
}

#[test]
fn halving_the_step_refines_the_same_path() {
    for leak in [0.0, 1.0] {
        for step in [4.0, 1.0, 0.1] {
            let (coarse, fine) = (integrals(step, 40, leak).0, integrals(0.5 * step, 80, leak).0);
            let decay = (-0.5 * step * leak).exp();
            for (whole, halves) in coarse.iter().zip(fine.chunks(2)) {
                for i in 0..whole.len() {
                    let sum = decay * halves[0][i] + halves[1][i];
                    assert!((whole[i] - sum).abs() < 1e-12, "{leak}: {} {sum}", whole[i]); // rounding
                }
            }
        }
    }
}

#[test]
fn increments_of_every_span_have_the_variance_of_the_sum() {
    let (h, count) = (0.05_f64, 4096);
    let (steps, poles) = integrals(h, count, 0.0);
    let columns = steps[0].len();
    // Integrals over `2ᵏ` steps, then the contrast of neighbours: what is slower than they are drops out.
    for k in 0..9 {
        let length = 1_usize << k;
        let (mut sum, mut square) = (0.0, 0.0);
        for pair in steps.chunks_exact(2 * length) {
            let halves = [&pair[..length], &pair[length..]];
            for i in 0..columns {
                let [one, two] = halves.map(|half| half.iter().map(|step| step[i]).sum::<f64>());
                sum += (one - two).powi(2);
                square += (one - two).powi(4);
            }
        }
        let number = (steps.len() / (2 * length) * columns) as f64;
        let span = length as f64 * h;
        let wanted: f64 = poles
            .iter()
            .map(|pole| {
                // Var(∫₀ˢ x) = (2σ²/λ²)(λs − 1 + e^{−λs}); the contrast of two spans is 4 V(s) − V(2s).
                let z = |s: f64| pole.rate * s - 1.0 + (-pole.rate * s).exp();
                2.0 * pole.variance[0] / pole.rate.powi(2) * (4.0 * z(span) - z(2.0 * span))
            })
            .sum();
        let (mean, deviation) = (sum / number, (square / number - (sum / number).powi(2)).sqrt());
        // Contrasts of different pairs are correlated by less than a tenth: five standard errors instead of
        // four.
        let error = 5.0 * deviation / number.sqrt() / wanted;
        assert!((mean / wanted - 1.0).abs() < error, "{span}: {mean} {wanted} ± {error}");
    }
}

#[test]
fn a_sample_keeps_its_numbers_when_others_leave() {
    let clock = Clock::new(0.1, 1.0);
    let sources = flicker::processes(1.0, 1e-2, 10.0, 2);
    let poles: Vec<OuProcess> =
        sources.iter().map(|p| OuProcess { rate: p.rate, variance: vec![p.variance; 3] }).collect();
    let follow = |leave: usize| {
        let (mut clock, mut lanes) = (clock, Lanes::new(&SampleIds::first(5)));
        let mut sum = OuBank::<f64>::new(&clock, 5, &poles, &[(1.0, 1.0); 3]);
        for step in 0..100 {
            if step == leave {
                sum.keep(&[1, 4]);
                lanes = Lanes::new(&SampleIds::first(5).subset(&[1, 4]));
            }
            sum.advance(&clock, &lanes);
            clock.done += 1;
        }
        (sum.step().to_vec(), lanes.rows)
    };
    let (whole, rows) = follow(usize::MAX);
    for leave in [1, 13, 64, 77] {
        let (some, left) = follow(leave);
        for column in 0..3 {
            assert_eq!(some[column * left], whole[column * rows + 1]);
            assert_eq!(some[column * left + 1], whole[column * rows + 4]);
        }
    }
}
