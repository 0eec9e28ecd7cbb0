//! Nonlinear Hebbian learning: `Δw = η ⟨x f(w·x)⟩` under a constraint on the weights.
//!
//! Brito & Gerstner (2016), doi 10.1371/journal.pcbi.1005070. With `‖w‖ = 1` the rule ascends `⟨F(w·x)⟩`,
//! `F′ = f`, on the unit sphere: on white inputs a projection pursuit (Hyvärinen & Oja, Neural Networks 13,
//! 411 (2000)). Many units are kept apart by symmetric decorrelation, `W ← (W Wᵀ)^{−½} W`, which is the
//! nearest matrix with orthonormal rows.

use nalgebra::SymmetricEigen;
use rand_distr::{Distribution, StandardNormal};

use super::{Nonlinearity, Reading};
use crate::matrix::product::{self, Onto};
use crate::matrix::{Matrix, select_rows};
use crate::random::{Key, Kind, permutation, stream};

/// What holds the weights of the units in bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// Every unit has `‖w‖ = 1` and knows of no other.
    Norm,
    /// Rows of `W` are orthonormal, by symmetric decorrelation; there are no more units than inputs.
    Decorrelated,
}

/// Units that learn.
#[derive(Clone, Debug)]
pub struct Hebbian {
    /// Weights `[units × inputs]`, as they are programmed.
    pub weights: Matrix<f64>,
    /// The function that inputs are correlated with.
    pub nonlinearity: Nonlinearity,
    /// What holds the weights in bounds.
    pub constraint: Constraint,
    /// Learning rate `η`.
    pub rate: f64,
    /// Devices between the potential of a unit and the rule.
    pub reading: Reading,
}

impl Hebbian {
    /// Draws initial weights: normal numbers of the stream `Weights` of `seed`, a layer in sequence, brought
    /// under the constraint.
    ///
    /// # Panics
    /// If more units are to be decorrelated than there are inputs.
    #[must_use]
    pub fn new(
        (units, inputs): (usize, usize),
        nonlinearity: Nonlinearity,
        constraint: Constraint,
        reading: Reading,
        seed: u64,
    ) -> Self {
        assert!(constraint == Constraint::Norm || units <= inputs, "{units} rows of {inputs} numbers");
        let mut source = stream(Key::new(seed, Kind::Weights));
        let drawn: Vec<f64> = (0..units * inputs).map(|_| StandardNormal.sample(&mut source)).collect();
        let mut weights = Matrix::from_row_slice(units, inputs, &drawn);
        constrain(&mut weights, constraint);
        Self { weights, nonlinearity, constraint, rate: 1.0, reading }
    }

    /// One update by a batch `[samples × inputs]`, the `step`-th, which names the noise of its readings.
    /// Returns the mean of `F` over samples and units, before the update.
    pub fn update(&mut self, batch: &Matrix<f64>, step: u32) -> f64 {
        let mut potentials = self.reading.potentials(&self.weights, batch, step);
        let count = potentials.len() as f64;
        let objective = potentials.iter().map(|&u| self.nonlinearity.integral(u)).sum::<f64>() / count;
        potentials.apply(|u| *u = self.nonlinearity.of(*u));
        let scale = self.rate / batch.nrows() as f64;
        let weights = self.weights.as_view_mut();
        product::correlate(weights, Onto::Sum, scale, potentials.as_view(), batch.as_view());
        constrain(&mut self.weights, self.constraint);
        objective
    }

    /// Learns from `batches` batches of `size` rows of `inputs`, drawn without replacement by the stream
    /// `BatchOrder` of `seed`, in a new order as often as all were used; `heard` hears the number of each
    /// update, the objective before it and the units after it.
    pub fn learn(
        &mut self,
        inputs: &Matrix<f64>,
        (batches, size): (usize, usize),
        seed: u64,
        heard: &mut dyn FnMut(usize, f64, &Self),
    ) {
        let size = size.clamp(1, inputs.nrows().max(1));
        let per_round = (inputs.nrows() / size).max(1);
        let mut order = Vec::new();
        for batch in 0..batches {
            let (round, place) = (batch / per_round, batch % per_round);
            if place == 0 {
                let key = Key::new(seed, Kind::BatchOrder).step(round as u32);
                order = permutation(inputs.nrows(), &mut stream(key));
            }
            let rows = &order[place * size..(place + 1) * size];
            let objective = self.update(&select_rows(inputs, rows), batch as u32);
            heard(batch + 1, objective, self);
        }
    }
}

/// Brings weights `[units × inputs]` under a constraint.
fn constrain(weights: &mut Matrix<f64>, constraint: Constraint) {
    for mut row in weights.row_iter_mut() {
        let norm = row.norm();
        if norm > 0.0 {
            row /= norm;
        }
    }
    if constraint == Constraint::Decorrelated {
        *weights = decorrelated(weights);
    }
}

/// `(W Wᵀ)^{−½} W` by the eigenvectors of `W Wᵀ`; directions that no row has are left out.
fn decorrelated(weights: &Matrix<f64>) -> Matrix<f64> {
    let gram = product_of(weights, weights);
    let SymmetricEigen { eigenvectors, eigenvalues } = gram.symmetric_eigen();
    let least = eigenvalues.amax() * f64::EPSILON * weights.nrows() as f64;
    let mut scaled = eigenvectors.clone();
    for (mut column, value) in scaled.column_iter_mut().zip(&eigenvalues) {
        column *= if *value > least { value.sqrt().recip() } else { 0.0 };
    }
    let root = product_of(&scaled, &eigenvectors);
    let mut out = Matrix::zeros(weights.nrows(), weights.ncols());
    product::backward(out.as_view_mut(), Onto::Nothing, root.as_view(), weights.as_view());
    out
}

/// `a bᵀ`.
fn product_of(a: &Matrix<f64>, b: &Matrix<f64>) -> Matrix<f64> {
    let mut out = Matrix::zeros(a.nrows(), b.nrows());
    product::forward(out.as_view_mut(), Onto::Nothing, a.as_view(), b.as_view());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(units: usize, inputs: usize, seed: u64) -> Hebbian {
        let cube = Nonlinearity::Cube;
        Hebbian::new((units, inputs), cube, Constraint::Norm, Reading::exact(units), seed)
    }

    #[test]
    fn decorrelated_rows_are_orthonormal_and_the_nearest_such() {
        let weights = drawn(7, 12, 3).weights;
        let found = decorrelated(&weights);
        let gram = &found * found.transpose();
        // Norms of rows are 1: errors grow with the condition of W Wᵀ, which is below 100 here.
        assert!((gram - Matrix::identity(7, 7)).amax() < 1e-13);
        // The nearest orthonormal rows are U Vᵀ of the singular value decomposition (Higham 1986).
        let svd = weights.clone().svd(true, true);
        let nearest = svd.u.unwrap() * svd.v_t.unwrap();
        assert!((found - nearest).amax() < 1e-13);
    }

    #[test]
    fn an_update_is_the_rule_in_plain_loops() {
        let mut units = drawn(2, 3, 1);
        units.rate = 0.7;
        let (before, batch) = (units.weights.clone(), drawn(5, 3, 2).weights);
        let objective = units.update(&batch, 0);
        let mut sum = 0.0;
        for unit in 0..2 {
            let mut expected = [0, 1, 2].map(|i| before[(unit, i)]);
            for sample in 0..5 {
                let u: f64 = (0..3).map(|i| before[(unit, i)] * batch[(sample, i)]).sum();
                sum += u.powi(4) / 4.0 / 10.0;
                for (i, w) in expected.iter_mut().enumerate() {
                    *w += 0.7 / 5.0 * u.powi(3) * batch[(sample, i)];
                }
            }
            let norm = expected.iter().map(|w| w * w).sum::<f64>().sqrt();
            for (i, w) in expected.iter().enumerate() {
                assert!((units.weights[(unit, i)] - w / norm).abs() < 1e-15);
            }
        }
        assert!((objective - sum).abs() < 1e-15);
    }

    #[test]
    fn a_round_shows_every_sample_once() {
        // Inputs that are unit vectors tell by the update which of them were shown.
        let inputs = Matrix::<f64>::identity(6, 6);
        let mut units =
            Hebbian { weights: Matrix::from_element(1, 6, 6f64.sqrt().recip()), ..drawn(1, 6, 1) };
        let (mut shown, mut last) = (vec![0; 6], units.weights.clone());
        units.learn(&inputs, (6, 2), 9, &mut |_, _, now| {
            let grown = (0..6).filter(|&i| now.weights[(0, i)] > last[(0, i)]);
            grown.for_each(|i| shown[i] += 1);
            last = now.weights.clone();
        });
        assert_eq!(shown, [2; 6]);
    }
}
