//! Entries of a legend: a sample of the mark, then its words.

use super::page::{Ink, Page, Point, text};
use super::palette::{GREY, LIGHT, MISSING, heat};
use super::render::text_width;

/// Size of its text (points).
const SIZE: f64 = 10.5;

/// An entry of the legend.
#[derive(Clone, Debug)]
pub enum Key {
    /// A line.
    Line(Ink, String),
    /// A dashed line.
    Dashed(Ink, String),
    /// A filled disc.
    Disc(Ink, String),
    /// An open circle.
    Ring(Ink, String),
    /// A filled box.
    Box(Ink, String),
    /// A hatched grey box.
    Hatched(String),
    /// A coloured box with a white stroke.
    Struck(String),
    /// The heat map's colours between two labels.
    Colours(String, String),
}

/// Whether two entries say and show the same.
#[must_use]
pub fn is_same(one: &Key, other: &Key) -> bool {
    let ink = |key: &Key| match key {
        Key::Line(ink, _)
        | Key::Dashed(ink, _)
        | Key::Disc(ink, _)
        | Key::Ring(ink, _)
        | Key::Box(ink, _) => Some(*ink),
        Key::Hatched(_) | Key::Struck(_) | Key::Colours(..) => None,
    };
    key_label(one) == key_label(other)
        && ink(one) == ink(other)
        && std::mem::discriminant(one) == std::mem::discriminant(other)
}

fn key_label(key: &Key) -> &str {
    match key {
        Key::Line(_, label) | Key::Dashed(_, label) | Key::Disc(_, label) | Key::Ring(_, label) => label,
        Key::Box(_, label) | Key::Hatched(label) | Key::Struck(label) | Key::Colours(_, label) => label,
    }
}

/// Width of an entry (points).
pub fn key_width(key: &Key) -> f64 {
    let before = match key {
        Key::Colours(low, _) => text_width(low, SIZE, false) + 174.0,
        Key::Disc(..) | Key::Ring(..) | Key::Box(..) | Key::Hatched(_) | Key::Struck(_) => 17.0,
        Key::Line(..) | Key::Dashed(..) => 30.0,
    };
    before + text_width(key_label(key), SIZE, false)
}

/// Draws an entry from a place on its baseline.
pub fn draw_key(page: &mut Page, key: &Key, (x, y): Point) {
    let middle = y - 3.8;
    match key {
        Key::Line(ink, _) => page.line(&[(x, middle), (x + 24.0, middle)], *ink, 2.0),
        Key::Dashed(ink, _) => page.dashed(&[(x, middle), (x + 24.0, middle)], *ink, 2.0, (4.0, 3.0)),
        Key::Disc(ink, _) => page.disc((x + 6.0, middle), 3.2, *ink),
        Key::Ring(ink, _) => page.ring((x + 6.0, middle), 3.6, *ink),
        Key::Box(ink, _) => page.block((x, middle - 5.5), (x + 11.0, middle + 5.5), *ink),
        Key::Hatched(_) => hatched(page, (x, middle - 5.5), (x + 11.0, middle + 5.5)),
        Key::Struck(_) => struck(page, (x, middle - 5.5), (x + 11.0, middle + 5.5), heat(0.3)),
        Key::Colours(low, _) => colour_bar(page, low, (x, y)),
    }
    let before = key_width(key) - text_width(key_label(key), SIZE, false);
    page.text(text(key_label(key), (x + before, y), SIZE));
}

fn colour_bar(page: &mut Page, low: &str, (x, y): Point) {
    page.text(text(low, (x, y), SIZE));
    let start = x + text_width(low, SIZE, false) + 7.0;
    for step in 0..80_u8 {
        let left = start + 2.0 * f64::from(step);
        let right = (left + 2.4).min(start + 160.0);
        page.block((left, y - 9.5), (right, y + 1.5), heat(f64::from(step) / 79.0));
    }
}

/// A grey box with a stroke from corner to corner: no number here.
pub fn hatched(page: &mut Page, (left, top): Point, (right, bottom): Point) {
    page.block((left, top), (right, bottom), MISSING);
    page.line(&[(left, bottom), (right, top)], GREY, 0.7);
}

/// A coloured box with a white stroke from corner to corner: not all numbers are here.
pub fn struck(page: &mut Page, (left, top): Point, (right, bottom): Point, ink: Ink) {
    page.block((left, top), (right, bottom), ink);
    page.line(&[(left, bottom), (right, top)], LIGHT, 0.8);
}
