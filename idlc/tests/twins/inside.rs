#[derive(Alpc)]
#[alpc(name = "acme.inside.Inside")]
pub struct Inside {
    #[alpc(max = 4, items(min = 1, max = 8))]
    pub names: Vec<String>,
    #[alpc(items(max = 2, items(max = 9)))]
    pub rows: Option<Vec<Vec<u32>>>,
    #[alpc(max = 3, keys(max = 16), values(items(max = 255)))]
    pub files: BTreeMap<String, Vec<PathBuf>>,
    #[alpc(items(max = "1s"))]
    pub pairs: [Duration; 2],
    #[alpc(items(ok(max = 4), err(max = 8)))]
    pub outcomes: Vec<Result<Vec<u8>, String>>,
    #[alpc(member(0, min = 0.0, max = 1.0), member(1, member(1, max = 8)))]
    pub place: (f32, Option<(u8, String)>),
}

#[alpc_interface(name = "acme.inside.Insides")]
pub trait Insides {
    #[returns(#[items(max(8))] names, #[ok(max(7))] #[err(max(8))] outcome)]
    fn all(
        &self,
        cx: &Call<'_>,
        #[items(max(8))] names: Vec<String>,
        #[max(3)]
        #[values(max(2), items(max(4)))]
        files: BTreeMap<Uuid, Vec<Vec<u8>>>,
        #[items(min("1ms"), max("1s"))] waits: Option<Vec<Duration>>,
    ) -> (Vec<String>, Result<u8, String>);
    #[returns(#[result] #[ok(max(7))] #[err(max(8))] _)]
    fn attempt(&self, cx: &Call<'_>) -> Result<u8, String>;
    #[returns(#[result] _)]
    fn plain(&self, cx: &Call<'_>) -> Result<u8, Inside>;
    #[returns(#[member(0, min(1), max(9))] #[member(1, items(max(8)))] _)]
    fn pair(&self, cx: &Call<'_>, #[member(0, max(7))] at: (u8, u16)) -> (u32, Vec<String>);
    #[returns(#[member(0, max(9))] first, #[items(member(1, max(4)))] second)]
    fn pairs(&self, cx: &Call<'_>) -> ((u32, bool), Vec<(u8, u8)>);
}
