use expect_test::expect;
use proptest::prelude::*;

use super::*;

/// A text with everything in it that can be said.
const WHOLE: &str = include_str!("../compare/tests/large.txt");

#[test]
fn the_text_comes_back_as_it_was_written() {
    let contract = Contract::parse(WHOLE).unwrap();
    assert_eq!(contract.to_text(Detail::Everything), WHOLE);
    assert_eq!(contract.interface.methods.len(), 4);
    assert_eq!(contract.interface.version, Version { major: 1, minor: 10 });
}

#[test]
fn what_may_differ_without_harm_is_not_in_the_fingerprint() {
    let contract = Contract::parse(WHOLE).unwrap();
    expect![[r#"
        alpc-fingerprint/1
        method 0000000000000007 "touch" oneway (in "tree": "acme.kv.Tree") -> ()
        method 2a6f0c1e8a1b4a57 "read" twoway (in "key": string, in "offset": u64, out "buf": [u8]) -> ("total": u64) raises "acme.kv.KvError"
        method 2a6f0c1e8a1b4a58 "paint" twoway (in view raw "image": [f32], in "named": {string: (bool, [i16; 4])}) -> (view "": result<unit, "acme.kv.KvError">)
        method 2a6f0c1e8a1b4a59 "changed" event (in "at": time, in "to": handle<file>?, in "by": f64) -> ()
        enum "acme.kv.Color" closed signed {"Red" = -1, "Green" = 1}
        flags "acme.kv.Mode" {"Read" = 1, "Write" = 2}
        interface "acme.kv.Watcher" 00000000000000000000000000000001 2 {method 0000000000000009 "seen" twoway () -> ()}
        opaque "Foreign \"type\""
        struct "acme.kv.Tree" open {"leaf": "acme.kv.Color"?, "branches": ["acme.kv.Tree"], "note": string}
        union "acme.kv.KvError" open {"NotFound" = 1 {}, "TooLarge" = 2 {"limit": u64}}
    "#]]
    .assert_eq(&contract.to_text(Detail::Identity));
}

#[test]
fn two_types_of_one_name_are_both_kept() {
    let text = "struct \"P\" open {\"x\": string}\nstruct \"P\" open {\"x\": u8}\n";
    let types = Types::parse(text).unwrap();
    assert_eq!(types.to_text(), text);
    assert_eq!(types.get("P"), None);
    assert_eq!(types.all_of("P").len(), 2);
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let told = |text: &str| Contract::parse(text).unwrap_err().to_string();
    assert_eq!(told(""), "line 1 of the contract: it is not written in this version's form");
    assert_eq!(told("alpc-contract/1\n"), "line 2 of the contract: the interface is missing");
    let odd = WHOLE.replace("closed signed", "ajar signed");
    assert_eq!(told(&odd), "line 7 of the contract: a type is `open` or `closed`");
    let long = " ".repeat(Contract::MAX_TEXT + 1);
    assert_eq!(told(&long), "line 1 of the contract: it is too long");
}

#[test]
fn nesting_has_an_end() {
    for (open, close) in [("[", "]"), ("", "?"), ("(", ")"), ("stream<", ">")] {
        let deep = |depth| {
            let ty = format!("{}u8{}", open.repeat(depth), close.repeat(depth));
            Types::parse(&format!("struct \"S\" open {{\"x\": {ty}}}\n"))
        };
        deep(MAX_DEPTH - 1).unwrap();
        assert_eq!(deep(100_000).unwrap_err().what, "types are nested too deep");
    }
}

proptest! {
    #[test]
    fn a_mutated_text_is_read_or_refused(
        cut: prop::sample::Index,
        len in 0..40_usize,
        with in "[ -~\n]{0,8}",
    ) {
        let mut text = WHOLE.to_owned();
        let start = cut.index(text.len());
        let end = (start + len).min(text.len());
        text.replace_range(start..end, &with);
        if let Ok(contract) = Contract::parse(&text) {
            let text = contract.to_text(Detail::Everything);
            prop_assert_eq!(Contract::parse(&text).unwrap(), contract);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(line in "\\PC{0,80}") {
        let _ = Contract::parse(&format!("alpc-contract/1\n{line}"));
        let _ = Types::parse(&line);
    }
}
