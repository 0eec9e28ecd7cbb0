//! Descriptions: what circuit and experiment files say, checked once and for all at the door.
//!
//! A file becomes a `tree` of values and places; settings from outside go into the tree; `read`
//! makes it a type and the checks look at its numbers. Whatever is wrong is told by a [`SpecError`]
//! with file, line, key, what was found and what is accepted. Behind the door there is only plain,
//! defaulted, valid data: [`CircuitSpec`] and [`ExperimentSpec`].

mod check_circuit;
mod check_cost;
mod check_expect;
mod check_experiment;
mod check_mismatch;
mod check_name;
mod check_noise;
mod check_periphery;
mod check_work;
mod check_sizes;
mod circuit;
mod commented;
mod cost;
pub mod devices;
mod door;
mod error;
mod exclude;
mod contrast;
mod ep;
mod every;
mod experiment;
mod fault;
mod feedback;
mod in_code;
mod keep_margin;
mod kinds;
mod lines;
mod loaded;
mod mismatch;
mod noise;
mod noise_kind;
mod overrides;
mod parts;
mod path;
mod periphery;
mod plasticity;
mod read;
mod route;
mod rule;
mod rules;
mod schedule;
mod schema;
mod shipped;
mod signature;
mod technology;
mod tree;
pub mod written;

pub use check_circuit::LARGEST_LAYER;
pub use check_expect::expected_columns;
pub use check_work::MOST_PARTS;
pub use circuit::*;
pub use commented::{circuit_defaults_toml, circuit_toml, experiment_template_toml, experiment_toml};
pub use contrast::ContrastSpec;
pub use cost::CostSpec;
pub use door::{load_circuit, load_experiment, parse_circuit, parse_experiment};
pub use ep::{EquilibriumSpec, NudgeSign};
pub use error::{At, Place, SpecError, nearest};
pub use exclude::{Exclusion, excludes};
pub use experiment::*;
pub use feedback::{FeedbackLearning, FeedbackTerms};
pub use in_code::check_defined;
pub(crate) use in_code::check_training;
pub use keep_margin::{KeepMarginSpec, Otherwise};
pub use kinds::{ActivationKind, CircuitKind, SolverKind, listed};
pub use loaded::{Loaded, Resolved};
pub use mismatch::*;
pub use noise::*;
pub use noise_kind::NoiseKind;
pub use overrides::Override;
pub use path::{KeyPath, Step};
pub use periphery::*;
pub use plasticity::PlasticitySpec;
pub use route::{same_setting, setting_of};
pub use rule::RuleSpec;
pub(crate) use rules::each_rule;
pub use rules::{Hue, RuleKind};
pub use schedule::{Schedule, ScheduleError, SweepOrder};
pub use schema::{FileKind, circuit_schema, experiment_schema, meaning};
pub use shipped::{Builtin, CIRCUITS, builtin, is_a_file, looks_like_a_path};
pub use signature::{is_gzip, read_text, signature};
pub use technology::{Sourced, Technology, technologies};
