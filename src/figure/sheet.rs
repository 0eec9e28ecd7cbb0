//! Small multiples: a page with title, settings, legend and a grid of framed panels.
//!
//! The legend stands above the panels, so that it never hides data. Columns beyond six are
//! carried to a further band of panels below. Panels share their axes unless each brings its own.

use super::axis::{Axis, Kind, count};
use super::legend::{Key, draw_key, key_width};
use super::page::{Anchor, Page, Text, Turn, text};
use super::palette::{BLACK, GREY, PALE};
pub use super::panel::Panel;
use super::render::text_width;

const MOST_COLUMNS: usize = 6;
const MARGIN: f64 = 16.0;
const GAP: f64 = 18.0;
const X_TICKS: usize = 5;
const SMALL: f64 = 9.0;
const PLAIN: f64 = 10.5;
/// Width of a line of a row's label, which stands upright.
const ROW_LINE: f64 = 14.0;
/// About how many ticks a y axis gets.
const Y_TICKS: usize = 5;

/// The axes of the panels.
#[derive(Clone, Debug)]
pub enum Axes {
    /// All panels have the same x and y.
    Shared(Axis, Axis),
    /// Axes of each panel, row by row.
    Each(Vec<(Axis, Axis)>),
}

/// What a sheet shows around its data.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Title.
    pub title: String,
    /// Settings and seeds.
    pub subtitle: String,
    /// Legend.
    pub legend: Vec<Key>,
    /// Title of each column.
    pub columns: Vec<String>,
    /// Label of each row.
    pub rows: Vec<String>,
    /// Label of the x axis, with unit.
    pub x_label: String,
    /// Label of the y axis, with unit.
    pub y_label: String,
    /// Axes.
    pub axes: Axes,
    /// Names along a [`Kind::Names`] y axis.
    pub names: Vec<String>,
    /// Height of a panel (points); `None` follows its width.
    pub height: Option<f64>,
    /// Remarks below the panels.
    pub notes: Vec<String>,
}

/// A page with its empty panels, `panels[row][column]`.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// The page.
    pub page: Page,
    /// The panels.
    pub panels: Vec<Vec<Panel>>,
}

/// Measures of a sheet, before anything is drawn.
struct Plan {
    left: f64,
    right: f64,
    panel: (f64, f64),
    /// Distance of panels, horizontally and vertically.
    pitch: (f64, f64),
    per_band: usize,
    bands: usize,
    width: f64,
    /// Whether panels have axes of their own.
    free: bool,
}

impl Sheet {
    /// Lays out the page and draws everything but the data.
    #[must_use]
    pub fn new(layout: &Layout) -> Self {
        let plan = Plan::of(layout);
        let mut page = Page::new(plan.width, 0.0);
        let mut y = head(&mut page, layout);
        let top = y + 6.0;
        let panels = plan.panels(layout, top);
        for (row, line) in panels.iter().enumerate() {
            for (column, panel) in line.iter().enumerate() {
                frame(&mut page, layout, &plan, panel, (row, column));
            }
        }
        y = top + plan.pitch.1 * count(plan.bands * layout.rows.len()) - if plan.free { 20.0 } else { 5.0 };
        labels(&mut page, layout, &plan, (top, y));
        y += 26.0;
        for line in layout.notes.iter().flat_map(|note| wrap(note, SMALL, plan.width - 2.0 * MARGIN)) {
            page.text(Text { ink: GREY, ..text(line, (MARGIN, y + 6.0), SMALL) });
            y += 13.0;
        }
        page.height = (y + 6.0).ceil();
        Self { page, panels }
    }

    /// Lays out the page and lets `fill` draw the data of the panel at every (row, column).
    pub fn filled(layout: &Layout, fill: impl Fn(&mut Page, &Panel, (usize, usize))) -> Page {
        let Self { mut page, panels } = Self::new(layout);
        for (row, line) in panels.iter().enumerate() {
            for (column, panel) in line.iter().enumerate() {
                fill(&mut page, panel, (row, column));
                border(&mut page, panel);
            }
        }
        page
    }
}

impl Plan {
    fn of(layout: &Layout) -> Self {
        let free = matches!(layout.axes, Axes::Each(_));
        let columns = layout.columns.len().max(1);
        let bands = columns.div_ceil(MOST_COLUMNS);
        let per_band = columns.div_ceil(bands);
        let ticks = widest_tick(layout);
        let left = MARGIN + if layout.y_label.is_empty() { 0.0 } else { 18.0 } + ticks + 8.0;
        let gap = match &layout.axes {
            Axes::Each(_) => ticks + 26.0,
            Axes::Shared(x, _) => GAP.max(meeting_ticks(*x) + 8.0),
        };
        let width = ((880.0 - gap * count(per_band - 1)) / count(per_band)).clamp(120.0, 560.0);
        let height = layout.height.unwrap_or((0.78 * width).clamp(120.0, 280.0));
        let panel = (width, height);
        let pitch = (width + gap, height + if free { 46.0 } else { 32.0 });
        let lines = layout.rows.iter().map(|label| row_label(label, pitch.1 * count(bands)).len());
        let right = MARGIN + ROW_LINE * count(lines.max().unwrap_or(0));
        let total = left + pitch.0 * count(per_band) - gap + right;
        let width = total.max(640.0).ceil();
        Self { left, right, panel, pitch, per_band, bands, width, free }
    }

    fn panels(&self, layout: &Layout, top: f64) -> Vec<Vec<Panel>> {
        let columns = layout.columns.len().max(1);
        let place = |row: usize, column: usize| {
            let line = row * self.bands + column / self.per_band;
            let (x, y) = match &layout.axes {
                Axes::Shared(x, y) => (*x, *y),
                Axes::Each(each) => each.get(row * columns + column).copied().unwrap_or(BLANK),
            };
            let left = self.left + self.pitch.0 * count(column % self.per_band);
            let top = top + 16.0 + self.pitch.1 * count(line);
            Panel { left, top, width: self.panel.0, height: self.panel.1, x, y }
        };
        let line = |row| (0..columns).map(|column| place(row, column)).collect();
        (0..layout.rows.len()).map(line).collect()
    }

    /// Whether no panel of the same row of the grid stands below this one, and it is in the last row.
    fn lowest(&self, layout: &Layout, (row, column): (usize, usize)) -> bool {
        row + 1 == layout.rows.len() && column + self.per_band >= layout.columns.len()
    }
}

const BLANK: (Axis, Axis) =
    (Axis { kind: Kind::Linear, low: 0.0, high: 1.0 }, Axis { kind: Kind::Linear, low: 0.0, high: 1.0 });

fn widest_tick(layout: &Layout) -> f64 {
    let axes: Vec<Axis> = match &layout.axes {
        Axes::Shared(_, y) => vec![*y],
        Axes::Each(each) => each.iter().map(|pair| pair.1).collect(),
    };
    let ticks = axes.iter().flat_map(|axis| axis.ticks(Y_TICKS)).map(|tick| tick.1);
    ticks
        .chain(layout.names.iter().cloned())
        .map(|label| text_width(&label, SMALL, false))
        .fold(0.0, f64::max)
}

/// Room that the labels at both ends of an axis take between two panels that share it.
fn meeting_ticks(x: Axis) -> f64 {
    let near_end = |tick: f64| x.place(tick).is_some_and(|place| !(0.03..=0.97).contains(&place));
    let ends = x.ticks(X_TICKS).into_iter().filter(|(tick, _)| near_end(*tick));
    ends.map(|(_, label)| 0.5 * text_width(&label, SMALL, false)).sum()
}

/// Draws title, subtitle and legend; returns where they end.
fn head(page: &mut Page, layout: &Layout) -> f64 {
    let room = page.width - 2.0 * MARGIN;
    let mut y = 28.0;
    page.text(Text { bold: true, ..text(&layout.title, (MARGIN, y), 15.0) });
    for line in wrap(&layout.subtitle, PLAIN, room) {
        y += 16.0;
        page.text(Text { ink: GREY, ..text(line, (MARGIN, y), PLAIN) });
    }
    let mut x = MARGIN;
    y += if layout.legend.is_empty() { 0.0 } else { 22.0 };
    for key in &layout.legend {
        let wide = key_width(key);
        if x > MARGIN && x + wide > MARGIN + room {
            (x, y) = (MARGIN, y + 16.0);
        }
        draw_key(page, key, (x, y));
        x += wide + 18.0;
    }
    y + 12.0
}

/// Draws grid lines, ticks and the title of a panel.
fn frame(page: &mut Page, layout: &Layout, plan: &Plan, panel: &Panel, at: (usize, usize)) {
    let free = plan.free;
    let (right, bottom) = (panel.left + panel.width, panel.top + panel.height);
    let wanted = if panel.width < 160.0 { 3 } else { X_TICKS };
    let labelled_x = free || plan.lowest(layout, at);
    let labelled_y = free || at.1.is_multiple_of(plan.per_band);
    for (value, label) in panel.x.ticks(wanted) {
        let Some((x, _)) = panel.at(value, panel.y.low) else { continue };
        page.line(&[(x, panel.top), (x, bottom)], PALE, 0.7);
        page.line(&[(x, bottom), (x, bottom + 3.5)], BLACK, 0.8);
        if labelled_x {
            page.text(Text { anchor: Anchor::Middle, ..text(label, (x, bottom + 13.5), SMALL) });
        }
    }
    for (value, label) in y_ticks(panel, &layout.names) {
        let Some((_, y)) = panel.at(panel.x.low, value) else { continue };
        if panel.y.kind != Kind::Names {
            page.line(&[(panel.left, y), (right, y)], PALE, 0.7);
        }
        page.line(&[(panel.left - 3.5, y), (panel.left, y)], BLACK, 0.8);
        if labelled_y {
            page.text(Text { anchor: Anchor::End, ..text(label, (panel.left - 6.0, y + 3.3), SMALL) });
        }
    }
    let middle = (panel.left + 0.5 * panel.width, panel.top - 5.0);
    let title = layout.columns.get(at.1).map_or("", String::as_str);
    page.text(Text { bold: true, anchor: Anchor::Middle, ..text(title, middle, PLAIN - 0.5) });
}

fn border(page: &mut Page, panel: &Panel) {
    let (left, top) = (panel.left, panel.top);
    let (right, bottom) = (left + panel.width, top + panel.height);
    page.line(
        &[(left, top), (right, top), (right, bottom), (left, bottom), (left, top), (right, top)],
        GREY,
        0.8,
    );
}

fn y_ticks(panel: &Panel, names: &[String]) -> Vec<(f64, String)> {
    if panel.y.kind == Kind::Names {
        return names.iter().enumerate().map(|(k, name)| (count(k), name.clone())).collect();
    }
    panel.y.ticks(Y_TICKS)
}

/// Draws the labels of the axes and of the rows.
fn labels(page: &mut Page, layout: &Layout, plan: &Plan, (top, bottom): (f64, f64)) {
    let columns = plan.per_band.min(layout.columns.len().max(1));
    let across = plan.left + 0.5 * (plan.pitch.0 * count(columns) - (plan.pitch.0 - plan.panel.0));
    let at = (across, bottom + 17.0);
    page.text(Text { anchor: Anchor::Middle, ..text(&layout.x_label, at, PLAIN) });
    let at = (MARGIN + 10.0, 0.5 * (top + 16.0 + bottom - 16.0));
    page.text(Text { anchor: Anchor::Middle, turn: Turn::Up, ..text(&layout.y_label, at, PLAIN) });
    let edge =
        plan.left + plan.pitch.0 * count(columns) - (plan.pitch.0 - plan.panel.0) + plan.right - MARGIN;
    for (row, label) in layout.rows.iter().enumerate() {
        let lines = count(plan.bands);
        let start = top + 16.0 + plan.pitch.1 * lines * count(row);
        let middle = start + 0.5 * (plan.pitch.1 * (lines - 1.0) + plan.panel.1);
        // Read from top to bottom, the first line is the rightmost.
        for (k, line) in row_label(label, plan.pitch.1 * lines).into_iter().enumerate() {
            let at = (edge - 7.0 - ROW_LINE * count(k), middle);
            let words = Text { bold: true, ..text(line, at, PLAIN - 0.5) };
            page.text(Text { anchor: Anchor::Middle, turn: Turn::Down, ..words });
        }
    }
}

/// A row's label in as many lines as its room takes, broken after a comma where that is enough.
fn row_label(label: &str, room: f64) -> Vec<String> {
    let fits = |line: &str| text_width(line, PLAIN, true) <= room - 8.0;
    let mut lines: Vec<String> = Vec::new();
    for part in label.split_inclusive(", ") {
        match lines.last_mut() {
            Some(line) if fits(&format!("{line}{part}")) => line.push_str(part),
            _ => lines.push(part.to_owned()),
        }
    }
    // Bold letters are wider than those that `wrap` measures, by less than a fifth.
    let broken = |line: String| if fits(&line) { vec![line] } else { wrap(&line, PLAIN, 0.8 * (room - 8.0)) };
    lines
        .into_iter()
        .flat_map(broken)
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

/// Breaks a sentence into lines of at most `room` points.
#[must_use]
pub fn wrap(sentence: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in sentence.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(&format!("{line} {word}"), size, false) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_label_is_never_cut() {
        let label = "DP, β = 0.01, excess = 100.0, a_long_setting = 0.123456";
        let lines = row_label(label, 136.0);
        assert!(
            lines.len() > 2 && lines.iter().all(|line| text_width(line, PLAIN, true) <= 128.0),
            "{lines:?}"
        );
        assert_eq!(lines.join(" "), label);
        assert!(row_label("", 136.0).is_empty());
    }

    #[test]
    fn wrapped_lines_fit_and_lose_no_word() {
        let sentence = "dashed where more than one sample in a hundred did not settle before the time limit";
        let lines = wrap(sentence, 10.0, 150.0);
        assert!(lines.len() > 2);
        assert!(lines.iter().all(|line| text_width(line, 10.0, false) <= 150.0), "{lines:?}");
        assert_eq!(lines.join(" "), sentence);
    }
}
