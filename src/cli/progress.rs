//! A bar for long work, on a terminal alone: what is piped is quiet.
//!
//! A bar shows after two seconds, so that short commands show none. What bites: it is drawn from a thread of its own, which
//! holds it weakly: the bar goes with its owner.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Global;

/// How long a command may take without a word.
const PATIENCE: Duration = Duration::from_secs(2);
/// Time between two looks at a bar.
const TICK: Duration = Duration::from_millis(500);

/// A bar of `total` pieces, called `what`; hidden where nothing is to be said.
pub fn bar(global: &Global, total: usize, what: &str) -> ProgressBar {
    late(global, Some(total), &format!("{{bar:30}} {{pos}}/{{len}} {what}, {{eta}} left"))
}

/// A bar of at most `total` pieces.
pub fn bar_of_at_most(global: &Global, total: usize, what: &str) -> ProgressBar {
    late(
        global,
        Some(total),
        &format!("{{bar:30}} {{pos}} of at most {{len}} {what}, {{eta}} left or less  {{msg}}"),
    )
}

/// A bar of hundredths, for work along a range.
pub fn bar_along(global: &Global, what: &str) -> ProgressBar {
    late(global, Some(100), &format!("{{bar:30}} {{pos}} % of {what}, {{eta}} left"))
}

/// The time that work has taken whose end nobody can foresee.
pub fn waiting(global: &Global, what: &str) -> ProgressBar {
    late(global, None, &format!("{{spinner}} {what}, {{elapsed}}"))
}

fn late(global: &Global, total: Option<usize>, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total.map(|total| total as u64), ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
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
