//! A bar for long work, on a terminal alone: what is piped is quiet.
//!
//! A bar shows after two seconds, so that short commands show none. What bites: it is drawn from a thread of
//! its own, which holds it weakly: the bar goes with its owner.

use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::{Global, output};
use crate::study::{Extent, Observer};

/// How long a command may take without a word.
const PATIENCE: Duration = Duration::from_secs(2);
/// Time between two looks at a bar.
const TICK: Duration = Duration::from_millis(500);

/// A bar of `total` pieces, called `what`; hidden where nothing is to be said.
pub fn bar(global: &Global, total: usize, what: &str) -> ProgressBar {
    late(global, Some(total), &format!("{{bar:30}} {{pos}}/{{len}} {what}, {{left}}"))
}

/// A bar of at most `total` pieces.
pub fn bar_of_at_most(global: &Global, total: usize, what: &str) -> ProgressBar {
    late(
        global,
        Some(total),
        &format!("{{bar:30}} {{pos}} of at most {{len}} {what}, {{left}} or less  {{msg}}"),
    )
}

/// A bar of hundredths, for work along a range.
pub fn bar_along(global: &Global, what: &str) -> ProgressBar {
    late(global, Some(100), &format!("{{bar:30}} {{pos}} % of {what}, {{left}}"))
}

/// The time that work has taken whose end nobody can foresee.
pub fn waiting(global: &Global, what: &str) -> ProgressBar {
    late(global, None, &format!("{{spinner}} {what}, {{elapsed}}"))
}

fn late(global: &Global, total: Option<usize>, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total.map(|total| total as u64), ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.with_key("left", write_left));
    }
    if global.quiet {
        return bar;
    }
    let weak = bar.downgrade();
    std::thread::spawn(move || {
        std::thread::sleep(PATIENCE);
        if let Some(bar) = weak.upgrade().filter(|bar| !bar.is_finished()) {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.enable_steady_tick(TICK);
        }
    });
    bar
}

/// Writes the time that is left; as long as nothing is done, and nobody can know, the time that was taken.
fn write_left(state: &ProgressState, to: &mut dyn Write) {
    // What cannot be written is not seen: the bar is drawn again.
    let _ = if state.pos() == 0 {
        write!(to, "{:#} so far", HumanDuration(state.elapsed()))
    } else {
        write!(to, "{:#} left", HumanDuration(state.eta()))
    };
}

/// What a question tells, on a terminal: bars and warnings.
pub struct Terminal<'a> {
    global: &'a Global,
    bar: Mutex<ProgressBar>,
    clock: Mutex<Clock>,
}

/// When work began first and how long after that it ended last.
#[derive(Clone, Copy, Default)]
struct Clock {
    started: Option<Instant>,
    took: Option<Duration>,
}

impl<'a> Terminal<'a> {
    /// Nothing is shown yet.
    pub fn new(global: &'a Global) -> Self {
        Self { global, bar: Mutex::new(ProgressBar::hidden()), clock: Mutex::default() }
    }

    /// The bar that stands now.
    fn bar(&self) -> ProgressBar {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The clock, to be set or read.
    fn clock(&self) -> MutexGuard<'_, Clock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Terminal<'_> {
    fn begin(&self, work: Extent<'_>) {
        let new = match work {
            Extent::Of(total, what) => bar(self.global, total, what),
            Extent::AtMost(total, what) => bar_of_at_most(self.global, total, what),
            Extent::Along(what) => bar_along(self.global, what),
            Extent::Unknown(what) => waiting(self.global, what),
        };
        let mut now = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        now.finish_and_clear();
        *now = new;
        self.clock().started.get_or_insert_with(Instant::now);
    }

    fn done(&self, pieces: usize) {
        self.bar().inc(pieces as u64);
    }

    fn more(&self, pieces: usize) {
        self.bar().inc_length(pieces as u64);
    }

    fn at(&self, pieces: usize) {
        self.bar().set_position(pieces as u64);
    }

    fn say(&self, text: &str) {
        self.bar().set_message(text.to_owned());
    }

    fn end(&self) {
        self.bar().finish_and_clear();
        let mut clock = self.clock();
        clock.took = clock.started.map(|started| started.elapsed());
    }

    fn seconds(&self) -> Option<f64> {
        self.clock().took.map(|took| took.as_secs_f64())
    }

    fn warn(&self, text: &str) {
        output::note(&format_args!("warning: {text}"));
    }
}
