//! Scaling: time of an equilibrium and of a training gradient against samples, and against synapses.
//!
//! Slopes are of least squares through the logarithms, over all points and over the upper half, where the
//! fixed costs of a call no longer show.

use std::path::Path;

use anyhow::Result;
use dyadsim_core::learn::{Gradient, rule};
use dyadsim_core::solve::settle_all;
use dyadsim_core::spec::RuleKind;

use super::figure::{Curve, draw};
use super::net::{GAINS, Net, equilibrium_solver};
use super::setup::Setup;
use super::timing::{alone, short};

/// Samples for a fixed network.
const SAMPLES: [usize; 9] = [1, 3, 10, 30, 100, 300, 1000, 3000, 10000];
/// Neurons of each of the three layers: synapses from 200 to two million.
const WIDTHS: [usize; 9] = [10, 18, 32, 56, 100, 178, 316, 562, 1000];
/// The fixed network, and the fixed number of samples.
const NET: [usize; 4] = [784, 128, 128, 10];
const BATCH: usize = 64;

/// The case.
pub fn run(setup: &Setup) -> Result<String> {
    let (solver, _) = equilibrium_solver();
    let mut text = format!("Ours alone: `{solver}`, {}, f32.\n\n", GAINS[1].name);
    let keep = if setup.quick { 5 } else { SAMPLES.len() };
    let by_samples = measure(setup, SAMPLES[..keep].iter().map(|&s| (s, Net::draw(Path::new(""), &NET, s))));
    let by_synapses =
        measure(setup, WIDTHS[..keep].iter().map(|&n| (2 * n * n, Net::draw(Path::new(""), &[n; 3], BATCH))));
    text += &table("samples (784-128-128-10)", &by_samples);
    text += &table(&format!("synapses (n-n-n, batch {BATCH})"), &by_synapses);
    if let Some(output) = &setup.output {
        let folder = output.parent().unwrap_or(Path::new(".")).join("figures");
        std::fs::create_dir_all(&folder)?;
        let panels =
            [("samples, 784-128-128-10", &by_samples), ("synapses, n-n-n, 64 samples", &by_synapses)];
        draw(&folder.join("scaling.png"), panels)?;
        text += "\n![Time against samples and synapses](figures/scaling.png)\n";
    }
    Ok(text)
}

/// Times of both works at every size.
fn measure(setup: &Setup, nets: impl Iterator<Item = (usize, Net)>) -> [Curve; 2] {
    let mut curves =
        ["equilibrium", "gradient"].map(|name| Curve { name: name.to_owned(), points: Vec::new() });
    for (size, net) in nets {
        eprintln!("scaling {} {}", net.name(), net.samples());
        let wired = net.wired::<f32>(&GAINS[1].circuit(equilibrium_solver().1));
        let repetitions = setup.repetitions();
        let (settle, _) =
            alone(repetitions, || drop(settle_all(&wired.spec.solver, &wired.circuit(), false)));
        let rule = rule::<f32>(RuleKind::DpTranspose, &wired.spec, &net.sizes);
        let mut gradient = Gradient::zeros(&wired.weights);
        let (learn, _) =
            alone(repetitions, || drop(rule.estimate(&wired.weights, &wired.batch, &mut gradient)));
        curves[0].points.push((size as f64, settle));
        curves[1].points.push((size as f64, learn));
    }
    for curve in &mut curves {
        curve.name += &format!(", slope {:.2}", slope(&curve.points));
    }
    curves
}

fn table(what: &str, curves: &[Curve; 2]) -> String {
    let mut text = format!("\n| {what} | equilibrium (ms) | gradient (ms) |\n|--:|--:|--:|\n");
    for (settle, learn) in curves[0].points.iter().zip(&curves[1].points) {
        text += &format!("| {} | {} | {} |\n", settle.0, short(1e3 * settle.1), short(1e3 * learn.1));
    }
    let slopes = |from: fn(usize) -> usize| {
        let cell = |curve: &Curve| format!("{:.2}", slope(&curve.points[from(curve.points.len())..]));
        format!("{} | {}", cell(&curves[0]), cell(&curves[1]))
    };
    text + &format!("| **slope** | {} |\n| slope, upper half | {} |\n", slopes(|_| 0), slopes(|n| n / 2))
}

/// Slope of the logarithms by least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logs.len() as f64;
    let (x, y) = logs.iter().fold((0.0, 0.0), |sum, p| (sum.0 + p.0 / count, sum.1 + p.1 / count));
    let (up, across) =
        logs.iter().fold((0.0, 0.0), |s, p| (s.0 + (p.0 - x) * (p.1 - y), s.1 + (p.0 - x).powi(2)));
    up / across
}
