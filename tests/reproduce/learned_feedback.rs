//! The same of feedback synapses that learn, and of noise in updates.

use std::time::Instant;

use crate::bench::Bench;
use crate::interrupted::{Moments, kill};
use crate::output::assert_same;

/// Synapses that are programmed, that descend terms with moments of their own, and that stay.
const EXPERIMENT: &str = r#"
name = "feedback"
dataset = { kind = "digits", train = 200, test = 70 }
network = [64, 12, 8, 10]
epochs = 4
batch = 25
seeds = [1]
rules = ["dp-transpose", "bp-feedback"]
optimizer = { kind = "adam", learning_rate = 3e-3, update_noise = 0.1, feedback_update_noise = 0.2 }
[circuit]
name = "inline"
feedback = { synapses = "separate", init = "random" }
[grid]
"feedback.learning" = ["sign-symmetry", "kolen-pollack", "information-alignment", "none"]
"#;

/// Kills that must land.
const KILLS: usize = 5;

#[test]
fn feedback_synapses_and_their_moments_survive_kills_on_any_threads() {
    let bench = Bench::with(EXPERIMENT);
    let started = Instant::now();
    bench.run("run e.toml --out whole --threads 2");
    let (whole_time, expected) = (started.elapsed(), bench.content("whole"));
    bench.run("run e.toml --out one --threads 1");
    assert_same(&bench.content("one"), &expected, "one thread");

    let (mut moments, mut landed) = (Moments(4), 0);
    for _ in 0..4 * KILLS {
        let child = bench.spawn("run e.toml --out killed --resume --threads 2");
        std::thread::sleep(whole_time.mul_f64(0.5 * moments.next()));
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
