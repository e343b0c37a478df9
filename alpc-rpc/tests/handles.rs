//! Handles as arguments and results, checked where they arrive.

mod hub;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;

use alpc_rpc::TransportError;

use hub::desk::Place;

#[track_caller]
fn refused(result: Result<Vec<u8>, alpc_rpc::CallError>, says: &str) {
    match result.unwrap_err().into_transport() {
        TransportError::Malformed { what, may_have_run: false } => {
            assert!(what.contains("`file`") && what.contains(says), "{what}");
        }
        error => panic!("{error}"),
    }
}

#[test]
fn a_file_is_read_by_who_was_given_it_and_stays_the_givers() {
    let place = Place::new();
    let hub = place.connect();
    let path = place.folder.join("file");
    std::fs::write(&path, "its contents").unwrap();
    let file = File::open(&path).unwrap();
    assert_eq!(hub.read(&file).unwrap(), b"its contents");
    // Both have one place in it, as duplicates do.
    assert_eq!(hub.read(file.as_fd()).unwrap(), b"");

    let mut lent = String::new();
    File::from(hub.lend(path.to_str().unwrap()).unwrap()).read_to_string(&mut lent).unwrap();
    assert_eq!(lent, "its contents");
}

#[test]
fn a_handle_of_another_kind_or_without_the_rights_is_refused() {
    let place = Place::new();
    let hub = place.connect();
    let (pipe, _write) = std::io::pipe().unwrap();
    refused(hub.read(&pipe), "pipe");
    let (socket, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    refused(hub.read(&socket), "socket");
    let path = place.folder.join("file");
    let mut only_written = File::create(&path).unwrap();
    only_written.write_all(b"x").unwrap();
    refused(hub.read(&only_written), "read");
    // The connection is none the worse.
    assert_eq!(hub.read(File::open(&path).unwrap()).unwrap(), b"x");
}

#[test]
fn no_descriptor_is_left_behind() {
    let place = Place::new();
    let hub = place.connect();
    let path = place.folder.join("file");
    std::fs::write(&path, "x").unwrap();
    let open = || {
        // What other tests of this program have open is not of this file.
        let descriptors = std::fs::read_dir("/proc/self/fd").unwrap();
        let to = descriptors.filter_map(|it| std::fs::read_link(it.unwrap().path()).ok());
        to.filter(|to| *to == path).count()
    };
    for _ in 0..100 {
        hub.read(File::open(&path).unwrap()).unwrap();
        drop(hub.lend(path.to_str().unwrap()).unwrap());
        refused(hub.read(File::options().append(true).open(&path).unwrap()), "read");
    }
    assert_eq!(open(), 0);
}
