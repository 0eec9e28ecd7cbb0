//! `fashion-14`: the first 2000 + 1000 images of Fashion-MNIST at 14 x 14 inputs and 16 levels, inside the
//! program.
//!
//! Each input is the mean of 2 x 2 pixels (a tie goes to the even code), of which the upper four bits are
//! kept. The file is four IDX blocks one after another: training images, their labels, test images, their
//! labels.

use std::path::Path;

use super::idx::{self, Block};
use super::{DataError, Entry, Parts, PathUse, Request, folder};

const PACKED: &[u8] = include_bytes!("embedded/fashion_14x14_2000+1000_q4.idx.gz");
const FILE: &str = "the embedded Fashion-MNIST images";
const CLASSES: usize = 10;
/// Four bits.
const FULL_SCALE: f64 = 15.0;

pub(super) const ENTRY: Entry = Entry {
    name: "fashion-14",
    summary: "clothes, 14 x 14 inputs of 16 levels, 10 classes, 2000 + 1000: a part of fashion-mnist, pooled",
    about: "Fashion-MNIST, H. Xiao, K. Rasul & R. Vollgraf 2017 (arXiv 1708.07747), © 2017 Zalando SE, MIT licence",
    embedded: true,
    path: PathUse::None,
    seeded: false,
    command: None,
    read,
};

fn read(_: &Request) -> Result<Parts, DataError> {
    let bytes = folder::unpack(PACKED, Path::new(FILE))?;
    let malformed = |problem| DataError::Malformed { file: FILE.into(), problem };
    let (train_images, rest) = idx::take(&bytes, Block::Images).map_err(malformed)?;
    let (train_labels, rest) = idx::take(rest, Block::Labels).map_err(malformed)?;
    let (test_images, rest) = idx::take(rest, Block::Images).map_err(malformed)?;
    let test_labels = idx::only(rest, Block::Labels).map_err(malformed)?;
    Ok(Parts {
        classes: CLASSES,
        train: idx::pair(&train_images, &train_labels, FULL_SCALE)?,
        test: idx::pair(&test_images, &test_labels, FULL_SCALE)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Request, describe, load, places};

    #[test]
    fn sizes_counts_and_first_labels_are_those_of_the_published_images() {
        let set = load(&Request::named("fashion-14")).unwrap();
        assert_eq!(set.train.labels()[..10], [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]);
        assert_eq!(set.test.labels()[..10], [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]);
        let numbers = describe(&set);
        assert_eq!((numbers.features, numbers.train.samples, numbers.test.samples), (196, 2000, 1000));
        // Counted and summed over the unpacked file by a Python script: Σ codes 1 676 576 and 857 164.
        assert_eq!(numbers.train.class_counts, [194, 216, 202, 195, 186, 200, 194, 215, 198, 200]);
        assert_eq!(numbers.test.class_counts, [107, 105, 111, 93, 115, 87, 97, 95, 95, 95]);
        assert!((numbers.train.mean_v - 1_676_576.0 / 15.0 / 392_000.0).abs() < 1e-12);
        assert!((numbers.test.mean_v - 857_164.0 / 15.0 / 196_000.0).abs() < 1e-12);
    }

    #[test]
    fn the_embedded_codes_are_the_pooled_pixels_of_the_published_images() {
        let Some(full) = places::loud("fashion-mnist") else { return };
        let small = load(&Request::named("fashion-14")).unwrap();
        for (pooled, whole, count) in [(&small.train, &full.train, 2000), (&small.test, &full.test, 1000)] {
            let pooled: Vec<f64> = pooled.volts().collect();
            let whole: Vec<f64> =
                whole.volts().take(784 * count).map(|volt| (volt * 255.0).round()).collect();
            assert_eq!(pooled.len(), 196 * count);
            for (at, volt) in pooled.iter().enumerate() {
                let (sample, row, column) = (at / 196, at % 196 / 14, at % 14);
                let corner = sample * 784 + 56 * row + 2 * column;
                let mean =
                    (whole[corner] + whole[corner + 1] + whole[corner + 28] + whole[corner + 29]) / 4.0;
                let code = (mean.round_ties_even() / 16.0).floor();
                assert!((volt * 15.0 - code).abs() < 1e-9, "input {at}");
            }
        }
    }
}
