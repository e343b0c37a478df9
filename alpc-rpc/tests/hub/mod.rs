//! A hub that processes join: interfaces that hand objects around, as generated code has them.
//!
//! ```text
//! interface Watcher { fn ask(question: string) -> string; [oneway] fn tell(text: string); fn pass(member: Member) -> string; }
//! interface Member  { fn name() -> string; fn same_as(other: Member) -> bool; fn ask(question: string) -> string; event noted(text: string, by: u64); [oneway] fn note(text: string); }
//! interface Hub     { fn join(name: string, watcher: Watcher) -> Member; fn find(name: string) -> Member?; fn watcher_of(name: string) -> Watcher;
//!                     fn members(all: list<Member>) -> u32; fn read(file: handle<file, read>) -> bytes; fn lend(path: string) -> handle<file, read>; fn objects() -> u64;
//!                     fn give(member: Member); fn take() -> Member; event joined(name: string, member: Member); }
//! ```

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

pub mod desk;

use std::convert::Infallible;
use std::sync::Arc;

use alpc_rpc::__rt::v1 as rt;
use alpc_rpc::{Call, CallError, Fault, TransportError};

type Called<T> = Result<T, CallError<Infallible>>;

/// What generated code has for every interface beside its trait, its client and its server.
macro_rules! object_types {
    ($trait:ident $client:ident $server:ident $reference:ident $interface:ident $dispatch:ident $($emitter:ident)?) => {
        #[derive(Clone)]
        pub struct $client {
            core: rt::ClientCore,
        }
        impl std::fmt::Debug for $client {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.core.fmt(f)
            }
        }
        impl rt::Client for $client {
            const INTERFACE: &'static rt::InterfaceDesc = &$interface;
            fn from_core(core: rt::ClientCore) -> Self {
                Self { core }
            }
            fn core(&self) -> &rt::ClientCore {
                &self.core
            }
        }
        pub struct $server<T> {
            implementation: T,
        }
        impl<T: $trait> $server<T> {
            pub fn new(implementation: T) -> Self {
                Self { implementation }
            }
        }
        impl<T: $trait> rt::Dispatch for $server<T> {
            fn interface(&self) -> &'static rt::InterfaceDesc {
                &$interface
            }
            fn dispatch(&self, call: rt::ServerCall<'_>) -> Result<(), Fault> {
                $dispatch(&self.implementation, call)
            }
            $(fn emitter(&self) -> Option<&rt::Emitter> {
                Some(<T as $trait>::$emitter(&self.implementation).as_emitter())
            })?
        }
        impl rt::Object for dyn $trait {
            fn interface() -> &'static rt::InterfaceDesc {
                &$interface
            }
            fn dispatch(&self, call: rt::ServerCall<'_>) -> Result<(), Fault> {
                $dispatch(self, call)
            }
            $(fn emitter(&self) -> Option<&rt::Emitter> {
                Some(<dyn $trait as $trait>::$emitter(self).as_emitter())
            })?
        }
        #[derive(Clone)]
        pub enum $reference {
            Local(Arc<dyn $trait>),
            Remote($client),
        }
        impl std::fmt::Debug for $reference {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let client = match self {
                    Self::Local(_) => None,
                    Self::Remote(client) => Some(&client.core),
                };
                rt::object::debug_ref(f, client)
            }
        }
        impl From<Arc<dyn $trait>> for $reference {
            fn from(it: Arc<dyn $trait>) -> Self {
                Self::Local(it)
            }
        }
        impl From<$client> for $reference {
            fn from(it: $client) -> Self {
                Self::Remote(it)
            }
        }
        impl From<&$client> for $reference {
            fn from(it: &$client) -> Self {
                Self::Remote(it.clone())
            }
        }
        impl From<&$reference> for $reference {
            fn from(it: &$reference) -> Self {
                it.clone()
            }
        }
        impl<T: $trait> From<T> for $reference {
            fn from(it: T) -> Self {
                Self::Local(Arc::new(it))
            }
        }
        impl rt::serde::Serialize for $reference {
            fn serialize<S: rt::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                match self {
                    Self::Local(object) => rt::object::serialize_local(object, to),
                    Self::Remote(client) => rt::object::serialize_remote(&client.core, to),
                }
            }
        }
        impl<'de> rt::serde::Deserialize<'de> for $reference {
            fn deserialize<D: rt::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                Ok(match rt::object::deserialize::<dyn $trait, D>(from)? {
                    rt::object::Received::Local(object) => Self::Local(object),
                    rt::object::Received::Remote(core) => Self::Remote($client { core }),
                })
            }
        }
        impl rt::serde::Serialize for $client {
            fn serialize<S: rt::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                rt::object::serialize_remote(&self.core, to)
            }
        }
        impl<'de> rt::serde::Deserialize<'de> for $client {
            fn deserialize<D: rt::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let core = rt::object::deserialize_remote::<dyn $trait, D>(from)?;
                Ok(Self { core })
            }
        }
        impl rt::Describe for $reference {
            fn describe() -> &'static rt::TypeDesc {
                &rt::TypeDesc::Object { interface: || &$interface }
            }
        }
    };
}

const fn method(name: &'static str, ordinal: u64, oneway: bool) -> rt::MethodDesc {
    let timeout = Some(std::time::Duration::from_secs(30));
    rt::MethodDesc { name, ordinal, oneway, timeout, ..rt::MethodDesc::PLAIN }
}

const fn interface(
    name: &'static str,
    id: u128,
    methods: &'static [rt::MethodDesc],
    events: &'static [rt::EventDesc],
) -> rt::InterfaceDesc {
    rt::InterfaceDesc { name, id, major: 1, minor: 0, endpoint: None, bases: &[], methods, events }
}

// ---- Watcher ----

pub trait Watcher: Send + Sync + 'static {
    fn ask(&self, cx: &Call<'_>, question: &str) -> String;
    fn tell(&self, cx: &Call<'_>, text: &str);
    fn pass(&self, cx: &Call<'_>, member: MemberClient) -> String;
}

static WATCHER_METHODS: [rt::MethodDesc; 3] =
    [method("ask", 11, false), method("tell", 12, true), method("pass", 13, false)];
static WATCHER: rt::InterfaceDesc = interface("test.hub.Watcher", 1, &WATCHER_METHODS, &[]);

object_types!(Watcher WatcherClient WatcherServer WatcherRef WATCHER dispatch_watcher);

impl WatcherClient {
    pub fn ask(&self, question: &str) -> Called<String> {
        let mut call = rt::ClientCall::new(&self.core, &WATCHER_METHODS[0]);
        call.text(question);
        let mut reply = call.invoke_infallible()?;
        Ok(reply.text()?)
    }

    pub fn tell(&self, text: &str) -> Called<()> {
        let mut call = rt::ClientCall::new(&self.core, &WATCHER_METHODS[1]);
        call.text(text);
        call.send()
    }

    pub fn pass(&self, member: impl Into<MemberRef>) -> Called<String> {
        let mut call = rt::ClientCall::new(&self.core, &WATCHER_METHODS[2]);
        call.arg::<MemberRef>(&member.into())?;
        let mut reply = call.invoke_infallible()?;
        Ok(reply.text()?)
    }
}

fn dispatch_watcher<T: Watcher + ?Sized>(it: &T, call: rt::ServerCall<'_>) -> Result<(), Fault> {
    match call.ordinal() {
        11 => {
            let (cx, mut arguments, mut reply) = call.parts();
            let question = arguments.text("question")?;
            arguments.finish()?;
            reply.text(it.ask(&cx, question));
            reply.send()
        }
        12 => {
            let (cx, mut arguments, _) = call.parts();
            let text = arguments.text("text")?;
            arguments.finish()?;
            it.tell(&cx, text);
            Ok(())
        }
        13 => {
            let (cx, mut arguments, mut reply) = call.parts();
            let member = arguments.value::<MemberClient>("member")?;
            arguments.finish()?;
            reply.text(it.pass(&cx, member));
            reply.send()
        }
        _ => Err(Fault::UnknownMethod),
    }
}

// ---- Member ----

pub trait Member: Send + Sync + 'static {
    fn name(&self, cx: &Call<'_>) -> String;
    fn same_as(&self, cx: &Call<'_>, other: MemberRef) -> bool;
    fn ask(&self, cx: &Call<'_>, question: &str) -> String;
    fn note(&self, cx: &Call<'_>, text: &str);
    fn emitter(&self) -> &MemberEmitter;
}

static MEMBER_METHODS: [rt::MethodDesc; 4] = [
    method("name", 21, false),
    method("same_as", 22, false),
    method("ask", 23, false),
    method("note", 24, true),
];
static MEMBER_EVENTS: [rt::EventDesc; 1] =
    [rt::EventDesc { name: "noted", ordinal: 25, must_understand: false, params: &[] }];
static MEMBER: rt::InterfaceDesc = interface("test.hub.Member", 2, &MEMBER_METHODS, &MEMBER_EVENTS);

object_types!(Member MemberClient MemberServer MemberRef MEMBER dispatch_member emitter);

#[derive(Clone, Default, Debug)]
pub struct MemberEmitter {
    emitter: rt::Emitter,
}

impl MemberEmitter {
    fn as_emitter(&self) -> &rt::Emitter {
        &self.emitter
    }

    pub fn subscribers(&self) -> usize {
        self.emitter.subscribers()
    }

    pub fn noted(&self, text: &str, by: u64) -> Result<(), TransportError> {
        self.emitter.emit(&MEMBER_EVENTS[0], |event| {
            event.arg(text)?;
            event.arg(&by)?;
            Ok(())
        })
    }
}

/// Events of a newer version of the interface: one that may be left out, one that must not.
static NEWER_EVENTS: [rt::EventDesc; 2] = [
    rt::EventDesc { name: "newer", ordinal: 98, must_understand: false, params: &[] },
    rt::EventDesc { name: "newest", ordinal: 99, must_understand: true, params: &[] },
];

impl MemberEmitter {
    pub fn newer(&self) -> Result<(), TransportError> {
        self.emitter.emit(&NEWER_EVENTS[0], |_| Ok(()))
    }

    pub fn newest(&self) -> Result<(), TransportError> {
        self.emitter.emit(&NEWER_EVENTS[1], |_| Ok(()))
    }
}

#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MemberEvent {
    Noted { text: String, by: u64 },
}

impl rt::Event for MemberEvent {
    fn read(ordinal: u64, arguments: &mut rt::EventReader<'_>) -> Result<Option<Self>, Fault> {
        Ok(Some(match ordinal {
            25 => {
                let text = arguments.value("text")?;
                let by = arguments.value("by")?;
                Self::Noted { text, by }
            }
            _ => return Ok(None),
        }))
    }
}

impl rt::HasEvents for MemberClient {
    type Event = MemberEvent;
}

impl MemberClient {
    pub fn name(&self) -> Called<String> {
        let mut reply = rt::ClientCall::new(&self.core, &MEMBER_METHODS[0]).invoke_infallible()?;
        Ok(reply.text()?)
    }

    pub fn same_as(&self, other: impl Into<MemberRef>) -> Called<bool> {
        let mut call = rt::ClientCall::new(&self.core, &MEMBER_METHODS[1]);
        call.arg::<MemberRef>(&other.into())?;
        let mut reply = call.invoke_infallible()?;
        Ok(reply.value()?)
    }

    pub fn ask(&self, question: &str) -> Called<String> {
        let mut call = rt::ClientCall::new(&self.core, &MEMBER_METHODS[2]);
        call.text(question);
        let mut reply = call.invoke_infallible()?;
        Ok(reply.text()?)
    }

    pub fn note(&self, text: &str) -> Called<()> {
        let mut call = rt::ClientCall::new(&self.core, &MEMBER_METHODS[3]);
        call.text(text);
        call.send()
    }
}

fn dispatch_member<T: Member + ?Sized>(it: &T, call: rt::ServerCall<'_>) -> Result<(), Fault> {
    match call.ordinal() {
        21 => {
            let (cx, arguments, mut reply) = call.parts();
            arguments.finish()?;
            reply.text(it.name(&cx));
            reply.send()
        }
        22 => {
            let (cx, mut arguments, mut reply) = call.parts();
            let other = arguments.value::<MemberRef>("other")?;
            arguments.finish()?;
            reply.value(&it.same_as(&cx, other))?;
            reply.send()
        }
        23 => {
            let (cx, mut arguments, mut reply) = call.parts();
            let question = arguments.text("question")?;
            arguments.finish()?;
            reply.text(it.ask(&cx, question));
            reply.send()
        }
        24 => {
            let (cx, mut arguments, _) = call.parts();
            let text = arguments.text("text")?;
            arguments.finish()?;
            it.note(&cx, text);
            Ok(())
        }
        _ => Err(Fault::UnknownMethod),
    }
}

// ---- Hub ----

pub trait Hub: Send + Sync + 'static {
    fn join(&self, cx: &Call<'_>, name: &str, watcher: WatcherClient) -> Arc<dyn Member>;
    fn find(&self, cx: &Call<'_>, name: &str) -> Option<Arc<dyn Member>>;
    fn watcher_of(&self, cx: &Call<'_>, name: &str) -> WatcherRef;
    fn members(&self, cx: &Call<'_>, all: Vec<MemberRef>) -> u32;
    fn read(&self, cx: &Call<'_>, file: rt::OwnedFd) -> Vec<u8>;
    fn lend(&self, cx: &Call<'_>, path: &str) -> rt::OwnedFd;
    fn objects(&self, cx: &Call<'_>) -> u64;
    fn give(&self, cx: &Call<'_>, member: MemberRef);
    fn take(&self, cx: &Call<'_>) -> MemberRef;
    fn emitter(&self) -> &HubEmitter;
}

static HUB_METHODS: [rt::MethodDesc; 9] = [
    method("join", 31, false),
    method("find", 32, false),
    method("watcher_of", 33, false),
    method("members", 34, false),
    method("read", 35, false),
    method("lend", 36, false),
    method("objects", 37, false),
    method("give", 39, false),
    method("take", 40, false),
];
static HUB_EVENTS: [rt::EventDesc; 1] =
    [rt::EventDesc { name: "joined", ordinal: 38, must_understand: false, params: &[] }];
static HUB: rt::InterfaceDesc = interface("test.hub.Hub", 3, &HUB_METHODS, &HUB_EVENTS);

object_types!(Hub HubClient HubServer HubRef HUB dispatch_hub emitter);

#[derive(Clone, Default, Debug)]
pub struct HubEmitter {
    emitter: rt::Emitter,
}

impl HubEmitter {
    fn as_emitter(&self) -> &rt::Emitter {
        &self.emitter
    }

    pub fn subscribers(&self) -> usize {
        self.emitter.subscribers()
    }

    pub fn joined(&self, name: &str, member: impl Into<MemberRef>) -> Result<(), TransportError> {
        let member: MemberRef = member.into();
        self.emitter.emit(&HUB_EVENTS[0], |event| {
            event.arg(name)?;
            event.arg(&member)?;
            Ok(())
        })
    }
}

#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum HubEvent {
    Joined { name: String, member: MemberRef },
}

impl rt::Event for HubEvent {
    fn read(ordinal: u64, arguments: &mut rt::EventReader<'_>) -> Result<Option<Self>, Fault> {
        Ok(Some(match ordinal {
            38 => {
                let name = arguments.value("name")?;
                let member = arguments.value("member")?;
                Self::Joined { name, member }
            }
            _ => return Ok(None),
        }))
    }
}

impl rt::HasEvents for HubClient {
    type Event = HubEvent;
}

impl HubClient {
    pub fn join(&self, name: &str, watcher: impl Into<WatcherRef>) -> Called<MemberClient> {
        let mut call = rt::ClientCall::new(&self.core, &HUB_METHODS[0]);
        call.text(name);
        call.arg::<WatcherRef>(&watcher.into())?;
        let mut reply = call.invoke_infallible()?;
        Ok(reply.value()?)
    }

    pub fn find(&self, name: &str) -> Called<Option<MemberClient>> {
        let mut call = rt::ClientCall::new(&self.core, &HUB_METHODS[1]);
        call.text(name);
        let mut reply = call.invoke_infallible()?;
        Ok(reply.value()?)
    }

    pub fn watcher_of(&self, name: &str) -> Called<WatcherRef> {
        let mut call = rt::ClientCall::new(&self.core, &HUB_METHODS[2]);
        call.text(name);
        let mut reply = call.invoke_infallible()?;
        Ok(reply.value()?)
    }

    pub fn members(&self, all: &[MemberRef]) -> Called<u32> {
        let mut call = rt::ClientCall::new(&self.core, &HUB_METHODS[3]);
        call.arg(all)?;
        let mut reply = call.invoke_infallible()?;
        Ok(reply.value()?)
    }

    pub fn read(&self, file: impl rt::AsFd) -> Called<Vec<u8>> {
        let mut call = rt::ClientCall::new(&self.core, &HUB_METHODS[4]);
        call.handle(rt::AsFd::as_fd(&file));
        let mut reply = call.invoke_infallible()?;
        Ok(reply.bytes()?)
    }

    pub fn lend(&self, path: &str) -> Called<rt::OwnedFd> {
        let mut call = rt::ClientCall::new(&self.core, &HUB_METHODS[5]);
        call.text(path);
        let mut reply = call.invoke_infallible()?;
        Ok(reply.handle::<rt::handle::File, 1>()?)
    }

    pub fn give(&self, member: impl Into<MemberRef>) -> Called<()> {
        let mut call = rt::ClientCall::new(&self.core, &HUB_METHODS[7]);
        call.arg::<MemberRef>(&member.into())?;
        Ok(call.invoke_infallible()?.finish()?)
    }

    pub fn take(&self) -> Called<MemberRef> {
        let mut reply = rt::ClientCall::new(&self.core, &HUB_METHODS[8]).invoke_infallible()?;
        Ok(reply.value()?)
    }

    pub fn objects(&self) -> Called<u64> {
        let mut reply = rt::ClientCall::new(&self.core, &HUB_METHODS[6]).invoke_infallible()?;
        Ok(reply.value()?)
    }
}

fn dispatch_hub<T: Hub + ?Sized>(it: &T, call: rt::ServerCall<'_>) -> Result<(), Fault> {
    let ordinal = call.ordinal();
    let (cx, mut arguments, mut reply) = call.parts();
    match ordinal {
        31 => {
            let name = arguments.text("name")?;
            let watcher = arguments.value::<WatcherClient>("watcher")?;
            arguments.finish()?;
            reply.value(&MemberRef::Local(it.join(&cx, name, watcher)))?;
        }
        32 => {
            let name = arguments.text("name")?;
            arguments.finish()?;
            reply.value(&it.find(&cx, name).map(MemberRef::Local))?;
        }
        33 => {
            let name = arguments.text("name")?;
            arguments.finish()?;
            reply.value(&it.watcher_of(&cx, name))?;
        }
        34 => {
            let all = arguments.value::<Vec<MemberRef>>("all")?;
            arguments.finish()?;
            reply.value(&it.members(&cx, all))?;
        }
        35 => {
            let file = arguments.handle::<rt::handle::File, 1>("file")?;
            arguments.finish()?;
            reply.bytes(it.read(&cx, file));
        }
        36 => {
            let path = arguments.text("path")?;
            arguments.finish()?;
            reply.handle(it.lend(&cx, path));
        }
        37 => {
            arguments.finish()?;
            reply.value(&it.objects(&cx))?;
        }
        39 => {
            let member = arguments.value::<MemberRef>("member")?;
            arguments.finish()?;
            it.give(&cx, member);
        }
        40 => {
            arguments.finish()?;
            reply.value(&it.take(&cx))?;
        }
        _ => return Err(Fault::UnknownMethod),
    }
    reply.send()
}
