//! Changes after which the two do not talk at all.

use alpc_rpc::prelude::*;
use alpc_rpc::{Client, ConnectError, Dispatch};

use crate::built;
use crate::meeting::Port;

struct Handlers;

macro_rules! handlers {
    ($($row:ident $side:ident $interface:ident)*) => {$(
        impl built::$row::$side::$interface for Handlers {
            shows! { f(x: u32) }
        }
    )*};
}

handlers! {
    major_changed old Row
    major_changed new Row
    uuid_changed old Row
    uuid_changed new Row
    interface_renamed_without_uuid old Row
    interface_renamed_without_uuid new Line
}

/// A client of the one is refused by a server of the other, and told of both.
#[track_caller]
fn check<C: Client>(server: impl Dispatch) {
    let theirs = server.interface();
    let Err(error) = Port::serve(server).connect::<C>() else { panic!("it was not refused") };
    let ConnectError::Incompatible { ours: client, theirs: server } = error else {
        panic!("{error}");
    };
    let ours = C::INTERFACE;
    assert!(client.contains(&format!("`{}` {}.{}", ours.name, ours.major, ours.minor)));
    assert!(server.contains(&format!("`{}` {}.{}", theirs.name, theirs.major, theirs.minor)));
}

#[test]
fn major_changed() {
    use built::major_changed::{new, old};
    check::<old::RowClient>(new::RowServer::new(Handlers));
    check::<new::RowClient>(old::RowServer::new(Handlers));
}

#[test]
fn uuid_changed() {
    use built::uuid_changed::{new, old};
    check::<old::RowClient>(new::RowServer::new(Handlers));
    check::<new::RowClient>(old::RowServer::new(Handlers));
}

#[test]
fn interface_renamed_without_uuid() {
    use built::interface_renamed_without_uuid::{new, old};
    check::<old::RowClient>(new::LineServer::new(Handlers));
    check::<new::LineClient>(old::RowServer::new(Handlers));
}
