//! Advice, and how to decline it. The examples of the pages are tests in `explain.rs`.

#![cfg(feature = "grammar")]

use std::fs;
use std::path::PathBuf;

use idlc::compile::Compilation;
use idlc::lint::LINTS;

/// A file of its own for a test, gone when the test is over.
struct File(PathBuf);

impl Drop for File {
    fn drop(&mut self) {
        // Nothing depends on it; the system empties its temporary folder.
        drop(fs::remove_file(&self.0));
    }
}

fn advice(test: &str, text: &str) -> Vec<String> {
    let name = format!("idlc-lint-{test}-{}.idl", std::process::id());
    let file = File(std::env::temp_dir().join(name));
    fs::write(&file.0, text).unwrap();
    let mut run = Compilation::new();
    let wanted: Vec<_> = LINTS.into_iter().filter(|lint| lint.always).collect();
    run.lint(&file.0, &wanted);
    run.lines().map(|(found, _)| format!("{}: {}", found.code, found.message)).collect()
}

#[test]
fn advice_is_declined_where_it_is_said() {
    let found = advice(
        "declined",
        "module a;
         [lint.allow(naming)] struct one { A: u8, B: u8 }
         struct Two { A: u8, [lint.allow(naming)] B: u8, C: u8 }
         interface I { [lint.allow(naming)] fn F(A: u8); fn G(); }
         [lint.allow(namings)] struct three {}",
    );
    assert_eq!(
        found,
        [
            "naming: fields, parameters and results are written `a`",
            "naming: fields, parameters and results are written `c`",
            "naming: methods and events are written `g`",
            "E0104: no lint is called `namings`",
            "naming: types are written `Three`",
        ]
    );
}

#[test]
fn before_the_module_it_is_declined_for_the_file() {
    let text = "[lint.allow(naming), lint.allow(could_be_final)] module a; struct one { A: u8 }";
    assert_eq!(advice("module", text), [""; 0]);
}

#[test]
fn only_what_is_held_many_times_could_be_final() {
    let found = advice(
        "final",
        "module a;
         struct Alone { x: u8 }
         struct Many { x: u8 }
         struct Grown { x: u8, [added(1.1)] y: u8 = 0 }
         struct Text { x: string }
         struct Holder { a: list<Many>, b: map<u8, Grown>, c: [Text; 3], d: Alone }",
    );
    assert_eq!(found, ["could_be_final: `Many` could be `[final]`"]);
}

#[test]
fn a_file_with_errors_gets_no_advice() {
    let found = advice("errors", "module a; struct one { A: strng }");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("E0101"), "{found:?}");
}
