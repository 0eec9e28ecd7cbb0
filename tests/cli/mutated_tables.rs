//! Every table of an output folder is a file from outside: damaged in thousands of ways, none may bring a
//! panic, a hang or a machine's memory down.
//!
//! Small studies of each kind are made once. A mutant is a copy of one in which one file is changed in a way
//! that knows its format, drawn from the number of the mutant alone. `DYADSIM_MUTANTS` sets how many there
//! are, and `DYADSIM_FIRST_MUTANT` the first of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{available_parallelism, scope, sleep};
use std::time::{Duration, Instant};

use nalgebra::dmatrix;

use crate::bench::Bench;
use crate::mutation::{Dice, mutate};

/// Mutants without `DYADSIM_MUTANTS`.
const MUTANTS: usize = 120;
/// Processor time (s) that is longer than any command on such small folders takes.
const HANG: f64 = 60.0;
/// Time after which a command that waits counts as hung, on a machine with other things to do.
const WAIT: Duration = Duration::from_secs(600);
/// Most memory that a command may take (KiB).
const MEMORY: u64 = 500 * 1024;

/// Two rules and two values of α, so that every figure of [`STUDIES`] has something to show.
const EXPERIMENT: &str = "name = \"small\"\ndataset = { kind = \"two-moons\", train = 8, test = 6 }\nnetwork = [2, 3, 2]\n\
    epochs = 1\nbatch = 4\nprobe = 2\nseeds = [1]\nrules = [\"bp\", \"dp\", \"dp-transpose\"]\nsnapshots = true\n\
    optimizer = { kind = \"adam\", learning_rate = 0.05 }\ncircuit = { name = \"inline\" }\n\
    [grid]\n\"nudge.alpha\" = [0.25, 0.5]\n";

const FILES: &str = "c.toml --weights w.safetensors --input x.safetensors --target y.safetensors --quiet";

/// The commands that read each kind of folder; plots draw one figure, or a debug build would take minutes.
const STUDIES: [(&str, &[&str]); 12] = [
    (
        "run",
        &[
            "plot DIR --only summary",
            "plot DIR --only accuracy",
            "plot DIR --only angle",
            "plot DIR --only weights",
            "plot DIR --only outcomes",
            "plot DIR --only trajectories",
            "report DIR",
            "compare DIR",
            "robustness DIR --samples 4 --lipschitz 2 --steps 2 --starts 1 --linf 0.1 --l2 0.1",
        ],
    ),
    ("compare", &["plot DIR --only compare-distance", "plot DIR --only compare-end"]),
    ("robustness", &["plot DIR --only robustness-accuracy", "plot DIR --only robustness-alpha"]),
    ("rules", &["plot DIR --only rules-mismatch"]),
    ("gradient", &["plot DIR --only gradient-power", "plot DIR --only gradient-angle"]),
    ("sensitivity", &["plot DIR --only sensitivity"]),
    (
        "hebbian",
        &["plot DIR --only hebbian-fields", "plot DIR --only hebbian-fits", "plot DIR --only hebbian-course"],
    ),
    (
        "spiking",
        &[
            "plot DIR --only spiking-protocols",
            "plot DIR --only spiking-weights",
            "plot DIR --only spiking-scores",
        ],
    ),
    ("yield", &["plot DIR --only yield", "plot DIR --only yield-tolerance"]),
    ("map", &["plot DIR"]),
    ("branch", &["plot DIR"]),
    ("noise", &["plot DIR --only noise-rms", "plot DIR --only noise-angle", "plot DIR --only noise-psd"]),
];

/// A folder of every kind, in the names of [`STUDIES`].
fn studies() -> Bench {
    let bench = Bench::new();
    bench.linear("dp-transpose", 0.5, 0.5);
    let circuit = fs::read_to_string(bench.path("c.toml")).unwrap();
    bench.write("n.toml", &format!("{circuit}kind = \"exponential-heun\"\n[noise.thermal]\nexcess = 1.0\n"));
    bench.write("e.toml", EXPERIMENT);
    bench.weights(&[(dmatrix![0.8], vec![0.1]), (dmatrix![1.5], vec![0.2])]);
    bench.batch(&dmatrix![0.5; 0.25], &dmatrix![1.0; 0.0]);
    let noisy = FILES.replace("c.toml", "n.toml");
    for line in [
        "run e.toml --out run --quiet".to_owned(),
        "compare run --out compare --quiet".into(),
        "rules compare e.toml --mismatch 0,5% --runs levels --out rules --quiet".into(),
        "robustness run --samples 4 --lipschitz 2 --steps 2 --starts 1 --out robustness --quiet".into(),
        format!("gradient {noisy} --vary nudge.beta=0.01:1:2:log --draws 4 --out gradient"),
        format!(
            "yield {FILES} --margin 0.25 --chips 5 --vary mismatch.gain_dtod=0:0.1:2 --tolerance gain_dtod --out yield"
        ),
        format!("sensitivity {FILES} --out sensitivity"),
        "hebbian --data digits --units 2 --batches 2 --batch 50 --quiet --out hebbian".into(),
        "spiking --seeds 2 --duration 0.2 --members 1 --quiet --out spiking".into(),
        format!("stability {FILES} --map nudge.alpha=0:0.5:3 --map nudge.beta=0.2:2:3:log --out map"),
        format!("stability {FILES} --follow nudge.beta=0.1:1 --out branch"),
        format!("noise {noisy} --time 20 --psd v_plus.1.0 --out noise"),
    ] {
        let done = bench.run(&line);
        assert_eq!(done.status, 0, "{line}: {}", done.stderr);
    }
    bench
}

/// Copies a folder without what is drawn, and without the tables that nobody reads back.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        let ending = path.extension().unwrap_or_default();
        if path.is_dir() {
            if name != "figures" && name != "compare" && name != "robustness" {
                copy(&path, &to.join(name));
            }
        } else if ending != "parquet" && ending != "html" && ending != "lock" {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// The files of a folder that can be damaged, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// How a command ended.
struct End {
    status: Option<i32>,
    stderr: String,
    hung: bool,
    /// Most memory seen (KiB); nothing where the system does not tell.
    memory: u64,
}

fn carry_out(folder: &Path, line: &str) -> End {
    let errors = folder.with_extension("stderr");
    let mut child = Command::new(env!("CARGO_BIN_EXE_dyadsim"))
        .args(line.replace("DIR", folder.to_str().unwrap()).split_whitespace())
        .args(["--threads", "1", "--quiet"])
        .current_dir(folder.parent().unwrap())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&errors).unwrap())
        .spawn()
        .unwrap();
    let (begun, mut memory, mut hung) = (Instant::now(), 0, false);
    let status = loop {
        memory = memory.max(peak(child.id()));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > WAIT || busy(child.id()) > HANG || memory > 4 * MEMORY {
            hung = memory <= 4 * MEMORY;
            child.kill().unwrap();
        }
        sleep(Duration::from_millis(2));
    };
    let stderr = String::from_utf8_lossy(&fs::read(&errors).unwrap()).into_owned();
    fs::remove_file(errors).unwrap();
    End { status: status.code(), stderr, hung, memory }
}

/// Most memory that a process has had so far (KiB), where the system tells.
fn peak(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// Processor time of a process so far (s), where the system tells: how long it waited for others is no
/// matter.
fn busy(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name in brackets may hold anything; user and system time are the 12th and 13th behind it (1/100 s).
    let behind = stat.rsplit_once(')').map_or("", |parts| parts.1);
    let ticks = behind.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// Takes the checksums out of a folder's manifest, as if an older version had written it: what stands behind
/// them must hold as well.
fn forget_checksums(folder: &Path) {
    let path = folder.join("manifest.json");
    let Ok(text) = fs::read(&path) else { return };
    if let Ok(serde_json::Value::Object(mut manifest)) = serde_json::from_slice(&text) {
        for key in ["files", "sha256", "versions"] {
            manifest.remove(key);
        }
        fs::write(path, serde_json::to_vec(&manifest).unwrap()).unwrap();
    }
}

/// What is wrong with a mutant's end, if anything is.
fn complaint(bench: &Bench, number: usize, tally: &Tally) -> Option<String> {
    let mut dice = Dice::new(number as u64);
    let (study, lines) = STUDIES[dice.below(STUDIES.len())];
    let line = lines[dice.below(lines.len())];
    let folder = bench.path(&format!("mutant-{number}"));
    copy(&bench.path(study), &folder);
    if dice.below(8) > 0 {
        forget_checksums(&folder);
    }
    let all = files(&folder);
    let file = &all[dice.below(all.len())];
    let what = mutate(file, &mut dice);
    let end = carry_out(&folder, line);
    fs::remove_dir_all(&folder).unwrap();
    let name = file.strip_prefix(&folder).unwrap().display().to_string();
    tally.note(&end);
    let told = !end.stderr.trim().is_empty() && !end.stderr.contains("panicked");
    let well = match end.status {
        Some(0) => true,
        Some(1 | 2) => told,
        _ => false,
    };
    let well = well && !end.hung && end.memory <= MEMORY;
    let words = format!(
        "mutant {number}: {study}/{name}: {what}; {line}: status {:?}, {} MiB{}: {}",
        end.status,
        end.memory / 1024,
        if end.hung { ", hung" } else { "" },
        end.stderr
    );
    if std::env::var_os("DYADSIM_MUTANTS_TOLD").is_some() {
        println!("{words}");
    }
    (!well).then_some(words)
}

/// Mutants by status, and the most memory that one took.
#[derive(Default)]
struct Tally(Mutex<(BTreeMap<Option<i32>, usize>, u64)>);

impl Tally {
    fn note(&self, end: &End) {
        let mut tally = self.0.lock().unwrap();
        *tally.0.entry(end.status).or_default() += 1;
        tally.1 = tally.1.max(end.memory);
    }
}

fn asked(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn mutated_tables_bring_no_panic_no_hang_and_little_memory() {
    let (first, count) = (asked("DYADSIM_FIRST_MUTANT", 0), asked("DYADSIM_MUTANTS", MUTANTS));
    let (bench, tally) = (studies(), Tally::default());
    let (next, failures) = (AtomicUsize::new(first), Mutex::new(Vec::new()));
    scope(|threads| {
        for _ in 0..available_parallelism().map_or(1, usize::from) {
            threads.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= first + count {
                        break;
                    }
                    failures.lock().unwrap().extend(complaint(&bench, number, &tally));
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    let (statuses, memory) = tally.0.into_inner().unwrap();
    println!("{count} mutants by status: {statuses:?}; most memory {} MiB", memory / 1024);
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn undamaged_folders_are_drawn() {
    let bench = studies();
    for (study, lines) in STUDIES {
        for line in lines {
            let folder = bench.path(&format!("good-{study}"));
            copy(&bench.path(study), &folder);
            let end = carry_out(&folder, line);
            assert_eq!(end.status, Some(0), "{study}: {line}: {}", end.stderr);
            fs::remove_dir_all(&folder).unwrap();
        }
    }
}
