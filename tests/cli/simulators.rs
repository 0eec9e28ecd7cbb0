//! `spice --check` beside an ngspice that is not as it should be: without its files, with damaged results,
//! with real errors.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use nalgebra::dmatrix;

use crate::bench::{Bench, Done};

const CHECK: &str =
    "spice c.toml --weights w.safetensors --input x.safetensors --out d.cir --check --json --quiet";

/// Where ngspice is; told if there is none.
fn ngspice() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).map(|folder| folder.join("ngspice")).find(|file| file.is_file());
    if found.is_none() {
        println!("SKIPPED: no ngspice here (apt-get install ngspice)");
    }
    found
}

/// A chain, and a stand-in for ngspice that does `before`, runs the real one, and does `after`.
fn stand_in(bench: &Bench, real: &std::path::Path, before: &str, after: &str) {
    bench.write("c.toml", "neuron.activation = \"linear\"\n");
    bench.weights(&[(dmatrix![0.8], vec![0.1]), (dmatrix![-1.5], vec![0.2])]);
    bench.batch(&dmatrix![0.5], &dmatrix![1.0]);
    fs::create_dir(bench.path("bin")).unwrap();
    let script = format!(
        "#!/bin/sh\ncase \"$1\" in -v) exec {real} -v;; esac\n{before}\n{real} \"$@\"\nstatus=$?\n{after}\nexit $status\n",
        real = real.display()
    );
    bench.write("bin/ngspice", &script);
    fs::set_permissions(bench.path("bin/ngspice"), fs::Permissions::from_mode(0o755)).unwrap();
}

fn checked(bench: &Bench, with: impl FnOnce(&mut assert_cmd::Command)) -> Done {
    let mut command = bench.command(CHECK);
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", bench.path("bin").display()));
    with(&mut command);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Done { status: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn a_result_that_is_no_number_disagrees_at_whatever_point() {
    let Some(real) = ngspice() else { return };
    // The last eight bytes are a potential at the last point: NaN, +∞ and −∞, little-endian.
    for bytes in [
        "\\000\\000\\000\\000\\000\\000\\370\\177",
        "\\000\\000\\000\\000\\000\\000\\360\\177",
        "\\000\\000\\000\\000\\000\\000\\360\\377",
    ] {
        let bench = Bench::new();
        let damage = format!("truncate -s -8 out.raw && printf '{bytes}' >> out.raw");
        stand_in(&bench, &real, "", &damage);
        let done = checked(&bench, |_| {});
        let json: serde_json::Value = serde_json::from_str(&done.stdout).unwrap_or_default();
        assert_ne!(done.status, 0, "{}{}", done.stdout, done.stderr);
        assert_ne!(json["check"]["agrees"], true, "{json}");
    }
}

#[test]
fn an_ngspice_without_its_start_up_files_is_as_good_as_any() {
    let Some(real) = ngspice() else { return };
    let bench = Bench::new();
    stand_in(&bench, &real, "", "");
    let done = checked(&bench, |command| {
        command.env("SPICE_SCRIPTS", bench.path("nowhere"));
    });
    assert_eq!(done.status, 0, "{}{}", done.stdout, done.stderr);
    let words = [
        "Note: can't find the initialization file spinit.",
        "Warning: can't find the initialization file spinit.",
        "Note: can't find init file.",
    ];
    for line in words {
        let bench = Bench::new();
        stand_in(&bench, &real, &format!("echo \"{line}\" >&2"), "");
        assert_eq!(checked(&bench, |_| {}).status, 0, "{line}");
    }
}

#[test]
fn real_complaints_still_fail_whatever_the_exit_status() {
    let Some(real) = ngspice() else { return };
    for line in ["warning, can't find model 'n1' from line", "Error: unknown subckt: x1 a b amplifier"] {
        let bench = Bench::new();
        stand_in(&bench, &real, &format!("echo \"{line}\" >&2"), "");
        let done = checked(&bench, |_| {});
        assert!(done.status == 1 && done.stderr.contains(line), "{}{}", done.stdout, done.stderr);
    }
}

#[test]
fn the_stand_in_itself_is_sound() {
    let Some(real) = ngspice() else { return };
    let bench = Bench::new();
    stand_in(&bench, &real, "", "");
    let version = Command::new(bench.path("bin/ngspice")).arg("-v").output().unwrap();
    assert!(String::from_utf8_lossy(&version.stdout).contains("ngspice-"));
    let json = checked(&bench, |_| {}).json();
    assert_eq!(json["check"]["agrees"], true, "{json}");
}
