//! What holds of Gaussian numbers: their words, their order, their distribution.
//!
//! Seeds are named, so a test that passes does so for ever; each bound says how many seeds in all would break
//! it, were the numbers perfect.

use proptest::prelude::*;

use super::*;
use crate::random::{Kind, stream};

/// Numbers of a statistical test.
const COUNT: usize = 10_000_000;

/// Largest deviation allowed (standard errors): 1 in 1.7 million seeds breaks one bound, so that the 40 or so
/// bounds here fail together for one choice of seeds in 40,000.
const LIMIT: f64 = 5.0;

fn name() -> Key {
    Key::new(0x5eed, Kind::Noise).layer(2).trial(3).step(5)
}

fn numbers<T: Real>(key: Key, first: u64, count: usize) -> Vec<T> {
    let mut out = vec![T::ZERO; count];
    fill(key, first, &mut out);
    out
}

/// The first of the blocks from `counter` on.
fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let whole = counter.iter().rev().fold(0_u128, |whole, &word| whole << 32 | u128::from(word));
    words(whole, key).map(|lanes| lanes[0])
}

#[test]
fn the_published_vectors_come_out() {
    // Random123 kat_vectors, philox4x32 10: zeros, ones, digits of pi.
    assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
    let ones = philox([u32::MAX; 4], [u32::MAX; 2]);
    assert_eq!(ones, [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
    let pi = philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]);
    assert_eq!(pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
}

#[test]
fn the_words_are_those_of_the_named_stream() {
    let mut stream = stream(name());
    for group in 0..100 {
        let words = words(name().counter() + group * LANES as u128, name().words());
        for lane in 0..LANES {
            assert_eq!(
                words.map(|row| row[lane]),
                std::array::from_fn(|_| stream.next_u32()),
                "{group} {lane}"
            );
        }
    }
}

#[test]
fn numbers_are_box_and_mullers_of_the_streams_words() {
    let mut stream = stream(name());
    let blocks: [[u32; 4]; LANES] = std::array::from_fn(|_| std::array::from_fn(|_| stream.next_u32()));
    let (single, double) = (numbers::<f32>(name(), 0, 64), numbers::<f64>(name(), 0, 32));
    let plain = |uniform: f64, turn: f64| {
        let (sine, cosine) = (std::f64::consts::TAU * turn).sin_cos();
        let radius = (-2.0 * uniform.ln()).sqrt();
        (radius * cosine, radius * sine)
    };
    let unit = 2.0_f64.powi(-32);
    for (lane, w) in blocks.iter().map(|block| block.map(f64::from)).enumerate() {
        let exact = plain((w[0] + (w[1] + 0.5) * unit) * unit, (w[2] + w[3] * unit) * unit);
        let error = (double[lane] - exact.0).abs().max((double[16 + lane] - exact.1).abs());
        assert!(error < 1e-14, "{lane}: {error:e}"); // a radius below 7 times some 5 units
        for (pair, w) in w.chunks(2).enumerate() {
            let exact = plain((w[0] + 0.5) * unit, w[1] * unit);
            let own = [single[32 * pair + lane], single[32 * pair + 16 + lane]].map(f64::from);
            let error = (own[0] - exact.0).abs().max((own[1] - exact.1).abs());
            assert!(error < 5e-6, "{lane}: {error:e}");
        }
    }
}

proptest! {
    #[test]
    fn a_number_does_not_depend_on_where_slices_begin(
        first in 0_u64..1 << 41,
        cuts in prop::collection::vec(0_usize..300, 0..6),
    ) {
        let total: usize = cuts.iter().sum();
        let (single, double) = (numbers::<f32>(name(), first, total), numbers::<f64>(name(), first, total));
        let mut begin = 0;
        for cut in cuts {
            let at = first + begin as u64;
            prop_assert_eq!(&single[begin..begin + cut], &numbers::<f32>(name(), at, cut)[..]);
            prop_assert_eq!(&double[begin..begin + cut], &numbers::<f64>(name(), at, cut)[..]);
            begin += cut;
        }
    }
}

#[test]
fn a_stream_ends_before_the_next_step_and_begins_again() {
    let end = 1 << 41;
    assert_eq!(numbers::<f64>(name(), end, 32), numbers::<f64>(name(), 0, 32));
    assert_ne!(numbers::<f64>(name(), end, 32), numbers::<f64>(name().step(6), 0, 32));
}

#[test]
fn the_device_of_a_name_is_not_used() {
    assert_eq!(numbers::<f64>(name().device(9), 0, 99), numbers::<f64>(name(), 0, 99));
}

/// Numbers from the extreme words, and the largest magnitude.
fn check_extremes<T: Real>(largest: f64) {
    let ends = [0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX - 1, u32::MAX];
    let mut found = 0.0_f64;
    for words in ends.iter().flat_map(|&a| ends.map(|b| [a, a, b, b])) {
        for words in [words, [words[0], words[2], words[2], words[0]]] {
            for pair in 0..T::PAIRS {
                let (uniform, turn) = T::uniforms(words, pair);
                let both = [box_muller::<T, true>(uniform, turn), box_muller::<T, false>(uniform, turn)];
                for z in both.iter().flat_map(|z| [z.0.to_f64(), z.1.to_f64()]) {
                    assert!(z.is_finite(), "{words:x?}");
                    found = found.max(z.abs());
                }
            }
        }
    }
    assert!((found - largest).abs() < 1e-5, "{found}");
}

#[test]
fn the_extreme_words_give_finite_numbers() {
    let largest = |bits: f64| (2.0 * (bits + 1.0) * std::f64::consts::LN_2).sqrt();
    check_extremes::<f32>(largest(32.0));
    check_extremes::<f64>(largest(64.0));
}

/// Fails where `found` is further from `exact` than the limit times the standard error.
fn near(what: &str, found: f64, exact: f64, error: f64) {
    let off = (found - exact) / error;
    assert!(off.abs() < LIMIT, "{what}: {found}, {off:.2} standard errors from {exact}");
}

/// Moments, tails and correlations.
fn check_statistics<T: Real>(key: Key) {
    let z: Vec<f64> = numbers::<T>(key, 0, COUNT).iter().map(|z| z.to_f64()).collect();
    let n = COUNT as f64;
    let mean = |f: &dyn Fn(f64) -> f64| z.iter().map(|&z| f(z)).sum::<f64>() / n;
    // Variances of z^k follow from the moments 1, 3, 15, 105 of a normal number.
    near("mean", mean(&|z| z), 0.0, (1.0 / n).sqrt());
    near("variance", mean(&|z| z * z), 1.0, (2.0 / n).sqrt());
    near("third moment", mean(&|z| z.powi(3)), 0.0, (15.0 / n).sqrt());
    near("fourth moment", mean(&|z| z.powi(4)), 3.0, (96.0 / n).sqrt());
    for (edge, tail) in [(3.0, 2.699_796_063_260_19e-3), (4.0, 6.334_248_366_623_98e-5)] {
        let share = mean(&|z| f64::from(u8::from(z.abs() > edge)));
        near(&format!("beyond {edge}"), share, tail, (tail / n).sqrt());
    }
    // Lags within a row, between rows and between groups; of numbers and of their squares.
    for lag in [1, 2, 15, 16, 17, 32, 48, 64, 1024] {
        let pairs = (COUNT - lag) as f64;
        let product = z.iter().zip(&z[lag..]).map(|(a, b)| a * b).sum::<f64>() / pairs;
        near(&format!("lag {lag}"), product, 0.0, pairs.sqrt().recip());
        let squares =
            z.iter().zip(&z[lag..]).map(|(a, b)| (a * a - 1.0) * (b * b - 1.0)).sum::<f64>() / pairs;
        near(&format!("squares at lag {lag}"), squares, 0.0, 2.0 / pairs.sqrt());
    }
}

#[test]
fn moments_tails_and_lags_are_those_of_independent_normal_numbers() {
    check_statistics::<f32>(name());
    check_statistics::<f64>(name().step(6));
}

#[test]
fn streams_of_neighbouring_names_are_uncorrelated() {
    let count = COUNT / 10;
    let base = numbers::<f64>(name(), 0, count);
    let others = [
        name().step(6),
        name().layer(3),
        name().trial(4),
        Key { seed: 0x5eee, ..name() },
        Key { kind: Kind::Programming, ..name() },
    ];
    for other in others {
        let products = base.iter().zip(numbers::<f64>(other, 0, count)).map(|(a, b)| a * b).sum::<f64>();
        near(&format!("{other:?}"), products / count as f64, 0.0, (count as f64).sqrt().recip());
    }
}

/// Chi-square over 64 bins that are equally likely: their edges, found by bisection of the density's
/// integral.
#[test]
fn numbers_fill_equally_likely_bins_equally() {
    let step = 1e-4;
    let (mut edges, mut mass, mut at) = (vec![], 0.5, 0.0);
    while edges.len() < 31 {
        let density = |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
        let next = mass + step * density(at + 0.5 * step);
        let wanted = (33 + edges.len()) as f64 / 64.0;
        if next > wanted {
            edges.push(at + step * (wanted - mass) / (next - mass));
        }
        (mass, at) = (next, at + step);
    }
    let mut counts = [0_u32; 64];
    for z in numbers::<f32>(name().step(7), 0, COUNT).into_iter().map(f64::from) {
        let outward = edges.partition_point(|edge| *edge < z.abs());
        counts[if z < 0.0 { 31 - outward } else { 32 + outward }] += 1;
    }
    let expected = COUNT as f64 / 64.0;
    let chi: f64 = counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
    assert!(chi < 121.0, "{chi}"); // 63 degrees of freedom: exceeded once in 60,000 seeds
}
