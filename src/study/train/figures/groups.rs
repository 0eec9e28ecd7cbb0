//! Which runs share a panel: the grid of α (columns) and of β with all other settings (rows).
//!
//! Runs in one place of the grid differ by their seed only. Rules that nudge no circuit have no α and no β:
//! they are what the others are held against, and their runs belong to every place whose other settings they
//! do not contradict.

use super::super::identity::{Settings, agree};
use super::tables::{Run, Tables};
use crate::figure::axis::setting;
use dyadsim_core::spec::RuleKind;
use dyadsim_core::statistics::grouped;

/// A row of panels: β and the values of every other setting that the grid varies.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Nudge β.
    pub beta: Option<f64>,
    /// Other settings.
    pub settings: Settings,
    /// Settings that no rule with a nudge heeds, of the runs that the others are held against.
    pub reference: Settings,
}

impl Row {
    /// A row of a β and other settings.
    #[must_use]
    pub fn new(beta: Option<f64>, settings: Settings) -> Self {
        Self { beta, settings, reference: Settings::new() }
    }

    /// The row that a run stands in.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        Self::new(run.place.beta, run.settings().clone())
    }

    /// The row in words, `β = 0.1, max_time = 20`; empty if nothing varies.
    #[must_use]
    pub fn label(&self) -> String {
        let beta = self.beta.map(|beta| format!("β = {}", setting(beta)));
        let others = self.settings.iter().chain(&self.reference).map(|(path, value)| {
            let key = path.rsplit('.').next().unwrap_or(path);
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{key} = {value}")
        });
        beta.into_iter().chain(others).collect::<Vec<_>>().join(", ")
    }
}

/// A row of panels of a single rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line<'a> {
    /// The rule.
    pub rule: RuleKind,
    /// β and other settings.
    pub row: &'a Row,
}

impl Line<'_> {
    /// The line in words, `DP, β = 0.1`.
    #[must_use]
    pub fn label(&self) -> String {
        match self.row.label() {
            others if others.is_empty() => self.rule.label().to_owned(),
            others => format!("{}, {others}", self.rule.label()),
        }
    }
}

/// The grid of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Every α, ascending; a lone `None` if no rule has one.
    pub alphas: Vec<Option<f64>>,
    /// Every row of the rules with a nudge (of all rules if none has one), by β and then settings in the
    /// order of their first runs.
    pub rows: Vec<Row>,
    /// The same, each as often as the other rules have settings of their own.
    pub places: Vec<Row>,
    /// Rules that have a run, in the order of [`RuleKind::ALL`].
    pub rules: Vec<RuleKind>,
}

impl Grid {
    /// The grid that the runs of some tables span.
    #[must_use]
    pub fn of(tables: &Tables) -> Self {
        let nudged: Vec<&Run> = tables.runs.iter().filter(|run| run.rule.is_dyadic()).collect();
        let spanning: Vec<&Run> = if nudged.is_empty() { tables.runs.iter().collect() } else { nudged };
        let mut alphas: Vec<Option<f64>> = spanning.iter().map(|run| run.place.alpha).collect();
        alphas.sort_by(|a, b| order(*a).total_cmp(&order(*b)));
        alphas.dedup();
        let mut rows: Vec<Row> = spanning.iter().map(|run| Row::of(run)).collect();
        let first = |row: &Row| spanning.iter().position(|run| *run.settings() == row.settings);
        rows.sort_by(|a, b| order(a.beta).total_cmp(&order(b.beta)).then_with(|| first(a).cmp(&first(b))));
        rows.dedup();
        // Backpropagation heeds less than its adversarial sister, and stands in every row of hers.
        let within = |one: &Row, other: &Row| one != other && contains(&other.settings, &one.settings);
        if spanning.iter().all(|run| !run.rule.is_dyadic()) {
            let all = rows.clone();
            rows.retain(|row| !all.iter().any(|other| within(row, other)));
        }
        let places = places(tables, &rows);
        let has_run = |rule: &RuleKind| tables.runs.iter().any(|run| run.rule == *rule);
        Self { alphas, rows, places, rules: RuleKind::ALL.into_iter().filter(has_run).collect() }
    }

    /// Whether a run with a nudge stands in a row.
    #[must_use]
    pub fn stands_in(run: &Run, row: &Row) -> bool {
        run.place.beta == row.beta && *run.settings() == row.settings
    }

    /// A line for every rule with a nudged phase and every row of the grid.
    #[must_use]
    pub fn nudged(&self) -> Vec<Line<'_>> {
        let rules = self.rules.iter().copied().filter(|rule| rule.is_dyadic());
        rules.flat_map(|rule| self.rows.iter().map(move |row| Line { rule, row })).collect()
    }

    /// Titles of the columns.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        let title = |alpha: &Option<f64>| alpha.map_or(String::new(), |a| format!("α = {}", setting(a)));
        self.alphas.iter().map(title).collect()
    }
}

/// The runs of a rule in one place of the grid, one per seed.
#[must_use]
pub fn runs_at<'a>(tables: &'a Tables, rule: RuleKind, alpha: Option<f64>, row: &Row) -> Vec<&'a Run> {
    let same_rule = tables.runs.iter().filter(|run| run.rule == rule);
    if !rule.is_dyadic() {
        let agrees = |run: &&Run| {
            let nudge = run.place.beta.is_none() || run.place.beta == row.beta;
            nudge && agree(run.settings(), &row.settings) && agree(run.settings(), &row.reference)
        };
        return same_rule.filter(agrees).collect();
    }
    same_rule.filter(|run| run.place.alpha == alpha && Grid::stands_in(run, row)).collect()
}

/// Every row with every choice of the settings that runs without a nudge alone have.
fn places(tables: &Tables, rows: &[Row]) -> Vec<Row> {
    let known = |path: &String| rows.iter().any(|row| row.settings.contains_key(path));
    let own = |run: &Run| -> Settings {
        let own = run.settings().iter().filter(|(path, _)| !known(path));
        own.map(|(path, value)| (path.clone(), value.clone())).collect()
    };
    let references = tables.runs.iter().filter(|run| !run.rule.is_dyadic());
    let mut own: Vec<Settings> = grouped(references, own).into_iter().map(|(settings, _)| settings).collect();
    own.retain(|settings| !settings.is_empty());
    if own.is_empty() {
        return rows.to_vec();
    }
    let wide = |row: &'_ Row, reference: &Settings| Row { reference: reference.clone(), ..row.clone() };
    rows.iter().flat_map(|row| own.iter().map(move |reference| wide(row, reference))).collect()
}

/// Whether settings hold all that others hold.
fn contains(settings: &Settings, others: &Settings) -> bool {
    others.iter().all(|(path, value)| settings.get(path) == Some(value))
}

fn order(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::NEG_INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_beta_and_the_last_part_of_every_path() {
        let settings = [("circuit.solver.kind".to_owned(), "etd".into())].into();
        assert_eq!(Row::new(Some(0.5), settings).label(), "β = 0.5, kind = etd");
    }
}
