//! The same of training under noise: a sample meets the noise of its presentation, whoever works on it and
//! when.

use std::time::Instant;

use crate::bench::Bench;
use crate::interrupted::{Moments, kill};
use crate::output::assert_same;

/// Every source that has a state along a path, averaged readings, and batches that are no multiple of a
/// shard.
const EXPERIMENT: &str = r#"
name = "noisy"
dataset = { kind = "digits", train = 200, test = 70 }
network = [64, 8, 10]
epochs = 3
batch = 75
seeds = [1, 2]
rules = ["dp", "dp-transpose"]
optimizer = { kind = "adam", learning_rate = 3e-3 }
[circuit]
name = "inline"
[circuit.neuron]
activation = "tanh"
[circuit.solver]
kind = "exponential-heun"
step = 0.2
[circuit.readout]
time = "3 us"
[circuit.noise.thermal]
[circuit.noise.flicker]
corner = "20 kHz"
low = "100 Hz"
high = "1 MHz"
[circuit.noise.telegraph]
amplitude = "0.1 nA"
capture = "2 us"
emission = "5 us"
[circuit.noise.sampled]
capacitance = "10 fF"
"#;

/// Kills that must land.
const KILLS: usize = 5;

#[test]
fn noisy_training_is_the_same_on_any_threads_and_after_kills() {
    same_on_any_threads_and_after_kills(EXPERIMENT);
}

/// Checks that an experiment leaves the same bytes on one thread and on two, and when it is killed and gone
/// on with.
pub fn same_on_any_threads_and_after_kills(experiment: &str) {
    let bench = Bench::with(experiment);
    let started = Instant::now();
    bench.run("run e.toml --out whole --threads 2");
    let (whole_time, expected) = (started.elapsed(), bench.content("whole"));
    bench.run("run e.toml --out one --threads 1");
    assert_same(&bench.content("one"), &expected, "one thread");

    let (mut moments, mut landed) = (Moments(3), 0);
    for _ in 0..4 * KILLS {
        let child = bench.spawn("run e.toml --out killed --resume --threads 2");
        std::thread::sleep(whole_time.mul_f64(0.25 * moments.next()));
        if !kill(child) {
            break;
        }
        landed += 1;
    }
    bench.run("run e.toml --out killed --resume --threads 2");
    assert_same(&bench.content("killed"), &expected, "killed and resumed");
    assert!(landed >= KILLS, "only {landed} kills landed");
    println!("{landed} kills landed; undisturbed it takes {whole_time:?}");
}
