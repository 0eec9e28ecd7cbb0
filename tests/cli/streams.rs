//! Standard output that nobody reads, or that is full.

use std::io::Read;
use std::process::{Command, Stdio};

fn program(line: &str) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("dyadsim"));
    command.args(line.split_whitespace());
    command
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for line in ["circuits schema", "circuits show --defaults", "data list --json", "experiments list"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader); // what `| head` leaves behind
        let output = program(line).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.stderr, b"", "{line}");
        assert_eq!(output.status.code(), Some(0), "{line}");
    }
}

#[test]
fn an_error_that_nobody_reads_keeps_its_status() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = program("circuits show nothing.toml").stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_under_standard_output_is_a_failure() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut child = program("circuits list").stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let mut message = String::new();
    child.stderr.take().unwrap().read_to_string(&mut message).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(message.contains("cannot write to standard output"), "{message}");
}
