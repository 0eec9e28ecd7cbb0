//! Invented experiments: the main job, and what is odd in one way each.

use dyadsim_core::spec::RuleKind;

/// What an invented experiment has.
#[derive(Clone)]
pub(super) struct Plan {
    pub rules: Vec<RuleKind>,
    pub alphas: Vec<f64>,
    pub betas: Vec<f64>,
    /// Steps of the adversarial rule that the grid varies.
    pub steps: Vec<f64>,
    pub seeds: Vec<u64>,
    pub epochs: usize,
    pub network: Vec<usize>,
    pub trajectories: bool,
    /// Lets seeds differ in their offset and auto-zero, and prices them.
    pub offsets: bool,
    /// Puts NaN, infinity, zero and empty cells into the tables and cuts a run off.
    pub broken: bool,
}

pub(super) fn main_job() -> Plan {
    Plan {
        rules: vec![RuleKind::Bp, RuleKind::Dp, RuleKind::DpTranspose],
        alphas: vec![0.0, 0.25, 0.5, 0.75, 1.0],
        betas: vec![0.1, 0.5],
        steps: Vec::new(),
        seeds: vec![1, 2, 3],
        epochs: 30,
        network: vec![64, 48, 32, 10],
        trajectories: true,
        offsets: false,
        broken: false,
    }
}

pub(super) fn plans() -> Vec<(&'static str, Plan)> {
    let main = main_job();
    let dozen = (0..12).map(|k| f64::from(k) / 11.0).map(|a| (a * 1e4).round() / 1e4).collect();
    vec![
        (
            "one-place",
            Plan { alphas: vec![0.1234], betas: vec![0.5], rules: RuleKind::ALL.to_vec(), ..main.clone() },
        ),
        ("bp-only", Plan { rules: vec![RuleKind::Bp], trajectories: false, ..main.clone() }),
        ("valley", Plan { betas: vec![0.01, 0.1, 1.0], alphas: vec![0.0, 0.5], ..main.clone() }),
        ("offsets", Plan { offsets: true, alphas: vec![0.5], seeds: vec![1, 2, 3, 4], ..main.clone() }),
        ("dp-only", Plan { rules: vec![RuleKind::Dp], ..main.clone() }),
        ("one-seed", Plan { seeds: vec![7], ..main.clone() }),
        ("one-epoch", Plan { epochs: 1, ..main.clone() }),
        ("no-epoch", Plan { epochs: 0, ..main.clone() }),
        ("one-layer", Plan { network: vec![4, 2], ..main.clone() }),
        ("dozen", Plan { alphas: dozen, ..main.clone() }),
        ("broken", Plan { broken: true, trajectories: false, ..main.clone() }),
        ("broken-one-seed", Plan { broken: true, seeds: vec![1], ..main.clone() }),
    ]
}
