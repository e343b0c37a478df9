mod calls;
mod types;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::{Detail, Interface, Types};

/// A contract of version 1.1, with these lines behind the first two.
fn contract(lines: &str) -> Contract {
    at("1.1", lines)
}

fn at(version: &str, lines: &str) -> Contract {
    let lines: Vec<&str> = lines.lines().map(str::trim).collect();
    let id = "6f1d0c1e8a1b4a579a5e2f4c2a3b9d11";
    let text = format!("alpc-contract/1\ninterface \"a.I\" {id} {version}\n{}", lines.join("\n"));
    Contract::parse(&text).unwrap()
}

/// A method `f`, as everything is compared through one.
fn method(rest: &str) -> Contract {
    contract(&format!("method 0000000000000001 \"f\" twoway {rest}"))
}

/// A type that `f` takes.
fn sent(definition: &str) -> Contract {
    contract(&format!(
        "method 0000000000000001 \"f\" twoway (in \"x\": \"a.T\") -> ()\n{definition}"
    ))
}

/// One line each: rule, path, and what it does to an old client, a new client and the source.
fn told(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let Finding {
            rule, path, old_client_new_server: a, new_client_old_server: b, source, ..
        } = finding;
        format!("{rule} {path} {} {} {}\n", a.word(), b.word(), source.word())
    };
    findings.iter().map(line).collect()
}

#[track_caller]
fn check(old: &Contract, new: &Contract, want: &Expect) {
    want.assert_eq(&told(&compare(old, new)));
}

/// What the peers find, for the method `f`.
fn verdicts(old: &Contract, new: &Contract) -> (Option<Verdict>, Option<Verdict>) {
    let f = |client, server| judge(client, server).of(1).cloned();
    (f(old, new), f(new, old))
}

#[track_caller]
fn check_detected(old: &Contract, new: &Contract) {
    let (one, other) = verdicts(old, new);
    assert!(matches!(one, Some(Verdict::Incompatible { .. })), "{one:?}");
    assert!(matches!(other, Some(Verdict::Incompatible { .. })), "{other:?}");
}

#[track_caller]
fn check_callable(old: &Contract, new: &Contract) {
    assert_eq!(verdicts(old, new), (None, None));
}

// What the table does not say.

#[test]
fn callbacks_are_called_by_the_server() {
    let with = |ty: &str| {
        contract(&format!(
            "method 0000000000000001 \"f\" twoway (in \"w\": \"a.W\") -> ()\ninterface \"a.W\" 00000000000000000000000000000007 1.0 {{method 0000000000000009 \"seen\" twoway (in \"x\": {ty}) -> ()}}"
        ))
    };
    // The new server sends what the old client refuses.
    check(
        &with("u8<..=5>"),
        &with("u8<..=6>"),
        &expect![[r#"
        BOUND_WIDENED a.W.seen.x warn ok ok
    "#]],
    );
    // A callback that cannot be called does not keep its object from being handed over.
    let (old, new) = (with("u8"), with("string"));
    check(
        &old,
        &new,
        &expect![[r#"
        PARAM_CHANGED a.W.seen.x break break break
    "#]],
    );
    check_callable(&old, &new);
    assert!(matches!(judge(&old, &new).of(9), Some(Verdict::Incompatible { .. })));
    let more = Contract::parse(
        &old.to_text(Detail::Everything)
            .replace("{method", "{method 0000000000000005 \"lost\" twoway () -> (), method"),
    );
    check(
        &old,
        &more.unwrap(),
        &expect![[r#"
        ADD_METHOD a.W.lost warn ok break
    "#]],
    );
}

#[test]
fn what_is_wrong_deep_inside_is_told_of_every_method_that_reaches_it() {
    let with = |ty: &str| {
        contract(&format!(
            "method 0000000000000001 \"f\" twoway (in \"x\": [\"a.T\"]) -> ()
            method 0000000000000002 \"g\" twoway () -> (\"\": \"a.U\"?)
            method 0000000000000003 \"h\" twoway () -> ()
            struct \"a.T\" open {{\"again\"?: \"a.T\"?, \"u\": \"a.U\"}}
            struct \"a.U\" open {{\"x\": {ty}}}"
        ))
    };
    let verdicts = judge(&with("u8"), &with("u16"));
    let reason = "`a.U.x` was `u8` and is `u16`".to_owned();
    assert_eq!(verdicts.of(1), Some(&Verdict::Incompatible { reason: reason.clone() }));
    assert_eq!(verdicts.of(2), Some(&Verdict::Incompatible { reason }));
    assert_eq!(verdicts.of(3), None);
}

#[test]
fn of_two_equal_versions_each_may_be_the_newer_one() {
    let short = sent(r#"struct "a.T" open {"x": u8}"#);
    let long = sent(r#"struct "a.T" open {"x": u8, "y": u8}"#);
    check_callable(&short, &long);
    check_callable(&long, &short);
}

#[test]
fn types_that_no_interface_reaches_are_compared_too() {
    let types = |text: &str| Types::parse(text).unwrap();
    let (old, new) =
        (types(r#"struct "a.T" open {"x": u8}"#), types(r#"struct "a.T" open {"x": u16}"#));
    let found = compare_modules((&[], &old), (&[], &new));
    expect![[r#"
        FIELD_CHANGED a.T.x break break break
    "#]]
    .assert_eq(&told(&found));
}

#[test]
fn a_comparison_has_an_end() {
    // Each pair of types leads to all other pairs: a million and a half, with eight fields each.
    let many = |count: usize, step: usize| {
        let types: String = (0..count)
            .map(|at| {
                let field =
                    |n: usize| format!("\"f{n}\": [\"T{}\"]", (at * step + n * n + 1) % count);
                let fields: Vec<String> = (0..8).map(field).collect();
                format!("struct \"T{at}\" open {{{}}}\n", fields.join(", "))
            })
            .collect();
        types.replace('T', &format!("S{step}."))
    };
    let with = |types: String, first: &str| {
        contract(&format!(
            "method 0000000000000001 \"f\" twoway (in \"x\": \"{first}\") -> ()\n{types}"
        ))
    };
    let (old, new) = (with(many(1201, 7), "S7.0"), with(many(1301, 5), "S5.0"));
    let verdict = judge(&old, &new).of(1).cloned();
    assert!(matches!(verdict, Some(Verdict::Incompatible { .. })), "{verdict:?}");
}

proptest! {
    #[test]
    fn every_two_contracts_can_be_compared(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6),
    ) {
        // Pieces of a large contract put where others were.
        let text = include_str!("tests/large.txt");
        let old = Contract::parse(text).unwrap();
        let mut words: Vec<&str> = text.split_inclusive(' ').collect();
        for (from, to) in cuts {
            let (from, to) = (from.index(words.len()), to.index(words.len()));
            words.swap(from, to);
        }
        if let Ok(new) = Contract::parse(&words.concat()) {
            let there = compare(&old, &new);
            prop_assert!(old != new || there.is_empty());
            judge(&old, &new);
            judge(&new, &old);
        }
        prop_assert!(compare(&old, &old).is_empty());
        prop_assert!(judge(&old, &old).is_empty());
    }
}
