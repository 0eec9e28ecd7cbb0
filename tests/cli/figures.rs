//! `report` and `plot`: everything that is drawn can be drawn again from the tables alone.

use std::fs;

use crate::bench::Bench;

/// A complete output folder `out` of an experiment of a second or less.
fn experiment() -> Bench {
    let bench = Bench::new();
    bench.write(
        "e.toml",
        "name = \"short\"\ncircuit = {}\nnetwork = [2, 4, 2]\nepochs = 1\nbatch = 20\nseeds = [1]\n\
         dataset = { kind = \"two-moons\", train = 60, test = 40 }\nrules = [\"bp\", \"dp\"]\n\
         optimizer = { kind = \"sgd\", learning_rate = 0.1 }\n",
    );
    let done = bench.run("run e.toml --out out --quiet");
    assert_eq!(done.status, 0, "{}", done.stderr);
    bench
}

#[test]
fn report_and_figures_come_back_byte_for_byte() {
    let bench = experiment();
    let read = |name: &str| fs::read(bench.path(name)).unwrap();
    let files = ["out/report.html", "out/figures/accuracy.svg", "out/figures/accuracy.png"];
    let before = files.map(read);
    fs::remove_file(bench.path("out/report.html")).unwrap();
    fs::remove_dir_all(bench.path("out/figures")).unwrap();
    assert_eq!(bench.run("report out").stdout, "out/report.html\n");
    let json = bench.run("plot out --json --quiet").json();
    assert!(files.map(read) == before);
    for figure in json["figures"].as_array().unwrap() {
        for kind in ["svg", "png"] {
            assert!(bench.path(figure[kind].as_str().unwrap()).is_file(), "{figure}");
        }
    }
}

#[test]
fn one_figure_is_drawn_elsewhere_and_an_unknown_one_is_refused() {
    let bench = experiment();
    assert_eq!(
        bench.run("plot out --only accuracy --out here").stdout,
        "here/accuracy.svg\nhere/accuracy.png\n"
    );
    assert_eq!(fs::read_dir(bench.path("here")).unwrap().count(), 2);
    bench.refuse("plot out --only acuracy", &["`acuracy`", "did you mean `accuracy`", "loss"]);
    bench.write("file", "");
    bench.refuse("plot out --out file/below", &["cannot create file/below"]);
}

#[test]
fn a_figure_with_nothing_to_show_is_left_out_and_says_why_when_asked_for() {
    let bench = experiment();
    // Two rules at one α and one β: no valley, no map, nothing of DPᵀ, no prices.
    for name in ["valley", "offsets", "training-map", "cost", "weights", "weight-scatter"] {
        assert!(!bench.path(&format!("out/figures/{name}.svg")).exists(), "{name}");
    }
    bench.refuse("plot out --only valley", &["`valley` has nothing to show", "three nudges or more"]);
    bench.refuse("plot out --only accuracy --only cost --out here", &["`cost`", "no [cost]"]);
}

#[test]
fn what_an_earlier_version_drew_of_nothing_goes_and_the_manifest_forgets_it() {
    let bench = experiment();
    let stale = ["out/figures/valley.svg", "out/figures/valley.png"];
    stale.iter().for_each(|name| bench.write(name, "an apology"));
    bench.write("out/figures/mine.svg", "mine");
    fs::create_dir(bench.path("elsewhere")).unwrap();
    bench.write("elsewhere/valley.svg", "of another experiment");
    bench.run("plot out --only accuracy");
    assert!(fs::read_to_string(bench.path("out/manifest.json")).unwrap().contains("figures/valley.svg"));
    assert!(stale.iter().all(|name| bench.path(name).exists()));
    bench.run("plot out --out elsewhere");
    assert!(bench.path("elsewhere/valley.svg").exists());
    assert_eq!(bench.run("plot out").status, 0);
    assert!(stale.iter().all(|name| !bench.path(name).exists()));
    assert!(bench.path("out/figures/mine.svg").exists());
    let manifest = fs::read_to_string(bench.path("out/manifest.json")).unwrap();
    assert!(!manifest.contains("figures/valley") && manifest.contains("figures/accuracy.svg"));
}

#[test]
fn a_folder_that_no_run_made_says_what_it_lacks() {
    let bench = Bench::new();
    bench.write("metrics.csv", "");
    for command in ["report", "plot"] {
        bench.refuse(&format!("{command} ."), &["no experiment.toml, no layers.csv, no summary.json"]);
        bench.refuse(&format!("{command} nowhere"), &["nowhere is no folder"]);
    }
}

#[test]
fn a_dry_run_answers_programs_with_json_and_does_nothing() {
    let bench = experiment();
    let document = bench.run("run e.toml --out other --dry-run --quiet --json").json();
    assert_eq!(document["runs"].as_array().unwrap().len(), 2);
    assert_eq!(document["updates"], 6);
    assert!(document["seconds"].as_f64().unwrap() > 0.0);
    assert!(!bench.path("other").exists());
    assert!(bench.run("run e.toml --dry-run").stdout.starts_with("runs      2 (6 updates in all)"));
}
