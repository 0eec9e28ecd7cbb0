//! What `stability --limits` tells people and programs.

use serde_json::{Value, json};

use super::super::inputs::Setup;
use super::super::text::some_lines;
use super::{Answer, Chip};
use dyadsim_core::analysis::beta_threshold;
use dyadsim_core::analysis::limits::{Confidence, Failure as Unsafe, SampleLimit, Search, confidence};
use dyadsim_core::units::{percent, significant};

/// Samples that the summary shows.
const SHOWN: usize = 20;
/// Shares of all chips for which a bound is given, where so many chips allow it.
const SHARES: [f64; 3] = [0.9, 0.95, 0.99];
/// Confidence of these bounds.
const CONFIDENCE: f64 = 0.95;

/// The chip with the lowest limit, if any has one.
fn worst(chips: &[Chip]) -> Option<(&Chip, &SampleLimit)> {
    let limited = chips.iter().filter_map(|chip| Some((chip, chip.limits.worst()?)));
    limited.min_by(|a, b| a.1.limit.unwrap_or(f64::NAN).total_cmp(&b.1.limit.unwrap_or(f64::NAN)))
}

/// Bounds for most chips; chips without a limit count as the highest β that was looked at.
fn bounds(chips: &[Chip], search: &Search) -> Vec<Confidence> {
    let limits: Vec<f64> = chips.iter().map(|chip| chip.limits.limit().unwrap_or(search.highest)).collect();
    SHARES.iter().filter_map(|&share| confidence(&limits, share, CONFIDENCE)).collect()
}

/// Share of all chips that reach the lowest limit of so many, with [`CONFIDENCE`].
fn covered(chips: usize) -> f64 {
    (1.0 - CONFIDENCE).powf(1.0 / chips as f64)
}

/// The largest safe nudge, and where the circuit's own stands.
fn headline(setup: &Setup, Answer { chips, search }: &Answer) -> String {
    let beta = setup.spec.nudge.beta;
    let Some((chip, sample)) = worst(chips) else {
        return format!("largest safe β      above {}: nothing fails up to there\n", search.highest);
    };
    let limit = sample.limit.unwrap_or(f64::NAN);
    let on = if chips.len() > 1 { format!(", chip {}", chip.seed) } else { String::new() };
    let safe = if beta < limit { "safe" } else { "NOT safe" };
    format!(
        "largest safe β      {} (sample {}{on}: {}); β = {beta} is {safe}, {} of the limit\n",
        significant(limit, 6),
        sample.sample,
        describe(sample),
        significant(beta / limit, 3)
    ) + &in_time(setup, search)
}

/// That a circuit may be slower near its limit than it has time.
fn in_time(setup: &Setup, search: &Search) -> String {
    let own = setup.spec.solver.max_time;
    if own >= search.time {
        return String::new();
    }
    format!(
        "                    looked for with {} τ; `solver.max_time` is {own} τ: near the limit, where \
         all is slow, \
         the circuit times out before\n",
        search.time
    )
}

/// How a sample fails, and what foretold it.
fn describe(sample: &SampleLimit) -> String {
    let failure = sample.failure.map_or("nothing fails", words);
    let foreseen = match &sample.foreseen {
        None => "nothing foreseen".to_owned(),
        Some(foreseen) => {
            let period = foreseen.period.map(|period| format!(", period {period:.3e} s")).unwrap_or_default();
            let border = foreseen.border.map(|b| format!(" of v_{}.{}.{}", b.compartment, b.layer, b.neuron));
            format!(
                "{} at {}{}{period}",
                foreseen.event,
                significant(foreseen.beta, 6),
                border.unwrap_or_default()
            )
        }
    };
    let by = if sample.confirmed { "confirmed by integration" } else { "limit by integration" };
    format!("{failure}; foreseen: {foreseen}; {by}")
}

fn words(failure: Unsafe) -> &'static str {
    match failure {
        Unsafe::Elsewhere => "settles at another equilibrium",
        Unsafe::Unsettled(outcome) => outcome.name(),
    }
}

/// The result for people.
pub fn summary(setup: &Setup, answer: &Answer) -> String {
    let Answer { chips, search } = answer;
    let mut text = setup.headline() + "\n" + &headline(setup, answer);
    if let Some(threshold) = beta_threshold(&setup.spec, &setup.weights) {
        text += &format!("closed form of β*   {} (linear circuits)\n", significant(threshold, 6));
    }
    let trials: usize = chips.iter().map(|chip| chip.limits.trials).sum();
    text += &format!(
        "tried by            {trials} integrations of one sample, each up to {} τ, since all is slow \
         near a border\n",
        search.time
    );
    text + &if chips.len() > 1 { of_chips(chips, search) } else { of_samples(chips, search) }
}

/// Every chip, and what may be said of chips that were not looked at.
fn of_chips(chips: &[Chip], search: &Search) -> String {
    let mut text = format!(
        "\nof {} chips the lowest limit is reached by {} of all chips, with {} % confidence\n",
        chips.len(),
        percent(covered(chips.len()), 1),
        100.0 * CONFIDENCE
    );
    for bound in bounds(chips, search) {
        text += &format!(
            "{} of all chips are safe up to β = {} (rank {}, {} confidence)\n",
            percent(bound.share, 0),
            significant(bound.bound, 6),
            bound.rank,
            percent(bound.confidence, 1)
        );
    }
    text += "\n  chip  largest safe β  worst sample\n";
    let line = |chip: &Chip| match chip.limits.worst() {
        Some(sample) => format!(
            "{:>6}  {:>14}  {}: {}",
            chip.seed,
            significant(sample.limit.unwrap_or(f64::NAN), 6),
            sample.sample,
            describe(sample)
        ),
        None => format!("{:>6}  {:>14}", chip.seed, format!("> {}", search.highest)),
    };
    text + &some_lines(chips.iter().map(line), SHOWN)
}

/// Every sample.
fn of_samples(chips: &[Chip], search: &Search) -> String {
    let line = |sample: &SampleLimit| {
        let limit =
            sample.limit.map_or_else(|| format!("> {}", search.highest), |limit| significant(limit, 6));
        format!("{:>6}  {limit:>14}  {}", sample.sample, describe(sample))
    };
    let samples: Vec<String> = chips.iter().flat_map(|chip| chip.limits.samples.iter().map(line)).collect();
    String::from("\nsample  largest safe β  what happens beyond\n") + &some_lines(samples.into_iter(), SHOWN)
}

/// A sample for programs.
fn of_sample(sample: &SampleLimit) -> Value {
    let foreseen = sample.foreseen.as_ref().map(|foreseen| {
        json!({
            "event": foreseen.event,
            "beta": foreseen.beta,
            "period_s": foreseen.period,
            "lyapunov": foreseen.lyapunov,
            "compartment": foreseen.border.map(|b| format!("v_{}.{}.{}", b.compartment, b.layer, b.neuron)),
        })
    });
    json!({
        "sample": sample.sample,
        "limit": sample.limit,
        "failure": sample.failure.map(Unsafe::name),
        "confirmed": sample.confirmed,
        "foreseen": foreseen,
        "small_jumps": sample.small_jumps,
    })
}

/// Everything that was found.
pub fn document(setup: &Setup, Answer { chips, search }: &Answer) -> Value {
    let found = worst(chips);
    let limit = found.and_then(|(_, sample)| sample.limit);
    let beta = setup.spec.nudge.beta;
    let mut document = json!({
        "limit": limit,
        "worst_sample": found.map(|(_, sample)| sample.sample),
        "failure": found.and_then(|(_, sample)| sample.failure).map(Unsafe::name),
        "confirmed": found.map(|(_, sample)| sample.confirmed),
        "foreseen": found.map(|(_, sample)| of_sample(sample)["foreseen"].clone()),
        "beta": beta,
        "safe": limit.is_none_or(|limit| beta < limit) && (limit.is_some() || beta <= search.highest),
        "share_of_limit": limit.map(|limit| beta / limit),
        "beta_threshold": beta_threshold(&setup.spec, &setup.weights),
        "highest": search.highest,
        "max_time_tau": search.time,
    });
    if let [chip] = &chips[..] {
        document["samples"] = chip.limits.samples.iter().map(of_sample).collect();
        return document;
    }
    document["chips"] = chips
        .iter()
        .map(|chip| {
            json!({
                "seed": chip.seed,
                "limit": chip.limits.limit(),
                "worst": chip.limits.worst().map(of_sample),
            })
        })
        .collect();
    document["lowest_is_reached_by"] = json!({"share": covered(chips.len()), "confidence": CONFIDENCE});
    document["bounds"] = bounds(chips, search)
        .iter()
        .map(|b| json!({"share": b.share, "limit": b.bound, "rank": b.rank, "confidence": b.confidence}))
        .collect();
    document
}
