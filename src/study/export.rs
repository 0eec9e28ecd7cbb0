//! Samples of a data set as files that questions read.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Done, Failure};
use crate::record::RecordError;
use crate::record::atomic::write_together;
use crate::record::lock::Lock;
use crate::record::tensors::TensorWriter;
use dyadsim_core::data::{Dataset, Request, Split, load};
use dyadsim_core::matrix::Matrix;

/// What is exported.
#[derive(Clone, Debug, Args)]
pub struct Export {
    /// Name of the data set
    name: String,
    /// Half of the set
    #[arg(long, value_enum, default_value_t = Half::Test)]
    split: Half,
    /// Samples, the first of the half
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    samples: u32,
    /// Folder of the files, made if need be; files of these names are replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Replace files of that name
    #[arg(long)]
    force: bool,
    /// Folder of its IDX files
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
    /// Seed of the split or of the generator
    #[arg(long, value_name = "N", default_value_t = 0)]
    split_seed: u64,
}

/// The halves of a data set.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Half {
    Train,
    Test,
}

impl Export {
    /// Writes inputs and one-hot targets (V) of the first samples.
    ///
    /// # Errors
    /// A set that is not there, or has fewer samples; files that are there already or cannot be written.
    pub fn write(&self) -> Result<Done, Failure> {
        let request =
            Request { path: self.path.as_deref(), split_seed: self.split_seed, ..Request::named(&self.name) };
        let set = load(&request).map_err(Failure::input)?;
        let (inputs, targets) = self.first(&set)?;
        let [x, y] = ["x", "y"].map(|tensor| self.out.join(format!("{tensor}.safetensors")));
        let bytes = |tensor: &str, values: &Matrix<f64>| {
            let mut writer = TensorWriter::new();
            writer.matrix(tensor, values);
            writer.to_bytes()
        };
        self.put(&[(x.clone(), bytes("x", &inputs)), (y.clone(), bytes("y", &targets))])?;
        let words = format!("{}\n{}\n", x.display(), y.display());
        Ok(Done { words, document: json!({"x": x, "y": y, "samples": self.samples}), holds: true })
    }

    /// The first samples of the half.
    fn first(&self, set: &Dataset) -> Result<(Matrix<f64>, Matrix<f64>), Failure> {
        let half: &Split = match self.split {
            Half::Train => &set.train,
            Half::Test => &set.test,
        };
        let count = self.samples as usize;
        if count > half.len() {
            return Err(Failure::input(anyhow!(
                "--samples {count}: that half of `{}` has {} samples\n  accepted: 1 to {}",
                self.name,
                half.len(),
                half.len()
            )));
        }
        let first: Vec<usize> = (0..count).collect();
        let (mut inputs, mut targets) =
            (Matrix::<f64>::zeros(count, half.features()), Matrix::zeros(count, set.classes));
        half.gather(&first, &mut inputs);
        half.one_hot(&first, set.classes, &mut targets);
        Ok((inputs, targets))
    }

    /// Writes both files together, in place of none that is there already.
    fn put(&self, files: &[(PathBuf, Vec<u8>)]) -> Result<(), Failure> {
        let there = || files.iter().find(|(path, _)| path.symlink_metadata().is_ok());
        if let (Some((path, _)), false) = (there(), self.force) {
            return Err(Failure::input(anyhow!(
                "{} exists; --force replaces it, or choose another --out",
                path.display()
            )));
        }
        let create = |reason| RecordError::Io { action: "create", path: self.out.clone(), reason };
        std::fs::create_dir_all(&self.out).map_err(|reason| Failure::input(create(reason)))?;
        let lock = Lock::named(&self.out, ".export.lock").map_err(Failure::input)?;
        write_together(files).map_err(Failure::running)?;
        lock.release().map_err(Failure::running)
    }
}
