//! A text that is being mended, and where each of its bytes came from.
//!
//! Mistakes are repaired as text and parsed again, so that one mistake does not hide the next. What
//! is said about the repaired text must point at the text that the user wrote.

use std::ops::Range;

/// Text with an origin.
#[derive(Clone, Debug)]
pub(super) struct Working {
    text: String,
    /// In order, without gaps.
    pieces: Vec<Piece>,
}

/// A part of the text that was taken over as it was, or that came in place of something.
#[derive(Clone, Debug)]
struct Piece {
    /// In the working text.
    start: usize,
    len: usize,
    /// In the user's text.
    origin: Range<usize>,
    kind: PieceKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PieceKind {
    Original,
    Replacement,
}

impl Piece {
    fn end(&self) -> usize {
        self.start + self.len
    }

    /// The part before `at`, of the working text.
    fn before(&self, at: usize) -> Self {
        let len = at - self.start;
        match self.kind {
            PieceKind::Original => {
                let origin = self.origin.start..self.origin.start + len;
                Self { start: self.start, len, origin, kind: self.kind }
            }
            PieceKind::Replacement => Self { len, ..self.clone() },
        }
    }

    /// The part from `at`, of the working text.
    fn from(&self, at: usize) -> Self {
        let len = self.end() - at;
        match self.kind {
            PieceKind::Original => {
                let origin = self.origin.end - len..self.origin.end;
                Self { start: at, len, origin, kind: self.kind }
            }
            PieceKind::Replacement => Self { start: at, len, ..self.clone() },
        }
    }
}

impl Working {
    /// `text`, as it is.
    pub(super) fn new(text: &str) -> Self {
        let piece =
            Piece { start: 0, len: text.len(), origin: 0..text.len(), kind: PieceKind::Original };
        Self { text: text.to_owned(), pieces: vec![piece] }
    }

    /// The text as it is now.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The part of the text in `range`, with its origin.
    pub(super) fn part(&self, range: Range<usize>) -> Self {
        let mut pieces = Vec::new();
        let first = self.pieces.partition_point(|piece| piece.end() < range.start);
        for piece in &self.pieces[first..] {
            if piece.start > range.end {
                break;
            }
            let head =
                if piece.end() > range.end { piece.before(range.end) } else { piece.clone() };
            let mut part = if head.start < range.start { head.from(range.start) } else { head };
            part.start -= range.start;
            pieces.push(part);
        }
        Self { text: self.text[range].to_owned(), pieces }
    }

    /// Puts `replacement` in place of `range`.
    pub(super) fn splice(&mut self, range: Range<usize>, replacement: &str) {
        let origin = self.origin(range.clone());
        let middle = Piece {
            start: range.start,
            len: replacement.len(),
            origin,
            kind: PieceKind::Replacement,
        };
        let mut pieces = Vec::with_capacity(self.pieces.len() + 2);
        for piece in &self.pieces {
            if piece.start < range.start {
                pieces.push(piece.before(piece.end().min(range.start)));
            }
        }
        pieces.push(middle);
        for piece in &self.pieces {
            if piece.end() > range.end {
                let mut tail = piece.from(piece.start.max(range.end));
                tail.start = tail.start - range.end + range.start + replacement.len();
                pieces.push(tail);
            }
        }
        self.pieces = pieces;
        self.text.replace_range(range, replacement);
    }

    /// Where the user wrote what stands in `range` now.
    ///
    /// An empty range keeps to the text before it: it is where something is missing, and that is
    /// behind the last word rather than before the next.
    pub(super) fn origin(&self, range: Range<usize>) -> Range<usize> {
        let start = match range.is_empty() {
            true => self.origin_end(range.start),
            false => self.origin_start(range.start),
        };
        start..self.origin_end(range.end).max(start)
    }

    fn origin_start(&self, at: usize) -> usize {
        let index = self.pieces.partition_point(|piece| piece.end() <= at);
        match self.pieces.get(index) {
            Some(piece) if piece.kind == PieceKind::Original => {
                piece.origin.start + at.saturating_sub(piece.start)
            }
            Some(piece) => piece.origin.start,
            None => self.pieces.last().map_or(0, |piece| piece.origin.end),
        }
    }

    fn origin_end(&self, at: usize) -> usize {
        let index = self.pieces.partition_point(|piece| piece.end() < at);
        match self.pieces.get(index) {
            Some(piece) if piece.kind == PieceKind::Original => {
                piece.origin.start + at.saturating_sub(piece.start)
            }
            Some(piece) => piece.origin.end,
            None => self.pieces.last().map_or(0, |piece| piece.origin.end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_survive_insertions() {
        let mut working = Working::new("struct A { a u32 }");
        working.splice(12..12, ":");
        assert_eq!(working.text(), "struct A { a: u32 }");
        assert_eq!(working.origin(14..17), 13..16);
        assert_eq!(working.origin(12..13), 12..12);
    }

    #[test]
    fn places_survive_replacements_and_deletions() {
        let mut working = Working::new("abcdef");
        working.splice(1..3, "12345");
        working.splice(6..7, "");
        assert_eq!(working.text(), "a12345ef");
        assert_eq!(working.origin(1..6), 1..3);
        assert_eq!(working.origin(6..8), 4..6);
        assert_eq!(working.origin(0..1), 0..1);
    }

    #[test]
    fn a_part_keeps_its_origin() {
        let mut working = Working::new("one two three");
        working.splice(4..7, "2");
        let part = working.part(4..8);
        assert_eq!(part.text(), "2 th");
        assert_eq!(part.origin(0..1), 4..7);
        assert_eq!(part.origin(2..4), 8..10);
    }
}
