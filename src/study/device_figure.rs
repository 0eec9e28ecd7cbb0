//! Figures of synapse devices: staircase and steps of one that moves by pulses, error and drift of one that is
//! programmed.

use super::devices::{Among, Behaviour, Retention, Staircase};
use crate::figure::axis::Axis;
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

/// The axes of two panels from what stands in them.
fn axes(chart: &mut Chart) {
    let of = |column: usize, series: &[Series], values: fn(&Dot) -> Vec<f64>| {
        let here = series.iter().filter(|one| one.place.1 == column);
        Axis::around(here.flat_map(|one| &one.dots).flat_map(values), 0.05)
    };
    let y = |dot: &Dot| dot.values().collect();
    let _ = (of(0, &chart.series, |dot| vec![dot.x]), of(0, &chart.series, y));
}

fn base<'a>(shown: &Shown, columns: [&str; 2], x: Scale<'a>) -> Chart<'a> {
    Chart {
        subtitle: shown.source.clone(),
        columns: columns.map(str::to_owned).into(),
        share: Share::None,
        height: Some(220.0),
        ..Chart::new(shown.name, ("", x), ("", Scale::Around(0.05)))
    }
}
