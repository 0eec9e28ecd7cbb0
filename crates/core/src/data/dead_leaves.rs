//! `dead-leaves`: patches of pictures of discs that lie upon each other, a model of natural images.
//!
//! Discs of radius `r` with density `∝ r⁻³` and an even grey cover each other until nothing of the ground is
//! seen: edges that occlude, and nearly the spectrum of photographs (Lee, Mumford & Huang, Int. J. Comput.
//! Vision 41, 35 (2001)). Eight pictures of 256 x 256 pixels, each the mean of 2 x 2 points; radii from 2 to
//! 64 pixels. Philox, key `split_seed`, streams 0 to 7.

use rand::RngExt as _;

use super::patches::{self, Picture};
use super::{DataError, Entry, Parts, PathUse, Request};
use crate::random::{Stream, generator};

const PICTURES: u64 = 8;
/// Points along a side of a picture; a pixel is the mean of 2 x 2.
const POINTS: usize = 512;
/// Least and greatest radius (points).
const RADII: (f64, f64) = (4.0, 128.0);
/// Patches of a picture, for training and for testing.
const PATCHES: (usize, usize) = (2500, 250);
/// Darkest leaf, of 255: the ground of a photograph is not black either.
const DARKEST: f64 = 16.0;

pub(super) const ENTRY: Entry = Entry {
    name: "dead-leaves",
    summary: "discs upon discs, patches of 16 x 16 inputs of 256 levels, from 8 pictures, 20000 + 2000, generated \
              from split_seed",
    about: "after A. B. Lee, D. Mumford & J. Huang 2001 (doi 10.1023/A:1011109015675); generated",
    embedded: true,
    path: PathUse::None,
    seeded: true,
    command: None,
    read,
};

fn read(request: &Request) -> Result<Parts, DataError> {
    let pictures: Vec<Picture> =
        (0..PICTURES).map(|number| picture(generator(request.split_seed, number))).collect();
    patches::cut(&pictures, PATCHES, request.split_seed)
}

/// Lays leaves from the uppermost down: a point keeps the first that covers it.
fn picture(mut source: Stream) -> Picture {
    let mut between = |low: f64, high: f64| low + (high - low) * source.random::<f64>();
    let most = RADII.1;
    let mut points = vec![0.0; POINTS * POINTS];
    let mut bare = points.len();
    while bare > 0 {
        let radius = radius(between(0.0, 1.0));
        let [x, y] = [0, 1].map(|_| between(-most, POINTS as f64 + most));
        let grey = between(DARKEST, 255.0);
        let rows = |centre: f64| {
            let end = |at: f64| at.clamp(0.0, POINTS as f64) as usize;
            end((centre - radius).ceil())..end(centre + radius + 1.0)
        };
        for row in rows(y) {
            for column in rows(x) {
                let point = &mut points[row * POINTS + column];
                if *point == 0.0 && (row as f64 - y).hypot(column as f64 - x) <= radius {
                    *point = grey;
                    bare -= 1;
                }
            }
        }
    }
    pooled(&points)
}

/// The radius that a share `u` of the leaves exceeds not: the inverse of the distribution.
fn radius(u: f64) -> f64 {
    let [least, most] = [RADII.0, RADII.1].map(|r| r.powi(-2));
    (least + u * (most - least)).sqrt().recip()
}

/// Means of 2 x 2 points, as codes.
fn pooled(points: &[f64]) -> Picture {
    let side = POINTS / 2;
    let mean = |k: usize| {
        let corner = 2 * (k / side) * POINTS + 2 * (k % side);
        let sum = points[corner] + points[corner + 1] + points[corner + POINTS] + points[corner + POINTS + 1];
        (0.25 * sum).round() as u8
    };
    Picture { width: side, height: side, grey: (0..side * side).map(mean).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_covered_and_made_of_flat_pieces_with_edges() {
        let picture = picture(generator(1, 0));
        assert!(picture.grey.iter().all(|&grey| f64::from(grey) >= DARKEST));
        let pairs = picture.grey.chunks_exact(256).flat_map(|row| row.windows(2));
        let steps: Vec<u8> = pairs.map(|pair| pair[0].abs_diff(pair[1])).collect();
        let share = |of: &dyn Fn(u8) -> bool| {
            steps.iter().filter(|step| of(**step)).count() as f64 / steps.len() as f64
        };
        // Most neighbours are of one leaf; noise of the same spectrum would have steps of every size.
        assert!(share(&|step| step == 0) > 0.5 && share(&|step| step > 40) > 0.05);
    }

    #[test]
    fn radii_have_the_density_of_their_inverse_cube() {
        // Σ r⁻³ in fine steps up to the radius, over the whole: the midpoint rule errs by less than 1e-6.
        let steps = 100_000;
        let step = (RADII.1 - RADII.0) / f64::from(steps);
        let sum = |to: f64| -> f64 {
            (0..steps)
                .map(|k| RADII.0 + (f64::from(k) + 0.5) * step)
                .filter(|r| *r < to)
                .map(|r| r.powi(-3))
                .sum()
        };
        for u in [0.1, 0.5, 0.9, 0.99] {
            // A step of the sum is at most 4⁻³ of 1/32 over step.
            assert!((sum(radius(u)) / sum(f64::INFINITY) - u).abs() < 1e-3, "{u}");
        }
        assert_eq!((radius(0.0), radius(1.0)), RADII);
    }
}
