//! Every solver against Newton's fixed points and against each other.

use crate::nets::{Net, ideal};
use dyadsim::solve::{Outcome, settle_all};
use dyadsim::spec::*;

#[test]
fn probe() {
    for kind in [SolverKind::Etd, SolverKind::Dopri5, SolverKind::Dop853, SolverKind::Layerwise] {
        for variant in [Variant::Dp, Variant::DpTranspose] {
            for alpha in [0.0, 0.25, 0.5, 1.0] {
                let mut spec = ideal(ActivationKind::Tanh, variant, alpha, 0.1);
                spec.solver.kind = kind;
                let net = Net::random(1, &[20, 30, 30, 10], 4, 1.0, spec);
                let start = std::time::Instant::now();
                let settled = settle_all(&net.spec.solver, &net.circuit(), false);
                let circuit = net.circuit();
                let mut worst = 0.0_f64;
                for i in 0..4 {
                    let row: Vec<f64> = settled.state.row(i).iter().copied().collect();
                    let fixed = dyadsim::solve::fixed_point(
                        &circuit,
                        i,
                        &row.iter().map(|v| v * 0.9).collect::<Vec<_>>(),
                        1e-13,
                    );
                    worst = worst
                        .max(row.iter().zip(&fixed.state).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max));
                }
                let (g, _) = net.estimate();
                let bp = net.backprop();
                let angles: Vec<f64> = g
                    .forward
                    .iter()
                    .zip(&bp.forward)
                    .map(|(a, b)| dyadsim::matrix::measure::angle_degrees(a, b))
                    .collect();
                println!(
                    "{kind:?} {variant:?} {alpha} {:?} {:.1e} newton {worst:.1e} {:?} t {:.2} {:?} angles {angles:.3?}",
                    settled.outcomes[0],
                    settled.residual[0],
                    settled.counts,
                    settled.time[0] * 1e6,
                    start.elapsed()
                );
                assert_eq!(settled.outcomes[0], Outcome::Settled);
            }
        }
    }
}
