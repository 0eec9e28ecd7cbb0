//! The line of a complete run in the summary.

use super::plan::RunPlan;
use super::rows::RunSummary;
use super::stored::Record;
use dyadsim_core::analysis::product_norm;
use dyadsim_core::chip::Weights;
use dyadsim_core::matrix::Matrix;

/// Fractions of a tally; none if nothing was counted.
pub(super) fn outcome_fractions(tally: [u64; 6]) -> [Option<f64>; 6] {
    let total: u64 = tally.iter().sum();
    tally.map(|count| (total > 0).then(|| count as f64 / total as f64))
}

/// The line of a complete run in the summary.
pub(super) fn summary(plan: &RunPlan, record: &Record, weights: &Weights<f64>) -> RunSummary {
    let fractions = outcome_fractions(record.tally);
    let last = record.metrics.last();
    let or_nan = |value: Option<f64>| value.unwrap_or(f64::NAN);
    let best = record.metrics.iter().map(|row| row.test_accuracy).fold(f64::NAN, f64::max);
    let angles: Vec<f64> = record.layers.iter().filter_map(|row| row.angle_to_bp_deg).collect();
    let finite = weights.forward.iter().all(|w: &Matrix<f64>| w.iter().all(|v| v.is_finite()));
    RunSummary {
        run: plan.name.clone(),
        rule: plan.rule.name().into(),
        alpha: plan.alpha(),
        beta: plan.beta(),
        kept_beta: record.kept_beta(),
        seed: plan.seed,
        chip: plan.chip,
        test_accuracy: or_nan(last.map(|row| row.test_accuracy)),
        best_test_accuracy: best,
        test_loss: or_nan(last.map(|row| row.test_loss)),
        train_loss: or_nan(last.map(|row| row.train_loss)),
        settled: fractions[0],
        noisy_settled: fractions[1],
        oscillation: fractions[2],
        latch_up: fractions[3],
        timeout: fractions[4],
        not_finite: fractions[5],
        worst_stability_margin_tau: record
            .metrics
            .iter()
            .filter_map(|r| r.stability_margin_tau)
            .reduce(f64::min),
        mean_angle_to_bp_deg: (!angles.is_empty()).then(|| angles.iter().sum::<f64>() / angles.len() as f64),
        product_spectral_norm: product_norm(weights),
        status: match &record.stopped {
            Some(reason) => reason.clone(),
            None if finite => "complete".into(),
            None => "diverged".into(),
        },
        settings: plan.settings.clone(),
        wall_s: record.metrics.iter().map(|row| row.wall_s).sum(),
    }
}
