//! Changes of interfaces that are types: what is given to a server to call, and what a server hands
//! out. The change is in an interface that the connection's own one refers to.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use alpc_rpc::Deadline;
use alpc_rpc::prelude::*;

use crate::built::callback_must_understand_added::{new, old};
use crate::meeting::{Port, outcome};

/// One side of a row: it implements the interface `Part`, and calls it. Where the client gives it, the
/// server calls; where the server hands it out, the client does.
macro_rules! part_side {
    ($row:ident $side:ident $way:ident { $($part:tt)* } |$p:ident| { $($call:expr),* }) => {
        pub(super) mod $side {
            use crate::{built::$row::$side::*, meeting::{Port, outcome}};
            use alpc_rpc::prelude::*;

            struct Parts;

            impl Part for Parts {
                $($part)*
            }

            fn calls($p: &PartClient) -> String {
                [$(outcome($call)),*].join(", ")
            }

            part_side! { @$way }

            pub(super) fn serve() -> Port {
                Port::serve(RowServer::new(Handlers))
            }
        }
    };
    (@callback) => {
        struct Handlers;

        impl Row for Handlers {
            fn f(&self, _: &Call<'_>, part: PartClient) -> String {
                calls(&part)
            }
        }

        /// What the server's calls of ours come to.
        pub(super) fn calls_at(port: &Port) -> String {
            let client: RowClient = port.connect().unwrap();
            outcome(client.f(Parts))
        }
    };
    (@object) => {
        struct Handlers;

        impl Row for Handlers {
            fn f(&self, _: &Call<'_>) -> std::sync::Arc<dyn Part> {
                std::sync::Arc::new(Parts)
            }
        }

        /// What our calls of what the server hands out come to.
        pub(super) fn calls_at(port: &Port) -> String {
            let client: RowClient = port.connect().unwrap();
            match client.f() {
                Ok(part) => calls(&part),
                Err(error) => outcome::<(), _>(Err(error)),
            }
        }
    };
}

/// One way to change an interface that is a type.
macro_rules! part_row {
    ($row:ident $way:ident
        old { $($old:tt)* } |$o:ident| { $($old_call:expr),* $(,)? }
        new { $($new:tt)* } |$n:ident| { $($new_call:expr),* $(,)? }
        old_client => $old_want:expr,
        new_client => $new_want:expr $(,)?
    ) => {
        mod $row {
            part_side! { $row old $way { $($old)* } |$o| { $($old_call),* } }
            part_side! { $row new $way { $($new)* } |$n| { $($new_call),* } }

            #[test]
            fn old_client_at_new_server() {
                assert_eq!(old::calls_at(&new::serve()), $old_want);
            }

            #[test]
            fn new_client_at_old_server() {
                assert_eq!(new::calls_at(&old::serve()), $new_want);
            }
        }
    };
}

part_row! { callback_method_added callback
    old { shows! { g(x: u32) } } |part| { part.g(1) }
    new { shows! { g(x: u32) h(x: u32) } } |part| { part.g(1), part.h(2), part.g(3) }
    old_client => "1, unimplemented, 3",
    new_client => "1",
}

part_row! { callback_method_removed callback
    old { shows! { g(x: u32) h(x: u32) } } |part| { part.g(1), part.h(2), part.g(3) }
    new { shows! { g(x: u32) } } |part| { part.g(1) }
    old_client => "1",
    new_client => "1, unimplemented, 3",
}

part_row! { callback_parameter_appended callback
    old { shows! { g(x: u32) } } |part| { part.g(1) }
    new { shows! { g(x: u32, y: u32) } } |part| { part.g(1, 2) }
    old_client => "1",
    new_client => "1 5",
}

part_row! { callback_parameter_retyped callback
    old { shows! { g(x: u32) h(x: u32) } } |part| { part.g(1), part.h(2) }
    new { shows! { g(x: u32) h(x: bool) } } |part| { part.g(1), part.h(true) }
    old_client => "1, incompatible",
    new_client => "1, incompatible",
}

part_row! { callback_type_changed callback
    old { shows! { g(x: u32) h(x: Data) } } |part| { part.g(1), part.h(&Data { a: 1 }) }
    new { shows! { g(x: u32) h(x: Data) } } |part| { part.g(1), part.h(&Data { a: 1, b: 2 }) }
    old_client => "1, incompatible",
    new_client => "1, incompatible",
}

part_row! { callback_enum_value_added callback
    old { shows! { g(x: Data) } } |part| { part.g(Data::B) }
    new { shows! { g(x: Data) } } |part| { part.g(Data::B), part.g(Data::C) }
    old_client => "B, Unrecognized(2)",
    new_client => "B",
}

part_row! { callback_must_understand_added callback
    old { shows! { g(x: u32) } } |part| { part.g(1) }
    new { shows! { g(x: u32) } fn h(&self, _: &Call<'_>, _: u32) {} }
        |part| { part.g(1), part.h(2), part.g(3) }
    old_client => "1, unimplemented, 3",
    new_client => "1",
}

part_row! { callback_uuid_changed callback
    old { shows! { g(x: u32) } } |part| { part.g(1) }
    new { shows! { g(x: u32) } } |part| { part.g(1) }
    old_client => "incompatible",
    new_client => "incompatible",
}

part_row! { object_method_added object
    old { shows! { g(x: u32) } } |part| { part.g(1) }
    new { shows! { g(x: u32) h(x: u32) } } |part| { part.g(1), part.h(2), part.g(3) }
    old_client => "1",
    new_client => "1, unimplemented, 3",
}

part_row! { object_method_removed object
    old { shows! { g(x: u32) h(x: u32) } } |part| { part.g(1), part.h(2), part.g(3) }
    new { shows! { g(x: u32) } } |part| { part.g(1) }
    old_client => "1, unimplemented, 3",
    new_client => "1",
}

part_row! { object_parameter_appended object
    old { shows! { g(x: u32) } } |part| { part.g(1) }
    new { shows! { g(x: u32, y: u32) } } |part| { part.g(1, 2) }
    old_client => "1 5",
    new_client => "1",
}

part_row! { object_parameter_retyped object
    old { shows! { g(x: u32) h(x: u32) } } |part| { part.g(1), part.h(2) }
    new { shows! { g(x: u32) h(x: bool) } } |part| { part.g(1), part.h(true) }
    old_client => "1, incompatible",
    new_client => "1, incompatible",
}

part_row! { object_major_changed object
    old { shows! { g(x: u32) } } |part| { part.g(1) }
    new { shows! { g(x: u32) } } |part| { part.g(1) }
    old_client => "incompatible",
    new_client => "incompatible",
}

/// A client of the old build.
struct OldPart;

impl old::Part for OldPart {
    shows! { g(x: u32) }
}

/// A server of the new build that hands on what it is given.
struct Middle {
    next: new::RowClient,
}

impl new::Row for Middle {
    fn f(&self, _: &Call<'_>, part: new::PartClient) -> String {
        outcome(self.next.f(part))
    }
}

/// Where it is handed on to. Tells what its calls came to.
struct Last(Sender<String>);

impl new::Row for Last {
    fn f(&self, _: &Call<'_>, part: new::PartClient) -> String {
        let before = outcome(part.g(1));
        let sent = outcome(part.h(2));
        // Calls that nobody waits for may be overtaken.
        let deadline = Deadline::after(Duration::from_secs(60));
        let after = loop {
            match part.g(3) {
                Ok(_) if deadline.is_past() => break "still there".to_owned(),
                Ok(_) => {}
                Err(error) => break outcome::<(), _>(Err(error)),
            }
        };
        self.0.send([before, sent, after].join(", ")).unwrap();
        String::new()
    }
}

/// The caller cannot know that what it calls is older than the one it got it from.
#[test]
fn a_call_that_must_be_understood_and_cannot_be_passed_on_ends_the_connection() {
    let (say, said) = channel();
    let last = Port::serve(new::RowServer::new(Last(say)));
    let middle = Port::serve(new::RowServer::new(Middle { next: last.connect().unwrap() }));
    let client: old::RowClient = middle.connect().unwrap();
    assert_eq!(outcome(client.f(OldPart)), "disconnected");
    assert_eq!(said.recv().unwrap(), "1, (), disconnected");
}
