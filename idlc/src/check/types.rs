//! Types: their bounds, their keys, their arguments.

use super::Checker;
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{Bounds, Expr, ExprKind, Integer, Item, Type, TypeKind};

/// An array stands on the stack of whoever decodes it.
const LONGEST_ARRAY: u64 = 4096;
/// Rust compares and prints tuples of up to this many members.
const LARGEST_TUPLE: usize = 12;

impl Checker<'_> {
    /// A type, wherever it stands.
    pub(super) fn ty(&mut self, ty: &Type) {
        match &ty.kind {
            TypeKind::Handle(..) | TypeKind::Object(_) => {}
            TypeKind::Stream(item) => self.ty(item),
            TypeKind::Unit | TypeKind::Bool | TypeKind::Uuid | TypeKind::Unresolved(_) => {}
            TypeKind::Named(_) => self.not_an_interface(ty),
            TypeKind::Float(_, bounds) => self.float_bounds(bounds),
            TypeKind::Int(_, bounds)
            | TypeKind::String(bounds)
            | TypeKind::Bytes(bounds)
            | TypeKind::Path(bounds)
            | TypeKind::Duration(bounds)
            | TypeKind::Time(bounds) => self.ordered(bounds),
            TypeKind::Result(value, error) => {
                self.ty(value);
                self.ty(error);
            }
            TypeKind::List(item, bounds) => {
                self.ty(item);
                self.ordered(bounds);
            }
            TypeKind::Array(item, length) => {
                self.ty(item);
                self.array_length(length);
            }
            TypeKind::Map(key, value, bounds) => {
                self.ty(key);
                self.ty(value);
                self.map_key(key);
                self.ordered(bounds);
            }
            TypeKind::Optional(item) => self.ty(item),
            TypeKind::Tuple(items) => {
                if items.len() > LARGEST_TUPLE {
                    let message = format!("a tuple has at most {LARGEST_TUPLE} members");
                    let error = Diagnostic::error(codes::BAD_TYPE_ARGUMENTS, message, ty.span);
                    self.push(error.help("make it a struct"));
                }
                items.iter().for_each(|item| self.ty(item));
            }
        }
    }

    fn float_bounds(&mut self, bounds: &Bounds) {
        for end in [&bounds.min, &bounds.max].into_iter().flatten() {
            if let ExprKind::Float(number) = &end.kind
                && !number.0.is_finite()
            {
                let message = "a bound is a finite number";
                self.push(Diagnostic::error(codes::IMPOSSIBLE_BOUND, message, end.span));
            }
        }
        self.ordered(bounds);
    }

    fn ordered(&mut self, bounds: &Bounds) {
        let (Some(min), Some(max)) = (&bounds.min, &bounds.max) else { return };
        let is_inverted = match (&min.kind, &max.kind) {
            (ExprKind::Int(min), ExprKind::Int(max)) => min > max,
            (ExprKind::Float(min), ExprKind::Float(max)) => min.0 > max.0,
            (ExprKind::Duration(min), ExprKind::Duration(max)) => min > max,
            _ => false,
        };
        if is_inverted {
            let message = "the smallest is larger than the largest, so nothing fits";
            self.push(Diagnostic::error(codes::IMPOSSIBLE_BOUND, message, bounds.span));
        }
    }

    fn array_length(&mut self, length: &Expr) {
        let ExprKind::Int(number) = &length.kind else { return };
        if *number > Integer::from(LONGEST_ARRAY) {
            let message = format!("an array has at most {LONGEST_ARRAY} elements");
            let error = Diagnostic::error(codes::BAD_TYPE_ARGUMENTS, message, length.span);
            let error = error.note("it stands on the stack of whoever decodes it");
            self.push(error.help(format!("write `list<T, {number}..={number}>`")));
        }
    }

    /// A key has a total order in Rust.
    fn map_key(&mut self, key: &Type) {
        let refusal = match &key.kind {
            TypeKind::Float(..) => "a float has no total order (it may be NaN)",
            TypeKind::Optional(_) => "a key is always there",
            TypeKind::Map(..) | TypeKind::List(..) => "lists and maps are no keys",
            TypeKind::Result(..) => "a result is no key",
            TypeKind::Path(_) => "paths of different bytes may be equal, as `a/b` and `a//b` are",
            TypeKind::Unit => "`()` tells no entries apart",
            TypeKind::Handle(..) => "two handles may stand for one thing",
            TypeKind::Object(_) => "objects have no order",
            TypeKind::Stream(_) => "a stream has no value to find things by",
            TypeKind::Tuple(items) => {
                items.iter().for_each(|item| self.map_key(item));
                return;
            }
            TypeKind::Array(item, _) => {
                self.map_key(item);
                return;
            }
            TypeKind::Named(_) => match self.definition(key) {
                Some(Item::Struct(_) | Item::Union(_)) => "a type that may grow has no fixed order",
                _ => return,
            },
            _ => return,
        };
        let error = Diagnostic::error(codes::BAD_MAP_KEY, "not a key of a map", key.span);
        let keys = "integers, `bool`, `string`, `bytes`, `uuid`, `duration`, `time`, enums, and tuples and arrays of them are";
        self.push(error.label(refusal).note(keys));
    }
}
