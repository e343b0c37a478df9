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

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{format_ident, quote};

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
            laid_out.push((at, text.parse().map_err(not_tokens).and_then(one)));
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
                laid_out.push((at, one(item)));
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

fn not_tokens(error: proc_macro2::LexError) -> syn::Error {
    syn::Error::new(Span::call_site(), error)
}

/// The text of one item.
fn one(item: TokenStream) -> syn::Result<String> {
    let mut inside = Vec::new();
    let item = take_out(item, &mut inside)?;
    let mut text = prettyplease::unparse(&syn::parse2(item)?);
    for (at, inside) in inside.iter().enumerate() {
        let mark = mark(at).to_string();
        let Some(start) = text.find(&mark) else { continue };
        let line = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
        let indent = text.get(line..start).unwrap_or_default();
        let rows: Vec<_> = inside.lines().map(|row| format!("{indent}{row}")).collect();
        let rows: Vec<_> = rows.iter().map(|row| row.trim_end()).collect();
        text.replace_range(line..start + mark.len(), &rows.join("\n"));
    }
    Ok(text)
}

fn mark(at: usize) -> proc_macro2::Ident {
    format_ident!("__laid_out_{at}_")
}

/// Puts marks in the place of what stands inside of `if_async! { .. }`, and lays that out: whoever lays
/// out Rust knows nothing of what a macro is given.
fn take_out(tokens: TokenStream, inside: &mut Vec<String>) -> syn::Result<TokenStream> {
    let mut out: Vec<TokenTree> = Vec::new();
    for token in tokens {
        let TokenTree::Group(group) = token else {
            out.push(token);
            continue;
        };
        let is_macro = group.delimiter() == Delimiter::Brace
            && matches!(&*out, [.., TokenTree::Ident(name), TokenTree::Punct(_)] if name == "if_async");
        let stream = if is_macro {
            let text = one(group.stream())?;
            inside.push(text);
            let mark = mark(inside.len() - 1);
            quote!(#mark)
        } else {
            take_out(group.stream(), inside)?
        };
        out.push(Group::new(group.delimiter(), stream).into());
    }
    Ok(out.into_iter().collect())
}
