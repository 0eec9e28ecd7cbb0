//! "100 fF" ↔ SI numbers.
