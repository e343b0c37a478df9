//! Slips in the words that begin and join declarations.

use super::Slip;
use crate::diagnostic::{Diagnostic, closest, codes};
use crate::front::idl::grammar::Rule;
use crate::front::idl::scene::{Around, Scene};
use crate::front::idl::tokens::Kind;

/// The words that begin a declaration, of a file or of an interface.
pub(super) const KEYWORDS: &[&str] = &[
    "module",
    "import",
    "use",
    "const",
    "type",
    "struct",
    "enum",
    "flags",
    "union",
    "error",
    "interface",
    "fn",
    "event",
    "reserved",
];

/// What other languages call ours.
const FOREIGN: &[(&str, &str)] = &[
    ("typedef", "type"),
    ("using", "type"),
    ("alias", "type"),
    ("namespace", "module"),
    ("package", "module"),
    ("library", "module"),
    ("record", "struct"),
    ("message", "struct"),
    ("class", "struct"),
    ("table", "struct"),
    ("dictionary", "struct"),
    ("parcelable", "struct"),
    ("enumeration", "enum"),
    ("bitflags", "flags"),
    ("bits", "flags"),
    ("oneof", "union"),
    ("variant", "union"),
    ("exception", "error"),
    ("service", "interface"),
    ("protocol", "interface"),
    ("trait", "interface"),
    ("coclass", "interface"),
    ("func", "fn"),
    ("function", "fn"),
    ("method", "fn"),
    ("rpc", "fn"),
    ("def", "fn"),
    ("signal", "event"),
    ("include", "import"),
];

/// `enum E { Red(u8) }`
pub(super) fn payload_in_enum(scene: &Scene<'_>) -> Option<Slip> {
    let body = *scene.opened_before(scene.stop).last()?;
    let is_enum = (1..=4).any(|back| {
        body.checked_sub(back).is_some_and(|at| matches!(scene.tokens.word(at), "enum" | "flags"))
    });
    if !is_enum || scene.kind(-1) != Some(Kind::Word) || !matches!(scene.word(0), "(" | "{") {
        return None;
    }
    let close = scene.partner(scene.stop)?;
    let place = scene.at(0, 0).start..scene.tokens.at(close).end;
    let message = "the members of an enum are numbers, and carry nothing";
    let told = Diagnostic::error(codes::UNEXPECTED, message, scene.span(place.clone()))
        .label("a payload")
        .help("the variants of an `error` carry data");
    Some(Slip::patched(told, place, " "))
}

/// `fn f() { .. }`
pub(super) fn body_of_method(scene: &Scene<'_>) -> Option<Slip> {
    if scene.word(0) != "{" || !scene.expects(&[Rule::semi]) {
        return None;
    }
    let close = scene.partner(scene.stop)?;
    let place = scene.gap().start..scene.tokens.at(close).end;
    let told = Diagnostic::error(codes::UNEXPECTED, "a method has no body here", scene.here())
        .label("an interface says what can be called, not what then happens");
    // What stands in the body is of another language: it is not shown struck out.
    let mut changes = vec![(place, ";".into())];
    if scene.tokens.word(close + 1) == ";" {
        changes[0].0.end = scene.tokens.at(close + 1).end;
    }
    Some(Slip { diagnostic: told.help("end it with `;`"), changes })
}

/// `throws E`, `raises (E)`, `raises A, B`
pub(super) fn other_word_for_raises(scene: &Scene<'_>) -> Option<Slip> {
    let word = scene.word(0);
    if matches!(word, "throws" | "throw" | "errors") && scene.expects(&[Rule::semi, Rule::raises]) {
        let message = format!("errors are declared with `raises`, not `{word}`");
        let told = Diagnostic::error(codes::FOREIGN, message, scene.here())
            .label("not a word of this language");
        return Some(Slip::fixed(scene, told, "write `raises`", scene.at(0, 0), "raises"));
    }
    let several = matches!(word, "," | "|") && scene.word(-2) == "raises";
    let bracketed = word == "(" && scene.word(-1) == "raises";
    if !several && !bracketed {
        return None;
    }
    let message = "a method raises one error type";
    let told = Diagnostic::error(codes::BAD_RAISES, message, scene.here())
        .help("put the errors of the interface together in one `error` declaration");
    let told = told.label(if several { "another one" } else { "a list of them" });
    let end = (0..).find(|&at| matches!(scene.word(at), ";" | ""))?;
    if several {
        return Some(Slip::patched(told, scene.at(0, end - 1), " "));
    }
    let first = scene.kind(1).filter(|&kind| kind == Kind::Word).map(|_| scene.word(1))?;
    Some(Slip::patched(told, scene.at(0, end - 1), first))
}

/// `const A = 3;`
pub(super) fn constant_without_type(scene: &Scene<'_>) -> Option<Slip> {
    if scene.word(0) != "=" || scene.word(-2) != "const" {
        return None;
    }
    let guess = match (scene.kind(1), scene.word(1)) {
        (Some(Kind::Text), text) if text.starts_with('b') => "bytes",
        (Some(Kind::Text), _) => "string",
        (_, "true" | "false") => "bool",
        _ => "u32",
    };
    let told =
        Diagnostic::error(codes::UNEXPECTED, "a constant says its type", scene.span(scene.gap()))
            .label("expected `:` and a type");
    Some(Slip::guessed(scene, told, "add it", scene.gap(), format!(": {guess}")))
}

/// `HRESULT f(..)`, `void f(..)`, `u32 f(..)`
pub(super) fn result_type_for_fn(scene: &Scene<'_>) -> Option<Slip> {
    let shape = (scene.kind(0), scene.kind(1), scene.word(2));
    if shape != (Some(Kind::Word), Some(Kind::Word), "(") || !at_member(scene) {
        return None;
    }
    let word = scene.word(0);
    let is_foreign = FOREIGN.iter().any(|(foreign, _)| *foreign == word);
    if is_foreign || KEYWORDS.contains(&word) || closest(word, KEYWORDS.iter().copied()).is_some() {
        return None;
    }
    let told = Diagnostic::error(codes::FOREIGN, "a method begins with `fn`", scene.here());
    let told = match word {
        "HRESULT" => told
            .label("calls tell their failure by themselves")
            .help("errors of your own are declared with `error` and named behind `raises`"),
        "void" => told.label("a method without `->` answers nothing"),
        _ => told.label("results stand behind: `fn name(..) -> type;`"),
    };
    Some(Slip::guessed(scene, told, "write `fn`", scene.at(0, 0), "fn"))
}

/// `struct` inside of an interface.
pub(super) fn type_in_interface(scene: &Scene<'_>) -> Option<Slip> {
    let word = scene.word(0);
    let is_type =
        matches!(word, "type" | "struct" | "enum" | "flags" | "union" | "error" | "interface");
    if !is_type || scene.kind(1) != Some(Kind::Word) || !at_member(scene) {
        return None;
    }
    let message = "types are not declared inside of interfaces";
    let told = Diagnostic::error(codes::UNEXPECTED, message, scene.here())
        .label("expected `fn` or `const`")
        .help("move it out, in front of the interface");
    Some(Slip::patched(told, scene.place_of(&scene.entry()), " "))
}

fn at_member(scene: &Scene<'_>) -> bool {
    scene.expects(&[Rule::k_fn, Rule::interface_member, Rule::method, Rule::r_brace])
        && scene.around(&scene.opened_before(scene.stop)) == Around::Body
        && !scene.expects(&[Rule::comma, Rule::colon])
}

/// A keyword that is misspelled or another language's, where a declaration should begin.
pub(super) fn keyword(scene: &Scene<'_>) -> Option<Slip> {
    if scene.kind(0) != Some(Kind::Word) || scene.kind(1) != Some(Kind::Word) {
        return None;
    }
    let word = scene.word(0);
    let around = scene.around(&scene.opened_before(scene.stop));
    let candidates: &[&str] = match around {
        Around::Nothing if !scene.expects(&[Rule::semi]) => &KEYWORDS[..11],
        Around::Body if at_member(scene) => &["fn", "const", "event", "reserved"],
        _ => return None,
    };
    if matches!(word, "pub" | "public" | "private" | "async" | "virtual" | "abstract" | "extern") {
        let message = format!("`{word}` is not used in this language");
        let told = Diagnostic::error(codes::FOREIGN, message, scene.here());
        let with_blank = scene.at(0, 0).start..scene.at(1, 1).start;
        return Some(Slip::fixed(scene, told, "remove it", with_blank, ""));
    }
    let foreign = FOREIGN.iter().find(|(foreign, _)| *foreign == word).map(|(_, ours)| *ours);
    let ours = foreign.filter(|ours| candidates.contains(ours));
    let (ours, label) = match ours {
        Some(ours) => (ours, "a word of another language"),
        None => (closest(word, candidates.iter().copied())?, "not a declaration"),
    };
    let message = format!("`{word}` does not begin a declaration");
    let told = Diagnostic::error(codes::FOREIGN, message, scene.here()).label(label);
    let how = match foreign {
        Some(_) => format!("it is called `{ours}`"),
        None => format!("did you mean `{ours}`?"),
    };
    Some(Slip::guessed(scene, told, &how, scene.at(0, 0), ours))
}

/// `get(key: string);`
pub(super) fn method_without_fn(scene: &Scene<'_>) -> Option<Slip> {
    if scene.kind(0) != Some(Kind::Word) || scene.word(1) != "(" || !at_member(scene) {
        return None;
    }
    let told = Diagnostic::error(codes::UNEXPECTED, "a method begins with `fn`", scene.here())
        .label("the name of a method");
    let before = scene.at(0, 0).start..scene.at(0, 0).start;
    Some(Slip::fixed(scene, told, "add `fn`", before, "fn "))
}

/// `true: u32`, `1st: u32`
pub(super) fn name_that_is_a_literal(scene: &Scene<'_>) -> Option<Slip> {
    let is_literal =
        matches!(scene.word(0), "true" | "false") || scene.kind(0) == Some(Kind::Number);
    let declared = matches!(scene.word(1), ":" | "{" | "(" | "=");
    if !is_literal || !declared || !scene.expects(&[Rule::ident, Rule::field, Rule::param]) {
        return None;
    }
    let word = scene.word(0);
    let message = format!("`{word}` cannot be a name");
    let told = Diagnostic::error(codes::UNEXPECTED, message, scene.here())
        .label("names begin with a letter or `_`, and are not `true` or `false`");
    Some(Slip::patched(told, scene.at(0, 0), &format!("_{word}")))
}
