//! The types that an interface declares: records, enums, flags, unions and errors.

use super::{At, Availability, Docs, Expr, IntKind, Integer, Look, Name, Type, TypeKind};

/// Whether a type may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// Peers of different ages understand each other: readers skip what they do not know.
    Open,
    /// `[final]`: never changes, and is on the wire exactly what serde's derive would give.
    Closed,
}

impl Growth {
    /// Is it `[final]`?
    pub fn is_closed(self) -> bool {
        self == Growth::Closed
    }
}

/// A record type.
#[derive(Clone, Debug, PartialEq)]
pub struct Struct {
    /// The Rust name.
    pub name: Name,
    /// The name in descriptors and so in fingerprints: `acme.kv.Entry`; the bare name where Rust
    /// code gives no other.
    pub qualified: String,
    /// See [`Docs`].
    pub docs: Docs,
    /// When it came, and when it went.
    pub availability: Availability,
    /// How it looks in Rust.
    pub look: Look,
    /// `[sensitive]`: nobody prints it.
    pub sensitive: Option<At<()>>,
    /// Open unless marked `[final]`.
    pub growth: Growth,
    /// In wire order.
    pub fields: Vec<Field>,
}

/// A member of a [`Struct`] or of a variant's payload.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The decimal position for positional payloads, `Variant(A, B)`.
    pub name: Name,
    /// See [`Docs`].
    pub docs: Docs,
    /// When it came, and when it went.
    pub availability: Availability,
    /// How it looks in Rust.
    pub look: Look,
    /// `[sensitive]`: nobody prints it.
    pub sensitive: Option<At<()>>,
    /// What it holds.
    pub ty: Type,
    /// Stands in where an older peer did not send the field.
    pub default: Option<Expr>,
}

impl Field {
    /// One of `Variant(A, B)`, of which nothing more is said.
    pub fn positional(name: Name, ty: Type) -> Field {
        Field {
            name,
            docs: Docs::new(),
            availability: Availability::default(),
            look: Look::default(),
            sensitive: None,
            ty,
            default: None,
        }
    }

    /// Is it a tombstone, which is on the wire and nowhere else?
    pub fn is_removed(&self) -> bool {
        self.availability.is_removed()
    }

    /// Can a reader do without it? Then a writer of an older version may have left it out.
    pub fn may_be_missing(&self) -> bool {
        self.default.is_some() || matches!(self.ty.kind, TypeKind::Optional(_))
    }
}

/// A type that is one of some named numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Enum {
    /// The Rust name.
    pub name: Name,
    /// See [`Struct::qualified`].
    pub qualified: String,
    /// See [`Docs`].
    pub docs: Docs,
    /// When it came, and when it went.
    pub availability: Availability,
    /// How it looks in Rust.
    pub look: Look,
    /// `[sensitive]`: nobody prints it.
    pub sensitive: Option<At<()>>,
    /// Open unless marked `[final]`.
    pub growth: Growth,
    /// An integer of at most 64 bits; `u32` unless said.
    pub base: At<IntKind>,
    /// In the order of the source.
    pub members: Vec<Member>,
    /// Numbers and names that must not come back.
    pub reserved: Vec<At<Reserved>>,
}

/// A type that is any number of some names at once. It is always open: bits without a name are
/// kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Flags {
    /// The Rust name.
    pub name: Name,
    /// See [`Struct::qualified`].
    pub qualified: String,
    /// See [`Docs`].
    pub docs: Docs,
    /// When it came, and when it went.
    pub availability: Availability,
    /// How it looks in Rust.
    pub look: Look,
    /// `[sensitive]`: nobody prints it.
    pub sensitive: Option<At<()>>,
    /// An unsigned integer of at most 64 bits; `u32` unless said.
    pub base: At<IntKind>,
    /// In the order of the source. Each has a value: one bit, or several where it stands for a
    /// combination.
    pub members: Vec<Member>,
    /// Bits and names that must not come back.
    pub reserved: Vec<At<Reserved>>,
}

/// A named number of an [`Enum`] or of [`Flags`].
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// As written.
    pub name: Name,
    /// See [`Docs`].
    pub docs: Docs,
    /// When it came, and when it went.
    pub availability: Availability,
    /// How it looks in Rust.
    pub look: Look,
    /// Its number. `resolve` fills it in where the source does not: one more than the member
    /// before, 0 for the first.
    pub value: Option<Expr>,
}

/// What a [`Union`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnionUse {
    /// An `error`: gets `Display`, from its documentation, and `std::error::Error`.
    Error,
    /// Plain data.
    Data,
}

/// A type that is one of some tagged payloads: a `union`, or an `error`.
#[derive(Clone, Debug, PartialEq)]
pub struct Union {
    /// The Rust name.
    pub name: Name,
    /// See [`Struct::qualified`].
    pub qualified: String,
    /// See [`Docs`].
    pub docs: Docs,
    /// When it came, and when it went.
    pub availability: Availability,
    /// How it looks in Rust.
    pub look: Look,
    /// `[sensitive]`: nobody prints it.
    pub sensitive: Option<At<()>>,
    /// Open unless marked `[final]`.
    pub growth: Growth,
    /// Error or data.
    pub used_as: UnionUse,
    /// In the order of the source.
    pub variants: Vec<Variant>,
    /// Tags and names that must not come back.
    pub reserved: Vec<At<Reserved>>,
}

/// One alternative of a [`Union`].
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// As written.
    pub name: Name,
    /// See [`Docs`]. Of an error, the first line is its `Display` text: `{field}` and `{0}` stand
    /// for values, `{{` for a brace.
    pub docs: Docs,
    /// When it came, and when it went.
    pub availability: Availability,
    /// How it looks in Rust.
    pub look: Look,
    /// Its number on the wire. `resolve` fills it in where the source does not: one more than the
    /// variant before. Open unions begin at 1; `[final]` ones at 0, since theirs is serde's index.
    pub tag: Option<Expr>,
    /// What it carries.
    pub payload: Payload,
}

/// What a [`Variant`] carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Payload {
    /// Nothing.
    Unit,
    /// `Name(A, B)`; the fields are called `0`, `1`, ..
    Positional(Vec<Field>),
    /// `Name { a: A, b: B }`
    Named(Vec<Field>),
}

impl Payload {
    /// Its fields, none for [`Payload::Unit`].
    pub fn fields(&self) -> &[Field] {
        match self {
            Payload::Unit => &[],
            Payload::Positional(fields) | Payload::Named(fields) => fields,
        }
    }
}

/// Something that must not come back, because old peers give it another meaning.
#[derive(Clone, Debug, PartialEq)]
pub enum Reserved {
    /// `reserved 4` (both ends equal) or `reserved 4..=8`.
    Numbers(Integer, Integer),
    /// `reserved Name`
    Name(String),
}
