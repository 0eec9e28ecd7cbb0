//! Noise of systems that can be worked out by hand, and of random ones by quadrature and by explicit
//! augmentation.

use super::super::Reduced;
use super::*;
use crate::random::{Key, Kind, stream};
use rand_distr::{Distribution, StandardNormal};

const TAU: f64 = std::f64::consts::TAU;

fn normal(rows: usize, columns: usize, seed: u64) -> Matrix<f64> {
    let mut source = stream(Key::new(seed, Kind::Data));
    Matrix::from_fn(rows, columns, |_, _| StandardNormal.sample(&mut source))
}

/// A matrix like a circuit's: `−1` and a random loop.
fn loops(n: usize, gain: f64, seed: u64) -> Matrix<f64> {
    normal(n, n, seed) * (gain / (n as f64).sqrt()) - Matrix::identity(n, n)
}

fn source(cause: Cause, colour: Colour, patterns: &Matrix<f64>) -> NoiseForcing {
    let column = |c: usize| patterns.column(c).iter().copied().enumerate().collect();
    NoiseForcing { cause, colour, columns: (0..patterns.ncols()).map(column).collect() }
}

/// White, and two coloured causes, one of them with two rates.
fn mixed(n: usize, seed: u64) -> System {
    let patterns = |k| normal(n, 2, 10 * seed + k);
    let forcings = vec![
        source("thermal", Colour::White, &patterns(1)),
        source("flicker", Colour::Pole(0.05), &patterns(2)),
        source("flicker", Colour::Pole(4.0), &patterns(3)),
        source("supply", Colour::Pole(1.0), &patterns(4)),
    ];
    System { drift: loops(n, 0.6, seed), forcings }
}

/// The augmented system as one matrix: the state, then every process of every coloured disturbance.
fn augmented(system: &System) -> (Matrix<f64>, Matrix<f64>) {
    let n = system.size();
    let coloured: usize =
        system.forcings.iter().filter(|d| d.colour != Colour::White).map(|d| d.columns.len()).sum();
    let mut drift = Matrix::zeros(n + coloured, n + coloured);
    let mut intensity = drift.clone();
    drift.view_mut((0, 0), (n, n)).copy_from(&system.drift);
    let mut at = n;
    for d in &system.forcings {
        for pattern in &d.columns {
            match d.colour {
                Colour::White => {
                    for &(i, a) in pattern {
                        pattern.iter().for_each(|&(j, b)| intensity[(i, j)] += a * b);
                    }
                }
                Colour::Pole(rate) => {
                    pattern.iter().for_each(|&(i, b)| drift[(i, at)] = b);
                    drift[(at, at)] = -rate;
                    intensity[(at, at)] = 2.0 * rate; // unit variance
                    at += 1;
                }
            }
        }
    }
    (drift, intensity)
}

#[test]
fn an_rc_has_four_k_t_r_over_four_r_c() {
    // S_u = 4kTR on a compartment of τ = RC: variance S_u/4τ = kT/C, density S_u/(1 + (ωτ)²).
    let (kt, r, c): (f64, f64, f64) = (1.380649e-23 * 300.0, 1e7, 1e-13);
    let (tau, density) = (r * c, 4.0 * kt * r);
    let pattern = Matrix::from_element(1, 1, (density / 2.0).sqrt() / tau);
    let system = System {
        drift: Matrix::from_element(1, 1, -1.0 / tau),
        forcings: vec![source("thermal", Colour::White, &pattern)],
    };
    let variance = system.covariance().unwrap().total[0];
    assert!((variance / (kt / c) - 1.0).abs() < 1e-14, "{variance:e}");
    for frequency in [0.0, 1e4, 1.0 / (TAU * tau), 1e7] {
        let exact = density / (1.0 + (TAU * frequency * tau).powi(2));
        let found = system.density(&DVector::from_element(1, 1.0), frequency).unwrap()[0];
        assert!((found / exact - 1.0).abs() < 1e-14, "{frequency}");
    }
}

#[test]
fn two_capacitors_joined_by_resistors_keep_k_t_over_c_each() {
    // Equipartition: whatever passive network of resistors at one temperature joins them, ⟨v vᵀ⟩ = kT C⁻¹.
    let (kt, c, g) = (4.1e-21_f64, [1e-13, 3e-14], [1e-7, 5e-9, 4e-7]); // the last joins the two
    let drift = Matrix::from_row_slice(
        2,
        2,
        &[-(g[0] + g[2]) / c[0], g[2] / c[0], g[2] / c[1], -(g[1] + g[2]) / c[1]],
    );
    let current = g.map(|g| (2.0 * kt * g).sqrt()); // two-sided 2kTg
    let patterns = Matrix::from_row_slice(
        2,
        3,
        &[current[0] / c[0], 0.0, current[2] / c[0], 0.0, current[1] / c[1], -current[2] / c[1]],
    );
    let found = System { drift, forcings: vec![source("thermal", Colour::White, &patterns)] };
    let found = found.covariance().unwrap().total;
    for i in 0..2 {
        assert!((found[(i, i)] * c[i] / kt - 1.0).abs() < 1e-12);
        assert!(found[(0, 1)].abs() < 1e-12 * found[(0, 0)]);
    }
}

#[test]
fn a_chain_of_two_rcs_is_as_worked_out_by_hand() {
    // ẋ₁ = −a x₁ + ξ, ẋ₂ = −b x₂ + g b x₁: P₁₁ = Q/2a, P₁₂ = g b P₁₁/(a + b), P₂₂ = g P₁₂.
    let (a, b, g, q) = (2.0, 0.7, 3.0, 0.5_f64);
    let drift = Matrix::from_row_slice(2, 2, &[-a, 0.0, g * b, -b]);
    let pattern = Matrix::from_column_slice(2, 1, &[q.sqrt(), 0.0]);
    let system = System { drift, forcings: vec![source("shot", Colour::White, &pattern)] };
    let found = system.covariance().unwrap().total;
    let first = q / (2.0 * a);
    let second = g * b * first / (a + b);
    let exact = Matrix::from_row_slice(2, 2, &[first, second, second, g * second]);
    assert!((found - exact).amax() < 1e-14);
}

#[test]
fn coloured_noise_on_an_rc_has_its_textbook_variance() {
    // σ²a/(a + r) for a drive of variance σ² and rate r; also where the two rates are equal.
    for (a, rate) in [(1.0, 0.01), (1.0, 1.0), (2.0, 300.0)] {
        let pattern = Matrix::from_element(1, 1, 0.3 * a);
        let drift = Matrix::from_element(1, 1, -a);
        let system = System { drift, forcings: vec![source("input", Colour::Pole(rate), &pattern)] };
        let exact = 0.09 * a / (a + rate);
        assert!((system.covariance().unwrap().total[0] / exact - 1.0).abs() < 1e-13, "{a} {rate}");
    }
}

#[test]
fn elimination_by_blocks_is_the_augmented_equation() {
    for seed in 1..6 {
        let system = mixed(7, seed);
        let (drift, intensity) = augmented(&system);
        let whole = lyapunov(&drift, &[intensity]).unwrap().covariances.remove(0);
        let found = system.covariance().unwrap();
        let gap = (whole.view((0, 0), (7, 7)) - &found.total).norm() / found.total.norm();
        assert!(gap < 1e-12, "{seed}: {gap:.1e}"); // both are refined to rounding; margins of some 0.3
        assert_eq!(system.causes(), ["thermal", "flicker", "supply"]);
        let sum = found.shares.iter().fold(Matrix::zeros(7, 7), |sum, share| sum + &share.covariance);
        assert_eq!(sum, found.total);
    }
}

/// `∫₀^∞ g df` with `f = tan θ`: smooth and periodic for rational `g`, so that the midpoint rule converges
/// geometrically.
fn over_frequencies(mut g: impl FnMut(f64) -> f64) -> f64 {
    let points = 4000;
    let step = 0.5 * std::f64::consts::PI / f64::from(points);
    (0..points)
        .map(|k| {
            let angle = (f64::from(k) + 0.5) * step;
            g(angle.tan()) * step / angle.cos().powi(2)
        })
        .sum()
}

#[test]
fn a_spectrum_integrates_to_its_variance_cause_by_cause() {
    for seed in 1..4 {
        let system = mixed(5, seed);
        let readout = DVector::from_column_slice(normal(5, 1, 77).as_slice());
        let shares = system.covariance().unwrap().read(&Matrix::from_row_slice(1, 5, readout.as_slice()));
        for (k, share) in shares.shares.iter().enumerate() {
            let area = over_frequencies(|f| system.density(&readout, f).unwrap()[k]);
            let gap = (area / share.covariance[0] - 1.0).abs();
            // Poles of the integrand in θ lie at least 0.008 from the axis (rate 0.05): e^{−2·0.008·8000} <
            // 1e-50.
            assert!(gap < 1e-10, "{seed} {}: {gap:.1e}", share.cause);
        }
    }
}

#[test]
fn an_averaged_rc_is_as_worked_out_by_hand() {
    // 2 P (x − 1 + e^{−x})/x² with x = T/τ.
    let system = System {
        drift: Matrix::from_element(1, 1, -1e6),
        forcings: vec![source("thermal", Colour::White, &Matrix::from_element(1, 1, 1e3))],
    };
    let found = system.covariance().unwrap();
    assert_eq!(found.averaged(&system.drift, 0.0).total, found.total);
    for x in [0.1_f64, 1.0, 30.0] {
        let exact = 2.0 * found.total[0] * (x - 1.0 + (-x).exp()) / (x * x);
        let averaged = found.averaged(&system.drift, x * 1e-6).total[0];
        assert!((averaged / exact - 1.0).abs() < 1e-12, "{x}"); // cancellation in the formula at x = 0.1
    }
}

#[test]
fn an_average_is_the_spectrum_seen_through_its_window() {
    // ∫ S(f) sinc²(fT) df.
    let system = mixed(5, 9);
    let readout = DVector::from_column_slice(normal(5, 1, 78).as_slice());
    let row = Matrix::from_row_slice(1, 5, readout.as_slice());
    for time in [0.7, 5.0] {
        let found = system.covariance().unwrap().averaged(&system.drift, time).read(&row);
        let window = |f: f64| {
            let x = std::f64::consts::PI * f * time;
            if x < 1e-8 { 1.0 } else { (x.sin() / x).powi(2) }
        };
        for (k, share) in found.shares.iter().enumerate() {
            let area = over_frequencies(|f| system.density(&readout, f).unwrap()[k] * window(f));
            let gap = (area / share.covariance[0] - 1.0).abs();
            // The window is not rational; its tail beyond f = 50, where the midpoints alias, carries 1e-4 of
            // (fT)⁻⁴.
            assert!(gap < 1e-5, "{time} {}: {gap:.1e}", share.cause);
        }
    }
}

#[test]
fn a_read_out_of_a_large_system_is_that_of_its_matrix() {
    let n = 120;
    let mut system = mixed(n, 3);
    system.drift = loops(n, 0.5, 31);
    let readout = DVector::from_column_slice(normal(n, 1, 79).as_slice());
    let row = Matrix::from_row_slice(1, n, readout.as_slice());
    let transposed = system.drift.transpose();
    let mut adjoint = |v: &DVector<f64>| &transposed * v;
    let reduced = Reduced::new(&mut adjoint, &system.forcings, &readout).unwrap();
    assert!(reduced.system.size() < n, "{}", reduced.system.size());
    let covariance = system.covariance().unwrap();
    for time in [0.0, 2.0] {
        let (found, exact) =
            (reduced.variance(time).unwrap(), covariance.averaged(&system.drift, time).read(&row));
        for (one, other) in found.shares.iter().zip(&exact.shares) {
            let gap = (one.covariance[0] / other.covariance[0] - 1.0).abs();
            // A variance errs by twice its deviation; resolvents here are some ten times the mean decay.
            assert!(gap < 20.0 * reduced.error.max(1e-13), "{time} {}: {gap:.1e}", one.cause);
        }
    }
    for frequency in [0.0, 0.1, 1.0] {
        let (found, exact) =
            (reduced.density(frequency).unwrap(), system.density(&readout, frequency).unwrap());
        for (one, other) in found.iter().zip(&exact) {
            let gap = (one / other - 1.0).abs();
            assert!(gap < 100.0 * reduced.error, "{frequency}: {gap:.1e} {:.1e}", reduced.error);
        }
    }
}
