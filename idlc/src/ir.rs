//! What an interface *is*, whichever way it was written.
//!
//! Both front ends, `.idl` files and annotated Rust, end here; the checker and the generator start
//! here and know neither of them. That is what keeps the two ways of writing an interface from
//! drifting apart.
//!
//! # From a parser's hands to the generator's
//!
//! A front end builds a [`Module`] without looking anything up. Three steps follow, each for all
//! front ends:
//!
//! 1. [`resolve`](crate::resolve::resolve) binds names. It replaces [`TypeKind::Unresolved`] by the
//!    alias's type or by [`TypeKind::Named`], folds every [`Expr`] to a literal, gives enum members
//!    and variants their numbers, and reports what it cannot find. A front end writes down what
//!    stands in the source: an unnumbered member has `value: None`, a bound is an expression, a
//!    type that is neither built in nor a type constructor is `Unresolved`.
//! 2. [`check`](crate::check::check) reports everything else that is wrong.
//! 3. [`generate`](crate::codegen::generate) writes Rust. It cannot fail.
//!
//! Types of the annotated-trait front end never pass through step 1 as names: the macro sees
//! `Point` but not its definition, so it writes [`TypeKind::Named`] with the path as the user
//! spelled it, and the Rust compiler judges. The generator therefore never needs the layout of a
//! named type.
//!
//! # Equality
//!
//! Two items are equal when they say the same thing: places ([`Span`](crate::source::Span)s) do not
//! count, and neither does what only steers the look of generated Rust. So "the same interface,
//! written both ways" is `==`.

mod attributes;
mod data;
mod expr;
pub mod identity;
mod import;
mod interface;
mod name;
mod number;
mod reference;
pub mod text;
mod ty;

pub use attributes::{Availability, Deprecation, Look, Via};
pub use data::{
    Enum, Field, Flags, Growth, Member, Payload, Reserved, Struct, Union, UnionUse, Variant,
};
pub use expr::{BinaryOp, Expr, ExprKind, UnaryOp};
pub use import::{Import, Imported, Use};
pub use interface::{Context, Direction, Handler, Interface, Method, Output, Param};
pub use name::{At, Name, Path};
pub use number::{Float, Integer};
pub use reference::{Event, HandleKind, Object, Owner, Right, Rights};
pub use ty::{Bounds, FloatKind, IntKind, Named, Passing, RustCode, Type, TypeKind};

/// One source of interfaces: an `.idl` file, or one annotated Rust item.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// Dotted name, as in `module acme.kv;`. Empty for Rust items, whose names are given in full.
    pub name: Path,
    /// Lines of `//!` documentation, without the marker and one following blank.
    pub docs: Docs,
    /// Default version of the interfaces inside.
    pub version: Option<At<Version>>,
    /// `[stable]`: other programs depend on it, so what it says is pinned down.
    pub stable: Option<At<()>>,
    /// `import "types.idl";`
    pub imports: Vec<Import>,
    /// `use acme.types.Point;`
    pub uses: Vec<Use>,
    /// In the order of the source.
    pub items: Vec<Item>,
    /// Type aliases that are no longer among the items, for who imports the module. What they stand
    /// for is bound by `resolve`.
    pub aliases: Vec<Alias>,
}

impl PartialEq for Module {
    /// Which names it has for things of its own and of others is not what it says.
    fn eq(&self, other: &Module) -> bool {
        self.name == other.name
            && self.docs == other.docs
            && self.version == other.version
            && self.stable == other.stable
            && self.items == other.items
    }
}

impl Module {
    /// What imported modules declare, and those that they import in turn, by its path in Rust.
    pub fn foreign(&self) -> Vec<(String, &Item)> {
        let mut all = Vec::new();
        for import in self.imports.iter().filter_map(|import| import.module.as_deref()) {
            all.extend(import.module.items.iter().map(|item| (import.path_of(item), item)));
            all.extend(import.module.foreign());
        }
        all
    }
}

/// Documentation, one entry per line, without comment markers and without the one blank after them.
pub type Docs = Vec<String>;

/// A declaration at the top level of a module.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// `const NAME: type = value;`
    Const(Const),
    /// `type Name = type;`, gone after names are resolved.
    Alias(Alias),
    /// `struct Name { .. }`
    Struct(Struct),
    /// `enum Name : base { .. }`
    Enum(Enum),
    /// `flags Name : base { .. }`
    Flags(Flags),
    /// `union Name { .. }` and `error Name { .. }`
    Union(Union),
    /// `interface Name { .. }`
    Interface(Interface),
}

impl Item {
    /// The name it is declared under.
    pub fn name(&self) -> &Name {
        match self {
            Item::Const(item) => &item.name,
            Item::Alias(item) => &item.name,
            Item::Struct(item) => &item.name,
            Item::Enum(item) => &item.name,
            Item::Flags(item) => &item.name,
            Item::Union(item) => &item.name,
            Item::Interface(item) => &item.name,
        }
    }

    /// When it came, and when it went.
    pub fn availability(&self) -> &Availability {
        match self {
            Item::Const(item) => &item.availability,
            Item::Alias(item) => &item.availability,
            Item::Struct(item) => &item.availability,
            Item::Enum(item) => &item.availability,
            Item::Flags(item) => &item.availability,
            Item::Union(item) => &item.availability,
            Item::Interface(item) => &item.availability,
        }
    }
}

/// A constant, of a module or of an interface.
#[derive(Clone, Debug, PartialEq)]
pub struct Const {
    /// As written.
    pub name: Name,
    /// See [`Docs`].
    pub docs: Docs,
    /// When it came, and when it went.
    pub availability: Availability,
    /// How it looks in Rust.
    pub look: Look,
    /// A scalar, `string`, `bytes`, `duration` or `uuid`.
    pub ty: Type,
    /// Folded to a literal by `resolve`.
    pub value: Expr,
}

/// Another name for a type.
#[derive(Clone, Debug, PartialEq)]
pub struct Alias {
    /// As written.
    pub name: Name,
    /// See [`Docs`].
    pub docs: Docs,
    /// When it came, and when it went.
    pub availability: Availability,
    /// `[sensitive]`: nobody prints it.
    pub sensitive: Option<At<()>>,
    /// What it stands for.
    pub ty: Type,
}

/// A version of an interface. 1.10 is later than 1.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Differs: the peers refuse each other.
    pub major: u16,
    /// Differs: they do not.
    pub minor: u16,
}

impl Version {
    /// `1.2`: two numbers up to 65535.
    pub fn from_text(text: &str) -> Option<Version> {
        let number = |digits: &str| {
            let is_plain = digits.bytes().all(|digit| digit.is_ascii_digit());
            digits.parse().ok().filter(|_| is_plain)
        };
        let (major, minor) = text.split_once('.')?;
        Some(Version { major: number(major)?, minor: number(minor)? })
    }
}

impl core::fmt::Display for Version {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
