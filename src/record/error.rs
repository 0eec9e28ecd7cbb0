//! What can go wrong with files: one enum for the room, every message with the file's name.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use dyadsim_core::spec::LARGEST_LAYER;

/// A file or folder that cannot be read, written or used.
///
/// Reasons of foreign crates are kept as text, so that those crates are named only in their adapters.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The operating system refused.
    #[error("cannot {action} {}: {reason}", path.display())]
    Io {
        /// What was tried, as a verb (`read`, `write`).
        action: &'static str,
        /// File or folder.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// A row type whose fields are not all text, integers or floats.
    #[error("{row} does not make a table: {reason}")]
    Columns {
        /// Name of the row type.
        row: &'static str,
        /// What was found and what is accepted.
        reason: String,
    },
    /// A table that cannot be encoded or decoded.
    #[error("table {}: {reason}", path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// A JSON file or checkpoint record that cannot be encoded or decoded.
    #[error("{}: {reason}", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// A file that is no complete safetensors file.
    #[error("tensor file {}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An element type other than `f32` and `f64`.
    #[error("{}: tensor `{tensor}` holds {dtype}; F32 and F64 are accepted", path.display())]
    ElementType {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        tensor: String,
        /// Its element type, as safetensors calls it.
        dtype: String,
    },
    /// A NaN or an infinity.
    #[error("{}: tensor `{tensor}` holds {value} at {index:?}; every element must be finite", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        tensor: String,
        /// Position, one number per dimension, from 0.
        index: Vec<usize>,
        /// What stands there.
        value: f64,
    },
    /// A finite number beyond the range of the scalar asked for.
    #[error("{}: tensor `{tensor}` holds {value:e}, too large for f32; use --precision f64", path.display())]
    OutOfRange {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        tensor: String,
        /// What stands there.
        value: f64,
    },
    /// A tensor that the file lacks.
    #[error("{}: no tensor `{tensor}`; {advice}", path.display())]
    MissingTensor {
        /// The file.
        path: PathBuf,
        /// Name asked for.
        tensor: String,
        /// The names there are, and the nearest.
        advice: String,
    },
    /// A tensor of another shape than the network or data set needs.
    #[error("{}: tensor `{tensor}` has shape {found:?}, expected {expected}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        tensor: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that would be right.
        expected: String,
    },
    /// An array to be written whose shape and elements do not agree.
    #[error("array `{tensor}` of shape {shape:?} was given {found} elements")]
    ElementCount {
        /// Name of the tensor.
        tensor: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Elements given.
        found: usize,
    },
    /// A layer without neurons, or with more than any circuit has.
    #[error(
        "{}: layer {layer} of the network has {neurons} neurons; accepted: 1 to {LARGEST_LAYER} in each layer",
        path.display()
    )]
    LayerSize {
        /// The file.
        path: PathBuf,
        /// Layer, 0 the input.
        layer: usize,
        /// Its neurons.
        neurons: usize,
    },
    /// A weight file that counts its layers from 0.
    #[error(
        "{}: {} count layers from 0; layers count from 1: `W.1`, `b.1` lead from the inputs to the first layer, so add \
         1 to every number",
        path.display(),
        names.join(", ")
    )]
    CountedFromZero {
        /// The file.
        path: PathBuf,
        /// The tensors of layers.
        names: Vec<String>,
    },
    /// A tensor that seems to be a layer's under another spelling.
    #[error("{}: tensor `{tensor}` is no layer's name; did you mean `{meant}`?", path.display())]
    LayerName {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        tensor: String,
        /// How it is spelt here.
        meant: String,
    },
    /// Feedback synapses of their own where the circuit has none.
    #[error(
        "{} holds feedback synapses `F.k`, but `feedback.synapses` is \"shared\": one crossbar is \
         read both ways\n  accepted: --set feedback.synapses=separate, or a file without `F.k`",
        path.display()
    )]
    StrayFeedback {
        /// The file.
        path: PathBuf,
    },
    /// No feedback synapses where the circuit has some of their own.
    #[error(
        "{}: no tensor `F.2`, but `feedback.synapses` is \"separate\"\n  \
         accepted: `F.k` with the shapes of `W.k`, or --set feedback.synapses=shared",
        path.display()
    )]
    MissingFeedback {
        /// The file.
        path: PathBuf,
    },
    /// Lateral synapses where the circuit has none.
    #[error(
        "{} holds lateral synapses `L.k`, but `lateral` is false\n  \
         accepted: --set lateral=true, or a file without `L.k`",
        path.display()
    )]
    StrayLateral {
        /// The file.
        path: PathBuf,
    },
    /// No lateral synapses where the circuit has some.
    #[error(
        "{}: no tensor `L.1`, but `lateral` is true\n  \
         accepted: `L.k` [n_k, n_k] of every layer, or --set lateral=false",
        path.display()
    )]
    MissingLateral {
        /// The file.
        path: PathBuf,
    },
    /// Lateral synapses that the circuit cannot have.
    #[error(
        "{}: tensor `{tensor}` is not as lateral synapses are\n  accepted: {wanted} (`feedback.synapses` says \
         whether two neurons have one synapse or two)",
        path.display()
    )]
    LateralForm {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        tensor: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// A weight beyond the last layer of the network.
    #[error("{}: tensor `{tensor}` is beyond the last of {layers} layers", path.display())]
    ExtraTensor {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        tensor: String,
        /// Layers of the network, without the input.
        layers: usize,
    },
    /// The folder of a study that is there already.
    #[error("{} exists; --force replaces its files of {what}", path.display())]
    FolderStands {
        /// The folder.
        path: PathBuf,
        /// What study.
        what: &'static str,
    },
    /// A folder for a study that holds something else.
    #[error("{} exists and holds other files than those of {what} ({name}); choose another --out", path.display())]
    FolderHolds {
        /// The folder.
        path: PathBuf,
        /// One of them.
        name: String,
        /// What study.
        what: &'static str,
    },
    /// A new output folder that is there already.
    #[error("{} exists; --resume goes on with it, --force replaces it", path.display())]
    FolderExists {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that no run of this program made, and which is thus neither resumed nor deleted.
    #[error(
        "{} is not an output folder (neither manifest.json nor checkpoints/settings.json is ours); \
         choose another --out or empty it yourself",
        path.display()
    )]
    FolderForeign {
        /// The folder.
        path: PathBuf,
    },
    /// Something in an output folder that is no plain file or no folder, where one is wanted.
    #[error("{} is {found}; wanted is {wanted}: remove it or choose another --out", path.display())]
    NotPlain {
        /// Where.
        path: PathBuf,
        /// What stands there.
        found: &'static str,
        /// What is accepted.
        wanted: &'static str,
    },
    /// A file that holds a checksum which is not that of its bytes.
    #[error("{} is not as it was written (its SHA-256 does not fit): damaged, or changed by another program", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Files of a complete folder that are not as its manifest says.
    #[error(
        "{}: not as written (SHA-256 of manifest.json): {files}; --force of the command that made the folder \
         computes it again; without manifest.json the folder is read as it is",
        path.display()
    )]
    FilesChanged {
        /// The folder.
        path: PathBuf,
        /// Which files.
        files: String,
    },
    /// Files of a complete folder that are gone and that nothing left has once more.
    #[error(
        "{}: gone, and not to be made from the files that are left: {files}; --force of the command that made the folder computes it again",
        path.display()
    )]
    FilesGone {
        /// The folder.
        path: PathBuf,
        /// Which files.
        files: String,
    },
    /// A folder that a command has not finished.
    #[error("{} is not complete: the command that writes it is at work or was ended; finish it with --resume or --force", path.display())]
    Unfinished {
        /// The folder.
        path: PathBuf,
    },
    /// An input that `--force` would remove.
    #[error(
        "{} is an input and lies in {}, which --force would replace; copy it to another place, or choose another --out",
        input.display(),
        folder.display()
    )]
    InputInside {
        /// The input.
        input: PathBuf,
        /// The output folder.
        folder: PathBuf,
    },
    /// A resume with other settings than those the folder was begun with.
    #[error(
        "{} was begun with other settings (hash {stored}, now {given}); only the thread count may differ; \
         choose another --out, or --force replaces it",
        path.display()
    )]
    OtherSettings {
        /// The folder.
        path: PathBuf,
        /// First digits of the hash stored there.
        stored: String,
        /// First digits of the hash of the settings given.
        given: String,
    },
    /// A folder in which another process works.
    #[error("{} is in use by another process; wait for it or choose another --out", path.display())]
    FolderBusy {
        /// The folder.
        path: PathBuf,
    },
}

impl RecordError {
    /// Closure for `map_err`: the operating system refused to `action` (a verb) `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |reason| Self::Io { action, path, reason }
    }
}
