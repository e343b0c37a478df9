//! Generated Rust, laid out for reading.
//!
//! That takes three quarters of the time in which a large file becomes Rust, and an item is laid out
//! without a look at any other. So the thread that makes the items gives some of them away. Tokens
//! cannot leave the thread that made them; their text can, but has to be read again, so whatever finds
//! nobody idle is laid out where it is.

use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::thread;

use proc_macro2::TokenStream;

/// More threads than these wait for the one that makes the items.
const MOST_HELPERS: usize = 3;

/// As much as a program's first thread usually has, for types that are nested deeply.
const STACK: usize = 8 << 20;

/// The place of an item, and how it is to be read.
type LaidOut = (usize, syn::Result<String>);

/// Items that were given away.
struct Queue {
    /// The place of each, and its tokens as text.
    items: Mutex<Receiver<(usize, String)>>,
    /// How many nobody is done with.
    left: AtomicUsize,
}

impl Queue {
    /// Lays out what is there, until nothing more can come.
    fn work(&self) -> Vec<LaidOut> {
        let next = || self.items.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
        let mut laid_out = Vec::new();
        while let Some((at, text)) = next() {
            laid_out.push((at, syn::parse_str(&text).map(|file| prettyplease::unparse(&file))));
            self.left.fetch_sub(1, Ordering::Relaxed);
        }
        laid_out
    }
}

/// The text of all items, in their order.
///
/// # Errors
///
/// An item is not Rust.
pub(crate) fn lay_out(items: impl Iterator<Item = TokenStream>) -> syn::Result<String> {
    let helpers = thread::available_parallelism().map_or(0, |all| all.get() - 1).min(MOST_HELPERS);
    let (send, receive) = mpsc::channel();
    let queue = Queue { items: Mutex::new(receive), left: AtomicUsize::new(0) };
    let mut laid_out = thread::scope(|scope| {
        let mut items = items.enumerate().peekable();
        let mut laid_out = Vec::new();
        let mut helping = Vec::new();
        while let Some((at, item)) = items.next() {
            let is_last = items.peek().is_none();
            // Where no thread is to be had, this one does it all.
            if !is_last && helping.len() < helpers {
                let helper = thread::Builder::new().stack_size(STACK);
                helping.extend(helper.spawn_scoped(scope, || queue.work()).ok());
            }
            // One that is being laid out and one that waits for each helper.
            if !is_last && queue.left.load(Ordering::Relaxed) < 2 * helping.len() {
                queue.left.fetch_add(1, Ordering::Relaxed);
                // The receiver is there for longer than this scope.
                drop(send.send((at, item.to_string())));
            } else {
                laid_out.push((at, syn::parse2(item).map(|file| prettyplease::unparse(&file))));
            }
        }
        drop(send);
        laid_out.extend(queue.work());
        for helper in helping {
            laid_out.extend(helper.join().unwrap_or_else(|fault| panic::resume_unwind(fault)));
        }
        laid_out
    });
    laid_out.sort_unstable_by_key(|(at, _)| *at);
    laid_out.into_iter().map(|(_, text)| text).collect()
}
