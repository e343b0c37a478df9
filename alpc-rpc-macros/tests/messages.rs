//! What the macros say about mistakes, and where: each file in `messages` with its picture beside it,
//! as rustc draws it on the user's own tokens.
//!
//! `TRYBUILD=overwrite cargo test -p alpc-rpc-macros --test messages` renews the pictures. Only errors
//! of the macros' own are in them, so that they change with the macros and not with the compiler.

#[test]
fn every_mistake_is_told_where_it_was_made() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/messages/*.rs");
}
