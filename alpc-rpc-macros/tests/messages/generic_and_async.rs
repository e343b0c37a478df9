//! Methods whose types the other side cannot know, or that are of a later version.

use alpc_rpc::alpc_interface;

#[alpc_interface(name = "acme.Methods")]
trait Methods {
    fn generic<T>(&self, value: T);
    async fn later(&self);
    extern "C" fn foreign(&self);
}

fn main() {}
