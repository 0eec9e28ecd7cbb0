//! What a deck does when it is run, as options say it.

use anyhow::anyhow;
use clap::Args;
use serde::Serialize;

use super::super::Failure;
use super::super::inputs::Setup;
use crate::spice::{Analyses, NoiseAnalysis, map};
use dyadsim_core::analysis::stationary::{Node, nodes};
use dyadsim_core::spec::nearest;
use dyadsim_core::units::{Kind, parse};

/// Length of a transient when none is given, in the slowest time constant.
const TRANSIENT: f64 = 40.0;

/// What a deck does when it is run.
#[derive(Clone, Debug, Args, Serialize)]
pub struct Wanted {
    /// Transient from the start of `solver.start`, up to TIME such as `20us` [default: 40 slowest τ]
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "")]
    pub tran: Option<String>,
    /// Operating point; says nothing of stability
    #[arg(long)]
    pub op: bool,
    /// Noise at a node, total and spectrum: `p1_0` or `v_plus.1.0` (repeatable) [default: `v_plus.L.0`]
    #[arg(long, value_name = "NODE", num_args = 0..=1, default_missing_value = "")]
    pub noise: Vec<String>,
    /// Noise currents in the transient (ngspice)
    #[arg(long)]
    pub trnoise: bool,
}

impl Wanted {
    /// What the deck is to do; `seed` is that of noise currents.
    ///
    /// # Errors
    /// A time or a node that is none; noise that the circuit has not.
    pub fn analyses(&self, setup: &Setup, seed: Option<u32>) -> Result<Analyses, Failure> {
        let wants_noise = !self.noise.is_empty() || self.trnoise;
        if wants_noise && setup.chip.noise.is_noiseless() {
            return Err(Failure::input(anyhow!(
                "circuit `{}` has no noise that acts on its compartments\n  \
                 accepted: a section such as [noise.thermal] (--set noise.thermal.excess=1 \
                 --set solver.kind=exponential-heun), or no --noise and no --trnoise",
                setup.spec.name
            )));
        }
        let nothing = self.tran.is_none() && !self.op && self.noise.is_empty();
        let transient = self.tran.as_deref().or((nothing || self.trnoise).then_some(""));
        Ok(Analyses {
            transient: transient.map(|text| duration(text, setup.chip.slowest)).transpose()?,
            operating_point: self.op,
            noise: self.noise.iter().map(|name| noise_node(name, setup)).collect::<Result<_, _>>()?,
            transient_noise: self.trnoise.then(|| seed.unwrap_or(1)),
        })
    }
}

/// Length of the transient (s).
fn duration(text: &str, tau: f64) -> Result<f64, Failure> {
    if text.is_empty() {
        return Ok(TRANSIENT * tau);
    }
    let plain = text.parse::<f64>().ok();
    let time = match plain {
        Some(time) => time,
        None => parse(text, Kind::Time).map_err(|error| Failure::input(anyhow!("--tran {text}: {error}")))?,
    };
    if time.is_finite() && time > 0.0 {
        return Ok(time);
    }
    Err(Failure::input(anyhow!("--tran {text}\n  accepted: a time above 0 s, such as `20us`")))
}

/// The node of the deck that a name means.
fn noise_node(name: &str, setup: &Setup) -> Result<NoiseAnalysis, Failure> {
    let layout = &setup.chip.layout;
    let map = map(layout);
    let all = nodes(layout);
    let first = all.iter().find(|node| node.layer + 1 == layout.depth()).map(Node::name).unwrap_or_default();
    let wanted = if name.is_empty() { first.as_str() } else { name };
    if map.contains_key(wanted) {
        return Ok(NoiseAnalysis { node: wanted.to_owned() });
    }
    if let Some((node, _)) = map.iter().find(|(_, meant)| *meant == wanted) {
        return Ok(NoiseAnalysis { node: node.clone() });
    }
    let names: Vec<String> = all.iter().map(Node::name).chain(map.into_keys()).collect();
    let near = nearest(name, names.iter().map(String::as_str));
    let meant = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let accepted = match layout.kind().compartments() {
        1 => "pK_J, sK_J or v.K.J, activity.K.J",
        _ => "pK_J, mK_J, sK_J, dK_J or v_plus.K.J, v_minus.K.J, activity.K.J, error.K.J",
    };
    Err(Failure::input(anyhow!(
        "--noise {name}: no such node{meant}\n  accepted: {accepted} with layer K from 1 to {} and neuron J from 0",
        layout.depth()
    )))
}
