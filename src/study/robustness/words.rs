//! What `robustness` tells people and programs.

use std::path::Path;

use serde_json::{Value, json};

use super::figures::Group;
use super::{RobustRow, RobustRunRow, Tables};
use dyadsim_core::units::{significant, with_error};

/// Everything that was found.
pub fn document(tables: &Tables, runs: &[RobustRunRow]) -> Value {
    json!({"summary": tables.summary, "robustness": tables.rows, "runs": runs})
}

/// The result for people: one line per rule and gains.
pub fn summary(tables: &Tables, out: Option<&Path>) -> String {
    let s = &tables.summary;
    let mut text = format!(
        "{}: {}\n{} test samples; PGD: {} steps up the {}, {} starts; Jacobians at {} samples; mean ± standard error\n",
        s.name, s.settings, s.samples, s.steps, s.climbed, s.starts, s.lipschitz_samples
    );
    for ball in ["linf", "l2"] {
        let sizes = if ball == "linf" { &s.linf } else { &s.l2 };
        text +=
            &format!("\n{:<34} {:>3} {:>16}", format!("accuracy (%) under PGD, {ball}"), "n", "no attack");
        text += &sizes.iter().map(|size| format!(" {:>16}", format!("eps = {size}"))).collect::<String>();
        text += "\n";
        for group in tables.groups() {
            let clean = group.find("accuracy", None, None);
            text +=
                &format!("{:<34} {:>3} {:>16}", group.label(), clean.map_or(0, |row| row.n), percent(clean));
            let cells = sizes.iter().map(|&size| percent(group.find("pgd", None, Some((ball, size)))));
            text += &cells.map(|cell| format!(" {cell:>16}")).collect::<String>();
            text += "\n";
        }
    }
    text += &format!(
        "\n{:<38} {:>16} {:>16} {:>16} {:>16}\n",
        "largest singular value", "product", "Jacobian, median", "95 %", "max"
    );
    for group in tables.groups() {
        text += &format!("{:<38}", group.label());
        for measure in ["product-norm", "lipschitz-median", "lipschitz-95", "lipschitz-max"] {
            text += &format!(" {:>16}", plain(group.find(measure, None, None)));
        }
        text += "\n";
    }
    for row in tables.rows.iter().filter(|row| row.measure == "accuracy" && row.left_out > 0) {
        let label = Group::of(row, &tables.rows).label();
        text += &format!("left out: {} of {}, which broke off or diverged\n", row.left_out, label);
    }
    text + &out.map(|out| format!("tables and figures are in {}\n", out.display())).unwrap_or_default()
}

fn percent(row: Option<&RobustRow>) -> String {
    cell(row, 100.0)
}

fn plain(row: Option<&RobustRow>) -> String {
    cell(row, 1.0)
}

fn cell(row: Option<&RobustRow>, scale: f64) -> String {
    let Some((row, mean)) = row.and_then(|row| Some((row, row.mean?))) else { return "–".into() };
    match row.standard_error {
        Some(error) => with_error(scale * mean, scale * error),
        None => significant(scale * mean, 5),
    }
}
