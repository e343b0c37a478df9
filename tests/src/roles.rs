//! What peers play.
//!
//! A role is named by the first argument of a peer's program; the others say more. A server's role says
//! `ready` when its port can be connected to.

use std::process::exit;
use std::sync::Arc;

use alpc_rpc::ServerBuilder;
use alpc_rpc::prelude::*;
use alpc_rpc::transport::Admission;

use crate::asynchrony::throughput;
use crate::everything;
use crate::peer::{Starter, say};
use crate::trial::{Other, Trial, api, other};
use crate::{asynchrony, bounds, garbage, graphs, idle, inheritance, marks, twins, types};

/// The port of the `trial` role.
pub const TRIAL: &str = "tests.trial";
/// The port of the `everything` and `bounds` roles, behind which there is one of two servers.
pub const ECHO: &str = "tests.echo";

/// Plays the role that the arguments name, until whoever started the process ends or is content.
pub fn play(arguments: &[String]) {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let starter = Starter::listen();
    let played = match words.as_slice() {
        ["trial", options @ ..] => serve_trial(&starter, options),
        ["everything", "idl"] => {
            serve(&starter, |port| port.interface(everything::idl::echo::server()))
        }
        ["everything", "twin"] => {
            serve(&starter, |port| port.interface(everything::twin::echo::server()))
        }
        ["types", "idl"] => serve(&starter, |port| port.interface(types::idl::echo::server())),
        ["types", "twin"] => serve(&starter, |port| port.interface(types::twin::echo::server())),
        ["bounds", "strict"] => {
            serve(&starter, |port| port.interface(bounds::strict::maker::server()))
        }
        ["bounds", "loose"] => {
            serve(&starter, |port| port.interface(bounds::loose::maker::server()))
        }
        ["marks", "persons"] => serve(&starter, |port| port.interface(marks::persons())),
        ["marks", "switches"] => serve(&starter, |port| port.interface(marks::switches())),
        ["marks", "places"] => serve(&starter, |port| port.interface(marks::places())),
        ["twins", "removed"] => serve(&starter, |port| port.interface(twins::persons())),
        ["marks", "ways"] => serve(&starter, |port| port.interface(marks::ways())),
        ["marks", "table"] => serve(&starter, |port| port.interface(marks::table())),
        ["marks", "logins"] => serve(&starter, |port| port.interface(marks::logins())),
        ["club"] => serve(&starter, |port| port.workers(4).interface(crate::club::server())),
        ["inheritance", "idl"] => serve(&starter, inheritance::idl::served::serve),
        ["inheritance", "twin"] => serve(&starter, inheritance::twin::served::serve),
        ["garbage"] => garbage::serve(TRIAL, || say("ready")).map_err(|error| error.to_string()),
        ["default caller"] => call_default(),
        ["waiter", name] => wait(name),
        ["flood", len] => flood(len),
        ["asynchrony", part @ ..] => asynchrony::play(&starter, part)
            .unwrap_or_else(|| Err(format!("nobody plays `{part:?}`"))),
        ["graphs", node] => graphs::serve(&starter, node),
        ["throughput server"] => throughput::serve(&starter).map_err(|error| error.to_string()),
        ["idle server"] => idle::serve(&starter),
        ["idle clients", count] => idle::connect(&starter, count),
        _ => Err(format!("nobody plays {words:?}")),
    };
    if let Err(why) = played {
        eprintln!("{why}");
        exit(1);
    }
}

fn serve(
    starter: &Starter,
    interface: impl FnOnce(ServerBuilder) -> ServerBuilder,
) -> Result<(), String> {
    let server = Server::bind(ECHO).and_then(|port| interface(port).start());
    listen(starter, &server.map_err(|error| error.to_string())?, &Trial::default())
}

/// Options: `workers=N`, `outstanding=N`, `max-argument=N`, `refuse=REASON`, `other`.
fn serve_trial(starter: &Starter, options: &[&str]) -> Result<(), String> {
    let mut attributes = crate::stage::attributes();
    let mut builder = Server::bind(TRIAL).map_err(|error| error.to_string())?;
    let number = |value: &str| value.parse().map_err(|_| format!("`{value}` is no number"));
    for option in options {
        match option.split_once('=') {
            Some(("workers", value)) => builder = builder.workers(number(value)?),
            Some(("outstanding", value)) => {
                attributes = attributes.outstanding_requests(number(value)?);
            }
            Some(("max-argument", value)) => {
                attributes = attributes.max_argument_len(number(value)?);
            }
            Some(("refuse", reason)) => {
                let reason = reason.to_owned();
                let rule = Admission::rule(move |_, _| Err(reason.clone()));
                attributes = attributes.admission(rule);
            }
            None if *option == "other" => {
                builder = builder.interface(other::OtherServer::new(Other));
            }
            _ => return Err(format!("nobody knows the option `{option}`")),
        }
    }
    let trial = Arc::new(Trial::default());
    let server = builder.attributes(attributes).serve(api::TrialServer::new(trial.clone()));
    listen(starter, &server.map_err(|error| error.to_string())?, &trial)
}

/// Does what the test asks for, while the server serves.
fn listen(starter: &Starter, server: &Server, trial: &Trial) -> Result<(), String> {
    say("ready");
    loop {
        let asked = starter.hear();
        match asked.split_once(' ').unwrap_or((&asked, "")) {
            ("connections", _) => say(server.connections()),
            ("release", name) => {
                trial.let_go(name);
                say("released");
            }
            ("waits", name) => say(if trial.waits(name) { "yes" } else { "no" }),
            ("stop", _) => {
                server.stopper().stop();
                say("stopped");
            }
            _ => return Err(format!("a server is not asked for `{asked}`")),
        }
    }
}

fn trial() -> Result<api::TrialClient, String> {
    api::TrialClient::connect(TRIAL).map_err(|error| error.to_string())
}

/// Makes a call where the interface itself says.
fn call_default() -> Result<(), String> {
    let client = api::TrialClient::connect_default().map_err(|error| error.to_string())?;
    say(client.add(2, 3).map_err(|error| error.to_string())?);
    Ok(())
}

/// Makes one call, which waits until somebody else releases it.
fn wait(name: &str) -> Result<(), String> {
    let client = trial()?;
    say("calling");
    client.without_deadline().wait(name).map_err(|error| error.to_string())
}

/// Sends and fetches bytes until it is killed.
fn flood(len: &str) -> Result<(), String> {
    let client = trial()?;
    let len: usize = len.parse().map_err(|_| format!("`{len}` is no number"))?;
    let mut data = vec![1; len];
    say("calling");
    loop {
        let sent = client.upload(&data).map_err(|error| error.to_string())?;
        let filled = client.fill(2, &mut data).map_err(|error| error.to_string())?;
        if (sent, filled) != (len as u64, len) {
            return Err(format!("{sent} and {filled} of {len} bytes"));
        }
    }
}
