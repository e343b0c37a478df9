//! What stands before declarations and entries: comments, documentation and attributes.

use super::layout::Doc;

/// What stands before a declaration.
pub(super) enum Lead {
    Comment { text: String, lines: usize },
    Doc { text: String, lines: usize },
    Attributes { doc: Doc, lines: usize },
}

impl Lead {
    pub(super) fn lines(&self) -> usize {
        match self {
            Lead::Comment { lines, .. } | Lead::Doc { lines, .. } => *lines,
            Lead::Attributes { lines, .. } => *lines,
        }
    }
}

/// What follows the attributes of something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    /// They have lines of their own.
    NewLine,
    /// They stand before the name.
    Blank,
}

/// Comments with nothing behind them, each on a line.
pub(super) fn comments_alone(leads: Vec<Lead>) -> Doc {
    let mut out = Vec::new();
    for (index, lead) in leads.into_iter().enumerate() {
        if index > 0 {
            if lead.lines() > 1 {
                out.push(Doc::EmptyLine);
            }
            out.push(Doc::HardLine);
        }
        out.push(match lead {
            Lead::Comment { text, .. } | Lead::Doc { text, .. } => Doc::text(text),
            Lead::Attributes { doc, .. } => doc,
        });
    }
    // Whatever is around them is broken: a comment ends its line.
    out.push(Doc::ToLineEnd(String::new()));
    Doc::All(out)
}

/// What stands before something whose first word comes `gap` lines behind.
pub(super) fn before(leads: Vec<Lead>, gap: usize, behind: Behind) -> Doc {
    let gaps: Vec<usize> = leads.iter().map(Lead::lines).skip(1).chain([gap]).collect();
    let leads: Vec<(Lead, usize)> = leads.into_iter().zip(gaps).collect();
    // Documentation first: attributes that stand among it go behind its last line.
    let last_doc = leads.iter().rposition(|(lead, _)| matches!(lead, Lead::Doc { .. }));
    let mut first = Vec::new();
    let mut moved = Vec::new();
    let mut rest = Vec::new();
    for (index, (lead, gap)) in leads.into_iter().enumerate() {
        match lead {
            lead if Some(index) > last_doc => rest.push((lead, gap)),
            lead @ Lead::Attributes { .. } => moved.push((lead, 1)),
            // `[a] // why` goes with its attribute.
            lead @ Lead::Comment { lines: 0, .. } if !moved.is_empty() => moved.push((lead, 1)),
            lead => first.push((lead, gap)),
        }
    }
    first.extend(moved);
    first.extend(rest);
    let mut out = Vec::new();
    let mut all = first.into_iter().peekable();
    while let Some((lead, gap)) = all.next() {
        match lead {
            Lead::Doc { text, .. } => {
                // Documentation of the file may stand apart; other documentation belongs to what
                // follows.
                let apart = gap > 1 && text.starts_with("//!");
                out.push(Doc::text(text));
                if apart {
                    out.push(Doc::EmptyLine);
                }
                out.push(Doc::HardLine);
            }
            Lead::Comment { text, .. } => {
                let inline = gap == 0 && text.starts_with("/*");
                out.push(Doc::text(text));
                if inline {
                    out.push(Doc::text(" "));
                    continue;
                }
                if gap > 1 {
                    out.push(Doc::EmptyLine);
                }
                out.push(Doc::HardLine);
            }
            Lead::Attributes { doc, .. } => {
                out.push(doc);
                // `[a] // why`, which before a name is also what becomes of one on the next line.
                let comment = all.next_if(|(next, _)| {
                    matches!(next, Lead::Comment { text, lines } if text.starts_with("//")
                        && (*lines == 0 || behind == Behind::Blank))
                });
                let has_comment = comment.is_some();
                if let Some((Lead::Comment { text, .. }, _)) = comment {
                    out.push(Doc::ToLineEnd(format!(" {text}")));
                }
                out.push(match behind {
                    Behind::Blank if !has_comment => Doc::text(" "),
                    _ => Doc::HardLine,
                });
            }
        }
    }
    Doc::All(out)
}

/// `///text` as `/// text`, without blanks at the end.
pub(super) fn doc_text(text: &str) -> String {
    let (marker, text) = text.split_at(3);
    let blank = if text.starts_with(|c: char| c.is_alphanumeric()) { " " } else { "" };
    format!("{marker}{blank}{}", text.trim_end())
}

/// With `\n` for every line end, and no blanks at the end of lines.
pub(super) fn comment_text(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.split('\n').map(str::trim_end).collect::<Vec<_>>().join("\n")
}
