//! Back ends for other languages: programs called `idlc-gen-<name>`.
//!
//! They read the description as JSON and answer with files, as JSON again. Writing the files is
//! done here, so that a back end cannot write anywhere else.

use std::io::Write;
use std::path::{Component, Path};
use std::process::{Command, Stdio};

use idlc::ir::Module;
use idlc::json::Value;

use crate::{Failure, Verdict};

/// A file that a back end made.
pub(crate) struct Made {
    /// Where it belongs, below the output folder.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Asks the back end `name` for its files. `Err(Verdict)` of the inner result if it refused, which
/// it has told.
pub(crate) fn run(name: &str, module: &Module) -> Result<Result<Vec<Made>, Verdict>, Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err(Failure::Usage(format!("`{name}` is not the name of a language")));
    }
    let program = format!("idlc-gen-{name}");
    let failed = |what: &str| Failure::Trouble(format!("{program}: {what}"));
    let mut child = Command::new(&program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&format!("cannot be started: {error}; is it in PATH?")))?;
    let input = idlc::dump::dump(module).compact();
    let stdin = child.stdin.take();
    // From another thread: a back end that answers before it has read all must not block us.
    let writer = std::thread::spawn(move || {
        // One that reads only half and answers is no failure of ours.
        stdin.map(|mut stdin| stdin.write_all(input.as_bytes()))
    });
    let output = child.wait_with_output().map_err(|error| failed(&error.to_string()))?;
    drop(writer.join());
    if !output.status.success() {
        eprintln!("idlc: {program} ended with {}", output.status);
        return Ok(Err(Verdict::Bad));
    }
    let answer = String::from_utf8(output.stdout).map_err(|_| failed("its answer is not text"))?;
    let answer = Value::parse(&answer)
        .map_err(|error| failed(&format!("its answer is not JSON from byte {} on", error.at)))?;
    if let Some(problems) = answer.get("errors").and_then(Value::as_array) {
        let problems: Vec<_> = problems.iter().filter_map(Value::as_text).collect();
        for problem in &problems {
            eprintln!("{program}: {problem}");
        }
        if !problems.is_empty() {
            return Ok(Err(Verdict::Bad));
        }
    }
    let files = answer.get("files").and_then(Value::as_array);
    let files = files.ok_or_else(|| failed("its answer has no `files`"))?;
    files
        .iter()
        .map(|file| made(file).map_err(|what| failed(&what)))
        .collect::<Result<_, _>>()
        .map(Ok)
}

fn made(file: &Value) -> Result<Made, String> {
    let member = |name: &str| file.get(name).and_then(Value::as_text);
    let (Some(path), Some(text)) = (member("path"), member("text")) else {
        return Err("a file of its answer lacks `path` or `text`".into());
    };
    let stays = !path.is_empty()
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if !stays {
        return Err(format!("`{path}` leaves the output folder"));
    }
    Ok(Made { path: path.to_owned(), text: text.to_owned() })
}
