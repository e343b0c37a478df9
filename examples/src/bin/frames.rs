//! A frame service, and a process that uses it as a camera and a viewer would.
//!
//! ```text
//! cargo run -p alpc-examples --bin frames
//! ```
//!
//! plays the whole scenario with a service of its own. `frames -- serve` is the service alone.

#![forbid(unsafe_code)]

use std::error::Error;
use std::process::ExitCode;
use std::{io, thread};

use alpc_examples::arguments::{Arguments, UsageError};
use alpc_examples::frames::interface::FrameSourceServer;
use alpc_examples::frames::source::Frames;
use alpc_examples::frames::{PORT, story};
use alpc_examples::signals::stop_on_ctrl_c;
use alpc_rpc::{Server, Stopper};

const HELP: &str = "\
A frame service, and a process that uses it as a camera and a viewer would.

Usage: frames [COMMAND]

  (no command)             play the whole scenario with a service of its own
  serve                    be the service, until Ctrl-C
      --until-input-ends   or until the standard input ends
      --name PORT          its port [acme.frames]

  --help                   this text

Exit codes: 0 done, 1 not as told, or it could not serve, 2 wrong usage.";

enum Role {
    Story,
    Service { port: String, until: Until },
}

#[derive(PartialEq, Eq)]
enum Until {
    Signal,
    InputEnds,
}

fn main() -> ExitCode {
    let mut arguments = Arguments::of_process();
    if arguments.flag("--help") || arguments.flag("-h") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match role(arguments).map_err(Into::into).and_then(play) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("frames: {failure}");
            if failure.is::<UsageError>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

fn role(mut arguments: Arguments) -> Result<Role, UsageError> {
    if arguments.is_empty() {
        return Ok(Role::Story);
    }
    let port = arguments.parsed("--name")?.unwrap_or_else(|| PORT.to_owned());
    let role = match arguments.text_operand("COMMAND")?.as_str() {
        "serve" => {
            let until_input_ends = arguments.flag("--until-input-ends");
            let until = if until_input_ends { Until::InputEnds } else { Until::Signal };
            Role::Service { port, until }
        }
        other => return Err(UsageError(format!("there is no command `{other}`"))),
    };
    arguments.finish()?;
    Ok(role)
}

fn play(role: Role) -> Result<(), Box<dyn Error + Send + Sync>> {
    match role {
        Role::Story => story::tell(),
        Role::Service { port, until } => serve(&port, until),
    }
}

fn serve(port: &str, until: Until) -> Result<(), Box<dyn Error + Send + Sync>> {
    let server = Server::bind(port)?.serve(FrameSourceServer::new(Frames::default()))?;
    stop_on_ctrl_c(server.stopper())?;
    if until == Until::InputEnds {
        stop_when_input_ends(server.stopper())?;
    }
    println!("serving `{port}`, Ctrl-C ends");
    server.wait();
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
