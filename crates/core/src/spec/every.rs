//! All that is wrong with a file at once: a fault is told, its key is put right in a copy, and the rest is
//! looked at again.
//!
//! What bites: without the value that was wrong others may look wrong that are not. A fault that speaks of a
//! key that was put right is thus not told; it shows, if it is one, once that key is right.

use toml::Value;

use super::error::{Place, SpecError};
use super::path::{KeyPath, Step};
use super::schema;
use super::tree::Tree;

/// Most faults that are told at once.
const MOST: usize = 20;
/// Most keys that are put right on the way.
const ROUNDS: usize = 100;

/// The result of `attempt`, or every fault that it finds in the tree and in copies of it put right.
///
/// # Errors
/// The fault, or [`SpecError::Several`].
pub fn every<T>(tree: &Tree, attempt: impl Fn(&Tree) -> Result<T, SpecError>) -> Result<T, SpecError> {
    let first = match attempt(tree) {
        Ok(found) => return Ok(found),
        Err(error) => error,
    };
    let mut copy = tree.clone();
    let (mut told, mut mended, mut next) = (Vec::new(), Vec::new(), Some(first));
    for _ in 0..ROUNDS {
        let Some(error) = next.take() else { break };
        let key = error.at().map(|at| keys_of(&at.path).to_string());
        let path = mend(&mut copy, &error);
        if !is_consequence(&error, &mended) {
            told.push(error);
        }
        let (Some(key), Some(_)) = (key, path) else { break };
        mended.push(key);
        if told.len() < MOST {
            next = attempt(&copy).err();
        }
    }
    Err(together(told))
}

/// Faults as one.
pub fn together(mut told: Vec<SpecError>) -> SpecError {
    if told.len() > 1 { SpecError::Several(told) } else { told.remove(0) }
}

/// The faults of one that may be several.
pub fn apart(error: SpecError) -> Vec<SpecError> {
    match error {
        SpecError::Several(all) => all,
        one => vec![one],
    }
}

/// Whether a fault may be there only because keys were put right: it is of one of them, or speaks of one.
fn is_consequence(error: &SpecError, mended: &[String]) -> bool {
    let own = error.at().map(|at| keys_of(&at.path).to_string()).unwrap_or_default();
    let text = error.to_string().replace(&format!("`{own}"), "");
    let named = |key: &str| {
        let leaf = key.rsplit('.').next().unwrap_or_default();
        text.contains(&format!("`{key}`")) || text.contains(&format!(".{leaf}`"))
    };
    // Lists of accepted names speak of every key.
    let speaks = matches!(error, SpecError::Refused { .. });
    mended.iter().any(|key| *key == own || speaks && named(key))
}

/// The keys of a path, without the items at its end.
fn keys_of(path: &KeyPath) -> KeyPath {
    KeyPath(path.0.iter().take_while(|step| matches!(step, Step::Key(_))).cloned().collect())
}

/// Takes the value of a fault out, or puts an example in where one is missing; gives its path in the tree.
fn mend(tree: &mut Tree, error: &SpecError) -> Option<KeyPath> {
    let at = error.at()?;
    let here = keys_of(&at.path);
    let paths = [here.clone(), here.below(&KeyPath::of(&["circuit"]))];
    let found = paths
        .iter()
        .find(|path| path.value_in(&tree.table).is_some() && is_at(tree, path, &at.path, &at.place));
    if let Some(path) = found {
        take_out(&mut tree.table, &path.0)?;
        return Some(path.clone());
    }
    let SpecError::Missing { .. } = error else { return None };
    let path = paths.into_iter().find(|path| path.parent().is_some_and(|above| is_there(tree, &above)))?;
    let (key, above) = (path.0.last()?, path.parent()?);
    let Step::Key(key) = key else { return None };
    let section = above.0.last().map(|step| KeyPath(vec![step.clone()]).to_string()).unwrap_or_default();
    let example: toml::Table = match key.as_str() {
        "circuit" => [("circuit".to_owned(), Value::Table(toml::Table::new()))].into_iter().collect(),
        _ => toml::from_str(schema::example(&section, key)?).ok()?,
    };
    table_at(&mut tree.table, &above.0)?.insert(key.clone(), example.get(key)?.clone());
    Some(path)
}

/// Whether a value was written where a fault is told to be; the fault may be of an item of it.
fn is_at(tree: &Tree, path: &KeyPath, told: &KeyPath, place: &Place) -> bool {
    let rest = told.0.iter().skip_while(|step| matches!(step, Step::Key(_)));
    let whole = KeyPath(path.0.iter().chain(rest).cloned().collect());
    tree.place_of(&whole) == *place
}

fn is_there(tree: &Tree, path: &KeyPath) -> bool {
    path.0.is_empty() || path.value_in(&tree.table).is_some_and(Value::is_table)
}

fn table_at<'a>(table: &'a mut toml::Table, path: &[Step]) -> Option<&'a mut toml::Table> {
    path.iter().try_fold(table, |table, step| match step {
        Step::Key(key) => table.get_mut(key)?.as_table_mut(),
        Step::Item(_) => None,
    })
}

fn take_out(table: &mut toml::Table, path: &[Step]) -> Option<Value> {
    let (Step::Key(last), above) = path.split_last()? else { return None };
    table_at(table, above)?.remove(last)
}

#[cfg(test)]
mod tests {
    use crate::spec::{parse_circuit, parse_experiment};

    fn told(text: &str) -> Vec<String> {
        let error = parse_experiment("e.toml", text, &[]).unwrap_err().to_string();
        error.lines().filter(|line| line.starts_with("e.toml")).map(str::to_owned).collect()
    }

    #[test]
    fn every_unknown_key_wrong_unit_and_bad_value_is_told_with_its_line() {
        let text = "name = \"x\"\ntemprature = 300\n[neuron]\ncapacitance = \"100 nS\"\nleek = 1e-9\n[nudge]\nalpha = 2\nbeta = -1\n\
                    [mismatch]\ngain_dtod = \"two\"\n[solver]\nkind = \"huen\"\n[noise.thermal]\nexcess = 1\n";
        let error = parse_circuit("c.toml", text, &[]).unwrap_err().to_string();
        let mut lines: Vec<usize> = error
            .lines()
            .filter_map(|line| line.strip_prefix("c.toml:")?.split(':').next()?.parse().ok())
            .collect();
        lines.sort_unstable();
        // Not line 14: whether noise fits the solver shows once the solver has a name.
        assert_eq!(lines, [2, 4, 5, 7, 8, 10, 12], "{error}");
    }

    #[test]
    fn every_key_that_an_experiment_lacks_is_told() {
        let lines = told("name = \"x\"\nepocs = 3\nseeds = []\nrules = [\"bp\", \"dpp\"]\n");
        for key in
            ["epocs", "epochs", "circuit", "dataset", "network", "batch", "optimizer", "seeds", "rules"]
        {
            assert!(lines.iter().any(|line| line.contains(&format!("`{key}"))), "{key}: {lines:?}");
        }
        assert_eq!(lines.len(), 9, "{lines:?}");
    }

    #[test]
    fn every_value_of_the_grid_that_is_refused_is_told_once() {
        let good = "name = \"x\"\ncircuit = {}\ndataset = \"digits\"\nnetwork = [64, 10]\nepochs = 1\nbatch = 10\nseeds = [1]\n\
                    rules = [\"dp\"]\noptimizer = { kind = \"sgd\", learning_rate = 0.1 }\n[grid]\n";
        let lines =
            told(&format!("{good}\"nudge.alpha\" = [0.5, 2, 3]\n\"neuron.leak\" = [\"1 V\", \"1 nS\"]\n"));
        assert!(lines.iter().any(|line| line.contains("nudge.alpha")), "{lines:?}");
        assert!(lines.iter().any(|line| line.contains("neuron.leak")), "{lines:?}");
    }
}
