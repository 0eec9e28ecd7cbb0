//! Product norm, median Lipschitz constant and accuracy under PGD against α: a column per quantity, a row per
//! settings.

use super::{BALLS, Group, Place, RobustRow, Tables, dot, key, sizes, words};
use crate::figure::axis::{Axis, extent, setting};
use crate::figure::chart::{Chart, Dot, Scale, Series, Share};
use crate::figure::page::Page;
use crate::figure::palette::rule_ink;
use crate::figure::{Figure, FigureError};

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "robustness-alpha",
    title: "Robustness against the mixing α",
    caption: "Lipschitz proxies and accuracy under PGD against the mixing α.",
    draw,
};

/// Remark below the panels.
const NOTE: &str = "bars: one standard error to both sides; dashed, in the band of its error: rules without α; the sizes ε are \
    those at which the accuracies differ most";

/// A measure, and what its column is called.
struct PlottedMeasure<'a> {
    title: String,
    measure: &'a str,
    attack: Option<(&'a str, f64)>,
}

impl PlottedMeasure<'_> {
    fn find<'g>(&self, group: &Group<'g>) -> Option<&'g RobustRow> {
        group.find(self.measure, None, self.attack)
    }

    /// Logarithmic where it spans much, but for accuracies, which are shares.
    fn axis(&self, dots: &[Dot]) -> Axis {
        let ends = || dots.iter().flat_map(Dot::values);
        let (low, high) = extent(ends());
        if self.attack.is_none() && low > 0.0 && high > 8.0 * low {
            Axis::log(ends())
        } else {
            Axis::around(ends(), 0.08)
        }
    }
}

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    if tables.alphas().len() < 2 {
        return Err(FigureError::nothing("it takes runs at two values of α or more"));
    }
    let (quantities, places) = (quantities(tables), tables.settings());
    let x = Axis::around(tables.alphas().into_iter(), 0.05);
    let y = |(row, column): (usize, usize)| {
        let of = |group: &Group| dot(0.0, quantities[column].find(group)?);
        let dots: Vec<Dot> = tables.at(None, &places[row]).iter().filter_map(of).collect();
        quantities[column].axis(&dots)
    };
    let mut chart = Chart {
        subtitle: tables.subtitle(),
        columns: quantities.iter().map(|quantity| quantity.title.clone()).collect(),
        rows: places.iter().map(words).collect(),
        share: Share::None,
        height: Some(190.0),
        notes: vec![NOTE.into()],
        ..Chart::new(FIGURE.title, ("mixing α", Scale::Is(x)), ("", Scale::At(&y)))
    };
    for (row, place) in places.iter().enumerate() {
        for (column, quantity) in quantities.iter().enumerate() {
            let of = |rule| series(tables, quantity, ((row, column), place), (rule, x));
            chart.series.extend(tables.rules().into_iter().flat_map(of));
        }
    }
    chart.draw("no run has such a measure", |_, _, _| {})
}

fn quantities(tables: &Tables) -> Vec<PlottedMeasure<'static>> {
    let proxy = |measure, title: &str| PlottedMeasure { title: title.into(), measure, attack: None };
    let under = |(ball, name): (&'static str, &str)| {
        let size = telling(tables, ball)?;
        let title = format!("accuracy, PGD {name}, ε = {}", setting(size));
        Some(PlottedMeasure { title, measure: "pgd", attack: Some((ball, size)) })
    };
    let proxies =
        [proxy("product-norm", "norm of the product"), proxy("lipschitz-median", "Jacobian, median")];
    proxies.into_iter().chain(BALLS.into_iter().filter_map(under)).collect()
}

/// A rule's line; without α it stands across the panel, dashed, in the band of its standard error.
fn series(
    tables: &Tables,
    quantity: &PlottedMeasure,
    (at, place): ((usize, usize), &Place),
    (rule, x): (&str, Axis),
) -> Vec<Series> {
    let found = tables.at(None, place);
    let of_rule = found.iter().filter(|group| group.key.rule == rule);
    let points: Vec<_> = of_rule.filter_map(|group| Some((group.key.alpha, quantity.find(group)?))).collect();
    let ink = rule_ink(rule);
    let mut line: Vec<(f64, &RobustRow)> =
        points.iter().filter_map(|(alpha, row)| Some(((*alpha)?, *row))).collect();
    line.sort_by(|a, b| a.0.total_cmp(&b.0));
    let line = line.into_iter().filter_map(|(alpha, row)| dot(alpha, row));
    let across = points.iter().filter(|(alpha, _)| alpha.is_none()).map(|(_, row)| {
        let ends = [x.low, x.high].into_iter().filter_map(|x| dot(x, row));
        Series::at(at, ink, ends).band(0.15).dashed(1.3, (5.0, 3.0)).key(key(rule))
    });
    let line = Series::at(at, ink, line).line(1.5).bars(1.0).marks(2.2).key(key(rule));
    across.chain([line]).collect()
}

/// The size at which accuracies under PGD differ most.
fn telling(tables: &Tables, ball: &str) -> Option<f64> {
    let spread = |size: f64| {
        let groups = tables.groups();
        let means = groups.iter().filter_map(|group| group.find("pgd", None, Some((ball, size)))?.mean);
        let (low, high) = extent(means);
        high - low
    };
    sizes(tables, ball).iter().copied().max_by(|a, b| spread(*a).total_cmp(&spread(*b)))
}
