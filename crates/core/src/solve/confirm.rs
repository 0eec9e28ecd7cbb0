//! A second look at samples that a first one does not call settled, with other steps, before they are called
//! anything.
//!
//! An integrator chatters where its steps are at the edge of its stability, and a sample that is far out was
//! followed with a tolerance that feeds its spirals: neither may decide between settled, oscillation and
//! timeout. Such samples, and those that came to rest after having been far out, start again by themselves,
//! followed to a tenth of their tolerance and a thousandth of their own residual, wherever they are. A
//! runaway stands as it is: it was asked for its fate alone.
//!
//! What still rings at the limit while its peaks fall slowly, unevenly, or grow, is followed for four limits:
//! it comes to rest or runs away without turning, and it was a timeout, or it does not.

use super::criteria::Criteria;
use super::outcome::{Outcome, Settled};
use crate::circuit::Dynamics;
use crate::matrix::{Matrix, Real, select_rows};

/// Time limits for which a sample is followed whose peaks do not say whether it decays.
const LONGER: f64 = 4.0;

/// A relaxation, and what about it is in doubt.
#[derive(Debug)]
pub(super) struct Look<T> {
    pub settled: Settled<T>,
    /// Per sample: whether it was followed with a loosened tolerance on its way.
    pub strayed: Vec<bool>,
    /// Per sample: whether it rings in a way that needs a longer look.
    pub unclear: Vec<bool>,
}

/// Integrates a batch from a start (V), or its free state, by these criteria; keeps trajectories if the last
/// says so.
pub(super) type Looking<'a, T> = &'a dyn Fn(Criteria, &dyn Dynamics<T>, Option<Matrix<T>>, bool) -> Look<T>;

/// Settles what a first look at a batch, from `start` or its free state, left in doubt, by `second`.
pub(super) fn confirmed<T: Real>(
    first: Look<T>,
    criteria: Criteria,
    (circuit, start): (&dyn Dynamics<T>, Option<&Matrix<T>>),
    traced: bool,
    second: Looking<'_, T>,
) -> Settled<T> {
    let Look { mut settled, strayed, .. } = first;
    let doubtful: Vec<usize> = (0..strayed.len())
        .filter(|&i| match settled.outcomes[i] {
            Outcome::Oscillation | Outcome::Timeout => true,
            Outcome::Settled => strayed[i],
            _ => false,
        })
        .collect();
    if doubtful.is_empty() {
        return settled;
    }
    let start = start.map(|start| select_rows(start, &doubtful));
    let sure = look_again(criteria, circuit.subset(&doubtful).as_ref(), start, traced, second);
    settled.counts += sure.counts;
    for (row, &i) in doubtful.iter().enumerate() {
        if settled.outcomes[i] == sure.outcomes[row] && !strayed[i] {
            continue;
        }
        settled.outcomes[i] = sure.outcomes[row];
        settled.time[i] = sure.time[row];
        settled.residual[i] = sure.residual[row];
        settled.state.row_mut(i).copy_from(&sure.state.row(row));
        if traced {
            settled.traces[i].clone_from(&sure.traces[row]);
        }
    }
    settled
}

/// The strict look at a batch in doubt, and a longer one at what it leaves unclear.
fn look_again<T: Real>(
    criteria: Criteria,
    part: &dyn Dynamics<T>,
    start: Option<Matrix<T>>,
    traced: bool,
    look: Looking<'_, T>,
) -> Settled<T> {
    let criteria = Criteria { strict: true, ..criteria };
    let Look { mut settled, unclear, .. } = look(criteria, part, start.clone(), traced);
    let unclear: Vec<usize> = (0..unclear.len()).filter(|&i| unclear[i]).collect();
    if unclear.is_empty() {
        return settled;
    }
    let start = start.map(|start| select_rows(&start, &unclear));
    let longer = Criteria { limit: LONGER * criteria.limit, ..criteria };
    let late = look(longer, part.subset(&unclear).as_ref(), start, false).settled;
    settled.counts += late.counts;
    for (&i, outcome) in unclear.iter().zip(late.outcomes) {
        // What comes to rest or runs away later was on its way at the limit.
        settled.outcomes[i] =
            if outcome == Outcome::Oscillation { Outcome::Oscillation } else { Outcome::Timeout };
    }
    settled
}
