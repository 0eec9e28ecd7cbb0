//! What came out of an experiment, in sentences computed from its summary: the first thing to read.
//!
//! Every number is a mean over the seeds and chips that both sides share; ranges are over them, too. A run is
//! *healthy* if at most [`UNSETTLED`] of its nudged samples did not come to rest: what the others learned is
//! told as failure and takes part in nothing else.

use super::super::identity::{GridPlace, RunKey, Settings, agree};
use super::super::rows::{PairSummary, RunSummary, Summary};
use crate::figure::axis::setting;
use dyadsim_core::spec::RuleKind;
use dyadsim_core::statistics::{grouped, mean, range};
use dyadsim_core::units::{percent, significant};

/// Share of nudged samples that may stay unsettled in a healthy run.
const UNSETTLED: f64 = 0.01;
/// Difference of accuracies that counts as falling behind.
const BEHIND: f64 = 0.01;
/// Places of failure that are told one by one.
const TOLD: usize = 3;

/// The sentences, most important first; none if there is nothing to compare.
#[must_use]
pub fn findings(summary: &Summary) -> Vec<String> {
    let worlds = find_worlds(&summary.runs);
    let mut told = Vec::new();
    for world in &worlds {
        told.extend(reference(world));
        told.extend(world.rules().into_iter().filter_map(|rule| followed(world, rule)));
        told.extend(world.rules().into_iter().filter_map(|rule| failures(world, rule)));
    }
    if let [first, others @ ..] = worlds.as_slice() {
        told.extend(others.iter().filter_map(|other| cost(first, other)));
    }
    for world in &worlds {
        told.extend(parted(world, &summary.pairs, [RuleKind::Dp, RuleKind::DpTranspose]));
        told.extend(parted(world, &summary.pairs, [RuleKind::DpTranspose, RuleKind::Bp]));
    }
    told
}

/// The runs that share every setting but the gains.
struct World<'a> {
    label: String,
    runs: Vec<&'a RunSummary>,
}

/// The worlds of an experiment, in the order of its runs. Runs that lack settings (backpropagation's) belong
/// wherever they contradict nothing.
fn find_worlds(runs: &[RunSummary]) -> Vec<World<'_>> {
    let nudged = runs.iter().filter(|run| run.alpha.is_some());
    let world = |settings: &Settings| {
        let here = |run: &&RunSummary| match run.alpha {
            Some(_) => run.settings == *settings,
            None => agree(&run.settings, settings),
        };
        World { label: label(settings), runs: runs.iter().filter(here).collect() }
    };
    grouped(nudged, |run| run.settings.clone()).iter().map(|(settings, _)| world(settings)).collect()
}

/// ` on chip-180nm`, ` with batch = 50`; nothing where there is one world.
fn label(settings: &Settings) -> String {
    let circuit = settings.get("circuit").and_then(|name| name.as_str());
    let others: Vec<String> = settings
        .iter()
        .filter(|(key, _)| *key != "circuit")
        .map(|(key, value)| format!("{} = {value}", key.rsplit('.').next().unwrap_or(key)))
        .collect();
    let on = circuit.map(|name| format!(" on `{name}`")).unwrap_or_default();
    let with = if others.is_empty() { String::new() } else { format!(" with {}", others.join(", ")) };
    on + &with
}

impl<'a> World<'a> {
    fn of(&self, rule: RuleKind) -> Vec<&'a RunSummary> {
        self.runs.iter().copied().filter(|run| run.rule == rule.name()).collect()
    }

    /// Rules with a nudge, `DPᵀ` first.
    fn rules(&self) -> Vec<RuleKind> {
        let has_run = |rule: &RuleKind| rule.is_dyadic() && !self.of(*rule).is_empty();
        let mut rules: Vec<RuleKind> = RuleKind::ALL.into_iter().filter(has_run).collect();
        rules.sort_by_key(|rule| (*rule != RuleKind::DpTranspose, rule.name()));
        rules
    }

    /// Runs of a rule by its gains.
    fn places(&self, rule: RuleKind) -> Vec<Vec<&'a RunSummary>> {
        grouped(self.of(rule), RunKey::of).into_iter().map(|(_, runs)| runs).collect()
    }

    /// Those places at which every run is healthy.
    fn healthy(&self, rule: RuleKind) -> Vec<Vec<&'a RunSummary>> {
        self.places(rule).into_iter().filter(|place| place.iter().all(|run| is_healthy(run))).collect()
    }
}

fn gains(run: &RunSummary) -> (Option<f64>, Option<f64>) {
    (run.alpha, run.beta)
}

/// `α = 0, β = 0.5`.
fn at(run: &RunSummary) -> String {
    let part = |name: &str, value: Option<f64>| value.map(|value| format!("{name} = {}", setting(value)));
    [part("α", run.alpha), part("β", run.beta)].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn is_healthy(run: &RunSummary) -> bool {
    run.status == "complete"
        && run.test_accuracy.is_finite()
        && run.at_rest().is_none_or(|rest| rest >= 1.0 - UNSETTLED)
}

/// Differences `a − b` of accuracies over the seeds and chips that both have.
fn differences(a: &[&RunSummary], b: &[&RunSummary]) -> Vec<f64> {
    let partner = |run: &&RunSummary| {
        let mut same = b.iter().filter(|other| (other.seed, other.chip) == (run.seed, run.chip));
        Some(run.test_accuracy - same.next()?.test_accuracy)
    };
    a.iter().filter_map(partner).filter(|difference| difference.is_finite()).collect()
}

/// Percentage points.
fn points(share: f64) -> String {
    significant(100.0 * share, 2).replace('-', "−")
}

/// `(94.8 – 95.6 over 3 runs)`; nothing for one run.
fn over(values: &[f64], written: impl Fn(f64) -> String) -> String {
    let (low, high) = range(values.iter().copied());
    match values.len() {
        1 => String::new(),
        n => format!(" ({} to {} over {n} runs)", written(low), written(high)),
    }
}

fn reference(world: &World<'_>) -> Option<String> {
    let values: Vec<f64> = world.of(RuleKind::Bp).iter().map(|run| run.test_accuracy).collect();
    let one = |share: f64| percent(share, 1);
    (!values.is_empty()).then(|| {
        format!("Backpropagation reaches {}{}{}.", one(mean(&values)), over(&values, one), world.label)
    })
}

/// How far the healthy runs of a rule stay with backpropagation.
fn followed(world: &World<'_>, rule: RuleKind) -> Option<String> {
    let bp = world.of(RuleKind::Bp);
    let places = world.places(rule);
    let healthy = world.healthy(rule);
    let behind = healthy.iter().filter_map(|place| {
        let differences = differences(place, &bp);
        (!differences.is_empty()).then(|| (-mean(&differences), place[0]))
    });
    let behind: Vec<(f64, &RunSummary)> = behind.collect();
    let (worst, run) = *behind.iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
    let (best, _) = *behind.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
    let above = |joint: &str| {
        if best < 0.0 { format!("{joint}up to {} points above it", points(-best)) } else { String::new() }
    };
    let wherever = if healthy.len() == places.len() { "at every α and β" } else { "wherever it settles" };
    let (name, place, label) = (rule.label(), at(run), &world.label);
    let amount = points(worst.abs());
    Some(match worst {
        w if w > BEHIND => {
            format!("{name} falls behind it by up to {amount} points{label}, most at {place}.")
        }
        w if w > 0.0 => {
            let above = above(", and ");
            format!("{name} is at most {amount} points below it {wherever}{label} (at {place}){above}.")
        }
        _ => format!("{name} does at least as well {wherever}{label}{}.", above(": ")),
    })
}

/// Where a rule's circuits did not settle, and what became of them.
fn failures(world: &World<'_>, rule: RuleKind) -> Option<String> {
    let places = world.places(rule);
    let failing: Vec<_> = places.iter().filter(|place| !place.iter().all(|run| is_healthy(run))).collect();
    let tell = |place: &&Vec<&RunSummary>| {
        let failed: Vec<_> = place.iter().filter(|run| !is_healthy(run)).collect();
        let share = |pick: fn(&RunSummary) -> Option<f64>| {
            mean(&failed.iter().map(|run| pick(run).unwrap_or(0.0)).collect::<Vec<_>>())
        };
        let ends = [
            ("latch up", share(|run| run.latch_up)),
            ("oscillate", share(|run| run.oscillation)),
            ("do not settle in time", share(|run| run.timeout)),
            ("leave the numbers", share(|run| run.not_finite)),
        ];
        let most = ends.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map_or("", |end| end.0);
        let accuracy: Vec<f64> =
            failed.iter().map(|run| run.test_accuracy).filter(|a| a.is_finite()).collect();
        let accuracy = if accuracy.is_empty() {
            "no finite accuracy".into()
        } else {
            format!("{} accuracy", percent(mean(&accuracy), 0))
        };
        let lost: f64 = ends.iter().map(|end| end.1).sum();
        let lost = if lost > 0.999 && lost < 1.0 { "more than 99.9 %".to_owned() } else { percent(lost, 0) };
        let (count, all) = (failed.len(), place.len());
        format!(
            "at {}: {count} of {all} runs ({lost} of their samples are lost, most {most}; {accuracy})",
            at(place[0])
        )
    };
    let told: Vec<String> = failing.iter().take(TOLD).map(tell).collect();
    let more = failing.len().saturating_sub(TOLD);
    let more = if more > 0 { format!("; and at {more} more settings") } else { String::new() };
    let (name, label) = (rule.label(), &world.label);
    (!told.is_empty()).then(|| format!("{name} fails{label}: {}{more}.", told.join("; ")))
}

/// What another world than the first costs every rule, where both are healthy.
fn cost(first: &World<'_>, other: &World<'_>) -> Option<String> {
    let tell = |rule: RuleKind| {
        let (here, there) = (other.healthy(rule), first.healthy(rule));
        let lost: Vec<f64> = here
            .iter()
            .filter_map(|place| Some((place, there.iter().find(|same| gains(same[0]) == gains(place[0]))?)))
            .flat_map(|(place, same)| differences(same, place))
            .collect();
        let name = rule.label();
        (!lost.is_empty()).then(|| format!("{name} {} points{}", points(mean(&lost)), over(&lost, points)))
    };
    let rules = [RuleKind::Bp].into_iter().chain(first.rules());
    let told: Vec<String> = rules.filter_map(tell).collect();
    let (first, label) = (first.label.trim_start(), other.label.trim_start());
    (!told.is_empty())
        .then(|| format!("Accuracy lost {label}, against the same runs {first}: {}.", told.join(", ")))
}

/// How far two rules' learned weights parted, beside the control.
fn parted(world: &World<'_>, pairs: &[PairSummary], rules: [RuleKind; 2]) -> Option<String> {
    let healthy = |name: &str| world.runs.iter().any(|run| run.run == name && is_healthy(run));
    let here = |pair: &&PairSummary| {
        [&pair.rule_a, &pair.rule_b] == rules.map(RuleKind::name)
            && healthy(&pair.run_a)
            && healthy(&pair.run_b)
    };
    let gains = |pair: &PairSummary| GridPlace { alpha: pair.alpha, beta: pair.beta, ..GridPlace::default() };
    let places = grouped(pairs.iter().filter(here), gains);
    let places: Vec<Vec<&PairSummary>> = places.into_iter().map(|(_, pairs)| pairs).collect();
    // The layer that parted most, mean over seeds and chips.
    let widest = |place: &Vec<&PairSummary>, pick: fn(&PairSummary) -> Option<&[f64]>| -> Option<f64> {
        let largest = |pair: &&PairSummary| Some(pick(pair)?.iter().copied().fold(0.0, f64::max));
        let values: Vec<f64> = place.iter().filter_map(largest).filter(|value| value.is_finite()).collect();
        (!values.is_empty()).then(|| mean(&values))
    };
    let distance = |place: &Vec<&PairSummary>| widest(place, |pair| Some(&pair.relative_distance));
    let measured = places.iter().filter_map(|place| Some((distance(place)?, place)));
    let (most, place) = measured.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let control = widest(place, |pair| Some(&pair.control.as_ref()?.relative_distance))
        .zip(place.iter().find_map(|pair| Some(pair.control.as_ref()?.moved)));
    let [one, other] = rules.map(RuleKind::label);
    let (alpha, beta) = (place[0].alpha.map(setting), place[0].beta.map(setting));
    let gains = alpha.zip(beta).map(|(a, b)| format!(" at α = {a}, β = {b}")).unwrap_or_default();
    let text = format!(
        "Weights learned by {one} and {other}{} are at most {} of their norm apart{gains} (widest layer)",
        world.label,
        significant(most, 2)
    );
    Some(match control {
        Some((control, moved)) => format!(
            "{text}; {other} and itself, from initial weights moved by {} of their size: {}.",
            significant(moved, 2),
            significant(control, 2)
        ),
        None => format!("{text}."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::train::rows::ControlSummary;

    fn run(rule: &str, gains: Option<(f64, f64)>, seed: u64, accuracy: f64, circuit: &str) -> RunSummary {
        let whole = gains.map(|_| 1.0);
        let none = gains.map(|_| 0.0);
        RunSummary {
            run: format!("{rule}-{gains:?}-{circuit}-s{seed}"),
            rule: rule.into(),
            alpha: gains.map(|gains| gains.0),
            beta: gains.map(|gains| gains.1),
            seed,
            chip: None,
            test_accuracy: accuracy,
            best_test_accuracy: accuracy,
            test_loss: 0.1,
            train_loss: 0.1,
            settled: whole,
            noisy_settled: none,
            oscillation: none,
            latch_up: none,
            timeout: none,
            not_finite: none,
            worst_stability_margin_tau: None,
            mean_angle_to_bp_deg: None,
            product_spectral_norm: 1.0,
            kept_beta: None,
            status: "complete".into(),
            settings: [("circuit".to_owned(), circuit.into())].into(),
            wall_s: 1.0,
        }
    }

    fn latched(run: RunSummary) -> RunSummary {
        RunSummary { settled: Some(0.0), latch_up: Some(0.9), timeout: Some(0.1), ..run }
    }

    fn pair(a: &RunSummary, b: &RunSummary, distance: f64, control: f64) -> PairSummary {
        let control = ControlSummary {
            run: b.run.clone(),
            moved: 1e-6,
            relative_distance: vec![control, 0.0],
            cosine: vec![1.0, 1.0],
            prediction_agreement: 1.0,
        };
        PairSummary {
            run_a: a.run.clone(),
            run_b: b.run.clone(),
            rule_a: a.rule.clone(),
            rule_b: b.rule.clone(),
            alpha: a.alpha,
            beta: a.beta,
            seed: a.seed,
            relative_distance: vec![0.0, distance],
            cosine: vec![1.0, 1.0],
            prediction_agreement: 1.0,
            control: Some(control),
        }
    }

    #[test]
    fn the_sentences_say_what_the_numbers_say() {
        let (weak, strong) = (Some((0.0, 0.1)), Some((0.0, 0.5)));
        let mut runs = Vec::new();
        for (circuit, lost) in [("ideal", 0.0), ("chip", 0.02)] {
            for seed in [1, 2] {
                let more = 0.01 * seed as f64 - lost;
                runs.push(run("bp", None, seed, 0.94 + more, circuit));
                runs.push(run("dp", weak, seed, 0.935 + more, circuit));
                runs.push(latched(run("dp", strong, seed, 0.1, circuit)));
                runs.push(run("dp-transpose", weak, seed, 0.94 + more, circuit));
                runs.push(run("dp-transpose", strong, seed, 0.92 + more, circuit));
            }
        }
        let pairs = vec![pair(&runs[1], &runs[3], 0.25, 0.05), pair(&runs[2], &runs[4], 9.0, 0.1)];
        let told = findings(&Summary { name: "t".into(), runs, pairs });
        assert_eq!(
            told,
            [
                "Backpropagation reaches 95.5 % (95.0 % to 96.0 % over 2 runs) on `ideal`.",
                "DPᵀ falls behind it by up to 2 points on `ideal`, most at α = 0, β = 0.5.",
                "DP is at most 0.5 points below it wherever it settles on `ideal` (at α = 0, β = 0.1).",
                "DP fails on `ideal`: at α = 0, β = 0.5: 2 of 2 runs (100 % of their samples are lost, most latch up; 10 % accuracy).",
                "Backpropagation reaches 93.5 % (93.0 % to 94.0 % over 2 runs) on `chip`.",
                "DPᵀ falls behind it by up to 2 points on `chip`, most at α = 0, β = 0.5.",
                "DP is at most 0.5 points below it wherever it settles on `chip` (at α = 0, β = 0.1).",
                "DP fails on `chip`: at α = 0, β = 0.5: 2 of 2 runs (100 % of their samples are lost, most latch up; 10 % accuracy).",
                "Accuracy lost on `chip`, against the same runs on `ideal`: BP 2 points (2 to 2 over 2 runs), DPᵀ 2 points (2 to 2 over 4 runs), DP 2 points (2 to 2 over 2 runs).",
                "Weights learned by DP and DPᵀ on `ideal` are at most 0.25 of their norm apart at α = 0, β = 0.1 (widest layer); \
                    DPᵀ and itself, from initial weights moved by 1e-6 of their size: 0.05.",
            ]
        );
    }
}
