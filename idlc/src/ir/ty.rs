//! Types of parameters, results, fields and constants.

use core::fmt;

use proc_macro2::TokenStream;

use super::{Expr, HandleKind, Object, Path, Rights};
use crate::source::Span;

/// A type and where it stands.
#[derive(Clone, Debug)]
pub struct Type {
    /// What it is.
    pub kind: TypeKind,
    /// Where it stands.
    pub span: Span,
}

impl Type {
    /// The type `kind` at `span`.
    pub fn new(kind: TypeKind, span: Span) -> Type {
        Type { kind, span }
    }

    /// The types that it is written with, one level down.
    pub fn parts(&self) -> Vec<&Type> {
        match &self.kind {
            TypeKind::List(item, _)
            | TypeKind::Array(item, _)
            | TypeKind::Optional(item)
            | TypeKind::Stream(item) => vec![item],
            TypeKind::Map(one, other, _) | TypeKind::Result(one, other) => vec![one, other],
            TypeKind::Tuple(items) => items.iter().collect(),
            _ => Vec::new(),
        }
    }
}

impl PartialEq for Type {
    fn eq(&self, other: &Type) -> bool {
        self.kind == other.kind
    }
}

/// Kinds of [`Type`].
#[derive(Clone, Debug, PartialEq)]
pub enum TypeKind {
    /// `()`; only as a whole, where a type is needed and there is nothing to say.
    Unit,
    /// `bool`
    Bool,
    /// `u8` to `i128`, perhaps `u32<1..=100>`.
    Int(IntKind, Bounds),
    /// `f32`, `f64`, perhaps with bounds.
    Float(FloatKind, Bounds),
    /// `string<..=N>`, N in bytes of UTF-8.
    String(Bounds),
    /// `bytes<..=N>`
    Bytes(Bounds),
    /// `list<T, ..=N>`
    List(Box<Type>, Bounds),
    /// `[T; N]`
    Array(Box<Type>, Box<Expr>),
    /// `map<K, V, ..=N>`
    Map(Box<Type>, Box<Type>, Bounds),
    /// `T?`
    Optional(Box<Type>),
    /// `(A, B)`
    Tuple(Vec<Type>),
    /// `path<..=N>`, N in bytes.
    Path(Bounds),
    /// `uuid`
    Uuid,
    /// `duration<..=30s>`
    Duration(Bounds),
    /// `time`. Its bounds are durations since the start of 1970 (UTC).
    Time(Bounds),
    /// `result<T, E>` as data, which has nothing to do with what a method raises.
    Result(Box<Type>, Box<Type>),
    /// A struct, enum, error or any other Rust type, by the path that names it in Rust.
    Named(Named),
    /// `handle<kind, rights>`
    Handle(HandleKind, Rights),
    /// An interface, in place of a type.
    Object(Object),
    /// `stream<T>`; only as a whole parameter or result.
    Stream(Box<Type>),
    /// A name that nobody has looked up yet. Until `resolve`.
    Unresolved(Path),
}

/// A type that is defined elsewhere.
#[derive(Clone, Debug)]
pub struct Named {
    /// Its path in Rust.
    pub rust: RustCode,
    /// How a client hands one over. It is no part of what an interface says.
    pub passing: Passing,
}

impl PartialEq for Named {
    fn eq(&self, other: &Named) -> bool {
        self.rust == other.rust
    }
}

/// How a client hands over an argument of a named type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// `&Entry`
    Reference,
    /// `Mode`, for types that are surely `Copy`.
    Value,
}

/// Smallest and largest length or value, both included. Empty when nothing was said.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// `N..=`
    pub min: Option<Box<Expr>>,
    /// `..=N`
    pub max: Option<Box<Expr>>,
    /// Where they stand.
    pub span: Span,
}

impl Bounds {
    /// Nothing was said.
    pub fn none() -> Bounds {
        Bounds { min: None, max: None, span: Span::call_site() }
    }

    /// Was nothing said?
    pub fn is_empty(&self) -> bool {
        self.min.is_none() && self.max.is_none()
    }
}

impl PartialEq for Bounds {
    fn eq(&self, other: &Bounds) -> bool {
        self.min == other.min && self.max == other.max
    }
}

/// The integer types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are their own documentation")]
pub enum IntKind {
    U8,
    U16,
    U32,
    U64,
    U128,
    I8,
    I16,
    I32,
    I64,
    I128,
}

impl IntKind {
    /// All of them.
    pub const ALL: [IntKind; 10] = {
        use IntKind::*;
        [U8, U16, U32, U64, U128, I8, I16, I32, I64, I128]
    };

    /// Its name, the same in .idl and in Rust.
    pub fn name(self) -> &'static str {
        match self {
            IntKind::U8 => "u8",
            IntKind::U16 => "u16",
            IntKind::U32 => "u32",
            IntKind::U64 => "u64",
            IntKind::U128 => "u128",
            IntKind::I8 => "i8",
            IntKind::I16 => "i16",
            IntKind::I32 => "i32",
            IntKind::I64 => "i64",
            IntKind::I128 => "i128",
        }
    }

    /// The type called `name`.
    pub fn from_name(name: &str) -> Option<IntKind> {
        IntKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Can it hold negative numbers?
    pub fn is_signed(self) -> bool {
        self.name().starts_with('i')
    }

    /// Its width.
    pub fn bits(self) -> u32 {
        match self {
            IntKind::U8 | IntKind::I8 => 8,
            IntKind::U16 | IntKind::I16 => 16,
            IntKind::U32 | IntKind::I32 => 32,
            IntKind::U64 | IntKind::I64 => 64,
            IntKind::U128 | IntKind::I128 => 128,
        }
    }
}

/// The floating-point types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are their own documentation")]
pub enum FloatKind {
    F32,
    F64,
}

impl FloatKind {
    /// Its name, the same in .idl and in Rust.
    pub fn name(self) -> &'static str {
        match self {
            FloatKind::F32 => "f32",
            FloatKind::F64 => "f64",
        }
    }
}

/// A piece of Rust that is carried along as written. Equality is of the text.
#[derive(Clone)]
pub struct RustCode(pub TokenStream);

impl PartialEq for RustCode {
    fn eq(&self, other: &RustCode) -> bool {
        self.0.to_string() == other.0.to_string()
    }
}

impl fmt::Debug for RustCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0)
    }
}

impl fmt::Display for RustCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
