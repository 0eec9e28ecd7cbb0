//! Names of experiments and circuits: what can name a folder on any system, and what a line of text can hold.

use super::check_circuit::ensure;
use super::fault::Fault;

/// Longest name (bytes): a part of a path has 255 at most.
const LONGEST: usize = 200;

/// Names that some systems keep for devices, whatever follows behind a dot.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Checks a name that a folder gets.
///
/// # Errors
/// What no folder can be called, on this system or another.
pub(super) fn check_folder_name(name: &str) -> Result<(), Fault> {
    check_label(name)?;
    let accepted = "text that can name a folder on any system: not empty, none of / \\ < > : \" | ? *, no space or dot at \
                    an end";
    let plain = !name.is_empty() && !name.contains(['/', '\\', '<', '>', ':', '"', '|', '?', '*']);
    let ends = !name.ends_with(['.', ' ']) && !name.starts_with(' ');
    ensure(plain && ends, &["name"], format!("{name:?}"), accepted)?;
    let accepted = "another name: some systems keep this one for a device";
    ensure(!is_device(name), &["name"], format!("{name:?}"), accepted)
}

/// Checks a name that is shown in one line.
///
/// # Errors
/// Control characters, and a text too long for a line.
pub(super) fn check_label(name: &str) -> Result<(), Fault> {
    let accepted = "text in one line, without control characters";
    ensure(!name.chars().any(char::is_control), &["name"], format!("{name:?}"), accepted)?;
    let accepted = format!("at most {LONGEST} bytes (it has {})", name.len());
    ensure(name.len() <= LONGEST, &["name"], format!("{name:?}"), &accepted)
}

/// `con`, `nul.txt`, `COM1`, `lpt9`.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered = |kind: &str| {
        stem.strip_prefix(kind)
            .is_some_and(|number| number.len() == 1 && number.as_bytes()[0].is_ascii_digit())
    };
    DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_a_folder_on_every_system_is_taken_and_nothing_else() {
        for good in ["two-tales", "µ-test", "a b", "v1.2", "console", "com", "com10", "-x", ".hidden"] {
            assert!(check_folder_name(good).is_ok(), "{good}");
        }
        let long = "x".repeat(300);
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "a\\b",
            "a\nb",
            "a\u{1b}[0m",
            "\0",
            "a.",
            " a",
            "a ",
            "CON",
            "nul.txt",
            "Lpt1",
            "a:b",
            &long,
        ] {
            assert!(check_folder_name(bad).is_err(), "{bad:?}");
        }
        for label in ["", "a/b", "with: signs?"] {
            assert!(check_label(label).is_ok(), "{label}");
        }
    }
}
