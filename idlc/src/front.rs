//! The two ways to write an interface. Neither knows the other, nor what is made of it.

mod handle;
#[cfg(feature = "grammar")]
pub mod idl;
pub mod rust;
mod via;

use via::via;
