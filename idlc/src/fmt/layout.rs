//! Text with places where lines may be broken, after Wadler's "A prettier printer".
//!
//! What is written says what belongs together; whether it fits on a line is decided here, from the
//! outside in.

/// How long a line may be, in characters.
const WIDTH: usize = 100;

/// How far each level is indented.
const INDENT: usize = 4;

/// Something to be laid out.
#[derive(Clone, Debug)]
pub(super) enum Doc {
    /// As it stands.
    Text(String),
    /// One after the other.
    All(Vec<Doc>),
    /// A blank, or a new line where the group is broken.
    Line,
    /// Nothing, or a new line where the group is broken.
    SoftLine,
    /// A new line, which breaks every group around it.
    HardLine,
    /// An empty line where the group is broken.
    EmptyLine,
    /// Something that stands only where the group is broken.
    IfBroken(&'static str),
    /// A comment that goes to the end of the line, whatever else comes on that line.
    ToLineEnd(String),
    /// One level deeper.
    Indented(Box<Doc>),
    /// Broken if it does not fit, or if something in it has to be.
    Group(Box<Doc>, Broken),
}

/// Whether something has to be broken, whatever the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Surely,
    IfTooLong,
}

impl Doc {
    pub(super) fn text(text: impl Into<String>) -> Doc {
        Doc::Text(text.into())
    }

    pub(super) fn indented(doc: Doc) -> Doc {
        Doc::Indented(Box::new(doc))
    }

    pub(super) fn group(doc: Doc) -> Doc {
        let broken = doc.broken();
        Doc::Group(Box::new(doc), broken)
    }

    pub(super) fn broken_group(doc: Doc) -> Doc {
        Doc::Group(Box::new(doc), Broken::Surely)
    }

    /// Whether what is around it has to be broken.
    fn broken(&self) -> Broken {
        let surely = match self {
            Doc::HardLine | Doc::ToLineEnd(_) | Doc::Group(_, Broken::Surely) => true,
            Doc::Text(text) => text.contains('\n'),
            Doc::All(all) => all.iter().any(|doc| doc.broken() == Broken::Surely),
            Doc::Indented(doc) => doc.broken() == Broken::Surely,
            _ => false,
        };
        if surely { Broken::Surely } else { Broken::IfTooLong }
    }
}

/// Lays `doc` out. The text ends in a line end, unless it is empty.
pub(super) fn lay_out(doc: &Doc) -> String {
    let mut page = Page { text: String::new(), column: 0, suffix: String::new(), blocks: 0 };
    let mut todo = vec![(0, Mode::Broken, doc)];
    while let Some((indent, mode, doc)) = todo.pop() {
        match (doc, mode) {
            (Doc::Text(text), _) => page.write(text),
            (Doc::All(all), _) => {
                todo.extend(all.iter().rev().map(|doc| (indent, mode, doc)));
            }
            (Doc::HardLine, _) | (Doc::Line | Doc::SoftLine, Mode::Broken) => page.new_line(indent),
            (Doc::Line, Mode::Flat) => page.write(" "),
            (Doc::SoftLine | Doc::EmptyLine | Doc::IfBroken(_), Mode::Flat) => {}
            (Doc::EmptyLine, Mode::Broken) => page.new_line(0),
            (Doc::IfBroken(text), Mode::Broken) => page.write(text),
            (Doc::ToLineEnd(text), _) => page.wait(text),
            (Doc::Indented(doc), _) => todo.push((indent + INDENT, mode, doc)),
            (Doc::Group(doc, broken), _) => {
                let room = WIDTH.saturating_sub(page.column);
                let flat = *broken == Broken::IfTooLong && fits(doc, &todo, room);
                todo.push((indent, if flat { Mode::Flat } else { Mode::Broken }, doc));
            }
        }
    }
    page.finish()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Flat,
    Broken,
}

/// Whether `doc` on one line, with what follows it up to the next line, needs no more than `room`.
fn fits(doc: &Doc, rest: &[(usize, Mode, &Doc)], room: usize) -> bool {
    let mut room = room;
    let mut rest = rest.iter().rev();
    let mut todo = vec![(Mode::Flat, doc)];
    // A group behind this one is not asked to make room: parameters are broken before results.
    loop {
        let Some((mode, doc)) = todo.pop() else {
            match rest.next() {
                Some(&(_, mode, doc)) => todo.push((mode, doc)),
                None => return true,
            }
            continue;
        };
        let width = match (doc, mode) {
            (Doc::Text(text), _) => text.chars().count(),
            (Doc::Line, Mode::Flat) => 1,
            (Doc::HardLine, _) | (Doc::Line | Doc::SoftLine | Doc::EmptyLine, Mode::Broken) => {
                return true;
            }
            (Doc::SoftLine | Doc::EmptyLine | Doc::ToLineEnd(_), _) => 0,
            (Doc::IfBroken(text), mode) => {
                if mode == Mode::Broken {
                    text.len()
                } else {
                    0
                }
            }
            (Doc::All(all), _) => {
                todo.extend(all.iter().rev().map(|doc| (mode, doc)));
                0
            }
            (Doc::Indented(doc), _) => {
                todo.push((mode, doc));
                0
            }
            (Doc::Group(doc, broken), _) => {
                let mode = if *broken == Broken::Surely { Mode::Broken } else { Mode::Flat };
                todo.push((mode, doc));
                0
            }
        };
        match room.checked_sub(width) {
            Some(left) => room = left,
            None => return false,
        }
    }
}

struct Page {
    text: String,
    column: usize,
    /// Comments that wait for the end of the line.
    suffix: String,
    /// How much of them are block comments. Nothing may follow the others on their line.
    blocks: usize,
}

impl Page {
    fn write(&mut self, text: &str) {
        self.text.push_str(text);
        match text.rfind('\n') {
            Some(at) => self.column = text[at + 1..].chars().count(),
            None => self.column += text.chars().count(),
        }
    }

    /// Keeps a comment for the end of the line.
    fn wait(&mut self, comment: &str) {
        if comment.trim_start().starts_with("/*") {
            self.suffix.insert_str(self.blocks, comment);
            self.blocks += comment.len();
        } else {
            self.suffix.push_str(comment);
        }
    }

    fn end_line(&mut self) {
        let end = self.text.trim_end_matches([' ', '\t']).len();
        self.text.truncate(end);
        self.text.push_str(&std::mem::take(&mut self.suffix));
        self.blocks = 0;
    }

    fn new_line(&mut self, indent: usize) {
        self.end_line();
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    fn finish(mut self) -> String {
        self.end_line();
        let end = self.text.trim_end().len();
        self.text.truncate(end);
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let begin = self.text.len() - self.text.trim_start_matches('\n').len();
        self.text.split_off(begin)
    }
}
