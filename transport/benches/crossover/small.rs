//! Small calls, beside the least that any local call costs.

use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::placement::{Placement, pin};
use crate::server::method;
use crate::{Bench, Options, call, median, micros};

/// 64 bytes there and back: ours, and a raw pair of SOCK_SEQPACKET sockets, in turns.
pub(crate) fn latencies(options: &Options, all: &[usize]) -> Vec<(Placement, f64, f64)> {
    let mut found = Vec::new();
    for placement in Placement::ALL {
        let bench = Bench::start(placement, all, options.window);
        let raw = RawEcho::start(&placement.cpus(all).1);
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..options.rounds() * 4 + 1 {
            let took: Vec<_> = (0..5000)
                .map(|_| {
                    let start = Instant::now();
                    call(&bench.copy, method::TAKE, &mut []);
                    micros(start.elapsed())
                })
                .collect();
            let raw_took: Vec<_> = (0..1000).map(|_| raw.there_and_back()).collect();
            if round > 0 {
                ours.extend(took);
                theirs.extend(raw_took);
            }
        }
        found.push((placement, median(&mut ours), median(&mut theirs)));
        pin(None, all);
    }
    found
}

struct RawEcho {
    socket: OwnedFd,
    child: Child,
}

impl RawEcho {
    fn start(cpus: &[usize]) -> RawEcho {
        use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .expect("there are descriptors");
        let list: Vec<_> = cpus.iter().map(ToString::to_string).collect();
        let child = Command::new(std::env::current_exe().expect("this program has a path"))
            .env("ALPC_BENCH_RAW", "1")
            .env("ALPC_BENCH_CPUS", list.join(","))
            .stdin(Stdio::from(theirs))
            .spawn()
            .expect("this program can be run again");
        RawEcho { socket: ours, child }
    }

    fn there_and_back(&self) -> f64 {
        use rustix::net::{RecvFlags, SendFlags, recv, send};
        let mut bytes = [7; 64];
        let start = Instant::now();
        send(&self.socket, &bytes, SendFlags::empty()).expect("the echo lives");
        recv(&self.socket, &mut bytes, RecvFlags::empty()).expect("the echo lives");
        micros(start.elapsed())
    }
}

impl Drop for RawEcho {
    fn drop(&mut self) {
        let _dead = self.child.kill();
        let _dead = self.child.wait();
    }
}

pub(crate) fn echo_raw(cpus: &[usize]) {
    use rustix::net::{RecvFlags, SendFlags, recv, send};
    pin(None, cpus);
    let socket = std::io::stdin();
    let mut bytes = [0; 64];
    while let Ok((1.., _)) = recv(&socket, &mut bytes[..], RecvFlags::empty()) {
        if send(&socket, &bytes, SendFlags::NOSIGNAL).is_err() {
            return;
        }
    }
}
