//! Interfaces of `.idl` files as contracts, which are compared with other versions.
//!
//! The runtime makes the same of its descriptions, without bounds and defaults; a test of the
//! workspace holds the two equal.

use std::collections::{BTreeSet, HashMap};

use alpc_contract as contract;
use alpc_contract::{
    Absence, Basic, Body, Contract, Definition, Kind, Limit, MethodKind, Types, Variant, Version,
};
use quote::ToTokens;

use crate::ir::{self, ExprKind, IntKind, Item, Module, TypeKind, identity};

/// What a module says to the world.
#[derive(Clone, Debug, PartialEq)]
pub struct Api {
    /// The module's name.
    pub module: String,
    /// Its version, which is that of its interfaces unless they say otherwise.
    pub version: Version,
    /// Its interfaces, in the order of the source.
    pub interfaces: Vec<Contract>,
    /// All its types, those that no interface reaches among them.
    pub types: Types,
}

impl Api {
    /// What a module says that `check` has nothing against.
    pub fn of(module: &Module) -> Api {
        let gatherer = Gatherer::new(module);
        let items = module.items.iter();
        let interfaces: Vec<Contract> = items
            .filter_map(|item| match item {
                Item::Interface(item) => Some(gatherer.contract(item)),
                _ => None,
            })
            .collect();
        let mut types = Reached::default();
        // Those of imported modules are theirs to keep, as far as nothing here reaches them.
        for (path, _) in gatherer.defined.iter().filter(|(path, _)| !path.contains("::")) {
            gatherer.reach(path, &mut types);
        }
        let newest = interfaces.iter().map(|contract| contract.interface.version).max();
        let version = module.version.map(|version| self::version(version.value));
        Api {
            module: module.name.to_string(),
            version: version.or(newest).unwrap_or(Version { major: 1, minor: 0 }),
            interfaces,
            types: types.types,
        }
    }
}

impl Api {
    /// A module that says nothing.
    pub fn empty(module: &str) -> Api {
        let version = Version { major: 1, minor: 0 };
        Api { module: module.to_owned(), version, interfaces: Vec::new(), types: Types::new() }
    }

    /// What it is recognised by: the SHA-256 of all its contracts' texts and of its types.
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = hmac_sha256::Hash::new();
        for contract in &self.interfaces {
            hash.update(contract.contract_hash());
        }
        hash.update(self.types.to_text());
        hash.finalize()
    }
}

/// Types that were met, so that each is followed once.
#[derive(Default)]
struct Reached {
    types: Types,
    seen: BTreeSet<String>,
}

/// A module whose items can be found by their paths in Rust.
struct Gatherer<'m> {
    defined: HashMap<String, &'m Item>,
}

impl<'m> Gatherer<'m> {
    fn new(module: &'m Module) -> Gatherer<'m> {
        let is_type = |item: &&Item| !matches!(item, Item::Const(_) | Item::Alias(_));
        let items = module.items.iter().filter(is_type);
        let path = |item: &Item| item.name().ident().into_token_stream().to_string();
        let own = items.map(|item| (path(item), item));
        Gatherer { defined: own.chain(module.foreign()).collect() }
    }

    fn contract(&self, item: &ir::Interface) -> Contract {
        let mut reached = Reached::default();
        let interface = self.interface(item, &mut reached);
        Contract { interface, types: reached.types }
    }

    fn interface(&self, item: &ir::Interface, reached: &mut Reached) -> contract::Interface {
        let version = item.version.map_or(Version { major: 1, minor: 0 }, |v| version(v.value));
        let mut methods = Vec::new();
        self.members(item, None, &mut BTreeSet::new(), reached, &mut methods);
        contract::Interface {
            name: item.qualified.clone(),
            id: identity::interface_id(item),
            version,
            methods,
            reserved: item.reserved.iter().map(|name| name.text.clone()).collect(),
        }
    }

    /// The methods and events of an interface, and of its bases in front.
    fn members(
        &self,
        item: &ir::Interface,
        declared_in: Option<&str>,
        bases: &mut BTreeSet<u128>,
        reached: &mut Reached,
        methods: &mut Vec<contract::Method>,
    ) {
        for base in &item.bases {
            let TypeKind::Object(object) = &base.kind else { continue };
            let found = self.defined.get(&object.rust.0.to_string());
            if let Some(Item::Interface(base)) = found
                && bases.insert(identity::interface_id(base))
            {
                self.members(base, Some(&base.qualified), bases, reached, methods);
            }
        }
        let id = identity::interface_id(item);
        for method in &item.methods {
            let method = self.method(method, id, reached);
            methods
                .push(contract::Method { declared_in: declared_in.map(str::to_owned), ..method });
        }
        for event in &item.events {
            let wire_name = event.wire_name();
            let method = contract::Method {
                kind: MethodKind::Event,
                source_name: source_name(&event.name, wire_name),
                must_understand: event.must_understand.is_some(),
                availability: availability(&event.availability),
                params: event.params.iter().map(|param| self.param(param, reached)).collect(),
                ..contract::Method::new(wire_name, identity::ordinal(id, wire_name))
            };
            methods
                .push(contract::Method { declared_in: declared_in.map(str::to_owned), ..method });
        }
    }

    fn method(&self, item: &ir::Method, id: u128, reached: &mut Reached) -> contract::Method {
        let wire_name = item.wire_name();
        let kind = if item.oneway.is_some() { MethodKind::OneWay } else { MethodKind::TwoWay };
        contract::Method {
            kind,
            source_name: source_name(&item.name, wire_name),
            must_understand: item.must_understand.is_some(),
            idempotent: item.idempotent.is_some(),
            cancellable: item.cancellable.is_some(),
            availability: availability(&item.availability),
            params: item.params.iter().map(|param| self.param(param, reached)).collect(),
            results: item.results.iter().map(|result| self.result(result, reached)).collect(),
            raises: item.raises.as_ref().map(|error| self.ty(error, reached)),
            ..contract::Method::new(wire_name, identity::ordinal(id, wire_name))
        }
    }

    fn param(&self, item: &ir::Param, reached: &mut Reached) -> contract::Param {
        contract::Param {
            direction: match item.direction {
                ir::Direction::In => contract::Direction::In,
                ir::Direction::Out => contract::Direction::Out,
                ir::Direction::InOut => contract::Direction::InOut,
            },
            view: item.view.is_some(),
            raw: item.raw.is_some(),
            moved: item.moved.is_some(),
            absence: absence(&item.default, &item.ty),
            availability: availability(&item.availability),
            ..contract::Param::new(&item.name.text, self.ty(&item.ty, reached))
        }
    }

    fn result(&self, item: &ir::Output, reached: &mut Reached) -> contract::Param {
        let name = item.name.as_ref().map_or("", |name| name.text.as_str());
        contract::Param {
            view: item.view.is_some(),
            raw: item.raw.is_some(),
            absence: absence(&item.default, &item.ty),
            availability: availability(&item.availability),
            ..contract::Param::result(name, self.ty(&item.ty, reached))
        }
    }

    fn fields(&self, fields: &[ir::Field], reached: &mut Reached) -> Vec<contract::Field> {
        let field = |item: &ir::Field| contract::Field {
            absence: absence(&item.default, &item.ty),
            availability: availability(&item.availability),
            ..contract::Field::new(&item.name.text, self.ty(&item.ty, reached))
        };
        fields.iter().map(field).collect()
    }

    fn ty(&self, ty: &ir::Type, reached: &mut Reached) -> contract::Type {
        let mut inner = |ty: &ir::Type| Box::new(self.ty(ty, reached));
        let kind = match &ty.kind {
            TypeKind::Unit => Kind::Basic(Basic::Unit),
            TypeKind::Bool => Kind::Basic(Basic::Bool),
            TypeKind::Int(kind, _) => Kind::Basic(int(*kind)),
            TypeKind::Float(ir::FloatKind::F32, _) => Kind::Basic(Basic::F32),
            TypeKind::Float(ir::FloatKind::F64, _) => Kind::Basic(Basic::F64),
            TypeKind::String(_) => Kind::Basic(Basic::String),
            TypeKind::Path(_) => Kind::Basic(Basic::Path),
            TypeKind::Uuid => Kind::Basic(Basic::Uuid),
            TypeKind::Duration(_) => Kind::Basic(Basic::Duration),
            TypeKind::Time(_) => Kind::Basic(Basic::Time),
            TypeKind::Bytes(_) => Kind::List(Box::new(Basic::U8.into())),
            TypeKind::List(item, _) => Kind::List(inner(item)),
            TypeKind::Array(item, len) => Kind::Array(inner(item), length(len)),
            TypeKind::Map(key, value, _) => Kind::Map(inner(key), inner(value)),
            TypeKind::Optional(value) => Kind::Optional(inner(value)),
            TypeKind::Tuple(items) => Kind::Tuple(items.iter().map(|item| *inner(item)).collect()),
            TypeKind::Result(value, error) => Kind::Result(inner(value), inner(error)),
            TypeKind::Stream(item) => Kind::Stream(inner(item)),
            TypeKind::Handle(kind, rights) => {
                let mut rights: Vec<String> =
                    rights.iter().map(|right| right.name().to_owned()).collect();
                rights.sort_unstable();
                Kind::Handle { kind: kind.name().to_owned(), rights }
            }
            TypeKind::Named(named) => Kind::Named(self.reach(&named.rust.0.to_string(), reached)),
            TypeKind::Object(object) => {
                Kind::Named(self.reach(&object.rust.0.to_string(), reached))
            }
            TypeKind::Unresolved(path) => Kind::Named(path.to_string()),
        };
        contract::Type { kind, bounds: bounds(ty) }
    }

    /// Adds a type of this module, and what it refers to. Returns its full name.
    fn reach(&self, path: &str, reached: &mut Reached) -> String {
        let Some(item) = self.defined.get(path) else {
            // Another file's, of which nothing but the name is known here.
            let name = path.replace(' ', "").replace("::", ".");
            reached.types.add(Definition { name: name.clone(), body: Body::Opaque });
            return name;
        };
        let name = qualified(item);
        if reached.seen.insert(name.clone()) {
            let body = self.body(item, reached);
            if let Some(body) = body {
                reached.types.add(Definition { name: name.clone(), body });
            }
        }
        name
    }

    fn body(&self, item: &Item, reached: &mut Reached) -> Option<Body> {
        Some(match item {
            Item::Const(_) | Item::Alias(_) => return None,
            Item::Struct(item) => {
                let fields = self.fields(&item.fields, reached);
                Body::Struct { growth: growth(item.growth), fields }
            }
            Item::Enum(item) => Body::Enum {
                growth: growth(item.growth),
                signed: item.base.value.is_signed(),
                base: Some(int(item.base.value)),
                members: members(&item.members),
                reserved: reserved(&item.reserved),
            },
            Item::Flags(item) => Body::Flags {
                base: Some(int(item.base.value)),
                members: members(&item.members),
                reserved: reserved(&item.reserved),
            },
            Item::Union(item) => {
                let variant = |variant: &ir::Variant| {
                    let fields = self.fields(variant.payload.fields(), reached);
                    let tag = u32::try_from(number(&variant.tag)).unwrap_or_default();
                    let availability = availability(&variant.availability);
                    Variant { availability, ..Variant::new(&variant.name.text, tag, fields) }
                };
                Body::Union {
                    growth: growth(item.growth),
                    variants: item.variants.iter().map(variant).collect(),
                    reserved: reserved(&item.reserved),
                }
            }
            Item::Interface(item) => Body::Interface(self.interface(item, reached)),
        })
    }
}

fn qualified(item: &Item) -> String {
    match item {
        Item::Struct(item) => item.qualified.clone(),
        Item::Enum(item) => item.qualified.clone(),
        Item::Flags(item) => item.qualified.clone(),
        Item::Union(item) => item.qualified.clone(),
        Item::Interface(item) => item.qualified.clone(),
        Item::Const(_) | Item::Alias(_) => item.name().text.clone(),
    }
}

fn source_name(name: &ir::Name, wire_name: &str) -> Option<String> {
    (name.text != wire_name).then(|| name.text.clone())
}

fn growth(growth: ir::Growth) -> contract::Growth {
    match growth {
        ir::Growth::Open => contract::Growth::Open,
        ir::Growth::Closed => contract::Growth::Closed,
    }
}

fn version(version: ir::Version) -> Version {
    Version { major: version.major, minor: version.minor }
}

fn availability(item: &ir::Availability) -> contract::Availability {
    let deprecated = item.deprecated.as_ref().and_then(|deprecation| deprecation.since);
    contract::Availability {
        added: item.added.map(|at| version(at.value)),
        deprecated: deprecated.map(|at| version(at.value)),
        removed: item.removed.map(|at| version(at.value)),
    }
}

fn members(members: &[ir::Member]) -> Vec<contract::Member> {
    let member = |item: &ir::Member| contract::Member {
        availability: availability(&item.availability),
        ..contract::Member::new(&item.name.text, number(&item.value))
    };
    members.iter().map(member).collect()
}

fn reserved(reserved: &[ir::At<ir::Reserved>]) -> Vec<contract::Reserved> {
    let one = |item: &ir::At<ir::Reserved>| match &item.value {
        ir::Reserved::Numbers(first, last) => {
            Some(contract::Reserved::Numbers(first.to_i128()?, last.to_i128()?))
        }
        ir::Reserved::Name(name) => Some(contract::Reserved::Name(name.clone())),
    };
    reserved.iter().filter_map(one).collect()
}

fn number(value: &Option<ir::Expr>) -> i128 {
    match value.as_ref().map(|value| &value.kind) {
        Some(ExprKind::Int(number)) => number.to_i128().unwrap_or_default(),
        _ => 0,
    }
}

fn length(expr: &ir::Expr) -> u64 {
    match &expr.kind {
        ExprKind::Int(number) => number.to_u64().unwrap_or_default(),
        _ => 0,
    }
}

fn int(kind: IntKind) -> Basic {
    match kind {
        IntKind::U8 => Basic::U8,
        IntKind::U16 => Basic::U16,
        IntKind::U32 => Basic::U32,
        IntKind::U64 => Basic::U64,
        IntKind::U128 => Basic::U128,
        IntKind::I8 => Basic::I8,
        IntKind::I16 => Basic::I16,
        IntKind::I32 => Basic::I32,
        IntKind::I64 => Basic::I64,
        IntKind::I128 => Basic::I128,
    }
}

fn bounds(ty: &ir::Type) -> contract::Bounds {
    let bounds = match &ty.kind {
        TypeKind::Int(_, bounds)
        | TypeKind::Float(_, bounds)
        | TypeKind::String(bounds)
        | TypeKind::Bytes(bounds)
        | TypeKind::Path(bounds)
        | TypeKind::Duration(bounds)
        | TypeKind::Time(bounds)
        | TypeKind::List(_, bounds)
        | TypeKind::Map(_, _, bounds) => bounds,
        _ => return contract::Bounds::NONE,
    };
    let limit = |end: &Option<Box<ir::Expr>>| match &end.as_ref()?.kind {
        ExprKind::Int(number) => Some(Limit::int(number.is_negative(), number.magnitude())),
        ExprKind::Float(number) => Some(Limit::Float(number.0)),
        ExprKind::Duration(length) => Some(Limit::int(false, length.as_nanos())),
        _ => None,
    };
    contract::Bounds { min: limit(&bounds.min), max: limit(&bounds.max) }
}

fn absence(default: &Option<ir::Expr>, ty: &ir::Type) -> Absence {
    match (default, &ty.kind) {
        (Some(default), _) => Absence::Default(shown(default)),
        (None, TypeKind::Optional(_)) => Absence::Foreseen,
        (None, _) => Absence::Unforeseen,
    }
}

/// A default with its constants folded, so that a constant of another name is no change.
fn shown(expr: &ir::Expr) -> String {
    match &expr.kind {
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Int(value) => {
            format!("{}{}", if value.is_negative() { "-" } else { "" }, value.magnitude())
        }
        ExprKind::Float(value) => format!("{:?}", value.0),
        ExprKind::Str(text) => format!("{text:?}"),
        ExprKind::Bytes(bytes) => format!("b\"{}\"", bytes.escape_ascii()),
        ExprKind::Duration(length) => format!("{}ns", length.as_nanos()),
        ExprKind::Uuid(uuid) => format!("{uuid:032x}"),
        ExprKind::List(items) => {
            format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        ExprKind::Member { member, .. } => member.text.clone(),
        ExprKind::Flags { members, .. } => {
            members.iter().map(|member| member.text.as_str()).collect::<Vec<_>>().join("|")
        }
        ExprKind::None => "none".to_owned(),
        // The path of an enum's member: `Mode::Fast`.
        ExprKind::Rust(code) => code.0.to_string().replace(' ', ""),
        ExprKind::Path(_) | ExprKind::Unary(..) | ExprKind::Binary(..) => String::new(),
    }
}
