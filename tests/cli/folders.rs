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
