//! The requests of one client that are unanswered, and which of them nobody waits for any more.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::counts::Counters;
use crate::cancellation::{Cancellation, Heard};
use crate::channel::lock;
use crate::direct::Grant;
use crate::message::{Deadline, MessageId};

/// Cancelled requests that are remembered although they were not found. No more are on their way
/// than there are workers.
const REMEMBERED: usize = 64;

#[derive(Default)]
pub(super) struct Outstanding {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    /// Requests that were cancelled and are not among those: most were answered already, but one may
    /// still be on its way through another worker. The last few are remembered.
    early: VecDeque<MessageId>,
    has_ended: bool,
}

struct Request {
    id: MessageId,
    is_cancelled: bool,
    /// The right to reach into its caller's memory.
    grant: Option<Arc<Grant>>,
    /// Made when somebody asks for it.
    token: Option<Cancellation>,
}

impl State {
    fn find(&mut self, id: MessageId) -> Option<&mut Request> {
        self.requests.iter_mut().find(|request| request.id == id)
    }
}

impl Outstanding {
    /// A request was taken.
    pub(super) fn begin(&self, id: MessageId) {
        let mut state = lock(&self.state);
        let early = state.early.iter().position(|early| *early == id);
        let is_cancelled = early.map(|at| state.early.remove(at)).is_some();
        state.requests.push(Request { id, is_cancelled, grant: None, token: None });
    }

    /// A request is answered. `true`: nobody waited for that any more.
    pub(super) fn end(&self, id: MessageId) -> bool {
        let mut state = lock(&self.state);
        let at = state.requests.iter().position(|request| request.id == id);
        let ended = at.map(|at| state.requests.swap_remove(at));
        drop(state);
        ended.is_some_and(|request| request.is_cancelled)
    }

    /// A request lends its caller's memory.
    pub(super) fn lend(&self, id: MessageId, grant: &Arc<Grant>) {
        let mut state = lock(&self.state);
        let Some(request) = state.find(id) else { return };
        request.grant = Some(grant.clone());
        if request.is_cancelled {
            grant.revoke();
        }
    }

    /// Nobody waits for a request any more, which is counted if it was unanswered: before anybody can
    /// hear of it, so that whoever has heard finds it counted.
    pub(super) fn cancel(&self, id: MessageId, counters: &Counters) {
        let mut state = lock(&self.state);
        let Some(request) = state.find(id) else {
            state.early.push_back(id);
            if state.early.len() > REMEMBERED {
                state.early.pop_front();
            }
            return;
        };
        counters.cancelled();
        request.is_cancelled = true;
        if let Some(grant) = &request.grant {
            grant.revoke();
        }
        let token = request.token.clone();
        drop(state);
        // Whoever hears of it may do anything, except under this lock.
        if let Some(token) = token {
            token.fire();
        }
    }

    /// The client is gone, and waits for nothing any more.
    pub(super) fn cancel_all(&self) {
        let mut state = lock(&self.state);
        state.has_ended = true;
        let tokens: Vec<_> =
            state.requests.iter().filter_map(|request| request.token.clone()).collect();
        drop(state);
        tokens.iter().for_each(Cancellation::fire);
    }

    pub(super) fn is_cancelled(&self, id: MessageId) -> bool {
        let mut state = lock(&self.state);
        state.has_ended || state.find(id).is_some_and(|request| request.is_cancelled)
    }

    /// What fires when nobody waits for the request any more.
    pub(super) fn token(
        &self,
        id: MessageId,
        deadline: Deadline,
        heard: impl FnOnce() -> Heard,
    ) -> Cancellation {
        let mut state = lock(&self.state);
        let has_ended = state.has_ended;
        let Some(request) = state.find(id) else { return Cancellation::never() };
        let make = || Cancellation::new(deadline, Some(heard()));
        let token = request.token.get_or_insert_with(make).clone();
        let has_fired = has_ended || request.is_cancelled;
        drop(state);
        if has_fired {
            token.fire();
        }
        token
    }
}
