//! Bounds are enforced on both sides: by a strict client against a loose server, and the other way round.

use std::collections::BTreeMap;

use alpc_rpc::{CallError, TransportError};
use alpc_tests::bounds::{loose, strict};
use alpc_tests::roles::ECHO;
use expect_test::{Expect, expect};

use crate::stage;

/// The kind of an error, whether the handler may have run, and its whole text, in a line for each.
fn told<T, E>(results: Vec<Result<T, CallError<E>>>) -> String
where
    E: std::fmt::Display,
{
    let mut lines = String::new();
    for result in results {
        let line = match result {
            Ok(_) => "ok".to_owned(),
            Err(CallError::App(error)) => format!("App: {error}"),
            Err(CallError::Transport(error)) => format!("{}: {error}", kind(&error)),
        };
        lines += &line;
        lines.push('\n');
    }
    lines
}

/// The variant, with what it says of the handler.
pub(crate) fn kind(error: &TransportError) -> String {
    let text = format!("{error:?}");
    let name = text.split([' ', '(']).next().unwrap_or_default();
    format!("{name}({})", if error.may_have_run() { "may have run" } else { "did not run" })
}

/// Arguments that break one bound each, and one call that breaks none.
macro_rules! arguments_out_of_bounds {
    ($module:ident, $client:expr) => {{
        use $module::api::Inner;
        let client = $client;
        let inner = |names: &[&str], level| {
            Inner::new(names.iter().map(|&name| name.to_owned()).collect(), level)
        };
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let rows =
            |key: &str, numbers: &[u32]| BTreeMap::from([(key.to_owned(), numbers.to_vec())]);
        let two_rows = BTreeMap::from([("a".to_owned(), vec![]), ("b".to_owned(), vec![])]);
        let pair = |text: &str, number| (text.to_owned(), number);
        let fine = rows("b", &[9]);
        told(vec![
            client.numbers(100, 5, 0.0, 2.5).map(drop),
            client.numbers(101, 0, 0.0, 0.0).map(drop),
            client.numbers(0, -6, 0.0, 0.0).map(drop),
            client.numbers(0, 0, 1.6, 0.0).map(drop),
            client.numbers(0, 0, 0.0, f64::NAN).map(drop),
            client.texts("", b"", &[]),
            client.texts("x\u{e4}\u{e4}", b"", &[]),
            client.texts("x", &[0; 2001], &[]),
            client.texts("x", b"", &[1, 2, 3, 4]),
            client.nested(&names(&["1", "2", "3"]), &fine, &pair("", 3), None),
            client.nested(&names(&["12345"]), &fine, &pair("", 3), None),
            client.nested(&[], &two_rows, &pair("", 3), None),
            client.nested(&[], &rows("12345", &[]), &pair("", 3), None),
            client.nested(&[], &rows("b", &[1, 2, 3]), &pair("", 3), None),
            client.nested(&[], &rows("b", &[0]), &pair("", 3), None),
            client.nested(&[], &fine, &pair("12345", 3), None),
            client.nested(&[], &fine, &pair("", 4), None),
            client.nested(&[], &fine, &pair("", 3), Some("12345")),
            client.record(&inner(&["1", "2", "3"], 1)),
            client.record(&inner(&["12345"], 1)),
            client.record(&inner(&[], 0)),
            client.records(&[inner(&[], 1), inner(&[], 2), inner(&[], 3)]),
            client.records(&[inner(&[], 1), inner(&[], 10)]),
            client.images(&[0; 5], &mut [0; 16], &mut [0; 4]).map(drop),
            client.images(&[0; 4], &mut [0; 17], &mut [0; 4]).map(drop),
            client.images(&[0; 4], &mut [0; 16], &mut [0; 5]).map(drop),
            client.view(&[0; 2001]),
            client.note("12345"),
        ])
    }};
}

/// Results that break one bound each, and one that breaks none.
macro_rules! results_out_of_bounds {
    ($client:expr) => {{
        let client = $client;
        let lines = told(vec![
            client.make_number(1).map(drop),
            client.make_number(2).map(drop),
            client.make_text(5).map(drop),
            client.make_bytes(5).map(drop),
            client.make_view(5).map(drop),
            client.make_names(3, 1).map(drop),
            client.make_names(1, 5).map(drop),
            client.make_inner(3, 0, 1).map(drop),
            client.make_inner(0, 0, 10).map(drop),
        ]);
        lines + &told(vec![client.make_error(4).map(drop), client.make_error(5).map(drop)])
    }};
}

fn check(actual: &str, expected: &Expect) {
    expected.assert_eq(actual);
}

#[test]
fn a_client_does_not_send_what_is_out_of_bounds() {
    let stage = stage("bounds of arguments, at the client");
    let _server = stage.ready(&["bounds", "loose"]);
    let client: strict::api::BoundsClient = stage.connect(ECHO);
    let lines = arguments_out_of_bounds!(strict, &client);
    check(
        &lines,
        &expect![[r#"
        ok
        BoundExceeded(did not run): `a` is 101; the interface allows at most 100; the handler did not run
        BoundExceeded(did not run): `b` is -6; the interface allows -5 to 5; the handler did not run
        BoundExceeded(did not run): `c` is 1.6; the interface allows 0 to 1.5; the handler did not run
        BoundExceeded(did not run): `d` is NaN; the interface allows at most 2.5; the handler did not run
        BoundExceeded(did not run): `text` is 0 bytes long; the interface allows 1 to 4; the handler did not run
        BoundExceeded(did not run): `text` is 5 bytes long; the interface allows 1 to 4; the handler did not run
        BoundExceeded(did not run): `data` is 2001 bytes long; the interface allows at most 2000; the handler did not run
        BoundExceeded(did not run): `raw` has length 4; the interface allows at most 3; the handler did not run
        BoundExceeded(did not run): `names` has length 3; the interface allows at most 2; the handler did not run
        BoundExceeded(did not run): `names[]` is 5 bytes long; the interface allows at most 4; the handler did not run
        BoundExceeded(did not run): `by` has length 2; the interface allows at most 1; the handler did not run
        BoundExceeded(did not run): `by{key}` is 5 bytes long; the interface allows at most 4; the handler did not run
        BoundExceeded(did not run): `by{value}` has length 3; the interface allows at most 2; the handler did not run
        BoundExceeded(did not run): `by{value}[]` is 0; the interface allows 1 to 9; the handler did not run
        BoundExceeded(did not run): `pair.0` is 5 bytes long; the interface allows at most 4; the handler did not run
        BoundExceeded(did not run): `pair.1` is 4; the interface allows at most 3; the handler did not run
        BoundExceeded(did not run): `maybe` is 5 bytes long; the interface allows at most 4; the handler did not run
        BoundExceeded(did not run): `Inner.names` has length 3; the interface allows at most 2; the handler did not run
        BoundExceeded(did not run): `Inner.names[]` is 5 bytes long; the interface allows at most 4; the handler did not run
        BoundExceeded(did not run): `Inner.level` is 0; the interface allows 1 to 9; the handler did not run
        BoundExceeded(did not run): `inners` has length 3; the interface allows at most 2; the handler did not run
        BoundExceeded(did not run): `Inner.level` is 10; the interface allows 1 to 9; the handler did not run
        BoundExceeded(did not run): `samples` has length 5; the interface allows at most 4; the handler did not run
        BoundExceeded(did not run): `room` is 17 bytes long; the interface allows at most 16; the handler did not run
        BoundExceeded(did not run): `values` has length 5; the interface allows at most 4; the handler did not run
        BoundExceeded(did not run): `data` is 2001 bytes long; the interface allows at most 2000; the handler did not run
        BoundExceeded(did not run): `text` is 5 bytes long; the interface allows at most 4; the handler did not run
    "#]],
    );
    // Only the call that kept to the bounds was made.
    assert_eq!(client.begun().unwrap(), 1);
}

#[test]
fn a_server_does_not_take_what_is_out_of_bounds() {
    let stage = stage("bounds of arguments, at the server");
    let _server = stage.ready(&["bounds", "strict"]);
    let client: loose::api::BoundsClient = stage.connect(ECHO);
    let lines = arguments_out_of_bounds!(loose, &client);
    check(
        &lines,
        &expect![[r#"
        ok
        BoundExceeded(did not run): `a` is 101; the interface allows at most 100; the handler did not run
        BoundExceeded(did not run): `b` is -6; the interface allows -5 to 5; the handler did not run
        BoundExceeded(did not run): `c` is 1.6; the interface allows 0 to 1.5; the handler did not run
        BoundExceeded(did not run): `d` is NaN; the interface allows at most 2.5; the handler did not run
        BoundExceeded(did not run): `text` is 0 bytes long; the interface allows 1 to 4; the handler did not run
        BoundExceeded(did not run): `text` is 5 bytes long; the interface allows 1 to 4; the handler did not run
        BoundExceeded(did not run): `data` is 2001 bytes long; the interface allows at most 2000; the handler did not run
        BoundExceeded(did not run): `raw` has length 4; the interface allows at most 3; the handler did not run
        BoundExceeded(did not run): `names` has length 3; the interface allows at most 2; the handler did not run
        BoundExceeded(did not run): `names[]` is 5 bytes long; the interface allows at most 4; the handler did not run
        BoundExceeded(did not run): `by` has length 2; the interface allows at most 1; the handler did not run
        BoundExceeded(did not run): `by{key}` is 5 bytes long; the interface allows at most 4; the handler did not run
        BoundExceeded(did not run): `by{value}` has length 3; the interface allows at most 2; the handler did not run
        BoundExceeded(did not run): `by{value}[]` is 0; the interface allows 1 to 9; the handler did not run
        BoundExceeded(did not run): `pair.0` is 5 bytes long; the interface allows at most 4; the handler did not run
        BoundExceeded(did not run): `pair.1` is 4; the interface allows at most 3; the handler did not run
        BoundExceeded(did not run): `maybe` is 5 bytes long; the interface allows at most 4; the handler did not run
        BoundExceeded(did not run): `inner`: `Inner.names` has length 3; the interface allows at most 2; the handler did not run
        BoundExceeded(did not run): `inner`: `Inner.names[]` is 5 bytes long; the interface allows at most 4; the handler did not run
        BoundExceeded(did not run): `inner`: `Inner.level` is 0; the interface allows 1 to 9; the handler did not run
        BoundExceeded(did not run): `inners` has length 3; the interface allows at most 2; the handler did not run
        BoundExceeded(did not run): `inners`: `Inner.level` is 10; the interface allows 1 to 9; the handler did not run
        BoundExceeded(did not run): `samples` has length 5; the interface allows at most 4; the handler did not run
        BoundExceeded(did not run): `room` is 17 bytes long; the interface allows at most 16; the handler did not run
        BoundExceeded(did not run): `values` has length 5; the interface allows at most 4; the handler did not run
        BoundExceeded(did not run): `data` is 2001 bytes long; the interface allows at most 2000; the handler did not run
        ok
    "#]],
    );
    assert_eq!(client.begun().unwrap(), 1);
}

#[test]
fn a_client_does_not_take_results_out_of_bounds() {
    let stage = stage("bounds of results, at the client");
    let _server = stage.ready(&["bounds", "loose"]);
    let client: strict::api::BoundsClient = stage.connect(ECHO);
    check(
        &results_out_of_bounds!(&client),
        &expect![[r#"
        ok
        BoundExceeded(may have run): `the result` is 2; the interface allows -1 to 1; the call may have run
        BoundExceeded(may have run): `the result` is 5 bytes long; the interface allows at most 4; the call may have run
        BoundExceeded(may have run): `the result` is 5 bytes long; the interface allows at most 4; the call may have run
        BoundExceeded(may have run): `the result` is 5 bytes long; the interface allows at most 4; the call may have run
        BoundExceeded(may have run): `the result` has length 3; the interface allows at most 2; the call may have run
        BoundExceeded(may have run): `the result[]` is 5 bytes long; the interface allows at most 4; the call may have run
        BoundExceeded(may have run): `the result`: `Inner.names` has length 3; the interface allows at most 2; the call may have run
        BoundExceeded(may have run): `the result`: `Inner.level` is 10; the interface allows 1 to 9; the call may have run
        App: xxxx
        BoundExceeded(may have run): `the error`: `BoundError.Text.0` is 5 bytes long; the interface allows at most 4; the call may have run
    "#]],
    );
    assert_eq!(client.begun().unwrap(), 11);
}

#[test]
fn a_server_does_not_send_results_out_of_bounds() {
    let stage = stage("bounds of results, at the server");
    let _server = stage.ready(&["bounds", "strict"]);
    let client: loose::api::BoundsClient = stage.connect(ECHO);
    check(
        &results_out_of_bounds!(&client),
        &expect![[r#"
        ok
        Malformed(may have run): the answer to the call is not what the method gives: `the result` is 2; the interface allows -1 to 1; the call may have run
        Malformed(may have run): the answer to the call is not what the method gives: `the result` is 5 bytes long; the interface allows at most 4; the call may have run
        Malformed(may have run): the answer to the call is not what the method gives: `the result` is 5 bytes long; the interface allows at most 4; the call may have run
        Malformed(may have run): the answer to the call is not what the method gives: `the result` is 5 bytes long; the interface allows at most 4; the call may have run
        Malformed(may have run): the answer to the call is not what the method gives: `the result` has length 3; the interface allows at most 2; the call may have run
        Malformed(may have run): the answer to the call is not what the method gives: `the result[]` is 5 bytes long; the interface allows at most 4; the call may have run
        Malformed(may have run): the answer to the call is not what the method gives: `Inner.names` has length 3; the interface allows at most 2; the call may have run
        Malformed(may have run): the answer to the call is not what the method gives: `Inner.level` is 10; the interface allows 1 to 9; the call may have run
        App: xxxx
        Malformed(may have run): the answer to the call is not what the method gives: `BoundError.Text.0` is 5 bytes long; the interface allows at most 4; the call may have run
    "#]],
    );
    assert_eq!(client.begun().unwrap(), 11);
}
