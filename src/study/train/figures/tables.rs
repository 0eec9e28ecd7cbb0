//! Reads the tables of an output folder and groups them by run, for figures to look up.
//!
//! `trajectories.csv`, `valley.csv`, `cost.csv` and `weights/` may be missing. A number that JSON cannot hold
//! stands in `summary.json` as null, where the row types want a number: it is read as NaN, and every figure
//! treats what is not finite as missing, and says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::identity::{GridPlace, Settings};
use super::super::rows::{
    CostRow, LayersRow, MetricsRow, PairSummary, RunSummary, Summary, TrajectoryRow, ValleyRow,
};
use crate::figure::FigureError;
use crate::record::table::{read_csv, read_rows};
use crate::record::tensors;
use dyadsim_core::file;
use dyadsim_core::spec::RuleKind;

/// One run with its rows, in order of epochs.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Name.
    pub name: String,
    /// Rule.
    pub rule: RuleKind,
    /// Gains, and the other settings of the grid; these are those of `summary`.
    pub place: GridPlace,
    /// Seed.
    pub seed: u64,
    /// Its record in `summary.json`; `None` if the run was cut off before it got one.
    pub summary: Option<RunSummary>,
    /// Its rows of `metrics`.
    pub metrics: Vec<MetricsRow>,
    /// Its rows of `layers`.
    pub layers: Vec<LayersRow>,
}

impl Run {
    /// Other grid settings of the run.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.place.settings
    }

    /// Whether the run came to its last epoch.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.summary.as_ref().is_some_and(|summary| summary.status == "complete")
    }
}

/// Everything that figures read of an output folder.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Experiment name.
    pub name: String,
    /// The runs, in the order of `metrics`.
    pub runs: Vec<Run>,
    /// Comparisons of runs.
    pub pairs: Vec<PairSummary>,
    /// Trajectories, if any were recorded.
    pub trajectories: Vec<TrajectoryRow>,
    /// Predicted angles against the nudge, if there was noise to predict.
    pub valley: Vec<ValleyRow>,
    /// What the runs take, if the circuit says what its parts do.
    pub cost: Vec<CostRow>,
    /// The whole experiment.
    pub experiment: toml::Table,
    folder: PathBuf,
}

/// The weights of one layer, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Layer, from 1.
    pub layer: usize,
    /// The entries, C order.
    pub values: Vec<f64>,
}

impl Tables {
    /// Reads the tables of `folder`.
    ///
    /// # Errors
    /// [`FigureError`] names the file that is missing or malformed.
    pub fn read(folder: &Path) -> Result<Self, FigureError> {
        let metrics: Vec<MetricsRow> = read_rows(&folder.join("metrics.csv"))?;
        let layers: Vec<LayersRow> = read_csv(&folder.join("layers.csv"))?;
        let trajectories = rows_if_any(&folder.join("trajectories.csv"))?;
        let valley = rows_if_any(&folder.join("valley.csv"))?;
        let cost = rows_if_any(&folder.join("cost.csv"))?;
        let summary = summary(&folder.join("summary.json"))?;
        let path = folder.join("experiment.toml");
        let experiment = toml::from_str(&text(&path)?)
            .map_err(|source| FigureError::Toml { path, source: Box::new(source) })?;
        let runs = group(&folder.join("metrics.csv"), metrics, layers, summary.runs)?;
        let folder = folder.to_path_buf();
        Ok(Self {
            name: summary.name,
            runs,
            pairs: summary.pairs,
            trajectories,
            valley,
            cost,
            experiment,
            folder,
        })
    }

    /// Data set, network, neuron, solver, nudge point and seeds in a line; `shown` says what is made of
    /// several seeds.
    #[must_use]
    pub fn settings_line(&self, shown: &str) -> String {
        super::words::settings_line(self, shown)
    }

    /// The final weights `W.1`… of a run; `None` if its file was not written.
    ///
    /// # Errors
    /// [`FigureError`] if the file is there and cannot be decoded.
    pub fn weights(&self, run: &str) -> Result<Option<Vec<Weights>>, FigureError> {
        let path = self.folder.join("weights").join(format!("{run}.safetensors"));
        if !path.exists() {
            return Ok(None);
        }
        decode(&path).map(Some)
    }
}

fn text(path: &Path) -> Result<String, FigureError> {
    file::read_text(path, file::TABLE)
        .map_err(|source| FigureError::Read { path: path.to_path_buf(), source })
}

/// The rows of a table that need not be there.
fn rows_if_any<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, FigureError> {
    if path.exists() { Ok(read_csv(path)?) } else { Ok(Vec::new()) }
}

fn group(
    path: &Path,
    metrics: Vec<MetricsRow>,
    layers: Vec<LayersRow>,
    summaries: Vec<RunSummary>,
) -> Result<Vec<Run>, FigureError> {
    let mut runs: Vec<Run> = Vec::new();
    let mut index: BTreeMap<String, usize> = BTreeMap::new();
    for row in metrics {
        let rule = rule_named(path, "rule", &row.rule)?;
        let at = *index.entry(row.run.clone()).or_insert_with(|| {
            runs.push(started(rule, &row));
            runs.len() - 1
        });
        runs[at].metrics.push(row);
    }
    for row in layers {
        if let Some(&at) = index.get(&row.run) {
            runs[at].layers.push(row);
        }
    }
    for summary in summaries {
        if let Some(&at) = index.get(&summary.run) {
            runs[at].place.settings.clone_from(&summary.settings);
            runs[at].summary = Some(summary);
        }
    }
    for run in &mut runs {
        run.metrics.sort_by_key(|row| row.epoch);
        run.layers.sort_by_key(|row| (row.epoch, row.layer));
    }
    Ok(runs)
}

fn started(rule: RuleKind, row: &MetricsRow) -> Run {
    Run {
        name: row.run.clone(),
        rule,
        place: GridPlace { alpha: row.alpha, beta: row.beta, settings: Settings::new() },
        seed: row.seed,
        summary: None,
        metrics: Vec::new(),
        layers: Vec::new(),
    }
}

/// The rule that a table names.
///
/// # Errors
/// [`FigureError::Unfit`] if there is no such rule.
fn rule_named(path: &Path, key: &str, name: &str) -> Result<RuleKind, FigureError> {
    RuleKind::named(name).ok_or_else(|| FigureError::Unfit {
        path: path.to_path_buf(),
        key: key.to_owned(),
        found: format!("{name:?}"),
        accepted: format!("a rule: {}", RuleKind::ALL.map(RuleKind::name).join(", ")),
    })
}

/// Reads `summary.json` of a complete folder.
///
/// # Errors
/// A file that cannot be read, or holds something else.
pub fn summary_of(folder: &Path) -> Result<Summary, FigureError> {
    summary(&folder.join("summary.json"))
}

fn summary(path: &Path) -> Result<Summary, FigureError> {
    let malformed = |source| FigureError::Json { path: path.to_path_buf(), source };
    let written: Value = serde_json::from_str(&text(path)?).map_err(malformed)?;
    let items = |key: &str| {
        let found = written.get(key);
        let list = found.and_then(Value::as_array).cloned();
        list.ok_or_else(|| FigureError::Unfit {
            path: path.to_path_buf(),
            key: key.to_owned(),
            found: found.map_or("nothing", |_| "no list").to_owned(),
            accepted: "a list".to_owned(),
        })
    };
    let name = written.get("name").and_then(Value::as_str).unwrap_or("experiment").to_owned();
    let runs: Vec<RunSummary> =
        items("runs")?.into_iter().map(run_summary).collect::<Result<_, _>>().map_err(malformed)?;
    let pairs: Vec<PairSummary> =
        items("pairs")?.into_iter().map(pair_summary).collect::<Result<_, _>>().map_err(malformed)?;
    let summary = Summary { name, runs, pairs };
    let of_runs = summary.runs.iter().map(|run| ("rule", &run.rule));
    let of_pairs = summary.pairs.iter().flat_map(|pair| [("rule_a", &pair.rule_a), ("rule_b", &pair.rule_b)]);
    of_runs.chain(of_pairs).try_for_each(|(key, name)| rule_named(path, key, name).map(|_| ()))?;
    Ok(summary)
}

fn run_summary(mut record: Value) -> Result<RunSummary, serde_json::Error> {
    let mut missing = |key: &str| fill_null(&mut record, key);
    let accuracy = missing("test_accuracy");
    let best = missing("best_test_accuracy");
    let test_loss = missing("test_loss");
    let train_loss = missing("train_loss");
    let norm = missing("product_spectral_norm");
    let mut summary: RunSummary = serde_json::from_value(record)?;
    summary.test_accuracy += accuracy;
    summary.best_test_accuracy += best;
    summary.test_loss += test_loss;
    summary.train_loss += train_loss;
    summary.product_spectral_norm += norm;
    Ok(summary)
}

fn pair_summary(mut record: Value) -> Result<PairSummary, serde_json::Error> {
    let agreement = fill_null(&mut record, "prediction_agreement");
    let distances = fill_nulls(&mut record, "relative_distance");
    let cosines = fill_nulls(&mut record, "cosine");
    let mut pair: PairSummary = serde_json::from_value(record)?;
    pair.prediction_agreement += agreement;
    pair.relative_distance.iter_mut().zip(distances).for_each(|(value, missing)| *value += missing);
    pair.cosine.iter_mut().zip(cosines).for_each(|(value, missing)| *value += missing);
    Ok(pair)
}

/// Puts 0 where a null stands and returns what to add to get the number meant: NaN, or 0.
fn fill_null(record: &mut Value, key: &str) -> f64 {
    record.get_mut(key).map_or(0.0, zero_for_null)
}

fn fill_nulls(record: &mut Value, key: &str) -> Vec<f64> {
    let list = record.get_mut(key).and_then(Value::as_array_mut);
    list.map(|list| list.iter_mut().map(zero_for_null).collect()).unwrap_or_default()
}

fn zero_for_null(value: &mut Value) -> f64 {
    if !value.is_null() {
        return 0.0;
    }
    *value = Value::from(0.0);
    f64::NAN
}

/// The layers of a weight file; those of a run that diverged may hold anything.
fn decode(path: &Path) -> Result<Vec<Weights>, FigureError> {
    let file = tensors::read_unchecked(path)?;
    let mut layers = Vec::new();
    for name in file.names() {
        let Some(layer) = name.strip_prefix("W.").and_then(|layer| layer.parse().ok()) else { continue };
        layers.push(Weights { layer, values: file.array(name)? });
    }
    layers.sort_by_key(|weights: &Weights| weights.layer);
    Ok(layers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::Dtype;

    #[test]
    fn a_null_number_of_a_pair_is_not_a_number_and_the_others_keep_their_value() {
        let record = serde_json::json!({
            "run_a": "a", "run_b": "b", "rule_a": "dp", "rule_b": "dp-transpose", "alpha": 0.5, "beta": null,
            "seed": 1, "relative_distance": [0.25, null], "cosine": [null, 0.5], "prediction_agreement": null
        });
        let pair = pair_summary(record).unwrap();
        assert_eq!(pair.relative_distance[0].to_bits(), 0.25_f64.to_bits());
        assert!(pair.relative_distance[1].is_nan() && pair.cosine[0].is_nan());
        assert!(pair.prediction_agreement.is_nan());
        assert_eq!(pair.beta, None);
    }

    #[test]
    fn single_and_double_precision_weights_read_alike() {
        let single: Vec<u8> = [0.5_f32, -2.0].iter().flat_map(|w| w.to_le_bytes()).collect();
        let double: Vec<u8> = [0.5_f64, -2.0].iter().flat_map(|w| w.to_le_bytes()).collect();
        for (dtype, data) in [(Dtype::F32, &single), (Dtype::F64, &double)] {
            let view = safetensors::tensor::TensorView::new(dtype, vec![1, 2], data).unwrap();
            let bytes = safetensors::serialize([("W.1", view)], None).unwrap();
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), bytes).unwrap();
            let weights = decode(file.path()).unwrap();
            assert_eq!(weights, [Weights { layer: 1, values: vec![0.5, -2.0] }]);
        }
    }
}
