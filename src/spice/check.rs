//! Both simulators on one sample: the distance of their equilibria and waveforms, and what became of the
//! sample in each.
//!
//! The outcome of ngspice is derived from its own waveform by the definitions of docs/model.md §5: the rates
//! are differences of its points, never our right-hand side. An operating point says nothing of stability, so
//! none is asked for.

use std::time::Instant;

use super::SpiceError;
use super::bench::{Dialect, STEP, options, step};
use super::name::{compartment, literal};
use super::netlist::{Netlist, Wiring};
use super::ngspice::{SimulatorRun, run};
use dyadsim_core::circuit::Wired;
use dyadsim_core::matrix::measure::larger;
use dyadsim_core::solve::{Outcome, Settled, Trace, classify_trace, followed, settle_all, settle_any};
use dyadsim_core::spec::{SolverKind, SolverSpec, Verify};

/// Distance of equilibria that counts as agreement (V), times 1 V or the largest potential.
pub const EQUILIBRIUM: f64 = 1e-9;
/// The same of waveforms.
pub const WAVEFORM: f64 = 5e-5;
/// Distance of equilibria of transistors and of what was extracted of them that counts as agreement (V).
pub const TRANSISTOR_EQUILIBRIUM: f64 = 3e-3;
/// The same of waveforms.
pub const TRANSISTOR_WAVEFORM: f64 = 8e-3;
/// Longest step of ngspice with transistors, in the fastest time constant.
const TRANSISTOR_STEP: f64 = 0.05;
/// Time of a run with transistors, in the slowest time constant.
const TRANSISTOR_TIME: f64 = 40.0;
/// Transistors are at rest when no potential has moved by more than this (V) in the last time constant.
const AT_REST: f64 = 1e-4;
/// How far a run of ngspice goes beyond our own end at first, in the slowest time constant.
const BEYOND: f64 = 2.0;
/// Steps of ngspice, in the fastest time constant: shorter ones are tried where waveforms differ, for a
/// ringing gathers phase error, `h²/12` of a radian each.
const STEPS: [f64; 3] = [STEP, STEP / 4.0, STEP / 16.0];

/// How often both get a fifth more time when one settled just before the limit and the other did not: where a
/// limit falls says nothing of the circuit.
const LATER: usize = 2;

/// Both simulators, compared.
#[derive(Clone, Debug)]
pub struct Report {
    /// Version of ngspice, from the output of this run.
    pub version: String,
    /// What became of the sample here.
    pub ours: Outcome,
    /// What became of it in ngspice; `None` if its waveform was still undecided at the end of the last run.
    pub theirs: Option<Outcome>,
    /// Largest distance of final potentials (V), where both settled.
    pub equilibrium: Option<f64>,
    /// Largest distance of potentials at the time points of ngspice (V), over 1 V or the largest potential so
    /// far.
    pub waveform: f64,
    /// Largest potential compared (V).
    pub largest: f64,
    /// Time points of ngspice that were compared: until we were done, or either left the range that is
    /// followed.
    pub points: usize,
    /// Longest step of ngspice, in the fastest time constant.
    pub step: f64,
    /// End of its run (s).
    pub stop: f64,
    /// Wall time of its last run (s).
    pub wall: f64,
    /// Distances of equilibria and waveforms that count as agreement.
    pub(crate) bounds: (f64, f64),
}

/// Simulates a sample whose compartments are of transistors in ngspice, and what was extracted of them
/// here, and compares: one run, at rest when nothing moves any more, for the rates of transistors are no
/// leaks.
///
/// # Errors
/// Those of [`check`].
pub fn check_transistors(
    wiring: &Wiring<'_>,
    netlist: &Netlist,
    told: Told<'_>,
) -> Result<Report, SpiceError> {
    let mut both = Both { wiring, netlist, told, runs: 0 };
    let solver = tightened(&wiring.spec.solver);
    told(Stage::Ours);
    let ours = integrate(&solver, wiring.circuit);
    let tau = wiring.circuit.slowest();
    let (stop, before) = (TRANSISTOR_TIME * tau, Instant::now());
    let found = both.run((stop, step(wiring, TRANSISTOR_STEP)))?;
    let wall = before.elapsed().as_secs_f64();
    let trace = waveform(wiring, &found, stop)?;
    let rests = {
        let (last, late) = (trace.states.last(), trace.times.partition_point(|time| *time < stop - tau));
        last.zip(trace.states.get(late)).is_some_and(|(last, late)| distance(last, late) < AT_REST)
    };
    let theirs = Some(if rests { Outcome::Settled } else { Outcome::Timeout });
    let report = compare_simulators((&ours, theirs), &trace, followed(wiring.circuit));
    let bounds = (TRANSISTOR_EQUILIBRIUM, TRANSISTOR_WAVEFORM);
    Ok(Report { version: found.version, wall, step: TRANSISTOR_STEP, bounds, ..report })
}

/// How far a comparison is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    /// This simulator begins.
    Ours,
    /// A run of ngspice begins, counted from 1.
    Run(usize),
    /// So much of that run is done, at most 1.
    Share(f64),
}

/// Hears, from any thread, how far a comparison is.
pub type Told<'a> = &'a (dyn Fn(Stage) + Sync);

impl Report {
    /// Whether outcomes are the same, and distances within [`EQUILIBRIUM`] and [`WAVEFORM`], or, of
    /// transistors, [`TRANSISTOR_EQUILIBRIUM`] and [`TRANSISTOR_WAVEFORM`].
    ///
    /// What rings at the time limit is followed for longer here, and is a timeout if it comes to rest then;
    /// of their waveform, which ends there, nobody can say so.
    #[must_use]
    pub fn agrees(&self) -> bool {
        let near = self.equilibrium.is_none_or(|v| v <= self.bounds.0 * self.largest.max(1.0));
        let rings = self.ours == Outcome::Timeout && self.theirs == Some(Outcome::Oscillation);
        (self.theirs == Some(self.ours) || rings) && near && self.waveform <= self.bounds.1
    }
}

/// The solver for comparisons: `eam`, tight, with twice the time, as it takes longer to arrive.
///
/// A multistep method other than `etd`: where differences feed forward only and no device bends (`DPᵀ`,
/// linear), the stages of `etd` agree exactly whatever the step, and its curvature estimate alone holds it.
#[must_use]
pub fn tightened(spec: &SolverSpec) -> SolverSpec {
    SolverSpec {
        kind: SolverKind::Eam,
        rtol: spec.rtol.min(1e-11),
        atol: spec.atol.min(1e-13),
        max_time: 2.0 * spec.max_time,
        verify: Verify::None,
        ..spec.clone()
    }
}

/// Simulates the sample here and in ngspice and compares.
///
/// # Errors
/// No ngspice, or one that failed.
pub fn check(wiring: &Wiring<'_>, netlist: &Netlist) -> Result<Report, SpiceError> {
    check_with_progress(wiring, netlist, &|_| {})
}

/// Simulates and compares as [`check`] does; `told` hears how far it is.
///
/// # Errors
/// Those of [`check`].
pub fn check_with_progress(
    wiring: &Wiring<'_>,
    netlist: &Netlist,
    told: Told<'_>,
) -> Result<Report, SpiceError> {
    let mut both = Both { wiring, netlist, told, runs: 0 };
    let mut solver = tightened(&wiring.spec.solver);
    let mut report = both.with_solver(&solver)?;
    for _ in 0..LATER {
        let one_is_late = (report.ours == Outcome::Timeout) != (report.theirs == Some(Outcome::Timeout));
        if !one_is_late {
            break;
        }
        solver.max_time *= 1.2;
        report = both.with_solver(&solver)?;
    }
    Ok(report)
}

/// A sample in both simulators.
struct Both<'a> {
    wiring: &'a Wiring<'a>,
    netlist: &'a Netlist,
    told: Told<'a>,
    /// Runs of ngspice so far.
    runs: usize,
}

impl Both<'_> {
    /// The comparison under one time limit, with ever shorter steps of ngspice where waveforms differ.
    fn with_solver(&mut self, solver: &SolverSpec) -> Result<Report, SpiceError> {
        (self.told)(Stage::Ours);
        let ours = integrate(solver, self.wiring.circuit);
        let mut report = self.compare(solver, &ours, STEPS[0])?;
        for share in &STEPS[1..] {
            if report.waveform <= WAVEFORM {
                break;
            }
            report = self.compare(solver, &ours, *share)?;
        }
        Ok(report)
    }

    /// Runs ngspice until its outcome is decided, and compares.
    fn compare(
        &mut self,
        solver: &SolverSpec,
        ours: &Settled<f64>,
        share: f64,
    ) -> Result<Report, SpiceError> {
        let wiring = self.wiring;
        let (tau, step) = (wiring.circuit.slowest(), step(wiring, share));
        let last = (solver.max_time + solver.hold) * tau * 1.01;
        let end = ours.traces.first().map_or(0.0, Trace::end);
        let mut stop = match ours.outcomes[0] {
            // What runs away soon leaves the numbers.
            Outcome::LatchUp | Outcome::NotFinite => end + step,
            _ => (end + BEYOND * tau).min(last),
        };
        loop {
            let before = Instant::now();
            let found = self.run((stop, step))?;
            let wall = before.elapsed().as_secs_f64();
            let trace = waveform(wiring, &found, stop)?;
            let theirs = classify_trace(solver, wiring.circuit, &trace);
            if theirs.is_none() && stop < last {
                stop = (1.3 * stop).min(last);
                continue;
            }
            let report = compare_simulators((ours, theirs), &trace, followed(wiring.circuit));
            return Ok(Report { version: found.version, wall, step: share, ..report });
        }
    }

    /// Runs ngspice once.
    fn run(&mut self, (stop, step): (f64, f64)) -> Result<SimulatorRun, SpiceError> {
        self.runs += 1;
        (self.told)(Stage::Run(self.runs));
        // A point is the time and every potential, at every step and seldom oftener.
        let expected = (stop / step) * 8.0 * (1 + self.wiring.circuit.width()) as f64;
        let told = self.told;
        let written = |bytes: u64| told(Stage::Share((bytes as f64 / expected).min(1.0)));
        run(&deck(self.wiring, self.netlist, (stop, step)), &written)
    }
}

/// Our own trajectory; by `dop853` where there are no layers that `eam` could correct one after the other.
fn integrate(solver: &SolverSpec, circuit: &dyn Wired<f64>) -> Settled<f64> {
    if let Some(layered) = circuit.layered() {
        return settle_all(solver, layered, true);
    }
    let solver = SolverSpec { kind: SolverKind::Dop853, ..solver.clone() };
    // `dop853` integrates any system.
    settle_any(&solver, circuit, true).expect("a solver of any system")
}

/// Distances; of potentials up to `limit` (V).
fn compare_simulators((ours, theirs): (&Settled<f64>, Option<Outcome>), trace: &Trace, limit: f64) -> Report {
    let here = &ours.traces[0];
    let (mut apart, mut largest, mut points) = (0.0_f64, 0.0_f64, 0);
    for (&time, state) in trace.times.iter().zip(&trace.states).filter(|(time, _)| **time <= here.end()) {
        let own = here.at(time);
        let size = own.iter().chain(state).fold(largest, |size, v| size.max(v.abs()));
        if size > limit {
            break;
        }
        largest = size;
        apart = larger(apart, distance(&own, state) / largest.max(1.0));
        points += 1;
    }
    let both = ours.outcomes[0] == Outcome::Settled && theirs == Some(Outcome::Settled);
    // A sample-and-hold would be in the state that is read, not in the circuit.
    let end = |last: &Vec<f64>| here.states.last().map_or(f64::NAN, |own| distance(own, last));
    // A run away leaves the numbers; nothing else may, not even after the last point that is compared.
    let away = |outcome: Outcome| matches!(outcome, Outcome::LatchUp | Outcome::NotFinite);
    let both_away = away(ours.outcomes[0]) && theirs.is_some_and(away);
    if !both_away && !is_finite(trace) {
        apart = f64::INFINITY;
    }
    Report {
        version: String::new(),
        ours: ours.outcomes[0],
        theirs,
        equilibrium: trace.states.last().filter(|_| both).map(end),
        waveform: apart,
        largest,
        points,
        stop: trace.end(),
        wall: 0.0,
        step: 0.0,
        bounds: (EQUILIBRIUM, WAVEFORM),
    }
}

/// Largest distance of two states (V); NaN if a potential is no number.
fn distance(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, larger)
}

/// Whether every potential is a number.
fn is_finite(trace: &Trace) -> bool {
    trace.states.iter().flatten().all(|v| v.is_finite())
}

/// A deck of one transient, for a raw file.
fn deck(wiring: &Wiring<'_>, netlist: &Netlist, (stop, step): (f64, f64)) -> String {
    let step = literal(step);
    let saved: String =
        compartment(&wiring.chip.layout).iter().map(|name| format!(".save v({name})\n")).collect();
    let Netlist { title, library, columns, network, noise } = netlist;
    let options = options(wiring, Dialect::Ngspice);
    // Nodes inside transistors have no initial condition: they follow from an operating point around `.ic`.
    let initial = if network.contains("\n.ic ") { "" } else { " uic" };
    format!(
        "{title}{library}{columns}{network}{noise}{options}{saved}.tran {step} {} 0 {step}{initial}\n.end\n",
        literal(stop)
    )
}

/// The potentials of a run, from the initial condition on, with rates by differences.
fn waveform(wiring: &Wiring<'_>, run: &SimulatorRun, stop: f64) -> Result<Trace, SpiceError> {
    let raw = &run.raw;
    let time = raw.place("time")?;
    let names = compartment(&wiring.chip.layout);
    let columns: Vec<usize> =
        names.iter().map(|name| raw.place(&format!("v({name})"))).collect::<Result<_, _>>()?;
    let mut trace = Trace { leaks: wiring.circuit.rates().to_vec(), ..Trace::default() };
    (trace.times, trace.states) = (vec![0.0], vec![wiring.start()]);
    for point in (0..raw.points()).map(|i| raw.point(i)).filter(|point| point[time] > 0.0) {
        trace.times.push(point[time]);
        trace.states.push(columns.iter().map(|&column| point[column]).collect());
    }
    let wrong = |reason: String| Err(SpiceError::Raw { reason });
    if let Some(point) = (0..raw.points()).find(|&i| !raw.point(i)[time].is_finite()) {
        return wrong(format!("has no number for the time of point {point}"));
    }
    if trace.end() < stop * (1.0 - 1e-9) {
        return wrong(format!("ends at {:e} s of {stop:e} s: the run was cut short", trace.end()));
    }
    if !trace.times.windows(2).all(|t| t[0] < t[1]) {
        return wrong("has times that do not rise".into());
    }
    trace.drives = drives(&trace);
    Ok(trace)
}

/// `v + τ dv/dt` at every point, by the parabola through it and its neighbours.
fn drives(trace: &Trace) -> Vec<Vec<f64>> {
    let (times, states) = (&trace.times, &trace.states);
    let count = times.len();
    let drive = |i: usize| {
        let middle = i.clamp(1, count.saturating_sub(2).max(1));
        let [a, b, c] = [middle - 1, middle, (middle + 1).min(count - 1)];
        let (h, k) = (times[b] - times[a], times[c] - times[b]);
        let at = times[i] - times[b];
        trace
            .leaks
            .iter()
            .enumerate()
            .map(|(j, leak)| {
                let (before, after) = ((states[b][j] - states[a][j]) / h, (states[c][j] - states[b][j]) / k);
                let curvature = (after - before) / (h + k);
                let rate = before + curvature * (h + 2.0 * at);
                states[i][j] + rate / leak
            })
            .collect()
    };
    (0..count).map(drive).collect()
}
