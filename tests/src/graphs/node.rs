//! One of the processes: a server of the others, and a client of each of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use alpc_rpc::prelude::*;

use super::api::{Node, NodeClient, NodeServer, Step, Stuck, Walker, WalkerClient};
use super::plan::{self, NODES, Way};
use crate::peer::{Starter, say};

/// Far beyond what any call takes: one that meets it has met nobody.
const PATIENCE: Duration = Duration::from_secs(100);

/// Threads of each process that begin graphs at one time.
const THREADS: u64 = 4;

/// The port of a process.
fn port(node: u8) -> String {
    format!("tests.graphs.{node}")
}

/// What a process knows.
struct Here {
    node: u8,
    /// The others, and nobody at its own place.
    others: OnceLock<Vec<Option<NodeClient>>>,
    /// Handlers that were run by threads which waited.
    on_waiting: AtomicU64,
}

/// A process, to the others and to whom it calls.
#[derive(Clone)]
struct Place(Arc<Here>);

impl Place {
    /// Does what the plan says for a step, and gives what comes of it.
    fn follow(
        &self,
        cx: &Call<'_>,
        step: &Step,
        back: Option<(u8, &WalkerClient)>,
    ) -> Result<u64, Stuck> {
        let depth = cx.chain().map(|chain| chain.depth());
        if depth != Some(usize::from(step.depth)) {
            return Err(failed(format!("a call of depth {} came with {depth:?}", step.depth)));
        }
        if !std::thread::current().name().is_some_and(|name| name.starts_with("alpc-")) {
            self.0.on_waiting.fetch_add(1, Ordering::Relaxed);
        }
        let mut value = plan::worth(step, self.0.node);
        for child in plan::children(step, self.0.node, back.map(|(node, _)| node)) {
            let walker = back.map(|(_, walker)| walker);
            value = plan::mix(value, self.call(child.way, &child.step, walker)?);
        }
        Ok(value)
    }

    fn call(&self, way: Way, step: &Step, back: Option<&WalkerClient>) -> Result<u64, Stuck> {
        let others = self.0.others.get().map_or(&[][..], Vec::as_slice);
        let other = others.get(usize::from(way.node())).and_then(Option::as_ref);
        let answer = match (way, other, back) {
            (Way::To(_), Some(other), _) => other.step(step),
            (Way::Visit(_), Some(other), _) => other.visit(step, self.0.node, self.clone()),
            (Way::Back(_), _, Some(walker)) => walker.with_timeout(PATIENCE).back(step),
            _ => return Err(failed(format!("{way:?} leads nowhere"))),
        };
        answer.map_err(|error| match error {
            CallError::App(stuck) => stuck,
            CallError::Transport(error) => failed(error.to_string()),
        })
    }
}

fn failed(what: String) -> Stuck {
    Stuck::Failed { what }
}

impl Node for Place {
    fn step(&self, cx: &Call<'_>, step: Step) -> Result<u64, Stuck> {
        self.follow(cx, &step, None)
    }

    fn visit(
        &self,
        cx: &Call<'_>,
        step: Step,
        caller: u8,
        walker: WalkerClient,
    ) -> Result<u64, Stuck> {
        self.follow(cx, &step, Some((caller, &walker)))
    }
}

impl Walker for Place {
    fn back(&self, cx: &Call<'_>, step: Step) -> Result<u64, Stuck> {
        self.follow(cx, &step, None)
    }
}

/// Plays one of the processes.
///
/// # Errors
///
/// When it cannot serve, cannot connect, or is told what it does not understand.
pub fn serve(starter: &Starter, node: &str) -> Result<(), String> {
    let node: u8 = node.parse().map_err(|_| format!("`{node}` is no number"))?;
    let here = Here { node, others: OnceLock::new(), on_waiting: AtomicU64::new(0) };
    let place = Place(Arc::new(here));
    let server = Server::bind(&port(node))
        .and_then(|builder| builder.serve(NodeServer::new(place.clone())))
        .map_err(|error| error.to_string())?;
    say("ready");
    loop {
        let told = starter.hear();
        match told.split(' ').collect::<Vec<_>>().as_slice() {
            ["meet"] => {
                let others = (0..NODES).map(|other| match other == node {
                    true => Ok(None),
                    false => NodeClient::connect(&port(other))
                        .map(|client| Some(client.with_timeout(PATIENCE))),
                });
                let others: Result<Vec<_>, _> = others.collect();
                let _first = place.0.others.set(others.map_err(|error| error.to_string())?);
                say("met");
            }
            ["run", calls, seed] => {
                let number = |word: &str| word.parse().map_err(|_| format!("`{word}`: no number"));
                say(run(&place, number(calls)?, number(seed)?));
            }
            ["deeper"] => say(deeper(&place)),
            ["end"] => break,
            _ => return Err(format!("a node is not told `{told}`")),
        }
    }
    server.shut_down();
    Ok(())
}

/// Begins graphs until so many calls were made, and says how many it were, how many of this process's
/// handlers were run by threads that waited, and what went wrong first.
fn run(place: &Place, calls: u64, seed: u64) -> String {
    let made = AtomicU64::new(0);
    let wrong = OnceLock::new();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (made, wrong) = (&made, &wrong);
            scope.spawn(move || {
                let mut seed = plan::mix(seed, u64::from(place.0.node) << 8 | thread);
                while made.load(Ordering::Relaxed) < calls && wrong.get().is_none() {
                    seed = plan::mix(seed, 1);
                    match graph(place, seed) {
                        Ok(calls) => drop(made.fetch_add(calls, Ordering::Relaxed)),
                        Err(why) => drop(wrong.set(why)),
                    }
                }
            });
        }
    });
    let (made, waited) = (made.into_inner(), place.0.on_waiting.swap(0, Ordering::Relaxed));
    match wrong.into_inner() {
        None => format!("made {made} {waited}"),
        Some(why) => format!("wrong {why}"),
    }
}

/// Makes the calls of one graph, and checks what comes of it; gives how many they were.
fn graph(place: &Place, seed: u64) -> Result<u64, String> {
    let [most, ..] = seed.to_le_bytes();
    let step = Step::new(seed, 1, 1 + most % 16);
    let way = plan::way(plan::mix(seed, 2), place.0.node, None);
    let (expected, calls) = plan::expected(&step, way, place.0.node);
    match place.call(way, &step, None) {
        Ok(value) if value == expected => Ok(calls),
        Ok(value) => Err(format!("{step:?} gave {value}, not {expected}")),
        Err(Stuck::Failed { what }) => Err(format!("{step:?}: {what}")),
        Err(other) => Err(format!("{step:?}: {other:?}")),
    }
}

/// What comes of a graph that would go one call deeper than it may.
fn deeper(place: &Place) -> String {
    let step = Step::new(7, 1, 17);
    let way = plan::way(7, place.0.node, None);
    match place.call(way, &step, None) {
        Ok(value) => format!("it gave {value}"),
        Err(Stuck::Failed { what }) => what,
        Err(other) => format!("{other:?}"),
    }
}
