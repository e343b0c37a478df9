//! Types and values as they are written.

use core::time::Duration;
use std::fmt::Write;

use super::Printer;
use crate::ir::{BinaryOp, Bounds, Expr, ExprKind, Float, RustCode, Type, TypeKind, UnaryOp};
use crate::resolve::NO_FLAG;

impl Printer {
    pub(super) fn ty(&mut self, ty: &Type) {
        match &ty.kind {
            TypeKind::Unit => self.put("()"),
            TypeKind::Bool => self.put("bool"),
            TypeKind::Int(kind, bounds) => self.bounded(kind.name(), &[], bounds),
            TypeKind::Float(kind, bounds) => self.bounded(kind.name(), &[], bounds),
            TypeKind::String(bounds) => self.bounded("string", &[], bounds),
            TypeKind::Bytes(bounds) => self.bounded("bytes", &[], bounds),
            TypeKind::List(item, bounds) => self.bounded("list", &[item], bounds),
            TypeKind::Array(item, length) => {
                self.put("[");
                self.ty(item);
                self.put("; ");
                self.expr(length);
                self.put("]");
            }
            TypeKind::Map(key, value, bounds) => self.bounded("map", &[key, value], bounds),
            TypeKind::Optional(item) => {
                self.ty(item);
                self.put("?");
            }
            TypeKind::Tuple(items) => self.all("(", items, ")", Self::ty),
            TypeKind::Path(bounds) => self.bounded("path", &[], bounds),
            TypeKind::Uuid => self.put("uuid"),
            TypeKind::Duration(bounds) => self.bounded("duration", &[], bounds),
            TypeKind::Time(bounds) => self.bounded("time", &[], bounds),
            TypeKind::Result(value, error) => {
                self.bounded("result", &[value, error], &Bounds::none());
            }
            TypeKind::Named(named) => self.rust_path(&named.rust),
            TypeKind::Handle(kind, rights) => {
                let rights: Vec<_> = rights.iter().map(|right| right.name()).collect();
                self.put("handle<");
                self.put(kind.name());
                if !rights.is_empty() {
                    self.put(", ");
                    self.put(&rights.join(" | "));
                }
                self.put(">");
            }
            TypeKind::Object(object) => self.rust_path(&object.rust),
            TypeKind::Stream(item) => self.bounded("stream", &[item], &Bounds::none()),
            TypeKind::Unresolved(path) => self.put(&path.to_string()),
        }
    }

    /// `list<T, ..=9>`
    fn bounded(&mut self, name: &str, types: &[&Type], bounds: &Bounds) {
        self.put(name);
        if types.is_empty() && bounds.is_empty() {
            return;
        }
        self.all("<", types, "", |this, ty| this.ty(ty));
        if !types.is_empty() && !bounds.is_empty() {
            self.put(", ");
        }
        if let Some(min) = &bounds.min {
            self.expr(min);
        }
        match &bounds.max {
            Some(max) => {
                self.put("..=");
                self.expr(max);
            }
            None if bounds.min.is_some() => self.put(".."),
            None => {}
        }
        self.put(">");
    }

    /// What the thing at a path of Rust is called here.
    fn rust_path(&mut self, path: &RustCode) {
        let path = path.to_string().replace(' ', "");
        let known = self.names.get(&path).cloned();
        // A type of somebody else's Rust goes by its last name: it has to be declared in `.idl`, too.
        let last = || path.rsplit("::").next().unwrap_or(&path).trim_start_matches("r#").to_owned();
        self.put(&known.unwrap_or_else(last));
    }

    pub(super) fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Bool(value) => self.put(if *value { "true" } else { "false" }),
            ExprKind::Int(value) => self.put(&value.to_string()),
            ExprKind::Float(value) => self.put(&float(*value)),
            ExprKind::Str(text) => self.put(&quoted(text)),
            ExprKind::Bytes(bytes) => self.put(&quoted_bytes(bytes)),
            ExprKind::Duration(value) => self.put(&duration(*value)),
            ExprKind::Uuid(value) => self.put(&uuid(*value)),
            ExprKind::List(items) => self.all("[", items, "]", Self::expr),
            ExprKind::Flags { of, members } if members.is_empty() => {
                self.rust_path(&of.rust);
                self.put(&format!(".{NO_FLAG}"));
            }
            ExprKind::Flags { of, members } => {
                for (index, member) in members.iter().enumerate() {
                    self.put(if index > 0 { " | " } else { "" });
                    self.rust_path(&of.rust);
                    self.put(&format!(".{member}"));
                }
            }
            ExprKind::Member { of, member } => {
                self.rust_path(&of.rust);
                self.put(&format!(".{member}"));
            }
            // There is no word for it: an optional without a default has this one.
            ExprKind::None => {}
            ExprKind::Rust(code) => self.rust_value(code),
            ExprKind::Path(path) => self.put(&path.to_string()),
            ExprKind::Unary(op, of) => {
                self.put(match op {
                    UnaryOp::Negate => "-",
                    UnaryOp::Complement => "~",
                });
                self.operand(of);
            }
            ExprKind::Binary(op, left, right) => {
                self.operand(left);
                self.put(&format!(" {} ", operator(*op)));
                self.operand(right);
            }
        }
    }

    /// In parentheses, if it is made of others.
    fn operand(&mut self, expr: &Expr) {
        let is_single = !matches!(expr.kind, ExprKind::Unary(..) | ExprKind::Binary(..));
        let is_negative = matches!(expr.kind, ExprKind::Int(value) if value.is_negative())
            || matches!(expr.kind, ExprKind::Float(value) if value.0.is_sign_negative());
        if is_single && !is_negative {
            return self.expr(expr);
        }
        self.put("(");
        self.expr(expr);
        self.put(")");
    }

    /// A value that is a path in Rust: a member of an enum, a constant, or several flags.
    fn rust_value(&mut self, code: &RustCode) {
        let code = code.to_string().replace(' ', "");
        let paths = code.split('|').map(|path| match self.names.get(path) {
            Some(name) => name.clone(),
            None => path.replace("r#", "").replace("::", "."),
        });
        let text = paths.collect::<Vec<_>>().join(" | ");
        self.put(&text);
    }
}

fn operator(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::ShiftLeft => "<<",
        BinaryOp::ShiftRight => ">>",
        BinaryOp::Or => "|",
        BinaryOp::And => "&",
        BinaryOp::Xor => "^",
        BinaryOp::Add => "+",
        BinaryOp::Subtract => "-",
        BinaryOp::Multiply => "*",
        BinaryOp::Divide => "/",
        BinaryOp::Remainder => "%",
    }
}

/// With a fraction, which tells it from an integer, also where Rust leaves it out: `1.0e-7`.
pub(crate) fn float(value: Float) -> String {
    let text = format!("{:?}", value.0);
    match text.split_once('e') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
        _ => text,
    }
}

/// A string as it is written.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() || c == '\u{FEFF}' => drop(write!(out, "\\u{{{:x}}}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn quoted_bytes(bytes: &[u8]) -> String {
    let mut out = String::from("b\"");
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => drop(write!(out, "\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

/// 8-4-4-4-12
pub(crate) fn uuid(uuid: u128) -> String {
    let digits = format!("{uuid:032x}");
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32].map(|group| &digits[group]);
    groups.join("-")
}

/// With the largest unit that gives a whole number.
pub(crate) fn duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let units = [("min", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)];
    let fitting = units.into_iter().find(|(_, unit)| nanos.is_multiple_of(*unit) && nanos > 0);
    let (name, unit) = fitting.unwrap_or(("ns", 1));
    format!("{}{name}", nanos / unit)
}
