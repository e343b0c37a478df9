//! What named types are made of, side by side.

use std::collections::HashMap;

use super::super::align::align;
use super::super::flow::Way;
use super::super::{Diff, Harm, Rule, Walk};
use super::Place;
use crate::{Absence, Availability, Basic, Body, Field, Growth, Member, Reserved, Variant};

/// The members of an enum or of flags, and what is said of them.
struct Numbers<'c> {
    members: &'c [Member],
    reserved: &'c [Reserved],
    base: Option<Basic>,
}

impl<'c> Numbers<'c> {
    fn of(body: &'c Body) -> Option<Numbers<'c>> {
        match body {
            Body::Enum { base, members, reserved, .. }
            | Body::Flags { base, members, reserved } => {
                Some(Numbers { members, reserved, base: *base })
            }
            _ => None,
        }
    }
}

fn growth(body: &Body) -> Growth {
    match body {
        Body::Struct { growth, .. } | Body::Enum { growth, .. } | Body::Union { growth, .. } => {
            *growth
        }
        Body::Flags { .. } | Body::Interface(_) | Body::Opaque => Growth::Open,
    }
}

impl<'c> Walk<'c> {
    /// The bodies of two definitions that are of one kind.
    pub(super) fn bodies(&mut self, node: usize, name: &str, old: &'c Body, new: &'c Body) {
        let growth = growth(new);
        let toggled = match (self::growth(old), growth) {
            (Growth::Open, Growth::Closed) => "became `[final]`, and is written otherwise",
            (Growth::Closed, Growth::Open) => "is no longer `[final]`, and is written otherwise",
            _ => "",
        };
        if !toggled.is_empty() {
            self.add(node, Diff::new(Rule::FinalToggled, name, toggled).blocked());
            return;
        }
        match (old, new) {
            (Body::Struct { fields: old, .. }, Body::Struct { fields: new, .. }) => {
                self.fields(node, name, growth, old, new);
            }
            (Body::Enum { signed: was, .. }, Body::Enum { signed: is, .. })
                if was != is && growth == Growth::Open =>
            {
                let message = "its numbers have another sign, and are written otherwise";
                self.add(node, Diff::new(Rule::BaseChanged, name, message).blocked());
            }
            (Body::Enum { .. } | Body::Flags { .. }, Body::Enum { .. } | Body::Flags { .. }) => {
                if let (Some(old), Some(new)) = (Numbers::of(old), Numbers::of(new)) {
                    self.base(node, name, growth, &old, &new);
                    self.members(node, name, growth, &old, &new);
                }
            }
            (
                Body::Union { variants: old, reserved, .. },
                Body::Union { variants: new, reserved: now_reserved, .. },
            ) => self.variants(node, name, growth, (old, reserved), (new, now_reserved)),
            (Body::Interface(old), Body::Interface(new)) => self.objects(node, old, new),
            // Of the rest nothing but the name is known.
            _ => {}
        }
    }

    fn fields(
        &mut self,
        node: usize,
        path: &str,
        growth: Growth,
        old: &'c [Field],
        new: &'c [Field],
    ) {
        let names = |fields: &'c [Field]| -> Vec<&'c str> {
            fields.iter().map(|field| field.name.as_str()).collect()
        };
        let could_be = |at: usize| match (old.get(at), new.get(at)) {
            (Some(old), Some(new)) => old.ty.kind == new.ty.kind,
            _ => false,
        };
        let found = align(&names(old), &names(new), could_be);
        let changed = match growth {
            Growth::Open => Rule::FieldChanged,
            Growth::Closed => Rule::FinalChanged,
        };
        for (list, at_old, message) in [
            (&found.deleted, true, "is gone: what was sent behind it would be misread"),
            (&found.inserted, false, "was inserted: what is sent behind it would be misread"),
            (&found.moved, false, "stands in another place, and would be misread"),
        ] {
            for at in list {
                let Some(field) = (if at_old { old } else { new }).get(*at) else { continue };
                let path = format!("{path}.{}", field.name);
                let diff = Diff::new(changed, &path, message).blocked();
                self.add(
                    node,
                    match at_old && growth == Growth::Open {
                        true => diff.help(format!(
                            "keep it as a tombstone: `[removed(..)] {}: ..`",
                            field.name
                        )),
                        false => diff,
                    },
                );
            }
        }
        for field in found.appended.iter().filter_map(|at| new.get(*at)) {
            self.appended(node, path, growth, field);
        }
        for (old, new) in found.kept.iter().filter_map(|at| Some((old.get(*at)?, new.get(*at)?))) {
            let path = format!("{path}.{}", new.name);
            let place = Place { node, path: &path, way: Way::Along };
            if old.name != new.name {
                let message = format!("was called `{}`", old.name);
                let diff = Diff::new(Rule::SourceRenamed, &path, message);
                self.add(node, diff.source(Harm::Break));
            }
            if let Some(difference) = self.ty(place, &old.ty, &new.ty) {
                self.add(node, Diff::new(changed, &path, difference).blocked());
            }
            self.absence(place, &old.absence, &new.absence);
            self.tombstone(place, old.availability, new.availability);
        }
    }

    fn appended(&mut self, node: usize, path: &str, growth: Growth, field: &'c Field) {
        let path = format!("{path}.{}", field.name);
        if growth == Growth::Closed {
            let message = "was added to a type that cannot grow";
            self.add(node, Diff::new(Rule::FinalChanged, &path, message).blocked());
        } else if !field.absence.is_foreseen() {
            let diff = Diff::new(Rule::FieldNoDefault, &path, "was added without a default");
            // A program that makes a value must name every field that has no default.
            let diff = diff.source(Harm::Break);
            let diff = match self.has_zero(&field.ty) {
                true => diff.forward(Harm::Warn).help(
                    "readers see zero where it was not sent: write the default that is meant",
                ),
                false => diff.forward(Harm::Break).help(
                    "its type has no zero to read where it was not sent: make it optional, `T?`",
                ),
            };
            self.add(node, diff);
        }
    }

    /// What a reader does without the value.
    pub(in super::super) fn absence(&mut self, place: Place<'_>, old: &Absence, new: &Absence) {
        let shown = |absence: &Absence| match absence {
            Absence::Default(text) => format!("`{text}`"),
            Absence::Foreseen => "`None`".to_owned(),
            Absence::Unforeseen => "none".to_owned(),
        };
        let was_said = matches!(old, Absence::Default(_))
            || matches!((old, new), (Absence::Foreseen, Absence::Default(_)));
        if old != new && was_said {
            let message = format!(
                "had the default {} and has {}: data in which it is absent means something else",
                shown(old),
                shown(new)
            );
            let diff = Diff::new(Rule::DefaultChanged, place.path, message);
            self.add(place.node, diff.both_ways(Harm::Warn));
        }
    }

    pub(in super::super) fn tombstone(
        &mut self,
        place: Place<'_>,
        old: Availability,
        new: Availability,
    ) {
        if old.removed.is_none() && new.removed.is_some() {
            let message = "is a tombstone now: it is still sent, and gone from the source";
            let diff = Diff::new(Rule::FieldRemoved, place.path, message);
            self.add(place.node, diff.source(Harm::Break));
        }
    }

    fn base(
        &mut self,
        node: usize,
        name: &str,
        growth: Growth,
        old: &Numbers<'_>,
        new: &Numbers<'_>,
    ) {
        let (Some(was), Some(is)) = (old.base, new.base) else { return };
        if was == is {
            return;
        }
        let message = format!("its numbers were `{}` and are `{}`", was.name(), is.name());
        let diff = Diff::new(Rule::BaseChanged, name, message).source(Harm::Break);
        // The index of a member is what a `[final]` enum sends, whatever its numbers are.
        let harm = |members: &[Member], base: Basic| {
            let fit = members.iter().all(|member| fits(member.value, base));
            if fit || growth == Growth::Closed { Harm::None } else { Harm::Break }
        };
        let (forward, backward) = (harm(old.members, is), harm(new.members, was));
        self.add(node, diff.forward(forward).backward(backward));
    }

    fn members(
        &mut self,
        node: usize,
        path: &str,
        growth: Growth,
        old: &Numbers<'c>,
        new: &Numbers<'c>,
    ) {
        let by_name = |members: &'c [Member]| -> HashMap<&'c str, i128> {
            members.iter().map(|member| (member.name.as_str(), member.value)).collect()
        };
        let (in_old, in_new) = (by_name(old.members), by_name(new.members));
        let by_value: HashMap<i128, &Member> =
            new.members.iter().map(|member| (member.value, member)).collect();
        for member in old.members {
            let at = format!("{path}.{}", member.name);
            let heir = by_value.get(&member.value);
            match (in_new.get(member.name.as_str()), heir) {
                (Some(value), _) if *value == member.value => {}
                (Some(value), _) => {
                    let message = format!("was {} and is {value}", member.value);
                    self.add(node, Diff::new(Rule::TagChanged, &at, message).blocked());
                }
                (None, Some(heir)) if !in_old.contains_key(heir.name.as_str()) => {
                    let at = format!("{path}.{}", heir.name);
                    let message = format!("was called `{}`", member.name);
                    let diff = Diff::new(Rule::SourceRenamed, &at, message);
                    self.add(node, diff.source(Harm::Break));
                }
                (None, _) => {
                    let number = Reserved::has_number(new.reserved, member.value);
                    self.gone(node, &at, growth, (number, &member.name, member.value));
                }
            }
        }
        for member in new.members.iter().filter(|member| !in_old.contains_key(member.name.as_str()))
        {
            let at = format!("{path}.{}", member.name);
            let is_rename = old
                .members
                .iter()
                .any(|old| old.value == member.value && !in_new.contains_key(old.name.as_str()));
            self.arrived(
                node,
                &at,
                (growth, is_rename),
                old.reserved,
                (&member.name, member.value),
            );
        }
    }

    fn variants(
        &mut self,
        node: usize,
        path: &str,
        growth: Growth,
        (old, was_reserved): (&'c [Variant], &'c [Reserved]),
        (new, reserved): (&'c [Variant], &'c [Reserved]),
    ) {
        let by_name = |variants: &'c [Variant]| -> HashMap<&'c str, &'c Variant> {
            variants.iter().map(|variant| (variant.name.as_str(), variant)).collect()
        };
        let (in_old, in_new) = (by_name(old), by_name(new));
        let by_tag: HashMap<u32, &'c Variant> =
            new.iter().map(|variant| (variant.tag, variant)).collect();
        let mut heirs = Vec::new();
        for variant in old {
            let at = format!("{path}.{}", variant.name);
            let heir = by_tag.get(&variant.tag).copied();
            match (in_new.get(variant.name.as_str()).copied(), heir) {
                (Some(now), _) if now.tag == variant.tag => {
                    self.fields(node, &at, growth, &variant.fields, &now.fields);
                }
                (Some(now), _) => {
                    let message = format!("had the tag {} and has {}", variant.tag, now.tag);
                    self.add(node, Diff::new(Rule::TagChanged, &at, message).blocked());
                }
                (None, Some(heir)) if !in_old.contains_key(heir.name.as_str()) => {
                    let at = format!("{path}.{}", heir.name);
                    heirs.push(heir.tag);
                    if same_payload(&variant.fields, &heir.fields) {
                        let message = format!("was called `{}`", variant.name);
                        let diff = Diff::new(Rule::SourceRenamed, &at, message);
                        self.add(node, diff.source(Harm::Break));
                        self.fields(node, &at, growth, &variant.fields, &heir.fields);
                    } else {
                        let message = format!(
                            "has the tag {}, which was that of `{}`",
                            heir.tag, variant.name
                        );
                        self.add(node, Diff::new(Rule::TagChanged, &at, message).blocked());
                    }
                }
                (None, _) => {
                    let tag = i128::from(variant.tag);
                    let number = Reserved::has_number(reserved, tag);
                    self.gone(node, &at, growth, (number, &variant.name, tag));
                }
            }
        }
        for variant in new.iter().filter(|variant| !in_old.contains_key(variant.name.as_str())) {
            let at = format!("{path}.{}", variant.name);
            let is_rename = heirs.contains(&variant.tag);
            let number = i128::from(variant.tag);
            self.arrived(node, &at, (growth, is_rename), was_reserved, (&variant.name, number));
        }
    }

    /// A member or a variant that the new version does not have.
    fn gone(
        &mut self,
        node: usize,
        path: &str,
        growth: Growth,
        (is_reserved, name, number): (bool, &str, i128),
    ) {
        if growth == Growth::Closed {
            let message = "is gone from a type that cannot change";
            self.add(node, Diff::new(Rule::FinalChanged, path, message).blocked());
            return;
        }
        let diff = Diff::new(Rule::TagRemoved, path, "is gone").source(Harm::Break);
        self.add(node, match is_reserved {
            true => diff,
            false => diff
                .forward(Harm::Break)
                .help(format!("nothing keeps its number from meaning something else one day: write `reserved {number}, {name}`")),
        });
    }

    /// A member or a variant that the old version did not have.
    fn arrived(
        &mut self,
        node: usize,
        path: &str,
        (growth, is_rename): (Growth, bool),
        reserved: &[Reserved],
        (name, number): (&str, i128),
    ) {
        if growth == Growth::Closed && !is_rename {
            let message = "was added to a type that cannot grow";
            self.add(node, Diff::new(Rule::FinalChanged, path, message).blocked());
        } else if Reserved::has_number(reserved, number) || Reserved::has_name(reserved, name) {
            let message = format!("has the number {number}, or a name, that was reserved");
            let diff = Diff::new(Rule::TagChanged, path, message);
            self.add(node, diff.both_ways(Harm::Break).source(Harm::Break));
        }
    }
}

/// Whether one payload could be the other under another name.
fn same_payload(old: &[Field], new: &[Field]) -> bool {
    old.len() == new.len() && old.iter().zip(new).all(|(old, new)| old.ty.kind == new.ty.kind)
}

fn fits(value: i128, base: Basic) -> bool {
    match base {
        Basic::U8 => u8::try_from(value).is_ok(),
        Basic::U16 => u16::try_from(value).is_ok(),
        Basic::U32 => u32::try_from(value).is_ok(),
        Basic::U64 => u64::try_from(value).is_ok(),
        Basic::I8 => i8::try_from(value).is_ok(),
        Basic::I16 => i16::try_from(value).is_ok(),
        Basic::I32 => i32::try_from(value).is_ok(),
        Basic::I64 => i64::try_from(value).is_ok(),
        _ => true,
    }
}
