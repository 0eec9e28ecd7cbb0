//! Output folders full of plausible invented numbers.

use std::fs;
use std::path::Path;

use super::super::identity::Settings;
use super::super::rows::{
    CostRow, LayersRow, MetricsRow, PairSummary, RunSummary, Summary, TrajectoryRow, ValleyRow,
};
use super::Tables;
use super::synthetic_plans::Plan;
use dyadsim_core::spec::RuleKind;

/// A repeatable number in 0..1 for some names (FNV-1a and a multiply-xor finish).
fn chance(names: &[&str]) -> f64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in names.iter().flat_map(|name| name.bytes().chain([0])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((hash ^ (hash >> 29)) >> 11) as f64 / (1_u64 << 53) as f64
}

struct Invented {
    metrics: Vec<MetricsRow>,
    layers: Vec<LayersRow>,
    summary: Summary,
}

struct Who {
    run: String,
    rule: RuleKind,
    alpha: Option<f64>,
    beta: Option<f64>,
    step: Option<f64>,
    seed: u64,
}

impl Plan {
    fn runs(&self) -> Vec<Who> {
        let mut runs = Vec::new();
        for (&rule, &seed) in
            self.rules.iter().flat_map(|rule| self.seeds.iter().map(move |seed| (rule, seed)))
        {
            let name = rule.name();
            if !rule.is_dyadic() {
                let steps = self.steps.iter().copied().map(Some).filter(|_| rule == RuleKind::Adversarial);
                let none = steps.clone().next().is_none().then_some(None);
                for step in steps.chain(none) {
                    let run =
                        format!("{name}{}-s{seed}", step.map_or(String::new(), |s| format!("-step{s}")));
                    runs.push(Who { run, rule, alpha: None, beta: None, step, seed });
                }
                continue;
            }
            for (alpha, beta) in self.alphas.iter().flat_map(|a| self.betas.iter().map(move |b| (a, b))) {
                let run = format!("{name}-a{alpha}-b{beta}-s{seed}");
                runs.push(Who { run, rule, alpha: Some(*alpha), beta: Some(*beta), step: None, seed });
            }
        }
        runs
    }

    /// How far the circuit is driven out of equilibrium, 0..1.
    fn trouble(&self, who: &Who, epoch: usize) -> f64 {
        let (Some(alpha), Some(beta)) = (who.alpha, who.beta) else { return 0.0 };
        if who.rule != RuleKind::Dp {
            return 0.0;
        }
        let growth = epoch as f64 / self.epochs.max(1) as f64;
        (2.2 * (0.5 - alpha).max(0.4 * (alpha - 0.5)) * (0.3 + beta) * growth - 0.12).clamp(0.0, 1.0)
    }

    /// A nudge that is lowered as weights grow, by every other seed of DP in plans with offsets.
    fn kept(&self, who: &Who, epoch: usize) -> Option<f64> {
        let keeps = self.offsets && who.rule == RuleKind::Dp && who.seed.is_multiple_of(2);
        let growth = epoch as f64 / self.epochs.max(1) as f64;
        who.beta.filter(|_| keeps).map(|beta| beta * (1.0 - 0.7 * growth * chance(&[&who.run])))
    }

    fn metrics_row(&self, who: &Who, epoch: usize) -> MetricsRow {
        let noise = chance(&[&who.run, &epoch.to_string()]) - 0.5;
        let trouble = self.trouble(who, epoch);
        let learned = 1.0 - (-(epoch as f64) / 4.0).exp();
        let accuracy = 0.1 + 0.85 * learned * (1.0 - 0.7 * trouble) + 0.02 * noise;
        let nudged = |value: f64| (who.rule.is_dyadic() && epoch > 0).then_some(value);
        let low = who.alpha.is_some_and(|alpha| alpha < 0.5);
        let weird = self.broken && epoch % 3 == 2;
        MetricsRow {
            run: who.run.clone(),
            rule: who.rule.name().into(),
            alpha: who.alpha,
            beta: who.beta,
            kept_beta: self.kept(who, epoch),
            seed: who.seed,
            epoch,
            train_loss: match (weird, who.seed) {
                (true, 1) => 0.0,
                (true, 2) => f64::INFINITY,
                (true, _) => 1e250,
                _ => 0.45 * (1.02 - learned) * (1.0 + 8.0 * trouble) * (1.0 + 0.2 * noise),
            },
            train_accuracy: accuracy,
            test_loss: 0.5 * (1.05 - learned),
            test_accuracy: if weird { f64::NAN } else { accuracy },
            settled: nudged(1.0 - trouble).filter(|_| !weird),
            noisy_settled: nudged(0.0),
            oscillation: nudged(if low { 0.0 } else { 0.9 * trouble }),
            latch_up: nudged(if low { 0.9 * trouble } else { 0.0 }),
            timeout: nudged(0.1 * trouble),
            not_finite: nudged(0.0),
            settle_time_s: nudged(9e-6 * (1.0 + 0.3 * noise + 2.0 * trouble)).filter(|_| !weird),
            stability_margin_tau: who.rule.is_dyadic().then_some(1.0 - 3.0 * trouble - 0.1 * noise.abs()),
            rhs_evals: 1000,
            wall_s: 0.25,
        }
    }

    fn layers_row(&self, who: &Who, epoch: usize, layer: usize) -> LayersRow {
        let trouble = self.trouble(who, epoch);
        let depth = (self.network.len() - layer) as f64;
        let noise = chance(&[&who.run, &epoch.to_string(), &layer.to_string()]);
        let angle = (depth - 1.0) * (2.0 + 60.0 * trouble + 3.0 * noise) + 1.0;
        let missing = (self.broken && epoch % 2 == 1 && who.seed == 1) || trouble > 0.85;
        LayersRow {
            run: who.run.clone(),
            epoch,
            layer,
            angle_to_bp_deg: (who.rule.is_dyadic() && !missing).then_some(angle.min(110.0)),
            weight_norm: 5.0,
            spectral_norm: 2.0,
            distance_to_bp_weights: Some(0.1),
            feedback_angle_deg: (who.rule.has_feedback() && layer > 1).then_some(90.0 - 20.0 * noise),
        }
    }

    fn run_summary(&self, who: &Who, metrics: &[MetricsRow]) -> RunSummary {
        let last = metrics.last().unwrap();
        let best = metrics.iter().map(|row| row.test_accuracy).fold(0.0, f64::max);
        let margins = metrics.iter().filter_map(|row| row.stability_margin_tau);
        RunSummary {
            run: who.run.clone(),
            rule: who.rule.name().into(),
            alpha: who.alpha,
            beta: who.beta,
            kept_beta: self.kept(who, self.epochs),
            seed: who.seed,
            chip: None,
            test_accuracy: last.test_accuracy,
            best_test_accuracy: best,
            test_loss: if self.broken { f64::INFINITY } else { last.test_loss },
            train_loss: last.train_loss,
            settled: last.settled,
            noisy_settled: last.noisy_settled,
            oscillation: last.oscillation,
            latch_up: last.latch_up,
            timeout: last.timeout,
            not_finite: last.not_finite,
            worst_stability_margin_tau: margins.reduce(f64::min),
            mean_angle_to_bp_deg: who.rule.is_dyadic().then_some(7.0),
            product_spectral_norm: 3.0,
            status: if metrics.len() <= self.epochs { "stopped & <left>".into() } else { "complete".into() },
            settings: self.settings(who),
            wall_s: 7.5,
        }
    }

    fn settings(&self, who: &Who) -> Settings {
        let own = [
            ("mismatch.offset_dtod".to_owned(), (0.01 * (who.seed / 2) as f64).into()),
            ("readout.auto_zero".to_owned(), who.seed.is_multiple_of(2).into()),
        ];
        let step = who.step.map(|step| ("adversarial.step".to_owned(), step.into()));
        own.into_iter().filter(|_| self.offsets && who.rule.is_dyadic()).chain(step).collect()
    }

    fn costs(&self) -> Vec<CostRow> {
        let row = |who: Who| {
            let reading = if who.seed == 1 { 0.0 } else { 1e-6 * who.seed as f64 };
            Some(CostRow {
                run: who.run.clone(),
                rule: who.rule.name().into(),
                alpha: Some(who.alpha?),
                beta: Some(who.beta?),
                seed: who.seed,
                readout_time_s: reading,
                relaxations: 1,
                at_rest: 1.0,
                test_accuracy: 0.8 + 0.1 * chance(&[&who.run]),
                power_w: 4e-4,
                latency_inference_s: 2e-5 + reading,
                latency_update_s: 2e-5 + reading,
                energy_inference_j: 4e-4 * (2e-5 + reading),
                energy_update_j: 4e-4 * (2e-5 + reading),
                energy_training_j: 1e-3,
                time_training_s: Some(1e-2),
                area_m2: None,
            })
        };
        self.runs().into_iter().filter_map(row).collect()
    }

    fn pairs(&self) -> Vec<PairSummary> {
        let runs = self.runs();
        let mut pairs = Vec::new();
        for (k, a) in runs.iter().enumerate() {
            for b in &runs[k + 1..] {
                let gains = a.rule == RuleKind::Bp || (a.alpha, a.beta) == (b.alpha, b.beta);
                if a.rule == b.rule || a.seed != b.seed || !gains || !b.rule.is_dyadic() {
                    continue;
                }
                let away = (b.alpha.unwrap_or(0.5) - 0.5).abs() * (0.3 + b.beta.unwrap_or(0.0));
                let layers = 1..self.network.len();
                let distance =
                    |k: usize| away * (1.0 + 0.4 * k as f64 + 0.3 * chance(&[&b.run, &k.to_string()]));
                pairs.push(PairSummary {
                    run_a: a.run.clone(),
                    run_b: b.run.clone(),
                    rule_a: a.rule.name().into(),
                    rule_b: b.rule.name().into(),
                    alpha: b.alpha,
                    beta: b.beta,
                    seed: a.seed,
                    relative_distance: layers.clone().map(distance).collect(),
                    cosine: layers
                        .map(
                            |k| {
                                if self.broken && k == 1 { f64::NAN } else { 1.0 - 0.5 * distance(k).powi(2) }
                            },
                        )
                        .collect(),
                    prediction_agreement: 1.0 - 0.3 * away,
                    control: None,
                });
            }
        }
        pairs
    }

    fn invent(&self) -> Invented {
        let (mut metrics, mut layers, mut runs) = (Vec::new(), Vec::new(), Vec::new());
        for who in self.runs() {
            let cut = self.broken && who.seed == 3 && who.rule == RuleKind::Dp;
            let last = if cut { self.epochs / 2 } else { self.epochs };
            let rows: Vec<_> = (0..=last).map(|epoch| self.metrics_row(&who, epoch)).collect();
            runs.push(self.run_summary(&who, &rows));
            metrics.extend(rows);
            for epoch in 0..=last {
                layers.extend((1..self.network.len()).map(|layer| self.layers_row(&who, epoch, layer)));
            }
        }
        let name = "two-tales <digits> & more".into();
        Invented { metrics, layers, summary: Summary { name, runs, pairs: self.pairs() } }
    }

    fn weights(&self, who: &Who) -> Vec<u8> {
        let seed = who.seed.to_string();
        let mut tensors = Vec::new();
        for (k, sizes) in self.network.windows(2).enumerate() {
            let stray = 0.4 * (who.alpha.unwrap_or(0.5) - 0.5).abs();
            let weight = |i: usize| {
                let at = [seed.as_str(), &k.to_string(), &i.to_string()];
                let bell = (0..4).map(|n| chance(&[at[0], at[1], at[2], &n.to_string()]) - 0.5).sum::<f64>();
                let own = chance(&[at[0], at[1], at[2], who.rule.name(), "own"]) - 0.5;
                (0.4 + 0.2 * k as f64) * bell + stray * own
            };
            let data: Vec<u8> = (0..sizes[0] * sizes[1]).flat_map(|i| weight(i).to_le_bytes()).collect();
            tensors.push((format!("W.{}", k + 1), vec![sizes[1], sizes[0]], data));
        }
        let views = tensors.iter().map(|(name, shape, data)| {
            let view =
                safetensors::tensor::TensorView::new(safetensors::Dtype::F64, shape.clone(), data).unwrap();
            (name.as_str(), view)
        });
        safetensors::serialize(views, None).unwrap()
    }

    /// Predictions for all that have a nudge; DP at its strongest has none.
    fn valley(&self) -> Vec<ValleyRow> {
        let row = |who: Who| {
            let (alpha, beta) = (who.alpha?, who.beta?);
            let noise = (0.1 / beta).atan().to_degrees();
            let stable = who.rule != RuleKind::Dp || beta < 1.0;
            Some(ValleyRow {
                run: who.run,
                rule: who.rule.name().into(),
                alpha,
                beta,
                seed: who.seed,
                averaged: 50,
                samples: 50,
                bias_deg: stable.then_some(5.0 * beta),
                noise_deg: stable.then_some(noise),
                total_deg: stable.then_some(noise + 5.0 * beta),
                unstable: Some(usize::from(!stable)),
                best_beta: Some(0.4),
            })
        };
        self.runs().into_iter().filter_map(row).collect()
    }

    fn write(&self, folder: &Path) {
        let invented = self.invent();
        write_csv(&folder.join("metrics.csv"), &invented.metrics);
        write_csv(&folder.join("layers.csv"), &invented.layers);
        // As the program does: no table without a row.
        let (valley, costs) = (self.valley(), self.costs());
        if self.betas.len() > 2 && !valley.is_empty() {
            write_csv(&folder.join("valley.csv"), &valley);
        }
        if self.offsets && !costs.is_empty() {
            write_csv(&folder.join("cost.csv"), &costs);
        }
        if self.trajectories {
            write_csv(&folder.join("trajectories.csv"), &trajectories());
        }
        let summary = serde_json::to_string_pretty(&invented.summary).unwrap();
        fs::write(folder.join("summary.json"), summary).unwrap();
        let toml = format!(
            "name = \"two-tales\"\ndataset = {{ kind = \"digits\", split_seed = 0 }}\nnetwork = {:?}\nepochs = {}\nbatch = 50\n\
             [optimizer]\nkind = \"adam\"\nlearning_rate = 3e-3\n[circuit]\nname = \"<ideal>\"\n\
             [circuit.neuron]\nactivation = {{ kind = \"relu\", scale = 1.0 }}\n[circuit.nudge]\nat = \"mean\"\nloss = \"mse\"\n\
             [circuit.solver]\nkind = \"etd\"\nmax_time = 100.0\n",
            self.network, self.epochs
        );
        fs::write(folder.join("experiment.toml"), toml).unwrap();
        fs::create_dir_all(folder.join("weights")).unwrap();
        for who in self.runs() {
            fs::write(folder.join(format!("weights/{}.safetensors", who.run)), self.weights(&who)).unwrap();
        }
    }
}

fn write_csv<T: serde::Serialize>(path: &Path, rows: &[T]) {
    let mut writer = csv::Writer::from_path(path).unwrap();
    rows.iter().for_each(|row| writer.serialize(row).unwrap());
    writer.flush().unwrap();
}

/// One sample that settles and one that latches up; none rings.
fn trajectories() -> Vec<TrajectoryRow> {
    let row = |outcome: &str, neuron: usize, t_tau: f64, v_plus: f64, v_minus: f64| TrajectoryRow {
        outcome: outcome.into(),
        run: "dp-a0.25-b0.5-s1".into(),
        epoch: 3,
        sample: 17,
        layer: 2,
        neuron,
        t_tau,
        v_plus,
        v_minus,
    };
    let mut rows = Vec::new();
    for step in 0..200 {
        let t = 0.1 * f64::from(step);
        for neuron in 0..2 {
            let apart = 0.05 * (1.0 + neuron as f64) * (1.0 - (-t).exp());
            rows.push(row("settled", neuron, t, 0.4 + apart, 0.4 - apart));
            let runaway = 0.01 * (0.35 * t).exp();
            rows.push(row("latch-up", neuron, t, 0.4 + runaway, 0.4 - 0.6 * runaway));
        }
    }
    rows
}

/// Draws everything of a plan; `DYADSIM_FIGURES=DIR` keeps the files there, to be looked at.
pub(super) fn drawn(name: &str, plan: &Plan, mut claim: impl FnMut(&Path, &Tables)) {
    let temporary = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("DYADSIM_FIGURES").map(|folder| Path::new(&folder).join(name));
    let folder = kept.as_deref().unwrap_or(temporary.path());
    fs::create_dir_all(folder).unwrap();
    plan.write(folder);
    let tables = Tables::read(folder).unwrap();
    claim(folder, &tables);
}

#[cfg(test)]
#[path = "synthetic_tests.rs"]
mod tests;
