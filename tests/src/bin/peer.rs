//! The other process of a test.

#![forbid(unsafe_code)]

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    alpc_tests::roles::play(&arguments);
}
