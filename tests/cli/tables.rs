//! Columns of the tables of a run: each row says what its run was, and each file what its columns mean.

use std::fs::File;

use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::Value;

use crate::bench::Bench;

/// A grid of a quantity, of names and of one value, on two chips.
const EXPERIMENT: &str = r#"
name = "tiny"
dataset = { kind = "yin-yang", train = 40, test = 20, split_seed = 0 }
network = [4, 6, 3]
epochs = 1
batch = 20
seeds = [7]
chips = 2
rules = ["bp", "dp"]
optimizer = { kind = "adam", learning_rate = 3e-3 }
probe = 4
[circuit]
name = "c"
[circuit.nudge]
beta = 0.1
[circuit.mismatch]
gain_dtod = 0.01
seed = 5
[grid]
"nudge.alpha" = [0.5, 0.75]
"neuron.leak" = ["100 nS", "200 nS"]
"neuron.activation" = ["relu", "tanh"]
"solver.rtol" = [1e-5]
"#;

fn table(bench: &Bench, name: &str) -> Vec<csv::StringRecord> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(bench.path(name)).unwrap();
    reader.records().map(Result::unwrap).collect()
}

#[test]
fn every_row_says_which_chip_and_settings_its_run_had() {
    let bench = Bench::new();
    bench.write("e.toml", EXPERIMENT);
    assert_eq!(bench.run("run e.toml --out o --quiet").status, 0);
    for stem in ["metrics", "layers", "trajectories"] {
        let rows = table(&bench, &format!("o/{stem}.csv"));
        let at = |name: &str| {
            rows[0].iter().position(|title| title == name).unwrap_or_else(|| panic!("{stem}: {name}"))
        };
        let [run, rule, alpha, seed, chip, chip_seed] =
            ["run", "rule", "alpha", "seed", "chip", "chip_seed"].map(at);
        let [leak, activation, rtol] = ["neuron.leak", "neuron.activation", "solver.rtol"].map(at);
        assert!(
            rows[0].iter().all(|title| rows[0].iter().filter(|other| *other == title).count() == 1),
            "{:?}",
            rows[0]
        );
        assert!(rows.len() > 1, "{stem}");
        for row in &rows[1..] {
            let (name, is_dp) = (&row[run], &row[rule] == "dp");
            assert!(name.starts_with(&row[rule]) && &row[seed] == "7", "{row:?}");
            assert!(name.ends_with(&format!("-c{}", &row[chip])), "{row:?}");
            // Chips count on from `mismatch.seed`.
            assert_eq!(row[chip].parse::<u64>().unwrap() + 4, row[chip_seed].parse::<u64>().unwrap());
            assert!(name.contains(&format!("activation{}", &row[activation])), "{row:?}");
            assert!(
                name.contains(&format!("leak{}nS", if row[leak] == *"1e-7" { 100 } else { 200 })),
                "{row:?}"
            );
            // What a rule does not heed is empty.
            assert_eq!(
                (&row[rtol], row[alpha].is_empty()),
                (if is_dp { "0.00001" } else { "" }, !is_dp),
                "{row:?}"
            );
            assert!(!is_dp || name.contains(&format!("dp-a{}", &row[alpha])), "{row:?}");
        }
    }
    // Figures, reports and later commands read such tables.
    for line in ["report o", "plot o --only accuracy --out p", "compare o --out q", "yield o --accuracy 0.1"]
    {
        let done = bench.run(line);
        assert_eq!(done.status, 0, "{line}: {}", done.stderr);
    }
}

#[test]
fn a_parquet_file_says_what_its_columns_mean() {
    let bench = Bench::new();
    bench.write("e.toml", EXPERIMENT);
    assert_eq!(bench.run("run e.toml --out o --quiet").status, 0);
    for stem in ["metrics", "layers", "trajectories"] {
        let reader =
            SerializedFileReader::new(File::open(bench.path(&format!("o/{stem}.parquet"))).unwrap()).unwrap();
        let about = reader.metadata().file_metadata().key_value_metadata().unwrap();
        let about = about.iter().find(|entry| entry.key == "dyadsim.columns").unwrap().value.clone().unwrap();
        let about: Vec<Value> = serde_json::from_str(&about).unwrap();
        let names: Vec<&str> = about.iter().map(|column| column["name"].as_str().unwrap()).collect();
        let header = table(&bench, &format!("o/{stem}.csv"));
        assert_eq!(names, header[0].iter().collect::<Vec<_>>(), "{stem}");
        assert!(about.iter().all(|column| !column["meaning"].as_str().unwrap().is_empty()), "{about:?}");
        let leak = about.iter().find(|column| column["name"] == "neuron.leak").unwrap();
        assert_eq!(leak["unit"], "S");
    }
}

#[test]
fn what_is_at_rest_on_the_screen_is_settled_and_noisy_settled_in_the_table() {
    let bench = Bench::new();
    bench.write("e.toml", EXPERIMENT);
    let screen = bench.run("run e.toml --out o").stdout;
    assert!(screen.contains("at rest") && !screen.contains(" settled"), "{screen}");
    let report = std::fs::read_to_string(bench.path("o/report.html")).unwrap();
    assert!(report.contains("<th>at rest</th>") && !report.contains("<th>settled</th>"));
}
