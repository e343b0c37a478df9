//! Where things were written: source files, their lines, and spans in them.
//!
//! Two front ends meet here. An `.idl` file gives byte ranges; a trait gives the compiler's own
//! token spans. [`Span`] is either, so that everything behind the front ends points at the user's
//! text without knowing which kind of text it was.

use std::fmt;
use std::ops::Range;

/// The number of a file in a [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A place in what the user wrote.
#[derive(Clone, Copy)]
pub enum Span {
    /// A range of bytes in an `.idl` file.
    Text {
        /// The file.
        file: FileId,
        /// The first byte.
        start: u32,
        /// The byte behind the last.
        end: u32,
    },
    /// Tokens that the Rust compiler gave us.
    Tokens(proc_macro2::Span),
}

impl Span {
    /// The bytes `range` of `file`.
    ///
    /// Offsets fit because [`Sources::add`] refuses larger files.
    pub fn text(file: FileId, range: Range<usize>) -> Self {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self::Text { file, start: offset(range.start), end: offset(range.end) }
    }

    /// The place of no text at all, for things that the compiler made up.
    pub fn call_site() -> Self {
        Self::Tokens(proc_macro2::Span::call_site())
    }

    /// The span for generated tokens: errors that rustc finds in them point at the user's trait.
    ///
    /// Rust cannot point into an `.idl` file, so text gives the place of the invocation.
    pub fn tokens(self) -> proc_macro2::Span {
        match self {
            Self::Text { .. } => proc_macro2::Span::call_site(),
            Self::Tokens(span) => span,
        }
    }

    /// The file and the bytes, for text.
    pub fn range(self) -> Option<(FileId, Range<usize>)> {
        match self {
            Self::Text { file, start, end } => Some((file, start as usize..end as usize)),
            Self::Tokens(_) => None,
        }
    }

    /// From the beginning of `self` to the end of `other`; `self` where they do not join.
    pub fn to(self, other: Self) -> Self {
        match (self, other) {
            (Self::Text { file, start, .. }, Self::Text { file: last, end, .. })
                if file == last && start <= end =>
            {
                Self::Text { file, start, end }
            }
            (Self::Tokens(first), Self::Tokens(last)) => {
                Self::Tokens(first.join(last).unwrap_or(first))
            }
            _ => self,
        }
    }

    /// The empty place just before the first byte.
    pub fn before(self) -> Self {
        match self {
            Self::Text { file, start, .. } => Self::Text { file, start, end: start },
            Self::Tokens(_) => self,
        }
    }

    /// The empty place just behind the last byte.
    pub fn after(self) -> Self {
        match self {
            Self::Text { file, end, .. } => Self::Text { file, start: end, end },
            Self::Tokens(_) => self,
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { file, start, end } => write!(f, "{}:{start}..{end}", file.0),
            Self::Tokens(_) => f.write_str("tokens"),
        }
    }
}

/// A position as people count it: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineColumn {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

/// One file, with its lines counted once.
#[derive(Debug)]
pub struct SourceFile {
    path: String,
    text: String,
    line_starts: Vec<u32>,
}

impl SourceFile {
    fn new(path: String, text: String) -> Self {
        let line_starts = line_starts(&text);
        Self { path, text, line_starts }
    }

    /// The path as the user gave it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a span, empty if the range is not one of this file.
    pub fn slice(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }

    /// The index of the line, from 0, that holds the byte at `offset`.
    pub fn line_of(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|&start| start as usize <= offset).saturating_sub(1)
    }

    /// The bytes of the line with index `line`, with its line end.
    pub fn line_range(&self, line: usize) -> Range<usize> {
        let start = |line: usize| self.line_starts.get(line).map(|&start| start as usize);
        start(line).unwrap_or(self.text.len())..start(line + 1).unwrap_or(self.text.len())
    }

    /// Line and column of the byte at `offset`.
    pub fn position(&self, offset: usize) -> LineColumn {
        let line = self.line_of(offset);
        let before = self.slice(self.line_range(line).start..offset.min(self.text.len()));
        LineColumn { line: line + 1, column: before.chars().count() + 1 }
    }
}

/// Where each line begins. `\n`, `\r\n` and a lone `\r` each end a line.
fn line_starts(text: &str) -> Vec<u32> {
    let bytes = text.as_bytes();
    let ends_line = |at: usize| match bytes.get(at) {
        Some(b'\n') => true,
        Some(b'\r') => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    let after_line_ends = (0..bytes.len()).filter(|&at| ends_line(at)).map(|at| at as u32 + 1);
    std::iter::once(0).chain(after_line_ends).collect()
}

/// The files of one run.
#[derive(Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// The longest file that is read. An interface of 4,000 methods takes one sixteenth of it.
    pub const MAX_LEN: usize = 16 << 20;

    /// No files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file; `path` is what messages call it. `None` if `text` is longer than
    /// [`MAX_LEN`](Self::MAX_LEN).
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) -> Option<FileId> {
        let text = text.into();
        if text.len() > Self::MAX_LEN {
            return None;
        }
        let id = FileId(u32::try_from(self.files.len()).ok()?);
        self.files.push(SourceFile::new(path.into(), text));
        Some(id)
    }

    /// The file with this number, unless the number comes from another `Sources`.
    pub fn get(&self, file: FileId) -> Option<&SourceFile> {
        self.files.get(file.0 as usize)
    }

    /// The numbers of all files, in the order in which they were added.
    pub fn ids(&self) -> impl Iterator<Item = FileId> + use<> {
        (0..self.files.len() as u32).map(FileId)
    }

    /// All files in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_counts_once() {
        let file = SourceFile::new("x".into(), "a\nb\r\nc\rd".into());
        let lines: Vec<_> = [0, 2, 5, 7].map(|offset| file.position(offset).line).into();
        assert_eq!(lines, [1, 2, 3, 4]);
    }

    #[test]
    fn columns_are_characters() {
        let file = SourceFile::new("x".into(), "/* ä */ x".into());
        assert_eq!(file.position(9), LineColumn { line: 1, column: 9 });
    }

    #[test]
    fn the_end_of_the_text_has_a_position() {
        let file = SourceFile::new("x".into(), "a\n".into());
        assert_eq!(file.position(2), LineColumn { line: 2, column: 1 });
    }
}
