//! A user's subcircuit run in ngspice, and what a circuit file needs of it: its curve, offset, noise, time
//! constant and slew rate.
//!
//! The subcircuit stands between a voltage source at its input and nothing at its output. What bites:
//! `.noise` tells the gain, too, as the quotient of output and input noise, so the bandwidth that the step
//! needs for its length comes from there, and nobody has to guess it.

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
/// A step that takes at most this many times as long as a linear one tells no slewing.
const LINEAR: f64 = 1.05;

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
    /// Copies whose devices differ, the parameter of the netlist that lets them, and the seed.
    pub spread: Option<(usize, &'a str, u32)>,
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
    /// How fast the state moves in the second quarter of a step over the whole sweep (V/s).
    pub slew: f64,
    /// Range of a transconductor that takes as long (V), if that is longer than a linear one.
    pub range: Option<f64>,
    /// Noise at the output, as noise at the input (V²/Hz): frequency (Hz) and density.
    pub spectrum: Vec<(f64, f64)>,
    /// Its white part (V²/Hz).
    pub white: f64,
    /// Where flicker noise is as large (Hz), if there is some.
    pub corner: Option<f64>,
    /// Offsets of the copies whose devices differ from the one whose do not, as offsets of the input (V).
    pub offsets: Vec<f64>,
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
        let quarter = self.step(self.sweep, guess)?.second_quarter(self.state)?;
        let height = self.sweep.1 - self.sweep.0;
        let slew = 0.25 * height / quarter;
        let range = share_of(quarter / time_constant).map(|share| height / share);
        let (white, flicker) = noise.parts(corner);
        let lowest = BAND.0;
        let corner = (flicker > white * lowest).then(|| flicker / white);
        let spectrum = noise.spectrum;
        let steepness = (y1 - y0) / (x1 - x0);
        let offsets = self.outputs()?.into_iter().map(|output| (output - offset) / steepness).collect();
        Ok(Extraction {
            version,
            curve,
            offset,
            time_constant,
            delay,
            slew,
            range,
            spectrum,
            white,
            corner,
            offsets,
        })
    }

    /// Outputs (V) of copies whose devices differ, in the middle of the sweep.
    fn outputs(&self) -> Result<Vec<f64>, SpiceError> {
        let Some((copies, parameter, seed)) = self.spread else { return Ok(Vec::new()) };
        let mut deck = self.head(&format!("DC {}", literal(self.middle())));
        deck += &format!(".param {parameter}=1\n.options seed={seed}\n");
        let output = |copy: usize| format!("port_out{copy}");
        for copy in 0..copies {
            let shared = |port: &String| self.input.eq_ignore_ascii_case(port) || self.held(port).is_some();
            let own = |port: &String| match port {
                port if self.output.eq_ignore_ascii_case(port) => output(copy),
                port if shared(port) => node(port),
                port => format!("{}_{copy}", node(port)),
            };
            let nodes: Vec<String> = self.ports.iter().map(own).collect();
            deck += &format!("Xtested{copy} {} {}\n.save {}\n", nodes.join(" "), self.name, output(copy));
        }
        let found = run(&(deck + ".op\n.end\n"), &|_| ())?;
        (0..copies)
            .map(|copy| Ok(found.raw.point(0)[found.raw.place(&format!("v({})", output(copy)))?]))
            .collect()
    }

    /// The voltage that holds a port (V).
    fn held(&self, port: &str) -> Option<f64> {
        self.held.iter().find(|(held, _)| held.eq_ignore_ascii_case(port)).map(|(_, volts)| *volts)
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
        let curve = columns(&found, &[&node(self.input), &node(self.output)])?;
        Ok((found.version, curve.into_iter().map(|point| (point[0], point[1])).collect()))
    }

    fn noise(&self, port: &str) -> Result<Noise, SpiceError> {
        let (first, last, count) = BAND;
        let source = format!("DC {} AC 1", literal(self.middle()));
        let node = node(port);
        let card = format!(".noise v({node}) Vinput dec {count} {} {}", literal(first), literal(last));
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
            let rows = columns(&found, &["time", &node(port)])?;
            Ok(rows.into_iter().map(|row| (row[0], row[1])).collect())
        };
        let ports =
            vec![(self.state.to_owned(), of(self.state)?), (self.output.to_owned(), of(self.output)?)];
        Ok(Step { ports, start: unit + 0.5 * rise })
    }

    /// The netlist with the sources at its ports.
    fn head(&self, source: &str) -> String {
        let mut deck = format!("* {}\n.include \"{}\"\n", self.name, self.netlist.display());
        deck += &format!(
            ".options temp={} reltol=1e-6 vntol=1e-9 abstol=1e-16 chgtol=1e-19 gmin=1e-15\n",
            literal(self.temperature - 273.15)
        );
        deck += &format!("Vinput {} 0 {source}\n", node(self.input));
        for (number, (port, volts)) in self.held.iter().enumerate() {
            deck += &format!("Vheld{number} {} 0 DC {}\n", node(port), literal(*volts));
        }
        deck
    }

    fn run(&self, source: &str, analysis: &str) -> Result<SimulatorRun, SpiceError> {
        let mut deck = self.head(source);
        let nodes: Vec<String> = self.ports.iter().map(|port| node(port)).collect();
        deck += &format!("Xtested {} {}\n{analysis}\n", nodes.join(" "), self.name);
        if !analysis.starts_with(".noise") {
            let saved: Vec<String> = [self.input, self.state, self.output].map(node).to_vec();
            deck += &format!(".save {}\n", saved.join(" "));
        }
        run(&(deck + ".end\n"), &|_| ())
    }
}

/// The node of a port.
fn node(port: &str) -> String {
    format!("port_{}", port.to_lowercase())
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
}

impl Step {
    fn of(&self, port: &str) -> &[(f64, f64)] {
        self.ports.iter().find(|(name, _)| name == port).map_or(&[], |(_, points)| points)
    }

    /// By how much a port is later than the input (s): `∫ (1 − y) dt` of its response (Elmore, *J. Appl.
    /// Phys.* 19, 55, 1948), which is the time constant of a single pole, and the sum of several.
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

    /// Time from a quarter of a port's way to half of it (s).
    fn second_quarter(&self, port: &str) -> Result<f64, SpiceError> {
        let points = self.of(port);
        let (first, last) = (points[0].1, points[points.len() - 1].1);
        let crossing = |share: f64| {
            let at = |y: f64| (y - first) / (last - first);
            let pair = points.windows(2).find(|p| at(p[0].1) < share && at(p[1].1) >= share)?;
            let [(t0, y0), (t1, y1)] = [pair[0], pair[1]];
            Some(t0 + (t1 - t0) * (share - at(y0)) / (at(y1) - at(y0)))
        };
        let time = crossing(0.5).zip(crossing(0.25)).map(|(half, quarter)| half - quarter);
        time.filter(|time| *time > 0.0).ok_or_else(|| SpiceError::Raw {
            reason: format!("has a port `{port}` that does not answer a step"),
        })
    }
}

/// Height of a step in ranges `V_s` of `τ dv/dt = V_s tanh((u − v)/V_s)`, whose second quarter takes `time`
/// (τ).
///
/// `sinh((u − v)/V_s)` decays exponentially: the time is `ln sinh(¾ x) − ln sinh(½ x)` at a height of `x
/// V_s`, `ln 1.5` of a linear one.
fn share_of(time: f64) -> Option<f64> {
    let log_sinh = |y: f64| y + (-(-2.0 * y).exp()).ln_1p();
    let taken = |x: f64| log_sinh(0.75 * x) - log_sinh(0.5 * x);
    if time < LINEAR * 1.5_f64.ln() {
        return None;
    }
    let (mut low, mut high) = (1e-3, 4.0 * time + 8.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if taken(middle) < time { low = middle } else { high = middle }
    }
    Some(low)
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
        let step = Step { ports: vec![("p".into(), points)], start: tau };
        // The trapezoidal rule on 400 points a time constant: 1/(12 · 400²).
        assert!((step.late("p").unwrap() / tau - 1.0).abs() < 1e-6);
        // Straight lines between points: 1/(8 · 400²) of the way, twice, over a slope of half.
        assert!((step.second_quarter("p").unwrap() / tau - 1.5_f64.ln()).abs() < 1e-5);
    }

    #[test]
    fn a_range_is_that_of_a_saturating_step() {
        // τ = 1, V_s = 0.07, a step of 0.42 = 6 V_s, in short steps of the midpoint rule.
        let (range, height, h) = (0.07_f64, 0.42_f64, 1e-4);
        let rate = |v: f64| range * ((height - v) / range).tanh();
        let mut v = 0.0;
        let mut points = vec![(0.0, 0.0)];
        for i in 1..=250_000 {
            v += h * rate(v + 0.5 * h * rate(v));
            points.push((f64::from(i) * h, v));
        }
        let step = Step { ports: vec![("p".into(), points)], start: 0.0 };
        let found = height / share_of(step.second_quarter("p").unwrap()).unwrap();
        // The rule is wrong by h², a straight line between points by less.
        assert!((found / range - 1.0).abs() < 1e-6, "{found}");
        assert_eq!(share_of(1.5_f64.ln()), None);
    }
}
