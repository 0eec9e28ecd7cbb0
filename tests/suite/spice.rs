//! The Lyapunov prediction against `.noise` of ngspice, an independent simulator.
//!
//! One deck is written here by hand from the equations of docs/model.md §2; another is to come from
//! `dyadsim spice`.

use dyadsim_core::matrix::measure::larger;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use dyadsim::record::tensors::TensorWriter;
use dyadsim_core::analysis::small_signal::OperatingPoint;
use dyadsim_core::analysis::stationary::{Node, ReadQuantity};
use dyadsim_core::circuit::{Dynamics, Layered};
use dyadsim_core::solve::fixed_point;
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal, row};

/// Relative difference allowed to a total (rms): acceptance of the issue. The band from 1 Hz to 10 GHz leaves
/// out `(2/π)(f₁/f_c + f_c/f₂)` = 1.4e-5 of a variance; a hundred points per decade integrate to some 1e-5.
const TOLERANCE: f64 = 1e-3;

/// A 4-5-3 net with thermal noise at 300 K.
fn net(variant: Variant, alpha: f64) -> Net {
    let mut spec = ideal(ActivationKind::Tanh, variant, alpha, 0.5);
    spec.noise.thermal = Some(ThermalSpec::default());
    spec.solver.kind = SolverKind::ExponentialHeun;
    Net::random(940, &[4, 5, 3], 1, 1.0, spec)
}

/// Compartments as nodes of a deck: `p1_0` is `v_plus.1.0`, `m2_1` is `v_minus.2.1`.
fn compartments(net: &Net) -> Vec<(String, Node)> {
    let of = |(quantity, letter): (ReadQuantity, &'static str)| {
        let layers = net.network[1..].iter().enumerate();
        layers.flat_map(move |(layer, &n)| {
            (0..n).map(move |neuron| {
                (format!("{letter}{}_{neuron}", layer + 1), Node { quantity, layer, neuron })
            })
        })
    };
    [(ReadQuantity::Plus, "p"), (ReadQuantity::Minus, "m")].into_iter().flat_map(of).collect()
}

/// `s̄` and `δ` of a neuron as expressions of a deck; layer 0 is the input.
fn mean(net: &Net, layer: usize, neuron: usize) -> String {
    let alpha = net.spec.nudge.alpha;
    match layer {
        0 => format!("V(x{neuron})"),
        2 => format!("({alpha}*V(p2_{neuron})+{}*V(m2_{neuron}))", 1.0 - alpha),
        k => format!("({alpha}*tanh(V(p{k}_{neuron}))+{}*tanh(V(m{k}_{neuron})))", 1.0 - alpha),
    }
}

/// The circuit, one resistor (leak and noise), one capacitor and one controlled source (drive) per
/// compartment.
fn deck(net: &Net) -> String {
    let (plus, minus) = dyadsim_core::chip::gains(&net.spec.nudge);
    let (beta, neuron) = (net.spec.nudge.beta, &net.spec.neuron);
    let mut text = "dyads 4-5-3\n".to_owned();
    for (i, x) in net.batch.inputs.iter().enumerate() {
        writeln!(text, "Vx{i} x{i} 0 dc {x:e} ac {}", u8::from(i == 0)).unwrap();
    }
    for k in 1..net.network.len() {
        for j in 0..net.network[k] {
            let w = &net.weights.forward[k - 1];
            let mut heard = format!("{:e}", net.weights.biases[k - 1][j]);
            (0..w.ncols()).for_each(|i| heard += &format!("+({:e})*{}", w[(j, i)], mean(net, k - 1, i)));
            let back = if k == 2 {
                format!("({}*({:e}-{}))", beta, net.batch.targets[(0, j)], mean(net, 2, j))
            } else {
                let above = &net.weights.forward[k];
                let error = |i: usize| format!("+({:e})*(V(p2_{i})-V(m2_{i}))", above[(i, j)]);
                format!("(0{})", (0..above.nrows()).map(error).collect::<String>())
            };
            for (side, gain) in [("p", plus), ("m", -minus)] {
                let node = format!("{side}{k}_{j}");
                writeln!(text, "B{node} u{node} 0 V={heard}+({gain})*{back}").unwrap();
                writeln!(text, "R{node} u{node} {node} {:e}", 1.0 / neuron.leak).unwrap();
                writeln!(text, "C{node} {node} 0 {:e}", neuron.capacitance).unwrap();
            }
        }
    }
    text
}

/// Total output noise (V, rms) of some nodes of a deck, with the input source `source` as a reference.
fn totals(folder: &Path, deck: &str, nodes: &[String], source: &str) -> Vec<f64> {
    let celsius = 300.0 - 273.15;
    let mut text = deck.to_owned() + &format!(".options temp={celsius} reltol=1e-9 vntol=1e-12\n.control\n");
    for node in nodes {
        writeln!(text, "noise v({node}) {source} dec 100 1 1e10\nprint onoise_total").unwrap();
    }
    text += "quit\n.endc\n.end\n";
    let path = folder.join("noise.cir");
    fs::write(&path, text).unwrap();
    let done = Command::new("ngspice").arg("-b").arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let found: Vec<f64> = said
        .lines()
        .filter_map(|line| line.trim().strip_prefix("onoise_total = ")?.trim().parse().ok())
        .collect();
    assert_eq!(found.len(), nodes.len(), "{said}\n{}", String::from_utf8_lossy(&done.stderr));
    found
}

/// Compares totals with the square roots of the Lyapunov equation's diagonal.
fn compare(net: &Net, nodes: &[(String, Node)], found: &[f64]) {
    let circuit = net.circuit();
    let start = row(&circuit.free_state(), 0);
    let state = fixed_point(&circuit, 0, start.as_slice(), 1e-12).state;
    let point = OperatingPoint::new(&circuit, &net.batch.inputs, 0, &state);
    let covariance = point.system().covariance().unwrap().total;
    let mut worst = 0.0_f64;
    for ((name, node), found) in nodes.iter().zip(found) {
        let place = node.place(circuit.layout());
        let predicted = covariance[(place, place)].sqrt();
        worst = larger(worst, (found / predicted - 1.0).abs());
        assert!(
            (found / predicted - 1.0).abs() < TOLERANCE,
            "{name}: ngspice {found:e} V, predicted {predicted:e} V"
        );
    }
    println!("{} totals, largest relative difference {worst:.1e}", found.len());
}

#[test]
fn totals_of_ngspice_are_those_of_the_lyapunov_equation() {
    if Command::new("ngspice").arg("-v").output().is_err() {
        println!("SKIPPED: no ngspice here (apt-get install ngspice)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (variant, alpha) in [(Variant::Dp, 0.3), (Variant::Dp, 0.5), (Variant::DpTranspose, 0.0)] {
        let net = net(variant, alpha);
        let nodes = compartments(&net);
        let names: Vec<String> = nodes.iter().map(|(name, _)| name.clone()).collect();
        compare(&net, &nodes, &totals(folder.path(), &deck(&net), &names, "Vx0"));
    }
}

#[test]
fn totals_of_an_exported_deck_are_those_of_the_lyapunov_equation() {
    let command = || assert_cmd::Command::cargo_bin("dyadsim").unwrap();
    if !command().args(["spice", "--help"]).output().unwrap().status.success() {
        println!("SKIPPED: this version has no `dyadsim spice`");
        return;
    }
    if Command::new("ngspice").arg("-v").output().is_err() {
        println!("SKIPPED: no ngspice here (apt-get install ngspice)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let net = net(Variant::Dp, 0.3);
    let path = |name: &str| folder.path().join(name);
    fs::write(path("c.toml"), toml::to_string(&net.spec).unwrap()).unwrap();
    let mut weights = TensorWriter::new();
    for (k, (w, b)) in (1..).zip(net.weights.forward.iter().zip(&net.weights.biases)) {
        weights.matrix(&format!("W.{k}"), w);
        weights.vector(&format!("b.{k}"), b);
    }
    weights.write(&path("w.safetensors")).unwrap();
    for (name, values) in [("x", &net.batch.inputs), ("y", &net.batch.targets)] {
        let mut writer = TensorWriter::new();
        writer.matrix(name, values);
        writer.write(&path(&format!("{name}.safetensors"))).unwrap();
    }
    let exported = command()
        .current_dir(folder.path())
        .args(
            "spice c.toml --weights w.safetensors --input x.safetensors --target y.safetensors --out d.cir"
                .split(' '),
        )
        .output()
        .unwrap();
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    // A promise to users: a JSON file of the same stem maps nodes of the deck to `v_plus.1.0` and so on.
    let map: BTreeMap<String, String> =
        serde_json::from_str(&fs::read_to_string(path("d.json")).unwrap()).unwrap();
    let known: BTreeMap<String, Node> =
        compartments(&net).into_iter().map(|(_, node)| (node.name(), node)).collect();
    let nodes: Vec<(String, Node)> =
        map.into_iter().filter_map(|(spice, name)| Some((spice, *known.get(&name)?))).collect();
    assert_eq!(nodes.len(), known.len(), "every compartment is on the map");
    // Its own analyses are left out; the first voltage source is the reference.
    let deck = fs::read_to_string(path("d.cir")).unwrap();
    let (mut kept, mut control) = (String::new(), false);
    for line in deck.lines() {
        let card = line.trim().to_lowercase();
        control |= card.starts_with(".control");
        let analysis = [".end", ".op", ".tran", ".ac", ".noise", ".print", ".plot"]
            .iter()
            .any(|a| card.split(' ').next() == Some(a));
        if !control && !analysis {
            kept += line;
            kept.push('\n');
        }
        control &= !card.starts_with(".endc");
    }
    let is_source = |line: &&str| line.to_lowercase().starts_with('v');
    let source = kept.lines().skip(1).find(is_source).and_then(|line| line.split_whitespace().next());
    let source = source.expect("a deck has input drivers").to_owned();
    let names: Vec<String> = nodes.iter().map(|(name, _)| name.clone()).collect();
    compare(&net, &nodes, &totals(folder.path(), &kept, &names, &source));
}
