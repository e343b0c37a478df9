//! What the tests that cross processes are made of.
//!
//! A test of a call between two processes that are threads of one would miss what calls are about: memory
//! that is not shared, descriptors that are passed, identities, and peers that die. So each test starts
//! real processes (see [`peer`]), which play one of the [`roles`], in a place of its own ([`stage`]).

#![forbid(unsafe_code)]

pub mod asynchrony;
pub mod bounds;
pub mod club;
pub mod everything;
pub mod executor;
pub mod garbage;
pub mod goldens;
pub mod graphs;
pub mod guide;
pub mod idle;
pub mod inheritance;
pub mod marks;
pub mod peer;
pub mod roles;
pub mod stage;
pub mod strict;
pub mod trial;
pub mod twins;
pub mod types;
pub mod watchdog;
