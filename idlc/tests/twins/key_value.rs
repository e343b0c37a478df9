/// Why a call was refused.
#[derive(Alpc)]
#[alpc(error, name = "acme.kv.KvError")]
pub enum KvError {
    /// no such key
    NotFound,
    /// value exceeds the store's limit of {limit} bytes
    TooLarge {
        #[alpc(min = 1)]
        limit: u64,
    },
    #[alpc(tag = 5)]
    Unsupported(Mode),
    Unrecognized { tag: u32, payload: Vec<u8> },
}

/// What is stored.
#[derive(Alpc)]
#[alpc(name = "acme.kv.Entry")]
pub struct Entry {
    /// Under which it is found.
    #[alpc(min = 1, max = 1 << 8)]
    pub key: String,
    pub value: Vec<u8>,
    #[alpc(default = 1)]
    pub version: u64,
    /// Absent when talking to a 1.0 peer.
    #[alpc(added = "1.1")]
    pub modified: Option<i64>,
}

#[derive(Alpc)]
#[alpc(final, name = "acme.kv.Stats")]
pub struct Stats {
    pub keys: u64,
    pub bytes: u64,
    pub load: f32,
}

#[derive(Alpc)]
#[alpc(name = "acme.kv.Mode")]
pub enum Mode {
    #[alpc(value = 1)]
    Fast,
    #[alpc(value = 4)]
    Careful,
    Slow,
    Unrecognized(u16),
}

#[derive(Alpc)]
#[alpc(final, name = "acme.kv.Answer")]
pub enum Answer {
    No,
    Yes,
}

#[derive(Alpc)]
#[alpc(final, error, name = "acme.kv.Closed")]
pub enum Closed {
    Busy,
    Refused(#[alpc(max = 16)] String),
    Late { by: u64 },
}

/// Reads and writes.
#[alpc_interface(
    uuid = "6f1d0c1e-8a1b-4a57-9a5e-2f4c2a3b9d11",
    version = "1.1",
    name = "acme.kv.KeyValue",
    endpoint = "acme.kv"
)]
pub trait KeyValue {
    /// Read a value, or `None` if there is none.
    #[idempotent]
    fn get(&self, cx: &Call<'_>, #[min(1)] #[max(256)] key: &str) -> Option<Vec<u8>>;
    fn read(
        &self,
        cx: &Call<'_>,
        key: &str,
        offset: u64,
        #[out]
        #[max(64 * 1024 * 1024)]
        buf: &mut OutBuf<'_>,
    ) -> Result<u64, KvError>;
    fn put(
        &self,
        cx: &Call<'_>,
        key: &str,
        #[max(64 << 20)] value: &[u8],
        #[copy]
        #[default(Mode::Fast)]
        mode: Mode,
        #[added(1.1)] if_version: Option<u64>,
    ) -> Result<u64, KvError>;
    #[oneway]
    fn touch(&self, cx: &Call<'_>, key: &str);
    #[timeout("250ms")]
    #[wire_name = "statistics"]
    fn stats(&self, cx: &Call<'_>) -> Stats;
    #[returns(info, pixels)]
    fn map(&self, cx: &Call<'_>, id: u64) -> Result<(Entry, Blob), Closed>;
    fn convert(
        &self,
        cx: &Call<'_>,
        #[max(256 << 20)] pixels: &mut InOutBuf<'_>,
        #[copy] mode: Mode,
    );
    #[returns(#[raw] #[max(16)] _)]
    fn samples(
        &self,
        cx: &Call<'_>,
        #[max(48000)] left: &mut OutBuf<'_, f32>,
        #[raw] table: &[u16],
    ) -> Vec<i16>;
    fn names(
        &self,
        cx: &Call<'_>,
        #[max(8)] all: Vec<String>,
        by: BTreeMap<String, Vec<u32>>,
        point: (i32, i32),
        grid: [[f32; 3]; 3],
    ) -> (u32, String);
    fn entries(
        &self,
        cx: &Call<'_>,
        all: Vec<Entry>,
        one: Option<Entry>,
        #[copy] how: Option<Mode>,
        #[default(3)]
        #[min(1)]
        #[max(9)]
        level: u32,
        #[default(true)] ok: bool,
    ) -> Vec<Entry>;
    #[added(1.1)]
    fn answer(&self, cx: &Call<'_>, data: View) -> Answer;
    fn nothing(&self, cx: &Call<'_>);
}
