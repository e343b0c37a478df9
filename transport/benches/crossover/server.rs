//! The server, which does nothing with what it is sent.

use std::path::Path;

use alpc_transport::{
    Bytes, Completion, CompletionPort, ConnectionPort, IncomingCall, Reply, Worker,
};
use rustix::thread::Pid;

use crate::placement::{allowed_cpus, pin};
use crate::{name, widest};

/// Methods of the server.
pub(crate) mod method {
    pub(crate) const TAKE: u64 = 1;
    pub(crate) const FILL: u64 = 2;
    pub(crate) const FREE_COPIERS: u64 = 3;
}

pub(crate) fn serve(place: &Path, cpus: &[usize]) {
    let all = allowed_cpus();
    pin(None, cpus);
    let attributes = widest(place);
    let port = ConnectionPort::create(&name(), &attributes).expect("the place is the bench's own");
    let port = CompletionPort::new(port).expect("there are descriptors");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| work(port.worker(), &all));
        }
    });
}

fn work(mut worker: Worker, all: &[usize]) {
    while let Ok(Some(completion)) = worker.next() {
        match completion {
            Completion::Connecting(request) => request.accept(b"").expect("there is room"),
            Completion::Call(call) => answer(&mut worker, call, all),
            _ => {}
        }
    }
}

fn answer(worker: &mut Worker, mut call: IncomingCall, all: &[usize]) {
    call.fetch().expect("the client lives and its memory is there");
    let mut reply = Reply::default();
    match call.method() {
        method::FILL => {
            // What the buffer held last time is as good as anything.
            let outs = call.rooms().map(|len| call.buffer(len as usize).map(Bytes::Buffer));
            reply.outs = outs.collect::<Result<_, _>>().expect("there is memory");
        }
        method::FREE_COPIERS => free_copiers(all),
        _ => reply.body = call.body().to_vec(),
    }
    // A client that is gone does not hear it.
    let _gone = worker.reply(call, reply);
}

/// Spreads the copiers of direct access over all CPUs, as they are where nothing is pinned.
fn free_copiers(all: &[usize]) {
    let threads = std::fs::read_dir("/proc/self/task").expect("proc is there");
    for thread in threads.flatten() {
        let name = std::fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        let number = thread.file_name().to_string_lossy().parse().ok().and_then(Pid::from_raw);
        let copier = name.trim().strip_prefix("alpc-copier-").and_then(|n| n.parse::<usize>().ok());
        if let Some(copier) = copier {
            pin(number, &[all[copier % all.len()]]);
        }
    }
}
