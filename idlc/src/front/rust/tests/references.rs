//! What is said about handles, objects, events and streams.

use super::*;

#[test]
fn kinds_and_rights_of_handles_are_known_words() {
    check_method(
        "fn f(&self, #[handle(fiel)] a: OwnedFd, #[handle(file, reed)] b: OwnedFd, \
         #[handle(process, read | query)] c: OwnedFd, #[handle(file)] d: u32);",
        expect![[r#"
            no kind of handle is called `fiel`
            help: a kind with a similar name exists: `file`
            no right is called `reed`
            help: a right with a similar name exists: `read`
            a handle of kind `process` has no right `read`
            note: it can have `query`, `dup`, `signal`
            there is no handle in this type
            help: a handle is an `OwnedFd`
        "#]],
    );
    check_type(
        "#[alpc(final)] struct S { #[alpc(handle(pipe, read))] a: OwnedFd }",
        expect![[r#"
            a handle cannot stand in a `[final]` type
            note: a `[final]` type is nothing but its bytes, and this is not among them
            help: leave out `[final]`
        "#]],
    );
    check_type(
        "struct S { #[alpc(handle = 1)] a: OwnedFd }",
        expect![[r#"
        write `handle(kind, rights)`
    "#]],
    );
}

#[test]
fn handles_are_owned() {
    check_method(
        "fn f(&self, a: BorrowedFd<'_>, b: RawFd, c: Vec<File>);",
        expect![[r#"
        a handle is owned by whoever has received it
        help: write `OwnedFd`, and `#[handle(kind, rights)]` in front of the name
        a handle is owned by whoever has received it
        help: write `OwnedFd`, and `#[handle(kind, rights)]` in front of the name
        a handle is owned by whoever has received it
        help: write `OwnedFd`, and `#[handle(kind, rights)]` in front of the name
    "#]],
    );
}

#[test]
fn objects_are_written_as_whoever_has_them() {
    check_method(
        "fn f(&self, a: Arc<dyn Watcher>);",
        expect![[r#"
        a handler gets what calls the object, which is in another process
        help: write `WatcherClient`, or `WatcherRef` if it may be one of your own
    "#]],
    );
    check_method(
        "fn f(&self) -> Vec<Arc<dyn Watcher>>;",
        expect![[r#"
        inside of other types an object is a reference, which either side can have
        help: write `WatcherRef`
    "#]],
    );
    check_method(
        "fn f(&self, #[default(0)] a: WatcherClient, #[moved] b: WatcherRef);",
        expect![[r#"
            an interface has no default
            help: leave it out, and make the type optional if it may be missing: `T?`
            `[move]` is for handles
            everything else is copied to the other side
        "#]],
    );
    check_method(
        "fn f(&self, a: BTreeMap<WatcherRef, u8>) -> WatcherClient;",
        expect![[r#"
            not a key of a map
            objects have no order
            note: integers, `bool`, `string`, `bytes`, `uuid`, `duration`, `time`, enums, and tuples and arrays of them are
        "#]],
    );
}

#[test]
fn data_may_be_called_like_an_object() {
    check_method(
        "fn f(&self, #[data] a: HttpClient, #[data] b: BTreeMap<RowRef, u8>);",
        expect![[""]],
    );
    check_type("#[alpc(final)] struct S { #[alpc(data)] a: RowRef }", expect![[""]]);
}

#[test]
fn events_are_declared_and_no_more() {
    check_method(
        "#[event] #[oneway] fn changed(&self, key: &str) -> bool { true }\n\
         #[event] fn buffer(a: &mut OutBuf<'_>, b: View, #[raw] c: &[u16]);\n\
         fn emitter(&self);",
        expect![[r#"
            an event is not called on the implementation, so it takes no `self`
            an event has no answer
            an event is declared here and has no body
            no attribute of an event
            an event fills no buffer: nobody waits for it to come back
            an event's bytes are copied, so that they outlive it
            help: leave out `[view]`
            an event's list is sent element by element
            help: leave out `[raw]`
            `emitter` is where a server has its events from
            help: choose another name, and keep this one as its `wire_name`
            there are events, of which this is the first
        "#]],
    );
}

#[test]
fn a_stream_is_taken_on_one_side_and_given_on_the_other() {
    check_method("fn f(&self, rows: Stream<u32>) -> Items<String>;", expect![""]);
    check_method("fn f(&self) -> Result<Items<u8, Failure>, Failure>;", expect![""]);
    check_method("fn f(&self, rows: Stream<u32, Failure>) -> Result<u8, Failure>;", expect![""]);
    check_method(
        "fn f(&self, rows: Stream<u32>) -> Result<u8, Failure>;",
        expect![[r#"
        a stream ends with the error that its method raises, or with none
        help: write `Stream<u32, Failure>`
    "#]],
    );
    check_method(
        "fn f(&self, rows: Stream<u32, Failure>) -> u8;",
        expect![[r#"
        a stream ends with an error only if its method raises that
        help: write `Stream<u32>`
    "#]],
    );
    check_method(
        "fn f(&self, rows: Items<u32>) -> Stream<String>;",
        expect![[r#"
            a handler gives the items of a stream, and its caller takes them
            help: write `Items<String>`
            a handler takes the items of a stream that its caller gives
            help: write `Stream<u32>`
        "#]],
    );
    check_method(
        "fn f(&self) -> Result<Items<u8>, Failure>;",
        expect![[r#"
        a stream ends with the error that its method raises, or with none
        help: write `Items<u8, Failure>`
    "#]],
    );
    check_method(
        "fn f(&self) -> Items<u8, Failure>;",
        expect![[r#"
        a stream ends with an error only if its method raises that
        help: write `Items<u8>`
    "#]],
    );
    check_method(
        "fn f(&self) -> Vec<Items<u8>>;",
        expect![[r#"
        a stream is a whole parameter or a whole result
        it cannot stand inside of something else
    "#]],
    );
}

/// What the Rust compiler sees of a trait with events.
#[test]
fn the_kept_trait_has_an_emitter_in_place_of_its_events() {
    let item =
        "pub trait Store { fn get(&self); /// Gone.\n #[event] fn gone(#[max(3)] key: &str); }";
    let item = syn::parse_str(item).unwrap();
    let arguments = "name = \"a.Store\"".parse().unwrap();
    let kept = lower_trait(arguments, item, &mut Diagnostics::new()).kept;
    let kept = prettyplease::unparse(&syn::parse2(kept.to_token_stream()).unwrap());
    expect![[r#"
        pub trait Store: ::core::marker::Send + ::core::marker::Sync + 'static {
            fn get(&self);
            /// Where this object's events are sent from.
            fn emitter(&self) -> &StoreEmitter;
        }
    "#]]
    .assert_eq(&kept);
}
