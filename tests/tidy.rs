//! The house rules that a reader of the sources relies on, held by reading the sources.
//!
//! A small scanner parts every line into code (without the insides of strings) and comment, and knows
//! which lines are compiled for tests alone. It is no parser: it knows what `rustfmt` writes.

use std::fs;
use std::path::{Path, PathBuf};

use dyadsim_core::spec::{load_circuit, load_experiment};

/// Folders of the crates' sources, lowest crate first.
const CRATES: &[&str] = &["crates/core/src/", "src/"];
/// Longest file (lines).
const LONGEST_FILE: usize = 400;
/// Longest function (lines, from `fn` to its closing brace).
const LONGEST_FUNCTION: usize = 50;
/// Longest line (characters), the insides of strings not counted.
const LONGEST_LINE: usize = 110;
/// How far above a line the comment may stand that says why it cannot panic (lines).
const REASON_ABOVE: usize = 3;

/// Foreign crates that one room wraps, or two, and where they may be named outside tests.
const ADAPTERS: &[(&str, &str)] = &[
    ("anyhow", "src/cli/ src/study/"),
    ("ciborium", "src/record/checkpoint.rs"),
    ("clap", "src/cli/ src/study/"),
    ("ctrlc", "src/cli/"),
    ("dyadsim_commit", "src/main.rs"),
    ("indicatif", "src/cli/"),
    ("minijinja", "src/figure/"),
    ("mimalloc", "src/main.rs"),
    ("multiversion", "crates/core/src/matrix/"),
    ("ode_solvers", "crates/core/src/solve/"),
    ("parquet", "src/record/"),
    ("petgraph", "crates/core/src/solve/"),
    ("plotters", "src/figure/render.rs"),
    ("png", "crates/core/src/data/photos.rs"),
    ("rand_philox", "crates/core/src/random.rs"),
    ("safetensors", "src/record/"),
    ("tempfile", "src/record/atomic.rs"),
];

/// Rooms where something is computed, of which `cli` uses none.
const WORK: [&str; 8] = ["matrix", "chip", "circuit", "solve", "learn", "analysis", "cost", "spice"];

/// A source file.
struct Source {
    /// From the root of the repository, with slashes.
    path: String,
    text: String,
    lines: Vec<Line>,
}

#[derive(Default)]
struct Line {
    /// The line without comments and without the insides of strings and characters.
    code: String,
    /// Text of a comment that is not documentation.
    comment: String,
    /// Characters of the line, all of its comments among them, without the insides of strings.
    width: usize,
    /// Whether only tests are compiled with it.
    test: bool,
}

impl Source {
    /// Path inside the folder of its crate's sources.
    fn inside(&self) -> &str {
        CRATES.iter().find_map(|sources| self.path.strip_prefix(sources)).unwrap_or_default()
    }

    /// The module of `lib.rs` that the file belongs to.
    fn module(&self) -> &str {
        self.inside().trim_end_matches(".rs").split('/').next().unwrap_or_default()
    }

    /// Code that ships, with line numbers from 1.
    fn shipped(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..)
            .zip(&self.lines)
            .filter(|(_, line)| !line.test)
            .map(|(number, line)| (number, line.code.as_str()))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> Source {
    let name = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
    let text = fs::read_to_string(path).unwrap();
    let mut lines = scan(&text);
    mark_tests(&mut lines);
    Source { path: name, text, lines }
}

/// Every source file.
fn sources() -> Vec<Source> {
    let mut sources: Vec<Source> = CRATES
        .iter()
        .flat_map(|sources| files(&root().join(sources), "rs"))
        .map(|path| read(&path))
        .collect();
    let test_files: Vec<String> = sources.iter().flat_map(test_files).collect();
    for source in sources.iter_mut().filter(|source| test_files.contains(&source.path)) {
        source.lines.iter_mut().for_each(|line| line.test = true);
    }
    assert!(sources.len() > 50, "only {} sources", sources.len());
    sources
}

/// Parts a text into lines of code and comment.
fn scan(text: &str) -> Vec<Line> {
    let mut lines = vec![Line::default()];
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = token(rest, lines.last().unwrap().code.chars().last());
        let (piece, after) = rest.split_at(length);
        for (i, part) in piece.split('\n').enumerate() {
            if i > 0 {
                lines.push(Line::default());
            }
            let line = lines.last_mut().unwrap();
            if piece.starts_with("//") || piece.starts_with("/*") {
                let documentation = ["///", "//!"].iter().any(|mark| piece.starts_with(mark));
                line.comment += if documentation { "" } else { part.trim_start_matches('/').trim() };
                line.width += part.chars().count();
            } else if length > first.len_utf8() {
                line.code += "\"\""; // the insides of a string are nobody's business
                line.width += if piece.starts_with('\'') { part.chars().count() } else { 2 };
            } else {
                line.code += part;
                line.width += part.chars().count();
            }
        }
        rest = after;
    }
    lines
}

/// Length of the comment, string or character that `text` begins with; of one letter otherwise.
fn token(text: &str, before: Option<char>) -> usize {
    let through =
        |from: usize, end: &str| text[from..].find(end).map_or(text.len(), |at| from + at + end.len());
    let first = text.chars().next().map_or(0, char::len_utf8);
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let raw = text.trim_start_matches('b').strip_prefix('r').map(|rest| rest.trim_start_matches('#'));
    if text.starts_with("//") {
        text.find('\n').unwrap_or(text.len())
    } else if text.starts_with("/*") {
        through(2, "*/")
    } else if let Some(rest) = raw.filter(|rest| !in_word && rest.starts_with('"')) {
        let hashes = text[..text.len() - rest.len()].matches('#').count();
        through(text.len() - rest.len() + 1, &format!("\"{}", "#".repeat(hashes)))
    } else if text.starts_with('"') {
        quoted(text, '"')
    } else if text.starts_with("'\\") {
        quoted(text, '\'')
    } else if text.starts_with('\'') && text.chars().nth(2) == Some('\'') {
        text.char_indices().nth(3).map_or(text.len(), |(at, _)| at)
    } else {
        first
    }
}

/// Length of a quoted text with backslashes.
fn quoted(text: &str, mark: char) -> usize {
    let mut escaped = true; // the first mark does not end it
    for (at, c) in text.char_indices() {
        match c {
            c if c == mark && !escaped => return at + 1,
            '\\' => escaped = !escaped && at > 0,
            _ => escaped = false,
        }
    }
    text.len()
}

/// Marks the items behind `#[cfg(test)]`.
fn mark_tests(lines: &mut [Line]) {
    let mut at = 0;
    while at < lines.len() {
        if lines[at].code.trim() == "#[cfg(test)]" {
            let end = end_of_item(lines, at);
            lines[at..=end].iter_mut().for_each(|line| line.test = true);
            at = end;
        }
        at += 1;
    }
}

/// Line in which the item ends that begins in line `from`: at a semicolon outside all brackets, or at the
/// brace that closes.
fn end_of_item(lines: &[Line], from: usize) -> usize {
    let mut depth = 0_i32;
    for (at, line) in lines.iter().enumerate().skip(from) {
        for c in line.code.chars() {
            depth += match c {
                '(' | '[' | '{' => 1,
                ')' | ']' | '}' => -1,
                _ => 0,
            };
            if depth == 0 && (c == ';' || c == '}') {
                return at;
            }
        }
    }
    lines.len() - 1
}

/// Files that a source declares as modules for tests alone.
fn test_files(source: &Source) -> Vec<String> {
    let folder = match source.path.strip_suffix("/mod.rs") {
        Some(folder) => folder,
        None => source.path.trim_end_matches(".rs"),
    };
    let mut found = Vec::new();
    let mut named = None;
    for (text, line) in source.text.lines().zip(&source.lines).filter(|(_, line)| line.test) {
        if let Some(name) = text.trim().strip_prefix("#[path = \"") {
            let beside = source.path.rsplit_once('/').map_or("", |(beside, _)| beside);
            named = Some(format!("{beside}/{}", name.trim_end_matches("\"]")));
        } else if let Some(name) =
            line.code.trim().strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';'))
        {
            found.push(named.take().unwrap_or_else(|| format!("{folder}/{name}.rs")));
        }
    }
    found
}

/// Whether a line of code names `krate` as a foreign crate.
fn names_crate(code: &str, krate: &str) -> bool {
    code.match_indices(krate).any(|(at, _)| {
        let before = code[..at].trim_end_matches("::");
        let is_segment = before.len() < at && before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let in_word = before.len() == at && before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let after = &code[at + krate.len()..];
        !is_segment
            && !in_word
            && (after.starts_with("::") || code.trim_start().starts_with(&format!("use {krate};")))
    })
}

/// Fails with everything found.
fn none(rule: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{rule}\n  {}\n", found.join("\n  "));
}

#[test]
fn modules_use_only_those_above_them() {
    let sources = sources();
    let lists = sources.iter().filter(|source| source.inside() == "lib.rs").flat_map(|list| &list.lines);
    let order: Vec<&str> =
        lists.filter_map(|line| line.code.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert!(order.len() > 10, "{order:?}");
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| !["lib.rs", "main.rs"].contains(&source.inside())) {
        let place = order.iter().position(|module| *module == source.module());
        let place = place.unwrap_or_else(|| panic!("{} is in no module of lib.rs", source.path));
        let depth = source.inside().trim_end_matches("/mod.rs").matches('/').count() + 1;
        for (number, code) in source.shipped() {
            let used = code.split("crate::").skip(1).map(|rest| {
                rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default()
            });
            // An empty name is a group, `crate::{…}`, or the root itself, which hide what is used.
            let upward = used.filter(|used| !order[..=place].contains(used)).map(str::to_owned);
            let out = code.contains(&"super::".repeat(depth)).then(|| "the root by `super`".to_owned());
            found.extend(upward.chain(out).map(|used| format!("{}:{number} uses `{used}`", source.path)));
        }
    }
    none("a module uses only those above it in lib.rs, each by its own `crate::NAME`:", found);
}

/// Names of the studies: the folders of `src/study`.
fn studies() -> Vec<String> {
    let folders = fs::read_dir(root().join("src/study")).unwrap().map(|entry| entry.unwrap());
    let folders = folders.filter(|entry| entry.path().is_dir());
    folders.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// Whether code declares a module of a name, or goes through one in a path; rooms of the crate
/// (`dyadsim_core::noise`) may be called as studies are.
fn goes_through(code: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let whole = !before.ends_with(is_word) && !after.starts_with(is_word);
        let room = before.ends_with("crate::") || before.ends_with("dyadsim_core::");
        whole
            && (before.ends_with("mod ") || before.ends_with("study::") || (after.starts_with("::") && !room))
    })
}

#[test]
fn the_kits_of_records_and_figures_name_no_study() {
    let studies = studies();
    assert!(studies.len() > 5, "{studies:?}");
    let mut found = Vec::new();
    for source in sources() {
        let Some(inside) =
            ["src/record/", "src/figure/"].iter().find_map(|kit| source.path.strip_prefix(kit))
        else {
            continue;
        };
        let file = inside.trim_end_matches(".rs");
        for study in &studies {
            if file.split('/').any(|part| part == study || part.starts_with(&format!("{study}_"))) {
                found.push(format!("{} is called after `{study}`", source.path));
            }
            // Tests of a kit know no study either.
            let lines = (1_usize..).zip(&source.lines).filter(|(_, line)| goes_through(&line.code, study));
            found.extend(lines.map(|(number, _)| format!("{}:{number} names `{study}`", source.path)));
        }
    }
    none("`record` and `figure` are kits, in which no study is named:", found);
    for code in ["mod noise;", "noise::Noise", "use crate::study::noise;", "super::noise::rows::X"] {
        assert!(goes_through(code, "noise"), "{code}");
    }
    for code in ["use dyadsim_core::noise::Sources;", "self.noise", "noise_rows::X", "rows.map(noise)"] {
        assert!(!goes_through(code, "noise"), "{code}");
    }
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut found = Vec::new();
    for source in sources() {
        if source.lines.len() > LONGEST_FILE {
            found.push(format!("{} has {} lines", source.path, source.lines.len()));
        }
        if !source.text.starts_with("//! ") {
            found.push(format!("{} does not begin with `//! `", source.path));
        }
    }
    none(&format!("a file has a header and at most {LONGEST_FILE} lines:"), found);
}

#[test]
fn lines_are_at_most_110_characters() {
    let mut found = Vec::new();
    for path in ["src", "crates"].iter().flat_map(|folder| files(&root().join(folder), "rs")) {
        let source = read(&path);
        let long = (1_usize..).zip(&source.lines).filter(|(_, line)| line.width > LONGEST_LINE);
        found.extend(
            long.map(|(number, line)| format!("{}:{number} has {} characters", source.path, line.width)),
        );
    }
    none(&format!("a line has at most {LONGEST_LINE} characters, strings aside:"), found);
}

#[test]
fn functions_are_short() {
    let mut found = Vec::new();
    for source in sources() {
        for (at, line) in source.lines.iter().enumerate() {
            let is_function =
                line.code.split_whitespace().take_while(|word| *word != "=").any(|word| word == "fn");
            let length = if is_function { end_of_item(&source.lines, at) - at + 1 } else { 0 };
            if length > LONGEST_FUNCTION {
                found.push(format!("{}:{} has {length} lines", source.path, at + 1));
            }
        }
    }
    none(&format!("a function has at most {LONGEST_FUNCTION} lines:"), found);
}

#[test]
fn nothing_panics_without_a_reason() {
    let mut found = Vec::new();
    for source in sources() {
        for (number, line) in (1_usize..).zip(&source.lines) {
            let unfinished = ["todo!", "unimplemented!", "dbg!"].iter().any(|word| line.code.contains(word));
            let may_panic = [".unwrap()", ".expect(", "panic!("].iter().any(|word| line.code.contains(word));
            let near = &source.lines[number.saturating_sub(1 + REASON_ABOVE)..number];
            let excused = line.test || near.iter().any(|line| !line.comment.is_empty());
            if unfinished || (may_panic && !excused) {
                found.push(format!("{}:{number}: {}", source.path, line.code.trim()));
            }
        }
    }
    none("what may panic has a comment that says why it does not; nothing is left for later:", found);
}

#[test]
fn a_foreign_crate_is_named_by_its_adapter_alone() {
    let mut found = Vec::new();
    for source in sources() {
        for (number, code) in source.shipped() {
            let strays = ADAPTERS.iter().filter(|(krate, place)| {
                !place.split(' ').any(|place| source.path.starts_with(place)) && names_crate(code, krate)
            });
            found.extend(
                strays
                    .map(|(krate, place)| format!("{}:{number}: `{krate}` belongs to {place}", source.path)),
            );
        }
    }
    none("a foreign crate is named in its adapter alone:", found);
}

#[test]
fn the_command_line_computes_nothing() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| source.module() == "cli") {
        for (number, code) in source.shipped() {
            let used = WORK.iter().filter(|room| {
                names_crate(code, &format!("crate::{room}"))
                    || names_crate(code, &format!("dyadsim_core::{room}"))
            });
            found.extend(used.map(|room| format!("{}:{number} uses `{room}`", source.path)));
        }
    }
    none("the command line parses, shows progress and prints:", found);
}

#[test]
fn every_dependency_is_used() {
    let sources = sources();
    let mut names = Vec::new();
    let mut unused = Vec::new();
    for inside in CRATES {
        let manifest = root().join(inside).join("../Cargo.toml");
        let manifest: toml::Table = fs::read_to_string(manifest).unwrap().parse().unwrap();
        let own = sources.iter().filter(|source| source.path.starts_with(inside)).collect::<Vec<_>>();
        for name in manifest["dependencies"].as_table().unwrap().keys().map(|name| name.replace('-', "_")) {
            if !own.iter().any(|source| source.shipped().any(|(_, code)| names_crate(code, &name))) {
                unused.push(format!("{name}, of {inside}"));
            }
            names.push(name);
        }
    }
    none("outside tests nobody names:", unused);
    let unknown = ADAPTERS.iter().filter(|(krate, _)| !names.iter().any(|name| name == krate));
    none(
        "no dependency, but in the list of adapters:",
        unknown.map(|(krate, _)| (*krate).to_owned()).collect(),
    );
}

#[test]
fn the_circuits_and_experiments_load() {
    let (circuits, experiments) =
        (files(&root().join("circuits"), "toml"), files(&root().join("experiments"), "toml"));
    assert!(!circuits.is_empty() && !experiments.is_empty());
    let refused =
        circuits.iter().filter_map(|path| load_circuit(path, &[]).err()).map(|error| error.to_string());
    let unfit =
        experiments.iter().filter_map(|path| load_experiment(path, &[]).err()).map(|error| error.to_string());
    none("a file that comes with the program is refused:", refused.chain(unfit).collect());
}

#[test]
fn the_scanner_knows_strings_comments_and_tests() {
    let text = "let a = \"// no {\\\" }\"; // why\nlet b = r#\"a \" {\"#;\nlet c = '{'; /// said\n#[cfg(test)]\n\
                mod tests {\n    fn x<'a>() {}\n}\nlet d = '\\''; // and\n";
    let mut lines = scan(text);
    mark_tests(&mut lines);
    let codes: Vec<&str> = lines.iter().map(|line| line.code.trim()).collect();
    assert_eq!(codes[..3], ["let a = \"\";", "let b = \"\";", "let c = \"\";"]);
    assert_eq!(codes[7], "let d = \"\";");
    assert_eq!((lines[0].comment.as_str(), lines[2].comment.as_str()), ("why", ""));
    assert_eq!([0, 1, 2, 5].map(|at| lines[at].width), [18, 11, 21, 17]);
    assert_eq!(scan("let s = \"long\\\n    longer\"; // µ²\n")[1].width, 9);
    let tests: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].test).collect();
    assert_eq!(tests, [3, 4, 5, 6]);
    assert!(names_crate("use ::parquet::basic::X;", "parquet") && names_crate("    clap::Args", "clap"));
    assert!(!names_crate("crate::record::parquet::X", "parquet") && !names_crate("reclap::Args", "clap"));
}
