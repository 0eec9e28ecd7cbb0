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
    complete_with(root, None);
}

/// A complete run, perhaps with a report.
fn complete_with(root: &Path, report: Option<&str>) {
    let folder = fresh(root, Mode::New);
    report.into_iter().for_each(|text| fs::write(root.join("report.html"), text).unwrap());
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
        let mut left = contents(folder.path());
        left.retain(|path, _| !path.starts_with(root.join(".replaced")));
        let left: Vec<_> = left.into_keys().collect();
        assert_eq!(left, [root.join(".lock"), root.join("checkpoints/settings.json")]);
        assert_eq!(fs::read(root.join(".replaced/report.html")).unwrap(), b"old");
        drop(folder);
        let Opening::Partial(folder) = Folder::open(&root, Mode::Resume, "settings-b").unwrap() else {
            panic!()
        };
        folder.finish(Manifest::begin("run", "settings-b")).unwrap();
        assert_eq!(contents(&root).len(), 1, "the manifest, and nothing of what was replaced");
    }
}

#[test]
fn force_killed_while_it_moves_things_aside_is_undone() {
    for mode in [Mode::Resume, Mode::Force] {
        for killed in 0..4 {
            let (_guard, root) = place();
            complete_with(&root, Some("old"));
            let before = contents(&root);
            let Opening::Fresh(folder) = open(&root, Mode::Force).unwrap() else { panic!() };
            drop(folder);
            let (aside, moving) = (root.join(".replaced"), root.join(".replacing"));
            match killed {
                0 => fs::rename(&aside, &moving).unwrap(), // all moved, not yet said so
                1 => {
                    fs::rename(&aside, &moving).unwrap();
                    fs::rename(moving.join("report.html"), root.join("report.html")).unwrap();
                }
                2 => fs::remove_file(root.join("checkpoints/settings.json")).unwrap(), // nothing begun
                _ => {
                    fs::remove_dir_all(root.join("checkpoints")).unwrap(); // the new work half cleared away
                    fs::write(root.join("metrics.csv"), "new").unwrap();
                }
            }
            if killed < 2 {
                fs::remove_dir_all(root.join("checkpoints")).unwrap();
            }
            if mode == Mode::Resume {
                assert!(matches!(open(&root, mode).unwrap(), Opening::Complete), "{killed}");
                assert_eq!(contents(&root), before, "{killed}");
            } else {
                fresh(&root, mode);
                assert_eq!(fs::read(aside.join("report.html")).unwrap(), b"old", "{killed}");
            }
        }
    }
}

#[test]
fn force_upon_force_keeps_the_last_whole_result() {
    let (_guard, root) = place();
    complete(&root);
    fs::write(root.join("report.html"), "whole").unwrap();
    drop(fresh(&root, Mode::Force));
    fs::write(root.join("report.html"), "unfinished").unwrap();
    drop(fresh(&root, Mode::Force));
    assert!(!root.join("report.html").exists());
    assert_eq!(fs::read(root.join(".replaced/report.html")).unwrap(), b"whole");
}

#[test]
fn weights_of_a_run_whose_name_holds_dots_are_checked_and_replaced_like_others() {
    let (_guard, root) = place();
    let folder = fresh(&root, Mode::New);
    folder.keep_epochs("dp-a0.5-s1").unwrap();
    fs::write(folder.epoch_weights("dp-a0.5-s1", 1), "weights").unwrap();
    folder.finish(Manifest::begin("run", "settings-a")).unwrap();
    fs::write(snapshot(&root, "dp-a0.5-s1", 1), "Weights").unwrap();
    assert!(matches!(open(&root, Mode::Resume), Err(RecordError::FilesChanged { .. })));
    fresh(&root, Mode::Force);
    assert!(!snapshot(&root, "dp-a0.5-s1", 1).exists());
}

#[test]
fn force_leaves_what_is_not_ours() {
    let (_guard, root) = place();
    complete(&root);
    for name in ["notes.txt", "thesis/draft.csv", "figures/sketch.odg"] {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        fs::write(root.join(name), "mine").unwrap();
    }
    fresh(&root, Mode::Force).finish(Manifest::begin("run", "settings-a")).unwrap();
    for name in ["notes.txt", "thesis/draft.csv", "figures/sketch.odg"] {
        assert_eq!(fs::read(root.join(name)).unwrap(), b"mine", "{name}");
    }
    assert!(!root.join("weights/dp-s1.safetensors").exists());
}

#[cfg(unix)]
#[test]
fn links_inside_an_output_folder_are_never_followed() {
    for name in ["checkpoints", "weights", "figures", "weights/dp-s1", "metrics.csv", ".lock"] {
        for mode in [Mode::Resume, Mode::Force] {
            let (guard, root) = place();
            partial(&root);
            let victim = guard.path().join("victim");
            fs::create_dir_all(victim.join("sub")).unwrap();
            fs::write(victim.join("a"), "a").unwrap();
            fs::copy(root.join("checkpoints/settings.json"), victim.join("settings.json")).unwrap();
            fs::write(victim.join(".a.csv.a1B2c3.tmp"), "a").unwrap(); // what a sweep would remove
            let before = contents(&victim);
            fs::write(root.join("manifest.json"), r#"{"settings_sha256": "settings-a"}"#).unwrap(); // of an older version
            let link = root.join(name);
            let _ = fs::remove_dir_all(&link).or_else(|_| fs::remove_file(&link));
            std::os::unix::fs::symlink(&victim, &link).unwrap();
            let opened = open(&root, mode);
            if let Ok(Opening::Partial(folder) | Opening::Fresh(folder)) = opened {
                let _ = folder.keep_epochs("dp-s1");
                let _ = fs::write(folder.checkpoint("dp-s1"), "state");
                let _ = folder.finish(Manifest::begin("run", "settings-a"));
            }
            assert_eq!(contents(&victim), before, "{name}, {mode:?}");
        }
    }
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
fn a_flipped_bit_in_either_mark_is_told_and_in_both_refused() {
    for name in ["manifest.json", "checkpoints/settings.json"] {
        let (_guard, root) = place();
        fresh(&root, Mode::New).write_manifest(&Manifest::begin("run", "settings-a")).unwrap();
        let path = root.join(name);
        let bytes = fs::read(&path).unwrap();
        for bit in (0..8 * bytes.len()).step_by(13) {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, damaged).unwrap();
            let Opening::Partial(folder) = open(&root, Mode::Resume).unwrap() else { panic!("bit {bit}") };
            let told = folder.remarks().join("\n");
            assert!(told.contains(path.file_name().unwrap().to_str().unwrap()), "bit {bit}: {told}");
            folder.write_manifest(&Manifest::begin("run", "settings-a")).unwrap();
        }
        for name in ["manifest.json", "checkpoints/settings.json"] {
            let text = fs::read_to_string(root.join(name)).unwrap().replace("settings-a", "settings-b");
            fs::write(root.join(name), text).unwrap();
        }
        let text = Folder::open(&root, Mode::Resume, "settings-b").unwrap_err().to_string();
        assert!(text.contains("manifest.json is not as it was written"), "{text}");
        fresh(&root, Mode::Force);
    }
}

#[test]
fn a_complete_folder_that_is_not_as_it_was_written_is_refused_with_the_file() {
    for (name, text) in [("report.html", Some("other")), ("weights/dp-s1.safetensors", None)] {
        let (_guard, root) = place();
        complete_with(&root, Some("whole"));
        match text {
            Some(text) => fs::write(root.join(name), text).unwrap(),
            None => fs::remove_file(root.join(name)).unwrap(),
        }
        let text = open(&root, Mode::Resume).unwrap_err().to_string();
        assert!(text.contains(name) && text.contains("--force"), "{text}");
        fresh(&root, Mode::Force);
    }
}

#[test]
fn another_version_is_told_and_kept_in_the_manifest() {
    let (_guard, root) = place();
    fresh(&root, Mode::New).write_manifest(&Manifest::begin("run", "settings-a")).unwrap();
    for name in ["manifest.json", "checkpoints/settings.json"] {
        let old =
            Mark { settings_sha256: "settings-a".into(), status: None, versions: vec!["0.0.9 (abc)".into()] };
        write_sealed(&root.join(name), &old).unwrap();
    }
    let Opening::Partial(folder) = open(&root, Mode::Resume).unwrap() else { panic!() };
    let told = folder.remarks().join("\n");
    assert!(told.contains("0.0.9 (abc)") && told.contains(&version()), "{told}");
    folder.finish(Manifest::begin("run", "settings-a")).unwrap();
    assert_eq!(read_manifest(&root).unwrap().versions, ["0.0.9 (abc)".to_owned(), version()]);
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
