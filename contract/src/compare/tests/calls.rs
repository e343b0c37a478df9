//! The rows of the table that are about methods, parameters and whole interfaces.

use super::*;

#[test]
fn another_order_of_methods_and_types_is_no_change() {
    let one = contract(
        "method 0000000000000001 \"f\" twoway () -> ()\nmethod 0000000000000002 \"g\" twoway () -> ()",
    );
    let mut other = one.clone();
    other.interface.methods.reverse();
    check(&one, &other, &expect![""]);
    check_callable(&one, &other);
}

#[test]
fn a_method_was_added() {
    let old = contract("");
    check(
        &old,
        &method("() -> ()"),
        &expect![[r#"
        ADD_METHOD a.I.f ok warn break
    "#]],
    );
    check(
        &old,
        &method("added 1.2 () -> ()"),
        &expect![[r#"
        ADD_METHOD a.I.f ok warn ok
    "#]],
    );
    assert_eq!(
        verdicts(&old, &method("() -> ()")),
        (Some(Verdict::Missing), Some(Verdict::Missing))
    );
    // The sender is the server.
    let event = contract("method 0000000000000001 \"f\" event () -> ()");
    check(
        &old,
        &event,
        &expect![[r#"
        ADD_METHOD a.I.f warn ok ok
    "#]],
    );
    let strict = contract("method 0000000000000001 \"f\" event must_understand () -> ()");
    check(
        &old,
        &strict,
        &expect![[r#"
        ADD_METHOD a.I.f break ok ok
    "#]],
    );
    let strict =
        contract("method 0000000000000001 \"f\" oneway must_understand added 1.2 () -> ()");
    check(
        &old,
        &strict,
        &expect![[r#"
        ADD_METHOD a.I.f ok break ok
    "#]],
    );
}

#[test]
fn a_method_is_gone() {
    check(
        &method("() -> ()"),
        &contract(""),
        &expect![[r#"
        METHOD_REMOVED a.I.f break ok break
    "#]],
    );
    check(
        &method("() -> ()"),
        &at("1.2 reserved {\"f\"}", ""),
        &expect![[r#"
        METHOD_REMOVED a.I.f warn ok break
    "#]],
    );
    check(
        &method("() -> ()"),
        &method("removed 1.2 () -> ()"),
        &expect![[r#"
        METHOD_REMOVED a.I.f warn ok break
    "#]],
    );
}

#[test]
fn a_method_was_renamed() {
    let old = method("(in \"x\": u8) -> ()");
    let new = contract("method 0000000000000002 \"g\" twoway (in \"x\": u8) -> ()");
    check(
        &old,
        &new,
        &expect![[r#"
        METHOD_RENAMED a.I.g break break break
    "#]],
    );
    let verdicts = judge(&old, &new);
    assert_eq!(verdicts.of(1), Some(&Verdict::Missing));
    assert_eq!(verdicts.of(2), Some(&Verdict::Missing));
    // With its wire name, only programs notice.
    let new = method("as \"g\" (in \"x\": u8) -> ()");
    check(
        &old,
        &new,
        &expect![[r#"
        SOURCE_RENAMED a.I.g ok ok break
    "#]],
    );
    check_callable(&old, &new);
}

#[test]
fn a_method_moved_to_a_base() {
    let old = method("() -> ()");
    let new = contract("method 0000000000000002 \"f\" twoway from \"a.Base\" () -> ()");
    check(
        &old,
        &new,
        &expect![[r#"
        METHOD_MOVED a.I.f break break break
    "#]],
    );
}

#[test]
fn names_of_parameters_fields_types_and_modules_are_for_programs() {
    let (old, new) = (method("(in \"x\": u8) -> ()"), method("(in \"y\": u8) -> ()"));
    check(
        &old,
        &new,
        &expect![[r#"
        SOURCE_RENAMED a.I.f.y ok ok ok
    "#]],
    );
    check_callable(&old, &new);

    let old = sent(r#"struct "a.T" open {"x": u8}"#);
    let new = sent(r#"struct "a.T" open {"y": u8}"#);
    check(
        &old,
        &new,
        &expect![[r#"
        SOURCE_RENAMED a.T.y ok ok break
    "#]],
    );
    check_callable(&old, &new);

    let named = |name: &str, more: &str| {
        contract(&format!(
            "method 0000000000000001 \"f\" twoway (in \"x\": \"{name}\") -> ()\nstruct \"{name}\" open {{\"x\": u8}}\n{more}"
        ))
    };
    check(
        &named("a.T", ""),
        &named("a.U", ""),
        &expect![[r#"
        SOURCE_RENAMED a.U ok ok break
    "#]],
    );
    check_callable(&named("a.T", ""), &named("a.U", ""));
    check(&named("a.T", ""), &named("b.T", ""), &expect![""]);
    // Both are there still, so it is no rename.
    let both =
        |name| named(name, "struct \"a.T\" open {\"x\": u8}\nstruct \"a.U\" open {\"x\": u8}");
    check(
        &both("a.T"),
        &both("a.U"),
        &expect![[r#"
        PARAM_CHANGED a.I.f.x break break break
    "#]],
    );
}

#[test]
fn an_interface_was_renamed() {
    let mut new = method("() -> ()");
    new.interface.name = "a.J".into();
    check(
        &method("() -> ()"),
        &new,
        &expect![[r#"
        INTERFACE_RENAMED a.J ok ok break
    "#]],
    );
    new.interface.name = "b.I".into();
    check(
        &method("() -> ()"),
        &new,
        &expect![[r#"
        SOURCE_RENAMED b.I ok ok ok
    "#]],
    );
    // Without a uuid of its own it has another identity, and all its methods other numbers.
    let mut new = contract("method 0000000000000009 \"f\" twoway () -> ()");
    new.interface.name = "a.J".into();
    new.interface.id = 5;
    let types = Types::new();
    let found = compare_modules((&[method("() -> ()")], &types), (&[new], &types));
    expect![[r#"
        INTERFACE_RENAMED a.J break break break
    "#]]
    .assert_eq(&told(&found));
    let found = compare_modules((&[method("() -> ()")], &types), (&[], &types));
    expect![[r#"
        INTERFACE_REMOVED a.I break ok break
    "#]]
    .assert_eq(&told(&found));
}

#[test]
fn a_parameter_or_result_was_appended() {
    let old = method(r#"(in "x": u8) -> ("r": u8)"#);
    let new = method(r#"(in "x": u8, in "y": u8 = "5") -> ("r": u8)"#);
    check(
        &old,
        &new,
        &expect![[r#"
        PARAM_ADDED a.I.f.y ok ok break
    "#]],
    );
    check_callable(&old, &new);
    let new = method(r#"(in "x": u8) -> ("r": u8, "s"?: u8?)"#);
    check(
        &old,
        &new,
        &expect![[r#"
        PARAM_ADDED a.I.f.s ok ok break
    "#]],
    );
    check_callable(&old, &new);
    let new = method(r#"(in "x": u8, in "y": u8) -> ("r": u8)"#);
    check(
        &old,
        &new,
        &expect![[r#"
        PARAM_REQUIRED a.I.f.y break break break
    "#]],
    );
    check_detected(&old, &new);
}

#[test]
fn a_parameter_is_another_one() {
    let old = method(r#"(in "x": u8, in "y": u8) -> ()"#);
    for (new, want) in [
        (r#"(in "w": u8, in "x": u8, in "y": u8) -> ()"#, "PARAM_CHANGED a.I.f.w"),
        (r#"(in "y": u8) -> ()"#, "PARAM_CHANGED a.I.f.x"),
        (r#"(in "x": u8) -> ()"#, "PARAM_CHANGED a.I.f.y"),
        (r#"(in "y": u8, in "x": u8) -> ()"#, "PARAM_CHANGED a.I.f.x"),
        (r#"(in "x": u8, in "y": string) -> ()"#, "PARAM_CHANGED a.I.f.y"),
    ] {
        let told = told(&compare(&old, &method(new)));
        assert!(told.starts_with(&format!("{want} break break break\n")), "{told}");
        check_detected(&old, &method(new));
    }
}

#[test]
fn the_error_is_another_one() {
    let with = |raises: &str, error: &str| {
        contract(&format!("method 0000000000000001 \"f\" twoway () -> (){raises}\n{error}"))
    };
    let error = r#"union "a.E" open {"A" = 1 {}}"#;
    let (without, old) = (with("", ""), with(" raises \"a.E\"", error));
    for (old, new) in [(&without, &old), (&old, &without)] {
        check(
            old,
            new,
            &expect![[r#"
            RAISES_CHANGED a.I.f break break break
        "#]],
        );
        check_detected(old, new);
    }
    let grown = with(" raises \"a.E\"", r#"union "a.E" open {"A" = 1 {}, "B" = 2 {}}"#);
    check(&old, &grown, &expect![""]);
    let both = |name| {
        let other = error.replace("a.E", "a.F");
        with(&format!(" raises \"{name}\""), &format!("{error}\n{other}"))
    };
    check(
        &both("a.E"),
        &both("a.F"),
        &expect![[r#"
        RAISES_CHANGED a.I.f break break break
    "#]],
    );
}

/// A stream that the caller gives ends with the method's error, which the caller sends then.
#[test]
fn the_error_goes_both_ways_where_callers_give_streams() {
    let with = |params: &str, most: u32| {
        contract(&format!(
            "method 0000000000000001 \"f\" twoway ({params}) -> () raises \"a.E\"\n\
             union \"a.E\" open {{\"A\" = 1 {{\"n\": string<..={most}>}}}}"
        ))
    };
    let params = [r#"in "s": u8"#, r#"in "s": stream<u8>"#];
    let told = params.map(|params| told(&compare(&with(params, 8), &with(params, 16))));
    let expected = expect![[r#"
        BOUND_WIDENED a.E.A.n warn ok ok

        BOUND_WIDENED a.E.A.n warn warn ok
    "#]];
    expected.assert_eq(&told.join("\n"));
}

#[test]
fn the_shape_of_a_call_is_another_one() {
    let one = |kind: &str| contract(&format!("method 0000000000000001 \"f\" {kind} () -> ()"));
    for (old, new) in [("twoway", "oneway"), ("oneway", "twoway"), ("event", "oneway")] {
        check(
            &one(old),
            &one(new),
            &expect![[r#"
            SHAPE_CHANGED a.I.f break break break
        "#]],
        );
        check_detected(&one(old), &one(new));
    }
    let takes = |way: &str| method(&format!("({way} \"x\": [u8]) -> ()"));
    for (old, new) in [("in", "out"), ("out", "inout"), ("in", "in raw")] {
        check(
            &takes(old),
            &takes(new),
            &expect![[r#"
            SHAPE_CHANGED a.I.f.x break break break
        "#]],
        );
        check_detected(&takes(old), &takes(new));
    }
    for new in ["in view", "in move"] {
        check(
            &takes("in"),
            &takes(new),
            &expect![[r#"
            SOURCE_CHANGED a.I.f.x ok ok break
        "#]],
        );
        check_callable(&takes("in"), &takes(new));
    }
}

#[test]
fn promises_are_kept_or_told() {
    let one = |marks: &str| method(&format!("{marks} () -> ()"));
    check(
        &one("idempotent"),
        &one(""),
        &expect![[r#"
        SEMANTIC a.I.f warn ok ok
    "#]],
    );
    check(&one(""), &one("idempotent"), &expect![""]);
    check(&one(""), &one("cancellable"), &expect![""]);
    check(
        &one(""),
        &one("must_understand"),
        &expect![[r#"
        SEMANTIC a.I.f warn warn ok
    "#]],
    );
}

#[test]
fn another_uuid_or_major_version_is_another_interface() {
    check(
        &contract(""),
        &at("2.0", ""),
        &expect![[r#"
        NEW_INTERFACE a.I break break ok
    "#]],
    );
    let mut other = contract("");
    other.interface.id = 1;
    check(
        &contract(""),
        &other,
        &expect![[r#"
        NEW_INTERFACE a.I break break ok
    "#]],
    );
}
