//! What `settle` tells people and programs.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::super::inputs::Setup;
use super::super::text::{rounded, some_lines};
use super::Grades;
use dyadsim_core::solve::{Counts, Outcome, Settled};
use dyadsim_core::spec::SolverKind;
use dyadsim_core::units::significant;

/// Samples that the summary shows.
const SHOWN: usize = 10;

/// The JSON document of `settle`.
pub fn document(setup: &Setup, settled: &Settled<f64>, grades: Option<&Grades>) -> Value {
    let sample = |i: usize| {
        let outcome = settled.outcomes[i].name();
        let (residual, time) = (settled.residual[i], settled.time[i]);
        let graded = grades.map(|grades| &grades.samples[i]);
        let loss = graded.map(|sample| sample.loss);
        let mut record = json!({"outcome": outcome, "residual": residual, "time_s": time, "loss": loss});
        if let Some(sample) = graded.filter(|sample| sample.target.is_some()) {
            record["prediction"] = json!(sample.class);
        }
        record
    };
    let counts = &settled.counts;
    let mut document = json!({
        "samples": (0..settled.outcomes.len()).map(sample).collect::<Vec<_>>(),
        "counts": tally(&settled.outcomes),
        "solver": {
            "kind": setup.spec.solver.kind,
            "steps": counts.steps,
            "rejected": counts.rejected,
            "rhs_evals": counts.rhs_evals,
        },
    });
    if let Some(grades) = grades {
        document["graded"] = graded(grades);
    }
    document
}

/// Samples per outcome, those that did not occur included.
fn tally(outcomes: &[Outcome]) -> BTreeMap<&'static str, usize> {
    let mut counts: BTreeMap<_, _> = Outcome::ALL.iter().map(|outcome| (outcome.name(), 0)).collect();
    counts.extend(Outcome::tally(outcomes));
    counts
}

/// The result for people.
pub fn summary(
    setup: &Setup,
    settled: &Settled<f64>,
    grades: Option<&Grades>,
    written: Option<&Path>,
) -> String {
    let counts = &settled.counts;
    let mut text = setup.headline();
    text += &format!(
        "solver    steps: {} ({} rejected), right-hand sides: {}\n",
        counts.steps, counts.rejected, counts.rhs_evals
    );
    if setup.spec.solver.kind == SolverKind::Dc {
        let Counts { by_sweeps, by_anderson, by_newton, .. } = counts;
        text += &format!("found by  sweeps {by_sweeps}, anderson {by_anderson}, newton {by_newton}\n");
    }
    text.push('\n');
    text += &format!("{:<14}{:>8}{:>16}{:>18}\n", "outcome", "samples", "median time", "worst residual");
    for outcome in Outcome::ALL {
        text += &line(outcome, settled).unwrap_or_default();
    }
    text += &grades.map(grading).unwrap_or_default();
    text +=
        &format!("\n{:>6}  {:<14}{:>12}{:>12}{:>12}\n", "sample", "outcome", "time", "residual", "free loss");
    let rows = (0..settled.outcomes.len()).map(|i| {
        let loss = grades.map(|grades| significant(grades.samples[i].loss, 5)).unwrap_or_default();
        let outcome = settled.outcomes[i].name();
        format!(
            "{i:>6}  {outcome:<14}{:>12}{:>12}{loss:>12}",
            time(settled.time[i]),
            volts(settled.residual[i])
        )
    });
    text += &some_lines(rows, SHOWN);
    text + &written.map(|path| format!("\nstate in {}\n", path.display())).unwrap_or_default()
}

/// Number, median time and worst residual of the samples with an outcome, if there are any.
fn line(outcome: Outcome, settled: &Settled<f64>) -> Option<String> {
    let those: Vec<usize> = (0..settled.outcomes.len()).filter(|&i| settled.outcomes[i] == outcome).collect();
    let mut times: Vec<f64> = those.iter().map(|&i| settled.time[i]).collect();
    times.sort_by(f64::total_cmp);
    let median = f64::midpoint(*times.get(times.len().checked_sub(1)? / 2)?, *times.get(times.len() / 2)?);
    // NaN is the worst of all.
    let worst = those.iter().map(|&i| settled.residual[i]).max_by(f64::total_cmp)?;
    Some(format!("{:<14}{:>8}{:>16}{:>18}\n", outcome.name(), those.len(), time(median), volts(worst)))
}

fn time(seconds: f64) -> String {
    if seconds.is_nan() { "–".to_owned() } else { rounded(seconds, "s") }
}

fn volts(volts: f64) -> String {
    rounded(volts, "V")
}

/// What is graded, for programs.
fn graded(grades: &Grades) -> Value {
    let right = grades.right();
    json!({
        "phase": "free",
        "noisy": grades.noisy,
        "mean_loss": grades.mean_loss(),
        "right": right.map(|(right, _)| right),
        "predictions": right.map(|(_, of)| of),
        "counts": tally(&grades.outcomes),
    })
}

/// What is graded, for people.
fn grading(grades: &Grades) -> String {
    let noise = if grades.noisy { "with its noise" } else { "without noise" };
    let restless = grades.outcomes.iter().filter(|outcome| !outcome.is_settled()).count();
    let mut text = format!("\ngraded    the free circuit (no nudge), {noise}");
    if restless > 0 {
        text += &format!("; {restless} of {} samples did not come to rest", grades.outcomes.len());
    }
    text += &format!("\n          mean loss {}\n", significant(grades.mean_loss(), 5));
    if let Some((right, of)) = grades.right() {
        text += &format!("          {right} of {of} predictions are right\n");
    }
    text
}
