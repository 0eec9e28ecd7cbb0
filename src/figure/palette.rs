//! Colours, all of them told apart by colour-blind readers.
//!
//! Rules, outcomes and layers: Okabe & Ito, *Color Universal Design* (2008); rules beyond its eight: after
//! the muted scheme of Tol, *Colour Schemes* (2021). Heat maps: viridis (Smith & van der Walt 2015), from ten
//! of its points.

use super::page::Ink;
use dyadsim_core::spec::{Hue, RuleKind};

/// Backpropagation's black, also that of axes.
pub const BLACK: Ink = Ink::hex(0x00_00_00);
/// Grey of notes and reference lines.
pub const GREY: Ink = Ink::hex(0x6B_6B_6B);
/// Pale grey of grid lines.
pub const PALE: Ink = Ink::hex(0xE4_E4_E4);
/// White.
pub const WHITE: Ink = Ink::hex(0xFF_FF_FF);
/// White upon colours: not quite the paper, which is dark on a dark page where colours stay as they are.
pub const LIGHT: Ink = Ink::hex(0xFE_FE_FE);
/// Black upon colours: not quite that of lines, which is light on a dark page.
pub const DARK: Ink = Ink::hex(0x01_01_01);
/// Where a number is missing.
pub const MISSING: Ink = Ink::hex(0xF4_F4_F4);
/// Orange, of `v⁺`.
pub const ORANGE: Ink = Ink::hex(0xE6_9F_00);
/// Sky blue.
pub const SKY: Ink = Ink::hex(0x56_B4_E9);
/// Blue, of `v⁻` and `DPᵀ`.
pub const BLUE: Ink = Ink::hex(0x00_72_B2);
/// Vermillion, of `DP`.
pub const VERMILLION: Ink = Ink::hex(0xD5_5E_00);
/// Green.
pub const GREEN: Ink = Ink::hex(0x00_9E_73);
/// Purple.
pub const PURPLE: Ink = Ink::hex(0xCC_79_A7);

/// Colour of a rule.
#[must_use]
pub fn ink_of(rule: RuleKind) -> Ink {
    match rule.hue() {
        Hue::Black => BLACK,
        Hue::Blue => BLUE,
        Hue::Brown => Ink::hex(0x8C_56_4B),
        Hue::Coral => Ink::hex(0xFF_7F_6B),
        Hue::Green => GREEN,
        Hue::Grey => GREY,
        Hue::Indigo => Ink::hex(0x33_22_88),
        Hue::Lime => Ink::hex(0x84_B0_1E),
        Hue::Olive => Ink::hex(0x99_99_33),
        Hue::Orange => ORANGE,
        Hue::Purple => PURPLE,
        Hue::Rose => Ink::hex(0xCC_66_77),
        Hue::Sand => Ink::hex(0xC9_B0_4C),
        Hue::Sky => SKY,
        Hue::Teal => Ink::hex(0x44_AA_99),
        Hue::Vermillion => VERMILLION,
        Hue::Violet => Ink::hex(0x7B_3F_C4),
        Hue::Wine => Ink::hex(0x88_22_55),
        Hue::Yellow => Ink::hex(0xDD_CC_00),
    }
}

/// Colour of the rule that a row of a table names; grey if there is no such rule.
#[must_use]
pub fn rule_ink(rule: &str) -> Ink {
    RuleKind::named(rule).map_or(GREY, ink_of)
}

/// Colour of an outcome.
#[must_use]
pub fn outcome_ink(outcome: &str) -> Ink {
    match outcome {
        "settled" => Ink::hex(0xD9_D9_D9),
        "noisy-settled" => PURPLE,
        "latch-up" => VERMILLION,
        "oscillation" => SKY,
        "timeout" => ORANGE,
        _ => BLACK,
    }
}

/// Colour of a layer, counted from 1; the colours come round after six layers.
#[must_use]
pub fn layer_ink(layer: usize) -> Ink {
    [ORANGE, BLUE, GREEN, PURPLE, SKY, VERMILLION][layer.saturating_sub(1) % 6]
}

/// Colour of a share of a heat map's range, `0..=1`.
#[must_use]
pub fn heat(share: f64) -> Ink {
    const POINTS: [u32; 10] = [
        0x44_01_54, 0x48_28_78, 0x3E_4A_89, 0x31_68_8E, 0x26_82_8E, 0x1F_9E_89, 0x35_B7_79, 0x6D_CD_59,
        0xB4_DE_2C, 0xFD_E7_25,
    ];
    let at = share.clamp(0.0, 1.0) * 9.0;
    let mut left = 0;
    while left < 8 && at > f64::from(u8::try_from(left + 1).unwrap_or(u8::MAX)) {
        left += 1;
    }
    let part = at - f64::from(u8::try_from(left).unwrap_or(u8::MAX));
    let (from, to) = (Ink::hex(POINTS[left]), Ink::hex(POINTS[left + 1]));
    let mix = |channel: usize| {
        let mixed = f64::from(from.rgb[channel]) * (1.0 - part) + f64::from(to.rgb[channel]) * part;
        byte(mixed)
    };
    Ink { rgb: [mix(0), mix(1), mix(2)], opacity: 1.0 }
}

/// Colour of one of several lines in order, `0..=1`: the heat map without its ends, which a dark or a light
/// page would swallow.
#[must_use]
pub fn ordered(share: f64) -> Ink {
    heat(0.3 + 0.5 * share.clamp(0.0, 1.0))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
fn byte(value: f64) -> u8 {
    value.clamp(0.0, 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_colour_of_its_own() {
        let inks = RuleKind::ALL.map(|rule| ink_of(rule).rgb);
        let apart = |k: usize| inks[..k].iter().all(|ink| *ink != inks[k]);
        assert!((0..inks.len()).all(apart), "{inks:?}");
    }

    #[test]
    fn the_heat_map_grows_lighter_all_the_way() {
        // Luma of Rec. 709: what a reader without colour sees.
        let luma = |ink: Ink| {
            0.2126 * f64::from(ink.rgb[0]) + 0.7152 * f64::from(ink.rgb[1]) + 0.0722 * f64::from(ink.rgb[2])
        };
        let shades: Vec<f64> = (0..=90_u8).map(|k| luma(heat(f64::from(k) / 90.0))).collect();
        assert!(shades.windows(2).all(|pair| pair[1] > pair[0]), "{shades:?}");
    }
}
