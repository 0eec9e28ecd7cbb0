//! Normal numbers of the samples of a batch, `[rows × columns]`.

use super::clock::{Channel, LANES, Lanes, key};
use super::gaussian;
use crate::matrix::Real;
use crate::matrix::dispatch::{Kernel, run};

/// Numbers of one channel at one point; lanes of samples that are not in the batch are thrown away.
#[derive(Clone, Debug)]
pub(super) struct Numbers<T> {
    /// The numbers as asked for, column by column.
    pub values: Vec<T>,
    group: Vec<T>,
}

impl<T: Real> Numbers<T> {
    pub fn new() -> Self {
        Self { values: Vec::new(), group: Vec::new() }
    }

    /// Draws the numbers of `columns` columns; nothing is allocated from the second time on.
    pub fn draw(&mut self, lanes: &Lanes, channel: Channel, point: u64, columns: usize) {
        self.values.resize(lanes.rows * columns, T::ZERO);
        if let (true, [(group, _)]) = (lanes.is_whole(), lanes.groups.as_slice()) {
            gaussian::fill(key(lanes.seed, channel, *group, point), 0, &mut self.values);
            return;
        }
        self.group.resize(LANES * columns, T::ZERO);
        for (group, members) in &lanes.groups {
            gaussian::fill(key(lanes.seed, channel, *group, point), 0, &mut self.group);
            let columns = self.values.chunks_exact_mut(lanes.rows).zip(self.group.chunks_exact(LANES));
            let (lane, row) = members[0];
            let neighbours = members.iter().enumerate().all(|(i, &at)| at == (lane + i, row + i));
            for (column, drawn) in columns {
                if neighbours {
                    column[row..row + members.len()].copy_from_slice(&drawn[lane..lane + members.len()]);
                } else {
                    members.iter().for_each(|&(lane, row)| column[row] = drawn[lane]);
                }
            }
        }
    }
}

/// `to += from`.
pub(super) fn add<T: Real>(from: &[T], to: &mut [T]) {
    run(Add { from, to });
}

/// [`add`] as a loop.
struct Add<'a, T> {
    from: &'a [T],
    to: &'a mut [T],
}

impl<T: Real> Kernel for Add<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (to, &from) in self.to.iter_mut().zip(self.from) {
            *to += from;
        }
    }
}
