//! Figures of synapse devices: staircase and steps of one that moves by pulses, error and drift of one that
//! is programmed.

use super::devices::{Among, Behaviour, Retention, Staircase};
use crate::figure::axis::{Axis, extent, setting};
use crate::figure::chart::{Chart, Dot, Scale, Series, Share};
use crate::figure::legend::Key;
use crate::figure::page::Page;
use crate::figure::palette::layer_ink;
use crate::figure::{Figure, FigureError};

/// What a figure is drawn from: a name, a source, and what the device does.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Name of the device.
    pub name: &'static str,
    /// Its source.
    pub source: String,
    /// What it does.
    pub behaviour: Behaviour,
}

/// The figure of a device; its files have the device's name.
pub fn figure(name: &'static str) -> Figure<Shown> {
    Figure {
        name,
        title: "A synapse device",
        caption: "Mean and one standard deviation of 200 devices, and what the mean device does without noise.",
        draw,
    }
}

fn draw(shown: &Shown) -> Result<Page, FigureError> {
    match &shown.behaviour {
        Behaviour::Pulsed(staircase) => of_pulses(shown, staircase),
        Behaviour::Programmed(retention) => of_time(shown, retention),
    }
}

fn dot(point: &Among) -> Dot {
    Dot::new(point.at, point.mean).within(point.mean - point.deviation, point.mean + point.deviation)
}

/// The horizontal axis of a panel: times span decades, all else is even.
fn across(dots: &[Dot]) -> Axis {
    let values = dots.iter().map(Dot::x);
    let (low, high) = extent(values.clone());
    if low > 0.0 && high > 1e3 * low { Axis::log(values) } else { Axis::around(values, 0.03) }
}

/// A chart of two panels, each with its own axes.
fn base<'a>(shown: &Shown, columns: [&str; 2]) -> Chart<'a> {
    Chart {
        subtitle: shown.source.clone(),
        columns: columns.map(str::to_owned).into(),
        share: Share::None,
        height: Some(220.0),
        ..Chart::new(shown.name, ("", Scale::By(&across)), ("", Scale::Around(0.05)))
    }
}

fn of_pulses(shown: &Shown, staircase: &Staircase) -> Result<Page, FigureError> {
    let mut chart = base(shown, ["weight against pulses up, then down", "step of a pulse against weight"]);
    let (all, exact, down) = (layer_ink(1), layer_ink(2), layer_ink(3));
    let spread = Series::at((0, 0), all, staircase.spread.iter().map(dot)).line(1.2).band(0.2);
    chart.series.push(spread.key(Key::Line(all, "devices: mean and one standard deviation".to_owned())));
    let mean = staircase.exact.iter().map(|&[pulses, weight]| Dot::new(pulses, weight));
    let mean = Series::at((0, 0), exact, mean).dashed(1.4, (4.0, 3.0));
    chart.series.push(mean.key(Key::Dashed(exact, "mean device without noise".to_owned())));
    for (k, ink, words) in [(1, exact, "its step up"), (2, down, "its step down")] {
        let steps = staircase.steps.iter().map(|step| Dot::new(step[0], step[k]));
        chart.series.push(Series::at((0, 1), ink, steps).line(1.6).key(Key::Line(ink, words.to_owned())));
    }
    chart.notes.push(match staircase.symmetry_point {
        Some(point) => {
            // To four decimals, and 0 without a sign.
            let point = setting((1e4 * point).round() / 1e4 + 0.0);
            format!("Both steps are the same at weight {point}, the symmetry point.")
        }
        None => "No symmetry point: steps are the same everywhere, or nowhere.".to_owned(),
    });
    chart.draw("no pulse was given", |_, _, _| {})
}

fn of_time(shown: &Shown, retention: &Retention) -> Result<Page, FigureError> {
    let columns =
        ["error of programming (µS) against target (µS)", "conductance as read (µS) against time (s)"];
    let mut chart = base(shown, columns);
    let ink = layer_ink(1);
    chart.series.push(Series::at((0, 0), ink, retention.error.iter().map(dot)).line(1.2).band(0.25));
    for (k, (target, points)) in retention.over_time.iter().enumerate() {
        let ink = layer_ink(k + 1);
        let key = Key::Line(ink, format!("target {} µS", setting(*target)));
        chart.series.push(Series::at((0, 1), ink, points.iter().map(dot)).line(1.4).band(0.2).key(key));
    }
    chart.notes.push("Lines are means of 200 devices, bands one standard deviation.".to_owned());
    chart.draw("no target was programmed", |_, _, _| {})
}
