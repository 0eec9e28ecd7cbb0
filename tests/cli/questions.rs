//! Every study is a question in a folder: it can be asked again from there, and says what it was made from.

use nalgebra::dmatrix;

use crate::bench::Bench;

/// A linear 1-1-1 chain with thermal noise and a spread of gains, two samples; files in a folder of their
/// own.
fn chain() -> Bench {
    let bench = Bench::new();
    bench.linear("dp-transpose", 0.5, 0.5);
    let circuit = std::fs::read_to_string(bench.path("c.toml")).unwrap();
    let noise = "kind = \"exponential-heun\"\n[noise.thermal]\nexcess = 1.0\n[mismatch]\ngain_dtod = 0.1\n";
    bench.write("c.toml", &format!("{circuit}{noise}"));
    bench.weights(&[(dmatrix![0.8], vec![0.1]), (dmatrix![1.5], vec![0.2])]);
    bench.batch(&dmatrix![0.5; 0.25], &dmatrix![1.0; 0.0]);
    bench
}

const FILES: &str = "c.toml --weights w.safetensors --input x.safetensors --target y.safetensors";

/// A question, and the tables that answer it.
fn questions() -> Vec<(String, &'static [&'static str])> {
    let gradient =
        "--vary nudge.beta=0.1:1:3:log --draws 4 --one-chip --no-refine --seed 3 --set nudge.alpha=0.25";
    vec![
        (format!("settle {FILES} --trace 5 --seed 3 --set nudge.beta=0.25"), &["state.safetensors"]),
        (format!("gradient {FILES} {gradient}"), &["gradient.csv", "gradient_best.csv", "gradient.json"]),
        (
            format!("noise {FILES} --time 20 --replicas 8 --seed 2"),
            &["noise.csv", "noise_causes.parquet", "noise.json"],
        ),
        (
            format!("yield {FILES} --margin -0.5 --chips 20 --vary mismatch.gain_dtod=0:0.2:3"),
            &["yield.csv", "yield.json"],
        ),
        (
            format!("stability {FILES} --follow nudge.beta=0:1 --sample 1 --chip 2"),
            &[
                "branch.csv",
                "branch_outputs.csv",
                "branch_events.parquet",
                "branch.json",
                "figures/branch.svg",
            ],
        ),
        (
            format!(
                "stability {FILES} --map nudge.alpha=0:1:5 --map nudge.beta=0.1:1:4:log --verify 0.1 --seed 4"
            ),
            &["map.csv", "map_lines.parquet", "map.json", "figures/map.svg"],
        ),
    ]
}

#[test]
fn a_folder_is_asked_again_and_gives_the_same_bytes_wherever_it_has_moved() {
    for (line, tables) in questions() {
        let bench = chain();
        assert_eq!(bench.run(&format!("{line} --quiet --out deep/one")).status, 0, "{line}");
        // From another place, and without the command line.
        std::fs::create_dir(bench.path("moved")).unwrap();
        for name in ["c.toml", "w.safetensors", "x.safetensors", "y.safetensors", "deep"] {
            std::fs::rename(bench.path(name), bench.path("moved").join(name)).unwrap();
        }
        let again = bench.run("run moved/deep/one/study.toml --quiet --out two");
        assert_eq!(again.status, 0, "{line}: {}", again.stderr);
        let bytes = |folder: &str, name: &str| std::fs::read(bench.path(folder).join(name)).unwrap();
        for name in tables {
            assert_eq!(bytes("moved/deep/one", name), bytes("two", name), "{line}: {name}");
        }
        let manifest: serde_json::Value = serde_json::from_slice(&bytes("two", "manifest.json")).unwrap();
        let own =
            dyadsim::record::manifest::sha256(&std::fs::read(bench.path("moved/w.safetensors")).unwrap());
        assert_eq!(manifest["data"]["w.safetensors"], own, "{line}");
        bench.refuse("run moved/deep/one/study.toml --out two", &["--force"]);
        assert_eq!(bench.run("run moved/deep/one/study.toml --quiet --out two --force").status, 0);
    }
}

#[test]
fn what_has_no_folder_is_asked_by_a_file_all_the_same() {
    let bench = chain();
    let settings = "circuit = \"ota-subthreshold-180nm\"\nnetwork = [8, 4, 2]\n";
    bench.write("q.toml", &format!("study = \"cost\"\n[settings]\n{settings}"));
    let by_line = bench.run("circuits cost ota-subthreshold-180nm --network 8,4,2 --json").json();
    assert_eq!(bench.run("run q.toml --json").json(), by_line);
    bench.refuse("run q.toml --out x", &["--out x", "`circuits cost` writes no files"]);
    bench.refuse("run q.toml --precision f32", &["`circuits cost` works in f64 only"]);
    let files = "circuit = \"c.toml\"\nweights = \"w.safetensors\"\ninput = \"x.safetensors\"\n";
    bench.write("d.toml", &format!("study = \"spice\"\n[settings]\n{files}op = true\nnoise = [\"\"]\n"));
    assert_eq!(bench.run("run d.toml --out d.cir").status, 0);
    let line = "spice c.toml --weights w.safetensors --input x.safetensors --op --noise --out e/d.cir";
    assert_eq!(bench.run(line).status, 0);
    let text = |name: &str| std::fs::read_to_string(bench.path(name)).unwrap();
    assert_eq!(text("d.cir"), text("e/d.cir"));
}

#[test]
fn a_question_may_be_written_by_hand_and_is_checked_as_its_command_is() {
    let bench = chain();
    let ask = |settings: &str| {
        let files = "circuit = \"c.toml\"\nweights = \"w.safetensors\"\ninput = \"x.safetensors\"\ntarget = \"y.safetensors\"\n";
        bench.write("q.toml", &format!("study = \"gradient\"\nseed = 3\n[settings]\n{files}{settings}"));
    };
    ask("vary = [\"nudge.beta=0.1:1:3:log\"]\ndraws = 4\nno_refine = true\none_chip = false\n");
    let by_file = bench.run("run q.toml --json").json();
    let by_line = bench.run(&format!(
        "gradient {FILES} --vary nudge.beta=0.1:1:3:log --draws 4 --no-refine --seed 3 --json"
    ));
    assert_eq!(by_file, by_line.json());
    assert_ne!(bench.run("run q.toml --json --seed 4").json(), by_file, "what is said now counts");
    let refused = |settings: &str, words: &[&str]| {
        ask(settings);
        bench.refuse("run q.toml", words);
    };
    refused("vary = [\"nudge.beta=0.1:1:3\"]\ndrws = 4\n", &["settings.drws", "did you mean `draws`?"]);
    refused("vary = [\"nudge.beta=0.1:1:3\"]\ndraws = 0\n", &["--draws", "1..=65536"]);
    refused("vary = \"nudge.beta=1\"\n", &["KEY=FROM:TO:N"]);
    refused("draws = 4\n", &["--vary"]);
    refused("vary = [\"nudge.beta=0.1:1:3\"]\ndraws = { a = 1 }\n", &["settings.draws", "accepted"]);
    bench.write("q.toml", "study = \"gradiant\"\n");
    bench.refuse("run q.toml", &["gradiant", "did you mean `gradient`?"]);
    ask("vary = [\"nudge.beta=0.1:1:3\"]\n");
    bench.refuse("run q.toml --dry-run", &["--dry-run", "is a question"]);
}

#[test]
fn every_form_of_stability_may_be_asked_by_a_file_and_says_what_its_option_says() {
    let bench = chain();
    let files = "circuit = \"c.toml\"\nweights = \"w.safetensors\"\ninput = \"x.safetensors\"\ntarget = \"y.safetensors\"\n";
    let ask = |study: &str, settings: &str| {
        bench.write("q.toml", &format!("study = \"{study}\"\n[settings]\n{files}{settings}"));
    };
    for (study, settings, options) in [
        ("stability", "", ""),
        ("limits", "up_to = 2.0\n", "--limits --up-to 2"),
        ("attractors", "attractors = 5\nspread = 0.5\n", "--attractors 5 --spread 0.5"),
        ("branch", "follow = \"nudge.beta=0:1\"\nsample = 1\n", "--follow nudge.beta=0:1 --sample 1"),
        (
            "map",
            "map = [\"nudge.alpha=0:1:3\", \"nudge.beta=0.1:1:3\"]\nby = \"eigenvalues\"\n",
            "--map nudge.alpha=0:1:3 --map nudge.beta=0.1:1:3 --by eigenvalues",
        ),
    ] {
        ask(study, settings);
        let answers = ["run q.toml".to_owned(), format!("stability {FILES} {options}")].map(|line| {
            let mut json = bench.run(&format!("{line} --json")).json();
            let took = json.as_object_mut().unwrap().remove("wall_s");
            assert_eq!(took.is_some_and(|took| took.as_f64() > Some(0.0)), study == "map", "{line}");
            json
        });
        assert_eq!(answers[0], answers[1], "{study}");
    }
    ask("limits", "");
    bench.refuse("run q.toml --out l", &["--out", "`limits` writes no files"]);
    ask("branch", "sample = 1\n");
    bench.refuse("run q.toml", &["--follow"]);
    ask("map", "map = [\"nudge.alpha=0:1:3\"]\n");
    bench.refuse("run q.toml", &["two axes"]);
    bench.refuse(&format!("stability {FILES} --sample 1"), &["--follow"]);
    bench.refuse(&format!("stability {FILES} --by both --limits"), &["--by", "--limits"]);
}
