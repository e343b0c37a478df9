//! Servers that are awaited in a tokio runtime, and blocking clients of theirs.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use alpc_rpc::prelude::*;
use alpc_rpc::transport::{Directory, PortAttributes};
use alpc_rpc::{Canceller, Server};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

#[alpc_interface(name = "test.tokio.Desk", version = "1.0")]
trait Desk {
    /// Waits by the runtime's own clock.
    async fn double(&self, number: u32) -> u32;
    #[cancellable]
    async fn wait(&self);
    /// A function among the futures.
    fn add(&self, a: u32, b: u32) -> u32;
    async fn reverse(&self, #[max(1048576)] bytes: &[u8]) -> Vec<u8>;
}

#[derive(Debug, PartialEq)]
enum Said {
    Begun,
    Dropped,
}

struct Clerk(UnboundedSender<Said>);

struct OnDrop<'c>(&'c Clerk);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        let _nobody_asks = self.0.0.send(Said::Dropped);
    }
}

impl Desk for Clerk {
    async fn double(&self, number: u32) -> u32 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        2 * number
    }

    async fn wait(&self) {
        let _says = OnDrop(self);
        self.0.send(Said::Begun).unwrap();
        std::future::pending().await
    }

    fn add(&self, a: u32, b: u32) -> u32 {
        a + b
    }

    async fn reverse(&self, bytes: &[u8]) -> Vec<u8> {
        // On another thread of the runtime's, which only a runtime has.
        let mut bytes = bytes.to_vec();
        tokio::task::spawn_blocking(move || {
            bytes.reverse();
            bytes
        })
        .await
        .unwrap()
    }
}

struct Stage {
    server: Server,
    attributes: PortAttributes,
    folder: PathBuf,
    said: UnboundedReceiver<Said>,
}

impl Stage {
    fn new() -> Stage {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("alpc-tk-{}-{count}", std::process::id()));
        let _left = std::fs::remove_dir_all(&folder);
        let attributes = PortAttributes::new().directory(Directory::at(&folder).unwrap());
        let (say, said) = unbounded_channel();
        let server = Server::bind("desk").unwrap().attributes(attributes.clone()).workers(0);
        let server = server.serve(DeskServer::new(Clerk(say))).unwrap();
        Stage { server, attributes, folder, said }
    }

    /// Has `tasks` tasks serve while blocking clients call, each on a thread.
    fn play(mut self, runtime: &Runtime, tasks: usize) {
        let attributes = self.attributes.clone();
        let connect =
            move || DeskClient::connect_with("desk", &attributes.clone()).expect("a server");
        runtime.block_on(async {
            let serving: Vec<_> = (0..tasks).map(|_| tokio::spawn(self.server.serve())).collect();
            let clients: Vec<_> = (0..4)
                .map(|_| {
                    let connect = connect.clone();
                    tokio::task::spawn_blocking(move || {
                        let client = connect();
                        (0..20).for_each(|n| assert_eq!(client.double(n).unwrap(), 2 * n));
                        assert_eq!(client.add(1, 2).unwrap(), 3);
                        let bytes: Vec<u8> = (0..1 << 20).map(|i: u32| (i % 251) as u8).collect();
                        let back: Vec<u8> = bytes.iter().rev().copied().collect();
                        assert_eq!(client.reverse(&bytes).unwrap(), back);
                    })
                })
                .collect();
            for client in clients {
                client.await.unwrap();
            }

            let canceller = Canceller::new();
            let token = canceller.token();
            let connect = connect.clone();
            let waits = tokio::task::spawn_blocking(move || connect().with_cancel(&token).wait());
            assert_eq!(self.said.recv().await, Some(Said::Begun));
            canceller.cancel();
            assert!(waits.await.unwrap().is_err());
            assert_eq!(self.said.recv().await, Some(Said::Dropped));

            self.server.stopper().stop();
            for serving in serving {
                serving.await.unwrap().unwrap();
            }
        });
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_runtime_of_one_thread_serves() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    Stage::new().play(&runtime, 1);
}

#[test]
fn tasks_of_several_threads_serve_one_server() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    Stage::new().play(&runtime, 3);
}
