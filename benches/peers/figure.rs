//! Two panels of times on logarithmic axes.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::register_font;

/// Times (s) against sizes.
pub struct Curve {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

const INKS: [RGBColor; 2] = [RGBColor(0, 114, 178), RGBColor(213, 94, 0)];

/// Draws both panels into a PNG file.
pub fn draw(path: &Path, panels: [(&str, &[Curve; 2]); 2]) -> Result<()> {
    let font = include_bytes!("../../src/figure/fonts/DejaVuSans.subset.ttf");
    register_font("sans-serif", FontStyle::Normal, font).map_err(|_| anyhow!("the font is damaged"))?;
    let root = BitMapBackend::new(path, (1400, 600)).into_drawing_area();
    root.fill(&WHITE)?;
    for (area, (title, curves)) in root.split_evenly((1, 2)).iter().zip(panels) {
        panel(area, title, curves)?;
    }
    Ok(root.present()?)
}

type Area<'a> = DrawingArea<BitMapBackend<'a>, plotters::coord::Shift>;

fn panel(area: &Area<'_>, title: &str, curves: &[Curve; 2]) -> Result<()> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let range = |pick: fn(&(f64, f64)) -> f64| {
        let low = points().map(pick).fold(f64::INFINITY, f64::min);
        let high = points().map(pick).fold(0.0, f64::max);
        (0.7 * low..1.5 * high).log_scale()
    };
    let mut chart = ChartBuilder::on(area)
        .margin(25)
        .x_label_area_size(60)
        .y_label_area_size(100)
        .build_cartesian_2d(range(|p| p.0), range(|p| 1e3 * p.1))?;
    chart
        .configure_mesh()
        .x_desc(title)
        .y_desc("time (ms)")
        .label_style(("sans-serif", 22))
        .light_line_style(WHITE)
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&power)
        .y_label_formatter(&power)
        .draw()?;
    for (curve, ink) in curves.iter().zip(INKS) {
        let line: Vec<(f64, f64)> = curve.points.iter().map(|&(x, y)| (x, 1e3 * y)).collect();
        chart
            .draw_series(LineSeries::new(line.clone(), ink.stroke_width(3)))?
            .label(&curve.name)
            .legend(move |(x, y)| PathElement::new([(x, y - 4), (x + 25, y - 4)], ink.stroke_width(3)));
        chart.draw_series(line.iter().map(|&point| Circle::new(point, 6, ink.filled())))?;
    }
    let legend = SeriesLabelPosition::UpperLeft;
    chart.configure_series_labels().position(legend).label_font(("sans-serif", 22)).margin(15).draw()?;
    Ok(())
}

/// A power of ten in the shortest form.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "the shape that the chart asks for")]
fn power(value: &f64) -> String {
    if (1e-3..1e5).contains(value) { format!("{value}") } else { format!("{value:.0e}") }
}
