//! Runs that are killed, or asked to stop, at any moment.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::bench::{Bench, ending, undisturbed};
use crate::output::{assert_same, assert_whole, snapshot};

/// Kills that must land.
const KILLS: usize = 20;

/// Longest wait for a file to appear.
const PATIENCE: Duration = Duration::from_secs(60);

/// Numbers in [0, 1), the same in every run: `SplitMix64` (Steele, Lea & Flood 2014).
pub struct Moments(pub u64);

impl Moments {
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Kills a process; whether it was still alive.
pub fn kill(mut child: Child) -> bool {
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    let landed = output.status.signal() == Some(9);
    assert!(landed || output.status.success(), "it failed by itself: {:?}", ending(output));
    landed
}

#[test]
fn killed_at_random_moments_and_resumed_it_ends_the_same() {
    let (expected, whole_time) = undisturbed();
    let mut moments = Moments(1);
    let (mut landed, mut folders) = (0, 0);
    while landed < KILLS {
        folders += 1;
        assert!(folders <= KILLS, "{landed} kills landed in {folders} folders: the work is too short");
        let bench = Bench::new();
        loop {
            let child = bench.spawn("run e.toml --out d --resume --threads 2");
            std::thread::sleep(whole_time.mul_f64(0.5 * moments.next()));
            let was_alive = kill(child);
            landed += usize::from(was_alive);
            assert_whole(&bench.path("d"));
            if !was_alive {
                break;
            }
            if landed >= KILLS {
                bench.run("run e.toml --out d --resume --threads 2");
                break;
            }
        }
        assert_same(&bench.content("d"), expected, "killed and resumed");
    }
    println!("{landed} kills landed in {folders} folders; undisturbed it takes {whole_time:?}");
}

#[test]
fn killed_as_each_kind_of_file_appears_it_goes_on() {
    let bench = Bench::new();
    let mut moments = Moments(2);
    let stages = [
        "checkpoints/settings.json",
        "manifest.json",
        "experiment.toml",
        "weights/bp-s1/epoch-0.safetensors",
        "checkpoints/bp-s1.ckpt",
        "weights/dp-a0.5-b0.5-s1/epoch-1.safetensors",
        "weights/bp-s1.safetensors",
        "weights/dp-a0.5-b0.5-s1.safetensors",
        "metrics.csv",
        "trajectories.csv",
        "summary.json",
        "figures/summary.svg",
        "figures/angle.png",
        "report.html",
    ];
    let mut landed = 0;
    for file in stages {
        let mut child = bench.spawn("run e.toml --out d --resume --threads 2");
        let started = Instant::now();
        while !bench.path("d").join(file).exists() && child.try_wait().unwrap().is_none() {
            assert!(started.elapsed() < PATIENCE, "{file} does not appear");
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(Duration::from_micros((2e3 * moments.next()) as u64));
        landed += usize::from(kill(child));
        assert_whole(&bench.path("d"));
    }
    assert!(landed >= 8, "only {landed} kills landed");
    bench.run("run e.toml --out d --resume --threads 2");
    assert_same(&bench.content("d"), &undisturbed().0, "killed at every stage");
    println!("{landed} kills landed at {} stages", stages.len());
}

#[test]
fn an_interrupt_saves_what_is_done_and_resume_minds_the_settings() {
    let bench = Bench::new();
    let child = bench.spawn("run e.toml --out d --threads 2");
    let started = Instant::now();
    while !bench.path("d/weights/bp-s1.safetensors").exists() {
        assert!(started.elapsed() < PATIENCE, "it does not begin");
        std::thread::sleep(Duration::from_millis(1));
    }
    let line = format!("kill -INT {}", child.id());
    assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
    let (status, words) = ending(child.wait_with_output().unwrap());
    // 128 and the number of SIGINT, as shells have it; it used to be 1, that of a failure.
    assert_eq!(status, Some(130), "{words}");
    assert!(words.contains("--resume"), "{words}");
    assert_whole(&bench.path("d"));
    assert!(fs::read_dir(bench.path("d/checkpoints")).unwrap().count() > 1, "nothing was saved");

    let before = snapshot(&bench.path("d"));
    for other in ["--set optimizer.learning_rate=0.01", "--precision f32", "--seed 3", "--set nudge.beta=0.1"]
    {
        let (status, words) = bench.ends(&format!("run e.toml --out d --resume --threads 2 {other}"));
        assert_eq!(status, Some(2), "{other}: {words}");
        assert!(words.contains("settings"), "{other}: {words}");
    }
    let (status, words) = bench.ends("run e.toml --out d --threads 2");
    assert_eq!(status, Some(2), "{words}");
    assert!(words.contains("--resume") && words.contains("--force"), "{words}");
    assert!(snapshot(&bench.path("d")) == before, "a refusal changed the folder");

    bench.run("run e.toml --out d --resume --threads 1");
    assert_same(&bench.content("d"), &undisturbed().0, "interrupted, resumed on one thread");
}
