//! The description of an interface as JSON, for programs that make something else of it.
//!
//! Back ends for other languages are programs of their own that read this on standard input. So it
//! has a version, its form is written down in `docs/ir.schema.json`, and everything is always there,
//! `null` or empty where nothing was said: a reader needs no rules about what is left out.

mod types;

use std::collections::HashMap;

use crate::contract::Api;
use crate::ir::identity::{interface_id, ordinal};
use crate::ir::{
    Alias, At, Availability, Const, Direction, Enum, Event, Expr, Field, Flags, Growth, Handler,
    Interface, Item, Look, Member, Method, Module, Name, Output, Param, Payload, Reserved, Struct,
    Union, UnionUse, Variant, Version, Via,
};
use crate::json::Value;
use crate::print::names;
use types::Types;

/// The version of the form. It changes when a reader of the old form would misunderstand the new
/// one; what is only added does not count.
pub const VERSION: i64 = 1;

/// A checked module as JSON. The same module gives the same JSON on every machine.
pub fn dump(module: &Module) -> Value {
    // What short names stand for is written out wherever they were used.
    let Module { name, docs, version, stable, imports, uses: _, items, aliases: _ } = module;
    let imports = imports.iter().map(|import| import.path.value.as_str());
    let dumper =
        Dumper { types: Types { names: names(module) }, fingerprints: fingerprints(module) };
    let items = items.iter().map(|item| dumper.item(item));
    Value::object([
        ("ir", Value::Int(VERSION)),
        ("generator", concat!("idlc ", env!("CARGO_PKG_VERSION")).into()),
        ("module", name.to_string().into()),
        ("docs", lines(docs)),
        ("version", optional_version(*version)),
        ("stable", stable.is_some().into()),
        ("imports", Value::array(imports)),
        ("items", Value::array(items)),
    ])
}

struct Dumper {
    types: Types,
    /// By the names of interfaces.
    fingerprints: HashMap<String, String>,
}

/// What peers compare at connect: equal, and the interface means the same to both.
fn fingerprints(module: &Module) -> HashMap<String, String> {
    let interfaces = module.items.iter().filter(|item| matches!(item, Item::Interface(_)));
    let names = interfaces.map(|item| item.name().text.clone());
    let fingerprint = |contract: &alpc_contract::Contract| {
        contract.fingerprint().iter().map(|byte| format!("{byte:02x}")).collect()
    };
    names.zip(Api::of(module).interfaces.iter().map(fingerprint)).collect()
}

/// An object that is made of several parts.
struct Members(Vec<(String, Value)>);

impl Members {
    fn new<const N: usize>(members: [(&str, Value); N]) -> Members {
        Members(members.map(|(name, value)| (name.to_owned(), value)).into())
    }

    fn and<const N: usize>(mut self, members: [(&str, Value); N]) -> Members {
        self.0.extend(members.map(|(name, value)| (name.to_owned(), value)));
        self
    }

    fn done(self) -> Value {
        Value::Object(self.0)
    }
}

/// What everything has that has a name.
fn head(name: &Name, docs: &[String], availability: &Availability) -> Members {
    let Availability { added, deprecated, removed } = availability;
    let deprecated = deprecated.as_ref().map(|deprecated| {
        Value::object([
            ("since", optional_version(deprecated.since)),
            ("note", deprecated.note.clone().into()),
        ])
    });
    Members::new([
        ("name", name.text.as_str().into()),
        ("docs", lines(docs)),
        ("added", optional_version(*added)),
        ("deprecated", deprecated.into()),
        ("removed", optional_version(*removed)),
    ])
}

/// What only back ends for Rust need to know.
/// How its handler answers, in Rust.
fn handler_name(handler: Handler) -> &'static str {
    match handler {
        Handler::Returns => "returns",
        Handler::Deferred(_) => "deferred",
        Handler::Async(_) => "async",
    }
}

fn look(name: &Name, look: &Look) -> (&'static str, Value) {
    let Look { hidden, derives } = look;
    let derives = derives.iter().map(|derive| derive.to_string().replace(' ', ""));
    let value = Value::object([
        ("name", name.rust.clone().into()),
        ("hidden", hidden.is_some().into()),
        ("derives", Value::array(derives)),
    ]);
    ("rust", value)
}

fn lines(docs: &[String]) -> Value {
    Value::array(docs.iter().map(String::as_str))
}

fn optional_version(version: Option<At<Version>>) -> Value {
    version.map(|version| version.value.to_string()).into()
}

fn given(flag: Option<At<()>>) -> Value {
    flag.is_some().into()
}

fn optional_via(via: Option<At<Via>>) -> Value {
    via.map(|via| via.value.name()).into()
}

fn is_open(growth: Growth) -> Value {
    (!growth.is_closed()).into()
}

fn reserved(all: &[At<Reserved>]) -> Value {
    Value::array(all.iter().map(|reserved| match &reserved.value {
        Reserved::Numbers(first, last) => {
            Value::object([("first", first.to_string().into()), ("last", last.to_string().into())])
        }
        Reserved::Name(name) => Value::object([("name", name.as_str().into())]),
    }))
}

impl Dumper {
    fn item(&self, item: &Item) -> Value {
        let (kind, members) = match item {
            Item::Const(item) => ("const", self.constant(item)),
            Item::Alias(item) => ("alias", self.alias(item)),
            Item::Struct(item) => ("struct", self.record(item)),
            Item::Enum(item) => ("enum", self.enumeration(item)),
            Item::Flags(item) => ("flags", self.flags(item)),
            Item::Union(item) => {
                let kind = match item.used_as {
                    UnionUse::Error => "error",
                    UnionUse::Data => "union",
                };
                (kind, self.union(item))
            }
            Item::Interface(item) => ("interface", self.interface(item)),
        };
        let mut all = Members::new([("kind", kind.into())]);
        all.0.extend(members.0);
        all.done()
    }

    fn optional_value(&self, value: Option<&Expr>) -> Value {
        value.map(|value| self.types.value(value)).into()
    }

    fn constant(&self, item: &Const) -> Members {
        let Const { name, docs, availability, look: rust, ty, value } = item;
        head(name, docs, availability).and([
            ("type", self.types.ty(ty)),
            ("value", self.types.value(value)),
            look(name, rust),
        ])
    }

    fn alias(&self, item: &Alias) -> Members {
        let Alias { name, docs, availability, sensitive, ty } = item;
        head(name, docs, availability)
            .and([("sensitive", given(*sensitive)), ("type", self.types.ty(ty))])
    }

    fn record(&self, item: &Struct) -> Members {
        let Struct { name, qualified, docs, availability, look: rust, sensitive, growth, fields } =
            item;
        head(name, docs, availability).and([
            ("qualified", qualified.as_str().into()),
            ("open", is_open(*growth)),
            ("sensitive", given(*sensitive)),
            ("fields", Value::array(fields.iter().map(|field| self.field(field)))),
            look(name, rust),
        ])
    }

    fn field(&self, field: &Field) -> Value {
        let Field { name, docs, availability, look: rust, sensitive, ty, default } = field;
        head(name, docs, availability)
            .and([
                ("type", self.types.ty(ty)),
                ("default", self.optional_value(default.as_ref())),
                ("sensitive", given(*sensitive)),
                look(name, rust),
            ])
            .done()
    }

    fn enumeration(&self, item: &Enum) -> Members {
        let Enum {
            name,
            qualified,
            docs,
            availability,
            look: rust,
            sensitive,
            growth,
            base,
            members,
            reserved: gone,
        } = item;
        head(name, docs, availability).and([
            ("qualified", qualified.as_str().into()),
            ("open", is_open(*growth)),
            ("sensitive", given(*sensitive)),
            ("base", base.value.name().into()),
            ("members", self.members(members)),
            ("reserved", reserved(gone)),
            look(name, rust),
        ])
    }

    fn members(&self, members: &[Member]) -> Value {
        Value::array(members.iter().map(|member| {
            let Member { name, docs, availability, look: rust, value } = member;
            let value = self.optional_value(value.as_ref());
            head(name, docs, availability).and([("value", value), look(name, rust)]).done()
        }))
    }

    fn flags(&self, item: &Flags) -> Members {
        let Flags {
            name,
            qualified,
            docs,
            availability,
            look: rust,
            sensitive,
            base,
            members,
            reserved: gone,
        } = item;
        head(name, docs, availability).and([
            ("qualified", qualified.as_str().into()),
            ("sensitive", given(*sensitive)),
            ("base", base.value.name().into()),
            ("members", self.members(members)),
            ("reserved", reserved(gone)),
            look(name, rust),
        ])
    }

    fn union(&self, item: &Union) -> Members {
        let Union {
            name,
            qualified,
            docs,
            availability,
            look: rust,
            sensitive,
            growth,
            used_as: _,
            variants,
            reserved: gone,
        } = item;
        let variants = variants.iter().map(|variant| {
            let Variant { name, docs, availability, look: rust, tag, payload } = variant;
            let shape = match payload {
                Payload::Unit => "unit",
                Payload::Positional(_) => "positional",
                Payload::Named(_) => "named",
            };
            let fields = payload.fields().iter().map(|field| self.field(field));
            head(name, docs, availability)
                .and([
                    ("tag", self.optional_value(tag.as_ref())),
                    ("payload", shape.into()),
                    ("fields", Value::array(fields)),
                    look(name, rust),
                ])
                .done()
        });
        head(name, docs, availability).and([
            ("qualified", qualified.as_str().into()),
            ("open", is_open(*growth)),
            ("sensitive", given(*sensitive)),
            ("variants", Value::array(variants)),
            ("reserved", reserved(gone)),
            look(name, rust),
        ])
    }

    fn interface(&self, item: &Interface) -> Members {
        let Interface {
            name,
            qualified,
            docs,
            availability,
            look: rust,
            uuid,
            version,
            endpoint,
            stable,
            bases,
            consts,
            methods,
            events,
            reserved,
            visibility: _,
        } = item;
        let id = interface_id(item);
        head(name, docs, availability).and([
            ("qualified", qualified.as_str().into()),
            ("id", crate::print::uuid(id).into()),
            ("uuid", uuid.map(|uuid| crate::print::uuid(uuid.value)).into()),
            ("fingerprint", self.fingerprints.get(&name.text).map(String::as_str).into()),
            ("version", version.map_or_else(|| "1.0".to_owned(), |at| at.value.to_string()).into()),
            ("endpoint", endpoint.as_ref().map(|endpoint| endpoint.value.as_str()).into()),
            ("stable", given(*stable)),
            ("bases", Value::array(bases.iter().map(|base| self.types.ty(base)))),
            ("consts", Value::array(consts.iter().map(|item| self.constant(item).done()))),
            ("methods", Value::array(methods.iter().map(|method| self.method(id, method)))),
            ("events", Value::array(events.iter().map(|event| self.event(id, event)))),
            ("reserved", Value::array(reserved.iter().map(|name| name.text.as_str()))),
            look(name, rust),
        ])
    }

    fn method(&self, interface: u128, method: &Method) -> Value {
        let Method {
            name,
            wire_name: _,
            docs,
            availability,
            look: rust,
            oneway,
            idempotent,
            must_understand,
            cancellable,
            timeout,
            params,
            results,
            raises,
            context: _,
            handler,
        } = method;
        // More nanoseconds than a reader's numbers may hold are text.
        let timeout = timeout.map(|timeout| timeout.value.as_nanos().to_string());
        head(name, docs, availability)
            .and([
                ("wire_name", method.wire_name().into()),
                ("ordinal", hexadecimal(ordinal(interface, method.wire_name()))),
                ("oneway", given(*oneway)),
                ("idempotent", given(*idempotent)),
                ("must_understand", given(*must_understand)),
                ("cancellable", given(*cancellable)),
                ("handler", handler_name(*handler).into()),
                ("timeout_ns", timeout.into()),
                ("params", Value::array(params.iter().map(|param| self.param(param)))),
                ("results", Value::array(results.iter().map(|result| self.output(result)))),
                ("raises", raises.as_ref().map(|raised| self.types.ty(raised)).into()),
                look(name, rust),
            ])
            .done()
    }

    fn event(&self, interface: u128, event: &Event) -> Value {
        let Event { name, wire_name: _, docs, availability, must_understand, look: rust, params } =
            event;
        head(name, docs, availability)
            .and([
                ("wire_name", event.wire_name().into()),
                ("ordinal", hexadecimal(ordinal(interface, event.wire_name()))),
                ("must_understand", given(*must_understand)),
                ("params", Value::array(params.iter().map(|param| self.param(param)))),
                look(name, rust),
            ])
            .done()
    }

    fn param(&self, param: &Param) -> Value {
        let Param {
            name,
            docs,
            availability,
            sensitive,
            direction,
            view,
            raw,
            via,
            moved,
            ty,
            default,
        } = param;
        let direction = match direction {
            Direction::In => "in",
            Direction::Out => "out",
            Direction::InOut => "in_out",
        };
        head(name, docs, availability)
            .and([
                ("direction", direction.into()),
                ("type", self.types.ty(ty)),
                ("default", self.optional_value(default.as_ref())),
                ("view", given(*view)),
                ("raw", given(*raw)),
                ("move", given(*moved)),
                ("via", optional_via(*via)),
                ("sensitive", given(*sensitive)),
            ])
            .done()
    }

    fn output(&self, output: &Output) -> Value {
        let Output { name, docs, availability, sensitive, view, raw, via, ty, default } = output;
        // A single result has no name.
        let nameless = Name::new("", ty.span);
        let mut members = head(name.as_ref().unwrap_or(&nameless), docs, availability).and([
            ("type", self.types.ty(ty)),
            ("default", self.optional_value(default.as_ref())),
            ("view", given(*view)),
            ("raw", given(*raw)),
            ("via", optional_via(*via)),
            ("sensitive", given(*sensitive)),
        ]);
        if name.is_none()
            && let Some((_, name)) = members.0.first_mut()
        {
            *name = Value::Null;
        }
        members.done()
    }
}

/// 64 bits, which a reader's numbers may not hold.
fn hexadecimal(number: u64) -> Value {
    format!("0x{number:016x}").into()
}
