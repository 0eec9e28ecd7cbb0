//! `digits`: 1797 handwritten digits of 8 x 8 inputs with 17 levels, inside the program.
//!
//! The rows stand in order of writer, so their first 80 % and last 20 % are by different hands,
//! and a network loses some 7 % on the latter. Here the split is stratified instead: per class a seeded
//! permutation of its rows, of which the first round(n/5) are for testing; then both halves are mixed.
//! One `SplitMix64` does all of it, in this order: classes 0 to 9, training order, test order.

use std::path::Path;

use super::shuffle::SplitMix;
use super::{DataError, Entry, Parts, PathUse, Request, Split, folder};

const PACKED: &[u8] = include_bytes!("embedded/digits_1797x65.u8.gz");
const FEATURES: usize = 64;
const CLASSES: usize = 10;
/// Pixels count the dark points of 4 x 4 blocks.
const FULL_SCALE: f64 = 16.0;

pub(super) const ENTRY: Entry = Entry {
    name: "digits",
    summary: "handwritten digits, 8 x 8 inputs of 17 levels, 10 classes, 1438 + 359, stratified by split_seed",
    about: "Optical Recognition of Handwritten Digits (test part), E. Alpaydin & C. Kaynak 1998, UCI repository; \
            as distributed by scikit-learn under BSD-3-Clause",
    embedded: true,
    path: PathUse::None,
    seeded: true,
    command: None,
    read,
};

fn read(request: &Request) -> Result<Parts, DataError> {
    let rows = folder::unpack(PACKED, Path::new("the embedded digits"))?;
    let rows: Vec<&[u8]> = rows.chunks_exact(FEATURES + 1).collect();
    let labels: Vec<u16> = rows.iter().map(|row| u16::from(row[FEATURES])).collect();
    let (train, test) = stratified(&labels, request.split_seed);
    Ok(Parts { classes: CLASSES, train: pick(&rows, &train)?, test: pick(&rows, &test)? })
}

/// Rows for training and rows for testing.
fn stratified(labels: &[u16], seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut generator = SplitMix::new(seed);
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for class in 0..CLASSES {
        let mut rows: Vec<usize> =
            (0..labels.len()).filter(|&row| usize::from(labels[row]) == class).collect();
        generator.shuffle(&mut rows);
        let held_out = (rows.len() + 2) / 5; // n/5 to the nearest: fifths have no ties
        test.extend_from_slice(&rows[..held_out]);
        train.extend_from_slice(&rows[held_out..]);
    }
    generator.shuffle(&mut train);
    generator.shuffle(&mut test);
    (train, test)
}

fn pick(rows: &[&[u8]], chosen: &[usize]) -> Result<Split, DataError> {
    let codes = chosen.iter().flat_map(|&row| &rows[row][..FEATURES]).copied().collect();
    let labels = chosen.iter().map(|&row| u16::from(rows[row][FEATURES])).collect();
    Split::from_codes(FEATURES, codes, FULL_SCALE, labels)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn rows() -> Vec<u8> {
        folder::unpack(PACKED, Path::new("digits")).unwrap()
    }

    fn labels() -> Vec<u16> {
        rows().chunks_exact(65).map(|row| u16::from(row[64])).collect()
    }

    #[test]
    fn the_embedded_rows_are_those_of_scikit_learn() {
        // Sums and counts of sklearn.datasets.load_digits.
        let rows = rows();
        let total: u64 = rows.chunks_exact(65).flat_map(|row| &row[..64]).map(|&code| u64::from(code)).sum();
        assert_eq!((rows.len(), total), (1797 * 65, 561_718));
        assert_eq!(labels()[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180];
        for (class, count) in (0..).zip(counts) {
            assert_eq!(labels().iter().filter(|&&label| label == class).count(), count);
        }
    }

    #[test]
    fn a_fifth_of_each_class_is_held_out_and_no_row_is_used_twice_or_lost() {
        let labels = labels();
        for seed in [0, 1, u64::MAX] {
            let (train, test) = stratified(&labels, seed);
            let all: BTreeSet<usize> = train.iter().chain(&test).copied().collect();
            assert_eq!((train.len(), test.len(), all.len()), (1438, 359, 1797));
            // round(0.2 · n) of the counts above: 35.6 36.4 35.4 36.6 36.2 36.4 36.2 35.8 34.8 36.0
            let counts = [36, 36, 35, 37, 36, 36, 36, 36, 35, 36];
            for (class, count) in (0..).zip(counts) {
                assert_eq!(test.iter().filter(|&&row| labels[row] == class).count(), count);
            }
        }
    }

    #[test]
    fn splits_are_those_of_an_independent_script() {
        // A Python script written from this file's header, SplitMix64 included, hashed the whole set as
        // documented; results are published against these splits, so they never change.
        let expected = [
            (0, "89b418e568e464a92c1daefd20f10351ff2b12e8f9b46a1c834a00dc51f79edd"),
            (1, "e529ba0fef33e4752b84bf9b5628c8853f78c3e80755a43961737e0da581df3d"),
        ];
        for (split_seed, sha256) in expected {
            let set = super::super::load(&Request { split_seed, ..Request::named("digits") }).unwrap();
            assert_eq!(set.sha256, sha256);
        }
    }
}
