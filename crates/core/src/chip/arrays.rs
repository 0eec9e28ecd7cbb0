//! Weights as conductances of two arrays, and what wires leave of them.

use crate::device::crossbar;
use crate::matrix::{Matrix, Real};
use crate::spec::CrossbarSpec;

/// Cuts weights to what the largest conductance stands for.
pub(super) fn limit<T: Real>(spec: &CrossbarSpec, weights: &mut Matrix<T>) {
    if let Some(most) = spec.weight.map(T::of) {
        weights.iter_mut().for_each(|w| *w = w.max(-most).min(most));
    }
}

/// What the weights `[outputs × inputs]` of a layer come to: cut to the largest conductance and, by the
/// difference of two arrays, after what is lost along their wires.
pub(super) fn carry<T: Real>(spec: &CrossbarSpec, weights: &mut Matrix<T>) {
    limit(spec, weights);
    if spec.wire == 0.0 {
        return;
    }
    let largest = weights.iter().fold(0.0_f64, |most, w| most.max(w.to_f64().abs()));
    let most = spec.weight.unwrap_or(largest);
    if most == 0.0 {
        return;
    }
    let least = spec.on_off.map_or(0.0, |ratio| spec.conductance / ratio);
    let per_weight = (spec.conductance - least) / most;
    let array = |sign: f64| {
        let conductances = weights.map(|w| least + (sign * w.to_f64()).max(0.0) * per_weight);
        crossbar::effective(&conductances, spec.wire, spec.solve)
    };
    let difference = array(1.0) - array(-1.0);
    weights.iter_mut().zip(&difference).for_each(|(w, g)| *w = T::of(g / per_weight));
}
