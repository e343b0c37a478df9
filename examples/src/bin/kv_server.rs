//! Serves a key-value store to the other programs of this machine.
//!
//! ```text
//! cargo run -p alpc-examples --bin kv_server
//! cargo run -p alpc-examples --bin kv_server -- --data /tmp/kv.data
//! ```
//!
//! and in another terminal:
//!
//! ```text
//! cargo run -p alpc-examples --bin kv_client -- put answer 42
//! cargo run -p alpc-examples --bin kv_client -- get answer
//! ```

#![forbid(unsafe_code)]

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use alpc_examples::arguments::{Arguments, UsageError};
use alpc_examples::kv::PORT;
use alpc_examples::kv::contents::Limits;
use alpc_examples::kv::data_file::DataFile;
use alpc_examples::kv::interface::{KeyValueServer, MAX_VALUE};
use alpc_examples::kv::store::Store;
use alpc_examples::signals::stop_on_ctrl_c;
use alpc_rpc::{Connection, Server};

const HELP: &str = "\
Serves a key-value store to the other programs of this machine.

Usage: kv_server [OPTIONS]

  --name PORT         the port to serve [acme.kv]
  --data FILE         keep the store in FILE; without it, it is forgotten at the end
  --max-value BYTES   the longest value [67108864, which is also the most]
  --capacity BYTES    the memory for all entries; the least recently used ones are
                      dropped to make room [1073741824]
  --help              this text

Ctrl-C ends it. Exit codes: 0 ended as asked, 1 it could not serve, 2 wrong usage.";

struct Options {
    name: String,
    data: Option<PathBuf>,
    limits: Limits,
}

fn main() -> ExitCode {
    let mut arguments = Arguments::of_process();
    if arguments.flag("--help") || arguments.flag("-h") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let options = match options(arguments) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("kv_server: {error}; `kv_server --help` says more");
            return ExitCode::from(2);
        }
    };
    match serve(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kv_server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut arguments: Arguments) -> Result<Options, UsageError> {
    let defaults = Limits::default();
    let options = Options {
        name: arguments.parsed("--name")?.unwrap_or_else(|| PORT.to_owned()),
        data: arguments.option("--data")?.map(PathBuf::from),
        limits: Limits {
            max_value: arguments.parsed("--max-value")?.unwrap_or(defaults.max_value),
            capacity: arguments.parsed("--capacity")?.unwrap_or(defaults.capacity),
        },
    };
    if options.limits.max_value > MAX_VALUE {
        return Err(UsageError(format!("--max-value is at most {MAX_VALUE}")));
    }
    arguments.finish()?;
    Ok(options)
}

fn serve(options: Options) -> Result<(), Box<dyn Error>> {
    let Options { name, data, limits } = options;
    let store = match data {
        None => Store::in_memory(limits),
        Some(path) => {
            let (file, saved) = DataFile::open(&path)?;
            println!("loaded {} keys from `{}`", saved.records.len(), path.display());
            Store::backed_by(file, saved, limits)
        }
    };
    let server = Server::bind(&name)?.on_connect(log_client).serve(KeyValueServer::new(store))?;
    stop_on_ctrl_c(server.stopper())?;
    println!("serving `{name}`, Ctrl-C ends");
    server.wait();
    println!("ended");
    Ok(())
}

/// Writes a line when a client comes, and one when it is gone.
fn log_client(client: Connection<'_>) {
    let who = client.peer().to_string();
    eprintln!("{who} connected");
    // The connection is new, so it has no context yet.
    let _first = client.set_context(Visit { who });
}

/// A client's connection. The runtime drops it when the client is gone.
struct Visit {
    who: String,
}

impl Drop for Visit {
    fn drop(&mut self) {
        eprintln!("{} left", self.who);
    }
}
