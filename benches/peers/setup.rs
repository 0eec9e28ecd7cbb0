//! What was asked for on the command line, the machine, and the processes that run the cases.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// How to get the peers.
const HOW_TO: &str = "python3 -m venv v && v/bin/pip install numpy scipy jax diffrax safetensors";

/// The command line, resolved.
pub struct Setup {
    /// The Python that has the peers, if it has them.
    pub python: Option<String>,
    /// Cores that may be used, the first for work on one core.
    pub cores: Vec<usize>,
    /// Few repetitions, small networks: proves that everything runs, measures little.
    pub quick: bool,
    /// The case that this process is to run.
    pub child: Option<String>,
    /// Figures are written only beside a file of results.
    pub output: Option<PathBuf>,
    /// Whether this is `cargo bench`, which says so; `cargo test` also starts benchmarks, to see that they
    /// do.
    pub measures: bool,
    versions: String,
    filters: Vec<String>,
}

impl Setup {
    /// Reads the command line; the parent process also looks for the peers.
    pub fn from_arguments() -> Result<Self> {
        let mut setup = Self {
            python: env::var("DYADSIM_PEERS_PYTHON").ok(),
            cores: Vec::new(),
            quick: false,
            child: None,
            output: None,
            measures: false,
            versions: String::new(),
            filters: Vec::new(),
        };
        setup.read(env::args().skip(1))?;
        if setup.cores.is_empty() {
            let all = std::thread::available_parallelism().map_or(1, usize::from);
            setup.cores = (0..all.min(2)).collect();
        }
        // A child is given the Python that its parent found, and "none" where there was none.
        let asked = setup.python.take();
        if setup.child.is_some() {
            setup.python = asked.filter(|python| python != "none");
        } else if setup.measures {
            setup.find_peers(asked.unwrap_or_else(|| "python3".to_owned()));
        }
        Ok(setup)
    }

    fn read(&mut self, mut arguments: impl Iterator<Item = String>) -> Result<()> {
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--python" => self.python = Some(value()?),
                "--cores" => self.cores = parse_cores(&value()?)?,
                "--quick" => self.quick = true,
                "--write" => self.output = Some(value()?.into()),
                "--child" => self.child = Some(value()?),
                "--bench" => self.measures = true,
                other if other.starts_with('-') => {
                    bail!("unknown option {other}; known: --python PATH, --cores LIST, --quick, --write FILE")
                }
                other => self.filters.push(other.to_owned()),
            }
        }
        Ok(())
    }

    /// Whether a case was asked for.
    pub fn wants(&self, case: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| case.contains(filter.as_str()))
    }

    /// How often each pair is timed.
    pub fn repetitions(&self) -> usize {
        if self.quick { 3 } else { 10 }
    }

    /// Runs a case in a process held to `cores` cores; its output, or why there is none.
    pub fn in_child(&self, case: &str, cores: usize) -> String {
        let plural = if cores == 1 { "" } else { "s" };
        let title = format!("\n## {case}, {cores} core{plural}\n\n");
        if cores > self.cores.len() {
            return format!("{title}Left out: only {} core may be used.\n", self.cores.len());
        }
        let body =
            self.spawn(case, &self.cores[..cores]).unwrap_or_else(|error| format!("Failed: {error:#}\n"));
        title + &body
    }

    fn spawn(&self, case: &str, cores: &[usize]) -> Result<String> {
        let list = cores.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let program = env::current_exe()?;
        let mut command = if has_taskset() {
            let mut command = Command::new("taskset");
            command.args(["-c", &list]).arg(program);
            command
        } else {
            eprintln!("no `taskset` here: {case} is not held to its cores");
            Command::new(program)
        };
        command.args(["--child", case, "--cores", &list]);
        command.args(["--python", self.python.as_deref().unwrap_or("none")]);
        command.args(self.quick.then_some("--quick"));
        if let Some(output) = &self.output {
            command.arg("--write").arg(output);
        }
        let done =
            command.env("RAYON_NUM_THREADS", cores.len().to_string()).stderr(Stdio::inherit()).output()?;
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        if done.status.success() { Ok(text) } else { bail!("{case} ended with {}", done.status) }
    }

    /// Looks for the peers, and says loudly what is missing.
    fn find_peers(&mut self, python: String) {
        let found = Command::new(&python).arg(script()).arg("versions").output();
        self.versions = match found {
            Ok(done) if done.status.success() => {
                String::from_utf8_lossy(&done.stdout).trim().replace(['"', '{', '}', ':'], "")
            }
            _ => "null".to_owned(),
        };
        if self.versions.contains("null") {
            eprintln!("*** {python} lacks some of the peers: THEIR ROWS ARE LEFT OUT.");
            eprintln!("*** Get them by `{HOW_TO}`, then give `--python v/bin/python`.");
            self.versions = String::from("without the peers");
        } else {
            self.python = Some(python);
        }
    }

    /// What was run, where.
    pub fn head(&self) -> String {
        let quick = if self.quick { " --quick" } else { "" };
        let filters = self.filters.iter().map(|f| format!(" {f}")).collect::<String>();
        format!(
            "# dyadsim and its peers\n\nWritten by `cargo bench --bench peers -- --write docs/peers.md{quick}{filters}`\n\
             (with `--python` naming a Python that has the peers); nothing here is edited by hand.\n\n\
             - Machine: {}; cores used: {:?}, load at the start {}.\n- Versions: dyadsim {} ({}), {}; {}.\n\
             - Ours and theirs are timed in turn, one first and then the other first; {} pairs per row. A ratio is the\n  \
             median of the pairs' ratios, theirs over ours: above 1 ours is faster. Behind it the medians of the pairs\n  \
             in which ours, and theirs, went first. Times are medians, the least in brackets. Both sides work in single\n  \
             precision (scipy in double), from the same weights, inputs and targets; compilation is left out and stated.\n",
            machine(),
            self.cores,
            load(),
            env!("CARGO_PKG_VERSION"),
            said("git", &["describe", "--always", "--dirty"]),
            said("rustc", &["--version"]),
            self.versions,
            self.repetitions()
        )
    }

    /// Writes the results so far, if a file was named.
    pub fn write(&self, text: &str) -> Result<()> {
        let Some(path) = &self.output else { return Ok(()) };
        fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
        fs::write(path, text).with_context(|| format!("write {}", path.display()))
    }
}

/// The peers' program.
pub fn script() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "benches", "peers", "peers.py"].iter().collect()
}

fn parse_cores(list: &str) -> Result<Vec<usize>> {
    let parse =
        |core: &str| core.trim().parse().with_context(|| format!("--cores {list}: `{core}` is no core"));
    list.split(',').map(parse).collect()
}

/// First line that a program says, or that it says nothing.
fn said(program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).output();
    let text = done.map(|done| String::from_utf8_lossy(&done.stdout).into_owned()).unwrap_or_default();
    text.lines().next().map_or_else(|| format!("{program} unknown"), str::to_owned)
}

fn has_taskset() -> bool {
    let quiet = |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet(Command::new("taskset").arg("--version")).is_ok_and(|status| status.success())
}

/// Model of the processor and number of cores, where Linux tells.
fn machine() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        text.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(':').nth(1));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {cores} cores", model.map_or("unknown processor", str::trim))
}

/// Load average of the last minute, where Linux tells: results from a busy machine should show it.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}
