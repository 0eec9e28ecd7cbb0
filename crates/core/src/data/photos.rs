//! `photos`: patches of seven photographs of the Python package scikit-image.
//!
//! 2.4 MB, therefore not inside the program but sought on disk as all sets are, file by file
//! ([`super::places`]), and known by their hashes. Colours become grey as the eye has them (Rec. 709). This
//! is the only place that names `png`.

use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::patches::{self, Picture};
use super::places::candidates;
use super::{DataError, Entry, Looked, Parts, PathUse, Request};
use crate::file;

const NAME: &str = "photos";
/// Files with the SHA-256 (hex) of their content; the number of a file is the class of its patches.
const FILES: [(&str, &str); 7] = [
    ("camera.png", "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a"),
    ("astronaut.png", "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"),
    ("coffee.png", "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7"),
    ("chelsea.png", "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb"),
    ("grass.png", "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89"),
    ("gravel.png", "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12"),
    ("brick.png", "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf"),
];
/// Patches of a photograph, for training and for testing.
const PATCHES: (usize, usize) = (8000, 1000);
/// Largest file (bytes), and most bytes that one unpacks to.
const LARGEST: u64 = 16 << 20;
/// Shares of red, green and blue in grey.
const LUMA: [f64; 3] = [0.2125, 0.7154, 0.0721];

const COMMAND: &str = "(d=\"${XDG_CACHE_HOME:-$HOME/.cache}/dyadsim/photos\" && mkdir -p \"$d\" && cd \"$d\" && \
    python3 -m pip download --quiet --no-deps --only-binary :all: --python-version 3.11 \
    --platform manylinux_2_28_x86_64 scikit-image==0.26.0 && python3 -m zipfile -e scikit_image-*.whl x && \
    for p in camera astronaut coffee chelsea grass gravel brick; do mv x/skimage/data/$p.png .; done && \
    rm -r x scikit_image-*.whl)";

pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    summary: "patches of 7 photographs, 16 x 16 inputs of 256 levels, 56000 + 7000, cut by split_seed",
    about: "photographs of scikit-image 0.26.0: astronaut is NASA's, in the public domain, the others are CC0",
    embedded: false,
    path: PathUse::Optional,
    seeded: true,
    command: Some(COMMAND),
    read: |request| read_from(candidates(NAME, request.path, None), request),
};

fn read_from(folders: Vec<PathBuf>, request: &Request) -> Result<Parts, DataError> {
    let mut looked = Vec::new();
    for folder in folders {
        if let Some((lacks, _)) = FILES.into_iter().find(|(name, _)| !folder.join(name).is_file()) {
            looked.push(Looked { folder, lacks });
            continue;
        }
        let pictures: Result<Vec<Picture>, DataError> =
            FILES.into_iter().map(|(name, sha256)| picture(&folder.join(name), sha256)).collect();
        return patches::cut(&pictures?, PATCHES, request.split_seed);
    }
    Err(DataError::Missing { set: NAME, looked, command: COMMAND })
}

/// Reads, verifies and decodes a photograph.
fn picture(path: &Path, expected: &'static str) -> Result<Picture, DataError> {
    let unreadable = |problem: io::Error| DataError::Unreadable { file: path.to_owned(), problem };
    let bytes = file::read(path, LARGEST).map_err(unreadable)?;
    let found = format!("{:x}", Sha256::digest(&bytes));
    if found != expected {
        return Err(DataError::Hash { file: path.to_owned(), expected, found });
    }
    decode(&bytes).map_err(unreadable)
}

/// A PNG of eight bits, grey or in colours, as grey.
fn decode(bytes: &[u8]) -> io::Result<Picture> {
    let limits = png::Limits { bytes: LARGEST as usize };
    let mut reader = png::Decoder::new_with_limits(Cursor::new(bytes), limits).read_info()?;
    let size = reader.output_buffer_size();
    if size as u64 > LARGEST {
        return Err(io::Error::other(format!("it unpacks to more than {} MiB", LARGEST >> 20)));
    }
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels)?;
    let grey = match (frame.bit_depth, frame.color_type) {
        (png::BitDepth::Eight, png::ColorType::Grayscale) => pixels,
        (png::BitDepth::Eight, png::ColorType::Rgb) => pixels.chunks_exact(3).map(grey_of).collect(),
        (depth, colour) => {
            return Err(io::Error::other(format!(
                "it is a PNG of {depth:?} bits, {colour:?}; accepted: 8 bits, grey or RGB"
            )));
        }
    };
    Ok(Picture { width: frame.width as usize, height: frame.height as usize, grey })
}

fn grey_of(colours: &[u8]) -> u8 {
    LUMA.iter().zip(colours).map(|(share, &colour)| share * f64::from(colour)).sum::<f64>().round() as u8
}

#[cfg(test)]
mod tests {
    use super::super::{describe, places};
    use super::*;

    fn encoded(colour: png::ColorType, pixels: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
        encoder.set_color(colour);
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        bytes
    }

    #[test]
    fn grey_is_read_as_it_is_and_colours_by_their_brightness() {
        assert_eq!(decode(&encoded(png::ColorType::Grayscale, &[7, 200])).unwrap().grey, [7, 200]);
        let colours = encoded(png::ColorType::Rgb, &[255, 0, 0, 10, 20, 30]);
        // 0.2125 · 255 = 54.19; 2.125 + 14.308 + 2.163 = 18.60.
        let read = decode(&colours).unwrap();
        assert_eq!((read.width, read.height, read.grey), (2, 1, vec![54, 19]));
    }

    #[test]
    fn what_is_no_such_picture_is_told() {
        let clear = decode(&encoded(png::ColorType::Rgba, &[0; 8])).err().unwrap().to_string();
        assert!(clear.contains("Rgba") && clear.contains("accepted: 8 bits, grey or RGB"), "{clear}");
        assert!(decode(b"no picture").is_err());
        let folder = tempfile::tempdir().unwrap();
        let missing = read_from(vec![folder.path().to_owned()], &Request::named(NAME)).unwrap_err();
        let text = missing.to_string();
        assert!(text.contains("(no camera.png)") && text.contains("scikit-image==0.26.0"), "{text}");
        FILES.iter().for_each(|(name, _)| std::fs::write(folder.path().join(name), "other").unwrap());
        let other = read_from(vec![folder.path().to_owned()], &Request::named(NAME));
        assert!(matches!(other, Err(DataError::Hash { .. })));
    }

    #[test]
    fn the_photographs_have_the_published_sizes_and_patches_of_each() {
        let Some(set) = places::loud(NAME) else { return };
        let numbers = describe(&set);
        assert_eq!((numbers.features, numbers.classes), (256, 7));
        assert_eq!((numbers.train.class_counts, numbers.test.class_counts), (vec![8000; 7], vec![1000; 7]));
        let folder = candidates(NAME, None, None).into_iter().find(|folder| folder.is_dir()).unwrap();
        let sizes = FILES.map(|(name, sha256)| {
            let picture = picture(&folder.join(name), sha256).unwrap();
            (picture.width, picture.height)
        });
        let square = (512, 512);
        assert_eq!(sizes, [square, square, (600, 400), (451, 300), square, square, square]);
    }
}
