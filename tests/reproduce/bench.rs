//! A folder with a small experiment, and the program at work in it.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::output::{Content, content};

/// Ten runs of a few seconds altogether, with layers and rules of every kind, a grid, and nudges that follow
/// a margin.
const EXPERIMENT: &str = r#"
name = "small"
dataset = { kind = "digits", train = 200, test = 100 }
network = [64, 12, 8, 10]
epochs = 3
batch = 25
snapshots = true
seeds = [1, 2]
rules = ["bp", "dp", "dp-transpose"]
optimizer = { kind = "adam", learning_rate = 3e-3 }
[circuit]
name = "inline"
nudge.keep_margin = 0.8
[grid]
"nudge.alpha" = [0.5, 1.0]
"#;

/// A working folder with `e.toml`.
pub struct Bench {
    folder: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(EXPERIMENT)
    }

    /// With another experiment.
    pub fn with(experiment: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("e.toml"), experiment).unwrap();
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("dyadsim"));
        command.current_dir(self.folder.path()).arg("--quiet").args(line.split_whitespace());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Begins a command.
    pub fn spawn(&self, line: &str) -> Child {
        self.command(line).spawn().unwrap()
    }

    /// Carries a command out: its status and what it said.
    pub fn ends(&self, line: &str) -> (Option<i32>, String) {
        ending(self.command(line).output().unwrap())
    }

    /// Carries out a command that must succeed.
    pub fn run(&self, line: &str) {
        let (status, words) = self.ends(line);
        assert_eq!(status, Some(0), "`{line}`: {words}");
    }

    /// What a complete output folder holds.
    pub fn content(&self, name: &str) -> Content {
        content(&self.path(name))
    }
}

/// Status (none after a signal) and words of a command that has ended.
pub fn ending(output: Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What the experiment gives when nobody disturbs it on two threads, and how long it takes.
pub fn undisturbed() -> &'static (Content, Duration) {
    static RUN: OnceLock<(Content, Duration)> = OnceLock::new();
    RUN.get_or_init(|| {
        let bench = Bench::new();
        let started = Instant::now();
        bench.run("run e.toml --out d --threads 2");
        (bench.content("d"), started.elapsed())
    })
}
