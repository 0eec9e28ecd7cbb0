//! The gradient of one batch, optimiser left out, against the products that it cannot do without.
//!
//! `cargo bench --bench gradient`, or `cargo bench --bench gradient -- 2` for two threads. In turn: the bare
//! products, backpropagation, and `DPᵀ` at `α = 0`, whose circuit has no loop; medians, and the least.

mod nets;

use std::hint::black_box;
use std::time::Instant;

use dyadsim_core::learn::{Batch, Gradient, rule};
use dyadsim_core::matrix::product::{self, Onto};
use dyadsim_core::matrix::{Matrix, Real};
use dyadsim_core::spec::{CircuitSpec, NudgeSpec, RuleKind, SolverKind, SolverSpec, Variant};

use nets::Net;

/// Rounds of the three in turn.
const ROUNDS: usize = 25;

fn main() {
    let threads = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(1);
    // The pool stands before anything uses it, so building it cannot fail.
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().expect("first use of the pool");
    println!("{threads} thread(s), f32, µs per sample: median (least)");
    println!("{:<32}{:>6}{:>18}{:>18}{:>18}", "network", "batch", "products", "bp", "DPT 0");
    for network in [&[784, 128, 128, 10][..], &[784, 512, 512, 10], &[784, 1000, 1000, 1000, 1000, 10]] {
        for batch in [50, 100, 256] {
            line::<f32>(network, batch);
        }
    }
}

fn line<T: Real>(network: &[usize], samples: usize) {
    let nudge = NudgeSpec { variant: Variant::DpTranspose, alpha: 0.0, beta: 0.1, ..NudgeSpec::default() };
    let solver = SolverSpec { kind: SolverKind::Dc, ..SolverSpec::default() };
    let spec = CircuitSpec { nudge, solver, ..CircuitSpec::default() };
    let net = Net::<T>::new(&spec, network, samples, 0.7);
    let batch = Batch::new(net.inputs.clone(), net.targets.clone());
    let rules = [RuleKind::Bp, RuleKind::DpTranspose].map(|kind| rule::<T>(kind, &spec, network));
    let mut gradient = Gradient::zeros(&net.weights);
    let mut bare = Bare::new(&net, network);
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        times[0].push(timed(|| bare.run(&net, &mut gradient)));
        for (rule, times) in rules.iter().zip(&mut times[1..]) {
            times.push(timed(|| drop(black_box(rule.estimate(&net.weights, &batch, &mut gradient)))));
        }
    }
    print!("{:<32}{samples:>6}", format!("{network:?}"));
    for times in &mut times {
        times.sort_by(f64::total_cmp);
        let scale = 1e6 / samples as f64;
        print!("{:>11.2} ({:.2})", times[ROUNDS / 2] * scale, times[0] * scale);
    }
    println!();
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// Buffers for the products of a gradient, filled with anything.
struct Bare<T> {
    layers: Vec<Matrix<T>>,
}

impl<T: Real> Bare<T> {
    fn new(net: &Net<T>, network: &[usize]) -> Self {
        let batch = net.inputs.nrows();
        Self { layers: network.iter().map(|&n| Matrix::from_element(batch, n, T::of(0.5))).collect() }
    }

    /// Up, down, and the correlations.
    fn run(&mut self, net: &Net<T>, gradient: &mut Gradient<T>) {
        let depth = net.weights.forward.len();
        for (k, w) in net.weights.forward.iter().enumerate() {
            let (below, above) = self.layers.split_at_mut(k + 1);
            product::forward(above[0].as_view_mut(), Onto::Nothing, below[k].as_view(), w.as_view());
        }
        for k in (0..depth).rev() {
            let (below, above) = self.layers.split_at_mut(k + 1);
            let out = gradient.forward[k].as_view_mut();
            let (errors, states) = (above[0].as_view(), below[k].as_view());
            product::correlate(out, Onto::Nothing, T::of(0.1), errors, states);
            if k > 0 {
                let w = net.weights.forward[k].as_view();
                product::backward(below[k].as_view_mut(), Onto::Nothing, above[0].as_view(), w);
            }
        }
    }
}
