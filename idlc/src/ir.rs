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
mod expr;
pub mod identity;
mod import;
mod name;
mod number;
mod reference;
pub mod text;
mod ty;

pub use attributes::{Availability, Deprecation, Look, Via};
pub use expr::{BinaryOp, Expr, ExprKind, UnaryOp};
pub use import::{Import, Imported, Use};
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

/// A set of methods that one peer offers and another calls.
#[derive(Clone, Debug)]
pub struct Interface {
    /// The Rust name of the trait; `FooClient` and `FooServer` follow from it.
    pub name: Name,
    /// `acme.kv.KeyValue`; the bare trait name where a trait gives only a uuid. Identity, where
    /// there is no uuid.
    pub qualified: String,
    /// See [`Docs`].
    pub docs: Docs,
    /// When it came, and when it went.
    pub availability: Availability,
    /// How it looks in Rust.
    pub look: Look,
    /// Identity on the wire.
    pub uuid: Option<At<u128>>,
    /// The peer's major version must be equal; 1.0 unless said here or on the module.
    pub version: Option<At<Version>>,
    /// Where `connect_default` goes.
    pub endpoint: Option<At<String>>,
    /// `[stable]`: other programs depend on it, so its identity and its numbers are written down.
    pub stable: Option<At<()>>,
    /// Interfaces whose methods and events are this one's, too: unresolved names until `resolve`,
    /// then [`TypeKind::Object`].
    pub bases: Vec<Type>,
    /// Seen inside as `NAME`, outside as `Interface.NAME`.
    pub consts: Vec<Const>,
    /// In the order of the source.
    pub methods: Vec<Method>,
    /// What its server tells its clients without being asked, in the order of the source.
    pub events: Vec<Event>,
    /// `reserved fn name;`
    pub reserved: Vec<Name>,
    /// Visibility of the generated types. Not part of what an interface says, so equality ignores
    /// it.
    pub visibility: RustCode,
}

impl PartialEq for Interface {
    fn eq(&self, other: &Interface) -> bool {
        self.name == other.name
            && self.qualified == other.qualified
            && self.docs == other.docs
            && self.uuid == other.uuid
            && self.version == other.version
            && self.endpoint == other.endpoint
            && self.availability == other.availability
            && self.stable == other.stable
            && self.bases == other.bases
            && self.consts == other.consts
            && self.methods == other.methods
            && self.events == other.events
            && self.reserved == other.reserved
    }
}

/// One call that an interface offers.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// As written.
    pub name: Name,
    /// The name it is known by on the wire, after a rename.
    pub wire_name: Option<At<String>>,
    /// See [`Docs`].
    pub docs: Docs,
    /// When it came, and when it went.
    pub availability: Availability,
    /// How it looks in Rust.
    pub look: Look,
    /// `[oneway]`: nothing comes back.
    pub oneway: Option<At<()>>,
    /// `[idempotent]`: asking twice does no harm.
    pub idempotent: Option<At<()>>,
    /// `[must_understand]`: a peer that does not know this one-way method must not go on without it.
    pub must_understand: Option<At<()>>,
    /// `[cancellable]`: the handler is told when nobody waits for it any more.
    pub cancellable: Option<At<()>>,
    /// Deadline of calls that set none themselves.
    pub timeout: Option<At<core::time::Duration>>,
    /// In wire order.
    pub params: Vec<Param>,
    /// In wire order. Empty for `()`.
    pub results: Vec<Output>,
    /// The error it may answer instead.
    pub raises: Option<Type>,
    /// Whether the handler wants to know about the call.
    pub context: Context,
}

impl Method {
    /// The name that its number on the wire is made from.
    pub fn wire_name(&self) -> &str {
        match &self.wire_name {
            Some(name) => &name.value,
            None => &self.name.text,
        }
    }
}

/// Whether a handler takes `&Call<'_>`. It is always there in generated traits and never on the
/// wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// `fn f(&self, cx: &Call<'_>, ..)`
    Taken,
    /// `fn f(&self, ..)`
    Omitted,
}

/// A parameter of a method.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// As written.
    pub name: Name,
    /// See [`Docs`].
    pub docs: Docs,
    /// When it came, and when it went.
    pub availability: Availability,
    /// `[sensitive]`: nobody prints it.
    pub sensitive: Option<At<()>>,
    /// Which way its contents go.
    pub direction: Direction,
    /// `[view]`: stays where the peer put it; the handler gets accessors.
    pub view: Option<At<()>>,
    /// `[raw]`: a memory image in place of encoded elements.
    pub raw: Option<At<()>>,
    /// `[via(section)]`
    pub via: Option<At<Via>>,
    /// `[move]`: the caller gives its handle away.
    pub moved: Option<At<()>>,
    /// What it holds. An `[out]` parameter's type is that of the buffer.
    pub ty: Type,
    /// Stands in where an older client did not send it.
    pub default: Option<Expr>,
}

impl Param {
    /// Can a server do without it? Then a client of an older version may have left it out.
    pub fn may_be_missing(&self) -> bool {
        self.default.is_some() || matches!(self.ty.kind, TypeKind::Optional(_))
    }

    /// Is it a tombstone, which is on the wire and nowhere else?
    pub fn is_removed(&self) -> bool {
        self.availability.is_removed()
    }
}

/// Which way a parameter's contents go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From client to server.
    In,
    /// A buffer of the caller that the server fills; its old contents are not sent.
    Out,
    /// A buffer of the caller that is sent and then overwritten.
    InOut,
}

/// A result of a method.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// `None` for the single result of `-> T`.
    pub name: Option<Name>,
    /// See [`Docs`].
    pub docs: Docs,
    /// When it came, and when it went.
    pub availability: Availability,
    /// `[sensitive]`: nobody prints it.
    pub sensitive: Option<At<()>>,
    /// `[view]`: stays in shared memory until the client drops it.
    pub view: Option<At<()>>,
    /// `[raw]`: a memory image in place of encoded elements.
    pub raw: Option<At<()>>,
    /// `[via(section)]`
    pub via: Option<At<Via>>,
    /// What it holds.
    pub ty: Type,
    /// Stands in where an older server did not send it.
    pub default: Option<Expr>,
}

impl Output {
    /// Can a client do without it? Then a server of an older version may have left it out.
    pub fn may_be_missing(&self) -> bool {
        self.default.is_some() || matches!(self.ty.kind, TypeKind::Optional(_))
    }

    /// Is it a tombstone, which is on the wire and nowhere else?
    pub fn is_removed(&self) -> bool {
        self.availability.is_removed()
    }
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
