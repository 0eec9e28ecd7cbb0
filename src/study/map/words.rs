//! What `stability --map` tells people and programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::Receipt;
use super::super::inputs::Setup;
use super::rows::{MapAxis, MapSummary};
use dyadsim_core::units::{percent, significant};

/// What was found and where it is.
pub fn document(map: &MapSummary, receipt: &Receipt<'_>) -> Value {
    json!({ "map": map, "wall_s": receipt.seconds, "folder": receipt.out })
}

/// The result for people.
pub fn summary(setup: &Setup, map: &MapSummary, receipt: &Receipt<'_>) -> String {
    let share = percent(map.looked_at as f64 / map.points as f64, 1);
    let mut text = setup.headline();
    text += &format!("\nmap       {}\n          {}\n", axis(&map.x), axis(&map.y));
    let time =
        receipt.seconds.map(|seconds| format!(" in {} s", significant(seconds, 2))).unwrap_or_default();
    text += &format!("looked at {} of {} points ({share}){time}\n", map.looked_at, map.points);
    if map.integrations > 0 {
        let (done, all) = (map.integrations, map.integrations_of_all);
        text += &format!("          {done} integrations of {all} ({} saved)\n", all - done);
    }
    text += &format!("          {} equilibria sought by Newton's method\n", map.searches);
    if !map.outcomes.is_empty() {
        text += &format!("outcomes  {}\n", counts(&map.outcomes));
    }
    if !map.verdicts.is_empty() {
        text += &format!("verdicts  {}\n", counts(&map.verdicts));
    }
    if let Some(check) = &map.verified {
        text += &format!("verified  {} points by integration\n", check.points);
        if let Some(right) = check.outcome_agrees {
            text += &format!("          outcome right at {right} of {} away from borders\n", check.away);
        }
        if let Some(right) = check.verdict_agrees {
            let away = check.away_from_threshold;
            text += &format!("          verdict right at {right} of {away} away from the predicted border\n");
        }
    }
    if let Some(out) = receipt.out {
        text += &format!("\n{}\n", out.display());
    }
    text
}

fn axis(axis: &MapAxis) -> String {
    let log = if axis.log { ", log" } else { "" };
    format!("{} {} to {}, {} points{log}", axis.key, axis.from, axis.to, axis.count)
}

fn counts(counts: &BTreeMap<String, usize>) -> String {
    counts.iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(", ")
}
