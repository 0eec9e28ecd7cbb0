//! Time of a right-hand side, of its products alone, of its Jacobian's product and of the free state, one
//! thread.
//!
//! `cargo bench --bench circuit`; for the fraction itself `cargo bench --bench rhs_floor` measures in turn.

#[path = "nets/floor.rs"]
mod floor;
mod nets;

use divan::Bencher;
use dyadsim_core::circuit::Dynamics;
use dyadsim_core::matrix::Real;

use floor::{Drive, LARGE, MIDDLE, Products, SMALL, net};

/// Networks by size.
#[derive(Clone, Copy, Debug)]
enum Size {
    Large,
    Middle,
    Small,
}

const SIZES: [Size; 3] = [Size::Large, Size::Middle, Size::Small];

fn shape(size: Size) -> (&'static [usize], usize) {
    match size {
        Size::Large => LARGE,
        Size::Middle => MIDDLE,
        Size::Small => SMALL,
    }
}

fn main() {
    divan::main();
}

#[divan::bench(types = [f32, f64], args = SIZES)]
fn right_hand_side<T: Real>(bencher: Bencher<'_, '_>, size: Size) {
    let net = net::<T>(shape(size));
    let circuit = net.circuit();
    let mut drive = Drive::new(&circuit);
    bencher.bench_local(|| drive.run(&circuit));
}

#[divan::bench(types = [f32, f64], args = SIZES)]
fn products<T: Real>(bencher: Bencher<'_, '_>, size: Size) {
    let net = net::<T>(shape(size));
    let mut products = Products::new(&net, shape(size).1);
    bencher.bench_local(|| products.run());
}

#[divan::bench(types = [f32, f64], args = SIZES)]
fn free_state<T: Real>(bencher: Bencher<'_, '_>, size: Size) {
    let net = net::<T>(shape(size));
    let circuit = net.circuit();
    bencher.bench_local(|| circuit.free_state());
}
