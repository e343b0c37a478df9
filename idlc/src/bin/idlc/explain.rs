//! `idlc explain`: what a code means.

use idlc::diagnostic::closest;
use idlc::explain::{PAGES, RULES, explain};

use crate::arguments::{Command, Given};
use crate::{Failure, Outcome, print};

/// `idlc explain`
pub(crate) const COMMAND: Command = Command {
    name: "explain",
    about: "Explain a code, such as E0204, a lint, or a rule of `breaking`",
    usage: "CODE",
    details: "Without a code, all of them are listed.\n",
    options: &[],
    run,
};

fn run(given: &Given) -> Outcome {
    let [code] = given.words.as_slice() else {
        if !given.words.is_empty() {
            return Err(Failure::Usage("one code at a time".into()));
        }
        let titles = PAGES.iter().chain(RULES).filter_map(|(_, page)| page.lines().next());
        let list: String =
            titles.map(|title| format!("{}\n", title.trim_start_matches("# "))).collect();
        return print(&list);
    };
    let code = code.to_string_lossy();
    match explain(&code) {
        Some(page) => print(page),
        None => {
            let near = closest(&code, PAGES.iter().chain(RULES).map(|(code, _)| *code));
            let meant = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            Err(Failure::Usage(format!("there is no code `{code}`{meant}")))
        }
    }
}
