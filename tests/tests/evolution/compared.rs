//! What the comparison finds in each folder, and that no folder is without its test.

use std::fs;
use std::path::{Path, PathBuf};

use alpc_contract::{Finding, compare, judge};
use expect_test::expect_file;
use idlc::compile::Compilation;
use idlc::contract::Api;

fn folders() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("evolution");
    let mut folders: Vec<PathBuf> =
        fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn api(file: &Path) -> Api {
    let mut run = Compilation::new();
    let module = run.module(file);
    Api::of(&module.unwrap_or_else(|| panic!("{}", run.lines().next().unwrap().1)))
}

fn line(finding: &Finding) -> String {
    let Finding {
        rule, path, old_client_new_server: old, new_client_old_server: new, source, ..
    } = finding;
    let [old, new, source] = [old, new, source].map(|effect| effect.word());
    format!("{rule} {path}: old client {old}, new client {new}, source {source}\n")
}

#[test]
fn each_change_is_called_by_its_rule() {
    for folder in folders() {
        let (old, new) = (api(&folder.join("old.idl")), api(&folder.join("new.idl")));
        let found: String = idlc::breaking::compare(&old, &new).iter().map(line).collect();
        let text = if found.is_empty() { "nothing to tell\n".to_owned() } else { found };
        expect_file![folder.join("findings.txt")].assert_eq(&text);
    }
}

#[test]
fn each_change_is_tried_with_two_builds() {
    let tests = [
        include_str!("bases.rs"),
        include_str!("calls.rs"),
        include_str!("events.rs"),
        include_str!("handles.rs"),
        include_str!("objects.rs"),
        include_str!("refused.rs"),
        include_str!("streams.rs"),
        include_str!("types.rs"),
    ];
    for folder in folders() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let is_tried = tests.iter().any(|text| {
            let tried = ["row! { NAME\n", "row! { NAME ", "mod NAME {", "fn NAME("];
            tried.iter().any(|beginning| text.contains(&beginning.replace("NAME", &name)))
        });
        assert!(is_tried, "`evolution/{name}` is not tried");
    }
}

/// The runtime gathers its contract from constants in the program, the compiler from the source.
#[test]
fn the_runtime_and_the_compiler_mean_the_same() {
    for (folder, [old, new]) in crate::built::INTERFACES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("evolution").join(folder);
        for (interface, file) in [(old, "old.idl"), (new, "new.idl")] {
            let api = api(&folder.join(file));
            let contract = api.interfaces.iter().find(|it| it.interface.name == interface.name);
            let fingerprint = contract.map(|contract| contract.fingerprint());
            assert_eq!(fingerprint, Some(interface.fingerprint()), "{folder:?} {file}");
        }
    }
}

#[test]
fn equal_versions_call_everything() {
    for folder in folders() {
        let api = api(&folder.join("new.idl"));
        for contract in &api.interfaces {
            assert!(judge(contract, contract).is_empty());
            assert!(compare(contract, contract).is_empty());
        }
    }
}
