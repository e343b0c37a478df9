//! What the crates promise to be: who depends on whom, where `unsafe` may stand, and how files begin.
//!
//! Whoever needs an arrow that is not in the lists here adds it to them; that line is where it is discussed.

mod sources;

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use sources::{Source, root};

/// What each package may depend on: to run, to be built, and for its tests.
struct Arrows {
    package: &'static str,
    normal: &'static [&'static str],
    build: &'static [&'static str],
    dev: &'static [&'static str],
}

const ARROWS: &[Arrows] = &[
    Arrows {
        package: "alpc-transport",
        normal: &["interprocess", "libc", "loom", "memmap2", "rustix"],
        build: &[],
        dev: &["expect-test", "proptest"],
    },
    Arrows {
        package: "alpc-contract",
        normal: &["hmac-sha256"],
        build: &[],
        dev: &["expect-test", "proptest"],
    },
    Arrows {
        package: "alpc-rpc",
        normal: &[
            "alpc-contract",
            "alpc-rpc-macros",
            "alpc-transport",
            "futures-core",
            "postcard",
            "serde",
            "tokio",
            "uuid",
        ],
        build: &[],
        dev: &["expect-test", "proptest", "serde", "serde_json"],
    },
    Arrows {
        package: "alpc-rpc-macros",
        // It needs syn, quote and proc-macro2 as idlc re-exports nothing of them, if at all.
        normal: &["idlc", "proc-macro2", "quote", "syn"],
        build: &[],
        // Its documentation's examples run with the runtime.
        dev: &["alpc-rpc", "trybuild"],
    },
    Arrows {
        package: "idlc",
        normal: &[
            "alpc-contract",
            "annotate-snippets",
            "hmac-sha256",
            "pest",
            "pest_derive",
            "prettyplease",
            "proc-macro2",
            "quote",
            "syn",
        ],
        build: &[],
        dev: &["expect-test", "proptest", "serde_json"],
    },
    Arrows {
        package: "alpc-examples",
        normal: &["alpc-rpc", "hmac-sha256", "rustix", "serde_json", "signal-hook"],
        build: &["idlc"],
        dev: &["expect-test"],
    },
    Arrows {
        package: "alpc-tests",
        normal: &["alpc-rpc", "expect-test", "rustix"],
        build: &["idlc"],
        dev: &["alpc-contract", "idlc", "proc-macro2", "serde_json", "tokio"],
    },
];

/// Only these may be in a package's features from its neighbours: with the grammar, whoever uses the macro
/// would build a parser that nobody calls.
const WITH_GRAMMAR: &[&str] = &["alpc-examples", "alpc-tests"];

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs, since it runs this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    metadata["packages"].as_array().expect("a list of packages").clone()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

#[test]
fn packages_depend_on_nothing_but_what_is_listed() {
    let mut faults = Vec::new();
    for package in packages() {
        let name = text(&package, "name");
        let Some(arrows) = ARROWS.iter().find(|arrows| arrows.package == name) else {
            faults.push(format!("`{name}` is not in the list of packages"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let (kind, allowed) = match text(dependency, "kind") {
                "build" => ("build", arrows.build),
                "dev" => ("dev", arrows.dev),
                _ => ("normal", arrows.normal),
            };
            let on = text(dependency, "name");
            if !allowed.contains(&on) {
                faults.push(format!("`{name}` depends on `{on}` ({kind}), which is not listed"));
            }
            if on == "loom" && text(dependency, "target") != "cfg(loom)" {
                faults.push(format!("`{name}` depends on loom outside of its tests"));
            }
            let features = dependency["features"].as_array().into_iter().flatten();
            let grammar = dependency["uses_default_features"] == Value::Bool(true)
                || features.clone().any(|feature| feature == "grammar");
            if on == "idlc" && grammar && !WITH_GRAMMAR.contains(&name) {
                faults.push(format!("`{name}` builds the grammar of `.idl` files"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// In `alpc-rpc`: parts that turn values to bytes and back, which know of no ports.
const DATA: &[&str] = &["bound", "contract", "decode", "descriptor", "encode", "record"];

#[test]
fn modules_know_nothing_of_those_above_them() {
    let mut faults = Vec::new();
    for source in sources::all() {
        let path = source.path.as_str();
        let mut forbid = |words: &[&str], why: &str| {
            let names = source.idents();
            for word in words.iter().filter(|word| names.contains(**word)) {
                faults.push(format!("{path} names `{word}`: {why}"));
            }
        };
        let inside = path.strip_prefix("alpc-rpc/src/").unwrap_or_default();
        let module = inside.split(['/', '.']).next().unwrap_or_default();
        if DATA.contains(&module) {
            forbid(&["alpc_transport", "client", "server"], "bytes are all that it sees");
        }
        if !path.starts_with("transport/")
            && !path.starts_with("tests/")
            && !path.starts_with("examples/")
        {
            forbid(&["libc", "rustix", "memmap2", "interprocess"], "the system is the transport's");
        }
        if path.starts_with("transport/src/") && !path.starts_with("transport/src/sys") {
            forbid(&["linux"], "a system is named in `sys` alone");
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn unsafe_code_is_the_transports_alone() {
    let mut faults = Vec::new();
    for source in sources::all() {
        if source.path.starts_with("transport/") {
            continue;
        }
        if source.idents().contains("unsafe") {
            faults.push(format!("{} has `unsafe` in it", source.path));
        }
        let program = source.path.split_once("/src/bin/").map(|(_, file)| file);
        // The folder beside a program has its modules, for which it speaks.
        let is_root =
            source.path.ends_with("/src/lib.rs") || program.is_some_and(|file| !file.contains('/'));
        if is_root && !source.text.contains("#![forbid(unsafe_code)]") {
            faults.push(format!("{} does not forbid unsafe code", source.path));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_operating_system_is_asked_for_in_one_place() {
    let os = ["target_os", "target_family", "unix", "windows"];
    let mut faults = Vec::new();
    for source in
        sources::all().iter().filter(|source| !source.path.starts_with("transport/src/sys"))
    {
        let asked: Vec<String> = source
            .conditions()
            .into_iter()
            .filter(|condition| {
                os.iter().any(|os| {
                    condition
                        .split(|c: char| !c.is_alphanumeric() && c != '_')
                        .any(|word| word == *os)
                })
            })
            .collect();
        // The one place that says which systems there are.
        let said = source.path == "transport/src/lib.rs"
            && source.text.contains("#[cfg(not(target_os = \"linux\"))]\ncompile_error!");
        if asked.len() > usize::from(said) {
            faults.push(format!("{}: {asked:?}", source.path));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_file_says_why_it_exists() {
    let sources = sources::all();
    // What stands in other files cannot document a module, and says it in a plain comment.
    let is_included = |path: &str| {
        let include = format!("include!(\"{}\")", path.rsplit('/').next().unwrap_or(path));
        sources.iter().any(|source| source.text.contains(&include))
    };
    let faults: Vec<_> = sources
        .iter()
        // Tests of one module need no introduction.
        .filter(|source| !source.path.ends_with("/tests.rs") && !source.text.starts_with("//!"))
        .filter(|source| !(source.text.starts_with("// ") && is_included(&source.path)))
        .map(|source| &source.path)
        .collect();
    assert!(faults.is_empty(), "no module documentation: {faults:#?}");
}

#[test]
fn files_are_of_a_length_that_can_be_read() {
    const LONG: usize = 500;
    const TOO_LONG: usize = 700;
    let lengths =
        sources::all().into_iter().map(|source| (source.text.lines().count(), source.path));
    let long: BTreeSet<_> = lengths.filter(|(lines, _)| *lines > LONG).collect();
    for (lines, path) in &long {
        println!("warning: {path} has {lines} lines");
    }
    let too_long: Vec<_> = long.iter().filter(|(lines, _)| *lines > TOO_LONG).collect();
    assert!(too_long.is_empty(), "{too_long:#?}");
}

#[test]
fn generated_code_is_safe() {
    let files = sources::generated();
    assert!(files.len() >= 5, "{files:#?}");
    for source in files {
        assert!(!source.idents().contains("unsafe"), "`unsafe` in the Rust for {}", source.path);
    }
}

#[test]
fn nothing_outside_the_repository_is_named() {
    // In two parts, so that this file does not name them either.
    let outside =
        [["/wo", "rk/"], ["../", "shared"], ["/tmp/", "contract"]].map(|parts| parts.concat());
    let mut faults = Vec::new();
    for Source { path, text } in sources::every_text() {
        for (line, at) in text.lines().zip(1..) {
            if outside.iter().any(|outside| line.contains(outside.as_str())) {
                faults.push(format!("{path}:{at}: {line}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
