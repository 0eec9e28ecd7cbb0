//! Claims that hold for the figures of all invented experiments.

use super::super::synthetic_plans::{main_job, plans};
use super::super::{FIGURES, draw_all, report};
use super::*;

#[test]
fn every_figure_of_the_main_job_is_drawn_and_twice_to_the_same_bytes() {
    drawn("main", &main_job(), |folder, tables| {
        let files = draw_all(folder, tables).unwrap();
        // One offset, no prices and two nudges: nothing for three figures; no margin is kept.
        let names = FIGURES.iter().map(|figure| figure.name);
        let wanted = names.filter(|name| !["valley", "offsets", "cost", "kept-nudge"].contains(name));
        assert!(files.iter().map(|file| file.name).eq(wanted));
        let bytes = || files.iter().map(|f| (fs::read(&f.svg).unwrap(), fs::read(&f.png).unwrap()));
        let first: Vec<_> = bytes().collect();
        let again = Tables::read(folder).unwrap();
        draw_all(folder, &again).unwrap();
        assert!(bytes().eq(first));
        assert_eq!(fs::read_dir(folder.join("figures")).unwrap().count(), 2 * files.len());
        let written = || fs::read(report(folder, tables).unwrap()).unwrap();
        assert_eq!(written(), written());
    });
}

#[test]
fn every_figure_of_every_odd_experiment_is_drawn() {
    for (name, plan) in plans() {
        drawn(name, &plan, |folder, tables| {
            if std::env::var_os("DYADSIM_FIGURES").is_some() {
                draw_all(folder, tables).unwrap();
            }
            for figure in FIGURES {
                let svg = figure.svg(tables);
                let Some(svg) = svg.unwrap_or_else(|error| panic!("{name}, {}: {error}", figure.name)) else {
                    continue;
                };
                assert!(
                    svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"),
                    "{name}, {}",
                    figure.name
                );
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}, {}", figure.name);
            }
            report(folder, tables).unwrap();
        });
    }
}

#[test]
fn the_report_holds_every_figure_escapes_names_and_loads_nothing() {
    drawn("report", &Plan { broken: true, ..main_job() }, |folder, tables| {
        let page = fs::read_to_string(report(folder, tables).unwrap()).unwrap();
        let drawn = draw_all(folder, tables).unwrap();
        assert_eq!(page.matches("<svg ").count(), drawn.len());
        for figure in FIGURES {
            let there = drawn.iter().any(|one| one.name == figure.name);
            assert_eq!(page.contains(&format!("id=\"{}\"", figure.name)), there, "{}", figure.name);
        }
        assert!(page.contains("two-tales &lt;digits&gt; &amp; more") && !page.contains("<digits>"));
        assert!(page.contains("stopped &amp; &lt;left&gt;") && page.contains("dyadsim run experiment.toml"));
        let address = page.replace("http://www.w3.org/2000/svg", "");
        for loading in ["http:", "https:", "src=", "url(", "@import", "<script", "<link"] {
            assert!(!address.contains(loading), "{loading}");
        }
    });
}

#[test]
fn a_missing_table_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Tables::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("metrics.csv"), "{error}");
}
