//! What is said on which stream; standard output that nobody reads, or that is full.

use std::io::Read;
use std::process::{Command, Stdio};

use crate::bench::Bench;

/// A run of a second.
pub const TINY: &str = r#"
name = "tiny"
dataset = { kind = "yin-yang", train = 40, test = 20, split_seed = 0 }
network = [4, 6, 3]
epochs = 1
batch = 20
seeds = [1]
chips = 2
rules = ["bp", "dp"]
optimizer = { kind = "adam", learning_rate = 3e-3 }
probe = 4
[circuit]
name = "c"
nudge.beta = 0.1
[grid]
"neuron.leak" = ["100 nS", "200 nS"]
[expect]
"bp.test_accuracy" = { at_most = 0.0 }
"#;

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

#[test]
fn the_table_of_a_run_is_a_result_and_its_progress_is_not() {
    let bench = Bench::new();
    bench.write("tiny.toml", TINY);
    let human = bench.run("run tiny.toml --out o");
    for words in
        ["test accuracy", "dp ", "report.html are in o", "expected bp.test_accuracy at most 0", "FAILS"]
    {
        assert!(human.stdout.contains(words) && !human.stderr.contains(words), "{words}: {}", human.stdout);
    }
    assert!(human.stderr.contains("runs: 8") && !human.stdout.contains("runs: 8"), "{}", human.stderr);
    let again = bench.run("run tiny.toml --out o --resume");
    assert_eq!(again.stdout, human.stdout, "a complete folder tells its result again");
    assert!(again.stderr.contains("is complete"), "{}", again.stderr);
}

#[test]
fn programs_get_one_document_and_warnings() {
    let bench = Bench::new();
    bench.write("tiny.toml", TINY);
    for line in ["run tiny.toml --out o --json --quiet", "run tiny.toml --out o --resume --json --quiet"] {
        let done = bench.run(line);
        assert_eq!(done.json()["runs"].as_array().unwrap().len(), 8);
        assert!(!done.stderr.contains("test accuracy") && done.stderr.contains("FAILS"), "{}", done.stderr);
    }
    let failed = bench.run("run tiny.toml --out o --resume --json --check");
    assert_eq!(failed.status, 1);
    assert!(serde_json::from_str::<serde_json::Value>(&failed.stdout).is_ok(), "{}", failed.stdout);
    let quiet = bench.run("run tiny.toml --out p --quiet");
    assert_eq!(quiet.stdout, "");
}

/// Progress shows on a terminal after two seconds, with the time left; a pipe stays quiet.
#[cfg(target_os = "linux")]
#[test]
fn a_long_map_tells_a_terminal_how_long_it_will_take() {
    use std::time::{Duration, Instant};
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("SKIPPED: no `script`, which would give a terminal");
        return;
    }
    let bench = Bench::new();
    bench.linear("dp", 0.5, 0.5);
    let unit = || dyadsim_core::matrix::Matrix::<f64>::identity(2, 2);
    bench.weights(&[(unit(), vec![0.0; 2]), (unit(), vec![0.0; 2])]);
    bench.batch(&nalgebra::dmatrix![0.1, 0.2], &nalgebra::dmatrix![1.0, 0.0]);
    let files = "c.toml --weights w.safetensors --input x.safetensors --target y.safetensors";
    let map = format!(
        "stability {files} --by integration --map nudge.alpha=0:1:400 --map nudge.beta=0.05:5:400:log --threads 1"
    );
    let line = format!("exec {} {map}", assert_cmd::cargo::cargo_bin("dyadsim").display());
    let mut child = Command::new("script")
        .args(["-qefc", &line, "typescript"])
        .current_dir(bench.path(""))
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let shown =
        || String::from_utf8_lossy(&std::fs::read(bench.path("typescript")).unwrap_or_default()).into_owned();
    let begun = Instant::now();
    while !shown().contains("left or less")
        && begun.elapsed() < Duration::from_secs(60)
        && child.try_wait().unwrap().is_none()
    {
        std::thread::sleep(Duration::from_millis(100));
    }
    let _ = child.kill();
    let _ = child.wait();
    assert!(shown().contains("of at most 160000 points"), "{}", shown());
    assert!(begun.elapsed() >= Duration::from_secs(2), "too early");
}
