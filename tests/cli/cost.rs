//! `circuits cost`, and the cost of runs.

use dyadsim_core::matrix::Matrix;

use crate::bench::Bench;

const PRICES: &str = "[cost]\ntechnology = \"180nm\"\nneuron_current = \"100 nA\"\nsynapse_current = \"2 nA\"\n\
                      signal = \"100 mV\"\nconversion = \"2 pJ\"\n";

#[test]
fn a_table_for_people_and_a_document_for_programs() {
    let bench = Bench::new();
    bench.write("c.toml", &format!("[neuron]\ncapacitance = \"200 fF\"\nleak = \"155 nS\"\n{PRICES}"));
    let done = bench.run("circuits cost c.toml --network 784,128,10");
    assert_eq!(done.status, 0, "{}", done.stderr);
    for words in
        ["138 dyads, 101632 synapses; 180nm at 1.8 V", "estimated", "391 uW", "not given", "cost.programming"]
    {
        assert!(done.stdout.contains(words), "`{words}`: {}", done.stdout);
    }
    let json =
        bench.run("circuits cost c.toml --json --network 784,128,10 --set readout.auto_zero=true").json();
    assert_eq!((json["relaxations"].as_u64(), json["simulated"].as_bool()), (Some(2), Some(false)));
    let number = |key: &str| json[key].as_f64().unwrap();
    // 276 conversions of 2 pJ in each of two relaxations; 20 in an inference.
    let twice = 2.0 * (number("inference_total_j") - 20.0 * 2e-12) + 2.0 * 276.0 * 2e-12;
    assert!((number("update_total_j") / twice - 1.0).abs() < 1e-12);
}

#[test]
fn with_weights_and_a_batch_times_are_simulated() {
    let bench = Bench::new();
    bench.write("c.toml", PRICES);
    bench.weights(&[
        (Matrix::from_element(3, 2, 0.5), vec![0.0; 3]),
        (Matrix::from_element(2, 3, 0.5), vec![0.1; 2]),
    ]);
    bench.batch(&Matrix::from_element(2, 2, 0.4), &Matrix::from_element(2, 2, 1.0));
    let json = bench
        .run("circuits cost c.toml --weights w.safetensors --input x.safetensors --target y.safetensors --json")
        .json();
    assert_eq!(json["simulated"], true);
    assert_eq!(json["at_rest"], serde_json::json!([1.0, 1.0]));
    let time = json["cost"]["inference_j"]["time_s"].as_f64().unwrap();
    assert!((1e-5..1e-4).contains(&time), "{time}"); // some 15 to 20 τ of 1 us
}

#[test]
fn what_cannot_be_priced_is_told() {
    let bench = Bench::new();
    bench.write("plain.toml", "");
    bench.refuse("circuits cost plain.toml --network 4,3", &["plain.toml: no section `cost`", "technology"]);
    bench.write("c.toml", PRICES);
    bench.refuse("circuits cost c.toml", &["no `network`", "--network 784,128,10"]);
    bench.refuse("circuits cost c.toml --network 4", &["at least two layers"]);
    bench.refuse("circuits cost c.toml --network 4,x", &["--network"]);
    bench.refuse("circuits cost c.toml --weights w.safetensors", &["--input"]);
}

#[test]
fn runs_of_a_priced_circuit_leave_a_table_of_what_they_take() {
    let bench = Bench::new();
    bench.write(
        "e.toml",
        &format!(
            "name = \"short\"\nnetwork = [64, 8, 10]\nepochs = 1\nbatch = 20\nseeds = [1]\ninit = \"he\"\n\
             dataset = {{ kind = \"digits\", train = 60, test = 40 }}\nrules = [\"bp\", \"dp-transpose\"]\n\
             optimizer = {{ kind = \"sgd\", learning_rate = 0.1 }}\n[grid]\n\"readout.auto_zero\" = [false, true]\n\
             \"mismatch.offset_dtod\" = [0.0, 0.01]\n[circuit]\n{}",
            PRICES.replace("[cost]", "[circuit.cost]")
        ),
    );
    let done = bench.run("run e.toml --out out --quiet");
    assert_eq!(done.status, 0, "{}", done.stderr);
    let table = std::fs::read_to_string(bench.path("out/cost.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let rows: Vec<std::collections::BTreeMap<String, String>> =
        reader.deserialize().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 4, "backpropagation has no circuit: {table}");
    for row in &rows {
        let number = |key: &str| row[key].parse::<f64>().unwrap();
        let twice = if row["run"].contains("auto_zerotrue") { 2.0 } else { 1.0 };
        assert_eq!(number("relaxations"), twice, "{row:?}");
        // Relaxations from 0 V differ little in length; conversions are 36 a relaxation against 20 an
        // inference.
        let ratio = number("latency_update_s") / number("latency_inference_s");
        assert!((ratio / twice - 1.0).abs() < 0.3, "{row:?}");
        let bias = number("power_w") * number("latency_update_s");
        assert!(
            number("energy_update_j") > bias && number("energy_update_j") < 1.5 * bias + 1e-10,
            "{row:?}"
        );
    }
}

#[test]
fn simulated_synapses_conduct_as_their_weights_say_and_an_update_without_targets_is_told() {
    let bench = Bench::new();
    bench.write(
        "c.toml",
        &format!(
            "[neuron]\nleak = \"100 nS\"\n[nudge]\nbeta = 0.01\n{PRICES}synapse_conductance = \"10 uS\"\n"
        ),
    );
    bench.weights(&[
        (Matrix::from_element(3, 2, 0.5), vec![0.0; 3]),
        (Matrix::from_element(2, 3, 1.5), vec![0.1; 2]),
    ]);
    bench.batch(&Matrix::from_element(2, 2, 0.4), &Matrix::from_element(2, 2, 1.0));
    let line = "circuits cost c.toml --weights w.safetensors --input x.safetensors";
    let json = bench.run(&format!("{line} --json --quiet")).json();
    // Six synapses of 0.5 and six of 1.5 times 100 nS; Σ|W|g V² with 0.4 V below and relu(0.4) above.
    let is = |found: &serde_json::Value, exact: f64| {
        let found = found.as_f64().unwrap();
        assert!((found / exact - 1.0).abs() < 1e-5, "{found:e} {exact:e}"); // states to 1e-6 of themselves
    };
    is(&json["synapse_conductance_s"], 100e-9);
    is(&json["cost"]["power_w"]["resistive"], 100e-9 * (6.0 * 0.5 + 6.0 * 1.5) * 0.16);
    assert!(json["left_out_of_update"].as_str().unwrap().contains("nudge"));
    let told = bench.run(line).stdout;
    for words in ["100 nS in the mean, from the weights", "the nudge is left out", "--target"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let whole = bench.run(&format!("{line} --target y.safetensors --json --quiet")).json();
    assert!(whole["left_out_of_update"].is_null());
}

#[test]
fn the_area_of_a_small_net_is_no_nought() {
    let bench = Bench::new();
    bench.write("c.toml", PRICES);
    let told = bench.run("circuits cost c.toml --network 2,2,1").stdout;
    assert!(told.contains("mm²") && !told.contains(" 0 mm²") && !told.contains("0.000 mm²"), "{told}");
}
