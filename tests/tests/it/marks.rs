//! What attributes change, in real calls.

use std::sync::Arc;
use std::time::Duration;

use alpc_rpc::{Call, CallError, Client, TransportError};
use alpc_tests::goldens::attributes::SwitchesClient;
use alpc_tests::goldens::imports::places::PlacesClient;
use alpc_tests::goldens::imports::types::{Failure as Nowhere, Mode, Point, Rights};
use alpc_tests::goldens::sensitive::{Key, Level, Login, LoginError, LoginsClient};
use alpc_tests::goldens::tombstones::{Failure, Person, PersonsClient};
use alpc_tests::roles::ECHO;
use alpc_tests::strict::callback_results::{Chooser, Note, RowClient, RowRef, TableClient};
use alpc_tests::twins::{removed, removed_in_rust as twins};
use expect_test::expect;

use crate::stage;

#[test]
fn a_method_that_came_later_is_unimplemented_and_the_connection_goes_on() {
    let stage = stage("marks: later");
    let _server = stage.ready(&["marks", "persons"]);
    let client: PersonsClient = stage.connect(ECHO);

    let mut room = [0; 4];
    let error = client.later(b"data", 1, &mut room).unwrap_err();
    assert!(
        matches!(&error, CallError::Transport(TransportError::Unimplemented { .. })),
        "{error:?}"
    );
    client.last().unwrap();
    assert_eq!(client.none().unwrap(), 7);
}

#[test]
fn tombstones_keep_their_place_and_are_seen_by_nobody() {
    let stage = stage("marks: tombstones");
    let _server = stage.ready(&["marks", "persons"]);
    let client: PersonsClient = stage.connect(ECHO);

    let person = Person::new("joe".to_owned()).with_age(42).with_notes(vec!["tall".to_owned()]);
    assert_eq!(client.put(&person).unwrap(), (42, 1));
    let nobody = Person::new("nobody".to_owned());
    let Err(CallError::App(Failure::NotFound { name })) = client.put(&nobody) else { panic!() };
    assert_eq!(name, "nobody");
}

#[test]
fn a_trait_and_its_twin_agree_on_what_is_removed() {
    let stage = stage("marks: twins");
    let _server = stage.ready(&["twins", "removed"]);
    let client: twins::PersonsClient = stage.connect(ECHO);
    let (idl, rust) = (removed::PersonsClient::INTERFACE, twins::PersonsClient::INTERFACE);
    assert_eq!(idl.fingerprint(), rust.fingerprint());

    let person = |name: &str| twins::Person { name: name.to_owned(), age: 42 };
    assert_eq!(client.put(&person("joe")).unwrap(), (42, 3));
    let Err(CallError::App(twins::Failure::NotFound { name })) = client.put(&person("nobody"))
    else {
        panic!()
    };
    assert_eq!(name, "nobody");
    let error = client.put(&person("bare")).unwrap_err();
    assert!(matches!(error, CallError::App(twins::Failure::Bare)), "{error:?}");
    assert_eq!(client.none().unwrap(), 7);
}

#[test]
fn a_handler_hears_that_nobody_waits_any_more() {
    let stage = stage("marks: cancelled");
    let _server = stage.ready(&["marks", "switches"]);
    let client: SwitchesClient = stage.connect(ECHO);

    let hasty = client.with_timeout(Duration::from_millis(50));
    // On a busy machine a call may be over before its handler begins. And a handler that returns as
    // soon as the deadline has passed may be answered before its caller has looked at the clock.
    while client.search("was it cancelled?").unwrap() == 0 {
        let _late_or_not = hasty.search("for long");
    }
}

#[test]
fn what_is_sensitive_is_told_by_no_debug() {
    let login = Login::new("joe".to_owned(), "swordfish!".to_owned()).with_pin(4711);
    let errors = [
        LoginError::Unknown { user: "joe".to_owned(), guess: "swordfish!".to_owned() },
        LoginError::Pins(vec![1, 2], 4711),
        LoginError::Busy,
        LoginError::Unrecognized { tag: 9, payload: b"swordfish!".to_vec() },
    ];
    let all = format!("{login:?}\n{:?}\n{:?}\n{errors:#?}", Key::new(vec![47, 11]), Level::High);
    expect![[r#"
        Login { user: "joe", password: <redacted>, pin: <redacted> }
        Key(<redacted>)
        Level(<redacted>)
        [
            Unknown {
                user: "joe",
                guess: <redacted>,
            },
            Pins(
                [
                    1,
                    2,
                ],
                <redacted>,
            ),
            Busy,
            Unrecognized {
                tag: 9,
                payload: <redacted>,
            },
        ]"#]]
    .assert_eq(&all);
}

#[test]
fn a_broken_bound_does_not_tell_what_is_sensitive() {
    let stage = stage("marks: secrets");
    let _server = stage.ready(&["marks", "logins"]);
    let client: LoginsClient = stage.connect(ECHO);

    let key = Key::new(vec![1]);
    let told = |result: Result<(u64, Level), CallError<LoginError>>| match result {
        Ok((token, level)) => format!("{token} {level:?}"),
        Err(error) => error.to_string(),
    };
    let lines = [
        told(client.login("swordfish!", 4711, &key)),
        told(client.login("short", 4711, &key)),
        told(client.login("swordfish!", 10_000, &key)),
        told(client.login("swordfish!", 4711, &Key::new(vec![255]))),
        told(client.login("no token", 4711, &key)),
    ];
    expect![[r#"
        4711 Level(<redacted>)
        `password` is out of bounds; the interface allows at least 8; the handler did not run
        `pin` is out of bounds; the interface allows 1 to 9999; the handler did not run
        `Key.bytes[]` is out of bounds; the interface allows at most 127; the handler did not run
        the answer to the call is not what the method gives: `token` is out of bounds; the interface allows at least 1; the call may have run"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn an_interface_has_its_types_from_other_files() {
    let stage = stage("marks: imports");
    let _server = stage.ready(&["marks", "places"]);
    let client: PlacesClient = stage.connect(ECHO);

    // What it inherits is from another file, too.
    assert_eq!(client.describe().unwrap(), "an atlas");
    let place = client.find("here", Mode::Fast).unwrap();
    assert_eq!((place.at.x, place.size, place.rights), (1.5, None, Rights::READ));
    let Err(CallError::App(Nowhere::NotFound { key })) = client.find("there", Mode::Fast) else {
        panic!()
    };
    assert_eq!(key, "there");
    let (points, boxes) = client.all().unwrap();
    assert_eq!(points, [Point::new(1.5).with_y(2.5)]);
    assert_eq!(
        boxes.iter().map(|case| (case.size.width, case.count)).collect::<Vec<_>>(),
        [(3, 2)]
    );
}

/// Chooses the row that it was given.
struct Decided(RowClient);

impl Chooser for Decided {
    fn choose(&self, _: &Call<'_>) -> RowRef {
        RowRef::from(&self.0)
    }

    fn perhaps(&self, _: &Call<'_>) -> Option<RowRef> {
        None
    }

    fn note(&self, _: &Call<'_>) -> Arc<dyn Note> {
        Arc::new(Why)
    }
}

struct Why;

impl Note for Why {
    fn text(&self, _: &Call<'_>) -> String {
        "it is the best".to_owned()
    }
}

#[test]
fn what_a_callback_returns_is_its_own_or_goes_home() {
    let stage = stage("marks: callback results");
    let _server = stage.ready(&["marks", "table"]);
    let client: TableClient = stage.connect(ECHO);
    let row = client.row(42).unwrap();
    let answer = client.ask(Decided(row)).unwrap();
    assert_eq!(answer, (42, true, "it is the best".to_owned()));
}
