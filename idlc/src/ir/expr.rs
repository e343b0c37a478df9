//! Constant expressions: bounds, defaults, numbers of members, values of constants.

use super::{Float, Integer, Name, Named, Path, RustCode};
use crate::source::Span;

/// A constant expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

impl PartialEq for Expr {
    fn eq(&self, other: &Expr) -> bool {
        self.kind == other.kind
    }
}

/// Kinds of [`Expr`]. The second half is gone once names are resolved.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `true`
    Bool(bool),
    /// `64`, `64MiB`
    Int(Integer),
    /// `1.5`
    Float(Float),
    /// `"text"`
    Str(String),
    /// `b"bytes"`
    Bytes(Vec<u8>),
    /// `30s`
    Duration(core::time::Duration),
    /// `6f1d0c1e-8a1b-4a57-9a5e-2f4c2a3b9d11`
    Uuid(u128),
    /// `[1, 2]`
    List(Vec<Expr>),
    /// A member of an enum. Only inside `resolve`, which makes it the Rust path `Mode::Fast`.
    Member {
        /// The enum.
        of: Named,
        /// The member.
        member: Name,
    },
    /// Any number of names of a `flags` type. Only inside `resolve`, which makes it the Rust
    /// expression `PutFlags::CREATE | PutFlags::REPLACE`.
    Flags {
        /// The type.
        of: Named,
        /// The names; empty for none of them.
        members: Vec<Name>,
    },
    /// Absent; the default of an optional.
    None,
    /// A Rust expression that is not a plain literal. Only in annotated Rust; the Rust compiler
    /// evaluates it.
    Rust(RustCode),

    /// A constant or an enum member. Until `resolve`.
    Path(Path),
    /// `-x` or `~x`. Until `resolve`.
    Unary(UnaryOp, Box<Expr>),
    /// `a << b`. Until `resolve`.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
}

/// Operators before an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-x`
    Negate,
    /// `~x`
    Complement,
}

/// Operators between expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `a << b`
    ShiftLeft,
    /// `a >> b`
    ShiftRight,
    /// `a | b`
    Or,
    /// `a & b`
    And,
    /// `a ^ b`
    Xor,
    /// `a + b`
    Add,
    /// `a - b`
    Subtract,
    /// `a * b`
    Multiply,
    /// `a / b`
    Divide,
    /// `a % b`
    Remainder,
}
