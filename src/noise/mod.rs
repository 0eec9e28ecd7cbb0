//! Numbers that noise sources are made of.

pub mod gaussian;
