//! Structs, enums, flags, unions and errors.

use pest::iterators::Pair;

use super::attributes::Target;
use super::literal::{self, Number};
use super::types::unresolved;
use super::{Lowerer, Rule, parts};
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{
    At, Enum, Field, Flags, Growth, IntKind, Integer, Item, Member, Name, Payload, Reserved,
    Struct, TypeKind, Union, UnionUse, Variant,
};

/// A member or variant as the grammar gives it.
struct Entry<'i> {
    decor: Pair<'i, Rule>,
    rest: Vec<Pair<'i, Rule>>,
}

impl<'i> Entry<'i> {
    fn of(pair: Pair<'i, Rule>) -> Option<Self> {
        let mut inner = parts(pair);
        Some(Self { decor: inner.next()?, rest: inner.collect() })
    }

    fn part(&self, rule: Rule) -> Option<Pair<'i, Rule>> {
        self.rest.iter().find(|part| part.as_rule() == rule).cloned()
    }
}

/// The body of an enum or of flags.
struct Numbered {
    base: At<IntKind>,
    members: Vec<Member>,
    reserved: Vec<At<Reserved>>,
}

fn growth(closed: Option<At<()>>) -> Growth {
    if closed.is_some() { Growth::Closed } else { Growth::Open }
}

impl Lowerer<'_> {
    pub(super) fn structure(&mut self, decor: Pair<'_, Rule>, declaration: Pair<'_, Rule>) {
        let mut decor = self.decor(decor, Target::Struct);
        let growth = growth(self.flag(&mut decor, "final"));
        let mut inner = parts(declaration);
        let (Some(name), Some(fields)) = (inner.next(), inner.next()) else { return };
        let mut name = self.name(&name);
        let item = Struct {
            availability: self.availability(&mut decor),
            look: self.look(&mut decor, &mut name),
            sensitive: self.flag(&mut decor, "sensitive"),
            name,
            qualified: String::new(),
            docs: decor.docs,
            growth,
            fields: self.fields(fields),
        };
        self.reading.module.items.push(Item::Struct(item));
    }

    fn fields(&mut self, pair: Pair<'_, Rule>) -> Vec<Field> {
        parts(pair).filter_map(|field| self.field(field)).collect()
    }

    fn field(&mut self, pair: Pair<'_, Rule>) -> Option<Field> {
        let mut inner = parts(pair);
        let mut decor = self.decor(inner.next()?, Target::Field);
        let mut name = self.name(&inner.next()?);
        let availability = self.availability(&mut decor);
        let look = self.look(&mut decor, &mut name);
        let sensitive = self.flag(&mut decor, "sensitive");
        let ty = self.ty(inner.next()?);
        let default = inner.next().map(|value| self.expr(value));
        let Some(ty) = ty else {
            self.lose(&name);
            return None;
        };
        let default = default.flatten();
        Some(Field { name, docs: decor.docs, availability, look, sensitive, ty, default })
    }

    pub(super) fn enumeration(&mut self, decor: Pair<'_, Rule>, declaration: Pair<'_, Rule>) {
        let mut decor = self.decor(decor, Target::Enum);
        let growth = growth(self.flag(&mut decor, "final"));
        let mut inner = parts(declaration);
        let Some(mut name) = inner.next().map(|name| self.name(&name)) else { return };
        let availability = self.availability(&mut decor);
        let look = self.look(&mut decor, &mut name);
        let sensitive = self.flag(&mut decor, "sensitive");
        let Numbered { base, members, reserved } = self.numbered(&name, inner);
        let item = Enum {
            name,
            qualified: String::new(),
            docs: decor.docs,
            availability,
            look,
            sensitive,
            growth,
            base,
            members,
            reserved,
        };
        self.reading.module.items.push(Item::Enum(item));
    }

    pub(super) fn flags_type(&mut self, decor: Pair<'_, Rule>, declaration: Pair<'_, Rule>) {
        let mut decor = self.decor(decor, Target::Flags);
        let mut inner = parts(declaration);
        let Some(mut name) = inner.next().map(|name| self.name(&name)) else { return };
        let availability = self.availability(&mut decor);
        let look = self.look(&mut decor, &mut name);
        let sensitive = self.flag(&mut decor, "sensitive");
        let Numbered { base, members, reserved } = self.numbered(&name, inner);
        let item = Flags {
            name,
            qualified: String::new(),
            docs: decor.docs,
            availability,
            look,
            sensitive,
            base,
            members,
            reserved,
        };
        self.reading.module.items.push(Item::Flags(item));
    }

    /// What follows the name of an enum or of flags.
    fn numbered<'i>(
        &mut self,
        name: &Name,
        pairs: impl Iterator<Item = Pair<'i, Rule>>,
    ) -> Numbered {
        let mut base = At::new(IntKind::U32, name.span);
        let (mut members, mut reserved) = (Vec::new(), Vec::new());
        for part in pairs {
            if part.as_rule() == Rule::ty {
                base = self.base_type(part).unwrap_or(base);
                continue;
            }
            for entry in parts(part).filter_map(Entry::of) {
                match entry.part(Rule::reserved) {
                    Some(pair) => self.reserved(entry.decor, pair, &mut reserved),
                    None => members.extend(self.member(entry)),
                }
            }
        }
        Numbered { base, members, reserved }
    }

    /// The integer type of an enum's values, or of flags.
    fn base_type(&mut self, pair: Pair<'_, Rule>) -> Option<At<IntKind>> {
        let ty = self.ty(pair)?;
        match ty.kind {
            TypeKind::Int(kind, bounds) if bounds.is_empty() && kind.bits() <= 64 => {
                Some(At::new(kind, ty.span))
            }
            _ => {
                let message = "values and flags are integers of up to 64 bits";
                let told = Diagnostic::error(codes::BAD_TAG, message, ty.span)
                    .label("not one of `u8` to `u64` and `i8` to `i64`");
                self.found.push(told);
                None
            }
        }
    }

    fn member(&mut self, entry: Entry<'_>) -> Option<Member> {
        let mut decor = self.decor(entry.decor.clone(), Target::Member);
        let mut name = self.name(&entry.part(Rule::ident)?);
        let availability = self.availability(&mut decor);
        let look = self.look(&mut decor, &mut name);
        let value = entry.part(Rule::expr).map(|value| self.expr(value));
        if matches!(value, Some(None)) {
            self.lose(&name);
            return None;
        }
        Some(Member { name, docs: decor.docs, availability, look, value: value.flatten() })
    }

    pub(super) fn union_type(
        &mut self,
        decor: Pair<'_, Rule>,
        declaration: Pair<'_, Rule>,
        used_as: UnionUse,
    ) {
        let target = match used_as {
            UnionUse::Data => Target::Union,
            UnionUse::Error => Target::Error,
        };
        let mut decor = self.decor(decor, target);
        let growth = growth(self.flag(&mut decor, "final"));
        let mut inner = parts(declaration);
        let (Some(name), Some(list)) = (inner.next(), inner.next()) else { return };
        let (mut variants, mut reserved) = (Vec::new(), Vec::new());
        for entry in parts(list).filter_map(Entry::of) {
            match entry.part(Rule::reserved) {
                Some(pair) => self.reserved(entry.decor, pair, &mut reserved),
                None => variants.extend(self.variant(entry)),
            }
        }
        let mut name = self.name(&name);
        let item = Union {
            availability: self.availability(&mut decor),
            look: self.look(&mut decor, &mut name),
            sensitive: self.flag(&mut decor, "sensitive"),
            name,
            qualified: String::new(),
            docs: decor.docs,
            growth,
            used_as,
            variants,
            reserved,
        };
        self.reading.module.items.push(Item::Union(item));
    }

    fn variant(&mut self, entry: Entry<'_>) -> Option<Variant> {
        let mut decor = self.decor(entry.decor.clone(), Target::Variant);
        let mut name = self.name(&entry.part(Rule::ident)?);
        let availability = self.availability(&mut decor);
        let look = self.look(&mut decor, &mut name);
        let payload = match (entry.part(Rule::positional), entry.part(Rule::fields)) {
            (Some(types), _) => self.positional(types, &name)?,
            (None, Some(fields)) => Payload::Named(self.fields(fields)),
            (None, None) => Payload::Unit,
        };
        let tag = entry.part(Rule::expr).map(|tag| self.expr(tag));
        if matches!(tag, Some(None)) {
            self.lose(&name);
            return None;
        }
        let (docs, tag) = (decor.docs, tag.flatten());
        Some(Variant { name, docs, availability, look, tag, payload })
    }

    fn positional(&mut self, pair: Pair<'_, Rule>, variant: &Name) -> Option<Payload> {
        let mut fields = Vec::new();
        for (index, pair) in parts(pair).enumerate() {
            let Some(ty) = self.ty(pair) else {
                self.lose(variant);
                return None;
            };
            let name = Name::new(index.to_string(), ty.span);
            fields.push(Field::positional(name, ty));
        }
        Some(Payload::Positional(fields))
    }

    /// `reserved 4, 8..=12` or `reserved Name`
    fn reserved(
        &mut self,
        decor: Pair<'_, Rule>,
        pair: Pair<'_, Rule>,
        reserved: &mut Vec<At<Reserved>>,
    ) {
        self.decor(decor, Target::Reserved);
        for part in parts(pair) {
            let span = self.span(&part);
            if part.as_rule() == Rule::ident {
                reserved.push(At::new(Reserved::Name(part.as_str().to_owned()), span));
                continue;
            }
            let ends: Option<Vec<Integer>> = parts(part)
                .filter(|end| end.as_rule() == Rule::tag)
                .map(|end| self.tag(end))
                .collect();
            match ends.as_deref() {
                Some(&[one]) => reserved.push(At::new(Reserved::Numbers(one, one), span)),
                Some(&[first, last]) if first <= last => {
                    reserved.push(At::new(Reserved::Numbers(first, last), span));
                }
                Some(_) => self.error(codes::BAD_TAG, "the range ends before it begins", span),
                None => {}
            }
        }
    }

    fn tag(&mut self, pair: Pair<'_, Rule>) -> Option<Integer> {
        let span = self.span(&pair);
        let negative =
            parts(pair.clone()).any(|part| part.as_rule() == Rule::sign && part.as_str() == "-");
        let number = parts(pair).find(|part| part.as_rule() == Rule::number_lit)?;
        match literal::number(number.as_str()) {
            Ok(Number::Int(value)) => Some(if negative { value.negate() } else { value }),
            Ok(_) => {
                self.error(codes::BAD_TAG, "tags and values are whole numbers", span);
                None
            }
            Err(flaw) => {
                let told = flaw.tell(number.as_str(), span);
                self.found.push(told);
                None
            }
        }
    }

    /// The type behind `raises`.
    pub(super) fn raised(&mut self, pair: Pair<'_, Rule>) -> Option<crate::ir::Type> {
        parts(pair).next().map(|path| unresolved(self.path(path)))
    }
}
