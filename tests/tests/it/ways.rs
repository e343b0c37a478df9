//! `[via(..)]`: bulk data takes the way that the interface wishes for, where that can be had.

use alpc_rpc::transport::{Accelerator, DirectPolicy};
use alpc_rpc::{CallInfo, Client, PortAttributes, Reason, Way};
use alpc_tests::roles::ECHO;
use alpc_tests::stage::Stage;
use alpc_tests::strict::via::WaysClient;

use crate::stage;

fn ways(info: &CallInfo) -> Vec<(u64, Way, bool)> {
    let seen = info.bulk.iter();
    seen.map(|bulk| (bulk.len, bulk.way, bulk.reason == Reason::Wished)).collect()
}

fn connect(stage: &Stage, change: fn(PortAttributes) -> PortAttributes) -> WaysClient {
    let client = WaysClient::connect_with(ECHO, &change(stage.attributes()));
    client.unwrap_or_else(|error| panic!("{error}"))
}

/// Arguments: a long one copied, two short ones by section and directly, and one by its size.
fn send(client: &WaysClient, long: usize) -> (u64, Vec<(u64, Way, bool)>) {
    let (long, short) = (vec![1; long], [2; 16]);
    let (seen, info) =
        client.observed(|client| client.send(&long, &short[..], &short[..], &short[..]));
    (seen.unwrap(), ways(&info))
}

#[test]
fn arguments_go_the_way_that_is_wished_for() {
    let stage = stage("ways: arguments");
    let _server = stage.ready(&["marks", "ways"]);
    let client = connect(&stage, |attributes| attributes.copy_limit(4096));
    // Longer than what is copied otherwise; it fits the message all the same.
    let (seen, travelled) = send(&client, 5000);
    assert_eq!(
        travelled,
        [
            (16, Way::Copy, false),
            (5000, Way::Copy, true),
            (16, Way::Section, true),
            (16, Way::Direct, true),
        ]
    );
    assert_eq!(seen, 123, "as the server sees them");
    // What cannot be copied is not.
    let (seen, travelled) = send(&client, 1 << 20);
    assert_eq!(travelled[1], (1 << 20, Way::Section, false));
    assert_eq!(seen, 223);

    client.tell(&b"nobody"[..]).unwrap();
}

#[test]
fn results_go_the_way_that_is_wished_for() {
    let stage = stage("ways: results");
    let _server = stage.ready(&["marks", "ways"]);
    let client = connect(&stage, |attributes| attributes);

    let (text, info) = client.observed(|client| client.text("abc"));
    assert_eq!(text.unwrap(), "cba");
    let sections = ways(&info).into_iter().map(|(len, way, _)| (len, way));
    assert_eq!(sections.collect::<Vec<_>>(), [(3, Way::Section); 2]);

    let (answer, info) = client.observed(|client| client.numbers(&[1.0, 2.0]));
    let (sum, squares, all) = answer.unwrap();
    assert_eq!((sum, squares.as_slice(), all.len()), (3.0, [1.0, 4.0].as_slice(), 8));
    let taken: Vec<_> = info.bulk.iter().map(|bulk| bulk.way).collect();
    assert_eq!(taken, [Way::Direct, Way::Section]);

    let (mut near, mut far, mut both) = ([0; 100], [0; 100], [1, 2, 3]);
    let (answer, info) = client.observed(|client| client.fill(&mut near, &mut far, &mut both));
    assert_eq!(answer.unwrap(), (4, 3, 3, 7));
    assert_eq!((&near[..4], &far[..3], both), (&b"near"[..], &b"far"[..], [3, 2, 1]));
    assert_eq!(
        ways(&info),
        [
            (6, Way::Copy, true),
            (4, Way::Direct, true),
            (3, Way::Section, true),
            (6, Way::Copy, true),
        ]
    );
}

#[test]
fn what_cannot_be_had_is_done_without() {
    let stage = stage("ways: done without");
    let _server = stage.ready(&["marks", "ways"]);
    let client = connect(&stage, |attributes| attributes.direct(DirectPolicy::Never));
    let (seen, travelled) = send(&client, 100);
    assert_eq!(travelled[3], (16, Way::Copy, false));
    assert_eq!(seen, 21);
    let mut near = [0; 4];
    assert_eq!(client.fill(&mut near, &mut [0; 4], &mut []).unwrap(), (4, 3, 0, 7));
    assert_eq!(&near, b"near");

    let client = connect(&stage, |attributes| attributes.accelerator(Accelerator::Off));
    let (_, travelled) = send(&client, 100);
    assert_eq!(travelled[2], (16, Way::Section, true), "the socket carries what a section would");
    let mut near = [0; 4];
    assert_eq!(client.fill(&mut near, &mut [0; 4], &mut []).unwrap(), (4, 3, 0, 7));
    assert_eq!(&near, b"near");
}
