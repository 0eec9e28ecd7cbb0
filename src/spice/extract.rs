//! A user's subcircuit run in ngspice, and what a circuit file needs of it: its curve, offset, noise, time
//! constant and slew rate.
//!
//! The subcircuit stands between a voltage source at its input and nothing at its output. What bites: `.noise`
//! tells the gain, too, as the quotient of output and input noise, so the bandwidth that the step needs for its
//! length comes from there, and nobody has to guess it.

use std::path::Path;

use super::SpiceError;
use super::name::literal;
use super::ngspice::{SimulatorRun, run};

/// Noise is asked for from and to these (Hz), at so many frequencies a decade.
const BAND: (f64, f64, u32) = (1.0, 1e11, 10);
/// Steps last so many time constants, each in so many points.
const STEP: (f64, f64) = (20.0, 400.0);
/// A small step, as a part of the sweep.
const SMALL: f64 = 2e-3;
/// A rate that is this part of what a linear one would be tells no slewing.
const LINEAR: f64 = 0.9;

/// A subcircuit and how it is to be driven.
#[derive(Clone, Debug)]
pub struct Subcircuit<'a> {
    /// The file with its netlist, from the root.
    pub netlist: &'a Path,
    /// Its name.
    pub name: &'a str,
    /// Its ports in their order.
    pub ports: &'a [String],
    /// The port that is driven.
    pub input: &'a str,
    /// The port that is read.
    pub output: &'a str,
    /// The port whose capacitor integrates.
    pub state: &'a str,
    /// Ports that are held at a voltage (V).
    pub held: &'a [(String, f64)],
    /// The sweep of the input (V).
    pub sweep: (f64, f64),
    /// Points of the sweep.
    pub points: usize,
    /// Temperature (K).
    pub temperature: f64,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Extraction {
    /// Version of ngspice.
    pub version: String,
    /// Input and output (V), in rising order of the input.
    pub curve: Vec<(f64, f64)>,
    /// Output at an input of 0 V (V), or in the middle of a sweep without it.
    pub offset: f64,
    /// Time constant of the state (s): the time by which a small step is late.
    pub time_constant: f64,
    /// By how much the output is later than the state (s).
    pub delay: f64,
    /// Most that the state moves (V/s), in a step over the whole sweep.
    pub slew: f64,
    /// Range of a transconductor with that slew rate (V), if it is less than a linear one's.
    pub range: Option<f64>,
    /// Noise at the output, as noise at the input (V²/Hz): frequency (Hz) and density.
    pub spectrum: Vec<(f64, f64)>,
    /// Its white part (V²/Hz).
    pub white: f64,
    /// Where flicker noise is as large (Hz), if there is some.
    pub corner: Option<f64>,
}

impl Subcircuit<'_> {
    /// Runs the subcircuit and reads what a circuit file needs.
    ///
    /// # Errors
    /// No ngspice, a run that failed, an output that does not hear the input.
    pub fn extract(&self) -> Result<Extraction, SpiceError> {
        let (version, curve) = self.curve()?;
        let middle = self.middle();
        let below = curve.partition_point(|(x, _)| *x < middle).clamp(1, curve.len() - 1);
        let [(x0, y0), (x1, y1)] = [curve[below - 1], curve[below]];
        let offset = y0 + (y1 - y0) * (middle - x0) / (x1 - x0);
        let corner = self.noise(self.state)?.corner()?;
        let noise = self.noise(self.output)?;
        let guess = 1.0 / (std::f64::consts::TAU * corner);
        let height = SMALL * (self.sweep.1 - self.sweep.0);
        let small = self.step((middle, middle + height), guess)?;
        let time_constant = small.late(self.state)?;
        let delay = small.late(self.output)? - time_constant;
        let slew = self.step(self.sweep, guess)?.fastest(self.state)?;
        let range = range_of(slew * time_constant, self.sweep.1 - self.sweep.0);
        let (white, flicker) = noise.parts(corner);
        let lowest = BAND.0;
        let corner = (flicker > white * lowest).then(|| flicker / white);
        let spectrum = noise.spectrum;
        Ok(Extraction { version, curve, offset, time_constant, delay, slew, range, spectrum, white, corner })
    }

    /// 0 V, or the middle of a sweep without it.
    fn middle(&self) -> f64 {
        let (low, high) = self.sweep;
        if low < 0.0 && high > 0.0 { 0.0 } else { f64::midpoint(low, high) }
    }

    /// Version of ngspice, and the output over the input.
    fn curve(&self) -> Result<(String, Vec<(f64, f64)>), SpiceError> {
        let (low, high) = self.sweep;
        let step = (high - low) / (self.points - 1) as f64;
        // The last point must not fall behind the end by rounding.
        let end = literal(high + 0.25 * step);
        let middle = format!("DC {}", literal(self.middle()));
        let card = format!(".dc Vinput {} {end} {}", literal(low), literal(step));
        let found = self.run(&middle, &card)?;
        let curve = columns(&found, &[&self.node(self.input), &self.node(self.output)])?;
        Ok((found.version, curve.into_iter().map(|point| (point[0], point[1])).collect()))
    }

    fn noise(&self, port: &str) -> Result<Noise, SpiceError> {
        let (first, last, count) = BAND;
        let source = format!("DC {} AC 1", literal(self.middle()));
        let node = self.node(port);
        let card = format!(".noise {node} Vinput dec {count} {} {}", literal(first), literal(last));
        let rows = columns(&self.run(&source, &card)?, &["frequency", "inoise_spectrum", "onoise_spectrum"])?;
        // Densities are roots, V/√Hz, of the input and of the output.
        let spectrum = rows.iter().map(|row| (row[0], row[1] * row[1])).collect();
        let gain = rows.iter().map(|row| (row[0], row[2] / row[1])).collect();
        Ok(Noise { spectrum, gain })
    }

    /// A step of the input, which comes after one `unit` (s).
    fn step(&self, (from, to): (f64, f64), unit: f64) -> Result<Step, SpiceError> {
        let (length, points) = STEP;
        let rise = unit / points;
        let end = unit * (1.0 + length);
        let [from, to, start, rising] = [from, to, unit, rise].map(literal);
        let source = format!("PWL(0 {from} {start} {from} {} {to})", literal(unit + rise));
        let card = format!(".tran {rising} {} 0 {rising}", literal(end));
        let found = self.run(&source, &card)?;
        let of = |port: &str| -> Result<Vec<(f64, f64)>, SpiceError> {
            let rows = columns(&found, &["time", &self.node(port)])?;
            Ok(rows.into_iter().map(|row| (row[0], row[1])).collect())
        };
        let ports =
            vec![(self.state.to_owned(), of(self.state)?), (self.output.to_owned(), of(self.output)?)];
        Ok(Step { ports, start: unit + 0.5 * rise, end: unit + rise })
    }

    fn run(&self, source: &str, analysis: &str) -> Result<SimulatorRun, SpiceError> {
        let mut deck = format!("* {}\n.include \"{}\"\n", self.name, self.netlist.display());
        deck += &format!(
            ".options temp={} reltol=1e-6 vntol=1e-9 abstol=1e-16 chgtol=1e-19 gmin=1e-15\n",
            literal(self.temperature - 273.15)
        );
        deck += &format!("Vinput {} 0 {source}\n", self.node(self.input));
        for (number, (port, volts)) in self.held.iter().enumerate() {
            deck += &format!("Vheld{number} {} 0 DC {}\n", self.node(port), literal(*volts));
        }
        let nodes: Vec<String> = self.ports.iter().map(|port| self.node(port)).collect();
        deck += &format!("Xtested {} {}\n{analysis}\n", nodes.join(" "), self.name);
        if !analysis.starts_with(".noise") {
            let saved: Vec<String> =
                [self.input, self.state, self.output].map(|port| self.node(port)).to_vec();
            deck += &format!(".save {}\n", saved.join(" "));
        }
        run(&(deck + ".end\n"), &|_| ())
    }

    /// The voltage of a port as a card and a result name it.
    fn node(&self, port: &str) -> String {
        format!("port_{}", port.to_lowercase())
    }
}

/// Columns of a result by name: voltages of nodes, and what is no node.
fn columns(found: &SimulatorRun, names: &[&str]) -> Result<Vec<Vec<f64>>, SpiceError> {
    let raw = &found.raw;
    let named =
        |name: &&str| if name.starts_with("port_") { format!("v({name})") } else { (*name).to_owned() };
    let places: Vec<usize> = names.iter().map(|name| raw.place(&named(name))).collect::<Result<_, _>>()?;
    let row = |index: usize| places.iter().map(|place| raw.point(index)[*place]).collect();
    let rows: Vec<Vec<f64>> = (0..raw.points()).map(row).collect();
    if rows.len() < 2 {
        return Err(SpiceError::Raw { reason: "has less than two points".into() });
    }
    Ok(rows)
}

/// Noise and gain over frequency (Hz).
struct Noise {
    spectrum: Vec<(f64, f64)>,
    gain: Vec<(f64, f64)>,
}

impl Noise {
    /// Frequency (Hz) at which the gain has fallen by √2.
    fn corner(&self) -> Result<f64, SpiceError> {
        let none = |reason: &str| SpiceError::Raw { reason: reason.to_owned() };
        let least = self.gain[0].1 / std::f64::consts::SQRT_2;
        if !(least.is_finite() && least > 1e-6) {
            return Err(none("has no gain from the input: the port that is read does not hear it"));
        }
        let after = self.gain.iter().position(|(_, gain)| *gain < least);
        let after = after.ok_or_else(|| none("has a gain that does not fall up to 100 GHz"))?;
        let [(f0, g0), (f1, g1)] = [self.gain[after - 1], self.gain[after]];
        let share = (g0 / least).ln() / (g0 / g1).ln();
        Ok(f0 * (f1 / f0).powf(share))
    }

    /// White noise (V²/Hz) and flicker noise at 1 Hz (V²/Hz), of `W + K/f` through the density at the lowest
    /// frequency and at a tenth of the `corner` of the gain (Hz).
    fn parts(&self, corner: f64) -> (f64, f64) {
        let (f0, s0) = self.spectrum[0];
        let within = self.spectrum.partition_point(|(f, _)| *f <= 0.1 * corner).max(2);
        let (f1, s1) = self.spectrum[within - 1];
        let flicker = (s0 - s1) / (1.0 / f0 - 1.0 / f1);
        (s1 - flicker / f1, flicker)
    }
}

/// A step: voltages of ports over time (s).
struct Step {
    ports: Vec<(String, Vec<(f64, f64)>)>,
    /// Middle of the rise (s).
    start: f64,
    /// End of the rise (s).
    end: f64,
}

impl Step {
    fn of(&self, port: &str) -> &[(f64, f64)] {
        self.ports.iter().find(|(name, _)| name == port).map_or(&[], |(_, points)| points)
    }

    /// By how much a port is later than the input (s): `∫ (1 − y) dt` of its response (Elmore, *J. Appl. Phys.*
    /// 19, 55, 1948), which is the time constant of a single pole, and the sum of several.
    fn late(&self, port: &str) -> Result<f64, SpiceError> {
        let points = self.of(port);
        let (first, last) = (points[0].1, points[points.len() - 1].1);
        let rest = |y: f64| (last - y) / (last - first);
        let area: f64 =
            points.windows(2).map(|p| 0.5 * (rest(p[0].1) + rest(p[1].1)) * (p[1].0 - p[0].0)).sum();
        let late = area - self.start;
        if late.is_finite() {
            return Ok(late);
        }
        Err(SpiceError::Raw { reason: format!("has a port `{port}` that does not answer a step") })
    }

    /// Most that a port moves once the input stands (V/s).
    fn fastest(&self, port: &str) -> Result<f64, SpiceError> {
        let after = |p: &&[(f64, f64)]| p[0].0 >= self.end;
        let rate = |p: &[(f64, f64)]| ((p[1].1 - p[0].1) / (p[1].0 - p[0].0)).abs();
        let fastest = self.of(port).windows(2).filter(after).map(rate).fold(0.0, f64::max);
        if fastest > 0.0 && fastest.is_finite() {
            return Ok(fastest);
        }
        Err(SpiceError::Raw { reason: format!("has a port `{port}` that does not answer a step") })
    }
}

/// Range `V_s` (V) of `V_s tanh(u/V_s)`, which moves by `pull` (V) at a step of `height` (V).
fn range_of(pull: f64, height: f64) -> Option<f64> {
    let slews = pull < LINEAR * height;
    slews.then(|| (0..60).fold(pull, |range, _| pull / (height / range).tanh()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_and_flicker_noise_are_parted() {
        let spectrum: Vec<_> =
            (0..80).map(|i| 10_f64.powf(0.1 * f64::from(i))).map(|f| (f, 3e-14 + 6e-12 / f)).collect();
        let noise = Noise { spectrum, gain: Vec::new() };
        let (white, flicker) = noise.parts(1e6);
        assert!((white / 3e-14 - 1.0).abs() < 1e-9 && (flicker / 6e-12 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_pole_has_its_corner_its_delay_and_its_slope() {
        let tau = 2e-6;
        let f = |i: i32| 10_f64.powf(0.1 * f64::from(i));
        let gain: Vec<_> =
            (0..100).map(|i| (f(i), 2.0 / (f(i) * std::f64::consts::TAU * tau).hypot(1.0))).collect();
        let corner = Noise { spectrum: Vec::new(), gain }.corner().unwrap();
        // Between points a tenth of a decade apart the logarithm of the gain is no straight line: 1 %.
        assert!((corner * std::f64::consts::TAU * tau - 1.0).abs() < 0.01, "{corner}");
        let wave = |t: f64| if t < tau { 0.0 } else { 1.0 - (-(t - tau) / tau).exp() };
        let points: Vec<_> =
            (0..8400).map(|i| f64::from(i) * tau / 400.0).map(|t| (t, 0.3 * wave(t))).collect();
        let step = Step { ports: vec![("p".into(), points)], start: tau, end: tau };
        // The trapezoidal rule on 400 points a time constant: 1/(12 · 400²).
        assert!((step.late("p").unwrap() / tau - 1.0).abs() < 1e-6);
        // The slope over the first four hundredth of it: 1/800 less than at its start.
        assert!((step.fastest("p").unwrap() * tau / 0.3 - 1.0).abs() < 1.3e-3);
    }

    #[test]
    fn a_range_is_that_whose_tanh_pulls_as_much() {
        let (range, height) = (0.07_f64, 0.12_f64);
        let found = range_of(range * (height / range).tanh(), height).unwrap();
        assert!((found - range).abs() < 1e-12, "{found}");
        assert_eq!(range_of(0.11, 0.12), None);
    }
}
