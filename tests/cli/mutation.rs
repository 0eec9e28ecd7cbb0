//! Damage to files that knows their format: CSV, JSON, TOML, safetensors.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// Random choices, a pure function of their number (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(number: u64) -> Self {
        Self(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x6D75_7461_6E74)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }

    fn of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len())]
    }
}

/// What may stand in a cell, or for a number of TOML.
const CELLS: [&str; 20] = [
    "NaN",
    "inf",
    "-inf",
    "-0",
    "0",
    "1",
    "1e308",
    "-1e308",
    "1e-308",
    "-1e-308",
    "-1",
    "-3.5",
    "1000000",
    "1000000000",
    "9223372036854775807",
    "18446744073709551615",
    "99999999999999999999999",
    "",
    "text",
    "\"",
];

/// Damages a file; says how.
pub fn mutate(path: &Path, dice: &mut Dice) -> String {
    match dice.below(24) {
        0 => {
            fs::remove_file(path).unwrap();
            return "removed".into();
        }
        1 => {
            fs::write(path, "").unwrap();
            return "emptied".into();
        }
        2 => {
            let bytes = fs::read(path).unwrap();
            let at = dice.below(bytes.len());
            fs::write(path, &bytes[..at]).unwrap();
            return format!("cut after {at} bytes");
        }
        3 => {
            let mut bytes = fs::read(path).unwrap();
            let at = dice.below(bytes.len());
            bytes.splice(at..at, [0xff, 0xfe, 0x00]);
            fs::write(path, bytes).unwrap();
            return format!("no text at byte {at}");
        }
        4 => {
            let mut bytes = fs::read(path).unwrap();
            let at = dice.below(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
            fs::write(path, bytes).unwrap();
            return format!("a bit of byte {at} turned");
        }
        _ => {}
    }
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => csv(path, dice),
        Some("json") => document(path, dice),
        Some("safetensors") => tensors(path, dice),
        _ => toml(path, dice),
    }
}

fn csv(path: &Path, dice: &mut Dice) -> String {
    let text = fs::read_to_string(path).unwrap();
    let mut rows: Vec<Vec<String>> =
        text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
    let (row, other) = (1 + dice.below(rows.len() - 1), 1 + dice.below(rows.len() - 1));
    let (column, second) = (dice.below(rows[0].len()), dice.below(rows[0].len()));
    let name = rows[0][column].clone();
    let value = dice.of(&CELLS).to_owned();
    let kind = dice.below(12);
    let has_rows = rows.len() > 1;
    let what = match kind {
        0 => {
            rows.truncate(1);
            "header only".into()
        }
        1 if has_rows => {
            rows.remove(row);
            format!("row {row} dropped")
        }
        2 if has_rows => {
            let copies = [1, 1, 50][dice.below(3)];
            let twin = rows[row].clone();
            rows.extend(vec![twin; copies]);
            format!("row {row} {copies} times more")
        }
        3 if has_rows => {
            rows.swap(row, other);
            format!("rows {row} and {other} swapped")
        }
        4 => {
            rows.iter_mut().filter(|cells| column < cells.len()).for_each(|cells| drop(cells.remove(column)));
            format!("column {name} dropped")
        }
        5 => {
            for cells in rows.iter_mut().filter(|cells| column < cells.len()) {
                cells.insert(column, cells[column].clone());
            }
            format!("column {name} twice")
        }
        6 => {
            rows[0].swap(column, second);
            format!("titles {column} and {second} swapped")
        }
        7 | 8 => {
            rows.iter_mut().skip(1).filter_map(|cells| cells.get_mut(column)).for_each(|cell| {
                cell.clone_from(&value);
            });
            format!("column {name} is {value:?}")
        }
        _ if has_rows => {
            if let Some(cell) = rows[row].get_mut(column) {
                cell.clone_from(&value);
            }
            format!("row {row}, column {name} is {value:?}")
        }
        _ => "nothing".into(),
    };
    let lines: Vec<String> = rows.iter().map(|cells| cells.join(",")).collect();
    fs::write(path, lines.join("\n") + "\n").unwrap();
    what
}

/// Paths of every value below this one.
fn paths(value: &Value, above: &str, found: &mut Vec<String>) {
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    let below: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (escaped(key), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => return,
    };
    for (key, value) in below {
        let path = format!("{above}/{key}");
        found.push(path.clone());
        paths(value, &path, found);
    }
}

fn document(path: &Path, dice: &mut Dice) -> String {
    let mut whole: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let mut all = Vec::new();
    paths(&whole, "", &mut all);
    let at = all[dice.below(all.len())].clone();
    let values = [
        json!(0),
        json!(1),
        json!(-1),
        json!(2.5),
        json!(1_000_000),
        json!(1_000_000_000_000_000_000_u64),
        json!(u64::MAX),
        json!(1e308),
        json!(-1e308),
        json!(1e-308),
        json!(-0.0),
        json!(null),
        json!(true),
        json!("text"),
        json!(""),
        json!([]),
        json!({}),
        json!([[1, 2]]),
        json!(["a", "b", "c"]),
    ];
    let value = values[dice.below(values.len())].clone();
    let what = match dice.below(6) {
        0 => {
            let (above, key) = at.rsplit_once('/').unwrap();
            match whole.pointer_mut(above) {
                Some(Value::Object(map)) => drop(map.remove(&key.replace("~1", "/").replace("~0", "~"))),
                Some(Value::Array(list)) => drop(list.remove(key.parse().unwrap())),
                _ => {}
            }
            format!("{at} removed")
        }
        1 => {
            let lists: Vec<&String> =
                all.iter().filter(|path| whole.pointer(path).is_some_and(Value::is_array)).collect();
            let Some(at) = lists.get(dice.below(lists.len())).map(|at| (*at).clone()) else {
                return "nothing".into();
            };
            if let Some(Value::Array(list)) = whole.pointer_mut(&at) {
                if dice.below(2) == 0 { list.clear() } else { list.extend(list.clone()) }
            }
            format!("list {at} emptied or doubled")
        }
        _ => {
            *whole.pointer_mut(&at).unwrap() = value.clone();
            format!("{at} is {value}")
        }
    };
    fs::write(path, serde_json::to_vec_pretty(&whole).unwrap()).unwrap();
    what
}

fn toml(path: &Path, dice: &mut Dice) -> String {
    let text = fs::read_to_string(path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = dice.below(lines.len());
    let value = dice.of(&CELLS);
    let what = match dice.below(5) {
        0 => format!("line removed: {}", lines.remove(at)),
        1 => {
            lines.push(lines[at].clone());
            format!("line twice: {}", lines[at])
        }
        _ => {
            let keyed: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].contains(" = ")).collect();
            let Some(&at) = keyed.get(dice.below(keyed.len())) else { return "nothing".into() };
            let (key, old) =
                lines[at].split_once(" = ").map(|(key, old)| (key.to_owned(), old.to_owned())).unwrap();
            // A list keeps its other items: one of them alone is changed.
            let new = match old.strip_prefix('[').filter(|_| !old.contains('"')) {
                Some(items) => format!("[{value}, {}", items.split_once(", ").map_or("]", |(_, rest)| rest)),
                None => value.to_owned(),
            };
            lines[at] = format!("{key} = {new}");
            lines[at].clone()
        }
    };
    fs::write(path, lines.join("\n") + "\n").unwrap();
    what
}

fn tensors(path: &Path, dice: &mut Dice) -> String {
    let mut bytes = fs::read(path).unwrap();
    let header = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
    let what = match dice.below(4) {
        0 => {
            let length = [0, 1, u64::MAX, 1 << 40, 99_000_000, header as u64 + 8][dice.below(6)];
            bytes[..8].copy_from_slice(&length.to_le_bytes());
            format!("a header of {length} bytes")
        }
        1 => {
            let mut text = String::from_utf8(bytes[8..8 + header].to_vec()).unwrap();
            let digits: Vec<usize> =
                text.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).collect();
            let at = digits[dice.below(digits.len())];
            let digit = dice.below(10).to_string();
            text.replace_range(at..=at, &digit);
            bytes[8..8 + header].copy_from_slice(text.as_bytes());
            format!("header: {text}")
        }
        _ => {
            let numbers = (bytes.len() - 8 - header) / 8;
            let at = 8 + header + 8 * dice.below(numbers);
            let value = [f64::NAN, f64::INFINITY, 1e308, -1e308, 1e-308, -0.0][dice.below(6)];
            if let Some(place) = bytes.get_mut(at..at + 8) {
                place.copy_from_slice(&value.to_le_bytes());
            }
            format!("number at byte {at} is {value}")
        }
    };
    fs::write(path, bytes).unwrap();
    what
}
