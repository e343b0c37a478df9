//! What an interface is, as plain data that a program carries with it.
//!
//! Two programs that talk were compiled apart, perhaps years apart. Each holds a description of the
//! interface as it knew it, so that they can find out at connect which methods mean the same on both
//! sides. Generated code consists of these tables and of nothing that runs before `main`.
//!
//! A type refers to another through a function ([`Ty`]) and not through a reference, because a type
//! may hold itself, and a constant that refers to itself does not exist in Rust.

use core::time::Duration;
use std::fmt;

mod built_in;
pub mod inherit;

use crate::contract;
use crate::handle::{HandleKind, Rights};

/// How one description refers to another.
pub type Ty = fn() -> &'static TypeDesc;

/// A type that can stand in an interface.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand in an interface",
    label = "this type has no description",
    note = "the interface language has bool, u8 to u128, i8 to i128, f32, f64, strings, bytes, lists, arrays, maps, optional values, tuples, paths, `Uuid`, `Duration`, `SystemTime` and `Result`",
    note = "a type of your own needs `#[derive(Alpc)]`; instead of `usize` or `isize` write `u64` or `i64`, since their size differs between machines"
)]
pub trait Describe {
    /// The description of this type.
    fn describe() -> &'static TypeDesc;
}

/// A type as the two ends of a connection must see it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum TypeDesc {
    /// Nothing.
    Unit,
    /// `bool`
    Bool,
    /// `u8`
    U8,
    /// `u16`
    U16,
    /// `u32`
    U32,
    /// `u64`
    U64,
    /// `u128`
    U128,
    /// `i8`
    I8,
    /// `i16`
    I16,
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `i128`
    I128,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// Text in UTF-8.
    String,
    /// Any number of elements. `bytes` is a list of `u8`.
    List(Ty),
    /// A fixed number of elements.
    Array(Ty, usize),
    /// Keys, each with its value.
    Map(Ty, Ty),
    /// A value or none.
    Optional(Ty),
    /// Values of several types.
    Tuple(&'static [Ty]),
    /// The name of a file: any bytes, not always text.
    Path,
    /// A number of 128 bits that names something.
    Uuid,
    /// How long something takes, in whole nanoseconds.
    Duration,
    /// When something happens, in whole nanoseconds before or after the start of 1970 (UTC).
    Time,
    /// A value, or what stands in its place where there is none. As data; what a method raises is
    /// its own affair.
    Result(Ty, Ty),
    /// Items, one after the other, asked for by whoever takes them.
    Stream(Ty),
    /// Named fields.
    Struct {
        /// The name with its module (`acme.kv.Pair`), or the Rust name where a trait is the source.
        name: &'static str,
        /// Whether it can never grow (`[final]`), and so has no length on the wire.
        closed: bool,
        /// The fields, in the order in which they are sent.
        fields: &'static [FieldDesc],
    },
    /// One of several names.
    Enum {
        /// As for structs.
        name: &'static str,
        /// Whether only these members are valid (`[final]`).
        closed: bool,
        /// Whether the values are sent as signed numbers.
        signed: bool,
        /// The members, in any order.
        members: &'static [MemberDesc],
    },
    /// Any number of several names at once. Bits without a name are kept.
    Flags {
        /// As for structs.
        name: &'static str,
        /// The flags, in any order, each with its bits; a combination may have a name of its own.
        members: &'static [MemberDesc],
    },
    /// One of several variants with fields of their own; an `error` is one, too.
    Union {
        /// As for structs.
        name: &'static str,
        /// Whether only these variants are valid (`[final]`).
        closed: bool,
        /// The variants, in any order.
        variants: &'static [VariantDesc],
    },
    /// Something of the operating system's that the receiver gets a duplicate of.
    Handle {
        /// What sort of thing it stands for.
        kind: HandleKind,
        /// What the receiver may do with it. No part of what both ends must agree on.
        rights: Rights,
    },
    /// An object with this interface.
    Object {
        /// The interface. Through a function, since an interface may name itself.
        interface: fn() -> &'static InterfaceDesc,
    },
    /// A type that only its own serde implementation knows. Only its name can be compared.
    Opaque {
        /// The name of the type.
        name: &'static str,
    },
}

/// A field of a struct or of a variant.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "generated code writes it out")]
pub struct FieldDesc {
    /// The name.
    pub name: &'static str,
    /// The type.
    pub ty: Ty,
    /// Whether a reader has a value for it when the writer did not know the field.
    pub optional_on_wire: bool,
}

impl FieldDesc {
    /// A field that every writer sends.
    pub const fn new(name: &'static str, ty: Ty) -> FieldDesc {
        FieldDesc { name, ty, optional_on_wire: false }
    }

    /// The same, if a reader has a value for it when the writer did not know it.
    pub const fn optional(self) -> FieldDesc {
        FieldDesc { optional_on_wire: true, ..self }
    }
}

/// A member of an enum, or a flag.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "generated code writes it out")]
pub struct MemberDesc {
    /// The name.
    pub name: &'static str,
    /// The value by which it is sent.
    pub value: i128,
}

/// A variant of a union.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "generated code writes it out")]
pub struct VariantDesc {
    /// The name.
    pub name: &'static str,
    /// The number by which it is sent.
    pub tag: u32,
    /// The fields, in the order in which they are sent.
    pub fields: &'static [FieldDesc],
}

/// Which way the data of a parameter flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Direction {
    /// From the caller.
    In,
    /// Into a buffer of the caller's.
    Out,
    /// From a buffer of the caller's, and back into it.
    InOut,
}

/// A parameter or a result of a method.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "generated code writes it out")]
pub struct ParamDesc {
    /// The name.
    pub name: &'static str,
    /// Which way the data flows; a result is [`Direction::Out`].
    pub direction: Direction,
    /// Whether it stays in shared memory until it is dropped (`[view]`).
    pub view: bool,
    /// Whether it is sent as it lies in memory (`[raw]`).
    pub raw: bool,
    /// The type.
    pub ty: Ty,
    /// Whether a reader has a value for it when the writer did not know of it.
    pub optional_on_wire: bool,
}

// Generated code says of a parameter what is not so with most, which keeps large interfaces short.
impl ParamDesc {
    /// A parameter that is encoded and sent to the server.
    pub const fn input(name: &'static str, ty: Ty) -> ParamDesc {
        ParamDesc::with(name, Direction::In, ty)
    }

    /// A result, or a buffer that the server fills.
    pub const fn output(name: &'static str, ty: Ty) -> ParamDesc {
        ParamDesc::with(name, Direction::Out, ty)
    }

    /// A buffer that the server changes.
    pub const fn in_out(name: &'static str, ty: Ty) -> ParamDesc {
        ParamDesc::with(name, Direction::InOut, ty)
    }

    const fn with(name: &'static str, direction: Direction, ty: Ty) -> ParamDesc {
        ParamDesc { name, direction, view: false, raw: false, ty, optional_on_wire: false }
    }

    /// The same, if it stays in shared memory.
    pub const fn view(self) -> ParamDesc {
        ParamDesc { view: true, ..self }
    }

    /// The same, if it is sent as it lies in memory.
    pub const fn raw(self) -> ParamDesc {
        ParamDesc { raw: true, ..self }
    }

    /// The same, if a reader has a value for it when the writer did not know of it.
    pub const fn optional(self) -> ParamDesc {
        ParamDesc { optional_on_wire: true, ..self }
    }
}

/// A method of an interface.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "generated code writes it out")]
pub struct MethodDesc {
    /// The name.
    pub name: &'static str,
    /// The number by which it is called.
    pub ordinal: u64,
    /// Whether it has no reply.
    pub oneway: bool,
    /// Whether asking twice does no harm.
    pub idempotent: bool,
    /// Whether a server that does not know this one-way method closes the connection
    /// (`[must_understand]`).
    pub must_understand: bool,
    /// Whether a caller that gives up stops it, too (`[cancellable]`): see
    /// [`Call::cancellation`](crate::Call::cancellation).
    pub cancellable: bool,
    /// How long a caller waits unless it says otherwise.
    pub timeout: Option<Duration>,
    /// The parameters, in order.
    pub params: &'static [ParamDesc],
    /// The results, in order.
    pub results: &'static [ParamDesc],
    /// The interface's own error.
    pub raises: Option<Ty>,
}

impl MethodDesc {
    /// A method without a name that has nothing special: what generated code leaves out.
    pub const PLAIN: MethodDesc = MethodDesc {
        name: "",
        ordinal: 0,
        oneway: false,
        idempotent: false,
        must_understand: false,
        cancellable: false,
        timeout: None,
        params: &[],
        results: &[],
        raises: None,
    };
}

/// An event of an interface.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "generated code writes it out")]
pub struct EventDesc {
    /// The name.
    pub name: &'static str,
    /// The number by which it is sent. It differs from those of the methods.
    pub ordinal: u64,
    /// Whether a subscriber that does not know it must not go on without it (`[must_understand]`).
    pub must_understand: bool,
    /// The parameters, in order.
    pub params: &'static [ParamDesc],
}

/// An interface.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "generated code writes it out")]
pub struct InterfaceDesc {
    /// The name with its module: `acme.kv.KeyValue`.
    pub name: &'static str,
    /// The uuid, as a big-endian number.
    pub id: u128,
    /// Versions that differ here do not talk to each other.
    pub major: u16,
    /// Versions that differ here do.
    pub minor: u16,
    /// The port at which it is served unless somebody says otherwise.
    pub endpoint: Option<&'static str>,
    /// The interfaces whose methods and events are this one's, too, under the numbers that they
    /// have there. One may be met on several ways, and counts once.
    pub bases: &'static [&'static InterfaceDesc],
    /// The methods that are declared here, in any order.
    pub methods: &'static [MethodDesc],
    /// The events that are declared here, in any order.
    pub events: &'static [EventDesc],
}

impl InterfaceDesc {
    /// A number that is equal on two sides when all their methods mean the same.
    ///
    /// It covers methods, names, types, directions, tags and flags, and none of what may differ
    /// without harm: the order of methods, defaults, bounds, timeouts and documentation. It is
    /// computed anew each time, so keep it.
    pub fn fingerprint(&self) -> [u8; 16] {
        contract::of(self).fingerprint()
    }

    /// The method with this ordinal, whether it is declared here or inherited.
    pub fn method(&self, ordinal: u64) -> Option<&'static MethodDesc> {
        let own = self.methods.iter().find(|method| method.ordinal == ordinal);
        own.or_else(|| self.bases.iter().find_map(|base| base.method(ordinal)))
    }

    /// The interfaces that this one inherits from, however far up, each once and after its own
    /// bases.
    pub(crate) fn inherited(&self) -> Vec<&'static InterfaceDesc> {
        let mut all = Vec::new();
        self.gather(&mut all);
        all
    }

    fn gather(&self, all: &mut Vec<&'static InterfaceDesc>) {
        for base in self.bases {
            if all.iter().all(|known| known.id != base.id) {
                base.gather(all);
                all.push(base);
            }
        }
    }
}

// `Ty` would print as an address, and following it would never end for a type that holds itself. So
// what refers to a type prints it by its name alone.

impl fmt::Debug for FieldDesc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldDesc")
            .field("name", &self.name)
            .field("ty", &format_args!("{}", contract::Reference(self.ty)))
            .field("optional_on_wire", &self.optional_on_wire)
            .finish()
    }
}

impl fmt::Debug for ParamDesc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParamDesc")
            .field("name", &self.name)
            .field("direction", &self.direction)
            .field("view", &self.view)
            .field("raw", &self.raw)
            .field("ty", &format_args!("{}", contract::Reference(self.ty)))
            .field("optional_on_wire", &self.optional_on_wire)
            .finish()
    }
}

impl fmt::Debug for MethodDesc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let raises = self.raises.map(|ty| contract::Reference(ty).to_string());
        f.debug_struct("MethodDesc")
            .field("name", &self.name)
            .field("ordinal", &format_args!("{:#018x}", self.ordinal))
            .field("oneway", &self.oneway)
            .field("idempotent", &self.idempotent)
            .field("must_understand", &self.must_understand)
            .field("cancellable", &self.cancellable)
            .field("timeout", &self.timeout)
            .field("params", &self.params)
            .field("results", &self.results)
            .field("raises", &raises)
            .finish()
    }
}
