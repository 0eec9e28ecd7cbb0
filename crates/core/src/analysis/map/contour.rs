//! Lines of equal height by marching squares (Lorensen & Cline 1987, in two dimensions).
//!
//! Squares with a height that is not a number have no line. In a saddle the mean of the corners decides which
//! ones belong together.

/// A polyline in fractional indices of the two axes.
pub type Line = Vec<(f64, f64)>;

/// An edge of the grid: its lower end, and whether it runs along the second axis.
type Edge = (usize, usize, bool);

/// Lines on which `heights` (the first axis runs fastest, `shape` points) is `level`.
#[must_use]
pub fn contour(heights: &[f64], shape: (usize, usize), level: f64) -> Vec<Line> {
    let grid = Grid { heights, shape, level };
    let mut pieces: Vec<(Edge, Edge)> = Vec::new();
    for j in 0..shape.1.saturating_sub(1) {
        for i in 0..shape.0.saturating_sub(1) {
            pieces.extend(grid.pieces(i, j));
        }
    }
    chain(&pieces)
        .into_iter()
        .map(|line| line.into_iter().map(|edge| grid.crossing(edge)).collect())
        .collect()
}

struct Grid<'a> {
    heights: &'a [f64],
    shape: (usize, usize),
    level: f64,
}

impl Grid<'_> {
    /// Height above the level.
    fn above(&self, i: usize, j: usize) -> f64 {
        self.heights[j * self.shape.0 + i] - self.level
    }

    /// Pieces of line through the square whose lower corner is a point.
    fn pieces(&self, i: usize, j: usize) -> Vec<(Edge, Edge)> {
        let corners =
            [self.above(i, j), self.above(i + 1, j), self.above(i + 1, j + 1), self.above(i, j + 1)];
        if corners.iter().any(|height| height.is_nan()) {
            return Vec::new();
        }
        // Edges in the order of the corners at which they begin, counter-clockwise.
        let edges = [(i, j, false), (i + 1, j, true), (i, j + 1, false), (i, j, true)];
        let up = corners.map(|height| height > 0.0);
        let crossed: Vec<Edge> = (0..4).filter(|&c| up[c] != up[(c + 1) % 4]).map(|c| edges[c]).collect();
        match crossed[..] {
            [a, b] => vec![(a, b)],
            [a, b, c, d] => {
                // Corners 0 and 2 against 1 and 3. Cut off the corners that the middle does not side with.
                let middle = corners.iter().sum::<f64>() > 0.0;
                if middle == up[0] { vec![(a, b), (c, d)] } else { vec![(d, a), (b, c)] }
            }
            _ => Vec::new(),
        }
    }

    /// Where the line crosses an edge.
    fn crossing(&self, (i, j, up): Edge) -> (f64, f64) {
        let (a, b) = (self.above(i, j), if up { self.above(i, j + 1) } else { self.above(i + 1, j) });
        let part = if a.is_finite() && b.is_finite() { a / (a - b) } else { 0.5 };
        let (i, j) = (i as f64, j as f64);
        if up { (i, j + part) } else { (i + part, j) }
    }
}

/// Joins pieces that share an edge to lines, as long as they get; in the order of the pieces.
fn chain(pieces: &[(Edge, Edge)]) -> Vec<Vec<Edge>> {
    use std::collections::BTreeMap;
    let mut at: BTreeMap<Edge, Vec<usize>> = BTreeMap::new();
    for (n, &(a, b)) in pieces.iter().enumerate() {
        at.entry(a).or_default().push(n);
        at.entry(b).or_default().push(n);
    }
    let mut used = vec![false; pieces.len()];
    let follow = |line: &mut Vec<Edge>, used: &mut Vec<bool>| {
        while let Some(&end) = line.last() {
            let next = at.get(&end).and_then(|list| list.iter().copied().find(|&n| !used[n]));
            let Some(n) = next else { break };
            used[n] = true;
            line.push(if pieces[n].0 == end { pieces[n].1 } else { pieces[n].0 });
        }
    };
    let mut lines = Vec::new();
    for n in 0..pieces.len() {
        if used[n] {
            continue;
        }
        used[n] = true;
        let mut line = vec![pieces[n].0, pieces[n].1];
        follow(&mut line, &mut used);
        line.reverse();
        follow(&mut line, &mut used);
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heights(shape: (usize, usize), of: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        (0..shape.0 * shape.1).map(|n| of((n % shape.0) as f64, (n / shape.0) as f64)).collect()
    }

    #[test]
    fn a_straight_slope_has_one_straight_line() {
        let lines = contour(&heights((9, 7), |x, y| x + 2.0 * y), (9, 7), 7.25);
        assert_eq!(lines.len(), 1);
        for (x, y) in &lines[0] {
            assert!((x + 2.0 * y - 7.25).abs() < 1e-12);
        }
        assert!(lines[0].len() > 6);
    }

    #[test]
    fn a_hill_has_a_closed_line_around_it() {
        let shape = (40, 40);
        let lines = contour(&heights(shape, |x, y| (x - 20.0).hypot(y - 19.0)), shape, 11.3);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].first(), lines[0].last());
        for (x, y) in &lines[0] {
            // Linear interpolation of a distance r over an edge of length 1 errs by less than 1/(8 r).
            assert!(((x - 20.0).hypot(y - 19.0) - 11.3).abs() < 1.0 / (8.0 * 10.3));
        }
    }

    #[test]
    fn two_hills_have_two_lines_and_holes_have_none() {
        let shape = (30, 20);
        let two = heights(shape, |x, y| (x - 7.0).hypot(y - 9.0).min((x - 22.0).hypot(y - 10.0)));
        assert_eq!(contour(&two, shape, 4.5).len(), 2);
        let mut holed = two;
        holed.iter_mut().enumerate().filter(|(n, _)| n % 30 > 14).for_each(|(_, h)| *h = f64::NAN);
        assert_eq!(contour(&holed, shape, 4.5).len(), 1);
    }
}
