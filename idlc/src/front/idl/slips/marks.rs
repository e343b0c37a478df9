//! Slips in marks: split, doubled, missing, or another language's.

use super::Slip;
use crate::diagnostic::{Diagnostic, codes};
use crate::front::idl::grammar::Rule;
use crate::front::idl::scene::{Around, Scene};
use crate::front::idl::tokens::Kind;

/// `//!` elsewhere than at the top.
pub(super) fn misplaced_inner_doc(scene: &Scene<'_>) -> Option<Slip> {
    if scene.kind(0) != Some(Kind::InnerDoc) {
        return None;
    }
    let told = Diagnostic::error(codes::DANGLING_DOC, "`//!` does not belong here", scene.here())
        .label("documents the file, and stands at its top")
        .help("write `///` to document what follows");
    // All lines of it, as one mistake.
    let lines = (0..).take_while(|&line| scene.kind(line) == Some(Kind::InnerDoc)).count();
    Some(Slip::patched(told, scene.at(0, lines as isize - 1), " "))
}

/// Documentation or attributes with nothing behind them.
pub(super) fn dangling_decoration(scene: &Scene<'_>) -> Option<Slip> {
    if !matches!(scene.kind(0), None | Some(Kind::Close)) {
        return None;
    }
    let first = decoration_before(scene, scene.stop);
    if first == scene.stop {
        return None;
    }
    let place = scene.tokens.at(first).start..scene.at(-1, -1).end;
    let span = scene.span(place.clone());
    let told = match scene.kind(-1) {
        Some(Kind::Doc) => Diagnostic::error(codes::DANGLING_DOC, "this documents nothing", span)
            .label("nothing follows that it could be about")
            .help("write `//` for a comment"),
        _ => Diagnostic::error(codes::DANGLING_DOC, "these attributes belong to nothing", span)
            .label("nothing follows that they could be about"),
    };
    Some(Slip::patched(told, place, " "))
}

/// The first token of the documentation and attributes that end before the token at `end`; `end`
/// itself if there are none.
fn decoration_before(scene: &Scene<'_>, end: usize) -> usize {
    let outer = scene.opened_before(end);
    let mut first = end;
    while let Some(last) = first.checked_sub(1) {
        if scene.tokens.kind(last) == Some(Kind::Doc) {
            first = last;
            continue;
        }
        let open = match scene.tokens.word(last) {
            "]" => (0..last).rev().find(|&open| scene.partner(open) == Some(last)),
            _ => None,
        };
        let Some(open) = open else { break };
        let around = scene.around(&[&outer[..], &[open]].concat());
        if around != Around::Attributes {
            break;
        }
        first = open;
    }
    first
}

/// `#[attribute]`
pub(super) fn hash_attribute(scene: &Scene<'_>) -> Option<Slip> {
    let [hash, bracket] = [scene.word(0), scene.word(1)];
    if hash != "#" {
        return None;
    }
    let told = Diagnostic::error(codes::FOREIGN, "`#` is not used in this language", scene.here());
    let told = match bracket {
        "[" => told.label("attributes are written in brackets alone"),
        _ => told.label("there is no preprocessor"),
    };
    if bracket == "[" {
        return Some(Slip::fixed(scene, told, "remove the `#`", scene.at(0, 0), ""));
    }
    // `#include <x>` goes with its line.
    let line = (1..).take_while(|&at| scene.kind(at).is_some() && !scene.leads_line(at)).count();
    let told = told.help("`const` gives a number a name");
    Some(Slip::patched(told, scene.at(0, line as isize), " "))
}

/// `- >` and `=>`
pub(super) fn split_or_fat_arrow(scene: &Scene<'_>) -> Option<Slip> {
    let place = match (scene.word(-1), scene.word(0), scene.word(1)) {
        (_, "-" | "=", ">") => scene.at(0, 1),
        ("-" | "=", ">", _) => scene.at(-1, 0),
        (_, ":", _) if scene.expects(&[Rule::arrow, Rule::results]) => scene.at(0, 0),
        _ => return None,
    };
    let written = scene.text(place.clone());
    let message = format!("`{written}` is not an arrow");
    let told = Diagnostic::error(codes::SPLIT_TOKEN, message, scene.span(place.clone()))
        .label("results stand behind `->`");
    Some(Slip::fixed(scene, told, "write `->`", place, "->"))
}

/// `acme::kv`
pub(super) fn double_colon(scene: &Scene<'_>) -> Option<Slip> {
    let place = match (scene.word(-1), scene.word(0), scene.word(1)) {
        (_, ":", ":") => scene.at(0, 1),
        (":", ":", _) => scene.at(-1, 0),
        _ => return None,
    };
    let told =
        Diagnostic::error(codes::FOREIGN, "names are joined by `.`", scene.span(place.clone()))
            .label("not a separator of this language");
    Some(Slip::fixed(scene, told, "write `.`", place, "."))
}

/// `char *name`, `&str`
pub(super) fn pointer(scene: &Scene<'_>) -> Option<Slip> {
    if !matches!(scene.word(0), "*" | "&") {
        return None;
    }
    let after_type = scene.expects(&[Rule::colon, Rule::question, Rule::ty_args, Rule::l_angle])
        && !scene.expects(&[Rule::operator]);
    if !after_type && !scene.expects(&[Rule::ty, Rule::ty_arg]) {
        return None;
    }
    let marks = (0..).take_while(|&at| matches!(scene.word(at), "*" | "&")).count() as isize;
    let lifetimes = isize::from(scene.word(marks) == "mut");
    let place = scene.at(0, marks + lifetimes - 1);
    let message = "there are no pointers or references";
    let told = Diagnostic::error(codes::FOREIGN, message, scene.span(place.clone()))
        .label("a value is sent, whichever way it is passed")
        .help("a buffer that the caller owns is `[out] name: bytes`; a value that may be missing is `T?`");
    Some(Slip::patched(told, place, " "))
}

/// `;` behind `}`, `,,`
pub(super) fn surplus_separator(scene: &Scene<'_>) -> Option<Slip> {
    let mark = scene.word(0);
    let between = matches!(scene.word(-1), "" | "}" | "," | ";" | "{" | "(" | "[" | "<");
    if !matches!(mark, ";" | ",") || !between {
        return None;
    }
    let message = format!("a `{mark}` too many");
    let told = Diagnostic::error(codes::UNEXPECTED, message, scene.here());
    let told = match scene.word(-1) {
        "}" => told.label("nothing stands between `}` and what follows"),
        _ => told.label("nothing stands before it"),
    };
    Some(Slip::fixed(scene, told, "remove it", scene.at(0, 0), ""))
}

/// `,` for `;` and the like.
pub(super) fn wrong_mark(scene: &Scene<'_>) -> Option<Slip> {
    let right = match scene.word(0) {
        ":" if scene.expects(&[Rule::equals]) => "=",
        "," | ":" | "." if scene.expects(&[Rule::semi]) => ";",
        ";" | ":" | "." if scene.expects(&[Rule::comma]) => ",",
        "=" if scene.expects(&[Rule::colon]) => ":",
        _ => return None,
    };
    let wrong = scene.word(0);
    let message = format!("expected `{right}`, found `{wrong}`");
    let told = Diagnostic::error(codes::UNEXPECTED, message, scene.here())
        .label(format!("expected `{right}`"));
    let (place, written) = match right {
        "=" => (scene.gap().start..scene.at(0, 0).end, " ="),
        _ => (scene.gap().start..scene.at(0, 0).end, right),
    };
    Some(Slip::fixed(scene, told, &format!("write `{right}`"), place, written))
}

/// `list<u8, ..=4;`
pub(super) fn open_angle(scene: &Scene<'_>) -> Option<Slip> {
    if !scene.expects(&[Rule::r_angle]) || matches!(scene.kind(0), Some(Kind::Text | Kind::Doc)) {
        return None;
    }
    let ends = scene.leads_line(0)
        || matches!(scene.word(0), ";" | "," | ")" | "]" | "}" | "=" | "->" | "raises" | "");
    let open = scene.opened_before(scene.stop);
    let open = open.last().copied().filter(|&open| scene.tokens.word(open) == "<")?;
    // `list<u8,` and on the next line `name: `: the name has been taken for a type.
    let next_entry = scene.word(0) == ":" && scene.word(-2) == ",";
    // `map<K; V>`: it is closed, and the `;` should be a `,`.
    let closed = scene.word(0) == ";" && (1..8).any(|at| scene.word(at) == ">");
    if closed || !ends && !next_entry {
        return None;
    }
    let place = if next_entry { scene.at(-2, -2).start } else { scene.gap().start };
    let span = scene.span(scene.tokens.at(open));
    let told =
        Diagnostic::error(codes::UNCLOSED, "this `<` is never closed", span).label("needs a `>`");
    Some(Slip::guessed(scene, told, "a `>` may belong here", place..place, ">"))
}

/// A missing `;` or `,`, told where it is missing and not where that was noticed.
pub(super) fn missing_separator(scene: &Scene<'_>) -> Option<Slip> {
    let around = scene.around(&scene.opened_before(scene.stop));
    let (separator, what) = match around {
        _ if scene.expects(&[Rule::comma]) => (",", "entries"),
        _ if scene.expects(&[Rule::semi]) => (";", "declarations"),
        _ => return None,
    };
    let begins_entry = match scene.kind(0) {
        None => around == Around::Nothing,
        Some(Kind::Close) => separator == ";",
        Some(Kind::Word | Kind::Doc) => true,
        Some(Kind::Open) => scene.word(0) == "[",
        _ => false,
    };
    let inside_entry = matches!(scene.word(-1), "" | ":" | "=" | "->") || !scene.leads_line(0);
    let same_line = scene.kind(0).is_some_and(|kind| kind != Kind::Close) && inside_entry;
    if !begins_entry || (same_line && !starts_entry_on_line(scene)) {
        return None;
    }
    let message = format!("missing `{separator}`");
    let told = Diagnostic::error(codes::MISSING_SEPARATOR, message, scene.span(scene.gap()))
        .label(format!("{what} end in `{separator}`"));
    Some(Slip::fixed(scene, told, &format!("add the `{separator}`"), scene.gap(), separator))
}

/// Whether the stop, in the middle of a line, begins an entry for sure: `name:`, `[attribute]
/// name`, or a keyword with a name.
fn starts_entry_on_line(scene: &Scene<'_>) -> bool {
    let keyword = super::declarations::KEYWORDS.contains(&scene.word(0));
    match scene.kind(0) {
        Some(Kind::Word) if keyword => scene.kind(1) == Some(Kind::Word),
        Some(Kind::Word) => matches!(scene.word(1), ":" | "=") && scene.word(-1) != "[",
        Some(Kind::Open) => scene.kind(1) == Some(Kind::Word),
        _ => false,
    }
}
