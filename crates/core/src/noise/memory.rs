//! Where the slow sources of some samples are when a relaxation ends: the next one of the same samples goes
//! on from there.
//!
//! Ornstein–Uhlenbeck processes and traps forget nothing but by their own rates, so their states are all that
//! one path has to know of another that it continues; what is white is new in any case. What bites: a process
//! is known at the end of the base interval in which a sample is read (`clock`), so up to eight of the
//! slowest time constants pass between two relaxations.

use super::Sources;
use crate::matrix::{Real, rows_of};

/// States of the slow sources of some samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory<T> {
    rows: usize,
    /// Processes, `[rows × columns]` each: the poles in their order, the supply, the input drivers.
    pub(super) processes: Vec<Vec<T>>,
    /// True if traps are full, `[rows × columns]` each: those of compartments, those of synapses.
    pub(super) traps: Vec<Vec<bool>>,
    /// Processes and kinds of traps of which there is one in every compartment; they come first.
    own: [usize; 2],
}

impl<T: Real> Memory<T> {
    /// For `rows` samples of circuits with these sources, their widths
    /// `(compartments, input drivers, synapses)`.
    #[must_use]
    pub fn new(sources: &Sources, rows: usize, (width, inputs, synapses): (usize, usize, usize)) -> Self {
        let processes = std::iter::repeat_n(width, sources.poles.len());
        let processes = processes.chain(sources.supply.map(|_| 1)).chain(sources.input.map(|_| inputs));
        let traps = sources.traps.iter().map(|_| width).chain(sources.synapse_traps.map(|_| synapses));
        Self {
            rows,
            processes: processes.map(|columns| vec![T::ZERO; rows * columns]).collect(),
            traps: traps.map(|columns| vec![false; rows * columns]).collect(),
            own: [sources.poles.len(), usize::from(sources.traps.is_some())],
        }
    }

    /// Returns whether there is nothing to remember.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty() && self.traps.is_empty()
    }

    /// Samples.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Copies the memory of some samples.
    #[must_use]
    pub fn subset(&self, rows: &[usize]) -> Self {
        Self {
            rows: rows.len(),
            processes: self.processes.iter().map(|all| rows_of(all, self.rows, rows)).collect(),
            traps: self.traps.iter().map(|all| rows_of(all, self.rows, rows)).collect(),
            own: self.own,
        }
    }

    /// The samples of several memories of the same sources, one after the other.
    #[must_use]
    pub fn joined(parts: &[Self]) -> Self {
        let Some(first) = parts.first() else { return Self::default() };
        let rows = parts.iter().map(|part| part.rows).sum();
        let processes = (0..first.processes.len())
            .map(|k| stacked(&parts.iter().map(|part| (part.rows, &*part.processes[k])).collect::<Vec<_>>()));
        let traps = (0..first.traps.len())
            .map(|k| stacked(&parts.iter().map(|part| (part.rows, &*part.traps[k])).collect::<Vec<_>>()));
        Self { rows, processes: processes.collect(), traps: traps.collect(), own: first.own }
    }

    /// The sources of two compartments change places with them.
    pub fn swap(&mut self, one: usize, other: usize) {
        let rows = self.rows;
        self.processes[..self.own[0]].iter_mut().for_each(|all| swap_columns(all, rows, one, other));
        self.traps[..self.own[1]].iter_mut().for_each(|all| swap_columns(all, rows, one, other));
    }
}

/// Columns of the same kind, `(height, values)`, on top of each other.
fn stacked<V: Copy>(parts: &[(usize, &[V])]) -> Vec<V> {
    let (height, columns) = (parts[0].0, parts[0].1.len() / parts[0].0.max(1));
    let mut all = Vec::with_capacity(parts.len() * height * columns);
    for column in 0..columns {
        parts.iter().for_each(|(rows, values)| all.extend_from_slice(&values[column * rows..][..*rows]));
    }
    all
}

fn swap_columns<V>(all: &mut [V], rows: usize, one: usize, other: usize) {
    (0..rows).for_each(|row| all.swap(one * rows + row, other * rows + row));
}
