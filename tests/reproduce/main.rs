//! The promise of same bytes: any number of threads, any machine load, killed and resumed or not.
//!
//! Every test runs the program on one small experiment and holds its folder against that of a single
//! undisturbed run. `wall_s` is the only number that may differ, `manifest.json` the only file with dates.

mod bench;
mod damage;
mod interrupted;
mod learned_feedback;
mod noisy;
mod output;
mod stale;
mod studies;
mod undisturbed;
