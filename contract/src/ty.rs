//! Types where they are used: a named one is a name here, its definition stands apart.

use crate::Bounds;

/// A type and its bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Type {
    /// What it is.
    pub kind: Kind,
    /// Of its length or its value.
    pub bounds: Bounds,
}

impl Type {
    /// The type called `name`.
    pub fn named(name: impl Into<String>) -> Type {
        Kind::Named(name.into()).into()
    }

    /// A list of these.
    #[must_use]
    pub fn list(self) -> Type {
        Kind::List(Box::new(self)).into()
    }

    /// One of these or none.
    #[must_use]
    pub fn optional(self) -> Type {
        Kind::Optional(Box::new(self)).into()
    }

    /// The same type within these bounds.
    #[must_use]
    pub fn within(self, bounds: Bounds) -> Type {
        Type { bounds, ..self }
    }
}

impl From<Kind> for Type {
    fn from(kind: Kind) -> Type {
        Type { kind, bounds: Bounds::NONE }
    }
}

impl From<Basic> for Type {
    fn from(basic: Basic) -> Type {
        Kind::Basic(basic).into()
    }
}

/// Kinds of [`Type`].
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A type that holds no other.
    Basic(Basic),
    /// Any number of elements. `bytes` is a list of `u8`.
    List(Box<Type>),
    /// A fixed number of elements.
    Array(Box<Type>, u64),
    /// Keys, each with its value.
    Map(Box<Type>, Box<Type>),
    /// A value or none.
    Optional(Box<Type>),
    /// Values of several types.
    Tuple(Vec<Type>),
    /// A value or an error, as data.
    Result(Box<Type>, Box<Type>),
    /// Values that follow one another over time.
    Stream(Box<Type>),
    /// Something of the system's that is handed over: `handle<file, read|write>`.
    Handle {
        /// `file`, `section`, `any`, ..
        kind: String,
        /// What may be done with it, sorted. No part of the fingerprint.
        rights: Vec<String>,
    },
    /// A struct, enum, union, error or interface by its name.
    Named(String),
}

macro_rules! basics {
    ($($name:ident $text:literal)*) => {
        /// Types that hold no other.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "they are their own documentation")]
        pub enum Basic { $($name,)* }

        impl Basic {
            /// All of them.
            pub const ALL: &'static [Basic] = &[$(Basic::$name,)*];

            /// Its name in the text.
            pub fn name(self) -> &'static str {
                match self { $(Basic::$name => $text,)* }
            }
        }
    };
}

basics! {
    Unit "unit"
    Bool "bool"
    U8 "u8" U16 "u16" U32 "u32" U64 "u64" U128 "u128"
    I8 "i8" I16 "i16" I32 "i32" I64 "i64" I128 "i128"
    F32 "f32" F64 "f64"
    String "string"
    Path "path"
    Uuid "uuid"
    Duration "duration"
    Time "time"
}

impl Basic {
    /// The type called `name`.
    pub fn from_name(name: &str) -> Option<Basic> {
        Basic::ALL.iter().copied().find(|basic| basic.name() == name)
    }
}
