//! `spice`: decks that are the same bytes, that ngspice runs, and that it is held against; what is refused.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use dyadsim_core::matrix::Matrix;
use nalgebra::dmatrix;

use crate::bench::{Bench, Done};

const SPICE: &str = "spice c.toml --weights w.safetensors --input x.safetensors --target y.safetensors";

/// A 2-3-1 net of tanh with two samples, under settings that every analysis can use.
fn net() -> Bench {
    let bench = Bench::new();
    bench.write(
        "c.toml",
        "name = \"tanh net\"\n[neuron]\nactivation = { kind = \"tanh\", offset = 0.05 }\n\
         [nudge]\nvariant = \"dp\"\nalpha = 0.3\nbeta = 0.2\n",
    );
    bench.weights(&[
        (dmatrix![0.8, -0.4; 0.3, 0.9; -0.6, 0.5], vec![0.1, 0.0, -0.1]),
        (dmatrix![0.7, -0.5, 1.1], vec![0.05]),
    ]);
    bench.batch(&dmatrix![0.5, 0.1; 0.25, 0.9], &dmatrix![1.0; 0.0]);
    bench
}

fn ngspice() -> bool {
    let there = Command::new("ngspice").arg("-v").output().is_ok();
    if !there {
        println!("SKIPPED: no ngspice here (apt-get install ngspice)");
    }
    there
}

/// A command that finds `script` where it looks for ngspice, and after it what there is.
#[cfg(unix)]
fn with_fake(bench: &Bench, line: &str, script: &str) -> Done {
    use std::os::unix::fs::PermissionsExt;
    let folder = bench.path("fake");
    fs::create_dir_all(&folder).unwrap();
    let program = folder.join("ngspice");
    fs::write(&program, format!("#!/bin/sh\n{script}")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = bench.command(line).env("PATH", format!("{}:{path}", folder.display())).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Done { status: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn the_same_inputs_give_the_same_bytes_and_another_sample_does_not_replace_them() {
    let bench = net();
    for name in ["one.cir", "two.cir"] {
        assert_eq!(bench.run(&format!("{SPICE} --out {name}")).status, 0);
    }
    let text = |name: &str| fs::read_to_string(bench.path(name)).unwrap();
    assert_eq!(text("one.cir").replace("one", "two"), text("two.cir"), "the stem alone differs");
    assert_eq!(text("one.json"), text("two.json"));
    assert!(!text("one.cir").contains(".include"), "one file stands alone");
    assert_eq!(bench.run(&format!("{SPICE} --out one.cir")).status, 0, "the same again changes nothing");
    bench.refuse(&format!("{SPICE} --sample 1 --out one.cir"), &["one.cir exists", "--force"]);
    assert_eq!(bench.run(&format!("{SPICE} --sample 1 --out one.cir --force")).status, 0);
    assert_ne!(text("one.cir").replace("one", "two"), text("two.cir"));
}

#[test]
fn the_map_names_every_compartment_and_what_is_read_of_a_dyad() {
    let bench = net();
    assert_eq!(bench.run(&format!("{SPICE} --out d.cir")).status, 0);
    let map: BTreeMap<String, String> =
        serde_json::from_str(&fs::read_to_string(bench.path("d.json")).unwrap()).unwrap();
    assert_eq!(map.len(), 4 * 4, "potentials, mean and difference of four neurons");
    let deck = fs::read_to_string(bench.path("d.cir")).unwrap();
    for (node, name) in &map {
        let mut parts = name.split('.');
        let letter = match parts.next().unwrap() {
            "v_plus" => 'p',
            "v_minus" => 'm',
            "activity" => 's',
            _ => 'd',
        };
        let (layer, neuron) = (parts.next().unwrap(), parts.next().unwrap());
        assert_eq!(*node, format!("{letter}{layer}_{neuron}"));
        assert!(deck.contains(&format!(" {node} ")), "{node} is in the deck");
    }
}

#[test]
fn a_split_deck_is_the_same_text_in_files() {
    let bench = net();
    assert_eq!(bench.run(&format!("{SPICE} --out d.cir")).status, 0);
    let whole = fs::read_to_string(bench.path("d.cir")).unwrap();
    fs::create_dir(bench.path("parts")).unwrap();
    let json = bench.run(&format!("{SPICE} --out parts/d.cir --split --json --quiet")).json();
    assert_eq!(json["files"].as_array().unwrap().len(), 5);
    let mut joined = String::new();
    for line in fs::read_to_string(bench.path("parts/d.cir")).unwrap().lines() {
        match line.strip_prefix(".include ") {
            Some(name) => joined += &fs::read_to_string(bench.path("parts").join(name)).unwrap(),
            None => joined += &format!("{line}\n"),
        }
    }
    assert_eq!(joined, whole);
}

#[test]
fn a_folder_is_made_for_a_deck_of_any_name_and_holds_the_question_where_it_is_the_decks_own() {
    let bench = net();
    for out in ["new/deep/deck.cir", "own/deck"] {
        assert_eq!(bench.run(&format!("{SPICE} --split --sample 1 --out {out}")).status, 0, "{out}");
    }
    let names = |folder: &str| {
        let mut names: Vec<String> = fs::read_dir(bench.path(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let deck = ["deck.cir", "deck.columns.inc", "deck.json", "deck.lib", "deck.network.inc"];
    assert_eq!(names("new/deep"), deck);
    assert_eq!(names("own/deck"), [&deck[..], &["manifest.json", "study.toml"]].concat());
    let again = bench.run("run own/deck/study.toml --out again --json").json();
    assert_eq!(again["files"][0], "again/deck.lib");
    let bytes = |folder: &str, name: &str| fs::read(bench.path(folder).join(name)).unwrap();
    for name in deck {
        assert_eq!(bytes("new/deep", name), bytes("own/deck", name), "{name}");
        assert_eq!(bytes("again", name), bytes("own/deck", name), "{name}");
    }
    bench.refuse(&format!("{SPICE} --out own/deck"), &["own/deck", "--force"]);
    assert_eq!(bench.run(&format!("{SPICE} --out own/deck --force")).status, 0);
    assert_eq!(names("own/deck"), ["deck.cir", "deck.json", "manifest.json", "study.toml"]);
    bench.refuse("run own/deck/study.toml", &["nothing to do", "--out FILE.cir"]);
}

#[test]
fn ngspice_runs_every_analysis_of_an_exported_deck_without_complaint() {
    if !ngspice() {
        return;
    }
    let bench = net();
    let noisy = "--set noise.thermal.excess=1.5 --set solver.kind=exponential-heun";
    let line =
        format!("{SPICE} {noisy} --out d.cir --tran 20us --op --noise --noise error.1.2 --trnoise --split");
    assert_eq!(bench.run(&line).status, 0);
    let done =
        Command::new("ngspice").current_dir(bench.path(".")).args(["-n", "-b", "d.cir"]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    let small = said.to_lowercase();
    assert!(!["error", "abort", "failed", "warning"].iter().any(|word| small.contains(word)), "{said}");
    assert_eq!(said.matches("onoise_total = ").count(), 2, "{said}");
    for name in ["d.tran.raw", "d.op.raw", "d.noise.p2_0.raw", "d.noise.d1_2.raw"] {
        assert!(bench.path(name).exists(), "{name}: {said}");
    }
}

/// The last point of a raw file of ngspice, by name of its vector.
fn last_point(bytes: &[u8]) -> BTreeMap<String, f64> {
    let mark = b"Binary:\n";
    let start = bytes.windows(mark.len()).position(|window| window == mark).unwrap();
    let header = std::str::from_utf8(&bytes[..start]).unwrap();
    let names = header.lines().skip_while(|line| !line.starts_with("Variables:")).skip(1);
    let names: Vec<String> = names.filter_map(|l| Some(l.split_whitespace().nth(1)?.to_owned())).collect();
    let numbers: Vec<f64> = bytes[start + mark.len()..]
        .chunks_exact(8)
        .map(|bytes| f64::from_ne_bytes(bytes.try_into().unwrap()))
        .collect();
    names.iter().cloned().zip(numbers[numbers.len() - names.len()..].iter().copied()).collect()
}

#[test]
fn a_round_trip_through_the_exported_file_comes_back_within_a_nanovolt() {
    if !ngspice() {
        return;
    }
    let bench = net();
    let tight = "--set solver.rtol=1e-12 --set solver.atol=1e-14 --set solver.kind=eam";
    assert_eq!(bench.run(&format!("{SPICE} {tight} --sample 1 --out d.cir --tran 80us")).status, 0);
    let line = SPICE.replace("spice", "settle");
    assert_eq!(bench.run(&format!("{line} {tight} --out state")).status, 0);
    let done =
        Command::new("ngspice").current_dir(bench.path(".")).args(["-n", "-b", "d.cir"]).output().unwrap();
    let end = last_point(&fs::read(bench.path("d.tran.raw")).unwrap_or_else(|_| panic!("{done:?}")));
    assert!((end["time"] - 80e-6).abs() < 1e-12, "{}", end["time"]);
    let map: BTreeMap<String, String> =
        serde_json::from_str(&fs::read_to_string(bench.path("d.json")).unwrap()).unwrap();
    let state = bench.tensors("state/state.safetensors");
    let mut compared = 0;
    for (node, name) in map.iter().filter(|(_, name)| name.starts_with("v_")) {
        let (tensor, neuron) = name.rsplit_once('.').unwrap();
        let width = if tensor.ends_with('1') { 3 } else { 1 };
        let ours = state.matrix::<f64>(tensor, (2, width)).unwrap()[(1, neuron.parse::<usize>().unwrap())];
        let theirs = end[&format!("v({node})")];
        // 80 τ: what the transient has left is e^-80 of a volt, or e^-40 were its slowest rate halved.
        assert!((ours - theirs).abs() <= 1e-9, "{node}: {ours} V here, {theirs} V in ngspice");
        compared += 1;
    }
    assert_eq!(compared, 8);
}

#[test]
fn both_simulators_agree_and_say_which_they_are() {
    if !ngspice() {
        return;
    }
    let bench = net();
    let done = bench.run(&format!("{SPICE} --check --sample 1"));
    assert_eq!(done.status, 0, "{}{}", done.stdout, done.stderr);
    assert!(done.stdout.contains("ngspice-") && !done.stdout.contains("DISAGREES"), "{}", done.stdout);
    let json = bench.run(&format!("{SPICE} --check --sample 1 --json --quiet")).json();
    let check = &json["check"];
    assert_eq!(check["agrees"], true);
    assert!(check["simulator"].as_str().unwrap().starts_with("ngspice-"));
    assert_eq!(
        (&check["outcome"]["dyadsim"], &check["outcome"]["ngspice"]),
        (&"settled".into(), &"settled".into())
    );
    assert!(
        check["equilibrium_v"].as_f64().unwrap() <= 1e-9 && check["waveform_v"].as_f64().unwrap() <= 5e-5
    );
}

#[cfg(unix)]
#[test]
fn a_simulator_that_simulates_another_circuit_is_caught() {
    if !ngspice() {
        return;
    }
    // A synapse of 80 nS becomes one of 80.001 nS: 12.5 ppm, some microvolts at rest.
    let real = "case \"$*\" in *deck.cir*) sed -i 's/^\\(Gw1_0_0 .*\\) [^ ]*$/\\1 8.0001e-8/' deck.cir;; esac\n\
                PATH=\"${PATH#*:}\" exec ngspice \"$@\"\n";
    let bench = net();
    let done = with_fake(&bench, &format!("{SPICE} --check"), real);
    assert_eq!(done.status, 1, "{}{}", done.stdout, done.stderr);
    assert!(done.stdout.contains("DISAGREES") && done.stdout.contains("ngspice-"), "{}", done.stdout);
}

#[cfg(unix)]
#[test]
fn a_failing_ngspice_is_told_in_its_own_words() {
    let bench = net();
    let banner = "echo '** ngspice-99 : Circuit level simulation program'\n[ \"$1\" = -v ] && exit 0\n";
    for (script, words) in [
        ("echo 'Error on line 7 : frobnicate'; exit 1\n", ["exit status: 1", "Error on line 7 : frobnicate"]),
        (
            "echo 'Timestep too small; trouble with node p1_0'\n",
            ["Timestep too small", "trouble with node p1_0"],
        ),
        ("echo 'Transient op finished successfully' > out.log\n", ["Transient op", "finished successfully"]),
        ("true\n", ["left no result", "ngspice-99"]),
    ] {
        let done = with_fake(&bench, &format!("{SPICE} --check"), &(banner.to_owned() + script));
        assert_eq!((done.status, done.stdout.as_str()), (1, ""), "{script}: {}", done.stderr);
        words.iter().for_each(|word| assert!(done.stderr.contains(word), "{script}: {}", done.stderr));
    }
}

#[test]
fn without_ngspice_it_says_what_to_install_before_any_work() {
    let bench = net();
    let output = bench
        .command(&format!("{SPICE} --check --out d.cir"))
        .env("PATH", bench.path("empty"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("ngspice") && told.contains("apt-get install ngspice"), "{told}");
    assert!(!bench.path("d.cir").exists());
}

#[test]
fn what_a_deck_cannot_hold_is_refused_with_the_reason() {
    let bench = net();
    let refuse = |more: &str, words: &[&str]| bench.refuse(&format!("{SPICE} {more}"), words);
    let heun = "--set solver.kind=exponential-heun --set noise.thermal.excess=1";
    refuse(
        &format!("--out d.cir --noise {heun} --set noise.read.relative_psd=1e-9"),
        &["noise.read", "relative_psd", "cannot be exported", "synapse"],
    );
    refuse(
        &format!("--out d.cir --trnoise {heun} --set noise.flicker.coefficient=1e-24"),
        &["noise.flicker", "TRNOISE", "accepted"],
    );
    refuse(&format!("--out d.cir --trnoise --dialect xyce {heun}"), &["--dialect", "TRNOISE"]);
    refuse("--out d.cir --noise", &["no noise", "noise.thermal"]);
    refuse(&format!("--out d.cir --noise v_plus.2.1 {heun}"), &["v_plus.2.1", "did you mean"]);
    refuse("--out d.cir --sample 2", &["--sample 2", "0 to 1"]);
    refuse("--out d.cir --tran=-3us", &["--tran"]);
    refuse("--out d.cir --tran 3V", &["--tran 3V", "time"]);
    refuse("--out d$.cir", &["d$", "'$'", "letters"]);
    bench.write("file", "");
    refuse("--out file/d.cir", &["cannot create file"]);
    refuse("--out d.json", &["d.json", "deck.cir"]);
    refuse("", &["--out"]);
    bench.write("n.toml", "name = \"a\\n.control\"\n");
    let line = SPICE.replace("c.toml", "n.toml");
    bench.refuse(&format!("{line} --out d.cir"), &["n.toml:1", "`name`", "without control characters"]);
}

/// What an element of the subset that ngspice and Xyce share begins with, and what it may hold.
fn in_common(line: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || " _.+-=".contains(c);
    let first = line.chars().next().unwrap_or('*').to_ascii_lowercase();
    match first {
        '*' => true,
        '+' => line.starts_with("+ PARAMS: ") && line.chars().all(|c| plain(c) || c == ':'),
        'b' => {
            let expression = line.split("V={").nth(1).and_then(|rest| rest.strip_suffix('}')).unwrap_or("?");
            let called = |(at, _): (usize, &str)| {
                let before = &expression[..at];
                before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default()
            };
            let known = ["", "max", "min", "abs", "exp", "ln", "tanh", "V"];
            expression != "?" && expression.match_indices('(').map(called).all(|name| known.contains(&name))
        }
        'r' | 'c' | 'v' | 'i' | 'g' | 'e' => line.chars().all(|c| plain(c) || "{}*".contains(c)),
        'x' => line.chars().all(plain),
        '.' => [".subckt ", ".ends ", ".options ", ".tran ", ".print ", ".dc ", ".noise ", ".end"]
            .iter()
            .any(|card| line.starts_with(card)),
        _ => false,
    }
}

#[test]
fn a_deck_for_xyce_stays_in_the_common_subset() {
    let bench = net();
    // A cross-entropy wants targets that add up to 1.
    bench.batch(&dmatrix![0.5, 0.1; 0.25, 0.9], &dmatrix![1.0; 1.0]);
    for more in [
        "--tran",
        "--op --set nudge.at=own",
        "--set nudge.loss=cross-entropy --set nudge.at=drive",
        "--set neuron.activation=softplus --set neuron.output_activation=sigmoid --set nudge.at=free",
        "--set neuron.activation=hard-sigmoid --set supply.low=-0.2 --set supply.high=0.9",
        "--noise --set noise.flicker.coefficient=1e-24 --set noise.input.psd=1e-16 --set noise.input.bandwidth=1e5 \
         --set noise.thermal.excess=2 --set solver.kind=exponential-heun",
    ] {
        assert_eq!(
            bench.run(&format!("{SPICE} --dialect xyce --out x.cir --force {more}")).status,
            0,
            "{more}"
        );
        let deck = fs::read_to_string(bench.path("x.cir")).unwrap();
        for line in deck.lines().skip(1) {
            assert!(in_common(line), "{more}: {line}");
        }
    }
    assert!(!in_common("B1 a 0 V={limit(V(b),0,1)}") && !in_common("B1 a 0 V={log(V(b))}"));
    assert!(!in_common("E1 a 0 POLY(2) b 0 c 0 0 1 1") && !in_common("R1 a 0 1k noisy=0 $ x"));
}

#[test]
fn weights_and_offsets_are_literals_that_read_back_to_the_bit() {
    let bench = net();
    assert_eq!(bench.run(&format!("{SPICE} --out d.cir")).status, 0);
    let deck = fs::read_to_string(bench.path("d.cir")).unwrap();
    let literal = |card: &str| -> f64 {
        let line = deck.lines().find(|line| line.split(' ').next() == Some(card)).unwrap();
        line.split(' ').next_back().unwrap().parse().unwrap()
    };
    let weights: [Matrix<f64>; 2] = [dmatrix![0.8, -0.4; 0.3, 0.9; -0.6, 0.5], dmatrix![0.7, -0.5, 1.1]];
    for (layer, w) in weights.iter().enumerate() {
        for j in 0..w.nrows() {
            for i in 0..w.ncols() {
                let place = format!("{}_{j}_{i}", layer + 1);
                // Siemens: the gain times the leak, 100 nS, rounded once.
                assert_eq!(literal(&format!("Gw{place}")), w[(j, i)] * 100e-9);
                if layer > 0 {
                    assert_eq!(
                        literal(&format!("Gf{place}")),
                        literal(&format!("Gw{place}")),
                        "one crossbar"
                    );
                }
            }
        }
    }
    assert!(deck.contains(" OP=5e-2 OM=5e-2"), "the offset of the activation device");
}
