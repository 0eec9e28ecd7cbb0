//! Tables as Parquet: adapter of the low-level `parquet` crate, without arrow.
//!
//! One group of rows per million, snappy, plain types: UTF-8 text, signed 64-bit integers, doubles;
//! empty cells are nulls. What bites: integers end at 2⁶³ − 1, and the crate's default `created_by`
//! changes with its version, so it is fixed here: the bytes depend on the table alone.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use ::parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::record::Field;
use ::parquet::schema::types::{Type, TypePtr};
use serde::Serialize;

use super::columns::{Column, Kind};

/// Key of a file's metadata that holds the meaning of its columns.
const ABOUT: &str = "dyadsim.columns";

/// Rows in one group; a reader holds one group at a time.
const GROUP: usize = 1 << 20;

/// The bytes of a Parquet file with these columns; a row is the text of its cells. The file's metadata has
/// `about` under [`ABOUT`].
///
/// # Errors
/// The place and the reason, for a cell that is not of its column's kind.
pub(crate) fn encode(
    columns: &[Column],
    rows: &[Vec<String>],
    about: &str,
) -> std::result::Result<Vec<u8>, String> {
    write(columns, rows, about).map_err(|error| error.to_string())
}

/// The CSV text of the same table, if the file can be read.
pub(crate) fn decode(path: &Path) -> Option<Vec<u8>> {
    let reader = SerializedFileReader::new(File::open(path).ok()?).ok()?;
    let names: Vec<String> = reader
        .metadata()
        .file_metadata()
        .schema()
        .get_fields()
        .iter()
        .map(|field| field.name().into())
        .collect();
    let mut text = Vec::new();
    {
        let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(&mut text);
        writer.write_record(&names).ok()?;
        for row in reader.get_row_iter(None).ok()? {
            let row = row.ok()?;
            writer
                .serialize(row.get_column_iter().map(|(_, field)| Cell::of(field)).collect::<Vec<_>>())
                .ok()?;
        }
        writer.flush().ok()?;
    }
    Some(text)
}

/// A cell that is written as the field of a row would be.
#[derive(Serialize)]
#[serde(untagged)]
enum Cell {
    Text(String),
    Integer(i64),
    Real(f64),
    Empty(Option<()>),
}

impl Cell {
    fn of(field: &Field) -> Self {
        match field {
            Field::Str(text) => Self::Text(text.clone()),
            Field::Long(number) => Self::Integer(*number),
            Field::Double(number) => Self::Real(*number),
            _ => Self::Empty(None),
        }
    }
}

fn write(columns: &[Column], rows: &[Vec<String>], about: &str) -> Result<Vec<u8>> {
    let about = vec![KeyValue::new(ABOUT.to_owned(), about.to_owned())];
    let properties = WriterProperties::builder()
        .set_created_by("dyadsim".to_owned())
        .set_key_value_metadata(Some(about))
        .set_compression(Compression::SNAPPY);
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema(columns)?, Arc::new(properties.build()))?;
    for rows in rows.chunks(GROUP) {
        let mut group = file.next_row_group()?;
        let mut position = 0;
        while let Some(mut writer) = group.next_column()? {
            let (column, place) = (&columns[position], position);
            let cells = rows.iter().map(|row| row[place].as_str());
            match column.kind {
                Kind::Text => {
                    fill::<ByteArrayType>(&mut writer, column, cells, |text| Some(ByteArray::from(text)))?;
                }
                Kind::Integer => fill::<Int64Type>(&mut writer, column, cells, |text| text.parse().ok())?,
                Kind::Real => fill::<DoubleType>(&mut writer, column, cells, |text| text.parse().ok())?,
            }
            writer.close()?;
            position += 1;
        }
        group.close()?;
    }
    file.close()?;
    Ok(bytes)
}

fn schema(columns: &[Column]) -> Result<TypePtr> {
    let mut fields = Vec::new();
    for column in columns {
        let (physical, logical) = match column.kind {
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Integer => (Physical::INT64, None),
            Kind::Real => (Physical::DOUBLE, None),
        };
        let repetition = if column.optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        let field = Type::primitive_type_builder(&column.name, physical);
        fields.push(Arc::new(field.with_logical_type(logical).with_repetition(repetition).build()?));
    }
    Ok(Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?))
}

/// Writes one column of one group; where cells may be empty, a level says which are not.
fn fill<'a, D: DataType>(
    writer: &mut SerializedColumnWriter<'_>,
    column: &Column,
    cells: impl Iterator<Item = &'a str>,
    parse: impl Fn(&str) -> Option<D::T>,
) -> Result<()> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    for (row, cell) in cells.enumerate() {
        let present = !(column.optional && cell.is_empty());
        levels.push(i16::from(present));
        if present {
            values.push(parse(cell).ok_or_else(|| misfit(column, row, cell))?);
        }
    }
    writer.typed::<D>().write_batch(&values, column.optional.then_some(&levels[..]), None)?;
    Ok(())
}

fn misfit(column: &Column, row: usize, cell: &str) -> ParquetError {
    let (name, kind) = (&column.name, column.kind);
    ParquetError::General(format!(
        "column `{name}`, row {row}: `{cell}` is not {kind:?} (integers end at 2^63 - 1)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    fn sample() -> Vec<Column> {
        vec![
            Column { name: "run".into(), kind: Kind::Text, optional: false },
            Column { name: "note".into(), kind: Kind::Text, optional: true },
            Column { name: "epoch".into(), kind: Kind::Integer, optional: false },
            Column { name: "loss".into(), kind: Kind::Real, optional: false },
            Column { name: "alpha".into(), kind: Kind::Real, optional: true },
        ]
    }

    fn read(bytes: Vec<u8>) -> (Vec<String>, Vec<Vec<Field>>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let reader = SerializedFileReader::new(file.reopen().unwrap()).unwrap();
        let schema = reader.metadata().file_metadata().schema().get_fields().to_vec();
        let types =
            schema.iter().map(|f| format!("{} {:?}", f.get_physical_type(), f.get_basic_info().repetition()));
        let rows = reader.get_row_iter(None).unwrap();
        let fields = rows.map(|row| row.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect());
        (types.collect(), fields.collect())
    }

    #[test]
    fn the_crates_own_reader_gives_the_same_values_and_types() {
        let rows = cells(&[&["a", "", "0", "NaN", ""], &["b", "ü", "-7", "0.1", "-inf"]]);
        let (types, read) = read(encode(&sample(), &rows, "{}").unwrap());
        assert_eq!(
            types,
            [
                "BYTE_ARRAY REQUIRED",
                "BYTE_ARRAY OPTIONAL",
                "INT64 REQUIRED",
                "DOUBLE REQUIRED",
                "DOUBLE OPTIONAL"
            ]
        );
        assert_eq!(read[0][..3], [Field::Str("a".into()), Field::Null, Field::Long(0)]);
        assert!(matches!(read[0][3], Field::Double(value) if value.is_nan()));
        assert_eq!(read[0][4], Field::Null);
        assert_eq!(read[1][..3], [Field::Str("b".into()), Field::Str("ü".into()), Field::Long(-7)]);
        assert_eq!(read[1][3..], [Field::Double(0.1), Field::Double(f64::NEG_INFINITY)]);
    }

    #[test]
    fn a_table_without_rows_still_has_its_columns() {
        let (types, rows) = read(encode(&sample(), &[], "{}").unwrap());
        assert_eq!((types.len(), rows.len()), (5, 0));
    }

    #[test]
    fn a_cell_beyond_its_kind_is_named() {
        let rows = cells(&[&["a", "", "9223372036854775808", "0", ""]]); // 2^63
        let message = encode(&sample(), &rows, "{}").unwrap_err();
        assert!(message.contains("`epoch`, row 0: `9223372036854775808`"), "{message}");
    }
}
