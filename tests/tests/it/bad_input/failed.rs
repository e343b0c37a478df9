//! Calls that fail by what is in them, or in the handler.

use alpc_tests::roles::TRIAL;
use alpc_tests::trial::api::TrialClient;
use expect_test::expect;

use super::{check, honest};
use crate::stage;

#[test]
fn an_argument_is_longer_than_the_port_takes() {
    let stage = stage("long arguments");
    let _server = stage.ready(&["trial", "max-argument=100000"]);
    let client: TrialClient = stage.connect(TRIAL);
    assert_eq!(client.upload(&[0; 100_000]).unwrap(), 100_000);
    check(
        client.upload(&[0; 100_001]),
        &expect![[r#"
        TooLong(did not run)
        the arguments of the call are too long: cannot send a bulk argument: 100001 bytes, where 100000 are allowed; the handler did not run"#]],
    );
    check(
        client.total(&vec![u32::MAX; 30_000]),
        &expect![[r#"
        TooLong(did not run)
        the arguments of the call are too long: the encoded data is longer than the 100000 bytes allowed here; the handler did not run"#]],
    );
    check(
        client.note(&"x".repeat(100_001)),
        &expect![[r#"
        BoundExceeded(did not run)
        `text` is 100001 bytes long; the interface allows at most 16; the handler did not run"#]],
    );
    // The answer: here the handler has run.
    assert_eq!(client.download(100_000).unwrap().len(), 100_000);
    check(
        client.download(100_001),
        &expect![[r#"
        TooLong(may have run)
        the answer to the call is too long: cannot send a bulk argument: 100001 bytes, where 100000 are allowed; the call may have run"#]],
    );
    honest(&client);
}

#[test]
fn a_buffer_is_longer_than_the_port_takes() {
    let stage = stage("long buffers");
    let _server = stage.ready(&["trial", "max-argument=100000"]);
    let client: TrialClient = stage.connect(TRIAL);
    assert_eq!(client.fill(1, &mut vec![0; 100_000]).unwrap(), 100_000);
    check(
        client.fill(1, &mut vec![0; 100_001]),
        &expect![[r#"
            TooLong(did not run)
            the arguments of the call are too long: cannot send a bulk argument: 100001 bytes, where 100000 are allowed; the handler did not run"#]],
    );
    honest(&client);
}

#[test]
fn an_argument_is_longer_than_the_interface_takes() {
    let stage = stage("long arguments of the interface");
    let _server = stage.ready(&["trial"]);
    let client: TrialClient = stage.connect(TRIAL);
    check(
        client.measure(""),
        &expect![[r#"
        BoundExceeded(did not run)
        `text` is 0 bytes long; the interface allows 1 to 16; the handler did not run"#]],
    );
    check(
        client.measure(&"x".repeat(17)),
        &expect![[r#"
        BoundExceeded(did not run)
        `text` is 17 bytes long; the interface allows 1 to 16; the handler did not run"#]],
    );
    check(
        client.note(&"x".repeat(17)),
        &expect![[r#"
        BoundExceeded(did not run)
        `text` is 17 bytes long; the interface allows at most 16; the handler did not run"#]],
    );
    assert_eq!(client.begun().unwrap(), 0);
    assert_eq!(client.measure(&"x".repeat(16)).unwrap(), 16);
    // The handler's own mistake.
    assert_eq!(client.stretch(16).unwrap().len(), 16);
    check(
        client.stretch(17),
        &expect![[r#"
        Malformed(may have run)
        the answer to the call is not what the method gives: `the result` is 17 bytes long; the interface allows at most 16; the call may have run"#]],
    );
    honest(&client);
}

#[test]
fn a_handler_panics() {
    let stage = stage("panic");
    let server = stage.ready(&["trial", "workers=2"]);
    let (client, neighbour): (TrialClient, TrialClient) =
        (stage.connect(TRIAL), stage.connect(TRIAL));
    let told = expect![[r#"
        ServerPanicked(may have run)
        the server's handler panicked during the call; the call may have run"#]];
    for _ in 0..20 {
        check(client.panic("as told"), &told);
        honest(&client);
        honest(&neighbour);
    }
    let reports = server.errors();
    let report = "alpc-rpc: the handler of `panic` panicked (as told); its caller was told";
    assert_eq!(reports.matches(report).count(), 20, "{reports}");
}

#[test]
fn a_server_whose_errors_nobody_reads_outlives_the_panics_of_its_handlers() {
    let stage = stage("panic unheard");
    let _server = stage.unheard(&["trial", "workers=2"]);
    let client: TrialClient = stage.connect(TRIAL);
    let told = expect![[r#"
        ServerPanicked(may have run)
        the server's handler panicked during the call; the call may have run"#]];
    // More often than there are workers, so that none may go with its handler.
    for _ in 0..5 {
        check(client.panic("as told"), &told);
    }
    honest(&client);
}
