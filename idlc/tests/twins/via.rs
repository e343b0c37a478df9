#[alpc_interface(name = "acme.ways.Ways")]
pub trait Ways {
    #[returns(#[via(section)] _)]
    fn send(
        &self,
        cx: &Call<'_>,
        #[via(inline)] a: &[u8],
        #[via(section)] text: &str,
        #[raw]
        #[via(direct)]
        c: &[f32],
    ) -> String;
    #[returns(sum, #[raw] #[via(section)] squares, #[via(inline)] all)]
    fn fill(
        &self,
        cx: &Call<'_>,
        #[via(direct)] near: &mut OutBuf<'_>,
        #[via(inline)] both: &mut InOutBuf<'_, u16>,
    ) -> (f32, Vec<f32>, Vec<u8>);
}
