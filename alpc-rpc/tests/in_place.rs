//! Data that is made inside a section: sent without a copy, looked at where it is, given back.

use alpc_rpc::prelude::*;
use alpc_rpc::transport::{Directory, PortAttributes};
use alpc_rpc::{Reason, Way};

#[alpc_interface(name = "test.in_place.Frames")]
trait Frames {
    /// Looks at a frame where it is, and says how many of its bytes are `value`.
    fn count(&self, frame: View, value: u8) -> u64;
    /// Takes a frame as a slice, which must not change: a copy.
    fn sum(&self, frame: &[u8]) -> u64;
    /// Makes a frame in place.
    fn make(&self, cx: &Call<'_>, len: u64, value: u8) -> Result<Blob, NoRoom>;
}

/// Why there is no frame.
#[derive(Alpc, Debug, Clone, PartialEq)]
#[alpc(error)]
enum NoRoom {
    /// the frames that the caller holds leave no room
    Full,
    /// An error of a later version.
    Unrecognized {
        /// Its number.
        tag: u32,
        /// What it carries.
        payload: Vec<u8>,
    },
}

struct Camera;

impl Frames for Camera {
    fn count(&self, frame: View, value: u8) -> u64 {
        frame.chunks(1 << 16).flatten().filter(|&byte| byte == value).count() as u64
    }

    fn sum(&self, frame: &[u8]) -> u64 {
        frame.iter().map(|&byte| u64::from(byte)).sum()
    }

    fn make(&self, cx: &Call<'_>, len: u64, value: u8) -> Result<Blob, NoRoom> {
        let mut region = cx.region(len as usize).map_err(|_| NoRoom::Full)?;
        region.as_mut_slice().fill(value);
        Ok(Blob::from(region))
    }
}

struct Service {
    attributes: PortAttributes,
    name: String,
    folder: std::path::PathBuf,
    _server: Server,
}

impl Service {
    fn start(test: &str) -> Service {
        use std::os::unix::fs::DirBuilderExt;
        let folder = std::env::temp_dir().join(format!("alpc-{test}-{}", std::process::id()));
        // What a process of the same number has left behind, that was killed.
        let _left = std::fs::remove_dir_all(&folder);
        std::fs::DirBuilder::new().mode(0o700).create(&folder).unwrap();
        let directory = Directory::at(&folder).unwrap();
        let attributes = PortAttributes::new().directory(directory).max_section_total(64 << 20);
        let name = format!("test.{test}");
        let server = Server::bind(&name).unwrap().attributes(attributes.clone());
        let server = server.serve(FramesServer::new(Camera)).unwrap();
        Service { attributes, name, folder, _server: server }
    }

    fn connect(&self) -> FramesClient {
        FramesClient::connect_with(&self.name, &self.attributes).unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _left = std::fs::remove_dir_all(&self.folder);
    }
}

fn filled(client: &FramesClient, len: usize, value: u8) -> Blob {
    let mut region = client.region(len).unwrap();
    region.as_mut_slice().fill(value);
    Blob::from(region)
}

#[test]
fn a_frame_made_in_place_is_looked_at_without_a_copy_and_its_memory_used_again() {
    let service = Service::start("there");
    let client = service.connect();
    const LEN: usize = 30 << 20;
    for value in 1..=5 {
        // Two such frames would not fit: each time the memory of the last one is used again.
        let frame = filled(&client, LEN, value);
        let (counted, info) = client.observed(|client| client.count(&frame, value));
        assert_eq!(counted.unwrap(), LEN as u64);
        assert_eq!(info.bulk[0].way, Way::Section);
        assert_eq!(info.bulk[0].reason, Reason::BuiltInPlace);
        assert_eq!(client.sum(&frame).unwrap(), LEN as u64 * u64::from(value));
    }
}

#[test]
fn a_frame_of_the_servers_is_held_until_its_view_is_dropped() {
    let service = Service::start("back");
    let client = service.connect();
    const LEN: u64 = 30 << 20;
    let view = client.make(LEN, 7).unwrap();
    let mut bytes = [0; 5];
    assert_eq!(view.read_at(LEN as usize - 3, &mut bytes), 3);
    assert_eq!(bytes, [7, 7, 7, 0, 0]);
    assert!(view.frozen().is_none(), "the server could still change it");
    let second = client.make(LEN, 8).unwrap();
    assert_eq!(client.make(LEN, 9).split().unwrap().unwrap_err(), NoRoom::Full);
    drop(view);
    drop(second);
    let third = client.make(LEN, 9).unwrap();
    assert!(third.to_vec().iter().all(|&byte| byte == 9));
}

#[test]
fn a_frame_made_for_one_connection_reaches_another_as_a_copy() {
    let service = Service::start("other");
    let (one, other) = (service.connect(), service.connect());
    let frame = filled(&one, 1 << 20, 3);
    let (counted, info) = other.observed(|client| client.count(&frame, 3));
    assert_eq!(counted.unwrap(), 1 << 20);
    assert_ne!(info.bulk[0].reason, Reason::BuiltInPlace);
}
