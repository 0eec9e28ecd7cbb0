//! `yin-yang`: points of the yin-yang symbol (class 0, 1, or 2 for its two dots), as 4 inputs x, y, 1−x, 1−y.
//!
//! Small, and yet it tells whether hidden weights learn: of a 4-30-3 network, trained lower weights reach
//! 97.6 %, frozen ones 85.5 % (Kriener, Göltz & Petrovici 2022, doi 10.1145/3517343.3517380). Bit by bit the
//! authors' set: seeds 42 for training and 40 for testing. A `split_seed` s takes 42+s and 40+s instead
//! (modulo 2³²): another set of the same kind. Seeds that differ by two share samples between one's training
//! and the other's test half.

use super::mersenne::Mersenne;
use super::{DataError, Entry, Parts, PathUse, Request, Split};

const CLASSES: usize = 3;
const TRAIN: usize = 5000;
const TEST: usize = 1000;
const TRAIN_SEED: u32 = 42;
const TEST_SEED: u32 = 40;
/// Radius of the symbol, which touches all sides of the unit square (V).
const BIG: f64 = 0.5;
/// Radius of a dot (V).
const SMALL: f64 = 0.1;

pub(super) const ENTRY: Entry = Entry {
    name: "yin-yang",
    summary: "points of the yin-yang symbol, 4 inputs, 3 classes, 5000 + 1000, generated from split_seed (0: as published)",
    about: "Yin-Yang, L. Kriener, J. Göltz & M. A. Petrovici 2022 (doi 10.1145/3517343.3517380), code © 2020 lkriener, \
            MIT licence; generated anew",
    embedded: true,
    path: PathUse::None,
    seeded: true,
    command: None,
    read,
};

fn read(request: &Request) -> Result<Parts, DataError> {
    let shift = request.split_seed as u32; // the generator takes 32 bits: the lower ones, as documented
    let train = generate(TRAIN_SEED.wrapping_add(shift), TRAIN)?;
    let test = generate(TEST_SEED.wrapping_add(shift), TEST)?;
    Ok(Parts { classes: CLASSES, train, test })
}

fn generate(seed: u32, samples: usize) -> Result<Split, DataError> {
    let mut generator = Mersenne::new(seed);
    let (mut values, mut labels) = (Vec::with_capacity(4 * samples), Vec::with_capacity(samples));
    for _ in 0..samples {
        let goal = draw_class(&mut generator);
        let (x, y) = draw_point(&mut generator, goal);
        values.extend([x, y, 1.0 - x, 1.0 - y]);
        labels.push(goal);
    }
    Split::from_reals(4, values, labels)
}

/// A class, all equally likely: two bits, drawn again when they are 3.
fn draw_class(generator: &mut Mersenne) -> u16 {
    loop {
        match generator.bits() & 3 {
            0 => return 0,
            1 => return 1,
            2 => return 2,
            _ => {}
        }
    }
}

/// A point of the square, drawn until it lies in the symbol and belongs to the class.
fn draw_point(generator: &mut Mersenne, goal: u16) -> (f64, f64) {
    loop {
        let x = generator.unit() * 2.0 * BIG;
        let y = generator.unit() * 2.0 * BIG;
        if distance(x, y, BIG) <= BIG && class(x, y) == goal {
            return (x, y);
        }
    }
}

fn class(x: f64, y: f64) -> u16 {
    let right = distance(x, y, 1.5 * BIG);
    let left = distance(x, y, 0.5 * BIG);
    if right < SMALL || left < SMALL {
        return 2;
    }
    let first = right <= SMALL;
    let second = left > SMALL && left <= 0.5 * BIG;
    let third = y > BIG && right > 0.5 * BIG;
    u16::from(first || second || third)
}

/// Distance (V) from the point at `centre` on the horizontal middle line. Not `hypot`, whose last bit
/// differs.
fn distance(x: f64, y: f64, centre: f64) -> f64 {
    ((x - centre) * (x - centre) + (y - BIG) * (y - BIG)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::load;
    use super::*;

    fn check(split: &Split, labels: [u16; 10], counts: [usize; 3], sum: f64) {
        assert_eq!(split.labels()[..10], labels);
        let of = |class| split.labels().iter().filter(|&&label| label == class).count();
        assert_eq!([of(0), of(1), of(2)], counts);
        let found: f64 = split.volts().step_by(4).sum();
        assert!((found - sum).abs() < 1e-9, "{found}"); // 5000 additions, half a unit (2e-13) each at the worst
    }

    // Vectors of the authors' published arrays.
    #[test]
    fn the_training_set_is_the_published_one() {
        let set = load(&Request::named("yin-yang")).unwrap();
        let first: Vec<f64> = set.train.volts().take(4).collect();
        assert_eq!(first, [0.6803075385877797, 0.450499251969543, 0.3196924614122203, 0.549500748030457]);
        check(&set.train, [2, 1, 2, 1, 1, 1, 0, 2, 2, 0], [1681, 1702, 1617], 2528.3224565688233);
    }

    #[test]
    fn the_test_set_is_the_published_one() {
        let set = load(&Request::named("yin-yang")).unwrap();
        let first: Vec<f64> = set.test.volts().take(2).collect();
        assert_eq!(first, [0.23409664559563403, 0.4017249751828972]);
        check(&set.test, [2, 2, 1, 1, 1, 2, 2, 0, 2, 2], [350, 316, 334], 498.2569893484742);
    }

    #[test]
    fn seed_41_gives_the_published_validation_set() {
        let split = generate(41, 1000).unwrap();
        let counts = [0, 1, 2].map(|class| split.labels().iter().filter(|&&label| label == class).count());
        assert_eq!(counts, [316, 336, 348]);
        let sum: f64 = split.volts().step_by(4).sum();
        assert!((sum - 496.40889648664506).abs() < 1e-9, "{sum}");
    }

    #[test]
    fn split_seed_s_adds_s_to_both_seeds() {
        let set = load(&Request { split_seed: 1, ..Request::named("yin-yang") }).unwrap();
        assert_eq!(set.train, generate(43, 5000).unwrap());
        assert_eq!(set.test, generate(41, 1000).unwrap());
    }
}
