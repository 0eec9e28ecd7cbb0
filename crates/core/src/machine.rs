//! What the machine has left: memory, so that a need is refused with its sum before it is taken.

use std::fs;

/// Memory that is counted on where the system does not tell (bytes).
pub const UNTOLD: u64 = 8 << 30;

/// Memory that is free for this program (bytes): the least of what the system and its control group have
/// left; [`UNTOLD`] where neither tells.
#[must_use]
pub fn memory() -> u64 {
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let told = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let group =
        |most: &str, used: &str| number(most).map(|most| most.saturating_sub(number(used).unwrap_or(0)));
    let second = group("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current");
    let first =
        group("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes");
    [available(&told), second, first].into_iter().flatten().min().unwrap_or(UNTOLD)
}

/// `MemAvailable` of `/proc/meminfo` (bytes).
fn available(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Why parts of a need do not fit, with their sum and what there is; nothing if they fit.
///
/// A part is its name and its size (bytes), as a float so that no product overflows.
///
/// ```
/// # use dyadsim_core as dyadsim;
/// let told = dyadsim::machine::beyond(&[("weights", 1e18), ("states", 1e15)]).unwrap();
/// let parts = "(weights 9.31e8 GiB, states 9.31e5 GiB)";
/// assert!(told.starts_with(&format!("about 9.32e8 GiB of memory are needed {parts}")), "{told}");
/// assert_eq!(dyadsim::machine::beyond(&[("weights", 1e3)]), None);
/// ```
#[must_use]
pub fn beyond(parts: &[(&str, f64)]) -> Option<String> {
    let (free, sum) = (memory(), parts.iter().map(|part| part.1).sum::<f64>());
    if sum <= free as f64 {
        return None;
    }
    let gibi = |bytes: f64| {
        let value = bytes / f64::from(1 << 30);
        if value < 1e4 { format!("{value:.1} GiB") } else { format!("{value:.2e} GiB") }
    };
    let each: Vec<_> = parts.iter().map(|(name, bytes)| format!("{name} {}", gibi(*bytes))).collect();
    let (sum, free) = (gibi(sum), gibi(free as f64));
    Some(format!("about {sum} of memory are needed ({}), {free} are free", each.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_memory_is_read_in_bytes_and_some_is_always_told() {
        assert_eq!(available("MemTotal: 9 kB\nMemAvailable:    1234 kB\n"), Some(1234 * 1024));
        assert_eq!(available("MemTotal: 9 kB\n"), None);
        assert!(memory() > 0);
    }
}
