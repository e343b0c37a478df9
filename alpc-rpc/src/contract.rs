//! A program's own descriptions as a [`Contract`], which is what peers compare.
//!
//! The descriptions are constants that refer to each other by functions. To hash, send or compare
//! them they are gathered into data that owns itself; what its text looks like is `alpc-contract`'s.
//! Bounds and the values of defaults are not among it: generated code checks the ones and holds the
//! others, and no connection depends on them.

use std::collections::BTreeSet;
use std::fmt;

use alpc_contract::{
    Absence, Basic, Body, Contract, Definition, Field, Growth, Interface, Kind, Member, Method,
    MethodKind, Param, Type, Types, Variant, Version,
};

use crate::descriptor::{
    Direction, EventDesc, FieldDesc, InterfaceDesc, MemberDesc, MethodDesc, ParamDesc, Ty, TypeDesc,
};
use crate::handle::Rights;

/// The contract of `interface`, with every named type that it reaches.
pub(crate) fn of(interface: &InterfaceDesc) -> Contract {
    let mut types = Gathered::default();
    Contract { interface: self::interface(interface, &mut types), types: types.types }
}

fn interface(item: &InterfaceDesc, types: &mut Gathered) -> Interface {
    let mut methods = Vec::new();
    for base in item.inherited() {
        declared(base, Some(base.name), types, &mut methods);
    }
    declared(item, None, types, &mut methods);
    Interface {
        name: item.name.to_owned(),
        id: item.id,
        version: Version { major: item.major, minor: item.minor },
        methods,
        reserved: Vec::new(),
    }
}

/// The methods and events that an interface itself declares.
fn declared(item: &InterfaceDesc, base: Option<&str>, types: &mut Gathered, all: &mut Vec<Method>) {
    let from = |method| Method { declared_in: base.map(str::to_owned), ..method };
    all.extend(item.methods.iter().map(|item| from(method(item, types))));
    all.extend(item.events.iter().map(|item| from(event(item, types))));
}

/// The named types that an interface reaches.
#[derive(Default)]
struct Gathered {
    types: Types,
    /// The descriptions that were seen. By address, since different types may give equal definitions
    /// and yet hold different ones; a type that has several addresses is only seen several times.
    seen: BTreeSet<usize>,
}

impl Gathered {
    /// The type, once what it refers to has been gathered.
    fn add(&mut self, ty: Ty) -> Type {
        let desc = ty();
        if self.seen.insert(std::ptr::from_ref(desc).addr()) {
            self.follow(desc);
            if let Some(definition) = self.define(desc) {
                self.types.add(definition);
            }
        }
        reference(ty)
    }

    /// Gathers what an unnamed type holds; a named one's fields are gathered as it is defined.
    fn follow(&mut self, desc: &TypeDesc) {
        match desc {
            TypeDesc::List(element)
            | TypeDesc::Array(element, _)
            | TypeDesc::Optional(element)
            | TypeDesc::Stream(element) => {
                self.add(*element);
            }
            TypeDesc::Map(first, second) | TypeDesc::Result(first, second) => {
                self.add(*first);
                self.add(*second);
            }
            TypeDesc::Tuple(members) => members.iter().for_each(|member| {
                self.add(*member);
            }),
            _ => {}
        }
    }

    /// What a named type is, and nothing for any other.
    fn define(&mut self, desc: &TypeDesc) -> Option<Definition> {
        let (name, body) = match desc {
            TypeDesc::Struct { name, closed, fields } => {
                (name, Body::Struct { growth: growth(*closed), fields: self.fields(fields) })
            }
            TypeDesc::Enum { name, closed, signed, members } => {
                let (growth, members) = (growth(*closed), self::members(members));
                let (base, reserved) = (None, Vec::new());
                (name, Body::Enum { growth, signed: *signed, base, members, reserved })
            }
            TypeDesc::Flags { name, members } => {
                let (members, reserved) = (self::members(members), Vec::new());
                (name, Body::Flags { base: None, members, reserved })
            }
            TypeDesc::Union { name, closed, variants } => {
                let variants = variants
                    .iter()
                    .map(|item| Variant::new(item.name, item.tag, self.fields(item.fields)))
                    .collect();
                (name, Body::Union { growth: growth(*closed), variants, reserved: Vec::new() })
            }
            TypeDesc::Opaque { name } => (name, Body::Opaque),
            TypeDesc::Object { interface } => {
                let item = interface();
                (&item.name, Body::Interface(self::interface(item, self)))
            }
            _ => return None,
        };
        Some(Definition { name: (*name).to_owned(), body })
    }

    fn fields(&mut self, fields: &[FieldDesc]) -> Vec<Field> {
        let field = |item: &FieldDesc| Field {
            absence: absence(item.optional_on_wire),
            ..Field::new(item.name, self.add(item.ty))
        };
        fields.iter().map(field).collect()
    }
}

fn members(members: &[MemberDesc]) -> Vec<Member> {
    members.iter().map(|item| Member::new(item.name, item.value)).collect()
}

fn event(item: &EventDesc, types: &mut Gathered) -> Method {
    Method {
        kind: MethodKind::Event,
        must_understand: item.must_understand,
        params: item.params.iter().map(|item| param(item, types)).collect(),
        ..Method::new(item.name, item.ordinal)
    }
}

fn method(item: &MethodDesc, types: &mut Gathered) -> Method {
    Method {
        kind: if item.oneway { MethodKind::OneWay } else { MethodKind::TwoWay },
        must_understand: item.must_understand,
        idempotent: item.idempotent,
        cancellable: item.cancellable,
        params: item.params.iter().map(|item| param(item, types)).collect(),
        results: item.results.iter().map(|item| param(item, types)).collect(),
        raises: item.raises.map(|error| types.add(error)),
        ..Method::new(item.name, item.ordinal)
    }
}

fn param(item: &ParamDesc, types: &mut Gathered) -> Param {
    Param {
        direction: match item.direction {
            Direction::In => alpc_contract::Direction::In,
            Direction::Out => alpc_contract::Direction::Out,
            Direction::InOut => alpc_contract::Direction::InOut,
        },
        view: item.view,
        raw: item.raw,
        absence: absence(item.optional_on_wire),
        ..Param::new(item.name, types.add(item.ty))
    }
}

fn growth(closed: bool) -> Growth {
    if closed { Growth::Closed } else { Growth::Open }
}

fn absence(optional_on_wire: bool) -> Absence {
    if optional_on_wire { Absence::Foreseen } else { Absence::Unforeseen }
}

/// A type where it is used: a named one by its name.
fn reference(ty: Ty) -> Type {
    let inner = |ty: &Ty| Box::new(reference(*ty));
    match ty() {
        TypeDesc::Unit => Basic::Unit.into(),
        TypeDesc::Bool => Basic::Bool.into(),
        TypeDesc::U8 => Basic::U8.into(),
        TypeDesc::U16 => Basic::U16.into(),
        TypeDesc::U32 => Basic::U32.into(),
        TypeDesc::U64 => Basic::U64.into(),
        TypeDesc::U128 => Basic::U128.into(),
        TypeDesc::I8 => Basic::I8.into(),
        TypeDesc::I16 => Basic::I16.into(),
        TypeDesc::I32 => Basic::I32.into(),
        TypeDesc::I64 => Basic::I64.into(),
        TypeDesc::I128 => Basic::I128.into(),
        TypeDesc::F32 => Basic::F32.into(),
        TypeDesc::F64 => Basic::F64.into(),
        TypeDesc::String => Basic::String.into(),
        TypeDesc::Path => Basic::Path.into(),
        TypeDesc::Uuid => Basic::Uuid.into(),
        TypeDesc::Duration => Basic::Duration.into(),
        TypeDesc::Time => Basic::Time.into(),
        TypeDesc::List(element) => Kind::List(inner(element)).into(),
        TypeDesc::Array(element, len) => Kind::Array(inner(element), *len as u64).into(),
        TypeDesc::Map(key, value) => Kind::Map(inner(key), inner(value)).into(),
        TypeDesc::Optional(value) => Kind::Optional(inner(value)).into(),
        TypeDesc::Result(value, error) => Kind::Result(inner(value), inner(error)).into(),
        TypeDesc::Stream(item) => Kind::Stream(inner(item)).into(),
        TypeDesc::Tuple(members) => {
            Kind::Tuple(members.iter().map(|member| reference(*member)).collect()).into()
        }
        TypeDesc::Struct { name, .. }
        | TypeDesc::Enum { name, .. }
        | TypeDesc::Flags { name, .. }
        | TypeDesc::Union { name, .. }
        | TypeDesc::Opaque { name } => Type::named(*name),
        TypeDesc::Object { interface } => Type::named(interface().name),
        TypeDesc::Handle { kind, rights } => {
            let named = Rights::NAMED.iter().filter(|(right, _)| rights.contains(*right));
            let mut rights: Vec<_> = named.map(|(_, name)| (*name).to_owned()).collect();
            rights.sort_unstable();
            Kind::Handle { kind: kind.name().to_owned(), rights }.into()
        }
    }
}

/// Prints a type where it is used.
#[derive(Clone, Copy)]
pub(crate) struct Reference(pub(crate) Ty);

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        reference(self.0).fmt(f)
    }
}

#[cfg(test)]
mod tests;
