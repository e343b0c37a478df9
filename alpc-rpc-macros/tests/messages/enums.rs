//! Enums: numbers, and what carries something.

use alpc_rpc::Alpc;

#[derive(Alpc)]
enum Open {
    A,
    B,
}

#[derive(Alpc)]
enum Carries {
    A(u32),
    B,
}

#[derive(Alpc)]
enum Numbers {
    A,
    Unrecognized { x: u32 },
}

#[derive(Alpc)]
#[alpc(final)]
enum Closed {
    A,
    Unrecognized(u32),
}

#[derive(Alpc)]
#[alpc(final)]
enum Clash {
    A = 1,
    B,
    #[alpc(value = 2)]
    C,
}

fn main() {}
