//! `dyadsim settle`: given networks and inputs, integrated to equilibrium.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};

use super::inputs::{Files, Setup};
use super::output::{conclude, note, rounded, some_lines};
use super::progress::Terminal;
use super::state_file::{claim, write};
use super::{Failure, Global, progress};
use crate::circuit::Loss;
use crate::learn::{Measurement, inference, measure};
use crate::matrix::Matrix;
use crate::solve::{Counts, Outcome, Settled};
use crate::spec::SolverKind;
use crate::train::largest;
use crate::units::significant;

/// Samples that the summary shows.
const SHOWN: usize = 10;

/// Arguments of `settle`.
#[derive(Debug, Args)]
#[command(
    after_help = "Without --target the circuit is free (no nudge). With it the outcomes, times and the state are those of the \
    nudged circuit; losses and predictions are always those of the free one, which is settled, too, with its noise if it has \
    any. `--set nudge.beta=0` grades without a nudge. --out writes DIR/state.safetensors: \
    v_plus.k, v_minus.k and, with a nudge, the gradient estimate grad.W.k, grad.b.k.\n\n\
    Example:\n  dyadsim settle circuits/ideal.toml --weights w.safetensors --input x.safetensors \
    --target y.safetensors --out results/state --trace 200"
)]
pub struct Arguments {
    #[command(flatten)]
    files: Files,
    /// Folder for `state.safetensors` [default: none is written]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Add N points of every trajectory, evenly spaced from 0 to the end of the longest
    #[arg(long, value_name = "N", requires = "out", value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    trace: Option<u32>,
    /// Replace an existing state
    #[arg(long, requires = "out")]
    force: bool,
}

/// What became of one sample, beyond what the solver says.
struct Sample {
    /// `ℓ/V_ref²` of the mean output of the free circuit.
    loss: f64,
    /// Class of its largest mean output; `None` if one is no number.
    class: Option<usize>,
    /// Class that a one-hot target names.
    target: Option<usize>,
}

/// Carries the command out.
///
/// # Errors
/// Bad input; a state that cannot be written.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode, Failure> {
    global.want_double("settle")?;
    let mut setup = arguments.files.read_graded(global)?;
    arguments.files.warn(&setup, &Terminal::new(global));
    setup.batch.presentations.seed = global.seed.unwrap_or(0).into();
    let kind = setup.spec.solver.kind;
    let timeless = kind.is_timeless().then(|| kind.name());
    if let (Some(kind), true) = (timeless, arguments.trace.is_some()) {
        return Err(Failure::input(anyhow!(
            "--trace: solver.kind is \"{kind}\", whose sweeps have no time\n  \
             accepted: --set solver.kind=etd, or no --trace"
        )));
    }
    if let Some(points) = arguments.trace {
        // The steps of the solver are kept beside the points that are written.
        let states = 2.0 * f64::from(points) * setup.batch.inputs.nrows() as f64;
        setup.want_memory(&format!("--trace {points}"), states, 0.0)?;
    }
    let inputs = arguments.files.paths();
    let destination = arguments.out.as_deref().map(|out| claim(out, arguments.force, &inputs)).transpose()?;
    let traced = arguments.trace.is_some();
    let Setup { chip, weights, batch, spec, .. } = &setup;
    let bar = progress::waiting(global, "settling");
    let measured = global.on_threads(|| measure(chip, weights, batch, spec, traced))?;
    let free = match (setup.graded, setup.nudged) {
        (true, true) => Some(Cow::Owned(global.on_threads(|| inference(chip, weights, batch, spec))?)),
        (true, false) => Some(Cow::Borrowed(&measured)),
        _ => None,
    };
    bar.finish_and_clear();
    let grades = free.map(|free| Grades::new(&setup, &free));
    let written = match destination {
        Some(destination) => Some(write(destination, &setup, &measured, arguments.trace)?),
        None => None,
    };
    let settled = &measured.settled;
    if written.is_some() && setup.nudged && !settled.outcomes.iter().any(|o| o.is_settled()) {
        note(&"warning: no sample settled, so the state file has no gradient estimate");
    }
    conclude(
        global,
        &summary(&setup, settled, grades.as_ref(), written.as_deref()),
        &setup.named(document(&setup, settled, grades.as_ref())),
    )
}

/// What the free circuit says, held against the targets.
struct Grades {
    samples: Vec<Sample>,
    /// How the free circuit ended.
    outcomes: Vec<Outcome>,
    /// Whether it was noisy.
    noisy: bool,
}

impl Grades {
    /// Losses and predictions at the end of free relaxations.
    fn new(setup: &Setup, free: &Measurement<f64>) -> Self {
        let nudge = &setup.spec.nudge;
        let loss = Loss { kind: nudge.loss, reference: nudge.reference };
        let classes = classes(&setup.batch.targets);
        let outputs = free.means.last().map(Matrix::row_iter).into_iter().flatten();
        let samples = outputs.zip(setup.batch.targets.row_iter()).enumerate().map(|(i, (output, target))| {
            let output: Vec<f64> = output.iter().copied().collect();
            let target: Vec<f64> = target.iter().copied().collect();
            Sample {
                loss: loss.value(&output, &target),
                class: largest(&output),
                target: classes.as_ref().map(|classes| classes[i]),
            }
        });
        Self {
            samples: samples.collect(),
            outcomes: free.settled.outcomes.clone(),
            noisy: !setup.chip.noise.is_still(),
        }
    }

    /// Right predictions, and how many there are; `None` if these are not the targets of a classifier.
    fn right(&self) -> Option<(usize, usize)> {
        let of = self.samples.iter().filter(|sample| sample.target.is_some()).count();
        let right = self.samples.iter().filter(|s| s.target.is_some() && s.class == s.target).count();
        (of > 0).then_some((right, of))
    }

    fn mean_loss(&self) -> f64 {
        self.samples.iter().map(|sample| sample.loss).sum::<f64>() / self.samples.len() as f64
    }

    fn document(&self) -> Value {
        let right = self.right();
        json!({
            "phase": "free",
            "noisy": self.noisy,
            "mean_loss": self.mean_loss(),
            "right": right.map(|(right, _)| right),
            "predictions": right.map(|(_, of)| of),
            "counts": tally(&self.outcomes),
        })
    }

    /// For people.
    fn summary(&self) -> String {
        let noise = if self.noisy { "with its noise" } else { "without noise" };
        let restless = self.outcomes.iter().filter(|outcome| !outcome.is_settled()).count();
        let mut text = format!("\ngraded    the free circuit (no nudge), {noise}");
        if restless > 0 {
            text += &format!("; {restless} of {} samples did not come to rest", self.outcomes.len());
        }
        text += &format!("\n          mean loss {}\n", significant(self.mean_loss(), 5));
        if let Some((right, of)) = self.right() {
            text += &format!("          {right} of {of} predictions are right\n");
        }
        text
    }
}

/// The classes that one-hot targets name; `None` if these are not the targets of a classifier.
fn classes(targets: &Matrix<f64>) -> Option<Vec<usize>> {
    let one_hot = |row: Vec<f64>| {
        let ones = row.iter().filter(|&&y| y == 1.0).count();
        let zeros = row.iter().filter(|&&y| y == 0.0).count();
        (row.len() > 1 && ones == 1 && zeros + 1 == row.len()).then(|| largest(&row)).flatten()
    };
    targets.row_iter().map(|row| one_hot(row.iter().copied().collect())).collect()
}

/// The JSON document of `settle`.
fn document(setup: &Setup, settled: &Settled<f64>, grades: Option<&Grades>) -> Value {
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
        document["graded"] = grades.document();
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
fn summary(setup: &Setup, settled: &Settled<f64>, grades: Option<&Grades>, written: Option<&Path>) -> String {
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
    text += &grades.map(Grades::summary).unwrap_or_default();
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
