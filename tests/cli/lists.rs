//! `circuits`, `experiments` and `data`: what is built in, and what checking says.

use serde_json::Value;

use crate::bench::Bench;

#[test]
fn lists_name_what_is_built_in() {
    let bench = Bench::new();
    for (command, name) in [("circuits", "ideal"), ("experiments", "two_tales"), ("data", "digits")] {
        for line in [command.to_owned(), format!("{command} list")] {
            assert!(bench.run(&line).stdout.lines().any(|text| text.starts_with(name)), "{line}");
            let json = bench.run(&format!("{line} --json")).json();
            let rows = json.as_array().unwrap();
            assert!(rows.iter().any(|row| row["name"] == name && row["summary"].is_string()), "{line}");
        }
    }
}

#[test]
fn what_is_shown_can_be_saved_and_passes_the_check() {
    let bench = Bench::new();
    let shown = [
        ("circuits", "circuits show ideal"),
        ("circuits", "circuits show ideal --defaults"),
        ("circuits", "circuits show --defaults"),
        ("experiments", "experiments show two_tales"),
        ("experiments", "experiments show reference_ota"),
        ("experiments", "experiments show two_tales --defaults"),
        ("experiments", "experiments show cost --defaults"),
        ("experiments", "experiments show --defaults"),
    ];
    for (kind, line) in shown {
        bench.write("saved.toml", &bench.run(line).stdout);
        let done = bench.run(&format!("{kind} check saved.toml"));
        assert_eq!(done.status, 0, "{line}: {}", done.stderr);
        assert!(done.stdout.contains("saved.toml: valid"), "{}", done.stdout);
        assert_eq!(bench.run(&format!("{kind} check saved.toml --json")).json()["valid"], true);
        assert!(bench.run(&format!("{line} --json")).json()["text"].is_string());
    }
    assert_eq!(
        bench.run("experiments check two_tales --json --quiet").json()["runs"].as_array().unwrap().len(),
        52
    );
}

#[test]
fn what_is_written_out_has_units_and_comments() {
    let bench = Bench::new();
    for (line, words) in [
        (
            "experiments show cost --defaults",
            &["capacitance = \"1 fF\"", "conversion = \"2.1 pJ\"", "# Membrane"][..],
        ),
        ("circuits show noisy --defaults", &["bandwidth = \"1 MHz\"", "corner = \"20 kHz\"", "# Corner"]),
        ("experiments show --defaults", &["# Passes over the training set", "One of: bp, dp, dp-transpose"]),
    ] {
        let text = bench.run(line).stdout;
        assert!(words.iter().all(|word| text.contains(word)) && !text.contains("00000"), "{line}: {text}");
    }
}

#[test]
fn a_listed_experiment_runs_by_its_name_and_a_built_in_circuit_serves_by_its() {
    let bench = Bench::new();
    assert_eq!(bench.run("run reference_ota --dry-run --json").json()["runs"].as_array().unwrap().len(), 12);
    bench.refuse("run two_tels --dry-run", &["`two_tels`", "did you mean `two_tales`"]);
    bench.write("e.toml", &bench.run("experiments show two_tales").stdout);
    let checked = bench.run("experiments check e.toml --set circuit=noisy --set epochs=1 --json --quiet");
    assert_eq!(checked.json()["valid"], true);
    bench.refuse(
        "run e.toml --dry-run --set circuit=ideel",
        &["\"ideel\"", "`ideal`, `noisy`", "did you mean `ideal`"],
    );
    // A file of that name goes first, as everywhere.
    bench.write("ideal", "name = \"mine\"\nnudge.beta = 3.0\n");
    let json = bench.run("experiments show e.toml --json").json();
    assert_eq!(json["experiment"]["circuit"]["name"], "mine");
}

#[test]
fn a_check_takes_settings_and_refuses_what_the_door_refuses() {
    let bench = Bench::new();
    let json = bench.run("circuits check ideal --set nudge.beta=0.125 --json").json();
    assert_eq!(json["circuit"]["nudge"]["beta"], 0.125);
    bench.write("c.toml", "[neuron]\nleek = 1e-7\n");
    bench.refuse("circuits check c.toml", &["c.toml:2", "neuron.leek", "did you mean `leak`"]);
    bench.refuse("circuits check ideall", &["`ideall`", "did you mean `ideal`"]);
    bench.refuse("experiments check two_tales --set network=[64,9]", &["9 outputs", "10 classes", "digits"]);
    bench.refuse("experiments show nothing.toml", &["nothing.toml", "cannot be read"]);
}

#[test]
fn schemas_are_json_for_both_kinds_of_file() {
    let bench = Bench::new();
    for (command, key) in [("circuits", "nudge"), ("experiments", "rules")] {
        let schema: Value = bench.run(&format!("{command} schema")).json();
        assert!(schema["properties"][key].is_object(), "{command}");
    }
}

#[test]
fn a_data_set_is_shown_in_numbers_and_its_command_told() {
    let bench = Bench::new();
    let json = bench.run("data show digits --json").json();
    assert_eq!((json["features"].as_u64(), json["classes"].as_u64()), (Some(64), Some(10)));
    assert_eq!(json["train"]["samples"], 1438);
    assert!(bench.run("data show digits").stdout.contains("64 inputs, 10 classes"));
    let command = bench.run("data get mnist").stdout;
    assert!(command.contains("mkdir -p") && command.lines().count() == 1, "{command}");
    assert_eq!(bench.run("data get mnist --json").json()["command"], command.trim_end());
    let nothing = bench.run("data get digits");
    assert!(nothing.status == 0 && nothing.stdout.is_empty() && nothing.stderr.contains("built in"));
    bench.refuse("data show mnist", &["`mnist` was not found", "nowhere/mnist", "mkdir -p"]);
    bench.refuse("data get mnits", &["did you mean `mnist`"]);
    bench.refuse("data show idx", &["`path`"]);
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let bench = Bench::new();
    for command in ["run", "settle", "stability", "circuits", "experiments", "data", "report", "plot"] {
        let help = bench.run(&format!("{command} --help"));
        assert_eq!(help.status, 0);
        assert!(help.stdout.contains(&format!("Example:\n  dyadsim {command}")), "{}", help.stdout);
        assert!(bench.run("--help").stdout.contains(command));
    }
    assert_eq!(bench.run("").status, 2);
    assert_eq!(bench.run("stabilty").status, 2);
}

#[test]
fn a_help_page_lists_no_option_that_its_command_refuses() {
    let bench = Bench::new();
    let lines = [
        ("run", "run x.toml"),
        ("settle", "settle ideal --weights w --input x"),
        ("stability", "stability ideal --weights w --input x"),
        ("noise", "noise ideal --weights w --input x"),
        ("gradient", "gradient ideal --weights w --input x --target y --vary nudge.beta=0.1:1:2"),
        ("yield", "yield ideal --weights w --input x --target y --margin 0"),
        ("robustness", "robustness o"),
        ("compare", "compare o"),
        ("rules compare", "rules compare x.toml"),
        ("spice", "spice ideal --weights w --input x --out o"),
        ("circuits list", "circuits list"),
        ("circuits show", "circuits show ideal"),
        ("circuits check", "circuits check ideal"),
        ("circuits cost", "circuits cost ideal"),
        ("circuits schema", "circuits schema"),
        ("experiments list", "experiments list"),
        ("experiments show", "experiments show two_tales"),
        ("experiments check", "experiments check two_tales"),
        ("experiments schema", "experiments schema"),
        ("data list", "data list"),
        ("data export", "data export digits --out o"),
        ("report", "report o"),
        ("plot", "plot o"),
    ];
    for (command, line) in lines {
        let help = bench.run(&format!("{command} --help")).stdout;
        let (own, general) = help.split_once("General options:").unwrap();
        assert!(
            own.contains("--help") && !own.contains("--quiet") && general.contains("--quiet"),
            "{command}"
        );
        for (option, given) in [("--set", "--set nudge.beta=0.2"), ("--precision", "--precision f32")] {
            let told = bench.run(&format!("{line} {given}")).stderr;
            let refused = told.starts_with(&format!("error: {given}: `"));
            assert_eq!(general.contains(&format!("{option} ")), !refused, "{command} {option}: {told}");
        }
    }
}

#[test]
fn the_version_names_its_commit() {
    let told = Bench::new().run("--version").stdout;
    let (_, commit) = told.trim_end().trim_end_matches(')').split_once(" (").unwrap();
    assert!(commit == "unknown" || commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{told}");
}

#[test]
fn samples_are_exported_as_tensors() {
    let bench = Bench::new();
    let done = bench.run("data export digits --split test --samples 5 --out probe --json --quiet");
    assert_eq!(done.json()["samples"], 5);
    let (x, y) = (bench.tensors("probe/x.safetensors"), bench.tensors("probe/y.safetensors"));
    let (x, y) = (x.matrix::<f64>("x", (5, 64)).unwrap(), y.matrix::<f64>("y", (5, 10)).unwrap());
    assert!(x.min() == 0.0 && x.max() == 1.0);
    for row in y.row_iter() {
        assert_eq!((row.sum(), row.max()), (1.0, 1.0));
    }
    bench.refuse("data export digits --samples 100000 --out other", &["--samples 100000", "accepted: 1 to"]);
}
