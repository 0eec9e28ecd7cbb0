//! What a circuit costs: area, power, time and energy, by the formulas of docs/cost.md.
//!
//! [`Work`] is what a circuit does (how long, how often, at what signals), estimated from its description or
//! measured on a simulated batch; [`Cost`] prices it with the numbers of `[cost]`. A number that was not
//! given is `None`, and no sum that it belongs to is made silently without it: [`Cost::missing`] names it.

mod phases;
mod price;
mod work;

pub use price::{Area, Cost, Energy, Power};
pub use work::{Signals, Work};
