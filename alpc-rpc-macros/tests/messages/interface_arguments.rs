//! Arguments of an interface.

use alpc_rpc::alpc_interface;

#[alpc_interface]
trait Nameless {}

#[alpc_interface(uuid = "6f1d0c1e", version = "1.0.2", nam = "x", endpoint)]
trait Misspelt {}

#[alpc_interface(name = "a b", name = "c")]
trait Twice {}

fn main() {}
