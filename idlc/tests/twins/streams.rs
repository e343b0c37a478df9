#[derive(Alpc)]
#[alpc(name = "acme.streams.Row")]
pub struct Row {
    pub number: u64,
    pub text: String,
}

#[derive(Alpc)]
#[alpc(error, name = "acme.streams.Failure")]
pub enum Failure {
    #[alpc(tag = 1)]
    Broken(u32),
    Unrecognized { tag: u32, payload: Vec<u8> },
}

#[alpc_interface(name = "acme.streams.Clock")]
pub trait Clock {
    fn now(&self, cx: &Call<'_>) -> u64;
}

#[alpc_interface(name = "acme.streams.Streams")]
pub trait Streams {
    /// Rows, one after the other.
    fn scan(&self, cx: &Call<'_>, prefix: &str) -> Result<Items<Row, Failure>, Failure>;
    #[returns(#[items(max = 9)] _)]
    fn numbers(&self, cx: &Call<'_>) -> Items<u32>;
    fn load(&self, cx: &Call<'_>, rows: Stream<Row, Failure>) -> Result<u64, Failure>;
    #[oneway]
    fn log(&self, cx: &Call<'_>, #[items(max = 80)] lines: Stream<String>);
    fn map(
        &self,
        cx: &Call<'_>,
        r#in: Stream<Vec<u8>>,
        #[sensitive]
        #[items(min = 1)]
        other: Stream<u8>,
        factor: u32,
    ) -> Items<Duration>;
    #[returns(total, rows, #[sensitive] #[items(items(max = 4))] secrets)]
    fn both(&self, cx: &Call<'_>) -> (u32, Items<Row>, Items<Vec<Vec<u8>>>);
    fn things(
        &self,
        cx: &Call<'_>,
        #[handle(file, read)] files: Stream<OwnedFd>,
    ) -> Items<ClockRef>;
}
