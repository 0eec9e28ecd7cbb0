//! What a command says, and where: results on standard output, warnings and progress on standard error.
//!
//! With `--json` standard output gets one JSON document and nothing else, and no summary is written anywhere.
//! A reader that has gone away (`| head`) ends the output and is no failure.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use serde::Serialize;

use super::{Failure, Global};
use crate::study::Done;
pub use crate::study::text::rounded;

/// Prints `text` on standard output.
///
/// # Errors
/// If it cannot be written, unless because nobody reads it.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::running(anyhow::Error::new(error).context("cannot write to standard output")))
        }
        _ => Ok(()),
    }
}

/// Prints a line on standard error; if that is closed, nowhere.
pub fn note(line: &dyn Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Ends a command that computed something: its summary for people, its document for programs.
///
/// # Errors
/// Those of [`print`].
pub fn finish(global: &Global, summary: &str, document: &impl Serialize) -> Result<ExitCode, Failure> {
    if global.json {
        print_json(document)?;
    } else if !global.quiet {
        print(summary)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Ends a command that asked a question: status 1 if the answer is not as it should be.
///
/// # Errors
/// Those of [`print`].
pub fn answer(global: &Global, done: &Done) -> Result<ExitCode, Failure> {
    let ended = finish(global, &done.words, &done.document)?;
    Ok(if done.holds { ended } else { ExitCode::FAILURE })
}

/// Ends a command whose text is all that was asked for: printed also with `--quiet`.
///
/// # Errors
/// Those of [`print`].
pub fn show(global: &Global, text: &str, document: &impl Serialize) -> Result<ExitCode, Failure> {
    if global.json {
        print_json(document)?
    } else {
        print(text)?
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a JSON document; numbers that JSON does not have (NaN, infinity) are null.
///
/// # Errors
/// Those of [`print`].
pub fn print_json(document: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(document).map_err(Failure::running)?;
    print(&(text + "\n"))
}
