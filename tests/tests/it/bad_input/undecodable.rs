//! Bytes that mean nothing, from clients and from servers.

use std::time::Duration;

use alpc_rpc::transport::{CommunicationPort, Part, PortName, Request};
use alpc_rpc::{CallError, Client, Deadline};
use alpc_tests::garbage;
use alpc_tests::roles::TRIAL;
use alpc_tests::stage::Stage;
use alpc_tests::trial::api::TrialClient;
use expect_test::expect;

use super::honest;
use crate::bounds::kind;
use crate::calls::{call, method};
use crate::stage;

/// Who a client is, as it says itself: for clients that only pretend.
pub(super) fn hello() -> Vec<u8> {
    let interface = TrialClient::INTERFACE;
    let mut hello = b"alpc-rpc\x01\x00".to_vec();
    hello.extend_from_slice(&interface.id.to_be_bytes());
    hello.extend_from_slice(&interface.major.to_le_bytes());
    hello.extend_from_slice(&interface.minor.to_le_bytes());
    hello.extend_from_slice(&interface.fingerprint());
    hello.extend_from_slice(interface.name.as_bytes());
    hello
}

pub(super) fn connect_by_hand(stage: &Stage, data: &[u8]) -> Result<CommunicationPort, String> {
    let name = PortName::new(TRIAL).unwrap();
    let deadline = Deadline::after(Duration::from_secs(60));
    let port = CommunicationPort::connect(&name, &stage.attributes(), data, deadline);
    port.map_err(|error| error.to_string())
}

#[test]
fn a_client_introduces_itself_with_garbage() {
    let stage = stage("bad hello");
    let _server = stage.ready(&["trial"]);
    let client: TrialClient = stage.connect(TRIAL);
    let whole = hello();
    let other_encoding = [b"alpc-rpc\x02\x00", &whole[10..]].concat();
    let cuts = (0..whole.len() - TrialClient::INTERFACE.name.len()).step_by(7);
    let hellos = cuts.map(|len| whole[..len].to_vec()).chain([vec![0xFF; 4096], other_encoding]);
    let told = expect![
        "cannot connect to `tests.trial`: the server refused: this port speaks alpc-rpc, of another version or not at all"
    ];
    for hello in hellos {
        let refused = connect_by_hand(&stage, &hello).unwrap_err();
        told.assert_eq(&refused);
    }
    // A name that is none, and the strangest one that is: it is for people only.
    let rude = [&whole[..46], b"\x1b[2J\n\xFF\xFE"].concat();
    assert_eq!(
        call(&connect_by_hand(&stage, &rude).unwrap(), method::<TrialClient>("begun"), b""),
        (0, vec![0])
    );
    let stranger = [&whole[..10], &[9; 36], b"\x1b[2J\n\xFF\xFE"].concat();
    expect!["cannot connect to `tests.trial`: the server refused: incompatible interface: `tests.trial.Trial` 1.2 (fingerprint f44b8cad)"]
        .assert_eq(&connect_by_hand(&stage, &stranger).unwrap_err().escape_debug().to_string());
    honest(&client);
}

#[test]
fn a_clients_arguments_do_not_decode() {
    let stage = stage("garbage arguments");
    let _server = stage.ready(&["trial"]);
    let client: TrialClient = stage.connect(TRIAL);
    let liar = connect_by_hand(&stage, &hello()).unwrap();
    let mut lines = String::new();
    let mut tell = |what: &str, (status, body): (u16, Vec<u8>)| {
        lines += &format!("{what}: {status} {}\n", String::from_utf8_lossy(&body).escape_debug());
    };
    let method = method::<TrialClient>;
    tell("nothing", call(&liar, method("add"), b""));
    tell("one argument of two", call(&liar, method("add"), b"\x02"));
    tell("an endless number", call(&liar, method("add"), &[0xFF; 20]));
    tell("a number beyond its type", call(&liar, method("add"), b"\xff\xff\xff\xff\x7f\x02"));
    tell("text that is none", call(&liar, method("measure"), b"\x00\x02\xff\xfe"));
    tell("text that is longer than the message", call(&liar, method("measure"), b"\x00\x7fx"));
    tell("text in no place", call(&liar, method("measure"), b"\x07"));
    tell("text that was left out", call(&liar, method("measure"), b"\x01"));
    tell("text beyond its bound", call(&liar, method("measure"), b"\x00\x11xxxxxxxxxxxxxxxxx"));
    tell(
        "a list longer than memory",
        call(&liar, method("total"), b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
    );
    tell("a list that ends early", call(&liar, method("total"), b"\x05\x01\x02"));
    tell("a buffer that was left out", call(&liar, method("fill"), b"\x01"));
    tell("no such method", call(&liar, 12345, b"\x01"));
    expect![[r#"
        nothing: 2 `a`: the data ends too early
        one argument of two: 2 `b`: the data ends too early
        an endless number: 2 `a`: a number is too large for its type
        a number beyond its type: 2 `a`: a number is too large for its type
        text that is none: 2 `text` is not UTF-8
        text that is longer than the message: 2 `text`: the data claims 127 bytes where only 1 byte is left
        text in no place: 2 `text` is in a place that does not exist
        text that was left out: 2 `text` was left out
        text beyond its bound: 3 `text` is 17 bytes long; the interface allows 1 to 16
        a list longer than memory: 2 `numbers`: the data claims 9223372036854775807 elements where only 0 bytes are left
        a list that ends early: 2 `numbers`: the data ends too early
        a buffer that was left out: 2 `data` was left out
        no such method: 1 
    "#]].assert_eq(&lines);
    // None of these got as far as a handler.
    assert_eq!(client.begun().unwrap(), 0);
    honest(&client);
    // The liar's own connection goes on, too.
    assert_eq!(call(&liar, method("add"), b"\x04\x06"), (0, vec![10]));
}

#[test]
fn no_bytes_of_a_clients_break_a_server() {
    let stage = stage("random arguments");
    let _server = stage.ready(&["trial"]);
    let client: TrialClient = stage.connect(TRIAL);
    let liar = connect_by_hand(&stage, &hello()).unwrap();
    let harmless = |name: &str| {
        !["wait", "wait_shortly", "fill_late", "meet", "countdown", "download", "stretch", "panic"]
            .contains(&name)
    };
    let methods: Vec<u64> = TrialClient::INTERFACE
        .methods
        .iter()
        .filter(|method| harmless(method.name))
        .map(|method| method.ordinal)
        .collect();
    let bytes = alpc_tests::everything::idl::trips::noise(1 << 20, 42);
    let mut rest = bytes.as_slice();
    let mut answered = 0;
    while let Some((head, tail)) = rest.split_first_chunk::<8>() {
        let [which, tag, len, parts, kind, place, ..] = *head;
        let len = usize::from(len) % 64;
        let Some((body, tail)) = tail.split_at_checked(len) else { break };
        rest = tail;
        let mut buffers = vec![vec![place; usize::from(len as u8) * 40]; usize::from(parts % 4)];
        let mut parts: Vec<Part<'_>> = buffers
            .iter_mut()
            .enumerate()
            .map(|(at, buffer)| match (kind >> (2 * at)) % 3 {
                0 => Part::In(buffer),
                1 => Part::Out(buffer),
                _ => Part::InOut(buffer),
            })
            .collect();
        let request = Request {
            method: methods[usize::from(which) % methods.len()],
            tag: u16::from(tag % 3),
            body,
            parts: &mut parts,
            deadline: Deadline::after(Duration::from_secs(60)),
            handles: &[],
        };
        // Whatever it is, it is answered, and the connection goes on.
        liar.call(request).unwrap_or_else(|failure| panic!("call {answered}: {}", failure.error));
        answered += 1;
        if answered % 1000 == 0 {
            honest(&client);
        }
    }
    assert!(answered > 10_000);
    honest(&client);
}

#[test]
fn a_servers_answers_do_not_decode() {
    let stage = stage("garbage answers");
    let _server = stage.ready(&["garbage"]);
    let client: TrialClient = stage.connect(TRIAL);
    let mut lines = String::new();
    for number in 0..garbage::ANSWERS.len() {
        let result = client.add(number as i32, 0);
        lines += &match result.map_err(CallError::into_transport) {
            Ok(sum) => format!("{number}: ok {sum}\n"),
            Err(error) => {
                assert!(error.may_have_run());
                let text = error.to_string().replace(&"z".repeat(1000), "1000 x z");
                format!("{number}: {} {}\n", kind(&error), text.escape_debug())
            }
        };
        // The connection is not to blame.
        assert_eq!(client.add(0, 0).unwrap(), 7);
    }
    expect![[r#"
        0: ok 7
        1: Malformed(may have run) the answer to the call is not what the method gives: `the result`: the data ends too early; the call may have run
        2: Malformed(may have run) the answer to the call is not what the method gives: `the result`: a number is too large for its type; the call may have run
        3: Malformed(may have run) the answer to the call is not what the method gives: `the result`: the data ends too early; the call may have run
        4: Malformed(may have run) the answer to the call is not what the method gives: `the result`: the data ends too early; the call may have run
        5: Malformed(may have run) the answer to the call is not what the method gives: `the result`: the data ends too early; the call may have run
        6: Malformed(may have run) the answer to the call is not what the method gives: an error of the interface\'s, which has none; the call may have run
        7: Refused(may have run) the server failed the call with code 777:  [2J forged: line �; the call may have run
        8: Malformed(may have run) the answer to the call is not what the method gives: 1000 x z ..; the call may have run
        9: ok 7
    "#]].assert_eq(&lines);
}
