//! The macros of alpc-rpc: interfaces written as Rust traits.
//!
//! Use them through `alpc_rpc`, which re-exports both. All of their work is done by the library
//! [`idlc`](../idlc/index.html), by the same code that compiles `.idl` files: an interface written
//! either way gives the same clients, servers and bytes on the wire.

#![forbid(unsafe_code)]

use proc_macro::TokenStream;

/// Makes a trait an interface that other processes can call.
///
/// The trait is kept: it is what a server implements. For `trait KeyValue` there are added
///
/// - `KeyValueClient`, which calls a `KeyValue` that another process serves (`connect` and what else
///   all clients can do is in the trait `alpc_rpc::Client`, in the prelude), and
/// - `KeyValueServer<T>`, which serves an implementation: `KeyValueServer::new(implementation)`.
///
/// ```
/// use alpc_rpc::prelude::*;
///
/// #[alpc_interface(uuid = "6f1d0c1e-8a1b-4a57-9a5e-2f4c2a3b9d11", version = "1.1")]
/// pub trait KeyValue {
///     /// Reads a value, or `None` if there is none.
///     #[idempotent]
///     fn get(&self, #[max(256)] key: &str) -> Option<Vec<u8>>;
///
///     /// Reads part of a value into the caller's own buffer; returns the value's full length.
///     fn read(
///         &self,
///         cx: &Call<'_>,
///         #[max(256)] key: &str,
///         offset: u64,
///         #[max(64 * 1024 * 1024)] buf: &mut OutBuf<'_>,
///     ) -> Result<u64, KvError>;
///
///     /// Marks a key as recently used. Never waits.
///     #[oneway]
///     fn touch(&self, #[max(256)] key: &str);
/// }
///
/// /// Why a call was refused.
/// #[derive(Alpc, Debug, Clone, PartialEq)]
/// #[alpc(error)]
/// pub enum KvError {
///     /// no such key
///     NotFound,
///     /// value exceeds the store's limit of {limit} bytes
///     TooLarge { limit: u64 },
///     /// An error of a later version.
///     Unrecognized { tag: u32, payload: Vec<u8> },
/// }
/// ```
///
/// # Inheritance
///
/// A trait's supertraits are interfaces that it inherits from: `trait Camera: Device + Recorder`. The
/// methods and events of `Device` are `Camera`'s, too, with the numbers that they have there.
/// `CameraClient` dereferences to `DeviceClient`, the client of the first base, and is converted to that
/// of each base by `as_ref` and `into`. No bases are the markers `Send`, `Sync`, `Unpin`, `UnwindSafe` and
/// `RefUnwindSafe`, and what is named by a path that begins with `std`, `core` or `alloc`.
///
/// # Arguments
///
/// | argument | meaning |
/// |---|---|
/// | `uuid = ".."` | identity on the wire; this or `name` is required |
/// | `name = "acme.kv.KeyValue"` | full name; identity, where there is no uuid |
/// | `version = "1.1"` | peers of another major version are refused; 1.0 unless said |
/// | `endpoint = "acme.kv"` | where `connect_default` goes |
/// | `added = "1.1"` | the version that it came with |
/// | `stable` | others depend on it: it must have a `uuid` |
/// | `reserved(get_all, older)` | names of methods that must not come back |
/// | `crate = path` | where the crate `alpc_rpc` is, if not at `::alpc_rpc` |
///
/// # Methods
///
/// A method takes `&self`, then `&Call<'_>` if it wants to know who calls, then its parameters.
///
/// | attribute | meaning |
/// |---|---|
/// | `#[oneway]` | no answer; the client does not wait, and later calls may run before it |
/// | `#[idempotent]` | calling twice does no harm |
/// | `#[timeout("250ms")]` | deadline of calls that set none |
/// | `#[wire_name = "old"]` | the name on the wire, after a rename |
/// | `#[event]` | no method, but what the server tells unasked: see below |
/// | `#[returns(info, pixels)]` | the returned tuple is several results, with these names |
/// | `#[added(1.1)]` | the version that it came with; also on parameters. Such a method has a body that answers `Unimplemented`, unless it is given one (with `panic = "abort"` it has none) |
/// | `#[removed(1.4)]` | it is no more: taken out of the trait, while its name is not used again; also on parameters and events, whose place on the wire stays |
/// | `#[deprecated]`, `#[doc(hidden)]` | so is the client's method |
/// | `#[must_understand]` | one-way: a server that does not know it closes the connection |
/// | `#[cancellable]` | the handler looks at `Call::is_cancelled` |
///
/// `#[sensitive]` on a parameter or in `#[returns]` keeps its value out of the texts of errors.
///
/// A returned `Result` says what the method raises. `#[returns(#[result] _)]` makes it the one result of
/// a method that raises nothing: an outcome that is data.
///
/// A returned tuple without `#[returns]`, or with `#[returns(_)]`, is one result that is a tuple. `#[raw]`, `#[max]` and
/// `#[min]` may stand before a name in `#[returns]`; `_` is the one result without a name. A result
/// that is no more stands there with its type: `#[returns(count, #[removed(1.4)] text: String)]`.
///
/// # Parameters
///
/// Types are recognised by the last part of their path. What a handler takes is what it can use
/// without a copy; what the client takes follows from it.
///
/// | handler | client | on the wire |
/// |---|---|---|
/// | numbers, `bool` | the same | a value |
/// | `&str` | `&str` | text |
/// | `&[u8]` | `&[u8]`, `&Blob` and more | bytes: copied, shared or read in place, as size commands |
/// | `View` | as `&[u8]` | bytes that stay where they are |
/// | `#[raw] &[T]` | `&[T]` | numbers as they stand in memory |
/// | `&mut OutBuf<'_>`, `&mut OutBuf<'_, T>` | `&mut [u8]`, `&mut [T]` | a buffer of the caller; how much was written is returned first |
/// | `&mut InOutBuf<'_>` | `&mut [u8]` | the same, and its contents are sent |
/// | `Vec<T>`, `BTreeMap<K, V>`, `[T; N]`, tuples | `&[T]`, `&BTreeMap<K, V>`, .. | values |
/// | `Option<T>` | `Option<T>`, `Option<&str>`, `Option<&T>` | a value or none |
/// | `PathBuf` | `&Path` | the bytes of a path |
/// | `Duration`, `SystemTime` | the same | nanoseconds; what does not fit 64 bits is an error |
/// | `Uuid` (`alpc_rpc::Uuid`) | `Uuid` | its 16 bytes |
/// | `Result<T, E>` inside other types, or as a parameter | `&Result<T, E>` | a value or what stands in its place |
/// | `OwnedFd`, `#[handle(file, read | write)] OwnedFd` | `impl AsFd`, or `OwnedFd` where marked `#[moved]` | a handle, whose kind and rights are checked |
/// | `WatcherClient` | `impl Into<WatcherRef>`: an implementation of `Watcher`, or a client of one | an object of the caller's |
/// | `WatcherRef` | the same | an object that may also be one that this server has handed out |
/// | any other type `T` | `&T`, or `T` where marked `#[copy]` | what its `#[derive(Alpc)]` says |
///
/// A result of type `Blob` is bytes that the client gets as a `View`. `Result<T, E>` answers either;
/// `E` is an error that derives [`Alpc`](macro@Alpc), and the client sees it in `CallError::App`.
///
/// `#[max(N)]` and `#[min(N)]` bound numbers, and the lengths of text, bytes, paths, lists and maps;
/// `N` is any constant expression, and for durations and times (since the start of 1970) also a text
/// like `"250ms"`. Both sides enforce them. What is inside is bounded by its part: `#[items(max(8))]`
/// for a list or array, `#[keys(..)]` and `#[values(..)]` for a map, `#[ok(..)]` and `#[err(..)]` for a
/// result, `#[member(0, ..)]` for one of a tuple, one inside the other where the types are.
///
/// `#[via(inline)]`, `#[via(section)]` and `#[via(direct)]` before a parameter of text, bytes or `#[raw]`
/// numbers, or in `#[returns]`, choose the way that it takes where that can be had, in place of its
/// size.
///
/// `#[default(value)]` stands in where an older client does not send the parameter.
///
/// # Objects, handles and events
///
/// An interface is a type, too. A handler that returns an `Arc<dyn Registration>` gives its client a
/// `RegistrationClient`; what is called through it comes to the object, which is dropped when the
/// client lets go of it or is gone. A client that passes an implementation of `Watcher` is called back
/// through the `WatcherClient` that the handler gets. Inside of other types an object is a
/// `WatcherRef`. A type of your own that is called `..Client` or `..Ref` is marked `#[data]`.
///
/// A handle is an `OwnedFd`; `#[handle(kind, rights)]` before the name of a parameter or in
/// `#[returns]`, and `#[alpc(handle(kind, rights))]` on a field, say what it must be. Kinds are `any`,
/// `file`, `section`, `event`, `process`, `thread`, `socket`, `pipe` and `token`, rights `read`,
/// `write`, `execute`, `query`, `dup`, `map` and `signal`.
///
/// A stream is a `Stream<T>` as a parameter and `Items<T>` as a result; `Stream<T, E>` and `Items<T, E>` if
/// the method raises `E`, with which the stream may end. `#[items(max = 80)]` sets bounds for its items.
///
/// An event is what a server tells its clients unasked. It is declared as a function without `self`,
/// which is taken out of the trait; in its place the trait gets a method `emitter`, which says where
/// the events are sent from.
///
/// ```
/// use std::os::fd::OwnedFd;
/// use std::sync::Arc;
///
/// use alpc_rpc::prelude::*;
///
/// #[alpc_interface(name = "acme.kv.Store")]
/// pub trait Store {
///     fn watch(&self, prefix: &str, watcher: WatcherClient) -> Arc<dyn Watch>;
///     #[returns(#[handle(file, read)] _)]
///     fn log(&self) -> OwnedFd;
///
///     /// The store dropped an entry by itself.
///     #[event]
///     fn evicted(#[max(256)] key: &str);
/// }
///
/// /// What clients implement, to be told at once.
/// #[alpc_interface(name = "acme.kv.Watcher")]
/// pub trait Watcher {
///     fn changed(&self, key: &str) -> bool;
/// }
///
/// /// Lasts for as long as its client holds it.
/// #[alpc_interface(name = "acme.kv.Watch")]
/// pub trait Watch {
///     fn pause(&self);
/// }
///
/// struct Entries {
///     events: StoreEmitter,
/// }
///
/// # struct Nobody;
/// # impl Watch for Nobody { fn pause(&self) {} }
/// impl Store for Entries {
///     fn watch(&self, prefix: &str, watcher: WatcherClient) -> Arc<dyn Watch> {
///         // ..
/// #       Arc::new(Nobody)
///     }
///
///     fn log(&self) -> OwnedFd {
///         // ..
/// #       std::io::pipe().unwrap().0.into()
///     }
///
///     fn emitter(&self) -> &StoreEmitter {
///         &self.events
///     }
/// }
///
/// fn evict(store: &Entries, key: &str) -> Result<(), TransportError> {
///     store.events.evicted(key)
/// }
///
/// fn listen(store: &StoreClient) -> Result<(), TransportError> {
///     for event in store.events() {
///         match event? {
///             StoreEvent::Evicted { key } => println!("{key} is gone"),
///             _ => {}
///         }
///     }
///     Ok(())
/// }
/// ```
///
/// # Types of your own
///
/// Every type in a trait derives [`Alpc`](macro@Alpc). That includes types which have had serde's
/// derives until now: put `#[derive(Alpc)]` and `#[alpc(final)]` in their place, and their bytes stay
/// the same.
#[proc_macro_attribute]
pub fn alpc_interface(arguments: TokenStream, item: TokenStream) -> TokenStream {
    idlc::front::rust::expand_interface(arguments.into(), item.into()).into()
}

/// Lets a struct or enum travel in calls: implements serde's traits and describes the type.
///
/// Types are open unless marked `#[alpc(final)]`. Fields, values and cases may be added to an open
/// type at its end, and peers of different ages still understand each other. A final type never
/// changes; its bytes are those of serde's own derives.
///
/// ```
/// use alpc_rpc::Alpc;
///
/// #[derive(Alpc, Debug, Clone, PartialEq)]
/// pub struct Entry {
///     #[alpc(min = 1, max = 256)]
///     pub key: String,
///     pub value: Vec<u8>,
///     /// Came later, so older peers do not send it.
///     #[alpc(added = "1.1", default = 1)]
///     pub version: u64,
/// }
///
/// #[derive(Alpc, Debug, Clone, Copy, PartialEq)]
/// pub enum Format {
///     Nv12,
///     #[alpc(value = 16)]
///     P010,
///     /// A format of a later version.
///     Unrecognized(u32),
/// }
///
/// #[derive(Alpc, Debug, Clone, Copy, PartialEq)]
/// #[alpc(final)]
/// pub struct Rect {
///     pub x: u32,
///     pub y: u32,
/// }
///
/// /// What may be done with an entry: any number of these at once.
/// #[derive(Alpc, Clone, Copy, PartialEq, Eq)]
/// #[alpc(flags(
///     /// Look at it.
///     READ = 0x1,
///     WRITE = 0x2,
///     ALL = READ | WRITE,
/// ))]
/// pub struct Access(u32);
///
/// assert!(Access::ALL.contains(Access::READ));
/// assert_eq!(format!("{:?}", Access::READ | Access::from_bits(0x80)), "Access(READ | 0x80)");
/// ```
///
/// # On a type
///
/// | argument | meaning |
/// |---|---|
/// | `#[alpc(final)]` | it never grows |
/// | `#[alpc(error)]` | an enum of what can go wrong: gets `Display` and `Error` |
/// | `#[alpc(union)]` | an enum of alternatives, also where none carries anything |
/// | `#[alpc(flags(READ = 0x1, ..))]` | a struct around an unsigned integer whose bits have names |
/// | `#[alpc(name = "acme.kv.Entry")]` | its full name, by which versions are compared |
/// | `#[alpc(added = "1.1")]` | the version that it came with |
/// | `#[alpc(removed(1.4, nick: String, after = name))]` | a field, value or variant that is no more; see below |
/// | `#[alpc(reserved(4, 7..=9, Old))]` | numbers and names that must not come back |
/// | `#[alpc(sensitive)]` | nobody prints it: gets a `Debug` that tells nothing, in place of a derived one |
/// | `#[alpc(crate = path)]` | where the crate `alpc_rpc` is, if not at `::alpc_rpc` |
///
/// An enum whose variants carry nothing is sent as a number. If it is open it has a variant
/// `Unrecognized(u32)`, or of another integer, for the numbers of later versions. Any other enum, and
/// every error, is sent as a tag and a payload; if it is open it has a variant
/// `Unrecognized { tag: u32, payload: Vec<u8> }`.
///
/// Flags stand in the attribute, with their documentation, because a derive macro sees nothing but the
/// type. It gives the type a constant for each and `NONE`, `from_bits`, `bits`, `contains`,
/// `intersects`, `union`, `insert`, `remove`, `is_empty`, `unknown`, the operators `|`, `&`, `^` and
/// `!`, and `Debug` by names; do not derive that one. Bits of later versions are kept.
///
/// The text of an error is the first line of each variant's documentation. `{field}` and `{0}` stand
/// for values, `{{` for a brace.
///
/// # On fields and variants
///
/// | argument | meaning |
/// |---|---|
/// | `#[alpc(max = N)]`, `#[alpc(min = N)]` | bounds, enforced on both sides |
/// | `#[alpc(handle(kind, rights))]` | what an `OwnedFd` in the field is and allows |
/// | `#[alpc(data)]` | the field's type is data, though it is called like an object: `RowRef` |
/// | `#[alpc(items(max = N))]` | bounds of what is inside; also `keys`, `values`, `ok`, `err`, and `member(0, max = N)` of tuples |
/// | `#[alpc(default = value)]` | stands in where an older peer does not send the field |
/// | `#[alpc(added = "1.1")]` | the version that the field or variant came with |
/// | `#[alpc(sensitive)]` | nobody prints the field: the type gets a `Debug` without it, in place of a derived one |
/// | `#[alpc(value = N)]` | the number of an enum's variant, as does `= N` |
/// | `#[alpc(tag = N)]` | the tag of a union's variant |
///
/// # What is no more
///
/// A field that is removed is gone in Rust and keeps its place on the wire, since old peers read by
/// position: the zero of its type is sent there, or its default. So it is said where it stood, with
/// `after` or `before`; those of a variant are said on the variant. Numbers of an enum and variants of
/// a union or error need no place if they have their number. A flag is marked in its list, with
/// `#[alpc(removed = "1.4")]`.
///
/// ```
/// use alpc_rpc::Alpc;
///
/// #[derive(Alpc, Debug, Clone, PartialEq)]
/// #[alpc(removed(1.4, nick: String, after = name))]
/// #[alpc(removed(1.5, #[alpc(added = "1.1", default = 70)] weight: u32, after = age))]
/// pub struct Person {
///     pub name: String,
///     #[alpc(default = 0)]
///     pub age: u32,
/// }
///
/// #[derive(Alpc, Debug, Clone, Copy, PartialEq)]
/// #[alpc(removed(1.4, Careful = 2), reserved(3, 7..=9, Safe))]
/// pub enum Mode {
///     #[alpc(value = 1)]
///     Fast,
///     #[alpc(value = 4)]
///     Slow,
///     Unrecognized(u8),
/// }
///
/// let person = Person { name: "Ada".into(), age: 36 };
/// # assert_eq!(person.clone(), person);
/// ```
#[proc_macro_derive(Alpc, attributes(alpc))]
pub fn derive_alpc(item: TokenStream) -> TokenStream {
    idlc::front::rust::expand_derive(item.into()).into()
}
