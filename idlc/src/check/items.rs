//! Constants, enums and unions.

use std::collections::HashMap;

use super::Checker;
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::text::{self, Piece, Problem};
use crate::ir::{
    At, Const, Enum, Expr, ExprKind, Growth, Integer, Name, Reserved, TypeKind, Union, UnionUse,
    Variant,
};
use crate::source::Span;

/// The catch-all of open types, and so no name of anything else.
const UNRECOGNIZED: &str = "Unrecognized";

impl Checker<'_> {
    pub(super) fn constant(&mut self, item: &Const) {
        self.ty(&item.ty);
        match &item.ty.kind {
            TypeKind::Bool
            | TypeKind::Int(..)
            | TypeKind::Float(..)
            | TypeKind::String(_)
            | TypeKind::Bytes(_)
            | TypeKind::Duration(_)
            | TypeKind::Uuid
            | TypeKind::Unresolved(_) => self.value(&item.value, &item.ty),
            _ => {
                let message =
                    "a constant is a number, `bool`, `string`, `bytes`, `duration` or `uuid`";
                self.push(Diagnostic::error(codes::WRONG_KIND, message, item.ty.span));
            }
        }
    }

    pub(super) fn enumeration(&mut self, item: &Enum) {
        let base = item.base.value;
        if base.bits() > 64 {
            let message = format!("the base of an enum has at most 64 bits, not {}", base.bits());
            self.push(Diagnostic::error(codes::WRONG_KIND, message, item.base.span));
        }
        self.distinct("a member's name", item.members.iter().map(|member| &member.name));
        let numbers: Vec<_> =
            item.members.iter().map(|member| (&member.name, member.value.as_ref())).collect();
        self.numbers("value", &item.name, item.growth, &numbers, &item.reserved);
    }

    pub(super) fn union(&mut self, item: &Union) {
        self.distinct("a variant's name", item.variants.iter().map(|variant| &variant.name));
        let numbers: Vec<_> =
            item.variants.iter().map(|variant| (&variant.name, variant.tag.as_ref())).collect();
        self.numbers("tag", &item.name, item.growth, &numbers, &item.reserved);
        for variant in &item.variants {
            let fields = variant.payload.fields();
            self.distinct("a field's name", named(variant));
            self.fields(fields, item.growth);
            if item.used_as == UnionUse::Error {
                self.error_text(variant, item.sensitive);
            }
        }
    }

    /// What enums and unions have in common: numbered names.
    fn numbers(
        &mut self,
        what: &str,
        of: &Name,
        growth: Growth,
        entries: &[(&Name, Option<&Expr>)],
        reserved: &[At<Reserved>],
    ) {
        if entries.is_empty() && growth.is_closed() {
            let message = format!("`{of}` is `[final]` and has no {what}, so none can exist");
            self.push(Diagnostic::error(codes::WRONG_KIND, message, of.span));
        }
        let mut taken: HashMap<Integer, &Name> = HashMap::new();
        let mut before = None;
        for (position, (name, value)) in entries.iter().enumerate() {
            if name.rust_text() == UNRECOGNIZED {
                let message = format!("`{UNRECOGNIZED}` stands for what later versions add");
                let error = Diagnostic::error(codes::RESERVED_NAME, message, name.span);
                self.push(error.help("choose another name"));
            }
            if name.rust_text() == "Self" {
                let message = "`Self` cannot be a name in Rust";
                self.push(Diagnostic::error(codes::RESERVED_NAME, message, name.span));
            }
            let Some(Expr { kind: ExprKind::Int(number), span }) = value else { continue };
            if let Some(first) = taken.get(number) {
                let message = format!("{what} {number} is used twice");
                let error = Diagnostic::error(codes::TAG_CLASH, message, *span);
                self.push(error.also(first.span, format!("`{first}` has it")));
            } else {
                taken.insert(*number, name);
            }
            if growth.is_closed() && *number != Integer::from(position as u64) {
                let follows = before == Some(*number) && !is_written(*span, name);
                // It counts on from one that is wrong, and is right when that is.
                if !follows {
                    self.final_number(what, *number, position, *span);
                }
            }
            before = number.checked_add(Integer::from(1_u64));
            self.reserved_number(what, *number, *span, reserved);
        }
        for (name, _) in entries {
            self.reserved_name(name, reserved);
        }
    }

    fn final_number(&mut self, what: &str, number: Integer, position: usize, span: Span) {
        let message = format!("in a `[final]` type the {what} is the position, {position}");
        let error = Diagnostic::error(codes::FINAL_TAG, message, span);
        let error = error.label(format!("this is {number}"));
        self.push(error.suggest("write the position", span, position.to_string()));
    }

    pub(super) fn reserved_number(
        &mut self,
        what: &str,
        number: Integer,
        at: Span,
        all: &[At<Reserved>],
    ) {
        for reserved in all {
            if let Reserved::Numbers(first, last) = &reserved.value
                && *first <= number
                && number <= *last
            {
                let message = format!("{what} {number} is reserved");
                let error = Diagnostic::error(codes::TAG_CLASH, message, at);
                self.push(error.also(reserved.span, "reserved here, since old peers know it"));
            }
        }
    }

    pub(super) fn reserved_name(&mut self, name: &Name, all: &[At<Reserved>]) {
        for reserved in all {
            if matches!(&reserved.value, Reserved::Name(taken) if *taken == name.text) {
                let message = format!("`{name}` is reserved");
                let error = Diagnostic::error(codes::DUPLICATE, message, name.span);
                self.push(error.also(reserved.span, "reserved here, since old peers know it"));
            }
        }
    }

    /// The `Display` text speaks of fields that are there.
    fn error_text(&mut self, variant: &Variant, sensitive: Option<At<()>>) {
        let Some(line) = variant.docs.iter().map(|line| line.trim()).find(|line| !line.is_empty())
        else {
            return;
        };
        let span = variant.name.span;
        let message = match text::pieces(line) {
            Ok(pieces) => {
                let fields = variant.payload.fields();
                let missing = pieces.iter().find_map(|piece| match piece {
                    Piece::Field(name) if !fields.iter().any(|field| field.name.text == *name) => {
                        Some(*name)
                    }
                    _ => None,
                });
                let secret = pieces.iter().find_map(|piece| {
                    let Piece::Field(name) = piece else { return None };
                    let field = fields.iter().find(|field| field.name.text == *name)?;
                    field.sensitive.or(sensitive).map(|_| *name)
                });
                let gone = pieces.iter().find_map(|piece| {
                    let Piece::Field(name) = piece else { return None };
                    let field = fields.iter().find(|field| field.name.text == *name)?;
                    field.is_removed().then_some(*name)
                });
                match (missing, secret, gone) {
                    (Some(name), ..) => format!(
                        "the text of this error speaks of `{{{name}}}`, which it does not have"
                    ),
                    (_, Some(name), _) => {
                        format!("the text of this error tells `{{{name}}}`, which is sensitive")
                    }
                    (.., Some(name)) => {
                        format!("the text of this error tells `{{{name}}}`, which is removed")
                    }
                    _ => return,
                }
            }
            Err(Problem::Unclosed) => "in the text of this error, a `{` is never closed".to_owned(),
            Err(Problem::Unopened) => {
                "in the text of this error, a `}` was never opened".to_owned()
            }
        };
        let error = Diagnostic::error(codes::BAD_VALUE, message, span);
        let note = "the first line of its documentation is what the error displays";
        self.push(error.note(note).help("write `{{` or `}}` for a brace"));
    }
}

/// Whether a number stands in the source. One that was counted has the place of its name; among
/// tokens, which cannot be compared, it is taken to be counted.
fn is_written(number: Span, name: &Name) -> bool {
    match (number.range(), name.span.range()) {
        (Some((_, number)), Some((_, name))) => number != name,
        _ => false,
    }
}

/// The names of named fields; those of positional ones are numbers.
fn named(variant: &Variant) -> impl Iterator<Item = &Name> {
    let fields = match &variant.payload {
        crate::ir::Payload::Named(fields) => fields.as_slice(),
        _ => &[],
    };
    fields.iter().map(|field| &field.name)
}
