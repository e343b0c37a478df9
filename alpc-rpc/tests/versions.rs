//! A client and a server that were built from different versions of an interface.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use alpc_rpc::prelude::*;
use alpc_rpc::transport::Directory;
use alpc_rpc::{ConnectError, PortAttributes};

mod old {
    use alpc_rpc::prelude::*;

    /// A store of texts.
    #[alpc_interface(name = "test.Texts", version = "1.0")]
    pub(crate) trait Texts {
        /// The text of a key.
        fn get(&self, key: u32) -> String;
        /// A number.
        fn count(&self, from: u32, to: u32) -> u32;
        /// Is gone later.
        fn clear(&self);
        /// Without an answer.
        #[oneway]
        fn note(&self, text: u32);
    }
}

mod new {
    use alpc_rpc::prelude::*;

    /// A store of texts.
    #[alpc_interface(name = "test.Texts", version = "1.1")]
    pub(crate) trait Texts {
        /// The text of a key, which is called otherwise here.
        fn get(&self, number: u32, lines: Option<u32>) -> String;
        /// A number, the other way round.
        fn count(&self, to: u32, from: u32) -> u32;
        /// Came later.
        fn size(&self) -> u64;
        /// Without an answer.
        #[oneway]
        fn note(&self, text: &str);
    }
}

mod far {
    use alpc_rpc::prelude::*;

    /// A store of texts.
    #[alpc_interface(name = "test.Texts", version = "2.0")]
    pub(crate) trait Texts {
        /// The text of a key.
        fn get(&self, key: u32) -> String;
    }
}

struct Store;

impl old::Texts for Store {
    fn get(&self, key: u32) -> String {
        format!("old {key}")
    }
    fn count(&self, from: u32, to: u32) -> u32 {
        to - from
    }
    fn clear(&self) {}
    fn note(&self, _: u32) {}
}

impl new::Texts for Store {
    fn get(&self, number: u32, lines: Option<u32>) -> String {
        format!("new {number} {lines:?}")
    }
    fn count(&self, to: u32, from: u32) -> u32 {
        to - from
    }
    fn size(&self) -> u64 {
        1
    }
    fn note(&self, _: &str) {}
}

/// A server and where it is. Goes with the test.
struct Stage {
    _server: Server,
    attributes: PortAttributes,
    folder: PathBuf,
}

impl Stage {
    fn new(interface: impl alpc_rpc::Dispatch) -> Stage {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("alpc-ve-{}-{count}", std::process::id()));
        let _left = std::fs::remove_dir_all(&folder);
        let attributes = PortAttributes::new().directory(Directory::at(&folder).unwrap());
        let server = Server::bind("texts").unwrap().attributes(attributes.clone());
        let _server = server.serve(interface).unwrap();
        Stage { _server, attributes, folder }
    }

    fn connect<C: Client>(&self) -> Result<C, ConnectError> {
        C::connect_with("texts", &self.attributes)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

#[track_caller]
fn told<T: std::fmt::Debug>(result: Result<T, CallError>) -> String {
    let error = result.unwrap_err();
    assert!(!error.may_have_run());
    error.to_string()
}

#[test]
fn an_old_client_calls_what_it_can_at_a_new_server() {
    let stage = Stage::new(new::TextsServer::new(Store));
    // The second finds the verdict of the first.
    for _ in 0..2 {
        let client: old::TextsClient = stage.connect().unwrap();
        assert_eq!(client.get(7).unwrap(), "new 7 None");
        assert_eq!(
            told(client.clear()),
            "the server does not have the method `clear`; the handler did not run"
        );
        assert_eq!(
            told(client.count(1, 2)),
            "the server's method `count` is another one: `test.Texts.count.to` the parameter stands \
             in another place; the handler did not run"
        );
        let refused = client.note(1).unwrap_err();
        assert!(matches!(refused.transport(), Some(TransportError::Incompatible { .. })));
    }
}

#[test]
fn a_new_client_calls_what_it_can_at_an_old_server() {
    let stage = Stage::new(old::TextsServer::new(Store));
    let client: new::TextsClient = stage.connect().unwrap();
    assert_eq!(client.get(7, Some(3)).unwrap(), "old 7");
    assert!(told(client.size()).contains("does not have the method `size`"));
    assert!(told(client.count(1, 2)).contains("is another one"));
    assert_eq!(client.get(8, None).unwrap(), "old 8");
}

#[test]
fn another_major_version_is_refused_with_both() {
    let stage = Stage::new(new::TextsServer::new(Store));
    let Err(ConnectError::Incompatible { ours, theirs }) = stage.connect::<far::TextsClient>()
    else {
        panic!("it was not refused");
    };
    assert!(ours.contains("`test.Texts` 2.0") && theirs.contains("`test.Texts` 1.1"));
}
