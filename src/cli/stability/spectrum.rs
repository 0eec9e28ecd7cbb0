//! Spectra at the fixed points of given networks, and the thresholds that theory predicts.

use std::process::ExitCode;

use anyhow::anyhow;
use serde_json::json;

use super::super::inputs::Setup;
use super::super::output::{conclude, note, rounded, some_lines};
use super::super::{Failure, Global, progress};
use crate::analysis::{Spectrum, Stability, Verdict, beta_threshold, stability};
use crate::circuit::{DyadCircuit, Dynamics};
use crate::learn::nudged;
use crate::solve::{Outcome, settle_all};
use crate::units::significant;

/// Fixed points are found to this residual, in units of `1 V + ‖v_free‖∞`.
const TOLERANCE: f64 = 1e-9;
/// Eigenvalues that the summary shows.
const SHOWN: usize = 8;

/// Finds fixed points and spectra of all samples.
///
/// # Errors
/// No fixed point for any sample.
pub fn run(global: &Global, setup: &Setup) -> Result<ExitCode, Failure> {
    let circuit = nudged(&setup.chip, &setup.weights, &setup.batch, &setup.spec);
    let bar = progress::waiting(global, "fixed points and their spectra");
    let found = global.on_threads(|| find(setup, &circuit))?;
    bar.finish_and_clear();
    let Some((worst, spectrum)) = found.worst() else { return Err(nothing(&found)) };
    let missing: Vec<usize> = (0..found.spectra.len()).filter(|&i| found.spectra[i].is_none()).collect();
    if !missing.is_empty() {
        let (none, all) = (missing.len(), found.spectra.len());
        note(&format!("warning: Newton's method found no fixed point for {none} of {all} samples"));
    }
    let threshold = beta_threshold(&setup.spec, &setup.weights);
    let eigenvalues = found.spectra.first().and_then(Option::as_ref).map(pairs).unwrap_or_default();
    let verdict = found.verdict(worst).unwrap_or_else(|| spectrum.verdict());
    let on_rails: Vec<usize> = (0..found.on_rails.len()).filter(|&i| found.on_rails[i]).collect();
    let mut document = json!({
        "spectral_abscissa_per_s": spectrum.abscissa(),
        "spectral_abscissa_tau": spectrum.abscissa() * circuit.slowest(),
        "eigenvalues": eigenvalues,
        "verdict": verdict.name(),
        "on_rails": on_rails,
        "beta_threshold": threshold,
        "worst_sample": worst,
        "worst_eigenvalues": pairs(spectrum),
        "not_found": missing,
    });
    if let Some(frequency) = circuit.clock() {
        document["multiplier"] = json!((spectrum.abscissa() / frequency).exp());
    }
    conclude(
        global,
        &summary(setup, &circuit, (worst, spectrum, verdict), (threshold, on_rails.len())),
        &setup.named(document),
    )
}

/// Fixed points and spectra, from the free states and, where that leads nowhere, from where the circuit settles.
fn find(setup: &Setup, circuit: &DyadCircuit<'_, f64>) -> Stability {
    let solver = &setup.spec.solver;
    let free = circuit.free_state();
    let tolerance = TOLERANCE * (1.0 + free.amax());
    let mut found = stability(circuit, solver, &free, tolerance);
    let missing: Vec<usize> = (0..found.spectra.len()).filter(|&i| found.spectra[i].is_none()).collect();
    if missing.is_empty() {
        return found;
    }
    let rest = circuit.subset(&missing);
    let settled = settle_all(solver, &rest, false);
    // What has latched up at a rail has its equilibrium there.
    let at_rail = |outcome| outcome == Outcome::LatchUp && circuit.supply().is_some();
    let rests = |&i: &usize| settled.outcomes[i].is_settled() || at_rail(settled.outcomes[i]);
    let resting: Vec<usize> = (0..missing.len()).filter(rests).collect();
    let start = crate::matrix::select_rows(&settled.state, &resting);
    let again = stability(&rest.subset(&resting), solver, &start, tolerance);
    let all = again.points.into_iter().zip(again.spectra).zip(again.on_rails);
    for (i, ((point, spectrum), on_rail)) in resting.into_iter().map(|i| missing[i]).zip(all) {
        (found.points[i], found.spectra[i], found.on_rails[i]) = (point, spectrum, on_rail);
    }
    found
}

/// Real and imaginary parts (1/s).
fn pairs(spectrum: &Spectrum) -> Vec<[f64; 2]> {
    spectrum.eigenvalues.iter().map(|e| [e.re, e.im]).collect()
}

/// Newton's method failed on every sample.
fn nothing(found: &Stability) -> Failure {
    let least = found.points.iter().map(|point| point.residual).fold(f64::INFINITY, f64::min);
    Failure::running(anyhow!(
        "Newton's method found no fixed point for any of {} samples (least residual {least:.1e} V); \
         try a smaller nudge.beta or another nudge.alpha",
        found.points.len()
    ))
}

/// The result for people.
fn summary(
    setup: &Setup,
    circuit: &DyadCircuit<'_, f64>,
    (worst, spectrum, verdict): (usize, &Spectrum, Verdict),
    (threshold, on_rails): (Option<f64>, usize),
) -> String {
    let tau = circuit.slowest();
    let threshold = threshold.map_or("none known in closed form".to_owned(), |beta| significant(beta, 6));
    let mut text = setup.headline();
    text += &format!("\nverdict             {} (worst sample: {worst})\n", verdict.name());
    if on_rails > 0 {
        let samples = if on_rails == 1 { "sample is" } else { "samples are" };
        text += &format!("on a rail           {on_rails} {samples}, where the free equilibrium is not\n");
    }
    let abscissa = spectrum.abscissa();
    text += &format!("spectral abscissa   {abscissa:.6e} 1/s = {}/τ\n", significant(abscissa * tau, 7));
    if let Some(frequency) = circuit.clock() {
        let multiplier = (abscissa / frequency).exp();
        let clock = rounded(frequency, "Hz");
        text += &format!(
            "from clock to clock |μ| = {} at {clock}; rates are f ln μ\n",
            significant(multiplier, 7)
        );
    }
    text += &format!("threshold of β      {threshold}\n\nrightmost eigenvalues of sample {worst} (1/τ)\n");
    let line = |e: &[f64; 2]| {
        let (real, imaginary) = (significant(e[0] * tau, 7), significant(e[1].abs() * tau, 7));
        format!("  {real:>14} {}{imaginary}i", if e[1] < 0.0 { "-" } else { "+" })
    };
    text + &some_lines(pairs(spectrum).iter().map(line), SHOWN)
}
