//! A folder of four IDX files, plain or packed by gzip: the shape in which MNIST and its kin come.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::idx::{self, Block};
use super::{DataError, Parts};
use crate::file;
use crate::machine;
use crate::spec::is_gzip;

/// The files, in the order in which hashes are listed.
pub(super) const FILES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// Eight bits.
const FULL_SCALE: f64 = 255.0;

/// The content of the four files.
pub(super) struct Folder {
    folder: PathBuf,
    files: [(PathBuf, Vec<u8>); 4],
}

/// The first file that the folder holds neither plain nor packed.
pub(super) fn lacks(folder: &Path) -> Option<&'static str> {
    FILES.into_iter().find(|file| locate(folder, file).is_none())
}

impl Folder {
    /// Reads and unpacks the four files.
    pub(super) fn read(folder: &Path) -> Result<Self, DataError> {
        let [a, b, c, d] = FILES.map(|file| read_one(folder, file));
        Ok(Self { folder: folder.to_owned(), files: [a?, b?, c?, d?] })
    }

    /// Compares the unpacked files with published SHA-256 hashes (hex).
    pub(super) fn verify(&self, published: &[&'static str; 4]) -> Result<(), DataError> {
        for ((file, content), &expected) in self.files.iter().zip(published) {
            let found = format!("{:x}", Sha256::digest(content));
            if found != expected {
                return Err(DataError::Hash { file: file.clone(), expected, found });
            }
        }
        Ok(())
    }

    /// Decodes the files; without `classes`, the highest training label is the last class.
    pub(super) fn decode(&self, classes: Option<usize>) -> Result<Parts, DataError> {
        let [train_images, train_labels, test_images, test_labels] = &self.files;
        let train = self.half("train", train_images, train_labels)?;
        let test = self.half("test", test_images, test_labels)?;
        let highest = train.labels().iter().max().map_or(0, |&label| usize::from(label));
        Ok(Parts { classes: classes.unwrap_or(highest + 1), train, test })
    }

    fn half(
        &self,
        half: &'static str,
        images: &(PathBuf, Vec<u8>),
        labels: &(PathBuf, Vec<u8>),
    ) -> Result<super::Split, DataError> {
        let images = parse(images, Block::Images)?;
        let labels = parse(labels, Block::Labels)?;
        if images.samples != labels.samples {
            let folder = self.folder.clone();
            return Err(DataError::Counts { folder, half, images: images.samples, labels: labels.samples });
        }
        idx::pair(&images, &labels, FULL_SCALE)
    }
}

/// Unpacks gzip; `file` names it in an error.
pub(super) fn unpack(packed: &[u8], file: &Path) -> Result<Vec<u8>, DataError> {
    let most = file::TENSORS.min(machine::memory() / 2);
    let mut bytes = Vec::new();
    let unpacked = MultiGzDecoder::new(packed).take(most + 1).read_to_end(&mut bytes);
    match unpacked {
        Ok(length) if length as u64 > most => {
            let problem = format!(
                "it unpacks to more than {} MiB, which is the most that is accepted here",
                most >> 20
            );
            Err(DataError::Unreadable { file: file.to_owned(), problem: io::Error::other(problem) })
        }
        Ok(_) => Ok(bytes),
        Err(problem) => Err(DataError::Unreadable { file: file.to_owned(), problem }),
    }
}

fn parse((file, content): &(PathBuf, Vec<u8>), block: Block) -> Result<idx::Idx<'_>, DataError> {
    idx::only(content, block).map_err(|problem| DataError::Malformed { file: file.clone(), problem })
}

fn locate(folder: &Path, file: &str) -> Option<PathBuf> {
    [folder.join(file), folder.join(format!("{file}.gz"))].into_iter().find(|path| path.is_file())
}

fn read_one(folder: &Path, file: &'static str) -> Result<(PathBuf, Vec<u8>), DataError> {
    let Some(path) = locate(folder, file) else {
        return Err(DataError::NoFile { folder: folder.to_owned(), file });
    };
    let unreadable = |problem: io::Error| DataError::Unreadable { file: path.clone(), problem };
    let bytes = file::read(&path, file::TENSORS).map_err(unreadable)?;
    // By its first bytes: an IDX file begins with zeros, whatever its name.
    let bytes = if is_gzip(&bytes) { unpack(&bytes, &path)? } else { bytes };
    Ok((path, bytes))
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::super::idx::tests::block;
    use super::super::{Dataset, Request, load};
    use super::*;

    /// Three training images of 2 x 2 and two test images, classes 0 to 2.
    pub(in super::super) fn contents() -> [Vec<u8>; 4] {
        [
            block(&[3, 2, 2], &[0, 51, 102, 153, 204, 255, 0, 0, 1, 2, 3, 4]),
            block(&[3], &[0, 2, 1]),
            block(&[2, 2, 2], &[255; 8]),
            block(&[2], &[2, 0]),
        ]
    }

    pub(in super::super) fn write(folder: &Path, contents: &[Vec<u8>; 4]) {
        for (file, content) in FILES.iter().zip(contents) {
            fs::write(folder.join(file), content).unwrap();
        }
    }

    fn load_from(folder: &Path) -> Result<Dataset, DataError> {
        load(&Request { path: Some(folder), ..Request::named("idx") })
    }

    fn load_changed(change: impl Fn(&mut [Vec<u8>; 4])) -> DataError {
        let folder = tempfile::tempdir().unwrap();
        let mut contents = contents();
        change(&mut contents);
        write(folder.path(), &contents);
        load_from(folder.path()).unwrap_err()
    }

    #[test]
    fn plain_and_packed_files_give_the_same_set() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &contents());
        let plain = load_from(folder.path()).unwrap();
        assert_eq!((plain.classes, plain.train.len(), plain.test.len()), (3, 3, 2));
        assert_eq!(plain.train.volts().take(6).collect::<Vec<_>>(), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        for (file, content) in FILES.iter().zip(contents()) {
            fs::remove_file(folder.path().join(file)).unwrap();
            let packed = fs::File::create(folder.path().join(format!("{file}.gz"))).unwrap();
            let mut encoder = GzEncoder::new(packed, Compression::default());
            encoder.write_all(&content).unwrap();
            encoder.finish().unwrap();
        }
        assert_eq!(load_from(folder.path()).unwrap(), plain);
    }

    #[test]
    fn whether_a_file_is_packed_is_told_by_its_bytes_and_not_by_its_name() {
        let (plain, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(plain.path(), &contents());
        for (number, (file, content)) in FILES.iter().zip(contents()).enumerate() {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&content).unwrap();
            let packed = encoder.finish().unwrap();
            if number % 2 == 0 {
                fs::write(folder.path().join(file), packed).unwrap();
            } else {
                fs::write(folder.path().join(format!("{file}.gz")), content).unwrap();
            }
        }
        assert_eq!(load_from(folder.path()).unwrap(), load_from(plain.path()).unwrap());
    }

    #[test]
    fn a_file_of_another_format_is_told_by_what_it_is() {
        let text = load_changed(|contents| contents[0] = b"PK\x03\x04 and so on".to_vec()).to_string();
        assert!(text.contains(FILES[0]) && text.contains("a zip archive"), "{text}");
    }

    #[test]
    fn a_packed_file_cut_anywhere_is_an_error() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&contents()[0]).unwrap();
        let packed = encoder.finish().unwrap();
        assert_eq!(unpack(&packed, Path::new("x")).unwrap(), contents()[0]);
        for length in 0..packed.len() {
            // No bytes at all are an empty file, which the IDX reader refuses.
            let cut = unpack(&packed[..length], Path::new("x"));
            assert!(cut.is_err() || (length == 0 && cut.unwrap().is_empty()), "{length}");
        }
    }

    #[test]
    fn four_training_labels_for_three_images_are_counted() {
        let error = load_changed(|contents| contents[1] = block(&[4], &[0, 2, 1, 1]));
        assert!(matches!(error, DataError::Counts { half: "train", images: 3, labels: 4, .. }), "{error}");
    }

    #[test]
    fn a_test_label_that_no_training_sample_has_is_no_class() {
        let error = load_changed(|contents| contents[3] = block(&[2], &[2, 3]));
        assert!(
            matches!(error, DataError::Label { half: "test", sample: 1, label: 3, classes: 3 }),
            "{error}"
        );
    }

    #[test]
    fn training_and_test_images_must_have_the_same_size() {
        let error = load_changed(|contents| contents[2] = block(&[2, 1, 2], &[0; 4]));
        assert!(matches!(error, DataError::Features { train: 4, test: 2 }), "{error}");
    }

    #[test]
    fn a_truncated_file_is_named() {
        let error = load_changed(|contents| contents[2].truncate(20));
        let text = error.to_string();
        assert!(text.contains(FILES[2]) && text.contains("truncated"), "{text}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &contents());
        fs::remove_file(folder.path().join(FILES[3])).unwrap();
        let error = load_from(folder.path()).unwrap_err();
        assert!(matches!(error, DataError::NoFile { file: "t10k-labels-idx1-ubyte", .. }), "{error}");
    }

    #[test]
    fn a_wrong_hash_shows_both() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &contents());
        let error = Folder::read(folder.path()).unwrap().verify(&["00"; 4]).unwrap_err();
        let text = error.to_string();
        // Of the first file, by sha256sum.
        let found = "662c0828d7c8893c49a9442b629a7cd7bb55df359b21030ec2e4b9c2a83b1d17";
        assert!(text.contains("expected 00") && text.contains(found), "{text}");
    }
}
