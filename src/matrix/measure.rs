//! Norms and angles.
