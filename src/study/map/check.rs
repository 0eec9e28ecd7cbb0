//! A map against integration of a random share of its points.

use rayon::prelude::*;

use super::super::Failure;
use super::evaluator::MapEvaluator;
use super::rows::MapCheck;
use dyadsim_core::analysis::map::{Criterion, Node, RefinedGrid};
use dyadsim_core::random::{Key, Kind, permutation, stream};
use dyadsim_core::solve::Outcome;

/// Points nearer to a border than this share of their settings are not held against the map.
const BAND: f64 = 0.01;

/// Integrates a share of the points, chosen by `seed`, and counts those that the map has right.
///
/// # Errors
/// Those of [`MapEvaluator::evaluate_by`].
pub fn verify(
    evaluator: &MapEvaluator<'_>,
    plane: &RefinedGrid<Node>,
    share: f64,
    seed: u64,
) -> Result<MapCheck, Failure> {
    let (width, height) = plane.shape;
    let points = width * height;
    let count = ((share * points as f64).ceil() as usize).clamp(1, points);
    let mut chosen = permutation(points, &mut stream(Key::new(seed, Kind::Probe)));
    chosen.truncate(count);
    let found = chosen
        .par_iter()
        .map(|&n| evaluator.evaluate_by((n % width, n / width), Criterion::Integration, None));
    let found = found.collect::<Result<Vec<Node>, Failure>>()?;
    let representatives = plane.representatives();
    let at = |n: usize| plane.at(representatives[n]);
    let classes = |of: &dyn Fn(&Node) -> u8| (0..points).map(|n| at(n).map_or(0, of)).collect::<Vec<u8>>();
    let fates = classes(&|node| node.outcome().map_or(0, |fate| 1 + fate as u8));
    let stable = classes(&|node| u8::from(node.is_stable()));
    let bands = (band(&evaluator.xs), band(&evaluator.ys));
    let away = |map: &[u8], n: usize| !near_border(map, width, &bands, n);
    let pairs = || chosen.iter().copied().zip(&found);
    let same_fate = |&(n, node): &(usize, &Node)| at(n).and_then(Node::outcome) == node.outcome();
    let same_verdict = |&(n, node): &(usize, &Node)| {
        at(n).is_some_and(Node::is_stable) == node.outcome().is_some_and(Outcome::is_settled)
    };
    let integrated = evaluator.by != Criterion::Eigenvalues;
    let judged = evaluator.by != Criterion::Integration;
    Ok(MapCheck {
        seed,
        points: count,
        away: pairs().filter(|&(n, _)| away(&fates, n)).count(),
        outcome_agrees: integrated
            .then(|| pairs().filter(|&(n, _)| away(&fates, n)).filter(same_fate).count()),
        outcome_agrees_everywhere: integrated.then(|| pairs().filter(same_fate).count()),
        away_from_threshold: if judged { pairs().filter(|&(n, _)| away(&stable, n)).count() } else { 0 },
        verdict_agrees: judged
            .then(|| pairs().filter(|&(n, _)| away(&stable, n)).filter(same_verdict).count()),
    })
}

/// First and last index of what is near, for every index of an axis.
type Band = Vec<(usize, usize)>;

/// For every index of an axis, the first and the last that are within the band, or next to it.
fn band(values: &[f64]) -> Band {
    let last = values.len() - 1;
    let near = |n: usize, m: usize| (values[m] - values[n]).abs() <= BAND * values[n].abs();
    let one = |n: usize| {
        let low = (0..n).find(|&m| near(n, m)).unwrap_or(n).min(n.saturating_sub(1));
        let high = (n..=last).rev().find(|&m| near(n, m)).unwrap_or(n).max((n + 1).min(last));
        (low, high)
    };
    (0..values.len()).map(one).collect()
}

/// Whether another class lies within the bands around a point.
fn near_border(map: &[u8], width: usize, bands: &(Band, Band), n: usize) -> bool {
    let (columns, rows) = (bands.0[n % width], bands.1[n / width]);
    (rows.0..=rows.1).any(|j| (columns.0..=columns.1).any(|i| map[j * width + i] != map[n]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_is_one_point_or_one_per_cent_whatever_is_more() {
        assert_eq!(band(&[1.0, 2.0, 3.0]), [(0, 1), (0, 2), (1, 2)]);
        let fine: Vec<f64> = (0..50).map(|n| 1.0 + 0.004 * f64::from(n)).collect();
        let bands = band(&fine);
        // 1 % of 1.1 are 0.011: two spacings of 0.004.
        assert_eq!(bands[25], (23, 27));
        assert_eq!((bands[0].0, bands[49].1), (0, 49));
    }

    #[test]
    fn a_border_is_near_within_the_bands_only() {
        let map: Vec<u8> = (0..25).map(|n| u8::from(n % 5 > 2)).collect();
        let bands = (band(&[1.0, 2.0, 3.0, 4.0, 5.0]), band(&[1.0, 2.0, 3.0, 4.0, 5.0]));
        let near: Vec<bool> = (0..5).map(|i| near_border(&map, 5, &bands, 10 + i)).collect();
        assert_eq!(near, [false, false, true, true, false]);
    }
}
