//! Output folders: whose they are, what may be in them, and what becomes of what was there.

use std::fs;
use std::path::Path;

use crate::bench::Bench;

/// A run of a second: two rules on a tiny network, with chips.
const TINY: &str = r#"
name = "tiny"
dataset = { kind = "yin-yang", train = 60, test = 20, split_seed = 0 }
network = [4, 6, 3]
epochs = 1
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

fn tiny() -> Bench {
    let bench = Bench::new();
    bench.write("tiny.toml", TINY);
    assert_eq!(bench.run("run tiny.toml --out o --quiet").status, 0);
    bench
}

/// Every file below a folder, links not followed, with its bytes.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(contents(&path));
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap_or_default()));
        }
    }
    found.sort();
    found
}

#[cfg(unix)]
#[test]
fn force_never_follows_a_link_out_of_the_folder() {
    use std::os::unix::fs::symlink;
    let bench = tiny();
    fs::create_dir_all(bench.path("victim/sub")).unwrap();
    fs::write(bench.path("victim/a"), "a\n").unwrap();
    let before = contents(&bench.path("victim"));
    for link in ["checkpoints", "weights", "figures"] {
        let _ = fs::remove_dir_all(bench.path("o").join(link));
        symlink(bench.path("victim"), bench.path("o").join(link)).unwrap();
        let ran = bench.run("run tiny.toml --out o --force --quiet");
        assert_eq!(contents(&bench.path("victim")), before, "{link}: {}", ran.stderr);
        assert_eq!(ran.status, 0, "{link}: {}", ran.stderr);
        assert!(!bench.path("o").join(link).is_symlink());
    }
}

#[test]
fn force_refuses_a_folder_that_holds_an_input_before_anything_is_deleted() {
    let bench = tiny();
    let before = contents(&bench.path("o"));
    let weights = bench.path("o/weights/bp-s1-c1.safetensors");
    let head = TINY.split("\n[circuit]").next().unwrap();
    bench.write(
        "again.toml",
        &TINY.replace("epochs = 1", &format!("epochs = 1\ninit = {{ weights = '{}' }}", weights.display())),
    );
    let moved = format!("{head}\ncircuit = 'o/c.toml'\n");
    bench.write("circuit.toml", &moved);
    bench.write("o/c.toml", "name = 'c'\nnudge.beta = 0.1\n");
    for line in [
        "run again.toml --out o --force",
        "run again.toml --out ./x/../o/ --force",
        "run o/experiment.toml --out o --force",
        "run circuit.toml --out o --force",
    ] {
        fs::create_dir_all(bench.path("x")).unwrap();
        let ran = bench.run(line);
        assert_eq!(ran.status, 2, "{line}: {}", ran.stderr);
        assert!(ran.stderr.contains("input") && ran.stderr.contains("--force"), "{}", ran.stderr);
        let mut after = contents(&bench.path("o"));
        after.retain(|(name, _)| !name.ends_with("o/c.toml"));
        assert!(after == before, "{line} changed the folder");
    }
}

#[test]
fn resume_restores_what_is_left_of_a_complete_folder_and_names_the_rest() {
    let bench = Bench::new();
    bench.write("tiny.toml", &TINY.replace("epochs = 1", "epochs = 1\nsnapshots = true"));
    assert_eq!(bench.run("run tiny.toml --out o --quiet").status, 0);
    let whole = contents(&bench.path("o"));
    let lost = [
        "metrics.csv",
        "layers.parquet",
        "experiment.toml",
        "report.html",
        "figures/accuracy.svg",
        "figures/angle.png",
        "weights/bp-s1-c1.safetensors",
        "weights/dp-transpose-a0.5-b0.1-s1-c1/epoch-1.safetensors",
    ];
    for name in lost {
        fs::remove_file(bench.path("o").join(name)).unwrap();
    }
    let done = bench.run("run tiny.toml --out o --resume");
    assert_eq!(done.status, 0, "{}", done.stderr);
    assert!(done.stderr.contains("restored") && done.stderr.contains("is complete"), "{}", done.stderr);
    assert!(contents(&bench.path("o")) == whole, "other bytes");
    // Both of a pair are gone: nothing has them once more. What has is restored all the same.
    for name in [
        "metrics.csv",
        "metrics.parquet",
        "summary.json",
        "layers.csv",
        "weights/bp-s1-c1/epoch-0.safetensors",
    ] {
        fs::remove_file(bench.path("o").join(name)).unwrap();
    }
    let done = bench.run("run tiny.toml --out o --resume");
    assert_eq!(done.status, 2, "{}", done.stderr);
    for words in
        ["restored layers.csv", "metrics.csv", "metrics.parquet", "summary.json", "epoch-0", "--force"]
    {
        assert!(done.stderr.contains(words), "{words}: {}", done.stderr);
    }
    let rest = done.stderr.lines().last().unwrap();
    assert!(rest.starts_with("error:") && !rest.contains("layers.csv"), "{rest}");
    // A twin that was changed is not believed.
    assert_eq!(bench.run("run tiny.toml --out o --force --quiet").status, 0);
    fs::remove_file(bench.path("o/metrics.parquet")).unwrap();
    let text = fs::read_to_string(bench.path("o/metrics.csv")).unwrap();
    fs::write(bench.path("o/metrics.csv"), text.replacen("bp", "pb", 1)).unwrap();
    assert_eq!(bench.run("run tiny.toml --out o --resume").status, 2);
    assert!(!bench.path("o/metrics.parquet").exists());
}
