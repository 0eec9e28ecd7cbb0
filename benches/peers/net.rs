//! Networks that both sides are given: drawn once, rounded to single precision, written as tensors.

use std::path::{Path, PathBuf};

use anyhow::Result;
use dyadsim::record::tensors::TensorWriter;
use dyadsim::record::weights::write_weights;
use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::DyadCircuit;
use dyadsim_core::learn::{Batch, nudged};
use dyadsim_core::matrix::{Matrix, Real};
use dyadsim_core::random::{Key, Kind, stream};
use dyadsim_core::spec::{CircuitSpec, InitSpec, NudgeSpec, SolverKind, SolverSpec, Variant, parse_circuit};
use rand_distr::{Distribution, StandardNormal, StandardUniform};

/// Our solver of equilibria; [`kind`] falls back to sweeps while this version does not know it.
pub const EQUILIBRIUM: &str = "dc";
/// What is used where there is no such solver.
pub const FALLBACK: &str = "layerwise";
/// Our solvers of transients, and whether they step with care only if trajectories are kept; those that this
/// version does not know are left out.
pub const TRANSIENT: [(&str, bool); 2] = [("etd", true), ("eam", false)];
/// Weights, in units of He's deviation.
const GAIN: f64 = 0.7;

/// Gains and nudge of a row.
#[derive(Clone, Copy)]
pub struct Gains {
    pub name: &'static str,
    pub variant: Variant,
    pub alpha: f64,
    pub beta: f64,
}

/// The rows of every network.
pub const GAINS: [Gains; 3] = [
    Gains { name: "DPᵀ α = 0, β = 0.1", variant: Variant::DpTranspose, alpha: 0.0, beta: 0.1 },
    Gains { name: "DPᵀ α = ½, β = 0.1", variant: Variant::DpTranspose, alpha: 0.5, beta: 0.1 },
    Gains { name: "DP α = 0, β = 0.05", variant: Variant::Dp, alpha: 0.0, beta: 0.05 },
];

impl Gains {
    /// The circuit with these gains and a solver.
    pub fn circuit(&self, solver: SolverSpec) -> CircuitSpec {
        let (variant, alpha, beta) = (self.variant, self.alpha, self.beta);
        let nudge = NudgeSpec { variant, alpha, beta, ..NudgeSpec::default() };
        CircuitSpec { nudge, solver, ..CircuitSpec::default() }
    }

    /// The same for the peers.
    pub fn arguments(&self) -> [String; 6] {
        let variant = if self.variant == Variant::Dp { "dp" } else { "dp-transpose" };
        let text = |word: &str| word.to_owned();
        let (alpha, beta) = (self.alpha.to_string(), self.beta.to_string());
        [text("--variant"), text(variant), text("--alpha"), alpha, text("--beta"), beta]
    }
}

/// The solver kind of a name in circuit files, if this version knows it.
pub fn kind(name: &str) -> Option<SolverKind> {
    let spec = parse_circuit("peers.toml", &format!("[solver]\nkind = \"{name}\"\n"), &[]);
    spec.ok().map(|spec| spec.solver.kind)
}

/// Our solver of equilibria and its name, to a residual of `1e-6` of the potentials.
pub fn equilibrium_solver() -> (&'static str, SolverSpec) {
    let (name, kind) = match kind(EQUILIBRIUM) {
        Some(kind) => (EQUILIBRIUM, kind),
        None => (FALLBACK, SolverKind::Layerwise),
    };
    (name, SolverSpec { kind, rtol: 1e-6, atol: 1e-9, ..SolverSpec::default() })
}

/// A network with a batch, in the numbers of single precision.
pub struct Net {
    pub folder: PathBuf,
    pub sizes: Vec<usize>,
    pub weights: Weights<f64>,
    pub batch: Batch<f64>,
}

impl Net {
    /// Draws it (biases of 0.05 V rms, inputs in 0 to 1 V, one-hot targets) and writes it below `root`.
    pub fn make(root: &Path, sizes: &[usize], samples: usize) -> Result<Self> {
        let net = Self::draw(root, sizes, samples);
        std::fs::create_dir_all(&net.folder)?;
        write_weights(&net.folder.join("w.safetensors"), &net.weights.cast::<f32>())?;
        for (name, matrix) in [("x", &net.batch.inputs), ("y", &net.batch.targets)] {
            let mut writer = TensorWriter::new();
            writer.matrix(name, &cast::<f32>(matrix));
            writer.write(&net.folder.join(format!("{name}.safetensors")))?;
        }
        Ok(net)
    }

    /// As [`Net::make`], but only in memory.
    pub fn draw(root: &Path, sizes: &[usize], samples: usize) -> Self {
        let mut weights = Weights::<f64>::draw(&InitSpec::He, &CircuitSpec::default(), sizes, 0);
        for (layer, (matrix, biases)) in weights.forward.iter_mut().zip(&mut weights.biases).enumerate() {
            *matrix *= GAIN;
            let mut source = stream(Key::new(0, Kind::Biases).layer(layer as u16));
            biases.fill_with(|| 0.05 * Distribution::<f64>::sample(&StandardNormal, &mut source));
        }
        let mut source = stream(Key::new(0, Kind::Data));
        let inputs = Matrix::<f64>::from_fn(samples, sizes[0], |_, _| StandardUniform.sample(&mut source));
        let classes = sizes[sizes.len() - 1];
        let targets = Matrix::from_fn(samples, classes, |i, j| f64::from(u8::from(i % classes == j)));
        let batch = Batch::new(cast::<f64>(&cast::<f32>(&inputs)), targets);
        let name =
            format!("{}_{samples}", sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join("-"));
        let weights = weights.cast::<f32>().cast();
        Self { folder: root.join(name), sizes: sizes.to_vec(), weights, batch }
    }

    /// The network on an ideal chip.
    pub fn wired<T: Real>(&self, spec: &CircuitSpec) -> Wired<T> {
        let batch = Batch::new(cast(&self.batch.inputs), cast(&self.batch.targets));
        let chip = Chip::fabricate(spec, &self.sizes);
        Wired { chip, weights: self.weights.cast(), batch, spec: spec.clone() }
    }

    /// Layers as in `784-128-10`.
    pub fn name(&self) -> String {
        self.sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join("-")
    }

    /// Samples in the batch.
    pub fn samples(&self) -> usize {
        self.batch.inputs.nrows()
    }
}

/// A network on a chip, in some precision.
pub struct Wired<T: Real> {
    chip: Chip<T>,
    pub weights: Weights<T>,
    pub batch: Batch<T>,
    pub spec: CircuitSpec,
}

impl<T: Real> Wired<T> {
    /// The nudged circuit; its first layer's drive is a product, which the peers do within their time, too.
    pub fn circuit(&self) -> DyadCircuit<'_, T> {
        nudged(&self.chip, &self.weights, &self.batch, &self.spec)
    }
}

/// A matrix in another precision.
pub fn cast<U: Real>(matrix: &Matrix<impl Real>) -> Matrix<U> {
    matrix.map(|value| U::of(value.to_f64()))
}
