//! Binding names: what an interface says becomes what it means.
//!
//! Aliases are replaced by what they stand for, constants and expressions by their values, members
//! without a number get one. Afterwards the checker and the generator look nothing up, and so the
//! generator cannot fail. Whatever cannot be bound is reported and left as it stands.

mod constant;
mod imports;
#[cfg(feature = "grammar")]
mod outside;
mod owner;
mod removed;
mod scope;

use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::{
    At, Bounds, Direction, Enum, Expr, ExprKind, Field, Flags, Growth, IntKind, Integer, Interface,
    Item, Module, Param, Payload, Struct, Type, TypeKind, Union, Version,
};
use crate::source::Span;
#[cfg(feature = "grammar")]
pub(crate) use outside::export;
pub(crate) use scope::NO_FLAG;
use scope::Scope;

/// How many names may stand for each other, and how deep a type may nest.
const DEEPEST: usize = 128;

/// Binds all names in `module` and reports what cannot be bound.
pub fn resolve(module: &mut Module, found: &mut Diagnostics) {
    let mut scope = Scope::new(module);
    scope.import(module, found);
    let mut resolver =
        Resolver { scope, inside: None, gone: false, met_sensitive: None, depth: 0, found };
    for item in &mut module.items {
        resolver.gone = item.availability().is_removed();
        match item {
            Item::Const(item) => {
                resolver.ty(&mut item.ty);
                resolver.value(&mut item.value, &item.ty);
            }
            Item::Alias(item) => {
                let span = item.name.span;
                if let Some(kind) = resolver.alias(&item.name.text, span, span) {
                    item.ty.kind = kind;
                }
            }
            Item::Struct(item) => resolver.record(item),
            Item::Enum(item) => resolver.enumeration(item),
            Item::Flags(item) => resolver.flags(item),
            Item::Union(item) => resolver.union(item),
            Item::Interface(item) => resolver.interface(item, module.version),
        }
    }
    let (aliases, items) = std::mem::take(&mut module.items)
        .into_iter()
        .partition(|item| matches!(item, Item::Alias(_)));
    module.items = items;
    let aliases: Vec<Item> = aliases;
    module.aliases = aliases
        .into_iter()
        .filter_map(|item| match item {
            Item::Alias(alias) => Some(alias),
            _ => None,
        })
        .collect();
    owner::settle(module);
}

/// The walk over a module. Names are looked up in `scope`, values computed in `constant`.
struct Resolver<'a> {
    scope: Scope,
    /// The interface whose constants are seen by their bare names, or the flags whose members are.
    inside: Option<String>,
    /// Whether what is being bound is removed.
    gone: bool,
    /// Where a name was met that stands for something sensitive.
    met_sensitive: Option<Span>,
    /// How many names behind names are being bound.
    depth: usize,
    found: &'a mut Diagnostics,
}

impl Resolver<'_> {
    fn record(&mut self, item: &mut Struct) {
        self.fields(&mut item.fields, item.growth);
    }

    fn fields(&mut self, fields: &mut [Field], growth: Growth) {
        for field in fields {
            self.typed(&mut field.ty, &mut field.sensitive);
            if let Some(default) = &mut field.default {
                self.value(default, &field.ty);
            }
            if !growth.is_closed() {
                self.bury(&field.name, &field.ty, &field.availability, &mut field.default);
            }
        }
    }

    fn enumeration(&mut self, item: &mut Enum) {
        let values = item.members.iter_mut().map(|member| (&mut member.value, member.name.span));
        self.number(values, Integer::ZERO, item.base.value);
    }

    /// Flags may be made of those beside them.
    fn flags(&mut self, item: &mut Flags) {
        self.inside = Some(item.name.text.clone());
        for member in &mut item.members {
            if let Some(value) = &mut member.value {
                let ty = Type::new(TypeKind::Int(item.base.value, Bounds::none()), item.base.span);
                self.value(value, &ty);
            }
        }
        self.inside = None;
    }

    fn union(&mut self, item: &mut Union) {
        // serde counts from 0, and a `[final]` union is what serde makes of it.
        let first = match item.growth {
            Growth::Open => Integer::from(1u64),
            Growth::Closed => Integer::ZERO,
        };
        let tags = item.variants.iter_mut().map(|variant| (&mut variant.tag, variant.name.span));
        self.number(tags, first, IntKind::U32);
        for variant in &mut item.variants {
            match &mut variant.payload {
                Payload::Unit => {}
                Payload::Positional(fields) | Payload::Named(fields) => {
                    self.fields(fields, item.growth);
                }
            }
        }
    }

    /// Computes the numbers that are written and counts on where none is.
    fn number<'e>(
        &mut self,
        entries: impl Iterator<Item = (&'e mut Option<Expr>, Span)>,
        first: Integer,
        base: IntKind,
    ) {
        let ty = Type::new(TypeKind::Int(base, Bounds::none()), Span::call_site());
        let mut next = Some(first);
        for (value, span) in entries {
            match value {
                Some(written) => self.value(written, &ty),
                None => {
                    let Some(counted) = next.filter(|next| next.fits(base)) else {
                        let message =
                            format!("there is no number after the last `{}`", base.name());
                        let error = Diagnostic::error(codes::BAD_TAG, message, span);
                        self.found.push(error.help("write a value"));
                        continue;
                    };
                    *value = Some(Expr { kind: ExprKind::Int(counted), span });
                }
            }
            next = match value.as_ref().map(|value| &value.kind) {
                Some(ExprKind::Int(number)) => number.checked_add(Integer::from(1u64)),
                _ => None,
            };
        }
    }

    fn interface(&mut self, item: &mut Interface, default: Option<At<Version>>) {
        item.version = item.version.or(default);
        item.bases.iter_mut().for_each(|base| self.base(base));
        self.inside = Some(item.name.text.clone());
        for constant in &mut item.consts {
            self.ty(&mut constant.ty);
            self.value(&mut constant.value, &constant.ty);
        }
        for event in &mut item.events {
            self.params(&mut event.params);
        }
        let gone = self.gone;
        for method in &mut item.methods {
            self.gone = gone || method.availability.is_removed();
            self.params(&mut method.params);
            for result in &mut method.results {
                self.typed(&mut result.ty, &mut result.sensitive);
                if let Some(default) = &mut result.default {
                    self.value(default, &result.ty);
                }
                if let (Some(name), None, None) = (&result.name, result.view, result.raw) {
                    self.bury(name, &result.ty, &result.availability, &mut result.default);
                }
            }
            if let Some(raised) = &mut method.raises {
                self.ty(raised);
            }
        }
        self.gone = gone;
        self.inside = None;
    }

    fn params(&mut self, params: &mut [Param]) {
        for param in params {
            self.typed(&mut param.ty, &mut param.sensitive);
            if let Some(default) = &mut param.default {
                self.value(default, &param.ty);
            }
            if param.direction == Direction::In && param.view.is_none() && param.raw.is_none() {
                self.bury(&param.name, &param.ty, &param.availability, &mut param.default);
            }
        }
    }

    /// Binds the type of something that is sensitive if a name in its type says so.
    fn typed(&mut self, ty: &mut Type, sensitive: &mut Option<At<()>>) {
        self.met_sensitive = None;
        self.ty(ty);
        let met = self.met_sensitive.take();
        *sensitive = sensitive.or(met.map(|span| At::new((), span)));
    }

    /// Binds the names in a type.
    fn ty(&mut self, ty: &mut Type) {
        match &mut ty.kind {
            TypeKind::Handle(..) | TypeKind::Object(_) => {}
            TypeKind::Stream(item) => self.ty(item),
            TypeKind::Unit | TypeKind::Bool | TypeKind::Uuid | TypeKind::Named(_) => {}
            TypeKind::Int(kind, bounds) => {
                let kind = TypeKind::Int(*kind, Bounds::none());
                self.bounds(bounds, &kind);
            }
            TypeKind::Float(kind, bounds) => {
                let kind = TypeKind::Float(*kind, Bounds::none());
                self.bounds(bounds, &kind);
            }
            TypeKind::String(bounds) | TypeKind::Bytes(bounds) | TypeKind::Path(bounds) => {
                self.length(bounds);
            }
            TypeKind::Duration(bounds) | TypeKind::Time(bounds) => {
                self.bounds(bounds, &TypeKind::Duration(Bounds::none()));
            }
            TypeKind::List(item, bounds) => {
                self.ty(item);
                self.length(bounds);
            }
            TypeKind::Array(item, length) => {
                self.ty(item);
                let u64 = TypeKind::Int(IntKind::U64, Bounds::none());
                let u64 = Type::new(u64, length.span);
                self.value(length, &u64);
            }
            TypeKind::Map(key, value, bounds) => {
                self.ty(key);
                self.ty(value);
                self.length(bounds);
            }
            TypeKind::Result(value, error) => {
                self.ty(value);
                self.ty(error);
            }
            TypeKind::Optional(item) => self.ty(item),
            TypeKind::Tuple(items) => items.iter_mut().for_each(|item| self.ty(item)),
            TypeKind::Unresolved(path) => {
                let path = path.clone();
                if let Some(kind) = self.named_type(&path, ty.span) {
                    ty.kind = kind;
                }
            }
        }
    }

    /// Runs `bind` one level deeper, unless that is too deep.
    ///
    /// Each name may stand for something with a name in it, and a file may hold a hundred thousand
    /// of them in a row.
    fn deeper<T>(&mut self, span: Span, bind: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth == DEEPEST {
            let message = format!("more than {DEEPEST} names stand for each other");
            self.found.push(Diagnostic::error(codes::NESTED_TOO_DEEPLY, message, span).once());
            return None;
        }
        self.depth += 1;
        let bound = bind(self);
        self.depth -= 1;
        bound
    }

    fn length(&mut self, bounds: &mut Bounds) {
        self.bounds(bounds, &TypeKind::Int(IntKind::U64, Bounds::none()));
    }

    fn bounds(&mut self, bounds: &mut Bounds, kind: &TypeKind) {
        for end in [&mut bounds.min, &mut bounds.max].into_iter().flatten() {
            let ty = Type::new(kind.clone(), end.span);
            self.value(end, &ty);
        }
    }
}
