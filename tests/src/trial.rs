//! Interfaces for trying what goes wrong: calls that wait, break, and are counted.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex, MutexGuard, PoisonError};

use alpc_rpc::prelude::*;

use crate::peer::say;

/// The interface as its server has it.
#[allow(missing_docs, reason = "the file documents what a reader of the tests needs")]
pub mod api {
    alpc_rpc::include_interface!("trial");
}

/// The interface one major version later.
#[allow(missing_docs, reason = "the file documents what a reader of the tests needs")]
pub mod major {
    alpc_rpc::include_interface!("trial_major");
}

/// The interface in the same version, changed without saying so.
#[allow(missing_docs, reason = "the file documents what a reader of the tests needs")]
pub mod changed {
    alpc_rpc::include_interface!("trial_changed");
}

/// Interfaces that its server does not serve.
#[allow(missing_docs, reason = "the file documents what a reader of the tests needs")]
pub mod other {
    alpc_rpc::include_interface!("other");
}

/// Waits, breaks and counts as it is told.
#[derive(Debug, Default)]
pub struct Trial {
    begun: AtomicU64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    released: HashSet<String>,
    waiting: HashSet<String>,
    too_late: HashSet<String>,
    notes: Vec<String>,
    meetings: HashMap<u32, Arc<Barrier>>,
    returned: HashSet<u32>,
}

impl Trial {
    fn begin(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the calls that wait under this name return.
    pub fn let_go(&self, name: &str) {
        self.state().released.insert(name.to_owned());
        self.changed.notify_all();
    }

    /// Whether a call has begun to wait under this name. If not, none will: one that is still on its
    /// way returns at once, and without a word.
    pub fn waits(&self, name: &str) -> bool {
        let mut state = self.state();
        let waits = state.waiting.contains(name);
        if !waits {
            state.too_late.insert(name.to_owned());
        }
        waits
    }

    /// Waits until the state allows to go on.
    fn until(&self, mut go_on: impl FnMut(&mut State) -> bool) {
        let state = self.state();
        let waited = self.changed.wait_while(state, |state| !go_on(state));
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

impl api::Trial for Arc<Trial> {
    fn add(&self, _: &Call<'_>, a: i32, b: i32) -> i64 {
        self.begin();
        i64::from(a) + i64::from(b)
    }

    fn begun(&self, _: &Call<'_>) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }

    fn measure(&self, _: &Call<'_>, text: &str) -> u64 {
        self.begin();
        text.len() as u64
    }

    fn total(&self, _: &Call<'_>, numbers: Vec<u32>) -> u64 {
        self.begin();
        numbers.into_iter().map(u64::from).sum()
    }

    fn upload(&self, _: &Call<'_>, data: &[u8]) -> u64 {
        self.begin();
        data.len() as u64
    }

    fn download(&self, _: &Call<'_>, len: u64) -> Vec<u8> {
        self.begin();
        vec![7; len as usize]
    }

    fn fill(&self, _: &Call<'_>, with: u8, data: &mut OutBuf<'_>) {
        self.begin();
        data.as_mut_slice().fill(with);
    }

    fn fill_late(&self, cx: &Call<'_>, name: &str, with: u8, data: &mut OutBuf<'_>) {
        self.wait(cx, name);
        self.fill(cx, with, data);
    }

    fn caller(&self, cx: &Call<'_>) -> (u32, u32) {
        (cx.peer().pid().unwrap_or(0), cx.peer().uid())
    }

    fn stretch(&self, _: &Call<'_>, len: u64) -> String {
        self.begin();
        "x".repeat(len as usize)
    }

    fn panic(&self, _: &Call<'_>, words: &str) {
        self.begin();
        panic!("{words}");
    }

    fn wait(&self, _: &Call<'_>, name: &str) {
        self.begin();
        let mut state = self.state();
        if state.too_late.contains(name) {
            return;
        }
        // Said under the lock, so that it comes before the answer to who asks for it.
        state.waiting.insert(name.to_owned());
        say(format!("waiting {name}"));
        drop(state);
        self.until(|state| state.released.contains(name));
    }

    fn release(&self, _: &Call<'_>, name: &str) {
        self.begin();
        self.let_go(name);
    }

    fn wait_shortly(&self, cx: &Call<'_>, name: &str) {
        self.wait(cx, name);
    }

    fn meet(&self, _: &Call<'_>, size: u32, brought: u64) -> u64 {
        self.begin();
        let meeting = self
            .state()
            .meetings
            .entry(size)
            .or_insert_with(|| Arc::new(Barrier::new(size as usize)))
            .clone();
        meeting.wait();
        brought
    }

    fn countdown(&self, _: &Call<'_>, number: u32, last: u32) -> u32 {
        self.begin();
        self.until(|state| number == last || state.returned.contains(&(number + 1)));
        self.state().returned.insert(number);
        self.changed.notify_all();
        number
    }

    fn note(&self, _: &Call<'_>, text: &str) {
        self.begin();
        self.state().notes.push(text.to_owned());
    }

    fn notes(&self, _: &Call<'_>) -> Vec<String> {
        self.begin();
        self.state().notes.clone()
    }

    fn ask(&self, _: &Call<'_>, what: &str) -> Result<u32, api::TrialError> {
        self.begin();
        Err(api::TrialError::Unknown { what: what.to_owned() })
    }
}

/// Serves nothing.
#[derive(Debug)]
pub struct Other;

impl other::Other for Other {
    fn nothing(&self, _: &Call<'_>) {}
}
