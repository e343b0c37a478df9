//! The interface of `everything.idl` as a trait.
//!
//! Bounds of what is inside a list or map are left out here, and the two are the same interface all the
//! same, because bounds are no part of a fingerprint.

#![allow(missing_docs, reason = "everything.idl documents what a reader of the tests needs")]

use std::collections::BTreeMap;

use alpc_rpc::prelude::*;

#[derive(Alpc, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[alpc(name = "tests.everything.Colour")]
pub enum Colour {
    #[alpc(value = 1)]
    Red,
    Green,
    #[alpc(value = 16)]
    Blue,
    Unrecognized(u16),
}

#[derive(Alpc, Debug, Clone, Copy, PartialEq, Eq)]
#[alpc(name = "tests.everything.Level")]
pub enum Level {
    #[alpc(value = -5)]
    Low,
    #[alpc(value = 0)]
    Middle,
    #[alpc(value = 5)]
    High,
    Unrecognized(i8),
}

#[derive(Alpc, Debug, Clone, Copy, PartialEq, Eq)]
#[alpc(name = "tests.everything.Wide")]
pub enum Wide {
    #[alpc(value = 1)]
    One,
    #[alpc(value = 1 << 40)]
    Large,
    Unrecognized(u64),
}

#[derive(Alpc, Debug, Clone, Copy, PartialEq, Eq)]
#[alpc(final, name = "tests.everything.Answer")]
pub enum Answer {
    No,
    Yes,
}

#[derive(Alpc, Debug, Clone, PartialEq, Eq)]
#[alpc(name = "tests.everything.Entry")]
pub struct Entry {
    #[alpc(min = 1, max = 16)]
    pub key: String,
    pub value: Vec<u8>,
    #[alpc(max = 4, default = [])]
    pub tags: Vec<String>,
    #[alpc(default = Colour::Red)]
    pub colour: Colour,
    #[alpc(min = -100, max = 100, default = 0)]
    pub weight: i16,
    #[alpc(added = "1.1")]
    pub modified: Option<i64>,
}

#[derive(Alpc, Debug, Clone, Copy, PartialEq, Eq)]
#[alpc(final, name = "tests.everything.Rect")]
pub struct Rect {
    pub x: i32,
    pub y: i32,
    pub size: (u32, u32),
}

#[derive(Alpc, Debug, Clone, PartialEq)]
#[alpc(final, name = "tests.everything.Vertex")]
pub struct Vertex {
    pub x: f32,
    pub y: f32,
    pub z: f32,
    #[alpc(max = 32)]
    pub name: String,
    pub at: Rect,
}

#[derive(Alpc, Debug, Clone, PartialEq, Eq)]
#[alpc(name = "tests.everything.Tree")]
pub struct Tree {
    #[alpc(max = 8)]
    pub label: String,
    #[alpc(max = 3)]
    pub children: Vec<Tree>,
}

#[derive(Alpc, Debug, Clone, PartialEq, Eq)]
#[alpc(name = "tests.everything.Nothing")]
pub struct Nothing {}

#[derive(Alpc, Debug, Clone, PartialEq, Eq)]
#[alpc(error, name = "tests.everything.Failure")]
pub enum Failure {
    /// nothing is stored under {key}
    NotFound {
        #[alpc(max = 16)]
        key: String,
    },
    /// {0} is too much
    TooMuch(u32),
    /// not today
    NotToday,
    /// {0} does not go with {1}
    #[alpc(tag = 7)]
    Mismatch(Colour, u8),
    /// the entry is held by {owner}
    #[alpc(tag = 9)]
    Held {
        owner: String,
        entry: Entry,
        since: Option<u64>,
    },
    Unrecognized {
        tag: u32,
        payload: Vec<u8>,
    },
}

#[derive(Alpc, Debug, Clone, PartialEq, Eq)]
#[alpc(error, final, name = "tests.everything.Closed")]
pub enum Closed {
    /// busy
    Busy,
    /// late by {by}
    Late { by: u64 },
}

const MOST: u64 = 256 << 20;

#[alpc_interface(
    uuid = "c0a4f7f2-53a5-4d8c-a0f5-6c5e8b1f2a93",
    version = "1.3",
    name = "tests.everything.Everything",
    endpoint = "tests.everything"
)]
#[allow(
    clippy::too_many_arguments,
    clippy::type_complexity,
    clippy::result_large_err,
    reason = "that is what is tried"
)]
pub trait Everything {
    fn nothing(&self, cx: &Call<'_>);
    fn unit(&self, cx: &Call<'_>);
    #[returns(a, b, c, d, e, f, g, h, i, j, k, l, m)]
    fn scalars(
        &self,
        cx: &Call<'_>,
        a: bool,
        b: u8,
        c: u16,
        d: u32,
        e: u64,
        f: u128,
        g: i8,
        h: i16,
        i: i32,
        j: i64,
        k: i128,
        l: f32,
        m: f64,
    ) -> (bool, u8, u16, u32, u64, u128, i8, i16, i32, i64, i128, f32, f64);
    #[returns(#[max(7)] _)]
    fn bounded(
        &self,
        cx: &Call<'_>,
        #[max(100)] percent: u8,
        #[min(-5)]
        #[max(5)]
        offset: i16,
        #[min(0.0)]
        #[max(1.5)]
        gain: f32,
        #[min(1)] rest: u64,
    ) -> u32;
    #[returns(text, #[min(1)] #[max(64)] name)]
    fn texts(
        &self,
        cx: &Call<'_>,
        text: &str,
        #[min(1)]
        #[max(64)]
        name: &str,
    ) -> (String, String);
    #[returns(#[max(MOST)] data, #[max(16)] tail)]
    fn blobs(
        &self,
        cx: &Call<'_>,
        #[max(MOST)] data: &[u8],
        #[max(16)] tail: &[u8],
    ) -> (Vec<u8>, Vec<u8>);
    #[returns(numbers, #[max(4)] names, flags)]
    fn lists(
        &self,
        cx: &Call<'_>,
        numbers: Vec<u32>,
        #[max(4)] names: Vec<String>,
        flags: Vec<bool>,
    ) -> (Vec<u32>, Vec<String>, Vec<bool>);
    #[returns(#[max(3)] all, deep)]
    fn nested(
        &self,
        cx: &Call<'_>,
        #[max(3)] all: Option<Vec<Vec<Option<String>>>>,
        deep: BTreeMap<u8, Vec<BTreeMap<String, (u16, bool)>>>,
    ) -> (Option<Vec<Vec<Option<String>>>>, BTreeMap<u8, Vec<BTreeMap<String, (u16, bool)>>>);
    #[returns(#[max(3)] rows, by)]
    fn maps(
        &self,
        cx: &Call<'_>,
        #[max(3)] rows: BTreeMap<String, Vec<u32>>,
        by: BTreeMap<Colour, i64>,
    ) -> (BTreeMap<String, Vec<u32>>, BTreeMap<Colour, i64>);
    #[returns(point, named, grid, token)]
    fn tuples(
        &self,
        cx: &Call<'_>,
        point: (i32, f64),
        named: (String, u64),
        grid: [[f32; 3]; 3],
        token: [u8; 16],
    ) -> ((i32, f64), (String, u64), [[f32; 3]; 3], [u8; 16]);
    #[returns(a, b, #[max(8)] c, #[max(8)] d, e, f, g, h, i)]
    fn optionals(
        &self,
        cx: &Call<'_>,
        a: Option<u32>,
        b: Option<bool>,
        #[max(8)] c: Option<String>,
        #[max(8)] d: Option<Vec<u8>>,
        #[copy] e: Option<Colour>,
        f: Option<Rect>,
        g: Option<Entry>,
        h: Option<Vec<u8>>,
        i: Option<(u8, u8)>,
    ) -> (
        Option<u32>,
        Option<bool>,
        Option<String>,
        Option<Vec<u8>>,
        Option<Colour>,
        Option<Rect>,
        Option<Entry>,
        Option<Vec<u8>>,
        Option<(u8, u8)>,
    );
    #[returns(colour, level, wide, answer, #[max(8)] all)]
    fn enums(
        &self,
        cx: &Call<'_>,
        #[copy] colour: Colour,
        #[copy] level: Level,
        #[copy] wide: Wide,
        #[copy] answer: Answer,
        #[max(8)] all: Vec<Colour>,
    ) -> (Colour, Level, Wide, Answer, Vec<Colour>);
    #[returns(entry, rect, vertex, nothing)]
    fn records(
        &self,
        cx: &Call<'_>,
        entry: Entry,
        rect: Rect,
        vertex: Vertex,
        nothing: Nothing,
    ) -> (Entry, Rect, Vertex, Nothing);
    fn tree(&self, cx: &Call<'_>, root: Tree) -> Tree;
    fn vertices(&self, cx: &Call<'_>, all: Vec<Vertex>) -> Vec<Vertex>;
    #[returns(#[max(4096)] _)]
    fn entries(&self, cx: &Call<'_>, #[max(4096)] all: Vec<Entry>) -> Vec<Entry>;
    #[returns(a, b, c, d, e)]
    fn defaults(
        &self,
        cx: &Call<'_>,
        #[min(1)]
        #[max(9)]
        #[default(7)]
        a: u32,
        #[default(true)] b: bool,
        #[default(1.5)] c: f64,
        #[copy]
        #[default(Colour::Green)]
        d: Colour,
        e: Option<String>,
    ) -> (u32, bool, f64, Colour, Option<String>);

    #[returns(#[raw] bytes, #[raw] samples, #[raw] #[max(1000000)] table)]
    fn raws(
        &self,
        cx: &Call<'_>,
        #[raw] bytes: &[u8],
        #[raw] samples: &[i16],
        #[raw]
        #[max(1000000)]
        table: &[f64],
    ) -> (Vec<u8>, Vec<i16>, Vec<f64>);
    fn read(
        &self,
        cx: &Call<'_>,
        from: u8,
        upto: u64,
        #[max(MOST)] data: &mut OutBuf<'_>,
    ) -> Result<u64, Failure>;
    fn ramp(
        &self,
        cx: &Call<'_>,
        #[max(48000)] left: &mut OutBuf<'_, f32>,
        step: f32,
        #[max(48000)] right: &mut OutBuf<'_, i64>,
    ) -> u32;
    fn invert(&self, cx: &Call<'_>, #[max(MOST)] data: &mut InOutBuf<'_>);
    fn scale(
        &self,
        cx: &Call<'_>,
        #[max(100000)] values: &mut InOutBuf<'_, i32>,
        by: i32,
        keep: u32,
    ) -> Result<(), Closed>;
    #[returns(len, sum)]
    fn look(&self, cx: &Call<'_>, #[max(MOST)] data: View) -> (u64, u64);
    #[returns(name, #[max(MOST)] data)]
    fn show(&self, cx: &Call<'_>, #[max(MOST)] len: u64) -> (String, Blob);
    #[returns(#[max(MOST)] _)]
    fn peek(&self, cx: &Call<'_>, #[max(MOST)] data: &[u8]) -> Blob;

    #[oneway]
    fn touch(&self, cx: &Call<'_>, #[max(16)] key: &str, data: &[u8]);
    fn touched(&self, cx: &Call<'_>) -> Vec<(String, u64)>;

    fn fail(&self, cx: &Call<'_>, how: Failure) -> Result<(), Failure>;
    fn close(&self, cx: &Call<'_>, how: Closed) -> Result<u32, Closed>;

    #[returns(a, b, c, d, e, f, g, h, i, j, all)]
    fn many(
        &self,
        cx: &Call<'_>,
        a: &[u8],
        b: &[u8],
        c: &[u8],
        d: &[u8],
        e: &[u8],
        f: &[u8],
        g: &[u8],
        h: &[u8],
        i: &[u8],
        j: &[u8],
        k: &[u8],
        l: &[u8],
        m: &[u8],
        n: &[u8],
        o: &[u8],
        p: &[u8],
        q: &[u8],
        r: &[u8],
        s: &[u8],
        t: &[u8],
    ) -> (
        Vec<u8>,
        Vec<u8>,
        Vec<u8>,
        Vec<u8>,
        Vec<u8>,
        Vec<u8>,
        Vec<u8>,
        Vec<u8>,
        Vec<u8>,
        Vec<u8>,
        Vec<u64>,
    );
}
