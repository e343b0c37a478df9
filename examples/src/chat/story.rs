//! The scenario, played by real processes: each is this program, started with other arguments.

use alpc_rpc::prelude::*;

use super::crowd::Crowd;
use super::interface::ChatClient;
use crate::actor::{Actor, Failure, narrate};

/// Plays the scenario, and tells it line by line.
///
/// # Errors
///
/// When something does not happen as told.
pub fn tell() -> Result<(), Failure> {
    // Not the port of a real server, one of which may be running, nor that of another story.
    let port = format!("acme.chat.story-{}", std::process::id());
    narrate("a server starts, and three guests enter a room: a process each");
    let server = Actor::start("server", &["server", "--name", &port, "--until-input-ends"])?;
    server.wait_for("serving")?;
    let watcher = Actor::start("watcher", &["watch", "--name", &port])?;
    watcher.wait_for("watching")?;
    let mut ada = enter(&port, "ada")?;
    watcher.wait_for("the room `kitchen` is open")?;
    let mut bob = enter(&port, "bob")?;
    ada.wait_for("bob is here")?;
    let eve = enter(&port, "eve")?;
    bob.wait_for("eve is here")?;

    narrate("what one says, all hear: by an event");
    ada.tell("good morning")?;
    for guest in [&ada, &bob, &eve] {
        guest.wait_for("1 ada: good morning")?;
    }

    narrate("ada asks bob alone: her call waits while the server calls bob, who answers");
    ada.tell("/ask bob tea or coffee?")?;
    bob.wait_for("ada asks you: tea or coffee?")?;
    bob.tell("/answer tea")?;
    ada.wait_for("bob answers: tea")?;

    narrate("whoever is not there cannot be asked, and no name can be taken twice");
    ada.tell("/ask zoe anything?")?;
    ada.wait_for("nobody called zoe is here")?;
    let second = Actor::start("bob", &["join", "--name", &port, "kitchen", "bob"])?;
    second.wait_for("somebody called bob is in that room already")?;
    drop(second);

    narrate("twelve more guests, all of them talking at once; eve does not listen meanwhile");
    eve.pause()?;
    let crowd = Crowd { room: "kitchen".to_owned(), guests: 12, lines: 3 };
    let outcome = crowd.talk(&port)?;
    let (said, heard) = (outcome.said, outcome.heard);
    narrate(&format!("  {said} lines were said, and {heard} heard, in one order by everybody"));
    bob.wait_for("37 crowd-")?;
    eve.go_on()?;
    eve.wait_for("37 crowd-")?;

    narrate("eve is killed, and had no time to say goodbye; the others are told");
    eve.kill()?;
    ada.wait_for("eve has left")?;

    narrate("the last ones leave, and their room is closed");
    ada.end()?;
    bob.wait_for("ada has left")?;
    bob.tell("/quit")?;
    watcher.wait_for("the room `kitchen` is closed")?;
    if !ChatClient::connect(&port)?.rooms()?.is_empty() {
        return Err("a room without guests is still there".into());
    }
    server.end()?;
    narrate("everything happened as told");
    Ok(())
}

fn enter(port: &str, nick: &'static str) -> Result<Actor, Failure> {
    let guest = Actor::start(nick, &["join", "--name", port, "kitchen", nick])?;
    guest.wait_for("you are in kitchen")?;
    Ok(guest)
}
