//! Messages that a person can act on: what a file is, which option is meant, what the right number would be.

use std::fs;
use std::io::Write as _;

use dyadsim_core::matrix::Matrix;
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

#[test]
fn a_wrong_key_is_told_with_the_option_that_brought_it() {
    let bench = good();
    for (line, words) in [
        ("gradient FILES --vary nudge.bata=0.1:1:2", &["--vary nudge.bata", "did you mean `beta`"][..]),
        ("yield FILES --margin 0 --vary nudge.bata=0.1:1:2", &["--vary nudge.bata", "did you mean `beta`"]),
        ("stability FILES --map nudge.bata=0:1:3 --map nudge.beta=0.1:1:3", &["--map nudge.bata", "`beta`"]),
        ("stability FILES --follow nudge.bata=0:1", &["--follow nudge.bata", "did you mean `beta`"]),
        ("stability FILES --follow nudge.alpha=0.5:3", &["--follow nudge.alpha=3", "from 0 to 1"]),
        ("settle FILES --set nudge.bata=1", &["--set nudge.bata=1", "did you mean `beta`"]),
        ("circuits cost c.toml --network 2,0,2", &["--network network=[2, 0, 2]", "layer 1 has 0"]),
    ] {
        let line = line.replace("FILES", FILES);
        bench.refuse(&line, words);
        assert!(line.contains("--set") || !bench.run(&line).stderr.contains("--set"), "{line}");
    }
}

#[test]
fn targets_that_no_chip_meets_and_percentages_are_refused_with_the_share() {
    let bench = good();
    for (option, words) in [
        ("--accuracy 90", &["--accuracy 90", "a share from 0 to 1", "did you mean 0.9?"][..]),
        ("--accuracy -0.1", &["--accuracy -0.1", "a share from 0 to 1"]),
        ("--accuracy NaN", &["--accuracy NaN", "a share from 0 to 1"]),
        ("--margin 0 --yield 99", &["--yield 99", "above 0 and below 1", "did you mean 0.99?"]),
        ("--margin 0 --confidence 95", &["--confidence 95", "did you mean 0.95?"]),
        ("--angle 200", &["--angle 200", "from 0 to 180 degrees"]),
        ("--margin inf", &["--margin inf", "a finite number"]),
        ("--margin 0 --tolerance offset_dtod --most 10", &["--most 10 for offset_dtod", "at most 1"]),
    ] {
        bench.refuse(&format!("yield {FILES} {option}"), words);
    }
}

#[test]
fn a_negative_factor_of_all_weights_is_refused() {
    let bench = good();
    let words = ["weights.gain", "0 or more"];
    bench.refuse(&format!("stability {FILES} --map weights.gain=-1:1:3 --map nudge.beta=0.1:1:3"), &words);
    bench.refuse(&format!("stability {FILES} --follow weights.gain=-1:1"), &words);
}

#[test]
fn a_value_that_nobody_wrote_is_told_to_be_a_default() {
    let bench = Bench::new();
    bench.write("c.toml", "clock.frequency = \"10 MHz\"");
    bench.refuse("circuits check c.toml", &["`solver.kind`: found \"etd\" by default"]);
    bench.write("c.toml", "clock.frequency = \"10 MHz\"\nsolver.kind = \"etd\"");
    bench.refuse("circuits check c.toml", &["c.toml:2", "`solver.kind`: found \"etd\"\n"]);
    bench.write("c.toml", "[noise.thermal]\nexcess = 1");
    bench.refuse(
        "circuits check c.toml",
        &["c.toml:1", "`solver.kind` = \"etd\" is deterministic (the default)"],
    );
}

#[test]
fn the_file_of_defaults_gives_a_trap_a_current() {
    let text = Bench::new().run("circuits show --defaults").stdout;
    let (_, trap) = text.split_once("[noise.telegraph]").unwrap();
    let line = trap.lines().find(|line| line.contains("amplitude")).unwrap();
    assert!(line.contains("amplitude = \"1 nA\""), "{line}");
}

#[test]
fn synapses_are_charged_by_the_clock_that_the_circuit_has() {
    let bench = Bench::new();
    let circuit = |clock: &str| {
        format!(
            "clock.frequency = \"10 MHz\"\nsolver.kind = \"clocked\"\nnetwork = [2, 2]\n[cost]\n\
             technology = \"65nm\"\nsynapse_capacitance = \"1 fF\"\nsignal = \"1 V\"\n{clock}\n"
        )
    };
    let power = |clock: &str| {
        bench.write("c.toml", &circuit(clock));
        bench.run("circuits cost c.toml --json").json()["power_total_w"].as_f64().unwrap()
    };
    let (own, same) = (power(""), power("clock = 1e7"));
    assert!(own > 0.0 && own.to_bits() == same.to_bits(), "{own} {same}");
    bench.write("c.toml", &circuit("clock = \"1 MHz\""));
    bench.refuse(
        "circuits check c.toml",
        &["c.toml:8", "`cost.clock`", "`clock.frequency` = 10 MHz", "the same"],
    );
}

#[test]
fn all_that_is_wrong_with_a_file_is_told_at_once_with_lines_and_keys() {
    let bench = Bench::new();
    bench.write("c.toml", "temprature = 300\n[neuron]\ncapacitance = \"100 nS\"\n[nudge]\nalpha = 2\n");
    let words = [
        "c.toml:1:1: `temprature`",
        "`temperature`",
        "c.toml:3:1: `neuron.capacitance`",
        "c.toml:5:1: `nudge.alpha`",
    ];
    bench.refuse("circuits check c.toml", &words);
    bench.write("e.toml", "name = \"x\"\ncircuit = \"c.toml\"\nepocs = 3\n");
    bench.refuse(
        "run e.toml --dry-run",
        &[&words[..], &["e.toml:3:1: `epocs`", "`dataset`: missing", "`seeds`: missing"]].concat(),
    );
    bench.refuse(
        "circuits check ideal --set nudge.bata=1 --set nudge.alpha=2",
        &["--set nudge.bata=1", "--set nudge.alpha=2"],
    );
}

#[test]
fn a_percentage_is_a_share() {
    let bench = Bench::new();
    bench.write(
        "c.toml",
        "[mismatch]\ngain_dtod = \"2 %\"\nsynapse_dtod = \"0.5%\"\n[nudge]\nalpha = \"25 %\"\n",
    );
    let circuit = &bench.run("circuits check c.toml --json").json()["circuit"];
    assert_eq!(
        (&circuit["mismatch"]["gain_dtod"], &circuit["mismatch"]["synapse_dtod"]),
        (&0.02.into(), &0.005.into())
    );
    assert_eq!(circuit["nudge"]["alpha"], 0.25);
    bench.refuse("circuits check c.toml --set mismatch.gain_dtod=2V", &["mismatch.gain_dtod", "\"2 %\""]);
    bench.refuse("circuits check c.toml --set mismatch.gain_dtod=200%", &["mismatch.gain_dtod", "200%"]);
    bench.write(
        "e.toml",
        &bench.run("experiments show two_tales").stdout.replace("at_least = 0.93", "at_least = \"93 %\""),
    );
    let shown = bench.run("experiments show e.toml --json").json();
    assert_eq!(shown["experiment"]["expect"]["bp.test_accuracy"]["at_least"], 0.93);
}
