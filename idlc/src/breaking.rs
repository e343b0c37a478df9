//! What a change of an interface does to those who have another version of it.
//!
//! The comparison itself is `alpc-contract`'s, so that the tool before a release and the peers at
//! connect give one answer. Here is what the tool needs around it: where in the new file a finding
//! is, and versions that were frozen.

mod frozen;
mod place;

use alpc_contract::{Effect, Finding, compare_modules};

use crate::contract::Api;
use crate::diagnostic::{Diagnostic, Severity};
use crate::ir::Module;
use crate::json::Value;

pub use frozen::{NotFrozen, from_json, to_json};

/// Whom a change must not break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Programs that run with another version.
    Wire,
    /// Programs that are compiled with the new version.
    Source,
    /// Both.
    All,
}

impl Level {
    /// The level called `name`.
    pub fn from_name(name: &str) -> Option<Level> {
        match name {
            "wire" => Some(Level::Wire),
            "source" => Some(Level::Source),
            "all" => Some(Level::All),
            _ => None,
        }
    }

    /// What a finding does to those who count here.
    pub fn effect(self, finding: &Finding) -> Effect {
        let wire = finding.old_client_new_server.max(finding.new_client_old_server);
        match self {
            Level::Wire => wire,
            Level::Source => finding.source,
            Level::All => wire.max(finding.source),
        }
    }
}

/// Everything that differs between an old version of a module and a new one.
pub fn compare(old: &Api, new: &Api) -> Vec<Finding> {
    compare_modules((&old.interfaces, &old.types), (&new.interfaces, &new.types))
}

/// A finding as tools read it.
pub fn finding_to_json(finding: &Finding) -> Value {
    let text = |text: &str| Value::Text(text.to_owned());
    Value::object([
        ("rule", text(finding.rule.id())),
        ("path", text(&finding.path)),
        ("old_client_new_server", text(finding.old_client_new_server.word())),
        ("new_client_old_server", text(finding.new_client_old_server.word())),
        ("source", text(finding.source.word())),
    ])
}

/// A finding as people see it, at its place in the new file. What harms nobody is not drawn.
pub fn finding_to_diagnostic(
    finding: &Finding,
    level: Level,
    new: Option<&Module>,
) -> Option<Diagnostic> {
    if Level::All.effect(finding) == Effect::Ok {
        return None;
    }
    let span = new.map_or_else(crate::source::Span::call_site, |new| place::of(new, &finding.path));
    let message = format!("`{}`: {}", finding.path, finding.message);
    let mut diagnostic = Diagnostic::error(finding.rule.id(), message, span);
    if level.effect(finding) != Effect::Break {
        diagnostic.severity = Severity::Warning;
    }
    for (effect, whom) in [
        (finding.old_client_new_server, "old clients at a new server"),
        (finding.new_client_old_server, "new clients at an old server"),
        (finding.source, "programs that are compiled with the new version"),
    ] {
        diagnostic = match effect {
            Effect::Ok => diagnostic,
            Effect::Warn => diagnostic.note(format!("{whom} may be surprised")),
            Effect::Break => diagnostic.note(format!("breaks {whom}")),
        };
    }
    Some(match &finding.help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    })
}

#[cfg(test)]
mod tests;
