//! Continuous plasticity as a user meets it: what is refused, what its runs are, and that they go on.

use crate::bench::Bench;

/// An experiment `e.toml` with rules, settings `[plasticity]` and a circuit and grid behind them.
fn experiment(rules: &str, plasticity: &str, more: &str) -> Bench {
    let bench = Bench::new();
    let text = format!(
        "name = \"e\"\ndataset = {{ kind = \"digits\", train = 40, test = 10 }}\n\
         network = [64, 4, 10]\nepochs = 2\nbatch = 10\nseeds = [1]\nrules = [{rules}]\nprobe = 2\n\
         optimizer = {{ kind = \"sgd\", learning_rate = 0.1 }}\n[circuit]\nname = \"c\"\n\
         [plasticity]\n{plasticity}\n{more}\n"
    );
    bench.write("e.toml", &text);
    bench
}

const GOOD: &str = "time_constant = 1e3\npresentation = 5.0\nstep = 0.5";

#[test]
fn times_out_of_range_are_refused_with_what_would_be_right() {
    for (key, value, accepted) in [
        ("time_constant", "0.0", "above 0"),
        ("presentation", "-1.0", "above 0"),
        ("blank", "-1.0", "from 0 to"),
        ("delay", "1e9", "from 0 to"),
        ("wait", "5.0", "less than `presentation` (5)"),
        ("step", "2.0", "from 0.0001 to 1"),
    ] {
        let bench = experiment("\"dp\"", GOOD, "");
        let line = format!("experiments check e.toml --set plasticity.{key}={value}");
        bench.refuse(&line, &[&format!("`plasticity.{key}`"), accepted]);
    }
}

#[test]
fn rules_and_parts_that_need_phases_are_refused_and_told_why() {
    for (rule, why) in [("ep", "a second phase and a memory"), ("dyadic-ep", "where no layer speaks back")] {
        let bench = experiment(&format!("\"bp\", \"{rule}\""), GOOD, "");
        bench.refuse("experiments check e.toml", &["`rules", "\"dp-transpose\"", why]);
    }
    for (more, told) in [
        ("[circuit.readout]\nauto_zero = true", "there are no phases"),
        ("[circuit.nudge]\nat = \"free\"", "there are no phases"),
        ("[circuit.solver]\nkind = \"heun\"\n[circuit.noise.thermal]\nexcess = 1.0", "noise is not followed"),
    ] {
        experiment("\"dp\"", GOOD, more).refuse("experiments check e.toml", &[told]);
    }
    let bench = experiment("\"dp\"", GOOD, "[grid]\nbatch = [5, 10]");
    bench.refuse("experiments check e.toml", &["batch", "synapses of rules", "move all the time"]);
    let bench = experiment("\"bp\"", GOOD, "[grid]\n\"plasticity.blank\" = [0.0, 1.0]");
    bench.refuse("experiments check e.toml", &["plasticity.blank", "alone learn continuously"]);
}

#[test]
fn a_grid_of_times_has_runs_of_dyads_alone_and_no_outcomes() {
    let grid = "[grid]\n\"plasticity.time_constant\" = [1e3, 2e3]\n\"optimizer.learning_rate\" = [0.1, 0.2]";
    let bench = experiment("\"bp\", \"dp-transpose\"", GOOD, grid);
    let document = bench.run("experiments check e.toml --json").json();
    assert_eq!(document["runs"].as_array().unwrap().len(), 4, "{document}"); // two of each rule
    let done = bench.run("run e.toml --out out --quiet");
    assert_eq!(done.status, 0, "{}", done.stderr);
    let metrics = std::fs::read_to_string(bench.path("out/metrics.csv")).unwrap();
    let mut lines = metrics.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let column = |name: &str| head.iter().position(|column| *column == name).unwrap();
    let rows: Vec<_> = lines.filter(|row| row[column("rule")] == "dp-transpose").collect();
    assert_eq!(rows.len(), 2 * 3);
    for row in rows {
        assert_eq!(row[column("settled")], "", "{row:?}");
        let steps = if row[column("epoch")] == "0" { "0" } else { "400" };
        assert_eq!(row[column("rhs_evals")], steps, "{row:?}");
    }
}
