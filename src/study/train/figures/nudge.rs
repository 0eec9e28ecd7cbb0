//! Final test accuracy against the nudge, of every rule that has one, with a mixing or without.

use super::super::identity::{Settings, agree};
use super::groups::{Grid, Row};
use super::nudges::{accuracy, values};
use super::tables::{Run, Tables};
use super::words::settings_line;
use crate::figure::axis::Axis;
use crate::figure::chart::{Chart, Dot, Scale, Series, levels};
use crate::figure::legend::Key;
use crate::figure::page::Page;
use crate::figure::palette::ink_of;
use crate::figure::{Figure, FigureError};
use dyadsim_core::spec::RuleKind;
use dyadsim_core::statistics::grouped;

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "nudge",
    title: "Final test accuracy against the nudge β",
    caption: "A line for every rule that has a nudge, mean and range over seeds; a panel for every mixing α, in each of which rules of \
        neurons without a mixing stand, too. Lines across, in their band, are rules without a nudge.",
    draw,
};

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let nudged = || tables.runs.iter().filter(|run| run.rule.has_nudge());
    let betas: Vec<f64> = levels(nudged().map(|run| run.place.beta)).into_iter().flatten().collect();
    if betas.len() < 2 {
        return Err(FigureError::nothing("it takes runs at two values of β or more"));
    }
    let x = Axis::log(betas.into_iter());
    let grid = Grid::of(tables);
    let dyadic = grid.rules.iter().any(|rule| rule.is_dyadic());
    let alphas = if dyadic { grid.alphas.clone() } else { vec![None] };
    let of_panels = |run: &&Run| run.rule.has_nudge() && run.rule.is_dyadic() == dyadic;
    let rows = grouped(tables.runs.iter().filter(of_panels), |run: &Run| run.settings().clone());
    let rows: Vec<Settings> = rows.into_iter().map(|(settings, _)| settings).collect();
    let mut chart = Chart {
        subtitle: settings_line(tables, "mean and range"),
        columns: if dyadic { grid.columns() } else { vec![String::new()] },
        rows: rows.iter().map(|settings| Row::new(None, settings.clone()).label()).collect(),
        ..Chart::new(
            FIGURE.title,
            ("nudge β", Scale::Is(x)),
            ("final test accuracy", Scale::Is(Axis::around(values(tables, accuracy), 0.08))),
        )
    };
    for (row, settings) in rows.iter().enumerate() {
        for (column, alpha) in alphas.iter().enumerate() {
            let here = |run: &&Run| {
                let mixing = !run.rule.is_dyadic() || run.place.alpha == *alpha;
                mixing && agree(run.settings(), settings)
            };
            let runs: Vec<&Run> = tables.runs.iter().filter(here).collect();
            let one = |rule: &RuleKind| series(&runs, *rule, ((row, column), x));
            chart.series.extend(grid.rules.iter().filter_map(one));
        }
    }
    chart.draw("no run with a nudge has an accuracy", |_, _, _| {})
}

/// The line of a rule in a panel.
fn series(runs: &[&Run], rule: RuleKind, (at, x): ((usize, usize), Axis)) -> Option<Series> {
    let own: Vec<&Run> = runs.iter().copied().filter(|run| run.rule == rule).collect();
    let (ink, key) = (ink_of(rule), Key::Line(ink_of(rule), rule.label().into()));
    let of = |x: f64, beta: Option<f64>| {
        let there = own.iter().filter(|run| beta.is_none() || run.place.beta == beta);
        Dot::of(x, there.filter_map(|run| accuracy(run)))
    };
    if rule.has_nudge() {
        let betas = levels(own.iter().map(|run| run.place.beta)).into_iter().flatten();
        let dots = betas.filter_map(|beta| of(beta, Some(beta)));
        return Some(Series::at(at, ink, dots).bars(1.0).marks(2.4).line(1.6).key(key));
    }
    let ends = [x.low, x.high].into_iter().filter_map(|x| of(x, None));
    Some(Series::at(at, ink, ends).band(0.12).line(1.2).key(key).aside())
}
