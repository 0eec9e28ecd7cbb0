//! What is learned from, and its preparation.

use anyhow::anyhow;

use super::Hebbian;
use crate::study::Failure;
use dyadsim_core::data::{Request, load};
use dyadsim_core::machine;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::unsupervised::{
    SparseSource, Whitening, centre, drop_flat, gaussian_twin, light_adapted, scale_rows, sparse,
};

/// Name of the inputs with a sparse source.
pub const SPARSE: &str = "sparse";
/// Their samples, their dimensions, and the probability that the source is active.
const SOURCE: (usize, usize, f64) = (30_000, 6, 0.1);
/// Share of the patches, the flattest, that is left out.
const FLAT: f64 = 0.2;
/// Fewest and most pixels along a side of a picture.
const SIDES: std::ops::RangeInclusive<usize> = 4..=64;

/// What is learned from.
#[derive(Clone, Debug)]
pub enum Inputs {
    /// White inputs with one sparse source.
    Sparse(SparseSource),
    /// Pictures.
    Pictures {
        /// Logarithms of their pixels, `[pictures × pixels]`.
        pixels: Matrix<f64>,
        /// Pixels along a side.
        side: usize,
        /// Checksum of the data set.
        sha256: String,
    },
}

/// White inputs, and how units on them hear the pictures.
pub struct Prepared {
    /// `[samples × components]`.
    pub white: Matrix<f64>,
    /// Whitening; none for inputs that are white.
    pub whitening: Option<Whitening>,
}

impl Inputs {
    /// Makes or reads what is asked for.
    pub(super) fn read(settings: &Hebbian, seed: u64) -> Result<Self, Failure> {
        let input = |error: anyhow::Error| Failure::input(error);
        if settings.data == SPARSE {
            if settings.path.is_some() || settings.control {
                let option = if settings.control { "--control" } else { "--path" };
                let why = "`sparse` is made of numbers, not of pictures or files";
                return Err(input(anyhow!("{option}: {why}\n  accepted: --data dead-leaves, photos, …")));
            }
            let (samples, inputs, p) = SOURCE;
            return Ok(Self::Sparse(sparse(samples, inputs, p, seed)));
        }
        let path = settings.path.as_deref();
        let request = Request { path, split_seed: seed, ..Request::named(&settings.data) };
        let set = load(&request).map_err(|error| input(anyhow!("--data {}: {error}", settings.data)))?;
        let (samples, features) = (set.train.len(), set.train.features());
        let side = features.isqrt();
        if side * side != features || !SIDES.contains(&side) {
            return Err(input(anyhow!(
                "--data {}: its {features} inputs are no square picture of {} to {} pixels along a side\n  \
                 accepted: `sparse`, or a data set of such pictures, as dead-leaves, photos, digits or mnist",
                settings.data,
                SIDES.start(),
                SIDES.end()
            )));
        }
        let bytes = 8.0 * (samples * features) as f64;
        if let Some(told) = machine::beyond(&[("pixels, prepared and whitened", 4.0 * bytes)]) {
            return Err(input(anyhow!("--data {}: {told}", settings.data)));
        }
        let mut pixels = Matrix::zeros(samples, features);
        set.train.gather(&(0..samples).collect::<Vec<_>>(), &mut pixels);
        Ok(Self::Pictures { pixels: light_adapted(&pixels), side, sha256: set.sha256 })
    }

    /// White inputs of the data, or of their Gaussian twin.
    pub(super) fn prepared(&self, components: usize, twin: Option<u64>) -> Prepared {
        match self {
            Self::Sparse(source) => Prepared { white: source.inputs.clone(), whitening: None },
            Self::Pictures { pixels, .. } => {
                let mut patches = match twin {
                    Some(seed) => gaussian_twin(pixels, seed),
                    None => pixels.clone(),
                };
                centre(&mut patches);
                let patches = drop_flat(&patches, FLAT);
                let whitening = Whitening::new(&patches, components);
                let mut white = whitening.apply(&patches);
                scale_rows(&mut white);
                Prepared { white, whitening: Some(whitening) }
            }
        }
    }
}
