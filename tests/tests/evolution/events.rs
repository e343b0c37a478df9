//! Changes of events: the server sends, and the client is the one that may not understand.

use std::fmt::Debug;
use std::time::Duration;

use alpc_rpc::__rt::v1::Event;
use alpc_rpc::{Deadline, Events, TransportError};

use crate::built;
use crate::meeting::{Port, described};

/// What a client was told of until the event `done`, and what became of the rest.
fn told<E: Event + Debug>(mut events: Events<E>) -> String {
    let deadline = Deadline::after(Duration::from_secs(60));
    let mut told = Vec::new();
    loop {
        match events.wait(deadline) {
            Ok(event) => match format!("{event:?}").as_str() {
                "Done" => break,
                text => told.push(text.to_owned()),
            },
            Err(error) => {
                told.push(described(&error));
                if matches!(
                    error,
                    TransportError::Disconnected { .. } | TransportError::TimedOut { .. }
                ) {
                    break;
                }
            }
        }
    }
    if events.unrecognized() > 0 {
        told.push(format!("{} unrecognized", events.unrecognized()));
    }
    told.join(", ")
}

/// One side of a row: a server that sends some events and then `done`, and a client that listens.
macro_rules! event_side {
    ($row:ident $side:ident |$events:ident| { $($sent:expr),* } { $($more:tt)* }) => {
        pub(super) mod $side {
            use crate::{built::$row::$side::*, events::told, meeting::Port};
            use alpc_rpc::prelude::*;

            #[derive(Default)]
            pub(super) struct Handlers(RowEmitter);

            impl Row for Handlers {
                fn f(&self, _: &Call<'_>) {
                    let $events = &self.0;
                    $($sent.unwrap();)*
                    $events.done().unwrap();
                }

                fn emitter(&self) -> &RowEmitter {
                    &self.0
                }

                $($more)*
            }

            pub(super) fn serve() -> Port {
                Port::serve(RowServer::new(Handlers::default()))
            }

            pub(super) fn told_at(port: &Port) -> String {
                let client: RowClient = port.connect().unwrap();
                let events = client.events();
                // A client that must not go on ends the connection, maybe before the answer comes.
                let _either = client.f();
                told(events)
            }
        }
    };
}

/// One way to change an event: what the servers of both sides send, and what the clients of both sides
/// are told of by the other.
macro_rules! event_row {
    ($row:ident
        old |$old:ident| { $($old_sent:expr),* } $({ $($old_more:tt)* })?
        new |$new:ident| { $($new_sent:expr),* } $({ $($new_more:tt)* })?
        old_client => $old_told:expr,
        new_client => $new_told:expr $(,)?
    ) => {
        mod $row {
            event_side! { $row old |$old| { $($old_sent),* } { $($($old_more)*)? } }
            event_side! { $row new |$new| { $($new_sent),* } { $($($new_more)*)? } }

            #[test]
            fn old_client_at_new_server() {
                assert_eq!(old::told_at(&new::serve()), $old_told);
            }

            #[test]
            fn new_client_at_old_server() {
                assert_eq!(new::told_at(&old::serve()), $new_told);
            }
        }
    };
}

event_row! { event_added
    old |_events| {}
    new |events| { events.g(1) }
    old_client => "1 unrecognized",
    new_client => "",
}

event_row! { event_removed
    old |events| { events.g(1) }
    new |_events| {}
    old_client => "",
    new_client => "1 unrecognized",
}

event_row! { event_renamed
    old |events| { events.g(1) }
    new |events| { events.h(1) }
    old_client => "1 unrecognized",
    new_client => "1 unrecognized",
}

event_row! { event_renamed_with_wire_name
    old |events| { events.g(1) }
    new |events| { events.h(1) }
    old_client => "G { x: 1 }",
    new_client => "H { x: 1 }",
}

event_row! { event_parameter_renamed
    old |events| { events.g(1) }
    new |events| { events.g(1) }
    old_client => "G { x: 1 }",
    new_client => "G { y: 1 }",
}

event_row! { event_parameter_appended
    old |events| { events.g(1) }
    new |events| { events.g(1, 2) }
    old_client => "G { x: 1 }",
    new_client => "G { x: 1, y: 5 }",
}

event_row! { event_parameter_inserted
    old |events| { events.g(1) }
    new |events| { events.g(1, 2) }
    old_client => "1 unrecognized",
    new_client => "1 unrecognized",
}

event_row! { event_parameter_retyped
    old |events| { events.g(1) }
    new |events| { events.g(true) }
    old_client => "1 unrecognized",
    new_client => "1 unrecognized",
}

event_row! { event_bound_widened
    old |events| { events.g(10) }
    new |events| { events.g(15), events.g(10) }
    old_client => "bound exceeded in the answer, G { x: 10 }",
    new_client => "G { x: 10 }",
}

event_row! { event_enum_value_added
    old |events| { events.g(Data::B) }
    new |events| { events.g(Data::B), events.g(Data::C) }
    old_client => "G { x: B }, G { x: Unrecognized(2) }",
    new_client => "G { x: B }",
}

event_row! { event_must_understand_set
    old |events| { events.g(1) }
    new |events| { events.g(1) }
    old_client => "G { x: 1 }",
    new_client => "G { x: 1 }",
}

event_row! { event_became_method
    old |events| { events.g(1) }
    new |_events| {} { shows! { g(x: u32) } }
    old_client => "",
    new_client => "1 unrecognized",
}

event_row! { method_became_event
    old |_events| {} { shows! { g(x: u32) } }
    new |events| { events.g(1) }
    old_client => "1 unrecognized",
    new_client => "",
}

// An old client that went on as if nothing had been said might do the wrong thing for good.
event_row! { event_must_understand_added
    old |_events| {}
    new |events| { events.g(1) }
    old_client => "disconnected, 1 unrecognized",
    new_client => "",
}

/// The events of what a server hands out.
mod object_event_added {
    use std::sync::Arc;

    use alpc_rpc::prelude::*;

    use super::*;
    use crate::meeting::outcome;
    use built::object_event_added::{new, old};

    struct OldRow;
    struct OldPart;

    impl old::Row for OldRow {
        fn f(&self, _: &Call<'_>) -> Arc<dyn old::Part> {
            Arc::new(OldPart)
        }
    }

    impl old::Part for OldPart {
        shows! { g(x: u32) }
    }

    struct NewRow;
    #[derive(Default)]
    struct NewPart(new::PartEmitter);

    impl new::Row for NewRow {
        fn f(&self, _: &Call<'_>) -> Arc<dyn new::Part> {
            Arc::new(NewPart::default())
        }
    }

    impl new::Part for NewPart {
        fn g(&self, _: &Call<'_>, x: u32) -> String {
            self.0.h(x).unwrap();
            format!("{x:?}")
        }

        fn emitter(&self) -> &new::PartEmitter {
            &self.0
        }
    }

    #[test]
    fn old_client_at_new_server() {
        let port = Port::serve(new::RowServer::new(NewRow));
        let client: old::RowClient = port.connect().unwrap();
        assert_eq!(outcome(client.f().unwrap().g(1)), "1");
    }

    #[test]
    fn new_client_at_old_server() {
        let port = Port::serve(old::RowServer::new(OldRow));
        let client: new::RowClient = port.connect().unwrap();
        let part = client.f().unwrap();
        assert_eq!(outcome(part.g(1)), "1");
        let mut events = part.events();
        let none = events.wait(Deadline::after(Duration::from_secs(60))).unwrap_err();
        assert_eq!(described(&none), "unimplemented");
    }
}
