//! Tables: the same rows as `STEM.csv` and `STEM.parquet`.
//!
//! Adapter of `csv`. Floats are written in the fewest digits that read back to the same number, a
//! missing value is an empty cell, NaN and infinities are `NaN`, `inf`, `-inf`. The Parquet file is
//! made from the cells of the CSV text, so the two cannot disagree. What bites: optional text that is
//! present but empty reads back as missing.

use std::collections::HashMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::columns::{Column, columns_of};
use super::dictionary::{Entry, entries, metadata};
use super::{RecordError, atomic, cells, parquet};
use dyadsim_core::file;

/// [`read_csv`] of a table that says nothing without rows.
///
/// # Errors
/// Those of [`read_csv`]; [`RecordError::Table`] for a table without rows.
pub fn read_rows<R: DeserializeOwned>(path: &Path) -> Result<Vec<R>, RecordError> {
    let rows = read_csv(path)?;
    if rows.is_empty() {
        let reason = "found no row; accepted: one or more below the header".into();
        return Err(RecordError::Table { path: path.to_path_buf(), reason });
    }
    Ok(rows)
}

/// Columns beyond those of the row type: the same for all rows of a run.
#[derive(Clone, Debug, Default)]
pub struct OfRuns {
    /// The columns with their meanings.
    pub(crate) columns: Vec<(Column, Entry)>,
    /// The cells of each run, one for each column.
    pub(crate) cells: HashMap<String, Vec<String>>,
}

/// Writes `rows` to `folder/STEM.csv` and `folder/STEM.parquet`, each whole or not at all.
///
/// The bytes depend on the rows alone. A table without rows has its header and its column types. The metadata
/// of the Parquet file say what the columns mean ([`super::dictionary`]).
///
/// # Errors
/// [`RecordError::Columns`] if the row type makes no table, [`RecordError::Table`] for an integer above
/// 2⁶³ − 1, [`RecordError::Io`] if a file cannot be written.
pub fn write_table<R: Serialize + DeserializeOwned + JsonSchema>(
    folder: &Path,
    stem: &str,
    rows: &[R],
) -> Result<(), RecordError> {
    write_table_of_runs(folder, stem, rows, &OfRuns::default())
}

/// [`write_table`] with further columns, behind `seed` or else `run`, for what a run was; those that the row
/// type has, too, are left out.
///
/// # Errors
/// As there.
pub fn write_table_of_runs<R: Serialize + DeserializeOwned + JsonSchema>(
    folder: &Path,
    stem: &str,
    rows: &[R],
    of_runs: &OfRuns,
) -> Result<(), RecordError> {
    let mut columns = columns_of::<R>()?;
    let path = folder.join(format!("{stem}.csv"));
    let wrong = |reason| RecordError::Table { path: path.clone(), reason };
    let text = to_csv(&columns, rows).map_err(|error| wrong(error.to_string()))?;
    let mut cells = split_cells(&text).map_err(|error| wrong(error.to_string()))?;
    let mut entries = entries::<R>();
    of_runs.insert(&mut columns, &mut cells, &mut entries);
    let text = if of_runs.columns.is_empty() {
        text
    } else {
        joined(&columns, &cells).map_err(|error| wrong(error.to_string()))?
    };
    let binary = parquet::encode(&columns, &cells, &metadata(&entries)).map_err(wrong)?;
    atomic::write(&path, &text)?;
    atomic::write(&path.with_extension("parquet"), &binary)
}

impl OfRuns {
    /// Puts the columns in their place, with the cells of the run of each row.
    fn insert(&self, columns: &mut Vec<Column>, rows: &mut [Vec<String>], entries: &mut Vec<Entry>) {
        let place = |name: &str| columns.iter().position(|column| column.name == name);
        let (Some(run), true) = (place("run"), !self.columns.is_empty()) else { return };
        let at = place("seed").unwrap_or(run) + 1;
        let new = |(column, _): &&(Column, Entry)| place(&column.name).is_none();
        let kept: Vec<bool> = self.columns.iter().map(|pair| new(&pair)).collect();
        for row in rows {
            let own = self.cells.get(&row[run]);
            let cells = kept.iter().enumerate().filter(|(_, kept)| **kept);
            let cells: Vec<_> =
                cells.map(|(i, _)| own.map(|own| own[i].clone()).unwrap_or_default()).collect();
            row.splice(at..at, cells);
        }
        let kept: Vec<_> =
            self.columns.iter().zip(kept).filter(|(_, kept)| *kept).map(|(pair, _)| pair).collect();
        columns.splice(at..at, kept.iter().map(|(column, _)| column.clone()));
        entries.splice(at..at, kept.iter().map(|(_, entry)| entry.clone()));
    }
}

/// Reads the rows of a CSV table; columns are found by name, in any order, and further ones ignored.
///
/// # Errors
/// [`RecordError::Io`] if the file cannot be read, [`RecordError::Table`] with the row and column of a cell
/// that does not fit, what was found and what is accepted, or with the column that is missing.
pub fn read_csv<R: DeserializeOwned>(path: &Path) -> Result<Vec<R>, RecordError> {
    let text = file::read_text(path, file::TABLE).map_err(RecordError::io("read", path))?;
    let wrong = |reason: String| RecordError::Table { path: path.to_path_buf(), reason };
    cells::check(&columns_of::<R>()?, &text).map_err(wrong)?;
    let rows = csv::Reader::from_reader(text.as_bytes()).into_deserialize();
    rows.collect::<Result<_, _>>().map_err(|error: csv::Error| wrong(error.to_string()))
}

fn to_csv<R: Serialize>(columns: &[Column], rows: &[R]) -> csv::Result<Vec<u8>> {
    let mut text = Vec::new();
    {
        let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(&mut text);
        writer.write_record(columns.iter().map(|column| &*column.name))?;
        for row in rows {
            writer.serialize(row)?; // a row of another length than the header is an error
        }
        writer.flush()?;
    }
    Ok(text)
}

fn joined(columns: &[Column], rows: &[Vec<String>]) -> csv::Result<Vec<u8>> {
    let mut text = Vec::new();
    {
        let mut writer = csv::Writer::from_writer(&mut text);
        writer.write_record(columns.iter().map(|column| &*column.name))?;
        rows.iter().try_for_each(|row| writer.write_record(row))?;
        writer.flush()?;
    }
    Ok(text)
}

fn split_cells(text: &[u8]) -> csv::Result<Vec<Vec<String>>> {
    let mut reader = csv::Reader::from_reader(text);
    reader.records().map(|record| Ok(record?.iter().map(str::to_owned).collect())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{HEADER, Sample};
    use proptest::prelude::*;
    use std::fs;
    use std::process::Command;

    fn layer(name: &str, angle: Option<f64>, norm: f64) -> Sample {
        Sample {
            name: name.to_owned(),
            time: 3,
            layer: 1,
            angle_deg: angle,
            norm,
            other_norm: 1e-300,
            distance: None,
        }
    }

    fn round_trip(rows: &[Sample]) -> Vec<Sample> {
        let folder = tempfile::tempdir().unwrap();
        write_table(folder.path(), "samples", rows).unwrap();
        read_csv(&folder.path().join("samples.csv")).unwrap()
    }

    /// Equal to the bit; every NaN counts as the same.
    fn same(a: f64, b: f64) -> bool {
        a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn any_number_reads_back_to_the_bit(bits in any::<u64>(), other in any::<Option<f64>>(), run in ".*") {
            let norm = f64::from_bits(bits); // subnormals, NaNs and infinities included
            let row = &round_trip(&[layer(&run, other, norm)])[0];
            prop_assert!(same(row.norm, norm));
            prop_assert_eq!(row.angle_deg.map(f64::to_bits), other.map(f64::to_bits));
            prop_assert_eq!(&row.name, &run);
        }
    }

    #[test]
    fn the_text_is_short_and_missing_values_are_empty_cells() {
        let folder = tempfile::tempdir().unwrap();
        let rows = [layer("dp-s1", None, 0.1), layer("a,b", Some(f64::NAN), f64::NEG_INFINITY)];
        write_table(folder.path(), "samples", &rows).unwrap();
        let text = fs::read_to_string(folder.path().join("samples.csv")).unwrap();
        assert_eq!(text, format!("{HEADER}dp-s1,3,1,,0.1,1e-300,\n\"a,b\",3,1,NaN,-inf,1e-300,\n"));
    }

    #[test]
    fn a_table_without_rows_has_its_header() {
        let folder = tempfile::tempdir().unwrap();
        write_table::<Sample>(folder.path(), "samples", &[]).unwrap();
        let text = fs::read_to_string(folder.path().join("samples.csv")).unwrap();
        assert_eq!(text, HEADER);
        assert!(read_csv::<Sample>(&folder.path().join("samples.csv")).unwrap().is_empty());
    }

    #[test]
    fn the_same_rows_give_the_same_bytes() {
        let rows: Vec<_> =
            (0..500).map(|i| layer(&format!("run-{}", i % 7), Some(f64::from(i)), 0.5)).collect();
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        for folder in &folders {
            write_table(folder.path(), "samples", &rows).unwrap();
        }
        for file in ["samples.csv", "samples.parquet"] {
            let [a, b] = [0, 1].map(|i| fs::read(folders[i].path().join(file)).unwrap());
            assert_eq!(a, b, "{file}");
        }
    }

    #[test]
    fn a_cell_that_does_not_fit_is_named_with_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("samples.csv");
        write_table(folder.path(), "samples", &[layer("dp", None, 0.125)]).unwrap();
        fs::write(&path, fs::read_to_string(&path).unwrap().replace("0.125", "heavy")).unwrap();
        let message = read_csv::<Sample>(&path).unwrap_err().to_string();
        assert!(message.contains("samples.csv") && message.contains("row 1 (line 2)"), "{message}");
    }

    #[test]
    fn pyarrow_reads_the_parquet_file_as_the_csv_file() {
        let script = "import sys\nimport pyarrow.parquet as p, pyarrow.csv as c\n\
                      a = p.read_table(sys.argv[1]); b = c.read_csv(sys.argv[2])\n\
                      assert a.column_names == b.column_names and a['norm'] == b['norm']\n";
        let python = |arguments: &[&str]| Command::new("python3").args(arguments).output();
        if !python(&["-c", "import pyarrow.parquet"]).is_ok_and(|output| output.status.success()) {
            eprintln!("SKIPPED: no python3 with pyarrow, the Parquet file was not read by a second reader");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        write_table(folder.path(), "samples", &[layer("a", None, 0.1), layer("b", Some(1.0), 1e300)])
            .unwrap();
        let [parquet, csv] = ["samples.parquet", "samples.csv"].map(|name| folder.path().join(name));
        let output = python(&["-c", script, parquet.to_str().unwrap(), csv.to_str().unwrap()]).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
