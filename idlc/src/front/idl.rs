//! The front end for `.idl` files: pest's grammar, and what people need beside it.
//!
//! A text goes through four hands. `tokens` and `brackets` look at it without a grammar and mend
//! what would make parsing pointless. The grammar parses it; where it does not parse, `repair`
//! tells why, mends the text and parses again. `lower` makes an [`ir::Module`](crate::ir::Module)
//! of what parsed. `working` remembers where every byte came from, so that all of them can point at
//! the text that the user wrote.

mod brackets;
mod expected;
mod grammar;
mod lower;
mod repair;
mod scene;
mod slips;
pub(crate) mod tokens;
mod working;

use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::Module;
use crate::source::{FileId, Sources};

/// What was read of a file.
#[derive(Debug)]
pub struct Parsed {
    /// Everything that could be read. Incomplete where there were errors.
    pub module: Module,
    /// Names that the file declares and `module` does not, because something is wrong with them.
    /// Whoever misses one of these need not say so.
    pub lost: Vec<String>,
}

/// Reads `file`. There is always a module; whether it is complete, `diagnostics` says.
pub fn parse(sources: &Sources, file: FileId, diagnostics: &mut Diagnostics) -> Parsed {
    let text = sources.get(file).map_or("", |file| file.text());
    let mut reading = lower::Reading::new(text);
    let lost = repair::read(file, text, diagnostics, &mut |pairs, working, found| {
        reading.take(file, working, pairs, found);
    });
    reading.lose(lost);
    let (module, lost) = reading.finish(file, diagnostics);
    Parsed { module, lost }
}

/// Whether `text` can be read without being mended. What it says may be wrong all the same.
pub(crate) fn parses(text: &str) -> bool {
    let mut whole = true;
    let tokens = tokens::Tokens::of(text, &mut |flaw| {
        // Comments that look like documentation are told, and are comments.
        whole &= matches!(flaw, tokens::Flaw::JavaDoc(_));
    });
    whole && brackets::too_deep(&tokens).is_none() && grammar::parse(text).is_ok()
}

/// Tells that a file is not text, at the byte where that shows.
pub fn not_utf8(file: FileId, valid: usize) -> Diagnostic {
    let span = crate::source::Span::text(file, valid..valid);
    Diagnostic::error(codes::NOT_UTF8, "the file is not UTF-8 text", span)
        .label(format!("everything before byte {valid} is"))
}
