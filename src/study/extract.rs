//! A circuit file made of a user's subcircuit, which ngspice runs.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::text::rounded;
use super::{Done, Failure};
use crate::record::RecordError;
use crate::record::atomic::write_together;
use crate::spice::{Extraction, SpiceError, Subcircuit, writable_name};
use dyadsim_core::noise::thermal::psd;
use dyadsim_core::spec::{load_circuit, nearest, read_text};
use dyadsim_core::units::{self, Kind, engineering};

/// Most points of a sweep.
const MOST_POINTS: i64 = 10_000;

/// What is extracted.
#[derive(Clone, Debug, Args)]
pub struct Extract {
    /// File with the subcircuit and its models
    #[arg(value_name = "NETLIST")]
    netlist: PathBuf,
    /// Name of the subcircuit
    #[arg(long, value_name = "NAME")]
    subckt: String,
    /// Port that is driven
    #[arg(long, value_name = "PORT")]
    input: String,
    /// Port that is read
    #[arg(long, value_name = "PORT")]
    output: String,
    /// Port of the capacitor that integrates [default: the output]
    #[arg(long, value_name = "PORT")]
    state: Option<String>,
    /// A port held at a voltage, such as a supply (repeatable)
    #[arg(long, value_name = "PORT=VOLTAGE", value_parser = held)]
    hold: Vec<(String, f64)>,
    /// First input of the sweep
    #[arg(long, value_name = "VOLTAGE", default_value = "-300 mV", value_parser = volts)]
    from: f64,
    /// Last input of the sweep
    #[arg(long, value_name = "VOLTAGE", default_value = "300 mV", value_parser = volts)]
    to: f64,
    /// Points of the sweep
    #[arg(long, value_name = "N", default_value_t = 121, value_parser = count(MOST_POINTS))]
    points: i64,
    /// Capacitor of a compartment, which with the time constant makes its leak
    #[arg(long, value_name = "CAPACITANCE", default_value = "200 fF", value_parser = farads)]
    capacitance: f64,
    /// Temperature (K)
    #[arg(long, value_name = "K", default_value_t = 300.0)]
    temperature: f64,
    /// Copies of the subcircuit whose devices differ, for the spread of its offset
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=10_000))]
    chips: Option<u32>,
    /// Parameter of the netlist that is 1 where devices differ
    #[arg(long, value_name = "PARAM", default_value = "chips", requires = "chips")]
    spread: String,
    /// Folder of the files, made if need be
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Replace files of that name
    #[arg(long)]
    force: bool,
}

impl Extract {
    /// Runs the subcircuit and writes its circuit file, its curve and its noise.
    ///
    /// # Errors
    /// A netlist without the subcircuit, ports that it has not, no ngspice, a run that failed; files that are
    /// there already or cannot be written.
    pub fn write(&self, seed: Option<u32>) -> Result<Done, Failure> {
        let ports = self.ports()?;
        let state = self.state.as_deref().unwrap_or(&self.output);
        self.check(&ports, state)?;
        let files = ["toml", "csv", "noise.csv"].map(|end| self.out.join(format!("{}.{end}", self.subckt)));
        self.refuse_old(&files)?;
        let netlist = std::path::absolute(&self.netlist).map_err(Failure::input)?;
        let (input, output) = (self.input.as_str(), self.output.as_str());
        let points = usize::try_from(self.points).map_err(Failure::input)?;
        let (sweep, temperature) = ((self.from, self.to), self.temperature);
        let (netlist, ports, held) = (netlist.as_path(), ports.as_slice(), self.hold.as_slice());
        let name = self.subckt.as_str();
        let spread = self.chips.map(|chips| (chips as usize, self.spread.as_str(), seed.unwrap_or(1)));
        let tested = Subcircuit {
            netlist,
            name,
            ports,
            input,
            output,
            state,
            held,
            sweep,
            points,
            temperature,
            spread,
        };
        let found = tested.extract().map_err(|error| match error {
            SpiceError::Missing { .. } => Failure::input(error),
            _ => Failure::running(error),
        })?;
        let texts = [self.circuit(&found), table(&found.curve, CURVE), table(&found.spectrum, NOISE)];
        let create = |reason| RecordError::Io { action: "create", path: self.out.clone(), reason };
        std::fs::create_dir_all(&self.out).map_err(|reason| Failure::input(create(reason)))?;
        let whole: Vec<_> = files.iter().cloned().zip(texts.map(String::into_bytes)).collect();
        write_together(&whole).map_err(Failure::running)?;
        load_circuit(&files[0], &[]).map_err(Failure::running)?;
        Ok(self.done(&found, &files))
    }

    /// Ports of the subcircuit in their order.
    fn ports(&self) -> Result<Vec<String>, Failure> {
        writable_name(&self.subckt).map_err(Failure::input)?;
        let unreadable = |reason| anyhow!("{}: cannot be read ({reason})", self.netlist.display());
        let text = read_text(&self.netlist).map_err(|reason| Failure::input(unreadable(reason)))?;
        let mut found = subcircuits(&text);
        found.remove(&self.subckt.to_lowercase()).ok_or_else(|| {
            let near = nearest(&self.subckt, found.keys().map(String::as_str));
            let meant = near.map(|near| format!("\n  did you mean `{near}`?")).unwrap_or_default();
            let names: Vec<String> = found.keys().map(|name| format!("`{name}`")).collect();
            let names = if names.is_empty() { "it has no `.subckt`".into() } else { names.join(", ") };
            Failure::input(anyhow!(
                "--subckt {}: no such subcircuit in {}\n  accepted: {names}{meant}",
                self.subckt,
                self.netlist.display()
            ))
        })
    }

    /// Refuses ports that are not there, that have no voltage or two, and a sweep that is none.
    fn check(&self, ports: &[String], state: &str) -> Result<(), Failure> {
        let known = |port: &str| ports.iter().any(|known| known.eq_ignore_ascii_case(port));
        let all = ports.iter().map(|port| format!("`{port}`")).collect::<Vec<_>>().join(", ");
        let named = [("--input", self.input.as_str()), ("--output", &self.output), ("--state", state)];
        for (option, port) in
            named.into_iter().chain(self.hold.iter().map(|(port, _)| ("--hold", port.as_str())))
        {
            if !known(port) {
                let near = nearest(port, ports.iter().map(String::as_str));
                let meant = near.map(|near| format!("\n  did you mean `{near}`?")).unwrap_or_default();
                return Err(Failure::input(anyhow!(
                    "{option} {port}: no port of `{}`\n  accepted: {all}{meant}",
                    self.subckt
                )));
            }
        }
        let held = |port: &str| self.hold.iter().filter(|(held, _)| held.eq_ignore_ascii_case(port)).count();
        for port in ports {
            let read = named.iter().any(|(_, named)| named.eq_ignore_ascii_case(port));
            let wrong = match (read, held(port)) {
                (false, 0) => "has no voltage",
                (true, 0) | (false, 1) => continue,
                _ => "has more than one voltage",
            };
            return Err(Failure::input(anyhow!(
                "port `{port}` of `{}` {wrong}\n  accepted: --hold {port}=VOLTAGE, once for each port that is neither \
                 driven nor read",
                self.subckt
            )));
        }
        let sweep = self.to - self.from;
        if self.temperature > 0.0 && sweep.is_finite() && sweep > 0.0 {
            return Ok(());
        }
        Err(Failure::input(anyhow!(
            "--from {} --to {} --temperature {}\n  accepted: a sweep that rises, a temperature above 0 K",
            self.from,
            self.to,
            self.temperature
        )))
    }

    fn refuse_old(&self, files: &[PathBuf]) -> Result<(), Failure> {
        match files.iter().find(|path| path.symlink_metadata().is_ok()) {
            Some(path) if !self.force => Err(Failure::input(anyhow!(
                "{} exists; --force replaces it, or choose another --out",
                path.display()
            ))),
            _ => Ok(()),
        }
    }

    /// Leak of a compartment (S).
    fn leak(&self, found: &Extraction) -> f64 {
        self.capacitance / found.time_constant
    }

    /// Excess-noise factor: the noise over that of a resistor of the leak.
    fn excess(&self, found: &Extraction) -> f64 {
        found.white * self.leak(found) / psd(self.temperature, 1.0, 1.0)
    }

    /// The circuit file.
    fn circuit(&self, found: &Extraction) -> String {
        let Extraction { version, offset, time_constant, delay, .. } = found;
        let name = &self.subckt;
        let mut text = format!(
            "# Extracted from the subcircuit `{name}` by `dyadsim devices extract`, {version}.\n\
             # Time constant {}, output {} later; output at an input of 0 V: {}.\n\n\
             name = \"{name}\"\ntemperature = \"{} K\"\n\n[neuron]\ncapacitance = \"{}\"\nleak = \"{}\"\n",
            rounded(*time_constant, "s"),
            rounded(*delay, "s"),
            rounded(*offset, "V"),
            self.temperature,
            engineering(self.capacitance, "F"),
            engineering(self.leak(found), "S"),
        );
        for key in ["activation", "output_activation"] {
            // Writing to a `String` cannot fail, here and below.
            let _ = writeln!(text, "{key} = {{ kind = \"table\", file = \"{name}.csv\" }}");
        }
        if let Some((_, spread)) = spread(&found.offsets) {
            // Of the difference of two.
            let pair = std::f64::consts::SQRT_2 * spread;
            let _ = write!(text, "\n[mismatch]\noffset_dtod = \"{}\"\n", engineering(pair, "V"));
        }
        if let Some(range) = found.range {
            let _ = write!(text, "\n[transconductor]\nrange = \"{}\"\n", engineering(range, "V"));
        }
        let _ = write!(text, "\n[noise.thermal]\nexcess = {:?}\n", self.excess(found));
        if let Some(corner) = found.corner {
            let _ = write!(text, "\n[noise.flicker]\ncorner = \"{}\"\n", engineering(corner, "Hz"));
        }
        text + "\n[solver]\nkind = \"exponential-heun\"\nstep = 0.1\n"
    }

    /// What is said of it.
    fn done(&self, found: &Extraction, files: &[PathBuf]) -> Done {
        let range = found.range.map(|range| format!(", range {}", rounded(range, "V"))).unwrap_or_default();
        let words = format!(
            "{}\n{}: {} points, offset {}, time constant {} and {} more at the output{range}, noise {} V²/Hz (excess {:.2})\n",
            files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join("\n"),
            self.subckt,
            found.curve.len(),
            rounded(found.offset, "V"),
            rounded(found.time_constant, "s"),
            rounded(found.delay, "s"),
            format_args!("{:.2e}", found.white),
            self.excess(found),
        );
        let spread = spread(&found.offsets);
        let told = spread.map(|(mean, spread)| {
            let (count, spread) = (found.offsets.len(), rounded(spread, "V"));
            format!("offsets of {count} copies: mean {}, standard deviation {spread}\n", rounded(mean, "V"))
        });
        let words = words + &told.unwrap_or_default();
        let document = json!({
            "files": files, "subcircuit": self.subckt, "ngspice": found.version, "points": found.curve.len(),
            "offset": found.offset, "time_constant": found.time_constant, "delay": found.delay,
            "slew": found.slew, "range": found.range, "white": found.white, "corner": found.corner,
            "leak": self.leak(found), "excess": self.excess(found),
            "copies": found.offsets.len(), "offset_mean": spread.map(|s| s.0), "offset_std": spread.map(|s| s.1),
        });
        Done { words, document, holds: true }
    }
}

/// Mean and standard deviation of offsets (V), if there are some.
fn spread(offsets: &[f64]) -> Option<(f64, f64)> {
    let count = offsets.len() as f64;
    let mean = offsets.iter().sum::<f64>() / count;
    let squares: f64 = offsets.iter().map(|offset| (offset - mean).powi(2)).sum();
    (offsets.len() > 1).then(|| (mean, (squares / (count - 1.0)).sqrt()))
}

/// Header of the curve.
const CURVE: &str = "v_in (V),v_out (V)";
/// Header of the noise.
const NOISE: &str = "frequency (Hz),input_noise (V^2/Hz)";

/// Pairs of numbers as CSV.
fn table(rows: &[(f64, f64)], header: &str) -> String {
    let row = |(x, y): &(f64, f64)| format!("{x:?},{y:?}\n");
    format!("{header}\n{}", rows.iter().map(row).collect::<String>())
}

/// A number of points, at most so many.
fn count(most: i64) -> clap::builder::RangedI64ValueParser<i64> {
    clap::value_parser!(i64).range(5..=most)
}

/// Subcircuits of a netlist by name, in small letters, with their ports.
fn subcircuits(text: &str) -> BTreeMap<String, Vec<String>> {
    let joined = text.replace("\r\n", "\n").replace("\n+", " ");
    let cards = joined.lines().filter(|line| line.to_lowercase().trim_start().starts_with(".subckt"));
    let named = cards.filter_map(|card| {
        let mut words = card.split_whitespace().skip(1);
        let name = words.next()?.to_lowercase();
        let is_port = |word: &&str| !word.contains('=') && !word.to_lowercase().starts_with("params:");
        Some((name, words.take_while(is_port).map(str::to_owned).collect()))
    });
    named.collect()
}

/// A voltage: a number, or text with its unit.
fn volts(text: &str) -> Result<f64, String> {
    quantity(text, Kind::Voltage)
}

/// A capacitance above zero.
fn farads(text: &str) -> Result<f64, String> {
    let value = quantity(text, Kind::Capacitance)?;
    if value > 0.0 { Ok(value) } else { Err("accepted: a capacitance above 0 F".into()) }
}

fn quantity(text: &str, kind: Kind) -> Result<f64, String> {
    let plain = text.trim().parse::<f64>().ok();
    let value = plain.map_or_else(|| units::parse(text, kind).map_err(|error| error.to_string()), Ok)?;
    if value.is_finite() { Ok(value) } else { Err(format!("accepted: a finite {}", kind.name())) }
}

/// `PORT=VOLTAGE`.
fn held(text: &str) -> Result<(String, f64), String> {
    let (port, value) = text.split_once('=').ok_or("accepted: PORT=VOLTAGE, for example vdd=0.9")?;
    Ok((port.trim().to_owned(), volts(value)?))
}
