//! What must survive any bytes, as functions: parsers and decoders, with everything behind them.
//!
//! cargo-fuzz (`cargo +nightly fuzz run idl`) looks for bytes that they do not survive, guided by what
//! code is reached. It needs a nightly compiler, so CI runs the same functions over seeds and random
//! changes of them (`tests/smoke.rs`), and a file that cargo-fuzz has found can be run again on any
//! compiler (`cargo run --bin idl -- artifacts/idl/crash-..`).
//!
//! What comes through shared memory and private sockets is the transport's own tests' matter (`hostile`,
//! `socket_alone`, `channel/mirror/tests.rs`): it cannot be reached from outside of that crate without
//! a process at the other end.

#![forbid(unsafe_code)]

mod port;
mod trip;

use std::str::FromStr;

use alpc_tests::everything::idl::api;
use idlc::compile::Compilation;
use proc_macro2::TokenStream;

pub use port::handshake;

/// An `.idl` file: read, resolved, checked, and made Rust of if nothing is wrong with it.
///
/// # Panics
///
/// When a file is refused without a word, or what is generated for one that is right is not Rust.
pub fn idl(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut run = Compilation::new();
    match run.module_from_text("fuzz.idl", &text) {
        Some(module) => {
            run.rust("fuzz.idl", &module).expect("what is generated is Rust");
        }
        None => assert!(run.diagnostics().has_errors(), "refused without a word"),
    }
    // The picture is made of places in the file, which must be there.
    let _drawn = run.drawn(idlc::diagnostic::Colour::Never);
    idlc::fix::mend("fuzz.idl", &text);
}

/// Rust items, as the macros get them. A compiler lets through what is Rust, and no more can be told.
pub fn rust_items(data: &[u8]) {
    let Ok(tokens) = TokenStream::from_str(&String::from_utf8_lossy(data)) else { return };
    idlc::front::rust::expand_interface(TokenStream::new(), tokens.clone());
    idlc::front::rust::expand_interface(tokens.clone(), tokens.clone());
    idlc::front::rust::expand_derive(tokens);
}

/// Values of generated types. The first byte says which type.
///
/// # Panics
///
/// When a value that was decoded cannot be encoded, or does not come back as it was.
pub fn values(data: &[u8]) {
    let Some((which, bytes)) = data.split_first() else { return };
    match which % 12 {
        0 => trip::make::<api::Entry>(bytes),
        1 => trip::make::<api::Rect>(bytes),
        2 => trip::make::<api::Vertex>(bytes),
        3 => trip::make::<api::Tree>(bytes),
        4 => trip::make::<api::Colour>(bytes),
        5 => trip::make::<api::Level>(bytes),
        6 => trip::make::<api::Wide>(bytes),
        7 => trip::make::<api::Answer>(bytes),
        8 => trip::make::<api::Failure>(bytes),
        9 => trip::make::<api::Closed>(bytes),
        10 => trip::make::<Vec<api::Entry>>(bytes),
        _ => trip::make::<(Option<api::Tree>, String, Vec<u8>)>(bytes),
    }
}

/// What hostile peers send to the two ends of a stream. The first byte says to which: answers with items,
/// errors and ends to whoever takes the items, and questions to whoever makes them.
///
/// # Panics
///
/// When an answer brings more than was asked for, or takes more memory than came; or when somebody
/// who asks is given more than one answer may hold.
pub fn streams(data: &[u8]) {
    match data.split_first() {
        Some((which, answer)) if which % 2 == 0 => alpc_rpc::__fuzz::streams::answer(answer),
        Some((_, questions)) => alpc_rpc::__fuzz::streams::questions(questions),
        None => {}
    }
}

/// Runs a target for each file that the arguments name.
///
/// # Errors
///
/// When a file cannot be read.
pub fn replay(target: fn(&[u8])) -> std::io::Result<()> {
    for file in std::env::args_os().skip(1) {
        target(&std::fs::read(file)?);
    }
    Ok(())
}
