//! `manifest.json`: what made an output folder, when and where; the only file with dates and hosts.
//!
//! It holds no path and no command-line argument, so that a folder may be published as it is.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How far the work in a folder got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Begun; under way, interrupted or failed.
    Partial,
    /// Every run is done and every file is written.
    Complete,
}

/// `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this program.
    pub version: String,
    /// Commit it was built from, or `unknown`.
    pub commit: String,
    /// Subcommand (`run`), without its arguments.
    pub command: String,
    /// Seeds of the runs.
    pub seeds: Vec<u64>,
    /// SHA-256 of the resolved settings, in hexadecimal.
    pub settings_sha256: String,
    /// SHA-256 of every data set used, by name.
    pub data: BTreeMap<String, String>,
    /// Worker threads.
    pub threads: usize,
    /// Scalar type, `f32` or `f64`.
    pub precision: String,
    /// Name of the machine, or `unknown`.
    pub host: String,
    /// Start (RFC 3339, UTC).
    pub started: String,
    /// End (RFC 3339, UTC), once complete.
    pub ended: Option<String>,
    /// How far it got.
    pub status: Status,
    /// Every version of this program that has worked on it, the first first.
    #[serde(default)]
    pub versions: Vec<String>,
    /// SHA-256 of every file, by path, once complete.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
}

/// Name of the commit that the program is built from, once it has told it.
static COMMIT: OnceLock<&'static str> = OnceLock::new();

/// Tells the name of the commit that the program is built from: the library does not know it, so that a
/// commit need not compile the library anew. Only the first call counts.
pub fn built_from(commit: &'static str) {
    let _ = COMMIT.set(commit);
}

/// The commit that the program is built from; `unknown` if it has not said so.
#[must_use]
pub fn commit() -> &'static str {
    COMMIT.get().copied().unwrap_or("unknown")
}

/// This version of the program, with the commit it was built from.
#[must_use]
pub fn version() -> String {
    format!("{} ({})", env!("CARGO_PKG_VERSION"), commit())
}

impl Manifest {
    /// A manifest of work that starts now on this machine: version, commit, host, start and status are
    /// filled in; the other fields are the caller's to set.
    #[must_use]
    pub fn begin(command: &str, settings_sha256: &str) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: commit().to_owned(),
            command: command.to_owned(),
            seeds: Vec::new(),
            settings_sha256: settings_sha256.to_owned(),
            data: BTreeMap::new(),
            threads: 1,
            precision: "f64".to_owned(),
            host: host(),
            started: now(),
            ended: None,
            status: Status::Partial,
            versions: vec![version()],
            files: BTreeMap::new(),
        }
    }

    /// Marks the work as done now.
    pub fn complete(&mut self) {
        self.ended = Some(now());
        self.status = Status::Complete;
    }
}

/// SHA-256 of `bytes` in hexadecimal, 64 digits (FIPS 180-4).
///
/// ```
/// # use dyadsim::record::manifest::sha256;
/// assert!(sha256(b"abc").starts_with("ba7816bf8f01cfea"));
/// ```
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// SHA-256 of a file in hexadecimal.
///
/// # Errors
/// A file that cannot be read.
pub fn sha256_of(path: &Path) -> std::io::Result<String> {
    let mut digest = Sha256::new();
    std::io::copy(&mut std::fs::File::open(path)?, &mut digest)?;
    Ok(hexadecimal(&digest.finalize()))
}

/// Bytes as lower-case hexadecimal digits, two each.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    rfc3339(since.as_secs())
}

/// A time (s since 1970-01-01, UTC, without leap seconds) as `2026-11-22T20:40:00Z`.
///
/// The calendar repeats every 400 years, which have 146 097 days. Counting years from March puts the
/// leap day last, so that months have 30.6 days on average: Hinnant, "chrono-compatible low-level date
/// algorithms" (2013), `civil_from_days`.
fn rfc3339(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468; // days since 0000-03-01
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = 400 * era + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Name of the machine, from the kernel or the environment.
fn host() -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let variable = |name| std::env::var(name).ok();
    let name = kernel.or_else(|| variable("HOSTNAME")).or_else(|| variable("COMPUTERNAME"));
    name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or("unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        // From `date --utc --date=@SECONDS`, at leap days and ends of years and centuries.
        for (seconds, date) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_795_380_000, "2026-11-22T20:40:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(seconds), date);
        }
    }

    #[test]
    fn hashes_are_those_of_fips_180() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn a_manifest_says_who_made_it_and_when() {
        let mut manifest = Manifest::begin("run", "abc");
        assert_eq!((manifest.status, &manifest.ended), (Status::Partial, &None));
        assert!(!manifest.commit.is_empty() && !manifest.host.is_empty());
        assert!(manifest.commit == "unknown" || manifest.commit.bytes().all(|byte| byte.is_ascii_hexdigit()));
        manifest.complete();
        assert!(manifest.ended.as_ref().unwrap() >= &manifest.started); // such dates sort as text
        assert!(serde_json::to_string(&manifest).unwrap().contains(r#""status":"complete""#));
    }
}
