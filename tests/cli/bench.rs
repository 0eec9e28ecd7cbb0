//! A folder to work in, with small circuits, and what a command left behind.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use dyadsim::record::tensors::{self, TensorFile, TensorWriter};
use dyadsim_core::matrix::Matrix;
use serde_json::Value;
use tempfile::TempDir;

/// Settings under which states are exact to some 1e-9 V.
pub const TIGHT: &str = "rtol = 1e-11\natol = 1e-13\nmax_time = 1000.0";

/// A working folder.
pub struct Bench {
    folder: TempDir,
}

/// The end of a command.
pub struct Done {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Done {
    /// The JSON document on standard output, nothing else being there.
    pub fn json(&self) -> Value {
        assert_eq!(self.status, 0, "{}", self.stderr);
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// The message of bad input, which must hold every one of `words`.
    pub fn refused(&self, words: &[&str]) {
        assert_eq!(self.status, 2, "{}{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "", "nothing but the message");
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is not in: {}", self.stderr);
        }
    }
}

impl Bench {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A linear circuit `c.toml` with a nudge.
    pub fn linear(&self, variant: &str, alpha: f64, beta: f64) {
        self.write(
            "c.toml",
            &format!(
                "name = \"linear\"\nneuron.activation = \"linear\"\n\
                 [nudge]\nvariant = \"{variant}\"\nalpha = {alpha}\nbeta = {beta:?}\n[solver]\n{TIGHT}\n"
            ),
        );
    }

    /// `w.safetensors` with these layers (weights, biases).
    pub fn weights(&self, layers: &[(Matrix<f64>, Vec<f64>)]) {
        let mut writer = TensorWriter::new();
        for (k, (weights, biases)) in (1..).zip(layers) {
            writer.matrix(&format!("W.{k}"), weights);
            writer.vector(&format!("b.{k}"), biases);
        }
        writer.write(&self.path("w.safetensors")).unwrap();
    }

    /// `x.safetensors` and `y.safetensors`.
    pub fn batch(&self, inputs: &Matrix<f64>, targets: &Matrix<f64>) {
        for (name, values) in [("x", inputs), ("y", targets)] {
            let mut writer = TensorWriter::new();
            writer.matrix(name, values);
            writer.write(&self.path(&format!("{name}.safetensors"))).unwrap();
        }
    }

    /// Tensors of a file.
    pub fn tensors(&self, name: &str) -> TensorFile {
        tensors::read(&self.path(name)).unwrap()
    }

    /// A command in this folder, with data sets sought only below it.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::cargo_bin("dyadsim").unwrap();
        command.current_dir(self.folder.path()).args(line.split_whitespace());
        for place in ["DYADSIM_DATA", "XDG_CACHE_HOME", "HOME"] {
            command.env(place, self.path("nowhere"));
        }
        command
    }

    /// Carries a command out.
    pub fn run(&self, line: &str) -> Done {
        let output = self.command(line).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Done {
            status: output.status.code().unwrap(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Carries out what must be refused with these words, and checks that it left no trace.
    pub fn refuse(&self, line: &str, words: &[&str]) {
        let before = listing(self.folder.path());
        self.run(line).refused(words);
        assert_eq!(listing(self.folder.path()), before, "`{line}` left something behind");
    }
}

/// Every file and folder below a folder, with the bytes of the files.
fn listing(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.push((path.clone(), Vec::new()));
            found.extend(listing(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}
