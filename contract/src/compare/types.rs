//! Types side by side.

mod bodies;

use super::flow::{Edge, Way};
use super::{Diff, Harm, Rule, Walk};
use crate::{Basic, Body, Bounds, Definition, Kind, Limit, Type};

/// A place in a method or a type where another type is used.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The method or type that it is in.
    pub(super) node: usize,
    /// Its dotted name.
    pub(super) path: &'a str,
    /// Which way what stands there goes.
    pub(super) way: Way,
}

impl<'c> Walk<'c> {
    /// Compares the types of one place. What is inside of named types is looked into later; a
    /// difference that makes the place another one is returned as what people are told.
    pub(super) fn ty(&mut self, place: Place<'_>, old: &'c Type, new: &'c Type) -> Option<String> {
        if !self.step() {
            return Some("the two versions are too large to be compared".to_owned());
        }
        self.bounds(place, &old.kind, &old.bounds, &new.bounds);
        match (&old.kind, &new.kind) {
            (Kind::Basic(a), Kind::Basic(b)) if a == b => None,
            (Kind::List(a), Kind::List(b))
            | (Kind::Optional(a), Kind::Optional(b))
            | (Kind::Stream(a), Kind::Stream(b)) => self.ty(place, a, b),
            (Kind::Array(a, m), Kind::Array(b, n)) if m == n => self.ty(place, a, b),
            (Kind::Map(a, b), Kind::Map(c, d)) | (Kind::Result(a, b), Kind::Result(c, d)) => {
                self.ty(place, a, c).or(self.ty(place, b, d))
            }
            (Kind::Tuple(a), Kind::Tuple(b)) if a.len() == b.len() => {
                a.iter().zip(b).filter_map(|(a, b)| self.ty(place, a, b)).next()
            }
            (Kind::Handle { kind: a, rights: r }, Kind::Handle { kind: b, rights: s }) => {
                self.handles(place, (a, r), (b, s));
                None
            }
            (Kind::Named(a), Kind::Named(b)) => self.named(place, a, b),
            _ => Some(format!("was `{}` and is `{}`", plain(old), plain(new))),
        }
    }

    fn bounds(&mut self, place: Place<'_>, kind: &Kind, old: &Bounds, new: &Bounds) {
        if old == new {
            return;
        }
        let least = |bounds: &Bounds| match (bounds.min, kind) {
            (Some(Limit::Int { magnitude: 0, .. }), kind) if !is_signed(kind) => None,
            (min, _) => min,
        };
        let (old_min, new_min) = (least(old), least(new));
        let narrower = |a: Option<Limit>, b: Option<Limit>, less: bool| match (a, b) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(a), Some(b)) => {
                if less {
                    b < a
                } else {
                    b > a
                }
            }
        };
        let narrowed = narrower(old_min, new_min, false) || narrower(old.max, new.max, true);
        let widened = narrower(new_min, old_min, false) || narrower(new.max, old.max, true);
        let shown = |bounds: &Bounds| match bounds.is_empty() {
            true => "no bounds".to_owned(),
            false => format!("`{bounds}`"),
        };
        let change = format!("had {} and has {}", shown(old), shown(new));
        if widened {
            let diff = Diff::new(
                Rule::BoundWidened,
                place.path,
                format!("{change}: an old reader refuses the values that are new"),
            );
            self.add_at(place, diff.backward(Harm::Warn));
        }
        if narrowed {
            let diff = Diff::new(
                Rule::BoundNarrowed,
                place.path,
                format!("{change}: a new reader refuses values that were allowed"),
            );
            self.add_at(place, diff.forward(Harm::Break));
        }
    }

    fn handles(&mut self, place: Place<'_>, old: (&str, &[String]), new: (&str, &[String])) {
        if old.0 != new.0 {
            let what = format!("was a handle of kind `{}` and is one of kind `{}`", old.0, new.0);
            self.add_at(
                place,
                Diff::new(Rule::HandleChanged, place.path, what).both_ways(Harm::Blocked),
            );
            return;
        }
        let lacks = |some: &[String], all: &[String]| some.iter().any(|right| !all.contains(right));
        if lacks(new.1, old.1) {
            let what = "needs rights that it did not: handles that were good enough are refused";
            self.add_at(
                place,
                Diff::new(Rule::HandleChanged, place.path, what).forward(Harm::Break),
            );
        }
        if lacks(old.1, new.1) {
            let what = "needs fewer rights: an old receiver may refuse a handle with only these";
            self.add_at(
                place,
                Diff::new(Rule::HandleChanged, place.path, what).backward(Harm::Warn),
            );
        }
    }

    /// Notes a difference of a place, as its method or type has it.
    pub(super) fn add_at(&mut self, place: Place<'_>, diff: Diff) {
        let Diff { forward, backward, .. } = diff;
        let diff = match place.way {
            Way::Along => diff,
            // It is noted with the method, whose calls go the other way.
            Way::Back | Way::Calls => Diff { forward: backward, backward: forward, ..diff },
        };
        self.add(place.node, diff);
    }

    fn named(&mut self, place: Place<'_>, old_name: &'c str, new_name: &'c str) -> Option<String> {
        let (olds, news) = (self.old.all_of(old_name), self.new.all_of(new_name));
        let (old, new) = match (olds, news) {
            ([old], [new]) => (old, new),
            // Which of them is meant here is not told; if all are alike, it does not matter.
            _ if !olds.is_empty() && olds == news => return None,
            ([], _) | (_, []) => return Some(format!("is `{new_name}`, which is not described")),
            _ => return Some(format!("is `{new_name}`, and several types are called that")),
        };
        if let Some(node) = self.pairs.get(&(old_name, new_name)) {
            let edge = Edge { to: *node, way: place.way };
            self.connect(place.node, edge);
            return None;
        }
        let renamed = old_name != new_name;
        let is_rename = !self.new.contains(old_name) && !self.old.contains(new_name);
        let (a, b) = (what(&old.body), what(&new.body));
        if a != b || renamed && !is_rename {
            return Some(match renamed {
                true => format!("was `{old_name}` and is `{new_name}`"),
                false => format!("is `{new_name}`, which was {a} and is {b}"),
            });
        }
        let node = self.node(super::Node::default());
        self.pairs.insert((old_name, new_name), node);
        self.pending.push((node, old, new));
        self.connect(place.node, Edge { to: node, way: place.way });
        None
    }

    /// The definitions of one name, or of two if it was renamed.
    pub(super) fn definitions(&mut self, node: usize, old: &'c Definition, new: &'c Definition) {
        // A module that is called otherwise is told once, with the interface.
        if last_name(&old.name) != last_name(&new.name) {
            let message = format!("was called `{}`", old.name);
            self.add(node, Diff::new(Rule::SourceRenamed, &new.name, message).source(Harm::Break));
        }
        self.bodies(node, &new.name, &old.body, &new.body);
    }

    /// Compares types that no interface of the file reaches: others may import them, and send them
    /// either way.
    pub(super) fn loose(&mut self, is_loose: impl Fn(&str) -> bool) {
        let (old, new) = (self.old, self.new);
        for definition in old.iter().filter(|definition| is_loose(&definition.name)) {
            let name = definition.name.as_str();
            let ([old], [new]) = (old.all_of(name), new.all_of(name)) else { continue };
            if self.pairs.contains_key(&(name, name)) {
                continue;
            }
            let root =
                self.node(super::Node { flows: super::Flows::BOTH, ..super::Node::default() });
            if what(&old.body) == what(&new.body) {
                self.pairs.insert((name, name), root);
                self.pending.push((root, old, new));
            } else {
                let message = format!("was {} and is {}", what(&old.body), what(&new.body));
                self.add(root, Diff::new(Rule::FieldChanged, name, message).blocked());
            }
            self.look_into_pending();
        }
    }

    fn look_into_pending(&mut self) {
        while let Some((node, old, new)) = self.pending.pop() {
            self.definitions(node, old, new);
        }
    }

    /// Whether absent data can be read as the zero of this type.
    pub(super) fn has_zero(&self, ty: &Type) -> bool {
        let excludes_zero = |bounds: &Bounds| match (bounds.min, bounds.max) {
            (Some(min), _) if Limit::from(0) < min || Limit::Float(0.0) < min => true,
            (_, Some(max)) => max < Limit::from(0) || max < Limit::Float(0.0),
            _ => false,
        };
        let zero = match &ty.kind {
            Kind::Handle { .. } | Kind::Stream(_) => false,
            Kind::Array(element, len) => *len == 0 || self.has_zero(element),
            Kind::Tuple(members) => members.iter().all(|member| self.has_zero(member)),
            Kind::Result(value, _) => self.has_zero(value),
            Kind::Named(name) => match self.new.get(name).map(|definition| &definition.body) {
                Some(Body::Union { .. } | Body::Interface(_)) | None => false,
                Some(Body::Enum { members, .. }) => members.iter().any(|member| member.value == 0),
                Some(_) => true,
            },
            Kind::Basic(_) | Kind::List(_) | Kind::Map(..) | Kind::Optional(_) => true,
        };
        zero && !excludes_zero(&ty.bounds)
    }
}

fn is_signed(kind: &Kind) -> bool {
    use Basic::*;
    matches!(kind, Kind::Basic(I8 | I16 | I32 | I64 | I128 | F32 | F64 | Time))
}

/// A type without its bounds, for people.
fn plain(ty: &Type) -> String {
    ty.clone().within(Bounds::NONE).to_string().replace('"', "")
}

fn what(body: &Body) -> &'static str {
    match body {
        Body::Struct { .. } => "a struct",
        Body::Enum { .. } => "an enum",
        Body::Flags { .. } => "flags",
        Body::Union { .. } => "a union",
        Body::Interface(_) => "an interface",
        Body::Opaque => "a type of its own",
    }
}

/// `Pair` of `acme.kv.Pair`.
pub(super) fn last_name(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
