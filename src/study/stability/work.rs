//! Spectra at the fixed points of all samples, and the threshold that theory predicts.

use anyhow::anyhow;

use super::super::inputs::Setup;
use super::super::{Extent, Failure, Observer};
use dyadsim_core::analysis::{Spectrum, Stability, Verdict, beta_threshold, stability};
use dyadsim_core::circuit::Wired;
use dyadsim_core::learn::{rest, wired};
use dyadsim_core::solve::{Outcome, settle_all, settle_any};

/// Fixed points are found to this residual, in units of `1 V + ‖v_free‖∞`.
const TOLERANCE: f64 = 1e-9;

/// What was found.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The least stable sample.
    pub worst: usize,
    /// Its spectrum.
    pub spectrum: Spectrum,
    /// What is said of it.
    pub verdict: Verdict,
    /// The spectrum of the first sample, if its fixed point was found.
    pub first: Option<Spectrum>,
    /// Samples on a rail where their free equilibrium is not.
    pub on_rails: Vec<usize>,
    /// Samples without a fixed point.
    pub missing: Vec<usize>,
    /// The largest stable β of a linear circuit, where theory knows it.
    pub threshold: Option<f64>,
    /// The slowest time constant (s).
    pub slowest: f64,
    /// The clock (Hz), of a circuit with one.
    pub clock: Option<f64>,
}

/// Finds fixed points and spectra of all samples.
///
/// # Errors
/// No fixed point for any sample.
pub fn carry_out(setup: &Setup, watch: &dyn Observer) -> Result<Answer, Failure> {
    let circuit = wired(&setup.chip, &setup.weights, &setup.batch, &setup.spec);
    watch.begin(Extent::Unknown("fixed points and their spectra"));
    let found = find(setup, circuit.as_ref());
    watch.end();
    let Some((worst, spectrum)) = found.worst() else { return Err(nothing(&found)) };
    let samples = 0..found.spectra.len();
    let missing: Vec<usize> = samples.clone().filter(|&i| found.spectra[i].is_none()).collect();
    if !missing.is_empty() {
        let (none, all) = (missing.len(), found.spectra.len());
        watch.warn(&format!("Newton's method found no fixed point for {none} of {all} samples"));
    }
    Ok(Answer {
        worst,
        spectrum: spectrum.clone(),
        verdict: found.verdict(worst).unwrap_or_else(|| spectrum.verdict()),
        first: found.spectra.first().cloned().flatten(),
        on_rails: samples.filter(|&i| found.on_rails[i]).collect(),
        missing,
        threshold: threshold(setup),
        slowest: circuit.slowest(),
        clock: circuit.clock(),
    })
}

/// The threshold that theory knows, of dyads that are fed forward alone.
fn threshold(setup: &Setup) -> Option<f64> {
    let known = !setup.spec.kind().is_recurrent();
    known.then(|| beta_threshold(&setup.spec, &setup.weights)).flatten()
}

/// Fixed points and spectra, from the free states and, where that leads nowhere, from where the circuit
/// settles.
fn find(setup: &Setup, circuit: &dyn Wired<f64>) -> Stability {
    let solver = &setup.spec.solver;
    let rest = rest(circuit, &setup.spec);
    let tolerance = TOLERANCE * (1.0 + rest.amax());
    let mut found = stability(circuit, solver, &rest, tolerance);
    let missing: Vec<usize> = (0..found.spectra.len()).filter(|&i| found.spectra[i].is_none()).collect();
    if missing.is_empty() {
        return found;
    }
    let others = circuit.wired_subset(&missing);
    let settled = match others.layered() {
        Some(layered) => Some(settle_all(solver, layered, false)),
        None => settle_any(solver, others.as_ref(), false),
    };
    let Some(settled) = settled else { return found };
    // What has latched up at a rail has its equilibrium there.
    let at_rail = |outcome| outcome == Outcome::LatchUp && circuit.supply().is_some();
    let rests = |&i: &usize| settled.outcomes[i].is_settled() || at_rail(settled.outcomes[i]);
    let resting: Vec<usize> = (0..missing.len()).filter(rests).collect();
    let start = dyadsim_core::matrix::select_rows(&settled.state, &resting);
    let again = stability(others.subset(&resting).as_ref(), solver, &start, tolerance);
    let all = again.points.into_iter().zip(again.spectra).zip(again.on_rails);
    for (i, ((point, spectrum), on_rail)) in resting.into_iter().map(|i| missing[i]).zip(all) {
        (found.points[i], found.spectra[i], found.on_rails[i]) = (point, spectrum, on_rail);
    }
    found
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
