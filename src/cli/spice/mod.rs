//! `dyadsim spice`: a netlist of one sample, and both simulators held against each other.

mod files;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Args, ValueEnum};

use super::inputs::{Files, Setup};
use super::output::conclude;
use super::progress::Terminal;
use super::{Failure, Global, progress};
use crate::analysis::stationary::{Node, nodes};
use crate::learn::{Batch, nudged};
use crate::matrix::select_rows;
use crate::record::manifest::sha256_of;
use crate::spec::nearest;
use crate::spice::{
    Analyses, Dialect, Netlist, NoiseAnalysis, SpiceError, Wiring, bench, check, exportable, map, version,
};
use crate::units::{Kind, parse};

/// Length of a transient when none is given, in the slowest time constant.
const TRANSIENT: f64 = 40.0;

/// Arguments of `spice`.
#[derive(Debug, Args)]
#[command(
    after_help = "Nodes: p1_0 and m1_0 are the two potentials of neuron 0 of layer 1, s1_0 its mean, d1_0 its difference; \
    FILE.json maps them. Without --tran, --op or --noise the deck has a transient of 40 τ. --check runs ngspice on the sample \
    and compares equilibria, waveforms and outcomes; status 1 if they disagree. docs/spice.md tells the rest.\n\n\
    Example:\n  dyadsim spice circuits/ideal.toml --weights w.safetensors --input x.safetensors \
    --target y.safetensors --out deck.cir --check"
)]
pub struct Arguments {
    #[command(flatten)]
    files: Files,
    /// Sample that is exported, from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    sample: usize,
    #[command(flatten)]
    to: Output,
    #[command(flatten)]
    wanted: Wanted,
    /// Run ngspice on the sample and compare
    #[arg(long)]
    check: bool,
}

/// Where a deck goes, and for whom.
#[derive(Debug, Args)]
struct Output {
    /// Deck to write; beside it FILE.json maps its nodes [default: none with --check]
    #[arg(long, value_name = "FILE.cir", required_unless_present = "check")]
    out: Option<PathBuf>,
    /// Put library, columns, network and noise into files beside the deck, which includes them
    #[arg(long, requires = "out")]
    split: bool,
    /// Simulator that the deck is for
    #[arg(long, value_enum, default_value_t = Simulator::Ngspice)]
    dialect: Simulator,
    /// Replace existing files
    #[arg(long, requires = "out")]
    force: bool,
}

/// What a deck does when it is run.
#[derive(Debug, Args)]
struct Wanted {
    /// Transient from the start of `solver.start`, up to TIME such as `20us` [default: 40 slowest τ]
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "")]
    tran: Option<String>,
    /// Operating point; says nothing of stability
    #[arg(long)]
    op: bool,
    /// Noise at a node, total and spectrum: `p1_0` or `v_plus.1.0` (repeatable) [default: `v_plus.L.0`]
    #[arg(long, value_name = "NODE", num_args = 0..=1, default_missing_value = "")]
    noise: Vec<String>,
    /// Noise currents in the transient (ngspice)
    #[arg(long)]
    trnoise: bool,
}

/// A simulator's name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Simulator {
    /// ngspice, with a `.control` section
    Ngspice,
    /// Xyce; cards in the common subset
    Xyce,
}

impl From<Simulator> for Dialect {
    fn from(simulator: Simulator) -> Self {
        match simulator {
            Simulator::Ngspice => Self::Ngspice,
            Simulator::Xyce => Self::Xyce,
        }
    }
}

impl From<SpiceError> for Failure {
    fn from(error: SpiceError) -> Self {
        match error {
            SpiceError::NotExportable { .. } | SpiceError::Name { .. } | SpiceError::Missing { .. } => {
                Self::input(error)
            }
            SpiceError::Failed { .. } | SpiceError::Raw { .. } | SpiceError::Record(_) => {
                Self::running(error)
            }
        }
    }
}

/// Carries the command out.
///
/// # Errors
/// Bad input; files that cannot be written; ngspice that is not there or failed.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode, Failure> {
    global.want_double("spice")?;
    let setup = arguments.files.read(global, &Terminal::new(global))?;
    sample_exists(arguments.sample, &setup)?;
    let analyses = analyses(global, &arguments.wanted, &setup)?;
    exportable(&setup.spec, !analyses.noise.is_empty() || arguments.wanted.trnoise)?;
    let place = arguments.to.out.as_deref().map(files::Place::new).transpose()?;
    if arguments.check {
        version()?;
    }
    let batch = alone(&setup.batch, arguments.sample);
    let circuit = nudged(&setup.chip, &setup.weights, &batch, &setup.spec);
    let wiring = Wiring {
        spec: &setup.spec,
        chip: &setup.chip,
        circuit: &circuit,
        input: batch.inputs.as_slice(),
        target: batch.targets.as_slice(),
    };
    let mut netlist = Netlist::new(&wiring);
    netlist.title += &origin(arguments, &setup);
    let stem = place.as_ref().map_or("deck", files::Place::stem);
    let bench = bench(&wiring, &analyses, arguments.to.dialect.into(), stem)?;
    let written = match &place {
        Some(place) => {
            let texts = files::texts(place, &netlist, &bench, &map(&setup.chip.layout), arguments.to.split)?;
            files::write(place, &texts, &arguments.files.paths(), arguments.to.force)?
        }
        None => Vec::new(),
    };
    let bar = progress::waiting(global, "ngspice beside this simulator");
    let report = if arguments.check { Some(check(&wiring, &netlist)?) } else { None };
    bar.finish_and_clear();
    conclude(
        global,
        &text::summary(&setup, arguments.sample, &netlist, &written, report.as_ref()),
        &setup.named(text::document(&setup, arguments.sample, &netlist, &written, report.as_ref())),
    )?;
    let agrees = report.is_none_or(|report| report.agrees());
    Ok(if agrees { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What the netlist is of, as comments below its title.
fn origin(arguments: &Arguments, setup: &Setup) -> String {
    let file = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let hash = sha256_of(path).map(|hash| format!(" (sha256 {hash})")).unwrap_or_default();
        name + &hash
    };
    let files = &arguments.files;
    let target = files.target.as_ref().map(|path| format!("* target {}\n", file(path))).unwrap_or_default();
    format!(
        "* {}, sample {}\n* weights {}\n* input {}\n{target}",
        setup.words(&[]),
        arguments.sample,
        file(&files.weights),
        file(&files.input)
    )
}

/// The batch of one of its samples.
fn alone(batch: &Batch<f64>, sample: usize) -> Batch<f64> {
    Batch {
        inputs: select_rows(&batch.inputs, &[sample]),
        targets: select_rows(&batch.targets, &[sample]),
        presentations: batch.presentations.subset(&[sample]),
    }
}

/// Refuses a sample that the input does not have.
fn sample_exists(sample: usize, setup: &Setup) -> Result<(), Failure> {
    let samples = setup.batch.inputs.nrows();
    if sample < samples {
        return Ok(());
    }
    Err(Failure::input(anyhow!(
        "--sample {sample}: the input has {samples} samples\n  accepted: 0 to {}",
        samples - 1
    )))
}

/// What the deck is to do.
fn analyses(global: &Global, wanted: &Wanted, setup: &Setup) -> Result<Analyses, Failure> {
    let wants_noise = !wanted.noise.is_empty() || wanted.trnoise;
    if wants_noise && setup.chip.noise.is_still() {
        return Err(Failure::input(anyhow!(
            "circuit `{}` has no noise that acts on its compartments\n  accepted: a section such as [noise.thermal] \
             (--set noise.thermal.excess=1 --set solver.kind=exponential-heun), or no --noise and no --trnoise",
            setup.spec.name
        )));
    }
    let nothing = wanted.tran.is_none() && !wanted.op && wanted.noise.is_empty();
    let transient = wanted.tran.as_deref().or((nothing || wanted.trnoise).then_some(""));
    Ok(Analyses {
        transient: transient.map(|text| duration(text, setup.chip.slowest)).transpose()?,
        operating_point: wanted.op,
        noise: wanted.noise.iter().map(|name| noise_node(name, setup)).collect::<Result<_, _>>()?,
        transient_noise: wanted.trnoise.then(|| global.seed.unwrap_or(1)),
    })
}

/// Length of the transient (s).
fn duration(text: &str, tau: f64) -> Result<f64, Failure> {
    if text.is_empty() {
        return Ok(TRANSIENT * tau);
    }
    let plain = text.parse::<f64>().ok();
    let time = match plain {
        Some(time) => time,
        None => parse(text, Kind::Time).map_err(|error| Failure::input(anyhow!("--tran {text}: {error}")))?,
    };
    if time.is_finite() && time > 0.0 {
        return Ok(time);
    }
    Err(Failure::input(anyhow!("--tran {text}\n  accepted: a time above 0 s, such as `20us`")))
}

/// The node of the deck that a name means.
fn noise_node(name: &str, setup: &Setup) -> Result<NoiseAnalysis, Failure> {
    let layout = &setup.chip.layout;
    let map = map(layout);
    let first = format!("v_plus.{}.0", layout.depth());
    let wanted = if name.is_empty() { first.as_str() } else { name };
    if map.contains_key(wanted) {
        return Ok(NoiseAnalysis { node: wanted.to_owned() });
    }
    if let Some((node, _)) = map.iter().find(|(_, meant)| *meant == wanted) {
        return Ok(NoiseAnalysis { node: node.clone() });
    }
    let names: Vec<String> = nodes(layout).iter().map(Node::name).chain(map.into_keys()).collect();
    let near = nearest(name, names.iter().map(String::as_str));
    let meant = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Err(Failure::input(anyhow!(
        "--noise {name}: no such node{meant}\n  accepted: pK_J, mK_J, sK_J, dK_J or v_plus.K.J, v_minus.K.J, activity.K.J, \
         error.K.J with layer K from 1 to {} and neuron J from 0",
        layout.depth()
    )))
}
