//! State and weight matrices, and the kernels that work on whole ones.
//!
//! Matrices are nalgebra's, column-major; a state matrix is `[batch × neurons]`, so each neuron's samples
//! lie together. This is the only room that names `multiversion` (in
//! [`dispatch`]). Views have unit row stride by type: nalgebra 0.34 reads out of bounds on others (its
//! issue 1616), so nothing here makes one; nor does a product of two matrices run through nalgebra,
//! whose bits depend on the batch.

pub(crate) mod dispatch;
pub(crate) mod elementary;
pub mod elementwise;
mod kernel;
mod lanes;
pub mod measure;
pub(crate) mod moved;
pub mod product;
pub(crate) mod precision;
mod real;
mod tile;

pub(crate) use precision::compiled_once;
pub use real::Real;

/// A column-major matrix that owns its elements.
pub type Matrix<T> = nalgebra::DMatrix<T>;

/// A borrowed block of a matrix, row stride 1, any column stride.
pub type View<'a, T> = nalgebra::DMatrixView<'a, T>;

/// A mutably borrowed block of a matrix, row stride 1, any column stride.
pub type ViewMut<'a, T> = nalgebra::DMatrixViewMut<'a, T>;

/// Some rows of a matrix, column by column: nalgebra's `select_rows` goes by rows, across the memory.
///
/// # Panics
///
/// If a row is not there.
#[must_use]
pub fn select_rows<T: Real>(matrix: &Matrix<T>, rows: &[usize]) -> Matrix<T> {
    Matrix::from_vec(rows.len(), matrix.ncols(), rows_of(matrix.as_slice(), matrix.nrows(), rows))
}

/// The same of columns of `height` values, one after the other.
///
/// # Panics
///
/// If a row is not there.
#[must_use]
pub fn rows_of<T: Copy>(values: &[T], height: usize, rows: &[usize]) -> Vec<T> {
    let mut some = Vec::with_capacity(rows.len() * values.len() / height.max(1));
    for column in values.chunks_exact(height.max(1)) {
        some.extend(rows.iter().map(|&row| column[row]));
    }
    some
}

/// Copies rows of one matrix to rows of another, `(from, to)` each, column by column.
///
/// # Panics
///
/// If a row is not there, or the columns differ in number.
pub fn copy_rows<T: Real>(from: &Matrix<T>, to: &mut Matrix<T>, rows: &[(usize, usize)]) {
    assert_eq!(from.ncols(), to.ncols(), "columns differ in number");
    let (height, other) = (from.nrows().max(1), to.nrows().max(1));
    for (from, to) in from.as_slice().chunks_exact(height).zip(to.as_mut_slice().chunks_exact_mut(other)) {
        for &(i, j) in rows {
            to[j] = from[i];
        }
    }
}
