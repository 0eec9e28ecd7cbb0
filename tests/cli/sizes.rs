//! Sizes that no machine has: what is needed is told and refused before it is taken.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longer than any refusal takes: what has not ended by then never will.
const HANG: Duration = Duration::from_secs(300);
/// Address space that a refusal must do with (KiB). The program itself maps less than half of it.
const MEMORY: u64 = 2 * 1024 * 1024;

const EXPERIMENT: &str = r#"
name = "tiny"
dataset = { kind = "yin-yang", train = 20, test = 5 }
network = [4, 3, 3]
epochs = 1
batch = 5
seeds = [1]
rules = ["bp", "dp-transpose"]
optimizer = { kind = "adam", learning_rate = 3e-3 }
probe = 2
[circuit]
[circuit.nudge]
beta = 0.1
"#;

/// What a command says within [`HANG`] and [`MEMORY`].
fn told(folder: &Path, arguments: &[&str]) -> Output {
    let limited = format!("ulimit -v {MEMORY}; exec \"$@\"");
    let mut child = Command::new("sh")
        .args(["-c", &limited, "sh", env!("CARGO_BIN_EXE_dyadsim")])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let mut pipes = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let out = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipes.0.read_to_end(&mut bytes).map(|_| bytes)
    });
    let err = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipes.1.read_to_end(&mut bytes).map(|_| bytes)
    });
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > HANG {
            child.kill().unwrap();
        }
        sleep(Duration::from_millis(5));
    };
    Output { status, stdout: out.join().unwrap().unwrap(), stderr: err.join().unwrap().unwrap() }
}

/// Runs a command that must be refused with status 2 and a message that holds every one of `words`.
fn refused(folder: &Path, arguments: &[&str], words: &[&str]) {
    let output = told(folder, arguments);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {:?} {message}", output.status);
    for word in words {
        assert!(message.contains(word), "{arguments:?}: no `{word}` in: {message}");
    }
}

/// A folder with the experiment, after `change`.
fn experiment(change: impl Fn(&str) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("e.toml"), change(EXPERIMENT)).unwrap();
    folder
}

fn numbers(count: usize, scale: f64) -> String {
    let each: Vec<_> = (1..=count).map(|i| format!("{:?}", i as f64 * scale)).collect();
    format!("[{}]", each.join(", "))
}

#[test]
fn a_grid_of_more_runs_than_can_be_planned_is_refused_with_their_number() {
    let keys = ["nudge.alpha", "nudge.beta", "solver.rtol", "solver.hold", "optimizer.learning_rate"];
    let grid: String = keys.iter().map(|key| format!("\"{key}\" = {}\n", numbers(100, 1e-3))).collect();
    let folder = experiment(|text| format!("{text}[grid]\n{grid}"));
    refused(
        folder.path(),
        &["run", "e.toml", "--dry-run"],
        &["e.toml:", "grid", "20000000000", "100000 runs"],
    );
}

#[test]
fn a_grid_of_thousands_of_values_is_planned_in_time_that_grows_with_their_number() {
    let folder = experiment(|text| format!("{text}[grid]\n\"nudge.alpha\" = {}", numbers(3000, 1e-4)));
    let output = told(folder.path(), &["run", "e.toml", "--dry-run"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(text.contains("runs      3001"), "{text}");
}

#[test]
fn thousands_of_seeds_are_planned_and_too_many_chips_are_refused_with_the_sum() {
    let seeds: Vec<_> = (1..=10_000).map(|seed: u32| seed.to_string()).collect();
    let seeds = format!("seeds = [{}]", seeds.join(","));
    let folder = experiment(|text| text.replace("seeds = [1]", &seeds));
    let output = told(folder.path(), &["run", "e.toml", "--dry-run"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("runs      20000"), "{output:?}");
    for chips in ["100000000", "4294967295"] {
        let folder = experiment(|text| text.replace("seeds", &format!("chips = {chips}\nseeds")));
        refused(
            folder.path(),
            &["run", "e.toml", "--dry-run"],
            &["e.toml:", "`chips`", chips, "100000 runs"],
        );
        refused(folder.path(), &["experiments", "check", "e.toml"], &["`chips`"]);
    }
}

#[test]
fn an_absurd_number_of_epochs_is_refused() {
    for epochs in ["1000001", "1000000000000000000"] {
        let folder = experiment(|text| text.replace("epochs = 1", &format!("epochs = {epochs}")));
        refused(folder.path(), &["run", "e.toml"], &["e.toml:", "`epochs`", epochs, "1 to 1000000"]);
    }
}

#[test]
fn a_network_that_no_memory_holds_is_refused_with_the_sum_and_its_line() {
    for network in ["[4, 60000, 60000, 3]", "[4, 1000000, 1000000, 3]"] {
        let folder = experiment(|text| text.replace("[4, 3, 3]", network));
        for line in [&["run", "e.toml"][..], &["run", "e.toml", "--dry-run"]] {
            let line = [line, &["--threads", "64"]].concat();
            refused(
                folder.path(),
                &line,
                &["e.toml:4:", "`network`", network, "GiB of memory are needed", "are free"],
            );
        }
    }
}

#[test]
fn counts_on_the_command_line_have_limits_that_are_told() {
    let folder = experiment(str::to_owned);
    refused(folder.path(), &["run", "e.toml", "--dry-run", "--threads", "65535"], &["65535", "1..=1024"]);
    refused(folder.path(), &["robustness", ".", "--starts", "4294967295"], &["4294967295", "1..=10000"]);
}

#[test]
fn a_nudge_that_is_next_to_nothing_is_no_range_for_limits() {
    let bench = crate::bench::Bench::new();
    bench.linear("dp", 0.5, 0.5);
    bench.weights(&[(nalgebra::dmatrix![0.8], vec![0.1])]);
    bench.batch(&nalgebra::dmatrix![0.5], &nalgebra::dmatrix![1.0]);
    let files = "c.toml --weights w.safetensors --input x.safetensors --target y.safetensors";
    for most in ["5e-324", "1e300"] {
        let line = format!("stability {files} --limits --up-to {most}");
        let line: Vec<&str> = line.split_whitespace().collect();
        refused(&bench.path(""), &line, &["--up-to", most, "1e-9 to 1e9"]);
    }
    let line = format!("gradient {files} --vary nudge.beta=5e-324:1:3:log");
    refused(&bench.path(""), &line.split_whitespace().collect::<Vec<_>>(), &["5e-324"]);
}

#[cfg(unix)]
#[test]
fn what_is_no_plain_file_is_never_read() {
    let bench = crate::bench::Bench::new();
    bench.linear("dp", 0.5, 0.5);
    let made = Command::new("mkfifo").arg(bench.path("pipe")).status().unwrap();
    assert!(made.success());
    for odd in ["/dev/zero", "pipe", "."] {
        let settle = ["settle", "c.toml", "--weights", odd, "--input", "x.safetensors"];
        refused(&bench.path(""), &settle, &[odd, "wanted is a plain file"]);
        let settle = ["settle", odd, "--weights", "w.safetensors", "--input", "x.safetensors"];
        refused(&bench.path(""), &settle, &[odd]);
        refused(&bench.path(""), &["run", odd], &[odd, "wanted is a plain file"]);
    }
}

#[test]
fn a_description_of_a_gigabyte_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    fs::File::create(folder.path().join("e.toml")).unwrap().set_len(1 << 30).unwrap();
    refused(folder.path(), &["run", "e.toml"], &["e.toml", "1073741824 bytes", "16 MiB"]);
}

#[test]
fn a_deep_network_is_told_at_once() {
    let deep = format!("[4, {}3]", "4, ".repeat(24));
    let folder = experiment(|text| text.replace("[4, 3, 3]", &deep).replace("\"bp\", ", ""));
    let output = told(folder.path(), &["run", "e.toml", "--out", "deep"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.starts_with("runs: 1, epochs: 1"), "{text}");
}
