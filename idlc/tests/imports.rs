//! Files that import each other.

#![cfg(feature = "grammar")]

use std::fs;
use std::path::{Path, PathBuf};

use idlc::compile::Compilation;
use idlc::diagnostic::Colour;
use idlc::ir::Module;

const FOLDER: &str = "tests/imports";

fn compilation() -> Compilation {
    let mut run = Compilation::new();
    run.include(format!("{FOLDER}/shared"));
    run
}

fn module(run: &mut Compilation, file: &str) -> Module {
    let module = run.module(Path::new(&format!("{FOLDER}/{file}")));
    module.unwrap_or_else(|| panic!("{}", run.drawn(Colour::Never)))
}

#[test]
fn names_of_other_modules_become_paths_of_rust() {
    let mut run = compilation();
    let places = module(&mut run, "places.idl");
    let rust = run.rust("places.idl", &places).unwrap();
    expect_test::expect_file!["imports/places.rs"].assert_eq(&rust);
}

#[test]
fn the_rust_of_a_module_can_be_elsewhere() {
    let mut run = compilation();
    run.rust_module("acme.types", &syn::parse_quote!(::types_of_acme::api));
    let places = module(&mut run, "places.idl");
    let rust = run.rust("places.idl", &places).unwrap();
    assert!(rust.contains("pub at: ::types_of_acme::api::Point,"), "{rust}");
    assert!(!rust.contains("super::types"));
    let written: Vec<PathBuf> = run.imported().into_iter().map(|(path, _)| path).collect();
    assert_eq!(written, [Path::new("tests/imports/shared/base.idl")]);
}

#[test]
fn a_file_is_read_once_whoever_imports_it() {
    let mut run = compilation();
    module(&mut run, "places.idl");
    module(&mut run, "types.idl");
    let files: Vec<&str> = run.imported_files().collect();
    assert_eq!(files, ["tests/imports/types.idl", "tests/imports/shared/base.idl"]);
}

#[test]
fn a_module_with_imports_is_written_down_as_it_is_read() {
    let mut run = compilation();
    let places = module(&mut run, "places.idl");
    let text = idlc::print::print(&places);
    assert!(text.contains("at: acme.types.Point"), "{text}");
    let again = run.module_from_text(&format!("{FOLDER}/places.idl"), &text);
    let again = again.unwrap_or_else(|| panic!("{text}\n{}", run.drawn(Colour::Never)));
    assert_eq!(places.items, again.items);
}

#[test]
fn what_is_wrong_is_told_in_the_file_where_it_stands() {
    let folder = format!("{FOLDER}/refused");
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    for path in files.filter(|path| path.extension().is_some_and(|ext| ext == "idl")) {
        let mut run = compilation();
        assert!(run.module(&path).is_none(), "{} is accepted", path.display());
        let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join(path.with_extension("txt"));
        expect_test::expect_file![expected].assert_eq(&run.drawn(Colour::Never));
    }
}
