//! The program: parse, run, exit.

use std::process::ExitCode;

/// Batches come and go by the thousand; the system's allocator returns their pages and faults them in again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    dyadsim::cli::main(dyadsim_commit::commit!())
}
