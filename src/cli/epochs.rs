//! A bar over the epochs of all runs, there from the start: training takes long.

use std::io::{self, IsTerminal};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::note;
use crate::study::Observer;

/// Least time between lines where no bar can be drawn.
const SILENCE: Duration = Duration::from_secs(10);

/// A progress bar over the epochs of all runs; where standard error is no terminal, a line now and then.
pub struct Epochs {
    bar: ProgressBar,
    /// When the last line was written, if there are lines.
    lines: Option<Mutex<Instant>>,
}

impl Epochs {
    /// A bar of so many epochs; hidden if nothing is to be said.
    pub fn new(total: usize, quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} epochs, {eta} left  {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        let lines = (!quiet && !io::stderr().is_terminal()).then(|| Mutex::new(Instant::now()));
        Self { bar, lines }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Whether a line is due at `now`; then the next is due a while later.
    fn is_due(&self, now: Instant) -> bool {
        let Some(Ok(mut last)) = self.lines.as_ref().map(Mutex::lock) else { return false };
        let due = now.duration_since(*last) >= SILENCE;
        if due {
            *last = now;
        }
        due
    }
}

impl Observer for Epochs {
    fn say(&self, run: &str) {
        self.bar.set_message(run.to_owned());
    }

    fn done(&self, epochs: usize) {
        self.bar.inc(epochs as u64);
        if self.is_due(Instant::now()) {
            let (done, all) = (self.bar.position(), self.bar.length().unwrap_or_default());
            note(&format_args!("{done}/{all} epochs  {}", self.bar.message()));
        }
    }

    fn warn(&self, message: &str) {
        self.bar.suspend(|| note(&format_args!("warning: {message}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_ten_seconds_apart_and_none_come_when_quiet() {
        let start = Instant::now();
        let bar = Epochs { lines: Some(Mutex::new(start)), ..Epochs::new(3, true) };
        let due = [5, 10, 15, 21].map(|seconds| bar.is_due(start + Duration::from_secs(seconds)));
        assert_eq!(due, [false, true, false, true]);
        assert!(!Epochs::new(3, true).is_due(start + SILENCE));
    }
}
