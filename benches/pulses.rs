//! Pulses to the synapse devices of a network 784-512-512-10: items are pulses, so that the rate is theirs.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use dyadsim_core::device::synapse::{Pulsed, Site, Synapses};
use dyadsim_core::spec::devices::pulsed;

/// Devices of the network's layers.
const LAYERS: [usize; 3] = [784 * 512, 512 * 512, 512 * 10];

fn main() {
    divan::main();
}

/// Every device gets that many pulses an event.
#[divan::bench(args = [1, 8, 31], sample_count = 5)]
fn soft_bounds(bencher: Bencher, pulses: i8) {
    let device = &pulsed()["reram-sb"];
    let site = |layer: u16| Site { seed: 1, chip: 0, layer };
    let mut layers: Vec<Pulsed> =
        (1..).zip(LAYERS).map(|(layer, count)| Pulsed::new(device.clone(), count, site(layer))).collect();
    let counts: Vec<Vec<i8>> = LAYERS.map(|count| vec![pulses; count]).into();
    let all = LAYERS.iter().sum::<usize>() * usize::from(pulses.unsigned_abs());
    let mut event = 0;
    bencher.counter(ItemsCount::new(all)).bench_local(|| {
        event += 1;
        for (layer, counts) in layers.iter_mut().zip(&counts) {
            layer.pulse(black_box(counts), event);
        }
    });
}
