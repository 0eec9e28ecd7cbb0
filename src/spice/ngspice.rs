//! Running ngspice: the one place that starts a process.
//!
//! What bites: its exit status is 0 after "Timestep too small … aborted" and after a pseudo-transient that
//! stands in for an operating point, so its words are read, too; a `.spiceinit` of the user's would change a
//! run, so none is read (`-n`).

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::SpiceError;
use super::raw::Raw;
use crate::record::{RecordError, atomic};

/// Words in its output that no good run has.
const BAD: [&str; 12] = [
    "error",
    "abort",
    "failed",
    "too small",
    "singular",
    "transient op",
    "no convergence",
    "iteration limit",
    "can't find",
    "cannot find",
    "unable to find",
    "unknown subckt",
];
/// What it may look for in vain: the start-up files, of which a deck of ours needs none. A container or an
/// unpacked package has none of them; versions 39 to 45 word it differently.
const STARTUP: [&str; 4] = ["init file", "initialization file", "spinit", ".spiceinit"];
/// Lines of its own that a message shows.
const SHOWN: usize = 12;
/// Time between two looks at how much a run has written.
const LOOK: Duration = Duration::from_millis(200);

/// What a run left.
#[derive(Clone, Debug)]
pub struct SimulatorRun {
    /// Version, from its own output.
    pub version: String,
    pub(super) raw: Raw,
}

/// The version that ngspice says it is, before any work.
///
/// # Errors
/// [`SpiceError::Missing`], or a program that does not say.
pub fn version() -> Result<String, SpiceError> {
    let done = start(Command::new("ngspice").arg("-v"))?;
    told_version(&String::from_utf8_lossy(&done.stdout))
}

/// Runs a deck whose analyses are cards, with results as a raw file; `written` hears now and then how many
/// bytes that has.
///
/// # Errors
/// No ngspice; a run that failed, aborted or fell back, with its own words; results that are not whole.
pub(super) fn run(deck: &str, written: &(dyn Fn(u64) + Sync)) -> Result<SimulatorRun, SpiceError> {
    let folder = atomic::scratch()?;
    let path = |name: &str| folder.path().join(name);
    atomic::write(&path("deck.cir"), deck.as_bytes())?;
    let mut command = Command::new("ngspice");
    command.current_dir(folder.path()).env("LC_ALL", "C");
    command.args(["-n", "-b", "-r", "out.raw", "-o", "out.log", "deck.cir"]);
    let raw = path("out.raw");
    let look = || written(fs::metadata(&raw).map_or(0, |file| file.len()));
    let done = meanwhile(&look, || start(&mut command))?;
    let log = fs::read_to_string(path("out.log")).unwrap_or_default();
    let said =
        [&*String::from_utf8_lossy(&done.stdout), &log, &*String::from_utf8_lossy(&done.stderr)].join("\n");
    if !done.status.success() {
        return Err(failed(format!("ended with {}", done.status), &said));
    }
    if let Some(line) = bad_line(&said) {
        return Err(failed(format!("reports `{line}`"), &said));
    }
    let raw = read(&raw).map_err(|error| failed(format!("left no result ({error})"), &said))?;
    Ok(SimulatorRun { version: told_version(&said)?, raw: Raw::parse(&raw)? })
}

/// Does `work` while somebody looks at it now and then.
fn meanwhile<R>(look: &(dyn Fn() + Sync), work: impl FnOnce() -> R) -> R {
    let (ends, end) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            while end.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                look();
            }
        });
        let done = work();
        drop(ends);
        done
    })
}

fn read(path: &Path) -> Result<Vec<u8>, RecordError> {
    fs::read(path).map_err(RecordError::io("read", path))
}

fn start(command: &mut Command) -> Result<Output, SpiceError> {
    command.output().map_err(|reason| match reason.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied => {
            SpiceError::Missing { reason: reason.to_string() }
        }
        _ => failed(format!("could not be started ({reason})"), ""),
    })
}

/// `ngspice-39` from `** ngspice-39 : Circuit level simulation program`.
fn told_version(said: &str) -> Result<String, SpiceError> {
    let mut words = said.split_whitespace();
    let found = words.find(|word| {
        word.strip_prefix("ngspice-").is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()))
    });
    found.map(str::to_owned).ok_or_else(|| failed("does not tell its version".into(), said))
}

/// The first line that no good run has.
fn bad_line(said: &str) -> Option<&str> {
    said.lines().map(str::trim).find(|line| {
        let small = line.to_lowercase();
        // The circuit's title is the user's word, not the simulator's.
        let told = !["circuit:", "title:", "**"].iter().any(|mark| small.starts_with(mark));
        told && !misses_startup(&small) && BAD.iter().any(|word| small.contains(word))
    })
}

/// Whether a line (in small letters) says no more than that a start-up file is not there.
fn misses_startup(line: &str) -> bool {
    let sought = BAD.iter().filter(|word| word.ends_with("find")).find_map(|word| {
        let (before, sought) = line.split_once(word)?;
        ["", "note:", "warning:"].contains(&before.trim()).then_some(sought.trim_start())
    });
    let sought = sought.map(|sought| sought.strip_prefix("the ").unwrap_or(sought));
    sought.is_some_and(|sought| STARTUP.iter().any(|file| sought.starts_with(file)))
}

fn failed(what: String, said: &str) -> SpiceError {
    let lines: Vec<&str> = said.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    // From the first bad line on; without one, the end.
    let first = bad_line(said).and_then(|bad| lines.iter().position(|line| line.trim() == bad));
    let from = first.unwrap_or(lines.len().saturating_sub(SHOWN));
    let shown: Vec<String> = lines[from..].iter().take(SHOWN).map(|line| format!("  {line}")).collect();
    SpiceError::Failed { what, said: shown.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fallbacks_and_aborts_are_seen_whatever_the_exit_status() {
        for line in [
            "doAnalyses: TRAN:  Timestep too small; time = 1e-06, timestep = 1e-21: trouble with node \"p1_0\"",
            "tran simulation(s) aborted",
            "Transient op finished successfully",
            "Warning: singular matrix:  check node u1_0",
            "Error on line 3 : unknown model",
        ] {
            let said = format!("Circuit: * error: aborted failed\n\n{line}\nrest");
            assert_eq!(bad_line(&said), Some(line));
            let text = failed("reports".into(), &said).to_string();
            assert!(text.contains(line) && text.contains("rest"), "{text}");
        }
        for line in
            ["warning, can't find model 'spinit' from line", "Error: unknown subckt: x1 a b init file"]
        {
            assert_eq!(bad_line(line), Some(line));
        }
        assert_eq!(bad_line("Note: No compatibility mode selected!\nNo. of Data Rows : 2011\n"), None);
    }

    #[test]
    fn start_up_files_that_are_not_there_are_no_failure() {
        for line in [
            "Note: can't find the initialization file spinit.",
            "Warning: can't find the initialization file spinit.",
            "Note: can't find init file.",
            "Warning: can't find init file.",
            "Note: cannot find spinit",
            "can't find .spiceinit",
        ] {
            assert_eq!(bad_line(line), None);
        }
    }

    #[test]
    fn the_version_is_read_from_the_banner() {
        let banner = "******\n** ngspice-39 : Circuit level simulation program\n** The ngspice team.";
        assert_eq!(told_version(banner).unwrap(), "ngspice-39");
        assert!(told_version("** ngspice program").is_err());
    }
}
