//! Arrays of conductances with resistive wires: against ngspice, closed forms, and each other; and circuits
//! whose synapses they are.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use dyadsim_core::circuit::{DyadCircuit, Dynamics};
use dyadsim_core::device::crossbar::effective;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::random::{Key, Kind, stream};
use dyadsim_core::spec::*;
use proptest::prelude::*;
use rand_distr::{Distribution, StandardUniform};

use crate::nets::{Net, ideal};
use crate::spice_check::missing;

/// Numbers from 0 to 1.
fn uniform(rows: usize, columns: usize, seed: u64) -> Matrix<f64> {
    let mut source = stream(Key::new(seed, Kind::Data));
    Matrix::from_fn(rows, columns, |_, _| StandardUniform.sample(&mut source))
}

/// Conductances up to 100 uS.
fn array(outputs: usize, inputs: usize, seed: u64) -> Matrix<f64> {
    uniform(outputs, inputs, seed) * 1e-4
}

/// Currents out of the columns (A) by ngspice, where inputs drive the rows (V).
fn by_ngspice(conductances: &Matrix<f64>, wire: f64, inputs: &Matrix<f64>) -> Vec<f64> {
    let (outputs, rows) = conductances.shape();
    let mut deck = String::from("crossbar\n");
    for i in 0..rows {
        writeln!(deck, "vin{i} d{i} 0 {:.17e}", inputs[i]).unwrap();
        for j in 0..outputs {
            let from = if j == 0 { format!("d{i}") } else { format!("r{i}_{}", j - 1) };
            writeln!(deck, "rr{i}_{j} {from} r{i}_{j} {wire:e}").unwrap();
            writeln!(deck, "rg{i}_{j} r{i}_{j} c{i}_{j} {:.17e}", 1.0 / conductances[(j, i)]).unwrap();
            let to = if i + 1 == rows { format!("o{j}") } else { format!("c{}_{j}", i + 1) };
            writeln!(deck, "rc{i}_{j} c{i}_{j} {to} {wire:e}").unwrap();
        }
    }
    let mut prints = String::new();
    for j in 0..outputs {
        writeln!(deck, "vo{j} o{j} 0 0").unwrap();
        writeln!(prints, "print i(vo{j})").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crossbar.cir");
    fs::write(&path, format!("{deck}.control\nset numdgt=15\nop\n{prints}.endc\n.end\n")).unwrap();
    let done = Command::new("ngspice").args(["-n", "-b"]).arg(&path).output().unwrap();
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    let value = |j: usize| {
        let line = told.lines().find(|line| line.starts_with(&format!("i(vo{j}) = ")));
        line.unwrap_or_else(|| panic!("{told}")).split(" = ").nth(1).unwrap().trim().parse().unwrap()
    };
    (0..outputs).map(value).collect()
}

#[test]
fn currents_are_those_of_ngspice_at_every_node_solved() {
    if missing() {
        return;
    }
    for (outputs, inputs, wire, seed) in
        [(8, 8, 5.0, 1), (16, 32, 1.0, 2), (32, 16, 20.0, 3), (1, 5, 100.0, 4)]
    {
        let conductances = array(outputs, inputs, seed);
        let volts = uniform(inputs, 1, seed + 10);
        let ours = effective(&conductances, wire, WireSolve::Exact) * &volts;
        let theirs = by_ngspice(&conductances, wire, &volts);
        for (ours, theirs) in ours.iter().zip(&theirs) {
            // Direct solves of both, with conductances in 1 : 10⁴ at most and 10³ nodes.
            assert!((ours / theirs - 1.0).abs() < 1e-9, "{outputs}x{inputs}: {ours} {theirs}");
        }
        let ideal = &conductances * &volts;
        let lost = ideal.iter().zip(&theirs).map(|(ideal, i)| 1.0 - i / ideal);
        assert!(lost.fold(0.0, f64::max) > 1e-3, "wires that matter");
    }
}

#[test]
fn separate_rows_and_columns_are_within_two_percent_of_the_exact_array() {
    // 64 x 64 cells, 1 Ohm each, devices up to 10 kOhm: an average cell loses some 10 %.
    for seed in [5, 6, 7] {
        let conductances = array(64, 64, seed);
        let [exact, separable] =
            [WireSolve::Exact, WireSolve::Separable].map(|solve| effective(&conductances, 1.0, solve));
        let volts = uniform(64, 1, seed + 10);
        let currents = (&exact * &volts, &separable * &volts);
        let worst = currents.0.iter().zip(&currents.1).map(|(e, s)| (s / e - 1.0).abs()).fold(0.0, f64::max);
        let lost = 1.0 - exact.sum() / conductances.sum();
        println!(
            "seed {seed}: array loses {:.1} %, worst current off by {:.2} %",
            100.0 * lost,
            100.0 * worst
        );
        assert!(lost > 0.05 && worst < 0.02, "{lost} {worst}");
    }
}

#[test]
fn one_cell_and_one_row_are_as_written_out() {
    let (g, r) = (1e-4_f64, 500.0);
    for solve in [WireSolve::Exact, WireSolve::Separable] {
        let one = effective(&Matrix::from_element(1, 1, g), r, WireSolve::Exact)[0];
        assert!((one - 1.0 / (1.0 / g + 2.0 * r)).abs() < 1e-18);
        // A wire without resistance is none, to the bit.
        let any = array(5, 7, 8);
        assert_eq!(effective(&any, 0.0, solve), any);
    }
    // Two cells on a row, their columns nearly at ground: with r g = 1/1000 the first carries
    // g (1 − 2 r g − r g) and the second g (1 − 3 r g − r g) to first order.
    let (g, r) = (1e-4, 10.0);
    let pair = Matrix::from_element(2, 1, g);
    for solve in [WireSolve::Exact, WireSolve::Separable] {
        let found = effective(&pair, r, solve) / g;
        // Second order: some ten times (r g)².
        assert!((found[0] - 0.997).abs() < 2e-5 && (found[1] - 0.996).abs() < 2e-5, "{found}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn wires_only_take(outputs in 1..9_usize, inputs in 1..9_usize, wire in 0.1..50.0_f64, seed in 0..1000_u64) {
        let ideal = array(outputs, inputs, seed);
        for solve in [WireSolve::Exact, WireSolve::Separable] {
            let [little, much] = [wire, 2.0 * wire].map(|wire| effective(&ideal, wire, solve));
            for ((ideal, little), much) in ideal.row_sum().iter().zip(&little.row_sum()).zip(&much.row_sum()) {
                prop_assert!(ideal >= little && little >= much && *much > 0.0);
            }
        }
        // Both ways of eliminating, by outputs and by inputs, are the same array.
        let exact = effective(&ideal, wire, WireSolve::Exact);
        let wide = Matrix::from_fn(inputs, outputs, |i, j| ideal[(outputs - 1 - j, inputs - 1 - i)]);
        let other = effective(&wide, wire, WireSolve::Exact);
        let back = Matrix::from_fn(outputs, inputs, |j, i| other[(inputs - 1 - i, outputs - 1 - j)]);
        prop_assert!((exact - back).amax() < 1e-12 * 1e-4);
    }
}

fn net(crossbar: Option<CrossbarSpec>) -> Net {
    let spec = CircuitSpec { crossbar, ..ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.3, 0.2) };
    Net::random(31, &[6, 8, 3], 3, 1.5, spec)
}

#[test]
fn perfect_wires_and_wide_windows_are_exactly_none() {
    let outputs = |net: &Net| {
        let circuit = DyadCircuit::free(&net.chip, &net.weights, &net.batch.inputs);
        circuit.means(&circuit.free_state())
    };
    let plain = outputs(&net(None));
    for crossbar in [
        CrossbarSpec::default(),
        CrossbarSpec { on_off: Some(3.0), ..CrossbarSpec::default() },
        CrossbarSpec { weight: Some(10.0), ..CrossbarSpec::default() },
    ] {
        assert_eq!(outputs(&net(Some(crossbar))), plain);
    }
    let narrow = net(Some(CrossbarSpec { weight: Some(0.2), ..CrossbarSpec::default() }));
    let effective = narrow.chip.effective_weights(&narrow.weights);
    for (carried, programmed) in effective.forward.iter().zip(&narrow.weights.forward) {
        assert!(carried.iter().zip(programmed).all(|(c, p)| *c == p.clamp(-0.2, 0.2)));
        assert!(programmed.amax() > 0.2);
    }
}

#[test]
fn small_drops_take_from_weights_what_pairs_of_conductances_lose() {
    // A pair far apart from zero, both cells of its arrays: W = [w] is (G₊ − G₋)/(G_max − G_min) · w_max with
    // G = 1/(1/G + 2 r).
    let (w, r, on, ratio) = (0.4_f64, 100.0, 1e-4, 4.0);
    let crossbar =
        CrossbarSpec { wire: r, on_off: Some(ratio), weight: Some(1.0), ..CrossbarSpec::default() };
    let mut net = Net::random(1, &[1, 1], 1, 0.0, net(Some(crossbar)).spec);
    net.weights.forward[0][0] = -w;
    let carried = net.chip.effective_weights(&net.weights).forward[0][0];
    let off = on / ratio;
    let of_cell = |g: f64| 1.0 / (1.0 / g + 2.0 * r);
    let wanted = (of_cell(off) - of_cell(off + w * (on - off))) / (on - off);
    // The separable array loses (1 + r g)² in place of 1 + 2 r g: (r g)² = 1e-4 at most.
    assert!((carried - wanted).abs() < 2e-4 && (carried + w).abs() > 2e-3, "{carried} {wanted}");
}
