//! `dyadsim circuits`: list, show, check, and the schema for editors; what one costs is a question below it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Failure, Global, builtin, output};
use crate::study::checks;
use dyadsim_core::spec::{CIRCUITS, CircuitSpec, circuit_defaults_toml, circuit_schema, circuit_toml};

/// Arguments of `circuits`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dyadsim circuits show --defaults > mine.toml")]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Names of the built-in circuits [the default]
    #[command(after_help = "Example:\n  dyadsim circuits list")]
    List,
    /// Print a circuit file
    #[command(after_help = "Example:\n  dyadsim circuits show ideal")]
    Show {
        /// A built-in circuit or a file
        #[arg(value_name = "NAME_OR_FILE", required_unless_present = "defaults")]
        circuit: Option<PathBuf>,
        /// Write every default out; without a circuit: a whole file with every key and its unit
        #[arg(long)]
        defaults: bool,
    },
    /// Check a circuit file (status 2 if it is refused)
    #[command(after_help = "Example:\n  dyadsim circuits check circuits/ideal.toml")]
    Check {
        /// A file or a built-in circuit
        #[arg(value_name = "FILE")]
        circuit: PathBuf,
    },
    /// Print the JSON Schema of circuit files
    #[command(after_help = "Example:\n  dyadsim circuits schema > circuit.schema.json")]
    Schema,
}

/// Carries the command out.
///
/// # Errors
/// A circuit that is unknown, unreadable or refused.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode, Failure> {
    match arguments.action.as_ref().unwrap_or(&Action::List) {
        Action::List => {
            global.reject_settings("circuits list")?;
            output::show(global, &builtin::table(CIRCUITS), &builtin::document(CIRCUITS))
        }
        Action::Show { circuit: None, .. } => {
            global.reject_settings("circuits show")?;
            let document = json!({"circuit": CircuitSpec::default(), "text": circuit_defaults_toml()});
            output::show(global, &circuit_defaults_toml(), &document)
        }
        Action::Show { circuit: Some(name), defaults } => {
            global.reject_settings("circuits show")?;
            let source = builtin::find(CIRCUITS, name)?;
            let circuit = source.circuit(&[])?;
            let text = if *defaults { circuit_toml(&circuit) } else { source.text()? };
            output::show(global, &text, &json!({"circuit": circuit, "text": text}))
        }
        Action::Check { circuit } => {
            global.require_f64("circuits check")?;
            output::answer(global, &checks::circuit(circuit, &global.set)?)
        }
        Action::Schema => {
            global.reject_settings("circuits schema")?;
            let schema = circuit_schema();
            output::show(global, &format!("{schema:#}\n"), &schema)
        }
    }
}
