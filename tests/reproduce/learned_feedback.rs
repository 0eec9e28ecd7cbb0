//! The same of feedback synapses that learn, and of noise in updates.

use crate::noisy::same_on_any_threads_and_after_kills;

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

#[test]
fn feedback_synapses_and_their_moments_survive_kills_on_any_threads() {
    same_on_any_threads_and_after_kills(EXPERIMENT);
}
