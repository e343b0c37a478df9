//! A module as it was at an earlier version: `idlc --at 1.1`.
//!
//! What came later says so, and what has gone since then is still written down; so the file of today
//! tells what it said before. What cannot be told of the past is refused: another major version is
//! another interface, and a version that is still to come says nothing yet.

use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::{
    At, Availability, Const, Event, Field, Interface, Item, Member, Method, Module, Param, Payload,
    Variant, Version,
};
use crate::source::Span;

/// What was taken out of a module, by name, with the version that each came with.
pub type LeftOut = Vec<(String, Version)>;

/// Makes `module` what it was at `version`. Before names are resolved: what is taken out is not there
/// for others either.
pub fn go_back(module: &mut Module, version: Version, found: &mut Diagnostics) -> LeftOut {
    refuse_future(module, version, found);
    refuse_other_major(module, version, found);
    let was = |item: &Item| !came_after(item.availability(), version);
    let gone = module.items.iter().filter(|item| !was(item));
    let left_out = gone
        .filter_map(|item| Some((item.name().text.clone(), item.availability().added?.value)))
        .collect();
    module.items.retain(was);
    set_back(&mut module.version, version);
    module.items.iter_mut().for_each(|item| set_item_back(item, version));
    left_out
}

/// Says of names that are not known why they are not.
pub fn explain(found: &mut Diagnostic, name: &str, version: Version, left_out: &LeftOut) {
    let Some((_, came)) = left_out.iter().find(|(left_out, _)| left_out == name) else { return };
    let note = format!("`{name}` came with {came}, so at {version} nothing could speak of it");
    found.notes.push(note);
}

fn refuse_future(module: &Module, version: Version, found: &mut Diagnostics) {
    let newest = newest(module);
    if newest.is_none_or(|newest| version <= newest) {
        return;
    }
    let newest = newest.map_or_else(String::new, |newest| format!("; the newest is {newest}"));
    let message = format!("nothing in `{}` is of version {version}{newest}", module.name);
    found.push(Diagnostic::error(codes::BAD_VERSION, message, Span::call_site()));
}

fn refuse_other_major(module: &Module, version: Version, found: &mut Diagnostics) {
    for item in &module.items {
        let Item::Interface(interface) = item else { continue };
        let Some(its) = interface.version.or(module.version) else { continue };
        if its.value.major > version.major && !came_after(&interface.availability, version) {
            let message = format!(
                "`{}` is at {}, and what it was at {version} was another interface",
                interface.name, its.value
            );
            let error = Diagnostic::error(codes::BAD_VERSION, message, its.span);
            found.push(error.help(format!("go back to {}.0 at most", its.value.major)));
        }
    }
}

/// The latest version that a module or its interfaces are at, or speak of.
fn newest(module: &Module) -> Option<Version> {
    let mut all: Vec<Option<At<Version>>> = vec![module.version];
    for item in &module.items {
        let Availability { added, removed, .. } = item.availability();
        all.extend([*added, *removed]);
        if let Item::Interface(item) = item {
            all.push(item.version);
        }
    }
    // Without any it is 1.0.
    let first = Version { major: 1, minor: 0 };
    let all = all.into_iter().flatten().map(|version| version.value);
    all.chain([first]).max()
}

fn set_back(at: &mut Option<At<Version>>, version: Version) {
    if let Some(at) = at
        && version < at.value
    {
        at.value = version;
    }
}

fn came_after(availability: &Availability, version: Version) -> bool {
    availability.added.is_some_and(|added| version < added.value)
}

/// What was still to come for something that was there.
fn forget(availability: &mut Availability, version: Version) {
    let is_future = |at: &Option<At<Version>>| at.is_some_and(|at| version < at.value);
    if is_future(&availability.removed) {
        availability.removed = None;
    }
    let since = availability.deprecated.as_ref().map(|deprecation| deprecation.since);
    if since.is_some_and(|since| is_future(&since)) {
        availability.deprecated = None;
    }
}

/// Something that comes and goes.
trait Dated {
    fn availability(&mut self) -> &mut Availability;
}

macro_rules! dated {
    ($($what:ty),*) => {
        $(impl Dated for $what {
            fn availability(&mut self) -> &mut Availability {
                &mut self.availability
            }
        })*
    };
}

dated!(Const, Field, Member, Variant, Method, Param, crate::ir::Output, Event);

fn set_all_back<T: Dated>(all: &mut Vec<T>, version: Version) {
    all.retain_mut(|one| !came_after(one.availability(), version));
    all.iter_mut().for_each(|one| forget(one.availability(), version));
}

fn set_item_back(item: &mut Item, version: Version) {
    match item {
        Item::Const(item) => forget(&mut item.availability, version),
        Item::Alias(item) => forget(&mut item.availability, version),
        Item::Struct(item) => {
            forget(&mut item.availability, version);
            set_all_back(&mut item.fields, version);
        }
        Item::Enum(item) => {
            forget(&mut item.availability, version);
            set_all_back(&mut item.members, version);
        }
        Item::Flags(item) => {
            forget(&mut item.availability, version);
            set_all_back(&mut item.members, version);
        }
        Item::Union(item) => {
            forget(&mut item.availability, version);
            set_all_back(&mut item.variants, version);
            for variant in &mut item.variants {
                if let Payload::Positional(fields) | Payload::Named(fields) = &mut variant.payload {
                    set_all_back(fields, version);
                }
            }
        }
        Item::Interface(item) => set_interface_back(item, version),
    }
}

fn set_interface_back(item: &mut Interface, version: Version) {
    forget(&mut item.availability, version);
    set_back(&mut item.version, version);
    set_all_back(&mut item.consts, version);
    set_all_back(&mut item.methods, version);
    set_all_back(&mut item.events, version);
    for method in &mut item.methods {
        set_all_back(&mut method.params, version);
        set_all_back(&mut method.results, version);
    }
    for event in &mut item.events {
        set_all_back(&mut event.params, version);
    }
}
