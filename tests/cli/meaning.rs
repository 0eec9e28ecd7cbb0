//! Inputs without meaning are refused at the door with the right thing; what is not needed is not looked at.

use std::collections::HashMap;
use std::fs;

use dyadsim::record::tensors::TensorWriter;
use dyadsim_core::matrix::Matrix;
use nalgebra::dmatrix;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};

use crate::bench::Bench;

const FILES: &str = "c.toml --weights w.safetensors --input x.safetensors";
/// Every command that takes a target, with little to do.
const TARGETED: [&str; 8] = [
    "settle",
    "stability",
    "stability --limits",
    "noise",
    "gradient --vary nudge.beta=0.1:1:2",
    "yield --margin 0 --chips 2",
    "spice --out s.cir",
    "circuits cost",
];

/// A 2-2 circuit with a cross-entropy.
fn classifier(targets: &Matrix<f64>) -> Bench {
    let bench = Bench::new();
    bench.write("c.toml", "[nudge]\nloss = \"cross-entropy\"\nbeta = 0.01\n");
    bench.weights(&[(dmatrix![0.5, 0.1; -0.2, 0.3], vec![0.0; 2])]);
    bench.batch(&Matrix::from_element(targets.nrows(), 2, 0.5), targets);
    bench
}

#[test]
fn targets_of_a_cross_entropy_that_are_no_distribution_are_refused_by_every_command_that_takes_targets() {
    let short = classifier(&dmatrix![1.0, 0.0; 0.5, 0.0]);
    let negative = classifier(&dmatrix![1.5, -0.5]);
    for command in TARGETED {
        let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
        let (name, rest) = if name == "circuits" { (command, "") } else { (name, rest) };
        let line = format!("{name} {FILES} --target y.safetensors {rest}");
        let words = ["y.safetensors", "`y`", "sample 1", "add up to 0.5", "cross-entropy", "one-hot", "mse"];
        short.refuse(&line, &words);
        negative.refuse(&line, &["sample 0", "element 1 is -0.5", "0 or more"]);
    }
    let done = short.run(&format!("settle {FILES} --target y.safetensors --set nudge.loss=mse"));
    assert_eq!(done.status, 0, "{}", done.stderr);
    let done = short.run(&format!("settle {FILES}"));
    assert_eq!(done.status, 0, "without a target nothing is asked of one: {}", done.stderr);
}

#[test]
fn targets_that_add_up_to_one_but_for_rounding_are_taken() {
    let thirds = classifier(&dmatrix![f64::from(0.1_f32), f64::from(0.9_f32); 1.0, 0.0]);
    let done = thirds.run(&format!("settle {FILES} --target y.safetensors"));
    assert_eq!(done.status, 0, "{}", done.stderr);
}

#[test]
fn tensors_that_are_not_asked_for_are_not_looked_at() {
    let bench = classifier(&dmatrix![1.0, 0.0]);
    let (inputs, labels) =
        ([0.5_f64, 0.5].map(f64::to_le_bytes).concat(), [3_i64, 4].map(i64::to_le_bytes).concat());
    let tensors = HashMap::from([
        ("x", TensorView::new(Dtype::F64, vec![1, 2], &inputs).unwrap()),
        ("y", TensorView::new(Dtype::I64, vec![1, 2], &labels).unwrap()),
    ]);
    fs::write(bench.path("x.safetensors"), serialize(tensors, None).unwrap()).unwrap();
    let done = bench.run(&format!("settle {FILES}"));
    assert_eq!(done.status, 0, "{}", done.stderr);
    // Where they are asked for they are refused as before.
    bench.refuse(&format!("settle {FILES} --target x.safetensors"), &["`y`", "I64", "F32 and F64"]);
}

#[test]
fn weights_counted_from_zero_or_named_by_another_program_are_told_so() {
    let bench = classifier(&dmatrix![1.0, 0.0]);
    let square = dmatrix![0.5, 0.1; -0.2, 0.3];
    let write = |names: &[(&str, &str)]| {
        let mut writer = TensorWriter::new();
        for (weight, bias) in names {
            writer.matrix(weight, &square);
            writer.vector(bias, &[0.0, 0.0]);
        }
        writer.write(&bench.path("w.safetensors")).unwrap();
    };
    for network in ["", " --set network=[2,2]"] {
        write(&[("W.0", "b.0"), ("W.1", "b.1")]);
        let words = ["w.safetensors", "W.0", "b.0", "from 0", "layers count from 1", "add 1"];
        bench.refuse(&format!("settle {FILES}{network}"), &words);
        write(&[("W.1", "b.1"), ("w.2", "b.2")]);
        bench.refuse(&format!("settle {FILES}{network}"), &["`w.2`", "did you mean `W.2`"]);
        write(&[("fc1.weight", "fc1.bias")]);
        bench.refuse(&format!("settle {FILES}{network}"), &["no tensor `W.1`", "`fc1.weight`", "`b.1`"]);
    }
    write(&[("W.1", "b.1"), ("W.3", "b.3")]);
    bench.refuse(&format!("settle {FILES}"), &["no tensor `W.2`", "W.1, W.3"]);
}
