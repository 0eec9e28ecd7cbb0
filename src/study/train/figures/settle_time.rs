//! Median time to equilibrium against the epoch.

use super::curves::Curves;
use super::tables::Tables;
use crate::figure::Figure;
use crate::figure::FigureError;
use crate::figure::axis::extent;
use crate::figure::page::Page;

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "settle-time",
    title: "Simulated time to equilibrium",
    caption: "Median over the samples that settled, in the nudged phase. A circuit close to instability settles \
        slowly: a rising line announces latch-up or ringing some epochs ahead. Samples that did not settle have \
        no time and are not in the median: where the line is dashed it flatters.",
    draw,
};

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let rows = tables.runs.iter().flat_map(|run| &run.metrics);
    let times = rows.filter_map(|row| row.settle_time_s).filter(|time| time.is_finite());
    let (factor, unit) = match extent(times).1 {
        longest if longest < 1e-6 => (1e9, "ns"),
        longest if longest < 1e-3 => (1e6, "µs"),
        longest if longest < 1.0 => (1e3, "ms"),
        _ => (1.0, "s"),
    };
    let curves = Curves::new(FIGURE.title, "", |row| row.settle_time_s);
    let label = format!("median settling time ({unit})");
    Curves { factor, reference: false, ..curves }.draw(tables, Some(label))
}
