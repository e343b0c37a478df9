//! A server's methods are called by many threads at a time.

use alpc_rpc::alpc_interface;

#[alpc_interface(name = "acme.Receivers")]
trait Receivers {
    fn changes(&mut self);
    fn consumes(self);
    fn has_none();
}

fn main() {}
