//! Tiles of the exponential Adams–Moulton steps: a few dyads of a layer, in pieces of equal rates.

use std::ops::Range;

use super::Layered;
use super::interpolation::{Basis, POINTS, Weights};
use super::linear_combination::{equal_rates, linear_combination};
use crate::matrix::elementwise::clip;
use crate::matrix::{Matrix, Real};

/// Dyads of one layer that are worked on together.
pub struct Tile {
    pub dyads: Range<usize>,
    pub pieces: Vec<Piece>,
}

/// State columns of one side of a tile with equal rates.
pub struct Piece {
    columns: Range<usize>,
    /// Where they begin among the columns of the tile, plus compartments before minus ones.
    place: usize,
    /// Rate over the slowest.
    pub ratio: f64,
    /// Their weights in this step.
    pub weights: Weights,
}

impl Piece {
    /// Its elements in a state of `rows` rows.
    #[inline]
    pub fn elements(&self, rows: usize) -> Range<usize> {
        self.columns.start * rows..self.columns.end * rows
    }
}

/// Potentials of a tile as the extrapolated drive foretells them.
#[inline]
pub fn foresee<T: Real>(
    tile: &Tile,
    state: &Matrix<T>,
    drives: [&Matrix<T>; POINTS],
    rails: Option<(T, T)>,
    block: &mut [T],
) {
    let rows = state.nrows();
    for piece in &tile.pieces {
        let [v, a, b, c] = piece.weights.predict.map(T::of);
        let elements = piece.elements(rows);
        let [one, two, three] = drives.map(|drive| &drive.as_slice()[elements.clone()]);
        let place = piece.place * rows..piece.place * rows + elements.len();
        let last = [one, two, three, three];
        linear_combination([v, a, b, c, T::ZERO], &state.as_slice()[elements], last, &mut block[place]);
    }
    if let Some((low, high)) = rails {
        clip(block, low, high);
    }
}

/// The dyads of a layer, `dyads` at a time.
pub fn tiles<T: Real>(circuit: &dyn Layered<T>, layer: usize, dyads: usize) -> Vec<Tile> {
    let layout = circuit.layout();
    let nothing = Basis::new(1.0, &[0.0]).weights(1.0);
    let tile = |first: usize| {
        let dyads = first..(first + dyads).min(layout.neurons(layer));
        let sides = [(layout.plus(layer).start, 0), (layout.minus(layer).start, dyads.len())];
        let pieces = sides.into_iter().flat_map(|(start, place)| {
            let (from, to) = (start + dyads.start, start + dyads.end);
            equal_rates(&circuit.rates()[from..to]).map(move |(columns, rate)| Piece {
                columns: from + columns.start..from + columns.end,
                place: place + columns.start,
                // The slowest rate itself may round to just below 1.
                ratio: (rate.to_f64() * circuit.slowest()).max(1.0),
                weights: nothing,
            })
        });
        Tile { pieces: pieces.collect(), dyads }
    };
    (0..layout.neurons(layer)).step_by(dyads).map(tile).collect()
}
