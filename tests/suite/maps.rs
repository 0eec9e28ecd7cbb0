//! Maps: borders of linear nets against the closed form, and every map against integration of all its points.

use dyadsim_core::analysis::beta_threshold;
use dyadsim_core::analysis::map::{Criterion, Evaluate, GridIndex, Node, RefinedGrid, contour};
use dyadsim_core::chip::Chip;
use dyadsim_core::data::{Request, load};
use dyadsim_core::learn::{Gradient, Optimizer, nudged, rule};
use dyadsim_core::matrix::measure::larger;
use dyadsim_core::solve::Outcome;
use dyadsim_core::spec::*;
use dyadsim_core::train::gather;

use crate::nets::{Net, ideal};

/// A net with α and β left open.
struct Open<'a> {
    net: &'a Net,
    alphas: Vec<f64>,
    betas: Vec<f64>,
    by: Criterion,
}

impl Open<'_> {
    fn spec(&self, (i, j): GridIndex) -> CircuitSpec {
        let mut spec = self.net.spec.clone();
        (spec.nudge.alpha, spec.nudge.beta) = (self.alphas[i], self.betas[j]);
        spec
    }

    fn node(&self, place: GridIndex, by: Criterion, near: Option<&Node>) -> Node {
        let spec = self.spec(place);
        let chip = Chip::fabricate(&spec, &self.net.network);
        Node::evaluate(&nudged(&chip, &self.net.weights, &self.net.batch, &spec), &spec.solver, by, near)
    }

    fn survey(&self, stride: usize) -> RefinedGrid<Node> {
        RefinedGrid::refine((self.alphas.len(), self.betas.len()), stride, self).unwrap()
    }
}

impl Evaluate<Node, std::convert::Infallible> for Open<'_> {
    fn evaluate(&self, place: GridIndex, near: Option<&Node>) -> Result<Node, std::convert::Infallible> {
        Ok(self.node(place, self.by, near))
    }

    fn differs(&self, one: &Node, other: &Node) -> bool {
        one.outcome() != other.outcome() || one.is_stable() != other.is_stable()
    }
}

fn even(low: f64, high: f64, count: usize) -> Vec<f64> {
    (0..count).map(|n| low + (high - low) * n as f64 / (count as f64 - 1.0)).collect()
}

fn logarithmic(low: f64, high: f64, count: usize) -> Vec<f64> {
    even(low.ln(), high.ln(), count).into_iter().map(f64::exp).collect()
}

#[test]
fn the_predicted_border_of_linear_nets_is_that_of_the_closed_form() {
    for (seed, network) in [(1000, &[6, 5, 4][..]), (1001, &[8, 7, 6, 3]), (1002, &[5, 6, 6, 6, 2])] {
        let spec = ideal(ActivationKind::Linear, Variant::Dp, 0.0, 1.0);
        let net = Net::random(seed, network, 2, 1.2, spec);
        let open = Open {
            net: &net,
            alphas: even(0.0, 0.45, 24),
            betas: logarithmic(0.05, 20.0, 80),
            by: Criterion::Eigenvalues,
        };
        let plane = open.survey(6);
        let field = plane.field(Node::abscissa);
        let (mut worst, mut points) = (0.0_f64, 0);
        for (i, j) in contour(&field, plane.shape, 0.0).concat() {
            if i.fract() != 0.0 {
                continue; // a crossing on a line of equal β: its α is between two points
            }
            let threshold = beta_threshold(&open.spec((i as usize, 0)), &net.weights).unwrap();
            let step = (open.betas[1] / open.betas[0]).ln();
            let found = open.betas[0] * (step * j).exp();
            worst = larger(worst, (found / threshold - 1.0).abs());
            points += 1;
        }
        println!(
            "{network:?}: {points} crossings within {worst:.1e} of the closed form, {} of {} points",
            plane.looked_at(),
            24 * 80
        );
        assert!(points >= 20, "{points}");
        // The eigenvalue is analytic in ln β; between points 7.9 % apart, linear interpolation errs by
        // step²/8 of a curvature of order one: 8e-4.
        assert!(worst < 5e-3, "{network:?}: {worst}");
    }
}

/// A digits net, before training or after some epochs of backpropagation.
fn digits(epochs: usize, variant: Variant) -> Net {
    let network = [64, 48, 32, 10];
    let data = load(&Request { kind: "digits", path: None, train: None, test: None, split_seed: 0 }).unwrap();
    let spec = ideal(ActivationKind::Relu, variant, 0.5, 0.5);
    let mut net = Net::random(1, &network, 1, 1.0, spec);
    net.weights = dyadsim_core::chip::Weights::draw(&InitSpec::He, &net.spec, &network, 1);
    let mut optimizer = Optimizer::new(&OptimizerSpec::adam(3e-3), epochs.max(1), &net.weights);
    let backprop = rule::<f64>(RuleKind::Bp, &net.spec, &network);
    let updates = data.train.len() / 50;
    for update in 0..epochs * updates {
        let first = 50 * (update % updates);
        let batch = gather(&data, &(first..first + 50).collect::<Vec<_>>());
        let mut gradient = Gradient::zeros(&net.weights);
        backprop.estimate(&net.weights, &batch, &mut gradient);
        optimizer.update(&mut net.weights, &gradient, update / updates);
    }
    net.batch = gather(&data, &[0, 1, 2, 3]);
    net
}

#[test]
fn maps_of_digits_nets_are_what_integration_of_every_point_gives() {
    for (epochs, variant) in [(0, Variant::Dp), (3, Variant::Dp), (3, Variant::DpTranspose)] {
        let net = digits(epochs, variant);
        let open = Open {
            net: &net,
            alphas: even(0.0, 1.0, 20),
            betas: logarithmic(0.05, 5.0, 24),
            by: Criterion::Both,
        };
        let plane = open.survey(4);
        let representatives = plane.representatives();
        let (mut wrong, mut away) = (0, 0);
        let fate =
            |place: GridIndex| plane.at(representatives[place.1 * 20 + place.0]).and_then(Node::outcome);
        for n in 0..20 * 24_usize {
            let (i, j) = (n % 20, n / 20);
            let around = (j.saturating_sub(1)..=(j + 1).min(23))
                .flat_map(|l| (i.saturating_sub(1)..=(i + 1).min(19)).map(move |k| (k, l)));
            if around.into_iter().any(|place| fate(place) != fate((i, j))) {
                continue; // one point from a border
            }
            away += 1;
            wrong += usize::from(open.node((i, j), Criterion::Integration, None).outcome() != fate((i, j)));
        }
        println!(
            "{epochs} epochs, {variant:?}: {wrong} of {away} wrong, {} of 480 looked at",
            plane.looked_at()
        );
        assert!(wrong * 100 <= away, "{epochs} {variant:?}: {wrong} of {away}");
        assert!(plane.looked_at() < 480, "something was saved");
    }
}

#[test]
fn eigenvalues_alone_tell_what_integration_of_every_point_gives() {
    for (epochs, variant) in [(0, Variant::Dp), (3, Variant::Dp), (3, Variant::DpTranspose)] {
        let mut net = digits(epochs, variant);
        // Time enough for margins of 0.01/τ: what has not settled then is not stable.
        net.spec.solver.max_time = 2000.0;
        let (alphas, betas) = (even(0.0, 1.0, 20), logarithmic(0.05, 5.0, 24));
        let open = Open { net: &net, alphas, betas, by: Criterion::Eigenvalues };
        let plane = open.survey(4);
        let representatives = plane.representatives();
        let stable =
            |place: GridIndex| plane.at(representatives[place.1 * 20 + place.0]).is_some_and(Node::is_stable);
        let (mut wrong, mut away) = (0, 0);
        for n in 0..20 * 24_usize {
            let (i, j) = (n % 20, n / 20);
            let around = (j.saturating_sub(1)..=(j + 1).min(23))
                .flat_map(|l| (i.saturating_sub(1)..=(i + 1).min(19)).map(move |k| (k, l)));
            if around.into_iter().any(|place| stable(place) != stable((i, j))) {
                continue; // one point from a border
            }
            away += 1;
            let settles =
                open.node((i, j), Criterion::Integration, None).outcome().is_some_and(Outcome::is_settled);
            wrong += usize::from(settles != stable((i, j)));
        }
        println!("{epochs} epochs, {variant:?}: {wrong} of {away} wrong, {} looked at", plane.looked_at());
        assert!(wrong * 100 <= away, "{epochs} {variant:?}: {wrong} of {away}");
    }
}

#[test]
fn a_map_is_the_same_on_any_number_of_threads() {
    let net = Net::random(1003, &[5, 6, 4], 3, 1.5, ideal(ActivationKind::Tanh, Variant::Dp, 0.5, 0.5));
    let open =
        Open { net: &net, alphas: even(0.0, 1.0, 17), betas: logarithmic(0.1, 8.0, 19), by: Criterion::Both };
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let plane = pool.install(|| open.survey(4));
        let bits: Vec<u64> = plane.field(Node::abscissa).into_iter().map(f64::to_bits).collect();
        (bits, plane.representatives())
    };
    assert_eq!(on(1), on(3));
}
