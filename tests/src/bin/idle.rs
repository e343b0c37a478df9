//! Prints what a server spends on clients that do nothing: `cargo run --release -p alpc-tests --bin idle`.
//!
//! A number as argument says how many clients; 1000 if there is none.

#![forbid(unsafe_code)]

use std::env;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let clients = match arguments.as_slice() {
        [] => 1000,
        [count] if count.parse::<u64>().is_ok_and(|count| count > 0) => count.parse().unwrap_or(1),
        // It is its own peer.
        role => return alpc_tests::roles::play(role),
    };
    let program = env::current_exe().expect("the path of this program");
    print!("{}", alpc_tests::idle::measure(program, clients));
}
