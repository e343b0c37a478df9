//! The two ways to write an interface. Neither knows the other, nor what is made of it.

#[cfg(feature = "grammar")]
pub mod idl;
pub mod rust;
