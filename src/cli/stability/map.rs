//! `stability --map`: what becomes of a batch over any two settings.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use serde_json::json;

use super::super::axis::{self, Axis};
use super::super::builtin::find;
use super::super::inputs::{Files, Setup};
use super::super::output::conclude;
use super::super::progress;
use super::super::{Failure, Global, folder};
use super::Output;
use super::map_tables::{STEMS, SUMMARY, Written, tables, write};
use crate::analysis::beta_threshold;
use crate::analysis::map::{By, Node, Place, Plane, Survey};
use crate::chip::{Chip, Weights};
use crate::learn::nudged;
use crate::record::map_rows::MapCheck;
use crate::spec::{CIRCUITS, CircuitSpec, Override};
use crate::units::{percent, significant};

/// Settings that are no keys of a circuit: a factor of all weights, and the number of layers.
const GAIN: &str = "weights.gain";
/// See [`GAIN`].
const DEPTH: &str = "weights.depth";
/// Lines of coarse points along an axis, about.
const COARSE: usize = 16;

/// What a map is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Judge {
    /// Eigenvalues at the equilibrium, continued along the map
    Eigenvalues,
    /// Integration by the circuit's solver, from its start
    Integration,
    /// Both
    Both,
}

/// Flags of this mode.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub struct Flags {
    /// An axis of a map, given twice: any number of the circuit file, `weights.gain`, a factor of all weights, or
    /// `weights.depth`, layers in all, the last square layer below the outputs being there again and again
    #[arg(long, value_name = "KEY=FROM:TO:N[:log]", num_args = 1, group = "mode")]
    map: Vec<Axis>,
    /// What the map is judged by
    #[arg(long, value_enum, default_value_t = Judge::Both, requires = "map")]
    by: Judge,
    /// Integrate a random share of the points, too, and say how many the map has right
    #[arg(long, value_name = "SHARE", requires = "map", value_parser = share)]
    verify: Option<f64>,
}

impl Flags {
    /// Whether a map is asked for.
    pub fn is_asked(&self) -> bool {
        !self.map.is_empty()
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| "accepted: a number above 0, at most 1".into())
}

/// Draws a map.
///
/// # Errors
/// Axes that are not two, keys that are no numbers of a circuit, a folder that cannot be used.
pub fn run(
    global: &Global,
    (files, setup): (&Files, &Setup),
    arguments: &Flags,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let [x, y] = &arguments.map[..] else {
        return Err(Failure::input(anyhow!(
            "--map was given once or more than twice\n  accepted: two axes, --map nudge.alpha=0:1:100 --map nudge.beta=0.05:5:100:log"
        )));
    };
    axis::refuse_same("--map", &arguments.map)?;
    if let Some(gain) = arguments.map.iter().find(|axis| axis.key == GAIN && axis.at(0.0) < 0.0) {
        return Err(Failure::input(anyhow!(
            "--map {GAIN}: found {}\n  accepted: a factor of all weights, 0 or more",
            gain.at(0.0)
        )));
    }
    let by = match arguments.by {
        Judge::Eigenvalues => By::Eigenvalues,
        Judge::Integration => By::Integration,
        Judge::Both => By::Both,
    };
    let board = Board::new(global, files, setup, (x, y), by);
    board.check()?;
    let kind = folder::tables("stability", "a map", &STEMS, SUMMARY);
    let (study, out) = (output.claim(kind, files)?, output.out.as_deref());
    let started = Instant::now();
    let (plane, check) = global.on_threads(|| -> Result<_, Failure> {
        let shape = (board.xs.len(), board.ys.len());
        let stride = shape.0.max(shape.1).div_ceil(COARSE).max(1);
        let plane = Plane::survey(shape, stride, &board)?;
        let check =
            arguments.verify.map(|share| board.verify(&plane, share, global.seed.unwrap_or(0).into()));
        Ok((plane, check.transpose()?))
    })??;
    board.bar.finish_and_clear();
    let wall = started.elapsed().as_secs_f64();
    let written = tables(&board, &plane, check);
    if let Some(study) = study {
        folder::fill_plainly(study, &written.summary, |out| write(out, &written))?;
    }
    let document = json!({ "map": written.summary, "wall_s": wall, "folder": out });
    conclude(global, &summary(setup, &written, wall, out), &setup.named(document))
}

/// A circuit file with two settings left open.
pub struct Board<'a> {
    global: &'a Global,
    files: &'a Files,
    /// What is common to all points.
    pub setup: &'a Setup,
    /// First axis.
    pub x: &'a Axis,
    /// Second axis.
    pub y: &'a Axis,
    /// Values along the first.
    pub xs: Vec<f64>,
    /// Values along the second.
    pub ys: Vec<f64>,
    /// What points are judged by.
    pub by: By,
    bar: ProgressBar,
}

impl<'a> Board<'a> {
    fn new(
        global: &'a Global,
        files: &'a Files,
        setup: &'a Setup,
        (x, y): (&'a Axis, &'a Axis),
        by: By,
    ) -> Self {
        let (xs, ys) = (x.values(), y.values());
        let bar = progress::bar_of_at_most(global, xs.len() * ys.len(), "points");
        Self { global, files, setup, x, y, xs, ys, by, bar }
    }

    /// Tries every value of each axis, the other at its ends: what is refused there is refused before any work.
    fn check(&self) -> Result<(), Failure> {
        // Weights depend on each axis alone but for their product, which cannot fail.
        for &x in &self.xs {
            self.weights(x, self.ys[0])?;
        }
        for &y in &self.ys {
            self.weights(self.xs[0], y)?;
        }
        for (xs, ys) in [
            (&self.xs[..], [self.ys[0], self.ys[self.ys.len() - 1]]),
            (&[self.xs[0], self.xs[self.xs.len() - 1]], [self.ys[0]; 2]),
        ] {
            for &x in xs {
                for y in ys {
                    self.circuit(x, y)?;
                }
            }
        }
        for &y in &self.ys {
            self.circuit(self.xs[0], y)?;
        }
        Ok(())
    }

    /// The description at a point.
    fn circuit(&self, x: f64, y: f64) -> Result<CircuitSpec, Failure> {
        let mut settings = self.files.settings(self.global);
        for (axis, value) in [(self.x, x), (self.y, y)] {
            if ![GAIN, DEPTH].contains(&axis.key.as_str()) {
                settings.push(Override::new(&axis.key, value).by("--map"));
            }
        }
        let mut spec = find(CIRCUITS, &self.files.circuit)?.circuit(&settings)?;
        spec.mismatch.seed = spec.mismatch.seed.or(self.setup.spec.mismatch.seed);
        Ok(spec)
    }

    /// The weights at a point.
    fn weights(&self, x: f64, y: f64) -> Result<Weights<f64>, Failure> {
        let mut weights = self.setup.weights.clone();
        for (axis, value) in [(self.x, x), (self.y, y)] {
            match axis.key.as_str() {
                GAIN => weights = weights.scaled(value),
                DEPTH => weights = deepened(&weights, value)?,
                _ => (),
            }
        }
        Ok(weights)
    }

    /// Values at a place.
    fn values(&self, (i, j): Place) -> (f64, f64) {
        (self.xs[i], self.ys[j])
    }

    /// Looks at a point.
    fn look_by(&self, place: Place, by: By, near: Option<&Node>) -> Result<Node, Failure> {
        let (x, y) = self.values(place);
        let (spec, weights) = (self.circuit(x, y)?, self.weights(x, y)?);
        let chip = Chip::fabricate(&spec, &weights.network());
        let circuit = nudged(&chip, &weights, &self.setup.batch, &spec);
        self.bar.inc(1);
        Ok(Node::look(&circuit, &spec.solver, by, near))
    }

    /// The nudge at which a linear circuit loses its equilibrium, in closed form, at every value of the other axis; in fractional
    /// indices. Nothing if no axis is the nudge.
    pub fn closed_form(&self) -> Vec<(f64, f64)> {
        let beta = |axis: &Axis| axis.key.trim_start_matches("circuit.") == "nudge.beta";
        let along_y = beta(self.y);
        if !along_y && !beta(self.x) {
            return Vec::new();
        }
        let (others, own) = if along_y { (&self.xs, self.y) } else { (&self.ys, self.x) };
        let point = |(n, &value): (usize, &f64)| {
            let (x, y) = if along_y { (value, self.ys[0]) } else { (self.xs[0], value) };
            let spec = self.circuit(x, y).ok()?;
            let at = own.index(beta_threshold(&spec, &self.weights(x, y).ok()?)?)?;
            Some(if along_y { (n as f64, at) } else { (at, n as f64) })
        };
        others.iter().enumerate().filter_map(point).collect()
    }

    /// Holds the map against integration of a random share of its points.
    fn verify(&self, plane: &Plane<Node>, share: f64, seed: u64) -> Result<MapCheck, Failure> {
        super::map_check::verify(self, plane, share, seed, &|place| {
            self.look_by(place, By::Integration, None)
        })
    }
}

impl Survey<Node, Failure> for Board<'_> {
    fn look(&self, place: Place, near: Option<&Node>) -> Result<Node, Failure> {
        self.look_by(place, self.by, near)
    }

    fn differ(&self, one: &Node, other: &Node) -> bool {
        one.fate() != other.fate() || (self.by != By::Integration && one.is_stable() != other.is_stable())
    }
}

/// Weights of so many layers.
fn deepened(weights: &Weights<f64>, depth: f64) -> Result<Weights<f64>, Failure> {
    let least = weights.forward.len();
    let whole = (depth.fract() == 0.0 && depth >= least as f64).then_some(depth as usize);
    let Some(depth) = whole else {
        return Err(Failure::input(anyhow!(
            "`{DEPTH}`: found {depth}\n  accepted: whole numbers from {least}"
        )));
    };
    weights.deepened(depth).ok_or_else(|| {
        let network = weights.network().iter().map(ToString::to_string).collect::<Vec<_>>().join("-");
        Failure::input(anyhow!(
            "`{DEPTH}`: {network} has no square layer below its outputs that could be repeated"
        ))
    })
}

/// The result for people.
fn summary(setup: &Setup, written: &Written, wall: f64, out: Option<&std::path::Path>) -> String {
    let map = &written.summary;
    let share = percent(map.looked_at as f64 / map.points as f64, 1);
    let mut text = setup.headline();
    let axis = |a: &crate::record::map_rows::MapAxis| {
        format!("{} {} to {}, {} points{}", a.key, a.from, a.to, a.count, if a.log { ", log" } else { "" })
    };
    text += &format!("\nmap       {}\n          {}\n", axis(&map.x), axis(&map.y));
    text += &format!(
        "looked at {} of {} points ({share}) in {} s\n",
        map.looked_at,
        map.points,
        significant(wall, 2)
    );
    if map.integrations > 0 {
        let (done, all) = (map.integrations, map.integrations_of_all);
        text += &format!("          {done} integrations of {all} ({} saved)\n", all - done);
    }
    text += &format!("          {} equilibria sought by Newton's method\n", map.searches);
    let counts = |counts: &std::collections::BTreeMap<String, usize>| {
        counts.iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(", ")
    };
    if !map.outcomes.is_empty() {
        text += &format!("outcomes  {}\n", counts(&map.outcomes));
    }
    if !map.verdicts.is_empty() {
        text += &format!("verdicts  {}\n", counts(&map.verdicts));
    }
    if let Some(check) = &map.verified {
        text += &format!("verified  {} points by integration\n", check.points);
        if let Some(right) = check.outcome_agrees {
            text += &format!("          outcome right at {right} of {} away from borders\n", check.away);
        }
        if let Some(right) = check.verdict_agrees {
            let away = check.away_from_threshold;
            text += &format!("          verdict right at {right} of {away} away from the predicted border\n");
        }
    }
    if let Some(out) = out {
        text += &format!("\n{}\n", out.display());
    }
    text
}
