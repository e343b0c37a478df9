#[derive(Alpc, Clone, Debug, PartialEq)]
#[alpc(error, name = "twin.later.Jam")]
pub enum Jam {
    /// paper
    Paper,
    Unrecognized { tag: u32, payload: Vec<u8> },
}

/// Handlers that answer later, each in its way.
#[alpc_interface(version = "1.0", name = "twin.later.Press")]
pub trait Press {
    /// Answered by a responder.
    #[cancellable]
    fn print(
        &self,
        cx: &Call<'_>,
        pages: u32,
        #[max(64)] text: &str,
        answer: Responder<u32, Jam>,
    );
    /// With buffers that come back.
    #[returns(pages, name)]
    fn scan(
        &self,
        cx: &Call<'_>,
        #[out]
        #[max(64)]
        page: OutBuf<'static>,
        #[max(8)] marks: InOutBuf<'static>,
        answer: Responder<(u32, String, OutBuf<'static>, InOutBuf<'static>)>,
    );
    /// With nothing to say.
    fn flush(&self, cx: &Call<'_>, answer: Responder<()>);
    /// Answered by a future.
    async fn wait(
        &self,
        cx: &Call<'_>,
        #[max(64)] text: &str,
        #[out]
        #[max(64)]
        page: &mut OutBuf<'_>,
    ) -> Result<u32, Jam>;
    /// A future without an answer.
    #[oneway]
    async fn note(&self, cx: &Call<'_>, number: u32);
    /// Answered at once.
    fn double(&self, cx: &Call<'_>, number: u32) -> u32;
}
