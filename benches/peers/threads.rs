//! Threads: training of one network, and the runs of one experiment, on one and on two.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use dyadsim_core::learn::{Gradient, Optimizer, Rule, rule};
use dyadsim_core::spec::{OptimizerKind, OptimizerSpec, RateSchedule, RuleKind};
use rayon::ThreadPoolBuilder;

use super::net::{EQUILIBRIUM, FALLBACK, GAINS, Net, Wired, equilibrium_solver, kind};
use super::setup::Setup;
use super::timing::in_turn;

/// Network and samples of the training.
const NET: [usize; 4] = [784, 512, 512, 10];
const BATCH: usize = 256;

/// Adam, as for most experiments.
pub const ADAM: OptimizerSpec = OptimizerSpec {
    kind: OptimizerKind::Adam,
    learning_rate: 1e-3,
    momentum: 0.9,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    schedule: RateSchedule::Constant,
    update_noise: 0.0,
    feedback_update_noise: None,
};

/// The case.
pub fn run(setup: &Setup) -> Result<String> {
    let mut text = "Two threads (*ours*) against one (*theirs*): the ratio is the speed-up, 2 at best.\n\n\
                    | work | 1/2 threads | two (ms) | one (ms) |\n|---|---|--:|--:|\n"
        .to_owned();
    eprintln!("threads: training");
    text += &training(setup)?;
    eprintln!("threads: runs");
    text += &runs(setup).unwrap_or_else(|error| format!("| runs of an experiment | failed: {error:#} |||\n"));
    Ok(text)
}

/// Updates of one network: gradient and Adam.
fn training(setup: &Setup) -> Result<String> {
    let net = Net::draw(Path::new(""), &NET, BATCH);
    let wired = net.wired::<f32>(&GAINS[0].circuit(equilibrium_solver().1));
    let pool = |threads| ThreadPoolBuilder::new().num_threads(threads).build();
    let (one, two) = (pool(1)?, pool(2)?);
    let mut text = String::new();
    for (name, kind) in [("DPᵀ", RuleKind::DpTranspose), ("bp", RuleKind::Bp)] {
        let rule = rule::<f32>(kind, &wired.spec, &net.sizes);
        let (mut first, mut second) = (Student::new(&wired), Student::new(&wired));
        let two_threads = || two.install(|| first.update(rule.as_ref(), &wired));
        let mut single = || one.install(|| second.update(rule.as_ref(), &wired));
        let pairs = in_turn(setup.repetitions(), two_threads, |calls| {
            Ok(super::timing::seconds(calls, &mut single))
        })?;
        text += &format!(
            "| update of {}, batch {BATCH}, {name} and Adam | {} | {} |\n",
            net.name(),
            pairs.ratio(),
            pairs.cells()
        );
    }
    let rule = rule::<f32>(RuleKind::DpTranspose, &wired.spec, &net.sizes);
    let [mut first, mut second, mut third] = [0, 1, 2].map(|_| Student::new(&wired));
    let (another, rule, wired) = (pool(1)?, rule.as_ref(), &wired);
    let both = || {
        std::thread::scope(|scope| {
            scope.spawn(|| one.install(|| first.update(rule, wired)));
            another.install(|| second.update(rule, wired));
        });
    };
    let last = pool(1)?;
    let mut in_a_row = || (0..2).for_each(|_| last.install(|| third.update(rule, wired)));
    let pairs = in_turn(setup.repetitions(), both, |calls| Ok(super::timing::seconds(calls, &mut in_a_row)))?;
    text += &format!(
        "| two such networks that share nothing, DPᵀ: what the machine allows | {} | {} |\n",
        pairs.ratio(),
        pairs.cells()
    );
    Ok(text)
}

/// What an update changes.
struct Student {
    weights: dyadsim_core::chip::Weights<f32>,
    gradient: Gradient<f32>,
    optimizer: Optimizer<f32>,
}

impl Student {
    fn new(wired: &Wired<f32>) -> Self {
        let weights = wired.weights.clone();
        Self { gradient: Gradient::zeros(&weights), optimizer: Optimizer::new(&ADAM, 1, &weights), weights }
    }

    fn update(&mut self, rule: &dyn Rule<f32>, wired: &Wired<f32>) {
        rule.estimate(&self.weights, &wired.batch, &mut self.gradient);
        self.optimizer.update(&mut self.weights, &self.gradient, 0);
    }
}

/// An experiment of eight runs, through the program itself.
fn runs(setup: &Setup) -> Result<String> {
    let root = tempfile::tempdir()?;
    let file = root.path().join("threads.toml");
    let solver = if kind(EQUILIBRIUM).is_some() { EQUILIBRIUM } else { FALLBACK };
    let epochs = if setup.quick { 2 } else { 10 };
    fs::write(&file, experiment(solver, epochs))?;
    let execute = |threads: &str| -> Result<()> {
        let done = Command::new(env!("CARGO_BIN_EXE_dyadsim"))
            .arg("run")
            .arg(&file)
            .args(["--threads", threads, "--quiet", "--force", "--out"])
            .arg(root.path().join("out"))
            .env_remove("RAYON_NUM_THREADS")
            .output()
            .context("start dyadsim")?;
        let complaint = String::from_utf8_lossy(&done.stderr).into_owned();
        if done.status.success() { Ok(()) } else { bail!("dyadsim run: {complaint}") }
    };
    execute("2")?; // whatever is wrong with it shows here
    let twice = || drop(execute("2"));
    let mut once = || drop(execute("1"));
    let pairs = in_turn(setup.repetitions(), twice, |calls| Ok(super::timing::seconds(calls, &mut once)))?;
    Ok(format!(
        "| experiment of 8 runs (digits, 64-128-64-10, {epochs} epochs), figures included | {} | {} |\n",
        pairs.ratio(),
        pairs.cells()
    ))
}

fn experiment(solver: &str, epochs: usize) -> String {
    format!(
        "name = \"threads\"\ncircuit = {{ solver = {{ kind = \"{solver}\" }}, nudge = {{ variant = \"dp-transpose\", alpha = 0.0, beta = 0.1 }} }}\ndataset = {{ kind = \"digits\" }}\n\
         network = [64, 128, 64, 10]\nepochs = {epochs}\nbatch = 50\nseeds = [1, 2, 3, 4, 5, 6, 7, 8]\n\
         rules = [\"dp-transpose\"]\noptimizer = {{ kind = \"adam\", learning_rate = 1e-3 }}\nprobe = 1\n"
    )
}
