//! Calls with paths, uuids, durations, times, results, flags and unions, between all pairs of ways to
//! write an interface.

use alpc_rpc::Client;
use alpc_tests::roles::ECHO;
use alpc_tests::types::{idl, twin};

use crate::stage;

/// A test for each trip, which makes it with both clients through both servers.
macro_rules! trips {
    ($($trip:ident)*) => {$(
        #[test]
        fn $trip() {
            let stage = stage(stringify!($trip));
            for server in ["idl", "twin"] {
                let _server = stage.ready(&["types", server]);
                idl::trips::$trip(&stage.connect(ECHO));
                twin::trips::$trip(&stage.connect(ECHO));
            }
        }
    )*};
}

trips! {
    plain_types
    optional_types
    lists_of_types
    unions
    flags
    records_of_types
    outcomes
    errors_with_types
    what_does_not_fit
}

#[test]
fn both_ways_of_writing_have_one_fingerprint() {
    let (idl, twin) = (idl::api::TypesClient::INTERFACE, twin::api::TypesClient::INTERFACE);
    assert_eq!(idl.fingerprint(), twin.fingerprint());
}

/// The trait leaves out the bounds of what is inside of lists, so its client sends what the server of the
/// `.idl` file must refuse.
#[test]
fn bounds_inside_of_others_are_enforced_on_both_sides() {
    use std::path::PathBuf;
    use std::time::Duration;

    let stage = stage("bounds inside");
    let _strict = stage.ready(&["types", "idl"]);
    let strict_client: idl::api::TypesClient = stage.connect(ECHO);
    let loose_client: twin::api::TypesClient = stage.connect(ECHO);
    let long = [PathBuf::from("nine char")];
    let slow = [Duration::from_secs(2)];
    let large = [vec![0; 5]];

    // Where it is made, before anything is sent.
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let failed = strict_client.lists(&long, &[], &[]).unwrap_err();
    assert_eq!(
        told(&failed),
        "`paths[]` is 9 bytes long; the interface allows at most 8; the handler did not run"
    );
    let failed = strict_client.lists(&[], &slow, &[]).unwrap_err();
    assert_eq!(
        told(&failed),
        "`ages[]` is 2s; the interface allows at most 1s; the handler did not run"
    );

    // Where it arrives, at the server.
    for failed in [
        loose_client.lists(&long, &[], &[]).unwrap_err(),
        loose_client.lists(&[], &slow, &[]).unwrap_err(),
        loose_client.lists(&[], &[], &large).unwrap_err(),
    ] {
        assert!(told(&failed).contains("the interface allows"), "{failed}");
    }
}
