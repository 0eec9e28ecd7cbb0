//! Studies that are killed while they replace an earlier one, and several at once.

use std::fs;

use crate::bench::{Bench, ending};
use crate::interrupted::{Moments, kill};

/// Two chips of one rule: what `yield --accuracy` counts.
const CHIPS: &str = r#"
name = "chips"
dataset = { kind = "yin-yang", train = 40, test = 20, split_seed = 0 }
network = [4, 6, 3]
epochs = 1
batch = 20
seeds = [1]
chips = 2
rules = ["bp"]
optimizer = { kind = "adam", learning_rate = 3e-3 }
[circuit]
name = "c"
[circuit.nudge]
beta = 0.1
"#;

/// Kills that must land.
const KILLS: usize = 12;

fn bench() -> Bench {
    let bench = Bench::with(CHIPS);
    bench.run("run e.toml --out r --threads 1");
    bench
}

/// The target that a study of yield tells, and the share that its table has.
fn pair(bench: &Bench) -> (String, String) {
    let text = |name: &str| fs::read_to_string(bench.path("y").join(name)).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&text("yield.json")).unwrap();
    let target = summary["target"].as_str().unwrap().rsplit(' ').next().unwrap().to_owned();
    let table = text("yield.csv");
    let row = table.lines().nth(1).unwrap().split(',').collect::<Vec<_>>();
    (target, row[4].to_owned())
}

#[test]
fn a_killed_study_leaves_the_old_result_or_the_new_one() {
    let bench = bench();
    // Every chip passes the one target, none the other.
    let asked = ["0", "1"];
    let line = |k: usize| format!("yield r --accuracy {} --out y --force", asked[k % 2]);
    bench.run(&line(0));
    let started = std::time::Instant::now();
    bench.run(&line(0));
    let whole = started.elapsed();
    let mut moments = Moments(3);
    let (mut landed, mut tried) = (0, 0);
    while landed < KILLS {
        tried += 1;
        assert!(tried < 20 * KILLS, "{landed} kills landed");
        let child = bench.spawn(&line(tried));
        std::thread::sleep(whole.mul_f64(1.1 * moments.next()));
        landed += usize::from(kill(child));
        bench.run("plot y");
        let (target, passed) = pair(&bench);
        assert!(asked.contains(&&*target), "{target}");
        assert_eq!(passed, if target == "0" { "2" } else { "0" }, "target {target}");
    }
    let left: Vec<_> = fs::read_dir(bench.path("y")).unwrap().map(|e| e.unwrap().file_name()).collect();
    bench.run(&line(0));
    println!("{landed} kills of {tried} landed; the last left {left:?}");
}

#[test]
fn of_several_studies_at_once_one_writes_and_the_others_are_told() {
    let bench = bench();
    bench.run("yield r --accuracy 0 --out y");
    let children =
        ["0", "1", "1"].map(|share| bench.spawn(&format!("yield r --accuracy {share} --out y --force")));
    let ends = children.map(|child| ending(child.wait_with_output().unwrap()));
    assert!(ends.iter().any(|(status, _)| *status == Some(0)), "{ends:?}");
    for (status, words) in &ends {
        assert!(*status == Some(0) || *status == Some(2) && words.contains("in use"), "{status:?}: {words}");
    }
    let (target, passed) = pair(&bench);
    assert_eq!(passed, if target == "0" { "2" } else { "0" }, "target {target}");
    bench.run("plot y");
}
