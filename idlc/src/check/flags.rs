//! Flags: names for bits.

use std::collections::HashMap;

use super::Checker;
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{Expr, ExprKind, Flags, Integer, Member, Name, Reserved};
use crate::resolve::NO_FLAG;
use crate::source::Span;

/// What a `flags` type can do in Rust; a flag of such a name would be in the way.
const METHODS: [&str; 9] = [
    "bits",
    "from_bits",
    "is_empty",
    "contains",
    "intersects",
    "union",
    "insert",
    "remove",
    "unknown",
];

impl Checker<'_> {
    pub(super) fn flags(&mut self, item: &Flags) {
        let base = item.base.value;
        if base.is_signed() || base.bits() > 64 {
            let message =
                format!("flags are an unsigned integer of at most 64 bits, not `{}`", base.name());
            let error = Diagnostic::error(codes::WRONG_KIND, message, item.base.span);
            self.push(error.help("write `u8`, `u16`, `u32` or `u64`"));
        }
        self.distinct("a flag's name", item.members.iter().map(|member| &member.name));
        let mut taken: HashMap<Integer, &Name> = HashMap::new();
        for member in &item.members {
            self.flag_name(&member.name);
            self.reserved_name(&member.name, &item.reserved);
            let Some(Expr { kind, span }) = &member.value else {
                self.flag_without_value(item, member);
                continue;
            };
            let ExprKind::Int(number) = kind else { continue };
            if let Some(first) = taken.insert(*number, &member.name) {
                let message = format!("the bits {:#x} have two names", number.magnitude());
                let error = Diagnostic::error(codes::TAG_CLASH, message, *span);
                self.push(error.also(first.span, format!("`{first}` has them")));
            }
            self.flag_bits(item, member, *number, *span);
        }
    }

    fn flag_name(&mut self, name: &Name) {
        if METHODS.contains(&name.text.as_str()) || name.text == "Self" {
            let message = format!("`{name}` is something that flags can do in Rust");
            let error = Diagnostic::error(codes::RESERVED_NAME, message, name.span);
            let capitals = name.text.to_ascii_uppercase();
            self.push(error.suggest("flags are written in capitals", name.span, capitals));
        }
    }

    fn flag_bits(&mut self, item: &Flags, member: &Member, number: Integer, span: Span) {
        if member.name.text == NO_FLAG && number != Integer::ZERO {
            let message = format!("`{NO_FLAG}` is the empty set, 0");
            self.push(Diagnostic::error(codes::BAD_TAG, message, span));
        }
        for reserved in &item.reserved {
            if let Reserved::Numbers(first, last) = reserved.value
                && reserved_bits(first, last) & number.magnitude() != 0
            {
                let message = format!("a bit of {:#x} is reserved", number.magnitude());
                let error = Diagnostic::error(codes::TAG_CLASH, message, span);
                self.push(error.also(reserved.span, "reserved here, since old peers know it"));
            }
        }
    }

    fn flag_without_value(&mut self, item: &Flags, member: &Member) {
        let span = member.name.span;
        let message = format!("which bit is `{}`?", member.name);
        let error = Diagnostic::error(codes::BAD_TAG, message, span).label("a flag has a value");
        let taken = item.members.iter().filter_map(|member| match &member.value {
            Some(Expr { kind: ExprKind::Int(number), .. }) => Some(number.magnitude()),
            _ => None,
        });
        let reserved = item.reserved.iter().filter_map(|reserved| match reserved.value {
            Reserved::Numbers(first, last) => Some(reserved_bits(first, last)),
            Reserved::Name(_) => None,
        });
        let taken = taken.chain(reserved).fold(0, |all, bits| all | bits);
        let free =
            (0..item.base.value.bits()).map(|bit| 1_u128 << bit).find(|bit| taken & bit == 0);
        self.push(match free {
            Some(bit) => error.suggest("the next free bit", span.after(), format!(" = {bit:#x}")),
            None => error.help("all bits have names"),
        });
    }
}

/// The bits of reserved numbers. A range of them reserves the bits that stand in both of its ends,
/// and those between.
fn reserved_bits(first: Integer, last: Integer) -> u128 {
    let (first, last) = (first.magnitude(), last.magnitude());
    if first == last {
        return first;
    }
    let above = last.checked_ilog2().map_or(0, |top| u128::MAX >> (127 - top));
    let below = first.checked_ilog2().map_or(0, |low| (1 << low) - 1);
    above & !below
}
