//! The words of a handle's type, which both front ends read.

use crate::diagnostic::{Diagnostic, Diagnostics, closest, codes};
use crate::ir::{At, HandleKind, Right, Rights};

/// What a handle's type says. Without a kind it is `any`; unknown words are reported and left out.
pub(super) fn handle(
    kind: Option<&At<String>>,
    rights: &[At<String>],
    found: &mut Diagnostics,
) -> Option<(HandleKind, Rights)> {
    let kind = match kind {
        Some(word) => self::kind(word, found)?,
        None => HandleKind::Any,
    };
    let rights = rights.iter().fold(Rights::NONE, |all, word| match right(word, kind, found) {
        Some(right) => once(all, right, word, found),
        None => all,
    });
    Some((kind, rights))
}

fn kind(word: &At<String>, found: &mut Diagnostics) -> Option<HandleKind> {
    let kind = HandleKind::from_name(&word.value);
    if kind.is_none() {
        let message = format!("no kind of handle is called `{}`", word.value);
        let names = HandleKind::ALL.map(HandleKind::name);
        found.push(unknown(word, message, "a kind with a similar name exists", &names));
    }
    kind
}

fn right(word: &At<String>, kind: HandleKind, found: &mut Diagnostics) -> Option<Right> {
    let Some(right) = Right::from_name(&word.value) else {
        let message = format!("no right is called `{}`", word.value);
        let names = Right::ALL.map(Right::name);
        found.push(unknown(word, message, "a right with a similar name exists", &names));
        return None;
    };
    if kind.rights().has(right) {
        return Some(right);
    }
    let message = format!("a handle of kind `{}` has no right `{}`", kind.name(), word.value);
    let all: Vec<_> = kind.rights().iter().map(|right| format!("`{}`", right.name())).collect();
    let error = Diagnostic::error(codes::BAD_HANDLE, message, word.span);
    found.push(error.note(format!("it can have {}", all.join(", "))));
    None
}

fn once(all: Rights, right: Right, word: &At<String>, found: &mut Diagnostics) -> Rights {
    if all.has(right) {
        let message = format!("the right `{}` is asked for twice", right.name());
        found.push(Diagnostic::error(codes::BAD_HANDLE, message, word.span));
    }
    all.with(right)
}

fn unknown(word: &At<String>, message: String, similar: &str, names: &[&str]) -> Diagnostic {
    let error = Diagnostic::error(codes::BAD_HANDLE, message, word.span);
    match closest(&word.value, names.iter().copied()) {
        Some(close) => error.suggest(similar, word.span, close),
        None => error.note(format!("there are: {}", names.join(", "))),
    }
}
