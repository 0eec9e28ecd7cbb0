//! Fabrication of what is around a compartment: amplifiers, capacitors that leak, a clock.

use crate::device::{Amplifier, capacitor, switched};
use crate::matrix::Real;
use crate::spec::CircuitSpec;

/// Periphery of every compartment; the ideal circuit has none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Periphery<T> {
    /// Range of the transconductor (V), if it saturates.
    pub range: Option<T>,
    /// Slew limit (V/s).
    pub slew: Option<T>,
    /// The operational amplifier, unless it is ideal.
    pub amplifier: Option<Amplifier>,
    /// Conductances of the two devices of a synapse at `W = 0`, together, in units of the leak.
    pub pair_load: f64,
    /// Offset of every drive (V): leakage, injected charge.
    pub shift: f64,
    /// Leakage loss of every compartment before it is read (V).
    pub leakage_loss: T,
    /// Frequency of the clock (Hz).
    pub clock: Option<f64>,
}

impl<T: Real> Periphery<T> {
    /// What a description asks for.
    pub(super) fn fabricate(spec: &CircuitSpec) -> Self {
        let (capacitance, leak) = (spec.neuron.capacitance, spec.neuron.leak);
        let stated = spec.amplifier.unwrap_or_default();
        let amplifier = Amplifier {
            gain: stated.gain.unwrap_or(f64::INFINITY),
            gain_bandwidth: stated.gain_bandwidth.unwrap_or(f64::INFINITY),
            offset: stated.offset,
        };
        let leakage = spec.leakage.unwrap_or_default();
        let injected = spec.clock.map_or(0.0, |clock| {
            let share = switched::share(clock.frequency, capacitance / leak);
            switched::injected(clock.injection, capacitance, share)
        });
        Self {
            range: spec.transconductor.map(|t| T::of(t.range)),
            slew: stated.slew.map(T::of),
            amplifier: (amplifier != Amplifier::IDEAL).then_some(amplifier),
            pair_load: 2.0 * stated.pair_minimum / leak,
            shift: capacitor::shift(leakage.current, leak) + injected,
            leakage_loss: T::of(capacitor::leakage_loss(leakage.current, capacitance, leakage.hold)),
            clock: spec.clock.map(|clock| clock.frequency),
        }
    }
}

/// Time constant (s) with which a compartment approaches a drive that stands still.
pub(super) fn time_constant(spec: &CircuitSpec) -> f64 {
    let tau = spec.neuron.capacitance / spec.neuron.leak;
    spec.clock.map_or(tau, |clock| 1.0 / switched::rate(clock.frequency, tau))
}
