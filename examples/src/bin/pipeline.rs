//! A pipeline: a film goes through three processes, frame by frame, while it is made.
//!
//! ```text
//! cargo run --release -p alpc-examples --bin pipeline -- --frames 200
//! ```
//!
//! starts the three and says what came of it. By hand, each in a terminal:
//!
//! ```text
//! cargo run -p alpc-examples --bin pipeline -- camera
//! cargo run -p alpc-examples --bin pipeline -- meter
//! cargo run -p alpc-examples --bin pipeline -- filter --frames 200
//! ```

#![forbid(unsafe_code)]

use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::thread;

use alpc_examples::actor::{Failure, Heard};
use alpc_examples::arguments::{Arguments, UsageError};
use alpc_examples::output::say;
use alpc_examples::pipeline::camera::{Size, Synthetic};
use alpc_examples::pipeline::interface::{CameraServer, FilmError, MeterServer};
use alpc_examples::pipeline::meter::Adder;
use alpc_examples::pipeline::run::{Outcome, run};
use alpc_examples::pipeline::{CAMERA, METER, filter};
use alpc_examples::signals::stop_on_ctrl_c;
use alpc_rpc::{CallError, ConnectError, Dispatch, Server, Stopper};

const HELP: &str = "\
A film goes through three processes, frame by frame, while it is made.

Usage: pipeline [COMMAND]

  (no command)         start all three, and compare what comes out with what should
      --json               the outcome as JSON
  camera               be the camera, until Ctrl-C
  meter                be the meter, until Ctrl-C; the camera must be there
  filter               have one film filtered and measured
      --endless            one that does not end

  --frames N           how long the film is [50]
  --width N            of the camera's pictures [640]
  --height N           the same [480]
  --camera PORT        where the camera is [acme.pipeline.camera]
  --meter PORT         where the meter is [acme.pipeline.meter]
  --until-input-ends   camera and meter: until the standard input ends
  --help               this text

Exit codes: 0 done, 1 not as it should be, 2 wrong usage, 3 no connection.";

struct Settings {
    frames: u64,
    size: Size,
    camera: String,
    meter: String,
    until: Until,
    form: Form,
    length: Length,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Signal,
    InputEnds,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Frames,
    Endless,
}

fn main() -> ExitCode {
    let mut arguments = Arguments::of_process();
    if arguments.flag("--help") || arguments.flag("-h") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match play(arguments) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("pipeline: {failure}");
            exit_code(&*failure)
        }
    }
}

fn play(mut arguments: Arguments) -> Result<ExitCode, Failure> {
    let settings = settings(&mut arguments)?;
    let command = match arguments.is_empty() {
        true => None,
        false => Some(arguments.text_operand("COMMAND")?),
    };
    arguments.finish()?;
    let Settings { frames, size, camera, meter, until, form, length } = settings;
    match command.as_deref() {
        None => {
            let heard = if form == Form::Json { Heard::ByStarter } else { Heard::ByAll };
            return Ok(told(&run(size, frames, heard)?, form));
        }
        Some("camera") => serve(&camera, CameraServer::new(Synthetic::new(size)?), until)?,
        Some("meter") => serve(&meter, MeterServer::new(Adder::new(&camera)?), until)?,
        Some("filter") => {
            let frames = (length == Length::Frames).then_some(frames);
            let total = filter::pass_on(&camera, &meter, frames)?;
            say(&format!("frames {} brightness {}", total.frames, total.brightness));
        }
        Some(other) => return Err(UsageError(format!("there is no command `{other}`")).into()),
    }
    Ok(ExitCode::SUCCESS)
}

fn settings(arguments: &mut Arguments) -> Result<Settings, UsageError> {
    let name = |name: Option<String>, or: &str| name.unwrap_or_else(|| or.to_owned());
    let size = Size {
        width: arguments.parsed("--width")?.unwrap_or(640),
        height: arguments.parsed("--height")?.unwrap_or(480),
    };
    if !(1..=4096).contains(&size.width) || !(1..=4096).contains(&size.height) {
        return Err(UsageError("a picture has 1 to 4096 points each way".to_owned()));
    }
    Ok(Settings {
        frames: arguments.parsed("--frames")?.unwrap_or(50),
        size,
        camera: name(arguments.parsed("--camera")?, CAMERA),
        meter: name(arguments.parsed("--meter")?, METER),
        until: match arguments.flag("--until-input-ends") {
            true => Until::InputEnds,
            false => Until::Signal,
        },
        form: if arguments.flag("--json") { Form::Json } else { Form::Text },
        length: if arguments.flag("--endless") { Length::Endless } else { Length::Frames },
    })
}

fn serve(port: &str, interface: impl Dispatch, until: Until) -> Result<(), Failure> {
    let server = Server::bind(port)?.serve(interface)?;
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

fn told(outcome: &Outcome, form: Form) -> ExitCode {
    let Outcome { total, expected, bytes, took } = outcome;
    let (frames, brightness, seconds) = (total.frames, total.brightness, took.as_secs_f64());
    let is_right = brightness == *expected;
    match form {
        Form::Json => say(&serde_json::json!({
            "frames": frames, "brightness": brightness, "expected": expected, "ok": is_right,
            "bytes": bytes, "seconds": seconds,
        })
        .to_string()),
        Form::Text => {
            let rate = *bytes as f64 / 1e6 / seconds;
            let verdict = if is_right { "as it should be" } else { "which is wrong" };
            say(&format!("{frames} frames of brightness {brightness}, {verdict}"));
            say(&format!("{:.1} MB in {seconds:.2} s: {rate:.0} MB/s", *bytes as f64 / 1e6));
        }
    }
    if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn exit_code(failure: &(dyn Error + 'static)) -> ExitCode {
    if failure.is::<UsageError>() {
        ExitCode::from(2)
    } else if failure.is::<ConnectError>() || failure.is::<CallError<FilmError>>() {
        ExitCode::from(3)
    } else {
        ExitCode::FAILURE
    }
}
