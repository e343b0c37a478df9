//! What a method gives back.

use alpc_rpc::alpc_interface;

#[alpc_interface(name = "acme.Results")]
trait Results {
    #[returns(a, b)]
    fn named(&self) -> u32;
    fn system(&self) -> io::Result<u32>;
    #[oneway]
    #[timeout("1s")]
    fn nobody_waits(&self, b: &mut OutBuf<'_>) -> Result<u32, E>;
}

fn main() {}
