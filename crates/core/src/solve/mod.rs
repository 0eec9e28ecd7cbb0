//! Solvers: from a circuit and a start to equilibrium, or to an honest statement why not.
//!
//! A solver knows the smallest part of a circuit that it needs: [`Dynamics`] alone ([`Universal`]), or its
//! layers, too. Numerical failure is data: every sample ends with an [`Outcome`].
//!
//! | `solver.kind` | method | for |
//! | --- | --- | --- |
//! | [`etd`], the default | exponential time differencing of the fourth order | trajectories and training |
//! | [`eam`](adams) | exponential Adams–Moulton, swept from the top | the same with fewer right-hand sides |
//! | [`dopri5`, `dop853`](explicit) | Dormand–Prince 5(4), 8(5,3) | references |
//! | [`layerwise`] | the papers' closed-form sweeps | no time: fixed points as in the papers |
//! | [`dc`] | accelerated sweeps, Newton's method | no time: operating points |
//! | [`exponential-em`, `heun`, `exponential-heun`](stochastic) | stochastic, fixed step | noise |
//! | [`clocked`](stochastic) | from clock to clock | switched capacitors |

pub mod exponential_adams;
mod anderson;
mod begin;
mod arnoldi;
mod settling_time;
mod confirm;
mod criteria;
pub mod dc;
pub mod etd;
pub mod explicit;
mod extension;
mod interpolation;
mod judgement;
mod krylov;
pub mod layerwise;
mod monitor;
mod newton;
mod observed;
mod outcome;
mod growth_rate;
mod phi;
mod rails;
mod relax;
mod ringing;
mod rounds;
mod spectrum;
pub mod stochastic;
mod tiles;
mod half_sweeps;
mod tolerance;
mod verify;
mod watched;
mod linear_combination;

pub use extension::Bend;
pub use newton::{FixedPoint, drive_jacobian, fixed_point};
pub use newton::{continued_point, homotopy};
pub use observed::classify_trace;
pub use observed::followed;
pub use outcome::{Counts, Outcome, Settled, Trace};
pub use rails::find_on_rails;
pub use spectrum::DENSE;
pub use spectrum::{Spectrum, Stability, Verdict, leading, spectrum, stability};
pub use stochastic::run;
pub use stochastic::steps;

use rayon::prelude::*;

use self::begin::Begin;
use crate::circuit::{Circuit, Dynamics, Layered};
use crate::matrix::{Matrix, Real, compiled_once, select_rows};
use crate::noise::{Memory, hold};
use crate::spec::{SolverKind, SolverSpec};

/// Samples that a time integrator steps together; fixed, so that results do not depend on threads.
pub const SHARD: usize = 64;

/// Solver that brings a batch of layered circuits to equilibrium.
///
/// Some solvers correct one layer before the next hears it: a system that is not layered is refused by its
/// type.
///
/// ```compile_fail,E0308
/// # use dyadsim_core as dyadsim;
/// use dyadsim::{circuit::Dynamics, solve::solver, spec::SolverSpec};
///
/// fn settle(system: &dyn Dynamics<f64>) {
///     solver(&SolverSpec::default()).settle(system, None, false);
/// }
/// ```
pub trait Solver<T: Real>: Sync {
    /// Relaxes every sample from `start` (`[batch × width]`, V), or from the free state; keeps trajectories
    /// if `traced`.
    ///
    /// Computing the free state leaves behind what a solver can go on from, so it is not handed in.
    fn settle(&self, circuit: &dyn Layered<T>, start: Option<Matrix<T>>, traced: bool) -> Settled<T>;

    /// Most samples that it steps together; a larger batch is best split into shards of this size.
    fn shard(&self) -> usize {
        SHARD
    }
}

/// Solver that brings any batch of dynamical systems to equilibrium, layered or not.
///
/// Where they are layered it may take a shorter way.
pub trait Universal<T: Real>: Sync {
    /// Relaxes every sample from `start` (`[batch × width]`, V), or from the free state; keeps trajectories
    /// if `traced`.
    fn settle_any(&self, circuit: &dyn Dynamics<T>, start: Option<Matrix<T>>, traced: bool) -> Settled<T>;

    /// Most samples that it steps together; a larger batch is best split into shards of this size.
    fn most(&self) -> usize {
        SHARD
    }
}

impl<T: Real, S: Universal<T> + ?Sized> Solver<T> for Box<S> {
    fn settle(&self, circuit: &dyn Layered<T>, start: Option<Matrix<T>>, traced: bool) -> Settled<T> {
        self.settle_any(circuit, start, traced)
    }

    fn shard(&self) -> usize {
        self.most()
    }
}

/// What the registry has for a kind of solver.
enum Entry<T: Real> {
    /// It needs layers.
    Layered(Box<dyn Solver<T>>),
    /// It does not.
    Universal(Box<dyn Universal<T>>),
}

/// Makes a solver.
type Make<T> = fn(&SolverSpec) -> Entry<T>;

/// The solver of a description, out of the registry.
fn entry<T: Real>(spec: &SolverSpec) -> Entry<T> {
    compiled_once!(T, Make, registry)(spec)
}

/// The registry.
fn registry<T: Real>(spec: &SolverSpec) -> Entry<T> {
    let universal: Box<dyn Universal<T>> = match spec.kind {
        SolverKind::Eam => return Entry::Layered(Box::new(exponential_adams::Eam::new(spec))),
        SolverKind::Layerwise => return Entry::Layered(Box::new(layerwise::Layerwise::new(spec))),
        SolverKind::Etd => Box::new(etd::Etd::new(spec)),
        SolverKind::Dopri5 => Box::new(explicit::Explicit::new(spec, extension::Order::Five)),
        SolverKind::Dop853 => Box::new(explicit::Explicit::new(spec, extension::Order::Eight)),
        SolverKind::Dc => Box::new(dc::Dc::new(spec)),
        SolverKind::ExponentialEm | SolverKind::Heun | SolverKind::ExponentialHeun | SolverKind::Clocked => {
            Box::new(stochastic::Stochastic::new(spec))
        }
    };
    Entry::Universal(universal)
}

/// Returns the solver that a description asks for.
#[must_use]
pub fn solver<T: Real>(spec: &SolverSpec) -> Box<dyn Solver<T>> {
    match entry(spec) {
        Entry::Layered(solver) => solver,
        Entry::Universal(solver) => Box::new(solver),
    }
}

/// Returns the solver that a description asks for, if any system will do for it: `eam` and `layerwise` need
/// layers.
#[must_use]
pub fn universal<T: Real>(spec: &SolverSpec) -> Option<Box<dyn Universal<T>>> {
    match entry(spec) {
        Entry::Layered(_) => None,
        Entry::Universal(solver) => Some(solver),
    }
}

/// Callback, from any thread, with the number of samples settled since the last call.
pub type Progress<'a> = &'a (dyn Fn(usize) + Sync);

/// Settles a batch of any size on all threads of the current pool, shard by shard, and reads its states.
///
/// A sample-and-hold leaves its noise in what is read, and leaky capacitors lose charge before, whatever the
/// solver.
#[must_use]
pub fn settle_all<T: Real>(spec: &SolverSpec, circuit: &dyn Layered<T>, traced: bool) -> Settled<T> {
    settle_all_with_progress(spec, circuit, traced, &|_| {})
}

/// Settles a batch as [`settle_all`] does; `progress` is called after every shard.
#[must_use]
pub fn settle_all_with_progress<T: Real>(
    spec: &SolverSpec,
    circuit: &dyn Layered<T>,
    traced: bool,
    progress: Progress<'_>,
) -> Settled<T> {
    settle_from(spec, circuit, (traced, progress), None)
}

/// Settles a batch as [`settle_all_with_progress`] does, from where relaxations before have `left` its places
/// (`[≤ batch × width]`, V), if they have.
///
/// A place starts from the free state where none was left, or one that is no number or out of bounds.
#[must_use]
pub fn settle_from<T: Real>(
    spec: &SolverSpec,
    circuit: &dyn Layered<T>,
    (traced, progress): (bool, Progress<'_>),
    left: Option<&Matrix<T>>,
) -> Settled<T> {
    let begin = Begin { start: spec.start, left };
    let mut settled = match entry(spec) {
        Entry::Universal(solver) => settle_shards(solver.as_ref(), begin, circuit, (traced, progress)),
        Entry::Layered(solver) => settle_layered_shards(solver.as_ref(), begin, circuit, (traced, progress)),
    };
    take_readings(circuit, &mut settled);
    settled
}

/// Settles a batch of any systems as [`settle_all`] does; `None` if the solver needs layers ([`universal`]).
#[must_use]
pub fn settle_any<T: Real>(spec: &SolverSpec, circuit: &dyn Dynamics<T>, traced: bool) -> Option<Settled<T>> {
    let begin = Begin { start: spec.start, left: None };
    let mut settled = settle_shards(universal(spec)?.as_ref(), begin, circuit, (traced, &|_| {}));
    take_readings(circuit, &mut settled);
    Some(settled)
}

/// Settles a batch as [`settle_all_with_progress`] does, in one of several relaxations of the same samples:
/// their slow noise goes on from `before`, if that is known, and they themselves from where they were
/// `left`, as in [`settle_from`]. Returns where the noise is when every sample has been read, too.
#[must_use]
pub fn settle_next<T: Real>(
    spec: &SolverSpec,
    circuit: &dyn Circuit<T>,
    (traced, progress): (bool, Progress<'_>),
    (before, left): (Option<&Memory<T>>, Option<&Matrix<T>>),
) -> (Settled<T>, Memory<T>) {
    if !spec.kind.is_stochastic() || !circuit.noise().has_memory() {
        return (settle_from(spec, circuit, (traced, progress), left), Memory::default());
    }
    let begin = Begin { start: spec.start, left };
    let samples: Vec<usize> = (0..circuit.samples()).collect();
    let parts: Vec<(Settled<T>, Memory<T>)> = samples
        .par_chunks(SHARD)
        .map(|rows| {
            let part = circuit.subset(rows);
            let (start, before) = (begin.states(rows[0], part.as_ref()), before.map(|all| all.subset(rows)));
            let settled = stochastic::settle_on(spec, part.as_ref(), start, traced, before.as_ref());
            progress(rows.len());
            settled
        })
        .collect();
    let (parts, memories): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    let mut settled = join(parts, circuit.width());
    take_readings(circuit, &mut settled);
    (settled, Memory::joined(&memories))
}

/// Settles a batch of any systems on all threads of the current pool, shard by shard, each sample from its
/// row of `start` (`[batch × width]`, V) or from the free state; `progress` is called after every shard.
/// `None` if the solver needs layers ([`universal`]).
#[must_use]
pub fn settle_any_from<T: Real>(
    spec: &SolverSpec,
    circuit: &dyn Dynamics<T>,
    start: Option<&Matrix<T>>,
    (traced, progress): (bool, Progress<'_>),
) -> Option<Settled<T>> {
    let solver = universal::<T>(spec)?;
    let samples: Vec<usize> = (0..circuit.samples()).collect();
    let shards = samples.par_chunks(solver.most());
    let parts = shards.map(|rows| {
        let start = start.map(|start| select_rows(start, rows));
        let settled = solver.settle_any(circuit.subset(rows).as_ref(), start, traced);
        progress(rows.len());
        settled
    });
    let mut settled = join(parts.collect(), circuit.width());
    take_readings(circuit, &mut settled);
    Some(settled)
}

/// What is read of final states: capacitors have lost charge, and a sample-and-hold adds its noise.
fn take_readings<T: Real>(circuit: &dyn Dynamics<T>, settled: &mut Settled<T>) {
    let Some(circuit) = circuit.noisy() else { return };
    if circuit.leakage_loss() != T::ZERO {
        settled.state.add_scalar_mut(-circuit.leakage_loss());
    }
    if let Some(sigma) = circuit.noise().sampled {
        hold(sigma, &circuit.sample_ids(), 0, &mut settled.state);
    }
}

/// Computes the noiseless rest states of circuits, `[batch × width]` (V): the free state, if they are layered
/// and their dyads are of equal compartments; else by fixed points, to which whatever finds none comes as
/// close as it can.
#[must_use]
pub fn operating_point<T: Real>(circuit: &dyn Dynamics<T>) -> Matrix<T> {
    if let Some(layered) = circuit.layered() {
        let mut scratch = circuit.scratch(circuit.samples());
        let free = layered.feed_forward(&mut scratch);
        let mut layers = 0..layered.layout().depth();
        if layers.all(|layer| scratch.difference(layer).iter().all(|&d| d == T::ZERO)) {
            return free;
        }
    }
    let spec = SolverSpec { kind: SolverKind::Dc, ..SolverSpec::default() };
    let begin = Begin { start: spec.start, left: None };
    settle_shards(&dc::Dc::new(&spec), begin, circuit, (false, &|_| {})).state
}

/// Settles a batch shard by shard.
fn settle_shards<T: Real>(
    solver: &dyn Universal<T>,
    begin: Begin<'_, T>,
    circuit: &dyn Dynamics<T>,
    (traced, progress): (bool, Progress<'_>),
) -> Settled<T> {
    let settle = |first: usize, part: &dyn Dynamics<T>| {
        let settled = solver.settle_any(part, begin.states(first, part), traced);
        progress(part.samples());
        settled
    };
    if circuit.samples() <= solver.most() {
        return settle(0, circuit); // nothing to copy
    }
    let samples: Vec<usize> = (0..circuit.samples()).collect();
    let shards = samples.par_chunks(solver.most());
    let parts: Vec<Settled<T>> = shards.map(|rows| settle(rows[0], circuit.subset(rows).as_ref())).collect();
    join(parts, circuit.width())
}

/// [`settle_shards`] by a solver that needs layers.
fn settle_layered_shards<T: Real>(
    solver: &dyn Solver<T>,
    begin: Begin<'_, T>,
    circuit: &dyn Layered<T>,
    (traced, progress): (bool, Progress<'_>),
) -> Settled<T> {
    let settle = |first: usize, part: &dyn Layered<T>| {
        let settled = solver.settle(part, begin.states(first, part), traced);
        progress(part.samples());
        settled
    };
    if circuit.samples() <= solver.shard() {
        return settle(0, circuit);
    }
    let samples: Vec<usize> = (0..circuit.samples()).collect();
    let shards = samples.par_chunks(solver.shard());
    let settle_rows = |rows: &[usize]| settle(rows[0], circuit.layered_subset(rows).as_ref());
    let parts: Vec<Settled<T>> = shards.map(settle_rows).collect();
    join(parts, circuit.width())
}

/// Puts shards together again.
fn join<T: Real>(parts: Vec<Settled<T>>, width: usize) -> Settled<T> {
    let batch = parts.iter().map(|p| p.outcomes.len()).sum();
    let mut whole = Settled {
        state: Matrix::zeros(batch, width),
        outcomes: Vec::with_capacity(batch),
        time: Vec::with_capacity(batch),
        residual: Vec::with_capacity(batch),
        counts: Counts::default(),
        traces: Vec::new(),
    };
    for part in parts {
        let first = whole.outcomes.len();
        whole.state.rows_mut(first, part.outcomes.len()).copy_from(&part.state);
        whole.outcomes.extend(part.outcomes);
        whole.time.extend(part.time);
        whole.residual.extend(part.residual);
        whole.counts += part.counts;
        whole.traces.extend(part.traces);
    }
    whole
}
