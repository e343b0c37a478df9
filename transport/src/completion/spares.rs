//! Threads that stand in for workers which wait in calls of their handlers'.
//!
//! Two servers that call each other would stand still if every worker of each waited for one of the
//! other's. So whoever waits is replaced, by a thread that is started for that and stays. How many there
//! may be is for the owner of the port to say: no more are started than workers wait at one time.

use std::sync::{Mutex, OnceLock};

use crate::channel::lock;

/// The spare threads of a completion port.
#[derive(Default)]
pub(crate) struct Spares {
    state: Mutex<State>,
    hire: OnceLock<Hire>,
}

#[derive(Default)]
struct State {
    /// Workers that wait.
    away: usize,
    hired: usize,
}

struct Hire {
    most: usize,
    start: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Spares {
    /// Says how threads are started, and how many. The first one stays.
    pub(crate) fn hire_by(&self, most: usize, start: impl Fn() -> bool + Send + Sync + 'static) {
        let _first = self.hire.set(Hire { most, start: Box::new(start) });
    }

    /// A worker is about to wait.
    pub(crate) fn step_aside(&self) {
        let Some(hire) = self.hire.get() else {
            lock(&self.state).away += 1;
            return;
        };
        {
            let mut state = lock(&self.state);
            state.away += 1;
            if state.away <= state.hired || state.hired >= hire.most {
                return;
            }
            state.hired += 1;
        }
        // Without another thread others wait longer, which is no reason to fail this call.
        if !(hire.start)() {
            lock(&self.state).hired -= 1;
        }
    }

    /// It goes on.
    pub(crate) fn step_back(&self) {
        lock(&self.state).away -= 1;
    }
}
