//! What is drawn is what the rows imply: panels, discs, lines, areas and labels, counted for every rule.

use super::synthetic::drawn;
use super::synthetic_plans::{Plan, main_job};
use super::{FIGURES, Run, Tables};
use crate::figure::FigureError;
use crate::figure::page::{Ink, Mark, Page, Point};
use crate::figure::palette::{GREY, PALE, ink_of};
use dyadsim_core::spec::RuleKind;

/// A page with the frames of its panels, row by row.
struct Sheet {
    page: Page,
    /// Left upper and right lower corner of every panel.
    frames: Vec<(Point, Point)>,
}

impl Sheet {
    /// A figure; `None` if the tables have nothing for it.
    fn of(tables: &Tables, name: &str) -> Option<Self> {
        let figure = FIGURES.iter().find(|figure| figure.name == name).unwrap();
        let page = match (figure.draw)(tables) {
            Err(FigureError::Nothing { .. }) => return None,
            other => other.unwrap(),
        };
        // A border is drawn round and a side further, so that its corners are whole.
        let border = |mark: &Mark| match mark {
            Mark::Line(points, ink, _) if points.len() == 6 && *ink == GREY && points[0] == points[4] => {
                Some((points[0], points[2]))
            }
            _ => None,
        };
        let frames = page.marks.iter().filter_map(border).collect();
        Some(Self { page, frames })
    }

    /// Marks that lie in a panel as a whole, without its frame and grid.
    fn within(&self, panel: usize) -> impl Iterator<Item = &Mark> {
        let (from, to) = self.frames[panel];
        let inside = move |&(x, y): &Point| {
            let slack = 0.5;
            (from.0 - slack..=to.0 + slack).contains(&x) && (from.1 - slack..=to.1 + slack).contains(&y)
        };
        self.page.marks.iter().filter(move |mark| match mark {
            Mark::Line(points, ink, _) => *ink != PALE && points.len() != 6 && points.iter().all(inside),
            Mark::Area(points, _) => points.iter().all(inside),
            Mark::Disc(at, ..) => inside(at),
            Mark::Text(_) => false,
        })
    }

    /// Lines of a colour and width in a panel, with their points.
    fn lines(&self, panel: usize, ink: Ink, width: f64) -> Vec<usize> {
        let line = |mark: &Mark| match mark {
            Mark::Line(points, own, wide) if own.rgb == ink.rgb && *wide == width => Some(points.len()),
            _ => None,
        };
        self.within(panel).filter_map(line).collect()
    }

    /// Discs of a colour in a panel, open ones included.
    fn discs(&self, panel: usize, ink: Ink) -> usize {
        self.within(panel).filter(|mark| matches!(mark, Mark::Disc(_, _, own) if own.rgb == ink.rgb)).count()
    }

    /// Areas in a panel, of a colour and opacity.
    fn areas(&self, panel: usize, ink: Ink) -> usize {
        self.within(panel).filter(|mark| matches!(mark, Mark::Area(_, own) if *own == ink)).count()
    }

    /// How often a text stands on the page.
    fn says(&self, words: &str) -> usize {
        self.page.marks.iter().filter(|mark| matches!(mark, Mark::Text(text) if text.text == words)).count()
    }

    /// Fails unless the page has a panel for every row and column, each row with its label and each panel
    /// with its column's.
    fn check(&self, rows: &[String], columns: &[String], what: &str) {
        assert_eq!(self.frames.len(), rows.len().max(1) * columns.len().max(1), "{what}");
        for row in rows {
            // A label that is longer than its panels are high is broken after a comma.
            let broken = || row.split_inclusive(", ").all(|part| self.says(part.trim()) > 0);
            assert!(self.says(row) == 1 || broken(), "{what}: `{row}`");
        }
        for column in columns {
            assert_eq!(self.says(column), rows.len().max(1), "{what}: `{column}`");
        }
    }
}

fn plan(rules: &[RuleKind]) -> Plan {
    let (alphas, betas) = (vec![0.0, 0.25, 1.0], vec![0.1, 0.5]);
    Plan {
        rules: rules.to_vec(),
        alphas,
        betas,
        epochs: 5,
        network: vec![8, 6, 4, 2],
        trajectories: false,
        ..main_job()
    }
}

/// Every rule alone, with each of the rules that nudge nothing, and all of them.
fn sets() -> Vec<Vec<RuleKind>> {
    let references = || RuleKind::ALL.into_iter().filter(|rule| !rule.is_dyadic());
    let alone = RuleKind::ALL.map(|rule| vec![rule]).into_iter();
    let beside = RuleKind::ALL.into_iter().flat_map(|rule| references().map(move |other| vec![other, rule]));
    alone
        .chain(beside.filter(|rules| rules[0] != rules[1]))
        .chain([references().collect(), RuleKind::ALL.to_vec()])
        .collect()
}

/// Draws a figure of a plan with every set of rules.
fn each(name: &str, change: impl Fn(Plan) -> Plan, claim: impl Fn(&Plan, &Tables, Option<Sheet>, &str)) {
    for rules in sets() {
        let plan = change(plan(&rules));
        drawn("counts", &plan, |_, tables| {
            let what =
                format!("{name} of {}", rules.iter().map(|rule| rule.name()).collect::<Vec<_>>().join(", "));
            claim(&plan, tables, Sheet::of(tables, name), &what);
        });
    }
}

/// `name = VALUE` for every value.
fn labels(name: &str, values: &[f64]) -> Vec<String> {
    values.iter().map(|value| format!("{name} = {value}")).collect()
}

/// Rules of a plan that nudge a circuit.
fn nudged(plan: &Plan) -> Vec<RuleKind> {
    plan.rules.iter().copied().filter(|rule| rule.is_dyadic()).collect()
}

/// A row of panels for every rule that nudges and every β.
fn lines(plan: &Plan) -> Vec<String> {
    let of = |rule: RuleKind| plan.betas.iter().map(move |beta| format!("{}, β = {beta}", rule.label()));
    nudged(plan).into_iter().flat_map(of).collect()
}

/// The legend names the rules of the plan and no others.
fn check_legend(plan: &Plan, sheet: &Sheet, what: &str) {
    for rule in RuleKind::ALL {
        let times = usize::from(plan.rules.contains(&rule));
        assert_eq!(sheet.says(rule.label()), times, "{what}: {}", rule.label());
    }
}

#[test]
fn the_summary_has_a_panel_per_nudge_a_disc_per_run_and_a_line_across_for_a_reference() {
    each(
        "summary",
        |plan| plan,
        |plan, _, sheet, what| {
            let sheet = sheet.unwrap();
            let alone = nudged(plan).is_empty();
            let panels = if alone { 1 } else { plan.betas.len() };
            let columns = if alone { Vec::new() } else { labels("β", &plan.betas) };
            sheet.check(&[], &columns, what);
            check_legend(plan, &sheet, what);
            for (panel, rule) in (0..panels).flat_map(|panel| RuleKind::ALL.map(|rule| (panel, rule))) {
                let (ink, there) = (ink_of(rule), plan.rules.contains(&rule));
                let (runs, means, band) = if !there {
                    (0, vec![], 0)
                } else if rule.is_dyadic() {
                    (plan.alphas.len() * plan.seeds.len(), vec![plan.alphas.len()], 0)
                } else {
                    (if alone { plan.seeds.len() } else { 0 }, vec![2], 1)
                };
                let width = if rule.is_dyadic() { 1.6 } else { 1.4 };
                assert_eq!(sheet.discs(panel, ink), runs, "{what}, panel {panel}: {rule:?}");
                assert_eq!(sheet.lines(panel, ink, width), means, "{what}, panel {panel}: {rule:?}");
                assert_eq!(sheet.areas(panel, ink.faded(0.12)), band, "{what}, panel {panel}: {rule:?}");
            }
        },
    );
}

#[test]
fn curves_have_a_panel_per_nudge_and_mixing_and_references_in_each_of_them() {
    for (name, everybodys) in [("accuracy", true), ("loss", true), ("margin", false), ("settle-time", false)]
    {
        each(
            name,
            |plan| plan,
            |plan, _, sheet, what| {
                let alone = nudged(plan).is_empty();
                let Some(sheet) = sheet else {
                    assert!(alone && !everybodys, "{what}");
                    return;
                };
                assert!(everybodys || !alone, "{what}");
                let (alphas, betas) = (labels("α", &plan.alphas), labels("β", &plan.betas));
                if alone {
                    sheet.check(&[], &[], what)
                } else {
                    sheet.check(&betas, &alphas, what)
                }
                for (panel, rule) in
                    (0..sheet.frames.len()).flat_map(|panel| RuleKind::ALL.map(|rule| (panel, rule)))
                {
                    let drawn = plan.rules.contains(&rule) && (everybodys || rule.is_dyadic());
                    let bands = sheet.areas(panel, ink_of(rule).faded(0.18));
                    assert_eq!(bands, usize::from(drawn), "{what}, panel {panel}: {rule:?}");
                }
            },
        );
    }
}

#[test]
fn outcomes_and_angles_have_a_full_row_per_nudged_rule_and_none_for_others() {
    for name in ["outcomes", "angle"] {
        each(
            name,
            |plan| plan,
            |plan, _, sheet, what| {
                let Some(sheet) = sheet else {
                    assert!(nudged(plan).is_empty(), "{what}");
                    return;
                };
                sheet.check(&lines(plan), &labels("α", &plan.alphas), what);
                let areas = |panel| sheet.within(panel).filter(|mark| matches!(mark, Mark::Area(..))).count();
                let cells = (plan.epochs + 1) * (plan.network.len() - 1);
                for panel in 0..sheet.frames.len() {
                    let found = areas(panel);
                    assert!(
                        if name == "angle" { found == cells } else { found > 0 },
                        "{what}, {panel}: {found}"
                    );
                }
            },
        );
    }
}

#[test]
fn a_valley_has_a_line_per_nudged_rule_and_references_across_the_accuracies() {
    let three = |plan| Plan { betas: vec![0.01, 0.1, 1.0], ..plan };
    each("valley", three, |plan, tables, sheet, what| {
        let Some(sheet) = sheet else {
            assert!(nudged(plan).is_empty(), "{what}");
            return;
        };
        let columns = plan.alphas.len();
        let rows = ["test accuracy", "angle (degrees)"].map(String::from);
        sheet.check(&rows, &labels("α", &plan.alphas), what);
        for (panel, rule) in (0..2 * columns).flat_map(|panel| RuleKind::ALL.map(|rule| (panel, rule))) {
            let (ink, there) = (ink_of(rule), plan.rules.contains(&rule));
            // Where weights have grown too far for DP nothing settles, and no angle is measured.
            let measured = |beta: &&f64| {
                let here = |run: &&Run| {
                    run.rule == rule
                        && run.place.alpha == Some(plan.alphas[panel % columns])
                        && run.place.beta == Some(**beta)
                };
                let has = |run: &Run| run.layers.last().is_some_and(|row| row.angle_to_bp_deg.is_some());
                panel < columns || tables.runs.iter().filter(here).any(has)
            };
            let (width, points) = if rule.is_dyadic() {
                (1.6, plan.betas.iter().filter(measured).count())
            } else {
                // Rules with a nudge and without a mixing have no place in the figure.
                (1.0, if panel < columns && !rule.has_nudge() { 2 } else { 0 })
            };
            // A single point makes no line.
            let wanted = if there && points > 1 { vec![points] } else { Vec::new() };
            assert_eq!(sheet.lines(panel, ink, width), wanted, "{what}, panel {panel}: {rule:?}");
        }
    });
}

#[test]
fn a_training_map_has_a_panel_per_nudged_rule_and_a_cell_per_place() {
    let three = |plan| Plan { betas: vec![0.1, 0.3, 0.5], ..plan };
    each("training-map", three, |plan, _, sheet, what| {
        let Some(sheet) = sheet else {
            assert!(nudged(plan).is_empty(), "{what}");
            return;
        };
        let rules = nudged(plan);
        sheet.check(&[], &rules.iter().map(|rule| rule.label().to_owned()).collect::<Vec<_>>(), what);
        let areas = |panel| sheet.within(panel).filter(|mark| matches!(mark, Mark::Area(..))).count();
        let cells = plan.alphas.len() * plan.betas.len();
        assert!((0..rules.len()).all(|panel| areas(panel) == cells), "{what}");
    });
}

#[test]
fn weights_of_two_rules_are_compared_where_both_are() {
    for name in ["weights", "weight-scatter"] {
        each(
            name,
            |plan| plan,
            |plan, _, sheet, what| {
                let both = [RuleKind::Dp, RuleKind::DpTranspose].iter().all(|rule| plan.rules.contains(rule));
                let panels = match name {
                    _ if !both => 0,
                    "weights" => 2 * plan.betas.len(),
                    _ => plan.alphas.len(),
                };
                assert_eq!(sheet.map_or(0, |sheet| sheet.frames.len()), panels, "{what}");
            },
        );
    }
}

#[test]
fn no_panel_of_a_full_grid_is_empty_and_no_page_is_drawn_to_say_so() {
    for rules in sets() {
        drawn("full", &plan(&rules), |_, tables| {
            for figure in FIGURES {
                let Some(sheet) = Sheet::of(tables, figure.name) else { continue };
                assert!(!sheet.frames.is_empty(), "{} of {rules:?} has no panel", figure.name);
                for panel in 0..sheet.frames.len() {
                    assert!(sheet.within(panel).count() > 0, "{} of {rules:?}, panel {panel}", figure.name);
                }
            }
        });
    }
}

#[test]
fn settings_that_a_reference_alone_heeds_have_panels_of_their_own() {
    let steps = vec![0.1, 0.5];
    let (bp, adversarial, dp) = (RuleKind::Bp, RuleKind::Adversarial, RuleKind::Dp);
    for rules in [vec![adversarial], vec![bp, adversarial], vec![bp, adversarial, dp]] {
        let plan = Plan { steps: steps.clone(), ..plan(&rules) };
        drawn("steps", &plan, |_, tables| {
            let what = format!("{rules:?}");
            let of_step = |step: &f64| format!("step = {step}");
            let places: Vec<String> = if rules.contains(&dp) {
                let both = plan.betas.iter().flat_map(|beta| steps.iter().map(move |step| (beta, step)));
                both.map(|(beta, step)| format!("β = {beta}, step = {step}")).collect()
            } else {
                steps.iter().map(of_step).collect()
            };
            let summary = Sheet::of(tables, "summary").unwrap();
            summary.check(&[], &places, &what);
            let alphas = if rules.contains(&dp) { labels("α", &plan.alphas) } else { Vec::new() };
            let accuracy = Sheet::of(tables, "accuracy").unwrap();
            accuracy.check(&places, &alphas, &what);
            for panel in 0..places.len() {
                // One step each: seeds are not mixed with the runs of the other.
                let discs = if rules.contains(&dp) { 0 } else { plan.seeds.len() };
                assert_eq!(summary.discs(panel, ink_of(adversarial)), discs, "{what}, panel {panel}");
                for rule in &rules {
                    let width = if rule.is_dyadic() { 1.6 } else { 1.4 };
                    assert_eq!(summary.lines(panel, ink_of(*rule), width).len(), 1, "{what}: {rule:?}");
                }
            }
            // What shows no reference has its rows once.
            let margins = Sheet::of(tables, "margin").map_or(0, |sheet| sheet.frames.len());
            assert_eq!(
                margins,
                plan.alphas.len() * plan.betas.len() * usize::from(rules.contains(&dp)),
                "{what}"
            );
        });
    }
}
