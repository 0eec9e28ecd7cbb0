//! `stability --attractors`: equilibria from random starts.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};

use super::super::inputs::Setup;
use super::super::output::{conclude, some_lines};
use super::super::{Failure, Global, progress};
use crate::analysis::attractors::{Census, Starts, census};
use crate::learn::nudged;
use crate::noise::Sources;
use crate::units::{fraction, significant};

/// Samples that the summary shows.
const SHOWN: usize = 20;

/// Flags of this mode.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Flags {
    /// Settle every sample from N random starts and count the equilibria
    #[arg(long, value_name = "N", group = "mode", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    attractors: Option<u32>,
    /// Random potentials are uniform within ±SPREAD (1 V + the largest free potential)
    #[arg(long, value_name = "SPREAD", requires = "attractors", default_value_t = 1.0)]
    spread: f64,
}

impl Flags {
    /// Number of starts, if this mode is asked for.
    pub fn starts(&self) -> Option<u32> {
        self.attractors
    }
}

/// Carries the mode out.
///
/// # Errors
/// A spread that is no size.
pub fn run(global: &Global, setup: &Setup, flags: &Flags, starts: u32) -> Result<ExitCode, Failure> {
    if !(flags.spread > 0.0 && flags.spread.is_finite()) {
        return Err(Failure::input(anyhow!("--spread {}\n  accepted: a number above 0", flags.spread)));
    }
    // The drawn starts of a sample and where they settle, a sample on every thread.
    let states = 3.0 * f64::from(starts) * global.threads().min(setup.batch.inputs.nrows()) as f64;
    setup.want_memory(&format!("--attractors {starts}"), states, 0.0)?;
    let seed = u64::from(global.seed.unwrap_or(0));
    let starts = Starts { count: starts as usize, spread: flags.spread, seed };
    let mut chip = setup.chip.clone();
    chip.noise = Sources::default();
    let circuit = nudged(&chip, &setup.weights, &setup.batch, &setup.spec);
    let bar = progress::bar(global, setup.batch.inputs.nrows(), "samples");
    let found = global.on_threads(|| census(&setup.spec.solver, &circuit, &starts, &|| bar.inc(1)))?;
    bar.finish_and_clear();
    conclude(global, &summary(setup, &found, &starts), &setup.named(document(&found, &starts)))
}

fn summary(setup: &Setup, found: &[Census], starts: &Starts) -> String {
    let mut text = setup.headline();
    let several = found.iter().filter(|census| census.is_multistable()).count();
    let most = found.iter().map(|census| census.attractors.len()).max().unwrap_or(0);
    text += &format!(
        "\n{several} of {} samples have more than one equilibrium (at most {most}); {} random starts each, seed {}\n\n\
         sample  free start  equilibria: share of the starts (distance from that of the free start, V)\n",
        found.len(),
        starts.count,
        starts.seed
    );
    let line = |census: &Census| {
        let shares = census.attractors.iter().take(6).map(|attractor| {
            let share = attractor.starts as f64 / starts.count as f64;
            let distance = attractor.distance.map_or("?".to_owned(), |distance| significant(distance, 3));
            format!("{} ({distance})", fraction(share, 3))
        });
        let mut shares: Vec<String> = shares.collect();
        if census.attractors.len() > shares.len() {
            shares.push(format!("… {} in all", census.attractors.len()));
        }
        let failed = census.outcomes.iter().filter(|(name, _)| !name.contains("settled"));
        let failed: Vec<String> = failed.map(|(name, count)| format!("{name} {count}")).collect();
        let failed = if failed.is_empty() { String::new() } else { format!("; {}", failed.join(", ")) };
        format!("{:>6}  {:<10}  {}{failed}", census.sample, census.free.name(), shares.join(", "))
    };
    text + &some_lines(found.iter().map(line), SHOWN)
}

fn document(found: &[Census], starts: &Starts) -> Value {
    let each = found.iter().map(|census| {
        let attractors: Vec<Value> = census
            .attractors
            .iter()
            .map(|attractor| {
                json!({
                    "share": attractor.starts as f64 / starts.count as f64,
                    "starts": attractor.starts,
                    "distance_v": attractor.distance,
                    "of_free_start": attractor.of_free,
                })
            })
            .collect();
        json!({
            "sample": census.sample,
            "free_start": census.free.name(),
            "outcomes": census.outcomes,
            "attractors": attractors,
        })
    });
    let each: Vec<Value> = each.collect();
    let mut histogram: BTreeMap<usize, usize> = BTreeMap::new();
    found.iter().for_each(|census| *histogram.entry(census.attractors.len()).or_default() += 1);
    json!({
        "starts": starts.count,
        "spread": starts.spread,
        "seed": starts.seed,
        "multistable_samples": found.iter().filter(|census| census.is_multistable()).count(),
        "samples_by_equilibria": histogram.into_iter().map(|(n, count)| json!([n, count])).collect::<Vec<_>>(),
        "samples": each,
    })
}
