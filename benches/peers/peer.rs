//! A resident peer: a Python process that obeys lines of JSON (see `peers.py`).

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use dyadsim::record::tensors::{self, TensorFile};
use dyadsim_core::matrix::Matrix;
use serde_json::{Value, json};

use super::net::Net;
use super::setup::{Setup, script};

/// Tolerances of a peer's steps.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    pub rtol: f64,
    pub atol: f64,
}

/// What the yardstick was first run with.
pub const DEFAULT: Tolerance = Tolerance { rtol: 1e-6, atol: 1e-9 };

/// The process.
pub struct Peer {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// Where it leaves tensors.
    place: PathBuf,
    /// Time until it was ready (s): reading, compilation, a first call.
    pub compile: f64,
    /// Steps of the last run.
    pub steps: u64,
}

impl Peer {
    /// Starts a tool on a network and waits until it has compiled; `None` where there is no Python for it.
    pub fn start(setup: &Setup, tool: &str, net: &Net, arguments: &[String]) -> Result<Option<Self>> {
        let Some(python) = &setup.python else { return Ok(None) };
        let mut child = Command::new(python)
            .arg(script())
            .arg(tool)
            .arg(&net.folder)
            .args(["--threads", &setup.cores.len().to_string()])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {python}"))?;
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("a peer without output")?);
        let place = net.folder.join(format!("{tool}.safetensors"));
        let mut peer = Self { child, orders, answers, place, compile: 0.0, steps: 0 };
        peer.compile = peer.answer()?["compile_s"].as_f64().unwrap_or(f64::NAN);
        Ok(Some(peer))
    }

    /// Mean time of `calls` calls (s), in one measurement.
    pub fn run(&mut self, calls: usize, tolerance: Tolerance) -> Result<f64> {
        let Tolerance { rtol, atol } = tolerance;
        let answer = self.ask(&json!({"do": "run", "calls": calls, "rtol": rtol, "atol": atol}))?;
        self.steps = answer["steps"].as_u64().unwrap_or(0);
        answer["seconds"].as_f64().context("an answer without seconds")
    }

    /// Final states of the batch.
    pub fn states(&mut self, tolerance: Tolerance) -> Result<Matrix<f64>> {
        let Tolerance { rtol, atol } = tolerance;
        self.ask(&json!({"do": "states", "path": self.place, "rtol": rtol, "atol": atol}))?;
        tensor(&tensors::read(&self.place)?, "z")
    }

    /// States of the first rows at some times (τ).
    pub fn trajectory(
        &mut self,
        tolerance: Tolerance,
        times: &[f64],
        rows: usize,
    ) -> Result<Vec<Matrix<f64>>> {
        let Tolerance { rtol, atol } = tolerance;
        let path = &self.place;
        let order = json!({"do": "trajectory", "path": path, "times": times, "rows": rows, "rtol": rtol, "atol": atol});
        self.ask(&order)?;
        let file = tensors::read(&self.place)?;
        (0..times.len()).map(|i| tensor(&file, &format!("z.{i}"))).collect()
    }

    /// Where the gradient now stands, as a weight file.
    pub fn gradient(&mut self) -> Result<PathBuf> {
        self.ask(&json!({"do": "gradient", "path": self.place}))?;
        Ok(self.place.clone())
    }

    fn ask(&mut self, order: &Value) -> Result<Value> {
        let orders = self.orders.as_mut().context("a peer without input")?;
        writeln!(orders, "{order}")?;
        orders.flush()?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("the peer ended with {}", self.child.wait()?);
        }
        let answer: Value = serde_json::from_str(&line).with_context(|| format!("no JSON: {line}"))?;
        match answer["error"].as_str() {
            Some(error) => bail!("{error}"),
            None => Ok(answer),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.orders = None; // the end of its input ends it
        let _ = self.child.wait();
    }
}

fn tensor(file: &TensorFile, name: &str) -> Result<Matrix<f64>> {
    let &[rows, columns] = file.shape(name)? else { bail!("{name} is no matrix") };
    Ok(file.matrix(name, (rows, columns))?)
}
