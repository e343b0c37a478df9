//! What people write who think in C or in Rust.

use super::Slip;
use crate::diagnostic::{Diagnostic, codes};
use crate::front::idl::grammar::Rule;
use crate::front::idl::scene::Scene;
use crate::front::idl::tokens::Kind;

/// What C calls a character: a pointer to one is a text.
const CHARACTERS: &[&str] = &["char", "wchar_t", "WCHAR", "CHAR", "OLECHAR", "TCHAR", "char16_t"];

/// What C calls a byte: a pointer to one is a buffer.
const BYTES: &[&str] = &["void", "BYTE", "byte", "UCHAR", "uchar", "uint8_t", "VOID"];

/// `const wchar_t *name`, `BYTE* data`: what C has no types of its own for.
pub(super) fn text_pointer(scene: &Scene<'_>) -> Option<Slip> {
    // `BYTE* data` surprises at `*`, `const char*` at `char`.
    let star = (0..=1).find(|&at| scene.word(at) == "*")?;
    let element = scene.word(star - 1);
    let ours = match element {
        _ if CHARACTERS.contains(&element) => "string",
        _ if BYTES.contains(&element) => "bytes",
        _ => return None,
    };
    let mut first = star - 1;
    while matches!(scene.word(first - 1), "const" | "unsigned" | "signed" | "struct") {
        first -= 1;
    }
    let mut name = star + 1;
    while matches!(scene.word(name), "const" | "*" | "restrict") {
        name += 1;
    }
    if scene.kind(name) != Some(Kind::Word) {
        return None;
    }
    let place = scene.at(first, name);
    let message = match ours {
        "string" => "in C a pointer to characters is a text; here text is a type",
        _ => "in C a pointer to bytes is a buffer; here a buffer is a type",
    };
    let told = Diagnostic::error(codes::FOREIGN, message, scene.span(place.clone()))
        .label("a value carries its length, so no other parameter does");
    let written = format!("{}: {ours}", scene.word(name));
    Some(Slip::fixed(scene, told, &format!("write `{written}`"), place, written))
}

/// `&self`, `&mut self`, `self`
pub(super) fn receiver(scene: &Scene<'_>) -> Option<Slip> {
    let first = (-2..=0).find(|&at| scene.word(at - 1) == "(")?;
    let mut last = first;
    while matches!(scene.word(last), "&" | "mut") {
        last += 1;
    }
    if scene.word(last) != "self" || !matches!(scene.word(last + 1), "," | ")") {
        return None;
    }
    let end = if scene.word(last + 1) == "," { last + 1 } else { last };
    let place = scene.at(first, end);
    let message = "a method here does not name what it is called on";
    let told = Diagnostic::error(codes::FOREIGN, message, scene.span(scene.at(first, last)))
        .label("it goes without saying");
    Some(Slip::fixed(scene, told, "remove it", place, ""))
}

/// `unsigned int x`, `long long y`
pub(super) fn words_of_c(scene: &Scene<'_>) -> Option<Slip> {
    const WORDS: &[&str] = &["unsigned", "signed", "long", "short", "int", "char", "double"];
    let is_word = |at: isize| WORDS.contains(&scene.word(at));
    let mut first = 0;
    while is_word(first - 1) {
        first -= 1;
    }
    let mut name = first;
    while is_word(name) {
        name += 1;
    }
    let words: Vec<&str> = (first..name).map(|at| scene.word(at)).collect();
    if words.len() < 2 || scene.kind(name) != Some(Kind::Word) {
        return None;
    }
    let has = |word: &str| words.contains(&word);
    let signed = !has("unsigned");
    let ours = match words.iter().filter(|&&word| word == "long").count() {
        _ if has("double") => "f64",
        _ if has("char") => {
            if signed {
                "i8"
            } else {
                "u8"
            }
        }
        _ if has("short") => {
            if signed {
                "i16"
            } else {
                "u16"
            }
        }
        2 => {
            if signed {
                "i64"
            } else {
                "u64"
            }
        }
        _ => {
            if signed {
                "i32"
            } else {
                "u32"
            }
        }
    };
    let place = scene.at(first, name);
    let message = format!("`{}` is a type of C", words.join(" "));
    let told = Diagnostic::error(codes::FOREIGN, message, scene.span(scene.at(first, name - 1)))
        .label("types here say how wide they are");
    let written = format!("{}: {ours}", scene.word(name));
    // How wide a `long` is depends on the system.
    let how = format!("write `{written}`");
    Some(match has("long") && !words.starts_with(&["long", "long"]) {
        true => Slip::guessed(scene, told, &how, place, written),
        false => Slip::fixed(scene, told, &how, place, written),
    })
}

/// `fn f() returns (u32)`
pub(super) fn returns(scene: &Scene<'_>) -> Option<Slip> {
    let is_word = matches!(scene.word(0), "returns" | "return");
    if !is_word || !scene.expects(&[Rule::semi, Rule::arrow, Rule::results]) {
        return None;
    }
    let message = format!("results stand behind `->`, not `{}`", scene.word(0));
    let told = Diagnostic::error(codes::FOREIGN, message, scene.here())
        .label("not a word of this language");
    Some(Slip::fixed(scene, told, "write `->`", scene.at(0, 0), "->"))
}

/// `fn f() oneway;`
pub(super) fn attribute_behind(scene: &Scene<'_>) -> Option<Slip> {
    const ATTRIBUTES: &[&str] = &["oneway", "idempotent", "async", "const"];
    if !ATTRIBUTES.contains(&scene.word(0)) || !scene.expects(&[Rule::semi]) {
        return None;
    }
    let word = scene.word(0);
    let message = format!("`{word}` does not stand behind a method");
    let told = Diagnostic::error(codes::FOREIGN, message, scene.here());
    let told = match word {
        "oneway" | "idempotent" => told
            .label("attributes stand in front, in brackets")
            .help(format!("write `[{word}]` before `fn`")),
        _ => told.label("not used in this language"),
    };
    Some(Slip::patched(told, scene.gap().start..scene.at(0, 0).end, ""))
}
