//! The columns of a table, read off its row type: name, kind and whether a cell may be empty.
//!
//! The row type is "deserialised" from nothing while its demands are noted. So a row type is
//! declared once, and a column is typed even where every cell of it is empty. What bites:
//! `flatten`, nested structs and enums make no column and are errors.

use std::borrow::Cow;

use serde::de::value::Error as Refusal;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::RecordError;

/// What the cells of a column hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// UTF-8 text.
    Text,
    /// Whole numbers.
    Integer,
    /// Floating-point numbers, NaN and infinities included.
    Real,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// Name, as in the header.
    pub name: Cow<'static, str>,
    /// What its cells hold.
    pub kind: Kind,
    /// Whether a cell may be empty.
    pub optional: bool,
}

/// The columns of row type `R`, in the order of its fields.
///
/// # Errors
/// [`RecordError::Columns`] if `R` is no struct of text, integers, floats and options of these.
pub(crate) fn columns_of<R: DeserializeOwned>() -> Result<Vec<Column>, RecordError> {
    let mut columns = Vec::new();
    match R::deserialize(RowTracer { columns: &mut columns }) {
        Ok(_) => Ok(columns),
        Err(refusal) => {
            Err(RecordError::Columns { row: std::any::type_name::<R>(), reason: refusal.to_string() })
        }
    }
}

/// Answers a row type's demand for its fields.
struct RowTracer<'a> {
    columns: &'a mut Vec<Column>,
}

impl<'de> Deserializer<'de> for RowTracer<'_> {
    type Error = Refusal;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_map(Fields { left: fields, columns: self.columns })
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refusal> {
        Err(Refusal::custom("a row is a struct with named fields"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The fields not yet asked for.
struct Fields<'a> {
    left: &'static [&'static str],
    columns: &'a mut Vec<Column>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refusal> {
        let Some((name, left)) = self.left.split_first() else { return Ok(None) };
        self.left = left;
        self.columns.push(Column { name: (*name).into(), kind: Kind::Text, optional: false });
        seed.deserialize((*name).into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refusal> {
        match self.columns.last_mut() {
            Some(column) => seed.deserialize(CellTracer { column }),
            None => Err(Refusal::custom("a value was asked for before its key")),
        }
    }
}

/// Notes what a field asks for, and answers with a nought of that kind.
struct CellTracer<'a> {
    column: &'a mut Column,
}

/// Methods that note an integer and answer zero.
macro_rules! integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            self.column.kind = Kind::Integer;
            visitor.visit_u8(0)
        }
    )*};
}

impl<'de> Deserializer<'de> for CellTracer<'_> {
    type Error = Refusal;

    integers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 }
    integers! { deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.column.kind = Kind::Real;
        visitor.visit_f64(0.0)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_str("")
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_str("")
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.column.optional = true;
        visitor.visit_some(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refusal> {
        let name = &self.column.name;
        Err(Refusal::custom(format!("column `{name}` is neither text, nor integer, nor float")))
    }

    forward_to_deserialize_any! {
        bool i128 u128 char bytes byte_buf unit unit_struct newtype_struct seq tuple tuple_struct map
        struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::Sample;
    use serde::Deserialize;

    #[test]
    fn kinds_and_options_are_those_of_the_fields() {
        let columns = columns_of::<Sample>().unwrap();
        let of = |name| {
            let column = columns.iter().find(|column| column.name == name).unwrap();
            (column.kind, column.optional)
        };
        assert_eq!(of("name"), (Kind::Text, false));
        assert_eq!(of("angle_deg"), (Kind::Real, true));
        assert_eq!(of("time"), (Kind::Integer, false));
        assert_eq!(of("norm"), (Kind::Real, false));
    }

    #[derive(Deserialize)]
    struct Nested {
        #[allow(dead_code, reason = "only its type matters")]
        list: Vec<f64>,
    }

    #[test]
    fn a_field_that_is_no_cell_is_named() {
        let message = columns_of::<Nested>().err().unwrap().to_string();
        assert!(message.contains("Nested") && message.contains("`list`"), "{message}");
        assert!(columns_of::<Vec<f64>>().is_err());
    }
}
