//! Figures of a comparison of rules, drawn from the tables of `dyadsim compare`.

mod course;
mod end;

use std::path::Path;

use super::{CompareSummary, GroupRow, RulePair};
use crate::figure::axis::{number, setting};
use crate::figure::chart::{Dot, levels};
use crate::figure::legend::Key;
use crate::figure::palette::layer_ink;
use crate::figure::{Figure, FigureError, fits};
use crate::record::json::read_json;
use crate::record::table::read_rows;
use dyadsim_core::spec::RuleKind;

/// What figures read of a comparison.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Settings and pairs.
    pub summary: CompareSummary,
    /// Means over seeds.
    pub groups: Vec<GroupRow>,
}

/// Every figure.
pub const FIGURES: &[Figure<Tables>] = &[
    Figure {
        name: "compare-distance",
        title: "How far the weights of two rules from the same start part",
        caption: "Relative distance of the weights of two rules from the same start, layer by layer, against the epoch.",
        draw: |tables| course::draw(tables, &course::DISTANCE),
    },
    Figure {
        name: "compare-cka",
        title: "How alike the layers of two rules answer the test set",
        caption: "Linear centred kernel alignment of what the layers say to the test set, against the epoch.",
        draw: |tables| course::draw(tables, &course::CKA),
    },
    Figure {
        name: "compare-update",
        title: "How alike two rules have changed their weights since the start",
        caption: "Cosine of what training has added to the weights, against the epoch.",
        draw: |tables| course::draw(tables, &course::UPDATE),
    },
    Figure {
        name: "compare-end",
        title: "What two rules from the same start have made of it",
        caption: "All of it after the last epoch, against α, with one standard error over seeds.",
        draw: end::draw,
    },
];

impl Tables {
    /// Reads the tables of a folder.
    ///
    /// # Errors
    /// [`FigureError`] names the file that is missing or malformed.
    pub(super) fn open(folder: &Path) -> Result<Self, FigureError> {
        let tables = Self {
            summary: read_json(&folder.join("compare.json"))?,
            groups: read_rows(&folder.join("compare_groups.csv"))?,
        };
        let (path, pairs) = (folder.join("compare.json"), tables.summary.pairs.len());
        let last = tables.groups.iter().filter_map(|row| row.layer).max().unwrap_or(0);
        let accepted = format!("{last}, the last layer of compare_groups.csv");
        fits(tables.summary.layers == last, &path, "layers", tables.summary.layers, &accepted)?;
        let path = folder.join("compare_groups.csv");
        fits(last <= tables.groups.len(), &path, "layer", last, "layers from 1, one by one")?;
        let pair = tables.groups.iter().map(|row| row.pair).max().unwrap_or(0);
        let accepted = format!("numbers below {pairs}, the pairs of compare.json");
        fits(pair < pairs, &path, "pair", pair, &accepted)?;
        Ok(tables)
    }

    /// A quantity of a layer (or of the network) of a pair, by epoch.
    fn series(&self, pair: usize, layer: Option<usize>, quantity: &str) -> Vec<&GroupRow> {
        let rows = self.groups.iter();
        rows.filter(|row| (row.pair, row.layer) == (pair, layer) && row.quantity == quantity).collect()
    }

    /// Every α of the pairs, ascending; a lone `None` if no pair has one.
    fn alphas(&self) -> Vec<Option<f64>> {
        let mut alphas = levels(self.summary.pairs.iter().map(|pair| pair.alpha));
        alphas.retain(Option::is_some);
        if alphas.is_empty() { vec![None] } else { alphas }
    }

    /// Pairs that differ in α alone, in their order: the label, and the pairs' numbers.
    fn families(&self) -> Vec<(String, Vec<usize>)> {
        let mut families: Vec<(String, Vec<usize>)> = Vec::new();
        for (k, pair) in self.summary.pairs.iter().enumerate() {
            let label = self.label(pair);
            match families.iter_mut().find(|family| family.0 == label) {
                Some(family) => family.1.push(k),
                None => families.push((label, vec![k])),
            }
        }
        families
    }

    /// The rules of a pair in words, with whatever else than α differs between pairs.
    fn label(&self, pair: &RulePair) -> String {
        let mut betas: Vec<f64> = self.summary.pairs.iter().filter_map(|pair| pair.beta).collect();
        betas.dedup();
        let beta = pair.beta.filter(|_| betas.len() > 1).map(|beta| format!(", β = {}", setting(beta)));
        let others = if pair.settings.is_empty() { String::new() } else { format!(", {}", pair.settings) };
        format!(
            "{} – {}{}{others}",
            RuleKind::printed(&pair.rule_a),
            RuleKind::printed(&pair.rule_b),
            beta.unwrap_or_default()
        )
    }

    fn subtitle(&self) -> String {
        let mut betas: Vec<String> =
            self.summary.pairs.iter().filter_map(|pair| pair.beta).map(setting).collect();
        betas.dedup();
        let beta = if betas.is_empty() { String::new() } else { format!(", β = {}", betas.join(", ")) };
        format!("{}{beta}; mean and standard error over seeds", self.summary.settings)
    }

    fn legend(&self) -> Vec<Key> {
        (1..=self.summary.layers).map(|layer| Key::Line(layer_ink(layer), format!("layer {layer}"))).collect()
    }

    /// Says in which pairs not all samples came to rest, and which means are not of all seeds.
    fn notes(&self) -> Vec<String> {
        let told = |pair: &RulePair| {
            let rest = pair.at_rest.filter(|rest| *rest < 1.0)?;
            let alpha = pair.alpha.map(|alpha| format!(" at α = {}", setting(alpha))).unwrap_or_default();
            Some(format!("{}{alpha}: {} %", self.label(pair), number(100.0 * (1.0 - rest))))
        };
        let unsettled: Vec<String> = self.summary.pairs.iter().filter_map(told).collect();
        let unsettled = (!unsettled.is_empty()).then(|| {
            format!("nudged samples of the worst run that did not come to rest: {}", unsettled.join("; "))
        });
        let partial = self.groups.iter().filter(|row| row.n < row.of).count();
        let partial = (partial > 0)
            .then(|| format!("{partial} means are of fewer seeds than there are: some have no such number"));
        unsettled.into_iter().chain(partial).collect()
    }
}

/// A mean with its standard error.
fn dot(x: f64, row: &GroupRow) -> Dot {
    Dot::new(x, row.mean).give_or_take(row.error)
}
