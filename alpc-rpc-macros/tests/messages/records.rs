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

#[derive(Alpc)]
#[alpc(removed(1.4, nick: String))]
#[alpc(removed(1.4, age: u32, after = nam))]
#[alpc(removed(1.4, size: u32, behind = name))]
#[alpc(removed)]
struct Removed {
    name: String,
}

#[derive(Alpc)]
#[alpc(reserved, removed(1.4, Slow))]
enum Reserved {
    Fast,
    Unrecognized(u32),
}

#[derive(Alpc)]
#[alpc(reserved(9..=7, 1..2, "three"))]
enum Ranges {
    Fast,
    Unrecognized(u32),
}

fn main() {}
