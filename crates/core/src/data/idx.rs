//! IDX, the format of MNIST: a magic number, sizes (big endian), then bytes.
//!
//! The magic is `00 00 08 r`: unsigned bytes in an array of rank `r`. Headers lie, so no size is
//! trusted before the bytes it promises are there. (Format: `LeCun`, Cortes & Burges, the MNIST page.)

use std::fmt;

use thiserror::Error;

use super::Split;
use super::error::DataError;
use crate::spec::signature;

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// Samples by rows by columns; rank 2 to 4.
    Images,
    /// One byte per sample; rank 1.
    Labels,
}

impl Block {
    fn takes(self, rank: u8) -> bool {
        match self {
            Self::Images => (2..=4).contains(&rank),
            Self::Labels => rank == 1,
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Images => "images (0x00000803, or …02 to …04)",
            Self::Labels => "labels (0x00000801)",
        })
    }
}

/// Why bytes are not IDX.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IdxError {
    /// The first four bytes are not those of such a block.
    #[error("begins with 0x{found:08x}, which is not the IDX magic number of {block}{}", known(*.found))]
    Magic {
        /// What was expected.
        block: Block,
        /// The first four bytes, big endian.
        found: u32,
    },
    /// The header is cut off, or promises more bytes than follow.
    #[error("ends after {found} bytes where {needed} are needed: truncated")]
    Truncated {
        /// Bytes of the block as its header has it.
        needed: u128,
        /// Bytes there are.
        found: usize,
    },
    /// Bytes follow the block.
    #[error("has {extra} bytes more than its header says")]
    Trailing {
        /// Number of bytes that follow.
        extra: usize,
    },
}

/// What the first four bytes are known for.
fn known(found: u32) -> String {
    signature(&found.to_be_bytes()).map(|what| format!(": it is {what}")).unwrap_or_default()
}

/// A block, still where it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Idx<'a> {
    /// The first size.
    pub(super) samples: usize,
    /// Product of the other sizes.
    pub(super) features: usize,
    /// Sample after sample.
    pub(super) codes: &'a [u8],
}

/// Takes a block off the front; the rest follows.
pub(super) fn take(bytes: &[u8], block: Block) -> Result<(Idx<'_>, &[u8]), IdxError> {
    let magic = word(bytes, 0)?;
    let [zero, zero_too, kind, rank] = magic.to_be_bytes();
    if (zero, zero_too, kind) != (0, 0, 8) || !block.takes(rank) {
        return Err(IdxError::Magic { block, found: magic });
    }
    let header = 4 + 4 * usize::from(rank);
    let sizes = (1..=usize::from(rank)).map(|at| word(bytes, 4 * at)).collect::<Result<Vec<u32>, _>>()?;
    // At most four factors below 2³²: their product fits into u128, adding the header might not.
    let count: u128 = sizes.iter().map(|&size| u128::from(size)).product();
    let truncated = IdxError::Truncated { needed: count.saturating_add(header as u128), found: bytes.len() };
    let count = usize::try_from(count).map_err(|_| truncated.clone())?;
    let (codes, rest) = bytes[header..].split_at_checked(count).ok_or(truncated)?;
    let samples = sizes[0] as usize;
    Ok((Idx { samples, features: count.checked_div(samples).unwrap_or(0), codes }, rest))
}

/// The one block that the bytes are.
pub(super) fn only(bytes: &[u8], block: Block) -> Result<Idx<'_>, IdxError> {
    match take(bytes, block)? {
        (idx, []) => Ok(idx),
        (_, rest) => Err(IdxError::Trailing { extra: rest.len() }),
    }
}

/// Images and their labels, `code / full_scale` (V).
pub(super) fn pair(images: &Idx, labels: &Idx, full_scale: f64) -> Result<Split, DataError> {
    let classes = labels.codes.iter().map(|&label| u16::from(label)).collect();
    Split::from_codes(images.features, images.codes.to_vec(), full_scale, classes)
}

fn word(bytes: &[u8], at: usize) -> Result<u32, IdxError> {
    let four = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
    let needed = at as u128 + 4;
    four.map(|four| u32::from_be_bytes(*four)).ok_or(IdxError::Truncated { needed, found: bytes.len() })
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A block of bytes, by hand.
    pub(in super::super) fn block(sizes: &[u32], codes: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, u8::try_from(sizes.len()).unwrap()];
        sizes.iter().for_each(|size| bytes.extend(size.to_be_bytes()));
        bytes.extend(codes);
        bytes
    }

    #[test]
    fn sizes_are_big_endian() {
        let mut bytes = vec![0, 0, 8, 2, 0, 0, 1, 2, 0, 0, 0, 1]; // 258 samples of one input
        bytes.extend([7; 258]);
        let idx = only(&bytes, Block::Images).unwrap();
        assert_eq!((idx.samples, idx.features, idx.codes), (258, 1, &[7; 258][..]));
    }

    #[test]
    fn a_file_cut_anywhere_says_how_long_it_should_be() {
        let whole = block(&[2, 2, 3], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        assert!(only(&whole, Block::Images).is_ok());
        for length in 0..whole.len() {
            let error = only(&whole[..length], Block::Images).unwrap_err();
            let IdxError::Truncated { needed, found } = error else { panic!("at {length}: {error}") };
            assert_eq!(found, length);
            assert!(needed > length as u128 && needed <= whole.len() as u128);
        }
    }

    #[test]
    fn a_byte_too_many_is_an_error_alone_but_the_next_block_in_a_row() {
        let mut bytes = block(&[2], &[3, 4]);
        bytes.push(9);
        assert_eq!(only(&bytes, Block::Labels), Err(IdxError::Trailing { extra: 1 }));
        assert_eq!(take(&bytes, Block::Labels).unwrap().1, [9]);
    }

    #[test]
    fn other_magic_numbers_are_shown() {
        let images = block(&[1, 1, 1], &[0]);
        let error = only(&images, Block::Labels).unwrap_err();
        assert_eq!(error, IdxError::Magic { block: Block::Labels, found: 0x0803 });
        assert!(error.to_string().contains("0x00000803"), "{error}");
        for bytes in [*b"\x1f\x8b\x08\x00", [0, 0, 9, 3], [0, 0, 8, 1], [0, 0, 8, 5], [1, 0, 8, 3]] {
            assert!(matches!(only(&bytes, Block::Images), Err(IdxError::Magic { .. })), "{bytes:?}");
        }
    }

    #[test]
    fn sizes_beyond_any_memory_are_a_truncation_not_a_crash() {
        for sizes in [&[u32::MAX; 2][..], &[u32::MAX; 3], &[u32::MAX; 4]] {
            let error = only(&block(sizes, &[0; 9]), Block::Images).unwrap_err();
            assert!(matches!(error, IdxError::Truncated { .. }), "{error}");
        }
    }

    #[test]
    fn blocks_without_samples_make_no_split() {
        let (images, labels) = (block(&[0, 2, 2], &[]), block(&[0], &[]));
        let split =
            pair(&only(&images, Block::Images).unwrap(), &only(&labels, Block::Labels).unwrap(), 255.0);
        assert!(matches!(split, Err(DataError::Shape { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(
            rank in 0u8..6,
            sizes in prop::collection::vec(0u32..5, 0..5),
            tail in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let mut bytes = block(&sizes, &tail);
            bytes[3] = rank;
            for kind in [Block::Images, Block::Labels] {
                if let Ok(idx) = only(&bytes, kind) {
                    prop_assert_eq!(idx.samples * idx.features, idx.codes.len());
                }
            }
        }
    }
}
