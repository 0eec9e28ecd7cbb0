//! How a file writes an activation: as a bare kind, or as a table with parameters; a curve with its points,
//! or with the file that has them.
//!
//! The door puts the points in the place of the file (`curve_file`), so that what is checked, written out
//! and kept is whole without it.

use schemars::JsonSchema;
use serde::de::{self, Deserialize, Deserializer};
use serde::{Serialize, Serializer};

use super::circuit::ActivationSpec;
use super::kinds::ActivationKind;
use super::written::{Either, name_or_table};
use crate::curve::{Curve, MOST_POINTS};
use crate::units;

/// Names of the kinds in files, in the order of the documentation.
const NAMES: [&str; 7] =
    ["relu", "hard-sigmoid", "tanh", "softplus", "sigmoid", "linear", ActivationKind::TABLE];

/// The two ways in which a file may write an activation.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the schema alone is made of it")]
pub enum WrittenActivation {
    /// Only the kind; all else by default.
    Kind(ActivationKind),
    /// The kind with some of its parameters.
    Full(ActivationTable),
}

/// An activation with some of its parameters.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivationTable {
    /// The shape `φ`; a `table` goes through points.
    #[schemars(with = "KindName")]
    kind: WrittenKind,
    /// Amplitude `A` (V); 1 V, or the scale for softplus, by default.
    #[serde(default, deserialize_with = "some_voltage")]
    #[schemars(with = "units::Quantity")]
    amplitude: Option<f64>,
    /// Scale `u` (V); 1 V by default.
    #[serde(default, deserialize_with = "some_voltage")]
    #[schemars(with = "units::Quantity")]
    scale: Option<f64>,
    /// Offset `o` (V); 0 V by default.
    #[serde(default, deserialize_with = "some_voltage")]
    #[schemars(with = "units::Quantity")]
    offset: Option<f64>,
    /// Of a `table`: CSV file with its points, input and output with their units in the header; relative to
    /// the circuit file.
    #[serde(default)]
    file: Option<String>,
    /// Of a `table`: its points themselves, input and output (V), in rising order.
    #[serde(default)]
    points: Option<Vec<(f64, f64)>>,
}

/// Names of shapes.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the schema alone is made of it")]
enum KindName {
    /// A formula.
    Formula(ActivationKind),
    /// Points.
    Table(TableName),
}

/// The name of a shape through points.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(dead_code, reason = "the schema alone is made of it")]
enum TableName {
    /// A curve through points.
    Table,
}

/// A kind as it is written: of a curve the name alone.
#[derive(Clone, Copy, Debug, PartialEq)]
enum WrittenKind {
    Formula(ActivationKind),
    Table,
}

impl<'de> Deserialize<'de> for WrittenKind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        if name == ActivationKind::TABLE {
            return Ok(Self::Table);
        }
        let formula = ActivationKind::ALL.into_iter().find(|kind| kind.name() == name);
        formula.map(Self::Formula).ok_or_else(|| de::Error::unknown_variant(&name, &NAMES))
    }
}

impl ActivationTable {
    fn of(kind: WrittenKind) -> Self {
        Self { kind, amplitude: None, scale: None, offset: None, file: None, points: None }
    }

    /// The activation, or what is wrong with it.
    fn resolve<E: de::Error>(self) -> Result<ActivationSpec, E> {
        let kind = match (self.kind, self.points) {
            (WrittenKind::Table, Some(points)) => ActivationKind::Table(curve(&points)?),
            (WrittenKind::Formula(kind), None) if self.file.is_none() => kind,
            (WrittenKind::Formula(kind), _) => {
                let name = kind.name();
                return Err(E::custom(format!(
                    "kind = \"table\" with `file` or `points`: \"{name}\" is a formula, which has none"
                )));
            }
            (WrittenKind::Table, None) => {
                return Err(E::custom(
                    "{ kind = \"table\", file = \"ota.csv\" }, or its points = [[-1.0, -0.8], [1.0, 0.8]]",
                ));
            }
        };
        let scale = self.scale.unwrap_or(1.0);
        let natural = if kind == ActivationKind::Softplus { scale } else { 1.0 };
        let amplitude = self.amplitude.unwrap_or(natural);
        Ok(ActivationSpec { kind, amplitude, scale, offset: self.offset.unwrap_or(0.0) })
    }
}

impl From<ActivationKind> for ActivationSpec {
    fn from(kind: ActivationKind) -> Self {
        Self { kind, amplitude: 1.0, scale: 1.0, offset: 0.0 }
    }
}

impl<'de> Deserialize<'de> for ActivationSpec {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let expecting = "an activation: a kind such as \"relu\", or { kind = \"tanh\", amplitude = 0.5 }";
        let written = match name_or_table(from, expecting)? {
            Either::Name(kind) => ActivationTable::of(kind),
            Either::Table(table) => table,
        };
        written.resolve()
    }
}

impl Serialize for ActivationSpec {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Whole {
            kind: ActivationKind,
            amplitude: f64,
            scale: f64,
            offset: f64,
            #[serde(skip_serializing_if = "Option::is_none")]
            points: Option<Vec<(f64, f64)>>,
        }
        let Self { kind, amplitude, scale, offset } = *self;
        let points = kind.curve().map(|curve| curve.points().collect());
        Whole { kind, amplitude, scale, offset, points }.serialize(to)
    }
}

/// The curve through points, or which of them is wrong.
fn curve<E: de::Error>(points: &[(f64, f64)]) -> Result<Curve, E> {
    Curve::new(points).map_err(|error| {
        E::custom(format!("2 to {MOST_POINTS} points of finite numbers, inputs in rising order ({error})"))
    })
}

fn some_voltage<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    units::voltage(from).map(Some)
}
