//! Interfaces that inherit from others, between all pairs of ways to write them.

use alpc_rpc::{Client, ConnectError};
use alpc_tests::inheritance::{idl, twin};
use alpc_tests::roles::ECHO;
use alpc_tests::trial::api::TrialClient;

use crate::stage;

/// A test for each trip, which makes it with both clients through both servers.
macro_rules! trips {
    ($($trip:ident)*) => {$(
        #[test]
        fn $trip() {
            let stage = stage(stringify!($trip));
            for server in ["idl", "twin"] {
                let _server = stage.ready(&["inheritance", server]);
                idl::trips::$trip(&stage.connect(ECHO));
                twin::trips::$trip(&stage.connect(ECHO));
            }
        }
    )*};
}

trips! {
    methods_of_bases
    events_of_bases
    objects_as_their_bases
}

#[test]
fn a_port_serves_clients_of_bases() {
    let stage = stage("clients of bases");
    for server in ["idl", "twin"] {
        let port = || stage.ready(&["inheritance", server]);
        let first = port();
        let (one, two, three) = (stage.connect(ECHO), stage.connect(ECHO), stage.connect(ECHO));
        idl::trips::clients_of_bases(one, two, three);
        drop(first);
        let _second = port();
        let (one, two, three) = (stage.connect(ECHO), stage.connect(ECHO), stage.connect(ECHO));
        twin::trips::clients_of_bases(one, two, three);
        let error = stage.try_connect::<TrialClient>(ECHO).unwrap_err();
        assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
    }
}

#[test]
fn both_ways_of_writing_have_one_fingerprint() {
    let idl = [
        idl::api::DeviceClient::INTERFACE,
        idl::api::PhoneClient::INTERFACE,
        idl::api::SilentClient::INTERFACE,
        idl::api::RegistryClient::INTERFACE,
    ];
    let twins = [
        twin::api::DeviceClient::INTERFACE,
        twin::api::PhoneClient::INTERFACE,
        twin::api::SilentClient::INTERFACE,
        twin::api::RegistryClient::INTERFACE,
    ];
    for (idl, twin) in idl.iter().zip(twins) {
        assert_eq!(idl.fingerprint(), twin.fingerprint(), "{}", idl.name);
    }
    let [device, phone, silent, _] = idl;
    assert_ne!(device.fingerprint(), phone.fingerprint());
    // It declares nothing of its own.
    assert_eq!(phone.fingerprint(), silent.fingerprint());
}
