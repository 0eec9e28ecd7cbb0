//! Learning of feedback synapses: their own dynamics, beside any rule that sends errors through them.
//!
//! A layer's synapses `W` and `F` have the same shape `[n × m]`; `x` `[batch × m]` is what the layer read
//! while the rule made its estimate, `⟨⟩` the mean over the batch. Every term is a loss `R` of the layer
//! alone, and `∂R/∂F` needs what its two crossbars hold and carry:
//!
//! | term | `R` | `∂R/∂F` | what it does |
//! | --- | --- | --- | --- |
//! | `decay` | `‖F‖²` | `2 F` | forgets |
//! | `amp` | `−⟨(F x)·(W x)⟩` | `−⟨(W x) xᵀ⟩` | what goes up comes back the same way |
//! | `null` | `⟨‖Fᵀ W x‖²⟩` | `2 ⟨(W x) (Fᵀ W x)ᵀ⟩` | what comes back is small |
//! | `sparse` | `⟨‖F x‖²⟩` | `2 ⟨(F x) xᵀ⟩` | forgets along what is read |
//! | `self` | `−F·W` | `−W` | copies, for want of a reason why a device should know |
//!
//! With `centred` the mean over the batch is taken off `x` before. With `tie` feedback synapses descend the
//! gradient of the task that the forward ones descend, and these decay, too: of two crossbars that are moved
//! alike and forget, the difference is forgotten (Kolen & Pollack). The first layer of synapses leads to the
//! inputs, to which nothing comes back: its `F` stays as it is.
//!
//! # References
//!
//! Kunin, Nayebi, Sagastuy-Brena, Ganguli, Bloom & Yamins, *Two Routes to Scalable Credit Assignment without
//! Weight Symmetry*, ICML 2020 (the terms, and all rules made of them but Kolen–Pollack); Akrout, Wilson,
//! Humphreys, Lillicrap & Tweed, `NeurIPS` 2019 (weight mirrors; Kolen & Pollack's rule of 1994 in deep
//! nets); Lillicrap, Cownden, Tweed & Akerman, Nature Communications 7, 13276 (2016) (feedback alignment);
//! Liao, Leibo & Poggio, AAAI 2016 (sign symmetry).

use super::Gradient;
use crate::chip::Weights;
use crate::matrix::elementwise::column_sums;
use crate::matrix::product::{Onto, backward, correlate, forward};
use crate::matrix::{Matrix, Real, compiled_once};
use crate::spec::{CircuitSpec, FeedbackLearning, FeedbackSynapses, FeedbackTerms};

/// How the feedback synapses of a circuit learn.
///
/// Sign symmetry sets `F = s sign(W)`, `s = mean |W|`, anew after every update: a synapse knows one bit of
/// its forward one, and one of 0 sends nothing back. `s sign(W)` is nearest to `W`, in least squares, at this
/// `s`, so that errors keep about the size that they have in backpropagation, whatever the width and depth;
/// for normal weights `‖F‖ = √(2/π) ‖W‖`, at 37° to `W`. The paper has `s = 1` ("uniform sign-concordant
/// feedback") and leaves sizes to batch normalisation and to updates by their sign; a circuit has neither.
///
/// Where neurons speak both ways, `F` is among the synapses of the forward rule, which gives their gradient
/// itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FeedbackRule {
    learning: FeedbackLearning,
    /// Whether the rule of the forward synapses is that of these, too.
    by_rule: bool,
}

impl FeedbackRule {
    /// That of a circuit, which is the rule's ([`circuit_of`](super::circuit_of)).
    #[must_use]
    pub fn of(circuit: &CircuitSpec) -> Self {
        let separate = circuit.feedback.synapses == FeedbackSynapses::Separate;
        Self { learning: circuit.feedback.learning, by_rule: separate && circuit.kind().is_recurrent() }
    }

    /// Programs the synapses, where they are programmed; else leaves them as they are. To be done before the
    /// first estimate and after every update.
    pub fn program<T: Real>(self, weights: &mut Weights<T>) {
        let copies: fn(&Matrix<T>) -> Matrix<T> = match self.learning {
            FeedbackLearning::Transport => Matrix::clone,
            FeedbackLearning::SignSymmetry => signs,
            _ => return,
        };
        weights.feedback = Some(weights.forward.iter().map(copies).collect());
    }

    /// Learning rate of the synapses, in units of that of the forward ones; `None` if they descend nothing.
    #[must_use]
    pub fn rate(self) -> Option<f64> {
        if self.by_rule { Some(1.0) } else { self.learning.terms().map(|terms| terms.rate) }
    }

    /// Prepares a gradient for the terms: it has a place for feedback synapses, and asks what layers read.
    pub fn prepare<T: Real>(self, weights: &Weights<T>, gradient: &mut Gradient<T>) {
        let terms = self.learning.terms();
        if self.by_rule || terms.is_some() {
            gradient.feedback = Some(feedback_zeros(weights));
        }
        gradient.inputs = terms.filter(FeedbackTerms::reads_inputs).map(|_| Vec::new());
    }

    /// Completes an estimate of the task's gradient, of `used` samples, by the gradient of the terms.
    ///
    /// # Panics
    /// If a term asks what layers read and the rule has not left it ([`Gradient::keep_inputs`]).
    pub fn complete<T: Real>(self, weights: &Weights<T>, used: usize, gradient: &mut Gradient<T>) {
        compiled_once!(T, Complete, FeedbackRule::complete_on)(self, weights, used, gradient);
    }

    fn complete_on<T: Real>(self, weights: &Weights<T>, used: usize, gradient: &mut Gradient<T>) {
        let (Some(terms), Some(feedback)) = (self.learning.terms(), &weights.feedback) else { return };
        let Gradient { forward: task, feedback: Some(slopes), inputs, .. } = gradient else { return };
        let read = inputs.as_deref();
        assert!(
            read.is_none_or(|read| read.len() + 1 == weights.forward.len()),
            "feedback synapses learn by what layers read, which the rule has not kept (`Gradient::keep_inputs`)"
        );
        for k in 1..weights.forward.len() {
            let layer =
                Layer { w: &weights.forward[k], f: &feedback[k], read: read.map(|x| &x[k - 1]), used };
            layer.descend(&terms, &mut slopes[k]);
            if terms.tie {
                slopes[k] += &task[k];
            }
        }
        if terms.tie {
            let decay = T::of(2.0 * terms.decay);
            for (slope, w) in task.iter_mut().zip(&weights.forward) {
                slope.zip_apply(w, |slope, w| *slope += decay * w);
            }
        }
    }
}

/// [`FeedbackRule::complete`].
type Complete<T> = fn(FeedbackRule, &Weights<T>, usize, &mut Gradient<T>);

/// Zeros with the shapes of feedback synapses, but for the first layer, which has none that learn.
pub(super) fn feedback_zeros<T: Real>(weights: &Weights<T>) -> Vec<Matrix<T>> {
    let shape = |(k, w): (usize, &Matrix<T>)| if k == 0 { (0, 0) } else { w.shape() };
    weights
        .forward
        .iter()
        .enumerate()
        .map(shape)
        .map(|(rows, columns)| Matrix::zeros(rows, columns))
        .collect()
}

/// A layer's synapses, and what it read.
struct Layer<'a, T> {
    w: &'a Matrix<T>,
    f: &'a Matrix<T>,
    read: Option<&'a Matrix<T>>,
    /// Samples that are averaged over; the rows of others are zero.
    used: usize,
}

impl<T: Real> Layer<'_, T> {
    /// `∂R/∂F` of all terms.
    fn descend(&self, terms: &FeedbackTerms, slope: &mut Matrix<T>) {
        let (twice, own) = (T::of(2.0 * terms.decay), T::of(terms.own));
        slope.copy_from(&self.f.zip_map(self.w, |f, w| twice * f - own * w));
        let Some(x) = self.read else { return };
        let each = 1.0 / self.used.max(1) as f64;
        self.add(terms, (x, each), slope);
        if terms.centred {
            // Terms are quadratic in `x`: ⟨(x − m)(x − m)ᵀ⟩ = ⟨x xᵀ⟩ − m mᵀ.
            let mut mean = vec![T::ZERO; x.ncols()];
            column_sums(x.as_slice(), x.nrows(), T::of(each), &mut mean);
            self.add(terms, (&Matrix::from_row_slice(1, mean.len(), &mean), -1.0), slope);
        }
    }

    /// Adds the slopes of terms that ask what the layer reads, over the rows of `x` with a weight each.
    fn add(&self, terms: &FeedbackTerms, (x, weight): (&Matrix<T>, f64), slope: &mut Matrix<T>) {
        let mut add = |factor: f64, post: &Matrix<T>, pre: &Matrix<T>| {
            let scale = T::of(factor * weight);
            correlate(slope.as_view_mut(), Onto::Sum, scale, post.as_view(), pre.as_view());
        };
        if terms.amp != 0.0 || terms.null != 0.0 {
            let up = up(self.w, x);
            if terms.amp != 0.0 {
                add(-terms.amp, &up, x);
            }
            if terms.null != 0.0 {
                let mut back = Matrix::zeros(x.nrows(), x.ncols());
                backward(back.as_view_mut(), Onto::Nothing, up.as_view(), self.f.as_view());
                add(2.0 * terms.null, &up, &back);
            }
        }
        if terms.sparse != 0.0 {
            add(2.0 * terms.sparse, &up(self.f, x), x);
        }
    }
}

/// What crosses some synapses on the way up, `[batch × n]`.
fn up<T: Real>(synapses: &Matrix<T>, x: &Matrix<T>) -> Matrix<T> {
    let mut up = Matrix::zeros(x.nrows(), synapses.nrows());
    forward(up.as_view_mut(), Onto::Nothing, x.as_view(), synapses.as_view());
    up
}

/// `mean |W| · sign(W)`.
fn signs<T: Real>(weights: &Matrix<T>) -> Matrix<T> {
    let sum: f64 = weights.iter().map(|w| w.to_f64().abs()).sum();
    let size = T::of(sum / weights.len().max(1) as f64);
    weights.map(|w| {
        if w > T::ZERO {
            size
        } else if w < T::ZERO {
            -size
        } else {
            T::ZERO
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_have_the_mean_size_and_nothing_comes_of_zero() {
        let found = signs(&Matrix::from_row_slice(2, 2, &[3.0, -1.0, -0.0, 0.0]));
        assert_eq!(found, Matrix::from_row_slice(2, 2, &[1.0, -1.0, 0.0, 0.0]));
    }
}
