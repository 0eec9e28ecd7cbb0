//! Folds, Hopf points and border collisions of hand-made systems and circuits against their closed forms.

use dyadsim_core::analysis::continuation::*;
use dyadsim_core::chip::Weights;
use dyadsim_core::learn::Batch;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::spec::*;
use nalgebra::{DMatrix, dmatrix, dvector};

type Matrix64 = DMatrix<f64>;

/// A family by its formulas.
struct Formula<F, J, S> {
    dimension: usize,
    force: F,
    jacobian: J,
    slope: S,
    kinks: Vec<Kink>,
}

impl<F, J, S> Family for Formula<F, J, S>
where
    F: Fn(&Vector, f64) -> Vector + Sync,
    J: Fn(&Vector, f64) -> Matrix64 + Sync,
    S: Fn(&Vector, f64) -> Vector + Sync,
{
    fn dimension(&self) -> usize {
        self.dimension
    }
    fn residual(&self, x: &Vector, p: f64) -> Vector {
        (self.force)(x, p)
    }
    fn jacobian(&self, x: &Vector, p: f64) -> Matrix64 {
        (self.jacobian)(x, p)
    }
    fn slope(&self, x: &Vector, p: f64) -> Vector {
        (self.slope)(x, p)
    }
    fn kinks(&self, _p: f64) -> Vec<Kink> {
        self.kinks.clone()
    }
}

fn names(branch: &Branch) -> Vec<&'static str> {
    branch.events.iter().map(|event| event.kind.name()).collect()
}

fn hopf(event: &Event) -> (f64, Option<f64>) {
    match event.kind {
        EventKind::Hopf { omega, lyapunov } => (omega, lyapunov),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_fold_of_the_normal_form_is_at_zero_and_the_branch_comes_back() {
    let family = Formula {
        dimension: 1,
        force: |x: &Vector, p: f64| dvector![p + x[0] * x[0]],
        jacobian: |x: &Vector, _| dmatrix![2.0 * x[0]],
        slope: |_: &Vector, _| dvector![1.0],
        kinks: Vec::new(),
    };
    let branch = follow(&family, &Plan::new((-1.0, 1.0), dvector![-1.0])).unwrap();
    assert_eq!((names(&branch), branch.end), (vec!["fold"], End::Returned));
    let fold = &branch.events[0];
    // The parameter is quadratic in the arc: the bracket of 1e-12 of a step leaves rounding alone.
    assert!(fold.parameter.abs() < 1e-12 && fold.state[0].abs() < 1e-8, "{fold:?}");
    assert_eq!(fold.unstable, (0, 1));
}

#[test]
fn a_pitchfork_is_a_crossing_and_no_fold() {
    let family = Formula {
        dimension: 1,
        force: |x: &Vector, p: f64| dvector![(p - 0.3) * x[0] - x[0].powi(3)],
        jacobian: |x: &Vector, p: f64| dmatrix![p - 0.3 - 3.0 * x[0] * x[0]],
        slope: |x: &Vector, _| dvector![x[0]],
        kinks: Vec::new(),
    };
    let branch = follow(&family, &Plan::new((-1.0, 1.0), dvector![0.0])).unwrap();
    assert_eq!((names(&branch), branch.end), (vec!["crossing"], End::Reached));
    assert!((branch.events[0].parameter - 0.3).abs() < 1e-8, "{:?}", branch.events[0]);
}

#[test]
fn the_hopf_points_of_the_normal_form_have_its_frequency_and_criticality() {
    for sign in [-1.0, 1.0] {
        // z' = (p + 2i) z + σ z |z|²: with an eigenvector of length 1, ℓ₁ = 2 σ/ω.
        let family = Formula {
            dimension: 2,
            force: move |x: &Vector, p: f64| {
                let r = sign * x.norm_squared();
                dvector![p * x[0] - 2.0 * x[1] + r * x[0], 2.0 * x[0] + p * x[1] + r * x[1]]
            },
            jacobian: move |x: &Vector, p: f64| {
                let r = x.norm_squared();
                let (a, b) = (x[0], x[1]);
                dmatrix![p + sign * (r + 2.0 * a * a), -2.0 + sign * 2.0 * a * b;
                         2.0 + sign * 2.0 * a * b, p + sign * (r + 2.0 * b * b)]
            },
            slope: |x: &Vector, _| x.clone(),
            kinks: Vec::new(),
        };
        let branch = follow(&family, &Plan::new((-0.7, 1.0), dvector![0.0, 0.0])).unwrap();
        assert_eq!(names(&branch), ["hopf"]);
        let (omega, lyapunov) = hopf(&branch.events[0]);
        assert!(branch.events[0].parameter.abs() < 1e-8 && (omega - 2.0).abs() < 1e-8);
        // Third differences of a step of 7e-4 carry ε/(7e-4)³ = 6e-7 of rounding.
        assert!((lyapunov.unwrap() - sign).abs() < 1e-5, "{lyapunov:?}");
    }
}

#[test]
fn the_brusselator_begins_to_cycle_where_it_should() {
    let a = 1.3;
    let family = Formula {
        dimension: 2,
        force: move |x: &Vector, b: f64| {
            let (u, v) = (x[0], x[1]);
            dvector![a - (b + 1.0) * u + u * u * v, b * u - u * u * v]
        },
        jacobian: |x: &Vector, b: f64| {
            let (u, v) = (x[0], x[1]);
            dmatrix![2.0 * u * v - b - 1.0, u * u; b - 2.0 * u * v, -u * u]
        },
        slope: |x: &Vector, _| dvector![-x[0], x[0]],
        kinks: Vec::new(),
    };
    let branch = follow(&family, &Plan::new((1.0, 4.0), dvector![a, 1.0 / a])).unwrap();
    assert_eq!(names(&branch), ["hopf"]);
    let (omega, lyapunov) = hopf(&branch.events[0]);
    assert!((branch.events[0].parameter / (1.0 + a * a) - 1.0).abs() < 1e-8);
    assert!((omega / a - 1.0).abs() < 1e-8);
    assert!(lyapunov.unwrap() < 0.0, "its cycle is stable");
}

#[test]
fn a_corner_at_which_the_branch_turns_back_is_passed() {
    // x' = p − x + 2 max(x, 0): x = p below 0, x = −p above, both for p < 0.
    let family = Formula {
        dimension: 1,
        force: |x: &Vector, p: f64| dvector![p - x[0] + 2.0 * x[0].max(0.0)],
        jacobian: |x: &Vector, _| dmatrix![if x[0] > 0.0 { 1.0 } else { -1.0 }],
        slope: |_: &Vector, _| dvector![1.0],
        kinks: vec![Kink { coordinate: 0, position: 0.0 }],
    };
    let branch = follow(&family, &Plan::new((-1.0, 1.0), dvector![-1.0])).unwrap();
    assert_eq!((names(&branch), branch.end), (vec!["border-fold"], End::Returned));
    assert!(branch.events[0].parameter.abs() < 1e-12);
    assert_eq!(branch.events[0].unstable, (0, 1));
    assert!((branch.points.last().unwrap().state[0] - 1.0).abs() < 1e-9);
}

/// Follows a circuit of one sample in β.
fn in_beta(
    spec: &CircuitSpec,
    weights: &Weights<f64>,
    (input, target): (f64, f64),
    (from, to): (f64, f64),
) -> (Branch, f64, Vec<Option<Border>>) {
    let setting = |beta: f64| {
        let mut spec = spec.clone();
        spec.nudge.beta = beta;
        Some(CircuitSetting { spec, gain: 1.0 })
    };
    let batch = Batch::new(Matrix::from_element(1, 1, input), Matrix::from_element(1, 1, target));
    let family = CircuitFamily::new(&setting, (from, to), weights, batch).unwrap();
    let branch = follow(&family, &Plan::new((from, to), family.free_state())).unwrap();
    let places = branch.events.iter().map(|event| family.border(event)).collect();
    (branch, family.unit(), places)
}

fn spec(activation: ActivationKind, output: ActivationKind, variant: Variant, alpha: f64) -> CircuitSpec {
    let mut spec = CircuitSpec::default();
    spec.neuron.activation = activation.into();
    spec.neuron.output_activation = output.into();
    (spec.nudge.variant, spec.nudge.alpha) = (variant, alpha);
    spec
}

/// A 1-1-1 chain without biases.
fn chain(w2: f64) -> Weights<f64> {
    let mut weights = Weights::zeros(&[1, 1, 1]);
    (weights.forward[0][0], weights.forward[1][0]) = (0.7, w2);
    weights
}

/// Both `κβ` at which the linear chain crosses the axis, and `ω τ`: `μ = 1 + iω` in `μ³ + κβ μ² + κβ w₂² = 0`
/// (docs/model.md §3.4) gives `2 K² + (8 − w₂²) K + 8 = 0` and `ω² = 3 + 2 K`.
fn crossings(w2: f64) -> [(f64, f64); 2] {
    let half = w2 * w2 - 8.0;
    [-1.0, 1.0].map(|side| {
        let k = (half + side * (half * half - 64.0).sqrt()) / 4.0;
        (k, (3.0 + 2.0 * k).sqrt())
    })
}

#[test]
fn the_linear_chain_rings_between_the_two_nudges_of_its_closed_form() {
    for (alpha, w2) in [(1.0, 10.0), (0.8, 6.0)] {
        let linear = spec(ActivationKind::Linear, ActivationKind::Linear, Variant::Dp, alpha);
        let (branch, unit, _) = in_beta(&linear, &chain(w2), (0.5, 1.0), (0.0, 100.0));
        assert_eq!((names(&branch), branch.end), (vec!["hopf", "hopf"], End::Reached));
        for (event, (k, omega)) in branch.events.iter().zip(crossings(w2)) {
            let found = hopf(event);
            assert!((event.parameter * (2.0 * alpha - 1.0) / k - 1.0).abs() < 1e-8, "{event:?} {k}");
            assert!((found.0 / omega - 1.0).abs() < 1e-8);
            assert_eq!(found.1, None, "a linear circuit has no cycle of its own");
        }
        assert!((unit / 1e-6 - 1.0).abs() < 1e-12);
    }
}

#[test]
fn the_tanh_chain_begins_to_cycle_where_its_linear_part_rings() {
    // Without input and target it rests at 0 V, where slopes are 1.
    let tanh = spec(ActivationKind::Tanh, ActivationKind::Tanh, Variant::Dp, 1.0);
    let (branch, ..) = in_beta(&tanh, &chain(10.0), (0.0, 0.0), (0.01, 1.0));
    let (k, omega) = crossings(10.0)[0];
    assert_eq!(names(&branch), ["hopf"]);
    let found = hopf(&branch.events[0]);
    assert!((branch.events[0].parameter / k - 1.0).abs() < 1e-8 && (found.0 / omega - 1.0).abs() < 1e-8);
    assert!(found.1.unwrap() < 0.0, "saturation keeps the cycle small");
}

#[test]
fn the_tanh_chain_latches_up_at_the_threshold_of_its_linear_part() {
    for (alpha, w2) in [(0.0, 1.5), (0.25, 3.0)] {
        let tanh = spec(ActivationKind::Tanh, ActivationKind::Tanh, Variant::Dp, alpha);
        let threshold = 1.0 / ((1.0 - 2.0 * alpha) * (1.0 + w2 * w2));
        let (branch, ..) = in_beta(&tanh, &chain(w2), (0.0, 0.0), (0.0, 3.0 * threshold));
        assert_eq!(names(&branch), ["crossing"]);
        assert!((branch.events[0].parameter / threshold - 1.0).abs() < 1e-8);
    }
}

#[test]
fn a_linear_chain_latches_up_at_infinity() {
    let linear = spec(ActivationKind::Linear, ActivationKind::Linear, Variant::Dp, 0.2);
    let (branch, ..) = in_beta(&linear, &chain(1.5), (0.5, 1.0), (0.0, 10.0));
    assert_eq!((names(&branch), branch.end), (vec!["infinity"], End::Infinity));
    let threshold = 1.0 / (0.6 * (1.0 + 1.5 * 1.5));
    assert!((branch.events[0].parameter / threshold - 1.0).abs() < 1e-8);
}

#[test]
fn a_saturating_output_dyad_folds_twice() {
    // DP at α = 0, layer of one dyad: v⁻ = u + β (tanh v⁻ − y), so β(v) = (v − u)/(tanh v − y), whose
    // extremes solve β sech² v = 1. With a fold put at v = 1: β = cosh² 1, u = 1 − β (tanh 1 − y).
    let y = 1.1;
    let beta = 1.0_f64.cosh().powi(2);
    let u = 1.0 - beta * (1.0_f64.tanh() - y);
    let mut weights = Weights::zeros(&[1, 1]);
    weights.biases[0][0] = u;
    let tanh = spec(ActivationKind::Tanh, ActivationKind::Tanh, Variant::Dp, 0.0);
    let (branch, ..) = in_beta(&tanh, &weights, (0.0, y), (0.0, 10.0));
    assert_eq!((names(&branch), branch.end), (vec!["fold", "fold"], End::Reached));
    assert!((branch.events[0].parameter / beta - 1.0).abs() < 1e-10, "{:?}", branch.events[0]);
    assert!((branch.events[0].state[1] - 1.0).abs() < 1e-6);
    assert_eq!([branch.events[0].unstable, branch.events[1].unstable], [(0, 1), (1, 0)]);
    // The other extreme of β(v), by bisection of β sech² v − 1 below 0 V.
    let of = |v: f64| (v - u) / (v.tanh() - y);
    let (mut low, mut high) = (-5.0_f64, 0.9_f64);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if of(middle) < middle.cosh().powi(2) { low = middle } else { high = middle }
    }
    assert!((branch.events[1].parameter / of(low) - 1.0).abs() < 1e-10);
}

#[test]
fn a_dyad_that_straddles_its_kink_is_named() {
    // DP at α = 0, one relu dyad: v⁻ = u + β (relu(v⁻) − y) passes its kink at β = u/y, v⁺ = u does not move.
    for (u, y, kind, unstable) in
        [(0.5, 1.0, &["border"][..], (0, 0)), (-2.0, -1.0, &["border-fold", "infinity"], (0, 1))]
    {
        let mut weights = Weights::zeros(&[1, 1]);
        weights.biases[0][0] = u;
        let relu = spec(ActivationKind::Relu, ActivationKind::Relu, Variant::Dp, 0.0);
        let (branch, _, places) = in_beta(&relu, &weights, (0.0, y), (0.0, 3.0));
        // Beyond its fold the branch is v⁻ = (2 − β)/(β − 1), which runs away towards β = 1.
        assert_eq!(names(&branch), kind);
        assert!(
            branch.events.get(1).is_none_or(|end| (end.parameter - 1.0).abs() < 1e-6),
            "{:?}",
            branch.events
        );
        assert!((branch.events[0].parameter / (u / y) - 1.0).abs() < 1e-10, "{:?}", branch.events[0]);
        assert_eq!(branch.events[0].unstable, unstable);
        let border = places[0].unwrap();
        assert_eq!(
            (border.layer, border.neuron, border.compartment, border.upwards),
            (1, 0, "minus", u < 0.0)
        );
        assert!(border.straddles, "the other compartment stays at {u} V");
    }
}
