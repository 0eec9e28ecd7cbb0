//! The figure of a map: outcomes as filled areas, the predicted threshold over them, margins as contours.

use std::path::Path;

use super::rows::{MapAxis, MapLineRow, MapRow, MapSummary};
use super::{STEMS, SUMMARY};
use crate::figure::axis::{Axis, Kind, number};
use crate::figure::legend::Key;
use crate::figure::page::{Anchor, Ink, Page, Text, text};
use crate::figure::palette::{BLACK, GREY, PURPLE, WHITE, outcome_ink};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::figure::{Figure, FigureError, fits};
use crate::record::json::read_json;
use crate::record::table::{read_csv, read_rows};
use dyadsim_core::units::percent;

/// Every figure.
pub const FIGURES: &[Figure<Tables>] = &[Figure {
    name: "map",
    title: "A map over two settings",
    caption: "What becomes of the batch over two settings, with the predicted threshold and margins over it.",
    draw: |tables| Ok(draw(tables)),
}];

/// The tables of a map.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Settings and work.
    pub summary: MapSummary,
    /// Points, the first axis fastest.
    pub points: Vec<MapRow>,
    /// Lines over it.
    pub lines: Vec<MapLineRow>,
}

impl Tables {
    /// Reads the tables of a folder.
    ///
    /// # Errors
    /// [`FigureError`] names the file that is missing or malformed.
    pub(super) fn open(folder: &Path) -> Result<Self, FigureError> {
        let table = |stem: &str| folder.join(format!("{stem}.csv"));
        let summary = folder.join(SUMMARY);
        let tables = Self {
            summary: read_json(&summary)?,
            points: read_rows(&table(STEMS[0]))?,
            lines: read_csv(&table(STEMS[1]))?,
        };
        tables.fit(&summary)?;
        Ok(tables)
    }

    /// Whether the settings are those of the points.
    fn fit(&self, path: &Path) -> Result<(), FigureError> {
        for (name, axis) in [("x", &self.summary.x), ("y", &self.summary.y)] {
            let key = |part: &str| format!("{name}.{part}");
            fits(axis.count >= 2, path, &key("count"), axis.count, "2 or more points")?;
            let (from, to) = (axis.from, axis.to);
            let well = from.is_finite() && (from > 0.0 || !axis.log);
            let number =
                if axis.log { "a finite number above 0, as `log` is true" } else { "a finite number" };
            fits(well, path, &key("from"), from, number)?;
            fits(
                to.is_finite() && to > from,
                path,
                &key("to"),
                to,
                &format!("a finite number above {from}"),
            )?;
        }
        let (wide, high, rows) = (self.summary.x.count, self.summary.y.count, self.points.len());
        let accepted =
            format!("a number whose product with `y.count` = {high} is {rows}, the rows of map.csv");
        fits(wide.checked_mul(high) == Some(rows), path, "x.count", wide, &accepted)?;
        let points = self.summary.points;
        fits(points == rows, path, "points", points, &format!("{rows}, the rows of map.csv"))
    }
}

/// Where an equilibrium has gone.
const LOST: Ink = Ink::hex(0x9A_9A_9A);

/// What a panel is coloured by.
type Class = fn(&MapRow) -> Option<&str>;

fn draw(tables: &Tables) -> Page {
    let summary = &tables.summary;
    let both: [(&str, Class); 2] = [
        ("what becomes of it (integration)", |row| row.outcome.as_deref()),
        ("what the eigenvalues say", |row| row.verdict.as_deref()),
    ];
    let panels: Vec<_> =
        both.into_iter().filter(|(_, class)| tables.points.iter().any(|row| class(row).is_some())).collect();
    let layout = Layout {
        title: format!("{} against {}", symbol(&summary.y.key), symbol(&summary.x.key)),
        subtitle: subtitle(summary),
        legend: legend(tables, &panels),
        columns: panels.iter().map(|(title, _)| (*title).to_owned()).collect(),
        rows: vec![String::new()],
        x_label: symbol(&summary.x.key),
        y_label: symbol(&summary.y.key),
        axes: Axes::Shared(axis(&summary.x), axis(&summary.y)),
        names: Vec::new(),
        height: Some(if panels.len() > 1 { 330.0 } else { 380.0 }),
        notes: notes(summary),
    };
    Sheet::filled(&layout, |page: &mut Page, panel: &Panel, (_, column): (usize, usize)| {
        fill(page, panel, tables, panels[column].1);
        draw_lines(page, panel, tables);
    })
}

/// A setting as the field writes it.
fn symbol(key: &str) -> String {
    match key.trim_start_matches("circuit.") {
        "nudge.alpha" => "mixing α".into(),
        "nudge.beta" => "nudge β".into(),
        "weights.gain" => "factor of the weights".into(),
        "weights.depth" => "layers".into(),
        other => other.to_owned(),
    }
}

fn subtitle(summary: &MapSummary) -> String {
    let share = percent(summary.looked_at as f64 / summary.points as f64, 1);
    let integrated = if summary.integrations > 0 { format!(", {}", summary.solver) } else { String::new() };
    format!(
        "{}, {} samples{integrated}; {} × {} points, {} looked at ({share})",
        summary.settings, summary.samples, summary.x.count, summary.y.count, summary.looked_at
    )
}

fn notes(summary: &MapSummary) -> Vec<String> {
    let Some(check) = &summary.verified else { return Vec::new() };
    let mut note =
        format!("held against integration of {} random points (seed {})", check.points, check.seed);
    if let Some(right) = check.outcome_agrees {
        note += &format!("; outcome right at {right} of the {} away from borders", check.away);
    }
    if let Some(right) = check.verdict_agrees {
        note +=
            &format!("; eigenvalues right at {right} of the {} away from theirs", check.away_from_threshold);
    }
    vec![note]
}

/// Outcomes and verdicts that occur, then lines.
fn legend(tables: &Tables, panels: &[(&str, Class)]) -> Vec<Key> {
    const NAMES: [&str; 8] =
        ["settled", "stable", "noisy-settled", "latch-up", "oscillation", "timeout", "not-finite", "lost"];
    let occurs = |name: &&str| {
        panels.iter().any(|(_, class)| tables.points.iter().any(|row| class(row) == Some(name)))
    };
    let words = |name: &str| match name {
        "lost" => "no equilibrium found on this branch".to_owned(),
        "settled" if panels.len() > 1 => "settled, stable".to_owned(),
        other => other.to_owned(),
    };
    // Both panels show what is good in the same colour.
    let occurs = |name: &&str| occurs(name) && !(*name == "stable" && occurs(&"settled"));
    let mut keys: Vec<Key> =
        NAMES.iter().filter(|name| occurs(name)).map(|name| Key::Box(ink(name), words(name))).collect();
    let drawn = |kind: &str| tables.lines.iter().any(|row| row.kind == kind);
    if drawn("threshold") {
        keys.push(Key::Line(BLACK, "eigenvalue crosses the axis".into()));
    }
    if drawn("closed-form") {
        keys.push(Key::Dashed(PURPLE, "closed form".into()));
    }
    if drawn("margin") {
        keys.push(Key::Line(GREY, "margin (1/τ)".into()));
    }
    keys
}

/// Colour of an outcome or verdict.
fn ink(name: &str) -> Ink {
    match name {
        "stable" => outcome_ink("settled"),
        "lost" => LOST,
        other => outcome_ink(other),
    }
}

/// An axis whose ends are half a point beyond the first and the last.
fn axis(axis: &MapAxis) -> Axis {
    let last = axis.count as f64 - 1.0;
    if axis.log {
        let half = (axis.to / axis.from).powf(0.5 / last);
        return Axis { kind: Kind::Log, low: axis.from / half, high: axis.to * half };
    }
    let half = 0.5 * (axis.to - axis.from) / last;
    Axis { kind: Kind::Linear, low: axis.from - half, high: axis.to + half }
}

/// Fills runs of equal points, row by row.
fn fill(page: &mut Page, panel: &Panel, tables: &Tables, class: Class) {
    let (width, height) = (tables.summary.x.count, tables.summary.y.count);
    let cell = (panel.width / width as f64, panel.height / height as f64);
    for (j, row) in tables.points.chunks_exact(width).enumerate() {
        let bottom = panel.top + panel.height - cell.1 * j as f64;
        let mut start = 0;
        for run in row.chunk_by(|a, b| class(a) == class(b)) {
            let (left, right) =
                (panel.left + cell.0 * start as f64, panel.left + cell.0 * (start + run.len()) as f64);
            if let Some(name) = class(&run[0]) {
                // A hair of overlap, or the paper shines through between rows.
                page.block((left, bottom - cell.1 - 0.12), (right, bottom), ink(name));
            }
            start += run.len();
        }
    }
}

fn draw_lines(page: &mut Page, panel: &Panel, tables: &Tables) {
    for line in tables.lines.chunk_by(|a, b| a.line == b.line) {
        let path: Vec<_> = line.iter().filter_map(|row| panel.at(row.x, row.y)).collect();
        match line[0].kind.as_str() {
            "threshold" => {
                page.line(&path, WHITE.faded(0.8), 3.2);
                page.line(&path, BLACK, 1.6);
            }
            "closed-form" => page.dashed(&path, PURPLE, 1.8, (5.0, 4.0)),
            _ => {
                page.line(&path, GREY.faded(0.9), 0.8);
                label(page, &path, &number(line[0].level));
            }
        }
    }
}

/// Writes a margin at the middle of its line, if the line is long enough to carry it.
fn label(page: &mut Page, path: &[(f64, f64)], words: &str) {
    let length: f64 = path.windows(2).map(|p| (p[1].0 - p[0].0).hypot(p[1].1 - p[0].1)).sum();
    if let Some(&at) = path.get(path.len() / 2).filter(|_| length > 60.0) {
        page.text(Text { ink: BLACK, anchor: Anchor::Middle, ..text(words, (at.0, at.1 + 3.0), 8.0) });
    }
}
