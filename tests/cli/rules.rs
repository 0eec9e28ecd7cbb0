//! `dyadsim rules`: every rule and what it needs.

use dyadsim_core::spec::RuleKind;

use crate::bench::Bench;

#[test]
fn every_rule_is_listed_with_what_it_needs() {
    let bench = Bench::new();
    let (words, rows) = (bench.run("rules").stdout, bench.run("rules --json").json());
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), RuleKind::ALL.len());
    for (kind, row) in RuleKind::ALL.into_iter().zip(rows) {
        assert_eq!(row["rule"], kind.name());
        assert!(words.lines().any(|line| line == kind.name()), "{words}");
        for key in ["label", "synapse_knows", "transport"] {
            assert!(row[key].is_string(), "{key}: {row}");
        }
        for key in ["relaxations", "compartments", "neuron_memories", "synapse_memories"] {
            assert!(row[key].is_u64(), "{key}: {row}");
        }
        assert!(row["clamps_outputs"].is_boolean() && !row["limit"].is_null(), "{row}");
    }
    assert!(words.contains("of order β in β, β² at α = ½"), "{words}");
    bench.refuse("rules --set nudge.beta=1", &["rules"]);
}
