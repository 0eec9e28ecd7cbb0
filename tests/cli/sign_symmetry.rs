//! A run of a rule that programs its feedback synapses: they are in its files, and no study goes back through
//! others.

use std::fs;

use dyadsim::record::tensors::TensorWriter;
use dyadsim::record::weights::read_weights;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::matrix::measure::Largest;

use crate::bench::Bench;

/// Six samples, two layers of synapses to hidden neurons, noise and spreads of synapses.
const EXPERIMENT: &str = "name = 'e'\ncircuit = 'c.toml'\nnetwork = [64, 6, 5, 10]\nepochs = 2\nbatch = 20\n\
    seeds = [1]\ninit = 'he'\ndataset = { kind = 'digits', train = 60, test = 40 }\nrules = ['bp', 'sign-symmetry']\n\
    optimizer = { kind = 'adam', learning_rate = 0.02 }\nprobe = 2\n\
    [grid]\n'nudge.beta' = [0.1]\n'nudge.alpha' = [0.5]\n";

const RUN: &str = "sign-symmetry-a0.5-b0.1-s1";

/// The experiment, carried out, and a batch.
fn trained() -> Bench {
    let bench = Bench::new();
    let circuit = "name = 'own'\n[nudge]\nvariant = 'dp-transpose'\nbeta = 0.1\n\
                   [mismatch]\nsynapse_dtod = 0.05\n[noise.thermal]\nexcess = 1.0\n\
                   [solver]\nkind = 'exponential-heun'\nmax_time = 20.0\n[cost]\ntechnology = '180nm'\n";
    bench.write("c.toml", circuit);
    bench.write("e.toml", EXPERIMENT);
    assert_eq!(bench.run("run e.toml --out out --quiet").status, 0);
    let learned = bench.path(&format!("out/weights/{RUN}.safetensors"));
    fs::copy(learned, bench.path("w.safetensors")).unwrap();
    let wave = |i: usize, j: usize| ((3 * i + j) as f64).sin().abs();
    bench.batch(&Matrix::from_fn(3, 64, wave), &Matrix::from_fn(3, 10, |i, j| f64::from(u8::from(i == j))));
    bench
}

const FILES: &str = "c.toml --weights w.safetensors --input x.safetensors --target y.safetensors";

/// Every study of a circuit with weights, on its words for programs.
fn studies() -> Vec<String> {
    let free = FILES.replace(" --target y.safetensors", "");
    vec![
        format!("settle {FILES}"),
        format!("gradient {FILES} --vary nudge.beta=0.1:1:3:log --draws 2 --one-chip --no-refine --seed 3"),
        format!("noise {FILES} --time 0"),
        format!("yield {FILES} --angle 60 --chips 4"),
        format!("stability {FILES}"),
        format!("stability {FILES} --limits --up-to 1"),
        format!("stability {FILES} --follow nudge.beta=0:0.2"),
        format!("stability {FILES} --attractors 2"),
        format!("stability {FILES} --map nudge.alpha=0.4:0.6:2 --map nudge.beta=0.1:0.2:2"),
        format!("sensitivity {FILES}"),
        format!("circuits cost {FILES}"),
        format!("spice {free} --op --out d.cir"),
    ]
}

#[test]
fn no_study_goes_back_through_other_synapses_than_the_rule_had() {
    let bench = trained();
    for line in studies() {
        bench.refuse(&line, &["w.safetensors", "`F.k`", "--set feedback.synapses=separate"]);
    }
    // What the rule had, and the transposes in its place.
    let whole = read_weights::<f64>(&bench.path("w.safetensors"), None).unwrap();
    let answers = || -> Vec<String> {
        let answer = |line: String| {
            let json = if line.starts_with("spice") { "--force" } else { "--json" };
            let done = bench.run(&format!("{line} --set feedback.synapses=separate {json}"));
            assert_eq!(done.status, 0, "{line}: {}", done.stderr);
            if json == "--json" { done.stdout } else { fs::read_to_string(bench.path("d.cir")).unwrap() }
        };
        studies().into_iter().map(answer).collect()
    };
    let own = answers();
    let mut writer = TensorWriter::new();
    for (k, (w, b)) in (1..).zip(whole.forward.iter().zip(&whole.biases)) {
        writer.matrix(&format!("W.{k}"), w);
        writer.matrix(&format!("F.{k}"), w);
        writer.vector(&format!("b.{k}"), b);
    }
    writer.write(&bench.path("w.safetensors")).unwrap();
    for ((line, own), transposed) in studies().iter().zip(own).zip(answers()) {
        assert!(own != transposed, "{line}: the same through the transposes");
    }
}

#[test]
fn a_run_stores_the_feedback_that_it_learned_with_and_goes_on_with_it() {
    let bench = trained();
    let weights = read_weights::<f64>(&bench.path("w.safetensors"), None).unwrap();
    for (w, f) in weights.forward.iter().zip(weights.feedback.as_ref().unwrap()) {
        let size = w.iter().map(|w| w.abs()).sum::<f64>() / w.len() as f64;
        assert!((f - w.map(|w| size * w.signum())).largest() < 1e-15);
    }
    let none = read_weights::<f64>(&bench.path("out/weights/bp-s1.safetensors"), None).unwrap();
    assert!(none.feedback.is_none());
    // The chip of the weights is the one with feedback synapses of its own.
    let told = bench.run(&format!("settle {FILES} --set feedback.synapses=separate"));
    assert!(told.stdout.contains("(that of the weights)"), "{}", told.stdout);
    bench.write(
        "g.toml",
        &EXPERIMENT
            .replace("[grid]\n", "[grid]\n'feedback.synapses' = ['shared', 'separate']\n")
            .replace("'bp', ", ""),
    );
    bench.refuse("experiments check g.toml", &["feedback.synapses", "rule `sign-symmetry` programs"]);
}

#[test]
fn feedback_synapses_of_a_file_are_for_circuits_that_have_them() {
    let bench = trained();
    let begin = |rule: &str| {
        let init = EXPERIMENT.replace("'he'", "{ weights = 'w.safetensors' }");
        bench.write("s.toml", &init.replace("['bp', 'sign-symmetry']", &format!("['{rule}']")));
    };
    begin("dp-transpose");
    for line in ["experiments check s.toml", "run s.toml --out again"] {
        bench.refuse(line, &["w.safetensors", "`F.k`", "shared", "--set feedback.synapses=separate"]);
    }
    let separate = "--set circuit.feedback.synapses=separate";
    assert_eq!(bench.run(&format!("run s.toml --out again --quiet {separate}")).status, 0);
    begin("sign-symmetry");
    assert_eq!(bench.run("run s.toml --out goes-on --quiet").status, 0);
    bench.weights(&[
        (Matrix::zeros(6, 64), vec![0.0; 6]),
        (Matrix::zeros(5, 6), vec![0.0; 5]),
        (Matrix::zeros(10, 5), vec![0.0; 10]),
    ]);
    begin("dp-transpose");
    bench.refuse(&format!("run s.toml --out bare {separate}"), &["no tensor `F.2`", "separate"]);
    begin("bp', 'sign-symmetry");
    assert_eq!(bench.run(&format!("run s.toml --out bare --quiet {separate}")).status, 0);
}
