//! Counting lines by what is on them.

use crate::analyzer::Lines;
use crate::language::comment::Comment;
use crate::language::rust::tree::{Id, Syntax};

/// What is on a line; code wins over a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineKind {
    Blank,
    Comment,
    Code,
}

/// Number of lines of a text: line feeds, and one more if the last line has none behind it.
pub fn count(text: &str) -> u32 {
    u32::try_from(text.lines().count()).unwrap_or(u32::MAX)
}

/// Kind of every line of a parsed Rust file. A line inside a string literal is code, even when nothing is on it.
pub fn of_syntax(syntax: &Syntax) -> Vec<LineKind> {
    let mut kinds = vec![LineKind::Blank; syntax.text.lines().count()];
    let mut id: Id = 0;
    while id < syntax.len() {
        let node = syntax.node(id);
        let comment = node.kind.is_comment();
        if (comment || syntax.is_leaf(id)) && node.end > node.start {
            let kind = if comment { LineKind::Comment } else { LineKind::Code };
            mark(&mut kinds, node.first_row as usize, node.last_row as usize, kind);
        }
        id = if comment { syntax.subtree(id).end } else { id + 1 };
    }
    kinds
}

fn mark(kinds: &mut [LineKind], first: usize, last: usize, kind: LineKind) {
    let last = (last + 1).min(kinds.len());
    for slot in kinds.get_mut(first..last).unwrap_or_default() {
        *slot = (*slot).max(kind);
    }
}

/// Kind of every line of a text whose comments are known: what is neither blank nor wholly comment is code.
pub fn of_comments(text: &str, comments: &[Comment]) -> Vec<LineKind> {
    let mut commented = vec![0_usize; text.lines().count()];
    for comment in comments {
        if let Some(slot) = commented.get_mut(comment.row as usize) {
            *slot += visible(comment.whole);
        }
    }
    let lines = text.lines().zip(commented);
    lines
        .map(|(line, comment)| match visible(line) {
            0 => LineKind::Blank,
            all if all <= comment => LineKind::Comment,
            _ => LineKind::Code,
        })
        .collect()
}

fn visible(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

pub fn tally(kinds: &[LineKind]) -> Lines {
    let of = |kind| u32::try_from(kinds.iter().filter(|&&k| k == kind).count()).unwrap_or(u32::MAX);
    Lines {
        total: u32::try_from(kinds.len()).unwrap_or(u32::MAX),
        code: of(LineKind::Code),
        comment: of(LineKind::Comment),
        blank: of(LineKind::Blank),
    }
}

/// How many lines with code lie before each line, so that any range is counted in constant time.
pub struct CodeLines(Vec<u32>);

impl CodeLines {
    pub fn new(kinds: &[LineKind]) -> Self {
        let mut before = Vec::with_capacity(kinds.len() + 1);
        let mut sum = 0;
        before.push(sum);
        for &kind in kinds {
            sum += u32::from(kind == LineKind::Code);
            before.push(sum);
        }
        Self(before)
    }

    /// Lines with code between two 1-based lines, both included.
    pub fn between(&self, start_line: u32, end_line: u32) -> u32 {
        let before = |line: u32| self.0.get(line as usize).or(self.0.last()).copied().unwrap_or(0);
        before(end_line).saturating_sub(before(start_line.saturating_sub(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Language;
    use crate::language::comment::scan;

    #[test]
    fn both_ways_of_counting_agree_on_rust() {
        let text = "//! doc\r\n\r\nfn f() { // tail\r\n    /* a\r\n       b */\r\n    g(\"x\r\n\r\ny\");\r\n}\r\n";
        let syntax = Syntax::parse(text);
        let parsed = tally(&of_syntax(&syntax));
        assert_eq!(parsed, Lines { total: 9, code: 5, comment: 3, blank: 1 });
        let scanned = tally(&of_comments(text, &scan(Language::RUST, text).unwrap()));
        assert_eq!((scanned.total, scanned.comment), (9, 3));
    }

    #[test]
    fn empty_text_has_no_lines() {
        assert_eq!(tally(&of_comments("", &[])), Lines::default());
    }
}
