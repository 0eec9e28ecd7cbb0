//! Wires of a crossbar: what its conductances come to when rows and columns are not perfect conductors (IR
//! drop).
//!
//! Input `i` drives row `i` at its first cell, output `j` is the current out of column `j` below its last
//! cell, into a virtual ground. Between neighbouring cells, before the first cell of a row and below the last
//! cell of a column lies a segment of wire of resistance `r`. The array is linear, so that what it does to
//! any inputs is one matrix of effective conductances. It is reciprocal: read the other way, columns driven
//! and rows read, it is the transpose.

use crate::matrix::Matrix;
use crate::spec::WireSolve;

/// Effective conductances (S) of `conductances` (S, `[outputs × inputs]`) with segments of `wire` (Ω).
#[must_use]
pub fn effective(conductances: &Matrix<f64>, wire: f64, solve: WireSolve) -> Matrix<f64> {
    if wire == 0.0 || conductances.is_empty() {
        return conductances.clone();
    }
    match solve {
        WireSolve::Exact if conductances.nrows() > conductances.ncols() => {
            // The smaller side makes the blocks. Turned by 180 degrees the transposed array has its drivers
            // and virtual grounds where they belong.
            turned(&exact(&turned(conductances), wire))
        }
        WireSolve::Exact => exact(conductances, wire),
        WireSolve::Separable => separable(conductances, wire),
    }
}

/// The array seen from its outputs: inputs and outputs exchanged, and the order of both, as the cell that is
/// nearest to a driver is the farthest from the ground.
fn turned(conductances: &Matrix<f64>) -> Matrix<f64> {
    let (outputs, inputs) = conductances.shape();
    Matrix::from_fn(inputs, outputs, |i, j| conductances[(outputs - 1 - j, inputs - 1 - i)])
}

/// Kirchhoff's laws at every node, row of cells by row: a block of row nodes and column nodes for each input,
/// eliminated from the first on (block Cholesky). What later rows see of earlier ones is through the columns.
fn exact(conductances: &Matrix<f64>, wire: f64) -> Matrix<f64> {
    let (outputs, inputs) = conductances.shape();
    let segment = wire.recip();
    // Schur complement of what came before, and potentials of this row's column nodes by every driver so far.
    let mut before: Option<Matrix<f64>> = None;
    let mut answers = Matrix::<f64>::zeros(outputs, 0);
    for input in 0..inputs {
        let mut block = nodes(conductances, input, segment);
        if let Some(before) = &before {
            let mut columns = block.view_mut((outputs, outputs), (outputs, outputs));
            columns -= before * (segment * segment);
        }
        // A conductor with a path to ground from every node: positive definite, whatever the conductances.
        let Some(factor) = block.cholesky() else { return Matrix::from_element(outputs, inputs, f64::NAN) };
        let mut drives = Matrix::zeros(2 * outputs, input + 1);
        drives.view_mut((outputs, 0), (outputs, input)).copy_from(&(&answers * segment));
        drives[(0, input)] = segment;
        factor.solve_mut(&mut drives);
        answers = drives.rows(outputs, outputs).into_owned();
        let mut ones = Matrix::zeros(2 * outputs, outputs);
        ones.view_mut((outputs, 0), (outputs, outputs)).fill_with_identity();
        factor.solve_mut(&mut ones);
        before = Some(ones.rows(outputs, outputs).into_owned());
    }
    // Currents into the virtual grounds.
    answers * segment
}

/// Conductance matrix of the nodes of a row of cells, those of the row first, those of the columns then.
fn nodes(conductances: &Matrix<f64>, input: usize, segment: f64) -> Matrix<f64> {
    let outputs = conductances.nrows();
    let mut block = Matrix::zeros(2 * outputs, 2 * outputs);
    for output in 0..outputs {
        let (row, column) = (output, outputs + output);
        let cell = conductances[(output, input)];
        let last = output + 1 == outputs;
        block[(row, row)] = cell + if last { segment } else { 2.0 * segment };
        if !last {
            block[(row, row + 1)] = -segment;
            block[(row + 1, row)] = -segment;
        }
        // Down to the next cell or the ground, and up unless it is the first.
        block[(column, column)] = cell + if input == 0 { segment } else { 2.0 * segment };
        (block[(row, column)], block[(column, row)]) = (-cell, -cell);
    }
    block
}

/// What rows and columns do on their own: the potential of a cell's row with all columns at ground, times the
/// share of its current that reaches the output with all rows at ground. Either alone is exact; left out is
/// what they do to each other, of second order in the drops.
fn separable(conductances: &Matrix<f64>, wire: f64) -> Matrix<f64> {
    let (outputs, inputs) = conductances.shape();
    let mut carried = conductances.clone();
    for input in 0..inputs {
        let reach = ladder((0..outputs).map(|output| conductances[(output, input)]), wire);
        carried.column_mut(input).iter_mut().zip(reach).for_each(|(g, v)| *g *= v);
    }
    for output in 0..outputs {
        // By reciprocity: the share that a node's current sends to the ground is its potential if that is at
        // 1 V.
        let reach = ladder((0..inputs).rev().map(|input| conductances[(output, input)]), wire);
        carried.row_mut(output).iter_mut().rev().zip(reach).for_each(|(g, v)| *g *= v);
    }
    carried
}

/// Potentials (V) along a wire that is driven with 1 V, with conductances (S) to ground at its nodes, the
/// nearest first: a continued fraction.
fn ladder(loads: impl DoubleEndedIterator<Item = f64>, wire: f64) -> Vec<f64> {
    let mut seen: Vec<f64> = Vec::new();
    let mut beyond = 0.0;
    for load in loads.rev() {
        beyond = load + beyond / (1.0 + wire * beyond);
        seen.push(beyond);
    }
    let mut potential = 1.0;
    let down = |admittance: f64| {
        potential /= 1.0 + wire * admittance;
        potential
    };
    seen.into_iter().rev().map(down).collect()
}
