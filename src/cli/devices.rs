//! `dyadsim devices`: list, show and draw synapse devices; circuit files of devices that were simulated.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Failure, Global, output};
use crate::figure::draw_figures;
use crate::study::device_figure::{Shown, figure};
use crate::study::devices::{all, behaviour, find, list, list_document, symmetry, text};
use crate::study::extract::Extract;

/// Arguments of `devices`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dyadsim devices plot reram-sb --out figures")]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Names, models and sources of the devices [the default]
    #[command(after_help = "Example:\n  dyadsim devices list")]
    List,
    /// Print the numbers of a device, with source and validity
    #[command(after_help = "Example:\n  dyadsim devices show pcm-nandakumar")]
    Show {
        /// A device
        #[arg(value_name = "NAME")]
        device: String,
    },
    /// Draw what devices do: staircase and steps, or error of programming and drift
    #[command(after_help = "Example:\n  dyadsim devices plot ecram capacitor --out figures")]
    Plot {
        /// Devices [default: all]
        #[arg(value_name = "NAME")]
        devices: Vec<String>,
        /// Where the files go; figures of the same name are replaced
        #[arg(long, value_name = "DIR", default_value = "devices")]
        out: PathBuf,
    },
    /// Run a subcircuit in ngspice and write its curve, noise, offset and time constant as a circuit file
    #[command(
        after_help = "Example:\n  dyadsim devices extract examples/transistors/neuron.cir --subckt compartment --input u --state p --output s --hold vdd=0.9 --hold vss=-0.9 --out extracted"
    )]
    Extract(Box<Extract>),
}

/// Carries the command out.
///
/// # Errors
/// A device that is unknown, a file that cannot be written, a netlist, port or voltage that is none; no
/// ngspice, or a run that failed.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode, Failure> {
    match arguments.action.as_ref().unwrap_or(&Action::List) {
        Action::List => {
            global.reject_settings("devices list")?;
            output::show(global, &list(), &list_document())
        }
        Action::Show { device: name } => {
            global.reject_settings("devices show")?;
            let device = find(name)?;
            let document = json!({"name": name, "device": device, "symmetry_point": symmetry(&device)});
            output::show(global, &text(&device)?, &document)
        }
        Action::Plot { devices, out } => {
            global.reject_settings("devices plot")?;
            plot(global, devices, out)
        }
        Action::Extract(extract) => {
            global.reject_settings("devices extract")?;
            output::answer(global, &extract.write(global.seed)?)
        }
    }
}

/// Draws the devices of these names, or all.
fn plot(global: &Global, wanted: &[String], out: &Path) -> Result<ExitCode, Failure> {
    for name in wanted {
        find(name)?;
    }
    let is_wanted = |name: &&str| wanted.is_empty() || wanted.iter().any(|one| one == name);
    let (mut words, mut documents) = (String::new(), Vec::new());
    for name in all().into_iter().filter(is_wanted) {
        let device = find(name)?;
        let shown = Shown { name, source: device.source().to_owned(), behaviour: behaviour(&device) };
        for drawn in draw_figures(&[figure(name)], out, &shown, &[]).map_err(Failure::drawing)? {
            words += &format!("{}\n{}\n", drawn.svg.display(), drawn.png.display());
            documents.push(
                json!({"name": name, "svg": drawn.svg, "png": drawn.png, "behaviour": shown.behaviour}),
            );
        }
    }
    output::finish(global, &words, &json!({"figures": documents}))
}
