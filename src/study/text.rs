//! Numbers and lists for people.

use dyadsim_core::units::{engineering, share_of, significant};

/// A quantity for people: three digits, with the prefix of its size.
pub fn rounded(value: f64, unit: &str) -> String {
    // What was written as a number reads back as one.
    engineering(format!("{value:.2e}").parse().unwrap_or(value), unit)
}

/// A setting for people: five digits, never hidden by a fixed number of decimals.
pub fn setting(value: f64) -> String {
    significant(value, 5)
}

/// The part of a list that a summary shows, and a line that says how much was left out.
pub fn some_lines(lines: impl ExactSizeIterator<Item = String>, most: usize) -> String {
    let left = lines.len().saturating_sub(most);
    let mut text: String = lines.take(most).map(|line| line + "\n").collect();
    if left > 0 {
        text += &format!("  … and {left} more (--json gives all)\n");
    }
    text
}

/// A share as an option says it: `0.9` or `90%`.
///
/// # Errors
/// What is neither a number nor a percentage.
pub fn share(text: &str) -> Result<f64, String> {
    share_of(text).ok_or_else(|| "accepted: a share such as 0.9, or a percentage such as 90%".to_owned())
}
