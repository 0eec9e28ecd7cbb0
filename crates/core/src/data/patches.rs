//! Patches cut from grey pictures: 16 x 16 inputs, whose class is the picture.
//!
//! Training patches lie in the upper three quarters of a picture and test patches in its lower quarter, so no
//! pixel is in both; places are drawn evenly, with repetition. One `SplitMix64` draws everything: order of
//! the pictures, then column and row of each patch, training first.

use super::shuffle::SplitMix;
use super::{DataError, Parts, Split};

/// Pixels along a side of a patch.
pub(super) const SIDE: usize = 16;

/// A grey picture of 256 levels, row after row.
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) grey: Vec<u8>,
}

/// Cuts so many training and test patches of every picture. A quarter of a picture is at least a patch high,
/// and as wide.
pub(super) fn cut(
    pictures: &[Picture],
    (train, test): (usize, usize),
    seed: u64,
) -> Result<Parts, DataError> {
    let mut source = SplitMix::new(seed);
    let border = |picture: &Picture| picture.height - picture.height / 4;
    let mut half = |count: usize, rows: &dyn Fn(&Picture) -> std::ops::Range<usize>| {
        let mut labels: Vec<u16> = (0..pictures.len() * count).map(|k| (k / count) as u16).collect();
        source.shuffle(&mut labels);
        let mut codes = Vec::with_capacity(labels.len() * SIDE * SIDE);
        for &label in &labels {
            let picture = &pictures[usize::from(label)];
            let rows = rows(picture);
            let left = source.below(picture.width - SIDE + 1);
            let top = rows.start + source.below(rows.len() - SIDE + 1);
            for row in top..top + SIDE {
                let start = row * picture.width + left;
                codes.extend_from_slice(&picture.grey[start..start + SIDE]);
            }
        }
        Split::from_codes(SIDE * SIDE, codes, 255.0, labels)
    };
    let train = half(train, &|picture| 0..border(picture))?;
    let test = half(test, &|picture| border(picture)..picture.height)?;
    Ok(Parts { classes: pictures.len(), train, test })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_a_square_of_its_picture_and_no_pixel_is_in_both_halves() {
        // Every pixel tells its row, by the picture.
        let picture = |tall: u8| Picture {
            width: 20,
            height: usize::from(tall),
            grey: (0..tall).flat_map(|row| [row; 20]).collect(),
        };
        let Parts { classes, train, test } = cut(&[picture(64), picture(80)], (40, 30), 5).unwrap();
        assert_eq!((classes, train.len(), test.len()), (2, 80, 60));
        for (split, borders) in [(&train, [0..48, 0..60]), (&test, [48..64, 60..80])] {
            let volts: Vec<f64> = split.volts().collect();
            for (patch, &label) in volts.chunks_exact(256).zip(split.labels()) {
                let top = (patch[0] * 255.0).round() as usize;
                let rows = &borders[usize::from(label)];
                assert!(rows.contains(&top) && rows.contains(&(top + 15)), "{top}");
                for (k, volt) in patch.iter().enumerate() {
                    assert_eq!((volt * 255.0).round() as usize, top + k / 16);
                }
            }
            for class in 0..2 {
                assert_eq!(split.labels().iter().filter(|label| **label == class).count(), split.len() / 2);
            }
        }
    }
}
