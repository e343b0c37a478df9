//! What is seen of the workshop: drawn over and over in a terminal, a line at a time elsewhere, or as
//! JSON for programs.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};

use alpc_rpc::Counts;
use serde_json::json;

use super::board::Seen;

/// How it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Drawn, if somebody looks at it, else lines.
    ForPeople,
    /// An object a line.
    Json,
}

/// One moment of the workshop.
pub(super) struct Moment {
    pub(super) seconds: f64,
    pub(super) limit: usize,
    pub(super) seen: Seen,
    pub(super) counts: Counts,
}

/// Where moments are shown.
pub(super) struct Screen {
    form: Form,
    is_terminal: bool,
    /// Lines that the last picture took, to be drawn over.
    drawn: usize,
    /// The limit that the last line told of.
    told: Option<usize>,
}

impl Screen {
    pub(super) fn new(form: Form) -> Screen {
        Screen { form, is_terminal: io::stdout().is_terminal(), drawn: 0, told: None }
    }

    /// Shows a moment. A process whose output nobody reads any more goes on.
    pub(super) fn show(&mut self, moment: &Moment) {
        let text = match (self.form, self.is_terminal) {
            (Form::Json, _) => format!("{}\n", object(moment)),
            (Form::ForPeople, true) => self.picture(moment),
            // One line for each limit: who reads this reads it afterwards.
            (Form::ForPeople, false) if self.told == Some(moment.limit) => return,
            (Form::ForPeople, false) => format!("{}\n", line(moment)),
        };
        self.told = Some(moment.limit);
        let mut output = io::stdout().lock();
        let _unread = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    }

    fn picture(&mut self, moment: &Moment) -> String {
        let mut text = String::new();
        if self.drawn > 0 {
            // Back to the first line, and clear what follows.
            let _always_fits = write!(text, "\x1b[{}A\x1b[J", self.drawn);
        }
        let _always_fits = writeln!(text, "\x1b[1m{}\x1b[0m", line(moment));
        for order in &moment.seen.at_work {
            let filled = (order.progress() * 20.0) as usize;
            let left = order.patience().as_millis();
            let _always_fits = writeln!(
                text,
                "  order {:>5} of {:>7}  [{:<20}]  {left:>5} ms until nobody waits",
                order.number,
                order.client,
                "#".repeat(filled.min(20)),
            );
        }
        self.drawn = 1 + moment.seen.at_work.len();
        text
    }
}

fn line(Moment { seconds, limit, seen, counts }: &Moment) -> String {
    format!(
        "{seconds:5.1} s  limit {limit:2}  at work {:2}  done {:4}  dropped {:3}  never begun {:3}",
        seen.at_work.len(),
        seen.done,
        seen.dropped,
        counts.expired + counts.not_begun,
    )
}

fn object(Moment { seconds, limit, seen, counts }: &Moment) -> serde_json::Value {
    json!({
        "seconds": seconds,
        "limit": limit,
        "at_work": seen.at_work.len(),
        "most": seen.most,
        "done": seen.done,
        "dropped": seen.dropped,
        "expired": counts.expired,
        "not_begun": counts.not_begun,
        "cancelled": counts.cancelled,
        "late": counts.late,
    })
}
