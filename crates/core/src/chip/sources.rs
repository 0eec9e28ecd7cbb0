//! Fabrication of noise sources: from device parameters to what acts on every compartment.

use super::Layout;
use crate::device::switched;
use crate::noise::{OuProcess, Process, Sources, SynapseTraps, Trap, Traps, flicker, sampled, shot, thermal};
use crate::spec::{CircuitSpec, FlickerSpec};

/// The noise sources of a chip; those of size 0 are left out.
pub(super) fn sources(spec: &CircuitSpec, layout: &Layout) -> Sources {
    let noise = &spec.noise;
    let (width, leak) = (layout.width(), spec.neuron.leak);
    let referred = leak * leak; // A² to V² of drive
    let white = white(spec);
    let sampled_twice = spec
        .clock
        .map_or(1.0, |clock| switched::thermal_factor(clock.frequency, spec.neuron.capacitance / leak));
    let processes = noise.flicker.map_or(vec![], |band| processes(&band, white));
    let traps = noise.telegraph.filter(|t| t.amplitude != 0.0).map(|t| Traps {
        trap: Trap { capture: t.capture, emission: t.emission },
        amplitude: vec![t.amplitude / leak; width],
    });
    let synapse_traps = noise.synapse_telegraph.filter(|t| t.amplitude != 0.0).map(|t| SynapseTraps {
        trap: Trap { capture: t.capture, emission: t.emission },
        amplitude: t.amplitude,
    });
    let supply = noise.supply.map(|s| Process::band_limited(s.psd * s.coupling.powi(2), s.bandwidth));
    let input = noise.input.map(|s| Process::band_limited(s.psd, s.bandwidth));
    Sources {
        white: if white > 0.0 { vec![white / referred * sampled_twice; width] } else { vec![] },
        poles: processes
            .into_iter()
            .map(|p| OuProcess { rate: p.rate, variance: vec![p.variance / referred; width] })
            .collect(),
        traps,
        synapse_traps,
        read: noise.read.map(|r| r.relative_psd).filter(|&psd| psd > 0.0),
        supply: supply.filter(|process| process.variance > 0.0),
        input: input.filter(|process| process.variance > 0.0),
        sampled: noise.sampled.map(|s| sampled::deviation(spec.temperature, s.capacitance)),
    }
}

/// PSD of the white noise current of a compartment (A²/Hz).
fn white(spec: &CircuitSpec) -> f64 {
    let thermal =
        spec.noise.thermal.map_or(0.0, |t| thermal::psd(spec.temperature, spec.neuron.leak, t.excess));
    thermal + spec.noise.shot.map_or(0.0, |s| shot::psd(s.current))
}

/// The processes of flicker noise (A²); at the corner it equals the `white` noise.
fn processes(band: &FlickerSpec, white: f64) -> Vec<Process> {
    let coefficient = band.coefficient.or(band.corner.map(|corner| corner * white)).unwrap_or(0.0);
    if coefficient == 0.0 {
        return vec![];
    }
    flicker::processes(coefficient, band.low, band.high, band.per_decade)
}
