//! The study itself: every rule goes through the protocols, then neurons learn, a seed each.

use anyhow::anyhow;
use rayon::prelude::*;

use super::rows::{SpikingProtocolRow, SpikingRow, SpikingRule, SpikingSummary, SpikingWeightRow};
use super::{Answer, SpikeRule, Spiking, Subject};
use crate::study::{Extent, Failure, Observer};
use dyadsim_core::chip::Chip;
use dyadsim_core::spec::FaultSpec;
use dyadsim_core::statistics::{Spread, mean};
use dyadsim_core::unsupervised::Reading;
use dyadsim_core::unsupervised::spiking::{
    Event, Groups, Learning, Neuron, Plasticity, Protocol, RateConstraint, Stimulus, Timing, Unit, Valley,
    initial_weights,
};

/// Longest piece of time that learning is integrated over at once (s).
const STEP: f64 = 0.5e-3;
/// Strength `κ` of the constraint on the rate, and the time constant of the average that it holds (s).
const CONSTRAINT: (f64, f64) = (1.0, 1.0);
/// Mean initial weight, in units of the bound.
const INITIAL: f64 = 0.2;
/// Most spikes of an input that a slot may be expected to have: its stream has numbers for a few times more.
const MOST_SPIKES: f64 = 200.0;
/// Most slots.
const MOST_SLOTS: f64 = 1e7;

/// Weight that protocols begin with (V), and the bound there, which they never meet.
const PROTOCOL_WEIGHTS: (f64, f64) = (1e-3, 1.0);
/// Learning rate of protocols (V/s): so slow that no weight is brought to 0.
const PROTOCOL_RATE: f64 = 1e-4;
/// Repetitions of a protocol, and how often in a second where it is not varied (Hz).
const REPEATED: (usize, f64) = (60, 1.0);
/// Delays of pairs, to either side (s).
const DELAYS: [f64; 10] = [1e-3, 2e-3, 5e-3, 10e-3, 15e-3, 20e-3, 30e-3, 40e-3, 60e-3, 80e-3];
/// Rates of pairs (Hz), and their delay to either side (s).
const FREQUENCIES: ([f64; 7], f64) = ([1.0, 5.0, 10.0, 20.0, 30.0, 40.0, 45.0], 10e-3);
/// Potentials that the neuron is held at (V): so many steps of this size.
const HELD: (usize, f64) = (15, 2e-3);

/// Refuses slots that are too many or too full, and a membrane as slow as its synapses.
pub fn check_times(settings: &Spiking) -> anyhow::Result<()> {
    let Spiking { slot, duration, .. } = *settings;
    let slots = duration / slot;
    if !(2.0..=MOST_SLOTS).contains(&slots.round()) {
        return Err(anyhow!(
            "--duration {duration}: {slots:.3} slots of {slot} s\n  accepted: 2 to {MOST_SLOTS:e} slots"
        ));
    }
    for (name, rate) in [("--high", settings.high), ("--low", settings.low)] {
        if rate * slot > MOST_SPIKES {
            return Err(anyhow!(
                "{name} {rate}: an input has {:.0} spikes in a slot of {slot} s\n  accepted: {MOST_SPIKES} at most; \
                 a lower rate or a shorter --slot",
                rate * slot
            ));
        }
    }
    let neuron = neuron(settings);
    let (time, synapse) = (neuron.time_constant(), neuron.synapse_time);
    if !((1e-3..=1e3).contains(&(time / synapse)) && (time / synapse - 1.0).abs() > 1e-3) {
        return Err(anyhow!(
            "--capacitance and --leak: the time constant C/g of the membrane is {time} s\n  accepted: {} to {} s, \
             other than the {synapse} s of the synapses",
            1e-3 * synapse,
            1e3 * synapse
        ));
    }
    Ok(())
}

/// Refuses offsets with which a neuron would fire at rest; returns the subject.
pub fn check_offsets(settings: &Spiking, subject: &Subject) -> Result<Subject, Failure> {
    for seed in seeds(subject) {
        let (offset, threshold) = (devices(settings, subject, seed).offsets[0], Neuron::default().threshold);
        if threshold + offset <= 0.0 {
            return Err(Failure::input(anyhow!(
                "circuit `{}`: on the chip of seed {seed} an offset of {offset:.2e} V brings the threshold, {threshold} V, \
                 to rest\n  accepted: a smaller `mismatch.offset_dtod`",
                subject.spec.name
            )));
        }
    }
    Ok(subject.clone())
}

/// Answers the question.
pub fn carry_out(settings: &Spiking, subject: &Subject, watch: &dyn Observer) -> Answer {
    let rules: Vec<SpikeRule> = settings.asked().collect();
    watch.begin(Extent::Unknown("protocols"));
    let protocols: Vec<SpikingProtocolRow> =
        rules.par_iter().flat_map_iter(|rule| protocols(settings, *rule)).collect();
    let all: Vec<(SpikeRule, u64)> =
        rules.iter().flat_map(|rule| seeds(subject).map(move |seed| (*rule, seed))).collect();
    watch.begin(Extent::Of(all.len(), "neurons"));
    let learned: Vec<(SpikingRow, Vec<SpikingWeightRow>)> = all
        .par_iter()
        .map(|(rule, seed)| {
            let found = learn(settings, subject, *rule, *seed);
            watch.done(1);
            found
        })
        .collect();
    let (rows, weights): (Vec<SpikingRow>, Vec<Vec<SpikingWeightRow>>) = learned.into_iter().unzip();
    let summary = SpikingSummary {
        circuit: subject.spec.name.clone(),
        settings: told(settings, subject),
        groups: settings.groups.into(),
        repetitions: REPEATED.0,
        rules: rules.iter().map(|rule| concluded(rule.name(), &rows)).collect(),
    };
    Answer { summary, rows, weights: weights.concat(), protocols }
}

/// Settings in a line.
fn told(settings: &Spiking, subject: &Subject) -> String {
    let Spiking { duration, groups, members, high, low, slot, target, rate, .. } = *settings;
    let (first, count) = subject.seeds;
    let last = first + count as u64 - 1;
    let named = if count > 1 { format!("seeds {first} to {last}") } else { format!("seed {first}") };
    format!(
        "{groups} groups of {members} inputs at {high} or {low} Hz, in turns of {slot} s; {duration} s, η = {rate} V/s, \
         target {target} Hz, circuit {}, {named}",
        subject.spec.name
    )
}

fn seeds(subject: &Subject) -> impl Iterator<Item = u64> {
    let (first, count) = subject.seeds;
    first..first + count as u64
}

/// The neuron without an offset.
fn neuron(settings: &Spiking) -> Neuron {
    Neuron { capacitance: settings.capacitance, leak: settings.leak, ..Neuron::default() }
}

/// Devices of a seed's neuron, on a chip of its own; offsets in volts.
fn devices(settings: &Spiking, subject: &Subject, seed: u64) -> Reading {
    let mut spec = subject.spec.clone();
    spec.mismatch.seed.get_or_insert(seed);
    (spec.mismatch.faults, spec.crossbar) = (FaultSpec::default(), None);
    let inputs = usize::from(settings.groups) * usize::from(settings.members);
    Reading::of_chip(&Chip::fabricate(&spec, &[inputs, 1]), 1.0, seed)
}

/// A rule whose thresholds are higher by an offset (V).
fn learning(settings: &Spiking, rule: SpikeRule, offset: f64) -> Learning {
    match rule {
        SpikeRule::Convallis => Learning::Convallis(Valley {
            low: settings.valley_low + offset,
            high: settings.valley_high + offset,
        }),
        SpikeRule::PairStdp => Learning::Timing(Timing { unit_time: settings.unit_time, ..Timing::PAIRS }),
        SpikeRule::TripletStdp => {
            Learning::Timing(Timing { unit_time: settings.unit_time, ..Timing::TRIPLETS })
        }
    }
}

/// A rule through all protocols, without the constraint.
fn protocols(settings: &Spiking, rule: SpikeRule) -> Vec<SpikingProtocolRow> {
    let (weight, bound) = PROTOCOL_WEIGHTS;
    let constraint = RateConstraint { strength: 0.0, target: settings.target, time: CONSTRAINT.1 };
    let plasticity =
        Plasticity { learning: learning(settings, rule, 0.0), constraint, rate: PROTOCOL_RATE, bound };
    let row = |protocol: &str, stimulus, rate_hz: f64| {
        let protocol_of = Protocol { stimulus, rate: rate_hz, times: REPEATED.0 };
        let (delay_s, potential_v) = match stimulus {
            Stimulus::Pair(delay) => (Some(delay), None),
            Stimulus::Hold(potential) => (None, Some(potential)),
        };
        let change_v = protocol_of.change(neuron(settings), plasticity, weight, STEP);
        let (rule, protocol) = (rule.name().to_owned(), protocol.to_owned());
        SpikingProtocolRow { rule, protocol, delay_s, rate_hz, potential_v, change_v }
    };
    let delays = DELAYS.iter().rev().map(|delay| -delay).chain(DELAYS);
    let window = delays.map(|delay| row("window", Stimulus::Pair(delay), REPEATED.1));
    let (rates, delay) = FREQUENCIES;
    let frequency = [-delay, delay]
        .into_iter()
        .flat_map(|delay| rates.map(|rate| row("frequency", Stimulus::Pair(delay), rate)));
    let voltage = (0..=HELD.0).map(|k| row("voltage", Stimulus::Hold(HELD.1 * k as f64), REPEATED.1));
    window.chain(frequency).chain(voltage).collect()
}

/// A neuron learns from the groups.
fn learn(
    settings: &Spiking,
    subject: &Subject,
    rule: SpikeRule,
    seed: u64,
) -> (SpikingRow, Vec<SpikingWeightRow>) {
    let groups = Groups {
        groups: settings.groups.into(),
        members: settings.members.into(),
        slot: settings.slot,
        high: settings.high,
        low: settings.low,
    };
    let devices = devices(settings, subject, seed);
    let offset = devices.offsets[0];
    let plain = neuron(settings);
    let plasticity = Plasticity {
        learning: learning(settings, rule, offset),
        constraint: RateConstraint { strength: CONSTRAINT.0, target: settings.target, time: CONSTRAINT.1 },
        rate: settings.rate,
        bound: settings.bound,
    };
    let before = initial_weights(groups.inputs(), INITIAL * settings.bound, seed);
    let neuron = Neuron { threshold: plain.threshold + offset, reset: plain.reset + offset, ..plain };
    let mut unit = Unit::new(neuron, plasticity, before.clone(), STEP);
    if let Some(factors) = &devices.synapses {
        unit.carried = factors.row(0).iter().copied().collect();
    }
    let rate_hz = hear(&mut unit, &groups, seed, settings.duration);
    let after = unit.synapses.weights;
    let row = SpikingRow {
        rule: rule.name().into(),
        seed,
        score: between(&after, &groups),
        score_before: between(&before, &groups),
        strongest: strongest(&after, &groups),
        rate_hz,
        offset_v: offset,
    };
    let weight = |(input, (before_v, after_v))| SpikingWeightRow {
        rule: rule.name().into(),
        seed,
        input,
        group: groups.group(input),
        before_v,
        after_v,
    };
    (row, before.into_iter().zip(after).enumerate().map(weight).collect())
}

/// Lets a neuron hear the groups for a time (s); returns its rate over the second half (Hz).
fn hear(unit: &mut Unit, groups: &Groups, seed: u64, duration: f64) -> f64 {
    let slots = (duration / groups.slot).round() as u32;
    let mut at_half = 0;
    for slot in 0..slots {
        if slot == slots / 2 {
            at_half = unit.spikes;
        }
        let events = groups.spikes(seed, slot).into_iter().map(|(at, input)| (at, Event::Input(input)));
        unit.follow(groups.slot, events);
    }
    (unit.spikes - at_half) as f64 / (f64::from(slots - slots / 2) * groups.slot)
}

/// Share of the variance of weights that lies between groups; 0 where all are equal.
fn between(weights: &[f64], groups: &Groups) -> f64 {
    let all = mean(weights);
    let total: f64 = weights.iter().map(|weight| (weight - all).powi(2)).sum();
    let of_group = |group: &[f64]| group.len() as f64 * (mean(group) - all).powi(2);
    let parts: f64 = weights.chunks(groups.members).map(of_group).sum();
    if total > 0.0 { parts / total } else { 0.0 }
}

/// Share of the strongest group in the sum of all weights; 0 where all are 0.
fn strongest(weights: &[f64], groups: &Groups) -> f64 {
    let sums: Vec<f64> = weights.chunks(groups.members).map(|group| group.iter().sum()).collect();
    let all: f64 = sums.iter().sum();
    if all > 0.0 { sums.into_iter().fold(0.0, f64::max) / all } else { 0.0 }
}

/// What came out of a rule over the seeds, and how far it is behind the Convallis rule.
fn concluded(rule: &str, rows: &[SpikingRow]) -> SpikingRule {
    let own = || rows.iter().filter(|row| row.rule == rule);
    let first = |seed: u64| {
        rows.iter()
            .find(|row| row.rule == SpikeRule::Convallis.name() && row.seed == seed && row.rule != rule)
    };
    let scores = Spread::of(own().map(|row| row.score));
    let behind = Spread::of(own().filter_map(|row| Some(first(row.seed)?.score - row.score)));
    SpikingRule {
        rule: rule.into(),
        score: scores.map_or(f64::NAN, |scores| scores.mean),
        score_error: scores.and_then(|scores| scores.error),
        score_range: scores.map_or((f64::NAN, f64::NAN), |scores| (scores.low, scores.high)),
        behind: behind.map(|behind| behind.mean),
        behind_error: behind.and_then(|behind| behind.error),
        rate_hz: mean(&own().map(|row| row.rate_hz).collect::<Vec<_>>()),
    }
}
