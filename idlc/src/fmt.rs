//! The one way to lay out an `.idl` file.
//!
//! Works on words, marks and comments and knows little of the grammar: what stands in brackets, what
//! separates entries, and which brackets hold declarations. So comments keep their place, and what
//! is added to the language is laid out without a change here. What is written is read again and
//! compared: a formatter that changes what a file says is worse than none.

mod layout;
mod leads;
mod lexemes;
mod spacing;
mod write;

use crate::diagnostic::Diagnostics;
use crate::front::idl;
use crate::ir::Module;
use crate::source::Sources;

/// Why a text was not laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unformatted {
    /// It cannot be parsed. What is wrong, the compiler tells.
    DoesNotParse,
    /// Laid out it would say something else. This is a fault of ours.
    WouldChange,
}

/// Lays out the text of a file: four blanks for each level, lines of at most 100 characters where
/// that can be, `,` between entries, documentation before attributes, one empty line where there
/// were any.
///
/// Doing it again changes nothing.
///
/// ```
/// let text = "module a;struct S{u:u8;/* why */v:list<u8>}";
/// let laid_out = "module a;\nstruct S { u: u8, /* why */ v: list<u8> }\n";
/// assert_eq!(idlc::fmt::format(text).as_deref(), Ok(laid_out));
/// ```
///
/// # Errors
///
/// If the text does not parse. Names that nobody declares are no obstacle.
pub fn format(text: &str) -> Result<String, Unformatted> {
    if !idl::parses(text) {
        return Err(Unformatted::DoesNotParse);
    }
    let formatted = settled(text);
    let same = idl::parses(&formatted) && read(text) == read(&formatted);
    if same { Ok(formatted) } else { Err(Unformatted::WouldChange) }
}

/// How often a text is laid out, at most. The second time changes next to no text, and is needed to know.
const MOST_ROUNDS: usize = 8;

/// Lays a text out until that changes nothing.
///
/// A comment that waits for the end of its line may come to stand in a bracket that is broken there. That
/// bracket is then known to be broken, and asks for less room than it did while it might have stood on
/// one line; so what is before it may fit now.
fn settled(text: &str) -> String {
    let mut laid_out = once(text);
    for _ in 1..MOST_ROUNDS {
        let again = once(&laid_out);
        if again == laid_out {
            break;
        }
        laid_out = again;
    }
    laid_out
}

fn once(text: &str) -> String {
    layout::lay_out(&write::file(&lexemes::lexemes(text)))
}

/// What a text says.
fn read(text: &str) -> Option<Module> {
    let mut sources = Sources::new();
    let file = sources.add("", text)?;
    Some(idl::parse(&sources, file, &mut Diagnostics::new()).module)
}
