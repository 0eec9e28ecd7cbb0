//! Figures of invented tables: every one is drawn, and awkward numbers do no harm.

use super::super::rows::NoiseBest;
use super::*;
use crate::figure::render;

fn row(quantity: &str, layer: usize, neuron: usize, measured: Option<f64>) -> NoiseRow {
    NoiseRow {
        node: format!("{quantity}.{layer}.{neuron}"),
        quantity: quantity.into(),
        layer,
        neuron,
        value_v: 0.1,
        predicted_rms_v: 1e-4,
        measured_rms_v: measured,
        standard_error_v: measured.map(|m| 0.01 * m),
        effective_samples: None,
        deviation: None,
    }
}

fn summary() -> NoiseSummary {
    NoiseSummary {
        circuit: "c".into(),
        settings: "s".into(),
        seed: 0,
        replicas: 8,
        time_s: 1.0,
        tau_s: 1e-6,
        family_error: 0.01,
        limit: 3.0,
        comparisons: 4,
        failed: 0,
        nudge: Some(NoiseBest {
            best_beta: Some(0.1),
            place: Some("inside".into()),
            least_angle_beta: None,
            least_angle_place: Some("high".into()),
            least_angle_deg: Some(2.0),
            largest_safe_beta: Some(3.0),
            highest: 10.0,
            unlimited: None,
        }),
    }
}

fn tables(measured: Option<f64>) -> Tables {
    let quantities = ["v_plus", "v_minus", "activity", "error"];
    let psd = |frequency: f64, measured: Option<f64>| NoisePsdRow {
        node: "v_plus.1.0".into(),
        cause: "total".into(),
        frequency_hz: frequency,
        predicted_v2_per_hz: 1e-12 / (1.0 + frequency),
        folded_v2_per_hz: measured,
        measured_v2_per_hz: measured,
        standard_error_v2_per_hz: measured,
    };
    let angle = |beta: f64, total: Option<f64>| NoiseAngleRow {
        beta,
        readout_time_s: 0.0,
        batch: 4,
        layer: None,
        bias_deg: Some(0.0),
        noise_deg: total,
        total_deg: total,
        unstable: usize::from(total.is_none()),
        squared_error: total,
    };
    Tables {
        summary: summary(),
        nodes: quantities.iter().flat_map(|q| (0..3).map(move |j| row(q, 1 + j % 2, j, measured))).collect(),
        layers: vec![],
        causes: vec![],
        psd: vec![psd(1.0, None), psd(10.0, None), psd(3.0, measured)],
        angles: vec![angle(0.01, Some(40.0)), angle(0.1, None), angle(1.0, Some(2.0))],
    }
}

#[test]
fn every_figure_is_drawn_with_and_without_measurements() {
    for measured in [Some(1e-4), Some(f64::NAN), None] {
        for figure in FIGURES {
            let page = (figure.draw)(&tables(measured)).unwrap();
            let svg = render::svg(&page).unwrap();
            assert!(svg.contains("</svg>") && !svg.contains("NaN"), "{}", figure.name);
        }
    }
}

#[test]
fn what_has_no_rows_has_no_figure() {
    let empty = Tables { nodes: vec![], psd: vec![], angles: vec![], ..tables(None) };
    assert!(FIGURES.iter().all(|figure| matches!((figure.draw)(&empty), Err(FigureError::Nothing { .. }))));
}
