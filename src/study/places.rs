//! Paths of a question, told from the folder of its answer and back: so that a folder and what it was made
//! from may move together.

use std::path::{Component, Path, PathBuf};

/// A path as it is told from a folder; what is no file or folder (a built-in name) stays as it is.
pub fn told_from(folder: &Path, path: &Path) -> PathBuf {
    let (Ok(path_there), Ok(folder)) = (path.canonicalize(), folder.canonicalize()) else {
        return path.to_path_buf();
    };
    let (there, here): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (path_there.components().collect(), folder.components().collect());
    let common = there.iter().zip(&here).take_while(|(a, b)| a == b).count();
    let up = here[common..].iter().map(|_| Component::ParentDir);
    up.chain(there[common..].iter().copied()).collect()
}

/// A path that was told from a folder, as it is from here.
pub fn found_from(folder: &Path, path: &Path) -> PathBuf {
    let there = folder.join(path);
    if there.exists() { there } else { path.to_path_buf() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_path_told_from_a_folder_is_found_from_it_wherever_both_have_moved() {
        let place = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| place.path().join(name));
        fs::create_dir_all(a.join("results/x")).unwrap();
        fs::write(a.join("w.safetensors"), "w").unwrap();
        let told = told_from(&a.join("results/x"), &a.join("w.safetensors"));
        assert_eq!(told, Path::new("../../w.safetensors"));
        fs::rename(&a, &b).unwrap();
        let found = found_from(&b.join("results/x"), &told);
        assert_eq!(fs::read_to_string(found).unwrap(), "w");
        for name in ["ideal", "no/such.toml"] {
            assert_eq!(told_from(&b, Path::new(name)), Path::new(name));
            assert_eq!(found_from(&b, Path::new(name)), Path::new(name));
        }
    }
}
