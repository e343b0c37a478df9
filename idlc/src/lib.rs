//! The interface compiler of alpc-rpc: `.idl` files and annotated traits to client stubs and
//! dispatch tables.
//!
//! Two front ends, one of everything else: a front end makes an [`ir::Module`], [`resolve`] binds
//! its names, [`check`] finds what is wrong with it, and [`codegen`] writes Rust. Without the
//! feature `grammar` only the Rust front end is there; that is what the macros of `alpc-rpc-macros`
//! use.

#![forbid(unsafe_code)]

#[cfg(feature = "grammar")]
pub mod breaking;
#[cfg(feature = "grammar")]
pub mod builder;
pub mod check;
pub mod codegen;
#[cfg(feature = "grammar")]
pub mod compile;
#[cfg(feature = "grammar")]
pub mod contract;
pub mod diagnostic;
#[cfg(feature = "grammar")]
pub mod dump;
#[cfg(feature = "grammar")]
pub mod explain;
#[cfg(feature = "grammar")]
pub mod export;
#[cfg(feature = "grammar")]
pub mod fix;
#[cfg(feature = "grammar")]
pub mod fmt;
pub mod front;
#[cfg(feature = "grammar")]
pub mod history;
pub mod ir;
#[cfg(feature = "grammar")]
pub mod json;
#[cfg(feature = "grammar")]
mod layout;
#[cfg(feature = "grammar")]
pub mod lint;
#[cfg(feature = "grammar")]
pub mod print;
pub mod resolve;
pub mod source;

#[cfg(feature = "grammar")]
pub use builder::Builder;
