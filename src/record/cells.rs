//! The cells of a table from outside, held against its columns before any row is made of them.
//!
//! Whoever mends a table by hand needs the place: row, line and column, what stands there and what may.

use csv::StringRecord;

use super::columns::{Column, Kind};

/// Largest whole number of a column other than those of [`WIDE`]: counts and positions, which figures loop
/// over.
const LARGEST: u64 = 1_000_000_000;
/// Columns of whole numbers of 64 bits.
const WIDE: [&str; 2] = ["seed", "rhs_evals"];
/// Longest cell that a message shows (characters).
const SHOWN: usize = 40;

/// Checks header and cells of a CSV text.
///
/// # Errors
/// The first column that is missing or stands twice, or the first cell that does not fit, with its place.
pub(super) fn check(columns: &[Column], text: &str) -> Result<(), String> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let places = columns.iter().map(|column| place(&header, &column.name)).collect::<Result<Vec<_>, _>>()?;
    for (row, record) in (1..).zip(reader.records()) {
        let record = record.map_err(|error| format!("row {row}: {error}"))?;
        let line = record.position().map_or(row + 1, csv::Position::line);
        if record.len() != header.len() {
            return Err(format!(
                "row {row} (line {line}): found {} cells; accepted: {}, one for each column",
                record.len(),
                header.len()
            ));
        }
        for (column, &place) in columns.iter().zip(&places) {
            let cell = &record[place];
            if let Some(accepted) = refused(column, cell) {
                let found = if cell.is_empty() { "nothing".into() } else { shown(cell) };
                let name = &column.name;
                return Err(format!(
                    "row {row} (line {line}), column `{name}`: found {found}; accepted: {accepted}"
                ));
            }
        }
    }
    Ok(())
}

/// Where a column stands.
fn place(header: &StringRecord, name: &str) -> Result<usize, String> {
    let mut places = header.iter().enumerate().filter(|(_, title)| *title == name).map(|(place, _)| place);
    match (places.next(), places.next()) {
        (Some(place), None) => Ok(place),
        (Some(_), Some(_)) => Err(format!("header: found column `{name}` twice; accepted: once")),
        (None, _) if header.is_empty() => Err(format!("header: found nothing; column `{name}` is missing")),
        (None, _) => {
            let there: Vec<_> = header.iter().map(shown).collect();
            Err(format!("header: column `{name}` is missing; found {}", shown(&there.join(", "))))
        }
    }
}

/// What a column accepts, if it is not this cell.
fn refused(column: &Column, cell: &str) -> Option<String> {
    if cell.is_empty() && column.optional {
        return None;
    }
    let most = if WIDE.contains(&&*column.name) { u64::MAX } else { LARGEST };
    let (well, accepted) = match column.kind {
        Kind::Text => (true, String::new()),
        Kind::Integer => {
            let well = cell.parse::<u64>().is_ok_and(|number| number <= most);
            (well, format!("a whole number from 0 to {most}"))
        }
        Kind::Real => (cell.parse::<f64>().is_ok(), "a number".into()),
    };
    let empty = if column.optional { ", or an empty cell" } else { "" };
    (!well).then(|| accepted + empty)
}

/// A cell as a message shows it.
fn shown(cell: &str) -> String {
    match cell.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{:?}…", &cell[..cut]),
        None => format!("{cell:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::columns::columns_of;
    use crate::record::sample::{HEADER, Sample};

    fn told(text: &str) -> String {
        check(&columns_of::<Sample>().unwrap(), text).err().unwrap_or_default()
    }

    #[test]
    fn a_cell_that_does_not_fit_is_told_with_row_column_found_and_accepted() {
        let told = |row: &str| told(&format!("{HEADER}a,0,1,,1,1,\n{row}\n"));
        assert_eq!(told("a,1,2,NaN,inf,-1e308,"), "");
        for (row, words) in [
            ("a,-1,2,,1,1,", "row 2 (line 3), column `time`: found \"-1\"; accepted: a whole number from 0"),
            ("a,1,1000000000000,,1,1,", "column `layer`: found \"1000000000000\""),
            ("a,1,2,,,1,", "column `norm`: found nothing; accepted: a number"),
            ("a,1,2,x,1,1,", "column `angle_deg`: found \"x\"; accepted: a number, or an empty cell"),
            ("a,1,2", "row 2 (line 3): found 3 cells; accepted: 7"),
        ] {
            assert!(told(row).contains(words), "{row}: {}", told(row));
        }
    }

    #[test]
    fn a_column_that_is_missing_or_stands_twice_is_told() {
        assert!(told("").contains("found nothing; column `name` is missing"), "{}", told(""));
        let text = HEADER.replace("layer,", "lair,");
        assert!(told(&text).contains("column `layer` is missing; found"), "{}", told(&text));
        let text = HEADER.replace("layer,", "time,layer,");
        assert!(told(&text).contains("`time` twice"), "{}", told(&text));
    }
}
