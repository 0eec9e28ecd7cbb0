//! Synapse devices against their published mean responses, closed forms and the statistics that they state.

use dyadsim_core::device::synapse::{Devices, Programmed, Pulsed, Site, Synapses, pulsed, symmetry_point};
use dyadsim_core::spec::devices::{Change, PulsedSpec, StepSpec, programmed, pulsed as presets};

/// Devices of a statistic.
const MANY: usize = 100_000;
/// Named once: the seed of all draws here.
const SITE: Site = Site { seed: 1801, chip: 0, layer: 1 };

fn preset(name: &str) -> PulsedSpec {
    presets()[name].clone()
}

fn only(array: &dyn Synapses) -> f64 {
    let mut weight = [0.0];
    array.read(0, &mut weight);
    weight[0]
}

fn pulses(array: &mut dyn Synapses, count: usize, up: bool) {
    for event in 0..count {
        array.pulse(&[if up { 1 } else { -1 }], event as u32);
    }
}

/// Mean and standard deviation, each with its standard error for values that are normal.
fn moments(values: &[f64]) -> [(f64, f64); 2] {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    [(mean, deviation / n.sqrt()), (deviation, deviation / (2.0 * n).sqrt())]
}

/// Holds mean and deviation within three standard errors of what they should be.
fn hold(name: &str, values: &[f64], mean: f64, deviation: f64) {
    for ((found, error), expected) in moments(values).into_iter().zip([mean, deviation]) {
        assert!((found - expected).abs() < 3.0 * error, "{name}: {found} ± {error}, not {expected}");
    }
}

/// Steps at weight 0, pulses with the weights after them, the same down from there, symmetry point.
type Row<'a> = (&'a str, [f64; 2], &'a [(usize, f64)], &'a [(usize, f64)], f64);

#[test]
fn mean_pulse_responses_are_the_published_ones() {
    // Computed from the formulas of the presets' sources by another program, with six decimals.
    let rows: [Row<'_>; 6] = [
        (
            "reram-es",
            [0.001_481_25, 0.001_991_44],
            &[(250, -0.455_714), (500, -0.054_225), (1000, 0.655_58)],
            &[(250, -0.081_836), (500, -0.459_561), (1000, -1.0)],
            -0.2172,
        ),
        (
            "reram-sb",
            [0.002, 0.002],
            &[(250, -0.090_211), (500, 0.351_918), (1000, 0.846_724)],
            &[(250, 0.069_056), (500, -0.329_857), (1000, -0.639_449)],
            0.0,
        ),
        (
            "capacitor",
            [0.005, 0.005],
            &[(100, -0.481_444), (200, 0.024_307), (400, 0.998_652)],
            &[(100, 0.480_129), (200, -0.025_589), (400, -0.999_872)],
            0.0,
        ),
        (
            "ecram",
            [0.002, 0.002],
            &[(250, -0.299_933), (500, 0.202_413), (1000, 1.135_942)],
            &[(250, 0.404_601), (500, -0.133_194), (1000, -0.819_474)],
            0.0,
        ),
        (
            "ecram-mo",
            [2.8214e-4, 2.8214e-4],
            &[(2000, -0.166_934), (4000, 0.374_783), (8000, 1.1714)],
            &[(2000, 0.266_352), (4000, -0.282_556), (8000, -0.817_377)],
            0.0,
        ),
        ("reram-array-om", [0.0949, 0.0949], &[(25, 0.834_635), (50, 0.986_327)], &[(25, -0.834_643)], 0.0),
    ];
    for (name, steps, ups, downs, symmetry) in rows {
        let device = preset(name).without_spread();
        let mut array = pulsed(&device, 1, SITE);
        for (up, step) in [true, false].into_iter().zip(steps) {
            array.program(&[0.0], 0);
            pulses(&mut *array, 1, up);
            // The table has eight decimals there.
            assert!((only(&*array).abs() - step).abs() < 1e-8, "{name}: {}", only(&*array));
        }
        array.program(&[device.bounds.down], 0);
        for (up, points) in [(true, ups), (false, downs)] {
            let mut before = 0;
            for &(after, expected) in points {
                pulses(&mut *array, after - before, up);
                before = after;
                let found = only(&*array);
                assert!((found - expected).abs() < 1e-6, "{name} after {after}: {found}, not {expected}");
            }
        }
        let found = symmetry_point(&device).unwrap();
        // The table has four decimals; halving goes to 1e-9 and single precision of constants to 1e-7.
        assert!((found - symmetry).abs() < 5.1e-5, "{name}: {found}");
    }
}

#[test]
fn soft_bounds_meet_at_their_closed_form() {
    let mut device = preset("reram-sb").without_spread();
    device.up_down = 0.2; // steps down are smaller by a fifth
    let (up, down) = (0.002, 0.0016);
    let expected = (up - down) / (up / 1.25 + down / 0.75);
    // Constants are in single precision.
    assert!((symmetry_point(&device).unwrap() - expected).abs() < 1e-6);
}

#[test]
fn pcm_errors_drift_and_readings_have_their_computed_values() {
    let device = &programmed()["pcm-nandakumar"];
    let strength = &device.reading.as_ref().unwrap().strength;
    let shares = [0.0, 0.25, 0.5, 0.75, 1.0];
    let errors = [0.263_48, 0.681_41, 0.952_71, 1.077_36, 1.055_38];
    let readings = [0.2, 0.021_67, 0.013_81, 0.010_61, 0.008_80];
    for ((x, error), reading) in shares.into_iter().zip(errors).zip(readings) {
        // Values with five decimals.
        assert!((device.error[0].deviation.at(25.0 * x) - error).abs() < 6e-6, "{x}");
        assert!((strength.at(25.0 * x) - reading).abs() < 6e-6, "{x}");
    }
    let Some(Change::Power { mean, deviation, .. }) = &device.change else { panic!("no drift") };
    for x in [0.01_f64, 0.05, 0.2, 0.6, 1.0] {
        let expected = (-0.0155 * x.ln() + 0.0244).clamp(0.049, 0.1);
        assert!((mean.at(25.0 * x) - expected).abs() < 1e-12, "{x}");
        let expected = (-0.0125 * x.ln() - 0.0059).clamp(0.008, 0.045);
        assert!((deviation.at(25.0 * x) - expected).abs() < 1e-12, "{x}");
    }
    for (time, percent) in [(1.0, 3.687), (3600.0, 4.193), (86400.0, 4.476)] {
        let mut array = Programmed::new(device.clone(), 1, SITE);
        array.program(&[25.0], 0);
        array.relax(time);
        let relative = 100.0 * array.reading_deviation(0) / array.conductance(0);
        assert!((relative - percent).abs() < 6e-4, "{time}: {relative}");
    }
}

#[test]
fn fits_of_the_same_data_differ_as_published() {
    let errors: [(&str, &[(f64, f64)]); 3] = [
        ("reram-wan-quartic", &[(0.0, 0.348), (10.0, 2.258), (20.0, 2.023), (30.0, 1.533), (40.0, 1.103)]),
        ("reram-wan-cubic", &[(0.0, 1.053), (10.0, 2.414), (20.0, 2.362), (30.0, 1.819), (39.26, 1.681)]),
        ("pcm-joshi", &[(0.0, 0.286_39), (12.5, 0.955_28), (25.0, 1.065_52)]),
    ];
    for (name, points) in errors {
        for &(target, expected) in points {
            let found = programmed()[name].error[0].deviation.at(target);
            assert!((found - expected).abs() < 6e-4, "{name} at {target}: {found}, not {expected}");
        }
    }
}

#[test]
fn spreads_of_devices_are_what_is_stated() {
    let of = |name: &str| Devices::draw(&preset(name), MANY, SITE);
    let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<f64>>();
    let ecram = of("ecram");
    // gain and skew add: (0.1² + 0.01²)^½ of the step.
    let spread = 0.002 * 0.0101_f64.sqrt();
    hold("step up", &wide(&ecram.up), 0.002, spread);
    hold("step down", &wide(&ecram.down), 0.002, spread);
    hold("upper bound", &wide(&ecram.high), 1.1724, 1.1724 * 0.05);
    hold("lower bound", &wide(&ecram.low), -0.8276, 0.8276 * 0.05);
    // exp(s ξ) has a normal logarithm; the skew of 0.01 moves that by less than 0.01/e^−3s in the tails, so it
    // is left out.
    let mut device = preset("reram-array-om");
    device.up_down_dtod = 0.0;
    let drawn = Devices::draw(&device, MANY, SITE);
    let logs: Vec<f64> = drawn.up.iter().map(|&up| (f64::from(up) / 0.0949).ln()).collect();
    hold("logarithm of steps", &logs, 0.0, 0.7829);
    // Equal steps up and down put the symmetry point to 0 / (…): the reference alone is spread.
    let references = wide(&drawn.reference);
    hold("references", &references, 0.0, 0.05);
}

#[test]
fn noise_of_pulses_writes_and_readings_is_what_is_stated() {
    let weights = |array: &dyn Synapses, event: u32| {
        let mut weights = vec![0.0; array.len()];
        array.read(event, &mut weights);
        weights
    };
    let mut device = preset("gokmen-vlasov").without_spread();
    device.step_noise = 0.3;
    let mut array = Pulsed::new(device, MANY, SITE);
    array.pulse(&vec![4; MANY], 1);
    hold("four pulses", &weights(&array, 0), 4.0 * 0.0016, 2.0 * 0.3 * 0.0016);
    let mut device = preset("reram-sb").without_spread();
    device.write_noise = 56.0;
    let mut array = Pulsed::new(device, MANY, SITE);
    array.program(&vec![0.1; MANY], 1);
    hold("write noise", &weights(&array, 0), 0.1, 56.0 * 0.002);
    let mut array = Programmed::new(programmed()["pcm-nandakumar"].clone(), MANY, SITE);
    array.program(&vec![12.5; MANY], 1);
    let first: Vec<f64> = (0..MANY).map(|device| array.conductance(device)).collect();
    hold("programming", &first, 12.5, 0.952_705);
    array.relax(86_400.0);
    let grown = ((86_400.0 + 20.0) / 20.0_f64).ln();
    let exponents: Vec<f64> = (0..MANY).map(|d| -(array.conductance(d) / first[d]).ln() / grown).collect();
    // At x = ½ both fits are at their least value; six deviations keep |·| away.
    hold("exponents of drift", &exponents, 0.049, 0.008);
    let read = weights(&array, 2);
    let scaled: Vec<f64> =
        (0..MANY).map(|d| (read[d] - array.conductance(d)) / array.reading_deviation(d)).collect();
    hold("readings", &scaled, 0.0, 1.0);
}

#[test]
fn what_is_off_is_exactly_off() {
    for (name, device) in presets() {
        let exact = device.without_spread();
        let drawn = Devices::draw(&exact, 50, SITE);
        for list in [&drawn.up, &drawn.down, &drawn.high, &drawn.low, &drawn.reference, &drawn.leak] {
            assert!(list.iter().all(|one| one.to_bits() == list[0].to_bits()), "{name}");
        }
        assert!(drawn.extra.iter().all(|one| *one == drawn.extra[0]), "{name}");
    }
    let targets = [0.1, -0.3, 1.0 / 3.0, 0.0, 12.5];
    let mut array = pulsed(&preset("ideal"), targets.len(), SITE);
    array.program(&targets, 3);
    array.relax(1e6);
    array.pulse(&[0; 5], 4);
    let mut weights = [1.0; 5];
    array.read(9, &mut weights);
    assert_eq!(weights.map(f64::to_bits), targets.map(f64::to_bits));
}

#[test]
fn a_device_does_the_same_whatever_the_others_get() {
    for name in presets().keys() {
        let mut all = pulsed(&preset(name), 8, SITE);
        let mut alone = pulsed(&preset(name), 8, SITE);
        for event in 1..40 {
            all.pulse(&[3, -2, 1, 5, -5, 2, 7, 1], event);
            alone.pulse(&[0, 0, 0, 5, 0, 0, 0, 0], event);
        }
        let (mut one, mut other) = ([0.0; 8], [0.0; 8]);
        all.read(0, &mut one);
        alone.read(0, &mut other);
        assert_eq!(one[3].to_bits(), other[3].to_bits(), "{name}");
    }
}

#[test]
fn capacitors_leak_by_their_lifetime() {
    let mut device = preset("capacitor").without_spread();
    device.lifetime.as_mut().unwrap().updates = 100.0;
    let mut array = pulsed(&device, 1, SITE);
    array.program(&[0.8], 0);
    array.relax(0.0);
    assert_eq!(only(&*array), 0.8);
    array.relax(50.0);
    // 50 updates leave 0.99 each; the rate is in single precision.
    assert!((only(&*array) - 0.8 * 0.99_f64.powi(50)).abs() < 1e-6);
}

#[test]
fn pairs_are_refreshed_before_they_are_full() {
    let device = preset("pcm").without_spread();
    let bound = device.bounds.up * device.one_sided.unwrap().refresh_at;
    let mut array = pulsed(&device, 1, SITE);
    for event in 1..200 {
        array.pulse(&[if event % 2 == 0 { 1 } else { -1 }], event);
        let weight = only(&*array);
        assert!(weight.abs() < bound, "{weight}");
    }
    // Without a refresh both devices would be at their bounds by now, and no pulse could move the weight.
    let before = only(&*array);
    array.pulse(&[1], 200);
    assert!(only(&*array) > before + 0.01);
}

#[test]
fn steps_by_powers_and_points_are_their_formulas() {
    let pair = |up, down| dyadsim_core::spec::devices::Pair { up, down };
    let mut device = preset("gokmen-vlasov").without_spread();
    let mut moved = |model: StepSpec, from: f64, count: i8| {
        device.step_model = model;
        let mut array = pulsed(&device, 1, SITE);
        array.program(&[from], 0);
        array.pulse(&[count], 1);
        only(&*array) - from
    };
    let power = StepSpec::Power { gamma: pair(2.0, 0.5), gamma_dtod: 0.0 };
    // Constants are in single precision: 6e-8 of a step of 0.0016.
    assert!((moved(power.clone(), 0.2, 1) - 0.0016 * 0.16).abs() < 1e-9);
    assert!((moved(power, 0.2, -1) + 0.0016 * 0.6_f64.sqrt()).abs() < 1e-9);
    let points = StepSpec::Piecewise { up: vec![2.0, 1.0, 0.0], down: vec![0.0, 0.5, 1.0] };
    assert!((moved(points.clone(), -0.5, 1) - 0.0016 * 1.5).abs() < 1e-9);
    assert!((moved(points, 0.5, -1) + 0.0016 * 0.75).abs() < 1e-9);
}
