//! Bad input: exit status 2, a message that a person can act on, and nothing written.

use std::fs;

use dyadsim::record::tensors::TensorWriter;
use dyadsim_core::matrix::Matrix;
use nalgebra::dmatrix;

use crate::bench::Bench;

const FILES: &str = "c.toml --weights w.safetensors --input x.safetensors --target y.safetensors";

/// A good 2-3-2 circuit; what is tested is put in its way.
fn good() -> Bench {
    let bench = Bench::new();
    bench.linear("dp", 0.5, 0.5);
    bench.weights(&[
        (Matrix::from_element(3, 2, 0.5), vec![0.0; 3]),
        (Matrix::from_element(2, 3, 0.5), vec![0.0; 2]),
    ]);
    bench.batch(&dmatrix![0.1, 0.2; 0.3, 0.4], &dmatrix![1.0, 0.0; 0.0, 1.0]);
    bench
}

/// Refused by both commands that take a circuit, weights and a batch.
fn refuse(bench: &Bench, settings: &str, words: &[&str]) {
    for command in ["settle", "stability"] {
        bench.refuse(&format!("{command} {FILES} {settings}"), words);
    }
    bench.refuse(&format!("settle {FILES} {settings} --out state"), words);
}

/// A good experiment; `changes` replace text in it.
fn experiment(changes: &[(&str, &str)]) -> Bench {
    let bench = Bench::new();
    let text = "name = \"short\"\ncircuit = {}\nnetwork = [64, 8, 10]\nepochs = 1\nbatch = 20\nseeds = [1]\n\
         dataset = { kind = \"digits\", train = 60, test = 40 }\nrules = [\"bp\"]\ninit = \"he\"\n\
         optimizer = { kind = \"sgd\", learning_rate = 0.1 }\n";
    let changed = changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from));
        text.replace(from, to)
    });
    bench.write("e.toml", &changed);
    bench
}

#[test]
fn the_good_files_are_good() {
    for command in ["settle", "stability"] {
        let done = good().run(&format!("{command} {FILES}"));
        assert_eq!(done.status, 0, "{}", done.stderr);
    }
    assert_eq!(experiment(&[]).run("run e.toml --out out --quiet").status, 0);
}

#[test]
fn values_that_no_circuit_has_are_named_with_their_key_and_line() {
    let cases: [(&str, &[&str]); 5] = [
        (
            "[neuron]\ncapacitence = 1e-13",
            &["c.toml:2", "`neuron.capacitence`", "did you mean `capacitance`"],
        ),
        ("[neuron]\ncapacitance = -1e-13", &["c.toml:2", "neuron.capacitance", "above 0 F"]),
        ("nudge.alpha = 1.5", &["c.toml:1", "nudge.alpha", "1.5", "0 to 1"]),
        ("network = [2, 0, 2]", &["c.toml:1", "`network`", "layer 1 has 0"]),
        ("network = [2, 2000000, 2]", &["c.toml:1", "`network`", "1 to 1000000"]),
    ];
    for (text, words) in cases {
        let bench = good();
        bench.write("c.toml", text);
        refuse(&bench, "", words);
    }
    refuse(&good(), "--set nudge.alpha=1.5", &["--set nudge.alpha=1.5", "0 to 1"]);
    refuse(&good(), "--set nudge.alhpa=0.5", &["nudge.alhpa", "did you mean `alpha`"]);
    refuse(&good(), "--set nudge.alpha", &["PATH=VALUE"]);
}

#[test]
fn shapes_that_do_not_fit_are_both_named() {
    let bench = good();
    refuse(&bench, "--set network=[2,4,2]", &["w.safetensors", "`W.1`", "[3, 2]", "[4, 2]", "[2, 4, 2]"]);
    refuse(&bench, "--set network=[2,3]", &["`W.2`", "beyond the last of 1"]);
    bench.batch(&dmatrix![0.1, 0.2, 0.3], &dmatrix![1.0, 0.0]);
    refuse(&bench, "", &["x.safetensors", "`x`", "[1, 3]", "[samples, 2]", "[2, 3, 2]"]);
    bench.batch(&dmatrix![0.1, 0.2], &dmatrix![1.0]);
    refuse(&bench, "", &["y.safetensors", "`y`", "[1, 1]", "[samples, 2]"]);
    bench.batch(&dmatrix![0.1, 0.2; 0.3, 0.4; 0.5, 0.6], &dmatrix![1.0, 0.0]);
    refuse(&bench, "", &["`y`", "[1, 2]", "[3, 2]", "x.safetensors has 3 samples"]);
    bench.batch(&Matrix::zeros(0, 2), &Matrix::zeros(0, 2));
    refuse(&bench, "", &["x.safetensors", "[0, 2]", "at least one sample"]);
    bench.weights(&[(Matrix::zeros(3, 2), vec![0.0; 3]), (Matrix::zeros(2, 4), vec![0.0; 2])]);
    refuse(&bench, "", &["`W.2`", "[2, 4]", "[2, 3]"]);
    bench.weights(&[(Matrix::zeros(0, 2), vec![])]);
    refuse(&bench, "", &["w.safetensors", "layer 1", "0 neurons"]);
}

#[test]
fn a_giant_layer_is_refused_before_the_weights_are_looked_at() {
    let bench = good();
    fs::remove_file(bench.path("w.safetensors")).unwrap();
    refuse(&bench, "--set network=[2,1000001,2]", &["`network`", "layer 1 has 1000001"]);
}

#[test]
fn damaged_and_missing_tensor_files_are_named() {
    let bench = good();
    bench.weights(&[(dmatrix![0.5, f64::NAN; 0.5, 0.5], vec![0.0; 2])]);
    refuse(&bench, "", &["w.safetensors", "`W.1`", "NaN at [0, 1]"]);
    bench.weights(&[(dmatrix![0.5, 0.5; 0.5, 0.5], vec![0.0, f64::INFINITY])]);
    refuse(&bench, "", &["`b.1`", "inf at [1]"]);
    bench.weights(&[(dmatrix![0.5, 0.5; 0.5, 0.5], vec![0.0; 2])]);
    let whole = fs::read(bench.path("w.safetensors")).unwrap();
    for length in [whole.len() - 8, 20, 3, 0] {
        fs::write(bench.path("w.safetensors"), &whole[..length]).unwrap();
        refuse(&bench, "", &["w.safetensors", "truncated"]);
    }
    fs::write(bench.path("w.safetensors"), &whole).unwrap();
    bench.refuse(
        "settle c.toml --weights w.safetensors --input y.safetensors",
        &["y.safetensors", "no tensor `x`", "holds y"],
    );
    fs::remove_file(bench.path("x.safetensors")).unwrap();
    refuse(&bench, "", &["cannot read x.safetensors"]);
    TensorWriter::new().write(&bench.path("w.safetensors")).unwrap();
    refuse(&bench, "", &["w.safetensors", "no tensor `W.1`"]);
}

#[test]
fn a_target_needs_a_nudge_and_stability_needs_a_target() {
    let bench = good();
    let words = ["`nudge.beta` is 0", "--set nudge.beta=0.5", "no --target"];
    bench.refuse(&format!("stability {FILES} --set nudge.beta=0"), &words);
    bench.refuse(
        "stability c.toml --weights w.safetensors --input x.safetensors",
        &["stability needs --target"],
    );
}

#[test]
fn options_that_a_command_cannot_heed_are_refused() {
    let bench = good();
    refuse(&bench, "--precision f32", &["--precision f32", "f64 only"]);
    refuse(&bench, "--threads 0", &["--threads"]);
    bench.refuse(&format!("settle {FILES} --trace 10"), &["--out"]);
    bench.refuse(&format!("settle {FILES} --trace 1 --out state"), &["--trace"]);
    bench.refuse(
        &format!("settle {FILES} --trace 10 --out state --set solver.kind=layerwise"),
        &["--trace", "layerwise", "no time"],
    );
    for line in
        ["circuits list", "circuits show ideal", "experiments schema", "data list", "report .", "plot ."]
    {
        bench.refuse(&format!("{line} --set nudge.beta=1"), &["--set nudge.beta=1", "no TOML file"]);
        bench.refuse(&format!("{line} --precision f32"), &["f64 only"]);
    }
}

#[test]
fn a_folder_that_cannot_be_written_or_exists_is_refused() {
    let bench = good();
    bench.write("file", "mine");
    bench.refuse(&format!("settle {FILES} --out file/below"), &["file/below", "Not a directory"]);
    bench.refuse(&format!("settle {FILES} --out file"), &["file"]);
    let bench = experiment(&[]);
    bench.write("file", "mine");
    bench.refuse("run e.toml --out file/below", &["file/below", "cannot"]);
    fs::create_dir(bench.path("out")).unwrap();
    bench.write("out/mine.txt", "mine");
    bench.refuse("run e.toml --out out", &["out exists", "--resume", "--force"]);
    bench.refuse("run e.toml --out out --force", &["not an output folder"]);
}

#[cfg(unix)]
#[test]
fn a_folder_without_permission_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let bench = good();
    let folder = bench.path("closed");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(folder.join("probe"), "").is_ok() {
        return; // a superuser may write anywhere
    }
    bench.refuse(&format!("settle {FILES} --out closed"), &["cannot write to closed"]);
    bench.refuse(&format!("settle {FILES} --out closed/below"), &["cannot create closed/below"]);
}

#[test]
fn an_experiment_that_does_not_fit_its_data_is_refused() {
    let words = ["9 outputs", "10 classes", "network = [64, …, 10]"];
    experiment(&[("8, 10]", "8, 9]")]).refuse("run e.toml --out out", &words);
    experiment(&[("\"digits\"", "\"digts\"")]).refuse("run e.toml --out out", &["did you mean `digits`"]);
    let missing = experiment(&[("{ kind = \"digits\", train = 60, test = 40 }", "\"mnist\"")]);
    missing.refuse("run e.toml --out out", &["`mnist` was not found", "nowhere/mnist", "mkdir -p"]);
}

#[test]
fn initial_weights_that_cannot_be_used_are_refused() {
    let bench = experiment(&[("\"he\"", "{ weights = \"w.safetensors\" }")]);
    bench.refuse("run e.toml --out out", &["cannot read", "w.safetensors"]);
    bench.refuse("experiments check e.toml", &["cannot read", "w.safetensors"]);
    bench.weights(&[(Matrix::zeros(3, 64), vec![0.0; 3]), (Matrix::zeros(10, 3), vec![0.0; 10])]);
    bench.refuse("run e.toml --out out", &["`W.1`", "[3, 64]", "[8, 64]"]);
    bench.weights(&[
        (Matrix::zeros(8, 64), vec![0.0; 8]),
        (Matrix::from_element(10, 8, f64::NAN), vec![0.0; 10]),
    ]);
    bench.refuse("run e.toml --out out", &["`W.2`", "NaN"]);
}

#[test]
fn a_folder_begun_with_other_initial_weights_is_not_gone_on_with() {
    let bench = experiment(&[("\"he\"", "{ weights = \"w.safetensors\" }")]);
    let weights = |value| {
        let first = (Matrix::from_element(8, 64, value), vec![0.0; 8]);
        bench.weights(&[first, (Matrix::from_element(10, 8, value), vec![0.0; 10])]);
    };
    weights(0.01);
    assert_eq!(bench.run("run e.toml --out out --quiet").status, 0);
    assert_eq!(bench.run("run e.toml --out out --resume --quiet").status, 0, "it is complete");
    weights(0.02);
    assert_eq!(bench.run("run e.toml --out out --resume --quiet").status, 2, "the file's content differs");
}
