//! Work against precision: right-hand sides and true errors of every integrator over its tolerance.
//!
//! `cargo bench --bench work_precision` prints two tables and draws `docs/figures/work_precision.png`. Errors
//! are against Dormand–Prince 8(5,3) at 1e-11 V: the largest over the whole trajectory, between the steps
//! too, and that of the last state. Kept trajectories may cost more steps, so
//! right-hand sides are counted with and without. Batched integrators count right-hand sides per shard of 64
//! samples, the others per sample; these are means.

mod nets;
#[path = "precision/figure.rs"]
mod figure;

use std::time::Instant;

use dyadsim_core::matrix::Real;
use dyadsim_core::solve::{Outcome, SHARD, Settled, Trace, settle_all};
use dyadsim_core::spec::{CircuitSpec, NudgeSpec, SolverKind, SolverSpec, Variant};

use nets::Net;

/// Solvers with their names, and whether they step a shard together.
const SOLVERS: [(&str, SolverKind, bool); 4] = [
    ("etd", SolverKind::Etd, true),
    ("eam", SolverKind::Eam, true),
    ("dopri5", SolverKind::Dopri5, false),
    ("dop853", SolverKind::Dop853, false),
];
/// Gains: name, variant, `α`, `β`.
const GAINS: [(&str, Variant, f64, f64); 3] = [
    ("DPT 0", Variant::DpTranspose, 0.0, 0.1),
    ("DPT 1/2", Variant::DpTranspose, 0.5, 0.1),
    ("DP 0", Variant::Dp, 0.0, 0.05),
];
/// Samples of the first table, and samples of the second whose errors are measured.
const SAMPLES: usize = 16;
/// Batch of the second table.
const BATCH: usize = 128;
/// Settlings per time; the least counts.
const REPETITIONS: usize = 3;

/// One measurement.
struct Point {
    network: String,
    gains: &'static str,
    solver: &'static str,
    rtol: f64,
    /// Right-hand sides with the trajectory kept, to which the errors belong, and without.
    sides: f64,
    plain: f64,
    /// Time without a trajectory.
    milliseconds: f64,
    /// Largest error on the way and error of the last state (V).
    worst: f64,
    last: f64,
    settled: usize,
}

fn main() {
    // One thread: the pool stands before anything uses it, so building it cannot fail.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("first use of the pool");
    println!(
        "network,samples,precision,gains,solver,rtol,right-hand sides traced,plain,ms plain,worst error/V,last error/V,settled"
    );
    let mut points = Vec::new();
    for (network, gain) in [(&[64, 48, 32, 10][..], 1.0), (&[784, 128, 128, 10][..], 0.7)] {
        for gains in GAINS {
            let exact = Reference::new(network, SAMPLES, gain, gains);
            for (solver, rtol) in SOLVERS.into_iter().flat_map(|s| (3..=9).map(move |p| (s, 10_f64.powi(-p))))
            {
                points.push(exact.measure::<f64>(SAMPLES, solver, rtol));
            }
        }
    }
    for network in [&[784, 128, 128, 10][..], &[784, 512, 512, 10]] {
        for gains in GAINS {
            let exact = Reference::new(network, BATCH, 0.7, gains);
            for (solver, rtol) in SOLVERS[..2].iter().flat_map(|s| [1e-5, 3e-6, 1e-6].map(|rtol| (*s, rtol)))
            {
                exact.measure::<f32>(BATCH, solver, rtol);
            }
        }
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/figures/work_precision.png");
    figure::draw(&points, &SOLVERS.map(|s| s.0), &GAINS.map(|g| g.0), file).expect("a folder to draw into");
}

impl Point {
    /// A line of the table, for a batch in numbers of so many bits.
    fn print(&self, batch: usize, bits: usize) {
        let Self { network, gains, solver, rtol, sides, plain, milliseconds, worst, last, settled } = self;
        println!(
            "{network},{batch},f{bits},{gains},{solver},{rtol:.0e},{sides:.1},{plain:.1},{milliseconds:.2},\
             {worst:.1e},{last:.1e},{settled}"
        );
    }
}

/// A batch and the true trajectories of its first samples.
struct Reference<'a> {
    network: &'a [usize],
    gain: f64,
    gains: (&'static str, Variant, f64, f64),
    traces: Vec<Trace>,
}

impl<'a> Reference<'a> {
    fn new(network: &'a [usize], batch: usize, gain: f64, gains: (&'static str, Variant, f64, f64)) -> Self {
        let mut reference = Self { network, gain, gains, traces: Vec::new() };
        let net = reference.net::<f64>(batch);
        let solver =
            SolverSpec { kind: SolverKind::Dop853, rtol: 1e-11, atol: 1e-11, ..SolverSpec::default() };
        let rows: Vec<usize> = (0..SAMPLES).collect();
        reference.traces = settle_all(&solver, &net.circuit().subset(&rows), true).traces;
        reference
    }

    fn net<T: Real>(&self, batch: usize) -> Net<T> {
        let (_, variant, alpha, beta) = self.gains;
        let nudge = NudgeSpec { variant, alpha, beta, ..NudgeSpec::default() };
        Net::new(&CircuitSpec { nudge, ..CircuitSpec::default() }, self.network, batch, self.gain)
    }

    /// Settles the batch, compares its first samples with the truth, and prints a line.
    fn measure<T: Real>(&self, batch: usize, solver: (&'static str, SolverKind, bool), rtol: f64) -> Point {
        let (name, kind, batched) = solver;
        let net = self.net::<T>(batch);
        let circuit = net.circuit();
        let spec = SolverSpec { kind, rtol, atol: 1e-3 * rtol, ..SolverSpec::default() };
        let mut plain = settle_all::<T>(&spec, &circuit, false);
        let mut milliseconds = f64::INFINITY;
        for _ in 0..REPETITIONS {
            let start = Instant::now();
            plain = settle_all::<T>(&spec, &circuit, false);
            milliseconds = milliseconds.min(1e3 * start.elapsed().as_secs_f64());
        }
        let traced = settle_all::<T>(&spec, &circuit, true);
        let (worst, last) = self.errors(&traced);
        let parts = if batched { batch.div_ceil(SHARD) } else { batch };
        let sides = |settled: &Settled<T>| settled.counts.rhs_evals as f64 / parts as f64;
        let point = Point {
            network: self.network.iter().map(ToString::to_string).collect::<Vec<_>>().join("-"),
            gains: self.gains.0,
            solver: name,
            rtol,
            sides: sides(&traced),
            plain: sides(&plain),
            milliseconds,
            worst,
            last,
            settled: plain.outcomes.iter().filter(|o| **o == Outcome::Settled).count(),
        };
        point.print(batch, 8 * size_of::<T>());
        point
    }

    /// Largest distance (V) from the truth at its steps, which are exact there, and that of the last states.
    fn errors<T: Real>(&self, settled: &Settled<T>) -> (f64, f64) {
        let (mut worst, mut last) = (0.0_f64, 0.0_f64);
        for (truth, trace) in self.traces.iter().zip(&settled.traces) {
            for (&time, state) in truth.times.iter().zip(&truth.states).filter(|(t, _)| **t <= trace.end()) {
                worst = worst.max(distance(&trace.at(time), state));
            }
            let end = trace.end().min(truth.end());
            last = last.max(distance(&trace.at(end), &truth.at(end)));
        }
        (worst.max(last), last)
    }
}

/// `‖a − b‖∞`.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}
