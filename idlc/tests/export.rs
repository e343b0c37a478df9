//! Traits as `.idl` files: what is exported says what the trait says.

#![cfg(feature = "grammar")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use idlc::compile::Compilation;
use idlc::diagnostic::Colour;
use idlc::export::{Wanted, export};
use idlc::ir::Item;

fn items(text: &str) -> BTreeMap<String, Item> {
    let mut run = Compilation::new();
    let module = run.module_from_text("exported.idl", text);
    let module = module.unwrap_or_else(|| panic!("{}\n{text}", run.drawn(Colour::Never)));
    module.items.into_iter().map(|item| (item.name().text.clone(), item)).collect()
}

#[test]
fn twins_are_exported_as_their_twins() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/twins");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ext| ext != "rs") {
            continue;
        }
        count += 1;
        let exported = export(&fs::read_to_string(&path).unwrap(), &Wanted::default());
        let exported = exported.unwrap_or_else(|found| panic!("{:?}", found.sorted()));
        let idl = fs::read_to_string(path.with_extension("idl")).unwrap();
        let (exported_items, idl) = (items(&exported), items(&idl));
        for (name, item) in &idl {
            if !matches!(item, Item::Const(_)) {
                let same = exported_items.get(name) == Some(item);
                assert!(same, "{}: {name} is\n{exported}", path.display());
            }
        }
    }
    assert!(count > 0);
}

const SOURCE: &str = r#"
    const LONGEST: u64 = 1 << 4;
    const OTHER: u64 = compute();

    mod inner {
        /// A pair.
        #[derive(Clone, alpc_rpc::Alpc)]
        pub struct Pair { pub one: Inside, pub other: u8 }
        #[derive(Alpc)]
        pub struct Inside { pub text: String }
        #[derive(Alpc)]
        pub struct Unused { pub text: String }
        #[derive(Debug)]
        pub struct NotOurs { pub text: std::net::IpAddr }
    }

    #[alpc_rpc::alpc_interface(name = "acme.pairs.Pairs")]
    pub trait Pairs {
        /// Puts one.
        fn put(&self, #[max(LONGEST)] name: &str, pair: inner::Pair);
    }

    #[alpc_rpc::alpc_interface(name = "acme.pairs.Others")]
    pub trait Others {}
"#;

#[test]
fn one_trait_comes_with_what_it_needs() {
    let wanted = Wanted { interface: Some("Pairs".into()), module: None, at: None };
    expect_test::expect![[r#"
        module acme.pairs;

        const LONGEST: u64 = 16;

        /// A pair.
        struct Pair {
            one: Inside,
            other: u8,
        }

        struct Inside {
            text: string,
        }

        interface Pairs {
            /// Puts one.
            fn put(name: string<..=LONGEST>, pair: Pair);
        }
    "#]]
    .assert_eq(&export(SOURCE, &wanted).unwrap());
}

#[test]
fn a_trait_is_exported_as_it_was() {
    let source = "#[alpc_interface(name = \"a.A\", version = \"1.2\")] trait A {
        fn f(&self, #[added(1.2)] #[default(1)] by: u32); #[added(1.1)] fn g(&self);
        #[removed(1.1)] fn h(&self);
    }";
    let at = |minor| {
        let at = Some(idlc::ir::Version { major: 1, minor });
        export(source, &Wanted { at, ..Wanted::default() }).unwrap()
    };
    assert!(
        at(0).ends_with("[version(1.0)]\ninterface A {\n    fn f();\n    fn h();\n}\n"),
        "{}",
        at(0)
    );
    assert!(
        at(1).contains("    [added(1.1)]\n    fn g();\n    [removed(1.1)]\n    fn h();\n"),
        "{}",
        at(1)
    );
}

#[test]
fn what_cannot_be_exported_is_told() {
    let problem = |source: &str, interface: Option<&str>| {
        let wanted = Wanted { interface: interface.map(str::to_owned), module: None, at: None };
        let found = export(source, &wanted).unwrap_err().sorted();
        found.into_iter().map(|found| found.message).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(problem(SOURCE, Some("Pair")), "no trait called `Pair` has `#[alpc_interface]`");
    assert!(problem("fn (", None).starts_with("the file is not Rust"));
    assert!(problem("struct A;", None).starts_with("no trait here"));
    let unnamed = "#[alpc_interface(uuid = \"6f1d0c1e-8a1b-4a57-9a5e-2f4c2a3b9d11\")] trait A {}";
    assert_eq!(problem(unnamed, None), "no interface here has a full name");
}

mod hostile {
    //! Rust that somebody wrote who knows neither us nor Rust: taking it in ends, and says something
    //! unless all is well.

    use super::*;
    use proptest::prelude::*;

    const WORDS: &[&str] = &[
        "u8",
        "usize",
        "char",
        "str",
        "Self",
        "self",
        "&self",
        "&mut self",
        "String",
        "Vec",
        "Option",
        "Result",
        "Box",
        "Arc",
        "Duration",
        "dyn",
        "impl",
        "'a",
        "*const u8",
        "[u8]",
        "[u8; 3]",
        "()",
        "(u8,)",
        "!",
        "_",
        "-1",
        "0",
        "3",
        "1.5",
        "\"x\"",
        "b\"x\"",
        "\"30s\"",
        "\"1.1\"",
        "#[out]",
        "#[max(0)]",
        "#[view]",
        "#[raw]",
        "#[alpc(final)]",
        "#[alpc(tag = 0)]",
        "#[default(7)]",
        "#[oneway]",
        "#[timeout(\"0s\")]",
        "final",
        "async",
        "where",
        "<T>",
        "..",
        "=",
        ",",
        ";",
        "",
    ];

    /// The places of the words of a text, and of single marks.
    fn words(text: &str) -> Vec<(usize, usize)> {
        let mut words: Vec<(usize, usize)> = Vec::new();
        for (at, c) in text.char_indices().filter(|(_, c)| !c.is_whitespace()) {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            match words.last_mut() {
                Some((start, end))
                    if *end == at && is_word(c) && text[*start..*end].chars().all(is_word) =>
                {
                    *end += c.len_utf8();
                }
                _ => words.push((at, at + c.len_utf8())),
            }
        }
        words
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn spoiled_traits_are_survived(
            file in 0usize..4,
            changes in prop::collection::vec((any::<prop::sample::Index>(), 0..WORDS.len()), 1..4),
        ) {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/twins");
            let names = ["key_value.rs", "flags_and_unions.rs", "standard.rs", "evolution.rs"];
            let mut text = fs::read_to_string(folder.join(names[file])).unwrap();
            for (place, word) in changes {
                let words = words(&text);
                let (start, end) = words[place.index(words.len())];
                text.replace_range(start..end, WORDS[word]);
            }
            match export(&text, &Wanted::default()) {
                Ok(text) => prop_assert!(!text.is_empty()),
                Err(found) => prop_assert!(found.has_errors()),
            }
            // The macros themselves, on whatever is a trait or a type.
            if let Ok(file) = syn::parse_file(&text) {
                for item in file.items {
                    use idlc::front::rust::{expand_derive, expand_interface};
                    let arguments = "name = \"a.A\"".parse().unwrap();
                    drop(expand_interface(arguments, quote::quote!(#item)));
                    drop(expand_derive(quote::quote!(#item)));
                }
            }
        }
    }
}
