//! Changes of what an interface inherits.

use alpc_rpc::ConnectError;

use crate::built::interface_became_base::{new, old};
use crate::meeting::outcome;

/// As `row!`, for handlers of several traits.
macro_rules! base_row {
    ($row:ident
        old { $($old:item)* }
        new { $($new:item)* }
        old_client($o:ident) { $($old_call:expr => $old_want:expr),* $(,)? }
        new_client($n:ident) { $($new_call:expr => $new_want:expr),* $(,)? }
    ) => {
        mod $row {
            base_row! { @side $row old { $($old)* } $o { $($old_call => $old_want),* } }
            base_row! { @side $row new { $($new)* } $n { $($new_call => $new_want),* } }

            #[test]
            fn old_client_at_new_server() {
                old::calls_at(&new::serve());
            }

            #[test]
            fn new_client_at_old_server() {
                new::calls_at(&old::serve());
            }
        }
    };
    (@side $row:ident $side:ident { $($handlers:item)* }
        $c:ident { $($call:expr => $want:expr),* }
    ) => {
        mod $side {
            use crate::{built::$row::$side::*, meeting::{Port, outcome}};
            use alpc_rpc::prelude::*;

            struct Handlers;
            $($handlers)*

            pub(super) fn serve() -> Port {
                Port::serve(RowServer::new(Handlers))
            }

            pub(super) fn calls_at(port: &Port) {
                let $c: RowClient = port.connect().unwrap();
                $(assert_eq!(outcome($call), $want, "{}", stringify!($call));)*
            }
        }
    };
}

base_row! { base_added
    old { impl Row for Handlers { shows! { f(x: u32) } } }
    new {
        impl Row for Handlers { shows! { f(x: u32) } }
        impl Base for Handlers { shows! { g(x: u32) } }
    }
    old_client(c) { c.f(1) => "1" }
    new_client(c) { c.f(1) => "1", c.g(2) => "unimplemented" }
}

base_row! { base_removed
    old {
        impl Row for Handlers { shows! { f(x: u32) } }
        impl Base for Handlers { shows! { g(x: u32) } }
    }
    new { impl Row for Handlers { shows! { f(x: u32) } } }
    old_client(c) { c.f(1) => "1", c.g(2) => "unimplemented" }
    new_client(c) { c.f(1) => "1" }
}

base_row! { base_inserted
    old {
        impl Row for Handlers { shows! { f(x: u32) } }
        impl Base for Handlers { shows! { g(x: u32) } }
    }
    new {
        impl Row for Handlers { shows! { f(x: u32) } }
        impl Middle for Handlers {}
        impl Base for Handlers { shows! { g(x: u32) } }
    }
    old_client(c) { c.f(1) => "1", c.g(2) => "2" }
    new_client(c) { c.f(1) => "1", c.g(2) => "2" }
}

base_row! { method_added_to_base
    old {
        impl Row for Handlers { shows! { f(x: u32) } }
        impl Base for Handlers { shows! { g(x: u32) } }
    }
    new {
        impl Row for Handlers { shows! { f(x: u32) } }
        impl Base for Handlers { shows! { g(x: u32) h(x: u32) } }
    }
    old_client(c) { c.f(1) => "1", c.g(2) => "2" }
    new_client(c) { c.f(1) => "1", c.g(2) => "2", c.h(3) => "unimplemented" }
}

base_row! { method_moved_to_base
    old {
        impl Row for Handlers { shows! { f(x: u32) g(x: u32) } }
        impl Base for Handlers {}
    }
    new {
        impl Row for Handlers { shows! { f(x: u32) } }
        impl Base for Handlers { shows! { g(x: u32) } }
    }
    old_client(c) { c.f(1) => "1", c.g(2) => "unimplemented" }
    new_client(c) { c.f(1) => "1", c.g(2) => "unimplemented" }
}

base_row! { method_moved_to_base_and_kept
    old {
        impl Row for Handlers { shows! { f(x: u32) g(x: u32) } }
        impl Base for Handlers {}
    }
    new {
        impl Row for Handlers { shows! { f(x: u32) own_g(x: u32) } }
        impl Base for Handlers { shows! { g(x: u32) } }
    }
    old_client(c) { c.f(1) => "1", c.g(2) => "2" }
    new_client(c) { c.f(1) => "1", c.g(2) => "unimplemented", c.own_g(2) => "2" }
}

/// The server goes on to an interface that inherits from the one it had. Its old clients need not know.
mod interface_became_base {
    use super::*;
    use crate::meeting::Port;
    use alpc_rpc::prelude::*;

    struct Handlers;

    impl old::Row for Handlers {
        shows! { f(x: u32) }
    }
    impl new::Row for Handlers {
        shows! { f(x: u32) }
    }
    impl new::Wide for Handlers {
        shows! { g(x: u32) }
    }

    #[test]
    fn old_client_at_new_server() {
        let port = Port::serve(new::WideServer::new(Handlers));
        let client: old::RowClient = port.connect().unwrap();
        assert_eq!(outcome(client.f(1)), "1");
    }

    #[test]
    fn new_client_at_old_server() {
        let port = Port::serve(old::RowServer::new(Handlers));
        let refused = port.connect::<new::WideClient>().unwrap_err();
        assert!(matches!(refused, ConnectError::Incompatible { .. }), "{refused}");
    }
}
