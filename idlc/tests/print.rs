//! A description, printed and read again, says the same: as `.idl` text, and as annotated Rust.

#![cfg(feature = "grammar")]

mod traits;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use idlc::compile::Compilation;
use idlc::diagnostic::Colour;
use idlc::ir::Module;
use idlc::print::print;
use proptest::prelude::*;

fn idl_files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|ext| ext == "idl")).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn read(text: &str) -> Result<Module, String> {
    let mut run = Compilation::new();
    run.module_from_text("printed.idl", text).ok_or_else(|| run.drawn(Colour::Never))
}

#[test]
fn every_file_is_printed_as_it_was_meant() {
    for path in ["accepted", "golden", "twins"].into_iter().flat_map(idl_files) {
        let module = read(&fs::read_to_string(&path).unwrap()).unwrap();
        let printed = print(&module);
        let again = read(&printed).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        assert!(again == module, "{} is not\n{printed}", path.display());
        assert_eq!(print(&again), printed, "{}", path.display());
    }
}

#[test]
fn every_file_can_be_written_as_rust() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/idl/corpus");
    let corpus = fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path());
    let files = ["accepted", "golden", "twins"].into_iter().flat_map(idl_files).chain(corpus);
    let texts = files.map(|path| fs::read_to_string(path).unwrap());
    let rare = "module m; [final] enum E : u8 { A } interface I { fn f([out, raw] a: list<u8>); }";
    let (mut written, mut limits) = (0, BTreeSet::new());
    for text in texts.chain([rare.to_owned()]) {
        let module = read(&text).unwrap();
        for item in &module.items {
            if let Some(why) = traits::why_not(item) {
                limits.insert(why);
                continue;
            }
            let name = item.name();
            traits::same(item).unwrap_or_else(|why| panic!("{}, {name}: {why}", module.name));
            written += 1;
        }
    }
    assert!(written > 200, "{written}");
    // Each limit is met by some file: one that is not is none, and goes.
    let limits = limits.into_iter().collect::<Vec<_>>().join("\n");
    expect_test::expect![[r#"
        a buffer of `u8` is a buffer of bytes in Rust
        a list of `u8` is `bytes` in Rust
        a name that Rust does not take, or that is another one in Rust
        constants and names of types are Rust's own
        kinds of handles in a tuple or result have no word in Rust
        the base of a final enum, which is never sent, has no place in Rust
        the macros know types by their names, and this is the name of another one
        what is removed as a whole is deleted in Rust"#]]
    .assert_eq(&limits);
}

#[test]
fn what_is_printed_is_laid_out() {
    let text = "module a; const A: u32 = 1 << 3; type T = list<u8<..=A>>;\
        /// Doc.\nstruct S { t: T?, s: string = \"a\\\"\\n\" } [final] struct Z { z: u8 }\
        interface I { [idempotent, timeout(90s)] fn f([out] b: bytes, f: f64 = -1.0e-9); }";
    expect_test::expect![[r#"
        module a;

        const A: u32 = 8;

        /// Doc.
        struct S {
            t: list<u8<..=8>>?,
            s: string = "a\"\n",
        }

        [final]
        struct Z {
            z: u8,
        }

        interface I {
            [idempotent, timeout(90s)]
            fn f([out] b: bytes, f: f64 = -1.0e-9);
        }
    "#]]
    .assert_eq(&print(&read(text).unwrap()));
}

/// Types as text, each good anywhere.
fn types() -> impl Strategy<Value = String> {
    let bound = prop_oneof![
        Just(String::new()),
        (0u32..9, 9u32..99).prop_map(|(min, max)| format!("{min}..={max}")),
        (1u32..99).prop_map(|max| format!("..={max}")),
        (0u32..9).prop_map(|min| format!("{min}..")),
    ];
    let angle = |bound: &str| if bound.is_empty() { String::new() } else { format!("<{bound}>") };
    let leaf = prop_oneof![
        Just("bool".to_owned()),
        Just("Point".to_owned()),
        Just("Mode".to_owned()),
        (
            prop::sample::select(vec!["u8", "i16", "u32", "i64", "u128", "f32", "string", "bytes"]),
            bound.clone()
        )
            .prop_map(move |(name, bound)| {
                let is_float = name == "f32" && !bound.is_empty();
                if is_float {
                    "f32<0.5..=1.5>".to_owned()
                } else {
                    format!("{name}{}", angle(&bound))
                }
            }),
    ];
    leaf.prop_recursive(3, 12, 3, move |inner| {
        let comma =
            |bound: &str| if bound.is_empty() { String::new() } else { format!(", {bound}") };
        prop_oneof![
            (inner.clone(), bound.clone())
                .prop_map(move |(item, bound)| format!("list<{item}{}>", comma(&bound))),
            (inner.clone(), bound.clone())
                .prop_map(move |(item, bound)| format!("map<u16, {item}{}>", comma(&bound))),
            (inner.clone(), 1u32..20).prop_map(|(item, count)| format!("[{item}; {count}]")),
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|items| format!("({})", items.join(", "))),
            inner.prop_map(|item| if item.ends_with('?') { item } else { format!("{item}?") }),
        ]
    })
}

fn texts() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<char>(), 0..6)
        .prop_map(|all| all.into_iter().map(|c| format!("\\u{{{:x}}}", u32::from(c))).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn arbitrary_descriptions_are_printed_as_they_were_meant(
        fields in prop::collection::vec(types(), 0..6),
        params in prop::collection::vec((types(), any::<bool>()), 0..4),
        results in prop::collection::vec(types(), 0..4),
        int in any::<i128>(),
        float in any::<f64>().prop_filter("literals are finite", |float| float.is_finite()),
        text in texts(),
        bytes in prop::collection::vec(any::<u8>(), 0..9),
        nanos in 1u64..,
        minor in any::<u16>(),
        closed in any::<bool>(),
        docs in prop::collection::vec("[ -~]{0,20}", 0..4),
    ) {
        let docs: String = docs.iter().map(|line| format!("///{line}\n")).collect();
        let docs = docs.replace("////", "/// /");
        let list = |items: &[String]| {
            let items = items.iter().enumerate().map(|(n, item)| format!("p{n}: {item}"));
            items.collect::<Vec<_>>().join(", ")
        };
        let params: Vec<String> = params
            .into_iter()
            .map(|(ty, is_late)| match is_late && ty.ends_with('?') {
                true => format!("{ty} /* late */"),
                false => ty,
            })
            .collect();
        let growth = if closed { "[final] " } else { "" };
        let bytes: String = bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        let digits = format!("{float:?}");
        let float = match digits.split_once('e') {
            Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
            _ => digits,
        };
        let result = match results.len() {
            0 => String::new(),
            1 => format!("-> {}", results[0]),
            _ => format!("-> ({})", list(&results)),
        };
        let text = format!(
            "module a.b;\n{docs}const INT: i128 = {int};\nconst FLOAT: f64 = {float};\n\
             const TEXT: string = \"{text}\";\nconst BYTES: bytes = b\"{bytes}\";\n\
             {docs}struct Point {{ x: i32, y: i32 }}\nenum Mode : i8 {{ A = -3, B, reserved 9, C }}\n\
             {docs}{growth}struct S {{ {} }}\n\
             {growth}error E {{ Nothing, One({}), Two {{ a: u8 }}, }}\n\
             [version(1.{minor})] interface Calls {{\n{docs}[timeout({nanos}ns)] fn f({}) {result} raises E; }}",
            list(&fields),
            fields.first().map_or("u8", String::as_str),
            list(&params),
        );
        let read_first = read(&text);
        // Few of these mean nothing, such as a type that has no zero in an open record.
        prop_assume!(read_first.is_ok(), "{}", read_first.unwrap_err());
        let module = read_first.unwrap();
        for item in module.items.iter().filter(|item| traits::why_not(item).is_none()) {
            if let Err(why) = traits::same(item) {
                prop_assert!(false, "{why}");
            }
        }
        let printed = print(&module);
        match read(&printed) {
            Ok(again) => prop_assert!(again == module, "{text}\nis not\n{printed}"),
            Err(why) => prop_assert!(false, "{printed}\n{why}"),
        }
    }
}
