//! Counting lines by what is on them.

use super::comment::Comment;

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

/// Notes what is on some rows.
pub fn mark(kinds: &mut [LineKind], first: usize, last: usize, kind: LineKind) {
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
