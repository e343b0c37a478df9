//! Calls there and back: every type, in every direction, between all pairs of ways to write an interface.

use std::sync::Arc;
use std::time::Duration;

use alpc_rpc::transport::{Accelerator, CommunicationPort, DirectPolicy};
use alpc_rpc::{Client, Deadline, PortAttributes, TransportError};
use alpc_tests::everything::{idl, twin};
use alpc_tests::peer::Peer;
use alpc_tests::roles::{ECHO, TRIAL};
use alpc_tests::trial::api::TrialClient;

use crate::stage;

/// A test for each trip, which makes it with both clients through both servers.
macro_rules! trips {
    ($($trip:ident)*) => {
        $(
            #[test]
            fn $trip() {
                let stage = stage(stringify!($trip));
                for server in ["idl", "twin"] {
                    let _server = stage.ready(&["everything", server]);
                    idl::trips::$trip(&stage.connect(ECHO));
                }
                for server in ["idl", "twin"] {
                    let _server = stage.ready(&["everything", server]);
                    twin::trips::$trip(&stage.connect(ECHO));
                }
            }
        )*

        /// Makes all trips with one client.
        fn all_trips(client: &idl::api::EverythingClient) {
            $(idl::trips::$trip(client);)*
        }
    };
}

trips! {
    scalars
    texts_and_bytes
    collections
    named_types
    long_lists
    buffers
    buffers_of_failed_calls
    views
    oneway
    batched
    errors
    many_bulk_arguments
    empty_everything
    defaults
}

#[test]
fn both_ways_of_writing_have_one_fingerprint() {
    let (idl, twin) =
        (idl::api::EverythingClient::INTERFACE, twin::api::EverythingClient::INTERFACE);
    assert_eq!(idl.fingerprint(), twin.fingerprint());
    assert_eq!((idl.name, idl.id, idl.endpoint), (twin.name, twin.id, twin.endpoint));
    assert_eq!((idl.major, idl.minor), (twin.major, twin.minor));
}

/// Makes all trips through one connection with other attributes than usual.
fn all_trips_with(test: &str, change: impl Fn(PortAttributes) -> PortAttributes) {
    let stage = stage(test);
    let _server = stage.ready(&["everything", "twin"]);
    let attributes = change(stage.attributes());
    all_trips(&idl::api::EverythingClient::connect_with(ECHO, &attributes).unwrap());
}

#[test]
fn everything_works_without_shared_memory() {
    all_trips_with("without shared memory", |attributes| attributes.accelerator(Accelerator::Off));
}

#[test]
fn everything_works_without_direct_access() {
    all_trips_with("without direct access", |attributes| attributes.direct(DirectPolicy::Never));
}

#[test]
fn everything_works_in_the_smallest_rings() {
    all_trips_with("smallest rings", |attributes| {
        attributes.max_message_len(4096).outbox_len(16 << 10).chunk_window(64 << 10)
    });
}

#[test]
fn connect_default_goes_where_the_interface_says() {
    let stage = stage("connect_default");
    // The folder of names comes from the environment there, which only a process of its own can have.
    let _server = stage.ready(&["trial"]);
    let mut caller = stage.peer(&["default caller"]);
    caller.expect("5");
}

/// An older client does not send the last arguments. It speaks through the port itself, because a client
/// of this version sends them all.
#[test]
fn arguments_that_are_left_out_have_their_defaults() {
    let stage = stage("defaults of arguments");
    for server in ["idl", "twin"] {
        let _server = stage.ready(&["everything", server]);
        let client: idl::api::EverythingClient = stage.connect(ECHO);
        let answer = |body: &[u8]| {
            let reply = call(client.port(), method::<idl::api::EverythingClient>("defaults"), body);
            assert_eq!(reply.0, 0, "{}", String::from_utf8_lossy(&reply.1));
            reply.1
        };
        let one_and_a_half = 1.5_f64.to_le_bytes();
        let expected = |a: u8, b: u8| [&[a, b][..], &one_and_a_half, &[2, 0]].concat();
        assert_eq!(answer(&[]), expected(7, 1), "{server}");
        assert_eq!(answer(&[3]), expected(3, 1), "{server}");
        assert_eq!(answer(&[3, 0]), expected(3, 0), "{server}");
        // What a newer client sends besides is ignored.
        let newer = [&expected(4, 0)[..], b"more"].concat();
        assert_eq!(answer(&newer), expected(4, 0), "{server}");
    }
}

/// A newer peer's record has fields that this version does not know, an older one's lacks some.
#[test]
fn open_records_of_other_versions_are_understood() {
    let stage = stage("records of other versions");
    for server in ["idl", "twin"] {
        let _server = stage.ready(&["everything", server]);
        let client: idl::api::EverythingClient = stage.connect(ECHO);
        let answer = |records: &[&[u8]]| {
            let count = [records.len() as u8];
            let body = [&count[..], &records.concat()].concat();
            let entries = method::<idl::api::EverythingClient>("entries");
            let reply = call(client.port(), entries, &body);
            assert_eq!(reply.0, 0, "{}", String::from_utf8_lossy(&reply.1));
            reply.1
        };
        // key "k", value [9]; then the fields' defaults: no tags, red, weight 0, not modified.
        let whole = [&[8_u8, 1][..], b"k", &[1, 9, 0, 1, 0, 0]].concat();
        let old = [&[4_u8, 1][..], b"k", &[1, 9]].concat();
        let new = [&[12_u8, 1][..], b"k", &[1, 9, 0, 1, 0, 0], b"more"].concat();
        let expected = [&[3][..], &whole, &whole, &whole].concat();
        assert_eq!(answer(&[&whole, &old, &new]), expected, "{server}");
    }
}

/// The number of a method on the wire.
pub(crate) fn method<C: Client>(name: &str) -> u64 {
    let found = C::INTERFACE.methods.iter().find(|method| method.name == name);
    found.unwrap_or_else(|| panic!("the interface has no `{name}`")).ordinal
}

/// A call that is put together by hand: status and body of the answer.
pub(crate) fn call(port: &CommunicationPort, method: u64, body: &[u8]) -> (u16, Vec<u8>) {
    let deadline = Deadline::after(Duration::from_secs(60));
    let (parts, handles) = (&mut [] as &mut [_], &[] as &[_]);
    let request = alpc_rpc::transport::Request { method, tag: 0, body, parts, deadline, handles };
    let response = port.call(request).expect("the server answers, whatever it says");
    (response.status, response.body().to_vec())
}

/// Has a call end by its deadline while its handler waits under a name of this beginning; gives the
/// whole name, and what the caller was told. On a busy machine the deadline may pass before the handler begins, and then it never
/// does: so `call` is made again, with another name and more patience.
fn outlasted(
    server: &mut Peer,
    name: &str,
    mut call: impl FnMut(&str, Duration) -> TransportError,
) -> (String, TransportError) {
    for doubled in 0_u32.. {
        let name = format!("{name}-{doubled}");
        let error = call(&name, Duration::from_millis(50 << doubled.min(10)));
        assert!(matches!(error, TransportError::TimedOut { .. }), "{error:?}");
        match server.ask(format!("waits {name}")).as_str() {
            "no" => {}
            line => {
                assert_eq!(line, format!("waiting {name}"));
                server.expect("yes");
                assert!(error.may_have_run(), "{error:?}");
                return (name, error);
            }
        }
    }
    unreachable!("the stage's watchdog is less patient")
}

#[test]
fn a_handler_slower_than_the_deadline_is_not_waited_for() {
    let stage = stage("deadlines");
    let mut server = stage.ready(&["trial"]);
    let client: TrialClient = stage.connect(TRIAL);
    let (slow, error) = outlasted(&mut server, "slow", |name, patience| {
        let before = std::time::Instant::now();
        let error = client.with_timeout(patience).wait(name).unwrap_err().into_transport();
        assert!(before.elapsed() >= patience);
        error
    });
    expect_test::expect!["the server did not answer before the deadline; the call may have run"]
        .assert_eq(&error.to_string());
    // The deadline that the interface gives the method.
    let (as_well, _) = outlasted(&mut server, "slow as well", |name, _| {
        client.wait_shortly(name).unwrap_err().into_transport()
    });
    // The connection goes on, while the handlers wait and after.
    assert_eq!(client.add(1, 2).unwrap(), 3);
    client.release(&slow).unwrap();
    client.release(&as_well).unwrap();
    assert_eq!(client.add(3, 4).unwrap(), 7);
    // A client that is told to be patient is, whatever the interface says.
    let waiter = client.without_deadline();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || waiter.wait_shortly("patience"));
        server.expect("waiting patience");
        client.release("patience").unwrap();
        waiting.join().unwrap().unwrap();
    });
}

/// A borrowed buffer that was given back to its owner is its owner's: no server writes there any more.
#[test]
fn a_buffer_is_not_written_to_after_its_call() {
    let stage = stage("late writes");
    let mut server = stage.ready(&["trial", "workers=2"]);
    let client: TrialClient = stage.connect(TRIAL);
    for len in [100, 50_000, 3_000_000, 20_000_000] {
        let mut buffer = vec![0xAA; len];
        let (name, _) = outlasted(&mut server, &format!("late-{len}"), |name, patience| {
            let hasty = client.with_timeout(patience);
            hasty.fill_late(name, 0xBB, &mut buffer).unwrap_err().into_transport()
        });
        buffer.fill(0x11);
        assert_eq!(server.ask(format!("release {name}")), "released");
        // When both workers are at these two, none is at the late call any more.
        std::thread::scope(|scope| {
            let meeting = scope.spawn(|| client.meet(2, 1));
            assert_eq!(client.meet(2, 2).unwrap(), 2);
            assert_eq!(meeting.join().unwrap().unwrap(), 1);
        });
        let mut other = vec![0; len];
        assert_eq!(client.fill(0xCC, &mut other).unwrap(), len);
        assert!(other.iter().all(|&byte| byte == 0xCC), "{len}");
        assert!(buffer.iter().all(|&byte| byte == 0x11), "{len}");
    }
}

#[test]
fn a_deadline_is_kept_when_a_buffer_is_lent_and_all_workers_are_busy() {
    let stage = stage("deadlines of lent buffers");
    let mut server = stage.ready(&["trial", "workers=1"]);
    let client: TrialClient = stage.connect(TRIAL);
    for len in [100, 50_000, 3_000_000, 20_000_000] {
        let (name, _) = outlasted(&mut server, &format!("late-{len}"), |name, patience| {
            let hasty = client.with_timeout(patience);
            hasty.fill_late(name, 0xBB, &mut vec![0; len]).unwrap_err().into_transport()
        });
        assert_eq!(server.ask(format!("release {name}")), "released");
    }
}

#[test]
fn each_side_knows_the_others_process() {
    let stage = stage("identities");
    let server = stage.ready(&["trial"]);
    let client: TrialClient = stage.connect(TRIAL);
    let user = rustix::process::geteuid().as_raw();
    assert_eq!(client.caller().unwrap(), (std::process::id(), user));
    assert_eq!((client.peer().pid(), client.peer().uid()), (Some(server.id()), user));
}

#[test]
fn work_whose_deadline_has_passed_is_not_started() {
    let stage = stage("expired work");
    let mut server = stage.ready(&["trial", "workers=1"]);
    let client: TrialClient = stage.connect(TRIAL);
    std::thread::scope(|scope| {
        let waiter = client.clone();
        let waiting = scope.spawn(move || waiter.wait("the only worker"));
        server.expect("waiting the only worker");
        // These are queued behind it, and given up before it ends.
        for _ in 0..5 {
            let error = client.with_timeout(Duration::from_millis(20)).add(1, 1).unwrap_err();
            assert!(matches!(error.transport(), Some(TransportError::TimedOut { .. })), "{error}");
        }
        assert_eq!(server.ask("release the only worker"), "released");
        waiting.join().unwrap().unwrap();
    });
    // It is queued behind them, so they have been dealt with: one handler began, that which waited.
    assert_eq!(client.begun().unwrap(), 1);
}

#[test]
fn calls_of_many_threads_run_at_once_and_find_their_callers() {
    let stage = stage("many threads");
    let threads = 16;
    let _server = stage.ready(&["trial", &format!("workers={threads}")]);
    let client: Arc<TrialClient> = Arc::new(stage.connect(TRIAL));
    std::thread::scope(|scope| {
        for number in 0..threads {
            let client = client.clone();
            scope.spawn(move || {
                // None of the handlers returns before all of them run.
                for round in 0..20 {
                    let brought = number * 1000 + round;
                    assert_eq!(client.meet(threads as u32, brought).unwrap(), brought);
                }
            });
        }
    });
}

#[test]
fn replies_come_in_any_order() {
    let stage = stage("order of replies");
    let _server = stage.ready(&["trial", "workers=12"]);
    let client: TrialClient = stage.connect(TRIAL);
    std::thread::scope(|scope| {
        // The call that is made first is answered last.
        for number in 1..=12 {
            let client = client.clone();
            scope.spawn(move || assert_eq!(client.countdown(number, 12).unwrap(), number));
        }
    });
}

#[test]
fn more_calls_than_may_be_outstanding_wait_their_turn() {
    let stage = stage("outstanding calls");
    let _server = stage.ready(&["trial", "outstanding=4", "workers=8"]);
    let client: TrialClient = stage.connect(TRIAL);
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let client = client.clone();
            scope.spawn(move || {
                for number in 0..200 {
                    assert_eq!(client.add(thread, number).unwrap(), i64::from(thread + number));
                }
            });
        }
    });
}

#[test]
fn a_call_can_tell_how_its_arguments_travelled() {
    use alpc_rpc::Way::{Copy, Direct, Section};
    let stage = stage("ways");
    let _server = stage.ready(&["everything", "idl"]);
    let client: idl::api::EverythingClient = stage.connect(ECHO);
    for (len, way) in [(100, Copy), (10_000, Copy), (100_000, Section), (65 << 20, Direct)] {
        let data = idl::trips::noise(len, 1);
        let (looked, info) = client.observed(|client| client.look(&data));
        assert_eq!(looked.unwrap().0, len as u64);
        let travelled: Vec<_> = info.bulk.iter().map(|bulk| (bulk.len, bulk.way)).collect();
        assert_eq!(travelled, [(len as u64, way)]);
    }
}
