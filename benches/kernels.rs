//! Speed of products (floating-point operations), of elementwise passes (elements) and of Gaussian numbers,
//! one thread.
//!
//! `cargo bench --bench kernels` (divan prints operations as items).

use divan::{Bencher, black_box, counter::ItemsCount};
use dyadsim_core::device::{Activation, DeviceOffset, Dyads};
use dyadsim_core::matrix::product::{Onto, backward, correlate, forward};
use dyadsim_core::matrix::{Matrix, Real, elementwise, measure};
use dyadsim_core::noise::gaussian;
use dyadsim_core::random::{Key, Kind, stream};
use dyadsim_core::spec::{ActivationKind, ActivationSpec};
use rand_distr::{Distribution, StandardNormal};

/// Batch, neurons of the layer, neurons of the layer before.
const SHAPES: [(usize, usize, usize); 7] = [
    (50, 10, 32),
    (50, 48, 64),
    (50, 128, 784),
    (128, 512, 784),
    (128, 10, 512),
    (1024, 256, 10),
    (1, 128, 784),
];

/// Elements of a pass: 64 kB in double precision, as a layer of 128 neurons has at a batch of 64.
const LENGTH: usize = 8192;

fn main() {
    divan::main();
}

/// Numbers in [−4, 4] without a simple pattern.
fn numbers<T: Real>(rows: usize, columns: usize) -> Matrix<T> {
    Matrix::from_fn(rows, columns, |i, j| T::of(((i * 31 + j * 17) % 101) as f64 * 0.08 - 4.0))
}

fn operations((batch, n, m): (usize, usize, usize)) -> ItemsCount {
    ItemsCount::new(2 * batch * n * m)
}

#[divan::bench(types = [f32, f64], args = SHAPES)]
fn forward_product<T: Real>(bencher: Bencher<'_, '_>, shape: (usize, usize, usize)) {
    let (batch, n, m) = shape;
    let (states, weights) = (numbers::<T>(batch, m), numbers::<T>(n, m));
    let mut out = numbers::<T>(batch, n);
    bencher.counter(operations(shape)).bench_local(|| {
        forward(out.as_view_mut(), Onto::Nothing, black_box(&states).as_view(), weights.as_view());
    });
}

#[divan::bench(types = [f32, f64], args = SHAPES)]
fn backward_product<T: Real>(bencher: Bencher<'_, '_>, shape: (usize, usize, usize)) {
    let (batch, n, m) = shape;
    let (errors, weights) = (numbers::<T>(batch, n), numbers::<T>(n, m));
    let mut out = numbers::<T>(batch, m);
    bencher.counter(operations(shape)).bench_local(|| {
        backward(out.as_view_mut(), Onto::Nothing, black_box(&errors).as_view(), weights.as_view());
    });
}

#[divan::bench(types = [f32, f64], args = SHAPES)]
fn correlation<T: Real>(bencher: Bencher<'_, '_>, shape: (usize, usize, usize)) {
    let (batch, n, m) = shape;
    let (errors, states) = (numbers::<T>(batch, n), numbers::<T>(batch, m));
    let mut out = numbers::<T>(n, m);
    bencher.counter(operations(shape)).bench_local(|| {
        let (errors, states) = (black_box(&errors).as_view(), states.as_view());
        correlate(out.as_view_mut(), Onto::Nothing, T::ONE, errors, states);
    });
}

/// A device with an offset, so that none is the identity.
fn device(kind: ActivationKind) -> Activation {
    Activation::new(&ActivationSpec { kind, amplitude: 1.0, scale: 0.5, offset: 0.1 })
}

#[divan::bench(types = [f32, f64], args = ActivationKind::ALL)]
fn activation<T: Real>(bencher: Bencher<'_, '_>, kind: ActivationKind) {
    let (potentials, mut outputs) = (numbers::<T>(LENGTH, 1), numbers::<T>(LENGTH, 1));
    let device = device(kind);
    bencher.counter(ItemsCount::new(LENGTH)).bench_local(|| {
        device.apply(black_box(&potentials).as_slice(), outputs.as_mut_slice());
    });
}

#[divan::bench(types = [f32, f64], args = ActivationKind::ALL)]
fn slope<T: Real>(bencher: Bencher<'_, '_>, kind: ActivationKind) {
    let (potentials, mut slopes) = (numbers::<T>(LENGTH, 1), numbers::<T>(LENGTH, 1));
    let device = device(kind);
    bencher.counter(ItemsCount::new(LENGTH)).bench_local(|| {
        device.derivative(black_box(&potentials).as_slice(), slopes.as_mut_slice());
    });
}

#[divan::bench(types = [f32, f64], args = ActivationKind::ALL)]
fn mean_and_difference<T: Real>(bencher: Bencher<'_, '_>, kind: ActivationKind) {
    let (batch, n) = (64, LENGTH / 64);
    let (plus, minus) = (numbers::<T>(LENGTH, 1), numbers::<T>(LENGTH, 1));
    let (mut mean, mut difference) = (numbers::<T>(LENGTH, 1), numbers::<T>(LENGTH, 1));
    let (mixing, offsets) = (vec![T::of(0.3); n], vec![DeviceOffset::NONE; n]);
    let device = device(kind);
    bencher.counter(ItemsCount::new(LENGTH)).bench_local(|| {
        device.mean_and_difference(Dyads {
            batch,
            mixing: &mixing,
            offsets: (&offsets, &offsets),
            potentials: (black_box(&plus).as_slice(), minus.as_slice()),
            mean: mean.as_mut_slice(),
            difference: difference.as_mut_slice(),
        });
    });
}

#[divan::bench(types = [f32, f64])]
fn largest_magnitudes<T: Real>(bencher: Bencher<'_, '_>) {
    let (values, mut largest) = (numbers::<T>(LENGTH, 1), vec![T::ZERO; 64]);
    bencher
        .counter(ItemsCount::new(LENGTH))
        .bench_local(|| elementwise::max_abs_rows(black_box(&values).as_slice(), &mut largest));
}

#[divan::bench(types = [f32, f64])]
fn spectral_norm<T: Real>(bencher: Bencher<'_, '_>) {
    let weights = Matrix::<T>::from_fn(512, 784, |i, j| T::of(((i * 7919 + j * 104_729) as f64).sin()));
    bencher.bench_local(|| measure::spectral_norm(black_box(&weights)));
}

/// Own numbers, addressed by index.
#[divan::bench(types = [f32, f64])]
fn gaussian_numbers<T: Real>(bencher: Bencher<'_, '_>) {
    let mut numbers = [T::ZERO; LENGTH];
    bencher.counter(ItemsCount::new(LENGTH)).bench_local(|| {
        gaussian::fill(black_box(Key::new(1, Kind::Noise)), 0, &mut numbers);
    });
}

/// `rand_distr`'s ziggurat on the stream of the same name.
#[divan::bench(types = [f32, f64])]
fn gaussian_ziggurat<T: Real>(bencher: Bencher<'_, '_>)
where
    StandardNormal: Distribution<T>,
{
    let mut numbers = [T::ZERO; LENGTH];
    bencher.counter(ItemsCount::new(LENGTH)).bench_local(|| {
        let mut stream = stream(black_box(Key::new(1, Kind::Noise)));
        numbers.iter_mut().for_each(|number| *number = StandardNormal.sample(&mut stream));
    });
}
