//! Synapse devices by name: a list, their numbers, and what they do as tables that figures are drawn from.

use anyhow::anyhow;
use serde::Serialize;
use serde_json::{Value, json};

use super::Failure;
use dyadsim_core::device::synapse::{Programmed, Site, Synapses, pulsed, symmetry_point};
use dyadsim_core::spec::devices::{Preset, ProgrammedSpec, PulsedSpec, named, names};
use dyadsim_core::spec::nearest;
use dyadsim_core::statistics::mean;

/// Devices whose mean and spread are shown.
const DEVICES: usize = 200;
/// Points of a curve.
const POINTS: usize = 60;
/// Most pulses of a staircase in either direction.
const LONGEST: usize = 20_000;
/// Where the devices that are shown stand.
const SITE: Site = Site { seed: 0, chip: 0, layer: 1 };

/// What a device does.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Behaviour {
    /// Of one that moves by pulses.
    Pulsed(Staircase),
    /// Of one that is programmed to a target.
    Programmed(Retention),
}

/// Mean and standard deviation of devices at a point.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Among {
    /// Pulses so far, target (µS) or time (s).
    pub at: f64,
    /// Mean of the devices.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
}

/// A device under pulses: as many up as its mean device needs for 98 % of its range, as many down.
#[derive(Clone, Debug, Serialize)]
pub struct Staircase {
    /// Weights against pulses.
    pub spread: Vec<Among>,
    /// `[pulses, weight]` of the mean device without noise.
    pub exact: Vec<[f64; 2]>,
    /// `[weight, step up, step down]` of the mean device.
    pub steps: Vec<[f64; 3]>,
    /// Weight at which both steps are the same.
    pub symmetry_point: Option<f64>,
}

/// A device after it was programmed.
#[derive(Clone, Debug, Serialize)]
pub struct Retention {
    /// What devices are off their targets at the first time of the fit (µS), against targets (µS).
    pub error: Vec<Among>,
    /// Targets (µS) with their conductances as read (µS) against time (s).
    pub over_time: Vec<(f64, Vec<Among>)>,
}

/// The device of that name.
///
/// # Errors
/// No device is called that.
pub fn find(name: &str) -> Result<Preset, Failure> {
    named(name).ok_or_else(|| {
        let meant =
            nearest(name, names()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let all: Vec<&str> = names().collect();
        Failure::input(anyhow!("no synapse device is called `{name}`; there are {}{meant}", all.join(", ")))
    })
}

/// All devices as text, a line each.
pub fn list() -> String {
    let line = |name: &str| {
        named(name).map(|device| format!("{name:18}  {:12}  {}\n", device.model(), device.source()))
    };
    names().filter_map(line).collect()
}

/// All devices as a document.
pub fn list_document() -> Value {
    let entry = |name: &'static str| {
        let device = named(name)?;
        Some(json!({"name": name, "model": device.model(), "source": device.source(),
            "validity": device.validity()}))
    };
    Value::Array(names().filter_map(entry).collect())
}

/// The numbers of a device as TOML.
///
/// # Errors
/// Never for those that have a name; a test writes them all.
pub fn text(device: &Preset) -> Result<String, Failure> {
    let numbers = toml::to_string(device).map_err(Failure::running)?;
    // To six decimals, and 0 without a sign.
    let point = symmetry(device).map(|point| (1e6 * point).round() / 1e6 + 0.0);
    let point = point.map(|point| format!("# Symmetry point of the mean device: {point:.6}\n"));
    Ok(format!("{}{numbers}", point.unwrap_or_default()))
}

/// The weight at which a mean device moves as far up as down.
pub fn symmetry(device: &Preset) -> Option<f64> {
    match device {
        Preset::Pulsed(device) => symmetry_point(device),
        Preset::Programmed(_) => None,
    }
}

/// Every device's name.
pub fn all() -> Vec<&'static str> {
    names().collect()
}

/// What a device does: 200 devices of a chip.
pub fn behaviour(device: &Preset) -> Behaviour {
    match device {
        Preset::Pulsed(device) => Behaviour::Pulsed(staircase(device)),
        Preset::Programmed(device) => Behaviour::Programmed(retention(device)),
    }
}

/// The range that is shown of an array: an ideal device has no bounds.
fn range(array: &dyn Synapses) -> (f64, f64) {
    let all = array.describe();
    (all.low.max(-2.0), all.high.min(2.0))
}

/// The weights of an array.
fn read(array: &dyn Synapses, event: usize) -> Vec<f64> {
    let mut weights = vec![0.0; array.len()];
    array.read(event as u32, &mut weights);
    weights
}

fn among(at: f64, values: &[f64]) -> Among {
    let center = mean(values);
    let squares: f64 = values.iter().map(|value| (value - center).powi(2)).sum();
    Among { at, mean: center, deviation: (squares / (values.len().max(2) - 1) as f64).sqrt() }
}

/// Pulses that bring a mean device through 98 % of its range, or as far as it comes.
fn pulses_needed(exact: &PulsedSpec) -> usize {
    let mut array = pulsed(exact, 1, SITE);
    let (low, high) = range(&*array);
    array.program(&[low], 0);
    let (mut needed, mut best, mut best_at) = (0, low, 0);
    // One that has not come further for a tenth of all pulses comes no further: refreshes throw it back.
    while needed < LONGEST && best < low + 0.98 * (high - low) && needed - best_at < 20 + needed / 10 {
        needed += 1;
        array.pulse(&[1], needed as u32);
        let now = read(&*array, needed)[0];
        if now > best {
            (best, best_at) = (now, needed);
        }
    }
    needed.max(2)
}

/// Lets all devices of an array go up and down; `see` is told pulses and weights.
fn climb(array: &mut dyn Synapses, pulses: usize, mut see: impl FnMut(f64, &[f64])) {
    let (low, _) = range(array);
    array.program(&vec![low; array.len()], 0);
    see(0.0, &read(array, 0));
    // An event has 127 pulses at most.
    let each = pulses.div_ceil(POINTS).min(100);
    let mut done = 0;
    while done < 2 * pulses {
        let left = if done < pulses { pulses - done } else { 2 * pulses - done };
        let now = left.min(each);
        let count = if done < pulses { now as i8 } else { -(now as i8) };
        done += now;
        array.pulse(&vec![count; array.len()], done as u32);
        see(done as f64, &read(array, done));
    }
}

fn staircase(device: &PulsedSpec) -> Staircase {
    let mean_device = device.without_spread();
    let pulses = pulses_needed(&mean_device);
    let mut spread = Vec::new();
    climb(&mut *pulsed(device, DEVICES, SITE), pulses, |at, weights| spread.push(among(at, weights)));
    let mut exact = Vec::new();
    climb(&mut *pulsed(&mean_device, 1, SITE), pulses, |at, weights| exact.push([at, weights[0]]));
    let mut one = pulsed(&mean_device, 1, SITE);
    let (low, high) = range(&*one);
    let mut moved = |from: f64, count: i8| {
        one.program(&[from], 0);
        let before = read(&*one, 0)[0];
        one.pulse(&[count], 1);
        (before, (read(&*one, 1)[0] - before).abs())
    };
    let at = |k: usize| low + (high - low) * k as f64 / POINTS as f64;
    let mut step = |k: usize| {
        let ((from, up), (_, down)) = (moved(at(k), 1), moved(at(k), -1));
        [from, up, down]
    };
    // Steps at the bounds themselves are cut off by them.
    let steps = (1..POINTS).map(&mut step).collect();
    Staircase { spread, exact, steps, symmetry_point: symmetry_point(device) }
}

fn retention(device: &ProgrammedSpec) -> Retention {
    let first = device.error.first().map_or(0.0, |error| error.time);
    let target = |share: f64| device.low + (device.high - device.low) * share;
    let programmed = |target: f64| {
        let mut array = Programmed::new(device.clone(), DEVICES, SITE);
        array.program(&[target; DEVICES], 0);
        array
    };
    let error = |k: usize| {
        let target = target(k as f64 / 20.0);
        let mut array = programmed(target);
        array.relax(first);
        let off: Vec<f64> = (0..DEVICES).map(|device| array.conductance(device) - target).collect();
        among(target, &off)
    };
    let over_time = |share: f64| {
        let mut array = programmed(target(share));
        let mut before = 0.0;
        let times = (0..=24).map(|k| 10.0_f64.powf(0.25 * f64::from(k)));
        let points = times.enumerate().map(|(k, time)| {
            array.relax(time - before);
            before = time;
            among(time, &read(&array, k))
        });
        (target(share), points.collect())
    };
    Retention {
        error: (0..=20).map(error).collect(),
        over_time: [0.25, 0.5, 0.75, 1.0].map(over_time).into(),
    }
}
