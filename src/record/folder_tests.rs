//! Tests of the output folder: every mode in every state, and what a killed process leaves.

use super::*;
use std::collections::BTreeMap;

fn open(root: &Path, mode: Mode) -> Result<Opening, RecordError> {
    Folder::open(root, mode, "settings-a")
}

fn fresh(root: &Path, mode: Mode) -> Folder {
    match open(root, mode).unwrap() {
        Opening::Fresh(folder) => folder,
        other => panic!("{other:?}"),
    }
}

/// A place for an output folder.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("results/name");
    (folder, root)
}

/// An interrupted run with a checkpoint.
fn partial(root: &Path) {
    let folder = fresh(root, Mode::New);
    fs::write(folder.checkpoint("dp-s1"), "state").unwrap();
}

fn complete(root: &Path) {
    let folder = fresh(root, Mode::New);
    fs::write(folder.checkpoint("dp-s1"), "state").unwrap();
    fs::write(folder.weights("dp-s1"), "weights").unwrap();
    folder.finish(Manifest::begin("run", "settings-a")).unwrap();
}

/// Every file below a folder with its content.
fn contents(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    found
}

#[test]
fn every_mode_starts_in_a_missing_or_empty_folder() {
    for mode in [Mode::New, Mode::Resume, Mode::Force] {
        let (_guard, root) = place();
        assert!(fresh(&root, mode).weights("dp-s1").parent().unwrap().is_dir());
        let (_guard, root) = place();
        fs::create_dir_all(&root).unwrap();
        fresh(&root, mode);
    }
}

#[test]
fn a_process_killed_before_its_first_file_leaves_an_empty_folder() {
    let (_guard, root) = place();
    fs::create_dir_all(root.join("checkpoints")).unwrap();
    fs::write(root.join(".lock"), "").unwrap();
    fs::write(root.join("checkpoints/.settings.json.a1B2c3.tmp"), "{").unwrap();
    fresh(&root, Mode::New);
    assert_eq!(fs::read_dir(root.join("checkpoints")).unwrap().count(), 1); // settings.json
}

#[test]
fn new_refuses_any_other_folder_and_offers_the_way_out() {
    for make in [partial, complete, |root: &Path| {
        fs::create_dir_all(root).unwrap();
        fs::write(root.join("thesis.tex"), "").unwrap();
    }] {
        let (_guard, root) = place();
        make(&root);
        let before = contents(&root);
        let text = open(&root, Mode::New).unwrap_err().to_string();
        assert!(text.contains("--resume") && text.contains("--force") && text.contains("results"), "{text}");
        assert_eq!(contents(&root), before);
    }
}

#[test]
fn resume_goes_on_with_a_partial_folder_and_sweeps_it() {
    let (_guard, root) = place();
    partial(&root);
    let stray = root.join("weights/.dp-s1.safetensors.a1B2c3.tmp");
    fs::write(&stray, "half").unwrap();
    let Opening::Partial(folder) = open(&root, Mode::Resume).unwrap() else { panic!("not partial") };
    assert_eq!(fs::read(folder.checkpoint("dp-s1")).unwrap(), b"state");
    assert!(!stray.exists());
}

#[test]
fn resume_knows_a_folder_by_its_manifest_if_the_checkpoints_are_gone() {
    let (_guard, root) = place();
    fresh(&root, Mode::New).write_manifest(&Manifest::begin("run", "settings-a")).unwrap();
    fs::remove_dir_all(root.join("checkpoints")).unwrap();
    assert!(matches!(open(&root, Mode::Resume).unwrap(), Opening::Partial(_)));
    assert!(root.join("checkpoints/settings.json").exists());
}

#[test]
fn resume_changes_nothing_in_a_complete_folder() {
    let (_guard, root) = place();
    complete(&root);
    let before = contents(&root);
    assert_eq!(before.len(), 2, "{before:?}"); // manifest and weights: no lock, no checkpoints
    assert!(matches!(open(&root, Mode::Resume).unwrap(), Opening::Complete));
    assert_eq!(contents(&root), before);
}

#[test]
fn resume_ends_the_work_of_a_process_killed_while_finishing() {
    let (_guard, root) = place();
    let folder = fresh(&root, Mode::New);
    let mut manifest = Manifest::begin("run", "settings-a");
    manifest.complete();
    folder.write_manifest(&manifest).unwrap();
    drop(folder);
    assert!(matches!(open(&root, Mode::Resume).unwrap(), Opening::Complete));
    assert!(!root.join("checkpoints").exists() && !root.join(".lock").exists());
}

#[test]
fn resume_with_other_settings_is_an_error_and_changes_nothing() {
    for make in [partial, complete] {
        let (_guard, root) = place();
        make(&root);
        let before = contents(&root);
        let text = Folder::open(&root, Mode::Resume, "settings-b").unwrap_err().to_string();
        assert!(text.contains("other settings") && text.contains("settings-a"), "{text}");
        assert_eq!(contents(&root), before);
    }
}

#[test]
fn resume_and_force_leave_a_folder_alone_that_is_not_ours() {
    // A project's own experiment file, somebody else's manifest.
    for (name, text) in [("experiment.toml", "name = 'x'"), ("manifest.json", r#"{"icons": []}"#)] {
        for mode in [Mode::Resume, Mode::Force] {
            let (_guard, root) = place();
            fs::create_dir_all(&root).unwrap();
            fs::write(root.join(name), text).unwrap();
            let before = contents(&root);
            assert!(matches!(open(&root, mode), Err(RecordError::FolderForeign { .. })));
            assert_eq!(contents(&root), before);
        }
    }
}

#[test]
fn force_replaces_a_partial_or_complete_folder_whatever_its_settings() {
    for make in [partial, complete] {
        let (_guard, root) = place();
        make(&root);
        fs::write(root.join("report.html"), "old").unwrap();
        let Opening::Fresh(folder) = Folder::open(&root, Mode::Force, "settings-b").unwrap() else {
            panic!()
        };
        let left: Vec<_> = contents(folder.path()).into_keys().collect();
        assert_eq!(left, [root.join(".lock"), root.join("checkpoints/settings.json")]);
        drop(folder);
        assert!(matches!(Folder::open(&root, Mode::Resume, "settings-b").unwrap(), Opening::Partial(_)));
    }
}

#[test]
fn force_killed_half_way_can_be_forced_again_but_not_resumed() {
    let (_guard, root) = place();
    complete(&root);
    let folder = Folder { root: root.clone(), _lock: lock(&root).unwrap() };
    drop(folder.empty().unwrap()); // all but the start of the new work
    fs::write(root.join("report.html"), "a file that was not reached").unwrap();
    assert!(matches!(open(&root, Mode::Resume), Err(RecordError::OtherSettings { .. })));
    fresh(&root, Mode::Force);
}

#[cfg(unix)]
#[test]
fn force_removes_a_link_but_not_what_it_points_to() {
    let (guard, root) = place();
    partial(&root);
    let precious = guard.path().join("precious");
    fs::create_dir(&precious).unwrap();
    fs::write(precious.join("data"), "x").unwrap();
    std::os::unix::fs::symlink(&precious, root.join("link")).unwrap();
    fresh(&root, Mode::Force);
    assert!(precious.join("data").exists() && !root.join("link").exists());
}

#[test]
fn a_second_opening_is_busy_until_the_first_is_dropped() {
    let (_guard, root) = place();
    let folder = fresh(&root, Mode::New);
    for mode in [Mode::Resume, Mode::Force] {
        assert!(matches!(open(&root, mode), Err(RecordError::FolderBusy { .. })));
    }
    drop(folder);
    assert!(matches!(open(&root, Mode::Resume).unwrap(), Opening::Partial(_)));
}

#[test]
fn a_place_that_cannot_be_written_is_an_error_with_the_systems_reason() {
    let guard = tempfile::tempdir().unwrap();
    let file = guard.path().join("file");
    fs::write(&file, "x").unwrap();
    for root in [file.clone(), file.join("results")] {
        let text = open(&root, Mode::New).unwrap_err().to_string();
        assert!(text.contains("Not a directory") || text.contains("File exists"), "{text}");
    }
}
