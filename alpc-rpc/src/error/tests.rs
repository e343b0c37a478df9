use std::collections::BTreeSet;

use expect_test::{Expect, expect};

use super::*;
use crate::bound;
use crate::decode::ValueReader;
use crate::encode::to_vec_within;

#[test]
fn every_fault_has_a_code_of_its_own_and_comes_back_from_it() {
    let faults = Fault::all();
    let codes: BTreeSet<u16> = faults.iter().map(Fault::code).collect();
    assert_eq!(codes.len(), faults.len());
    for fault in faults {
        assert_eq!(Fault::from_wire(fault.code(), fault.text()), fault);
    }
}

#[test]
fn every_code_is_some_fault() {
    for code in 0..=u16::MAX {
        let fault = Fault::from_wire(code, "the reason");
        assert_eq!(fault.code(), code);
        assert_eq!(Fault::from_wire(fault.code(), fault.text()), fault);
    }
}

#[test]
fn a_fault_of_a_newer_server_may_have_run_and_says_its_number() {
    let fault = Fault::from_wire(999, "the moon is full");
    assert!(fault.may_have_run());
    let error = TransportError::from_fault(fault, "get");
    expect!["the server failed the call with code 999: the moon is full; the call may have run"]
        .assert_eq(&error.to_string());
}

#[test]
fn what_a_fault_says_about_the_handler_survives_at_the_caller() {
    for fault in Fault::all() {
        let ran = fault.may_have_run();
        let error = TransportError::from_fault(fault, "get");
        assert_eq!(error.may_have_run(), ran, "{error}");
        let says = if ran { "; the call may have run" } else { "; the handler did not run" };
        assert!(error.to_string().ends_with(says), "{error}");
    }
}

#[test]
fn a_fault_met_after_the_handler_is_never_one_that_says_it_did_not_run() {
    let in_answer = Fault::from(bound::len("items", 9, 0, 8).unwrap_err()).after_handler();
    assert!(in_answer.may_have_run());
    expect!["the handler's answer breaks the interface: `items` has length 9; the interface allows at most 8"]
        .assert_eq(&in_answer.to_string());
}

#[test]
fn text_of_a_peer_cannot_steer_a_terminal() {
    let fault = Fault::from_wire(2, "\u{1b}[2J\nforged line");
    expect!["the arguments cannot be read:  [2J forged line"].assert_eq(&fault.to_string());
    let long = Fault::from_wire(2, &"é".repeat(100_000)).to_string();
    assert!(long.len() < 2100 && long.ends_with("é .."), "{}", long.len());
}

#[track_caller]
fn check(error: impl Into<TransportError>, text: Expect) {
    text.assert_eq(&error.into().to_string());
}

#[test]
fn every_text_says_why_and_whether_the_handler_may_have_run() {
    use TransportError::{
        AccessDenied, Busy, Cancelled, Disconnected, Incompatible, ServerPanicked, TimedOut,
        Unanswered, Unimplemented,
    };
    check(
        Disconnected { may_have_run: true },
        expect!["the server went away before it answered; the call may have run"],
    );
    check(
        Disconnected { may_have_run: false },
        expect!["the connection to the server is closed; the handler did not run"],
    );
    check(
        TimedOut { may_have_run: true },
        expect!["the server did not answer before the deadline; the call may have run"],
    );
    check(
        TimedOut { may_have_run: false },
        expect!["the deadline passed before the call was started; the handler did not run"],
    );
    check(
        Cancelled { may_have_run: true },
        expect!["the call was cancelled; the call may have run"],
    );
    check(
        Unimplemented { method: "get" },
        expect!["the server does not have the method `get`; the handler did not run"],
    );
    check(
        Incompatible { method: "get", reason: "its parameter `key` is `string` there".into() },
        expect![
            "the server's method `get` is another one: its parameter `key` is `string` there; the handler did not run"
        ],
    );
    check(
        ServerPanicked,
        expect!["the server's handler panicked during the call; the call may have run"],
    );
    check(
        Unanswered,
        expect!["the server let go of the call without an answer; the call may have run"],
    );
    check(AccessDenied, expect!["the server denies this call; the handler did not run"]);
    check(Busy, expect!["the server is too busy for this call; the handler did not run"]);
}

#[test]
fn the_transports_own_error_is_told_once() {
    let cause = alpc_transport::Error::new(
        alpc_transport::ErrorKind::PermissionDenied,
        "receive from `acme.kv`",
    );
    let error: CallError = TransportError::from(cause.clone()).into();
    expect!["cannot receive from `acme.kv`: permission denied; the call may have run"]
        .assert_eq(&error.to_string());
    assert!(error.source().is_none(), "the next cause is the one behind the transport's");

    let error = ConnectError::from(cause);
    expect!["cannot receive from `acme.kv`: permission denied"].assert_eq(&error.to_string());
    assert!(error.source().is_none());
}

#[test]
fn errors_of_the_data_become_errors_of_the_call() {
    check(
        bound::bytes("key", 300, 1, 256).unwrap_err(),
        expect!["`key` is 300 bytes long; the interface allows 1 to 256; the handler did not run"],
    );
    check(
        to_vec_within("a long text", &mut Vec::new(), 8).unwrap_err(),
        expect![
            "the arguments of the call are too long: the encoded data is longer than the 8 bytes allowed here; the handler did not run"
        ],
    );
    check(
        ValueReader::new(b"\x05abc").value::<&str>("name").unwrap_err(),
        expect![
            "the answer to the call is not what the method gives: `name`: the data claims 5 bytes where only 3 bytes are left; the call may have run"
        ],
    );
    let fault = Fault::from(ValueReader::new(b"\x02").value::<bool>("force").unwrap_err());
    expect!["the arguments cannot be read: `force`: a bool is neither 0 nor 1"]
        .assert_eq(&fault.to_string());
}

#[derive(Debug, PartialEq)]
enum KvError {
    NotFound,
}

impl fmt::Display for KvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing is stored there")
    }
}

impl Error for KvError {}

#[test]
fn a_result_splits_into_the_interface_and_the_call() {
    type Answer = Result<u8, CallError<KvError>>;

    let value: Answer = Ok(1);
    assert_eq!(value.split().unwrap(), Ok(1));
    let declined: Answer = Err(CallError::App(KvError::NotFound));
    assert_eq!(declined.split().unwrap(), Err(KvError::NotFound));
    let failed: Answer = Err(TransportError::Busy.into());
    assert!(matches!(failed.split(), Err(TransportError::Busy)));
}

#[test]
fn the_text_of_a_call_error_is_that_of_the_error_inside_and_is_not_said_twice() {
    let declined = CallError::App(KvError::NotFound);
    assert_eq!(declined.to_string(), "nothing is stored there");
    assert!(declined.source().is_none());
    assert!(declined.may_have_run());

    let busy: CallError<KvError> = TransportError::Busy.into();
    assert!(!busy.may_have_run());
    expect!["the server is too busy for this call; the handler did not run"]
        .assert_eq(&busy.to_string());
}

#[test]
fn a_refused_connection_says_why() {
    let texts = [
        ConnectError::NotFound {
            name: "acme.kv".into(),
            reason: "no port has that name in /run/alpc: is its server running?".into(),
        },
        ConnectError::Refused { reason: "come back tomorrow".into() },
        ConnectError::Incompatible { ours: "KeyValue 2.0".into(), theirs: "KeyValue 1.4".into() },
        ConnectError::PermissionDenied,
        ConnectError::TimedOut,
    ]
    .map(|error| error.to_string());
    expect![[r#"
        cannot connect: nobody serves `acme.kv`: no port has that name in /run/alpc: is its server running?
        cannot connect: the server refused: come back tomorrow
        cannot connect: this client speaks KeyValue 2.0, the server KeyValue 1.4
        cannot connect: this process may not reach the port
        cannot connect: the server did not answer before the deadline"#]]
    .assert_eq(&texts.join("\n"));
}
