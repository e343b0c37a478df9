//! A session manager and the processes that register with it, after csrss of Windows.
//!
//! ```text
//! cargo run -p alpc-examples --bin session
//! ```
//!
//! plays the whole scenario with processes of its own. By hand, each in a terminal:
//!
//! ```text
//! cargo run -p alpc-examples --bin session -- manager
//! cargo run -p alpc-examples --bin session -- watch
//! cargo run -p alpc-examples --bin session -- member --image shell
//! cargo run -p alpc-examples --bin session -- list
//! cargo run -p alpc-examples --bin session -- end
//! ```
//!
//! and then kill the member, and look at what the manager says.

#![forbid(unsafe_code)]

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use alpc_examples::arguments::{Arguments, UsageError};
use alpc_examples::session::interface::{
    EndReason, SessionManagerClient, SessionManagerEvent, SessionManagerServer,
};
use alpc_examples::session::member::{Commands, Member, MemberError};
use alpc_examples::session::registry::Registry;
use alpc_examples::session::{PORT, story};
use alpc_examples::signals::stop_on_ctrl_c;
use alpc_rpc::{CallError, Client, ConnectError, Server, SplitResult, Stopper};

const HELP: &str = "\
A session manager and the processes that register with it.

Usage: session [COMMAND]

  (no command)         play the whole scenario with processes of its own
  manager              be the manager, until Ctrl-C
      --until-input-ends   or until the standard input ends
  member --image NAME  register this process, and stay until the session or the standard input ends;
                       its lines are commands: `veto WHY` and `agree` (to the end of the session),
                       `say TEXT` (to the manager), `share PID TEXT` (with another member)
      --level N            when to end in a shutdown, 0 to 0x4ff: higher ends first
      --claim-pid PID      say that this is process PID, to see it refused
      --no-commands        read no commands, and stay until the session ends
  watch                print what the manager tells, until it ends
  list                 print who is registered
  end                  end the session, if nobody objects

  --name PORT          the manager's port [acme.session]
  --help               this text

Exit codes: 0 done, 1 refused, or not as told, 2 wrong usage, 3 no connection.";

enum Role {
    Story,
    Manager { port: String, until: Until },
    Member { port: String, member: Member },
    Watch { port: String },
    List { port: String },
    End { port: String },
}

#[derive(PartialEq, Eq)]
enum Until {
    Signal,
    InputEnds,
}

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let mut arguments = Arguments::of_process();
    if arguments.flag("--help") || arguments.flag("-h") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match role(arguments).map_err(Into::into).and_then(play) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("session: {failure}");
            exit_code(&*failure)
        }
    }
}

fn role(mut arguments: Arguments) -> Result<Role, UsageError> {
    if arguments.is_empty() {
        return Ok(Role::Story);
    }
    let port = arguments.parsed("--name")?.unwrap_or_else(|| PORT.to_owned());
    let role = match arguments.text_operand("COMMAND")?.as_str() {
        "manager" => {
            let until_input_ends = arguments.flag("--until-input-ends");
            let until = if until_input_ends { Until::InputEnds } else { Until::Signal };
            Role::Manager { port, until }
        }
        "member" => Role::Member { port, member: member(&mut arguments)? },
        "watch" => Role::Watch { port },
        "list" => Role::List { port },
        "end" => Role::End { port },
        other => return Err(UsageError(format!("there is no command `{other}`"))),
    };
    arguments.finish()?;
    Ok(role)
}

fn member(arguments: &mut Arguments) -> Result<Member, UsageError> {
    let image = arguments.option("--image")?;
    let image = image.ok_or_else(|| UsageError("--image is missing".to_owned()))?;
    let no_commands = arguments.flag("--no-commands");
    Ok(Member {
        image: PathBuf::from(image),
        level: arguments.parsed("--level")?.map(|Level(level)| level),
        claimed_pid: arguments.parsed("--claim-pid")?,
        commands: if no_commands { Commands::Nowhere } else { Commands::Input },
    })
}

fn play(role: Role) -> Result<(), Failure> {
    match role {
        Role::Story => story::tell(),
        Role::Manager { port, until } => manage(&port, until),
        Role::Member { port, member } => Ok(member.run(&port)?),
        Role::Watch { port } => watch(&port),
        Role::List { port } => list(&port),
        Role::End { port } => {
            let session = SessionManagerClient::connect(&port)?;
            Ok(session.end_session(EndReason::Logoff).split()??)
        }
    }
}

fn manage(port: &str, until: Until) -> Result<(), Failure> {
    let server = Server::bind(port)?.serve(SessionManagerServer::new(Registry::default()))?;
    stop_on_ctrl_c(server.stopper())?;
    if until == Until::InputEnds {
        stop_when_input_ends(server.stopper())?;
    }
    println!("serving `{port}`, Ctrl-C ends");
    server.wait();
    println!("ended");
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

fn watch(port: &str) -> Result<(), Failure> {
    let session = SessionManagerClient::connect(port)?;
    let events = session.events();
    println!("watching");
    // They end with the manager, which is no failure of the watcher's.
    for event in events.map_while(Result::ok) {
        if let SessionManagerEvent::SessionChanged { session, state } = event {
            println!("session {session}: {state}");
        }
    }
    Ok(())
}

fn list(port: &str) -> Result<(), Failure> {
    for member in SessionManagerClient::connect(port)?.list_processes()? {
        let (number, info, level) = (member.number, &member.info, member.shutdown_level);
        let image = info.image.display();
        println!("{number:>4}  process {:>7}  level {level:#05x}  {image}", info.pid);
    }
    Ok(())
}

fn exit_code(failure: &(dyn Error + 'static)) -> ExitCode {
    let no_connection = matches!(failure.downcast_ref(), Some(MemberError::NoManager(_)))
        || failure.is::<ConnectError>()
        || failure.is::<CallError>();
    if failure.is::<UsageError>() {
        ExitCode::from(2)
    } else if no_connection {
        ExitCode::from(3)
    } else {
        ExitCode::FAILURE
    }
}

/// A number, in hexadecimal too, as the levels of Windows are written.
struct Level(u32);

impl std::str::FromStr for Level {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Level, Self::Err> {
        let number = match text.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => text.parse(),
        };
        number.map(Level)
    }
}
