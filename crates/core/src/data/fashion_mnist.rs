//! `fashion-mnist`: 60 000 + 10 000 pictures of clothes, 28 x 28 inputs of 256 levels, in the form of MNIST.
//!
//! 31 MB packed, therefore not inside the program but sought on disk ([`super::places`]) and known by the
//! hashes of the unpacked files: packages repack them, so hashes of the `.gz` differ.

use super::places::Published;
use super::{Entry, PathUse};

pub(super) const ENTRY: Entry = Entry {
    name: "fashion-mnist",
    summary: "clothes, 28 x 28 inputs of 256 levels, 10 classes, 60000 + 10000; its split is fixed",
    about: "Fashion-MNIST, H. Xiao, K. Rasul & R. Vollgraf 2017 (arXiv 1708.07747), © 2017 Zalando SE, MIT licence",
    embedded: false,
    path: PathUse::Optional,
    seeded: false,
    command: Some(FILES.command),
    read: |request| FILES.read(request.path),
};

const FILES: Published = Published {
    name: "fashion-mnist",
    classes: 10,
    sha256: [
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ],
    system: Some("/usr/share/datasets/fashion-mnist"),
    // Needs no root, only package lists; root may as well install the package.
    command: "(d=\"${XDG_CACHE_HOME:-$HOME/.cache}/dyadsim/fashion-mnist\" && mkdir -p \"$d\" && cd \"$d\" && \
              apt-get download dataset-fashion-mnist && dpkg -x dataset-fashion-mnist_*.deb x && \
              mv x/usr/share/datasets/fashion-mnist/*.gz . && rm -r x dataset-fashion-mnist_*.deb)",
};

#[cfg(test)]
mod tests {
    use super::super::{Split, describe, places};

    fn code_sum(split: &Split, samples: usize) -> f64 {
        split.volts().take(784 * samples).map(|volt| (volt * 255.0).round()).sum()
    }

    #[test]
    fn the_files_decode_to_the_published_labels_counts_and_sums() {
        let Some(set) = places::loud("fashion-mnist") else { return };
        assert_eq!(set.train.labels()[..10], [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]);
        assert_eq!(set.test.labels()[..10], [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]);
        let numbers = describe(&set);
        assert_eq!(numbers.train.class_counts, [6000; 10]);
        assert_eq!(numbers.test.class_counts, [1000; 10]);
        // Mean and deviation are published to five places.
        assert!(
            (numbers.train.mean_v - 0.28604).abs() < 5e-6 && (numbers.train.std_v - 0.35302).abs() < 5e-6
        );
        assert_eq!((code_sum(&set.train, 1), code_sum(&set.test, 1)), (76_247.0, 33_456.0));
        assert_eq!(code_sum(&set.train, 60_000), 3_431_114_169.0); // integers below 2⁵³ add exactly
        assert_eq!(code_sum(&set.test, 10_000), 573_469_082.0);
    }
}
