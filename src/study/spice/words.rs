//! What `spice` tells people and programs.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::inputs::Setup;
use super::super::text::rounded;
use super::Answer;
use crate::spice::Report;
use dyadsim_core::solve::Outcome;
use dyadsim_core::units::significant;

/// Name of an outcome that may be missing.
fn named(outcome: Option<Outcome>) -> &'static str {
    outcome.map_or("undecided", Outcome::name)
}

/// The document of docs/spice.md.
pub fn document(setup: &Setup, sample: usize, written: &[PathBuf], answer: &Answer) -> Value {
    let mut document = json!({
        "circuit": setup.spec.name,
        "network": setup.weights.network(),
        "sample": sample,
        "elements": answer.elements,
        "files": written,
    });
    if let Some(report) = &answer.report {
        document["check"] = json!({
            "simulator": report.version,
            "agrees": report.agrees(),
            "outcome": { "dyadsim": report.ours.name(), "ngspice": named(report.theirs) },
            "equilibrium_v": report.equilibrium,
            "waveform_v": report.waveform,
            "largest_v": report.largest,
            "points": report.points,
            "ngspice_step_tau": report.step,
            "stop_s": report.stop,
            "ngspice_wall_s": report.wall,
        });
    }
    document
}

/// The result for people.
pub fn summary(setup: &Setup, sample: usize, written: &[PathBuf], answer: &Answer) -> String {
    let mut text = setup.headline();
    text += &format!("deck      sample {sample}, {} elements\n", answer.elements);
    for path in written {
        text += &format!("          {}\n", path.display());
    }
    if let Some(report) = &answer.report {
        text += &table(report);
    }
    text
}

fn table(report: &Report) -> String {
    let verdict = |well: bool| if well { "agrees" } else { "DISAGREES" };
    let (ours, theirs) = (report.ours.name(), named(report.theirs));
    let mut text = format!(
        "\nsimulator       {} (by its own output), {} points, steps of {} tau up to {}, {} s\n",
        report.version,
        report.points,
        significant(report.step, 3),
        rounded(report.stop, "s"),
        significant(report.wall, 2)
    );
    text += &format!("\n{:<16}{:>16}{:>16}{:>14}\n", "", "dyadsim", report.version, "");
    text += &format!(
        "{:<16}{ours:>16}{theirs:>16}{:>14}\n",
        "outcome",
        verdict(Some(report.ours) == report.theirs)
    );
    text += &format!("\n{:<16}{:>16}{:>16}{:>14}\n", "largest", "difference", "accepted", "");
    let size = report.largest.max(1.0);
    text += &match report.equilibrium {
        Some(apart) => format!(
            "{:<16}{:>16}{:>16}{:>14}\n",
            "equilibrium",
            rounded(apart, "V"),
            rounded(report.bounds.0 * size, "V"),
            verdict(apart <= report.bounds.0 * size)
        ),
        None => format!("{:<16}{:>16}\n", "equilibrium", "not settled"),
    };
    text + &format!(
        "{:<16}{:>16}{:>16}{:>14}\n",
        "waveform",
        rounded(report.waveform, "V"),
        rounded(report.bounds.1, "V"),
        verdict(report.waveform <= report.bounds.1)
    ) + &if report.largest > 1.0 {
        format!(
            "(waveforms over 1 V or the largest potential so far; it reached {})\n",
            rounded(report.largest, "V")
        )
    } else {
        String::new()
    }
}
