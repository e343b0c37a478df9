//! A server that sends back what it gets.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use alpc_rpc::prelude::*;

use super::api::{
    Answer, Closed, Colour, Entry, Everything, EverythingServer, Failure, Level, Nothing, Rect,
    Tree, Vertex, Wide,
};

/// The server, ready to be served.
pub fn server() -> EverythingServer<Echo> {
    EverythingServer::new(Echo::default())
}

/// Sends back what it gets, and remembers what it was not asked to answer.
#[derive(Debug, Default)]
pub struct Echo {
    touched: Mutex<Vec<(String, u64)>>,
}

/// The bytes that `show` and `read` count up to.
fn counted(from: u8, len: usize) -> Vec<u8> {
    (0..len).map(|at| from.wrapping_add((at % 251) as u8)).collect()
}

#[allow(clippy::type_complexity, clippy::result_large_err, reason = "that is what is tried")]
impl Everything for Echo {
    fn nothing(&self, _: &Call<'_>) {}

    fn unit(&self, _: &Call<'_>) {}

    fn scalars(
        &self,
        _: &Call<'_>,
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
    ) -> (bool, u8, u16, u32, u64, u128, i8, i16, i32, i64, i128, f32, f64) {
        (a, b, c, d, e, f, g, h, i, j, k, l, m)
    }

    fn bounded(&self, _: &Call<'_>, percent: u8, offset: i16, gain: f32, _rest: u64) -> u32 {
        u32::from(percent % 8) + u32::from(offset > 9) + u32::from(gain > 9.0)
    }

    fn texts(&self, _: &Call<'_>, text: &str, name: &str) -> (String, String) {
        (text.to_owned(), name.to_owned())
    }

    fn blobs(&self, _: &Call<'_>, data: &[u8], tail: &[u8]) -> (Vec<u8>, Vec<u8>) {
        (data.to_vec(), tail.to_vec())
    }

    fn lists(
        &self,
        _: &Call<'_>,
        numbers: Vec<u32>,
        names: Vec<String>,
        flags: Vec<bool>,
    ) -> (Vec<u32>, Vec<String>, Vec<bool>) {
        (numbers, names, flags)
    }

    fn nested(
        &self,
        _: &Call<'_>,
        all: Option<Vec<Vec<Option<String>>>>,
        deep: BTreeMap<u8, Vec<BTreeMap<String, (u16, bool)>>>,
    ) -> (Option<Vec<Vec<Option<String>>>>, BTreeMap<u8, Vec<BTreeMap<String, (u16, bool)>>>) {
        (all, deep)
    }

    fn maps(
        &self,
        _: &Call<'_>,
        rows: BTreeMap<String, Vec<u32>>,
        by: BTreeMap<Colour, i64>,
    ) -> (BTreeMap<String, Vec<u32>>, BTreeMap<Colour, i64>) {
        (rows, by)
    }

    fn tuples(
        &self,
        _: &Call<'_>,
        point: (i32, f64),
        named: (String, u64),
        grid: [[f32; 3]; 3],
        token: [u8; 16],
    ) -> ((i32, f64), (String, u64), [[f32; 3]; 3], [u8; 16]) {
        (point, named, grid, token)
    }

    fn optionals(
        &self,
        _: &Call<'_>,
        a: Option<u32>,
        b: Option<bool>,
        c: Option<String>,
        d: Option<Vec<u8>>,
        e: Option<Colour>,
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
    ) {
        (a, b, c, d, e, f, g, h, i)
    }

    fn enums(
        &self,
        _: &Call<'_>,
        colour: Colour,
        level: Level,
        wide: Wide,
        answer: Answer,
        all: Vec<Colour>,
    ) -> (Colour, Level, Wide, Answer, Vec<Colour>) {
        (colour, level, wide, answer, all)
    }

    fn records(
        &self,
        _: &Call<'_>,
        entry: Entry,
        rect: Rect,
        vertex: Vertex,
        nothing: Nothing,
    ) -> (Entry, Rect, Vertex, Nothing) {
        (entry, rect, vertex, nothing)
    }

    fn tree(&self, _: &Call<'_>, root: Tree) -> Tree {
        root
    }

    fn vertices(&self, _: &Call<'_>, all: Vec<Vertex>) -> Vec<Vertex> {
        all
    }

    fn entries(&self, _: &Call<'_>, all: Vec<Entry>) -> Vec<Entry> {
        all
    }

    fn defaults(
        &self,
        _: &Call<'_>,
        a: u32,
        b: bool,
        c: f64,
        d: Colour,
        e: Option<String>,
    ) -> (u32, bool, f64, Colour, Option<String>) {
        (a, b, c, d, e)
    }

    fn raws(
        &self,
        _: &Call<'_>,
        bytes: &[u8],
        samples: &[i16],
        table: &[f64],
    ) -> (Vec<u8>, Vec<i16>, Vec<f64>) {
        (bytes.to_vec(), samples.to_vec(), table.to_vec())
    }

    fn read(
        &self,
        _: &Call<'_>,
        from: u8,
        upto: u64,
        data: &mut OutBuf<'_>,
    ) -> Result<u64, Failure> {
        if upto > data.capacity() as u64 {
            // What was written is for nothing: an error brings no buffer back.
            data.put(b"never to be seen");
            return Err(Failure::TooMuch(upto.try_into().unwrap_or(u32::MAX)));
        }
        data.put(&counted(from, upto as usize));
        Ok(data.capacity() as u64)
    }

    fn ramp(
        &self,
        _: &Call<'_>,
        left: &mut OutBuf<'_, f32>,
        step: f32,
        right: &mut OutBuf<'_, i64>,
    ) -> u32 {
        for (at, value) in left.as_mut_slice().iter_mut().enumerate() {
            *value = at as f32 * step;
        }
        let half = right.capacity() / 2;
        for (at, value) in right.as_mut_slice().iter_mut().enumerate() {
            *value = -(at as i64);
        }
        right.truncate(half);
        (left.capacity() + right.capacity()) as u32
    }

    fn invert(&self, _: &Call<'_>, data: &mut InOutBuf<'_>) {
        for byte in data.as_mut_slice() {
            *byte = !*byte;
        }
    }

    fn scale(
        &self,
        _: &Call<'_>,
        values: &mut InOutBuf<'_, i32>,
        by: i32,
        keep: u32,
    ) -> Result<(), Closed> {
        for value in values.as_mut_slice() {
            *value = value.wrapping_mul(by);
        }
        if by == 0 {
            return Err(Closed::Late { by: values.len() as u64 });
        }
        values.truncate(keep as usize);
        Ok(())
    }

    fn look(&self, _: &Call<'_>, data: View) -> (u64, u64) {
        let sum = data.chunks(1000).flatten().map(u64::from).sum();
        (data.len() as u64, sum)
    }

    fn show(&self, _: &Call<'_>, len: u64) -> (String, Blob) {
        let bytes = counted(0, len as usize);
        (format!("{len} bytes"), Blob::new(&bytes).expect("memory for a test"))
    }

    fn peek(&self, _: &Call<'_>, data: &[u8]) -> Blob {
        Blob::new(data).expect("memory for a test")
    }

    fn touch(&self, _: &Call<'_>, key: &str, data: &[u8]) {
        let mut touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        touched.push((key.to_owned(), data.iter().copied().map(u64::from).sum()));
    }

    fn touched(&self, _: &Call<'_>) -> Vec<(String, u64)> {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fail(&self, _: &Call<'_>, how: Failure) -> Result<(), Failure> {
        Err(how)
    }

    fn close(&self, _: &Call<'_>, how: Closed) -> Result<u32, Closed> {
        match how {
            Closed::Late { by: 0 } => Ok(0),
            how => Err(how),
        }
    }

    fn many(
        &self,
        _: &Call<'_>,
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
    ) {
        let all = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t];
        let sums = all.iter().map(|bytes| bytes.iter().copied().map(u64::from).sum()).collect();
        let [a, b, c, d, e, f, g, h, i, j] = [a, b, c, d, e, f, g, h, i, j].map(<[u8]>::to_vec);
        (a, b, c, d, e, f, g, h, i, j, sums)
    }
}
