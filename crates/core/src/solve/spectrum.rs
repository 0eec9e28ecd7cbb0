//! Eigenvalues of a circuit at its fixed point: does it stay there, and if not, how does it leave?
//!
//! The Jacobian of docs/model.md §2 is written in means and differences of dyads (that of a system without
//! dyads in its potentials), where `DPᵀ` is block triangular:
//! entries that cancel do so to rounding and are dropped. The eigenvalues are then those of the strongly
//! connected parts, which are small. Without this, a defective spectrum (all eigenvalues `−1/τ` in long
//! chains) scatters by a few per cent under rounding alone.

use nalgebra::{Complex, DMatrix, DVector, Schur};
use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;
use rayon::prelude::*;

use super::arnoldi::{of_large_block, rightmost};
use super::growth_rate::GrowthRate;
use super::newton::{FixedPoint, along, compute_slopes, homotopy};
use super::rails::find_on_rails;
use crate::circuit::{Dynamics, Layered};
use crate::matrix::{Matrix, Real, compiled_once};
use crate::spec::SolverSpec;

/// Entries below so many machine epsilons of the largest are rounding: a sum of `n` cancelling terms errs by
/// about `√n` machine epsilons, and `n` is at most a few thousand.
const ROUNDING: f64 = 45.0;
/// Reflections that are tried where the iteration for eigenvalues stalls.
const REFLECTIONS: u32 = 8;
/// An imaginary part below this fraction of the eigenvalue's modulus is rounding: a real double root splits
/// by the square root of the machine epsilon.
const REAL: f64 = 1e-7;
/// Largest block whose eigenvalues are all found when the rightmost are enough: beyond, iteration is faster.
const SMALL: usize = 24;
/// Most compartments whose Jacobian is formed; beyond, the rightmost eigenvalues are found by iteration.
pub const DENSE: usize = 2500;

/// Eigenvalues of the Jacobian of `dv/dt` of one sample (1/s), that of the largest real part first.
#[derive(Clone, Debug)]
pub struct Spectrum {
    /// All eigenvalues, or the rightmost ones of a large circuit.
    pub eigenvalues: Vec<Complex<f64>>,
}

impl Spectrum {
    /// Largest real part (1/s).
    #[must_use]
    pub fn abscissa(&self) -> f64 {
        self.eigenvalues.first().map_or(f64::NAN, |e| e.re)
    }

    /// Verdict by the rightmost eigenvalue.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.abscissa() > 0.0 { self.leaning() } else { Verdict::Stable }
    }

    /// Instability that would set in if the rightmost eigenvalue crossed the axis.
    #[must_use]
    pub fn leaning(&self) -> Verdict {
        match self.eigenvalues.first() {
            Some(e) if e.im.abs() > REAL * e.norm() => Verdict::Oscillation,
            _ => Verdict::LatchUp,
        }
    }
}

/// Behaviour of a small deviation from the fixed point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It decays.
    Stable,
    /// It grows without turning: the rightmost eigenvalue is real and positive.
    LatchUp,
    /// It rings and grows: a complex pair.
    Oscillation,
}

impl Verdict {
    /// Name in files and on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::LatchUp => "latch-up",
            Self::Oscillation => "oscillation",
        }
    }
}

/// Stability of a batch of circuits at their fixed points.
#[derive(Clone, Debug)]
pub struct Stability {
    /// Fixed point of each sample.
    pub points: Vec<FixedPoint>,
    /// Spectrum of each sample; `None` where no fixed point was found.
    pub spectra: Vec<Option<Spectrum>>,
    /// True for every sample whose fixed point lies on a rail that its free equilibrium does not touch.
    pub on_rails: Vec<bool>,
}

impl Stability {
    /// Verdict on a sample that has a spectrum: by its rightmost eigenvalue, but latch-up where it stays on a
    /// rail that the free equilibrium does not touch (docs/model.md §5).
    #[must_use]
    pub fn verdict(&self, sample: usize) -> Option<Verdict> {
        let verdict = self.spectra[sample].as_ref()?.verdict();
        let latched = verdict == Verdict::Stable && self.on_rails[sample];
        Some(if latched { Verdict::LatchUp } else { verdict })
    }

    /// The least stable sample and its spectrum: unstable ones first, then those on rails.
    #[must_use]
    pub fn worst(&self) -> Option<(usize, &Spectrum)> {
        let rank = |i: usize, spectrum: &Spectrum| (spectrum.abscissa() > 0.0, self.on_rails[i]);
        let found = self.spectra.iter().enumerate().filter_map(|(i, s)| Some((i, s.as_ref()?)));
        found.max_by(|a, b| {
            rank(a.0, a.1).cmp(&rank(b.0, b.1)).then(a.1.abscissa().total_cmp(&b.1.abscissa()))
        })
    }
}

/// Fixed points, by Newton from `start` (`[batch × width]`, V), and their spectra.
///
/// `tolerance` (V) is the residual to which the fixed points are found; those of `spec` say what lies on a
/// rail. Samples run on all threads.
#[must_use]
pub fn stability(
    circuit: &dyn Dynamics<f64>,
    spec: &SolverSpec,
    start: &Matrix<f64>,
    tolerance: f64,
) -> Stability {
    let (points, spectra): (Vec<FixedPoint>, Vec<_>) = (0..circuit.samples())
        .into_par_iter()
        .map(|i| {
            let start: Vec<f64> = start.row(i).iter().copied().collect();
            let point = homotopy(circuit, i, &start, tolerance);
            // Eigenvalues that did not converge are no verdict: such a sample counts as not found.
            let spectrum = point.converged.then(|| spectrum(circuit, i, &point.state));
            let spectrum = spectrum.filter(|found| found.abscissa().is_finite());
            (point, spectrum)
        })
        .unzip();
    let equilibria: Vec<_> = points.iter().map(|point| point.converged.then_some(&point.state[..])).collect();
    let on_rails = find_on_rails(circuit, spec, &equilibria);
    Stability { points, spectra, on_rails }
}

/// Eigenvalues of the Jacobian of one sample at `state` (`width` potentials, V), as growth rates also where
/// there is a clock.
#[must_use]
pub fn spectrum<T: Real>(circuit: &dyn Dynamics<T>, sample: usize, state: &[f64]) -> Spectrum {
    compiled_once!(T, SpectrumAt, spectrum_at)(circuit, sample, state)
}

/// [`spectrum`].
type SpectrumAt<T> = fn(&dyn Dynamics<T>, usize, &[f64]) -> Spectrum;

fn spectrum_at<T: Real>(circuit: &dyn Dynamics<T>, sample: usize, state: &[f64]) -> Spectrum {
    if state.len() > DENSE {
        return sorted(rightmost(circuit, sample, state));
    }
    sorted(dense_spectrum(circuit, sample, state))
}

/// The rightmost eigenvalues alone, the first of which is that of [`spectrum`]: what a verdict needs, at a
/// fraction of the cost.
#[must_use]
pub fn leading<T: Real>(circuit: &dyn Dynamics<T>, sample: usize, state: &[f64]) -> Spectrum {
    if state.len() > DENSE {
        return sorted(rightmost(circuit, sample, state));
    }
    let growth_rate = GrowthRate::of(circuit);
    let jacobian = Jacobian::at(circuit, sample, state, &growth_rate);
    let of = |block: &DMatrix<f64>| {
        let found = (block.nrows() > SMALL).then(|| of_large_block(block, &growth_rate)).flatten();
        found.unwrap_or_else(|| of_block(block))
    };
    let found = jacobian.eigenvalues(T::EPSILON.to_f64(), &of);
    sorted(found.into_iter().map(|eigenvalue| growth_rate.growth(eigenvalue)).collect())
}

/// Eigenvalues, rightmost first.
fn sorted(mut eigenvalues: Vec<Complex<f64>>) -> Spectrum {
    eigenvalues.sort_by(|a, b| b.re.total_cmp(&a.re).then(b.im.total_cmp(&a.im)));
    Spectrum { eigenvalues }
}

/// All eigenvalues (1/s), from the whole matrix.
pub(super) fn dense_spectrum<T: Real>(
    circuit: &dyn Dynamics<T>,
    sample: usize,
    state: &[f64],
) -> Vec<Complex<f64>> {
    let growth_rate = GrowthRate::of(circuit);
    let jacobian = Jacobian::at(circuit, sample, state, &growth_rate);
    let found = jacobian.eigenvalues(T::EPSILON.to_f64(), &of_block);
    found.into_iter().map(|eigenvalue| growth_rate.growth(eigenvalue)).collect()
}

/// The Jacobian of `dv/dt`, or of a period's change.
///
/// What has no slope passes nothing on: its columns are zero but for the leak, and its eigenvalues are that.
struct Jacobian {
    /// In means `α v⁺ + ᾱ v⁻` and differences `v⁺ − v⁻` of the other dyads, the two of a dyad side by side;
    /// without dyads, in the potentials of the other compartments.
    matrix: DMatrix<f64>,
    /// Eigenvalues of what is left out.
    idle: Vec<f64>,
}

impl Jacobian {
    fn at<T: Real>(
        circuit: &dyn Dynamics<T>,
        sample: usize,
        state: &[f64],
        growth_rate: &GrowthRate,
    ) -> Self {
        match circuit.layered() {
            Some(layered) => Self::of_dyads(layered, sample, state, growth_rate),
            None => Self::of_compartments(circuit, sample, state, growth_rate),
        }
    }

    fn of_compartments<T: Real>(
        circuit: &dyn Dynamics<T>,
        sample: usize,
        state: &[f64],
        growth_rate: &GrowthRate,
    ) -> Self {
        let slopes = compute_slopes(circuit, state);
        let (active, idle): (Vec<_>, Vec<_>) = (0..state.len()).partition(|&j| slopes[j] != 0.0);
        let directions =
            Matrix::from_fn(active.len(), state.len(), |n, j| if j == active[n] { T::ONE } else { T::ZERO });
        let moved = along(circuit, sample, state, &directions);
        let matrix = DMatrix::from_fn(active.len(), active.len(), |i, j| {
            growth_rate.scale[active[i]] * (moved[(active[i], j)] - f64::from(i == j))
        });
        Self { matrix, idle: idle.into_iter().map(|j| -growth_rate.scale[j]).collect() }
    }

    fn of_dyads<T: Real>(
        circuit: &dyn Layered<T>,
        sample: usize,
        state: &[f64],
        growth_rate: &GrowthRate,
    ) -> Self {
        let (layout, width) = (circuit.layout(), state.len());
        let slopes = compute_slopes(circuit, state);
        let dyads = (0..layout.depth()).flat_map(|k| {
            layout.plus(k).zip(layout.minus(k)).zip(circuit.mixing(k)).map(|((p, q), &a)| (p, q, a.to_f64()))
        });
        let (active, idle): (Vec<_>, Vec<_>) =
            dyads.partition(|&(p, q, _)| slopes[p] != 0.0 || slopes[q] != 0.0);
        // v⁺ = mean + ᾱ difference, v⁻ = mean − α difference: the rows of `directions`.
        let mut directions = DMatrix::<f64>::zeros(2 * active.len(), width);
        for (n, &(p, q, alpha)) in active.iter().enumerate() {
            (directions[(2 * n, p)], directions[(2 * n, q)]) = (1.0, 1.0);
            (directions[(2 * n + 1, p)], directions[(2 * n + 1, q)]) = (1.0 - alpha, -alpha);
        }
        let mut moved = along(circuit, sample, state, &directions.map(T::of)) - directions.transpose();
        for (mut row, &scale) in moved.row_iter_mut().zip(&growth_rate.scale) {
            row *= scale;
        }
        let mut matrix = DMatrix::zeros(2 * active.len(), 2 * active.len());
        for (n, &(p, q, alpha)) in active.iter().enumerate() {
            matrix.set_row(2 * n, &(moved.row(p) * alpha + moved.row(q) * (1.0 - alpha)));
            matrix.set_row(2 * n + 1, &(moved.row(p) - moved.row(q)));
        }
        Self {
            matrix,
            idle: idle.iter().flat_map(|&(p, q, _)| [-growth_rate.scale[p], -growth_rate.scale[q]]).collect(),
        }
    }

    /// Eigenvalues, part by part, those of a part of several coordinates by `of`.
    fn eigenvalues(
        &self,
        epsilon: f64,
        of: &dyn Fn(&DMatrix<f64>) -> Vec<Complex<f64>>,
    ) -> Vec<Complex<f64>> {
        let mut found = dense(&self.matrix, epsilon, of);
        found.extend(self.idle.iter().map(|&rate| Complex::new(rate, 0.0)));
        found
    }
}

/// Eigenvalues of a matrix whose entries are known to `epsilon`, strongly connected part by part.
fn dense(
    matrix: &DMatrix<f64>,
    epsilon: f64,
    of: &dyn Fn(&DMatrix<f64>) -> Vec<Complex<f64>>,
) -> Vec<Complex<f64>> {
    let floor = if matrix.is_empty() { 0.0 } else { ROUNDING * epsilon * matrix.amax() };
    let mut graph: DiGraph<(), (), usize> = DiGraph::default();
    let nodes: Vec<_> = (0..matrix.nrows()).map(|_| graph.add_node(())).collect();
    for (j, column) in matrix.column_iter().enumerate() {
        for (i, value) in column.iter().enumerate() {
            if i != j && value.abs() > floor {
                graph.add_edge(nodes[j], nodes[i], ());
            }
        }
    }
    let mut eigenvalues = Vec::with_capacity(matrix.nrows());
    for part in tarjan_scc(&graph) {
        if let [only] = part[..] {
            eigenvalues.push(Complex::new(matrix[(only.index(), only.index())], 0.0));
            continue;
        }
        let block =
            DMatrix::from_fn(part.len(), part.len(), |i, j| matrix[(part[i].index(), part[j].index())]);
        eigenvalues.extend(of(&block));
    }
    eigenvalues
}

/// Eigenvalues of one connected block by the real Schur form; NaN if it does not converge.
///
/// nalgebra's iteration has no exceptional shifts: of blocks that are all but defective, such as those of
/// `DPᵀ` with spreads of 10⁻⁸ to 10⁻³, it stalls at some per cent. A reflection, which leaves the eigenvalues
/// where they are, sends it another way.
pub(super) fn of_block(block: &DMatrix<f64>) -> Vec<Complex<f64>> {
    let found = schur(block).or_else(|| (0..REFLECTIONS).find_map(|number| schur(&reflected(block, number))));
    found.unwrap_or_else(|| vec![Complex::new(f64::NAN, f64::NAN); block.nrows()])
}

/// Eigenvalues, if the iteration ends: it often does not when asked to deflate at one machine epsilon; at 45
/// and more of them the eigenvalues are those of a matrix that differs by so much, relatively.
fn schur(block: &DMatrix<f64>) -> Option<Vec<Complex<f64>>> {
    [1e-14, 1e-13, 1e-12].into_iter().find_map(|epsilon| {
        let schur = Schur::try_new(block.clone(), epsilon, 100 * block.nrows())?;
        let found: Vec<_> = schur.complex_eigenvalues().iter().copied().collect();
        found.iter().all(|e| e.re.is_finite() && e.im.is_finite()).then_some(found)
    })
}

/// `H block H`, with a Householder reflection `H` that mixes all coordinates.
fn reflected(block: &DMatrix<f64>, number: u32) -> DMatrix<f64> {
    let axis = DVector::from_fn(block.nrows(), |i, _| ((i as f64 + 1.0) * (1.3 + f64::from(number))).sin());
    let axis = axis.normalize();
    let left = block - (&axis * (axis.transpose() * block)) * 2.0;
    &left - (&left * &axis) * axis.transpose() * 2.0
}

#[cfg(test)]
#[path = "spectrum_tests.rs"]
mod tests;
