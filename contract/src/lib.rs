//! What an interface means, as data: written as text, hashed, and compared with another version.
//!
//! Two programs that talk were compiled apart, and two versions of an `.idl` file were written apart.
//! Both raise the same question: can the one talk to the other, and if not, about which method? It is
//! answered here, once, for the peers when they connect (`alpc-rpc`) and for the tool that runs before
//! a release (`idlc breaking`). That is why this is a crate of its own: the runtime knows no compiler,
//! the compiler no runtime, and neither may have an opinion of its own.
//!
//! - [`Contract`] is one interface with everything that it refers to. It owns its data: a peer's came
//!   over a port, an old version's out of a file.
//! - [`Contract::to_text`] and [`Contract::parse`] write and read it as lines of text. Reading is bounded
//!   and never panics, whatever it is given.
//! - [`Contract::fingerprint`] is what peers compare first, [`Contract::contract_hash`] what a frozen
//!   version is recognised by.
//! - [`compare`] tells everything that differs between two versions, and whom it harms; [`judge`] which
//!   methods two peers can call. Both are one walk.

#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![warn(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

mod bounds;
mod compare;
mod definition;
mod parse;
mod text;
mod ty;

pub use bounds::{Bounds, Limit};
pub use compare::{Effect, Finding, Rule, Verdict, Verdicts, compare, compare_modules, judge};
pub use definition::{
    Absence, Availability, Body, Contract, Definition, Direction, Field, Growth, Interface, Member,
    Method, MethodKind, Param, Reserved, Types, Variant, Version,
};
pub use parse::ParseError;
pub use text::{Detail, Quoted};
pub use ty::{Basic, Kind, Type};
