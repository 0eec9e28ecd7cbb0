//! What an output folder holds: compared but for wall times, and checked to be whole file by file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use dyadsim::record::checkpoint::{self, Loaded};
use dyadsim::record::tensors;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::Value;

/// Name of every file to its bytes without wall times.
pub type Content = BTreeMap<String, Vec<u8>>;

/// Everything in a folder that two runs of the same settings must share.
pub fn content(folder: &Path) -> Content {
    let files = files(folder).into_iter().filter(|path| !path.ends_with("manifest.json"));
    files.map(|path| (name(folder, &path), timeless(&path))).collect()
}

/// Fails with the first file that differs.
pub fn assert_same(found: &Content, expected: &Content, what: &str) {
    let names = |content: &Content| content.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected), "{what}: other files");
    for (name, bytes) in found {
        let other = &expected[name];
        let place = bytes.iter().zip(other).take_while(|(a, b)| a == b).count();
        let around = |bytes: &[u8]| {
            String::from_utf8_lossy(&bytes[place.saturating_sub(60)..bytes.len().min(place + 60)])
                .into_owned()
        };
        assert!(
            bytes == other,
            "{what}: {name} differs at byte {place}:\n{}\n{}",
            around(bytes),
            around(other)
        );
    }
}

/// Every file with its bytes and its time of change: what a command that changes nothing leaves alone.
pub fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>, SystemTime)> {
    let state = |path: PathBuf| {
        let changed = fs::metadata(&path).unwrap().modified().unwrap();
        (path.clone(), fs::read(path).unwrap(), changed)
    };
    files(folder).into_iter().map(state).collect()
}

/// Fails if a file that bears its final name is not whole.
pub fn assert_whole(folder: &Path) {
    for path in files(folder).into_iter().filter(|path| !is_temporary(path)) {
        if let Err(reason) = whole(&path) {
            panic!("{} is not whole: {reason}", path.display());
        }
    }
}

/// Files of a folder and those below it, in order; none if there is no folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn name(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned()
}

/// Names that no reader of a folder looks at: hidden ones, and figures under way.
fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    name.starts_with('.') || name.ends_with(".unfinished")
}

/// The bytes of a file but for wall times.
fn timeless(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let without = |lines: &mut dyn Iterator<Item = &str>| lines.collect::<Vec<_>>().join("\n").into_bytes();
    match path.file_name().unwrap().to_str().unwrap() {
        "metrics.csv" => {
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.lines().next().unwrap().ends_with(",wall_s"), "the last column is to be dropped");
            without(&mut text.lines().map(|line| line.rsplit_once(',').unwrap().0))
        }
        "metrics.parquet" => decoded(path).unwrap().into_bytes(),
        "summary.json" => {
            let text = String::from_utf8(bytes).unwrap();
            without(&mut text.lines().filter(|line| !line.trim_start().starts_with("\"wall_s\":")))
        }
        "report.html" => {
            let text = String::from_utf8(bytes).unwrap();
            without(&mut text.lines().filter(|line| !line.contains("Wall time of all runs")))
        }
        _ => bytes,
    }
}

/// The rows of a Parquet file as text, without `wall_s`; every float with all its digits.
fn decoded(path: &Path) -> Result<String, String> {
    let reader = File::open(path).map_err(|error| error.to_string())?;
    let reader = SerializedFileReader::new(reader).map_err(|error| error.to_string())?;
    let mut text = String::new();
    for row in reader.get_row_iter(None).map_err(|error| error.to_string())? {
        let row = row.map_err(|error| error.to_string())?;
        for (column, cell) in row.get_column_iter().filter(|(column, _)| *column != "wall_s") {
            text += &format!("{column}={cell:?} ");
        }
        text += "\n";
    }
    Ok(text)
}

fn whole(path: &Path) -> Result<(), String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let ends_with = |end: &[u8]| {
        let found = bytes.trim_ascii_end().ends_with(end);
        if found { Ok(()) } else { Err(format!("{} bytes without the end", bytes.len())) }
    };
    let told = |error: &dyn std::fmt::Display| error.to_string();
    match path.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "csv" => {
            let mut rows = csv::Reader::from_reader(&bytes[..]).into_records();
            rows.try_for_each(|row| row.map(drop)).map_err(|error| told(&error))?;
            if bytes.ends_with(b"\n") { Ok(()) } else { Err("the last line has no end".into()) }
        }
        "json" => serde_json::from_slice::<Value>(&bytes).map(drop).map_err(|error| told(&error)),
        "toml" => String::from_utf8_lossy(&bytes)
            .parse::<toml::Table>()
            .map_err(|error| told(&error))
            .and_then(|table| if table.is_empty() { Err("it is empty".into()) } else { Ok(()) }),
        "safetensors" => tensors::read(path)
            .and_then(|file| file.names().try_for_each(|name| file.array::<f64>(name).map(drop)))
            .map_err(|error| told(&error)),
        "ckpt" => match checkpoint::load::<Value>(path) {
            Ok(Loaded::Found(..)) => Ok(()),
            Ok(Loaded::Absent) => Err("it went away".into()),
            Ok(Loaded::Unusable(error)) | Err(error) => Err(told(&error)),
        },
        "parquet" => decoded(path).map(drop),
        "svg" => ends_with(b"</svg>"),
        "html" => ends_with(b"</html>"),
        "png" => ends_with(b"IEND\xae\x42\x60\x82"),
        other => Err(format!("nobody knows how to check `.{other}`")),
    }
}
