//! The figure of convergence: strong and weak errors over the step, a line per solver.

use std::error::Error;

use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use crate::Point;

/// Colours of the solvers (Okabe & Ito).
const INKS: [RGBColor; 3] = [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115)];

/// Title, label, and what is drawn.
type Quantity = (&'static str, &'static str, fn(&Point) -> f64);

/// Draws both errors, all axes logarithmic, with slopes 1 and 2 for comparison.
pub(super) fn draw(points: &[Point], solvers: &[&str], file: &str) -> Result<(), Box<dyn Error>> {
    let font = include_bytes!("../../src/figure/fonts/DejaVuSans.subset.ttf");
    register_font("sans-serif", FontStyle::Normal, font).map_err(|_| "the font does not load")?;
    let root = BitMapBackend::new(file, (1180, 520)).into_drawing_area();
    root.fill(&WHITE)?;
    let panels = root.margin(8, 8, 8, 8).split_evenly((1, 2));
    let quantities: [Quantity; 2] = [
        ("strong: along the same path", "rms error (V)", |p| p.strong),
        ("weak: second moments", "error of E v vᵀ (V²)", |p| p.weak),
    ];
    for ((title, label, of), panel) in quantities.into_iter().zip(&panels) {
        let all = || points.iter().map(of);
        let (low, high) = (all().fold(f64::MAX, f64::min), all().fold(0.0, f64::max));
        let mut chart = ChartBuilder::on(panel)
            .caption(title, ("sans-serif", 20))
            .margin(10)
            .x_label_area_size(46)
            .y_label_area_size(74)
            .build_cartesian_2d((0.04..1.0).log_scale(), (low / 2.0..high * 2.0).log_scale())?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .label_style(("sans-serif", 15))
            .x_desc("step (τ)")
            .y_desc(label)
            .x_labels(20)
            .x_label_formatter(&|x: &f64| {
                // Between them the axis has more ticks than room.
                let named =
                    [0.05, 0.1, 0.2, 0.4, 0.8].into_iter().any(|step: f64| (x / step - 1.0).abs() < 0.01);
                if named { format!("{}", (x * 100.0).round() / 100.0) } else { String::new() }
            })
            .y_label_formatter(&|y| format!("{y:.0e}"))
            .draw()?;
        for (slope, name) in [(1, "slope 1"), (2, "slope 2")] {
            let at = |step: f64| (step, 0.6 * high * (step / 0.8_f64).powi(slope));
            let line: Vec<_> =
                [0.05, 0.1, 0.2, 0.4, 0.8].map(at).into_iter().filter(|p| p.1 > low / 2.0).collect();
            let ink = BLACK.mix(if slope == 1 { 0.55 } else { 0.3 });
            chart
                .draw_series(LineSeries::new(line, ink.stroke_width(1)))?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], ink.stroke_width(1)));
        }
        for (solver, ink) in solvers.iter().zip(INKS) {
            let line: Vec<(f64, f64)> =
                points.iter().filter(|p| p.solver == *solver).map(|p| (p.step, of(p))).collect();
            chart.draw_series(line.iter().map(|at| Circle::new(*at, 4, ink.filled())))?;
            chart
                .draw_series(LineSeries::new(line, ink.stroke_width(2)))?
                .label(*solver)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], ink.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE)
            .label_font(("sans-serif", 15))
            .draw()?;
    }
    root.present()?;
    Ok(())
}
