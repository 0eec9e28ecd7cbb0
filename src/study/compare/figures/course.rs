//! A quantity of every layer against the epoch: a row of panels for every two rules, a column for every α.

use std::collections::BTreeMap;

use super::{Tables, dot};
use crate::figure::FigureError;
use crate::figure::axis::{Axis, Kind, count, setting};
use crate::figure::chart::{Chart, Dot, Scale, Series};
use crate::figure::page::Page;
use crate::figure::palette::{GREY, layer_ink};
use crate::figure::sheet::Panel;

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

/// Why there may be nothing to draw.
const NO_EPOCHS: &str = "the runs kept no weights of single epochs to compare";

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
    if !tables.summary.snapshots {
        return Err(FigureError::nothing(NO_EPOCHS));
    }
    let (families, alphas) = (tables.families(), tables.alphas());
    let rows = tables.groups.iter().filter(|row| row.quantity == course.quantity);
    let x = Axis::whole(rows.map(|row| row.epoch).chain([0]));
    let y = |dots: &[Dot]| axis(tables, course, dots);
    let mut chart = Chart {
        subtitle: tables.subtitle(),
        columns: alphas.iter().map(|a| a.map_or(String::new(), |a| format!("α = {}", setting(a)))).collect(),
        rows: families.iter().map(|family| family.0.clone()).collect(),
        height: Some(120.0),
        keys: tables.legend(),
        notes: notes(tables, course),
        empty: "not compared",
        ..Chart::new(course.title, ("epoch", Scale::Is(x)), (course.y_label, Scale::By(&y)))
    };
    let places: Vec<Vec<Option<usize>>> =
        families.iter().map(|(_, members)| placed(tables, members, &alphas)).collect();
    for (row, pairs) in places.iter().enumerate() {
        for (column, pair) in pairs.iter().enumerate().filter_map(|(at, pair)| Some((at, (*pair)?))) {
            for layer in (1..=tables.summary.layers).rev() {
                let rows = tables.series(pair, Some(layer), course.quantity);
                let dots = rows.into_iter().map(|row| dot(count(row.epoch), row));
                chart.series.push(Series::at((row, column), layer_ink(layer), dots).band(0.2).line(1.5));
            }
        }
    }
    chart.draw(NO_EPOCHS, |page, panel, (row, column)| {
        if course.threshold {
            panel.threshold(page, tables.summary.threshold, (GREY, 1.0), (4.0, 3.0));
            places[row][column].into_iter().for_each(|pair| control(page, panel, tables, pair));
        }
    })
}

/// The pair of every column; one without α stands in all of them.
fn placed(tables: &Tables, members: &[usize], alphas: &[Option<f64>]) -> Vec<Option<usize>> {
    let of = |k: usize| tables.summary.pairs[k].alpha;
    let place = |alpha: &Option<f64>| members.iter().copied().find(|k| of(*k) == *alpha || of(*k).is_none());
    alphas.iter().map(place).collect()
}

fn axis(tables: &Tables, course: &Course, dots: &[Dot]) -> Axis {
    let threshold = course.threshold.then_some(1.1 * tables.summary.threshold);
    let bounds = [course.bound.0, course.bound.1].into_iter().flatten();
    let Axis { low, high, .. } =
        Axis::around(dots.iter().flat_map(Dot::values).chain(threshold).chain(bounds), 0.04);
    Axis { kind: Kind::Linear, low: course.bound.0.unwrap_or(low), high }
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

/// How far the rule gets from itself when its initial weights are moved a little: a band up to its farthest
/// layer, means over seeds.
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
