//! What attributes say that can stand before many things.
//!
//! They are structs of their own, so that a new one does not touch every declaration.

use super::{At, RustCode, Version};

/// When something came, when it should no longer be used, and when it went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Availability {
    /// `[added(1.1)]`: the version it came with.
    pub added: Option<At<Version>>,
    /// `[deprecated(1.3, "use launch")]`
    pub deprecated: Option<Deprecation>,
    /// `[removed(1.4)]`: the version it went with. What stays is a tombstone: a field or parameter
    /// keeps its place on the wire, a number its meaning, and a name is not used again.
    pub removed: Option<At<Version>>,
}

impl Availability {
    /// Is it gone from what people program with?
    pub fn is_removed(&self) -> bool {
        self.removed.is_some()
    }
}

/// Why something should no longer be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Deprecation {
    /// Since which version. Rust's own `#[deprecated]` may leave it out.
    pub since: Option<At<Version>>,
    /// What to use instead.
    pub note: Option<String>,
}

/// What steers the look of generated Rust. It is no part of what an interface says, so all looks are
/// equal.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// `[doc.hidden]`
    pub hidden: Option<At<()>>,
    /// `[rust.derive(serde::Serialize)]`: traits to derive beside those that are derived anyway.
    pub derives: Vec<RustCode>,
}

impl PartialEq for Look {
    fn eq(&self, _: &Look) -> bool {
        true
    }
}

/// The way that a bulk argument should take: `[via(section)]`. A wish, which the transport follows
/// where it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// Copied through the message.
    Inline,
    /// In a section that both sides map.
    Section,
    /// Read or written in place.
    Direct,
}

impl Via {
    /// All of them.
    pub const ALL: [Via; 3] = [Via::Inline, Via::Section, Via::Direct];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Via::Inline => "inline",
            Via::Section => "section",
            Via::Direct => "direct",
        }
    }

    /// The way that is called `name`.
    pub fn from_name(name: &str) -> Option<Via> {
        Via::ALL.into_iter().find(|via| via.name() == name)
    }
}
