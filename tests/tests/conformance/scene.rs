//! Where the cases play, and what they write down.

use std::fmt::Debug;

use alpc_rpc::{CallError, Client, ConnectError, PortAttributes};
use alpc_tests::peer::Peer;
use alpc_tests::stage::Stage;

/// A value of each kind of number.
type Scalars = (bool, u8, u16, u32, u64, u128, i8, i16, i32, i64, i128, f32, f64);

/// What one case has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) case: &'static str,
    pub(crate) lines: Vec<String>,
}

impl Record {
    pub(crate) fn of(case: &'static str) -> Record {
        Record { case, lines: Vec::new() }
    }

    /// Writes down what has come back.
    pub(crate) fn note(&mut self, what: impl Debug) {
        self.lines.push(format!("{what:?}"));
    }

    /// Writes down bytes of which there are many.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        // FNV-1a
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, step);
        self.lines.push(format!("{} bytes, {hash:016x}", bytes.len()));
    }

    /// Writes down what a call has come to: for an error, all that a program and a person can learn of it.
    pub(crate) fn call<T: Debug, E>(&mut self, what: &str, result: Result<T, CallError<E>>)
    where
        E: Debug,
        CallError<E>: std::fmt::Display,
    {
        self.lines.push(match result {
            Ok(value) => format!("{what}: {value:?}"),
            Err(error) => {
                let ran = error.may_have_run();
                format!("{what}: {error:?}, {error}, may have run: {ran}")
            }
        });
    }

    /// Writes down a value of each kind of number: a tuple of so many cannot be printed as one.
    pub(crate) fn scalars(&mut self, all: Scalars) {
        let (a, b, c, d, e, f, g, h, i, j, k, l, m) = all;
        self.note((a, b, c, d, e, f));
        self.note((g, h, i, j, k));
        self.note((l.to_bits(), m.to_bits()));
    }

    /// Writes down what became of a connection that was not to be had.
    pub(crate) fn refused<C>(&mut self, result: Result<C, ConnectError>, stage: &Stage) {
        self.lines.push(match result {
            Ok(_) => "connected".to_owned(),
            Err(error) => stage.plain(format!("{error:?}, {error}")),
        });
    }
}

/// The place of one run.
pub(crate) struct Scene {
    pub(crate) stage: Stage,
    pub(crate) attributes: PortAttributes,
}

impl Scene {
    pub(crate) fn new(run: &str, change: fn(PortAttributes) -> PortAttributes) -> Scene {
        let stage = Stage::new(run, env!("CARGO_BIN_EXE_peer"));
        let attributes = change(stage.attributes());
        Scene { stage, attributes }
    }

    /// Starts a server.
    pub(crate) fn server(&self, role: &[&str]) -> Peer {
        self.stage.ready(role)
    }

    /// A client for what is beside the case, and not of it.
    pub(crate) fn aside<C: Client>(&self, port: &str) -> C {
        self.stage.connect(port)
    }
}
