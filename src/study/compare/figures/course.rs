//! A quantity of every layer against the epoch: a row of panels for every two rules, a column for every α.

use std::collections::BTreeMap;

use super::super::rows::GroupRow;
use super::Tables;
use crate::figure::FigureError;
use crate::figure::axis::{Axis, Kind, count, setting};
use crate::figure::page::{Ink, Page};
use crate::figure::palette::{GREY, layer_ink};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};

/// What is drawn.
pub struct Course {
    /// Column of the tables.
    quantity: &'static str,
    title: &'static str,
    y_label: &'static str,
    /// Whether the threshold of parting is a line of the panels.
    threshold: bool,
    /// End of the axis that the values cannot pass.
    bound: (Option<f64>, Option<f64>),
}

/// Distance of the weights.
pub const DISTANCE: Course = Course {
    quantity: "distance",
    title: "How far the weights of two rules from the same start part",
    y_label: "relative distance of the weights",
    threshold: true,
    bound: (Some(0.0), None),
};

/// The quantity that tells how far a rule and its control are apart.
const CONTROL: &str = "control_distance";

/// Alignment of activities.
pub const CKA: Course = Course {
    quantity: "cka",
    title: "How alike the layers of two rules answer the test set",
    y_label: "linear CKA",
    threshold: false,
    bound: (None, Some(1.0)),
};

/// Cosine of updates.
pub const UPDATE: Course = Course {
    quantity: "update_cosine",
    title: "How alike two rules have changed their weights since the start",
    y_label: "cosine of the updates",
    threshold: false,
    bound: (None, Some(1.0)),
};

/// Draws one; nothing without several epochs.
pub fn draw(tables: &Tables, course: &Course) -> Result<Page, FigureError> {
    let (families, alphas) = (tables.families(), tables.alphas());
    let rows = || tables.groups.iter().filter(|row| row.quantity == course.quantity);
    if !tables.summary.snapshots || rows().next().is_none() {
        return Err(FigureError::nothing("the runs kept no weights of single epochs to compare"));
    }
    let places: Vec<Vec<Option<usize>>> =
        families.iter().map(|(_, members)| placed(tables, members, &alphas)).collect();
    let layout = Layout {
        title: course.title.into(),
        subtitle: tables.subtitle(),
        legend: tables.legend(),
        columns: alphas.iter().map(|a| a.map_or(String::new(), |a| format!("α = {}", setting(a)))).collect(),
        rows: families.iter().map(|family| family.0.clone()).collect(),
        x_label: "epoch".into(),
        y_label: course.y_label.into(),
        axes: Axes::Shared(Axis::whole(rows().map(|row| row.epoch).chain([0])), axis(tables, course, rows())),
        names: Vec::new(),
        height: Some(120.0),
        notes: notes(tables, course),
    };
    Ok(Sheet::filled(&layout, |page: &mut Page, panel: &Panel, (row, column): (usize, usize)| {
        if course.threshold {
            let ends = [panel.x.low, panel.x.high].map(|x| panel.at(x, tables.summary.threshold));
            page.dashed(&ends.into_iter().flatten().collect::<Vec<_>>(), GREY, 1.0, (4.0, 3.0));
        }
        let Some(pair) = places[row].get(column).copied().flatten() else {
            return panel.say(page, "not compared");
        };
        if course.threshold {
            control(page, panel, tables, pair);
        }
        for layer in (1..=tables.summary.layers).rev() {
            line(page, panel, &tables.series(pair, Some(layer), course.quantity), layer_ink(layer));
        }
    }))
}

/// The pair of every column; one without α stands in all of them.
fn placed(tables: &Tables, members: &[usize], alphas: &[Option<f64>]) -> Vec<Option<usize>> {
    let of = |k: usize| tables.summary.pairs[k].alpha;
    let place = |alpha: &Option<f64>| members.iter().copied().find(|k| of(*k) == *alpha || of(*k).is_none());
    alphas.iter().map(place).collect()
}

fn axis<'r>(tables: &Tables, course: &Course, rows: impl Iterator<Item = &'r GroupRow>) -> Axis {
    let threshold = course.threshold.then_some(1.1 * tables.summary.threshold);
    let ends = rows.flat_map(|row| {
        let error = row.error.unwrap_or(0.0);
        [row.mean - error, row.mean + error]
    });
    let bounds = [course.bound.0, course.bound.1].into_iter().flatten();
    let Axis { low, high, .. } = Axis::around(ends.chain(threshold).chain(bounds), 0.04);
    let low = course.bound.0.unwrap_or(low);
    Axis { kind: Kind::Linear, low, high }
}

fn notes(tables: &Tables, course: &Course) -> Vec<String> {
    let dashed = course.threshold.then(|| {
        format!("the dashed line is the threshold of parting, {}", setting(tables.summary.threshold))
    });
    let band = course.threshold && tables.groups.iter().any(|row| row.quantity == CONTROL);
    let band = band.then(|| {
        "the grey band is the farthest layer of the second rule and itself, from initial weights moved a little".to_owned()
    });
    let everywhere =
        tables.summary.pairs.iter().any(|pair| pair.alpha.is_none()) && tables.alphas().len() > 1;
    let everywhere = everywhere.then(|| "rules without α are the same in every column".to_owned());
    dashed.into_iter().chain(band).chain(everywhere).chain(tables.notes()).collect()
}

/// How far the rule gets from itself when its initial weights are moved a little: a band up to its farthest layer, means over seeds.
fn control(page: &mut Page, panel: &Panel, tables: &Tables, pair: usize) {
    let mut farthest: BTreeMap<usize, f64> = BTreeMap::new();
    for layer in 1..=tables.summary.layers {
        for row in tables.series(pair, Some(layer), CONTROL) {
            let most = farthest.entry(row.epoch).or_insert(0.0);
            *most = most.max(row.mean);
        }
    }
    let floor = farthest.keys().rev().map(|epoch| (*epoch, 0.0));
    let outline = farthest.iter().map(|(epoch, most)| (*epoch, *most)).chain(floor);
    let outline: Vec<_> = outline.filter_map(|(epoch, y)| panel.at(count(epoch), y)).collect();
    if outline.len() > 2 {
        page.area(outline, GREY.faded(0.3));
    }
}

/// A mean as a line, its standard error as a band.
fn line(page: &mut Page, panel: &Panel, rows: &[&GroupRow], ink: Ink) {
    let edge = |sign: f64| {
        let value = move |row: &&GroupRow| (count(row.epoch), row.mean + sign * row.error.unwrap_or(0.0));
        rows.iter().map(value).filter_map(|(x, y)| panel.at(x, y)).collect::<Vec<_>>()
    };
    let band: Vec<_> = edge(1.0).into_iter().chain(edge(-1.0).into_iter().rev()).collect();
    page.area(band, ink.faded(0.2));
    page.line(&edge(0.0), ink, 1.5);
}
