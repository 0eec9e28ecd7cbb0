//! Runs whose feedback synapses learn: they are in their files, no study goes back through others, and what
//! cannot be is refused.

use std::fs;

use dyadsim::record::tensors::TensorWriter;
use dyadsim::record::weights::read_weights;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::matrix::measure::Largest;

use crate::bench::Bench;

/// Six samples, two layers of synapses to hidden neurons, noise and spreads of synapses.
const EXPERIMENT: &str = "name = 'e'\ncircuit = 'c.toml'\nnetwork = [64, 6, 5, 10]\nepochs = 2\nbatch = 20\n\
    seeds = [1]\ninit = 'he'\ndataset = { kind = 'digits', train = 60, test = 40 }\nrules = ['bp', 'dp-transpose']\n\
    optimizer = { kind = 'adam', learning_rate = 0.02 }\nprobe = 2\n\
    [grid]\n'nudge.beta' = [0.1]\n'nudge.alpha' = [0.5]\n'feedback.learning' = ['sign-symmetry']\n";

const RUN: &str = "dp-transpose-a0.5-b0.1-s1";

/// The experiment, carried out, and a batch.
fn trained() -> Bench {
    let bench = Bench::new();
    let circuit = "name = 'own'\nfeedback.synapses = 'separate'\n\
                   [nudge]\nvariant = 'dp-transpose'\nbeta = 0.1\n\
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

/// The grid of the gains, which rules without a circuit do not heed.
const GAINS: &str = "'nudge.beta' = [0.1]\n'nudge.alpha' = [0.5]\n";

/// The same experiment with other rules.
fn of_rules(rules: &str) -> String {
    let text = EXPERIMENT.replace("['bp', 'dp-transpose']", &format!("[{rules}]"));
    if rules.contains("dp-transpose") { text } else { text.replace(GAINS, "") }
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
fn no_study_goes_back_through_other_synapses_than_the_run_had() {
    let bench = trained();
    for line in studies() {
        let line = format!("{line} --set feedback.synapses=shared");
        bench.refuse(&line, &["w.safetensors", "`F.k`", "--set feedback.synapses=separate"]);
    }
    // What the run had, and the transposes in its place.
    let whole = read_weights::<f64>(&bench.path("w.safetensors"), None).unwrap();
    let answers = || -> Vec<String> {
        let answer = |line: String| {
            let json = if line.starts_with("spice") { "--force" } else { "--json" };
            let done = bench.run(&format!("{line} {json}"));
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
fn a_run_stores_the_feedback_that_it_learned_with() {
    let bench = trained();
    let weights = read_weights::<f64>(&bench.path("w.safetensors"), None).unwrap();
    for (w, f) in weights.forward.iter().zip(weights.feedback.as_ref().unwrap()) {
        let size = w.iter().map(|w| w.abs()).sum::<f64>() / w.len() as f64;
        assert!((f - w.map(|w| size * w.signum())).largest() < 1e-15);
    }
    // How feedback synapses learned makes no other chip.
    for learned in ["", "--set feedback.learning=weight-mirror"] {
        let told = bench.run(&format!("settle {FILES} {learned}"));
        assert!(told.stdout.contains("(that of the weights)"), "{}{}", told.stdout, told.stderr);
    }
}

#[test]
fn the_angle_between_feedback_and_weights_is_a_column_where_there_is_one() {
    let bench = trained();
    let layers = fs::read_to_string(bench.path("out/layers.csv")).unwrap();
    let mut lines = layers.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let column = |name: &str| names.iter().position(|known| known == name).unwrap();
    let (run, layer, angle) = (column("run"), column("layer"), column("feedback_angle_deg"));
    let mut seen = 0;
    for row in lines {
        if row[run].starts_with("bp") || row[layer] == "1" {
            assert_eq!(row[angle], "", "{row:?}");
        } else {
            // Signs of normal weights are at arccos √(2/π) = 37° to them; of 30 and 50 weights at some 10° more
            // or less.
            let angle: f64 = row[angle].parse().unwrap();
            assert!((20.0..55.0).contains(&angle), "{row:?}");
            seen += 1;
        }
    }
    assert_eq!(seen, 3 * 2, "every epoch and layer");
}

#[test]
fn feedback_synapses_of_a_file_are_for_circuits_that_have_them() {
    let bench = trained();
    let begin = |rules: &str, learning: &str| {
        let text = of_rules(rules).replace("'he'", "{ weights = 'w.safetensors' }");
        bench.write("s.toml", &text.replace("'feedback.learning' = ['sign-symmetry']\n", learning));
    };
    begin("'dp-transpose'", "");
    for line in ["experiments check s.toml", "run s.toml --out again"] {
        let line = format!("{line} --set circuit.feedback.synapses=shared");
        bench.refuse(&line, &["w.safetensors", "`F.k`", "shared", "--set feedback.synapses=separate"]);
    }
    assert_eq!(bench.run("run s.toml --out again --quiet").status, 0);
    bench.weights(&[
        (Matrix::zeros(6, 64), vec![0.0; 6]),
        (Matrix::zeros(5, 6), vec![0.0; 5]),
        (Matrix::zeros(10, 5), vec![0.0; 10]),
    ]);
    for rule in ["'dp-transpose'", "'bp-feedback'"] {
        begin(rule, "");
        bench.refuse("run s.toml --out bare", &["no tensor `F.2`", "separate"]);
    }
    // What is programmed needs none.
    begin("'bp', 'dp-transpose', 'bp-feedback'", "'feedback.learning' = ['sign-symmetry']\n");
    let done = bench.run("run s.toml --out bare --quiet");
    assert_eq!(done.status, 0, "{}", done.stderr);
}

/// A circuit and rules, and a grid.
fn asked(feedback: &str, rules: &str, grid: &str) -> Bench {
    let bench = Bench::new();
    let text = of_rules(rules).replace("'c.toml'", &format!("{{ feedback = {{ {feedback} }} }}"));
    bench.write("e.toml", &text.replace("'feedback.learning' = ['sign-symmetry']\n", grid));
    bench
}

#[test]
fn what_feedback_synapses_cannot_do_is_refused() {
    let separate = |learning: &str| format!("synapses = 'separate', learning = {learning}");
    let dp = "'dp-transpose'";
    let without_end = "grow without end";
    let cases: [(String, &str, &[&str]); 13] = [
        ("learning = 'weight-mirror'".into(), dp, &["feedback.learning", "feedback.synapses", "separate"]),
        (separate("'weight-miror'"), dp, &["did you mean `weight-mirror`", "`kolen-pollack`"]),
        (separate("{ decya = 1 }"), dp, &["feedback.learning.decya", "did you mean `decay`"]),
        (separate("3"), dp, &["feedback.learning", "weight-mirror", "decay = "]),
        (separate("{ decay = -0.5, amp = 1 }"), dp, &["learning.decay", "0 or more", without_end]),
        (separate("{ null = -0.5, decay = 1 }"), dp, &["learning.null", "0 or more", without_end]),
        (separate("{ sparse = -0.5, decay = 1 }"), dp, &["learning.sparse", "0 or more", without_end]),
        (separate("{ amp = 1 }"), dp, &["learning.amp", "`decay`, `null` or `sparse`", without_end]),
        (separate("{ self = 1, sparse = 1 }"), dp, &["learning.self", "`decay`", without_end]),
        (separate("{ decay = 1, rate = 0 }"), dp, &["learning.rate", "above 0"]),
        (separate("{ }"), dp, &["feedback.learning", "none"]),
        (separate("'weight-mirror'"), "'bp'", &["feedback.learning", "none", "`bp-feedback`"]),
        ("synapses = 'shared'".into(), "'bp-feedback'", &["feedback.synapses", "separate", "rule `bp`"]),
    ];
    for (feedback, rules, words) in cases {
        asked(&feedback, rules, "").refuse("experiments check e.toml", words);
    }
    let gone = asked("synapses = 'separate'", "'bp', 'sign-symmetry'", "");
    gone.refuse("run e.toml", &["rules[1]", "dp-transpose", "feedback.learning", "sign-symmetry"]);
    let noisy = |key: &str| format!("experiments check e.toml --set optimizer.{key}=-0.1");
    for key in ["update_noise", "feedback_update_noise"] {
        asked("synapses = 'separate'", dp, "").refuse(&noisy(key), &[key, "0 or more"]);
    }
}

#[test]
fn keys_of_a_grid_that_nobody_heeds_are_refused() {
    let separate = "synapses = 'separate'";
    let cases: [(&str, &str, &str, &[&str]); 4] = [
        (
            "'bp'",
            separate,
            "'feedback.init' = ['copy', 'random']\n",
            &["feedback.init", "`bp`, `adversarial`, `bp-direct` and `scff`"],
        ),
        (
            "'dp-transpose'",
            "synapses = 'separate', learning = 'transport'",
            "'feedback.init' = ['copy', 'random']\n",
            &["feedback.init", "programmed anew"],
        ),
        (
            "'dp-transpose'",
            "synapses = 'separate', learning = 'sign-symmetry'",
            "'optimizer.feedback_update_noise' = [0.0, 0.1]\n",
            &["optimizer.feedback_update_noise", "descend no terms"],
        ),
        ("'bp-feedback'", separate, "'nudge.beta' = [0.1, 0.2]\n", &["nudge.beta", "`bp-feedback`"]),
    ];
    for (rules, feedback, grid, words) in cases {
        let bench = asked(feedback, rules, grid);
        let text = fs::read_to_string(bench.path("e.toml")).unwrap();
        bench.write("e.toml", &text.replacen(GAINS, "", 1));
        bench.refuse("experiments check e.toml", words);
    }
}

#[test]
fn rules_of_feedback_synapses_are_runs_of_a_grid_with_names_of_their_own() {
    let grid = "'feedback.learning' = ['none', 'weight-mirror', { decay = 0.1, amp = 1.0 }, { self = 1.0, decay = 1.0 }]\n";
    let bench = asked("synapses = 'separate', init = 'random'", "'bp', 'bp-feedback'", grid);
    let document = bench.run("experiments check e.toml --json").json();
    let runs: Vec<&str> =
        document["runs"].as_array().unwrap().iter().map(|run| run.as_str().unwrap()).collect();
    assert_eq!(runs.len(), 5, "{runs:?}");
    assert_eq!(runs[..3], ["bp-s1", "bp-feedback-learningnone-s1", "bp-feedback-learningweight-mirror-s1"]);
    let done = bench.run("run e.toml --out d --quiet --threads 1");
    assert_eq!(done.status, 0, "{}", done.stderr);
    let weights = |run: &str| {
        let file = bench.path(&format!("d/weights/{run}.safetensors"));
        read_weights::<f64>(&file, None).unwrap().feedback.unwrap()
    };
    let (fixed, learned) =
        (weights("bp-feedback-learningnone-s1"), weights("bp-feedback-learningweight-mirror-s1"));
    assert_eq!(weights("bp-s1"), fixed, "the same start, and nobody moves it");
    assert_eq!(learned[0], fixed[0], "no error goes below the first layer");
    assert!(learned[1] != fixed[1] && learned[2] != fixed[2]);
}
