//! Errors of an interface.

use alpc_rpc::Alpc;

#[derive(Alpc)]
#[alpc(error)]
struct NoEnum;

#[derive(Alpc)]
#[alpc(final, error)]
enum Texts {
    /// too large: {size}
    Large { limit: u32 },
    /// open {
    Brace,
}

fn main() {}
