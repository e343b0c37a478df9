//! What is said about interfaces that can be read and still mean nothing.

#![cfg(feature = "grammar")]

use expect_test::{Expect, expect};

use crate::compile::Compilation;

/// The messages about the items in `text`.
fn check(text: &str, expected: Expect) {
    let mut run = Compilation::new();
    let complete = run.module_from_text("x", &format!("module m; {text}")).is_some();
    let lines: Vec<String> =
        run.lines().map(|(found, _)| format!("{}: {}\n", found.code, found.message)).collect();
    assert_eq!(complete, lines.is_empty());
    expected.assert_eq(&lines.concat());
}

#[test]
fn names_are_used_once() {
    check(
        "struct A { x: u8, x: u8 } enum A { B, B }",
        expect![[r#"
        E0102: a field's name is used twice: `x`
        E0102: this name is used twice: `A`
        E0102: a member's name is used twice: `B`
    "#]],
    );
    check(
        "interface I { fn f(a: u8, a: u8) -> (r: u8, r: u8); fn f(); }",
        expect![[r#"
        E0102: a parameter's name is used twice: `a`
        E0102: a result's name is used twice: `r`
        E0102: a method's name is used twice: `f`
    "#]],
    );
    check(
        "struct S { self: u8, self_: u8 }",
        expect![[r#"
        E0102: a field's name is used twice: `self_`
    "#]],
    );
}

#[test]
fn names_of_generated_types_are_taken() {
    check(
        "interface Kv {} struct KvClient {} struct KvServer {}",
        expect![[r#"
        E0102: `KvClient` is also the name of generated code
        E0102: `KvServer` is also the name of generated code
    "#]],
    );
}

#[test]
fn names_of_ours_are_taken() {
    check(
        "struct __S {} struct u32 {} enum E { Unrecognized, Self, _ }",
        expect![[r#"
        E0105: `__S`: two underscores begin names of generated code
        E0105: `u32` is a type of the language
        E0105: `Unrecognized` stands for what later versions add
        E0105: `Self` cannot be a name in Rust
        E0105: `_` is not a name
    "#]],
    );
}

#[test]
fn variables_are_not_called_like_constants() {
    check(
        "const X: u8 = 1; struct S { X: u8 } interface I { fn f(X: u8) -> (X: u8); }",
        expect![[r#"
        E0105: field `X` is called like a constant
        E0105: parameter `X` is called like a constant
    "#]],
    );
}

#[test]
fn long_chains_of_structs_do_not_fill_the_stack() {
    let chain: String = (1..5000).map(|n| format!("struct S{} {{ s: S{n} }} ", n - 1)).collect();
    check(
        &format!("{chain} struct S4999 {{ s: S0 }}"),
        expect![[r#"
        E0206: `S0` contains itself, so it has no end
    "#]],
    );
}

#[test]
fn out_is_for_buffers() {
    check(
        "interface I { fn f([out] n: u32, [out] l: list<u8>, [in, out] s: string, [out] b: bytes<1..=2>); }",
        expect![[r#"
            E0304: `[out] n` is not a buffer
            E0304: `[out] l` is a list, but no `[raw]` one
            E0304: `[out] s` is not a buffer
            E0304: a caller's buffer may be of any length up to the largest
        "#]],
    );
}

#[test]
fn view_and_raw_are_for_what_they_are_for() {
    check(
        "interface I { fn f([view] s: string, [raw] b: bytes, [raw] l: list<bool>, [raw] m: list<u8<1..=2>>); }",
        expect![[r#"
            E0306: `[view]` is for `bytes`
            E0305: `[raw]` is for lists
            E0305: a `[raw]` list holds integers or floats
            E0305: the elements of a `[raw]` list have no bounds
        "#]],
    );
}

#[test]
fn one_way_has_no_answer() {
    check(
        "error E { A } interface I { [oneway] fn f([out] b: bytes) -> u32 raises E; }",
        expect![[r#"
            E0307: a one-way method has no answer, so it cannot have a buffer to fill
            E0307: a one-way method has no answer, so it cannot have a result
            E0307: a one-way method has no answer, so it cannot have an error
        "#]],
    );
}

#[test]
fn raises_names_an_error() {
    check(
        "struct S {} interface I { fn f() raises S; fn g() raises Nothing; }",
        expect![[r#"
        E0308: `raises` names an `error` type
        E0101: no type is named `Nothing`
    "#]],
    );
}

#[test]
fn bounds_must_be_possible() {
    check(
        "struct S { a: u8<5..=3>, b: u8<..=300>, c: string<9..=1>, d: f32<2.0..=1.0> }",
        expect![[r#"
            E0204: the smallest is larger than the largest, so nothing fits
            E0202: 300 is not a `u8`
            E0204: the smallest is larger than the largest, so nothing fits
            E0204: the smallest is larger than the largest, so nothing fits
        "#]],
    );
}

#[test]
fn defaults_obey_bounds() {
    check(
        "struct S { a: u8<..=3> = 4, b: string<..=2> = \"abc\", c: list<u8<..=1>, ..=1> = [2, 3], d: u8? = 3, e: u8 = \"x\", f: f32<..=1.0> = 2.0 }",
        expect![[r#"
            E0205: 4 is outside the bounds of the type
            E0205: a length of 3 bytes is outside the bounds of the type
            E0205: a length of 2 elements is outside the bounds of the type
            E0205: 2 is outside the bounds of the type
            E0205: 3 is outside the bounds of the type
            E0202: a string is not a value of this type
            E0205: 2 is outside the bounds of the type
        "#]],
    );
}

#[test]
fn map_keys_have_an_order() {
    check(
        "struct K {} struct S { a: map<f32, u8>, b: map<K, u8>, c: map<(u8, f64), u8>, d: map<list<u8>, u8> }",
        expect![[r#"
            E0207: not a key of a map
            E0207: not a key of a map
            E0207: not a key of a map
            E0207: not a key of a map
        "#]],
    );
}

#[test]
fn nothing_contains_itself_without_a_list() {
    check(
        "struct A { b: B? } struct B { a: (u8, A) } struct C { c: list<C> }",
        expect![[r#"
            E0206: `A` contains itself, so it has no end
        "#]],
    );
    check(
        "error E { A(E), B(list<E>) }",
        expect![[r#"
        E0206: `E` contains itself, so it has no end
    "#]],
    );
}

#[test]
fn tags_are_used_once() {
    check(
        "enum E { A = 1, B = 1, reserved 3, Old, C = 3, Old = 4 }",
        expect![[r#"
        E0402: value 1 is used twice
        E0402: value 3 is reserved
        E0102: a member's name is used twice: `Old`
    "#]],
    );
    check(
        "error E { A = 2, B = 2 }",
        expect![[r#"
        E0402: tag 2 is used twice
    "#]],
    );
    check(
        "enum E : u8 { A = 255, B, C = 256 }",
        expect![[r#"
        E0403: there is no number after the last `u8`
        E0202: 256 is not a `u8`
    "#]],
    );
    check(
        "enum E : u128 { A }",
        expect![[r#"
            E0403: values and flags are integers of up to 64 bits
        "#]],
    );
}

#[test]
fn final_types_are_numbered_by_position() {
    check(
        "[final] enum E { A = 1, B = 1 } [final] error F {} [final] struct S { a: u8 = 1 }",
        expect![[r#"
            E0404: in a `[final]` type the value is the position, 0
            E0402: value 1 is used twice
            E0107: `F` is `[final]` and has no tag, so none can exist
            E0205: a `[final]` type has no defaults: every field is always sent
        "#]],
    );
}

#[test]
fn what_comes_later_stands_later_and_can_be_missing() {
    check(
        "struct S { [added(1.1)] a: u8, b: u8, [added(1.0)] c: u8? }",
        expect![[r#"
        E0208: field `a` needs a default
        E0302: field `b` stands after a later one
        E0302: field `c` stands after a later one
    "#]],
    );
}

#[test]
fn methods_that_were_removed_do_not_come_back() {
    check(
        "interface I { fn f(); reserved fn f; [wire_name(\"g\")] fn h(); fn g(); }",
        expect![[r#"
        E0102: method `f` is reserved
        E0401: `g` has the number of another method
    "#]],
    );
}

#[test]
fn constants_are_plain() {
    check(
        "const A: list<u8> = []; const B: u8<..=3> = 4; const C: u8 = D; const D: u8 = C; const E: u8 = 1 / 0;",
        expect![[r#"
            E0107: a constant is a number, `bool`, `string`, `bytes`, `duration` or `uuid`
            E0205: 4 is outside the bounds of the type
            E0106: constant `D` is defined by itself
            E0203: division by zero
        "#]],
    );
}

#[test]
fn unknown_names_find_their_neighbours() {
    check(
        "const LIMIT: u8 = 3; struct Entry {} struct S { a: Entri, b: string<..=LIMT>, c: M = M.Fats } enum M { Fast }",
        expect![[r#"
            E0101: no type is named `Entri`
            E0103: no constant is named `LIMT`
            E0103: `M.Fats` is not a member of the enum
        "#]],
    );
}

#[test]
fn aliases_that_stand_for_themselves_are_told() {
    check(
        "type A = list<B>; type B = A?; struct S { a: A }",
        expect![[r#"
        E0106: type `A` stands for itself
    "#]],
    );
}

#[test]
fn aliases_that_double_do_not_fill_the_memory() {
    let doubling: String = (1..60).map(|n| format!("type A{n} = (A{0}, A{0});", n - 1)).collect();
    check(
        &format!("type A0 = u8; {doubling} struct S {{ a: A59 }}"),
        expect![[r#"
            E0005: this type unfolds to 8191 types, 13 deep
        "#]],
    );
}

#[test]
fn long_chains_of_constants_do_not_fill_the_stack() {
    let chain: String =
        (1..5000).map(|n| format!("const A{} = A{n};", n - 1).replace(" =", ": u8 =")).collect();
    check(
        &format!("{chain} const A4999: u8 = 1;"),
        expect![[r#"
        E0005: more than 128 names stand for each other
    "#]],
    );
}

#[test]
fn interfaces_as_types_come_later() {
    check("interface J {} interface I { fn f(j: J); }", expect![""]);
}

/// The text with everything done that is suggested about it.
fn mended(text: &str) -> String {
    let mut run = Compilation::new();
    drop(run.module_from_text("x", text));
    let found = run.diagnostics().sorted();
    let mut changes: Vec<_> = found
        .iter()
        .flat_map(|found| &found.suggestions)
        .filter_map(|change| Some((change.span.range()?.1, change.replacement.as_str())))
        .collect();
    changes.sort_by_key(|(range, _)| range.start);
    let mut text = text.to_owned();
    for (range, replacement) in changes.into_iter().rev() {
        text.replace_range(range, replacement);
    }
    text
}

#[test]
fn the_position_is_written_where_the_number_is() {
    let text =
        "module m; [final] enum E { A = 1, B, C = 7, D = 8 } [final] union U { X = 3, Y(u8) }";
    let right =
        "module m; [final] enum E { A = 0, B, C = 2, D = 3 } [final] union U { X = 0, Y(u8) }";
    assert_eq!(mended(text), right);
    assert!(Compilation::new().module_from_text("x", right).is_some());
}
