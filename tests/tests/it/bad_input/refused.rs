//! Connections that do not come about.

use alpc_rpc::{Client, ConnectError};
use alpc_tests::roles::{ECHO, TRIAL};
use alpc_tests::stage::Stage;
use alpc_tests::trial::api::TrialClient;
use alpc_tests::trial::{major, other};
use expect_test::{Expect, expect};

use super::honest;
use crate::stage;

/// The whole text of a failed connection, and its kind.
#[track_caller]
fn check_refused<C: Client>(stage: &Stage, name: &str, expected: &Expect) {
    let Err(error) = stage.try_connect::<C>(name) else { panic!("it connects to `{name}`") };
    let debug = format!("{error:?}");
    let kind = debug.split([' ', '(']).next().unwrap_or_default();
    expected.assert_eq(&stage.plain(format!("{kind}\n{error}")));
}

#[test]
fn nobody_serves_the_name() {
    let stage = stage("unknown name");
    check_refused::<TrialClient>(
        &stage,
        "tests.nobody",
        &expect![[r#"
        NotFound
        cannot connect: nobody serves `tests.nobody`: no port of that name in $FOLDER: is its server running?"#]],
    );
    // A name whose server has died is one that nobody serves, and can be had again.
    let mut server = stage.ready(&["trial"]);
    honest(&stage.connect(TRIAL));
    server.kill();
    check_refused::<TrialClient>(
        &stage,
        TRIAL,
        &expect![[r#"
        NotFound
        cannot connect: nobody serves `tests.trial`: no port of that name in $FOLDER: is its server running?"#]],
    );
    let _server = stage.ready(&["trial"]);
    honest(&stage.connect(TRIAL));
}

#[test]
fn names_that_are_none_are_told_apart() {
    let stage = stage("bad names");
    check_refused::<TrialClient>(
        &stage,
        "../etc",
        &expect![[r#"
        Transport
        cannot name a port `../etc`: '/' is none of A-Z, a-z, 0-9, `.`, `_` and `-`"#]],
    );
    check_refused::<TrialClient>(
        &stage,
        "",
        &expect![[r#"
        Transport
        cannot name a port ``: a name has at least one letter"#]],
    );
    let Err(error) = other::NamelessClient::connect_default() else {
        panic!("there is no default")
    };
    assert!(matches!(error, ConnectError::NotFound { .. }), "{error:?}");
    expect!["cannot connect: nobody serves `tests.other.Nameless`: the interface names no endpoint; say which port to connect to"].assert_eq(&error.to_string());
}

#[test]
fn a_name_has_one_server() {
    let stage = stage("one server");
    let _server = stage.ready(&["trial"]);
    let client: TrialClient = stage.connect(TRIAL);
    let mut second = stage.peer(&["trial"]);
    second.ended();
    expect![[r#"
        cannot create the port `tests.trial` in $FOLDER: a live server holds that name
    "#]]
    .assert_eq(&stage.plain(second.errors()));
    honest(&client);
}

#[test]
fn the_servers_rule_refuses_with_its_reason() {
    let stage = stage("refused");
    let _server = stage.ready(&["trial", "refuse=tests are not admitted on Sundays"]);
    check_refused::<TrialClient>(
        &stage,
        TRIAL,
        &expect![[r#"
        Refused
        cannot connect: the server refused: tests are not admitted on Sundays"#]],
    );
    check_refused::<TrialClient>(
        &stage,
        TRIAL,
        &expect![[r#"
        Refused
        cannot connect: the server refused: tests are not admitted on Sundays"#]],
    );
}

#[test]
fn the_port_serves_another_interface() {
    let stage = stage("another interface");
    let server = stage.ready(&["trial"]);
    let client: TrialClient = stage.connect(TRIAL);
    check_refused::<other::OtherClient>(
        &stage,
        TRIAL,
        &expect![[r#"
            Incompatible
            cannot connect: this client speaks `tests.other.Other` 1.0 (fingerprint 7c105583), the server `tests.trial.Trial` 1.2 (fingerprint f44b8cad)"#]],
    );
    honest(&client);
    drop(server);
    let _server = stage.ready(&["trial", "other"]);
    check_refused::<other::NamelessClient>(
        &stage,
        TRIAL,
        &expect![[r#"
        Refused
        cannot connect: the server refused: this port does not serve `tests.other.Nameless`"#]],
    );
    stage.connect::<other::OtherClient>(TRIAL).nothing().unwrap();
    honest(&stage.connect(TRIAL));
}

#[test]
fn the_interface_has_another_major_version() {
    let stage = stage("another major version");
    let _server = stage.ready(&["trial"]);
    let client: TrialClient = stage.connect(TRIAL);
    check_refused::<major::TrialClient>(
        &stage,
        TRIAL,
        &expect![[r#"
            Incompatible
            cannot connect: this client speaks `tests.trial.Trial` 2.0 (fingerprint 5be562f7), the server `tests.trial.Trial` 1.2 (fingerprint f44b8cad)"#]],
    );
    honest(&client);
}

#[test]
fn an_echo_server_is_no_trial() {
    let stage = stage("wrong port");
    let _server = stage.ready(&["everything", "twin"]);
    check_refused::<TrialClient>(
        &stage,
        ECHO,
        &expect![[r#"
            Incompatible
            cannot connect: this client speaks `tests.trial.Trial` 1.2 (fingerprint f44b8cad), the server `tests.everything.Everything` 1.3 (fingerprint bcf21f64)"#]],
    );
}
