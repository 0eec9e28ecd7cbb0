//! `devices extract`, and compartments of transistors in decks.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::bench::Bench;

/// Boltzmann's constant (J/K).
const BOLTZMANN: f64 = 1.380_649e-23;

fn ngspice() -> bool {
    let there = Command::new("ngspice").arg("-v").output().is_ok();
    if !there {
        println!("SKIPPED: no ngspice here (apt-get install ngspice)");
    }
    there
}

/// A resistor of 1 MΩ into 2 pF, and a tanh with an offset behind it: everything is known.
const KNOWN: &str = "* known\n.subckt rc in mid out ref\nR1 in mid 1meg\nC1 mid ref 2p\n\
    B1 out 0 V={0.2*tanh(V(mid)/0.2)+0.01}\n.ends rc\n";

const EXTRACT: &str =
    "devices extract known.cir --subckt rc --input in --state mid --output out --hold ref=0 --out x";

#[test]
fn what_is_known_of_a_subcircuit_comes_out() {
    if !ngspice() {
        return;
    }
    let bench = Bench::new();
    bench.write("known.cir", KNOWN);
    let found = bench.run(&format!("{EXTRACT} --capacitance 2pF --json"));
    assert_eq!(found.status, 0, "{}", found.stderr);
    let found = found.json();
    let number = |key: &str| found[key].as_f64().unwrap();
    let near = |key: &str, exact: f64, share: f64| {
        assert!((number(key) / exact - 1.0).abs() < share, "{key}: {} of {exact}", number(key));
    };
    near("offset", 0.01, 1e-6);
    // Elmore's delay of a step of 1.2 mV, cut off after 20 τ; the rise and ngspice's own relative tolerance.
    near("time_constant", 2e-6, 1e-3);
    near("leak", 1e-6, 1e-3);
    near("white", 4.0 * BOLTZMANN * 300.0 * 1e6, 1e-5);
    near("excess", 1.0, 1e-3);
    assert!(number("delay").abs() < 2e-10, "no delay behind the capacitor: {}", number("delay"));
    assert!(found["range"].is_null() && found["corner"].is_null(), "a linear circuit: {found}");
    let text = fs::read_to_string(bench.path("x/rc.csv")).unwrap();
    let mut rows = text.lines();
    assert_eq!(rows.next(), Some("v_in (V),v_out (V)"));
    let points: Vec<(f64, f64)> = rows
        .map(|row| row.split_once(',').map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap())).unwrap())
        .collect();
    assert_eq!(points.len(), 121);
    for (x, y) in points {
        assert!((y - 0.2 * (x / 0.2_f64).tanh() - 0.01).abs() < 1e-8, "{x}: {y}");
    }
    assert_eq!(bench.run("circuits check x/rc.toml").status, 0);
    bench.refuse(EXTRACT, &["rc.toml exists", "--force"]);
}

#[test]
fn what_no_subcircuit_has_is_told() {
    let bench = Bench::new();
    bench.write("known.cir", KNOWN);
    for (from, to, words) in [
        ("--subckt rc", "--subckt rk", &["no such subcircuit", "`rc`"][..]),
        ("--input in", "--input inn", &["no port of `rc`", "did you mean `in`"]),
        ("--hold ref=0", "--hold ref=zero", &["zero", "voltage"]),
        (" --hold ref=0", "", &["port `ref`", "has no voltage", "--hold ref=VOLTAGE"]),
        ("--hold ref=0", "--hold ref=0 --hold out=1", &["port `out`", "more than one voltage"]),
        ("known.cir", "none.cir", &["none.cir", "cannot be read"]),
        ("--out x", "--out x --from 1 --to 0", &["a sweep that rises"]),
    ] {
        bench.refuse(&EXTRACT.replacen(from, to, 1), words);
    }
}

fn transistors() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/transistors")
}

fn extract_transistors(bench: &Bench, more: &str) -> serde_json::Value {
    let netlist = transistors().join("neuron.cir");
    let line = format!(
        "devices extract {} --subckt compartment --input u --state p --output s --hold vdd=0.9 --hold vss=-0.9 \
         --capacitance 1pF --out x --json {more}",
        netlist.display()
    );
    let done = bench.run(&line);
    assert_eq!(done.status, 0, "{}", done.stderr);
    done.json()
}

#[test]
fn offsets_of_copies_are_those_of_pelgrom() {
    if !ngspice() {
        return;
    }
    let bench = Bench::new();
    let found = extract_transistors(&bench, "--chips 1000 --seed 3");
    // Three OTAs in a row at unity gain: two transistors of 4 mV µm/√(8 µm²) in each pair, two of 4/√16 in
    // each mirror, whose thresholds come to the input by the quotient of transconductances.
    let quotient = mirror_quotient(&bench);
    assert!((0.7..1.1).contains(&quotient), "{quotient}");
    let pelgrom = (3.0 * (2.0 * 16e-6 / 8.0 + 2.0 * 16e-6 / 16.0 * quotient * quotient)).sqrt();
    let found = found["offset_std"].as_f64().unwrap();
    // Three standard errors of a standard deviation of 1000, σ/√(2 · 999); follower and load have gains of 1
    // ± 1 %.
    let accepted = pelgrom * (3.0 / (2.0 * 999.0_f64).sqrt() + 0.01);
    assert!((found - pelgrom).abs() < accepted, "{found} against {pelgrom} ± {accepted}");
}

/// Transconductance of a mirror's transistor over that of the pair's, of an OTA at rest in ngspice.
fn mirror_quotient(bench: &Bench) -> f64 {
    let deck = format!(
        "* one\n.include \"{}\"\n.options temp=26.85 abstol=1e-16 gmin=1e-15\nVd vdd 0 0.9\nVs vss 0 -0.9\nVi u 0 0\n\
         Xc u p s vdd vss compartment\n.control\nop\nlet q = @m.xc.xm.x3.m[gm]/@m.xc.xm.x1.m[gm]\nprint q\n.endc\n.end\n",
        transistors().join("neuron.cir").display()
    );
    bench.write("one.cir", &deck);
    let told = Command::new("ngspice").args(["-n", "-b"]).arg(bench.path("one.cir")).output().unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let value = told.lines().find_map(|line| line.strip_prefix("q = ")).unwrap_or_else(|| panic!("{told}"));
    value.trim().parse().unwrap()
}

#[test]
fn a_net_of_transistors_does_what_its_extracted_model_does() {
    if !ngspice() {
        return;
    }
    let bench = Bench::new();
    let found = extract_transistors(&bench, "");
    // 2 n U_T with a slope factor of 1.2 to 1.4 in weak inversion, at 300 K.
    let range = found["range"].as_f64().unwrap();
    assert!((0.062..0.073).contains(&range), "{range}");
    let folder = transistors();
    let file = |name: &str| folder.join(name).display().to_string();
    for sample in [0, 1] {
        let line = format!(
            "spice x/compartment.toml --weights {} --input {} --target {} --sample {sample} \
             --transistors {}:compartment:drive,state,output,0.9,-0.9 --check --json",
            file("weights.safetensors"),
            file("input.safetensors"),
            file("target.safetensors"),
            file("neuron.cir"),
        );
        let done = bench.run(&line);
        assert_eq!(done.status, 0, "{}{}", done.stdout, done.stderr);
        let check = &done.json()["check"];
        assert_eq!(check["outcome"]["ngspice"], "settled");
        // The bounds of docs/transistors.md; and the curve is not the whole of it: potentials differ.
        let [rest, wave] = ["equilibrium_v", "waveform_v"].map(|key| check[key].as_f64().unwrap());
        assert!(rest > 1e-4 && rest < 3e-3 && wave < 8e-3, "{rest} {wave}");
    }
}

#[test]
fn the_model_beside_the_netlist_is_the_one_that_is_extracted() {
    if !ngspice() {
        return;
    }
    let bench = Bench::new();
    extract_transistors(&bench, "");
    let points = |text: String| -> Vec<f64> {
        text.lines()
            .skip(1)
            .flat_map(|row| row.split(',').map(|cell| cell.parse().unwrap()).collect::<Vec<_>>())
            .collect()
    };
    let kept = points(fs::read_to_string(transistors().join("extracted/compartment.csv")).unwrap());
    let new = points(fs::read_to_string(bench.path("x/compartment.csv")).unwrap());
    assert_eq!(kept.len(), new.len());
    // Other versions of ngspice, or of the C library, may round differently: its own tolerance is 1e-6.
    for (kept, new) in kept.iter().zip(&new) {
        assert!((kept - new).abs() < 2e-6, "{kept} {new}");
    }
}

/// An experiment of a curve in a file of its own.
fn with_a_curve() -> Bench {
    let bench = Bench::new();
    let row = |i: i32| format!("{},{:?}\n", 100 * i, (0.1 * f64::from(i)).tanh());
    bench.write("curve.csv", &format!("v (mV),out (V)\n{}", (-20..=20).map(row).collect::<String>()));
    bench.write("c.toml", "[neuron]\nactivation = { kind = \"table\", file = \"curve.csv\" }\n");
    bench.write(
        "e.toml",
        "name = \"curve\"\ncircuit = \"c.toml\"\ndataset = { kind = \"yin-yang\", train = 60, test = 30 }\n\
         network = [4, 5, 3]\nepochs = 2\nbatch = 20\nseeds = [1]\nrules = [\"bp\", \"dp\"]\n\
         optimizer = { kind = \"sgd\", learning_rate = 0.1 }\n",
    );
    bench
}

#[test]
fn a_folder_of_runs_is_whole_without_the_file_of_a_curve() {
    let bench = with_a_curve();
    let told = bench.run("circuits check c.toml");
    assert!(told.stdout.contains("41 points from -2 V to 2 V; potentials beyond"), "{}", told.stdout);
    for precision in ["f64", "f32"] {
        let once =
            bench.run(&format!("run e.toml --out {precision} --precision {precision} --threads 1 --quiet"));
        assert_eq!(once.status, 0, "{}", once.stderr);
    }
    let again = bench.run("run e.toml --out other --threads 2 --quiet");
    assert_eq!(again.status, 0, "{}", again.stderr);
    fs::remove_file(bench.path("curve.csv")).unwrap();
    let written = bench.run("run f64/experiment.toml --out written --quiet");
    assert_eq!(written.status, 0, "{}", written.stderr);
    let weights = |folder: &str| fs::read(bench.path(&format!("{folder}/layers.csv"))).unwrap();
    assert!(weights("written") == weights("f64") && weights("other") == weights("f64"));
    assert!(weights("f32") != weights("f64"), "single precision is another run");
}

#[test]
fn complex_potentials_have_no_place_in_a_curve() {
    let bench = with_a_curve();
    let holomorphic = "run e.toml --out x --set rules=[\"ep-holomorphic\"] --set circuit.kind=hopfield";
    bench.refuse(
        holomorphic,
        &["activation", "as potentials become complex, where a kink or a table means nothing"],
    );
    bench.refuse(
        "circuits check c.toml --set kind=predictive-coding",
        &["neuron.activation", "drives would jump"],
    );
}

#[test]
fn a_description_of_transistors_that_is_none_is_told() {
    let bench = Bench::new();
    bench.refuse(
        "spice ideal --weights w --input x --check --transistors a.cir:cell:drive,state",
        &["--transistors", "0 ports `output`", "drive,state,output,0.9"],
    );
}
