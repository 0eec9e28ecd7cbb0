//! A loaded experiment and, for each of its runs, what it resolves to.
//!
//! Loading tries every value of the grid once, so that a bad one is found before any work. A
//! resolved experiment holds absolute paths and its circuit, so that it may be written anywhere.

use std::path::{Path, PathBuf};

use toml::Value;

use super::check_circuit::check_circuit;
use super::check_experiment::{check_beta, check_experiment};
use super::circuit::CircuitSpec;
use super::curve_file;
use super::ep::{check_homeostasis, check_rule};
use super::error::{At, Place, SpecError, nearest};
use super::every::{apart, every, together};
use super::experiment::{CircuitSource, ExperimentSpec, InitSpec};
use super::fault::Fault;
use super::feedback::check_feedback_rules;
use super::overrides::Override;
use super::path::{KeyPath, Step};
use super::plasticity::check_plasticity;
use super::read::shown;
use super::route::route;
use super::rules::RuleKind;
use super::schema::FileKind;
use super::shipped::{Builtin, CIRCUITS, builtin, looks_like_a_path};
use super::signature::read_text;
use super::tree::Tree;

/// An experiment that was read and checked, and still takes the settings of its runs.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Folder that paths are relative to.
    base: PathBuf,
    /// The experiment file as it was written.
    written: Tree,
    /// The settings from outside.
    overrides: Vec<Override>,
    /// The experiment with its circuit and the settings.
    merged: Tree,
    /// The same without the values of the grid: a run's share of the work must not grow with them.
    bare: Tree,
    /// Whether the grid sets β.
    varies_beta: bool,
    /// Whether the grid sets feedback synapses.
    varies_feedback: bool,
}

/// A whole experiment: every default is filled in, every number checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The experiment; its `circuit` is [`Resolved::circuit`], its paths are absolute.
    pub experiment: ExperimentSpec,
    /// The circuit; its `network` is the experiment's.
    pub circuit: CircuitSpec,
}

impl Loaded {
    /// Applies the settings to a written experiment and checks all that it can become.
    pub(super) fn new(base: PathBuf, written: Tree, overrides: Vec<Override>) -> Result<Self, SpecError> {
        let merged = merge(&written, &base, &overrides, &[])?;
        let bare = merged.without_grid();
        let grid = merged.table.get("grid").and_then(Value::as_table);
        let varies = |what: &[&str]| grid.is_some_and(|grid| grid.keys().any(|key| sets(key, what)));
        let (varies_beta, varies_feedback) = (varies(&BETA), varies(&FEEDBACK));
        let loaded = Self { base, written, overrides, merged, bare, varies_beta, varies_feedback };
        loaded.check()?;
        Ok(loaded)
    }

    /// The experiment with `extra` settings, those of one run of the grid, on top.
    ///
    /// Without the settings of a grid over β, β may be 0 although a rule divides by it.
    ///
    /// # Errors
    /// Whatever the settings break.
    pub fn resolve(&self, extra: &[Override]) -> Result<Resolved, SpecError> {
        self.finish(&self.with(&self.merged, extra)?, extra)
    }

    /// [`Loaded::resolve`] without the grid itself, which one run of it does not need.
    ///
    /// # Errors
    /// As there.
    pub fn resolve_run(&self, extra: &[Override]) -> Result<Resolved, SpecError> {
        self.finish(&self.with(&self.bare, extra)?.without_grid(), extra)
    }

    /// Refuses the value of a key for what it asks of the machine, with its place.
    #[must_use]
    pub fn refused(&self, key: &str, accepted: &str) -> SpecError {
        self.merged.tell(Fault::refused(&[key], "this", accepted))
    }

    /// Reads and checks a tree with the settings `extra` in it.
    fn finish(&self, tree: &Tree, extra: &[Override]) -> Result<Resolved, SpecError> {
        let tell = |fault: Fault| tree.tell(fault);
        let mut experiment: ExperimentSpec = tree.read()?;
        let CircuitSource::Inline(circuit) = &experiment.circuit else {
            return Err(tell(Fault::missing(&["circuit"])));
        };
        let mut circuit = circuit.as_ref().clone();
        check_circuit(&circuit).map_err(|fault| tell(fault.under(Step::Key("circuit".into()))))?;
        if matches!(tree.place_of(&KeyPath::of(&["rules"])), Place::Set(_)) {
            forget_absent_rules(&mut experiment);
        }
        check_experiment(&experiment).map_err(tell)?;
        let is_set = |what: &[&str]| extra.iter().any(|setting| sets(&setting.path, what));
        if !self.varies_beta || is_set(&BETA) {
            check_beta(&experiment.rules, circuit.nudge.beta).map_err(tell)?;
        }
        experiment.rules.iter().try_for_each(|rule| check_rule(*rule, &circuit)).map_err(tell)?;
        if !self.varies_feedback || is_set(&FEEDBACK) {
            check_feedback_rules(&experiment.rules, &circuit.feedback).map_err(tell)?;
            check_homeostasis(experiment.ep, &circuit).map_err(tell)?;
        }
        check_plasticity(&experiment, &circuit).map_err(tell)?;
        circuit.network = Some(experiment.network.clone());
        experiment.circuit = CircuitSource::Inline(Box::new(circuit.clone()));
        self.make_absolute(&mut experiment);
        Ok(Resolved { experiment, circuit })
    }

    /// The circuit files that the experiment, a setting or the grid names.
    #[must_use]
    pub fn circuit_files(&self) -> Vec<PathBuf> {
        let set =
            self.overrides.iter().filter(|setting| chooses_circuit(setting)).map(|setting| &setting.value);
        let grid =
            self.merged.table.get("grid").and_then(|grid| grid.get("circuit")).and_then(Value::as_array);
        let named =
            self.written.table.get("circuit").into_iter().chain(set).chain(grid.into_iter().flatten());
        let files = named.filter_map(Value::as_str).filter(|name| shipped(&self.base, name).is_none());
        files.map(|path| self.base.join(path)).collect()
    }

    /// The tree with extra settings; only another circuit file makes it anew.
    fn with(&self, tree: &Tree, extra: &[Override]) -> Result<Tree, SpecError> {
        if extra.iter().any(chooses_circuit) {
            return merge(&self.written, &self.base, &self.overrides, extra);
        }
        let mut tree = tree.clone();
        extra.iter().try_for_each(|setting| tree.set_for_run(setting))?;
        curve_file::take_in(&mut tree, &KeyPath::of(&["circuit"]), &self.base)?;
        Ok(tree)
    }

    /// Checks the experiment as it is and with each value of the grid, other keys at their first.
    fn check(&self) -> Result<(), SpecError> {
        let grid = every(&self.merged, |tree| self.finish(tree, &[]))?.experiment.grid;
        self.check_grid_paths(grid.keys())?;
        let setting = |key: &String, value: &Value| Override::new(key, value.clone());
        let firsts: Vec<_> = grid.iter().map(|(key, values)| setting(key, &values[0])).collect();
        let mut told: Vec<SpecError> = Vec::new();
        for (position, (key, values)) in grid.iter().enumerate() {
            for value in values {
                let mut run = firsts.clone();
                run[position] = setting(key, value);
                let tree = self.with(&self.bare, &run)?.without_grid();
                for error in every(&tree, |tree| self.finish(tree, &run)).err().into_iter().flat_map(apart) {
                    if !told.iter().any(|one| one.to_string() == error.to_string()) {
                        told.push(error);
                    }
                }
            }
        }
        if told.is_empty() { Ok(()) } else { Err(together(told)) }
    }

    /// Refuses keys of the grid that are no paths, lead nowhere, or set the same thing twice.
    fn check_grid_paths<'a>(&self, keys: impl Iterator<Item = &'a String>) -> Result<(), SpecError> {
        let mut seen: Vec<(KeyPath, &str)> = Vec::new();
        // Another circuit comes first and settings go on top of it: they are not the same thing.
        for key in keys.filter(|key| key.as_str() != "circuit") {
            let refused =
                |accepted: String| self.merged.tell(Fault::refused(&["grid", key], "this key", accepted));
            let path = KeyPath::parse(key).map_err(|_| refused("keys with dots between them".into()))?;
            let place = self.merged.place_of(&KeyPath::of(&["grid", key]));
            let path = route(FileKind::Experiment, &path, &place)?;
            let clash = |other: &KeyPath| path.is_within(other) || other.is_within(&path);
            if let Some((_, twin)) = seen.iter().find(|(other, _)| clash(other)) {
                return Err(refused(format!("one of `{twin}` and `{key}`, which set the same thing")));
            }
            seen.push((path, key));
        }
        Ok(())
    }

    /// Whether a key of the experiment was given by `--set`.
    #[must_use]
    pub fn is_set(&self, key: &str) -> bool {
        matches!(self.merged.place_of(&KeyPath::of(&[key])), Place::Set(_))
    }

    /// The refusal of a key of the grid.
    #[must_use]
    pub fn refuse_grid(&self, key: &str, accepted: &str) -> SpecError {
        self.merged.tell(Fault::refused(&["grid", key], "this key", accepted))
    }

    /// The refusal of a value of the grid that is the same as an earlier one.
    #[must_use]
    pub fn refuse_grid_value(&self, key: &str, earlier: usize, later: usize) -> SpecError {
        let list = KeyPath::of(&["grid", key]);
        let same = list.item(earlier).value_in(&self.merged.table).map(shown).unwrap_or_default();
        let accepted = format!("values that differ: to every run {same} is the same");
        let fault = Fault::refused(&[], "this value", accepted);
        self.merged.tell(Fault { path: list.item(later), ..fault })
    }

    fn make_absolute(&self, experiment: &mut ExperimentSpec) {
        if let InitSpec::Weights(file) = &mut experiment.init {
            self.absolute(file);
        }
        if let Some(folder) = &mut experiment.dataset.path {
            self.absolute(folder);
        }
        let grid = experiment.grid.iter_mut().map(|(key, values)| (key, values.as_mut_slice()));
        let excluded = experiment.exclude.iter_mut().flatten().map(|(key, value)| match value {
            Value::Array(values) => (key, values.as_mut_slice()),
            value => (key, std::slice::from_mut(value)),
        });
        for (key, values) in grid.chain(excluded) {
            let paths = values.iter_mut().filter_map(|value| path_in(key, value));
            let files = paths.filter(|path| key != "circuit" || shipped(&self.base, path).is_none());
            files.for_each(|path| self.absolute(path));
        }
    }

    fn absolute(&self, path: &mut String) {
        let joined = self.base.join(&*path);
        *path = std::path::absolute(&joined).unwrap_or(joined).display().to_string();
    }
}

impl Resolved {
    /// The whole experiment as a file, its circuit inline: loading it gives the same again.
    ///
    /// # Panics
    /// When the description was changed by hand to hold a whole number above `i64::MAX`, which TOML
    /// cannot write and hence no file can bring.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let circuit = CircuitSource::Inline(Box::new(self.circuit.clone()));
        let whole = ExperimentSpec { circuit, ..self.experiment.clone() };
        // Keys are text, enums are names or tables, absent options are skipped: only such a number can fail.
        toml::to_string(&whole).expect("a description is made of what TOML can write")
    }
}

/// Paths that a rule may need a value of.
const BETA: [&str; 3] = ["circuit", "nudge", "beta"];
const FEEDBACK: [&str; 2] = ["circuit", "feedback"];

/// Whether a setting's path is, or leads to, another one or into it.
fn sets(path: &str, what: &[&str]) -> bool {
    let routed =
        KeyPath::parse(path).and_then(|path| route(FileKind::Experiment, &path, &Place::Set(String::new())));
    let what = KeyPath::of(what);
    routed.is_ok_and(|path| what.is_within(&path) || path.is_within(&what))
}

/// Puts the circuit, the settings from outside and those of a run into a written experiment.
///
/// Whatever chooses the circuit goes first, since the others may be settings of it.
fn merge(written: &Tree, base: &Path, outside: &[Override], run: &[Override]) -> Result<Tree, SpecError> {
    let mut tree = written.clone();
    outside.iter().filter(|setting| chooses_circuit(setting)).try_for_each(|setting| tree.set(setting))?;
    run.iter()
        .filter(|setting| chooses_circuit(setting))
        .try_for_each(|setting| tree.set_for_run(setting))?;
    if let Some(Value::String(file)) = tree.table.get("circuit") {
        let circuit = circuit_tree(&tree, base, file)?;
        tree.take_in(circuit);
    }
    tree.lend(&KeyPath::of(&["circuit", "network"]), "network");
    outside.iter().filter(|setting| !chooses_circuit(setting)).try_for_each(|setting| tree.set(setting))?;
    run.iter()
        .filter(|setting| !chooses_circuit(setting))
        .try_for_each(|setting| tree.set_for_run(setting))?;
    curve_file::take_in(&mut tree, &KeyPath::of(&["circuit"]), base)?;
    Ok(tree)
}

/// The circuit of this name: a file, or one that is built in.
fn circuit_tree(experiment: &Tree, base: &Path, name: &str) -> Result<Tree, SpecError> {
    if let Some(circuit) = shipped(base, name) {
        return Tree::parse(FileKind::Circuit, circuit.file, circuit.text);
    }
    let path = base.join(name);
    let text = read_text(&path).map_err(|source| {
        let key = KeyPath::of(&["circuit"]);
        let found = key.value_in(&experiment.table).map(shown).unwrap_or_default();
        let at = Box::new(At { place: experiment.place_of(&key), path: key, found });
        let known: Vec<String> = CIRCUITS.iter().map(|circuit| circuit.name().to_owned()).collect();
        let nearest = nearest(name, known.iter().map(String::as_str)).filter(|_| !looks_like_a_path(name));
        SpecError::UnreadableCircuit { at, source, known, nearest }
    })?;
    let mut tree = Tree::parse(FileKind::Circuit, &path.display().to_string(), &text)?;
    curve_file::take_in(&mut tree, &KeyPath::default(), path.parent().unwrap_or(base))?;
    Ok(tree)
}

/// The built-in circuit of this name, unless a file is meant.
fn shipped(base: &Path, name: &str) -> Option<&'static Builtin> {
    builtin(CIRCUITS, name, &base.join(name))
}

/// Whether a setting names the circuit as a whole.
fn chooses_circuit(setting: &Override) -> bool {
    setting.path.trim() == "circuit"
}

/// Expectations about rules that `--set` has taken out of the run are not about this run.
fn forget_absent_rules(experiment: &mut ExperimentSpec) {
    let absent = RuleKind::ALL.into_iter().filter(|rule| !experiment.rules.contains(rule));
    let absent: Vec<_> = absent.map(RuleKind::name).collect();
    experiment.expect.retain(|key, _| key.split_once('.').is_none_or(|(rule, _)| !absent.contains(&rule)));
    if let Some(control) = &mut experiment.control
        && !control.rules.is_empty()
    {
        control.rules.retain(|rule| experiment.rules.contains(rule));
        experiment.control = experiment.control.take().filter(|control| !control.rules.is_empty());
    }
}

/// The path of a file that a grid's value holds, if its key is one that names files.
fn path_in<'a>(key: &str, value: &'a mut Value) -> Option<&'a mut String> {
    let held = match key {
        "circuit" | "init.weights" | "dataset.path" => Some(value),
        "init" => value.as_table_mut().and_then(|table| table.get_mut("weights")),
        "dataset" => value.as_table_mut().and_then(|table| table.get_mut("path")),
        _ => None,
    };
    match held {
        Some(Value::String(path)) => Some(path),
        _ => None,
    }
}
