//! Structs.

use alpc_rpc::Alpc;

#[derive(Alpc)]
struct Borrowed<'a> {
    text: &'a str,
}

#[derive(Alpc)]
struct Tuple(u32);

#[derive(Alpc)]
#[alpc(finel)]
struct Misspelt {
    #[alpc(maks = 1)]
    a: u32,
    #[alpc(max)]
    b: u8,
}

#[derive(Alpc)]
#[alpc(final)]
struct Final {
    #[alpc(default = 1)]
    a: u32,
}

fn main() {}
