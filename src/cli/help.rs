//! Help pages: a command's own options first, and none that it would refuse.

use clap::Command;

use crate::study::{Entry, STUDIES};

/// Commands beside the questions that read a TOML file, so that `--set` can change a key of it.
const TAKE_SET: [&str; 3] = ["run", "circuits check", "experiments check"];
/// Commands beside the questions that work in single precision, too.
const TAKE_PRECISION: [&str; 1] = ["run"];

/// The command with `--set` and `--precision` out of the help of the commands that refuse them.
pub fn arranged(mut command: Command) -> Command {
    command.build(); // from here on subcommands have the options that all share
    let with = |own: &[&str], takes: fn(&Entry) -> bool| -> Vec<String> {
        let questions = STUDIES.iter().filter(|entry| takes(entry)).map(Entry::path);
        own.iter().map(ToString::to_string).chain(questions).collect()
    };
    let set = with(&TAKE_SET, |entry| entry.described);
    let precision = with(&TAKE_PRECISION, |entry| entry.single);
    command.mut_subcommands(|below| within("", below, (&set, &precision)))
}

fn within(above: &str, command: Command, lists: (&[String], &[String])) -> Command {
    let path = format!("{above} {}", command.get_name());
    let path = path.trim_start();
    let leads_to =
        |list: &[String]| list.iter().any(|known| known == path || known.starts_with(&format!("{path} ")));
    let (set, precision) = (leads_to(lists.0), leads_to(lists.1));
    let command = command.mut_args(|arg| match arg.get_id().as_str() {
        "set" => arg.hide(!set),
        "precision" => arg.hide(!precision),
        _ => arg,
    });
    command.mut_subcommands(|below| within(path, below, lists))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_options_come_first_and_every_name_of_the_lists_is_a_command() {
        let command = arranged(crate::cli::command());
        let find = |path: &str| {
            path.split(' ').try_fold(&command, |command, name| command.find_subcommand(name)).cloned()
        };
        for path in TAKE_SET.iter().chain(&TAKE_PRECISION) {
            assert!(find(path).is_some(), "{path}");
        }
        for entry in STUDIES.iter().filter(|entry| entry.command().is_some()) {
            assert!(find(&entry.path()).is_some(), "{}", entry.path());
        }
        let page = find("settle").unwrap().render_help().to_string();
        let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} in {page}"));
        assert!(
            at("--trace") < at(crate::study::given::GENERAL)
                && at(crate::study::given::GENERAL) < at("--set")
        );
    }
}
