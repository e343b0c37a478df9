//! Types that no other process could read.

use alpc_rpc::alpc_interface;

#[alpc_interface(name = "acme.Types")]
trait Types {
    fn sizes(&self, a: usize, b: isize);
    fn maps(&self, a: HashMap<u8, u8>);
    fn odd(&self, a: impl Fn(), b: Self, c: *const u8, d: fn());
    fn borrowed(&self) -> &str;
}

fn main() {}
