//! The study itself: inputs are prepared, units learn, and what they have become is described.

use anyhow::anyhow;
use rayon::prelude::*;

use super::inputs::{Inputs, Prepared};
use super::rows::{HebbianCourseRow, HebbianFieldRow, HebbianRow, HebbianSource, HebbianSummary};
use super::{Answer, Hebbian, Subject};
use crate::study::{Extent, Failure, Observer};
use dyadsim_core::chip::Chip;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::spec::FaultSpec;
use dyadsim_core::unsupervised::gabor::{self, Gabor, Shape};
use dyadsim_core::unsupervised::{Constraint, Hebbian as Units, Nonlinearity, Reading};

/// Rows that the course has at most.
const RECORDED: usize = 100;
/// Units if nobody says how many: of pictures, and of the sparse source.
const UNITS: (u16, u16) = (64, 8);

/// Answers the question.
pub fn carry_out(settings: &Hebbian, subject: &Subject, watch: &dyn Observer) -> Result<Answer, Failure> {
    let twins: &[Option<u64>] = if settings.control { &[None, Some(subject.seed)] } else { &[None] };
    let mut answer = Answer {
        summary: summary(settings, subject),
        rows: Vec::new(),
        fields: Vec::new(),
        course: Vec::new(),
    };
    for twin in twins {
        let name = if twin.is_some() { "gaussian" } else { "data" };
        watch.begin(Extent::Unknown("whitening"));
        let prepared = subject.inputs.prepared(settings.components.into(), *twin);
        watch.begin(Extent::Of(settings.batches as usize, "updates"));
        let learned = learn(settings, subject, (name, &prepared), watch)?;
        watch.begin(Extent::Unknown("fitting"));
        describe(subject, (name, &prepared), &learned.0, settings.signal, &mut answer);
        answer.course.extend(learned.1);
    }
    Ok(answer)
}

fn summary(settings: &Hebbian, subject: &Subject) -> HebbianSummary {
    let (sha256, constraint) = match &subject.inputs {
        Inputs::Sparse(_) => (None, "norm"),
        Inputs::Pictures { sha256, .. } => (Some(sha256.clone()), "decorrelated"),
    };
    let (size, rate) = (settings.batch, settings.rate);
    HebbianSummary {
        data: settings.data.clone(),
        sha256,
        circuit: subject.spec.name.clone(),
        settings: format!(
            "{}, {} updates of {size} inputs, η = {rate}, circuit {}, seed {}",
            rule(settings.effective()),
            settings.batches,
            subject.spec.name,
            subject.seed
        ),
        constraint: constraint.into(),
        seed: subject.seed,
        units: units(settings, subject),
        noise_v: 0.0,
        sources: Vec::new(),
    }
}

/// The function in words.
fn rule(nonlinearity: Nonlinearity) -> String {
    match nonlinearity {
        Nonlinearity::QuadraticRectifier(threshold) => format!("quadratic rectifier, θ = {threshold}"),
        Nonlinearity::Rectifier(threshold) => format!("rectifier, θ = {threshold}"),
        Nonlinearity::Cube => "cube".into(),
        Nonlinearity::LinearLessTanh => "u − tanh u".into(),
    }
}

fn units(settings: &Hebbian, subject: &Subject) -> usize {
    let usual = if matches!(subject.inputs, Inputs::Sparse(_)) { UNITS.1 } else { UNITS.0 };
    settings.units.unwrap_or(usual).into()
}

/// The direction of the sparse source.
fn direction(subject: &Subject) -> Option<&[f64]> {
    match &subject.inputs {
        Inputs::Sparse(source) => Some(&source.direction),
        Inputs::Pictures { .. } => None,
    }
}

fn cosine(weights: &Matrix<f64>, unit: usize, direction: &[f64]) -> f64 {
    weights.row(unit).iter().zip(direction).map(|(w, d)| w * d).sum()
}

/// The least absolute cosine of a unit with the source.
fn least_cosine(weights: &Matrix<f64>, direction: &[f64]) -> f64 {
    (0..weights.nrows()).map(|unit| cosine(weights, unit, direction).abs()).fold(f64::INFINITY, f64::min)
}

/// Lets units learn; returns them and their course.
fn learn(
    settings: &Hebbian,
    subject: &Subject,
    (name, prepared): (&str, &Prepared),
    watch: &dyn Observer,
) -> Result<(Units, Vec<HebbianCourseRow>), Failure> {
    let shape = (units(settings, subject), prepared.white.ncols());
    let constraint = match &subject.inputs {
        Inputs::Sparse(_) => Constraint::Norm,
        Inputs::Pictures { .. } => Constraint::Decorrelated,
    };
    if constraint == Constraint::Decorrelated && shape.0 > shape.1 {
        return Err(Failure::input(anyhow!(
            "{} units cannot be decorrelated on {} components\n  accepted: --units up to {}, or more --components",
            shape.0,
            shape.1,
            shape.1
        )));
    }
    let mut spec = subject.spec.clone();
    (spec.mismatch.faults, spec.crossbar) = (FaultSpec::default(), None);
    let chip = Chip::fabricate(&spec, &[shape.1, shape.0]);
    let reading = Reading::of_chip(&chip, settings.signal, subject.seed);
    let mut units = Units::new(shape, settings.effective(), constraint, reading, subject.seed);
    units.rate = settings.rate;
    let batches = settings.batches as usize;
    let every = batches.div_ceil(RECORDED);
    let (mut course, mut last) = (Vec::new(), units.weights.clone());
    units.learn(
        &prepared.white,
        (batches, settings.batch as usize),
        subject.seed,
        &mut |batch, value, now| {
            watch.done(1);
            if batch % every == 0 || batch == batches {
                course.push(HebbianCourseRow {
                    source: name.into(),
                    batch,
                    objective: value,
                    moved_deg: largest_angle(&now.weights, &last),
                    cosine: direction(subject).map(|direction| least_cosine(&now.weights, direction)),
                });
                last.clone_from(&now.weights);
            }
        },
    );
    Ok((units, course))
}

/// Largest angle between rows of the same number, which have norm 1 (degrees).
fn largest_angle(one: &Matrix<f64>, other: &Matrix<f64>) -> f64 {
    let rows = one.row_iter().zip(other.row_iter());
    // By the chord: the cosine of a small angle has lost it.
    rows.map(|(a, b)| 2.0 * (0.5 * (a - b).norm()).min(1.0).asin().to_degrees()).fold(0.0, f64::max)
}

/// Adds to the answer what the units have become.
fn describe(
    subject: &Subject,
    (name, prepared): (&str, &Prepared),
    learned: &Units,
    signal: f64,
    answer: &mut Answer,
) {
    let weights = &learned.weights;
    let fields = prepared.whitening.as_ref().map(|whitening| whitening.fields(weights));
    let side = match &subject.inputs {
        Inputs::Sparse(_) => 0,
        Inputs::Pictures { side, .. } => *side,
    };
    let exact = Reading::exact(weights.nrows()).potentials(weights, &prepared.white, 0);
    let rows: Vec<HebbianRow> = (0..weights.nrows())
        .into_par_iter()
        .map(|unit| {
            let (objective, kurtosis) = moments(learned, exact.column(unit).as_slice());
            let row = HebbianRow {
                source: name.into(),
                unit,
                objective,
                kurtosis,
                offset_v: learned.reading.offsets[unit] * signal,
                cosine: direction(subject).map(|direction| cosine(weights, unit, direction)),
                ..empty()
            };
            let pixels = fields.as_ref().map(|fields| fields.row(unit).iter().copied().collect::<Vec<_>>());
            pixels.map_or(row.clone(), |pixels| with_fit(row, &gabor::fit(&pixels, side), side))
        })
        .collect();
    let count = rows.len() as f64;
    let gabors = rows.iter().filter(|row| row.shape.as_deref() == Some(Shape::Gabor.name())).count();
    answer.summary.noise_v = learned.reading.noise * signal;
    answer.summary.sources.push(HebbianSource {
        source: name.into(),
        samples: prepared.white.nrows(),
        components: prepared.white.ncols(),
        kept: prepared.whitening.as_ref().map(|whitening| whitening.kept),
        gabor: fields.as_ref().map(|_| gabors as f64 / count),
        cosine: direction(subject).map(|direction| least_cosine(weights, direction)),
    });
    answer.rows.extend(rows);
    answer.fields.extend(fields.iter().flat_map(|fields| pixels(name, fields, side)));
}

/// A row without anything.
fn empty() -> HebbianRow {
    HebbianRow {
        source: String::new(),
        unit: 0,
        objective: 0.0,
        kurtosis: 0.0,
        offset_v: 0.0,
        cosine: None,
        r2: None,
        shape: None,
        x: None,
        y: None,
        angle_deg: None,
        frequency: None,
        along: None,
        across: None,
        phase_deg: None,
    }
}

fn with_fit(row: HebbianRow, fit: &Gabor, side: usize) -> HebbianRow {
    HebbianRow {
        r2: Some(fit.r2),
        shape: Some(fit.shape(side).name().into()),
        x: Some(fit.x),
        y: Some(fit.y),
        angle_deg: Some(fit.angle.to_degrees()),
        frequency: Some(fit.frequency),
        along: Some(fit.along),
        across: Some(fit.across),
        phase_deg: Some(fit.phase.to_degrees()),
        ..row
    }
}

/// Mean of `F` and excess kurtosis of potentials.
fn moments(learned: &Units, potentials: &[f64]) -> (f64, f64) {
    let mean =
        |of: &dyn Fn(f64) -> f64| potentials.iter().map(|&u| of(u)).sum::<f64>() / potentials.len() as f64;
    let middle = mean(&|u| u);
    let variance = mean(&|u| (u - middle).powi(2));
    let kurtosis =
        if variance > 0.0 { mean(&|u| (u - middle).powi(4)) / variance.powi(2) - 3.0 } else { 0.0 };
    (mean(&|u| learned.nonlinearity.integral(u)), kurtosis)
}

/// Every pixel of every field.
fn pixels(name: &str, fields: &Matrix<f64>, side: usize) -> Vec<HebbianFieldRow> {
    let place = |unit: usize, k: usize| HebbianFieldRow {
        source: name.into(),
        unit,
        row: k / side,
        column: k % side,
        weight: fields[(unit, k)],
    };
    (0..fields.nrows()).flat_map(|unit| (0..fields.ncols()).map(move |k| place(unit, k))).collect()
}
