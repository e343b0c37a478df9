//! Attributes of methods and parameters.

use alpc_rpc::alpc_interface;

#[alpc_interface(name = "acme.Attributes")]
trait Attributes {
    #[timeout("soon")]
    fn soon(&self);
    fn unbounded(&self, #[max] a: u32, #[max(1)] b: bool);
    fn impossible(&self, #[min(9)] #[max(3)] a: u32, #[max(300)] b: u8);
    fn default(&self, #[max(3)] #[default(4)] a: u8);
}

fn main() {}
