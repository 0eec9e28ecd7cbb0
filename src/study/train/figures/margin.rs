//! Stability margin against the epoch.

use super::curves::Curves;
use super::tables::Tables;
use crate::figure::Figure;
use crate::figure::FigureError;
use crate::figure::page::Page;

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "margin",
    title: "Stability margin of the nudged circuit",
    caption: "Minus the largest real part of the Jacobian’s eigenvalues at the fixed point, in units of 1/τ, for \
        the worst sample of the probe batch. One means that the loop adds nothing to the leak; zero is the edge: \
        below it the fixed point exists but no circuit stays there. Where a line is missing, no sample of the \
        probe has a fixed point that Newton’s method could find. Under DP the margin falls as the weights \
        grow; in the linear regime DPᵀ keeps it at one.",
    draw,
};

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let curves = Curves::new(FIGURE.title, "stability margin (1/τ)", |row| row.stability_margin_tau);
    let (mark, floor) = (Some((0.0, "below zero: unstable")), Some(-5.0));
    Curves { mark, floor, reference: false, ..curves }.draw(tables, None)
}
