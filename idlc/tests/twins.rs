//! The same interface, written both ways, is the same interface.
//!
//! Each `.idl` file in `twins` has a `.rs` file beside it. What they say must be equal, and so must
//! everything that is generated beside the user's own definitions.

#![cfg(feature = "grammar")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use idlc::check::check;
use idlc::codegen::{self, Runtime};
use idlc::compile::Compilation;
use idlc::diagnostic::{Colour, Diagnostics};
use idlc::front::rust::{lower_trait, lower_type};
use idlc::ir::{Item, Module};
use idlc::resolve::resolve;

fn twins() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/twins");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|ext| ext == "idl")).collect();
    assert!(!files.is_empty());
    files
}

/// By name, since nothing depends on the order of items.
type Items = BTreeMap<String, Item>;

fn by_name(items: Vec<Item>) -> Items {
    items.into_iter().map(|item| (item.name().text.clone(), item)).collect()
}

fn from_idl(path: &Path) -> Items {
    let mut run = Compilation::new();
    let module = run.module_from_text("twin.idl", &fs::read_to_string(path).unwrap());
    by_name(module.unwrap_or_else(|| panic!("{}", run.drawn(Colour::Never))).items)
}

fn from_rust(path: &Path) -> Items {
    let file = syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap();
    by_name(file.items.into_iter().map(item).collect())
}

/// What the macros make of an item.
fn item(item: syn::Item) -> Item {
    let mut found = Diagnostics::new();
    let lowered = match item {
        syn::Item::Trait(mut item) => {
            let at = item.attrs.iter().position(|attr| attr.path().is_ident("alpc_interface"));
            let attribute = item.attrs.remove(at.unwrap());
            let arguments = attribute.meta.require_list().unwrap().tokens.clone();
            Item::Interface(lower_trait(arguments, item, &mut found).interface)
        }
        other => lower_type(&other, &mut found).unwrap().item,
    };
    let mut module = Module { items: vec![lowered], ..Module::default() };
    resolve(&mut module, &mut found);
    found.append(check(&module));
    assert!(found.is_empty(), "{}", found.into_syn_error().unwrap());
    module.items.remove(0)
}

/// Everything but the definition, which in Rust is the user's.
fn generated(item: &Item) -> String {
    let runtime = Runtime::default();
    let tokens = match item {
        Item::Struct(item) => codegen::struct_impls(item, &runtime),
        Item::Enum(item) => codegen::enum_impls(item, &runtime),
        Item::Flags(item) => codegen::flags_impls(item, &runtime),
        Item::Union(item) => codegen::union_impls(item, &runtime),
        Item::Interface(item) => codegen::interface_companions(item, &runtime),
        Item::Const(_) | Item::Alias(_) => return String::new(),
    };
    prettyplease::unparse(&syn::parse2(tokens).unwrap())
}

/// The first lines in which two items differ, but for places, which always do.
fn difference(idl: &Item, rust: &Item) -> String {
    let text = |item: &Item| {
        let lines: Vec<String> = format!("{item:#?}")
            .lines()
            .filter(|line| !line.trim().starts_with("span: "))
            .map(str::to_owned)
            .collect();
        lines.join("\n")
    };
    first_difference(&text(idl), &text(rust))
}

fn first_difference(idl: &str, rust: &str) -> String {
    match idl.lines().zip(rust.lines()).enumerate().find(|(_, (idl, rust))| idl != rust) {
        Some((at, _)) => {
            let around = |text: &str| {
                text.lines().skip(at.saturating_sub(8)).take(12).collect::<Vec<_>>().join("\n")
            };
            format!("idl:\n{}\nrust:\n{}", around(idl), around(rust))
        }
        None => "one has more".to_owned(),
    }
}

#[test]
fn twins_say_the_same() {
    for path in twins() {
        let (idl, rust) = (from_idl(&path), from_rust(&path.with_extension("rs")));
        assert_eq!(idl.keys().collect::<Vec<_>>(), rust.keys().collect::<Vec<_>>());
        for (name, item) in &idl {
            assert!(*item == rust[name], "{name}: {}", difference(item, &rust[name]));
        }
    }
}

#[test]
fn twins_generate_the_same() {
    for path in twins() {
        let (idl, rust) = (from_idl(&path), from_rust(&path.with_extension("rs")));
        for (name, item) in &idl {
            let (idl, rust) = (generated(item), generated(&rust[name]));
            assert!(idl == rust, "{name}: {}", first_difference(&idl, &rust));
        }
    }
}

/// A handler that does not ask who calls is the same to its callers.
#[test]
fn the_calls_context_is_not_on_the_wire() {
    let with = "#[alpc_interface(name = \"a.A\")] trait A { fn f(&self, cx: &Call<'_>, a: u32); }";
    let without = "#[alpc_interface(name = \"a.A\")] trait A { fn f(&self, a: u32); }";
    let [with, without] = [with, without].map(|text| {
        let Item::Interface(item) = item(syn::parse_str(text).unwrap()) else { panic!() };
        let all = codegen::interface_companions(&item, &Runtime::default()).to_string();
        all.split("fn dispatch").next().unwrap().to_owned()
    });
    assert_eq!(with, without);
}
