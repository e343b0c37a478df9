//! A frame service, and a process that uses it as a camera and a viewer would.
//!
//! ```text
//! cargo run -p alpc-examples --bin frames
//! ```
//!
//! plays the whole scenario with a service of its own. By hand, each in a terminal:
//!
//! ```text
//! cargo run -p alpc-examples --bin frames -- serve
//! cargo run -p alpc-examples --bin frames -- watch
//! cargo run -p alpc-examples --bin frames -- camera
//! ```
//!
//! and then stop or kill the one that watches, and look at what the others say.

#![forbid(unsafe_code)]

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;
use std::{io, thread};

use alpc_examples::arguments::{Arguments, UsageError};
use alpc_examples::frames::interface::{
    FrameInfo, FrameSourceClient, FrameSourceServer, PixelFormat,
};
use alpc_examples::frames::pixels::picture;
use alpc_examples::frames::source::Frames;
use alpc_examples::frames::viewer::Viewer;
use alpc_examples::frames::{PORT, story};
use alpc_examples::output::say;
use alpc_examples::signals::stop_on_ctrl_c;
use alpc_rpc::{Client, Server, SplitResult, Stopper};

const HELP: &str = "\
A frame service, and a process that uses it as a camera and a viewer would.

Usage: frames [COMMAND]

  (no command)             play the whole scenario with a service of its own
  serve                    be the service, until Ctrl-C
      --until-input-ends   or until the standard input ends
  watch                    share memory with the service, and print which frames come to lie in it
      --slots N            how many frames have room there, 2 to 64 [4]
  camera                   submit pictures, 25 a second
      --frames N           how many [250]

  --name PORT              the service's port [acme.frames]
  --help                   this text

Exit codes: 0 done, 1 not as told, refused, or no connection, 2 wrong usage.";

/// What `camera` makes.
const WIDTH: u32 = 640;
const HEIGHT: u32 = 360;

/// What `watch` has room for: a picture of 1920 by 1080.
const SLOT: u32 = 1920 * 1080 * 4;

enum Role {
    Story,
    Service { port: String, until: Until },
    Watch { port: String, slots: u32 },
    Camera { port: String, frames: u32 },
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
        "watch" => {
            let slots = arguments.parsed("--slots")?.unwrap_or(4);
            if !(2..=64).contains(&slots) {
                return Err(UsageError("--slots is 2 to 64".to_owned()));
            }
            Role::Watch { port, slots }
        }
        "camera" => Role::Camera { port, frames: arguments.parsed("--frames")?.unwrap_or(250) },
        other => return Err(UsageError(format!("there is no command `{other}`"))),
    };
    arguments.finish()?;
    Ok(role)
}

fn play(role: Role) -> Result<(), Box<dyn Error + Send + Sync>> {
    match role {
        Role::Story => story::tell(),
        Role::Service { port, until } => serve(&port, until),
        Role::Watch { port, slots } => watch(&port, slots),
        Role::Camera { port, frames } => film(&port, frames),
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

/// Prints each frame that comes, until the service ends.
fn watch(port: &str, slots: u32) -> Result<(), Box<dyn Error + Send + Sync>> {
    let frames = FrameSourceClient::connect(port)?;
    let mut viewer = Viewer::attach(&frames, SLOT, slots)?;
    say("watching");
    loop {
        let frame = viewer.wait()?;
        let (id, width, height) = (frame.info.id, frame.info.width, frame.info.height);
        let bytes = viewer.pixels(&frame)?.len();
        viewer.release(frame)?;
        say(&format!("frame {id}: {width} by {height}, {bytes} bytes"));
    }
}

/// Submits pictures at the pace of a camera.
fn film(port: &str, count: u32) -> Result<(), Box<dyn Error + Send + Sync>> {
    const PACE: Duration = Duration::from_millis(40);
    let frames = FrameSourceClient::connect(port)?;
    for number in 0..count {
        let (format, stride) = (PixelFormat::Bgra8, WIDTH * 4);
        let info = FrameInfo::new(format, WIDTH, HEIGHT, stride, PACE * number);
        let id = frames.submit(&info, &picture(WIDTH, HEIGHT, number)).split()??;
        say(&format!("submitted frame {id}"));
        thread::sleep(PACE);
    }
    Ok(())
}
