//! Folders with a flipped byte, a cut or a block of zeros somewhere: what comes of them is right, or refused.
//!
//! `DYADSIM_DAMAGE=500` sets how many there are; the seed of each is its number.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::bench::Bench;
use crate::interrupted::{Moments, kill};
use crate::output::{Content, content};

/// Damages, if the environment does not say how many.
const USUAL: usize = 60;

/// Two rules on a tiny network, so that one run reads what the other left.
const TINY: &str = r#"
name = "tiny"
dataset = { kind = "yin-yang", train = 40, test = 20, split_seed = 0 }
network = [4, 6, 3]
epochs = 3
batch = 20
seeds = [1]
chips = 1
rules = ["bp", "dp-transpose"]
optimizer = { kind = "adam", learning_rate = 3e-3 }
probe = 4
[circuit]
name = "c"
[circuit.nudge]
beta = 0.1
"#;

/// What commands make of a finished folder `d`, and where.
const LATER: [(&str, &str); 6] = [
    ("run e.toml --out d --resume --threads 1", "d"),
    ("plot d --only accuracy --out p", "p"),
    ("report d", "d/report.html"),
    ("compare d --out p --threads 1", "p"),
    (
        "robustness d --out p --samples 4 --lipschitz 2 --steps 2 --starts 1 --linf 0.1 --l2 0.5 --threads 1",
        "p",
    ),
    ("yield d --accuracy 0.3 --out p", "p"),
];

/// How a command on a damaged folder ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Refused,
    Told,
    Same,
}

/// Numbers of damage number `trial`.
fn moments(trial: usize) -> Moments {
    Moments(0x00da_4a6e ^ (trial as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn wanted() -> usize {
    std::env::var("DYADSIM_DAMAGE").ok().and_then(|text| text.parse().ok()).unwrap_or(USUAL)
}

/// A folder `d` whose run was killed in its third epoch; all epochs' weights stay if `snapshots`.
fn interrupted(experiment: &str) -> Bench {
    loop {
        let bench = Bench::with(experiment);
        let mut child = bench.spawn("run e.toml --out d --threads 1");
        let started = Instant::now();
        let begun = || {
            let names = fs::read_dir(bench.path("d/checkpoints")).into_iter().flatten().flatten();
            let mut names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
            names.any(|name| name.starts_with("dp") && name.ends_with(".previous.ckpt"))
        };
        while !begun() && child.try_wait().unwrap().is_none() {
            assert!(started.elapsed() < Duration::from_secs(60), "no second checkpoint appears");
            std::thread::sleep(Duration::from_micros(200));
        }
        if kill(child) {
            return bench;
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { fs::copy(&path, &target).map(drop).unwrap() }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.retain(|path| fs::metadata(path).unwrap().len() > 0); // the lock
    found.sort();
    found
}

/// Damages a file below `folder`; says how, if its bytes have changed.
fn damage(folder: &Path, numbers: &mut Moments) -> Option<String> {
    let all = files(folder);
    let path = &all[(numbers.next() * all.len() as f64) as usize];
    let before = fs::read(path).unwrap();
    let mut bytes = before.clone();
    let at = (numbers.next() * bytes.len() as f64) as usize;
    let how = match (numbers.next() * 4.0) as usize {
        0 | 1 => {
            bytes[at] ^= 1 << (numbers.next() * 8.0) as u32;
            "one bit flipped"
        }
        2 => {
            bytes.truncate(at);
            "cut"
        }
        _ => {
            let end = bytes.len().min(at + 1 + (numbers.next() * 64.0) as usize);
            bytes[at..end].fill(0);
            "a block of zeros"
        }
    };
    fs::write(path, &bytes).unwrap();
    let name = path.strip_prefix(folder).unwrap().display();
    (bytes != before).then(|| format!("{name}: {how} at byte {at} of {}", before.len()))
}

/// What is at a place: a folder's content, or a file.
fn result(place: &Path) -> Content {
    if place.is_dir() {
        return content(place).into_iter().filter(|(name, _)| !name.ends_with("manifest.json")).collect();
    }
    let whole = content(place.parent().unwrap());
    let name = place.file_name().unwrap().to_str().unwrap();
    whole.into_iter().filter(|(found, _)| found == name).collect()
}

/// Damages a copy of `d`, carries `line` out on it and holds what is at `place` against `expected`.
fn endure(
    source: &Bench,
    experiment: &str,
    (line, place): (&str, &str),
    expected: &Content,
    trial: usize,
) -> Option<End> {
    let bench = Bench::with(experiment);
    copy(&source.path("d"), &bench.path("d"));
    let what = damage(&bench.path("d"), &mut moments(trial))?;
    let (status, words) = bench.ends(line);
    let told = !words.trim().is_empty();
    assert!(!words.contains("panicked"), "{trial}: {what}, `{line}`: {words}");
    if status != Some(0) {
        assert!(told && matches!(status, Some(1 | 2)), "{trial}: {what}, `{line}`: {status:?} {words}");
        return Some(End::Refused);
    }
    let found = result(&bench.path(place));
    let differs = found.iter().find(|(name, bytes)| expected.get(*name) != Some(bytes)).map(|(name, _)| name);
    assert!(
        differs.is_none() && found.len() == expected.len(),
        "{trial}: {what}, `{line}` ends well with another {differs:?}: {words}"
    );
    Some(if told { End::Told } else { End::Same })
}

/// Does every trial on two threads and counts how they ended.
fn count(trials: usize, one: impl Fn(usize) -> Option<End> + Sync) -> BTreeMap<End, usize> {
    let (next, ends) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let trial = next.fetch_add(1, Ordering::Relaxed);
                    if trial >= trials {
                        return;
                    }
                    if let Some(end) = one(trial) {
                        *ends.lock().unwrap().entry(end).or_insert(0) += 1;
                    }
                }
            });
        }
    });
    ends.into_inner().unwrap()
}

#[test]
fn an_interrupted_folder_with_any_damage_ends_the_same_or_is_refused() {
    let trials = wanted() / 3;
    let kept = TINY.replace("epochs = 3", "epochs = 3\nsnapshots = true");
    let sources = [TINY, &kept].map(|experiment| {
        let whole = Bench::with(experiment);
        whole.run("run e.toml --out d --threads 1");
        (experiment, interrupted(experiment), content(&whole.path("d")))
    });
    let ends = count(trials, |trial| {
        let (experiment, source, expected) = &sources[trial % 2];
        endure(source, experiment, ("run e.toml --out d --resume --threads 1", "d"), expected, trial)
    });
    println!("{trials} damages of interrupted folders: {ends:?}");
}

#[test]
fn a_finished_folder_with_any_damage_gives_the_same_or_is_refused() {
    let trials = wanted() - wanted() / 3;
    let kept = TINY.replace("epochs = 3", "epochs = 3\nsnapshots = true");
    let source = Bench::with(&kept);
    source.run("run e.toml --out d --threads 1");
    let expected = LATER.map(|(line, place)| {
        let bench = Bench::with(&kept);
        copy(&source.path("d"), &bench.path("d"));
        bench.run(line);
        result(&bench.path(place))
    });
    let ends = count(trials, |trial| {
        let of = trial % LATER.len();
        endure(&source, &kept, LATER[of], &expected[of], 100_000 + trial)
    });
    println!("{trials} damages of a finished folder: {ends:?}");
}

#[test]
fn a_study_with_any_damage_is_drawn_the_same_or_refused() {
    let trials = wanted() / 3;
    let source = Bench::with(TINY);
    source.run("run e.toml --out r --threads 1");
    source.run("yield r --accuracy 0.3 --out d");
    let line = ("plot d --out p", "p");
    let expected = {
        let bench = Bench::with(TINY);
        copy(&source.path("d"), &bench.path("d"));
        bench.run(line.0);
        result(&bench.path(line.1))
    };
    let ends = count(trials, |trial| endure(&source, TINY, line, &expected, 200_000 + trial));
    println!("{trials} damages of a study: {ends:?}");
}
