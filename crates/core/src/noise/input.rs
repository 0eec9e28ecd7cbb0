//! Noise as a list of inputs: how the current of each source enters the drives.

/// Cause of noise: the name of its section in a circuit file.
pub type Cause = &'static str;

/// Spectrum of a noise source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Colour {
    /// White: independent at all times.
    White,
    /// Ornstein–Uhlenbeck, of a rate (1/s): correlated as `e^{−r|t|}`.
    Pole(f64),
}

/// Independent noise sources of one cause and colour, each with the pattern by which its current enters the
/// drives.
///
/// A source `ξ` with the pattern `b` adds `b_j ξ(t)` to the drive `u_j`. White sources have the two-sided PSD
/// 1 (`⟨ξ(t) ξ(t')⟩ = δ(t − t')`, so that a drive noise of one-sided PSD `S` has the entry `√(S/2)`, in
/// V/√Hz); coloured ones have the variance 1 (entries in V).
#[derive(Clone, Debug, PartialEq)]
pub struct NoiseInput {
    /// Cause of the noise.
    pub cause: Cause,
    /// Their spectrum.
    pub colour: Colour,
    /// A pattern for every source, each as entries (column of the state, value).
    pub columns: Vec<Vec<(usize, f64)>>,
}
