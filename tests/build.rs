//! Compiles the tests' interfaces, and those that the guide to the language shows.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    idlc::Builder::new()
        .file("idl/everything.idl")
        .file("idl/types.idl")
        .file("idl/graphs.idl")
        .file("idl/trial.idl")
        .file("idl/trial_major.idl")
        .file("idl/trial_changed.idl")
        .file("idl/other.idl")
        .file("idl/bounds_strict.idl")
        .file("idl/bounds_loose.idl")
        .file("../idlc/tests/golden/attributes.idl")
        .file("../idlc/tests/golden/evolution.idl")
        .file("../idlc/tests/golden/sensitive.idl")
        .file("../idlc/tests/golden/tombstones.idl")
        .file("../idlc/tests/twins/later.idl")
        .file("../idlc/tests/twins/removed.idl")
        .file("../idlc/tests/twins/inheritance.idl")
        .file("../idlc/tests/golden/events.idl")
        .file("../idlc/tests/golden/handles.idl")
        .file("../idlc/tests/golden/objects.idl")
        .compile_or_exit();
    imports();
    evolution();
    guide();
}

/// Compiles the blocks of the guide that begin with "```idl,x", each to `guide_x.rs`.
fn guide() {
    let page = Path::new("../docs/language.md");
    println!("cargo::rerun-if-changed={}", page.display());
    let page = fs::read_to_string(page).unwrap_or_else(|error| panic!("{error}"));
    let folder = std::env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    let mut builder = idlc::Builder::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("```idl,") else { continue };
        let block = lines.by_ref().take_while(|line| *line != "```");
        let text: String = block.flat_map(|line| [line, "\n"]).collect();
        if name.starts_with("refused") {
            continue;
        }
        let file = folder.join(format!("guide_{name}.idl"));
        // Cargo watches it: writing the same again would run this script for ever.
        if !fs::read_to_string(&file).is_ok_and(|old| old == text) {
            fs::write(&file, text).unwrap_or_else(|error| panic!("{error}"));
        }
        builder = builder.file(file);
    }
    builder.compile_or_exit();
}

/// Compiles each interface in `evolution/` as it was before and after a change, to
/// `evolution/<folder>/{old,new}.rs`, and lists them in `evolution/rows.rs`.
fn evolution() {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default()).join("evolution");
    println!("cargo::rerun-if-changed=evolution");
    let mut names: Vec<String> = fs::read_dir("evolution")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let mut rows = String::new();
    let mut list = String::new();
    for name in &names {
        let folder = Path::new("evolution").join(name);
        let compile = |side: &str| {
            let target = out.join(name);
            fs::create_dir_all(&target).unwrap_or_else(|error| panic!("{error}"));
            let file = folder.join(side).with_extension("idl");
            idlc::Builder::new().file(&file).out_dir(&target).compile_or_exit();
            let text = fs::read_to_string(&file).unwrap_or_default();
            let interface = text.lines().find_map(|line| line.strip_prefix("interface "));
            interface.and_then(|rest| rest.split(' ').next()).unwrap_or("Row").to_owned()
        };
        let [old, new] = ["old", "new"].map(compile);
        let _infallible = writeln!(rows, "pub(crate) mod {name} {{");
        for side in ["old", "new"] {
            let path = out.join(name).join(side).with_extension("rs");
            let _infallible = writeln!(rows, "    pub(crate) mod {side} {{ include!({path:?}); }}");
        }
        rows.push_str("}\n");
        let client = |side: &str, interface: &str| {
            format!("<{name}::{side}::{interface}Client as alpc_rpc::Client>::INTERFACE")
        };
        let [old, new] = [client("old", &old), client("new", &new)];
        let _infallible = writeln!(list, "    ({name:?}, [{old}, {new}]),");
    }
    let ty = "(&str, [&alpc_rpc::descriptor::InterfaceDesc; 2])";
    let _infallible = writeln!(rows, "pub(crate) const INTERFACES: &[{ty}] = &[\n{list}];");
    fs::write(out.join("rows.rs"), rows).unwrap_or_else(|error| panic!("{error}"));
}

/// Into a folder of their own: the files are called like others of the tests.
fn imports() {
    let folder = std::env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    idlc::Builder::new()
        .file("../idlc/tests/imports/places.idl")
        .include("../idlc/tests/imports/shared")
        .out_dir(folder.join("imports"))
        .compile_or_exit();
}
