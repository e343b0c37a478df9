//! Clients that mean something else by an interface, honestly and not.

use alpc_tests::roles::TRIAL;
use alpc_tests::trial::api::TrialClient;
use alpc_tests::trial::changed;
use expect_test::expect;

use super::undecodable::{connect_by_hand, hello};
use super::{check, honest};
use crate::calls::{call, method};
use crate::stage;

/// The number of the call by which clients say what they mean.
const CONTRACT: u64 = 1 << 63 | 1;

#[test]
fn the_interface_was_changed_without_a_word() {
    let stage = stage("another meaning");
    let _server = stage.ready(&["trial", "other"]);
    let client: TrialClient = stage.connect(TRIAL);
    let other: changed::TrialClient = stage.connect(TRIAL);
    check(
        other.add(1, 2),
        &expect![[r#"
            Incompatible(did not run)
            the server's method `add` is another one: `tests.trial.Trial.add.a` the parameter stands in another place; the handler did not run"#]],
    );
    honest(&client);
}

#[test]
fn a_client_of_another_version_is_heard_when_it_has_said_what_it_means() {
    let stage = stage("unsaid meaning");
    let _server = stage.ready(&["trial"]);
    let client: TrialClient = stage.connect(TRIAL);
    // Another fingerprint, and nothing more.
    let mut other = hello();
    other[40] ^= 1;
    let liar = connect_by_hand(&stage, &other).unwrap();
    let mut lines = String::new();
    let mut tell = |what: &str, (status, body): (u16, Vec<u8>)| {
        let mut text = String::from_utf8_lossy(&body).escape_debug().to_string();
        text.truncate(150);
        lines += &format!("{what}: {status} {text}\n");
    };
    let add = method::<TrialClient>("add");
    tell("a call before", call(&liar, add, b"\x02\x04"));
    tell("no text", call(&liar, CONTRACT, b"\xff"));
    tell("no contract", call(&liar, CONTRACT, b"alpc-contract/1\ninterface"));
    tell("an endless contract", call(&liar, CONTRACT, "[".repeat(30_000).as_bytes()));
    let head =
        "alpc-contract/1\ninterface \"tests.trial.Trial\" 5a1c7c647d3e4c559f3920b0f6a3c9d1 1.1\n";
    let deep = format!("{head}struct \"S\" open {{\"x\": {}u8}}\n", "[".repeat(30_000));
    tell("a deep contract", call(&liar, CONTRACT, deep.as_bytes()));
    tell("still", call(&liar, add, b"\x02\x04"));
    let contract = format!("{head}method {add:016x} \"add\" twoway (in \"a\": i32) -> ()\n");
    tell("a contract", call(&liar, CONTRACT, contract.as_bytes()));
    tell("a call that differs", call(&liar, add, b"\x02\x04"));
    tell("a call that it did not name", call(&liar, method::<TrialClient>("begun"), b""));
    // The first word counts.
    let better = format!(
        "{head}method {add:016x} \"add\" twoway (in \"a\": i32, in \"b\": i32) -> (\"\": i64)\n"
    );
    tell("another contract", call(&liar, CONTRACT, better.as_bytes()));
    tell("still", call(&liar, add, b"\x02\x04"));
    expect![[r#"
        a call before: 2 the caller means something else by this call: it has another version, and has not said which
        no text: 2 its contract is no text
        no contract: 2 line 2 of the contract: a name was expected here
        an endless contract: 2 line 1 of the contract: it is not written in this version\'s form
        a deep contract: 2 line 3 of the contract: types are nested too deep
        still: 2 the caller means something else by this call: it has another version, and has not said which
        a contract: 0 alpc-contract/1\ninterface \"tests.trial.Trial\" 5a1c7c647d3e4c559f3920b0f6a3c9d1 1.2\nmethod 05e5fd9e3cc31a00 \"notes\" twoway () -> (\"\": [string])
        a call that differs: 2 the caller means something else by this call: `tests.trial.Trial.add.b` the parameter was added, and no default stands in for it
        a call that it did not name: 1 
        another contract: 0 alpc-contract/1\ninterface \"tests.trial.Trial\" 5a1c7c647d3e4c559f3920b0f6a3c9d1 1.2\nmethod 05e5fd9e3cc31a00 \"notes\" twoway () -> (\"\": [string])
        still: 2 the caller means something else by this call: `tests.trial.Trial.add.b` the parameter was added, and no default stands in for it
    "#]].assert_eq(&lines);
    let second = connect_by_hand(&stage, &other).unwrap();
    assert_eq!(call(&second, CONTRACT, better.as_bytes()).0, 0);
    assert_eq!(call(&second, add, b"\x02\x04"), (0, vec![6]));
    honest(&client);
}
