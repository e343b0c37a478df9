//! The first thing that a server hears of a stranger: the frames of a handshake.

use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use alpc_rpc::transport::{ConnectionEvent, ConnectionPort, Directory, PortAttributes, PortName};

/// A folder for one port, which goes with it.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        let folder = std::env::temp_dir().join(format!("alpc-fuzz-{}", std::process::id()));
        let _left = std::fs::remove_dir_all(&folder);
        Place(folder)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _left = std::fs::remove_dir_all(&self.0);
    }
}

/// The bytes of a client that has just connected to a port. One process runs one of these at a time.
///
/// # Panics
///
/// When the port fails, and not the client.
pub fn handshake(data: &[u8]) {
    let place = Place::new();
    let directory = Directory::at(&place.0).expect("an absolute path");
    let name = PortName::new("fuzz").expect("a name");
    let attributes = PortAttributes::new().directory(directory);
    let port = ConnectionPort::create(&name, &attributes).expect("a port");
    let mut client = UnixStream::connect(place.0.join("fuzz/sock")).expect("it listens");
    // In two pieces, as a socket may deliver them; a port that has heard enough does not read on.
    let (head, rest) = data.split_at(data.len() / 3);
    for piece in [head, rest] {
        let _unread = client.write_all(piece);
        advance(&port);
    }
    let _gone = client.shutdown(Shutdown::Write);
    advance(&port);
}

fn advance(port: &ConnectionPort) {
    while let Some(event) = port.try_next().expect("a client cannot break a port") {
        if let ConnectionEvent::Request(request) = event {
            // Its client may have gone.
            let _gone = request.accept(b"welcome");
        }
    }
}
