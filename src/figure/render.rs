//! Pages into files: the only module that knows plotters.
//!
//! Traps of plotters 0.3.7 met here: coordinates are whole pixels, so pages are drawn four
//! times too large and scaled back (by the SVG header; by averaging pixels for PNG). With
//! `ab_glyph` a font must be registered even for SVG. The two back ends disagree on the size
//! of an em and on where a baseline lies (`1.24` and `0.76em` for SVG; the ascent minus
//! descent of the font and half a size for PNG), so both are undone here. Thick paths with
//! sharp corners grow spikes in PNG, so there every segment is a line of its own.

use std::path::Path;
use std::sync::OnceLock;

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, FontTransform, RGBAColor, ShapeStyle, TextStyle, WHITE,
    register_font,
};

use super::error::FigureError;
use super::page::{Anchor, Ink, Mark, Page, Point, Text, Turn};

/// Name of the font in SVG files; a viewer without the first takes the next.
const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";
/// Pixels of plotters per point, for SVG.
const FINE: f64 = 4.0;
/// Pixels per point of PNG files.
const PNG_SCALE: u32 = 2;
/// plotters' size of a font whose em in SVG is one.
const SVG_EM: f64 = 1.24;
/// plotters' size of a font whose em in PNG is one: ascent minus descent of `DejaVu` Sans (1901 + 483 of
/// 2048).
const PNG_EM: f64 = 2384.0 / 2048.0;

/// Where text sizes and baselines differ between plotters' back ends.
#[derive(Clone, Copy)]
enum Target {
    Svg,
    Png,
}

fn load_fonts() -> Result<(), FigureError> {
    static LOADED: OnceLock<bool> = OnceLock::new();
    let loaded = LOADED.get_or_init(|| {
        let regular = include_bytes!("fonts/DejaVuSans.subset.ttf");
        let bold = include_bytes!("fonts/DejaVuSans-Bold.subset.ttf");
        register_font(FAMILY, FontStyle::Normal, regular).is_ok()
            && register_font(FAMILY, FontStyle::Bold, bold).is_ok()
    });
    if *loaded { Ok(()) } else { Err(FigureError::Font) }
}

fn font(size: f64, bold: bool) -> FontDesc<'static> {
    FontDesc::new(FontFamily::Name(FAMILY), size, if bold { FontStyle::Bold } else { FontStyle::Normal })
}

/// Width of a text (points) whose em is `size` (points).
#[must_use]
pub fn text_width(text: &str, size: f64, bold: bool) -> f64 {
    // Measured large, because plotters rounds to whole pixels.
    let measured = load_fonts().ok().and_then(|()| font(size * PNG_EM * 16.0, bold).box_size(text).ok());
    measured.map_or(0.6 * size * count(text), |(width, _)| f64::from(width) / 16.0)
}

fn count(text: &str) -> f64 {
    u32::try_from(text.chars().count()).map_or(0.0, f64::from)
}

/// The page as an SVG document.
///
/// # Errors
/// [`FigureError::Font`] or [`FigureError::Draw`] if plotters refuses the page.
pub fn svg(page: &Page) -> Result<String, FigureError> {
    load_fonts()?;
    let (width, height) = pixels(page, FINE);
    let mut document = String::new();
    let area = SVGBackend::with_string(&mut document, (width, height)).into_drawing_area();
    draw(page, &area, FINE, Target::Svg)?;
    drop(area);
    let drawn = format!("<svg width=\"{width}\" height=\"{height}\"");
    let shown = format!("<svg width=\"{}\" height=\"{}\" stroke-linejoin=\"round\"", page.width, page.height);
    Ok(document.replacen(&drawn, &shown, 1))
}

/// Writes the page as a PNG file of two pixels per point.
///
/// # Errors
/// [`FigureError::Font`] or [`FigureError::Draw`] if plotters refuses the page or cannot write the file.
pub fn png(page: &Page, path: &Path) -> Result<(), FigureError> {
    load_fonts()?;
    let (width, height) = pixels(page, f64::from(PNG_SCALE));
    // Very large pages are drawn without the extra smoothing, to bound memory.
    let fold = if u64::from(width) * u64::from(height) > 20_000_000 { 1 } else { 2 };
    let (wide, high) = (width * fold, height * fold);
    let mut fine = vec![255_u8; 3 * wide as usize * high as usize];
    let area = BitMapBackend::with_buffer(&mut fine, (wide, high)).into_drawing_area();
    draw(page, &area, f64::from(PNG_SCALE * fold), Target::Png)?;
    drop(area);
    let small = shrink(&fine, (wide as usize, high as usize), fold as usize);
    let mut file = BitMapBackend::new(path, (width, height));
    file.blit_bitmap((0, 0), (width, height), &small).map_err(refused)?;
    file.present().map_err(refused)
}

/// Averages squares of `fold × fold` pixels.
fn shrink(pixels: &[u8], (width, height): (usize, usize), fold: usize) -> Vec<u8> {
    let area = fold * fold;
    let mut small = Vec::with_capacity(pixels.len() / area);
    for y in 0..height / fold {
        for x in 0..width / fold {
            for channel in 0..3 {
                let at = |dy: usize, dx: usize| 3 * ((y * fold + dy) * width + x * fold + dx) + channel;
                let sum: usize =
                    (0..area).map(|cell| usize::from(pixels[at(cell / fold, cell % fold)])).sum();
                // The mean of bytes is a byte.
                small.push(u8::try_from((sum + area / 2) / area).unwrap_or(u8::MAX));
            }
        }
    }
    small
}

fn pixels(page: &Page, scale: f64) -> (u32, u32) {
    (whole(page.width * scale).unsigned_abs(), whole(page.height * scale).unsigned_abs())
}

/// The nearest pixel; far outside any page it stays finite, and no number is 0.
#[expect(clippy::cast_possible_truncation, reason = "clamped to a million")]
fn whole(length: f64) -> i32 {
    length.clamp(-1e6, 1e6).round() as i32
}

fn refused(error: impl std::fmt::Display) -> FigureError {
    FigureError::Draw { message: error.to_string() }
}

fn colour(ink: Ink) -> RGBAColor {
    RGBAColor(ink.rgb[0], ink.rgb[1], ink.rgb[2], ink.opacity)
}

fn draw<B: DrawingBackend>(
    page: &Page,
    area: &DrawingArea<B, Shift>,
    scale: f64,
    target: Target,
) -> Result<(), FigureError> {
    area.fill(&WHITE).map_err(refused)?;
    let place = |point: &Point| (whole(point.0 * scale), whole(point.1 * scale));
    for mark in &page.marks {
        match mark {
            Mark::Line(points, ink, width) => {
                let style = colour(*ink).stroke_width(whole(width * scale).max(1).unsigned_abs());
                stroke(area, &thin(points.iter().map(place)), style, target)?;
            }
            Mark::Area(points, ink) => {
                let corners: Vec<_> = points.iter().map(place).collect();
                area.draw(&Polygon::new(corners, colour(*ink).filled())).map_err(refused)?;
            }
            Mark::Disc(at, radius, ink) => {
                let disc = Circle::new(place(at), whole(radius * scale), colour(*ink).filled());
                area.draw(&disc).map_err(refused)?;
            }
            Mark::Text(text) => write(area, text, scale, target)?,
        }
    }
    area.present().map_err(refused)
}

/// Points without immediate repetitions.
fn thin(points: impl Iterator<Item = (i32, i32)>) -> Vec<(i32, i32)> {
    let mut kept: Vec<_> = points.collect();
    kept.dedup();
    kept
}

fn stroke<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    points: &[(i32, i32)],
    style: ShapeStyle,
    target: Target,
) -> Result<(), FigureError> {
    if matches!(target, Target::Svg) {
        return area.draw(&PathElement::new(points.to_vec(), style)).map_err(refused);
    }
    for pair in points.windows(2) {
        area.draw(&PathElement::new(pair.to_vec(), style)).map_err(refused)?;
    }
    let radius = style.stroke_width / 2;
    let inner = points.get(1..points.len().saturating_sub(1)).unwrap_or_default();
    for joint in inner.iter().filter(|_| radius > 1) {
        area.draw(&Circle::new(*joint, radius, style.filled())).map_err(refused)?;
    }
    Ok(())
}

fn write<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    text: &Text,
    scale: f64,
    target: Target,
) -> Result<(), FigureError> {
    let em = text.size * scale;
    let (size, drop) = match target {
        Target::Svg => (em * SVG_EM, em * 0.76),
        Target::Png => (em * PNG_EM, em * PNG_EM / 2.0),
    };
    // plotters anchors the top of a text; its baseline is `drop` further down in reading direction.
    let (x, y) = (text.at.0 * scale, text.at.1 * scale);
    let (at, transform) = match text.turn {
        Turn::None => ((x, y - drop), FontTransform::None),
        Turn::Up => ((x - drop, y), FontTransform::Rotate270),
        Turn::Down => ((x + drop, y), FontTransform::Rotate90),
    };
    let horizontal = match text.anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    let ink = colour(text.ink);
    let style = TextStyle::from(font(size, text.bold).transform(transform))
        .color(&ink)
        .pos(Pos::new(horizontal, VPos::Top));
    area.draw_text(&text.text, &style, (whole(at.0), whole(at.1))).map_err(refused)
}
