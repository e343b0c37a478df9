//! Command lines. The examples have a few options each, which do not call for a crate.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;

/// What is wrong with a command line, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageError(pub String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// The arguments that were not asked for yet: first ask for options, then for operands.
#[derive(Debug)]
pub struct Arguments {
    rest: VecDeque<OsString>,
    /// What stood behind `--`: operands, whatever they look like.
    behind: VecDeque<OsString>,
}

impl Arguments {
    /// Those of this process.
    pub fn of_process() -> Self {
        Arguments::new(std::env::args_os().skip(1))
    }

    /// Those given.
    pub fn new(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        let mut rest: VecDeque<OsString> = arguments.into_iter().map(Into::into).collect();
        let mut behind = VecDeque::new();
        if let Some(end) = rest.iter().position(|argument| argument == "--") {
            behind = rest.split_off(end + 1);
            rest.pop_back();
        }
        Arguments { rest, behind }
    }

    /// Whether there are none at all.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty() && self.behind.is_empty()
    }

    /// Whether the option `name`, which has no value, is there.
    pub fn flag(&mut self, name: &str) -> bool {
        let found = self.rest.iter().position(|argument| argument == name);
        found.and_then(|at| self.rest.remove(at)).is_some()
    }

    /// The value of the option `name`, written `--name value` or `--name=value`.
    ///
    /// # Errors
    ///
    /// When the value is missing.
    pub fn option(&mut self, name: &str) -> Result<Option<OsString>, UsageError> {
        let joined = format!("{name}=");
        let is_it = |argument: &OsString| {
            argument == name || argument.to_string_lossy().starts_with(&joined)
        };
        let Some(at) = self.rest.iter().position(is_it) else { return Ok(None) };
        let found = self.rest.remove(at).unwrap_or_default();
        if let Some(value) = found.to_str().and_then(|found| found.strip_prefix(&joined)) {
            return Ok(Some(value.into()));
        }
        match self.rest.get(at) {
            Some(value) if !value.to_string_lossy().starts_with("--") => Ok(self.rest.remove(at)),
            _ => Err(UsageError(format!("{name} needs a value"))),
        }
    }

    /// The value of the option `name`, read as a `T`.
    ///
    /// # Errors
    ///
    /// When the value is missing, or no `T`.
    pub fn parsed<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, UsageError>
    where
        T::Err: fmt::Display,
    {
        let Some(value) = self.option(name)? else { return Ok(None) };
        let value = text(value, name)?;
        match value.parse() {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(UsageError(format!("{name} cannot be `{value}`: {error}"))),
        }
    }

    /// The next operand, which is called `what` in the help.
    ///
    /// # Errors
    ///
    /// When there is none, or an option that nobody asked for stands there.
    pub fn operand(&mut self, what: &str) -> Result<OsString, UsageError> {
        match self.rest.pop_front() {
            Some(argument) if argument.to_string_lossy().starts_with("--") => {
                Err(unexpected(&argument))
            }
            Some(argument) => Ok(argument),
            None => self.behind.pop_front().ok_or_else(|| UsageError(format!("{what} is missing"))),
        }
    }

    /// The next operand, as text.
    ///
    /// # Errors
    ///
    /// As [`operand`](Arguments::operand); and when it is not UTF-8.
    pub fn text_operand(&mut self, what: &str) -> Result<String, UsageError> {
        let operand = self.operand(what)?;
        text(operand, what)
    }

    /// Ends the command line.
    ///
    /// # Errors
    ///
    /// When something is left that nobody asked for.
    pub fn finish(self) -> Result<(), UsageError> {
        match self.rest.front().or(self.behind.front()) {
            Some(left) => Err(unexpected(left)),
            None => Ok(()),
        }
    }
}

fn text(value: OsString, what: &str) -> Result<String, UsageError> {
    value.into_string().map_err(|_| UsageError(format!("{what} is not UTF-8")))
}

fn unexpected(argument: &OsString) -> UsageError {
    UsageError(format!("`{}` is not expected here", argument.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_anywhere_and_operands_keep_their_order() {
        let mut arguments = Arguments::new(["put", "--name", "x", "a", "--json", "--size=7", "b"]);
        assert!(arguments.flag("--json"));
        assert_eq!(arguments.option("--name"), Ok(Some("x".into())));
        assert_eq!(arguments.parsed("--size"), Ok(Some(7)));
        assert_eq!(arguments.option("--file"), Ok(None));
        let operands = ["put", "a", "b"].map(|_| arguments.text_operand("it").unwrap());
        assert_eq!(operands, ["put", "a", "b"]);
        assert_eq!(arguments.finish(), Ok(()));
    }

    #[test]
    fn what_stands_behind_two_dashes_is_no_option() {
        let mut arguments = Arguments::new(["put", "--", "--json", "-5"]);
        assert!(!arguments.flag("--json"));
        let operands = ["put", "--json", "-5"].map(|_| arguments.text_operand("it").unwrap());
        assert_eq!(operands, ["put", "--json", "-5"]);
    }

    #[test]
    fn mistakes_are_told() {
        let told = |error: UsageError| error.0;
        let mut arguments = Arguments::new(["--name", "--size", "many", "--jsno"]);
        assert_eq!(arguments.option("--name").map_err(told), Err("--name needs a value".into()));
        let size = arguments.parsed::<u64>("--size").map_err(told);
        assert_eq!(size, Err("--size cannot be `many`: invalid digit found in string".into()));
        let left = arguments.operand("KEY").map_err(told);
        assert_eq!(left, Err("`--jsno` is not expected here".into()));
        assert_eq!(arguments.operand("KEY").map_err(told), Err("KEY is missing".into()));
    }
}
