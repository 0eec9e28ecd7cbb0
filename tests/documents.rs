//! What the documents say of the repository: the tests and pages that they name are there, and nothing points
//! outside it.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders and files that people read.
const READ: &[&str] = &[
    "src",
    "tests",
    "benches",
    "examples",
    "docs",
    "circuits",
    "experiments",
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every text file below `path`.
fn texts(path: &Path) -> Vec<(PathBuf, String)> {
    if path.is_dir() {
        return fs::read_dir(path).unwrap().flat_map(|entry| texts(&entry.unwrap().path())).collect();
    }
    let kept = path.extension().is_some_and(|kind| ["rs", "md", "toml"].iter().any(|known| kind == *known));
    let text = if kept { fs::read_to_string(path).ok() } else { None };
    text.map(|text| (path.to_path_buf(), text)).into_iter().collect()
}

/// What stands between back quotes in `text`.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[test]
fn every_test_that_the_model_names_is_there() {
    let model = fs::read_to_string(root().join("docs/model.md")).unwrap();
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let named: Vec<(&str, &str)> = quoted(&model)
        .filter_map(|text| text.split_once("::"))
        .filter(|(file, test)| is_name(file) && is_name(test) && (*file, *test) != ("file", "name"))
        .collect();
    assert!(named.len() > 20, "only {} tests are named", named.len());
    for (file, test) in named {
        let source = fs::read_to_string(root().join(format!("tests/suite/{file}.rs")));
        let source = source.unwrap_or_else(|_| panic!("docs/model.md names tests/suite/{file}.rs"));
        assert!(source.contains(&format!("fn {test}(")), "docs/model.md names {file}::{test}");
    }
}

#[test]
fn every_page_that_a_page_links_to_is_there() {
    let mut missing = Vec::new();
    let pages = ["docs", "plots", "README.md", "ARCHITECTURE.md"];
    for (page, text) in pages.iter().flat_map(|name| texts(&root().join(name))) {
        let folder = page.parent().unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next()) {
            let elsewhere = target.is_empty() || target.contains("://");
            if !elsewhere && !folder.join(target).exists() {
                missing.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "links that lead nowhere:\n  {}", missing.join("\n  "));
}

#[test]
fn nothing_points_outside_the_repository() {
    let own: Vec<String> = ["docs", "plots", "src", "."]
        .iter()
        .flat_map(|folder| fs::read_dir(root().join(folder)).unwrap())
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .collect();
    let mut strays = Vec::new();
    for (path, text) in READ.iter().flat_map(|name| texts(&root().join(name))) {
        for (number, line) in (1..).zip(text.lines()) {
            // A page in capitals that is not among ours: of some other place.
            let words = line.split(|c: char| !(c.is_alphanumeric() || "._-".contains(c)));
            let pages = words.filter_map(|word| word.split_once(".md").map(|(name, _)| name));
            let foreign = pages.filter(|name| {
                let capitals = name.len() > 2 && name.chars().all(|c| c.is_ascii_uppercase());
                capitals && !own.contains(&format!("{name}.md"))
            });
            strays.extend(foreign.map(|name| format!("{}:{number}: {name}", path.display())));
        }
    }
    assert!(strays.is_empty(), "pages that the repository does not hold:\n  {}", strays.join("\n  "));
}

/// `docs/tables.md`: how tables are made, and every column of each.
fn page_of_tables() -> String {
    let mut page = "\
# Tables

Every table is a `.csv` and a `.parquet` file with the same rows; floats have the fewest digits that read back to the same number, a value that does
not exist is an empty cell. The metadata of a Parquet file have all of this under `dyadsim.columns`, in JSON:

    python3 -c \"import pyarrow.parquet as p; print(p.read_schema('metrics.parquet').metadata[b'dyadsim.columns'].decode())\"

The tables of `run` (`metrics`, `layers`, `trajectories`, `valley`, `cost`) have, behind `seed` or else `run`, further columns that say what each run was:
`rule`, `alpha`, `beta`, `seed`; `chip`, its number from 1 where the experiment has `chips`; `chip_seed`, the `mismatch.seed` that makes the same
devices again; and every key of `[grid]` under its own name, quantities in SI units, an empty cell where the rule does not heed it.

`settled` is the share of samples that settled without noise, `noisy_settled` that of samples that became stationary under it. The closing table of `run` and
the report show the sum of both as *at rest*.
"
    .to_owned();
    for table in dyadsim::study::all_tables() {
        page += &format!(
            "\n## {}\n\nA row: {}\n\n| column | unit | meaning |\n| --- | --- | --- |\n",
            table.stem, table.row
        );
        for column in table.columns {
            page += &format!(
                "| `{}` | {} | {} |\n",
                column.name,
                column.unit,
                column.meaning.replace('|', "\\|")
            );
        }
    }
    page
}

/// The comments of the row types are the one dictionary. `DYADSIM_UPDATE=1` writes the page again.
#[test]
fn the_page_of_tables_is_what_the_code_says() {
    let (path, wanted) = (root().join("docs/tables.md"), page_of_tables());
    if std::env::var_os("DYADSIM_UPDATE").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    for table in dyadsim::study::all_tables() {
        assert!(!table.row.is_empty(), "{} has no description", table.stem);
        for column in &table.columns {
            assert!(!column.meaning.is_empty(), "{}.{} has no meaning", table.stem, column.name);
        }
    }
    let written = fs::read_to_string(&path).unwrap();
    let differs = wanted.lines().zip(written.lines()).find(|(wanted, written)| wanted != written);
    assert!(
        written == wanted,
        "docs/tables.md is not what the row types say (DYADSIM_UPDATE=1 mends it): {differs:?}"
    );
}
