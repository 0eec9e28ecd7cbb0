//! Name of the commit that a program is built from.
//!
//! A build script would tell it to every target of a package, so that each commit compiled the whole library
//! anew. A macro tells it where it stands: the program is built again, and nothing else is.

use std::path::{Path, PathBuf};
use std::process::Command;

use proc_macro::TokenStream;

/// Short name of the commit of the package's repository, a string literal; `"unknown"` outside a repository
/// of its own.
///
/// What uses it is compiled again after every commit and checkout.
#[proc_macro]
pub fn commit(_: TokenStream) -> TokenStream {
    let root = std::env::var("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let git = |arguments: &[&str]| git(&root, arguments);
    // A package unpacked below somebody else's repository has a prefix there: that commit is not ours.
    let ours = git(&["rev-parse", "--show-prefix"]).is_some_and(|prefix| prefix.is_empty());
    let name =
        git(&["rev-parse", "--short", "HEAD"]).filter(|_| ours).unwrap_or_else(|| "unknown".to_owned());
    // The log of HEAD grows with every commit and checkout; the compiler watches what it includes.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"]).map(|log| root.join(log));
    let log = log.filter(|log| ours && log.is_file());
    let watched = log.map(|log| format!("const _: &[u8] = include_bytes!({:?});", log.display().to_string()));
    let text = format!("{{ {} {name:?} }}", watched.unwrap_or_default());
    text.parse().unwrap_or_default()
}

/// Output of git in a folder, if it has any.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
    let text = output.status.success().then(|| String::from_utf8(output.stdout).ok())??;
    Some(text.trim().to_owned())
}
