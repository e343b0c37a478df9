//! Changes of what streams hold: items go to the client in results, and to the server in parameters.

use std::fmt::Debug;

use alpc_rpc::{CallError, Items, Stream};

/// The handlers of one side: they give two items, and say what came of those that they take.
macro_rules! streams {
    ($item:ty: $one:expr, $two:expr) => {
        fn f(&self, _: &Call<'_>) -> alpc_rpc::Items<$item> {
            crate::streams::given($one, $two)
        }

        fn g(&self, _: &Call<'_>, all: alpc_rpc::Stream<$item>) -> String {
            crate::streams::taken(all)
        }
    };
}

fn given<T: Send + 'static>(one: T, two: T) -> Items<T> {
    Items::from_iter([one, two])
}

/// Each item, and what stands in the place of those that cannot be.
fn taken<T: Debug>(items: Stream<T>) -> String {
    let told = items.map(|item| match item {
        Ok(item) => format!("{item:?}"),
        Err(CallError::Transport(error)) => crate::meeting::described(&error),
    });
    told.collect::<Vec<_>>().join(" ")
}

row! { stream_item_field_appended
    old { streams! { Data: Data::new(1), Data::new(2) } }
    new { streams! { Data: Data::new(1), Data::new(2).with_b(7) } }
    old_client(c) {
        c.f().map(crate::streams::taken) => "Data { a: 1 } Data { a: 2 }",
        c.g([Data::new(3)]) => "Data { a: 3, b: 5 }",
    }
    new_client(c) {
        c.f().map(crate::streams::taken) => "Data { a: 1, b: 5 } Data { a: 2, b: 5 }",
        c.g([Data::new(3).with_b(4)]) => "Data { a: 3 }",
    }
}

row! { stream_item_retyped
    old { streams! { u32: 1, 2 } }
    new { streams! { String: "a".to_owned(), "b".to_owned() } }
    old_client(c) {
        c.f().map(crate::streams::taken) => "incompatible",
        c.g([3]) => "incompatible",
    }
    new_client(c) {
        c.f().map(crate::streams::taken) => "incompatible",
        c.g(["c".to_owned()]) => "incompatible",
    }
}

row! { stream_bound_widened
    old { streams! { u32: 1, 2 } }
    new { streams! { u32: 1, 7 } }
    old_client(c) {
        c.f().map(crate::streams::taken) => "1 bound exceeded in the answer",
        c.g([2]) => "2",
    }
    new_client(c) {
        c.f().map(crate::streams::taken) => "1 2",
        c.g([1, 7]) => "1 bound exceeded in the answer",
    }
}

/// What the handler is told at the end of a stream that its caller gives.
macro_rules! gives_up {
    () => {
        fn f(&self, _: &Call<'_>, all: alpc_rpc::Stream<u32, E>) -> Result<String, E> {
            let told = all.map(|item| match item {
                Ok(item) => format!("{item}"),
                Err(CallError::App(error)) => format!("{error:?}"),
                Err(CallError::Transport(error)) => crate::meeting::described(&error),
            });
            Ok(told.collect::<Vec<_>>().join(" "))
        }
    };
}

row! { stream_error_bound_widened
    old { gives_up! {} }
    new { gives_up! {} }
    old_client(c) {
        c.f(alpc_rpc::Items::try_from_iter([Ok(1), Err(E::TooMany(8))])) => "1 TooMany(8)",
    }
    new_client(c) {
        c.f(alpc_rpc::Items::try_from_iter([Ok(1), Err(E::TooMany(8))])) => "1 TooMany(8)",
        c.f(alpc_rpc::Items::try_from_iter([Err(E::TooMany(16))])) => "bound exceeded in the answer",
    }
}
