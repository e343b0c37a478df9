//! Changes of handles: their kind is part of what is sent, their rights are asked of the kernel by
//! whoever receives them.

use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;

const NOT_WRITABLE: &str = "the arguments of the call are not what the method takes: `x`: the handle, \
                            of kind `file`, does not allow `write`; the handler did not run";
const ANSWER_NOT_WRITABLE: &str = "the answer to the call is not what the method gives: `the result`: \
                                   the handle, of kind `file`, does not allow `write`; the call may \
                                   have run";

/// A file that can be read and not written to.
fn readable() -> OwnedFd {
    File::open("/dev/null").unwrap().into()
}

/// One that can be read and written to.
fn writable() -> OwnedFd {
    OpenOptions::new().read(true).write(true).open("/dev/null").unwrap().into()
}

/// Where both sides say alike what they got.
macro_rules! takes_handle {
    () => {
        fn f(&self, _: &Call<'_>, _: std::os::fd::OwnedFd) -> String {
            "taken".to_owned()
        }
    };
}

row! { handle_kind_changed
    old { takes_handle! {} }
    new { takes_handle! {} }
    old_client(c) { c.f(crate::handles::readable()) => "incompatible" }
    new_client(c) { c.f(std::io::pipe().unwrap().0) => "incompatible" }
}

row! { handle_rights_widened
    old { takes_handle! {} }
    new { takes_handle! {} }
    old_client(c) {
        c.f(crate::handles::readable()) => crate::handles::NOT_WRITABLE,
        c.f(crate::handles::writable()) => "taken",
    }
    new_client(c) { c.f(crate::handles::writable()) => "taken" }
}

row! { handle_rights_narrowed
    old { takes_handle! {} }
    new { takes_handle! {} }
    old_client(c) { c.f(crate::handles::writable()) => "taken" }
    new_client(c) {
        c.f(crate::handles::readable()) => crate::handles::NOT_WRITABLE,
        c.f(crate::handles::writable()) => "taken",
    }
}

row! { handle_rights_widened_in_answer
    old { fn f(&self, _: &Call<'_>) -> std::os::fd::OwnedFd { crate::handles::readable() } }
    new { fn f(&self, _: &Call<'_>) -> std::os::fd::OwnedFd { crate::handles::writable() } }
    old_client(c) { c.f().map(|_| ()) => "()" }
    new_client(c) { c.f().map(|_| ()) => crate::handles::ANSWER_NOT_WRITABLE }
}

row! { handle_moved
    old { takes_handle! {} }
    new { takes_handle! {} }
    old_client(c) { c.f(crate::handles::readable()) => "taken" }
    new_client(c) { c.f(crate::handles::readable()) => "taken" }
}
