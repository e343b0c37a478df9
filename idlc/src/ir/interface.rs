//! Interfaces, with their methods and what those take and give.

use super::{
    At, Availability, Const, Docs, Event, Expr, Look, Name, RustCode, Type, TypeKind, Version, Via,
};

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
    /// How the handler answers.
    pub handler: Handler,
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

/// How a handler in Rust answers. Nothing of it is on the wire, and no client can tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Handler {
    /// By what it returns.
    Returns,
    /// `[rust.deferred]`: later, by a `Responder`.
    Deferred(At<()>),
    /// `[rust.async]`: by what its future comes to.
    Async(At<()>),
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
