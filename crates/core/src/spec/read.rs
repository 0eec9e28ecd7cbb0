//! Reads a TOML value into a type, keeping the path to whatever is wrong.
//!
//! A serde deserializer of its own, because toml's reports faults as finished sentences: here they
//! stay data (the path, the name found, the names accepted). What bites: serde's derived visitors
//! would read a list as a struct, field by field; a struct is read from a table only.

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess,
    Visitor, value::StrDeserializer,
};
use serde::forward_to_deserialize_any;
use toml::Value;

use super::fault::{Fault, FaultKind};
use super::path::{KeyPath, Step};

/// Reads a table.
///
/// # Errors
/// The first [`Fault`] that the type's reader reports, with its path in the table.
pub fn read<T: DeserializeOwned>(table: toml::Table) -> Result<T, Fault> {
    T::deserialize(Reader(Value::Table(table)))
}

/// A value to be read.
struct Reader(Value);

/// A value shown on one line, shortened.
#[must_use]
pub fn shown(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

fn wrong(value: &Value, accepted: &str) -> Fault {
    let kind = FaultKind::Refused { found: shown(value), accepted: accepted.into() };
    Fault { path: KeyPath::default(), kind }
}

impl<'de> Deserializer<'de> for Reader {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::String(text) => visitor.visit_string(text),
            Value::Integer(n) => visitor.visit_i64(n),
            Value::Float(x) => visitor.visit_f64(x),
            Value::Boolean(b) => visitor.visit_bool(b),
            Value::Array(items) => visitor.visit_seq(Items { rest: items.into_iter(), next: 0 }),
            Value::Table(table) => visitor.visit_map(Entries { rest: table.into_iter(), value: None }),
            Value::Datetime(_) => Err(wrong(&self.0, "a number, text, a list or a table; no key is a date")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Table(_) => self.deserialize_any(visitor),
            other => Err(wrong(&other, "a table")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Value::String(name) => visitor.visit_enum(Choice { name, value: None }),
            Value::Table(table) if table.len() == 1 => {
                let entry = table.into_iter().next();
                let (name, value) = entry.map_or((String::new(), None), |(name, value)| (name, Some(value)));
                visitor.visit_enum(Choice { name, value })
            }
            other => Err(wrong(&other, &format!("one of `{}`", variants.join("`, `")))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

/// The items of a list.
struct Items {
    rest: std::vec::IntoIter<Value>,
    next: usize,
}

impl<'de> SeqAccess<'de> for Items {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(value) = self.rest.next() else { return Ok(None) };
        let index = self.next;
        self.next += 1;
        seed.deserialize(Reader(value)).map(Some).map_err(|fault| fault.under(Step::Item(index)))
    }
}

/// The entries of a table.
struct Entries {
    rest: toml::map::IntoIter<String, Value>,
    value: Option<(String, Value)>,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        let read = seed.deserialize(StrDeserializer::new(&key))?;
        self.value = Some((key, value));
        Ok(Some(read))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        // Serde asks for a value only after its key; an empty table stands for a caller that does not.
        let (key, value) = self.value.take().unwrap_or((String::new(), Value::Table(toml::Table::new())));
        seed.deserialize(Reader(value)).map_err(|fault| fault.under(Step::Key(key)))
    }
}

/// A variant: a bare name, or a name with a value (`{ std = [...] }`).
struct Choice {
    name: String,
    value: Option<Value>,
}

impl<'de> EnumAccess<'de> for Choice {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Fault> {
        let name = seed.deserialize(StrDeserializer::new(&self.name))?;
        Ok((name, self))
    }
}

impl Choice {
    fn value(self) -> Result<(String, Value), Fault> {
        match self.value {
            Some(value) => Ok((self.name, value)),
            None => Err(wrong(
                &Value::String(self.name.clone()),
                &format!("{{ {} = … }}, with a value", self.name),
            )),
        }
    }
}

impl<'de> VariantAccess<'de> for Choice {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.value {
            None => Ok(()),
            Some(value) => {
                let accepted = format!("the bare name \"{}\", which takes no value", self.name);
                Err(wrong(&value, &accepted).under(Step::Key(self.name)))
            }
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        let (name, value) = self.value()?;
        seed.deserialize(Reader(value)).map_err(|fault| fault.under(Step::Key(name)))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        let (name, value) = self.value()?;
        Reader(value).deserialize_any(visitor).map_err(|fault| fault.under(Step::Key(name)))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let (name, value) = self.value()?;
        Reader(value).deserialize_struct("", fields, visitor).map_err(|fault| fault.under(Step::Key(name)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    enum Shape {
        Round,
        Boxed(Vec<f64>),
        Wide { by: usize },
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Thing {
        shape: Shape,
        size: Option<f64>,
        #[serde(default)]
        others: BTreeMap<String, Vec<Shape>>,
    }

    fn thing(text: &str) -> Result<Thing, Fault> {
        read(toml::from_str(text).unwrap())
    }

    #[test]
    fn every_form_of_a_variant_is_read() {
        let read =
            thing("size = 3\nothers.a = ['round', {boxed = [1, 2.5]}]\nshape = {wide = {by = 4}}").unwrap();
        let others = vec![Shape::Round, Shape::Boxed(vec![1.0, 2.5])];
        let want =
            Thing { shape: Shape::Wide { by: 4 }, size: Some(3.0), others: [("a".into(), others)].into() };
        assert_eq!(read, want);
    }

    #[test]
    fn a_fault_carries_the_path_to_it() {
        for (text, path) in [
            ("shape = 'rond'", "shape"),
            ("shape = 'boxed'", "shape"),
            ("shape = ['round']", "shape"),
            ("shape = {round = 1}", "shape.round"),
            ("shape = {boxed = [1, 'x']}", "shape.boxed[1]"),
            ("shape = {wide = {by = -1}}", "shape.wide.by"),
            ("shape = {wide = [4]}", "shape.wide"),
            ("shape = {wide = {by = 1, and = 2}}", "shape.wide.and"),
            ("size = 1", "shape"),
            ("size = 1979-05-27", "size"),
            ("others.a = ['round', 'x']", "others.a[1]"),
            ("zise = 1", "zise"),
        ] {
            assert_eq!(thing(text).unwrap_err().path.to_string(), path, "{text}");
        }
    }
}
