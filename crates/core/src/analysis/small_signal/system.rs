//! A linear system with noise: `dx/dt = A x + Σ b ξ(t)`, its stationary covariance and its spectra, cause by
//! cause.
//!
//! Coloured noise is white noise through a filter, so the state is augmented by the filter (Gardiner,
//! *Handbook of Stochastic Methods*, §4.4). An Ornstein–Uhlenbeck forcing `w` of rate `r` and covariance `K`
//! adds the rows `dw/dt = −r w + …`; the augmented Lyapunov equation is block triangular and is solved by
//! blocks:
//!
//! `⟨w wᵀ⟩ = K`, `X = ⟨x wᵀ⟩ = (r − A)⁻¹ K`, `A P + P Aᵀ + X + Xᵀ = 0`,
//!
//! so a hundred processes cost a hundred inverses of the size of `A`, not one solution of a hundred times its
//! size.

use nalgebra::{Complex, DVector};

use super::dense::symmetric;
use super::lyapunov::{LinearError, beside, lyapunov};
use super::phi::Averages;
use crate::circuit::Dynamics;
use crate::matrix::Matrix;
use crate::noise::{Cause, Colour, NoiseInput};
use crate::solve::drive_jacobian;

/// Independent noise of one cause and colour in `dx/dt`: every pattern `b` is driven by a process of its own.
///
/// `Σ b bᵀ` is the intensity of the white noise (V²/s: `⟨dW dWᵀ⟩ = Σ b bᵀ dt`), or the covariance of the
/// coloured forcing (V²/s²). A white drive noise of one-sided PSD `S_u` gives compartment `j` the entry
/// `√(S_u/2)/τ_j`.
#[derive(Clone, Debug)]
pub struct NoiseForcing {
    /// Cause of the noise.
    pub cause: Cause,
    /// Its spectrum.
    pub colour: Colour,
    /// Columns `b` of the input matrix, each as entries (state, value).
    pub columns: Vec<Vec<(usize, f64)>>,
}

/// A linear system with noise.
#[derive(Clone, Debug)]
pub struct System {
    /// `A` (1/s).
    pub drift: Matrix<f64>,
    /// Noise forcings.
    pub forcings: Vec<NoiseForcing>,
}

/// The share of one cause in a covariance.
#[derive(Clone, Debug)]
pub struct Share {
    /// The cause.
    pub cause: Cause,
    /// Its covariance `P` (V²).
    pub covariance: Matrix<f64>,
    /// `(r, X)` of each of its coloured forcings.
    pub beside: Vec<(f64, Matrix<f64>)>,
}

/// A stationary covariance.
#[derive(Clone, Debug)]
pub struct Covariance {
    /// Of all causes together (V²).
    pub total: Matrix<f64>,
    /// Of each cause, in the order of the disturbances.
    pub shares: Vec<Share>,
    /// Relative residual of the worst of the equations.
    pub residual: f64,
}

impl NoiseForcing {
    /// `Σ b bᵀ`.
    fn matrix(&self, n: usize) -> Matrix<f64> {
        let mut sum = Matrix::zeros(n, n);
        for pattern in &self.columns {
            for &(i, a) in pattern {
                for &(j, b) in pattern {
                    sum[(i, j)] += a * b;
                }
            }
        }
        sum
    }

    /// One-sided PSD of each process at a frequency (Hz), for patterns of unit size.
    fn density(&self, frequency: f64) -> f64 {
        match self.colour {
            Colour::White => 2.0,
            Colour::Pole(rate) => 4.0 * rate / (rate.powi(2) + (std::f64::consts::TAU * frequency).powi(2)),
        }
    }
}

/// Noise forcings of one sample of a circuit at `state` (`width` potentials, V): `dv_j/dt` gets `n_j/τ_j` of
/// a noise `n_j` of its drive.
#[must_use]
pub fn forcings(circuit: &dyn Dynamics<f64>, sample: usize, state: &[f64]) -> Vec<NoiseForcing> {
    let rates = circuit.rates();
    let scaled = |NoiseInput { cause, colour, columns: mut patterns }| {
        patterns.iter_mut().flatten().for_each(|(column, value): &mut (usize, f64)| *value *= rates[*column]);
        NoiseForcing { cause, colour, columns: patterns }
    };
    circuit.noise_inputs(sample, state).into_iter().map(scaled).collect()
}

impl System {
    /// Linearises one sample of a circuit at `state` (`width` potentials, V), a fixed point, and its noise
    /// there.
    #[must_use]
    pub fn at(circuit: &dyn Dynamics<f64>, sample: usize, state: &[f64]) -> Self {
        let mut drift = drive_jacobian(circuit, sample, state);
        drift -= Matrix::identity(state.len(), state.len());
        for (mut row, &rate) in drift.row_iter_mut().zip(circuit.rates()) {
            row *= rate;
        }
        Self { drift, forcings: forcings(circuit, sample, state) }
    }

    /// Number of states.
    #[must_use]
    pub fn size(&self) -> usize {
        self.drift.nrows()
    }

    /// The causes, each once.
    #[must_use]
    pub fn causes(&self) -> Vec<Cause> {
        causes(&self.forcings)
    }

    /// The stationary covariance.
    ///
    /// # Errors
    /// [`LinearError::Unstable`] if there is none.
    pub fn covariance(&self) -> Result<Covariance, LinearError> {
        let n = self.size();
        let (mut right, mut shares) = (Vec::new(), Vec::new());
        for cause in self.causes() {
            let mut sum = Matrix::zeros(n, n);
            let mut poles = Vec::new();
            for source in self.forcings.iter().filter(|d| d.cause == cause) {
                let matrix = source.matrix(n);
                match source.colour {
                    Colour::White => sum += matrix,
                    Colour::Pole(rate) => {
                        let x = beside(&self.drift, rate, &matrix)?;
                        sum += symmetric(&x) * 2.0;
                        poles.push((rate, x));
                    }
                }
            }
            right.push(sum);
            shares.push((cause, poles));
        }
        if right.is_empty() {
            right.push(Matrix::zeros(n, n)); // a silent circuit must be stable, too
        }
        let found = lyapunov(&self.drift, &right)?;
        let shares: Vec<Share> = shares
            .into_iter()
            .zip(found.covariances)
            .map(|((cause, beside), covariance)| Share { cause, covariance, beside })
            .collect();
        Ok(Covariance { total: sum_of(&shares, n), shares, residual: found.residual })
    }

    /// One-sided PSD of `c·x` (V²/Hz) at a frequency (Hz), one entry per cause; `None` at a resonance without
    /// loss.
    ///
    /// `S(f) = Σ |yᵀ b|² S_b(f)` with `(iω − Aᵀ) y = c`.
    #[must_use]
    pub fn density(&self, readout: &DVector<f64>, frequency: f64) -> Option<Vec<f64>> {
        let n = self.size();
        let omega = std::f64::consts::TAU * frequency;
        let matrix = nalgebra::DMatrix::from_fn(n, n, |i, j| {
            Complex::new(-self.drift[(j, i)], if i == j { omega } else { 0.0 })
        });
        let response = matrix.lu().solve(&readout.map(|c| Complex::new(c, 0.0)))?;
        Some(self.weigh(&response, frequency))
    }

    /// `Σ |yᵀ b|² S_b(f)` of every cause.
    pub(super) fn weigh(&self, response: &DVector<Complex<f64>>, frequency: f64) -> Vec<f64> {
        let gain = |pattern: &Vec<(usize, f64)>| {
            pattern.iter().map(|&(i, b)| response[i] * b).sum::<Complex<f64>>().norm_sqr()
        };
        let of = |d: &NoiseForcing| d.density(frequency) * d.columns.iter().map(gain).sum::<f64>();
        let share = |cause| self.forcings.iter().filter(|d| d.cause == cause).map(of).sum::<f64>();
        self.causes().into_iter().map(share).collect()
    }
}

impl Covariance {
    /// Covariance of the state averaged over `time` (s), every reading starting at an independent moment.
    ///
    /// With the correlation `R(s) = e^{As} P + Σ_r ∫₀ˢ e^{A(s−u)} e^{−ru} du Xᵣᵀ` of a state with its past,
    /// the average has `T⁻² ∫₀ᵀ (T − s) (R + Rᵀ) ds`, which are functions `φ₂` of matrices ([`Averages`]).
    #[must_use]
    pub fn averaged(&self, drift: &Matrix<f64>, time: f64) -> Self {
        if time == 0.0 {
            return self.clone();
        }
        let plain = Averages::new(drift, time);
        let shares: Vec<Share> = self
            .shares
            .iter()
            .map(|share| {
                let mut half = plain.of_state(&share.covariance);
                for (rate, x) in &share.beside {
                    half += plain.of_forcing(*rate, &x.transpose());
                }
                Share { cause: share.cause, covariance: symmetric(&half) * 2.0, beside: Vec::new() }
            })
            .collect();
        Self { total: sum_of(&shares, drift.nrows()), shares, residual: self.residual }
    }

    /// Adds an independent noise of a further cause.
    pub fn add(&mut self, cause: Cause, covariance: Matrix<f64>) {
        self.total += &covariance;
        self.shares.push(Share { cause, covariance, beside: Vec::new() });
    }

    /// The covariance of read-outs `C x`, cause by cause; `C` is `[read-outs × states]`.
    #[must_use]
    pub fn read(&self, readouts: &Matrix<f64>) -> Self {
        let through = |p: &Matrix<f64>| super::dense::congruence(readouts, p);
        let shares = self.shares.iter().map(|share| Share {
            cause: share.cause,
            covariance: through(&share.covariance),
            beside: Vec::new(),
        });
        Self { total: through(&self.total), shares: shares.collect(), residual: self.residual }
    }
}

/// The causes of some disturbances, each once, in order.
pub(super) fn causes(forcings: &[NoiseForcing]) -> Vec<Cause> {
    let mut found: Vec<Cause> = Vec::new();
    for disturbance in forcings {
        if !found.contains(&disturbance.cause) {
            found.push(disturbance.cause);
        }
    }
    found
}

fn sum_of(shares: &[Share], n: usize) -> Matrix<f64> {
    shares.iter().fold(Matrix::zeros(n, n), |sum, share| sum + &share.covariance)
}

#[cfg(test)]
#[path = "system_tests.rs"]
mod tests;
