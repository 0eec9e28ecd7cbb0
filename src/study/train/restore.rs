//! `--resume` of a complete folder that lost files: tables, weights, figures and the report, as far as what
//! is left holds them.

use std::path::Path;

use super::ExperimentError;
use super::figures::{Tables, draw_all, report};
use super::plan::RunPlan;
use super::rows::{CostRow, LayersRow, MetricsRow, TrajectoryRow, ValleyRow};
use super::setting_columns::of_runs;
use crate::record::restore::Lost;
use crate::record::table::{OfRuns, read_csv, write_table_of_runs};
use crate::record::{RecordError, atomic};
use crate::study::Observer;
use dyadsim_core::spec::Resolved;

/// Makes again what can be, tells its names, and leaves the rest to be refused.
pub(super) fn restore(
    folder: &Path,
    (settings, text): (&str, &str),
    (base, plans): (&Resolved, &[RunPlan]),
    observer: &dyn Observer,
) -> Result<(), ExperimentError> {
    let Some(mut lost) = Lost::of(folder, settings).map_err(ExperimentError::Input)? else { return Ok(()) };
    let mut done = lost.from_twins(text)?;
    let scratch = atomic::scratch()?;
    let lacks = |lost: &Lost, what: &dyn Fn(&str) -> bool| lost.missing.iter().any(|name| what(name));
    let take = |name: &str| std::fs::read(scratch.path().join(name)).ok();
    if lacks(&lost, &|name| name.ends_with(".parquet")) {
        tables(folder, scratch.path(), &of_runs(base, plans));
        done.extend(lost.make(&take)?);
    }
    if lacks(&lost, &|name| name.starts_with("figures/") || name == "report.html")
        && draw(folder, scratch.path()).is_some()
    {
        done.extend(lost.make(&take)?);
    }
    if !done.is_empty() {
        let (shown, more) = (done.len().min(SHOWN), done.len().saturating_sub(SHOWN));
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        observer.warn(&format!("{}: restored {}{more}", folder.display(), done[..shown].join(", ")));
    }
    Ok(lost.release()?)
}

/// Most names in a sentence.
const SHOWN: usize = 5;

/// Writes the tables that can be read to another folder, in both formats.
fn tables(from: &Path, to: &Path, what: &OfRuns) {
    macro_rules! again {
        ($($stem:literal: $row:ty),*) => {$(
            let rows: Result<Vec<$row>, RecordError> = read_csv(&from.join(concat!($stem, ".csv")));
            // What cannot be read or written stays missing, and is told so.
            let _ = rows.and_then(|rows| write_table_of_runs(to, $stem, &rows, what));
        )*};
    }
    again!("metrics": MetricsRow, "layers": LayersRow, "trajectories": TrajectoryRow, "valley": ValleyRow, "cost": CostRow);
}

/// Draws every figure and the report into another folder, if the tables are there.
fn draw(from: &Path, to: &Path) -> Option<()> {
    let tables = Tables::read(from).ok()?;
    draw_all(to, &tables).ok()?;
    report(to, &tables).ok().map(drop)
}
