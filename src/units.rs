//! "100 fF" ↔ SI numbers.
use serde::{Deserialize, Deserializer};
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
pub struct Quantity(f64);
macro_rules! q { ($($n:ident),*) => { $(#[allow(missing_docs, clippy::missing_errors_doc)] pub fn $n<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> { f64::deserialize(d) })* } }
q!(temperature, voltage, capacitance, conductance);
