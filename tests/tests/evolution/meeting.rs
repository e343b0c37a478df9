//! Where two builds of an interface meet.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use alpc_rpc::prelude::*;
use alpc_rpc::transport::Directory;
use alpc_rpc::{ConnectError, Dispatch, PortAttributes};

/// A server and where it is. Goes with the test.
pub(crate) struct Port {
    _server: Server,
    attributes: PortAttributes,
    folder: PathBuf,
}

impl Port {
    pub(crate) fn serve(interface: impl Dispatch) -> Port {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("alpc-ev-{}-{count}", std::process::id()));
        // What a process of the same number has left behind, that was killed.
        let _left = std::fs::remove_dir_all(&folder);
        let attributes = PortAttributes::new().directory(Directory::at(&folder).unwrap());
        let server = Server::bind("row").unwrap().attributes(attributes.clone()).workers(1);
        Port { _server: server.serve(interface).unwrap(), attributes, folder }
    }

    pub(crate) fn connect<C: Client>(&self) -> Result<C, ConnectError> {
        C::connect_with("row", &self.attributes)
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

/// What became of a call, in a word or two.
pub(crate) fn outcome<T: Debug, E: Debug>(result: Result<T, CallError<E>>) -> String {
    match result {
        Ok(value) => format!("{value:?}").replace('"', ""),
        Err(CallError::App(error)) => format!("error {error:?}"),
        Err(CallError::Transport(error)) => described(&error),
    }
}

/// What went wrong with a call, in a word or two.
pub(crate) fn described(error: &TransportError) -> String {
    let kind = match error {
        TransportError::Unimplemented { .. } => "unimplemented",
        TransportError::Incompatible { .. } => "incompatible",
        TransportError::BoundExceeded { .. } => "bound exceeded",
        TransportError::Disconnected { .. } => return "disconnected".to_owned(),
        _ => return error.to_string(),
    };
    match error.may_have_run() {
        true => format!("{kind} in the answer"),
        false => kind.to_owned(),
    }
}

/// Handlers that answer with what they were given.
macro_rules! shows {
    ($($f:ident($($x:ident: $ty:ty),*))*) => {
        $(fn $f(&self, _: &Call<'_>, $($x: $ty),*) -> String {
            [$(format!("{:?}", $x)),*].join(" ")
        })*
    };
}

/// One way to change an interface: the handlers of both sides, and what the calls of both sides come
/// to at the other.
macro_rules! row {
    ($row:ident
        old { $($old:tt)* }
        new { $($new:tt)* }
        old_client($o:ident) { $($old_call:expr => $old_want:expr),* $(,)? }
        new_client($n:ident) { $($new_call:expr => $new_want:expr),* $(,)? }
    ) => {
        row! { $row [Row RowServer RowClient] [Row RowServer RowClient]
            old { $($old)* }
            new { $($new)* }
            old_client($o) { $($old_call => $old_want),* }
            new_client($n) { $($new_call => $new_want),* }
        }
    };
    ($row:ident
        [$old_trait:ident $old_server:ident $old_client:ident]
        [$new_trait:ident $new_server:ident $new_client:ident]
        old { $($old:tt)* }
        new { $($new:tt)* }
        old_client($o:ident) { $($old_call:expr => $old_want:expr),* $(,)? }
        new_client($n:ident) { $($new_call:expr => $new_want:expr),* $(,)? }
    ) => {
        mod $row {
            mod old {
                #[allow(unused_imports, reason = "not every row names each of them")]
                use crate::{built::$row::old::*, meeting::{Port, outcome}};
                use alpc_rpc::prelude::*;

                pub(super) struct Handlers;
                impl $old_trait for Handlers { $($old)* }

                pub(super) fn serve() -> Port {
                    Port::serve($old_server::new(Handlers))
                }
                pub(super) fn calls_at(port: &Port) {
                    let $o: $old_client = port.connect().unwrap();
                    $(assert_eq!(outcome($old_call), $old_want, "{}", stringify!($old_call));)*
                }
            }

            mod new {
                #[allow(unused_imports, reason = "not every row names each of them")]
                use crate::{built::$row::new::*, meeting::{Port, outcome}};
                use alpc_rpc::prelude::*;

                pub(super) struct Handlers;
                impl $new_trait for Handlers { $($new)* }

                pub(super) fn serve() -> Port {
                    Port::serve($new_server::new(Handlers))
                }
                pub(super) fn calls_at(port: &Port) {
                    let $n: $new_client = port.connect().unwrap();
                    $(assert_eq!(outcome($new_call), $new_want, "{}", stringify!($new_call));)*
                }
            }

            #[test]
            fn old_client_at_new_server() {
                old::calls_at(&new::serve());
            }

            #[test]
            fn new_client_at_old_server() {
                new::calls_at(&old::serve());
            }
        }
    };
}
