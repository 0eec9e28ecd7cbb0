//! The figures of `spiking`: protocols, the weights of one neuron, and scores over seeds.

use super::rows::{SpikingProtocolRow, SpikingRule};
use super::{Answer, SpikeRule};
use crate::figure::axis::{Axis, count};
use crate::figure::chart::{Chart, Dot, Scale, Series, Share};
use crate::figure::legend::Key;
use crate::figure::page::{Ink, Page};
use crate::figure::palette::{BLUE, GREEN, GREY, ORANGE};
use crate::figure::{Figure, FigureError};

/// Every figure.
pub const FIGURES: &[Figure<Answer>] = &[
    Figure {
        name: "spiking-protocols",
        title: "What experimenters would see",
        caption: "Change of one synapse by pairs of spikes against their delay and, at two delays, against their rate, and by \
            input spikes while the potential is held.",
        draw: protocols,
    },
    Figure {
        name: "spiking-weights",
        title: "Weights before and after learning",
        caption: "Weights of the neuron of the first seed; inputs stand in the order of their groups.",
        draw: weights,
    },
    Figure {
        name: "spiking-scores",
        title: "Grouping of inputs that are active together",
        caption: "Share of the variance of a neuron's weights that lies between groups, for every seed; the band is the mean with \
            its standard error.",
        draw: scores,
    },
];

/// Protocols, with the titles of their panels.
const PROTOCOLS: [(&str, &str); 3] = [
    ("window", "pairs: delay (ms)"),
    ("frequency", "pairs, ±10 ms: rate (Hz)"),
    ("voltage", "held at (mV above rest)"),
];
/// Dashes of a line at zero, and of pairs in which the neuron is first.
const DASH: (f64, f64) = (3.0, 3.0);

/// Colour of a rule.
fn ink(rule: &str) -> Ink {
    match SpikeRule::ALL.into_iter().find(|known| known.name() == rule) {
        Some(SpikeRule::Convallis) => BLUE,
        Some(SpikeRule::PairStdp) => ORANGE,
        Some(SpikeRule::TripletStdp) => GREEN,
        None => GREY,
    }
}

fn names(tables: &Answer) -> Vec<String> {
    tables.summary.rules.iter().map(|rule| rule.rule.clone()).collect()
}

fn protocols(tables: &Answer) -> Result<Page, FigureError> {
    let across = |row: &SpikingProtocolRow| match row.protocol.as_str() {
        "window" => row.delay_s.map(|delay| 1e3 * delay),
        "frequency" => Some(row.rate_hz),
        _ => row.potential_v.map(|potential| 1e3 * potential),
    };
    let own = |protocol: &'static str| tables.protocols.iter().filter(move |row| row.protocol == protocol);
    let x = |(_, column): (usize, usize)| Axis::around(own(PROTOCOLS[column].0).filter_map(across), 0.04);
    let subtitle = format!("{} repetitions; {}", tables.summary.repetitions, tables.summary.settings);
    let mut chart = Chart {
        subtitle,
        rows: names(tables),
        columns: PROTOCOLS.map(|(_, title)| title.to_owned()).to_vec(),
        share: Share::None,
        height: Some(130.0),
        ..Chart::new(FIGURES[0].title, ("", Scale::At(&x)), ("change (µV)", Scale::Around(0.1)))
    };
    for (row, rule) in names(tables).iter().enumerate() {
        for (column, (protocol, _)) in PROTOCOLS.iter().enumerate() {
            let dots = |wanted: fn(&SpikingProtocolRow) -> bool| {
                let rows = own(protocol).filter(|row| row.rule == *rule && wanted(row));
                rows.filter_map(|row| Some(Dot::new(across(row)?, 1e6 * row.change_v))).collect::<Vec<_>>()
            };
            let at = |dots| Series::at((row, column), ink(rule), dots).marks(1.8);
            let late: fn(&SpikingProtocolRow) -> bool = |row| row.delay_s.is_none_or(|delay| delay > 0.0);
            let early: fn(&SpikingProtocolRow) -> bool = |row| row.delay_s.is_some_and(|delay| delay < 0.0);
            let key = |key: fn(Ink, String) -> Key, words: &str| key(GREY, words.to_owned());
            chart.series.push(at(dots(late)).line(1.4).key(key(Key::Line, "input first, or held")));
            chart.series.push(at(dots(early)).dashed(1.4, DASH).key(key(Key::Dashed, "neuron first")));
        }
    }
    chart.draw("the table has no row", |page, panel, _| panel.threshold(page, 0.0, (GREY, 0.6), DASH))
}

fn weights(tables: &Answer) -> Result<Page, FigureError> {
    let first = tables.weights.first().map_or(0, |row| row.seed);
    let rows: Vec<_> = tables.weights.iter().filter(|row| row.seed == first).collect();
    let last = rows.iter().map(|row| count(row.input)).fold(1.0, f64::max);
    let mut chart = Chart {
        subtitle: tables.summary.settings.clone(),
        columns: names(tables),
        height: Some(170.0),
        ..Chart::new(
            FIGURES[1].title,
            ("input", Scale::Is(Axis::linear(-1.0, last + 1.0))),
            ("weight (mV)", Scale::Around(0.05)),
        )
    };
    for (column, rule) in names(tables).iter().enumerate() {
        let own = || rows.iter().filter(|row| row.rule == *rule);
        let before = own().map(|row| Dot::new(count(row.input), 1e3 * row.before_v).open(true));
        let after = own().map(|row| Dot::new(count(row.input), 1e3 * row.after_v));
        let key = Key::Ring(GREY, "before".into());
        chart.series.push(Series::at((0, column), GREY, before).marks(2.0).key(key));
        let key = Key::Disc(ink(rule), format!("after, {rule}"));
        chart.series.push(Series::at((0, column), ink(rule), after).marks(2.2).key(key));
    }
    chart.draw("the table has no row", |page, panel, _| {
        // Between the groups.
        let ends = rows.windows(2).filter(|two| two[0].group != two[1].group && two[0].rule == two[1].rule);
        for end in ends {
            panel.bar(page, count(end[1].input) - 0.5, (panel.y.low, panel.y.high), (GREY, 0.4));
        }
    })
}

fn scores(tables: &Answer) -> Result<Page, FigureError> {
    let (low, high) = dyadsim_core::statistics::range(tables.rows.iter().map(|row| row.seed as f64));
    let mut chart = Chart {
        subtitle: tables.summary.settings.clone(),
        columns: names(tables),
        height: Some(170.0),
        ..Chart::new(
            FIGURES[2].title,
            ("seed", Scale::Is(Axis::linear(low - 0.5, high + 0.5))),
            ("share of variance between groups", Scale::Is(Axis::shares())),
        )
    };
    for (column, SpikingRule { rule, score, score_error, .. }) in tables.summary.rules.iter().enumerate() {
        let ends = [low - 0.5, high + 0.5];
        let mean = ends.map(|seed| Dot::new(seed, *score).give_or_take(*score_error));
        chart.series.push(Series::at((0, column), ink(rule), mean).line(1.0).band(0.3));
        let own = tables.rows.iter().filter(|row| row.rule == *rule);
        let dots = own.map(|row| Dot::new(row.seed as f64, row.score));
        let key = Key::Disc(ink(rule), rule.clone());
        chart.series.push(Series::at((0, column), ink(rule), dots).marks(2.6).key(key));
    }
    chart.draw("the table has no row", |_, _, _| {})
}
