//! The requests of one client that are unanswered, and which of them nobody waits for any more.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

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
    requests: VecDeque<Request>,
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

impl Request {
    /// Whether anybody has said or asked something about it.
    fn is_known(&self) -> bool {
        self.is_cancelled || self.grant.is_some() || self.token.is_some()
    }
}

/// Requests that are being taken together.
pub(super) struct Beginning<'o>(MutexGuard<'o, State>);

impl Beginning<'_> {
    #[inline]
    pub(super) fn begin(&mut self, id: MessageId) {
        let State { requests, early, .. } = &mut *self.0;
        let early_at = early.iter().position(|early| *early == id);
        let is_cancelled = early_at.map(|at| early.remove(at)).is_some();
        requests.push_back(Request { id, is_cancelled, grant: None, token: None });
    }
}

impl State {
    /// Mostly it is among the first: requests are answered in about the order in which they came.
    #[inline]
    fn end(&mut self, id: MessageId) -> Option<Request> {
        let at = self.requests.iter().position(|request| request.id == id)?;
        self.requests.remove(at)
    }

    fn find(&mut self, id: MessageId) -> Option<&mut Request> {
        self.requests.iter_mut().find(|request| request.id == id)
    }
}

impl Outstanding {
    /// A request was taken.
    pub(super) fn begin(&self, id: MessageId) {
        self.beginning().begin(id);
    }

    /// For requests that were taken together.
    pub(super) fn beginning(&self) -> Beginning<'_> {
        Beginning(lock(&self.state))
    }

    /// A request is answered. `true`: nobody waited for that any more.
    pub(super) fn end(&self, id: MessageId) -> bool {
        let ended = lock(&self.state).end(id);
        ended.is_some_and(|request| request.is_cancelled)
    }

    /// Requests are answered. Gives how many of them nobody waited for any more.
    pub(super) fn end_all(&self, ids: &[MessageId]) -> usize {
        let mut state = lock(&self.state);
        let ended = ids.iter().filter_map(|id| state.end(*id));
        // What others have said or asked of them goes without the lock.
        let known: Vec<_> = ended.filter(Request::is_known).collect();
        drop(state);
        known.iter().filter(|request| request.is_cancelled).count()
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
