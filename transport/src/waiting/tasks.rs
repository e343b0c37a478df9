//! How tasks of an async runtime wait on a channel, whichever runtime it is.
//!
//! A task that finds nothing leaves its waker here and returns. Somebody has to sleep on the socket in
//! its place: an event loop of the application's (see `outside`), or else a thread of the port's own,
//! which begins with the first task that waits, takes the lead when no thread of the application's has
//! it, and only sleeps, routes and wakes. It keeps no port alive, and ends with it.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread::Thread;

use super::{Interest, Leader, PortWatch, State, Wait, Waiter, Waiting, ring_unless_me, timed_out};
use crate::channel::{Channel, lock};
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Deadline, MessageId};

/// Names a task that waits: by the number of the message that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TaskId(pub(crate) MessageId);

/// A task that waits.
pub(super) struct Task {
    pub(super) id: TaskId,
    pub(super) interest: Interest,
    pub(super) waker: Waker,
    pub(super) deadline: Deadline,
}

/// Tasks that have to look again. A waker is the application's code: it may drop a call of this very
/// port, and so it is used, and dropped, under no lock.
#[derive(Default)]
#[must_use]
pub(super) struct Wakers(Vec<Waker>);

impl Wakers {
    pub(super) fn extend(&mut self, more: Wakers) {
        self.0.extend(more.0);
    }

    /// To be called without the lock.
    pub(super) fn wake(self) {
        self.0.into_iter().for_each(Waker::wake);
    }
}

/// The call waits as a task.
#[derive(Clone, Copy)]
pub(crate) struct InTask<'e> {
    pub(crate) id: TaskId,
    pub(crate) driver: &'e Driver,
}

impl Wait for InTask<'_> {
    async fn until<T>(
        self,
        (waiting, channel): (&Waiting, &Channel),
        deadline: Deadline,
        interest: Interest,
        mut ready: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let task = Waits { waiting, channel, deadline, interest, on: self };
        poll_fn(|cx| task.poll(cx, &mut ready)).await
    }

    fn waiter(self) -> Waiter {
        Waiter::Task(self.id)
    }

    const KEEPS_MEMORY: bool = false;
}

/// One wait of a task. Dropped, it is forgotten.
struct Waits<'a> {
    waiting: &'a Waiting,
    channel: &'a Channel,
    deadline: Deadline,
    interest: Interest,
    on: InTask<'a>,
}

impl Waits<'_> {
    fn poll<T>(
        &self,
        cx: &Context<'_>,
        ready: &mut impl FnMut() -> Result<Option<T>>,
    ) -> Poll<Result<T>> {
        match self.look(cx, ready) {
            Ok(Some(found)) => Poll::Ready(Ok(found)),
            Ok(None) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn look<T>(
        &self,
        cx: &Context<'_>,
        ready: &mut impl FnMut() -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let Waits { waiting, channel, deadline, interest, on } = *self;
        if let Some(found) = ready()? {
            return Ok(Some(found));
        }
        channel.check_open()?;
        if deadline.is_past() {
            // What came at the last moment still counts. If another leads, it has routed that.
            if let Some(_lead) = waiting.lead(channel) {
                waiting.route(channel)?;
            }
            return ready()?.ok_or_else(timed_out).map(Some);
        }
        let waker = cx.waker().clone();
        waiting.enlist(Task { id: on.id, interest, waker, deadline }, on.driver)?;
        // Looked for again after that: whoever comes now wakes the task.
        let found = ready()?;
        channel.check_open()?;
        Ok(found)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.waiting.stop_watching(self.on.id);
    }
}

impl State {
    /// The wakers of those tasks.
    pub(super) fn wakers(&self, of: impl Fn(&Task) -> bool) -> Wakers {
        Wakers(self.tasks.iter().filter(|task| of(task)).map(|task| task.waker.clone()).collect())
    }

    /// When the first of the tasks has waited for long enough. `None`: none waits.
    pub(super) fn alarm(&self) -> Option<Deadline> {
        self.tasks.iter().map(|task| task.deadline).min()
    }
}

impl Waiting {
    /// Has `waker` woken whenever something may have changed, until it is stopped.
    pub(crate) fn watch_progress(&self, id: TaskId, waker: Waker, driver: &Driver) {
        let (interest, deadline) = (Interest::Progress, Deadline::NEVER);
        // What can fail is to start the thread that watches, and whoever asks for this has done so.
        let _started = self.enlist(Task { id, interest, waker, deadline }, driver);
    }

    pub(crate) fn stop_watching(&self, id: TaskId) {
        let mut state = lock(&self.state);
        let at = state.tasks.iter().position(|task| task.id == id);
        let forgotten = at.map(|at| state.tasks.swap_remove(at));
        // Its waker goes when the lock is free.
        drop(state);
        drop(forgotten);
    }

    /// Notes that a task waits, and sees that somebody watches for it.
    fn enlist(&self, task: Task, driver: &Driver) -> Result<()> {
        let mut state = lock(&self.state);
        let deadline = task.deadline;
        let is_watched = state.watched_until.is_some_and(|until| until <= deadline);
        let before = match state.tasks.iter_mut().find(|known| known.id == task.id) {
            Some(known) => Some(std::mem::replace(known, task)),
            None => {
                state.tasks.push(task);
                None
            }
        };
        if !is_watched {
            driver.rouse();
            if let Leader::Sleeps(leader, Interest::Tasks) = state.leader {
                ring_unless_me(leader, &self.bell);
            }
        }
        let is_watched = state.outside.watch_until(deadline)?;
        let must_arm = state.leader == Leader::Nobody && state.must_arm();
        drop(state);
        drop(before);
        if must_arm {
            self.arm(&driver.channel);
        }
        if is_watched { Ok(()) } else { driver.start() }
    }

    /// Watches for tasks until none waits, or the channel has ended.
    fn watch(&self, channel: &Channel) {
        while let Some(until) = self.next_alarm() {
            let changed = || {
                let state = lock(&self.state);
                Ok(state.alarm().is_none_or(|alarm| alarm < until).then_some(()))
            };
            let waited = self.wait(channel, until, Interest::Tasks, changed);
            let has_ended = matches!(&waited, Err(error) if *error.kind() != ErrorKind::TimedOut);
            self.wake_tasks(|task| has_ended || task.deadline.is_past());
        }
    }

    /// Wakes those that have to look, and forgets them until they wait again.
    pub(super) fn wake_tasks(&self, must_look: impl Fn(&Task) -> bool) {
        let mut state = lock(&self.state);
        state.watched_until = None;
        let waiting_for = state.tasks.extract_if(.., |task| must_look(task));
        let woken = Wakers(waiting_for.map(|task| task.waker).collect());
        drop(state);
        woken.wake();
    }

    /// Sets the next alarm, under the lock that tasks are enlisted under.
    fn next_alarm(&self) -> Option<Deadline> {
        let mut state = lock(&self.state);
        state.watched_until = state.alarm();
        state.watched_until
    }
}

/// The thread that watches a port's socket for tasks, where nobody does from outside.
pub(crate) struct Driver {
    waiting: Arc<Waiting>,
    channel: Arc<Channel>,
    thread: Mutex<Option<Thread>>,
}

impl Driver {
    pub(crate) fn new(waiting: Arc<Waiting>, channel: Arc<Channel>) -> Driver {
        Driver { waiting, channel, thread: Mutex::default() }
    }

    /// Starts the thread, if it has not begun.
    pub(crate) fn start(&self) -> Result<()> {
        let mut thread = lock(&self.thread);
        if thread.is_some() {
            return Ok(());
        }
        let (waiting, channel) = (self.waiting.clone(), self.channel.clone());
        let started = std::thread::Builder::new()
            .name("alpc-driver".to_owned())
            .spawn(move || drive(&waiting, &channel))
            .map_err(|error| Error::os("start a thread that watches for tasks", error))?;
        *thread = Some(started.thread().clone());
        Ok(())
    }

    /// Begins to watch from outside.
    pub(crate) fn watch(&self) -> Result<PortWatch> {
        PortWatch::new(self.waiting.clone(), self.channel.clone())
    }

    /// Has the thread look again.
    fn rouse(&self) {
        if let Some(thread) = &*lock(&self.thread) {
            thread.unpark();
        }
    }
}

impl Drop for Driver {
    /// The port closes its channel before.
    fn drop(&mut self) {
        self.rouse();
        self.waiting.prompt();
    }
}

fn drive(waiting: &Waiting, channel: &Channel) {
    while channel.closed().is_none() {
        waiting.watch(channel);
        if channel.closed().is_none() {
            std::thread::park();
        }
    }
}
