//! Maps: outcomes and stability of a batch of circuits over any two settings.
//!
//! A [`RefinedGrid`] is refined where its points differ; a [`Node`] is one of them; [`contour`] draws lines
//! through what was found.

mod contour;
mod node;
mod refine;

pub use contour::{Line, contour};
pub use node::{Criterion, Node};
pub use refine::{Evaluate, GridIndex, RefinedGrid};
