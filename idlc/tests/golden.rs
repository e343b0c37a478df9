//! The Rust that is generated, one file for each feature of the language.
//!
//! `UPDATE_EXPECT=1` writes the `.rs` files anew. Nothing here compiles them: that needs the runtime,
//! which this package does not know.

#![cfg(feature = "grammar")]

use std::fs;
use std::path::{Path, PathBuf};

use idlc::compile::Compilation;
use idlc::diagnostic::Colour;

fn goldens() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|ext| ext == "idl")).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn generated(path: &Path) -> String {
    let mut run = Compilation::new();
    let name = path.file_name().unwrap().to_str().unwrap();
    let Some(module) = run.module_from_text(name, &fs::read_to_string(path).unwrap()) else {
        panic!("{}", run.drawn(Colour::Never));
    };
    run.rust(name, &module).unwrap()
}

#[test]
fn every_feature_generates_what_it_did() {
    for path in goldens() {
        expect_test::expect_file![path.with_extension("rs")].assert_eq(&generated(&path));
    }
}

/// Words that stand in generated code nowhere: there is nothing unsafe in it, and nothing that a
/// peer's bytes could make panic.
#[test]
fn generated_code_holds_nothing_that_panics() {
    let forbidden = [
        "unsafe",
        ".unwrap(",
        ".expect(",
        "panic!",
        "unreachable!",
        "todo!",
        "unimplemented!",
        "assert",
    ];
    for path in goldens() {
        let text = generated(&path);
        for word in forbidden {
            assert!(!text.contains(word), "`{word}` in the Rust for {}", path.display());
        }
    }
}

#[test]
fn the_runtime_can_be_elsewhere() {
    let mut run = Compilation::new();
    let text = "module a; interface I { fn f(s: string) -> list<u8>; }";
    let module = run.module_from_text("a.idl", text).unwrap();
    let path = syn::parse_quote!(crate::rpc);
    let runtime = idlc::codegen::Runtime::at(&path);
    let rust = idlc::codegen::generate_with(&module, &runtime).to_string();
    assert!(rust.contains("crate :: rpc :: __rt :: v1"));
    assert!(!rust.contains("alpc_rpc"));
}
