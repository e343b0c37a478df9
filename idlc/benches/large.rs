//! What large files cost: 4,000 methods, and a mebibyte of garbage.
//!
//! `cargo bench -p idlc --bench large` prints figures; the aims are half a second to check 4,000
//! methods, two to write Rust for them, and one for whatever garbage.

use std::time::Instant;

use idlc::compile::Compilation;
use idlc::diagnostic::Colour;

/// Forty interfaces of a hundred methods, with the types they use.
fn four_thousand_methods() -> String {
    let mut text = String::from("//! Large.\nmodule acme.large;\n");
    for unit in 0..40 {
        text += &format!(
            "/// A record.\n\
             struct Entry{unit} {{ key: string<1..=256>, version: u64 = 1, [added(1.1)] note: u64? }}\n\
             enum Mode{unit} : u16 {{ Fast = 1, Slow, Careful }}\n\
             error Error{unit} {{\n/// no such key\nNotFound = 1, Big {{ limit: u64 }} = 2 }}\n\
             /// Methods.\n[version(1.1)]\ninterface Unit{unit} {{\n"
        );
        for method in 0..100 {
            text += &format!(
                "/// Reads a value that has been put there before.\n\
                 [idempotent, timeout(250ms)]\n\
                 fn method_{method}(key: string<1..=256>, offset: u64, entry: Entry{unit}, \
                 mode: Mode{unit}, all: list<Entry{unit}, ..=1000>, [out] buf: bytes<..=64MiB>) \
                 -> u64 raises Error{unit};\n"
            );
        }
        text.push_str("}\n");
    }
    text
}

/// Files of about a mebibyte that somebody might feed to a compiler.
fn garbage() -> Vec<(&'static str, String)> {
    const MEBIBYTE: usize = 1 << 20;
    let repeat = |head: &str, piece: &str| head.to_owned() + &piece.repeat(MEBIBYTE / piece.len());
    let numbered = |head: &str, piece: &dyn Fn(usize) -> String| {
        let mut text = head.to_owned();
        for number in 0.. {
            if text.len() > MEBIBYTE {
                break;
            }
            text.push_str(&piece(number));
        }
        text
    };
    let methods = four_thousand_methods();
    vec![
        ("words", repeat("module m;\n", "struct { fn ( a u32 ; : , list < > interface enum = 1 ")),
        ("no semicolons", methods.replace(";\n", "\n")),
        ("types before names", methods.replace("key: string<1..=256>", "string key")),
        ("one line of slips", repeat("module m; struct A { ", "u32 key, ")),
        ("nothing closed", repeat("module m; ", "struct A { a: u32, ")),
        ("unknown types", numbered("module m; struct S { ", &|n| format!("f{n}: Type{n}, "))),
        (
            "constants in a row",
            numbered("module m;\n", &|n| format!("const C{n}: u32 = C{};\n", n + 1)),
        ),
        ("one name for all", repeat("module m;\n", "struct A { a: A }\n")),
        ("deep types", repeat("module m; struct S { a: ", "list<")),
        ("one expression", repeat("module m; const A: u32 = ", "1 + ")),
        ("open comments", repeat("module m;\n", "/* ")),
        ("attributes alone", repeat("module m;\n", "[a] ")),
        ("bytes", (0..MEBIBYTE).map(|n| char::from((n * 7919 % 251) as u8)).collect()),
    ]
}

fn timed<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = run();
    println!("{what:<24} {:>8.3} s", start.elapsed().as_secs_f64());
    result
}

fn main() {
    let text = four_thousand_methods();
    println!("{} methods, {} bytes", text.matches("fn method").count(), text.len());
    let mut run = Compilation::new();
    let module = timed("check", || run.module_from_text("large.idl", &text));
    let Some(module) = module else {
        println!("{}", run.drawn(Colour::Never));
        return;
    };
    let rust = timed("gen", || run.rust("large.idl", &module));
    println!("{} bytes of Rust", rust.map_or(0, |rust| rust.len()));
    timed("fmt", || idlc::fmt::format(&text).is_ok());
    for (what, text) in garbage() {
        timed(what, || {
            let mut run = Compilation::new();
            drop(run.module_from_text("garbage.idl", &text));
            run.drawn(Colour::Never).len()
        });
    }
}
