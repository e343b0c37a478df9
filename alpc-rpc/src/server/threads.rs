//! The threads of a server: its workers, and those that stand in for workers whose handlers wait in
//! calls of their own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use alpc_transport::{CompletionPort, Error, Worker};

use super::{Service, run};

/// All of them.
#[derive(Clone, Default)]
pub(super) struct Threads(Arc<Mutex<Vec<JoinHandle<()>>>>);

impl Threads {
    /// Starts `workers` threads, and has more started when they wait: as many as could wait for each
    /// other, if calls go `depth` deep.
    pub(super) fn start(
        port: &CompletionPort,
        service: &Arc<Service>,
        workers: usize,
        depth: usize,
    ) -> Result<Threads, Error> {
        let threads = Threads::default();
        let (more, weak) = (threads.clone(), Arc::downgrade(service));
        port.stand_in(workers.saturating_mul(depth), move |worker| {
            let service = weak.upgrade();
            service.is_some_and(|service| more.add("alpc-spare", worker, service).is_ok())
        });
        for number in 0..workers {
            let name = format!("alpc-worker-{number}");
            threads.add(&name, port.worker(), service.clone())?;
        }
        Ok(threads)
    }

    fn add(&self, name: &str, worker: Worker, service: Arc<Service>) -> Result<(), Error> {
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(worker, &service))
            .map_err(|error| Error::os("start a worker", error))?;
        self.list().push(thread);
        Ok(())
    }

    /// Waits until they have ended.
    pub(super) fn join(&self) {
        loop {
            let next = self.list().pop();
            let Some(thread) = next else { return };
            // A worker catches the panics of handlers; one of its own was reported when it came.
            let _reported = thread.join();
        }
    }

    fn list(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
