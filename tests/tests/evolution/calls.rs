//! Changes of methods, of what they take and give, and of the interface.

use alpc_rpc::prelude::*;

use crate::built::must_understand_added::new;
use crate::meeting::{Port, outcome};

row! { reordered
    old { shows! { f(x: u32) g(x: u32) } }
    new { shows! { g(x: u32) f(x: u32) } }
    old_client(c) { c.f(1) => "1", c.g(2) => "2" }
    new_client(c) { c.f(1) => "1", c.g(2) => "2" }
}

row! { method_added
    old { shows! { f(x: u32) } }
    new { shows! { f(x: u32) g(x: u32) } }
    old_client(c) { c.f(1) => "1" }
    new_client(c) { c.f(1) => "1", c.g(2) => "unimplemented" }
}

row! { method_removed
    old { shows! { f(x: u32) g(x: u32) } }
    new { shows! { f(x: u32) } }
    old_client(c) { c.f(1) => "1", c.g(2) => "unimplemented" }
    new_client(c) { c.f(1) => "1" }
}

row! { method_reserved
    old { shows! { f(x: u32) g(x: u32) } }
    new { shows! { f(x: u32) } }
    old_client(c) { c.f(1) => "1", c.g(2) => "unimplemented" }
    new_client(c) { c.f(1) => "1" }
}

row! { method_renamed
    old { shows! { f(x: u32) } }
    new { shows! { h(x: u32) } }
    old_client(c) { c.f(1) => "unimplemented" }
    new_client(c) { c.h(1) => "unimplemented" }
}

row! { method_renamed_with_wire_name
    old { shows! { f(x: u32) } }
    new { shows! { h(x: u32) } }
    old_client(c) { c.f(1) => "1" }
    new_client(c) { c.h(1) => "1" }
}

row! { parameter_renamed
    old { shows! { f(x: u32) } }
    new { shows! { f(y: u32) } }
    old_client(c) { c.f(1) => "1" }
    new_client(c) { c.f(1) => "1" }
}

row! { interface_renamed
    [Row RowServer RowClient] [Line LineServer LineClient]
    old { shows! { f(x: u32) } }
    new { shows! { f(x: u32) } }
    old_client(c) { c.f(1) => "1" }
    new_client(c) { c.f(1) => "1" }
}

row! { module_renamed
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(&Data::new(1)) => "Data { a: 1 }" }
    new_client(c) { c.f(&Data::new(1)) => "Data { a: 1 }" }
}

row! { parameter_appended
    old { shows! { f(x: u32) } }
    new { shows! { f(x: u32, y: u32) } }
    old_client(c) { c.f(1) => "1 5" }
    new_client(c) { c.f(1, 2) => "1" }
}

row! { result_appended
    old { fn f(&self, _: &Call<'_>, x: u32) -> (String, u32) { ("old".to_owned(), x) } }
    new { fn f(&self, _: &Call<'_>, x: u32) -> (String, u32, u32) { ("new".to_owned(), x, 9) } }
    old_client(c) { c.f(1) => "(new, 1)" }
    new_client(c) { c.f(1) => "(old, 1, 5)" }
}

row! { required_parameter_appended
    old { shows! { f(x: u32) } }
    new { shows! { f(x: u32, y: u32) } }
    old_client(c) { c.f(1) => "incompatible" }
    new_client(c) { c.f(1, 2) => "incompatible" }
}

row! { parameter_inserted
    old { shows! { f(x: u32) } }
    new { shows! { f(w: u32, x: u32) } }
    old_client(c) { c.f(1) => "incompatible" }
    new_client(c) { c.f(1, 2) => "incompatible" }
}

row! { parameter_removed
    old { shows! { f(x: u32, y: u32) } }
    new { shows! { f(x: u32) } }
    old_client(c) { c.f(1, 2) => "incompatible" }
    new_client(c) { c.f(1) => "incompatible" }
}

row! { parameters_swapped
    old { shows! { f(x: u32, y: u32) } }
    new { shows! { f(y: u32, x: u32) } }
    old_client(c) { c.f(1, 2) => "incompatible" }
    new_client(c) { c.f(1, 2) => "incompatible" }
}

row! { parameter_retyped
    old { shows! { f(x: u32) } }
    new { shows! { f(x: bool) } }
    old_client(c) { c.f(1) => "incompatible" }
    new_client(c) { c.f(true) => "incompatible" }
}

row! { bound_widened
    old { shows! { f(x: u32) } fn g(&self, _: &Call<'_>, x: u32) -> u32 { x } }
    new { shows! { f(x: u32) } fn g(&self, _: &Call<'_>, x: u32) -> u32 { x } }
    old_client(c) { c.f(10) => "10", c.g(10) => "10", c.g(15) => "bound exceeded in the answer" }
    new_client(c) { c.f(10) => "10", c.f(15) => "bound exceeded", c.g(10) => "10" }
}

row! { bound_narrowed
    old { shows! { f(x: u32) } fn g(&self, _: &Call<'_>, x: u32) -> u32 { x } }
    new { shows! { f(x: u32) } fn g(&self, _: &Call<'_>, x: u32) -> u32 { x } }
    old_client(c) { c.f(10) => "10", c.f(15) => "bound exceeded", c.g(10) => "10" }
    new_client(c) { c.f(10) => "10", c.g(10) => "10", c.g(15) => "bound exceeded in the answer" }
}

row! { raises_added
    old { shows! { f(x: u32) } }
    new { fn f(&self, _: &Call<'_>, _: u32) -> Result<String, E> { Err(E::A) } }
    old_client(c) { c.f(1) => "incompatible" }
    new_client(c) { c.f(1) => "incompatible" }
}

row! { raises_removed
    old { fn f(&self, _: &Call<'_>, _: u32) -> Result<String, E> { Err(E::A) } }
    new { shows! { f(x: u32) } }
    old_client(c) { c.f(1) => "incompatible" }
    new_client(c) { c.f(1) => "incompatible" }
}

row! { raises_changed
    old {
        fn f(&self, _: &Call<'_>, _: u32) -> Result<String, E> { Err(E::A) }
        fn g(&self, _: &Call<'_>) -> Result<(), F> { Err(F::A) }
    }
    new {
        fn f(&self, _: &Call<'_>, _: u32) -> Result<String, F> { Err(F::A) }
        fn g(&self, _: &Call<'_>) -> Result<(), E> { Err(E::A) }
    }
    old_client(c) { c.f(1) => "incompatible", c.g() => "incompatible" }
    new_client(c) { c.f(1) => "incompatible", c.g() => "incompatible" }
}

row! { error_variant_added
    old { fn f(&self, _: &Call<'_>, _: u32) -> Result<String, E> { Err(E::A) } }
    new { fn f(&self, _: &Call<'_>, _: u32) -> Result<String, E> { Err(E::B { why: "x".into() }) } }
    old_client(c) { c.f(1) => "error Unrecognized { tag: 2, payload: [1, 120] }" }
    new_client(c) { c.f(1) => "error A" }
}

row! { oneway_set
    old { fn f(&self, _: &Call<'_>, _: u32) {} }
    new { fn f(&self, _: &Call<'_>, _: u32) {} }
    old_client(c) { c.f(1) => "incompatible" }
    new_client(c) { c.f(1) => "incompatible" }
}

row! { oneway_unset
    old { fn f(&self, _: &Call<'_>, _: u32) {} }
    new { fn f(&self, _: &Call<'_>, _: u32) {} }
    old_client(c) { c.f(1) => "incompatible" }
    new_client(c) { c.f(1) => "incompatible" }
}

row! { out_became_in
    old { fn f(&self, _: &Call<'_>, _: &mut OutBuf<'_>) -> u32 { 1 } }
    new { fn f(&self, _: &Call<'_>, _: &[u8]) -> u32 { 1 } }
    old_client(c) { c.f(&mut [1, 2]) => "incompatible" }
    new_client(c) { c.f(b"x") => "incompatible" }
}

row! { raw_set
    old { shows! { f(x: Vec<u32>) } }
    new { shows! { f(x: &[u32]) } }
    old_client(c) { c.f(&[1, 2]) => "incompatible" }
    new_client(c) { c.f(&[1, 2]) => "incompatible" }
}

row! { view_set
    old { shows! { f(x: &[u8]) } }
    new { fn f(&self, _: &Call<'_>, x: View) -> String { format!("{:?}", x.to_vec()) } }
    old_client(c) { c.f(&[1, 2]) => "[1, 2]", c.f(&[7; 5000]).map(|text| text.len()) => "15000" }
    new_client(c) { c.f(&[1, 2]) => "[1, 2]", c.f(&[7; 5000]).map(|text| text.len()) => "15000" }
}

row! { idempotent_unset
    old { shows! { f(x: u32) } }
    new { shows! { f(x: u32) } }
    old_client(c) { c.f(1) => "1" }
    new_client(c) { c.f(1) => "1" }
}

row! { idempotent_set
    old { shows! { f(x: u32) } }
    new { shows! { f(x: u32) } }
    old_client(c) { c.f(1) => "1" }
    new_client(c) { c.f(1) => "1" }
}

row! { cancellable_set
    old { shows! { f(x: u32) } }
    new { shows! { f(x: u32) } }
    old_client(c) { c.f(1) => "1" }
    new_client(c) { c.f(1) => "1" }
}

row! { must_understand_set
    old { fn f(&self, _: &Call<'_>, _: u32) {} }
    new { fn f(&self, _: &Call<'_>, _: u32) {} }
    old_client(c) { c.f(1) => "()" }
    new_client(c) { c.f(1) => "()" }
}

row! { must_understand_added
    old { shows! { f(x: u32) } }
    new { shows! { f(x: u32) } fn g(&self, _: &Call<'_>, _: u32) {} }
    old_client(c) { c.f(1) => "1" }
    new_client(c) { c.f(1) => "1", c.g(1) => "unimplemented", c.f(2) => "2" }
}

row! { parameter_buried
    old { shows! { f(x: u32, y: u32) } }
    new { shows! { f(x: u32) } }
    old_client(c) { c.f(1, 2) => "1" }
    new_client(c) { c.f(1) => "1 5" }
}

row! { oneway_must_understand_unset
    old { fn f(&self, _: &Call<'_>, _: u32) {} }
    new { fn f(&self, _: &Call<'_>, _: u32) {} }
    old_client(c) { c.f(1) => "()" }
    new_client(c) { c.f(1) => "()" }
}

/// A server of the new build whose author has not written what came with it.
struct Unfinished;

impl new::Row for Unfinished {
    shows! { f(x: u32) }
}

#[test]
fn a_call_that_must_be_understood_and_is_not_implemented_ends_the_connection() {
    let port = Port::serve(new::RowServer::new(Unfinished));
    let client: new::RowClient = port.connect().unwrap();
    assert_eq!(outcome(client.f(1)), "1");
    assert_eq!(outcome(client.g(2)), "()");
    // There is one worker, so this comes after.
    assert_eq!(outcome(client.f(3)), "disconnected");
}
