//! Lateral synapses from the command line: learned, stored, asked about, and refused.

use std::fs;

use dyadsim_core::matrix::Matrix;

use crate::bench::Bench;

/// Digits on one hidden layer, or fully connected.
fn experiment(rules: &str, network: &str, circuit: &str) -> String {
    format!(
        "name = 'e'\nnetwork = {network}\nepochs = 2\nbatch = 20\nseeds = [1]\ninit = {{ std = [0.1, 0.1] }}\n\
         dataset = {{ kind = 'digits', train = 60, test = 40 }}\nrules = [{rules}]\n\
         optimizer = {{ kind = 'adam', learning_rate = 0.002 }}\nprobe = 2\n\
         [circuit]\nname = 'own'\nlateral = true\n{circuit}\n[circuit.neuron]\nactivation = 'tanh'\n\
         [circuit.nudge]\nat = 'mean'\nbeta = 0.1\n[circuit.solver]\nkind = 'dc'\nrtol = 1e-8\n"
    )
}

#[test]
fn rules_of_both_kinds_learn_them_with_the_same_bytes_for_any_number_of_threads() {
    let hopfield = "'recurrent-bp', 'ep', 'ep-centred', 'ep-holomorphic', 'ep-oscillating', 'chl', 'coupled', 'ep-asymmetric'";
    for (kind, rules, own) in [
        ("hopfield", hopfield, ""),
        (
            "hopfield",
            "'ep-asymmetric', 'recurrent-bp'",
            "[circuit.feedback]\nsynapses = 'separate'\ninit = 'random'\n",
        ),
        ("recurrent-dyad", "'dyadic-ep'", ""),
    ] {
        let bench = Bench::new();
        let text = experiment(rules, "[64, 6, 10]", &format!("kind = '{kind}'\n")) + own;
        bench.write("e.toml", &text);
        for (out, threads) in [("one", 1), ("two", 2)] {
            let ran =
                bench.run(&format!("run e.toml --out {out} --quiet --precision f64 --threads {threads}"));
            assert_eq!(ran.status, 0, "{}", ran.stderr);
        }
        for entry in fs::read_dir(bench.path("one/weights")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let bytes = |out: &str| fs::read(bench.path(out).join("weights").join(&name)).unwrap();
            assert_eq!(bytes("one"), bytes("two"), "{name}");
            let file = bench.tensors(&format!("one/weights/{name}"));
            let lateral: Matrix<f64> = file.matrix("L.1", (6, 6)).unwrap();
            assert!(lateral.diagonal().iter().all(|&d| d == 0.0) && lateral.amax() > 0.01, "{name}");
            assert_eq!(lateral == lateral.transpose(), own.is_empty(), "{name}");
            assert!(file.matrix::<f64>("L.2", (10, 10)).is_ok());
        }
    }
}

#[test]
fn weights_of_a_fully_connected_net_are_asked_about() {
    let bench = Bench::new();
    let text = experiment("'ep-centred'", "[64, 10]", "kind = 'hopfield'\n").replace("[0.1, 0.1]", "[0.1]");
    bench.write("e.toml", &text);
    assert_eq!(bench.run("run e.toml --out whole --quiet").status, 0);
    fs::copy(bench.path("whole/weights/ep-centred-b0.1-s1.safetensors"), bench.path("w.safetensors"))
        .unwrap();
    let wave = |i: usize, j: usize| ((3 * i + j) as f64).sin().abs();
    bench.batch(&Matrix::from_fn(3, 64, wave), &Matrix::from_fn(3, 10, wave));
    let circuit = "kind = 'hopfield'\nlateral = true\n[neuron]\nactivation = 'tanh'\n[nudge]\nat = 'mean'\n";
    bench.write("c.toml", circuit);
    let files = "--weights w.safetensors --input x.safetensors --target y.safetensors";
    for question in ["settle", "stability", "spice --out d.cir", "gradient --vary nudge.beta=0.01:0.1:2"] {
        let (name, form) = question.split_once(' ').unwrap_or((question, ""));
        let done = bench.run(&format!("{name} c.toml {files} {form} --quiet"));
        assert_eq!(done.status, 0, "{question}: {}", done.stderr);
    }
    let deck = fs::read_to_string(bench.path("d.cir")).unwrap();
    assert!(deck.contains("Gl1_0_1 0 u1_0 s1_1 0 ") && !deck.contains("Gl1_0_0"));
    bench.refuse(&format!("settle c.toml {files} --set lateral=false"), &["L.k", "lateral=true"]);
}

#[test]
fn what_has_none_or_others_is_refused_with_what_would_be_right() {
    let bench = Bench::new();
    bench.write("e.toml", &experiment("'ep'", "[64, 6, 10]", ""));
    bench.refuse("run e.toml --out out", &["lateral", "hopfield", "recurrent-dyad"]);
    bench.write("e.toml", &experiment("'dp'", "[64, 6, 10]", "kind = 'hopfield'\n"));
    bench.refuse("run e.toml --out out", &["circuit.kind", "\"dyad\""]);
    bench.write("e.toml", &experiment("'predictive-coding'", "[64, 6, 10]", "kind = 'predictive-coding'\n"));
    bench.refuse("run e.toml --out out", &["lateral", "hopfield", "recurrent-dyad"]);
    bench.write("c.toml", "kind = 'hopfield'\nlateral = true\n");
    let one = |_: usize, _: usize| 0.5;
    let files = "--weights w.safetensors --input x.safetensors";
    bench.weights(&[(Matrix::from_fn(2, 3, one), vec![0.0; 2])]);
    bench.batch(&Matrix::from_fn(1, 3, one), &Matrix::from_fn(1, 2, one));
    bench.refuse(&format!("settle c.toml {files}"), &["no tensor `L.1`", "lateral=false"]);
    let store = |lateral: &Matrix<f64>| {
        let mut writer = dyadsim::record::tensors::TensorWriter::new();
        writer.matrix("W.1", &Matrix::from_fn(2, 3, one));
        writer.vector("b.1", &[0.0, 0.0]);
        writer.matrix("L.1", lateral);
        writer.write(&bench.path("w.safetensors")).unwrap();
    };
    for (entries, words) in
        [([0.0, 0.3, 0.2, 0.0], "symmetric"), ([0.1, 0.3, 0.3, 0.0], "zeros on the diagonal")]
    {
        store(&Matrix::from_row_slice(2, 2, &entries));
        bench.refuse(&format!("settle c.toml {files}"), &["`L.1`", words]);
    }
    store(&Matrix::from_row_slice(2, 2, &[0.0, 0.3, 0.3, 0.0]));
    let done = bench.run(&format!("settle c.toml {files} --json"));
    assert_eq!(done.json()["counts"]["settled"], 1);
    // Rest: v = 0.75 + 0.3 v, both outputs linear.
    let state = bench.run(&format!("settle c.toml {files} --set solver.rtol=1e-11 --out s"));
    assert_eq!(state.status, 0, "{}", state.stderr);
    let found: Matrix<f64> = bench.tensors("s/state.safetensors").matrix("v.1", (1, 2)).unwrap();
    assert!(found.iter().all(|v| (v - 0.75 / 0.7).abs() < 1e-8), "{found}");
}

#[test]
fn a_run_that_is_killed_goes_on_where_it_was() {
    let bench = Bench::new();
    let text = experiment("'ep-centred'", "[64, 12, 10]", "kind = 'hopfield'\n");
    bench.write("e.toml", &text.replace("epochs = 2", "epochs = 12"));
    let begun = std::time::Instant::now();
    assert_eq!(bench.run("run e.toml --out whole --quiet").status, 0);
    // A share of the time that it takes here, so that the first attempt is stopped on any machine.
    let (mut patience, mut kills) = (begun.elapsed().as_secs_f64() / 4.0, 0);
    loop {
        let mut run = bench.command("run e.toml --out parts --resume --quiet");
        let ended = run.timeout(std::time::Duration::from_secs_f64(patience)).output().unwrap();
        if ended.status.success() {
            break;
        }
        kills += 1;
        patience *= 1.2;
        assert!(kills < 60, "{}", String::from_utf8_lossy(&ended.stderr));
    }
    assert!(kills > 0, "it was never stopped");
    let bytes = |out: &str| fs::read(bench.path(out).join("weights/ep-centred-b0.1-s1.safetensors")).unwrap();
    assert_eq!(bytes("whole"), bytes("parts"));
}
