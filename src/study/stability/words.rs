//! What `stability` tells people and programs of spectra.

use serde_json::{Value, json};

use super::super::inputs::Setup;
use super::super::text::{rounded, some_lines};
use super::work::Answer;
use dyadsim_core::analysis::Spectrum;
use dyadsim_core::units::significant;

/// Eigenvalues that the summary shows.
const SHOWN: usize = 8;

/// Everything that was found.
pub fn document(answer: &Answer) -> Value {
    let abscissa = answer.spectrum.abscissa();
    let mut document = json!({
        "spectral_abscissa_per_s": abscissa,
        "spectral_abscissa_tau": abscissa * answer.slowest,
        "eigenvalues": answer.first.as_ref().map(pairs).unwrap_or_default(),
        "verdict": answer.verdict.name(),
        "on_rails": answer.on_rails,
        "beta_threshold": answer.threshold,
        "worst_sample": answer.worst,
        "worst_eigenvalues": pairs(&answer.spectrum),
        "not_found": answer.missing,
    });
    if let Some(frequency) = answer.clock {
        document["multiplier"] = json!((abscissa / frequency).exp());
    }
    document
}

/// The result for people.
pub fn summary(setup: &Setup, answer: &Answer) -> String {
    let (worst, tau, abscissa) = (answer.worst, answer.slowest, answer.spectrum.abscissa());
    let mut text = setup.headline();
    text += &format!("\nverdict             {} (worst sample: {worst})\n", answer.verdict.name());
    let on_rails = answer.on_rails.len();
    if on_rails > 0 {
        let samples = if on_rails == 1 { "sample is" } else { "samples are" };
        text += &format!("on a rail           {on_rails} {samples}, where the free equilibrium is not\n");
    }
    text += &format!("spectral abscissa   {abscissa:.6e} 1/s = {}/τ\n", significant(abscissa * tau, 7));
    if let Some(frequency) = answer.clock {
        let multiplier = (abscissa / frequency).exp();
        let clock = rounded(frequency, "Hz");
        text += &format!(
            "from clock to clock |μ| = {} at {clock}; rates are f ln μ\n",
            significant(multiplier, 7)
        );
    }
    let threshold =
        answer.threshold.map_or("none known in closed form".to_owned(), |beta| significant(beta, 6));
    text += &format!("threshold of β      {threshold}\n\nrightmost eigenvalues of sample {worst} (1/τ)\n");
    let line = |e: &[f64; 2]| {
        let (real, imaginary) = (significant(e[0] * tau, 7), significant(e[1].abs() * tau, 7));
        format!("  {real:>14} {}{imaginary}i", if e[1] < 0.0 { "-" } else { "+" })
    };
    text + &some_lines(pairs(&answer.spectrum).iter().map(line), SHOWN)
}

/// Real and imaginary parts (1/s).
fn pairs(spectrum: &Spectrum) -> Vec<[f64; 2]> {
    spectrum.eigenvalues.iter().map(|e| [e.re, e.im]).collect()
}
