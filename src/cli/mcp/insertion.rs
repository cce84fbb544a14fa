//! What an installation put into a file, so that it can be taken out to the byte.

use serde::{Deserialize, Serialize};

/// Pieces of text and where they were put: offsets in the old text, in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Insertion(Vec<(usize, String)>);

impl Insertion {
    pub(super) fn new(pieces: Vec<(usize, String)>) -> Self {
        Self(pieces)
    }

    /// The text with the pieces in it; `None` if an offset is not in the text.
    pub(super) fn apply(&self, old: &str) -> Option<String> {
        let mut new = String::with_capacity(old.len() + self.0.iter().map(|(_, text)| text.len()).sum::<usize>());
        let mut done = 0;
        for (at, text) in &self.0 {
            new.push_str(old.get(done..*at)?);
            new.push_str(text);
            done = *at;
        }
        new.push_str(old.get(done..)?);
        Some(new)
    }

    /// The text that [`Self::apply`] made this one of; `None` if the pieces are not where they were put.
    pub(super) fn undo(&self, new: &str) -> Option<String> {
        let mut old = String::with_capacity(new.len());
        let (mut done, mut inserted) = (0, 0);
        for (at, text) in &self.0 {
            let start = at + inserted;
            old.push_str(new.get(done..start)?);
            let end = start + text.len();
            if new.get(start..end)? != text {
                return None;
            }
            done = end;
            inserted += text.len();
        }
        old.push_str(new.get(done..)?);
        Some(old)
    }

    /// Each piece with the line, counted from 1, of the old text that it goes into.
    pub(super) fn by_line<'a>(&'a self, old: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
        let line = |at: usize| 1 + old.bytes().take(at).filter(|byte| *byte == b'\n').count();
        self.0.iter().map(move |(at, text)| (line(*at), text.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_comes_out() {
        let insertion = Insertion::new(vec![(1, ",".into()), (1, "\nä".into()), (3, "x".into())]);
        let new = insertion.apply("abcd").unwrap();
        assert_eq!(new, "a,\näbcxd");
        assert_eq!(insertion.undo(&new).as_deref(), Some("abcd"));
        assert_eq!(insertion.undo("abcd"), None);
        assert_eq!(insertion.apply(""), None);
        assert_eq!(insertion.by_line("\n\nab").map(|(line, _)| line).collect::<Vec<_>>(), [2, 2, 3]);
    }
}
