//! Passes the commit to the crate as `DYADSIM_COMMIT`; `unknown` outside a repository of its own.
use std::{path::Path, process::Command};

fn git(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The log of HEAD grows with every commit and checkout; a path that is missing would rebuild always.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]).filter(|log| Path::new(log).exists()) {
        println!("cargo::rerun-if-changed={log}");
    }
    // A package unpacked below somebody else's repository has a prefix there: that commit is not ours.
    let ours = git(&["rev-parse", "--show-prefix"]).is_some_and(|prefix| prefix.is_empty());
    let commit =
        git(&["rev-parse", "--short", "HEAD"]).filter(|_| ours).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=DYADSIM_COMMIT={commit}");
}
