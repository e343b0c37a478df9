//! What the compiler says about `.idl` files.
//!
//! Each file in `refused` is a mistake, named by the file, with what is said about it beside it.
//! Each in `accepted` must be read without a word. `UPDATE_EXPECT=1` writes the texts anew.

#![cfg(feature = "grammar")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use idlc::compile::Compilation;
use idlc::diagnostic::{Colour, codes};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn idl_files(name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|ext| ext == "idl")).collect();
    files.sort();
    files
}

fn compile(path: &Path) -> (bool, Compilation) {
    let mut run = Compilation::new();
    let name = path.file_name().unwrap().to_str().unwrap();
    let complete = run.module_from_text(name, &fs::read_to_string(path).unwrap()).is_some();
    (complete, run)
}

#[test]
fn refused_files_are_told_what_is_wrong() {
    for path in idl_files("refused") {
        let (complete, run) = compile(&path);
        assert!(!complete, "{} is accepted", path.display());
        expect_test::expect_file![path.with_extension("txt")].assert_eq(&run.drawn(Colour::Never));
    }
}

#[test]
fn accepted_files_become_rust_without_a_word() {
    for path in idl_files("accepted") {
        let mut run = Compilation::new();
        let module = run.module(&path);
        assert!(run.diagnostics().is_empty(), "{}", run.drawn(Colour::Never));
        run.rust("accepted.idl", &module.unwrap()).unwrap();
    }
}

/// A file of many interfaces in a row is refused before anything walks all of it from each of them.
#[test]
fn what_one_interface_inherits_from_has_a_limit() {
    let chain = |len: u32| {
        let mut text = String::from("module a;\ninterface I0 {}\n");
        for at in 1..=len {
            text += &format!("interface I{at} : I{} {{ fn f{at}(); }}\n", at - 1);
        }
        let mut run = Compilation::new();
        (run.module_from_text("chain.idl", &text).is_some(), run)
    };
    assert!(chain(64).0);
    let (complete, run) = chain(5_000);
    assert!(!complete);
    assert!(run.diagnostics().sorted().iter().any(|told| told.code == codes::NESTED_TOO_DEEPLY));
}

#[test]
fn five_mistakes_are_five_errors() {
    let (_, run) = compile(&folder("refused").join("five_mistakes.idl"));
    let codes: Vec<_> = run.lines().map(|(found, _)| found.code).collect();
    assert_eq!(codes, ["E0004", "E0008", "E0017", "E0009", "E0101"]);
}

#[test]
fn every_code_has_a_case() {
    // These need a file that is no text, or none, or more mistakes than a case should have; or are
    // told of traits alone.
    let elsewhere = [codes::NOT_UTF8, codes::UNREADABLE, codes::TOO_MANY_ERRORS, codes::NOT_YET];
    let mut missing: BTreeSet<&str> = codes::ALL.iter().map(|(code, _)| *code).collect();
    missing.retain(|code| !elsewhere.contains(code));
    for path in idl_files("refused") {
        let (_, run) = compile(&path);
        for (found, _) in run.lines() {
            missing.remove(found.code);
        }
    }
    assert!(missing.is_empty(), "no case for {missing:?}");
}

mod hostile {
    //! Files from somebody who means harm, or from a disk that has failed: whatever they hold, the
    //! compiler ends, and says something unless all is well.

    use std::sync::LazyLock;

    use super::*;
    use proptest::prelude::*;

    /// Compiles and draws `text`. That this returns is what is shown.
    fn survives(text: &str) {
        let mut run = Compilation::new();
        let complete = run.module_from_text("hostile.idl", text).is_some();
        let drawn = run.drawn(Colour::Always);
        assert_eq!(complete, !run.diagnostics().has_errors());
        assert_eq!(drawn.is_empty(), run.diagnostics().is_empty());
        assert_eq!(run.json().count(), run.lines().count());
        assert_eq!(run.github().count(), run.lines().count());
    }

    /// Every case of this test, as material to spoil.
    fn corpus() -> &'static [String] {
        static CORPUS: LazyLock<Vec<String>> = LazyLock::new(|| {
            let files = idl_files("accepted").into_iter().chain(idl_files("refused"));
            files.map(|path| fs::read_to_string(path).unwrap()).collect()
        });
        &CORPUS
    }

    const PIECES: &[&str] = &[
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "<",
        ">",
        ";",
        ",",
        ":",
        "=",
        "?",
        "->",
        "..=",
        "..",
        "\"",
        "b\"",
        "\\",
        "/*",
        "*/",
        "//",
        "///",
        "//!",
        "/** */",
        "\n",
        "\r",
        " ",
        "-",
        "*",
        "&",
        "|",
        "#",
        "@",
        "é",
        "\u{FEFF}",
        "\0",
        "0",
        "0x",
        "64MB",
        "1.0.2",
        "1e9",
        "5s",
        "fn ",
        "struct ",
        "enum X",
        "error E {",
        "interface I {",
        "module m;",
        "const ",
        "type T = ",
        "reserved ",
        "raises ",
        "list<",
        "map<",
        "u8",
        "u32 key",
        "Vec<u8>",
        "uuid(",
        "version(",
        "[out] ",
        "- >",
    ];

    fn spoil(text: &str, changes: &[(prop::sample::Index, usize, usize)]) -> String {
        let mut chars: Vec<char> = text.chars().collect();
        for (place, piece, removed) in changes {
            let at = place.index(chars.len() + 1);
            let end = (at + removed).min(chars.len());
            let piece = PIECES.get(*piece).map_or("", |piece| *piece);
            chars.splice(at..end, piece.chars());
        }
        chars.into_iter().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn spoiled_files_are_survived(
            file in any::<prop::sample::Index>(),
            changes in prop::collection::vec(
                (any::<prop::sample::Index>(), 0..PIECES.len() + 20, 0usize..12),
                1..6,
            ),
        ) {
            let file: &String = file.get(corpus());
            survives(&spoil(file, &changes));
        }

        /// What is mended has nothing left to mend.
        #[test]
        fn mending_comes_to_an_end(
            file in any::<prop::sample::Index>(),
            changes in prop::collection::vec(
                (any::<prop::sample::Index>(), 0..PIECES.len() + 20, 0usize..12),
                1..3,
            ),
        ) {
            let file: &String = file.get(corpus());
            let mended = idlc::fix::mend("hostile.idl", &spoil(file, &changes));
            assert_eq!(idlc::fix::mend("hostile.idl", &mended.text).changes, 0);
        }

        #[test]
        fn heaps_of_pieces_are_survived(pieces in prop::collection::vec(0..PIECES.len(), 0..200)) {
            let text: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
            survives(&text);
        }

        #[test]
        fn arbitrary_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            survives(&String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn long_files_end() {
        for piece in PIECES {
            survives(&piece.repeat(2_000));
            survives(&format!("module m;\nstruct A {{\n{}", piece.repeat(2_000)));
            survives(&format!("module m;\ninterface A {{ fn f({}); }}", piece.repeat(2_000)));
            survives(&format!("module m;\nconst A: u32 = 1{};", piece.repeat(2_000)));
        }
    }

    #[test]
    fn many_mistakes_in_one_declaration_end() {
        survives(&format!("module m;\nstruct A {{\n{}}}", "u32 key,\n".repeat(2_000)));
        survives(&format!("module m;\n{}", "struct A { u32 key, }\n".repeat(2_000)));
        survives(&format!("module m;\nstruct A {{ {} }}", "a: list<,,>, ".repeat(2_000)));
    }
}
