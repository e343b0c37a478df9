//! Values against the bounds of their types.

use super::Checker;
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{Bounds, Expr, ExprKind, Integer, Type, TypeKind};

impl Checker<'_> {
    /// A default or constant obeys the bounds of its type.
    pub(super) fn value(&mut self, value: &Expr, ty: &Type) {
        match (&value.kind, &ty.kind) {
            (ExprKind::None, _) => {}
            (_, TypeKind::Optional(item)) => self.value(value, item),
            (ExprKind::Int(number), TypeKind::Int(_, bounds)) => {
                self.within(*number, bounds, &number.to_string(), value);
            }
            (ExprKind::Float(number), TypeKind::Float(_, bounds)) => {
                let number = number.0;
                let limit =
                    |end: &Option<Box<Expr>>, otherwise| match end.as_ref().map(|end| &end.kind) {
                        Some(ExprKind::Float(limit)) => limit.0,
                        _ => otherwise,
                    };
                let (min, max) =
                    (limit(&bounds.min, f64::NEG_INFINITY), limit(&bounds.max, f64::INFINITY));
                if number < min || number > max {
                    self.out_of_bounds(&number.to_string(), bounds, value);
                }
            }
            (ExprKind::Duration(value_of), TypeKind::Duration(bounds) | TypeKind::Time(bounds)) => {
                let end = |end: &Option<Box<Expr>>| match end.as_ref().map(|end| &end.kind) {
                    Some(ExprKind::Duration(limit)) => Some(*limit),
                    _ => None,
                };
                let is_below = end(&bounds.min).is_some_and(|min| *value_of < min);
                let is_above = end(&bounds.max).is_some_and(|max| *value_of > max);
                if is_below || is_above {
                    self.out_of_bounds(&format!("{value_of:?}"), bounds, value);
                }
            }
            (ExprKind::Str(text), TypeKind::String(bounds) | TypeKind::Path(bounds)) => {
                self.length(text.len(), "bytes", bounds, value);
            }
            (ExprKind::Bytes(bytes), TypeKind::Bytes(bounds)) => {
                self.length(bytes.len(), "bytes", bounds, value);
            }
            (ExprKind::List(items), TypeKind::List(item, bounds)) => {
                self.length(items.len(), "elements", bounds, value);
                items.iter().for_each(|value| self.value(value, item));
            }
            (ExprKind::List(items), TypeKind::Array(item, length)) => {
                if let ExprKind::Int(expected) = &length.kind
                    && *expected != Integer::from(items.len() as u64)
                {
                    let message =
                        format!("the array has {expected} elements, its value {}", items.len());
                    self.push(Diagnostic::error(codes::BAD_DEFAULT, message, value.span));
                }
                items.iter().for_each(|value| self.value(value, item));
            }
            (ExprKind::List(items), TypeKind::Map(_, _, bounds)) => {
                self.length(items.len(), "entries", bounds, value);
            }
            _ => {}
        }
    }

    fn length(&mut self, length: usize, unit: &str, bounds: &Bounds, value: &Expr) {
        let number = Integer::from(length as u64);
        self.within(number, bounds, &format!("a length of {length} {unit}"), value);
    }

    fn within(&mut self, number: Integer, bounds: &Bounds, shown: &str, value: &Expr) {
        let end = |end: &Option<Box<Expr>>| match end.as_ref().map(|end| &end.kind) {
            Some(ExprKind::Int(limit)) => Some(*limit),
            _ => None,
        };
        let is_below = end(&bounds.min).is_some_and(|min| number < min);
        let is_above = end(&bounds.max).is_some_and(|max| number > max);
        if is_below || is_above {
            self.out_of_bounds(shown, bounds, value);
        }
    }

    fn out_of_bounds(&mut self, shown: &str, bounds: &Bounds, value: &Expr) {
        let message = format!("{shown} is outside the bounds of the type");
        let error = Diagnostic::error(codes::BAD_DEFAULT, message, value.span);
        self.push(error.also(bounds.span, "the bounds are these"));
    }
}
