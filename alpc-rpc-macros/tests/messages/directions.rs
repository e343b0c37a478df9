//! Buffers of the caller's.

use alpc_rpc::alpc_interface;

#[alpc_interface(name = "acme.Directions")]
trait Directions {
    fn changes(&self, n: &mut u32);
    fn marked(&self, #[out] n: u32);
    fn two(&self) -> (u32, Blob);
    fn called(&self, a: u32, cx: &Call<'_>);
}

fn main() {}
