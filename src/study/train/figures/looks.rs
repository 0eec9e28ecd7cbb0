//! What holds for the looks of every figure and of the report: nothing empty, nothing cut, nothing unreadable
//! in the dark.

use std::fs;
use std::path::Path;

use super::report::page;
use super::synthetic::drawn;
use super::synthetic_plans::{Plan, main_job, plans};
use super::{FIGURES, Tables, draw_all, report};
use crate::figure::page::{Ink, Mark};
use crate::figure::palette::{BLUE, DARK, GREEN, LIGHT, ORANGE, PALE, PURPLE, SKY, VERMILLION, outcome_ink};
use crate::figure::report::PAGE;
use crate::figure::{Drawn, FigureError, draw_figures, want};
use dyadsim_core::spec::RuleKind;

/// Names of the files in a folder, sorted.
fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn what_has_nothing_to_show_is_neither_in_the_folder_nor_in_the_report() {
    let bp = Plan { rules: vec![RuleKind::Bp], trajectories: false, ..main_job() };
    drawn("bp-alone", &bp, |folder, tables| {
        let figures = folder.join("figures");
        fs::create_dir_all(&figures).unwrap();
        // As an earlier version wrote it, and a file that is none of ours.
        fs::write(figures.join("outcomes.svg"), "nothing to settle").unwrap();
        fs::write(figures.join("mine.svg"), "mine").unwrap();
        let names: Vec<_> = draw_all(folder, tables).unwrap().iter().map(|one: &Drawn| one.name).collect();
        assert_eq!(names, ["summary", "accuracy", "loss"]);
        let wanted = [
            "accuracy.png",
            "accuracy.svg",
            "loss.png",
            "loss.svg",
            "mine.svg",
            "summary.png",
            "summary.svg",
        ];
        assert_eq!(files(&figures), wanted);
        let written = fs::read_to_string(report(folder, tables).unwrap()).unwrap();
        for figure in FIGURES {
            let there = names.contains(&figure.name);
            assert_eq!(written.contains(&format!("id=\"{}\"", figure.name)), there, "{}", figure.name);
            assert_eq!(written.contains(figure.title), there, "{}", figure.name);
        }
    });
}

#[test]
fn a_figure_that_is_asked_for_and_has_nothing_to_show_says_why() {
    drawn("asked", &main_job(), |folder, tables| {
        let figures = || FIGURES.iter().map(|figure| (figure.name, figure.draw));
        let error = want(figures(), tables, &["accuracy", "valley"]).unwrap_err();
        assert!(matches!(error, FigureError::Empty { name: "valley", .. }), "{error}");
        assert!(error.to_string().contains("three nudges"), "{error}");
        assert!(want(figures(), tables, &["accuracy"]).is_ok());
        let drawn = draw_figures(FIGURES, &folder.join("asked"), tables, &["accuracy", "valley"]).unwrap();
        assert!(drawn.iter().map(|one| one.name).eq(["accuracy"]));
    });
}

/// Colours that tell things apart in legends.
fn telling() -> Vec<Ink> {
    let settled = outcome_ink("settled");
    vec![BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION, settled]
}

fn ink(mark: &Mark) -> Ink {
    match mark {
        Mark::Line(_, ink, _) | Mark::Area(_, ink) | Mark::Disc(_, _, ink) => *ink,
        Mark::Text(text) => text.ink,
    }
}

#[test]
fn a_legend_names_only_what_is_drawn() {
    for (name, plan) in plans() {
        drawn(name, &plan, |_, tables| {
            for figure in FIGURES {
                let Ok(page) = (figure.draw)(tables) else { continue };
                // Title and legend come first; the grid lines of the first panel end them.
                let head = page.marks.iter().position(|mark| ink(mark) == PALE).unwrap();
                let (legend, panels) = page.marks.split_at(head);
                for colour in
                    telling().into_iter().filter(|one| legend.iter().any(|mark| ink(mark).rgb == one.rgb))
                {
                    let met = panels.iter().any(|mark| ink(mark).rgb == colour.rgb);
                    assert!(met, "{name}, {}: {colour:?} is in the legend alone", figure.name);
                }
            }
        });
    }
}

#[test]
fn a_panel_without_any_run_is_left_out_and_named_in_a_note() {
    // Adversarial training knows no nudge: it is a reference, and has no panels of its own.
    let rules = vec![RuleKind::Bp, RuleKind::Adversarial, RuleKind::Dp];
    drawn("adversarial", &Plan { rules, ..main_job() }, |_, tables| {
        for figure in FIGURES {
            let Ok(page) = (figure.draw)(tables) else { continue };
            let says = |words: &str| {
                page.marks.iter().any(|mark| matches!(mark, Mark::Text(text) if text.text.contains(words)))
            };
            assert!(!says("no run here") && !says("no numbers here"), "{}", figure.name);
        }
    });
    // A whole column without numbers is not drawn, and a reader is told so.
    drawn("column", &main_job(), |_, tables| {
        let mut tables = tables.clone();
        for run in tables.runs.iter_mut().filter(|run| run.place.alpha == Some(0.25)) {
            run.metrics.iter_mut().for_each(|row| row.stability_margin_tau = None);
        }
        let margin = FIGURES.iter().find(|figure| figure.name == "margin").unwrap();
        let page = (margin.draw)(&tables).unwrap();
        let texts = page
            .marks
            .iter()
            .filter_map(|mark| if let Mark::Text(text) = mark { Some(&text.text) } else { None });
        let texts: Vec<_> = texts.filter(|text| text.contains("α = 0.25")).collect();
        assert_eq!(texts, ["No numbers, and so no panel: α = 0.25."]);
    });
}

/// Values of an attribute in a document.
fn values<'a>(document: &'a str, attribute: &'a str) -> impl Iterator<Item = &'a str> {
    document.split(attribute).skip(1).map(|rest| rest.split('"').nth(1).unwrap())
}

#[test]
fn paper_ink_and_greys_of_every_figure_have_a_colour_in_the_dark() {
    let dark = PAGE.split("@media (prefers-color-scheme: dark)").nth(1).unwrap();
    let stay = [LIGHT, DARK].map(|ink| ink.rgb);
    for (name, plan) in plans() {
        drawn(name, &plan, |_, tables| {
            for figure in FIGURES {
                let Ok(page) = (figure.draw)(tables) else { continue };
                for mark in &page.marks {
                    let attribute = if matches!(mark, Mark::Line(..)) { "stroke" } else { "fill" };
                    let [red, green, blue] = ink(mark).rgb;
                    let rule = format!("figure svg [{attribute}=\"#{red:02X}{green:02X}{blue:02X}\"]");
                    let stays = red != green || green != blue || stay.contains(&[red, green, blue]);
                    assert!(stays || dark.contains(&rule), "{name}, {}: {rule}", figure.name);
                }
            }
        });
    }
}

/// The report of the main job with some findings.
fn written(findings: &[&str]) -> String {
    let mut all = String::new();
    drawn("written", &main_job(), |_, tables: &Tables| {
        let findings: Vec<String> = findings.iter().map(|sentence| (*sentence).to_owned()).collect();
        all = page(tables, &findings, &[]).unwrap();
    });
    all
}

#[test]
fn findings_stand_first_and_only_where_there_are_any() {
    let page = written(&["DP & <DPᵀ> agree.", "BP is best."]);
    let at = |words: &str| page.find(words).unwrap_or_else(|| panic!("{words}"));
    let order = [
        "</h1>",
        "DP &amp; &lt;DPᵀ&gt; agree.",
        "BP is best.",
        "id=\"figures\"",
        "id=\"results\"",
        "id=\"pairs\"",
    ];
    assert!(order.windows(2).all(|pair| at(pair[0]) < at(pair[1])));
    assert!(at("id=\"pairs\"") < at("id=\"settings\"") && at("id=\"settings\"") < at("id=\"again\""));
    let without = written(&[]);
    assert!(!without.contains("What came out") && !without.contains("#findings"));
}

#[test]
fn every_link_has_its_place_and_every_table_is_folded_and_scrolls() {
    let page = written(&["A sentence."]);
    for target in values(&page, "<a href=").map(|target| target.strip_prefix('#').unwrap()) {
        assert_eq!(page.matches(&format!(" id=\"{target}\"")).count(), 1, "{target}");
    }
    // A browser opens a folded part if the place of a link is inside it, not if it is the fold itself or its
    // headline.
    for part in ["results", "pairs", "settings"] {
        let before = page.split(&format!("<div id=\"{part}\"")).next().unwrap();
        let open = before.rsplit("<details>").next().unwrap();
        assert!(open.contains("</summary>") && !open.contains("</details>"), "{part}");
    }
    assert!(!page.contains("<details open"));
    assert!(page.matches("<table").count() > 3);
    for (at, _) in page.match_indices("<table") {
        let before = &page[..at];
        let tag = &before[before.rfind('<').unwrap()..];
        assert!(tag.starts_with("<div class=\"scroll") && tag.contains("tabindex=\"0\""), "{tag}");
        assert_eq!(before.matches("<details>").count(), before.matches("</details>").count() + 1);
    }
}
