//! Noise sources by name: the sections of `[noise]`, their sizes and what they act on.

use super::noise::NoiseSpec;

/// Noise sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoiseKind {
    /// Thermal noise of every compartment.
    Thermal,
    /// Shot noise of a bias current in every compartment.
    Shot,
    /// Flicker noise of every compartment.
    Flicker,
    /// A trap that switches a current into every compartment.
    Telegraph,
    /// A trap that modulates the conductance of every synapse.
    SynapseTelegraph,
    /// White noise of every conductance as it is read.
    Read,
    /// Noise of the supply, the same in every compartment.
    Supply,
    /// Noise of the input drivers.
    Input,
    /// `√(kT/C)` of the sample-and-hold that reads a compartment.
    Sampled,
}

impl NoiseKind {
    /// Every source, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Thermal,
        Self::Shot,
        Self::Flicker,
        Self::Telegraph,
        Self::SynapseTelegraph,
        Self::Read,
        Self::Supply,
        Self::Input,
        Self::Sampled,
    ];

    /// Name of its section in circuit files, and in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Thermal => "thermal",
            Self::Shot => "shot",
            Self::Flicker => "flicker",
            Self::Telegraph => "telegraph",
            Self::SynapseTelegraph => "synapse_telegraph",
            Self::Read => "read",
            Self::Supply => "supply",
            Self::Input => "input",
            Self::Sampled => "sampled",
        }
    }

    /// Whether it moves the circuit; `sampled` acts on readings alone.
    #[must_use]
    pub fn moves_the_circuit(self) -> bool {
        self != Self::Sampled
    }

    /// The number that a description gives it, in the units of its key; 0 where it is silent.
    #[must_use]
    pub fn size(self, noise: &NoiseSpec) -> f64 {
        let size = match self {
            Self::Thermal => noise.thermal.map(|source| source.excess),
            Self::Shot => noise.shot.map(|source| source.current),
            // A corner counts from a white level, which then is there, too.
            Self::Flicker => noise.flicker.map(|source| source.corner.or(source.coefficient).unwrap_or(0.0)),
            Self::Telegraph => noise.telegraph.map(|source| source.amplitude),
            Self::SynapseTelegraph => noise.synapse_telegraph.map(|source| source.amplitude),
            Self::Read => noise.read.map(|source| source.relative_psd),
            Self::Supply => noise.supply.map(|source| source.psd * source.coupling),
            Self::Input => noise.input.map(|source| source.psd),
            Self::Sampled => noise.sampled.map(|source| source.capacitance),
        };
        size.unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::circuit_schema;

    #[test]
    fn every_section_of_the_schema_is_a_source_and_silent_where_it_is_absent() {
        let schema = circuit_schema();
        let sections = schema["$defs"]["NoiseSpec"]["properties"].as_object().unwrap();
        let sections: Vec<&str> = sections.keys().map(String::as_str).collect();
        assert_eq!(sections, NoiseKind::ALL.map(NoiseKind::name));
        assert!(NoiseKind::ALL.iter().all(|kind| kind.size(&NoiseSpec::default()) == 0.0));
    }
}
