//! What a message can refer to without holding it: things of the operating system, objects of the
//! peer, and what is still to come.

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;

use super::{At, Availability, Docs, Look, Name, Param, RustCode};
use crate::source::Span;

/// What sort of thing of the operating system a handle stands for. It is part of what peers must
/// agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are their own documentation")]
pub enum HandleKind {
    Any,
    File,
    Section,
    Event,
    Process,
    Thread,
    Socket,
    Pipe,
    Token,
}

impl HandleKind {
    /// All of them.
    pub const ALL: [HandleKind; 9] = {
        use HandleKind::*;
        [Any, File, Section, Event, Process, Thread, Socket, Pipe, Token]
    };

    /// Its name, the same in .idl and in attributes of traits.
    pub fn name(self) -> &'static str {
        match self {
            HandleKind::Any => "any",
            HandleKind::File => "file",
            HandleKind::Section => "section",
            HandleKind::Event => "event",
            HandleKind::Process => "process",
            HandleKind::Thread => "thread",
            HandleKind::Socket => "socket",
            HandleKind::Pipe => "pipe",
            HandleKind::Token => "token",
        }
    }

    /// The kind called `name`.
    pub fn from_name(name: &str) -> Option<HandleKind> {
        HandleKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What can be allowed to do with a thing of this kind.
    pub fn rights(self) -> Rights {
        use Right::*;
        let rights: &[Right] = match self {
            HandleKind::Any => &Right::ALL,
            HandleKind::File => &[Read, Write, Execute, Query, Dup, Map],
            HandleKind::Section => &[Read, Write, Execute, Query, Dup, Map],
            HandleKind::Event => &[Read, Write, Query, Dup, Signal],
            HandleKind::Process | HandleKind::Thread => &[Query, Dup, Signal],
            HandleKind::Socket | HandleKind::Pipe => &[Read, Write, Query, Dup],
            HandleKind::Token => &[Query, Dup],
        };
        rights.iter().fold(Rights::NONE, |all, right| all.with(*right))
    }
}

/// One thing that the receiver of a handle may do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are their own documentation")]
pub enum Right {
    Read,
    Write,
    Execute,
    Query,
    Dup,
    Map,
    Signal,
}

impl Right {
    /// All of them.
    pub const ALL: [Right; 7] = {
        use Right::*;
        [Read, Write, Execute, Query, Dup, Map, Signal]
    };

    /// Its name, the same in .idl and in attributes of traits.
    pub fn name(self) -> &'static str {
        match self {
            Right::Read => "read",
            Right::Write => "write",
            Right::Execute => "execute",
            Right::Query => "query",
            Right::Dup => "dup",
            Right::Map => "map",
            Right::Signal => "signal",
        }
    }

    /// The right called `name`.
    pub fn from_name(name: &str) -> Option<Right> {
        Right::ALL.into_iter().find(|right| right.name() == name)
    }
}

/// What the receiver of a handle may count on being able to do with it. They are checked where it
/// arrives, and no part of what peers must agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Rights(u8);

impl Rights {
    /// Nothing is asked for.
    pub const NONE: Rights = Rights(0);

    /// These, and `right`.
    #[must_use]
    pub fn with(self, right: Right) -> Rights {
        Rights(self.0 | 1 << right as u8)
    }

    /// Is `right` among them?
    pub fn has(self, right: Right) -> bool {
        self.0 & 1 << right as u8 != 0
    }

    /// As a number, which is for good: `read` is 1, `write` 2, `execute` 4 and so on.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Is nothing asked for?
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them, in the order of [`Right::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Right> {
        Right::ALL.into_iter().filter(move |right| self.has(*right))
    }
}

/// An interface in place of a type: an object that one peer has and the other calls.
#[derive(Clone, Debug)]
pub struct Object {
    /// The path of the interface's trait in Rust. What is made for the interface stands beside it.
    pub rust: RustCode,
    /// Where the object may be, as seen by who receives it. It is no part of what an interface says.
    pub owner: Owner,
}

impl PartialEq for Object {
    fn eq(&self, other: &Object) -> bool {
        self.rust == other.rust
    }
}

impl Object {
    /// What is made for the interface and called like it, with `behind` behind: `FooClient`.
    pub fn named(&self, behind: &str) -> TokenStream {
        let mut path: Vec<TokenTree> = self.rust.0.clone().into_iter().collect();
        if let Some(TokenTree::Ident(last)) = path.last_mut() {
            let name = Name::new(last.unraw().to_string(), Span::Tokens(last.span()));
            *last = name.ident_with("", behind);
        }
        path.into_iter().collect()
    }
}

/// Whose an object is that somebody receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The sender's, or that of somebody behind the sender: the receiver gets what calls it.
    Sender,
    /// Perhaps the receiver's own, which comes back: the receiver gets either.
    Either,
}

/// A one-way call from an interface's server to those of its clients that want to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// As written.
    pub name: Name,
    /// The name it is known by on the wire, after a rename.
    pub wire_name: Option<At<String>>,
    /// See [`Docs`].
    pub docs: Docs,
    /// When it came and went.
    pub availability: Availability,
    /// `[must_understand]`: a client that does not know this event must not go on without it.
    pub must_understand: Option<At<()>>,
    /// What steers the look of generated Rust.
    pub look: Look,
    /// In wire order; all of them `[in]`.
    pub params: Vec<Param>,
}

impl Event {
    /// The name that its number on the wire is made from. Events and methods share the numbers.
    pub fn wire_name(&self) -> &str {
        match &self.wire_name {
            Some(name) => &name.value,
            None => &self.name.text,
        }
    }
    /// What Rust calls it among the others: `session_changed` is `SessionChanged`.
    pub fn variant(&self) -> Name {
        let words = self.name.rust_text().split('_').map(|word| match word.split_at_checked(1) {
            Some((first, rest)) => first.to_ascii_uppercase() + rest,
            None => word.to_owned(),
        });
        match words.collect::<String>() {
            // Nothing but digits and underscores are left of some.
            text if text.starts_with(|letter: char| letter.is_ascii_alphabetic()) => {
                Name::new(text, self.name.span)
            }
            _ => self.name.clone(),
        }
    }
}
