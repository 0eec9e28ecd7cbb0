//! Which runs share a panel: the grid of α (columns) and of β with all other settings (rows).
//!
//! Runs in one place of the grid differ by their seed only. Backpropagation, adversarial or not, has no α
//! and no β: its runs belong to every place whose other settings they do not contradict.

use super::axis::setting;
use super::palette::rule_name;
use super::tables::{Run, Settings, Tables};

/// A row of panels: β and the values of every other setting that the grid varies.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Nudge β.
    pub beta: Option<f64>,
    /// Other settings.
    pub settings: Settings,
}

impl Row {
    /// The row in words, `β = 0.1, max_time = 20`; empty if nothing varies.
    #[must_use]
    pub fn label(&self) -> String {
        let beta = self.beta.map(|beta| format!("β = {}", setting(beta)));
        let others = self.settings.iter().map(|(path, value)| {
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
    pub rule: &'a str,
    /// β and other settings.
    pub row: &'a Row,
}

impl Line<'_> {
    /// The line in words, `DP, β = 0.1`.
    #[must_use]
    pub fn label(&self) -> String {
        match self.row.label() {
            others if others.is_empty() => rule_name(self.rule),
            others => format!("{}, {others}", rule_name(self.rule)),
        }
    }
}

/// The grid of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Every α, ascending; a lone `None` if no rule has one.
    pub alphas: Vec<Option<f64>>,
    /// Every row, by β and then settings.
    pub rows: Vec<Row>,
    /// Rules in the usual order.
    pub rules: Vec<String>,
}

impl Grid {
    /// The grid that the runs of some tables span.
    #[must_use]
    pub fn of(tables: &Tables) -> Self {
        let nudged: Vec<&Run> = tables.runs.iter().filter(|run| !is_reference(&run.rule)).collect();
        let spanning: Vec<&Run> = if nudged.is_empty() { tables.runs.iter().collect() } else { nudged };
        let mut alphas: Vec<Option<f64>> = spanning.iter().map(|run| run.alpha).collect();
        alphas.sort_by(|a, b| order(*a).total_cmp(&order(*b)));
        alphas.dedup();
        let mut rows: Vec<Row> =
            spanning.iter().map(|run| Row { beta: run.beta, settings: run.settings() }).collect();
        let key = |row: &Row| Row { beta: None, ..row.clone() }.label();
        rows.sort_by(|a, b| order(a.beta).total_cmp(&order(b.beta)).then_with(|| key(a).cmp(&key(b))));
        rows.dedup();
        let mut rules: Vec<String> = tables.runs.iter().map(|run| run.rule.clone()).collect();
        rules.sort_by_key(|rule| (rank(rule), rule.clone()));
        rules.dedup();
        Self { alphas, rows, rules }
    }

    /// Whether a run with a nudge stands in a row.
    #[must_use]
    pub fn stands_in(run: &Run, row: &Row) -> bool {
        run.beta == row.beta && run.settings() == row.settings
    }

    /// A line for every rule with a nudged phase and every row of the grid.
    #[must_use]
    pub fn nudged(&self) -> Vec<Line<'_>> {
        let rules = self.rules.iter().filter(|rule| !is_reference(rule));
        rules.flat_map(|rule| self.rows.iter().map(move |row| Line { rule, row })).collect()
    }

    /// Titles of the columns.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        let title = |alpha: &Option<f64>| alpha.map_or(String::new(), |a| format!("α = {}", setting(a)));
        self.alphas.iter().map(title).collect()
    }

    /// Labels of the rows.
    #[must_use]
    pub fn row_labels(&self) -> Vec<String> {
        self.rows.iter().map(Row::label).collect()
    }
}

/// Whether a rule has no nudged circuit, and so neither α nor β: it is what the others are held against.
#[must_use]
pub fn is_reference(rule: &str) -> bool {
    matches!(rule, "bp" | "adversarial")
}

/// Panels of a grid without the lines and columns in which none has something to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Lines that are left, as numbers of the grid's.
    pub lines: Vec<usize>,
    /// Columns that are left, as numbers of the grid's.
    pub columns: Vec<usize>,
}

impl Shown {
    /// Of a grid of `lines × columns` panels of which those that `has` names have something to show; `None` if none has.
    #[must_use]
    pub fn of((lines, columns): (usize, usize), has: impl Fn(usize, usize) -> bool) -> Option<Self> {
        let lines: Vec<usize> =
            (0..lines).filter(|line| (0..columns).any(|column| has(*line, column))).collect();
        let columns = (0..columns).filter(|column| lines.iter().any(|line| has(*line, *column))).collect();
        (!lines.is_empty()).then_some(Self { lines, columns })
    }

    /// A sentence that names the lines and columns that are left out, if any are.
    #[must_use]
    pub fn note(&self, lines: &[String], columns: &[String]) -> Option<String> {
        let gone = |labels: &[String], kept: &[usize]| -> Vec<String> {
            labels
                .iter()
                .enumerate()
                .filter(|(k, _)| !kept.contains(k))
                .map(|(_, label)| label.clone())
                .collect()
        };
        let gone = [gone(lines, &self.lines), gone(columns, &self.columns)].concat();
        (!gone.is_empty()).then(|| format!("No numbers, and so no panel: {}.", gone.join("; ")))
    }
}

/// Of some labels or rows of panels, those that are left.
#[must_use]
pub fn kept<T: Clone>(all: &[T], left: &[usize]) -> Vec<T> {
    left.iter().map(|k| all[*k].clone()).collect()
}

/// The runs of a rule in one place of the grid, one per seed.
#[must_use]
pub fn runs_at<'a>(tables: &'a Tables, rule: &str, alpha: Option<f64>, row: &Row) -> Vec<&'a Run> {
    let same_rule = tables.runs.iter().filter(|run| run.rule == rule);
    if is_reference(rule) {
        return same_rule.filter(|run| agrees(&run.settings(), &row.settings)).collect();
    }
    same_rule.filter(|run| run.alpha == alpha && Grid::stands_in(run, row)).collect()
}

fn agrees(own: &Settings, asked: &Settings) -> bool {
    own.iter().all(|(path, value)| asked.get(path).is_none_or(|wanted| wanted == value))
}

fn order(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::NEG_INFINITY)
}

fn rank(rule: &str) -> usize {
    let usual = ["bp", "adversarial", "dp", "dp-transpose", "custom"];
    usual.iter().position(|known| *known == rule).unwrap_or(usual.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_run_belongs_wherever_its_settings_are_not_contradicted() {
        let settings = |pairs: &[(&str, f64)]| -> Settings {
            pairs.iter().map(|(path, value)| ((*path).to_owned(), (*value).into())).collect()
        };
        let place = settings(&[("batch", 50.0), ("circuit.solver.max_time", 20.0)]);
        assert!(agrees(&settings(&[]), &place));
        assert!(agrees(&settings(&[("batch", 50.0)]), &place));
        assert!(!agrees(&settings(&[("batch", 10.0)]), &place));
    }

    #[test]
    fn a_row_names_beta_and_the_last_part_of_every_path() {
        let settings = [("circuit.solver.kind".to_owned(), "etd".into())].into();
        assert_eq!(Row { beta: Some(0.5), settings }.label(), "β = 0.5, kind = etd");
    }
}
