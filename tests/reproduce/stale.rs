//! The same of circuits that are not reset between presentations: what they leave is no part of a checkpoint.

use crate::noisy::same_on_any_threads_and_after_kills;

/// States that do not settle, of batches that are no multiple of a shard, and the last shorter than the
/// others.
const EXPERIMENT: &str = r#"
name = "stale"
dataset = { kind = "digits", train = 400, test = 70 }
network = [64, 16, 12, 10]
epochs = 4
batch = 150
seeds = [1, 2]
rules = ["dp", "dp-transpose"]
keep_unsettled = true
optimizer = { kind = "adam", learning_rate = 3e-3 }
[circuit]
name = "inline"
[circuit.neuron]
activation = "tanh"
[circuit.solver]
start = "stale"
rtol = 1e-4
[circuit.readout]
auto_zero = true
chopping = true
[circuit.mismatch]
offset_dtod = "5 mV"
"#;

#[test]
fn training_without_resets_is_the_same_on_any_threads_and_after_kills() {
    same_on_any_threads_and_after_kills(EXPERIMENT);
}
