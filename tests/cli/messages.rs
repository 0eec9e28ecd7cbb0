//! Messages that a person can act on: what a file is, which option is meant, what the right number would be.

use std::fs;
use std::io::Write as _;

use dyadsim::matrix::Matrix;
use nalgebra::dmatrix;

use crate::bench::Bench;

const FILES: &str = "c.toml --weights w.safetensors --input x.safetensors --target y.safetensors";

/// A good 2-2-2 circuit.
fn good() -> Bench {
    let bench = Bench::new();
    bench.linear("dp", 0.5, 0.5);
    bench.weights(&[(Matrix::identity(2, 2), vec![0.0; 2]), (Matrix::identity(2, 2), vec![0.0; 2])]);
    bench.batch(&dmatrix![0.1, 0.2], &dmatrix![1.0, 0.0]);
    bench
}

#[test]
fn a_file_in_utf_16_is_told_to_be_so_whatever_its_byte_order_and_with_or_without_its_mark() {
    let bench = Bench::new();
    let (text, experiment) = ("name = \"wide\"\n[nudge]\nbeta = 0.5\n", "circuit = \"c.toml\"\n");
    bench.write("e.toml", experiment);
    for little in [true, false] {
        for mark in [true, false] {
            let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
            let bytes = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
            fs::write(bench.path("c.toml"), units.flat_map(bytes).collect::<Vec<_>>()).unwrap();
            for line in ["circuits check c.toml", "circuits show c.toml", "experiments check e.toml"] {
                bench.refuse(line, &["c.toml", "UTF-16", "wanted is UTF-8"]);
            }
        }
    }
    fs::write(bench.path("c.toml"), b"# caf\xe9\n").unwrap();
    bench.refuse("circuits check c.toml", &["c.toml", "line 1", "0xe9", "wanted is UTF-8"]);
}

#[test]
fn gzip_data_under_a_plain_name_is_read() {
    let bench = Bench::new();
    fs::create_dir(bench.path("data")).unwrap();
    let block = |sizes: &[u32], codes: &[u8]| {
        let header: Vec<u8> = sizes.iter().flat_map(|size| size.to_be_bytes()).collect();
        [&[0, 0, 8, u8::try_from(sizes.len()).unwrap()], &header[..], codes].concat()
    };
    let images = block(&[2, 2, 2], &[255; 8]);
    let files = [("train-images-idx3", &images), ("t10k-images-idx3", &images)];
    let labels = block(&[2], &[0, 1]);
    for (name, content) in
        files.into_iter().chain([("train-labels-idx1", &labels), ("t10k-labels-idx1", &labels)])
    {
        let file = fs::File::create(bench.path(&format!("data/{name}-ubyte"))).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap();
    }
    bench.write(
        "e.toml",
        "name = \"g\"\ncircuit = {}\ndataset = { kind = \"idx\", path = \"data\" }\nnetwork = [4, 2]\nepochs = 1\n\
         batch = 2\nseeds = [1]\nrules = [\"bp\"]\noptimizer = { kind = \"sgd\", learning_rate = 0.1 }\n",
    );
    let done = bench.run("run e.toml --dry-run");
    assert_eq!(done.status, 0, "{}", done.stderr);
    fs::write(bench.path("data/train-images-idx3-ubyte"), b"PK\x03\x04 and so on").unwrap();
    bench.refuse("run e.toml --dry-run", &["train-images-idx3-ubyte", "a zip archive"]);
}

#[test]
fn a_negative_number_is_answered_by_its_option_and_not_taken_for_another_option() {
    let bench = good();
    for (line, words) in [
        ("settle FILES --seed -1", &["--seed", "-1", "whole number from 0 to 4294967295"][..]),
        ("settle FILES --seed 1.5", &["--seed", "1.5", "whole number from 0 to 4294967295"]),
        ("settle FILES --threads -2", &["--threads", "-2"]),
        ("stability FILES --limits --up-to -1", &["--up-to -1", "above 0"]),
        ("gradient FILES --vary nudge.beta=0.1:1:2 --draws -3", &["--draws", "-3"]),
    ] {
        bench.refuse(&line.replace("FILES", FILES), words);
        let said = bench.run(&line.replace("FILES", FILES)).stderr;
        assert!(!said.contains("tip:"), "{said}");
    }
}
