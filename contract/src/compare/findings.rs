//! What a comparison tells people and tools.

use std::collections::{BTreeMap, BTreeSet};

use super::flow::Flows;
use super::{Diff, Harm, Rule, Walk};
use crate::{Contract, Types};

/// What a change does to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "tools print these three words")]
pub enum Effect {
    /// Nothing that harms.
    Ok,
    /// It works, and may surprise.
    Warn,
    /// It fails, or may fail one day.
    Break,
}

impl Effect {
    /// `ok`, `warn` or `break`.
    pub fn word(self) -> &'static str {
        match self {
            Effect::Ok => "ok",
            Effect::Warn => "warn",
            Effect::Break => "break",
        }
    }
}

impl From<Harm> for Effect {
    fn from(harm: Harm) -> Effect {
        match harm {
            Harm::None => Effect::Ok,
            Harm::Warn => Effect::Warn,
            Harm::Break | Harm::Blocked => Effect::Break,
        }
    }
}

/// One difference between two versions, and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What kind of change it is.
    pub rule: Rule,
    /// What changed: `acme.kv.KeyValue.read.offset`. By its new name, unless it is gone.
    pub path: String,
    /// To clients of the old version at a server of the new one.
    pub old_client_new_server: Effect,
    /// To clients of the new version at a server of the old one.
    pub new_client_old_server: Effect,
    /// To programs that are compiled against the new version.
    pub source: Effect,
    /// What is different, for people; the path stands before it.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Finding {
    fn new(diff: &Diff, flows: Flows) -> Finding {
        let (old_client, new_client) = diff.by_pairing(flows);
        Finding {
            rule: diff.rule,
            path: diff.path.clone(),
            old_client_new_server: old_client.into(),
            new_client_old_server: new_client.into(),
            source: diff.source.into(),
            message: diff.message.clone(),
            help: diff.help.clone(),
        }
    }
}

impl Diff {
    /// The harm to an old client at a new server, and to a new client at an old server.
    pub(super) fn by_pairing(&self, flows: Flows) -> (Harm, Harm) {
        let (mut old_client, mut new_client) = (Harm::None, Harm::None);
        for flow in flows.each() {
            let (one, other) = match flow == Flows::TO_SERVER {
                true => (self.forward, self.backward),
                // What servers write is read by clients of the other version.
                false => (self.backward, self.forward),
            };
            old_client = old_client.max(one);
            new_client = new_client.max(other);
        }
        (old_client, new_client)
    }
}

/// Everything that differs between two versions of an interface, sorted by its path.
///
/// What harms nobody and needs no word (methods in another order, a new field with a default, a new
/// member of an open enum) is not told.
pub fn compare(old: &Contract, new: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    match new_identity(old, new) {
        Some(diff) => findings.push(Finding::new(&diff, Flows::TO_SERVER)),
        None => Walk::contracts(old, new).tell(&mut findings),
    }
    sorted(findings)
}

/// Another uuid or another major version: the two do not talk at all.
pub(super) fn new_identity(old: &Contract, new: &Contract) -> Option<Diff> {
    let (was, is) = (&old.interface, &new.interface);
    let message = if was.id != is.id {
        "has another uuid: it is another interface".to_owned()
    } else if was.version.major != is.version.major {
        format!("was version {} and is {}: it is another interface", was.version, is.version)
    } else {
        return None;
    };
    Some(Diff::new(Rule::NewInterface, &is.name, message).both_ways(Harm::Break))
}

/// Everything that differs between two versions of a module: its interfaces, and the types that none
/// of them reaches. Sorted by path.
///
/// Interfaces belong together by their uuid, else by their name.
pub fn compare_modules(old: (&[Contract], &Types), new: (&[Contract], &Types)) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut arrived: Vec<&Contract> = new.0.iter().collect();
    let mut left: Vec<&Contract> = old.0.iter().collect();
    // The surest sign first.
    let signs: [fn(&Contract, &Contract) -> bool; 3] = [
        |a, b| a.interface.id == b.interface.id,
        |a, b| a.interface.name == b.interface.name,
        same_methods,
    ];
    for (at, sign) in signs.iter().enumerate() {
        left.retain(|old| {
            let Some(found) = arrived.iter().position(|new| sign(old, new)) else { return true };
            let new = arrived.remove(found);
            match at {
                2 => findings.push(renamed(old, new)),
                _ => findings.extend(compare(old, new)),
            }
            false
        });
    }
    for old in left {
        let diff = Diff::new(Rule::InterfaceRemoved, &old.interface.name, "is gone");
        let diff = diff.forward(Harm::Break).source(Harm::Break);
        findings.push(Finding::new(&diff, Flows::TO_SERVER));
    }
    let reached = |contracts: &[Contract]| -> BTreeSet<String> {
        let types = contracts.iter().flat_map(|contract| contract.types.iter());
        let names = contracts.iter().map(|contract| contract.interface.name.clone());
        names.chain(types.map(|definition| definition.name.clone())).collect()
    };
    let (in_old, in_new) = (reached(old.0), reached(new.0));
    let mut walk = Walk::new(old.1, new.1);
    walk.loose(|name| !in_old.contains(name) && !in_new.contains(name));
    walk.finish();
    walk.tell(&mut findings);
    sorted(findings)
}

/// Whether one could be the other under another name: without a uuid, that changes all numbers.
fn same_methods(old: &Contract, new: &Contract) -> bool {
    let names = |contract: &Contract| {
        let mut names: Vec<String> =
            contract.interface.methods.iter().map(|method| method.name.clone()).collect();
        names.sort();
        names
    };
    !old.interface.methods.is_empty() && names(old) == names(new)
}

fn renamed(old: &Contract, new: &Contract) -> Finding {
    let message =
        format!("was called `{}`, and its identity came from its name", old.interface.name);
    let id = format!("{:032x}", old.interface.id);
    let groups: Vec<&str> = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)]
        .iter()
        .filter_map(|(from, to)| id.get(*from..*to))
        .collect();
    let diff = Diff::new(Rule::InterfaceRenamed, &new.interface.name, message)
        .both_ways(Harm::Break)
        .source(Harm::Break)
        .help(format!("keep its identity: `[uuid({})]`", groups.join("-")));
    Finding::new(&diff, Flows::TO_SERVER)
}

impl Walk<'_> {
    /// Adds what was found. A difference that was met in two ways is told once.
    fn tell(&self, findings: &mut Vec<Finding>) {
        let found = self
            .nodes
            .iter()
            .flat_map(|node| node.diffs.iter().map(|diff| Finding::new(diff, node.flows)));
        let lone = self.lone.iter().map(|lone| Finding::new(&lone.diff, self.flows_of(lone)));
        findings.extend(found.chain(lone));
    }
}

/// By path; what is found in several interfaces of a module is told once, at its worst.
fn sorted(findings: Vec<Finding>) -> Vec<Finding> {
    let mut by_place: BTreeMap<(String, Rule, String), Finding> = BTreeMap::new();
    for finding in findings {
        let key = (finding.path.clone(), finding.rule, finding.message.clone());
        let kept = by_place.entry(key).or_insert_with(|| finding.clone());
        kept.old_client_new_server = kept.old_client_new_server.max(finding.old_client_new_server);
        kept.new_client_old_server = kept.new_client_old_server.max(finding.new_client_old_server);
        kept.source = kept.source.max(finding.source);
    }
    by_place.into_values().collect()
}
