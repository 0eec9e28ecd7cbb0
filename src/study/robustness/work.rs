//! The measures of every run, and their means.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::super::runs::Runs;
use super::super::{Extent, Failure, Given, Observer};
use super::{RobustRow, RobustRunRow, RobustSummary, Robustness};
use crate::record::RecordError;
use crate::record::weights::read_weights_unchecked;
use crate::study::train::RunPlan;
use dyadsim_core::analysis::product_norm;
use dyadsim_core::analysis::robustness::{
    Attack, Labelled, Norm, Objective, TargetNetwork, layer_norms, quantile,
};
use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::data::Dataset;
use dyadsim_core::learn::circuit_of;
use dyadsim_core::matrix::Real;

/// Sizes of perturbations (V), ascending.
pub struct Sizes {
    /// In `L∞`.
    pub linf: Vec<f64>,
    /// In `L2`.
    pub l2: Vec<f64>,
}

/// What is looked at.
pub struct Subject {
    /// The runs.
    pub runs: Runs,
    /// Their data.
    pub dataset: Dataset,
    /// Sizes of perturbations.
    pub sizes: Sizes,
    /// What PGD and FGSM climb, one after the other.
    pub aims: Vec<Objective>,
}

/// What a measure is called, and where it stands.
type Place<'a> = (&'a str, Option<usize>, Option<(Norm, f64)>);

impl Subject {
    /// Runs that did not come to their end.
    pub fn broken(&self) -> BTreeSet<String> {
        self.runs.tables.runs.iter().filter(|run| !run.complete()).map(|run| run.name.clone()).collect()
    }

    /// What was asked.
    pub fn summary(&self, settings: &Robustness, given: &Given) -> RobustSummary {
        let test = self.dataset.test.len();
        RobustSummary {
            name: self.runs.tables.name.clone(),
            settings: self.runs.tables.settings_line("mean ± standard error"),
            samples: (settings.samples as usize).min(test),
            lipschitz_samples: (settings.lipschitz as usize).min(test),
            steps: settings.steps.into(),
            climbed: settings.climb.name().into(),
            starts: settings.starts,
            linf: self.sizes.linf.clone(),
            l2: self.sizes.l2.clone(),
            precision: given.precision.name().into(),
        }
    }

    /// Every measure of every run, in the order of the plan; the same for any number of threads.
    ///
    /// # Errors
    /// Weights that cannot be read.
    pub fn rows<T: Real>(
        &self,
        settings: &Robustness,
        watch: &dyn Observer,
    ) -> Result<Vec<RobustRunRow>, Failure> {
        let attacks = 2 * (self.sizes.linf.len() + self.sizes.l2.len());
        let plans = &self.runs.plans;
        watch.begin(Extent::Of(plans.len() * (attacks + 1), "measures"));
        let attacked =
            Labelled::<T>::shards(&self.dataset.test, self.dataset.classes, settings.samples as usize);
        let looked =
            Labelled::<T>::shards(&self.dataset.test, self.dataset.classes, settings.lipschitz as usize);
        let rows = plans.par_iter().map(|plan| self.rows_of(plan, settings, (&attacked, &looked), watch));
        let rows = rows.collect::<Result<Vec<_>, RecordError>>().map_err(Failure::input)?;
        Ok(rows.concat())
    }

    fn rows_of<T: Real>(
        &self,
        plan: &RunPlan,
        settings: &Robustness,
        (attacked, looked): (&[Labelled<T>], &[Labelled<T>]),
        watch: &dyn Observer,
    ) -> Result<Vec<RobustRunRow>, RecordError> {
        let network = &plan.resolved.experiment.network;
        let path = self.runs.folder.join("weights").join(format!("{}.safetensors", plan.name));
        let weights: Weights<T> = read_weights_unchecked(&path, Some(network))?;
        let mut rows = Vec::new();
        let mut add = |place: Place, value: f64| rows.push(row(plan, place, value));
        for (k, norm) in layer_norms(&weights).into_iter().enumerate() {
            add(("spectral-norm", Some(k + 1), None), norm);
        }
        add(("product-norm", None, None), product_norm(&weights));
        let circuit = circuit_of(plan.rule, &plan.resolved.circuit);
        let victim = TargetNetwork::new(Chip::fabricate(&circuit, network), &circuit.nudge, weights);
        let constants = victim.lipschitz(looked);
        for (name, share) in [("lipschitz-median", 0.5), ("lipschitz-95", 0.95), ("lipschitz-max", 1.0)] {
            add((name, None, None), quantile(&constants, share));
        }
        add(("accuracy", None, None), victim.accuracy(attacked));
        watch.done(1);
        for (ball, sizes) in [(Norm::LInf, &self.sizes.linf), (Norm::L2, &self.sizes.l2)] {
            for (name, steps) in [("fgsm", 1), ("pgd", usize::from(settings.steps))] {
                for &radius in sizes {
                    let attacks = self.attacks(ball, radius, steps, settings.starts);
                    add((name, None, Some((ball, radius))), victim.accuracy_under(attacked, &attacks));
                    watch.done(1);
                }
            }
        }
        Ok(rows)
    }

    /// Every start with every aim; a single step is taken from the sample alone.
    fn attacks(&self, ball: Norm, radius: f64, steps: usize, starts: u32) -> Vec<Attack> {
        let starts = if steps == 1 { 1 } else { starts };
        let from = |start| {
            self.aims.iter().map(move |&aim| Attack { norm: ball, radius, steps, objective: aim, start })
        };
        (0..starts).flat_map(from).collect()
    }
}

fn row(plan: &RunPlan, (measure, layer, attack): Place, value: f64) -> RobustRunRow {
    let written = plan.settings.iter().map(|(path, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{} = {value}", path.rsplit('.').next().unwrap_or(path))
    });
    let settings = written.collect::<Vec<_>>().join(", ");
    RobustRunRow {
        run: plan.name.clone(),
        rule: plan.rule.name().into(),
        alpha: plan.alpha(),
        beta: plan.beta(),
        settings: Some(settings).filter(|settings| !settings.is_empty()),
        seed: plan.seed,
        measure: measure.into(),
        layer,
        ball: attack.map(|(ball, _)| ball.name().into()),
        epsilon: attack.map(|(_, radius)| radius),
        value,
    }
}

/// Means and standard errors over runs that differ by seed and chip alone, in the order of the runs. Runs in
/// `broken` and those with a measure that is not finite are left out of all means and counted.
pub fn means(rows: &[RobustRunRow], broken: &BTreeSet<String>) -> Vec<RobustRow> {
    let infinite = rows.iter().filter(|row| !row.value.is_finite()).map(|row| &row.run);
    let out: BTreeSet<&String> = broken.iter().chain(infinite).collect();
    let mut groups: Vec<(RobustRow, Vec<f64>)> = Vec::new();
    for row in rows {
        let empty = group(row);
        let at = groups.iter().position(|(known, _)| same(known, &empty)).unwrap_or_else(|| {
            groups.push((empty, Vec::new()));
            groups.len() - 1
        });
        let (known, values) = &mut groups[at];
        if out.contains(&row.run) {
            known.left_out += 1;
        } else {
            values.push(row.value);
        }
    }
    groups.into_iter().map(|(known, values)| finish(known, &values)).collect()
}

/// The group of a row, with nothing in it.
fn group(row: &RobustRunRow) -> RobustRow {
    RobustRow {
        rule: row.rule.clone(),
        alpha: row.alpha,
        beta: row.beta,
        settings: row.settings.clone(),
        measure: row.measure.clone(),
        layer: row.layer,
        ball: row.ball.clone(),
        epsilon: row.epsilon,
        n: 0,
        left_out: 0,
        mean: None,
        standard_error: None,
    }
}

fn same(one: &RobustRow, other: &RobustRow) -> bool {
    RobustRow { left_out: 0, ..one.clone() } == *other
}

fn finish(empty: RobustRow, values: &[f64]) -> RobustRow {
    let n = values.len();
    let mean = (n > 0).then(|| values.iter().sum::<f64>() / n as f64);
    let standard_error = mean.filter(|_| n > 1).map(|mean| {
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        (squares / (n - 1) as f64 / n as f64).sqrt()
    });
    RobustRow { n, mean, standard_error, ..empty }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_have_their_standard_errors_and_leave_broken_runs_out() {
        let of = |run: &str, value: f64| RobustRunRow {
            run: run.into(),
            rule: "bp".into(),
            alpha: None,
            beta: None,
            settings: None,
            seed: 1,
            measure: "accuracy".into(),
            layer: None,
            ball: None,
            epsilon: None,
            value,
        };
        let rows = [of("a", 1.0), of("b", 3.0), of("c", f64::NAN), of("d", 100.0)];
        let found = means(&rows, &["d".to_owned()].into());
        // s = √2, so s/√2 = 1.
        assert_eq!((found.len(), found[0].n, found[0].left_out), (1, 2, 2));
        assert_eq!((found[0].mean, found[0].standard_error), (Some(2.0), Some(1.0)));
        assert_eq!(means(&rows[..1], &BTreeSet::new())[0].standard_error, None);
    }
}
