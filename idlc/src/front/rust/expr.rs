//! Constant expressions of Rust.
//!
//! What is made of literals alone is computed here, so that it means the same as in an `.idl` file.
//! Anything else (a constant of the user's) is left to the Rust compiler.

use quote::ToTokens;

use super::{attribute, span_of};
use crate::diagnostic::Diagnostics;
use crate::ir::{At, BinaryOp, Expr, ExprKind, Float, Integer, RustCode, Type, TypeKind, UnaryOp};

/// `expr` as an expression of ours, or as Rust.
pub(super) fn expr(expr: &syn::Expr) -> Expr {
    let kind = literal(expr).unwrap_or_else(|| ExprKind::Rust(RustCode(expr.to_token_stream())));
    Expr { kind, span: span_of(expr) }
}

/// Reads text as what it stands for where the type has no literals in Rust: `"30s"` as a duration,
/// also where it says how long after the start of 1970 a time is, and a uuid.
pub(super) fn read_text(expr: &mut Expr, ty: &Type, found: &mut Diagnostics) {
    match (&mut expr.kind, &ty.kind) {
        (_, TypeKind::Optional(item)) => read_text(expr, item, found),
        (ExprKind::List(items), TypeKind::List(item, _) | TypeKind::Array(item, _)) => {
            items.iter_mut().for_each(|value| read_text(value, item, found));
        }
        (ExprKind::Str(text), TypeKind::Duration(_) | TypeKind::Time(_)) => {
            let duration = attribute::duration(&At::new(text.clone(), expr.span), found);
            let duration = duration.map_or_else(Default::default, |duration| duration.value);
            expr.kind = ExprKind::Duration(duration);
        }
        (ExprKind::Str(text), TypeKind::Uuid) => {
            let uuid = attribute::uuid(&At::new(text.clone(), expr.span), found);
            expr.kind = ExprKind::Uuid(uuid.map_or(0, |uuid| uuid.value));
        }
        _ => {}
    }
}

fn literal(expr: &syn::Expr) -> Option<ExprKind> {
    let boxed =
        |expr: &syn::Expr| Some(Box::new(Expr { kind: literal(expr)?, span: span_of(expr) }));
    match expr {
        syn::Expr::Lit(lit) => lit_kind(&lit.lit),
        syn::Expr::Paren(inner) => literal(&inner.expr),
        syn::Expr::Group(inner) => literal(&inner.expr),
        syn::Expr::Path(path) if path.path.is_ident("None") => Some(ExprKind::None),
        syn::Expr::Unary(unary) => {
            let op = match unary.op {
                syn::UnOp::Neg(_) => UnaryOp::Negate,
                syn::UnOp::Not(_) => UnaryOp::Complement,
                _ => return None,
            };
            Some(ExprKind::Unary(op, boxed(&unary.expr)?))
        }
        syn::Expr::Binary(binary) => {
            let (left, right) = (boxed(&binary.left)?, boxed(&binary.right)?);
            Some(ExprKind::Binary(operator(&binary.op)?, left, right))
        }
        syn::Expr::Array(array) => {
            let items = array.elems.iter();
            let items = items.map(|item| Some(Expr { kind: literal(item)?, span: span_of(item) }));
            Some(ExprKind::List(items.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

fn lit_kind(lit: &syn::Lit) -> Option<ExprKind> {
    match lit {
        syn::Lit::Str(text) => Some(ExprKind::Str(text.value())),
        syn::Lit::ByteStr(bytes) => Some(ExprKind::Bytes(bytes.value())),
        syn::Lit::Byte(byte) => Some(ExprKind::Int(Integer::from(u128::from(byte.value())))),
        syn::Lit::Int(int) => {
            int.base10_parse::<u128>().ok().map(|int| ExprKind::Int(Integer::from(int)))
        }
        syn::Lit::Float(float) => {
            float.base10_parse::<f64>().ok().map(|float| ExprKind::Float(Float(float)))
        }
        syn::Lit::Bool(value) => Some(ExprKind::Bool(value.value)),
        _ => None,
    }
}

pub(super) fn operator(op: &syn::BinOp) -> Option<BinaryOp> {
    match op {
        syn::BinOp::Shl(_) => Some(BinaryOp::ShiftLeft),
        syn::BinOp::Shr(_) => Some(BinaryOp::ShiftRight),
        syn::BinOp::BitOr(_) => Some(BinaryOp::Or),
        syn::BinOp::BitAnd(_) => Some(BinaryOp::And),
        syn::BinOp::BitXor(_) => Some(BinaryOp::Xor),
        syn::BinOp::Add(_) => Some(BinaryOp::Add),
        syn::BinOp::Sub(_) => Some(BinaryOp::Subtract),
        syn::BinOp::Mul(_) => Some(BinaryOp::Multiply),
        syn::BinOp::Div(_) => Some(BinaryOp::Divide),
        syn::BinOp::Rem(_) => Some(BinaryOp::Remainder),
        _ => None,
    }
}
