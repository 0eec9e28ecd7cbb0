//! A plane of points of which only those near a border are looked at.
//!
//! Coarse points first, along lines, each from what was found at the one before. A rectangle whose known
//! points differ is cut at its middle until it has no points left between its corners; the others take over
//! what their corners have in common. So a plane costs a small multiple of its borders. What lies between
//! coarse points that all agree is not seen: a random sample of the plane tells how much that is.

use std::collections::BTreeMap;

use rayon::prelude::*;

/// A point by its indices along both axes.
pub type GridIndex = (usize, usize);

/// Evaluation of the points of a grid, each from the result at a neighbour.
pub trait Evaluate<N, E>: Sync {
    /// Evaluates a point.
    ///
    /// # Errors
    /// Its own, which end the survey.
    fn evaluate(&self, place: GridIndex, near: Option<&N>) -> Result<N, E>;

    /// Returns whether a border runs between two points.
    fn differs(&self, one: &N, other: &N) -> bool;
}

/// A rectangle between two corners, both of them part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rectangle {
    low: GridIndex,
    high: GridIndex,
}

impl Rectangle {
    /// Middle of a side, if there is a point between its ends.
    fn middle(low: usize, high: usize) -> Option<usize> {
        (high - low > 1).then_some(low + (high - low) / 2)
    }

    /// Indices at which it is cut.
    fn cuts(&self) -> (Option<usize>, Option<usize>) {
        (Self::middle(self.low.0, self.high.0), Self::middle(self.low.1, self.high.1))
    }

    fn corners(&self) -> [GridIndex; 4] {
        let ((i, j), (k, l)) = (self.low, self.high);
        [(i, j), (i, l), (k, j), (k, l)]
    }

    /// Parts behind the cuts.
    fn parts(&self) -> Vec<Self> {
        let sides = |low: usize, high: usize, cut: Option<usize>| match cut {
            Some(middle) => vec![(low, middle), (middle, high)],
            None => vec![(low, high)],
        };
        let (across, up) = self.cuts();
        let columns = sides(self.low.0, self.high.0, across);
        let rows = sides(self.low.1, self.high.1, up);
        let part = |&(i, k): &(usize, usize)| {
            rows.iter().map(move |&(j, l)| Self { low: (i, j), high: (k, l) }).collect::<Vec<_>>()
        };
        columns.iter().flat_map(part).collect()
    }

    /// Corners of its parts.
    fn wanted(&self) -> Vec<GridIndex> {
        self.parts().iter().flat_map(Self::corners).collect()
    }

    /// The corner nearest to a point.
    fn nearest(&self, place: GridIndex) -> GridIndex {
        let distance = |corner: &GridIndex| corner.0.abs_diff(place.0) + corner.1.abs_diff(place.1);
        self.corners().into_iter().min_by_key(distance).unwrap_or(self.low)
    }
}

/// Results on a grid that was refined along borders.
#[derive(Clone, Debug)]
pub struct RefinedGrid<N> {
    /// Points along both axes.
    pub shape: (usize, usize),
    nodes: Vec<Option<N>>,
    rectangles: Vec<Rectangle>,
}

impl<N: Send + Sync> RefinedGrid<N> {
    /// Evaluates a grid of `shape` points, at first every `stride`-th along both axes, and refines it along
    /// borders.
    ///
    /// What is found does not depend on the number of threads: a point starts from a neighbour that is named
    /// by its place.
    ///
    /// # Errors
    /// The first of the survey's.
    pub fn refine<E: Send>(
        shape: (usize, usize),
        stride: usize,
        evaluator: &dyn Evaluate<N, E>,
    ) -> Result<Self, E> {
        let (columns, rows) = (coarse_lines(shape.0, stride), coarse_lines(shape.1, stride));
        let mut plane = Self {
            shape,
            nodes: (0..shape.0 * shape.1).map(|_| None).collect(),
            rectangles: spans(&columns)
                .flat_map(|(i, k)| spans(&rows).map(move |(j, l)| Rectangle { low: (i, j), high: (k, l) }))
                .collect(),
        };
        // Points of a line start from the one before, lines run in parallel: no start depends on threads.
        let chain = |&i: &usize| {
            let mut chain: Vec<(GridIndex, N)> = Vec::new();
            for &j in &rows {
                let found = evaluator.evaluate((i, j), chain.last().map(|(_, node)| node))?;
                chain.push(((i, j), found));
            }
            Ok(chain)
        };
        let chains = columns.par_iter().map(chain).collect::<Result<Vec<_>, E>>()?;
        chains.into_iter().flatten().for_each(|(place, node)| plane.put(place, node));
        while plane.cut(evaluator)? {}
        Ok(plane)
    }

    /// Cuts every rectangle through which a border runs; whether there was one.
    fn cut<E: Send>(&mut self, evaluator: &dyn Evaluate<N, E>) -> Result<bool, E> {
        let crossed = |r: &Rectangle| r.cuts() != (None, None) && self.is_crossed(r, evaluator);
        let (crossed, rest): (Vec<Rectangle>, Vec<Rectangle>) =
            self.rectangles.iter().copied().partition(|r| crossed(r));
        if crossed.is_empty() {
            return Ok(false);
        }
        // Rectangles share sides: a point is evaluated once, near the first rectangle that wants it.
        let mut wanted = BTreeMap::new();
        for rectangle in &crossed {
            for place in rectangle.wanted().into_iter().filter(|&place| self.at(place).is_none()) {
                wanted.entry(place).or_insert_with(|| rectangle.nearest(place));
            }
        }
        let evaluate = |(&place, &near): (&GridIndex, &GridIndex)| {
            Ok((place, evaluator.evaluate(place, self.at(near))?))
        };
        let found = wanted.par_iter().map(evaluate).collect::<Result<Vec<_>, E>>()?;
        found.into_iter().for_each(|(place, node)| self.put(place, node));
        // Those not crossed stay and are asked again: cuts next to them leave new points on their sides.
        self.rectangles = rest;
        self.rectangles.extend(crossed.iter().flat_map(Rectangle::parts));
        Ok(true)
    }

    /// Returns whether known points of a rectangle differ.
    fn is_crossed<E>(&self, rectangle: &Rectangle, evaluator: &dyn Evaluate<N, E>) -> bool {
        let Some(first) = self.at(rectangle.low) else { return false };
        let ((i, j), (k, l)) = (rectangle.low, rectangle.high);
        // Inside there is no point as long as the rectangle is uncut; neighbours' cuts reach only the sides.
        let sides = (i..=k).flat_map(|c| [(c, j), (c, l)]).chain((j..=l).flat_map(|r| [(i, r), (k, r)]));
        sides.filter_map(|place| self.at(place)).any(|node| evaluator.differs(first, node))
    }
}

impl<N> RefinedGrid<N> {
    fn put(&mut self, (i, j): GridIndex, node: N) {
        self.nodes[j * self.shape.0 + i] = Some(node);
    }

    /// Result at a point, if it was evaluated.
    #[must_use]
    pub fn at(&self, (i, j): GridIndex) -> Option<&N> {
        self.nodes[j * self.shape.0 + i].as_ref()
    }

    /// Number of points that were evaluated.
    #[must_use]
    pub fn looked_at(&self) -> usize {
        self.nodes.iter().flatten().count()
    }

    /// Evaluated point that stands for each point (the first axis runs fastest), itself if it was evaluated.
    #[must_use]
    pub fn representatives(&self) -> Vec<GridIndex> {
        let mut representatives = vec![(0, 0); self.nodes.len()];
        // Corners of a rectangle that is not crossed agree: any of them stands for the points between.
        for Rectangle { low, high } in &self.rectangles {
            for j in low.1..=high.1 {
                representatives[j * self.shape.0 + low.0..=j * self.shape.0 + high.0].fill(*low);
            }
        }
        for (index, node) in self.nodes.iter().enumerate() {
            if node.is_some() {
                representatives[index] = (index % self.shape.0, index / self.shape.0);
            }
        }
        representatives
    }

    /// Value of `of` at every point, bilinear between evaluated ones; NaN where a corner has none.
    #[must_use]
    pub fn field(&self, of: impl Fn(&N) -> Option<f64>) -> Vec<f64> {
        let value = |place| self.at(place).and_then(&of).unwrap_or(f64::NAN);
        let mut field = vec![f64::NAN; self.nodes.len()];
        for Rectangle { low: (i, j), high: (k, l) } in self.rectangles.iter().copied() {
            let [a, b, c, d] = [(i, j), (i, l), (k, j), (k, l)].map(value);
            for row in j..=l {
                // An axis of one value makes rectangles without height, or without width below.
                let up = if l > j { (row - j) as f64 / (l - j) as f64 } else { 0.0 };
                for column in i..=k {
                    let across = if k > i { (column - i) as f64 / (k - i) as f64 } else { 0.0 };
                    let (left, right) = (a + up * (b - a), c + up * (d - c));
                    field[row * self.shape.0 + column] = left + across * (right - left);
                }
            }
        }
        for (index, node) in self.nodes.iter().enumerate() {
            if let Some(node) = node {
                field[index] = of(node).unwrap_or(f64::NAN);
            }
        }
        field
    }
}

/// Every `stride`-th of `count` indices, and the last.
fn coarse_lines(count: usize, stride: usize) -> Vec<usize> {
    let mut lines: Vec<usize> = (0..count).step_by(stride.max(1)).collect();
    // Without the last index a strip of up to `stride - 1` points would belong to no rectangle.
    if lines.last() != Some(&(count - 1)) {
        lines.push(count - 1);
    }
    lines
}

/// Neighbouring lines; a single one is its own neighbour.
fn spans(lines: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    let single = (lines.len() == 1).then(|| (lines[0], lines[0]));
    lines.windows(2).map(|pair| (pair[0], pair[1])).chain(single)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Inside or outside a shape.
    struct Shape<F>(F, AtomicUsize);

    impl<F: Fn(f64, f64) -> bool + Sync> Evaluate<bool, ()> for Shape<F> {
        fn evaluate(&self, (i, j): GridIndex, _: Option<&bool>) -> Result<bool, ()> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Ok((self.0)(i as f64, j as f64))
        }

        fn differs(&self, one: &bool, other: &bool) -> bool {
            one != other
        }
    }

    type Inside<'a> = &'a (dyn Fn(f64, f64) -> bool + Sync);

    fn wrong(
        shape: (usize, usize),
        stride: usize,
        inside: impl Fn(f64, f64) -> bool + Sync,
    ) -> (usize, usize) {
        let evaluator = Shape(&inside, AtomicUsize::new(0));
        let plane = RefinedGrid::refine(shape, stride, &evaluator).unwrap();
        let representatives = plane.representatives();
        let wrong = (0..shape.0 * shape.1).filter(|&index| {
            let speaks = *plane.at(representatives[index]).unwrap();
            speaks != inside((index % shape.0) as f64, (index / shape.0) as f64)
        });
        assert_eq!(plane.looked_at(), evaluator.1.load(Ordering::Relaxed), "no point is looked at twice");
        (wrong.count(), plane.looked_at())
    }

    #[test]
    fn shapes_wider_than_the_stride_come_out_to_the_last_point_at_a_multiple_of_their_border() {
        // Lengths of borders in points: 200; 400; 2π 60; the hyperbola and both arms of a V, some 200 to 600
        // each.
        let cases: [(&str, Inside<'_>, f64); 5] = [
            ("half plane", &|x, _| x < 70.3, 200.0),
            ("slope", &|x, y| y < 0.3 * x + 41.0, 260.0),
            ("disc", &|x, y| (x - 90.0).hypot(y - 110.0) < 60.0, 480.0),
            ("hyperbola", &|x, y| x * y < 4000.0, 360.0),
            ("corner", &|x, y| x > 35.0 && y > 77.0, 290.0),
        ];
        for (name, inside, border) in cases {
            let (wrong, looked) = wrong((200, 200), 13, inside);
            assert_eq!(wrong, 0, "{name}");
            // Coarse points: 17². A border point costs at most the two sides of the border and the halvings
            // above it.
            let most = 289.0 + 6.0 * border;
            assert!((looked as f64) < most, "{name}: {looked} of {most}");
        }
    }

    #[test]
    fn a_plane_of_one_line_and_one_of_two_points_work() {
        assert_eq!(wrong((1, 50), 8, |_, y| y < 20.5), (0, 8 + 3));
        assert_eq!(wrong((2, 2), 8, |x, y| x + y > 1.5).0, 0);
        assert_eq!(wrong((1, 1), 8, |_, _| true), (0, 1));
    }

    #[test]
    fn what_slips_between_coarse_points_is_missed_and_nothing_else() {
        let (missed, _) = wrong((100, 100), 20, |x, y| (x - 50.0).hypot(y - 50.0) < 6.0);
        assert_eq!(missed, 109, "the disc lies between the lines at 40 and 60");
    }

    #[test]
    fn a_field_is_exact_at_its_points_and_straight_between_them() {
        struct Hill;
        impl Evaluate<f64, ()> for Hill {
            fn evaluate(&self, (i, j): GridIndex, _: Option<&f64>) -> Result<f64, ()> {
                Ok(2.0 * i as f64 - 3.0 * j as f64)
            }
            fn differs(&self, one: &f64, other: &f64) -> bool {
                (*one > 10.0) != (*other > 10.0)
            }
        }
        let plane = RefinedGrid::refine((40, 30), 7, &Hill).unwrap();
        for (index, value) in plane.field(|v| Some(*v)).into_iter().enumerate() {
            let exact = 2.0 * (index % 40) as f64 - 3.0 * (index / 40) as f64;
            assert!((value - exact).abs() < 1e-12, "{index}: {value} {exact}"); // rounding
        }
    }
}
