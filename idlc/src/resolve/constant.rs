//! The values of constant expressions.

use core::slice;

use quote::quote;

use super::Resolver;
use super::scope::{MemberLookup, NO_FLAG, Progress, with_closest};
use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::{
    BinaryOp, Expr, ExprKind, Float, IntKind, Integer, Name, Path, RustCode, Type, TypeKind,
    UnaryOp,
};
use crate::source::Span;

impl Resolver<'_> {
    /// Replaces `expr` by its value and reports if there is none, or none of type `ty`.
    pub(super) fn value(&mut self, expr: &mut Expr, ty: &Type) {
        if let Some(value) = self.evaluate(expr, ty) {
            let mut value = Expr { kind: value, span: expr.span };
            if self.conform(&mut value, ty) {
                name_members(&mut value);
                *expr = value;
            }
        }
    }

    /// `None` if there is no value; that has been reported then.
    fn evaluate(&mut self, expr: &Expr, ty: &Type) -> Option<ExprKind> {
        match &expr.kind {
            ExprKind::Path(path) => match self.no_flag(path, ty) {
                Some(none) => Some(none),
                None => self.named_value(path, expr.span),
            },
            ExprKind::Unary(op, of) => {
                let value = self.evaluate(of, ty)?;
                self.unary(*op, value, ty, expr.span)
            }
            ExprKind::Binary(op, left, right) => {
                let (left, right) = (self.evaluate(left, ty), self.evaluate(right, ty));
                self.binary(*op, left?, right?, expr.span)
            }
            ExprKind::List(items) => {
                let item_ty = match &ty.kind {
                    TypeKind::List(item, _) | TypeKind::Array(item, _) => item,
                    _ => ty,
                };
                let mut values = items.clone();
                for value in &mut values {
                    value.kind = self.evaluate(value, item_ty)?;
                }
                Some(ExprKind::List(values))
            }
            literal => Some(literal.clone()),
        }
    }

    /// `NONE`, where a `flags` type is wanted.
    fn no_flag(&self, path: &Path, ty: &Type) -> Option<ExprKind> {
        let [name] = path.segments.as_slice() else { return None };
        let of = self.scope.flags_of(ty).filter(|_| name.text == NO_FLAG)?;
        Some(ExprKind::Flags { of: of.clone(), members: Vec::new() })
    }

    fn named_value(&mut self, path: &Path, span: Span) -> Option<ExprKind> {
        match self.scope.member(path) {
            Some(MemberLookup::Found { of, member }) => {
                self.refuse_removed(&self.scope.full(path), span);
                return Some(ExprKind::Member { of, member });
            }
            Some(MemberLookup::Flags { of, members }) => {
                self.refuse_removed(&self.scope.full(path), span);
                return Some(ExprKind::Flags { of, members });
            }
            Some(MemberLookup::NoSuchMember { kind, members }) => {
                let message = format!("`{path}` is not a member of the {kind}");
                let error = Diagnostic::error(codes::UNKNOWN_CONSTANT, message, span);
                let (name, at) = match path.segments.last() {
                    Some(last) => (last.text.as_str(), last.span),
                    None => ("", span),
                };
                let names = members.iter().map(String::as_str);
                self.found.push(with_closest(error, name, names, at));
                return None;
            }
            None => {}
        }
        match self.scope.const_key(path, self.inside.as_deref()) {
            Some(key) => {
                self.refuse_removed(&key, span);
                self.constant(&key, span)
            }
            None => {
                self.report_unknown_constant(path, span);
                None
            }
        }
    }

    fn report_unknown_constant(&mut self, path: &Path, span: Span) {
        let text = path.to_string();
        if let Some(kind) = self.scope.describe(path) {
            let message = format!("`{text}` is {kind}, not a constant");
            self.found.push(Diagnostic::error(codes::WRONG_KIND, message, span));
            return;
        }
        let message = format!("no constant is named `{text}`");
        let error = Diagnostic::error(codes::UNKNOWN_CONSTANT, message, span);
        if matches!(text.as_str(), "None" | "none" | "null" | "nil" | "NULL" | "nullptr") {
            let help = "there is no word for it: an optional without a default is absent";
            self.found.push(error.help(help).once());
            return;
        }
        let names = self.scope.consts.keys().map(String::as_str);
        self.found.push(with_closest(error, &text, names, span).once());
    }

    /// The value of a constant, computed once and kept.
    fn constant(&mut self, key: &str, used: Span) -> Option<ExprKind> {
        let progress = self.scope.consts.get_mut(key)?;
        let done = match std::mem::replace(progress, Progress::Underway) {
            Progress::Untouched(mut constant) => {
                // Its own names are those of the place where it is declared.
                let declared_inside =
                    key.split_once('.').map(|(interface, _)| interface.to_owned());
                let inside = std::mem::replace(&mut self.inside, declared_inside);
                // What is wrong with it is reported where it is declared.
                let kept = std::mem::take(self.found);
                let computed = self.deeper(used, |this| {
                    this.ty(&mut constant.ty);
                    this.value(&mut constant.value, &constant.ty);
                    Some(constant)
                });
                let failed = self.found.has_errors();
                let cycles = std::mem::replace(self.found, kept);
                self.found.append(only_chains(cycles));
                self.inside = inside;
                computed.filter(|_| !failed)
            }
            Progress::Underway => {
                let message = format!("constant `{key}` is defined by itself");
                self.found.push(Diagnostic::error(codes::CYCLE, message, used).once());
                None
            }
            Progress::Done(done) => done,
        };
        let value = done.as_ref().map(|constant| constant.value.kind.clone());
        self.scope.consts.insert(key.to_owned(), Progress::Done(done));
        value
    }

    fn unary(&mut self, op: UnaryOp, value: ExprKind, ty: &Type, span: Span) -> Option<ExprKind> {
        match (op, value) {
            (UnaryOp::Negate, ExprKind::Int(value)) => Some(ExprKind::Int(value.negate())),
            (UnaryOp::Negate, ExprKind::Float(value)) => Some(ExprKind::Float(Float(-value.0))),
            (UnaryOp::Complement, ExprKind::Int(value)) => {
                let all_ones = match &ty.kind {
                    TypeKind::Int(kind, _) if !kind.is_signed() => Integer::max_of(*kind),
                    _ => Integer::from(-1i128),
                };
                // In two's complement `!x` is `-1 - x`, and in an unsigned type `MAX - x`.
                let complement = all_ones.checked_sub(value);
                self.in_range(complement, "the complement is out of range", span)
            }
            (_, value) => {
                let message = format!("{} has no such operator", describe(&value));
                self.found.push(Diagnostic::error(codes::ARITHMETIC, message, span));
                None
            }
        }
    }

    fn binary(
        &mut self,
        op: BinaryOp,
        left: ExprKind,
        right: ExprKind,
        span: Span,
    ) -> Option<ExprKind> {
        let (left, right) = match (op, left, right) {
            (
                BinaryOp::Or,
                ExprKind::Flags { of, mut members },
                ExprKind::Flags { of: other, members: more },
            ) if of == other => {
                members.extend(more);
                return Some(ExprKind::Flags { of, members });
            }
            (_, left, right) => (left, right),
        };
        let (ExprKind::Int(a), ExprKind::Int(b)) = (&left, &right) else {
            let message = format!(
                "only integers have operators, not {} and {}",
                describe(&left),
                describe(&right)
            );
            let error = Diagnostic::error(codes::ARITHMETIC, message, span);
            let is_flags = |value: &ExprKind| matches!(value, ExprKind::Flags { .. });
            self.found.push(match is_flags(&left) || is_flags(&right) {
                true => error.note("flags of one type are put together with `|`"),
                false => error,
            });
            return None;
        };
        let (a, b) = (*a, *b);
        let by_zero = matches!(op, BinaryOp::Divide | BinaryOp::Remainder) && b == Integer::ZERO;
        let problem = if by_zero { "division by zero" } else { "the result is out of range" };
        let result = match op {
            BinaryOp::Add => a.checked_add(b),
            BinaryOp::Subtract => a.checked_sub(b),
            BinaryOp::Multiply => a.checked_mul(b),
            BinaryOp::Divide => a.checked_div(b),
            BinaryOp::Remainder => a.checked_rem(b),
            BinaryOp::ShiftLeft => {
                shift(b).and_then(|by| a.checked_mul(Integer::from(1u128 << by)))
            }
            BinaryOp::ShiftRight => {
                shift(b).and_then(|by| a.checked_div(Integer::from(1u128 << by)))
            }
            BinaryOp::Or => bitwise(a, b, |a, b| a | b),
            BinaryOp::And => bitwise(a, b, |a, b| a & b),
            BinaryOp::Xor => bitwise(a, b, |a, b| a ^ b),
        };
        self.in_range(result, problem, span)
    }

    fn in_range(&mut self, number: Option<Integer>, problem: &str, span: Span) -> Option<ExprKind> {
        if number.is_none() {
            self.found.push(Diagnostic::error(codes::ARITHMETIC, problem, span));
        }
        number.map(ExprKind::Int)
    }

    /// Whether `value` is one of `ty`; reports if not. `1` becomes `1.0` where a float is wanted.
    fn conform(&mut self, value: &mut Expr, ty: &Type) -> bool {
        let fits = match (&mut value.kind, &ty.kind) {
            // The Rust compiler judges Rust, and what could not be resolved has been reported.
            (ExprKind::Rust(_), _) | (_, TypeKind::Unresolved(_)) => true,
            // No value is; the checker says so, for Rust as well.
            (_, TypeKind::Handle(..) | TypeKind::Object(_) | TypeKind::Stream(_)) => true,
            (_, TypeKind::Optional(item)) => return self.conform(value, item),
            (ExprKind::Int(number), TypeKind::Int(kind, _)) => {
                let (number, kind) = (*number, *kind);
                return number.fits(kind) || self.report_too_large(number, kind, value.span);
            }
            (ExprKind::Int(number), TypeKind::Float(..)) => match number.to_i128() {
                Some(number) => {
                    value.kind = ExprKind::Float(Float(number as f64));
                    true
                }
                None => false,
            },
            (ExprKind::Bool(_), TypeKind::Bool)
            | (ExprKind::Float(_), TypeKind::Float(..))
            | (ExprKind::Str(_), TypeKind::String(_) | TypeKind::Path(_))
            | (ExprKind::Bytes(_), TypeKind::Bytes(_))
            | (ExprKind::Duration(_), TypeKind::Duration(_) | TypeKind::Time(_))
            | (ExprKind::Uuid(_), TypeKind::Uuid) => true,
            (ExprKind::Member { of, .. } | ExprKind::Flags { of, .. }, TypeKind::Named(named)) => {
                of == named
            }
            (ExprKind::Int(number), TypeKind::Named(_)) if *number == Integer::ZERO => {
                match self.scope.flags_of(ty) {
                    Some(of) => {
                        value.kind = ExprKind::Flags { of: of.clone(), members: Vec::new() };
                        true
                    }
                    None => false,
                }
            }
            (ExprKind::List(items), TypeKind::List(item, _) | TypeKind::Array(item, _)) => {
                return items.iter_mut().all(|value| self.conform(value, item));
            }
            (ExprKind::List(items), TypeKind::Map(..)) => items.is_empty(),
            _ => false,
        };
        if !fits {
            let message = format!("{} is not a value of this type", describe(&value.kind));
            let error = Diagnostic::error(codes::BAD_VALUE, message, value.span);
            let error = match self.scope.flags_of(ty) {
                Some(of) => error
                    .help(format!("write names with `|` between them, or `{}.{NO_FLAG}`", of.rust)),
                None => with_advice(error, value, ty),
            };
            self.found.push(error.also(ty.span, "the type is this"));
        }
        fits
    }

    /// Always false, so that it can stand behind an `||`.
    fn report_too_large(&mut self, number: Integer, kind: IntKind, span: Span) -> bool {
        let name = kind.name();
        let (min, max) = (Integer::min_of(kind), Integer::max_of(kind));
        let error =
            Diagnostic::error(codes::BAD_VALUE, format!("{number} is not a `{name}`"), span);
        self.found.push(error.note(format!("`{name}` goes from {min} to {max}")));
        false
    }
}

/// What to write in place of a value of another type.
fn with_advice(error: Diagnostic, value: &Expr, ty: &Type) -> Diagnostic {
    match (&value.kind, &ty.kind) {
        (ExprKind::Str(_), TypeKind::Bytes(_)) => {
            error.fix("put a `b` in front", value.span.before(), "b")
        }
        (ExprKind::Str(text), TypeKind::Uuid | TypeKind::Duration(_) | TypeKind::Time(_)) => {
            error.suggest("write it without quotes", value.span, text.as_str())
        }
        (_, TypeKind::Duration(_)) => error.help("a duration has a unit, as in `30s` or `250ms`"),
        (_, TypeKind::Time(_)) => {
            error.help("a time is written as the duration since 1970 began (UTC), as in `0s`")
        }
        (_, TypeKind::Uuid) => {
            error.help("a uuid has 32 hexadecimal digits, grouped 8-4-4-4-12, without quotes")
        }
        (_, TypeKind::Result(..)) => error.help("a `result` has no default; make it optional"),
        _ => error,
    }
}

/// Enum members and flags as Rust names them, which is how a default in a trait is written, too.
fn name_members(value: &mut Expr) {
    let ident = |name: &Name| {
        let mut ident = name.ident();
        ident.set_span(proc_macro2::Span::call_site());
        ident
    };
    match &mut value.kind {
        ExprKind::Member { of, member } => {
            let (of, member) = (&of.rust.0, ident(member));
            value.kind = ExprKind::Rust(RustCode(quote!(#of::#member)));
        }
        ExprKind::Flags { of, members } => {
            let (of, none) = (&of.rust.0, Name::new(NO_FLAG, value.span));
            let members = if members.is_empty() { slice::from_ref(&none) } else { members };
            let members = members.iter().map(ident);
            value.kind = ExprKind::Rust(RustCode(quote!(#(#of::#members)|*)));
        }
        ExprKind::List(items) => items.iter_mut().for_each(name_members),
        _ => {}
    }
}

/// What is wrong with one constant alone is reported where it is declared, and only there. What is
/// wrong with a chain of them is reported by whoever closes the chain.
fn only_chains(found: Diagnostics) -> Diagnostics {
    let mut chains = Diagnostics::new();
    let of_chain = |code| code == codes::CYCLE || code == codes::NESTED_TOO_DEEPLY;
    found.sorted().into_iter().filter(|one| of_chain(one.code)).for_each(|one| chains.push(one));
    chains
}

/// How far to shift. A shift by 128 and more has no result in any type.
fn shift(by: Integer) -> Option<u32> {
    by.to_u64().and_then(|by| u32::try_from(by).ok()).filter(|&by| by < 128)
}

/// Only for numbers that are not negative: of the others the bits depend on a width.
fn bitwise(a: Integer, b: Integer, op: impl Fn(u128, u128) -> u128) -> Option<Integer> {
    let both_positive = !a.is_negative() && !b.is_negative();
    both_positive.then(|| Integer::from(op(a.magnitude(), b.magnitude())))
}

fn describe(value: &ExprKind) -> String {
    match value {
        ExprKind::Bool(value) => format!("`{value}`"),
        ExprKind::Int(value) => format!("the number {value}"),
        ExprKind::Float(value) => format!("the number {}", value.0),
        ExprKind::Str(_) => "a string".to_owned(),
        ExprKind::Bytes(_) => "a byte string".to_owned(),
        ExprKind::Duration(value) => format!("the duration {value:?}"),
        ExprKind::Uuid(_) => "a uuid".to_owned(),
        ExprKind::List(_) => "a list".to_owned(),
        ExprKind::Member { of, member } => format!("`{}.{member}`", of.rust),
        ExprKind::Flags { of, members } if members.is_empty() => {
            format!("`{}.{NO_FLAG}`", of.rust)
        }
        ExprKind::Flags { of, members } => {
            let names: Vec<String> =
                members.iter().map(|member| format!("{}.{member}", of.rust)).collect();
            format!("`{}`", names.join(" | "))
        }
        ExprKind::None => "nothing".to_owned(),
        ExprKind::Rust(code) => format!("`{code}`"),
        ExprKind::Path(path) => format!("`{path}`"),
        ExprKind::Unary(..) | ExprKind::Binary(..) => "an expression".to_owned(),
    }
}
