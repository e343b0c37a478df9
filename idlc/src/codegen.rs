//! Writing Rust.
//!
//! One generator for both front ends: the trait macro calls what the `.idl` compiler calls, so the
//! two cannot come to differ. What it writes
//!
//! - names everything by absolute paths (the `use` of the runtime is shut in a `const _` block), so
//!   that a user's own `Result` or `String` does no harm;
//! - holds no `unsafe`, no `unwrap`, no indexing with anything that a peer sent;
//! - carries the documentation along, and makes up a line where there is none, since users deny
//!   `missing_docs`;
//! - never needs to know what a named type looks like: the macros cannot see it.
//!
//! Names that begin with two underscores are the generator's; the checker keeps interfaces away
//! from them.

mod async_client;
mod bases;
mod bounds;
mod client;
mod derives;
mod descriptor;
mod docs;
mod enumeration;
mod event;
mod flags;
mod interface;
mod later;
mod marks;
mod record;
mod reference;
mod sensitive;
mod server;
mod stream;
mod ty;
mod unimplemented;
mod union;
mod value;
mod wire;

pub use event::emitter_method;
pub use later::supertrait;
use std::borrow::Cow;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::ir::{Const, Enum, Event, Flags, Interface, Item, Method, Module, Struct, Union};

pub use unimplemented::complete;

/// How generated code reaches the runtime: the path of the crate `alpc_rpc`.
#[derive(Clone, Debug)]
pub struct Runtime(TokenStream);

impl Runtime {
    /// The crate is called something else, or is the crate that is being compiled.
    pub fn at(path: &syn::Path) -> Runtime {
        Runtime(path.to_token_stream())
    }

    /// The part of the runtime that is made for generated code, for use outside of `const _` blocks.
    fn path(&self) -> TokenStream {
        let krate = &self.0;
        quote!(#krate::__rt::v1)
    }
}

impl Default for Runtime {
    fn default() -> Runtime {
        Runtime(quote!(::alpc_rpc))
    }
}

/// The Rust for everything in a module that `check` has nothing against.
pub fn generate(module: &Module) -> TokenStream {
    generate_with(module, &Runtime::default())
}

/// [`generate`] with the runtime in an unusual place.
pub fn generate_with(module: &Module, runtime: &Runtime) -> TokenStream {
    generate_each(module, runtime).collect()
}

/// [`generate_with`], an item at a time: a large module is ten times as large in Rust, and whoever
/// lays it out need not hold all of it in three forms.
pub fn generate_each<'m>(
    module: &'m Module,
    runtime: &'m Runtime,
) -> impl Iterator<Item = TokenStream> + use<'m> {
    let rules = derives::Derives::of(module);
    module.items.iter().filter(|item| !item.availability().is_removed()).map(move |item| match item
    {
        Item::Const(item) => constant(item, runtime),
        // `resolve` has put the meaning in place of the name.
        Item::Alias(_) => TokenStream::new(),
        Item::Struct(item) => {
            let definition = record::definition(item, &rules, runtime);
            let impls = struct_impls(item, runtime);
            quote!(#definition #impls)
        }
        Item::Enum(item) => {
            let item = &*living_members(item);
            let definition = enumeration::definition(item);
            let impls = enum_impls(item, runtime);
            let conversions = enumeration::conversions(item);
            quote!(#definition #impls #conversions)
        }
        Item::Flags(item) => {
            let item = &*living_flags(item);
            let definition = flags::definition(item);
            let impls = flags_impls(item, runtime);
            quote!(#definition #impls)
        }
        Item::Union(item) => {
            let item = &*living_variants(item);
            let definition = union::definition(item, &rules, runtime);
            let impls = union_impls(item, runtime);
            quote!(#definition #impls)
        }
        Item::Interface(item) => {
            let definition = server::definition(&living(item), runtime);
            let companions = interface_companions(item, runtime);
            quote!(#definition #companions)
        }
    })
}

/// What goes with a struct that is defined already.
pub fn struct_impls(item: &Struct, runtime: &Runtime) -> TokenStream {
    shut_in(runtime, record::impls(item))
}

/// What goes with an enum that is defined already.
pub fn enum_impls(item: &Enum, runtime: &Runtime) -> TokenStream {
    shut_in(runtime, enumeration::impls(&living_members(item)))
}

/// What goes with flags that are defined already.
pub fn flags_impls(item: &Flags, runtime: &Runtime) -> TokenStream {
    shut_in(runtime, flags::impls(&living_flags(item)))
}

/// What goes with an error or other union that is defined already.
pub fn union_impls(item: &Union, runtime: &Runtime) -> TokenStream {
    shut_in(runtime, union::impls(&living_variants(item)))
}

/// The enum without members that are no more: they are numbers that it does not know.
fn living_members(item: &Enum) -> Cow<'_, Enum> {
    if !item.members.iter().any(|member| member.availability.is_removed()) {
        return Cow::Borrowed(item);
    }
    let mut item = item.clone();
    item.members.retain(|member| !member.availability.is_removed());
    Cow::Owned(item)
}

/// The flags without members that are no more: they are bits that it does not know.
fn living_flags(item: &Flags) -> Cow<'_, Flags> {
    if !item.members.iter().any(|member| member.availability.is_removed()) {
        return Cow::Borrowed(item);
    }
    let mut item = item.clone();
    item.members.retain(|member| !member.availability.is_removed());
    Cow::Owned(item)
}

/// The union without variants that are no more: they are tags that it does not know.
fn living_variants(item: &Union) -> Cow<'_, Union> {
    if !item.variants.iter().any(|variant| variant.availability.is_removed()) {
        return Cow::Borrowed(item);
    }
    let mut item = item.clone();
    item.variants.retain(|variant| !variant.availability.is_removed());
    Cow::Owned(item)
}

/// The interface without the methods and constants that are no more: on the wire nothing is left of
/// them but the numbers that nobody else gets.
fn living(item: &Interface) -> Cow<'_, Interface> {
    let is_gone = |method: &Method| method.availability.is_removed();
    let is_gone_too = |constant: &Const| constant.availability.is_removed();
    let is_untold = |event: &Event| event.availability.is_removed();
    if !item.methods.iter().any(is_gone)
        && !item.consts.iter().any(is_gone_too)
        && !item.events.iter().any(is_untold)
    {
        return Cow::Borrowed(item);
    }
    let mut item = item.clone();
    item.events.retain(|event| !is_untold(event));
    item.methods.retain(|method| !is_gone(method));
    item.consts.retain(|constant| !is_gone_too(constant));
    Cow::Owned(item)
}

/// What goes with a trait that is defined already: client, server, description.
pub fn interface_companions(item: &Interface, runtime: &Runtime) -> TokenStream {
    let item = &*living(item);
    let types = interface::types(item, runtime);
    let inner = interface::impls(item);
    let impls = shut_in(runtime, inner);
    quote!(#types #impls)
}

fn constant(item: &Const, runtime: &Runtime) -> TokenStream {
    let docs = docs::attributes(&item.docs, || format!("The constant `{}`.", item.name));
    let quiet = quiet();
    let marks = marks::marks(&item.availability, &item.look);
    let name = item.name.ident();
    let rt = runtime.path();
    let ty = ty::constant(&item.ty, &rt);
    let value = value::borrowed(&item.value, &item.ty, &rt);
    quote! {
        #docs
        #marks
        #quiet
        pub const #name: #ty = #value;
    }
}

/// Puts impls where their helpers are seen by nobody else and the runtime is called `__rt`.
fn shut_in(runtime: &Runtime, impls: TokenStream) -> TokenStream {
    let path = runtime.path();
    let quiet = quiet();
    quote! {
        #quiet
        const _: () = {
            use #path as __rt;
            #impls
        };
    }
}

/// The lints are about what people write. A server does not use the client beside it, and an
/// interface taken from elsewhere has the names it has.
fn quiet() -> TokenStream {
    quote!(#[allow(dead_code, deprecated, unreachable_pub, nonstandard_style, clippy::all)])
}
