//! Methods that came later than the server that is asked for them.
//!
//! A server that was written before a method was added still compiles, because the method has a
//! body in the trait. That body has to return something of any type at all, so it does not return:
//! it unwinds with a value that the dispatcher knows, and the caller is told what it would have been
//! told had the method not been there. Nothing is printed, since nothing went wrong.
//!
//! A program that aborts where others unwind would be ended by its callers this way. So the body is
//! not there when code is compiled with `panic = "abort"`, and the compiler asks for the method.

use std::any::Any;
use std::panic::resume_unwind;

struct Unimplemented;

/// Answers the call that is being handled as if there were no such method.
pub fn unimplemented() -> ! {
    resume_unwind(Box::new(Unimplemented))
}

/// Whether a handler ended in [`unimplemented`].
pub(super) fn is_unimplemented(payload: &(dyn Any + Send)) -> bool {
    payload.is::<Unimplemented>()
}
