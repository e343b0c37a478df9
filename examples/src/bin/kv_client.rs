//! Calls the store that `kv_server` serves.
//!
//! ```text
//! cargo run -p alpc-examples --bin kv_client -- put answer 42
//! cargo run -p alpc-examples --bin kv_client -- get answer
//! cargo run -p alpc-examples --bin kv_client -- put answer 43 --if-version 1 --json
//! ```

#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::process::ExitCode;
use std::time::SystemTime;

use alpc_examples::arguments::{Arguments, UsageError};
use alpc_examples::kv::PORT;
use alpc_examples::kv::interface::{
    Entry, KeyValueClient, KeyValueEvent, KvError, MAX_VALUE, PAGE, PutFlags, Stats,
};
use alpc_rpc::ConnectError;
use alpc_rpc::prelude::*;
use serde_json::{Value, json};

const HELP: &str = "\
Calls the store that kv_server serves.

Usage: kv_client [OPTIONS] COMMAND

  get KEY                       print the value
  read KEY [--offset N] [--len N]
                                print a part of the value, 65536 bytes unless said otherwise
  put KEY VALUE                 store a value; `put KEY --file FILE` takes it from a file,
                                and from the standard input if FILE is -
      --if-version N            only if the entry is at version N
      --create                  only if the key does not exist
      --replace                 only if it does
  delete KEY [--if-version N]   remove a key
  touch KEY                     mark a key as recently used
  list [PREFIX]                 print the keys that begin with PREFIX, with version, length and
                                the seconds since they were stored
  stats                         print what the store holds
  watch                         print each key that the store drops to make room, until it ends

  --name PORT                   the port of the store [acme.kv]
  --json                        print one line of JSON, also where the store says no
  --help                        this text

What follows -- is not an option: `put KEY -- --text`.
Exit codes: 0 done, 1 the store said no, 2 wrong usage or a file that cannot be read,
3 no connection to a store, or it was lost.";

/// How much `read` asks for, unless one says otherwise.
const DEFAULT_LEN: usize = 65536;

enum Command {
    /// There is one answer.
    Ask(Question),
    /// There are answers until the store ends.
    Watch,
}

enum Question {
    Get { key: String },
    Read { key: String, offset: u64, len: usize },
    Put { key: String, value: Vec<u8>, when: When },
    Delete { key: String, if_version: Option<u64> },
    Touch { key: String },
    List { prefix: String },
    Stats,
}

/// When a value is to be stored.
enum When {
    Always,
    Absent,
    Present,
    At(u64),
}

/// What the store answered.
enum Answer {
    Value { key: String, value: Vec<u8>, version: u64 },
    Part { key: String, offset: u64, part: Vec<u8>, total: u64, version: u64 },
    Stored { key: String, version: u64 },
    Deleted { key: String, was_there: bool },
    Touched { key: String },
    Listed(Vec<Entry>),
    Stats(Stats),
}

#[derive(Clone, Copy)]
enum Format {
    Text,
    Json,
}

fn main() -> ExitCode {
    let mut arguments = Arguments::of_process();
    if arguments.flag("--help") || arguments.flag("-h") || arguments.is_empty() {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let format = if arguments.flag("--json") { Format::Json } else { Format::Text };
    match run(arguments, format) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the output has enough of it, as `head`.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(failure) => {
            failure.report(format);
            failure.exit_code()
        }
    }
}

fn run(mut arguments: Arguments, format: Format) -> Result<(), Failure> {
    let name = arguments.parsed("--name")?.unwrap_or_else(|| PORT.to_owned());
    let command = command(arguments)?;
    let kv = KeyValueClient::connect(&name)?;
    let answer = match command {
        Command::Ask(question) => call(&kv, question)?,
        Command::Watch => return watch(&kv, format),
    };
    let printed = match format {
        Format::Text => print_text(&answer),
        Format::Json => print_json(&answer),
    };
    printed.map_err(Failure::Output)
}

fn command(mut arguments: Arguments) -> Result<Command, Failure> {
    let word = arguments.text_operand("COMMAND")?;
    let rest = &mut arguments;
    // Options come before operands: see `Arguments`.
    let question = match word.as_str() {
        "get" => Question::Get { key: key(rest)? },
        "read" => {
            let offset = rest.parsed("--offset")?.unwrap_or(0);
            let len = rest.parsed("--len")?.unwrap_or(DEFAULT_LEN);
            if len as u64 > MAX_VALUE {
                return Err(UsageError(format!("--len is at most {MAX_VALUE}")).into());
            }
            Question::Read { key: key(rest)?, offset, len }
        }
        "put" => {
            let when = when(rest)?;
            let file = rest.option("--file")?;
            let key = key(rest)?;
            let value = match file {
                Some(file) => contents(&file)?,
                None => rest.text_operand("VALUE (or --file FILE)")?.into_bytes(),
            };
            Question::Put { key, value, when }
        }
        "delete" => {
            let if_version = rest.parsed("--if-version")?;
            Question::Delete { key: key(rest)?, if_version }
        }
        "touch" => Question::Touch { key: key(rest)? },
        "list" => {
            let prefix = match rest.is_empty() {
                true => String::new(),
                false => rest.text_operand("PREFIX")?,
            };
            Question::List { prefix }
        }
        "stats" => Question::Stats,
        "watch" => {
            arguments.finish()?;
            return Ok(Command::Watch);
        }
        other => return Err(UsageError(format!("there is no command `{other}`")).into()),
    };
    arguments.finish()?;
    Ok(Command::Ask(question))
}

fn key(arguments: &mut Arguments) -> Result<String, UsageError> {
    arguments.text_operand("KEY")
}

fn when(arguments: &mut Arguments) -> Result<When, UsageError> {
    let (create, replace) = (arguments.flag("--create"), arguments.flag("--replace"));
    match (create, replace, arguments.parsed("--if-version")?) {
        (false, false, None) => Ok(When::Always),
        (true, false, None) => Ok(When::Absent),
        (false, true, None) => Ok(When::Present),
        (false, _, Some(version)) => Ok(When::At(version)),
        (true, true, None) => Err(exclude("--replace")),
        (true, _, Some(_)) => Err(exclude("--if-version")),
    }
}

fn exclude(option: &str) -> UsageError {
    UsageError(format!("--create and {option} exclude each other"))
}

/// The contents of a file, as far as a value may be long: more is a mistake, and may have no end.
fn contents(file: &OsStr) -> Result<Vec<u8>, Failure> {
    let name = file.to_string_lossy();
    let from: io::Result<Box<dyn Read>> = match &*name {
        "-" => Ok(Box::new(io::stdin())),
        _ => File::open(file).map(|file| Box::new(file) as Box<dyn Read>),
    };
    let mut value = Vec::new();
    from.and_then(|from| from.take(MAX_VALUE + 1).read_to_end(&mut value))
        .map_err(|error| Failure::Input(format!("cannot read `{name}`: {error}")))?;
    if value.len() as u64 > MAX_VALUE {
        return Err(Failure::Input(format!("`{name}` is longer than {MAX_VALUE} bytes")));
    }
    Ok(value)
}

fn call(kv: &KeyValueClient, question: Question) -> Result<Answer, Failure> {
    // `split` keeps apart what the store says and what became of the call; `?` takes the latter.
    let said = match question {
        Question::Get { key } => {
            kv.get(&key).split()?.map(|(value, version)| Answer::Value { key, value, version })
        }
        Question::Read { key, offset, len } => {
            let mut part = vec![0; len];
            kv.read(&key, offset, &mut part).split()?.map(|(read, total, version)| {
                part.truncate(read);
                Answer::Part { key, offset, part, total, version }
            })
        }
        Question::Put { key, value, when } => {
            let (flags, if_version) = match when {
                When::Always => (PutFlags::CREATE | PutFlags::REPLACE, None),
                When::Absent => (PutFlags::CREATE, None),
                When::Present => (PutFlags::REPLACE, None),
                When::At(version) => (PutFlags::REPLACE, Some(version)),
            };
            let stored = kv.put(&key, &value, flags, if_version);
            stored.split()?.map(|version| Answer::Stored { key, version })
        }
        Question::Delete { key, if_version } => {
            kv.delete(&key, if_version).split()?.map(|was_there| Answer::Deleted { key, was_there })
        }
        Question::Touch { key } => {
            kv.touch(&key).map_err(CallError::into_transport)?;
            Ok(Answer::Touched { key })
        }
        Question::List { prefix } => {
            Ok(Answer::Listed(list(kv, &prefix).map_err(CallError::into_transport)?))
        }
        Question::Stats => Ok(Answer::Stats(kv.stats().map_err(CallError::into_transport)?)),
    };
    said.map_err(Failure::Refused)
}

/// All entries, page by page.
fn list(kv: &KeyValueClient, prefix: &str) -> Result<Vec<Entry>, CallError<Infallible>> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let page = kv.scan(prefix, entries.last().map(|entry| entry.key.as_str()))?;
        let is_last = (page.len() as u64) < PAGE;
        entries.extend(page);
        if is_last {
            return Ok(entries);
        }
    }
}

/// Prints what the store tells by itself, as it comes.
fn watch(kv: &KeyValueClient, format: Format) -> Result<(), Failure> {
    let mut events = kv.events();
    // Not on the standard output, which has the keys alone.
    eprintln!("watching");
    let mut missed = 0;
    while let Some(event) = events.next() {
        let event = event?;
        // Whoever is too slow is told so, since a cache that misses an event keeps what is gone.
        if events.missed() > missed {
            missed = events.missed();
            eprintln!("{missed} events were missed by now");
        }
        let KeyValueEvent::Evicted { key } = event else { continue };
        let printed = match format {
            Format::Text => writeln!(io::stdout(), "{key}"),
            Format::Json => writeln!(io::stdout(), "{}", json!({ "evicted": key })),
        };
        printed.map_err(Failure::Output)?;
    }
    Ok(())
}

/// Seconds since an entry was stored, where that is known.
fn age(entry: &Entry) -> Option<u64> {
    let age = SystemTime::now().duration_since(entry.modified?);
    Some(age.unwrap_or_default().as_secs())
}

/// Values go to the standard output as they are, so that `get KEY > FILE` is exact; what else there
/// is to say about a part of one goes to the standard error.
fn print_text(answer: &Answer) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match answer {
        Answer::Value { value, .. } => print_value(&mut out, value)?,
        Answer::Part { offset, part, total, version, .. } => {
            print_value(&mut out, part)?;
            let len = part.len();
            eprintln!("{len} bytes from {offset} on, of {total} in version {version}");
        }
        Answer::Stored { version, .. } => writeln!(out, "stored as version {version}")?,
        Answer::Deleted { was_there: true, .. } => writeln!(out, "deleted")?,
        Answer::Deleted { was_there: false, .. } => writeln!(out, "there was no such key")?,
        Answer::Touched { .. } => {}
        Answer::Listed(entries) => {
            for entry in entries {
                let age = age(entry).map_or_else(|| "-".to_owned(), |age| age.to_string());
                writeln!(out, "{}\t{}\t{}\t{age}", entry.key, entry.version, entry.bytes)?;
            }
        }
        Answer::Stats(stats) => {
            writeln!(out, "keys     {}", stats.keys)?;
            writeln!(out, "bytes    {}", stats.bytes)?;
            writeln!(out, "version  {}", stats.version)?;
            writeln!(out, "evicted  {}", stats.evicted)?;
            writeln!(out, "touched  {}", stats.touched)?;
        }
    }
    out.flush()
}

fn print_value(out: &mut io::StdoutLock<'_>, value: &[u8]) -> io::Result<()> {
    out.write_all(value)?;
    // People want their prompt on a line of its own.
    if out.is_terminal() && !value.ends_with(b"\n") { writeln!(out) } else { Ok(()) }
}

fn print_json(answer: &Answer) -> io::Result<()> {
    let json = match answer {
        Answer::Value { key, value, version } => {
            with_value(json!({ "key": key, "version": version }), value)
        }
        Answer::Part { key, offset, part, total, version } => {
            let about = json!({ "key": key, "version": version, "offset": offset, "total": total });
            with_value(about, part)
        }
        Answer::Stored { key, version } => json!({ "key": key, "version": version }),
        Answer::Deleted { key, was_there } => json!({ "key": key, "deleted": was_there }),
        Answer::Touched { key } => json!({ "key": key }),
        Answer::Listed(entries) => {
            let entries = entries.iter().map(|entry| {
                let (key, version, bytes) = (&entry.key, entry.version, entry.bytes);
                json!({ "key": key, "version": version, "bytes": bytes, "age": age(entry) })
            });
            json!({ "entries": entries.collect::<Vec<_>>() })
        }
        Answer::Stats(stats) => json!({
            "keys": stats.keys,
            "bytes": stats.bytes,
            "version": stats.version,
            "evicted": stats.evicted,
            "touched": stats.touched,
        }),
    };
    writeln!(io::stdout(), "{json}")
}

/// Adds a value: as text where it is text, else in hexadecimal digits, as JSON has no bytes.
fn with_value(mut about: Value, value: &[u8]) -> Value {
    match std::str::from_utf8(value) {
        Ok(text) => about["value"] = text.into(),
        Err(_) => {
            let digits = value.iter().map(|byte| format!("{byte:02x}"));
            about["value_hex"] = digits.collect::<String>().into();
        }
    }
    about
}

/// Why there is nothing to print but this.
enum Failure {
    /// The store said no.
    Refused(KvError),
    Usage(String),
    /// The value cannot be read.
    Input(String),
    NoStore(String),
    /// The answer cannot be written.
    Output(io::Error),
}

impl Failure {
    fn exit_code(&self) -> ExitCode {
        match self {
            Failure::Refused(_) => ExitCode::from(1),
            Failure::Usage(_) | Failure::Input(_) | Failure::Output(_) => ExitCode::from(2),
            Failure::NoStore(_) => ExitCode::from(3),
        }
    }

    fn report(&self, format: Format) {
        let reported = match format {
            Format::Json => writeln!(io::stdout(), "{}", self.to_json()),
            Format::Text => writeln!(io::stderr(), "kv_client: {self}"),
        };
        // Where that cannot be written either, the exit code has to do.
        let _unwritable = reported;
    }

    fn to_json(&self) -> Value {
        let message = self.to_string();
        match self {
            Failure::Refused(KvError::NotFound) => {
                json!({ "error": "not_found", "message": message })
            }
            Failure::Refused(KvError::TooLarge { limit }) => {
                json!({ "error": "too_large", "limit": limit, "message": message })
            }
            Failure::Refused(KvError::Conflict { current }) => {
                json!({ "error": "conflict", "current": current, "message": message })
            }
            Failure::Refused(KvError::NotSaved { .. }) => {
                json!({ "error": "not_saved", "message": message })
            }
            // A store of a later version may say no in ways that this client does not know.
            Failure::Refused(_) => json!({ "error": "refused", "message": message }),
            Failure::Usage(_) => json!({ "error": "usage", "message": message }),
            Failure::Input(_) => json!({ "error": "input", "message": message }),
            Failure::NoStore(_) => json!({ "error": "no_store", "message": message }),
            Failure::Output(_) => json!({ "error": "output", "message": message }),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused(why) => why.fmt(f),
            Failure::Usage(what) => write!(f, "{what}; `kv_client --help` says more"),
            Failure::Input(why) | Failure::NoStore(why) => f.write_str(why),
            Failure::Output(why) => write!(f, "cannot write the answer: {why}"),
        }
    }
}

impl From<UsageError> for Failure {
    fn from(error: UsageError) -> Self {
        Failure::Usage(error.to_string())
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        Failure::NoStore(error.to_string())
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        match error {
            // Found on this side, before anything was sent: a key that is too long, or none.
            TransportError::BoundExceeded { may_have_run: false, what, .. } => Failure::Usage(what),
            error => Failure::NoStore(error.to_string()),
        }
    }
}
