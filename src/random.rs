//! Counter-based named random streams.
