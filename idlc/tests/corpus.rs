//! Interfaces of other systems, written down in this language: a file system, a media server, a
//! service manager, a sensor hub, a compositor. They are here to show that real interfaces can be
//! said, and as a large text for whatever works on text.

#![cfg(feature = "grammar")]

use std::fs;
use std::path::Path;

use idlc::compile::Compilation;
use idlc::diagnostic::Colour;
use idlc::ir::Item;

#[test]
fn interfaces_of_other_systems_can_be_written_down() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/idl/corpus");
    let mut methods = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mut run = Compilation::new();
        let Some(module) = run.module(&path) else { panic!("{}", run.drawn(Colour::Never)) };
        assert_eq!(run.drawn(Colour::Never), "", "{}", path.display());
        run.rust("corpus.idl", &module).unwrap();
        for item in &module.items {
            if let Item::Interface(item) = item {
                methods += item.methods.len();
            }
        }
    }
    assert!(methods > 150, "{methods}");
}
