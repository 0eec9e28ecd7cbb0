//! 784-128-10 in ngspice and here: agreement, and CPU seconds per input of both.
//!
//! `cargo bench --bench spice`, with ngspice on the PATH and `/proc` (Linux). One thread; one input in
//! ngspice, as many as the line says here. Ours are a transient that is kept (`eam`, as tight as the
//! comparison), relaxations at default tolerance, and operating points; distances are from the last
//! potentials of the tight relaxation, which the comparison holds against ngspice.

mod nets;

use dyadsim_core::matrix::measure::Largest;
use std::fs;
use std::time::Instant;

use dyadsim::spice::{Netlist, Wiring, check, tightened};
use dyadsim_core::chip::Chip;
use dyadsim_core::circuit::DyadCircuit;
use dyadsim_core::matrix::{Matrix, select_rows};
use dyadsim_core::solve::{Outcome, settle_all};
use dyadsim_core::spec::{CircuitSpec, NudgeSpec, SolverKind, SolverSpec, Variant};

use nets::Net;

const NETWORK: [usize; 3] = [784, 128, 10];
/// Samples of the large batch, and those of it that ngspice simulates.
const BATCH: usize = 256;
const IN_NGSPICE: usize = 1;
const REPETITIONS: usize = 9;

fn main() {
    // One thread: the pool stands before anything uses it, so building it cannot fail.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("first use of the pool");
    println!("network {NETWORK:?}, relu, weights 0.7 times He's, beta 0.1, f64\n");
    for (name, variant, alpha) in [("DP 0", Variant::Dp, 0.0), ("DPT 1/2", Variant::DpTranspose, 0.5)] {
        let nudge = NudgeSpec { variant, alpha, beta: 0.1, ..NudgeSpec::default() };
        let spec = CircuitSpec { nudge, ..CircuitSpec::default() };
        let net = Net::<f64>::new(&spec, &NETWORK, BATCH, 0.7);
        let chip = Chip::fabricate(&spec, &NETWORK);
        println!("{name}");
        for sample in 0..IN_NGSPICE {
            in_ngspice(&net, &chip, sample);
        }
        ours(&net);
    }
}

/// One sample in ngspice.
fn in_ngspice(net: &Net<f64>, chip: &Chip<f64>, sample: usize) {
    let (input, target) = (select_rows(&net.inputs, &[sample]), select_rows(&net.targets, &[sample]));
    let circuit = DyadCircuit::free(chip, &net.weights, &input).nudged(&net.spec.nudge, target.clone());
    let wiring = Wiring {
        spec: &net.spec,
        chip,
        circuit: &circuit,
        input: input.as_slice(),
        target: target.as_slice(),
    };
    let netlist = Netlist::new(&wiring);
    let before = children();
    match check(&wiring, &netlist) {
        Ok(report) => println!(
            "  sample {sample}: {} {}, {:.1} tau in {:.2} CPU s ({:.2} s); equilibrium {:.1e} V, waveform {:.1e} V, {}",
            report.version,
            report.theirs.map_or("undecided", Outcome::name),
            report.stop / chip.slowest,
            children() - before,
            report.wall,
            report.equilibrium.unwrap_or(f64::NAN),
            report.waveform,
            if report.agrees() { "agrees" } else { "DISAGREES" }
        ),
        Err(error) => println!("  sample {sample}: {error}"),
    }
}

/// CPU seconds of all processes that this one has waited for, to a hundredth.
fn children() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    // Fields 16 and 17 of proc(5), in ticks of 1/100 s; the name in brackets is the second.
    fields.skip(13).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Our times per input.
fn ours(net: &Net<f64>) {
    let tight = tightened(&net.spec.solver);
    let usual = net.spec.solver.clone();
    let points = SolverSpec { kind: SolverKind::Dc, ..usual.clone() };
    let reference = settle_all(&tight, &net.circuit(), false).state;
    for (name, solver, samples, traced) in [
        ("eam, tight, kept", &tight, 1, true),
        ("etd", &usual, 1, false),
        ("etd", &usual, BATCH, false),
        ("dc", &points, 1, false),
        ("dc", &points, BATCH, false),
    ] {
        let rows: Vec<usize> = (0..samples).collect();
        let all = net.circuit();
        let part = all.subset(&rows);
        let mut times = Vec::new();
        let mut state = Matrix::zeros(0, 0);
        for _ in 0..REPETITIONS {
            let start = Instant::now();
            state = settle_all(solver, &part, traced).state;
            times.push(start.elapsed().as_secs_f64() / samples as f64);
        }
        times.sort_by(f64::total_cmp);
        let distance = (state - select_rows(&reference, &rows)).largest();
        println!(
            "  {name:<18} batch {samples:>4}: {:.3e} s per input (least {:.3e}), {distance:.1e} V from the tight equilibrium",
            times[REPETITIONS / 2],
            times[0]
        );
    }
}
