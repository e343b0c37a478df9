//! `cargo +nightly fuzz run streams`; without cargo-fuzz, runs the target once for each file it is given.

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| alpc_fuzz::streams(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    alpc_fuzz::replay(alpc_fuzz::streams)
}
