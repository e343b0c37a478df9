//! A server that has no bounds of its own, so that those of its interface show.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use alpc_rpc::prelude::*;

use super::api::{BoundError, Bounds, BoundsServer, Inner};

/// The server, ready to be served.
pub fn server() -> BoundsServer<Maker> {
    BoundsServer::new(Maker::default())
}

/// Makes what it is told to make.
#[derive(Debug, Default)]
pub struct Maker {
    begun: AtomicU64,
}

impl Maker {
    fn begin(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
    }
}

fn names(count: u64, len: u64) -> Vec<String> {
    (0..count).map(|_| "x".repeat(len as usize)).collect()
}

impl Bounds for Maker {
    fn begun(&self, _: &Call<'_>) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }

    fn numbers(&self, _: &Call<'_>, _: u8, _: i64, _: f32, _: f64) -> i32 {
        self.begin();
        0
    }

    fn texts(&self, _: &Call<'_>, _: &str, _: &[u8], _: Vec<u8>) {
        self.begin();
    }

    fn nested(
        &self,
        _: &Call<'_>,
        _: Vec<String>,
        _: BTreeMap<String, Vec<u32>>,
        _: (String, u8),
        _: Option<String>,
    ) {
        self.begin();
    }

    fn record(&self, _: &Call<'_>, _: Inner) {
        self.begin();
    }

    fn records(&self, _: &Call<'_>, _: Vec<Inner>) {
        self.begin();
    }

    fn images(&self, _: &Call<'_>, _: &[i16], _: &mut OutBuf<'_>, _: &mut InOutBuf<'_, u32>) {
        self.begin();
    }

    fn view(&self, _: &Call<'_>, _: View) {
        self.begin();
    }

    fn make_number(&self, _: &Call<'_>, is: i32) -> i32 {
        self.begin();
        is
    }

    fn make_text(&self, _: &Call<'_>, len: u64) -> String {
        self.begin();
        "x".repeat(len as usize)
    }

    fn make_bytes(&self, _: &Call<'_>, len: u64) -> Vec<u8> {
        self.begin();
        vec![7; len as usize]
    }

    fn make_view(&self, _: &Call<'_>, len: u64) -> Blob {
        self.begin();
        Blob::new(&vec![7; len as usize]).expect("memory for a test")
    }

    fn make_names(&self, _: &Call<'_>, count: u64, len: u64) -> Vec<String> {
        self.begin();
        names(count, len)
    }

    fn make_inner(&self, _: &Call<'_>, count: u64, len: u64, level: u8) -> Inner {
        self.begin();
        Inner { names: names(count, len), level }
    }

    fn make_error(&self, _: &Call<'_>, len: u64) -> Result<u8, BoundError> {
        self.begin();
        Err(BoundError::Text("x".repeat(len as usize)))
    }

    fn note(&self, _: &Call<'_>, _: &str) {
        self.begin();
    }
}
