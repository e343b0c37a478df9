//! What else stands in a trait, and no interface has.

use alpc_rpc::alpc_interface;

#[alpc_interface(name = "acme.Shape")]
trait Shape<T>
where
    T: Copy,
{
    type Side;
    const SIDES: u32;
    fn area(&self) -> f64;
}

#[alpc_interface(name = "acme.Number")]
struct Number;

fn main() {}
