//! What `stability --attractors` tells people and programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::inputs::Setup;
use super::super::text::some_lines;
use super::Answer;
use dyadsim_core::analysis::attractors::{Attractor, Multistart};
use dyadsim_core::units::{fraction, significant};

/// Samples that the summary shows.
const SHOWN: usize = 20;
/// Equilibria of a sample that the summary shows.
const EQUILIBRIA: usize = 6;

/// The result for people.
pub fn summary(setup: &Setup, Answer { samples, starts }: &Answer) -> String {
    let mut text = setup.headline();
    let several = samples.iter().filter(|found| found.is_multistable()).count();
    let most = samples.iter().map(|found| found.attractors.len()).max().unwrap_or(0);
    text += &format!(
        "\n{several} of {} samples have more than one equilibrium (at most {most}); {} random starts \
         each, seed {}\n\n\
         sample  free start  equilibria: share of the starts (distance from that of the free start, V)\n",
        samples.len(),
        starts.count,
        starts.seed
    );
    text + &some_lines(samples.iter().map(|found| line(found, starts.count)), SHOWN)
}

/// A sample for people.
fn line(found: &Multistart, starts: usize) -> String {
    let told = |attractor: &Attractor| {
        let share = attractor.starts as f64 / starts as f64;
        let distance = attractor.distance.map_or("?".to_owned(), |distance| significant(distance, 3));
        format!("{} ({distance})", fraction(share, 3))
    };
    let mut shares: Vec<String> = found.attractors.iter().take(EQUILIBRIA).map(told).collect();
    if found.attractors.len() > shares.len() {
        shares.push(format!("… {} in all", found.attractors.len()));
    }
    let failed = found.outcomes.iter().filter(|(name, _)| !name.contains("settled"));
    let failed: Vec<String> = failed.map(|(name, count)| format!("{name} {count}")).collect();
    let failed = if failed.is_empty() { String::new() } else { format!("; {}", failed.join(", ")) };
    format!("{:>6}  {:<10}  {}{failed}", found.sample, found.free.name(), shares.join(", "))
}

/// Everything that was found.
pub fn document(Answer { samples, starts }: &Answer) -> Value {
    let mut histogram: BTreeMap<usize, usize> = BTreeMap::new();
    samples.iter().for_each(|found| *histogram.entry(found.attractors.len()).or_default() += 1);
    json!({
        "starts": starts.count,
        "spread": starts.spread,
        "seed": starts.seed,
        "multistable_samples": samples.iter().filter(|found| found.is_multistable()).count(),
        "samples_by_equilibria": histogram.into_iter().collect::<Vec<_>>(),
        "samples": samples.iter().map(|found| of_sample(found, starts.count)).collect::<Vec<_>>(),
    })
}

/// A sample for programs.
fn of_sample(found: &Multistart, starts: usize) -> Value {
    let told = |attractor: &Attractor| {
        json!({
            "share": attractor.starts as f64 / starts as f64,
            "starts": attractor.starts,
            "distance_v": attractor.distance,
            "of_free_start": attractor.of_free,
        })
    };
    json!({
        "sample": found.sample,
        "free_start": found.free.name(),
        "outcomes": found.outcomes,
        "attractors": found.attractors.iter().map(told).collect::<Vec<_>>(),
    })
}
