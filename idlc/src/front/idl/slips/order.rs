//! Slips in the order of name, type and attributes.

use super::Slip;
use crate::diagnostic::{Diagnostic, codes};
use crate::front::idl::grammar::{self, Rule};
use crate::front::idl::scene::{Around, Scene};
use crate::front::idl::tokens::Kind;
use crate::ir::IntKind;

/// `out buf: bytes`
pub(super) fn direction_without_brackets(scene: &Scene<'_>) -> Option<Slip> {
    const MODIFIERS: &[&str] = &[
        "in", "out", "inout", "view", "raw", "oneway", "final", "const", "mut", "optional",
        "required", "pub", "public", "private", "readonly", "mutable",
    ];
    const SAY_NOTHING: &[&str] = &[
        "const", "mut", "optional", "required", "pub", "public", "private", "readonly", "mutable",
    ];
    // `out` is taken for a name before `buf` surprises; `oneway` before `fn` surprises itself.
    let at = if starts_declaration(scene.word(1)) { 0 } else { -1 };
    let word = scene.word(at);
    let known = MODIFIERS.contains(&word) && scene.kind(at + 1) == Some(Kind::Word);
    // `required string name`
    let before_type = SAY_NOTHING.contains(&word) && scene.kind(at + 2) == Some(Kind::Word);
    // `pub struct` is a word before a declaration: `declarations` knows those.
    let is_visibility = at == 0 && matches!(word, "pub" | "public" | "private");
    if !known
        || is_visibility
        || at == -1 && !before_type && !matches!(scene.word(1), ":" | "(" | "{")
    {
        return None;
    }
    let place = scene.at(at, at);
    let written = match word {
        "inout" => "[in, out]".to_owned(),
        word if SAY_NOTHING.contains(&word) => String::new(),
        _ => format!("[{word}]"),
    };
    let message = format!("`{word}` is not a word before a name");
    let told = Diagnostic::error(codes::FOREIGN, message, scene.span(place.clone()));
    if written.is_empty() {
        let told = match word {
            "optional" => {
                told.label("not used in this language").help("a value that may be missing is `T?`")
            }
            _ => told.label("not used in this language"),
        };
        let with_blank = place.start..scene.at(at + 1, at + 1).start;
        return Some(Slip::fixed(scene, told, "remove it", with_blank, ""));
    }
    let told = told.label("attributes stand in brackets");
    Some(Slip::fixed(scene, told, &format!("write `{written}`"), place, written))
}

fn starts_declaration(word: &str) -> bool {
    matches!(word, "fn" | "struct" | "enum" | "union" | "error")
}

/// `buf: [out] bytes`
pub(super) fn attribute_behind_colon(scene: &Scene<'_>) -> Option<Slip> {
    const ON_VALUES: &[&str] = &["in", "out", "view", "raw"];
    // The grammar takes `[out` for the beginning of an array type.
    let open = scene.opened_before(scene.stop);
    let open = *open.last().filter(|&&open| scene.tokens.word(open) == "[")?;
    let close = scene.partner(open)?;
    let name = open.checked_sub(2)?;
    let is_type = scene.tokens.word(open - 1) == ":";
    let attributes = scene.text(scene.tokens.at(open).start..scene.tokens.at(close).end);
    let known = (open + 1..close).all(|index| {
        ON_VALUES.contains(&scene.tokens.word(index)) || scene.tokens.word(index) == ","
    });
    if !is_type || !known || close == open + 1 {
        return None;
    }
    let place = scene.tokens.at(name).start..scene.tokens.at(close).end;
    let message = "attributes stand before the name";
    let span = scene.span(scene.tokens.at(open).start..place.end);
    let told = Diagnostic::error(codes::C_ORDER, message, span).label("found behind it");
    let written = format!("{attributes} {}:", scene.tokens.word(name));
    Some(Slip::fixed(scene, told, "put them in front", place, written))
}

/// `key u32`
pub(super) fn missing_colon(scene: &Scene<'_>) -> Option<Slip> {
    let is_built_in = |word: &str| {
        matches!(word, "bool" | "f32" | "f64" | "string" | "bytes" | "list" | "map")
            || IntKind::from_name(word).is_some()
    };
    let words = scene.kind(-1) == Some(Kind::Word) && scene.kind(0) == Some(Kind::Word);
    let fitting = is_built_in(scene.word(0)) && !is_built_in(scene.word(-1));
    if !words || !fitting || scene.leads_line(0) || !scene.expects(&[Rule::colon]) {
        return None;
    }
    let told = Diagnostic::error(codes::MISSING_SEPARATOR, "missing `:`", scene.span(scene.gap()))
        .label("stands between name and type");
    Some(Slip::fixed(scene, told, "add the `:`", scene.gap(), ":"))
}

/// `u32 key`, `u8 data[16]`
pub(super) fn c_order(scene: &Scene<'_>) -> Option<Slip> {
    if !scene.expects(&[Rule::colon, Rule::equals, Rule::comma, Rule::fields, Rule::positional]) {
        return None;
    }
    let open = scene.opened_before(scene.stop);
    // A failure at `<` is inside of what may be the type.
    let first = first_of_entry(scene, &open)?;
    let text = scene.text(scene.tokens.at(first).start..scene.tokens.text().len());
    let (rule, len) = match grammar::takes(Rule::c_array, text) {
        Some(len) => (Rule::c_array, len),
        None => (Rule::c_order, grammar::takes(Rule::c_order, text)?),
    };
    let start = scene.tokens.at(first).start;
    let end = start + len;
    let next = scene.tokens.index_at(end);
    let next_is_fitting = matches!(scene.tokens.word(next), "," | ";" | ")" | "}" | "=" | "");
    if !next_is_fitting || scene.stop < first || scene.tokens.word(first) == "reserved" {
        return None;
    }
    let (ty, name, written) = match rule {
        Rule::c_array => array(scene, first, next)?,
        _ => {
            let name = scene.tokens.at(next - 1);
            let ty = start..scene.tokens.at(next - 2).end;
            let text = |place: &Place| scene.text(place.clone());
            let written = format!("{}: {}", text(&name), text(&ty));
            (ty, name, written)
        }
    };
    let message = "the type stands before the name";
    let told = Diagnostic::error(codes::C_ORDER, message, scene.span(ty))
        .label("a type")
        .also(scene.span(name), "and its name");
    Some(Slip::fixed(scene, told, "turn them round", start..end, written))
}

type Place = std::ops::Range<usize>;

/// `u8 data[16]`, from the token `first` to the one before `next`: type, name, and how to write it.
fn array(scene: &Scene<'_>, first: usize, next: usize) -> Option<(Place, Place, String)> {
    let open = (first..next).rev().find(|&index| scene.partner(index) == Some(next - 1))?;
    let at = |index: usize| scene.tokens.at(index);
    let text = |place: Place| scene.text(place);
    let ty = at(first).start..at(open.checked_sub(2)?).end;
    let name = at(open - 1);
    let count = text(at(open).end..at(next - 1).start).trim();
    let (element, name_text) = (text(ty.clone()), text(name.clone()));
    let written = match count {
        "" => format!("{name_text}: list<{element}>"),
        _ => format!("{name_text}: [{element}; {count}]"),
    };
    Some((ty, name, written))
}

/// The first token of the entry around the stop that is neither documentation nor attribute.
fn first_of_entry(scene: &Scene<'_>, open: &[usize]) -> Option<usize> {
    if !matches!(scene.around(open), Around::Body | Around::Params | Around::Inside) {
        return None;
    }
    let entry = scene.entry();
    let mut first = entry.start;
    while first < entry.end {
        match scene.tokens.kind(first)? {
            Kind::Doc => first += 1,
            Kind::Open if scene.tokens.word(first) == "[" => first = scene.partner(first)? + 1,
            _ => break,
        }
    }
    (first < entry.end).then_some(first)
}

/// `u8[]`, `u8[16]`, `[u8]` and `&[u8]` as types.
pub(super) fn brackets_behind_type(scene: &Scene<'_>) -> Option<Slip> {
    let text = |place: Place| scene.text(place);
    let at = |index: usize| scene.tokens.at(index);
    let (place, inner, count) = match (scene.word(0), scene.word(-1)) {
        // `name: u8[..]`
        ("[", _) if scene.kind(-1) == Some(Kind::Word) && !scene.leads_line(0) => {
            if !matches!(scene.word(-2), ":" | "<" | "," | "->" | "(") {
                return None;
            }
            let close = scene.partner(scene.stop)?;
            let place = scene.at(-1, -1).start..at(close).end;
            (place, scene.word(-1), text(at(scene.stop).end..at(close).start).trim())
        }
        // `[u8]`, where the grammar waits for `; N`
        ("]", _) if scene.expects(&[Rule::semi]) => {
            let open = *scene.opened_before(scene.stop).last()?;
            let inner = text(at(open).end..at(scene.stop).start).trim();
            (at(open).start..at(scene.stop).end, inner, "")
        }
        _ => return None,
    };
    let written = match (count, inner) {
        ("", "u8") => "bytes".to_owned(),
        ("", _) => format!("list<{inner}>"),
        _ => format!("[{inner}; {count}]"),
    };
    let found = text(place.clone());
    let message = format!("`{found}` is not a type");
    let told = Diagnostic::error(codes::FOREIGN, message, scene.span(place.clone()))
        .label("a list is `list<T>`, an array of fixed length `[T; N]`");
    Some(Slip::fixed(scene, told, &format!("write `{written}`"), place, written))
}

/// `-> count: u32`
pub(super) fn single_named_result(scene: &Scene<'_>) -> Option<Slip> {
    if scene.word(0) != ":" || scene.kind(-1) != Some(Kind::Word) {
        return None;
    }
    let arrow = (2..10).find(|&back| scene.word(-back) == "->")?;
    let start = scene.at(1 - arrow, 0).start;
    let ty_start = scene.at(1, 1).start;
    let ty = grammar::takes(Rule::ty, scene.text(ty_start..scene.tokens.text().len()))?;
    let place = start..ty_start + ty;
    let written = format!("({})", scene.text(place.clone()));
    let message = "named results stand in parentheses";
    let told = Diagnostic::error(codes::UNEXPECTED, message, scene.span(place.clone()))
        .label("a named result");
    Some(Slip::fixed(scene, told, &format!("write `{written}`"), place, written))
}

/// `(T)`
pub(super) fn single_in_parentheses(scene: &Scene<'_>) -> Option<Slip> {
    if scene.word(0) != ")" || !scene.expects(&[Rule::comma]) {
        return None;
    }
    let opened = scene.opened_before(scene.stop);
    let open = *opened.last()?;
    let is_type = matches!(scene.tokens.word(open.checked_sub(1)?), ":" | "->" | "<" | "," | "=");
    if !is_type || scene.around(&opened) != Around::Inside {
        return None;
    }
    let place = scene.tokens.at(open).start..scene.at(0, 0).end;
    let inner = scene.text(place.start + 1..place.end - 1).trim().trim_end_matches(',');
    let message = "a tuple has two types or more";
    let told = Diagnostic::error(codes::UNEXPECTED, message, scene.span(place.clone()))
        .label("only one here");
    Some(Slip::fixed(scene, told, "write the type alone", place, inner))
}
