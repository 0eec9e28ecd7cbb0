//! Tests of quantities: what is read, to the bit, and what is refused with which words.

use super::*;

#[test]
fn text_and_number_of_the_same_quantity_are_the_same_bits() {
    let cases: [(&str, Kind, f64); 24] = [
        ("100 fF", Kind::Capacitance, 100e-15),
        ("0.1pF", Kind::Capacitance, 100e-15),
        ("2.5 kOhm", Kind::Resistance, 2500.0),
        ("2.5 kΩ", Kind::Resistance, 2500.0),
        ("3 M\u{2126}", Kind::Resistance, 3e6),
        ("10 nS", Kind::Conductance, 10e-9),
        ("27 degC", Kind::Temperature, 300.15),
        ("27 °C", Kind::Temperature, 300.15),
        ("300 K", Kind::Temperature, 300.0),
        ("1.5 us", Kind::Time, 1.5e-6),
        ("1.5 µs", Kind::Time, 1.5e-6),
        ("1.5 μs", Kind::Time, 1.5e-6),
        ("-20 mV", Kind::Voltage, -20e-3),
        ("2e1 mV", Kind::Voltage, 20e-3),
        ("+.5 V", Kind::Voltage, 0.5),
        ("1 GHz", Kind::Frequency, 1e9),
        ("7 pA", Kind::Current, 7e-12),
        ("1e-16 V^2/Hz", Kind::VoltagePsd, 1e-16),
        ("4 nV²/Hz", Kind::VoltagePsd, 4e-18),
        ("1 pA^2", Kind::SquaredCurrent, 1e-24),
        ("2.1 pJ", Kind::Energy, 2.1e-12),
        ("250 um^2", Kind::Area, 250e-12),
        ("5 MV/s", Kind::SlewRate, 5e6),
        ("-0.1 fC", Kind::Charge, -0.1e-15),
    ];
    for (text, kind, si) in cases {
        assert_eq!(parse(text, kind).unwrap().to_bits(), si.to_bits(), "{text}");
    }
}

#[test]
fn a_unit_of_the_wrong_kind_names_both_kinds_and_an_example() {
    let message = parse("2 kOhm", Kind::Capacitance).unwrap_err().to_string();
    for fragment in ["`kOhm` is a unit of resistance", "a capacitance such as \"100 fF\""] {
        assert!(message.contains(fragment), "{message}");
    }
}

#[test]
fn what_is_no_quantity_is_refused() {
    for text in ["", "fF", "100", "100 xF", "1 2 F", "1.2.3 F", "e5 F", "nan F", "inf F", "100 FF", "--1 F"] {
        assert!(parse(text, Kind::Capacitance).is_err(), "{text}");
    }
    assert!(parse("3 mdegC", Kind::Temperature).is_err(), "Celsius takes no prefix");
}

#[test]
fn engineering_notation_chooses_the_prefix() {
    for (value, unit, text) in [
        (100e-15, "F", "100 fF"),
        (2500.0, "Ohm", "2.5 kOhm"),
        (1.0, "V", "1 V"),
        (-0.02, "V", "-20 mV"),
        (999.9, "S", "999.9 S"),
        (0.0, "V", "0 V"),
        (1e-21, "F", "1e-21 F"),
        (1.234e7, "Hz", "12.34 MHz"),
    ] {
        assert_eq!(engineering(value, unit), text);
    }
}

proptest::proptest! {
    #[test]
    fn engineering_notation_keeps_every_bit(value in proptest::num::f64::NORMAL) {
        let text = engineering(value, "V");
        proptest::prop_assert_eq!(parse(&text, Kind::Voltage).unwrap().to_bits(), value.to_bits(), "{}", text);
    }
}
