//! Interfaces and named types.

use std::collections::BTreeMap;

use crate::Type;
use crate::text;

/// One interface with everything that it refers to.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// The interface.
    pub interface: Interface,
    /// The named types that it reaches, other interfaces among them.
    pub types: Types,
}

/// Named types.
///
/// Usually one definition to a name. Two Rust types in different modules may have the same name,
/// though, and then there are two.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Types(BTreeMap<String, Vec<Definition>>);

impl Types {
    /// No types.
    pub fn new() -> Types {
        Types::default()
    }

    /// Adds a definition, unless it is there already. What it refers to is added apart.
    pub fn add(&mut self, definition: Definition) {
        let same_name = self.0.entry(definition.name.clone()).or_default();
        if !same_name.contains(&definition) {
            same_name.push(definition);
            // Which of two came first says nothing.
            same_name.sort_by_cached_key(text::definition_line);
        }
    }

    /// The definition of `name`, if there is exactly one.
    pub fn get(&self, name: &str) -> Option<&Definition> {
        match self.all_of(name) {
            [one] => Some(one),
            _ => None,
        }
    }

    /// Every definition of `name`.
    pub fn all_of(&self, name: &str) -> &[Definition] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Every definition, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &Definition> {
        self.0.values().flatten()
    }

    /// Is the name defined?
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
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

/// Since when something is there, and until when. Nothing of it is on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Availability {
    /// The version it came with.
    pub added: Option<Version>,
    /// The version from which on it should not be used.
    pub deprecated: Option<Version>,
    /// The version from which on it is only a tombstone.
    pub removed: Option<Version>,
}

/// Whether a type may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// Readers skip what they do not know.
    Open,
    /// `[final]`: it never changes.
    Closed,
}

/// A named type.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// The name with its module: `acme.kv.Pair`, or the Rust name where a trait is the source.
    pub name: String,
    /// What it is.
    pub body: Body,
}

/// What a [`Definition`] defines.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Named fields.
    Struct {
        /// Whether it may grow.
        growth: Growth,
        /// In the order in which they are sent.
        fields: Vec<Field>,
    },
    /// One of several names.
    Enum {
        /// Whether it may grow.
        growth: Growth,
        /// Whether the values are sent as signed numbers.
        signed: bool,
        /// The integer type that readers keep values in, where it is known.
        base: Option<crate::Basic>,
        /// In any order.
        members: Vec<Member>,
        /// What must not come back.
        reserved: Vec<Reserved>,
    },
    /// A set of several names.
    Flags {
        /// The integer type that readers keep values in, where it is known.
        base: Option<crate::Basic>,
        /// In any order.
        members: Vec<Member>,
        /// What must not come back.
        reserved: Vec<Reserved>,
    },
    /// One of several variants with fields of their own; an `error` is one, too.
    Union {
        /// Whether it may grow.
        growth: Growth,
        /// In any order.
        variants: Vec<Variant>,
        /// What must not come back.
        reserved: Vec<Reserved>,
    },
    /// An interface whose objects are handed over.
    Interface(Interface),
    /// A type that only its own serde implementation knows. Only its name can be compared.
    Opaque,
}

/// An interface.
#[derive(Clone, Debug, PartialEq)]
pub struct Interface {
    /// The name with its module: `acme.kv.KeyValue`.
    pub name: String,
    /// The uuid, as a big-endian number.
    pub id: u128,
    /// Its version.
    pub version: Version,
    /// Methods and events, those of its bases among them, in any order.
    pub methods: Vec<Method>,
    /// Names of methods that must not come back.
    pub reserved: Vec<String>,
}

/// Who calls, and whether there is a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodKind {
    /// A call with a reply.
    TwoWay,
    /// A call without one.
    OneWay,
    /// From the server to its clients, without a reply.
    Event,
}

/// A method or an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// The name on the wire.
    pub name: String,
    /// The name in the source, where it is another.
    pub source_name: Option<String>,
    /// The number by which it is called.
    pub ordinal: u64,
    /// Who calls, and whether there is a reply.
    pub kind: MethodKind,
    /// Whether a receiver that does not know it closes the connection.
    pub must_understand: bool,
    /// Whether asking twice does no harm.
    pub idempotent: bool,
    /// Whether a cancellation reaches the handler.
    pub cancellable: bool,
    /// The base interface that it was declared in, if it is inherited.
    pub declared_in: Option<String>,
    /// Since when it is there.
    pub availability: Availability,
    /// In order.
    pub params: Vec<Param>,
    /// In order.
    pub results: Vec<Param>,
    /// The interface's own error.
    pub raises: Option<Type>,
}

impl Method {
    /// A call without parameters, results or marks, to be filled in.
    pub fn new(name: impl Into<String>, ordinal: u64) -> Method {
        Method {
            name: name.into(),
            source_name: None,
            ordinal,
            kind: MethodKind::TwoWay,
            must_understand: false,
            idempotent: false,
            cancellable: false,
            declared_in: None,
            availability: Availability::default(),
            params: Vec::new(),
            results: Vec::new(),
            raises: None,
        }
    }

    /// The name in the source.
    pub fn shown_name(&self) -> &str {
        self.source_name.as_deref().unwrap_or(&self.name)
    }
}

/// Which way the data of a parameter flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the caller.
    In,
    /// Into a buffer of the caller's.
    Out,
    /// From a buffer of the caller's, and back into it.
    InOut,
}

/// A parameter or a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// The name.
    pub name: String,
    /// Which way the data flows; a result is [`Direction::Out`].
    pub direction: Direction,
    /// Whether it stays in shared memory until it is dropped (`[view]`).
    pub view: bool,
    /// Whether it is sent as it lies in memory (`[raw]`).
    pub raw: bool,
    /// Whether the sender's handle is closed (`[move]`).
    pub moved: bool,
    /// The type.
    pub ty: Type,
    /// What a reader does where the writer did not know of it.
    pub absence: Absence,
    /// Since when it is there.
    pub availability: Availability,
}

impl Param {
    /// A plain `[in]` parameter.
    pub fn new(name: impl Into<String>, ty: Type) -> Param {
        Param {
            name: name.into(),
            direction: Direction::In,
            view: false,
            raw: false,
            moved: false,
            ty,
            absence: Absence::Unforeseen,
            availability: Availability::default(),
        }
    }

    /// A plain result.
    pub fn result(name: impl Into<String>, ty: Type) -> Param {
        Param { direction: Direction::Out, ..Param::new(name, ty) }
    }
}

/// What a reader does where the writer did not know of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absence {
    /// Nothing was said: a field becomes the zero of its type, a parameter is missed.
    Unforeseen,
    /// It has a value for that, which was not told: `None`, or a default.
    Foreseen,
    /// It takes this one, as the source has it once constants are folded.
    Default(String),
}

impl Absence {
    /// Whether a reader has a value that was meant for the case.
    pub fn is_foreseen(&self) -> bool {
        *self != Absence::Unforeseen
    }
}

/// A field of a struct or of a variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The name; the decimal position in a positional payload.
    pub name: String,
    /// The type.
    pub ty: Type,
    /// What a reader does where the writer did not know of it.
    pub absence: Absence,
    /// Since when it is there. A removed one is still sent.
    pub availability: Availability,
}

impl Field {
    /// A field that a writer must know of.
    pub fn new(name: impl Into<String>, ty: Type) -> Field {
        let availability = Availability::default();
        Field { name: name.into(), ty, absence: Absence::Unforeseen, availability }
    }
}

/// A member of an enum, or a flag.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The name.
    pub name: String,
    /// The value by which it is sent.
    pub value: i128,
    /// Since when it is there.
    pub availability: Availability,
}

impl Member {
    /// A member.
    pub fn new(name: impl Into<String>, value: i128) -> Member {
        Member { name: name.into(), value, availability: Availability::default() }
    }
}

/// A variant of a union.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// The name.
    pub name: String,
    /// The number by which it is sent.
    pub tag: u32,
    /// In the order in which they are sent.
    pub fields: Vec<Field>,
    /// Since when it is there.
    pub availability: Availability,
}

impl Variant {
    /// A variant.
    pub fn new(name: impl Into<String>, tag: u32, fields: Vec<Field>) -> Variant {
        Variant { name: name.into(), tag, fields, availability: Availability::default() }
    }
}

/// Something that must not come back, because old peers give it another meaning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reserved {
    /// From the first to the second, both included.
    Numbers(i128, i128),
    /// A name.
    Name(String),
}

impl Reserved {
    /// Whether the number is among them.
    pub fn has_number(reserved: &[Reserved], number: i128) -> bool {
        let within = |item: &Reserved| matches!(item, Reserved::Numbers(first, last) if (*first..=*last).contains(&number));
        reserved.iter().any(within)
    }

    /// Whether the name is among them.
    pub fn has_name(reserved: &[Reserved], name: &str) -> bool {
        reserved.iter().any(|item| matches!(item, Reserved::Name(reserved) if reserved == name))
    }
}
