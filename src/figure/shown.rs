//! Panels that have something to show: no empty line or column of them is drawn.

/// Panels of a grid without the lines and columns in which none has something to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Lines that are left, as numbers of the grid's.
    pub lines: Vec<usize>,
    /// Columns that are left, as numbers of the grid's.
    pub columns: Vec<usize>,
}

impl Shown {
    /// Of a grid of `lines × columns` panels of which those that `has` names have something to show; `None`
    /// if none has.
    #[must_use]
    pub fn of((lines, columns): (usize, usize), has: impl Fn(usize, usize) -> bool) -> Option<Self> {
        let lines: Vec<usize> =
            (0..lines).filter(|line| (0..columns).any(|column| has(*line, column))).collect();
        let columns = (0..columns).filter(|column| lines.iter().any(|line| has(*line, *column))).collect();
        (!lines.is_empty()).then_some(Self { lines, columns })
    }

    /// Whether the panel at a line and a column is left.
    #[must_use]
    pub fn has(&self, (line, column): (usize, usize)) -> bool {
        self.lines.contains(&line) && self.columns.contains(&column)
    }

    /// A sentence that names the lines and columns that are left out, if any are.
    #[must_use]
    pub fn note(&self, lines: &[String], columns: &[String]) -> Option<String> {
        let gone = |labels: &[String], kept: &[usize]| -> Vec<String> {
            labels
                .iter()
                .enumerate()
                .filter(|(k, _)| !kept.contains(k))
                .map(|(_, label)| label.clone())
                .collect()
        };
        let gone = [gone(lines, &self.lines), gone(columns, &self.columns)].concat();
        (!gone.is_empty()).then(|| format!("No numbers, and so no panel: {}.", gone.join("; ")))
    }
}

/// Of some labels or rows of panels, those that are left.
#[must_use]
pub fn kept<T: Clone>(all: &[T], left: &[usize]) -> Vec<T> {
    left.iter().map(|k| all[*k].clone()).collect()
}
