//! The figure of the work–precision study: one panel per network and gains, a line per solver.

use std::error::Error;

use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use crate::Point;

/// Colours of the solvers (Okabe & Ito).
const INKS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(107, 107, 107), RGBColor(0, 158, 115)];

/// Draws right-hand sides over the largest true error, both logarithmic.
pub(super) fn draw(
    points: &[Point],
    solvers: &[&str],
    gains: &[&str],
    file: &str,
) -> Result<(), Box<dyn Error>> {
    let font = include_bytes!("../../src/figure/fonts/DejaVuSans.subset.ttf");
    register_font("sans-serif", FontStyle::Normal, font).map_err(|_| "the font does not load")?;
    let root = BitMapBackend::new(file, (1320, 880)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut networks: Vec<&str> = points.iter().map(|p| p.network.as_str()).collect();
    networks.dedup();
    networks.truncate(2);
    let panels = root.margin(8, 8, 8, 8).split_evenly((networks.len(), gains.len()));
    let places = networks.iter().flat_map(|network| gains.iter().map(move |gains| (*network, *gains)));
    for (number, ((network, gains), panel)) in places.zip(&panels).enumerate() {
        let mut chart = ChartBuilder::on(panel)
            .caption(format!("{network}, {}", gains.replace("DPT", "DPᵀ")), ("sans-serif", 18))
            .margin(8)
            .x_label_area_size(44)
            .y_label_area_size(60)
            .build_cartesian_2d((1e-10..1e-1).log_scale(), (10.0..10_000.0).log_scale())?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .x_labels(6)
            .label_style(("sans-serif", 14))
            .x_desc("largest error on the way (V)")
            .y_desc("right-hand sides")
            .x_label_formatter(&|x| format!("{x:.0e}"))
            .draw()?;
        for (solver, ink) in solvers.iter().zip(INKS) {
            let of = |p: &&Point| p.network == network && p.gains == gains && p.solver == *solver;
            let line: Vec<(f64, f64)> = points.iter().filter(of).map(|p| (p.worst, p.sides)).collect();
            chart.draw_series(line.iter().map(|at| Circle::new(*at, 4, ink.filled())))?;
            chart
                .draw_series(LineSeries::new(line, ink.stroke_width(2)))?
                .label(*solver)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], ink.stroke_width(2)));
        }
        if number == 0 {
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperRight)
                .background_style(WHITE)
                .label_font(("sans-serif", 14))
                .draw()?;
        }
    }
    root.present()?;
    Ok(())
}
