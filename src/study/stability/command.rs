//! The command `stability`: one question at a time, of the five that its options choose from.

use anyhow::anyhow;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::super::attractors::Attractors;
use super::super::branch::Branch;
use super::super::limits::Limits;
use super::super::map::Map;
use super::super::registry::asked;
use super::super::{Done, Failure, Given, Observer, Place, Study, settings};
use super::Stability;

/// Options that ask for a form.
const LIMITS: &str = "limits";
const FOLLOW: &str = "follow";
const ATTRACTORS: &str = "attractors";
const MAP: &str = "map";
/// All of them.
const FORMS: [&str; 4] = [LIMITS, FOLLOW, ATTRACTORS, MAP];
/// Of these there is one at a time.
const FORM: &str = "mode";

/// The help below the options.
pub const NOTES: &str = "The Jacobian is taken at the nudged fixed point, found by Newton's method from \
    the free state whether or not it is stable; the verdict is that of the worst sample. A circuit with a \
    [clock] is judged from clock to clock: eigenvalues μ are given as rates f ln μ, and |μ| < 1 is \
    stable.\n\n\
    --limits finds the largest safe β: foreseen by eigenvalues on the branch of equilibria that the free \
    state leads to, and tried by integration just below and above. --follow tells what happens on such a \
    branch when a setting moves: folds, Hopf points with period and criticality, compartments that pass a \
    kink. --attractors counts equilibria from random starts. --map draws what becomes of the batch over \
    two settings, looking near borders alone.\n\n\
    Example:\n  dyadsim stability circuits/ideal.toml --weights w.safetensors --input x.safetensors \
    --target y.safetensors --set nudge.variant=dp --set nudge.alpha=0.25\n  \
    dyadsim stability circuits/ideal.toml --weights w.safetensors --input x.safetensors \
    --target y.safetensors --limits\n  \
    dyadsim stability circuits/ideal.toml --weights w.safetensors --input x.safetensors \
    --target y.safetensors --follow nudge.beta=0:2 --out results/branch\n  \
    dyadsim stability circuits/ideal.toml --weights w.safetensors --input x.safetensors \
    --target y.safetensors --attractors 100\n  \
    dyadsim stability circuits/ideal.toml --weights w.safetensors --input x.safetensors \
    --target y.safetensors --map nudge.alpha=0:1:200 --map nudge.beta=0.05:5:200:log --out results/map";

/// The command, with the options of all its forms.
pub fn command() -> Command {
    let flag = Arg::new(LIMITS).long(LIMITS).action(ArgAction::SetTrue).help(Limits::ABOUT);
    // Branches and maps are written, so the command has a place for them.
    let command =
        Place::augment_args(settings::command::<Stability>()).about(Stability::ABOUT).long_about(None);
    let command = command.arg(form_option(flag));
    let command = with::<Limits>(command, LIMITS);
    let command = with::<Branch>(command, FOLLOW);
    let command = with::<Attractors>(command, ATTRACTORS);
    let command = with::<Map>(command, MAP);
    let last = command.get_arguments().count();
    command
        .mut_arg("out", |arg| {
            let help = "Folder for tables and a figure of --map or --follow [default: none is written]";
            arg.help(help).display_order(last)
        })
        .mut_arg("force", |arg| {
            arg.help("Replace tables of an earlier one").requires("out").display_order(last + 1)
        })
}

/// Answers what a command line asks.
///
/// # Errors
/// Those of the question; a folder for one that writes no tables.
pub fn run(matches: &ArgMatches, given: &Given, watch: &dyn Observer) -> Result<Done, Failure> {
    let is = |option: &str| matches.value_source(option) == Some(ValueSource::CommandLine);
    if is(MAP) {
        return asked::<Map>(matches, given, watch);
    }
    if is(FOLLOW) {
        return asked::<Branch>(matches, given, watch);
    }
    if Place::from_arg_matches(matches).map_err(Failure::input)?.out.is_some() {
        return Err(Failure::input(anyhow!("--out: tables are written by --map and --follow alone")));
    }
    match () {
        () if is(LIMITS) => asked::<Limits>(matches, given, watch),
        () if is(ATTRACTORS) => asked::<Attractors>(matches, given, watch),
        () => asked::<Stability>(matches, given, watch),
    }
}

/// The command with what the settings of a form add to it; all but the option that asks for the form want
/// that option.
fn with<S: Study>(command: Command, option: &'static str) -> Command {
    let form = S::augment_args(Command::new(S::NAME));
    form.get_arguments().fold(command, |command, arg| {
        if command.get_arguments().any(|known| known.get_id() == arg.get_id()) {
            return command;
        }
        let order = command.get_arguments().count();
        let arg = if arg.get_id() == option {
            form_option(arg.clone().required(false))
        } else {
            // Clap wants no option that another one excludes: beside another form it would be ignored.
            let others = FORMS.into_iter().filter(|other| *other != option);
            arg.clone().requires(option).conflicts_with_all(others)
        };
        command.arg(arg.display_order(order))
    })
}

/// An option that asks for a form, one of which there is at a time.
fn form_option(arg: Arg) -> Arg {
    arg.group(FORM)
}
