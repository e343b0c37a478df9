//! The rows of the table that are about types.

use super::*;

#[test]
fn a_field_was_appended() {
    let old = sent(r#"struct "a.T" open {"x": u8}"#);
    let new = sent(r#"struct "a.T" open {"x": u8, "y": u8 = "1", "z"?: u8?}"#);
    check(&old, &new, &expect![""]);
    check_callable(&old, &new);
    let new = sent(r#"struct "a.T" open {"x": u8, "y": u8}"#);
    check(
        &old,
        &new,
        &expect![[r#"
        FIELD_NO_DEFAULT a.T.y warn ok break
    "#]],
    );
    check_callable(&old, &new);
    for ty in ["handle<file>", "u8<1..=5>", "[handle<file>; 2]"] {
        let new = sent(&format!("struct \"a.T\" open {{\"x\": u8, \"y\": {ty}}}"));
        check(
            &old,
            &new,
            &expect![[r#"
            FIELD_NO_DEFAULT a.T.y break ok break
        "#]],
        );
    }
}

#[test]
fn a_field_is_another_one() {
    let old = sent(r#"struct "a.T" open {"x": u8, "y": u8}"#);
    for (new, want) in [
        (r#"{"w": u8, "x": u8, "y": u8}"#, "a.T.w"),
        (r#"{"y": u8, "x": u8}"#, "a.T.x"),
        (r#"{"x": string, "y": u8}"#, "a.T.x"),
        (r#"{"y": u8}"#, "a.T.x"),
        (r#"{"x": u8}"#, "a.T.y"),
    ] {
        // What is gone from the end can be told from what came on the other side by the version.
        let new = sent(&format!("struct \"a.T\" open {new}"));
        let new = Contract::parse(&new.to_text(Detail::Everything).replace(" 1.1\n", " 1.2\n"));
        let new = new.unwrap();
        let told = told(&compare(&old, &new));
        assert!(told.starts_with(&format!("FIELD_CHANGED {want} break break break\n")), "{told}");
        check_detected(&old, &new);
    }
}

#[test]
fn a_field_became_a_tombstone() {
    let old = sent(r#"struct "a.T" open {"x": u8, "y": u8 = "0"}"#);
    let new = sent(r#"struct "a.T" open {"x": u8, "y": u8 = "0" removed 1.4}"#);
    check(
        &old,
        &new,
        &expect![[r#"
        FIELD_REMOVED a.T.y ok ok break
    "#]],
    );
    check_callable(&old, &new);
}

#[test]
fn final_types_never_change() {
    let old = sent(r#"struct "a.T" closed {"x": u8}"#);
    for (new, want) in [
        (r#"struct "a.T" closed {"x": u8, "y": u8 = "1"}"#, "FINAL_CHANGED a.T.y"),
        (r#"struct "a.T" closed {}"#, "FINAL_CHANGED a.T.x"),
        (r#"struct "a.T" closed {"x": u16}"#, "FINAL_CHANGED a.T.x"),
        (r#"struct "a.T" open {"x": u8}"#, "FINAL_TOGGLED a.T"),
    ] {
        assert_eq!(told(&compare(&old, &sent(new))), format!("{want} break break break\n"));
        let new = Contract { interface: at("1.2", "").interface, ..sent(new) };
        let new = Contract {
            interface: Interface { methods: old.interface.methods.clone(), ..new.interface },
            ..new
        };
        check_detected(&old, &new);
    }
    let old = sent(r#"enum "a.T" closed unsigned {"A" = 0}"#);
    let new = sent(r#"enum "a.T" closed unsigned {"A" = 0, "B" = 1}"#);
    check(
        &old,
        &new,
        &expect![[r#"
        FINAL_CHANGED a.T.B break break break
    "#]],
    );
    check(
        &new,
        &old,
        &expect![[r#"
        FINAL_CHANGED a.T.B break break break
    "#]],
    );
    let old = sent(r#"union "a.T" closed {"A" = 0 {}}"#);
    let new = sent(r#"union "a.T" closed {"A" = 0 {"0": u8}, "B" = 1 {}}"#);
    check(
        &old,
        &new,
        &expect![[r#"
        FINAL_CHANGED a.T.A.0 break break break
        FINAL_CHANGED a.T.B break break break
    "#]],
    );
}

#[test]
fn open_enums_flags_and_unions_grow() {
    for (old, new) in [
        (r#"enum "a.T" open unsigned {"A" = 0}"#, r#"enum "a.T" open unsigned {"A" = 0, "B" = 1}"#),
        (r#"flags "a.T" {"A" = 1}"#, r#"flags "a.T" {"A" = 1, "B" = 2}"#),
        (r#"union "a.T" open {"A" = 1 {}}"#, r#"union "a.T" open {"A" = 1 {}, "B" = 2 {"0": u8}}"#),
    ] {
        check(&sent(old), &sent(new), &expect![""]);
        check_callable(&sent(old), &sent(new));
    }
}

#[test]
fn a_value_or_tag_means_something_else() {
    for (old, new) in [
        (
            r#"enum "a.T" open unsigned {"A" = 0, "B" = 1}"#,
            r#"enum "a.T" open unsigned {"A" = 1, "B" = 0}"#,
        ),
        (r#"enum "a.T" open unsigned {"A" = 0}"#, r#"enum "a.T" open unsigned {"A" = 5}"#),
        (r#"flags "a.T" {"A" = 1}"#, r#"flags "a.T" {"A" = 2}"#),
        (r#"union "a.T" open {"A" = 1 {}}"#, r#"union "a.T" open {"A" = 2 {}}"#),
        (r#"union "a.T" open {"B" = 1 {"0": u8}}"#, r#"union "a.T" open {"A" = 1 {}}"#),
    ] {
        let told = told(&compare(&sent(old), &sent(new)));
        assert!(told.starts_with("TAG_CHANGED a.T.A break break break\n"), "{told}");
        check_detected(&sent(old), &sent(new));
    }
    let old = sent(r#"enum "a.T" open unsigned {"A" = 0} reserved {4, "Old"}"#);
    for new in ["\"B\" = 4", "\"Old\" = 7"] {
        let new = sent(&format!("enum \"a.T\" open unsigned {{\"A\" = 0, {new}}}"));
        let told = told(&compare(&old, &new));
        assert!(told.starts_with("TAG_CHANGED"), "{told}");
    }
}

#[test]
fn a_value_or_variant_is_gone() {
    for (old, new) in [
        (r#"enum "a.T" open unsigned {"A" = 0, "B" = 1}"#, r#"enum "a.T" open unsigned {"A" = 0}"#),
        (r#"flags "a.T" {"A" = 2, "B" = 1}"#, r#"flags "a.T" {"A" = 2}"#),
        (r#"union "a.T" open {"A" = 2 {}, "B" = 1 {}}"#, r#"union "a.T" open {"A" = 2 {}}"#),
    ] {
        check(
            &sent(old),
            &sent(new),
            &expect![[r#"
            TAG_REMOVED a.T.B break ok break
        "#]],
        );
        check_callable(&sent(old), &sent(new));
        check(
            &sent(old),
            &sent(&format!("{new} reserved {{1, \"B\"}}")),
            &expect![[r#"
            TAG_REMOVED a.T.B ok ok break
        "#]],
        );
    }
}

#[test]
fn a_member_was_renamed() {
    for (old, new) in [
        (r#"enum "a.T" open unsigned {"A" = 0}"#, r#"enum "a.T" open unsigned {"B" = 0}"#),
        (r#"enum "a.T" closed unsigned {"A" = 0}"#, r#"enum "a.T" closed unsigned {"B" = 0}"#),
        (r#"union "a.T" open {"A" = 1 {"0": u8}}"#, r#"union "a.T" open {"B" = 1 {"0": u8}}"#),
    ] {
        check(
            &sent(old),
            &sent(new),
            &expect![[r#"
            SOURCE_RENAMED a.T.B ok ok break
        "#]],
        );
        check_callable(&sent(old), &sent(new));
    }
}

#[test]
fn an_enum_has_another_base() {
    let small = sent(r#"enum "a.T" open unsigned u8 {"A" = 0}"#);
    let large = sent(r#"enum "a.T" open unsigned u32 {"A" = 0}"#);
    check(
        &small,
        &large,
        &expect![[r#"
        BASE_CHANGED a.T ok ok break
    "#]],
    );
    check_callable(&small, &large);
    let larger = sent(r#"enum "a.T" open unsigned u32 {"A" = 0, "B" = 256}"#);
    check(
        &small,
        &larger,
        &expect![[r#"
        BASE_CHANGED a.T ok break break
    "#]],
    );
    let signed = sent(r#"enum "a.T" open signed i8 {"A" = 0}"#);
    check(
        &small,
        &signed,
        &expect![[r#"
        BASE_CHANGED a.T break break break
    "#]],
    );
    check_detected(&small, &signed);
}

#[test]
fn bounds_are_judged_by_who_writes() {
    let takes = |ty: &str| method(&format!("(in \"x\": {ty}) -> ()"));
    let gives = |ty: &str| method(&format!("() -> (\"x\": {ty})"));
    check(
        &takes("u8<1..=5>"),
        &takes("u8<1..=6>"),
        &expect![[r#"
        BOUND_WIDENED a.I.f.x ok warn ok
    "#]],
    );
    check(
        &takes("u8<1..=5>"),
        &takes("u8<2..=5>"),
        &expect![[r#"
        BOUND_NARROWED a.I.f.x break ok ok
    "#]],
    );
    check(
        &gives("[u8]<..=5>"),
        &gives("[u8]"),
        &expect![[r#"
        BOUND_WIDENED a.I.f.x warn ok ok
    "#]],
    );
    check(
        &gives("f64"),
        &gives("f64<-1.5..>"),
        &expect![[r#"
        BOUND_NARROWED a.I.f.x ok break ok
    "#]],
    );
    check(&takes("[u8]<0..=5>"), &takes("[u8]<..=5>"), &expect![""]);
    check(
        &takes("[string<..=5>]"),
        &takes("[string<..=9>]"),
        &expect![[r#"
        BOUND_WIDENED a.I.f.x ok warn ok
    "#]],
    );
    check_callable(&takes("u8<1..=5>"), &takes("u8<7..=9>"));
    // A type that goes both ways is judged for both.
    let both = |max: u8| {
        contract(&format!(
            "method 0000000000000001 \"f\" twoway (in \"x\": \"a.T\") -> (\"\": \"a.T\")\nstruct \"a.T\" open {{\"n\": u8<..={max}>}}"
        ))
    };
    check(
        &both(5),
        &both(6),
        &expect![[r#"
        BOUND_WIDENED a.T.n warn warn ok
    "#]],
    );
}

#[test]
fn absent_data_means_something_else() {
    let old = method(r#"(in "x": u8 = "1") -> ()"#);
    check(
        &old,
        &method(r#"(in "x": u8 = "2") -> ()"#),
        &expect![[r#"
        DEFAULT_CHANGED a.I.f.x warn warn ok
    "#]],
    );
    check(
        &old,
        &method(r#"(in "x": u8) -> ()"#),
        &expect![[r#"
        DEFAULT_CHANGED a.I.f.x warn warn ok
    "#]],
    );
    check(&method(r#"(in "x": u8) -> ()"#), &old, &expect![""]);
}

#[test]
fn a_handle_is_another_one() {
    let takes = |handle: &str| method(&format!("(in \"x\": handle<{handle}>) -> ()"));
    check(
        &takes("file, read"),
        &takes("socket, read"),
        &expect![[r#"
        HANDLE_CHANGED a.I.f.x break break ok
    "#]],
    );
    check_detected(&takes("file"), &takes("socket"));
    check(
        &takes("file, read"),
        &takes("file, read|write"),
        &expect![[r#"
        HANDLE_CHANGED a.I.f.x break ok ok
    "#]],
    );
    check(
        &takes("file, read|write"),
        &takes("file, read"),
        &expect![[r#"
        HANDLE_CHANGED a.I.f.x ok warn ok
    "#]],
    );
    check_callable(&takes("file, read"), &takes("file, read|write"));
}
