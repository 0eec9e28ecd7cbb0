//! The program: parse, run, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    dyadsim::cli::main()
}
