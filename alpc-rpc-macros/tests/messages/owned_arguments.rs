//! Arguments that are borrowed on the client's side.

use alpc_rpc::alpc_interface;

#[alpc_interface(name = "acme.Arguments")]
trait Arguments {
    fn owned(&self, a: String, b: Vec<u8>);
    fn lists(&self, c: &[u32]);
    fn records(&self, d: &Entry);
    fn blobs(&self, e: Blob);
}

fn main() {}
