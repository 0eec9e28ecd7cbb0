//! Gaussian numbers in bulk: a pure function of a stream's name and of the place in the stream.
//!
//! Philox4x32-10 (Salmon et al., SC'11) in groups of 16 blocks, each group turned into normal numbers by
//! Box and Muller's transform (Ann. Math. Stat. 29, 610 (1958)) with branch-free logarithm, sine and cosine.
//! A ziggurat would take a varying number of words for each number and could not be addressed by place.
//!
//! The words are those of [`random::stream`](crate::random::stream) of the same name, whose whole layer they
//! use up: block `16 g + l` gives lane `l` of every row of group `g`, where a row is 16 numbers that stand
//! together. f32 makes four numbers of a block, f64 two, so the two precisions share no numbers. What bites:
//! the words are the same everywhere, the numbers may differ in the last bits between processors with and
//! without FMA (see [`dispatch`](crate::matrix::dispatch)), never for any other reason.

use crate::matrix::dispatch::{self, Kernel};
use crate::matrix::{Real, elementary};
use crate::random::Key;

/// Blocks that are made together; of every processor class, so that the order of numbers does not depend on
/// it.
const LANES: usize = 16;

/// Slices that begin and end at multiples of it cost no number that is thrown away.
pub const ALIGNMENT: usize = 4 * LANES;

/// Blocks of a layer's stream; later ones would belong to the next step.
const BLOCKS: u64 = 1 << 40;

/// Fills `out` with the standard normal numbers `first`, `first + 1`, … of the stream `key`.
///
/// The device of `key` is not used: a number's index says to which device and sample it belongs.
/// A number depends on `key` and its index alone, not on where slices begin. A stream has 2⁴¹ numbers in
/// double precision, twice as many in single; then it begins again. The largest magnitude is 6.8 in single
/// and 9.5 in double precision: a tail of 2⁻³² and of 2⁻⁶⁴ is cut, no value is infinite.
///
/// ```
/// # use dyadsim_core as dyadsim;
/// use dyadsim::noise::gaussian::fill;
/// use dyadsim::random::{Key, Kind};
/// let (mut all, mut part) = ([0.0; 100], [0.0; 40]);
/// fill(Key::new(1, Kind::Noise).layer(2).step(7), 0, &mut all);
/// fill(Key::new(1, Kind::Noise).layer(2).step(7), 60, &mut part);
/// assert_eq!(all[60..], part);
/// ```
pub fn fill<T: Real>(key: Key, first: u64, out: &mut [T]) {
    dispatch::run(Fill { key, first, out });
}

/// [`fill`] as a loop.
struct Fill<'a, T> {
    key: Key,
    first: u64,
    out: &'a mut [T],
}

impl<T: Real> Kernel for Fill<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let length = 2 * T::PAIRS * LANES;
        let (name, key) = (self.key.device(0).counter(), self.key.words());
        let mut group = self.first / length as u64;
        let mut skipped = (self.first % length as u64) as usize;
        let mut rest = self.out;
        while !rest.is_empty() {
            let block = (group * LANES as u64) % BLOCKS;
            let mut made = [T::ZERO; ALIGNMENT];
            normals::<T, FUSED>(&words(name | u128::from(block), key), &mut made);
            let taken = (length - skipped).min(rest.len());
            let (now, later) = rest.split_at_mut(taken);
            now.copy_from_slice(&made[skipped..skipped + taken]);
            (rest, group, skipped) = (later, group + 1, 0);
        }
    }
}

/// The blocks of Philox4x32-10 from `counter` on, a multiple of their number: a round of all lanes at a time.
#[inline(always)]
fn words(counter: u128, key: [u32; 2]) -> [[u32; LANES]; 4] {
    const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];
    let [low, rest @ ..] = [0, 32, 64, 96].map(|shift| (counter >> shift) as u32);
    let mut words = [[low; LANES], [rest[0]; LANES], [rest[1]; LANES], [rest[2]; LANES]];
    for (lane, word) in words[0].iter_mut().enumerate() {
        *word |= lane as u32;
    }
    let mut key = key;
    for _ in 0..10 {
        round(&mut words, key);
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    words
}

/// One round of every lane.
#[inline(always)]
fn round(words: &mut [[u32; LANES]; 4], key: [u32; 2]) {
    const MULTIPLIERS: [u64; 2] = [0xd251_1f53, 0xcd9e_8d57];
    let [a, b, c, d] = words;
    for lane in 0..LANES {
        let first = MULTIPLIERS[0] * u64::from(a[lane]);
        let second = MULTIPLIERS[1] * u64::from(c[lane]);
        a[lane] = (second >> 32) as u32 ^ b[lane] ^ key[0];
        b[lane] = second as u32;
        c[lane] = (first >> 32) as u32 ^ d[lane] ^ key[1];
        d[lane] = first as u32;
    }
}

/// Turns words into normal numbers, row by row.
#[inline(always)]
fn normals<T: Real, const FUSED: bool>(words: &[[u32; LANES]; 4], out: &mut [T; ALIGNMENT]) {
    let [a, b, c, d] = words;
    for (pair, rows) in out.chunks_exact_mut(2 * LANES).take(T::PAIRS).enumerate() {
        let (cosines, sines) = rows.split_at_mut(LANES);
        for lane in 0..LANES {
            let (uniform, turn) = T::uniforms([a[lane], b[lane], c[lane], d[lane]], pair);
            let (first, second) = box_muller::<T, FUSED>(uniform, turn);
            (cosines[lane], sines[lane]) = (first, second);
        }
    }
}

/// Two independent normal numbers from a `uniform` in `(0, 1]` and a `turn` in `[−½, ½]`.
#[inline(always)]
fn box_muller<T: Real, const FUSED: bool>(uniform: T, turn: T) -> (T, T) {
    let radius = (T::of(-2.0) * elementary::ln::<T, FUSED>(uniform)).sqrt();
    let (sine, cosine) = elementary::sin_cos_turns::<T, FUSED>(turn);
    (radius * cosine, radius * sine)
}

#[cfg(test)]
#[path = "gaussian_tests.rs"]
mod tests;
