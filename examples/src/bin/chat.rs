//! A chat: rooms in which the people at several processes talk.
//!
//! ```text
//! cargo run -p alpc-examples --bin chat
//! ```
//!
//! plays a scenario with processes of its own. By hand, each in a terminal:
//!
//! ```text
//! cargo run -p alpc-examples --bin chat -- server
//! cargo run -p alpc-examples --bin chat -- join kitchen ada
//! cargo run -p alpc-examples --bin chat -- join kitchen bob
//! cargo run -p alpc-examples --bin chat -- crowd --guests 100
//! ```

#![forbid(unsafe_code)]

use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::thread;

use alpc_examples::actor::Failure;
use alpc_examples::arguments::{Arguments, UsageError};
use alpc_examples::chat::crowd::{Crowd, Outcome};
use alpc_examples::chat::interface::{ChatClient, ChatError, ChatEvent, ChatServer};
use alpc_examples::chat::rooms::Rooms;
use alpc_examples::chat::{PORT, guest, story};
use alpc_examples::output::say;
use alpc_examples::signals::stop_on_ctrl_c;
use alpc_rpc::{CallError, Client, ConnectError, Server, Stopper};

const HELP: &str = "\
A chat: rooms in which the people at several processes talk.

Usage: chat [COMMAND]

  (no command)         play a scenario with processes of its own
  server               be the server, until Ctrl-C
      --until-input-ends   or until the standard input ends
  join ROOM NICK       enter a room: lines are said there, `/help` lists what else can be done
  rooms                print which rooms there are, and how many are in each
  watch                print which rooms open and close, until the server ends
  crowd                many guests in one room, who all talk at once and compare what they hear
      --guests N           how many [50]
      --lines N            how much each has to say [10]
      --room NAME          where [crowd]
      --json               the outcome as JSON

  --name PORT          the server's port [acme.chat]
  --help               this text

Exit codes: 0 done, 1 refused, or not as told, 2 wrong usage, 3 no connection.";

enum Role {
    Story,
    Server { until: Until },
    Join { room: String, nick: String },
    Rooms,
    Watch,
    Crowd { crowd: Crowd, form: Form },
}

#[derive(PartialEq, Eq)]
enum Until {
    Signal,
    InputEnds,
}

enum Form {
    Text,
    Json,
}

fn main() -> ExitCode {
    let mut arguments = Arguments::of_process();
    if arguments.flag("--help") || arguments.flag("-h") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match role(arguments).map_err(Into::into).and_then(|(role, port)| play(role, &port)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("chat: {failure}");
            exit_code(&*failure)
        }
    }
}

fn role(mut arguments: Arguments) -> Result<(Role, String), UsageError> {
    let port = arguments.parsed("--name")?.unwrap_or_else(|| PORT.to_owned());
    if arguments.is_empty() {
        return Ok((Role::Story, port));
    }
    let role = match arguments.text_operand("COMMAND")?.as_str() {
        "server" => {
            let until_input_ends = arguments.flag("--until-input-ends");
            Role::Server { until: if until_input_ends { Until::InputEnds } else { Until::Signal } }
        }
        "join" => Role::Join {
            room: arguments.text_operand("ROOM")?,
            nick: arguments.text_operand("NICK")?,
        },
        "rooms" => Role::Rooms,
        "watch" => Role::Watch,
        "crowd" => Role::Crowd {
            crowd: Crowd {
                room: arguments.parsed("--room")?.unwrap_or_else(|| "crowd".to_owned()),
                guests: arguments.parsed("--guests")?.unwrap_or(50),
                lines: arguments.parsed("--lines")?.unwrap_or(10),
            },
            form: if arguments.flag("--json") { Form::Json } else { Form::Text },
        },
        other => return Err(UsageError(format!("there is no command `{other}`"))),
    };
    arguments.finish()?;
    Ok((role, port))
}

fn play(role: Role, port: &str) -> Result<(), Failure> {
    match role {
        Role::Story => story::tell(),
        Role::Server { until } => serve(port, until),
        Role::Join { room, nick } => guest::join(port, &room, &nick),
        Role::Rooms => list(port),
        Role::Watch => watch(port),
        Role::Crowd { crowd, form } => {
            let outcome = crowd.talk(port)?;
            match form {
                Form::Text => print_text(&outcome),
                Form::Json => print_json(&outcome),
            }
            Ok(())
        }
    }
}

fn serve(port: &str, until: Until) -> Result<(), Failure> {
    let server = Server::bind(port)?.serve(ChatServer::new(Rooms::default()))?;
    stop_on_ctrl_c(server.stopper())?;
    if until == Until::InputEnds {
        stop_when_input_ends(server.stopper())?;
    }
    say(&format!("serving `{port}`, Ctrl-C ends"));
    server.wait();
    say("ended");
    Ok(())
}

/// The input ends when whoever started this process ends, however that comes about.
fn stop_when_input_ends(stopper: Stopper) -> io::Result<()> {
    let wait = move || {
        // An error means that there is no input, either.
        let _read = io::copy(&mut io::stdin().lock(), &mut io::sink());
        stopper.stop();
    };
    thread::Builder::new().name("input".to_owned()).spawn(wait)?;
    Ok(())
}

fn list(port: &str) -> Result<(), Failure> {
    for room in ChatClient::connect(port)?.rooms()? {
        say(&format!("{:>5}  {}", room.guests, room.name));
    }
    Ok(())
}

fn watch(port: &str) -> Result<(), Failure> {
    let events = ChatClient::connect(port)?.events();
    say("watching");
    // They end with the server, which is no failure of the watcher's.
    for event in events.map_while(Result::ok) {
        match event {
            ChatEvent::Opened { room } => say(&format!("the room `{room}` is open")),
            ChatEvent::Closed { room } => say(&format!("the room `{room}` is closed")),
            // A newer server tells more.
            _ => {}
        }
    }
    Ok(())
}

fn print_text(outcome: &Outcome) {
    let Outcome { said, heard, missed, took } = outcome;
    let took = took.as_secs_f64();
    say(&format!("{said} lines said, {heard} heard, {missed} missed, in {took:.2} s"));
}

fn print_json(outcome: &Outcome) {
    let Outcome { said, heard, missed, took } = outcome;
    let seconds = took.as_secs_f64();
    say(&serde_json::json!({ "said": said, "heard": heard, "missed": missed, "seconds": seconds })
        .to_string());
}

fn exit_code(failure: &(dyn Error + 'static)) -> ExitCode {
    if failure.is::<UsageError>() {
        ExitCode::from(2)
    } else if failure.is::<ConnectError>() || failure.is::<CallError<ChatError>>() {
        ExitCode::from(3)
    } else {
        ExitCode::FAILURE
    }
}
