//! Processes that end, in the middle of calls.

use alpc_rpc::{CallError, Client, TransportError};
use alpc_tests::peer::Peer;
use alpc_tests::roles::TRIAL;
use alpc_tests::trial::api::TrialClient;
use expect_test::expect;

use super::{check, honest};
use crate::stage;

#[test]
fn a_client_dies_in_the_middle_of_a_call() {
    let stage = stage("client killed");
    let mut server = stage.ready(&["trial"]);
    let client: TrialClient = stage.connect(TRIAL);
    honest(&client);
    for number in 0..5 {
        let name = format!("victim-{number}");
        let mut victim = stage.peer(&["waiter", &name]);
        victim.expect("calling");
        server.expect(&format!("waiting {name}"));
        honest(&client);
        victim.kill();
        honest(&client);
        // Its handler returns to nobody.
        client.release(&name).unwrap();
        honest(&client);
    }
    until_connections(&mut server, "1", &client);
}

/// The server sees by and by who has died; until then it serves the others.
fn until_connections(server: &mut Peer, expected: &str, client: &TrialClient) {
    while server.ask("connections") != expected {
        honest(client);
    }
}

#[test]
fn a_client_dies_while_bytes_are_on_their_way() {
    let stage = stage("client killed while it sends");
    let mut server = stage.ready(&["trial"]);
    let client: TrialClient = stage.connect(TRIAL);
    // By message, by section, and by direct access.
    for len in [10_000, 3_000_000, 20_000_000] {
        for after in [1, 10, 100] {
            let mut victim = stage.peer(&["flood", &len.to_string()]);
            victim.expect("calling");
            for _ in 0..after {
                honest(&client);
            }
            victim.kill();
            honest(&client);
        }
    }
    until_connections(&mut server, "1", &client);
}

#[test]
fn a_server_dies_in_the_middle_of_calls() {
    let stage = stage("server killed");
    let mut server = stage.ready(&["trial", "workers=16", "outstanding=16"]);
    let client: TrialClient = stage.connect(TRIAL);
    honest(&client);
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..16)
            .map(|number| {
                let client = client.clone();
                scope.spawn(move || client.without_deadline().wait(&number.to_string()))
            })
            .collect();
        for _ in 0..16 {
            let line = server.hear();
            assert!(line.starts_with("waiting "), "{line}");
        }
        // These wait for one of those to end before they can be sent at all.
        let queued: Vec<_> = (0..4)
            .map(|_| {
                let client = client.clone();
                scope.spawn(move || client.without_deadline().add(1, 1))
            })
            .collect();
        server.kill();
        let told = expect![[r#"
            Disconnected(may have run)
            the server went away before it answered; the call may have run"#]];
        for call in waiting {
            check(call.join().unwrap(), &told);
        }
        let told = expect![[r#"
            Disconnected(did not run)
            the connection to the server is closed; the handler did not run"#]];
        for call in queued {
            check(call.join().unwrap(), &told);
        }
    });
    check(
        client.add(1, 1),
        &expect![[r#"
        Disconnected(did not run)
        the connection to the server is closed; the handler did not run"#]],
    );
    check(
        client.note("x"),
        &expect![[r#"
        Disconnected(did not run)
        the connection to the server is closed; the handler did not run"#]],
    );
    // What the dead server left behind does not keep its successor from the name.
    let _server = stage.ready(&["trial"]);
    honest(&stage.connect(TRIAL));
    check(
        client.add(1, 1),
        &expect![[r#"
        Disconnected(did not run)
        the connection to the server is closed; the handler did not run"#]],
    );
}

#[test]
fn a_server_dies_while_bytes_are_on_their_way() {
    let stage = stage("server killed while it receives");
    for len in [3_000_000, 20_000_000] {
        let mut server = stage.ready(&["trial"]);
        let client: TrialClient = stage.connect(TRIAL);
        std::thread::scope(|scope| {
            let (sender, sent) = std::sync::mpsc::channel();
            let calling = scope.spawn(move || {
                let mut data = vec![1; len];
                loop {
                    client.upload(&data)?;
                    client.fill(2, &mut data)?;
                    // Nobody counts any more when the server is dead.
                    let _uncounted = sender.send(());
                }
            });
            for () in sent.iter().take(5) {}
            server.kill();
            let end: Result<(), CallError> = calling.join().unwrap();
            let error = end.unwrap_err().into_transport();
            assert!(matches!(error, TransportError::Disconnected { .. }), "{error:?}");
        });
    }
}

#[test]
fn a_server_stops() {
    let stage = stage("server stops");
    let mut server = stage.ready(&["trial"]);
    let client: TrialClient = stage.connect(TRIAL);
    honest(&client);
    std::thread::scope(|scope| {
        let waiter = client.clone();
        let waiting = scope.spawn(move || waiter.without_deadline().wait("stop"));
        server.expect("waiting stop");
        assert_eq!(server.ask("stop"), "stopped");
        check(
            waiting.join().unwrap(),
            &expect![[r#"
            Disconnected(may have run)
            the server went away before it answered; the call may have run"#]],
        );
    });
    check(
        client.add(1, 1),
        &expect![[r#"
        Disconnected(did not run)
        the connection to the server is closed; the handler did not run"#]],
    );
}
