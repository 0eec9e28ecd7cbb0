//! What a file may write as a bare name or as a table: gains, data sets, circuits; activations are in
//! `written_activation`.
//!
//! Serde's untagged enums could read these, but answer a misspelt key with "did not match any
//! variant"; here a name is looked up among names, a table is read as a table, and each keeps its faults.

use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::circuit::{CircuitSpec, Variant};
use super::experiment::{CircuitSource, DatasetSpec};

/// Names of the data sets.
pub const DATASETS: [&str; 9] = [
    "digits",
    "yin-yang",
    "fashion-14",
    "two-moons",
    "mnist",
    "fashion-mnist",
    "dead-leaves",
    "photos",
    "idx",
];

/// The two ways in which a file may write feedback gains.
#[derive(Clone, Debug, JsonSchema)]
#[serde(untagged)]
pub enum WrittenVariant {
    /// Gains that follow from `α`.
    Name(VariantName),
    /// Any gains.
    Gains(GainsTable),
}

/// Names of feedback gains.
#[derive(Clone, Copy, Debug, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VariantName {
    /// `a⁺ = α`, `a⁻ = 1 − α`.
    Dp,
    /// `a⁺ = 1 − α`, `a⁻ = α`.
    DpTranspose,
}

/// Feedback gains as numbers.
#[derive(Clone, Copy, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GainsTable {
    /// `a⁺`.
    pub plus: f64,
    /// `a⁻`.
    pub minus: f64,
}

/// The two ways in which a file may name a data set.
#[derive(Clone, Debug, JsonSchema)]
#[serde(untagged)]
pub enum WrittenDataset {
    /// A built-in name.
    #[schemars(extend("enum" = DATASETS))]
    Name(String),
    /// A name with options.
    Full(DatasetTable),
}

/// A data set with options.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetTable {
    /// Name.
    #[serde(deserialize_with = "dataset_name")]
    #[schemars(extend("enum" = DATASETS))]
    pub kind: String,
    /// Folder of its files, relative to the experiment file.
    pub path: Option<String>,
    /// First so many training samples.
    pub train: Option<usize>,
    /// First so many test samples.
    pub test: Option<usize>,
    /// Seed of the split or generator; 0 by default.
    pub split_seed: Option<u64>,
}

impl<'de> Deserialize<'de> for Variant {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let expecting = "gains: \"dp\", \"dp-transpose\" or { plus = 0.3, minus = 0.7 }";
        match name_or_table::<D, String, GainsTable>(from, expecting)? {
            Either::Table(GainsTable { plus, minus }) => Ok(Self::Custom { plus, minus }),
            Either::Name(name) => match name.as_str() {
                "dp" => Ok(Self::Dp),
                "dp-transpose" => Ok(Self::DpTranspose),
                other => Err(de::Error::unknown_variant(
                    other,
                    &["dp", "dp-transpose", "{ plus = 0.3, minus = 0.7 }"],
                )),
            },
        }
    }
}

impl<'de> Deserialize<'de> for DatasetSpec {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let expecting = "a data set: a name such as \"digits\", or { kind = \"idx\", path = \"FOLDER\" }";
        match name_or_table(from, expecting)? {
            Either::Name(name) => {
                let kind = known_dataset(name)?;
                Ok(Self { kind, path: None, train: None, test: None, split_seed: 0 })
            }
            Either::Table(DatasetTable { kind, path, train, test, split_seed }) => {
                Ok(Self { kind, path, train, test, split_seed: split_seed.unwrap_or(0) })
            }
        }
    }
}

impl<'de> Deserialize<'de> for CircuitSource {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let expecting = "a circuit file, relative to the experiment file, or a table";
        Ok(match name_or_table::<D, String, CircuitSpec>(from, expecting)? {
            Either::Name(file) => Self::File(file),
            Either::Table(circuit) => Self::Inline(Box::new(circuit)),
        })
    }
}

fn dataset_name<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    known_dataset(String::deserialize(from)?)
}

fn known_dataset<E: de::Error>(name: String) -> Result<String, E> {
    if DATASETS.contains(&name.as_str()) { Ok(name) } else { Err(E::unknown_variant(&name, &DATASETS)) }
}

/// Which of the two was written.
pub(super) enum Either<N, T> {
    Name(N),
    Table(T),
}

/// Reads text as `N` and a table as `T`.
pub(super) fn name_or_table<'de, D, N, T>(from: D, expecting: &'static str) -> Result<Either<N, T>, D::Error>
where
    D: Deserializer<'de>,
    N: Deserialize<'de>,
    T: Deserialize<'de>,
{
    from.deserialize_any(NameOrTable { expecting, reads: PhantomData })
}

struct NameOrTable<N, T> {
    expecting: &'static str,
    reads: PhantomData<(N, T)>,
}

impl<'de, N: Deserialize<'de>, T: Deserialize<'de>> Visitor<'de> for NameOrTable<N, T> {
    type Value = Either<N, T>;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(self.expecting)
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        N::deserialize(StrDeserializer::new(name)).map(Either::Name)
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Self::Value, M::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Either::Table)
    }
}
