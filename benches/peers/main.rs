//! The same work in dyadsim and in the tools that its users would use otherwise, timed in turn, as ratios.
//!
//! `cargo bench --bench peers -- [--python PATH] [--cores 0,1] [--quick] [--write FILE] [cases]`
//!
//! Cases: equilibrium, transient, ep, gradient, spice, scaling, threads, memory; all of them by default. Every
//! case runs in a process of its own, held (through `taskset`, where there is one) to the cores that its
//! peers are held to. The peers live in a Python (`--python`, else `DYADSIM_PEERS_PYTHON`, else `python3`);
//! without them their rows are left out, loudly. What bites: a peer's process is resident and idle while ours
//! runs, so neither pays for the other's start.

mod ep;
mod equilibrium;
mod figure;
mod gradient;
mod judge;
mod memory;
mod net;
mod peer;
mod scaling;
mod setup;
mod spice;
mod threads;
mod timing;
mod transient;

use anyhow::Result;

use setup::Setup;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A case: its name, the numbers of cores that it runs on, and what it does.
struct Case {
    name: &'static str,
    cores: &'static [usize],
    run: fn(&Setup) -> Result<String>,
}

const CASES: [Case; 8] = [
    Case { name: "equilibrium", cores: &[1], run: equilibrium::run },
    Case { name: "transient", cores: &[1], run: transient::run },
    Case { name: "ep", cores: &[1], run: ep::run },
    Case { name: "gradient", cores: &[1, 2], run: gradient::run },
    Case { name: "spice", cores: &[1], run: spice::run },
    Case { name: "scaling", cores: &[1], run: scaling::run },
    Case { name: "threads", cores: &[2], run: threads::run },
    Case { name: "memory", cores: &[1], run: memory::run },
];

fn main() -> Result<()> {
    let setup = Setup::from_arguments()?;
    if let Some(name) = &setup.child {
        if let Some(case) = CASES.iter().find(|case| case.name == name) {
            print!("{}", (case.run)(&setup)?);
        }
        return Ok(());
    }
    if !setup.measures {
        return Ok(());
    }
    let mut text = setup.head();
    print!("{text}");
    setup.write(&text)?; // a place that cannot be written shows before the work is done
    for case in CASES.iter().filter(|case| setup.wants(case.name)) {
        for &cores in case.cores {
            let part = setup.in_child(case.name, cores);
            print!("{part}");
            text += &part;
            // After each case, so that an interrupted run leaves what it has measured.
            setup.write(&text)?;
        }
    }
    Ok(())
}
