//! What is said about traits and types that cannot be taken in.

use expect_test::{Expect, expect};
use quote::ToTokens;

use super::*;

/// The messages about a trait, one paragraph each.
fn check_trait(text: &str, expected: Expect) {
    let mut item: syn::ItemTrait = syn::parse_str(text).unwrap();
    let at = item.attrs.iter().position(|attr| attr.path().is_ident("alpc_interface")).unwrap();
    let attribute = item.attrs.remove(at);
    let arguments = match &attribute.meta {
        syn::Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    };
    expected.assert_eq(&messages(expand_interface(arguments, item.to_token_stream())));
}

/// A trait with one method, `method`.
fn check_method(method: &str, expected: Expect) {
    check_trait(&format!("#[alpc_interface(name = \"a.A\")] trait A {{ {method} }}"), expected);
}

/// The messages about a type.
fn check_type(text: &str, expected: Expect) {
    expected.assert_eq(&messages(expand_derive(text.parse().unwrap())));
}

/// What the `compile_error!`s in `tokens` say.
fn messages(tokens: TokenStream) -> String {
    let file: syn::File = syn::parse2(tokens).unwrap();
    let errors = file.items.iter().filter_map(|item| match item {
        syn::Item::Macro(item) => item.mac.parse_body::<syn::LitStr>().ok(),
        _ => None,
    });
    errors.map(|text| text.value() + "\n").collect()
}

#[test]
fn an_interface_needs_an_identity() {
    check_trait(
        "#[alpc_interface] trait A {}",
        expect![[r#"
        an interface needs an identity that stays when its file moves
        help: give it `uuid = ".."` (`uuidgen` makes one) or `name = "module.A"`
    "#]],
    );
}

#[test]
fn arguments_are_checked_all_at_once() {
    check_trait(
        "#[alpc_interface(uuid = \"6f1d0c1e\", version = \"1.0.2\", nam = \"x\", endpoint)] trait A {}",
        expect![[r#"
            `6f1d0c1e` is not a uuid
            help: a uuid has 32 hexadecimal digits, grouped 8-4-4-4-12
            `1.0.2` is not a version
            help: a version is `major.minor`, as in `1.0`
            there is no argument `nam` here
            help: did you mean `name`?
            write `endpoint = ".."`
        "#]],
    );
    check_trait(
        "#[alpc_interface(name = \"a b\", name = \"c\")] trait A {}",
        expect![[r#"
        `a b` is not a name
        help: write identifiers with dots between them, as in `acme.kv.KeyValue`
        `name` is given twice
    "#]],
    );
}

#[test]
fn a_method_takes_a_shared_self() {
    check_method(
        "fn f(&mut self); fn g(self); fn h();",
        expect![[r#"
        a method takes `&self`: calls come from several threads at once
        a method takes `&self`: calls come from several threads at once
        a method takes `&self`: calls come from several threads at once
    "#]],
    );
}

#[test]
fn generic_methods_are_refused() {
    check_method(
        "fn f<T>(&self, a: T);",
        expect![[r#"
        a method is not generic: the other side must know every type
    "#]],
    );
}

#[test]
fn answers_that_are_given_later_have_one_place() {
    check_method(
        "fn f(&self, answer: Responder<u32>, a: u32); fn g(&self, answer: Responder<u32>) -> u32; \
         async fn h(&self, answer: Responder<Result<u32, E>>); fn i(&self, answer: Responder); \
         fn j(&self, #[out] #[max(4)] a: &mut OutBuf<'_>, answer: Responder<u32>); \
         fn k(&self, #[out] #[max(4)] a: OutBuf<'static>) -> u32;",
        expect![[r#"
            the `Responder` comes last
            a handler with a `Responder` returns nothing: the responder answers
            a `Responder` answers later, whatever the handler does: leave out `async`
            write `Responder<T, E>`: the error has a place of its own
            write `Responder<T>` or `Responder<T, E>`
            a handler that answers later owns the caller's buffers
            help: write `OutBuf<'static>` or `InOutBuf<'static>`, and hand it back behind the results
            a handler that answers by what it returns borrows the caller's buffers
            help: write `&mut OutBuf<'_>` or `&mut InOutBuf<'_>`
        "#]],
    );
}

#[test]
fn types_without_a_place_on_the_wire_say_what_to_write() {
    check_method(
        "fn f(&self, a: usize, b: HashMap<u8, u8>, c: char, d: impl Fn(), e: Self) -> &str;",
        expect![[r#"
            `usize` differs between machines
            help: write `u64`
            a `HashMap` has no order, so equal maps would be different bytes
            help: write `BTreeMap`
            `char` is not in this version yet
            help: write `u32` or `String`
            the other side must know the type: name it
            `Self` is the implementation, which is not sent
            help: name the type
            what a handler returns or stores inside other values owns its data
            help: write `String`
        "#]],
    );
}

#[test]
fn a_handler_borrows_what_need_not_be_copied() {
    check_method(
        "fn f(&self, a: String, b: Vec<u8>, c: &[u32], d: &Entry, e: Blob);",
        expect![[r#"
        a handler borrows this from the message, so that nothing is copied
        help: write `&str`
        a handler borrows this from the message, so that nothing is copied
        help: write `&[u8]`
        a list is decoded into a `Vec`; only a memory image can be borrowed
        help: write `Vec<u32>`, or mark it `#[raw]` if its elements are plain numbers
        a handler owns what was decoded for it
        help: write `Entry`; clients still pass a reference
        a handler borrows this from the message, so that nothing is copied
        help: write `&[u8]`, or `View`; a client may pass a `&Blob` to either
    "#]],
    );
}

#[test]
fn only_buffers_are_filled_in_place() {
    check_method(
        "fn f(&self, n: &mut u32, #[out] m: u32);",
        expect![[r#"
        a parameter that the handler fills is an `OutBuf` or `InOutBuf`
        help: return the value; only buffers of the caller are filled in place
        `[out] m` is not a buffer
        note: `[out]` is for `bytes` and `[raw]` lists
        help: return it instead: `-> (.., m: ..)`
    "#]],
    );
}

#[test]
fn several_results_need_names() {
    check_method(
        "fn f(&self) -> (u32, Blob);",
        expect![[r#"
        several results have names, which the other side is told
        help: name them: `#[returns(first, second)]` above the method
    "#]],
    );
    check_method(
        "#[returns(a, b)] fn f(&self) -> u32;",
        expect![[r#"
        results named: 2; results returned: 1
    "#]],
    );
}

#[test]
fn a_result_tells_both_types() {
    check_method(
        "fn f(&self) -> io::Result<u32>;",
        expect![[r#"
        the other side must be told both types of a `Result`
        help: write `Result<T, E>`, where `E` derives `Alpc`
    "#]],
    );
}

#[test]
fn a_one_way_method_has_no_answer() {
    check_method(
        "#[oneway] #[timeout(\"1s\")] fn f(&self, b: &mut OutBuf<'_>) -> Result<u32, E>;",
        expect![[r#"
            a one-way method has no answer, so it cannot have a result
            this makes it one-way
            a one-way method has no answer, so it cannot have an error
            this makes it one-way
            a one-way method has no answer, so it cannot have a buffer to fill
            this makes it one-way
            a one-way method has no answer, so it cannot have a deadline
            this makes it one-way
        "#]],
    );
}

#[test]
fn attributes_are_checked() {
    check_method(
        "#[timeout(\"soon\")] #[cfg(unix)] fn f(&self, #[max] a: u32, #[max(1)] b: bool, #[view] c: u8);",
        expect![[r#"
            `soon` is not a duration
            help: write a number and ns, us, ms, s or min, as in `"250ms"`
            what is on the wire cannot depend on how a program is built
            expected attribute arguments in parentheses: #[max(...)]
            this type has no bounds
            note: numbers, strings, bytes, paths, durations, times, lists and maps have
            `[view]` is for `bytes`
        "#]],
    );
}

#[test]
fn bounds_and_defaults_are_checked() {
    check_method(
        "fn f(&self, #[min(9)] #[max(3)] a: u32, #[max(300)] b: u8, #[max(3)] #[default(4)] c: u8);",
        expect![[r#"
            300 is not a `u8`
            note: `u8` goes from 0 to 255
            the smallest is larger than the largest, so nothing fits
            4 is outside the bounds of the type
            the bounds are these
        "#]],
    );
}

#[test]
fn the_context_comes_first() {
    check_method(
        "fn f(&self, a: u32, cx: &Call<'_>, (b, c): (u8, u8));",
        expect![[r#"
        the call's context comes first
        a parameter has a name, which the other side is told
    "#]],
    );
}

#[test]
fn an_interface_has_methods_only() {
    check_trait(
        "#[alpc_interface(name = \"a.A\")] unsafe trait A<T> { type B; const C: u32; }",
        expect![[r#"
            an interface is not generic: the other side must know every type
            an interface is not `unsafe`
            an interface has methods and nothing else
            an interface has methods and nothing else
        "#]],
    );
}

#[test]
fn open_types_need_a_place_for_what_comes_later() {
    check_type(
        "enum Mode { A, B }",
        expect![[r#"
        an open enum needs a place for the values of later versions
        help: add `Unrecognized(u32)`, or say `#[alpc(final)]` if it will never grow
    "#]],
    );
    check_type(
        "enum Shape { A(u32), B }",
        expect![[r#"
        an open union needs a place for the cases of later versions
        help: add `Unrecognized { tag: u32, payload: Vec<u8> }`, or say `#[alpc(final)]` if it will never grow
    "#]],
    );
    check_type(
        "enum Mode { A, Unrecognized { x: u32 } }",
        expect![[r#"
        `Unrecognized` of an enum holds the number: `Unrecognized(u32)`
    "#]],
    );
    check_type(
        "enum Shape { A(u32), Unrecognized(u32) }",
        expect![[r#"
        `Unrecognized` of a union is `Unrecognized { tag: u32, payload: Vec<u8> }`
    "#]],
    );
}

#[test]
fn final_types_do_not() {
    check_type(
        "#[alpc(final)] enum Mode { A, Unrecognized(u32) }",
        expect![[r#"
        a `final` type has no later versions, so nothing is unrecognized
    "#]],
    );
    check_type(
        "#[alpc(final)] enum Mode { A = 1, B }",
        expect![[r#"
            in a `[final]` type the value is the position, 0
            this is 1
            help: write the position: `0`
        "#]],
    );
    check_type(
        "#[alpc(final)] struct S { #[alpc(default = 1)] a: u32 }",
        expect![[r#"
        a `[final]` type has no defaults: every field is always sent
    "#]],
    );
}

#[test]
fn types_are_neither_generic_nor_positional() {
    check_type(
        "struct S<'a> { a: &'a str }",
        expect![[r#"
        a type on the wire is not generic and borrows nothing
    "#]],
    );
    check_type(
        "struct S(u32);",
        expect![[r#"
        a record has named fields; the names tell the versions apart
    "#]],
    );
    check_type(
        "union U { a: u32 }",
        expect![[r#"
        only structs and enums derive `Alpc`
    "#]],
    );
}

#[test]
fn arguments_of_types_are_checked() {
    check_type(
        "#[alpc(finel)] struct S { #[alpc(maximum = 1)] a: u32, #[alpc(max)] b: u8 }",
        expect![[r#"
            there is no argument `finel` here
            help: did you mean `final`?
            there is no argument `maximum` here
            help: there are: default, max, min, added, sensitive, handle, data, items, keys, values, ok, err, member
            write `max = value`
        "#]],
    );
    check_type(
        "#[alpc(error)] struct S;",
        expect![[r#"
        an error is an enum: one variant for each thing that can go wrong
    "#]],
    );
}

#[test]
fn the_text_of_an_error_speaks_of_its_own_fields() {
    check_type(
        "#[alpc(final, error)] enum E { #[doc = \" too large: {size}\"] A { limit: u32 }, #[doc = \" open {\"] B }",
        expect![[r#"
            the text of this error speaks of `{size}`, which it does not have
            note: the first line of its documentation is what the error displays
            help: write `{{` or `}}` for a brace
            in the text of this error, a `{` is never closed
            note: the first line of its documentation is what the error displays
            help: write `{{` or `}}` for a brace
        "#]],
    );
}

#[test]
fn what_is_right_says_nothing() {
    check_method("fn f(&self, a: u32) -> u32;", expect![]);
    check_type("struct S { a: u32 }", expect![]);
}

#[test]
fn a_refused_trait_is_kept() {
    let item = "trait A { fn f(&self, #[max(1)] a: usize); }".parse().unwrap();
    let tokens = expand_interface(TokenStream::new(), item).to_string();
    assert!(tokens.contains("fn f (& self , a : usize)"), "{tokens}");
}

#[test]
fn a_trait_becomes_one_that_can_be_served() {
    let item = "pub trait A: Send { fn f(&self); }".parse().unwrap();
    let tokens = expand_interface("name = \"a.A\"".parse().unwrap(), item).to_string();
    assert!(
        tokens.starts_with("pub trait A : Send + :: core :: marker :: Sync + 'static {"),
        "{tokens}"
    );
}

#[test]
fn attributes_of_parameters_stand_alone() {
    check_method(
        "fn f(&self, #[alpc(max = 3)] a: u8);",
        expect![[r#"
            attributes of parameters stand alone
            help: write each as in `#[max(16)]`, `#[added("1.1")]`
        "#]],
    );
}

#[test]
fn misspelt_and_misplaced_attributes_are_told() {
    check_method(
        "#[onway] #[must_use] fn f(&self, #[oneway] a: u8, #[mx(3)] b: u8, #[allow(x)] c: u8);",
        expect![[r#"
            no attribute is called `onway`
            help: did you mean `#[oneway]`?
            `#[oneway]` stands before methods
            no attribute is called `mx`
            help: did you mean `#[max]`?
        "#]],
    );
    check_method(
        "#[out] fn f(&self, a: *const u8, b: impl Into<u8>);",
        expect![[r#"
        `#[out]` stands before parameters and results
        a pointer means nothing in another process
        help: write `&[u8]` for bytes, and `&T` for a value
        the other side must know the type: name it
    "#]],
    );
}

#[test]
fn bounds_of_parts_are_for_types_that_have_them() {
    check_method(
        "fn f(&self, #[items(max(8))] a: u32, #[keys(max(8))] b: Vec<u8>, #[items(most(8))] c: Vec<u32>,
            #[items(max(300))] d: Vec<u8>, #[values(max(3))] e: BTreeMap<u8, bool>, #[items] f: Vec<u32>);",
        expect![[r#"
            this type has no items
            note: lists, arrays and streams have `items`, maps `keys` and `values`, results `ok` and `err`, tuples `member`s from 0 on
            a handler borrows this from the message, so that nothing is copied
            help: write `&[u8]`
            there is no `most` here: `max`, `min` and the parts of a type are
            a handler borrows this from the message, so that nothing is copied
            help: write `&[u8]`
            this type has no bounds
            note: numbers, strings, bytes, paths, durations, times, lists and maps have
            expected attribute arguments in parentheses: `items(...)`
        "#]],
    );
}

#[test]
fn flags_are_a_number_with_names() {
    check_type(
        "#[alpc(flags(A = 1, B, C = LIMIT + 1, D = crate::X, #[cold] E = 0x10))] struct S(u32);",
        expect![[r#"
            `crate::X` is not a number, and the macro cannot compute it
            a flag has no such attribute
            no constant is named `LIMIT`
            which bit is `B`?
            a flag has a value
            help: the next free bit: ` = 0x2`
        "#]],
    );
    check_type(
        "#[alpc(flags)] struct S(u32);",
        expect![[r#"
        write the flags: `flags(READ = 0x1, WRITE = 0x2)`
        a record has named fields; the names tell the versions apart
    "#]],
    );
    check_type(
        "#[alpc(flags(A = 1))] struct S { bits: u32 }",
        expect![[r#"
        flags are a struct around an unsigned integer: `struct PutFlags(u32);`
    "#]],
    );
    check_type(
        "#[alpc(final, flags(A = 1))] struct S(u32);",
        expect![[r#"
        flags keep the bits of later versions, so they are never `final`
    "#]],
    );
    check_type(
        "#[alpc(flags(A = 1), union)] enum S { A, Unrecognized(u32) }",
        expect![[r#"
        flags are a struct: `struct PutFlags(u32);`
        `Unrecognized` of a union is `Unrecognized { tag: u32, payload: Vec<u8> }`
    "#]],
    );
    check_type(
        "#[alpc(flags(A = 1))] struct S(i32);",
        expect![[r#"
        flags are an unsigned integer of at most 64 bits, not `i32`
        help: write `u8`, `u16`, `u32` or `u64`
    "#]],
    );
}

mod references;

#[test]
fn what_is_removed_has_its_type_where_it_is_removed() {
    check_method(
        "#[returns(a, #[removed(1.4)] b)] fn f(&self) -> (u32, u32);
         #[returns(a: u32)] fn g(&self) -> u32;
         #[returns(a, #[removed(1.4)] b: Named)] fn h(&self) -> u32;
         #[removed] fn i(&self); #[removed(1)] fn j(&self);",
        expect![[r#"
            what is removed has its type here: `#[removed(1.4)] name: String`
            the type of a result stands behind the `->` of the method
            expected attribute arguments in parentheses: #[removed(...)]
            `1` is not a version
            help: a version is `major.minor`, as in `1.0`
            `b` is removed, and nothing could be sent in its place
            help: give it a default; or keep it, and say `deprecated`
            a value of this type stays on the wire
        "#]],
    );
}

#[test]
fn what_is_removed_says_where_it_stood() {
    check_type(
        "#[alpc(removed(1.4, b: u32), removed(1.4, c: u32, after = d), removed(1.4, e: u32, by = a))]
         struct S { a: u32 }",
        expect![[r#"
            its place on the wire stays: say where it stood
            help: write `after = ..` or `before = ..`, as in `removed(1.4, nick: String, after = name)`
            nothing here is called `d`
            write `after` or `before`
        "#]],
    );
    check_type(
        "#[alpc(removed(1.4, B(u32)), removed(1.4, b: u32), reserved(..4))]
         enum E { #[alpc(removed(1.4, c: u32, after = a))] A(u32), Unrecognized { tag: u32, payload: Vec<u8> } }",
        expect![[r#"
            a number, a range as `7..=9`, or a name is reserved
            its number on the wire stays: say which it is
            help: write `removed(1.4, Careful = 2)`, or where it stood, with `after = ..` or `before = ..`
            unexpected token
            nothing is removed from what has no names
        "#]],
    );
    check_type(
        "#[alpc(flags(A = 1, #[alpc(removed)] B = 2, #[alpc(gone)] C = 4), removed(1.4, D = 8))]
         struct F(u32);",
        expect![[r#"
            a flag is removed where it is listed: `#[alpc(removed = "1.4")] OLD = 0x4`
            write `removed = ".."`
            there is no argument `gone` here
            help: there are: added, removed
        "#]],
    );
}

#[test]
fn what_is_reserved_does_not_come_back() {
    check_trait(
        "#[alpc_interface(name = \"a.A\", reserved(f, g))] trait A { fn f(&self); }",
        expect![[r#"
            method `f` is reserved
            reserved here, since old peers call it
        "#]],
    );
    check_trait(
        "#[alpc_interface(name = \"a.A\", reserved)] trait A { fn f(&self); }",
        expect![[r#"
            write the names of methods that must not come back: `reserved(get_all)`
        "#]],
    );
    check_type(
        "#[alpc(final, reserved(0, B), removed(1.1, C = 2))] enum E { A, B }",
        expect![[r#"
            value 0 is reserved
            reserved here, since old peers know it
            `B` is reserved
            reserved here, since old peers know it
            nothing is removed from a `[final]` type
        "#]],
    );
}

#[test]
fn a_result_is_raised_unless_it_is_said_to_be_data() {
    check_method(
        "#[returns(#[result] a)] fn f(&self) -> Result<u8, u8>;
         #[returns(#[result] _)] fn g(&self) -> u32;
         #[returns(a, #[result] b)] fn h(&self) -> (u32, u32);",
        expect![[r#"
            `#[result]` is for the one result of a method that returns a `Result`
            `#[result]` is for the one result of a method that returns a `Result`
            `#[result]` is for the one result of a method that returns a `Result`
        "#]],
    );
}

#[test]
fn members_of_tuples_have_numbers() {
    check_method(
        "fn f(&self, #[member(2, max(1))] a: (u8, u8), #[member(0, max(1))] b: u8, #[member(max(1))] c: (u8, u8));",
        expect![[r#"
            this type has no member of that number
            note: lists, arrays and streams have `items`, maps `keys` and `values`, results `ok` and `err`, tuples `member`s from 0 on
            this type has no member of that number
            note: lists, arrays and streams have `items`, maps `keys` and `values`, results `ok` and `err`, tuples `member`s from 0 on
            expected integer literal
        "#]],
    );
}
