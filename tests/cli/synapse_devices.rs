//! `dyadsim devices`: what is listed, shown and drawn of synapse devices.

use std::fs;

use dyadsim_core::spec::devices::{PulsedSpec, names, pulsed};

use crate::bench::Bench;

#[test]
fn every_device_is_listed_with_its_source() {
    let bench = Bench::new();
    for line in ["devices", "devices list"] {
        let words = bench.run(line).stdout;
        let json = bench.run(&format!("{line} --json")).json();
        assert_eq!(json.as_array().unwrap().len(), names().count());
        for (name, row) in names().zip(json.as_array().unwrap()) {
            assert!(words.lines().any(|line| line.split_whitespace().next() == Some(name)), "{name}");
            assert_eq!(row["name"], name);
            assert!(row["source"].is_string() && row["validity"].is_string(), "{row}");
        }
    }
    bench.refuse("devices list --set nudge.beta=1", &["devices list"]);
}

#[test]
fn what_is_shown_of_a_device_are_its_numbers() {
    let bench = Bench::new();
    let text = bench.run("devices show reram-es").stdout;
    assert_eq!(toml::from_str::<PulsedSpec>(&text).unwrap(), pulsed()["reram-es"]);
    let json = bench.run("devices show reram-es --json").json();
    // Published with four decimals.
    assert!((json["symmetry_point"].as_f64().unwrap() + 0.2172).abs() < 5.1e-5, "{json}");
    assert_eq!(json["device"]["step"], 0.00135);
    assert!(bench.run("devices show sonos").stdout.contains("Agrawal"));
    bench
        .refuse("devices show reram-xs", &["no synapse device is called `reram-xs`", "did you mean `reram-"]);
    bench.refuse("devices plot ecram nothing", &["nothing", "pcm-joshi"]);
}

#[test]
fn devices_are_drawn_with_the_numbers_that_figures_show() {
    let bench = Bench::new();
    let json = bench.run("devices plot reram-array-om reram-wan-quartic --out figures --json").json();
    let figures = json["figures"].as_array().unwrap();
    assert_eq!(figures.len(), 2);
    for name in ["reram-array-om", "reram-wan-quartic"] {
        let svg = fs::read_to_string(bench.path(&format!("figures/{name}.svg"))).unwrap();
        assert!(svg.contains("</svg>"));
        assert!(bench.path(&format!("figures/{name}.png")).is_file());
    }
    let array = &figures[0]["behaviour"];
    let steps = array["steps"].as_array().unwrap();
    // Soft bounds of ±1 without noise: Δ (1 − w) up, Δ (1 + w) down.
    for step in steps {
        let [weight, up, down] = [0, 1, 2].map(|k| step[k].as_f64().unwrap());
        assert!((up - 0.0949 * (1.0 - weight)).abs() < 1e-7, "{step}");
        assert!((down - 0.0949 * (1.0 + weight)).abs() < 1e-7, "{step}");
    }
    // 200 devices: their errors are as wide as the published fit, 2.023 µS at 20 µS, within three standard
    // errors, 3 · 2.023 / √(2 · 200).
    let errors = figures[1]["behaviour"]["error"].as_array().unwrap();
    let middle = errors.iter().find(|point| point["at"] == 20.0).unwrap();
    assert!((middle["deviation"].as_f64().unwrap() - 2.023).abs() < 0.31, "{middle}");
    let out = bench.run("devices plot capacitor --out figures").stdout;
    assert!(out.lines().any(|line| line.ends_with("capacitor.svg")), "{out}");
}
