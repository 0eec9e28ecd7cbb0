//! Curves through points as expressions: the cubic of each piece, found by halving.

use dyadsim_core::curve::{Cubic, Curve};

use super::name::literal;

/// A curve of `z`, an expression without operators.
pub(super) fn pieces(curve: Curve, z: &str) -> String {
    let cubics: Vec<Cubic> = curve.cubics().collect();
    let (low, high) = curve.range();
    let (first, last) = curve.end_slopes();
    let ends = [(low, curve.value(low), first), (high, curve.value(high), last)];
    let [below, above] = ends.map(|(at, value, slope)| straight(z, at, value, slope));
    let between = halved(&cubics, z);
    format!("(({z}<{}) ? {below} : (({z}<{}) ? {between} : {above}))", literal(low), literal(high))
}

/// The pieces between two points, the half that `z` lies in first.
fn halved(cubics: &[Cubic], z: &str) -> String {
    match cubics {
        [] => String::new(),
        [Cubic { from, coefficients: [c0, c1, c2, c3] }] => {
            let t = shifted(z, *from);
            let [c0, c1, c2, c3] = [c0, c1, c2, c3].map(|c| literal(*c));
            format!("({c0}+{t}*({c1}+{t}*({c2}+{t}*({c3}))))")
        }
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            let at = literal(right[0].from);
            format!("(({z}<{at}) ? {} : {})", halved(left, z), halved(right, z))
        }
    }
}

fn straight(z: &str, at: f64, value: f64, slope: f64) -> String {
    format!("({}+({})*{})", literal(value), literal(slope), shifted(z, at))
}

fn shifted(z: &str, at: f64) -> String {
    format!("({z}-({}))", literal(at))
}
