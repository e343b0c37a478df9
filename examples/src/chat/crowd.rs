//! Many guests who all talk at once, and compare what they have heard.

use std::thread;
use std::time::{Duration, Instant};

use alpc_rpc::prelude::*;
use alpc_rpc::{Deadline, Events};

use super::interface::{ChatClient, Guest, SeatClient, SeatEvent};
use crate::actor::Failure;

/// How long to wait for what others say. It is not waited for in full when all goes well.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the nicks of the crowd begin with.
const NICK: &str = "crowd-";

/// How large the crowd is, and how much it has to say.
#[derive(Debug, Clone)]
pub struct Crowd {
    /// The room in which they meet.
    pub room: String,
    /// How many there are.
    pub guests: u64,
    /// Each of them says so many.
    pub lines: u64,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Lines that were said.
    pub said: u64,
    /// Lines that were heard, by all guests together.
    pub heard: u64,
    /// Lines that a guest missed, having no room for them, and was told so.
    pub missed: u64,
    /// From the first connection to the last line.
    pub took: Duration,
}

/// Answers nothing: nobody asks in a crowd.
struct Talker;

impl Guest for Talker {
    fn asked(&self, _: &Call<'_>, _: &str, _: &str) -> Option<String> {
        None
    }
}

impl Crowd {
    /// Has all of them talk.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached, or somebody heard lines out of their order, or some neither
    /// came nor were told to be missed.
    pub fn talk(&self, port: &str) -> Result<Outcome, Failure> {
        let begun = Instant::now();
        // All are there, and listen, before anybody talks: so nobody misses the beginning.
        let seats = (0..self.guests).map(|n| self.enter(port, n));
        let seats = seats.collect::<Result<Vec<SeatClient>, Failure>>()?;
        let listening: Vec<_> = seats.into_iter().map(|seat| (seat.events(), seat)).collect();
        let heard = thread::scope(|scope| {
            let one = |(events, seat)| scope.spawn(move || self.one(&seat, events));
            let guests: Vec<_> = listening.into_iter().map(one).collect();
            let heard = guests.into_iter().map(|guest| match guest.join() {
                Ok(heard) => heard,
                Err(_) => Err("a guest panicked".into()),
            });
            heard.collect::<Result<Vec<Heard>, Failure>>()
        })?;
        let (heard, missed) =
            heard.iter().fold((0, 0), |sum, one| (sum.0 + one.lines, sum.1 + one.missed));
        Ok(Outcome { said: self.said(), heard, missed, took: begun.elapsed() })
    }

    fn said(&self) -> u64 {
        self.guests * self.lines
    }

    /// A connection of its own for each: it is closed when its seat is given back.
    fn enter(&self, port: &str, n: u64) -> Result<SeatClient, Failure> {
        let chat = ChatClient::connect(port)?;
        Ok(chat.enter(&self.room, &format!("{NICK}{n}"), Talker).split()??)
    }

    /// One guest, who talks and listens at once.
    fn one(&self, seat: &SeatClient, mut events: Events<SeatEvent>) -> Result<Heard, Failure> {
        thread::scope(|scope| {
            let talk =
                || (0..self.lines).try_for_each(|n| seat.say(&format!("line {n}")).map(drop));
            let talking = scope.spawn(talk);
            let mut heard = Heard::default();
            let deadline = Deadline::after(PATIENCE);
            // What was missed is told with the next event, and somebody always leaves.
            while heard.lines + heard.missed < self.said() {
                let event = events.wait(deadline);
                heard.missed = events.missed();
                if let SeatEvent::Said { number, nick, .. } = event? {
                    heard.line(number, &nick)?;
                }
            }
            talking.join().map_err(|_| "a talker panicked")??;
            Ok(heard)
        })
    }
}

/// What one guest has heard.
#[derive(Debug, Default)]
struct Heard {
    /// Lines of the crowd.
    lines: u64,
    /// The number of the line before.
    last: u64,
    missed: u64,
}

impl Heard {
    fn line(&mut self, number: u64, nick: &str) -> Result<(), Failure> {
        if number <= self.last {
            return Err(format!("line {number} came after line {}", self.last).into());
        }
        self.last = number;
        // Others may be in the room.
        self.lines += u64::from(nick.starts_with(NICK));
        Ok(())
    }
}
