//! Stationary noise of a circuit, predicted by the Lyapunov equation and measured along trajectories.

mod angle;
mod course;
mod figures;
mod large;
mod rows;
mod settings_line;
mod spectrum;
mod words;
mod work;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::inputs::{Files, Setup};
use super::text::rounded;
use super::{Failure, Given, Observer, Receipt, Study, folder};
use crate::figure::{Figure, FigureError};
use crate::record::RecordError;
use crate::record::dictionary::{Table, table};
use crate::record::json::write_json;
use crate::record::study::Kind;
use crate::record::table::write_table;
use course::{Answer, Asked};
use dyadsim_core::analysis::stationary::{Node, ReadQuantity, nodes};
use dyadsim_core::chip::Layout;
use dyadsim_core::spec::nearest;

pub use figures::Tables;
pub use rows::{NoiseAngleRow, NoiseBest, NoiseCauseRow, NoiseLayerRow, NoisePsdRow, NoiseRow, NoiseSummary};

/// Settings of `noise`.
#[derive(Clone, Debug, Args, Serialize)]
pub struct Noise {
    /// Circuit, weights, inputs and targets.
    #[command(flatten)]
    #[serde(flatten)]
    pub files: Files,
    /// Sample whose operating point is looked at, from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub sample: usize,
    /// Add the spectrum of a node: `v_plus.K.J`, `v_minus.K.J`, `activity.K.J` or `error.K.J` (of neurons of
    /// one compartment `v.K.J` or `activity.K.J`), layer K from 1, neuron J from 0
    #[arg(long, value_name = "NODE")]
    pub psd: Option<String>,
    /// Simulated time of every replica, in units of the slowest τ; 0 leaves the simulation out
    #[arg(long, value_name = "TAU", default_value_t = 500.0, allow_negative_numbers = true)]
    pub time: f64,
    /// Independent replicas of the circuit that are simulated
    #[arg(
        long, value_name = "N", default_value_t = 64,
        value_parser = clap::value_parser!(u32).range(8..=65536)
    )]
    pub replicas: u32,
    /// Probability that predictions and measurements are said to differ although all agree
    #[arg(long, value_name = "P", default_value_t = 0.01)]
    pub family_error: f64,
}

/// What is looked at.
pub struct Subject {
    setup: Setup,
    /// Node whose spectrum is measured.
    traced: Option<Node>,
}

/// Tables, and the file that says that they are a study of noise.
const STEMS: [&str; 5] = ["noise", "noise_layers", "noise_causes", "noise_psd", "noise_angle"];
/// Settings and verdict.
const SUMMARY: &str = "noise.json";

impl Study for Noise {
    type Subject = Subject;
    type Answer = Answer;
    type Tables = Tables;

    const KIND: Kind = folder::tables("noise", "noise", &STEMS, SUMMARY);
    const ABOUT: &'static str =
        "Stationary noise of given networks: predicted, and measured along simulated trajectories";
    const NOTES: &'static str = "Without --target the circuit is free (no nudge), and no gradient is predicted. The operating point is \
    that of sample --sample; the predicted angle to backpropagation is that of the whole batch. --out writes DIR/noise.csv \
    and further tables, and figures that `dyadsim plot DIR` draws again.\n\n\
    Example:\n  dyadsim noise circuits/noisy.toml --weights w.safetensors --input x.safetensors \
    --target y.safetensors --psd v_plus.1.0 --out results/noise";
    const FIGURES: &'static [Figure<Tables>] = figures::FIGURES;
    const PATHS: &'static [&'static str] = &Files::PATHS;

    fn tables() -> Vec<Table> {
        vec![
            table::<NoiseRow>(STEMS[0]),
            table::<NoiseLayerRow>(STEMS[1]),
            table::<NoiseCauseRow>(STEMS[2]),
            table::<NoisePsdRow>(STEMS[3]),
            table::<NoiseAngleRow>(STEMS[4]),
        ]
    }

    fn read(&self, given: &Given, watch: &dyn Observer) -> Result<Subject, Failure> {
        let setup = self.files.read_any(given, watch)?;
        check(self, &setup)?;
        let traced = self.psd.as_deref().map(|name| find(name, &setup.chip.layout)).transpose()?;
        Ok(Subject { setup, traced })
    }

    fn ask(&self, subject: &Subject, given: &Given, watch: &dyn Observer) -> Result<Answer, Failure> {
        let asked = Asked { traced: subject.traced, seed: given.seed.unwrap_or(0), watch };
        course::carry_out(&subject.setup, self, &asked)
    }

    fn write(answer: &Answer, folder: &Path) -> Result<(), RecordError> {
        write_table(folder, STEMS[0], &answer.tables.nodes)?;
        write_table(folder, STEMS[1], &answer.tables.layers)?;
        write_table(folder, STEMS[2], &answer.tables.causes)?;
        write_table(folder, STEMS[3], &answer.tables.psd)?;
        write_table(folder, STEMS[4], &answer.tables.angles)?;
        write_json(&folder.join(SUMMARY), &answer.tables.summary)
    }

    fn open(folder: &Path) -> Result<Tables, FigureError> {
        Tables::open(folder)
    }

    fn words(&self, subject: &Subject, answer: &Answer, receipt: &Receipt<'_>) -> String {
        words::summary(&subject.setup, answer, receipt.out)
    }

    fn document(&self, subject: &Subject, answer: &Answer, _: &Receipt<'_>) -> Value {
        subject.setup.named(words::document(answer))
    }

    fn files(&self) -> Vec<PathBuf> {
        self.files.paths()
    }
}

/// Refuses what makes no sense together.
fn check(settings: &Noise, setup: &Setup) -> Result<(), Failure> {
    let samples = setup.batch.inputs.nrows();
    if settings.sample >= samples {
        return Err(Failure::input(anyhow!(
            "--sample {}: the input has {samples} samples\n  accepted: 0 to {}",
            settings.sample,
            samples - 1
        )));
    }
    if setup.chip.noise.is_noiseless() {
        return Err(Failure::input(anyhow!(
            "circuit `{}` has no noise that acts on its compartments\n  accepted: a section such as [noise.thermal] \
             (--set noise.thermal.excess=1 --set solver.kind=exponential-heun)",
            setup.spec.name
        )));
    }
    if let Some(frequency) = setup.chip.periphery.clock {
        return Err(Failure::input(anyhow!(
            "circuit `{}` has a clock ({}): noise is predicted for continuous time\n  accepted: a circuit without \
             `[clock]`; `settle` and `run` follow kT/C from clock to clock",
            setup.spec.name,
            rounded(frequency, "Hz")
        )));
    }
    let time = settings.time;
    if !(time == 0.0 || (10.0..=1e9).contains(&time)) {
        return Err(Failure::input(anyhow!(
            "--time {time}\n  accepted: 0, or 10 to 1e9 (units of the slowest τ)"
        )));
    }
    let family = settings.family_error;
    if !(family > 0.0 && family < 1.0) {
        return Err(Failure::input(anyhow!("--family-error {family}\n  accepted: above 0 and below 1")));
    }
    Ok(())
}

/// The node of a name.
fn find(name: &str, layout: &Layout) -> Result<Node, Failure> {
    let all = nodes(layout);
    all.iter().find(|node| node.name() == name).copied().ok_or_else(|| {
        let names: Vec<String> = all.iter().map(Node::name).collect();
        let near = nearest(name, names.iter().map(String::as_str));
        let meant = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let neurons = layout.network()[1..].iter().map(ToString::to_string).collect::<Vec<_>>().join("-");
        Failure::input(anyhow!(
            "--psd {name}: no such node{meant}\n  accepted: {} with layer K from 1 \
             to {} ({neurons} neurons) and neuron J from 0",
            listed(ReadQuantity::of(layout)),
            layout.depth()
        ))
    })
}

/// How nodes of some quantities are named.
fn listed(quantities: &[ReadQuantity]) -> String {
    let names: Vec<String> = quantities.iter().map(|quantity| format!("{}.K.J", quantity.name())).collect();
    names.join(", ")
}
