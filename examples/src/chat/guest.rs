//! Somebody in a room: what is said there is printed, what is typed here is said there.

use std::io::{self, BufRead};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use alpc_rpc::Events;
use alpc_rpc::prelude::*;

use super::interface::{ChatClient, ChatError, Guest, SeatClient, SeatEvent};
use crate::actor::Failure;
use crate::output::say;

/// How long somebody may think about an answer. Less than the interface allows, so that the answer is
/// no answer, and not a time-out.
const THOUGHT: Duration = Duration::from_secs(20);

/// The part of a guest that others ask.
struct Asked {
    answers: Mutex<Receiver<String>>,
}

impl Guest for Asked {
    fn asked(&self, _: &Call<'_>, nick: &str, question: &str) -> Option<String> {
        // One question at a time: nobody can tell whose answer it is otherwise.
        let answers = self.answers.try_lock().ok()?;
        // What was answered to a question that is over.
        while answers.try_recv().is_ok() {}
        say(&format!("{nick} asks you: {question} (`/answer TEXT`)"));
        answers.recv_timeout(THOUGHT).ok()
    }
}

/// What a guest waits for.
enum Told {
    Typed(String),
    InputEnds,
    Happened { event: SeatEvent, missed: u64 },
    ServerEnds,
}

/// Enters a room, and stays until the input ends, or the server.
///
/// # Errors
///
/// When there is no server, it does not let this guest in, or it is gone.
pub fn join(port: &str, room: &str, nick: &str) -> Result<(), Failure> {
    let chat = ChatClient::connect(port)?;
    let (answer, answers) = channel();
    let guest = Asked { answers: Mutex::new(answers) };
    let seat = chat.enter(room, nick, guest).split()??;
    let (tell, tells) = channel();
    // Neither is waited for at the end: one waits for the terminal, the other for the server.
    thread::Builder::new().spawn({
        let (events, tell) = (seat.events(), tell.clone());
        move || listen(events, &tell)
    })?;
    say(&format!("you are in {room}, as {nick}; `/help` says what you can do"));
    thread::Builder::new().spawn(move || read_input(&tell))?;
    for told in tells {
        match told {
            Told::Typed(line) => {
                if let Goes::Home = command(&seat, &answer, &line)? {
                    break;
                }
            }
            Told::Happened { event, missed } => show(event, missed),
            Told::InputEnds => break,
            Told::ServerEnds => return Err("the server is gone".into()),
        }
    }
    Ok(())
}

fn read_input(tell: &Sender<Told>) {
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        if tell.send(Told::Typed(line)).is_err() {
            return;
        }
    }
    let _left = tell.send(Told::InputEnds);
}

fn listen(mut events: Events<SeatEvent>, tell: &Sender<Told>) {
    let mut missed_before = 0;
    while let Some(Ok(event)) = events.next() {
        let missed = events.missed() - missed_before;
        missed_before = events.missed();
        if tell.send(Told::Happened { event, missed }).is_err() {
            return;
        }
    }
    let _left = tell.send(Told::ServerEnds);
}

enum Goes {
    On,
    Home,
}

fn command(seat: &SeatClient, answer: &Sender<String>, line: &str) -> Result<Goes, Failure> {
    match line.split_once(' ').unwrap_or((line, "")) {
        ("/quit", _) => return Ok(Goes::Home),
        ("/help", _) => say("TEXT | /ask NICK TEXT | /answer TEXT | /guests | /quit"),
        ("/guests", _) => say(&format!("here are: {}", seat.guests()?.join(", "))),
        // Whoever asked is given it, or nobody did.
        ("/answer", text) => answer.send(text.to_owned())?,
        ("/ask", what) => ask(seat, what)?,
        (unknown, _) if unknown.starts_with('/') => say(&format!("there is no {unknown}")),
        _ => {
            let _number = seat.say(line)?;
        }
    }
    Ok(Goes::On)
}

fn ask(seat: &SeatClient, what: &str) -> Result<(), Failure> {
    let (nick, question) = what.split_once(' ').unwrap_or((what, ""));
    match seat.ask(nick, question).split()? {
        Ok(Some(text)) => say(&format!("{nick} answers: {text}")),
        Ok(None) => say(&format!("{nick} does not want to answer")),
        Err(refused @ (ChatError::NobodyCalled { .. } | ChatError::NoAnswer { .. })) => {
            say(&refused.to_string());
        }
        Err(other) => return Err(other.into()),
    }
    Ok(())
}

fn show(event: SeatEvent, missed: u64) {
    if missed > 0 {
        say(&format!("({missed} events were missed)"));
    }
    match event {
        SeatEvent::Said { number, nick, text } => say(&format!("{number:>4} {nick}: {text}")),
        SeatEvent::Came { nick } => say(&format!("{nick} is here")),
        SeatEvent::Left { nick } => say(&format!("{nick} has left")),
    }
}
