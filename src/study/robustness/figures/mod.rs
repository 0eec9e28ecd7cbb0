//! Figures of a study of robustness, drawn from the tables of `dyadsim robustness DIR`.

mod accuracy;
mod alpha;

use super::{RobustRow, Tables};
use crate::figure::Figure;
use crate::figure::axis::{ascending, setting};
use crate::figure::chart::{Dot, levels};
use crate::figure::legend::Key;
use crate::figure::palette::rule_ink;
use dyadsim_core::spec::RuleKind;

/// Every figure.
pub const FIGURES: &[Figure<Tables>] = &[accuracy::FIGURE, alpha::FIGURE];

/// The runs of a rule that differ by seed and chip alone, as a row of theirs names them.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    key: &'a RobustRow,
    rows: &'a [RobustRow],
}

impl<'a> Group<'a> {
    /// The group of a row.
    #[must_use]
    pub fn of(key: &'a RobustRow, rows: &'a [RobustRow]) -> Self {
        Self { key, rows }
    }

    /// The group in words, `DPᵀ, α = 0.5, β = 0.1`.
    #[must_use]
    pub fn label(&self) -> String {
        let number = |name: &str, value: Option<f64>| value.map(|v| format!("{name} = {}", setting(v)));
        let parts = [number("α", self.key.alpha), number("β", self.key.beta), self.key.settings.clone()];
        std::iter::once(RuleKind::printed(&self.key.rule))
            .chain(parts.into_iter().flatten())
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// The row of a measure.
    #[must_use]
    pub fn find(
        &self,
        measure: &str,
        layer: Option<usize>,
        attack: Option<(&str, f64)>,
    ) -> Option<&'a RobustRow> {
        self.rows.iter().find(|row| {
            let here = row.epsilon.and_then(|epsilon| Some((row.ball.as_deref()?, epsilon)));
            row.measure == measure && row.layer == layer && here == attack && same(self.key, row)
        })
    }
}

fn same(one: &RobustRow, other: &RobustRow) -> bool {
    (&one.rule, one.alpha, one.beta, &one.settings) == (&other.rule, other.alpha, other.beta, &other.settings)
}

impl Tables {
    /// Every group, in the order of the runs.
    #[must_use]
    pub fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group> = Vec::new();
        for row in &self.rows {
            if !groups.iter().any(|group| same(group.key, row)) {
                groups.push(Group::of(row, &self.rows));
            }
        }
        groups
    }

    /// Values of α, ascending.
    fn alphas(&self) -> Vec<f64> {
        levels(self.rows.iter().map(|row| row.alpha)).into_iter().flatten().collect()
    }

    /// Every β with its other settings, of rules that have them; one without either if none has.
    fn settings(&self) -> Vec<Place> {
        let nudged = self.rows.iter().filter(|row| row.alpha.is_some());
        let mut all: Vec<_> = nudged.map(|row| (row.beta, row.settings.clone())).collect();
        all.sort_by(|a, b| ascending(&a.0, &b.0).then_with(|| a.1.cmp(&b.1)));
        all.dedup();
        if all.is_empty() { vec![(None, None)] } else { all }
    }

    /// Groups in a place: those of rules without α stand everywhere.
    fn at(&self, alpha: Option<f64>, place: &Place) -> Vec<Group<'_>> {
        let here = |group: &Group| {
            let key = group.key;
            key.alpha.is_none()
                || (alpha.is_none_or(|a| key.alpha == Some(a))
                    && (key.beta, &key.settings) == (place.0, &place.1))
        };
        self.groups().into_iter().filter(here).collect()
    }

    /// Rules, each once.
    fn rules(&self) -> Vec<&str> {
        let mut rules: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !rules.contains(&row.rule.as_str()) {
                rules.push(&row.rule);
            }
        }
        rules
    }

    fn subtitle(&self) -> String {
        let s = &self.summary;
        let pgd = format!("{} steps up the {}, {} starts", s.steps, s.climbed, s.starts);
        format!("{}; {} test samples, PGD: {pgd}", s.settings, s.samples)
    }
}

/// A row of panels: β and other settings.
type Place = (Option<f64>, Option<String>);

/// Balls: names in the tables and in figures.
const BALLS: [(&str, &str); 2] = [("linf", "L∞"), ("l2", "L2")];

/// A row of panels: β, other settings.
fn words(place: &Place) -> String {
    let beta = place.0.map(|beta| format!("β = {}", setting(beta)));
    beta.into_iter().chain(place.1.clone()).collect::<Vec<_>>().join(", ")
}

fn sizes<'a>(tables: &'a Tables, ball: &str) -> &'a [f64] {
    if ball == "linf" { &tables.summary.linf } else { &tables.summary.l2 }
}

/// A mean with its standard error; `None` if there is no mean.
fn dot(x: f64, row: &RobustRow) -> Option<Dot> {
    Some(Dot::new(x, row.mean?).give_or_take(Some(row.standard_error.unwrap_or(0.0))))
}

/// A rule in the legend.
fn key(rule: &str) -> Key {
    Key::Line(rule_ink(rule), RuleKind::printed(rule))
}
