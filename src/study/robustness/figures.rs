//! Figures of a study of robustness, drawn from the tables of `dyadsim robustness DIR`.

use super::{RobustRow, Tables};
use crate::figure::axis::{Axis, Kind, ascending, extent, setting};
use crate::figure::legend::Key;
use crate::figure::page::{Ink, Page};
use crate::figure::palette::{GREY, rule_ink, rule_name};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::figure::{Figure, FigureError};

/// Every figure.
pub const FIGURES: &[Figure<Tables>] = &[
    Figure {
        name: "robustness-accuracy",
        title: "Accuracy under attack",
        caption: "Accuracy that is left under an attack against the size of the perturbation.",
        draw: accuracies,
    },
    Figure {
        name: "robustness-alpha",
        title: "Robustness against the mixing α",
        caption: "Lipschitz proxies and accuracy under PGD against the mixing α.",
        draw: against_alpha,
    },
];

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
        std::iter::once(rule_name(&self.key.rule))
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
        let mut alphas: Vec<f64> = self.rows.iter().filter_map(|row| row.alpha).collect();
        alphas.sort_by(f64::total_cmp);
        alphas.dedup();
        alphas
    }

    /// Every β with its other settings, of rules that have them; one without either if none has.
    fn settings(&self) -> Vec<(Option<f64>, Option<String>)> {
        let nudged = self.rows.iter().filter(|row| row.alpha.is_some());
        let mut all: Vec<_> = nudged.map(|row| (row.beta, row.settings.clone())).collect();
        all.sort_by(|a, b| ascending(&a.0, &b.0).then_with(|| a.1.cmp(&b.1)));
        all.dedup();
        if all.is_empty() { vec![(None, None)] } else { all }
    }

    /// Groups in a place: those of rules without α stand everywhere.
    fn at(&self, alpha: Option<f64>, place: &(Option<f64>, Option<String>)) -> Vec<Group<'_>> {
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

    fn legend(&self) -> Vec<Key> {
        self.rules().iter().map(|rule| Key::Line(rule_ink(rule), rule_name(rule))).collect()
    }
}

/// Balls: names in the tables and in figures.
const BALLS: [(&str, &str); 2] = [("linf", "L∞"), ("l2", "L2")];

/// A row of panels: β, other settings.
fn words(place: &(Option<f64>, Option<String>)) -> String {
    let beta = place.0.map(|beta| format!("β = {}", setting(beta)));
    beta.into_iter().chain(place.1.clone()).collect::<Vec<_>>().join(", ")
}

/// Accuracy against the size of the perturbation: a column per α, rows by ball and settings.
fn accuracies(tables: &Tables) -> Result<Page, FigureError> {
    let balls: Vec<_> = BALLS.into_iter().filter(|ball| !sizes(tables, ball.0).is_empty()).collect();
    let alphas = tables.alphas();
    let alphas: Vec<Option<f64>> =
        if alphas.is_empty() { vec![None] } else { alphas.into_iter().map(Some).collect() };
    let places = tables.settings();
    let rows: Vec<_> = places.iter().flat_map(|place| balls.iter().map(move |ball| (place, *ball))).collect();
    if rows.is_empty() {
        return Err(FigureError::nothing("no perturbation has a size"));
    }
    let axes = rows.iter().flat_map(|(_, ball)| {
        let most = sizes(tables, ball.0).iter().fold(0.0, |most: f64, size| most.max(*size));
        let pair =
            (Axis::linear(-0.03 * most, 1.05 * most), Axis { kind: Kind::Linear, low: -0.02, high: 1.02 });
        std::iter::repeat_n(pair, alphas.len())
    });
    let mut legend = tables.legend();
    let tried = |attack: &str| tables.rows.iter().any(|row| row.measure == attack && row.mean.is_some());
    legend.extend(tried("pgd").then(|| Key::Line(GREY, "PGD".into())));
    legend.extend(tried("fgsm").then(|| Key::Dashed(GREY, "FGSM".into())));
    let layout = Layout {
        title: "Accuracy under attack".into(),
        subtitle: tables.subtitle(),
        legend,
        columns: alphas.iter().map(|a| a.map_or(String::new(), |a| format!("α = {}", setting(a)))).collect(),
        rows: rows
            .iter()
            .map(|(place, ball)| [ball.1.to_owned(), words(place)].join("  ").trim().to_owned())
            .collect(),
        x_label: "largest perturbation ε (V)".into(),
        y_label: "test accuracy".into(),
        axes: Axes::Each(axes.collect()),
        names: Vec::new(),
        height: Some(170.0),
        notes: vec!["bars: one standard error to both sides; rules without α stand in every column".into()],
    };
    Ok(Sheet::filled(&layout, |page: &mut Page, panel: &Panel, (row, column)| {
        let (place, ball) = rows[row];
        for group in tables.at(alphas[column], place) {
            for attack in ["fgsm", "pgd"] {
                let clean = group.find("accuracy", None, None).map(|row| (0.0, row));
                let under = sizes(tables, ball.0)
                    .iter()
                    .filter_map(|&size| Some((size, group.find(attack, None, Some((ball.0, size)))?)));
                let points: Vec<_> = clean.into_iter().chain(under).collect();
                curve(page, panel, &points, rule_ink(&group.key.rule), attack == "fgsm");
            }
        }
    }))
}

fn sizes<'a>(tables: &'a Tables, ball: &str) -> &'a [f64] {
    if ball == "linf" { &tables.summary.linf } else { &tables.summary.l2 }
}

/// A line through means with their standard errors.
fn curve(page: &mut Page, panel: &Panel, points: &[(f64, &RobustRow)], ink: Ink, dashed: bool) {
    let path: Vec<_> = points.iter().filter_map(|(x, row)| panel.at(*x, row.mean?)).collect();
    if dashed {
        page.dashed(&path, ink, 1.1, (3.0, 2.5));
        return;
    }
    page.line(&path, ink, 1.5);
    for (x, row) in points {
        let (Some(mean), error) = (row.mean, row.standard_error.unwrap_or(0.0)) else { continue };
        if let (Some(at), Some(low), Some(high)) =
            (panel.at(*x, mean), panel.at(*x, mean - error), panel.at(*x, mean + error))
        {
            page.line(&[low, high], ink, 1.0);
            page.disc(at, 2.2, ink);
        }
    }
}

/// A measure that is drawn against α, and what its axis is called.
struct Quantity<'a> {
    title: String,
    measure: &'a str,
    attack: Option<(&'a str, f64)>,
}

impl Quantity<'_> {
    fn find<'g>(&self, group: &Group<'g>) -> Option<&'g RobustRow> {
        group.find(self.measure, None, self.attack)
    }
}

/// Product norm, median Lipschitz constant and accuracy under PGD against α.
fn against_alpha(tables: &Tables) -> Result<Page, FigureError> {
    if tables.alphas().len() < 2 {
        return Err(FigureError::nothing("it takes runs at two values of α or more"));
    }
    let proxy = |measure, title: &str| Quantity { title: title.into(), measure, attack: None };
    let mut quantities =
        vec![proxy("product-norm", "norm of the product"), proxy("lipschitz-median", "Jacobian, median")];
    for (ball, name) in BALLS {
        let size = telling(tables, ball);
        quantities.extend(size.map(|size| Quantity {
            title: format!("accuracy, PGD {name}, ε = {}", setting(size)),
            measure: "pgd",
            attack: Some((ball, size)),
        }));
    }
    let places = tables.settings();
    let axes = places.iter().flat_map(|place| quantities.iter().map(move |q| axes_of(tables, q, place)));
    let layout = Layout {
        title: "Robustness against the mixing α".into(),
        subtitle: tables.subtitle(),
        legend: tables.legend(),
        columns: quantities.iter().map(|quantity| quantity.title.clone()).collect(),
        rows: places.iter().map(words).collect(),
        x_label: "mixing α".into(),
        y_label: String::new(),
        axes: Axes::Each(axes.collect()),
        names: Vec::new(),
        height: Some(190.0),
        notes: vec![
            "bars: one standard error to both sides; dashed, in the band of its error: rules without α; the sizes ε are \
             those at which the accuracies differ most"
                .into(),
        ],
    };
    Ok(Sheet::filled(&layout, |page: &mut Page, panel: &Panel, (row, column)| {
        let quantity = &quantities[column];
        for rule in tables.rules() {
            let found = tables.at(None, &places[row]);
            let of = found.iter().filter(|group| group.key.rule == rule);
            let mut points: Vec<_> =
                of.filter_map(|group| Some((group.key.alpha, quantity.find(group)?))).collect();
            points.sort_by(|a, b| ascending(&a.0, &b.0));
            let ink = rule_ink(rule);
            points
                .iter()
                .filter(|(alpha, _)| alpha.is_none())
                .for_each(|(_, row)| band(page, panel, row, ink));
            let line: Vec<_> = points.iter().filter_map(|(alpha, row)| Some(((*alpha)?, *row))).collect();
            curve(page, panel, &line, ink, false);
        }
    }))
}

fn axes_of(tables: &Tables, quantity: &Quantity, place: &(Option<f64>, Option<String>)) -> (Axis, Axis) {
    let found = tables.at(None, place);
    let ends = found.iter().filter_map(|group| quantity.find(group)).filter_map(|row| {
        let error = row.standard_error.unwrap_or(0.0);
        row.mean.map(|mean| [mean - error, mean + error])
    });
    let ends: Vec<f64> = ends.flatten().collect();
    let (low, high) = extent(ends.iter().copied());
    // Accuracies are shares: they stay on a linear axis.
    let up = if quantity.attack.is_none() && low > 0.0 && high > 8.0 * low {
        Axis::log(ends.into_iter())
    } else {
        Axis::around(ends.into_iter(), 0.08)
    };
    (Axis::around(tables.alphas().into_iter(), 0.05), up)
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

/// A rule without α: a dashed line across the panel in the band of its standard error.
fn band(page: &mut Page, panel: &Panel, row: &RobustRow, ink: Ink) {
    let (Some(mean), error) = (row.mean, row.standard_error.unwrap_or(0.0)) else { return };
    let across = |y: f64| [panel.at(panel.x.low, y), panel.at(panel.x.high, y)];
    if let ([Some(a), Some(b)], [Some(c), Some(d)]) = (across(mean - error), across(mean + error)) {
        page.area(vec![a, b, d, c], ink.faded(0.15));
    }
    if let [Some(a), Some(b)] = across(mean) {
        page.dashed(&[a, b], ink, 1.3, (5.0, 3.0));
    }
}
